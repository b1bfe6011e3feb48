"""A sweep as text: the answer in a sentence, then where each measure turns, then the table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from funnelsim.measures import mean
from funnelsim.reporting.common.format import Table, shown
from funnelsim.study.axes import Axis
from funnelsim.study.extremum import Extremum, highest, lowest
from funnelsim.study.sweep import Sweep, SweepCell

MOST_ROWS = 12  # of the best points, when there are several axes
LAST_DOTS = 2  # of a path that a heading needs


@dataclass(frozen=True)
class Turn:
    """How one measure of one scenario goes along one axis."""

    scenario: str
    measure: str
    points: list[tuple[str, ...]]
    top: Extremum
    bottom: Extremum

    @property
    def many(self) -> int:
        return len(self.points)

    def at(self, i: int) -> str:
        return self.points[i][0]

    def among(self, one: Extremum) -> str:
        """The points that cannot be told from an extreme."""
        return self.at(one.first) if one.first == one.last else f"{self.at(one.first)} to {self.at(one.last)}"


def sweep_report(found: Sweep, verbose: int = 0, width: int = 110) -> str:
    """The text of a sweep."""
    along = turns(found) if len(found.spec.axes) == 1 else []
    parts = [answer(found, along)]
    if along and len(found.points) > 2:
        parts.append(_turns(found, along))
    if len(found.spec.axes) == 1:
        parts += [_curve_table(found, name, width) for name in found.spec.names]
        parts += [_difference_table(found, name, width) for name in found.spec.names[1:]]
    else:
        parts += [_best_points(found, name, width, verbose) for name in found.spec.names]
    parts.append(_footing(found))
    return "\n\n".join(part for part in parts if part)


def answer(found: Sweep, along: Sequence[Turn]) -> str:
    """One sentence on the first measure; `along` are the turns of a sweep over one axis."""
    study = found.spec
    if len(found.failed) == len(found.cells):
        return f"No answer: all {len(found.cells)} points failed; the first: {found.failed[0].error}."
    measure, name = study.measures[0], study.names[-1]
    if len(study.axes) == 1 and len(found.points) > 2:
        told = [_went(found, one) for one in along if one.measure == measure]
        return ". ".join(told) + (f"; {_against(found, measure)}" if len(study.names) > 1 else "") + "."
    return _highest_point(found, name, measure)


def turns(found: Sweep) -> list[Turn]:
    """Of a sweep over one axis: each scenario's measures, highest and lowest."""
    result = []
    for name in found.spec.names:
        for measure in found.spec.measures:
            points, values = found.curves(name, measure)
            kept = [i for i in range(len(points)) if np.isfinite(values[:, i]).all()]
            if len(kept) > 1:
                there, among = values[:, kept], [points[i] for i in kept]
                result.append(Turn(name, measure, among, highest(there), lowest(there)))
    return result


def said(found: Sweep, measure: str, value: float) -> str:
    """A value in the unit of its measure."""
    return shown(value, unit_of(found, measure), found.currency)


def unit_of(found: Sweep, measure: str) -> str:
    """The unit of a measure, from any cell that has it."""
    for cell in found.cells:
        one = found.measure(cell, measure)
        if one is not None:
            return one.unit
    return ""


def short(path: str) -> str:
    """The end of a path, enough to know it by: search.rate."""
    return ".".join(path.split(".")[-LAST_DOTS:])


# ---- the answer ----------------------------------------------------------------------------------------------------


def _went(found: Sweep, one: Turn) -> str:
    """Peaks, dips, rises, falls, or nothing of it for sure."""
    path, measure, ends = short(found.spec.axes[0].path), one.measure, (0, one.many - 1)
    head = f"{one.scenario}: {measure}"
    first, last = _value(found, one, ends[0]), _value(found, one, ends[1])
    for way, extreme in (("peaks", one.top), ("is lowest", one.bottom)):
        if extreme.inside(one.many):
            return f"{head} {way} at {path} {_found_at(found, one, extreme)}"
    if (one.top.first, one.top.last) == ends:
        return f"{head} does not surely change along {path}: {first} to {last}"
    if one.top.at in ends and one.top.first == one.top.last:
        way = "rises" if one.top.at else "falls"
        return f"{head} {way} with {path}, from {first} at {one.at(0)} to {last} at {one.at(ends[1])}"
    return f"{head} is highest at {path} {_found_at(found, one, one.top)}"


def _found_at(found: Sweep, one: Turn, extreme: Extremum) -> str:
    return f"{one.at(extreme.at)} (90 %: {one.among(extreme)}), with {said(found, one.measure, extreme.value)}"


def _value(found: Sweep, one: Turn, i: int) -> str:
    cell = next(cell for cell in found.of(one.scenario) if cell.point == one.points[i])
    estimate = found.estimate(cell, one.measure)
    return said(found, one.measure, estimate.mean if estimate else math.nan)


def _against(found: Sweep, measure: str) -> str:
    """Where the last scenario is surely ahead of the first, on the same luck."""
    base, other = found.spec.names[0], found.spec.names[-1]
    ahead, behind, apart = [], [], 0
    for one, two in zip(found.of(base), found.of(other), strict=True):
        values = found.difference(one, two, measure)
        if values is None:
            continue
        span = mean(values)
        apart += 1
        if span.low > 0.0:
            ahead.append(two.point[0])
        elif span.high < 0.0:
            behind.append(two.point[0])
    if not apart:
        return f"{other} and {base} have no point in common"
    said_ = [f"{where} {_which(points, apart)}" for where, points in (("ahead", ahead), ("behind", behind)) if points]
    return f"{other} is {' and '.join(said_)} of {base}" if said_ else f"{other} and {base} cannot be told apart"


