"""Figures of a search: every trial against each setting, and the front of several objectives with its settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from funnelsim.reporting.common.drawing import BLUE, GREY, ORANGE, VERMILION, heading, new_figure, styled
from funnelsim.reporting.optimise.report import name_of
from funnelsim.reporting.sweep.figures import MOST_PANELS, axis_label, place_axis, place_of, value_axis
from funnelsim.study.axes import Axis
from funnelsim.study.optimise.finalists import Objective
from funnelsim.study.optimise.optimise import Finalist, Optimum
from funnelsim.study.optimise.trial_search import Trial

SURE = 0.99  # a chance to be on the front that needs no number
NOTE: dict[str, Any] = {"fontsize": 9.5, "color": "#444444"}


def optimise_figures(optimum: Optimum) -> Iterator[tuple[str, Figure]]:
    """Every figure of a search by the name of its file: the trials of one objective, the front of several."""
    if len(optimum.spec.objectives) == 1:
        yield "trials", trials_figure(optimum)
    else:
        yield "front", front_figure(optimum)
        yield "settings", settings_figure(optimum)


def trials_figure(optimum: Optimum) -> Figure:
    """A panel a setting: what each trial gave, so that a setting that matters shows a slope or a turn."""
    (objective,), drawn = optimum.spec.objectives, optimum.spec.axes[:MOST_PANELS]
    with styled():
        figure, every = new_figure(1.3 + 2.4 * len(drawn), rows=len(drawn))
        for axes, axis in zip(every, drawn, strict=True):
            where = optimum.spec.axes.index(axis)
            _trials(axes, optimum, axis, where, objective)
            for one in optimum.finalists:
                _finalist(axes, one, place_of(axis, one.point[where]), objective, one is optimum.chosen)
            axes.set_xlabel(axis_label(axis))
            axes.set_ylabel(objective.measure)
            place_axis(axes, axis)
            _setting_ticks(axes.xaxis, axis)
            value_axis(axes.yaxis, optimum.units.get(objective.measure, ""), optimum.currency)
        _legend(figure, every)
        every[0].set_title(heading(f"{name_of(optimum)}: {objective}"))
        figure.supxlabel(
            "Trials on the luck of the search. Finalists on fresh luck, with their simulation error (90 %).", **NOTE
        )
        return figure


def front_figure(optimum: Optimum) -> Figure:
    """A panel for every two objectives: the trials, the finalists with their errors, the front among them, the file."""
    goals = optimum.spec.objectives
    pairs = list(combinations(goals, 2))[:MOST_PANELS]
    with styled():
        figure, every = new_figure(1.0 + 3.6 * len(pairs), rows=len(pairs))
        for axes, (across, up) in zip(every, pairs, strict=True):
            for meets in (False, True):
                there = [
                    trial.score.values for trial in optimum.trials if trial.score.values and trial.score.meets == meets
                ]
                _dots(axes, [one[goals.index(across)] for one in there], [one[goals.index(up)] for one in there], meets)
            _front_line(axes, optimum, across, up)
            _base(axes, optimum, across, up)
            axes.set_xlabel(_objective_label(across))
            axes.set_ylabel(_objective_label(up))
            value_axis(axes.xaxis, optimum.units.get(across.measure, ""), optimum.currency)
            value_axis(axes.yaxis, optimum.units.get(up.measure, ""), optimum.currency)
        _legend(figure, every)
        every[0].set_title(heading(f"{name_of(optimum)}: what can be had together"))
        figure.supxlabel(
            "Trials on the luck of the search. Finalists and the file on fresh luck, bars: simulation "
            "error, 90 %.\nNumbers: the chance to be on the front, where below 99 %.",
            **NOTE,
        )
        return figure


def settings_figure(optimum: Optimum) -> Figure:
    """A panel a setting: its value along the front."""
    first, drawn = optimum.spec.objectives[0], optimum.spec.axes[:MOST_PANELS]
    with styled():
        figure, every = new_figure(1.0 + 2.1 * len(drawn), rows=len(drawn), sharex=True)
        for axes, axis in zip(every, drawn, strict=True):
            where = optimum.spec.axes.index(axis)
            for one in optimum.finalists:
                on = one in optimum.front
                axes.plot(
                    one.estimates[first.measure].mean,
                    place_of(axis, one.point[where]),
                    "o",
                    color=VERMILION if on else GREY,
                    markerfacecolor=VERMILION if on else "white",
                    markersize=6,
                )
            axes.set_title(axis_label(axis))
            _values_upwards(axes, axis)
        every[-1].set_xlabel(_objective_label(first))
        value_axis(every[-1].xaxis, optimum.units.get(first.measure, ""), optimum.currency)
        figure.supxlabel("Settings of the finalists; filled: on the front.", **NOTE)
        return figure


# ---- panels --------------------------------------------------------------------------------------------------------


def _trials(axes: Axes, optimum: Optimum, axis: Axis, where: int, objective: Objective) -> None:
    which = optimum.spec.objectives.index(objective)
    for meets in (False, True):
        there: Sequence[Trial] = [
            trial for trial in optimum.trials if trial.score.values and trial.score.meets == meets
        ]
        _dots(
            axes,
            [place_of(axis, trial.point[where]) for trial in there],
            [trial.score.values[which] for trial in there],
            meets,
        )


def _dots(axes: Axes, x: Sequence[float], y: Sequence[float], meets: bool) -> None:
    if x and meets:
        axes.plot(x, y, "o", color=BLUE, markersize=3.5, alpha=0.55, label="trial", linestyle="none")
    elif x:
        axes.plot(
            x,
            y,
            "x",
            color=GREY,
            markersize=4,
            alpha=0.7,
            label="trial that breaks a constraint, or may",
            linestyle="none",
        )


def _finalist(axes: Axes, one: Finalist, x: float, objective: Objective, chosen: bool) -> None:
    estimate = one.estimates[objective.measure]
    colour = VERMILION if chosen else ORANGE
    axes.errorbar(
        [x],
        [estimate.mean],
        yerr=[[estimate.mean - estimate.low], [estimate.high - estimate.mean]],
        fmt="D" if chosen else "s",
        color=colour,
        markersize=6 if chosen else 4,
        elinewidth=1.6,
        capsize=3,
        zorder=5 if chosen else 4,
        label="chosen" if chosen else "finalist",
    )


def _front_line(axes: Axes, optimum: Optimum, across: Objective, up: Objective) -> None:
    for one in optimum.finalists:
        x, y = one.estimates[across.measure], one.estimates[up.measure]
        on = one in optimum.front
        axes.errorbar(
            [x.mean],
            [y.mean],
            xerr=[[x.mean - x.low], [x.high - x.mean]],
            yerr=[[y.mean - y.low], [y.high - y.mean]],
            fmt="o",
            color=VERMILION if on else ORANGE,
            markerfacecolor=VERMILION if on else "white",
            markersize=6,
            elinewidth=1.2,
            zorder=4,
            label="on the front" if on else "finalist that is not",
        )
        if one.front < SURE:
            axes.annotate(
                f"{100.0 * one.front:.0f} %", (x.mean, y.mean), (7, -13), textcoords="offset points", fontsize=9
            )
    if len(optimum.spec.objectives) == 2:
        line = sorted((one.estimates[across.measure].mean, one.estimates[up.measure].mean) for one in optimum.front)
        axes.plot([x for x, _ in line], [y for _, y in line], color=VERMILION, linewidth=1.2, alpha=0.6, zorder=3)


def _base(axes: Axes, optimum: Optimum, across: Objective, up: Objective) -> None:
    axes.plot(
        optimum.base[across.measure].mean,
        optimum.base[up.measure].mean,
        "*",
        color="black",
        markersize=11,
        zorder=6,
        label="the file as it is",
        linestyle="none",
    )


def _objective_label(objective: Objective) -> str:
    return f"{objective.measure} ({'more' if objective.most else 'less'} is better)"


def _values_upwards(axes: Axes, axis: Axis) -> None:
    """The values of a setting on the vertical axis."""
    if axis.log:
        axes.set_yscale("log")
    _setting_ticks(axes.yaxis, axis)
    words = [text for text in axis.values if place_of(axis, text) != axis.coordinate(text)]
    if words:
        axes.set_yticks(range(len(axis.values)), axis.values)
        axes.set_ylim(-0.5, len(axis.values) - 0.5)


def _setting_ticks(which: Any, axis: Axis) -> None:
    """Whole numbers where there are no others, and plain ones on a logarithm."""
    if axis.log:
        which.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        which.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        which.set_minor_locator(NullLocator())
    elif axis.integer:
        which.set_major_locator(MaxNLocator(integer=True))


def _legend(figure: Figure, every: Sequence[Axes]) -> None:
    """Each kind of mark once, wherever it is drawn."""
    marks = {label: handle for axes in every for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(list(marks.values()), list(marks), loc="outside upper right", ncols=min(4, len(marks)))
