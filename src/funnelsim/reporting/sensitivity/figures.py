"""Figures of a sensitivity study: the tornado, grouped by who decides, and the Sobol indices with their intervals."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from funnelsim.reporting.common.drawing import BLUE, GREY, ORANGE, VERMILION, new_figure, over_all, styled
from funnelsim.reporting.sensitivity.report import subject, value
from funnelsim.study.sensitivity.inputs import OWNERS
from funnelsim.study.sensitivity.sensitivity import InputEffect, Sensitivity

MOST = 18  # bars; the others are in the table
_ROW = 0.42  # inches a bar
_TEXT = 8.5


def sensitivity_figures(found: Sensitivity) -> Iterator[tuple[str, Figure]]:
    """Every figure of a study by the name of its file."""
    yield "tornado", tornado_figure(found)
    yield "indices", index_figure(found)


def tornado_figure(found: Sensitivity) -> Figure:
    """The answer at both ends of each input; the largest swing first within each that decides."""
    largest = sorted(found.effects, key=lambda one: -abs(one.swing))[:MOST]
    groups = [(owner, [one for one in largest if one.input.owner == owner]) for owner in OWNERS]
    groups = [(owner, mine) for owner, mine in groups if mine]
    count = len(largest) + len(groups)
    with styled():
        figure, (axes,) = new_figure(1.7 + _ROW * count)
        y, ticks = 0.0, list[tuple[float, str]]()
        for owner, mine in groups:
            axes.text(
                0.0,
                y,
                owner[0].upper() + owner[1:],
                transform=axes.get_yaxis_transform(),
                weight="bold",
                va="center",
                fontsize=10,
            )
            for one in mine:
                y += 1.0
                _bar(axes, found, one, y)
                ticks.append((y, one.input.path))
            y += 1.0
        axes.axvline(found.centre, color="#333333", linewidth=1.2)
        axes.set_yticks([at for at, _ in ticks], [text for _, text in ticks], fontsize=9)
        axes.set_ylim(y - 0.2, -0.8)
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: value(found, at)))
        axes.margins(x=0.22)
        axes.set_xlabel(f"{found.measure}; the line is the answer as everything is written")
        for color, text in ((BLUE, "at its low end"), (VERMILION, "at its high end")):
            axes.barh([np.nan], [np.nan], color=color, label=text)
        axes.errorbar(
            [np.nan],
            [np.nan],
            xerr=[[0.0], [0.0]],
            color="#333333",
            linewidth=1.2,
            capsize=2.5,
            label="simulation error of the swing (90 %)",
        )
        figure.legend(loc="outside lower center", ncols=3, fontsize=9)
        over_all(figure, f"What moves {subject(found)}")
    return figure


def _bar(axes: Axes, found: Sensitivity, one: InputEffect, y: float) -> None:
    """Two bars from the middle, what the input is at their ends, and the error of the swing."""
    centre = found.centre
    axes.barh(y, one.at_low - centre, left=centre, height=0.62, color=BLUE, alpha=0.9)
    axes.barh(y, one.at_high - centre, left=centre, height=0.62, color=VERMILION, alpha=0.9)
    if np.isfinite(one.error):
        axes.errorbar(one.at_high, y, xerr=one.error, color="#333333", linewidth=1.2, capsize=2.5)
    far = one.error if np.isfinite(one.error) else 0.0
    low, high = min(one.at_low, centre), max(one.at_high, centre)
    texts = (one.input.low_text, one.input.high_text)
    if one.swing < 0.0:
        low, high, texts = min(one.at_high, centre), max(one.at_low, centre), (texts[1], texts[0])
    left = min(low, one.at_high - far)
    right = max(high, one.at_high + far)
    axes.annotate(texts[0], (left, y), (-4, 0), textcoords="offset points", ha="right", va="center", fontsize=_TEXT)
    axes.annotate(texts[1], (right, y), (4, 0), textcoords="offset points", ha="left", va="center", fontsize=_TEXT)


def index_figure(found: Sensitivity) -> Figure:
    """First-order and total index of each input that has them."""
    kept = found.indexed
    places = np.arange(len(kept), dtype=np.float64)
    with styled():
        figure, (axes,) = new_figure(1.7 + 0.55 * len(kept))
        for shift, color, label, bounds in (
            (-0.19, BLUE, "alone (first order)", [one.sobol.first for one in kept if one.sobol]),
            (0.19, ORANGE, "in total, with others", [one.sobol.total for one in kept if one.sobol]),
        ):
            values = np.array([one.value for one in bounds])
            error = np.array([[max(0.0, one.value - one.low), max(0.0, one.high - one.value)] for one in bounds]).T
            axes.barh(places + shift, values, height=0.36, color=color, label=label)
            axes.errorbar(values, places + shift, xerr=error, fmt="none", ecolor="#333333", linewidth=1.1, capsize=2.5)
        axes.axvline(0.0, color=GREY, linewidth=0.8)
        axes.set_yticks(places, [one.input.path for one in kept], fontsize=9)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: f"{100 * at:.0f} %"))
        axes.set_xlabel("share of the variance of the answer; lines: 90 % interval (choice of points)")
        figure.legend(loc="outside lower center", ncols=2, fontsize=9)
        over_all(figure, f"Shares in {subject(found)}")
    return figure