def _which(points: Sequence[str], of: int) -> str:
    if len(points) == of:
        return "at every point"
    return f"at {points[0]}" if len(points) == 1 else f"at {len(points)} of {of} points ({points[0]} to {points[-1]})"


def _highest_point(found: Sweep, name: str, measure: str) -> str:
    there = [(one, cell) for cell in found.of(name) if (one := found.estimate(cell, measure)) is not None]
    if not there:
        return f"{name}: no point gives {measure}."
    (top, best), (bottom, worst) = (which(there, key=lambda pair: pair[0].mean) for which in (max, min))
    return (
        f"{name}: {measure} is highest at {_where(found.spec.axes, best.point)}, with "
        f"{said(found, measure, top.mean)} (± {said(found, measure, (top.high - top.low) / 2)}); lowest at "
        f"{_where(found.spec.axes, worst.point)}, with {said(found, measure, bottom.mean)}."
    )


def _where(axes: Sequence[Axis], point: tuple[str, ...]) -> str:
    return ", ".join(f"{short(axis.path)} {text}" for axis, text in zip(axes, point, strict=True))


# ---- tables --------------------------------------------------------------------------------------------------------


def _turns(found: Sweep, along: Sequence[Turn]) -> str:
    table = Table([f"Along {found.spec.axes[0].path}", "highest", "at", "90 %", "lowest", "at", "90 %"])
    for one in along:
        table.add(
            f"   {one.scenario}: {one.measure}",
            said(found, one.measure, one.top.value),
            one.at(one.top.at),
            one.among(one.top),
            said(found, one.measure, one.bottom.value),
            one.at(one.bottom.at),
            one.among(one.bottom),
        )
    return "\n".join([*table.lines(), "   90 %: the points that cannot be told from it on the same luck."])


def _curve_table(found: Sweep, name: str, width: int) -> str:
    headers = [f"{name}, {short(found.spec.axes[0].path)}"]
    for measure in found.spec.measures:
        headers += [measure, "±"]
    table = Table(headers)
    for cell in found.of(name):
        table.add(f"   {cell.point[0]}", *_cells(found, cell))
    return "\n".join(table.lines(width))


def _cells(found: Sweep, cell: SweepCell) -> Iterator[str]:
    if cell.outcome is None:
        yield "failed"
        yield from [""] * (2 * len(found.spec.measures) - 1)
        return
    for measure in found.spec.measures:
        one = found.estimate(cell, measure)
        yield said(found, measure, one.mean) if one else "-"
        yield said(found, measure, (one.high - one.low) / 2.0) if one else ""


def _difference_table(found: Sweep, name: str, width: int) -> str:
    base = found.spec.names[0]
    headers = [f"{name} - {base}"]
    for measure in found.spec.measures:
        headers += [measure, "±"]
    table = Table(headers)
    for one, two in zip(found.of(base), found.of(name), strict=True):
        cells = []
        for measure in found.spec.measures:
            values = found.difference(one, two, measure)
            span = mean(values) if values is not None else None
            cells += [
                said(found, measure, span.mean) if span else "-",
                said(found, measure, (span.high - span.low) / 2.0) if span else "",
            ]
        table.add(f"   {two.point[0]}", *cells)
    return "\n".join([*table.lines(width), "   On the same luck; ± simulation error, 90 %."])


def _best_points(found: Sweep, name: str, width: int, verbose: int) -> str:
    """The points with the highest first measure."""
    axes, measures = found.spec.axes, found.spec.measures
    headers = [f"{name}: {short(axes[0].path)}", *(short(axis.path) for axis in axes[1:])]
    for measure in measures:
        headers += [measure, "±"]
    table = Table(headers)
    ranked = [
        (one.mean if (one := found.estimate(cell, measures[0])) else -math.inf, i, cell)
        for i, cell in enumerate(found.of(name))
    ]
    ranked.sort(key=lambda row: (-row[0] if math.isfinite(row[0]) else math.inf, row[1]))
    shown_rows = ranked if verbose else ranked[:MOST_ROWS]
    for _, _, cell in shown_rows:
        table.add(f"   {cell.point[0]}", *cell.point[1:], *_cells(found, cell))
    left = len(ranked) - len(shown_rows)
    more = [f"   ... {left} more, in order of {measures[0]}; all of them with -v and in sweep.csv."] if left else []
    return "\n".join([*table.lines(width), *more])


def _footing(found: Sweep) -> str:
    counts = sorted({cell.outcome.replications for cell in found.cells if cell.outcome})
    if not counts:
        return ""
    often = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    engines = {cell.outcome.engine for cell in found.cells if cell.outcome}
    lines = [
        f"{len(found.cells)} points, {often} replications each, the same luck at every point; ± simulation error "
        f"of the mean, 90 %: luck and what is not known, as far as {often} replications average them out.",
        "One period is in sweep.csv, least to most; how much of it is ignorance: funnelsim sensitivity.",
    ]
    if len(engines) > 1:
        lines.append(f"Some points were kept from another version of the engine ({len(engines)}, see sweep.csv).")
    if found.failed:
        lines.append(f"{len(found.failed)} points failed, the first: {found.failed[0].error}.")
    return "\n".join(lines)
