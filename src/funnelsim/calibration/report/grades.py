"""How well each figure of a calibration is known: one table, and what it rests on."""

from __future__ import annotations

from textwrap import wrap

import numpy as np

from funnelsim.calibration.fitted_history import FittedHistory
from funnelsim.calibration.survival.nonparametric import fit_gap, observed_cif
from funnelsim.calibration.survival.stage_fit import StageFit

Row = tuple[str, ...]
DAY, WIDTH = 86400.0, 118


def read_lines(fitted: FittedHistory) -> list[str]:
    """Which files were read."""
    return [f"  {data.file}: {data.rows:,} rows" for data in fitted.data]


def quality_rows(fitted: FittedHistory) -> list[Row]:
    """A row an exit: exits seen, follow-up, how far families disagree, distance from the data's own curve."""
    rows: list[Row] = [("exit", "seen", "follow-up", "by family", "off the data", "at", "outside band")]
    for stage in fitted.stages:
        for target in stage.order:
            rows.append(
                (
                    f"{stage.name} -> {target}",
                    f"{stage.seen(target):,}",
                    f"{100 * followed(stage, target):.0f} %",
                    _by_family(stage, target),
                    *(("-", "-", "-") if fitted.history.counts else _off(stage, target)),  # counts have no curve
                )
            )
    return rows


def followed(stage: StageFit, target: str) -> float:
    """Of the exits to a target that will happen: the share that has had the time to be seen."""
    exits = stage.of(target)
    weights = [stage.fit.point([j]) for j in exits]
    return float(np.average([stage.fit.follow_up_share[j] for j in exits], weights=weights))


def grade_lines(fitted: FittedHistory) -> list[str]:
    """The grade of each group of figures."""
    of: dict[str, list[str]] = {}
    for path, grade in fitted.grades().items():
        of.setdefault(grade, []).append(path)
    lines = [f"  {grade}: {', '.join(paths)}" for grade, paths in of.items()]
    return [part for line in lines for part in wrap(line, WIDTH, initial_indent="  ", subsequent_indent="    ")]


def _by_family(stage: StageFit, target: str) -> str:
    """Least and most of the share over the choices of families that are plausible."""
    shares = [100 * float(law.shares()[-1, stage.of(target)].sum()) for law in stage.fit.laws]
    low, high = min(shares), max(shares)
    return f"{low:.1f} to {high:.1f} %" if high - low >= 0.05 else f"{low:.1f} %"


def _off(stage: StageFit, target: str) -> Row:
    far = fit_gap(stage, target, observed_cif(stage)[target])
    return f"{100 * far.size:+.1f} points", f"{far.seconds / DAY:.1f} days", f"{100 * far.outside:.0f} %"
