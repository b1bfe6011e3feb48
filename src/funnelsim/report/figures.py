"""Figures: outcomes of scenarios, response against the promise, backlog over time, the funnel with its leaks.

Each takes plain data and gives a Figure, so that runs and comparisons draw with the same pens.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from funnelsim.report.drawing import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALETTE,
    PURPLE,
    SKY,
    VERMILION,
    count_axis,
    date_axis,
    delay_axis,
    line_style,
    money_axis,
    new_figure,
    percent_axis,
    save,
    styled,
    wrapped,
)
from funnelsim.report.seam_figures import draw_seam
from funnelsim.report.wording import DAY, MINUTE, duration, money, number, percent
from funnelsim.result import Result

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """Wins and revenue of one scenario: (middle, low, high)."""

    name: str
    wins: tuple[float, float, float]
    revenue: tuple[float, float, float]


@dataclass(frozen=True)
class Response:
    """Share of the leads that entered touched within each delay."""

    name: str
    delays: Floats              # seconds
    share: Floats
    in_time: float = math.nan       # share touched within the promise, where there is one


@dataclass(frozen=True)
class Band:
    """A quantity over time with the spread of one period."""

    name: str
    dates: Sequence[date]
    mean: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Step:
    """One stage of the funnel: where the leads that entered it went, as shares of one."""

    name: str
    entered: float
    shares: dict[str, float]    # "went on", "went back", "lost", "never reached", "still open"


def outcomes_figure(rows: Sequence[Outcome], currency: str, interval: str) -> Figure:
    """Wins and revenue of scenarios side by side; `interval` says in words what the bars span."""
    with styled():
        figure, (left, right) = new_figure(1.6 + 0.55 * len(rows), columns=2, sharey=True)
        for axes, title, spans in ((left, "Wins", [row.wins for row in rows]),
                                   (right, "Revenue", [row.revenue for row in rows])):
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


def response_figure(curves: Sequence[Response], promise: float = math.nan, promised: str = "",
                    title: str = "How soon leads are touched", business: bool = False) -> Figure:
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
            axes.plot(curve.delays[shown], curve.share[shown], label=f"{curve.name} ({in_time}never {percent(never)})",
                      **line_style(i))
        if math.isfinite(promise) and not business:
            axes.axvline(promise, color="#333333", linewidth=1.2, linestyle=(0, (2, 2)))
            axes.annotate(promised or f"promise: {duration(promise)}", (promise, 1.0), (4, 2),
                          xycoords=("data", "axes fraction"), textcoords="offset points", fontsize=9.5, color="#333333")
        elif math.isfinite(promise):
            axes.annotate(f"{promised}, which runs in opening hours only", (1.0, 1.0), (0, 4), ha="right",
                          xycoords="axes fraction", textcoords="offset points", fontsize=9.5, color="#333333")
        delay_axis(axes, low, high)
        percent_axis(axes)
        axes.set_title(title, pad=22 if math.isfinite(promise) else 8)
        axes.set_xlabel("Time from entering the stage to the first attempt (elapsed, nights and weekends included)")
        axes.set_ylabel("Leads touched by then")
        axes.legend(loc="upper left")
        return figure


def backlog_figure(panels: Mapping[str, Sequence[Band]], what: str = "Leads waiting") -> Figure:
    """What waits over time, a panel a team, a line a scenario; points are weeks."""
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
        date_axis(every[-1])
        if len(names) > 1:
            shown = {label: handle for axes in every for handle, label in
                     zip(*axes.get_legend_handles_labels(), strict=True)}
            figure.legend([shown[name] for name in names], names, loc="outside upper right", ncols=min(3, len(names)))
        figure.supxlabel("At midnight, averaged by week. Lines: mean. Bands: central 90 % of periods.", fontsize=9.5,
                         color="#444444")
        return figure


WENT = {"went on": BLUE, "end": BLUE, "still open": SKY, "went back": GREEN, "never reached": ORANGE,
        "turned down": PURPLE, "lost": VERMILION, "silent": GREY}


def funnel_figure(steps: Sequence[Step], title: str = "The funnel and where it leaks") -> Figure:
    """A bar a stage as long as the visits to it, divided by where they went."""
    with styled():
        figure, (axes,) = new_figure(1.5 + 0.62 * len(steps))
        for i, step in enumerate(steps):
            left = 0.0
            for kind, color in WENT.items():
                width = step.entered * step.shares.get(kind, 0.0)
                if width > 0.0:
                    axes.barh(i, width, left=left, color=color, height=0.66, edgecolor="white", linewidth=0.6,
                              label=kind if kind != "end" else None)
                left += width
            on = step.shares.get("went on")
            said = f"{number(step.entered)}" + (f", {percent(on)} go on" if on is not None else "")
            axes.annotate(said, (step.entered, i), (5, 0), textcoords="offset points", va="center", fontsize=10)
        axes.set_yticks(range(len(steps)), wrapped([step.name for step in steps]))
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.set_xlim(0.0, 1.28 * max([step.entered for step in steps], default=1.0))
        axes.set_xlabel("Visits by leads of the cohort (a lead that comes back counts again)")
        count_axis(axes)
        axes.set_title(title)
        _legend_once(figure, axes)
        return figure


# ---- figures of a run ----------------------------------------------------------------------------------------------


def draw_run(result: Result, folder: Path) -> list[Path]:
    """All figures of a run."""
    name = result.manifest.name
    files = save(funnel_figure(steps_of(result), f"{name}: the funnel and where it leaks"), folder, "funnel")
    curves = [curve for curve in result.curves if curve.window == "cohort"]
    if curves:
        promises = {(curve.promise, curve.business) for curve in curves if math.isfinite(curve.promise)}
        promise, business = promises.pop() if len(promises) == 1 else (math.nan, False)
        figure = response_figure([Response(curve.stage, curve.delays, curve.share) for curve in curves], promise,
                                 promised_text(promise, business), f"{name}: how soon leads are touched", business)
        files += save(figure, folder, "response")
    panels = {track.of: [Band(name, track.dates, track.mean, track.low, track.high)]
              for track in result.tracks if track.name == "queue"}
    if panels:
        files += save(backlog_figure(panels), folder, "backlog")
    return files + draw_seam(result, folder)


def promised_text(promise: float, business: bool) -> str:
    """The promise in words; business time is shorter on the clock than on the wall."""
    return f"promise: {duration(promise)}{' of business time' if business else ''}"


def steps_of(result: Result) -> list[Step]:
    """The stages of a run, by the cohort."""
    kinds = {"went on": ("conversion",), "still open": ("unresolved",), "went back": ("share_back", "share_returned"),
             "never reached": ("share_unreached", "share_cold"), "turned down": ("share_rejected",),
             "lost": ("share_lost", "share_cycle_limit"),
             "silent": ("share_silent",)}
    steps = []
    for stage in result.book.stages:
        shares = {kind: sum(_value(result, f"cohort.{key}.{stage}") for key in keys) for kind, keys in kinds.items()}
        if f"cohort.conversion.{stage}" not in result.measures:
            shares = {"end": 1.0}
        steps.append(Step(stage, _value(result, f"cohort.entered.{stage}"), shares))
    return steps


def _value(result: Result, key: str) -> float:
    measure = result.measures.get(key)
    found = measure.estimate().mean if measure else 0.0
    return found if math.isfinite(found) else 0.0


def _days(band: Band) -> NDArray[np.datetime64]:
    return np.array(band.dates, "datetime64[D]")


def _legend_once(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    first = dict(reversed(list(zip(labels, handles, strict=True))))
    ordered = [kind for kind in WENT if kind in first]
    axes.legend([first[kind] for kind in ordered], ordered, loc="lower right")
