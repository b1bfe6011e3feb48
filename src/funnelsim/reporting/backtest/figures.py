"""The figures of a back-test: forecasts over time with what happened, coverage by horizon and quantity, the PIT."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from scipy.stats import binom

from funnelsim.reporting.common.drawing import (
    BLUE,
    GREY,
    ORANGE,
    SKY,
    VERMILION,
    date_axis,
    heading,
    new_figure,
    styled,
    wrapped,
)
from funnelsim.reporting.common.format import shown
from funnelsim.study.backtest.actuals import LEADS, REVENUE, WINS, Quantity
from funnelsim.study.backtest.forecast import Forecast
from funnelsim.study.backtest.forecast_scores import ForecastScore, central
from funnelsim.study.backtest.rolling import Backtest

MOST_PANELS = 4
BINS = 10
QUIET = "#444444"


def backtest_figures(backtest: Backtest) -> Iterator[tuple[str, Figure]]:
    """Every figure of a back-test by the name of its file; fans alone where no forecast could be scored."""
    yield "fans", fans_figure(backtest)
    if backtest.scored:
        yield "coverage", coverage_figure(backtest)
        yield "pit", pit_figure(backtest)


# ---- forecasts over time -------------------------------------------------------------------------------------------


def fans_figure(backtest: Backtest) -> Figure:
    """Week by week: what happened, and forecasts whose windows do not overlap."""
    shown_ones = _panels(backtest)
    forecasts = _apart(backtest)
    with styled():
        figure, panels = new_figure(1.5 + 1.75 * len(shown_ones), rows=len(shown_ones), sharex=True)
        for axes, (row, quantity) in zip(panels, shown_ones, strict=True):
            for one in forecasts:
                _fan(axes, backtest, one, row)
            dates = _dates(backtest.actuals_from, backtest.actuals.shape[1])
            axes.plot(
                dates, backtest.actuals[row], "o-", color="#000000", markersize=3, linewidth=1.2, label="what happened"
            )
            axes.set_ylabel("\n".join(wrapped([f"{quantity.text} a week"], 16)))
            axes.set_ylim(bottom=0.0)
            axes.yaxis.set_major_formatter(
                FuncFormatter(lambda value, _, unit=quantity.unit: shown(value, unit, backtest.currency))
            )
        date_axis(panels[-1])
        panels[0].set_title(heading(f"{backtest.name}: what was forecast, and what happened"), pad=24)
        handles = dict(zip(*reversed(panels[0].get_legend_handles_labels()), strict=True))
        panels[0].legend(
            list(handles.values()),
            list(handles),
            loc="lower left",
            bbox_to_anchor=(-0.01, 1.01),
            ncols=5,
            fontsize=9,
            borderaxespad=0.0,
            columnspacing=1.2,
            handlelength=1.6,
        )
        figure.supxlabel(
            "Each fan begins at a dotted line and rests on what was known there. A point is a week, at its first day.",
            fontsize=9.5,
            color=QUIET,
        )
        return figure


def _panels(backtest: Backtest) -> list[tuple[int, Quantity]]:
    """Leads, wins and revenue, and of the stages between as many as there is room for."""
    rows = list(enumerate(backtest.forecast_spec.quantities))
    first = [row for row in rows if row[1].name in (LEADS, WINS, REVENUE)]
    between = [row for row in rows if row not in first][: MOST_PANELS - len(first)]
    return sorted([*first, *between])


def _apart(backtest: Backtest) -> list[Forecast]:
    """Forecasts so far from each other that their fans do not overlap; the last one first."""
    chosen: list[Forecast] = []
    for one in reversed(backtest.forecasts):
        weeks = _weeks(backtest, one)
        free = not chosen or one.origin + timedelta(days=7 * weeks) <= chosen[-1].origin
        if free and (weeks > 1 or len(backtest.forecasts) == 1):
            chosen.append(one)
    return chosen


def _weeks(backtest: Backtest, one: Forecast) -> int:
    return min(backtest.origins.weeks_after(one.origin), backtest.forecast_spec.weeks)


def _fan(axes: Axes, backtest: Backtest, one: Forecast, row: int) -> None:
    drawn = np.sort(one.drawn[row, :, : _weeks(backtest, one)], axis=0)
    dates = _dates(one.origin, drawn.shape[1])
    axes.axvline(dates[0], color=GREY, linewidth=0.9, linestyle=(0, (1, 2)))
    if not np.isfinite(drawn).all():
        return
    middle = np.median(drawn, axis=0)
    for level, alpha in ((0.9, 0.20), (0.5, 0.38)):
        low, high = np.array([central(drawn[:, week], level) for week in range(drawn.shape[1])]).T
        axes.fill_between(dates, low, high, color=BLUE, alpha=alpha, linewidth=0, label=f"{100 * level:.0f} % forecast")
    axes.plot(dates, middle, color=BLUE, linewidth=1.6, label="its middle")
    naive = np.full(drawn.shape[1], one.before[row].mean())
    axes.plot(dates, naive, color=ORANGE, linewidth=1.4, linestyle=(0, (4, 2)), label="last weeks, carried on")


def _dates(first: datetime, weeks: int) -> Any:
    """First days of weeks, as Matplotlib counts days."""
    return date2num([first + timedelta(days=7 * week) for week in range(weeks)])  # type: ignore[no-untyped-call]


# ---- coverage ------------------------------------------------------------------------------------------------------


def coverage_figure(backtest: Backtest) -> Figure:
    """How often intervals held: all, by horizon and by quantity, with the interval of each share."""
    rows = [("all", backtest.score_of())]
    for weeks in backtest.horizons:
        ahead = f"{weeks} week{'' if weeks == 1 else 's'} ahead"
        rows.append((ahead, backtest.score_of(lambda row, weeks=weeks: row.weeks == weeks)))  # type: ignore[misc]
    for one in backtest.forecast_spec.quantities:
        rows.append((one.text, backtest.score_of(lambda row, one=one: row.quantity == one)))  # type: ignore[misc]
    there = [(name, one) for name, one in rows if one is not None]
    with styled():
        figure, (axes,) = new_figure(1.6 + 0.42 * len(there))
        _coverage(axes, there)
        axes.axhline(0.5, color=GREY, linewidth=0.9)
        axes.axhline(0.5 + len(backtest.horizons), color=GREY, linewidth=0.9)
        axes.set_xlabel("Share of intervals that held what happened")
        axes.set_title(heading(f"{backtest.name}: did intervals hold?"), pad=24)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=2, fontsize=9.5, borderaxespad=0.0)
        figure.supxlabel(
            "Dashed: what was promised. Bars: 90 % interval of the share, instants taken as independent.",
            fontsize=9.5,
            color=QUIET,
        )
        return figure


def _coverage(axes: Axes, rows: Sequence[tuple[str, ForecastScore]]) -> None:
    places = np.arange(len(rows), dtype=float)
    for level, color, marker, shift in ((0.9, BLUE, "o", -0.13), (0.5, VERMILION, "s", 0.13)):
        spreads = [one.held90 if level == 0.9 else one.held50 for _, one in rows]
        values = np.array([spread.value for spread in spreads])
        reach = np.array(
            [[spread.value - spread.low for spread in spreads], [spread.high - spread.value for spread in spreads]]
        )
        axes.axvline(level, color=color, linewidth=1.1, linestyle=(0, (4, 2)))
        axes.errorbar(
            values,
            places + shift,
            xerr=reach,
            fmt=marker,
            color=color,
            markersize=5.5,
            linewidth=1.6,
            label=f"{100 * level:.0f} % intervals",
        )
    axes.set_yticks(places, [f"{name} ({one.forecasts})" for name, one in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(0.0, 1.02)
    axes.xaxis.set_major_formatter(FuncFormatter(_percent))


# ---- PIT -----------------------------------------------------------------------------------------------------------


def pit_figure(backtest: Backtest) -> Figure:
    """Where in its forecast each thing that happened lay: level when forecasts are honest."""
    values = np.array([one.pit for one in backtest.scored])
    counts, edges = np.histogram(values, BINS, (0.0, 1.0))
    low, high = binom.interval(0.9, len(values), 1.0 / BINS)
    with styled():
        figure, (axes,) = new_figure(3.9)
        axes.bar(edges[:-1], counts, np.diff(edges), align="edge", color=SKY, edgecolor="white", zorder=2)
        axes.axhspan(
            low,
            high,
            color=QUIET,
            alpha=0.16,
            linewidth=0,
            zorder=3,
            label="90 % of bars, were forecasts honest and independent",
        )
        axes.axhline(
            len(values) / BINS, color=QUIET, linewidth=1.2, linestyle=(0, (4, 2)), zorder=4, label="their mean"
        )
        axes.set_xlim(0.0, 1.0)
        axes.xaxis.set_major_formatter(FuncFormatter(_percent))
        axes.set_xlabel("Share of the forecast below what happened")
        axes.set_ylabel("Forecasts")
        axes.set_title(heading(f"{backtest.name}: where in its forecast did it lie?"), pad=24)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 0.99), ncols=2, fontsize=9.5, borderaxespad=0.0)
        figure.supxlabel(
            "Heaped at both ends: intervals too narrow. In the middle: too wide. To the right: more came "
            "than forecast.",
            fontsize=9.5,
            color=QUIET,
        )
        return figure


def _percent(value: float, _: object) -> str:
    return f"{100 * value:.0f} %"
