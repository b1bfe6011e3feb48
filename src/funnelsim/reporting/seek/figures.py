"""The figure of a search: the chance of the goal over x with its limits, and below it what the goal is about."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from funnelsim.reporting.common.drawing import (
    BLUE,
    GREY,
    ORANGE,
    VERMILION,
    heading,
    log_axis,
    new_figure,
    percent_axis,
    styled,
)
from funnelsim.reporting.common.format import shown
from funnelsim.reporting.seek.report import interval
from funnelsim.study.seek.seek import SeekAnswer
from funnelsim.typing import FloatArray

Corner = Literal["lower right", "lower left", "upper left", "upper right"]


def seek_figures(search: SeekAnswer) -> Iterator[tuple[str, Figure]]:
    """Every figure of a search by the name of its file."""
    yield "chance", seek_figure(search)


def seek_figure(search: SeekAnswer) -> Figure:
    """Chance and mean over x, with both answers marked."""
    axis = search.spec.axis
    with styled():
        figure, (top, bottom) = new_figure(6.4, rows=2, sharex=True)
        x = np.array([node.x for node in search.points])
        _chances(top, search, x)
        _values(bottom, search, x)
        bottom.set_xlabel(f"{axis.path} ({axis.unit})" if axis.unit else axis.path)
        if axis.log:
            bottom.set_xscale("log")
            log_axis(bottom.xaxis)
        name = search.spec.template.loaded.scenario.name
        goal = search.spec.goal.text
        top.set_title(heading(f"{name}: the chance of {goal}" if name else goal), pad=10)
        figure.supxlabel(
            "Points: what was run, hollow ones with fewer periods. Band above: simulation error of the "
            "chance, 90 %.\nBelow: line the mean, band the central 90 % of periods.",
            fontsize=9.5,
            color="#444444",
        )
        return figure


def _chances(axes: Axes, search: SeekAnswer, x: FloatArray) -> None:
    low, high = ([getattr(node, end) for node in search.points] for end in ("low", "high"))
    axes.fill_between(x, low, high, color=BLUE, alpha=0.18, linewidth=0)
    axes.plot(x, [node.chance for node in search.points], "-", color=BLUE, linewidth=1.8)
    for node in search.points:  # hollow where only the pilot has been
        full = node.replications == search.replications
        axes.plot(node.x, node.chance, "o", color=BLUE, markersize=4.5, markerfacecolor=BLUE if full else "white")
    axes.axhline(search.spec.chance, color=GREY, linewidth=1.0, linestyle=(0, (4, 2)))
    percent_axis(axes)
    axes.set_ylim(-0.02, 1.04)
    axes.set_ylabel("Chance of the goal")
    if search.met:
        span = _within(search.answer.low, x[0]), _within(search.answer.high, x[-1])
        axes.axvspan(*span, color=VERMILION, alpha=0.14, linewidth=0)
        axes.axvline(
            search.answer.x,
            color=VERMILION,
            linewidth=1.8,
            label=f"{100 * search.spec.chance:g} %: {search.text(search.answer.x)} ({interval(search, search.answer)})",
        )
    if math.isfinite(search.mean.x):
        axes.axvline(
            search.mean.x,
            color=ORANGE,
            linewidth=1.8,
            linestyle=(0, (3, 1.5)),
            label=f"on average: {search.text(search.mean.x)}",
        )
    if search.met or math.isfinite(search.mean.x):
        # a curve that reaches the chance leaves room below its end, one that does not leaves it above its start
        below: Corner = "lower right" if search.more_helps else "lower left"
        above: Corner = "upper left" if search.more_helps else "upper right"
        axes.legend(
            loc=below if search.met else above, frameon=True, facecolor="white", edgecolor="none", framealpha=0.85
        )


def _values(axes: Axes, search: SeekAnswer, x: FloatArray) -> None:
    goal = search.spec.goal
    axes.fill_between(
        x,
        [node.period_low for node in search.points],
        [node.period_high for node in search.points],
        color=BLUE,
        alpha=0.13,
        linewidth=0,
    )
    axes.plot(x, [node.mean for node in search.points], "o-", color=BLUE, markersize=4, linewidth=1.8)
    axes.axhline(goal.target, color=GREY, linewidth=1.0, linestyle=(0, (4, 2)))
    left = search.more_helps  # where the curve is farthest below
    axes.annotate(
        "goal",
        (0.0 if left else 1.0, goal.target),
        (3 if left else -3, 3),
        fontsize=9.5,
        color="#444444",
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="left" if left else "right",
    )
    if math.isfinite(search.mean.x):
        axes.axvline(search.mean.x, color=ORANGE, linewidth=1.8, linestyle=(0, (3, 1.5)))
    if search.met:
        axes.axvline(search.answer.x, color=VERMILION, linewidth=1.8)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: shown(value, search.unit, search.currency)))
    by = f" by {goal.by}" if goal.by else ""
    axes.set_ylabel(f"{goal.measure}{by}")


def _within(value: float, end: float) -> float:
    return value if math.isfinite(value) else end
