"""Response curves: what a later first touch does to the odds, by the curve a scenario names and by the other presets.

Drawn is r(t) / r(1 hour), whose logarithm is what the engines add to the log-odds of going on or of contact (rules 64
to 66). Beyond the delays its study covers a curve is held flat, and dashed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from funnelsim.reporting.common.drawing import GREY, delay_axis, line_style, new_figure, over_all, styled
from funnelsim.reporting.common.format import DAY, MINUTE, duration
from funnelsim.study.response_curves import StageCurves

ACTS = {"advance": "to go on", "contact": "of contact"}
TICKS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
MARKS = "os^Dv*P"
SPAN = (MINUTE, 30 * DAY)

Touched = tuple[str, float]


def curves_figure(
    stages: Sequence[StageCurves],
    touched: Mapping[str, Sequence[Touched]] | None = None,
    title: str = "What a later first touch does",
) -> Figure:
    """A panel a stage, a line a preset; the one in use is thick. Odds are against a first touch after one hour.

    `touched` are marks by stage: what share of leads, in words, is touched by how many seconds.
    """
    with styled():
        figure, every = new_figure(0.9 + 3.5 * len(stages), rows=len(stages), sharex=True)
        for axes, stage in zip(every, stages, strict=True):
            _panel(axes, stage, (touched or {}).get(stage.name, ()))
        every[-1].set_xlabel("Time to the first attempt (elapsed)")
        over_all(figure, title)
        figure.supxlabel(
            "Thick: the curve in use. Thin: other presets. Dashed: beyond the delays that the study "
            "covers, held flat.\nAll are observational; letters are grades of the source (A best).",
            fontsize=9.5,
            color="#444444",
        )
        return figure


def _panel(axes: Axes, stage: StageCurves, touched: Sequence[Touched]) -> None:
    delays = np.geomspace(*SPAN, 300)
    lowest, highest = 1.0, 1.0
    for i, law in enumerate(stage.laws):
        ratios = law.against(delays)
        lowest, highest = min(lowest, float(ratios.min())), max(highest, float(ratios.max()))
        known = (np.log(delays) >= law.log_delays[0] - 1e-9) & (np.log(delays) <= law.log_delays[-1] + 1e-9)
        color, width = line_style(i)["color"], 2.8 if law.used else 1.3
        grade = f" ({law.grade})" if law.grade else ""
        axes.plot(
            delays,
            np.where(known, ratios, np.nan),
            color=color,
            linewidth=width,
            label=f"{law.name}{grade}",
            marker=MARKS[i % len(MARKS)],
            markersize=4.5,
            markevery=(7 * i, 45),
        )
        axes.plot(delays, np.where(known, np.nan, ratios), color=color, linewidth=width, linestyle=(0, (2, 2)))
    axes.set_yscale("log")
    axes.set_ylim(lowest / 1.3, highest * 1.6)
    delay_axis(axes, *SPAN)
    axes.yaxis.set_major_locator(FixedLocator([one for one in TICKS if lowest / 1.3 <= one <= highest * 1.6]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} x"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.axhline(1.0, color=GREY, linewidth=0.8)
    for i, (share, at) in enumerate(one for one in touched if SPAN[0] < one[1] < SPAN[1]):
        axes.axvline(at, color="#333333", linewidth=1.1, linestyle=(0, (1, 1.5)))
        axes.annotate(
            f"{share} touched by {duration(at)}",
            (at, 1.0),
            (3, -11 - 12 * i),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            fontsize=9,
            color="#333333",
        )
    axes.set_title(f"{stage.name}: odds {ACTS.get(stage.target, stage.target)}, against a touch after 1 hour")
    axes.set_ylabel("Times the odds")
    axes.legend(loc="lower left", fontsize=9)
