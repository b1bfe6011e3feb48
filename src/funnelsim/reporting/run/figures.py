"""Figures: outcomes of scenarios, response against the promise, what goes on week by week; and all those of a run.

Each takes plain data and gives a Figure, so that runs and comparisons draw with the same pens.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from funnelsim.reporting.common.drawing import (
    GREY,
    PALETTE,
    date_axis,
    delay_axis,
    heading,
    legend_columns,
    line_style,
    money_axis,
    new_figure,
    over_all,
    percent_axis,
    save_all,
    styled,
    wrapped,
)
from funnelsim.reporting.common.figure_formats import USUAL
from funnelsim.reporting.common.format import DAY, MINUTE, duration, money, number, percent
from funnelsim.reporting.common.funnel_figure import funnel_figure, steps_of
from funnelsim.reporting.common.response_curve_figure import curves_figure
from funnelsim.reporting.handoff.figures import handoff_figures
from funnelsim.result import Result
from funnelsim.study.response_curves import StageCurves, curves_of_resolved
from funnelsim.typing import FloatArray

COHORT = "cohort"


@dataclass(frozen=True)
class ScenarioOutcome:
    """Wins and revenue of one scenario: (middle, low, high)."""

    name: str
    wins: tuple[float, float, float]
    revenue: tuple[float, float, float]


@dataclass(frozen=True)
class Response:
    """Share of the leads that entered touched within each delay."""

    name: str
    delays: FloatArray  # seconds
    share: FloatArray
    in_time: float = math.nan  # share touched within the promise, where there is one


@dataclass(frozen=True)
class Band:
    """A quantity over time with the spread of one period."""

    name: str
    dates: Sequence[date]
    mean: FloatArray
    low: FloatArray
    high: FloatArray


def outcomes_figure(rows: Sequence[ScenarioOutcome], currency: str, interval: str) -> Figure:
    """Wins and revenue of scenarios side by side; `interval` says in words what the bars span."""
    with styled():
        figure, (left, right) = new_figure(1.6 + 0.55 * len(rows), columns=2, sharey=True)
        for axes, title, spans in (
            (left, "Wins", [row.wins for row in rows]),
            (right, "Revenue", [row.revenue for row in rows]),
        ):
            for i, (middle, low, high) in enumerate(spans):
                color = PALETTE[i % len(PALETTE)]
                said = number(middle) if axes is left else money(middle, currency)
                axes.plot([low, high], [i, i], color=color, linewidth=3.0, alpha=0.45, solid_capstyle="butt")
                axes.plot(middle, i, "o", color=color, markersize=8)
                axes.annotate(said, (middle, i), (0, 8), textcoords="offset points", ha="center", fontsize=10)
            axes.set_title(title)
            axes.grid(axis="y", visible=False)
            axes.margins(x=0.12)
            axes.locator_params(axis="x", nbins=5)
        right.tick_params(axis="y", length=0)
        left.set_yticks(range(len(rows)), wrapped([row.name for row in rows]))
        left.set_ylim(len(rows) - 0.5, -0.65)
        money_axis(right, currency)
        figure.supxlabel(f"Points: mean. Bars: {interval}.", fontsize=9.5, color="#444444")
        return figure


def response_figure(
    curves: Sequence[Response],
    promise: float = math.nan,
    promised: str = "",
    title: str = "How soon leads are touched",
    business: bool = False,
) -> Figure:
    """Cumulative share of leads touched by delay, with the promise and the share that nobody ever touches.

    A promise in business time stands at no one place of an elapsed axis: it is said, and drawn as no line.
    """
    with styled():
        figure, (axes,) = new_figure(4.4)
        low, high = MINUTE, 30 * DAY
        for i, curve in enumerate(curves):
            shown = (curve.delays >= low) & (curve.delays <= high)
            never = 1.0 - float(curve.share[-1])
            in_time = f"in time {percent(curve.in_time)}, " if math.isfinite(curve.in_time) else ""
            axes.plot(
                curve.delays[shown],
                curve.share[shown],
                label=f"{curve.name} ({in_time}never {percent(never)})",
                **line_style(i),
            )
        if math.isfinite(promise) and not business:
            axes.axvline(promise, color="#333333", linewidth=1.2, linestyle=(0, (2, 2)))
            axes.annotate(
                promised or f"promise: {duration(promise)}",
                (promise, 1.0),
                (4, 2),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                fontsize=9.5,
                color="#333333",
            )
        elif math.isfinite(promise):
            axes.annotate(
                f"{promised}, which runs in opening hours only",
                (1.0, 1.0),
                (0, 4),
                ha="right",
                xycoords="axes fraction",
                textcoords="offset points",
                fontsize=9.5,
                color="#333333",
            )
        delay_axis(axes, low, high)
        percent_axis(axes)
        axes.set_title(heading(title), pad=22 if math.isfinite(promise) else 8)
        axes.set_xlabel("Time from entering the stage to the first attempt (elapsed, nights and weekends included)")
        axes.set_ylabel("Leads touched by then")
        axes.legend(loc="upper left")
        return figure


def backlog_figure(panels: Mapping[str, Sequence[Band]], title: str = "") -> Figure:
    """What waits over time, a panel a team, a line a scenario; points are weeks."""
    return weekly_figure(panels, "Leads waiting", "At midnight, averaged by week. ", title=title)


def burn_up_figure(panels: Mapping[str, Sequence[Band]], title: str = "") -> Figure:
    """Volume delivered against volume promised, added up by week; a panel a promise."""
    return weekly_figure(panels, "Since the start", title=title)


def weekly_figure(
    panels: Mapping[str, Sequence[Band]], what: str, when: str = "By week. ", share: bool = False, title: str = ""
) -> Figure:
    """A quantity by week, a panel a team or promise, a line a scenario; `share` of 1, as a percentage."""
    with styled():
        figure, every = new_figure(0.9 + 2.3 * len(panels), rows=len(panels), sharex=True)
        fullest_first = sorted(panels.values(), key=len, reverse=True)
        names = list(dict.fromkeys(band.name for bands in fullest_first for band in bands))
        for axes, (team, bands) in zip(every, panels.items(), strict=True):
            for band in bands:
                style = line_style(names.index(band.name))
                axes.fill_between(_days(band), band.low, band.high, color=style["color"], alpha=0.18, linewidth=0)
                axes.plot(_days(band), band.mean, label=band.name, **style)
            axes.set_title(team)
            axes.set_ylim(bottom=0.0)
            axes.set_ylabel(what)
            axes.yaxis.set_major_formatter(
                FuncFormatter(lambda value, _: f"{100 * value:.0f} %" if share else number(value))
            )
            if share:
                axes.axhline(1.0, color=GREY, linewidth=1.0)
        date_axis(every[-1])
        if title:
            over_all(figure, title)
        if len(names) > 1:
            shown = {
                label: handle for axes in every for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
            }
            handles = [shown[name] for name in names]
            if title:  # which stands where the legend would
                every[0].legend(handles, names, loc="upper left")
            else:
                figure.legend(handles, names, loc="outside upper right", ncols=legend_columns(names))
        figure.supxlabel(f"{when}Lines: mean. Bands: central 90 % of periods.", fontsize=9.5, color="#444444")
        return figure


# ---- figures of a run ----------------------------------------------------------------------------------------------


def draw_run(result: Result, folder: Path, formats: Sequence[str] = USUAL) -> list[Path]:
    """All figures of a run."""
    return save_all(run_figures(result), folder, formats)


def run_figures(result: Result) -> Iterator[tuple[str, Figure]]:
    """Every figure of a run by the name of its file, where there is something to show."""
    name = result.manifest.name
    yield (
        "funnel",
        funnel_figure({name: steps_of(result.book.stages, means_of(result))}, f"{name}: the funnel and where it leaks"),
    )
    if any(curve.window == COHORT for curve in result.curves):
        yield "response", response_of(result)
    if panels := weekly_bands({name: result}, "queue"):
        yield "backlog", backlog_figure(panels, f"{name}: leads that wait")
    if panels := burn_up_bands({"delivered": result}):
        yield "burn-up", burn_up_figure(panels, f"{name}: what was promised and what was delivered")
    yield from handoff_figures(result)
    if stages := curves_of_resolved(result.manifest.resolved[0]):
        yield "response-curves", curves_of(result, stages)


def response_of(result: Result) -> Figure:
    """How soon the leads of a run are touched, a line a stage."""
    curves = [curve for curve in result.curves if curve.window == COHORT]
    promises = {(curve.promise, curve.business) for curve in curves if math.isfinite(curve.promise)}
    promise, business = promises.pop() if len(promises) == 1 else (math.nan, False)
    return response_figure(
        [Response(curve.stage, curve.delays, curve.share) for curve in curves],
        promise,
        promised_text(promise, business),
        f"{result.manifest.name}: how soon leads are touched",
        business,
    )


def curves_of(result: Result, stages: Sequence[StageCurves]) -> Figure:
    """The response curves that could stand in the stages of a run, and how soon half of their leads were touched."""
    value = means_of(result)
    half = {stage.name: [("half", value(f"cohort.response_p50.{stage.name}"))] for stage in stages}
    return curves_figure(stages, half, f"{result.manifest.name}: what a later first touch does")


def weekly_bands(runs: Mapping[str, Result], name: str) -> dict[str, list[Band]]:
    """A weekly series of runs, by team, stage or promise; a band a run."""
    panels: dict[str, list[Band]] = {}
    for run, result in runs.items():
        for track in result.tracks:
            if track.name == name:
                panels.setdefault(track.of, []).append(Band(run, track.dates, track.mean, track.low, track.high))
    return panels


def burn_up_bands(runs: Mapping[str, Result]) -> dict[str, list[Band]]:
    """What runs delivered of each promised volume, and what was promised."""
    promised = {
        track.of: Band("promised", track.dates, track.mean, track.mean, track.mean)
        for one in runs.values()
        for track in one.tracks
        if track.name == "promised"
    }
    return {of: [*bands, promised[of]] for of, bands in weekly_bands(runs, "burn-up").items()}


def promised_text(promise: float, business: bool) -> str:
    """The promise in words; business time is shorter on the clock than on the wall."""
    return f"promise: {duration(promise)}{' of business time' if business else ''}"


def means_of(result: Result) -> Callable[[str], float]:
    """The mean of a measure by its key; nan where there is none."""

    def mean(key: str) -> float:
        return result[key].mean if key in result.measures else math.nan

    return mean


def _days(band: Band) -> NDArray[np.datetime64]:
    return np.array(band.dates, "datetime64[D]")
