"""The figures of a calibration: for each stage the data's own curves beside those that the fitted file says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from funnelsim.calibration import Calibration
from funnelsim.calibration.survival.aalen_johansen import Incidence
from funnelsim.calibration.survival.nonparametric import fitted_cif, fitted_cif_band, follow_up_limit, observed_cif
from funnelsim.calibration.survival.stage_fit import StageFit
from funnelsim.reporting.common.drawing import PALETTE, heading, new_figure, save_all, styled
from funnelsim.reporting.common.format import DAY, HOUR, MINUTE, number
from funnelsim.typing import FloatArray

POINTS = 300
BEYOND = 1.35  # the fitted curve goes on so much further than the data can be trusted


def draw_calibration(calibration: Calibration, folder: Path) -> list[Path]:
    """A figure a stage, into a folder that is made when it is not there; other files in it stay."""
    if not has_curves(calibration):
        return []
    folder.mkdir(parents=True, exist_ok=True)
    return save_all(calibration_figures(calibration), folder)


def has_curves(calibration: Calibration) -> bool:
    """Counts by cohort hold no times and so no curves."""
    return bool(calibration.stages) and not calibration.history.counts


def calibration_figures(calibration: Calibration) -> Iterator[tuple[str, Figure]]:
    """The fit of each stage by the name of its file, where there are curves."""
    for place, stage in enumerate(calibration.stages if has_curves(calibration) else (), start=1):
        yield f"{place}-{_plain(stage.name)}", stage_figure(calibration, stage)


def stage_figure(calibration: Calibration, stage: StageFit) -> Figure:
    """Share of the visits that have left by each exit, over the time since entry."""
    curves = observed_cif(stage)
    until = BEYOND * follow_up_limit(stage)
    unit, name = next(
        (
            (length, word)
            for length, word in ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes"))
            if until >= 3 * length
        ),
        (1.0, "seconds"),
    )
    grid = np.linspace(0.0, until, POINTS)
    with styled():
        figure, (axes,) = new_figure(4.9)
        for target, color in zip(stage.order, PALETTE * len(stage.order), strict=False):
            _exit(axes, stage, target, curves[target], grid, unit, color)
        axes.axvline(follow_up_limit(stage) / unit, color="#555555", linewidth=0.9, linestyle=(0, (1, 2)))
        axes.set_xlim(0.0, until / unit)
        axes.set_ylim(bottom=0.0)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.3g} %"))
        axes.set_xlabel(f"Time since a lead entered {stage.name} ({name})")
        axes.set_ylabel("Share that has left")
        axes.set_title(
            heading(
                f"{calibration.history.name}: leaving {stage.name}, {int(stage.current.sum()):,} visits "
                f"until {calibration.as_of}"
            )
        )
        axes.legend(loc="upper left", bbox_to_anchor=(-0.01, -0.16), ncols=1, fontsize=9.5, borderaxespad=0.0)
        figure.supxlabel(
            "Steps: the data alone (Aalen-Johansen), with their 90 % band. Dashes: as fitted, "
            "with theirs.\nRight of the dotted line fewer than ten leads are in sight.",
            fontsize=9.5,
            color="#444444",
        )
        return figure


def _exit(
    axes: Axes, stage: StageFit, target: str, curve: Incidence, grid: FloatArray, unit: float, color: str
) -> None:
    share, seen = stage.share(target), curve.time <= follow_up_limit(stage)
    time = np.append(curve.time[seen], follow_up_limit(stage))
    step, low, high = (np.append(one[seen], one[seen][-1]) for one in (curve.share, curve.low, curve.high))
    axes.fill_between(time / unit, low, high, step="post", color=color, alpha=0.22, linewidth=0)
    axes.step(
        time / unit,
        step,
        where="post",
        color=color,
        linewidth=1.8,
        label=f"{target}: in the end {number(100 * share.value)} % (95 %: {number(100 * share.low)} to "
        f"{number(100 * share.high)} %), {stage.seen(target):,} seen",
    )
    axes.plot(grid / unit, fitted_cif(stage, target, grid), color=color, linewidth=1.6, linestyle=(0, (4, 2)))
    for edge in fitted_cif_band(stage, target, grid):
        axes.plot(grid / unit, edge, color=color, linewidth=0.7, linestyle=(0, (1, 2)))


def _plain(name: str) -> str:
    """For a file name."""
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower())
