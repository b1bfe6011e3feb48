"""The waterfall of an explanation: from the base's figure to the other's, a step a group of changes."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from funnelsim.reporting.common.drawing import BLUE, GREY, VERMILION, new_figure, over_all, styled, wrapped
from funnelsim.reporting.common.format import shown
from funnelsim.reporting.explain.report import between, signed, what
from funnelsim.study.explain.coalitions import name_of
from funnelsim.study.explain.explain import Explanation, ShapleyShare

BAR = 0.62
INK = "#222222"


def explain_figures(found: Explanation) -> Iterator[tuple[str, Figure]]:
    """Every figure of an explanation by the name of its file."""
    yield "waterfall", waterfall_figure(found)


def waterfall_figure(found: Explanation) -> Figure:
    """Bars from left to right: grey totals, blue what adds, vermilion what takes away; whiskers what is not known."""
    base, other = name_of(found.spec.base), name_of(found.spec.other)
    names = [base, *(share.name for share in found.parts), other]
    with styled():
        figure, (axes,) = new_figure(1.7 + 0.62 * len(names))
        level, edges = found.base.mean, [found.base.mean]
        for row, share in enumerate(found.parts, 1):
            _step(axes, found, row, level, share)
            edges += [level + move for move in (share.value.mean, share.value.low, share.value.high)]
            level += share.value.mean
        axes.plot([level, level], [len(names) - 2, len(names) - 1], color=GREY, linewidth=0.8)
        origin = _origin(edges)
        _total(axes, found, 0, found.base.mean, origin)
        _total(axes, found, len(names) - 1, found.other.mean, origin)
        _span(axes, [*edges, origin], origin)
        axes.set_yticks(range(len(names)), wrapped(names, 24))
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: shown(value, found.unit, found.currency)))
        label = what(found).removeprefix("in ")
        axes.set_xlabel(label[0].upper() + label[1:] + ("" if origin == 0.0 else "; the axis does not begin at 0"))
        over_all(
            figure,
            f"{other} against {base}: {signed(found, found.difference.mean)} ({between(found, found.difference)})",
        )
        about = "what is not known" if found.uncertain else "simulation error"
        figure.supxlabel(
            f"Shapley values on the same luck: together the whole difference. Whiskers: 90 %, {about}.",
            fontsize=9.5,
            color="#444444",
        )
        return figure


def _total(axes: Axes, found: Explanation, row: int, value: float, origin: float) -> None:
    """The figure of one of the two scenarios."""
    axes.barh(row, value - origin, BAR, left=origin, color=GREY)
    axes.annotate(
        shown(round(value, 1), found.unit, found.currency),
        (max(value, origin), row),
        (7, 0),
        textcoords="offset points",
        va="center",
        color=INK,
        fontsize=10,
        fontweight="bold",
    )


def _span(axes: Axes, edges: list[float], origin: float) -> None:
    """Room for all bars, and for the words to the right of them."""
    left, right = min(edges), max(edges)
    margin = 0.03 * (right - left) if left < origin else 0.0
    axes.set_xlim(left - margin, right + 0.34 * (right - left or 1.0))
    axes.xaxis.set_major_locator(MaxNLocator(6))


def _step(axes: Axes, found: Explanation, row: int, level: float, share: ShapleyShare) -> None:
    """One change, and the line that leads to it."""
    one = share.value
    axes.plot([level, level], [row - 1, row], color=GREY, linewidth=0.8)
    axes.barh(row, one.mean, BAR, left=level, color=BLUE if one.mean >= 0.0 else VERMILION)
    ends = level + one.low, level + one.high
    axes.plot(ends, (row, row), color=INK, linewidth=1.4)
    axes.plot([*ends], [row, row], "|", color=INK, markersize=8)
    axes.annotate(
        f"{signed(found, one.mean)}  ({between(found, one)})",
        (max(*ends, level, level + one.mean), row),
        (7, 0),
        textcoords="offset points",
        va="center",
        fontsize=10,
        color=INK,
    )


def _origin(edges: list[float]) -> float:
    """Where the bars of both scenarios begin: at 0, unless the steps would be too small to see from there."""
    low, high = min(edges), max(edges)
    return 0.0 if low <= 0.0 or high - low > 0.4 * high else low - 0.35 * (high - low)
