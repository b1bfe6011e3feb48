"""Figures of the handoff between the teams: work by week, and when promises break."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from funnelsim.measures import BreachHour
from funnelsim.reporting.common.drawing import (
    GREY,
    PALETTE,
    date_axis,
    heading,
    line_style,
    new_figure,
    over_all,
    styled,
)
from funnelsim.reporting.common.format import number
from funnelsim.result import Result, TimeSeries

DAYS, HOURS = 7, 24


def handoff_figures(result: Result) -> Iterator[tuple[str, Figure]]:
    """All figures of the handoff for which a run has something to show, by the name of the file."""
    name = result.manifest.name
    if worked := worked_tracks(result):
        yield "utilisation", utilisation_figure(worked, f"{name}: share of paid hours at work, by week")
    if any(one.estimate.mean > 0.0 for one in result.breaches):
        yield "breaches", breach_figure(result.breaches, f"{name}: when first touches fall due and are missed")


def worked_tracks(result: Result) -> list[TimeSeries]:
    """Weekly utilisation of the teams that work at all."""
    return [track for track in result.tracks if track.name == "utilisation" and np.nan_to_num(track.mean).any()]


def utilisation_figure(tracks: Sequence[TimeSeries], title: str = "Utilisation") -> Figure:
    """How much of their paid hours each team works, week by week."""
    with styled():
        figure, (axes,) = new_figure(3.6)
        for i, track in enumerate(tracks):
            dates = np.array(track.dates, "datetime64[D]")
            style = line_style(i)
            axes.fill_between(dates, track.low, track.high, color=style["color"], alpha=0.15, linewidth=0)
            axes.plot(dates, track.mean, label=track.of, **style)
        axes.axhline(1.0, color=GREY, linewidth=1.0)
        axes.set_ylim(0.0, max(1.08, 1.05 * max(float(np.nanmax(track.high)) for track in tracks)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
        axes.set_ylabel("Hours worked of hours paid")
        axes.set_title(heading(title))
        axes.legend(loc="lower right", ncols=min(4, len(tracks)))
        date_axis(axes)
        axes.set_xlabel("Lines: mean. Bands: central 90 % of periods.")
        return figure


def breach_figure(breaches: Sequence[BreachHour], title: str = "Promises missed") -> Figure:
    """Missed first touches by the local hour in which they fell due; a panel a team."""
    teams = list(dict.fromkeys(one.team for one in breaches))
    days = list(dict.fromkeys(one.day for one in breaches))
    with styled():
        figure, every = new_figure(1.0 + 2.3 * len(teams), rows=len(teams), sharex=True)
        for axes, team in zip(every, teams, strict=True):
            table = np.zeros((DAYS, HOURS))
            for one in breaches:
                if one.team == team:
                    table[days.index(one.day), one.hour] = one.estimate.mean
            image = axes.imshow(table, aspect="auto", cmap="cividis", interpolation="nearest")
            axes.set_yticks(range(DAYS), [day[:3] for day in days])
            axes.set_xticks(range(0, HOURS, 3), [f"{hour:02}:00" for hour in range(0, HOURS, 3)])
            axes.grid(visible=False)
            axes.set_title(f"{team}: {number(table.sum())} in a period", color=PALETTE[-1])
            bar = figure.colorbar(image, ax=axes, pad=0.01)
            bar.set_label("missed a period")
        over_all(figure, title)
        every[-1].set_xlabel("Local hour at which the promise ran out")
        return figure
