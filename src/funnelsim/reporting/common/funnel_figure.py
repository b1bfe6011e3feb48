"""The funnel: a bar a stage, as long as the visits to it, divided by where they went; scenarios side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from funnelsim.reporting.common.drawing import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    count_axis,
    heading,
    new_figure,
    styled,
    wrapped,
)
from funnelsim.reporting.common.format import number, percent

WENT = {
    "went on": BLUE,
    "end": BLUE,
    "still open": SKY,
    "went back": GREEN,
    "never reached": ORANGE,
    "turned down": PURPLE,
    "lost": VERMILION,
    "silent": GREY,
}
# the measures, by stage, that a way out of it is the sum of
KINDS = {
    "went on": ("conversion",),
    "still open": ("unresolved",),
    "went back": ("share_back", "share_returned"),
    "never reached": ("share_unreached", "share_cold"),
    "turned down": ("share_rejected",),
    "lost": ("share_lost", "share_cycle_limit"),
    "silent": ("share_silent",),
}
DARK = (BLUE, VERMILION, GREY, GREEN)  # colours that white words are read on
LEAST_WRITTEN = 0.055  # of the width of a figure: shorter pieces of a bar are not written on


@dataclass(frozen=True)
class FunnelStep:
    """One stage of the funnel: where the leads that entered it went, as shares of one."""

    name: str
    entered: float
    shares: dict[str, float]  # "went on", "went back", "lost", "never reached", "still open"


def funnel_figure(funnels: Mapping[str, Sequence[FunnelStep]], title: str = "The funnel and where it leaks") -> Figure:
    """A panel a scenario, two beside each other, on one scale of visits; `title` is that of a single one."""
    columns = min(2, len(funnels))
    rows = -(-len(funnels) // columns)
    longest = max((len(steps) for steps in funnels.values()), default=1)
    most = max((step.entered for steps in funnels.values() for step in steps), default=0.0) or 1.0
    with styled():
        figure, every = new_figure(0.9 + rows * (0.6 + (0.62 if columns == 1 else 0.48) * longest), rows, columns)
        for axes in every[len(funnels) :]:
            axes.set_visible(False)
        for i, (axes, (name, steps)) in enumerate(zip(every, funnels.items(), strict=False)):
            _panel(
                axes,
                steps,
                most * (1.28 if columns == 1 else 1.55),
                columns,
                named=i % columns == 0
                or [step.name for step in steps] != [step.name for step in list(funnels.values())[i - 1]],
            )
            axes.set_title(heading(name, 36) if columns > 1 else heading(title))
        figure.supxlabel(
            "Visits by leads of the cohort (a lead that comes back counts again), and the share that goes on",
            fontsize=9.5,
            color="#444444",
        )
        _legend_once(figure, every)
        return figure


def steps_of(stages: Sequence[str], value: Callable[[str], float]) -> list[FunnelStep]:
    """The stages by the measures of the cohort; `value` gives the mean of a key, nan where there is none."""
    steps = []
    for stage in stages:
        shares = {kind: sum(_finite(value(f"cohort.{key}.{stage}")) for key in keys) for kind, keys in KINDS.items()}
        if not math.isfinite(value(f"cohort.conversion.{stage}")):
            shares = {"end": 1.0}
        steps.append(FunnelStep(stage, _finite(value(f"cohort.entered.{stage}")), shares))
    return steps


def _panel(axes: Axes, steps: Sequence[FunnelStep], wide: float, columns: int, named: bool) -> None:
    for i, step in enumerate(steps):
        left = 0.0
        for kind, color in WENT.items():
            share = step.shares.get(kind, 0.0)
            width = step.entered * share
            if width > 0.0:
                axes.barh(
                    i,
                    width,
                    left=left,
                    color=color,
                    height=0.66,
                    edgecolor="white",
                    linewidth=0.6,
                    label=kind if kind != "end" else None,
                )
            if kind != "end" and width > LEAST_WRITTEN * columns * wide:
                axes.text(
                    left + width / 2.0,
                    i,
                    f"{100.0 * share:.0f} %",
                    ha="center",
                    va="center",
                    fontsize=8.5,
                    color="white" if color in DARK else "black",
                )
            left += width
        on = step.shares.get("went on")
        said = number(step.entered) + (f", {percent(on)}" if on is not None else "")
        axes.annotate(
            said + (" go on" if on is not None and columns == 1 else ""),
            (step.entered, i),
            (5, 0),
            textcoords="offset points",
            va="center",
            fontsize=10 if columns == 1 else 9.5,
        )
    axes.set_yticks(range(len(steps)), wrapped([step.name for step in steps]) if named else [""] * len(steps))
    axes.set_ylim(len(steps) - 0.5, -0.6)
    axes.grid(axis="y", visible=False)
    axes.set_xlim(0.0, wide)
    axes.locator_params(axis="x", nbins=7 if columns == 1 else 4)
    count_axis(axes)


def _legend_once(figure: Figure, every: Sequence[Axes]) -> None:
    first = {label: handle for axes in every for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    ordered = [kind for kind in WENT if kind in first]
    figure.legend(
        [first[kind] for kind in ordered],
        ordered,
        loc="outside upper right",
        ncols=len(ordered),
        fontsize=9.5,
        handlelength=1.2,
        columnspacing=1.2,
    )


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0
