"""A sweep as text: the answer in a sentence, then where each measure turns, then the table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from funnelsim.measures import mean
from funnelsim.reporting.common.format import NumberFormat, Table
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


def sweep_report(sweep: Sweep, verbose: int = 0, width: int = 110) -> str:
    """The text of a sweep."""
    along = turns(sweep) if len(sweep.spec.axes) == 1 else []
    parts = [answer(sweep, along)]
    if along and len(sweep.points) > 2:
        parts.append(_turns(sweep, along))
    if len(sweep.spec.axes) == 1:
        parts += [_curve_table(sweep, name, width) for name in sweep.spec.names]
        parts += [_difference_table(sweep, name, width) for name in sweep.spec.names[1:]]
    else:
        parts += [_best_points(sweep, name, width, verbose) for name in sweep.spec.names]
    parts.append(_footnote(sweep))
    return "\n\n".join(part for part in parts if part)


def answer(sweep: Sweep, along: Sequence[Turn]) -> str:
    """One sentence on the first measure; `along` are the turns of a sweep over one axis."""
    study = sweep.spec
    if len(sweep.failed) == len(sweep.cells):
        return f"No answer: all {len(sweep.cells)} points failed; the first: {sweep.failed[0].error}."
    measure, name = study.measures[0], study.names[-1]
    if len(study.axes) == 1 and len(sweep.points) > 2:
        told = [_went(sweep, one) for one in along if one.measure == measure]
        return ". ".join(told) + (f"; {_against(sweep, measure)}" if len(study.names) > 1 else "") + "."
    return _highest_point(sweep, name, measure)


def turns(sweep: Sweep) -> list[Turn]:
    """Of a sweep over one axis: each scenario's measures, highest and lowest."""
    result = []
    for name in sweep.spec.names:
        for measure in sweep.spec.measures:
            points, values = sweep.curves(name, measure)
            kept = [i for i in range(len(points)) if np.isfinite(values[:, i]).all()]
            if len(kept) > 1:
                there, among = values[:, kept], [points[i] for i in kept]
                result.append(Turn(name, measure, among, highest(there), lowest(there)))
    return result


def format_of(sweep: Sweep, measure: str) -> NumberFormat:
    """Of a measure."""
    return NumberFormat(unit_of(sweep, measure), sweep.currency)


def unit_of(sweep: Sweep, measure: str) -> str:
    """The unit of a measure, from any cell that has it."""
    for cell in sweep.cells:
        one = sweep.measure(cell, measure)
        if one is not None:
            return one.unit
    return ""


def short(path: str) -> str:
    """The end of a path, enough to know it by: search.rate."""
    return ".".join(path.split(".")[-LAST_DOTS:])


# ---- the answer ----------------------------------------------------------------------------------------------------


def _went(sweep: Sweep, one: Turn) -> str:
    """Peaks, dips, rises, falls, or nothing of it for sure."""
    path, measure, ends = short(sweep.spec.axes[0].path), one.measure, (0, one.many - 1)
    head = f"{one.scenario}: {measure}"
    first, last = _mean_at(sweep, one, ends[0]), _mean_at(sweep, one, ends[1])
    for way, extreme in (("peaks", one.top), ("is lowest", one.bottom)):
        if extreme.inside(one.many):
            return f"{head} {way} at {path} {_found_at(sweep, one, extreme)}"
    if (one.top.first, one.top.last) == ends:
        return f"{head} does not surely change along {path}: {first} to {last}"
    if one.top.at in ends and one.top.first == one.top.last:
        way = "rises" if one.top.at else "falls"
        return f"{head} {way} with {path}, from {first} at {one.at(0)} to {last} at {one.at(ends[1])}"
    return f"{head} is highest at {path} {_found_at(sweep, one, one.top)}"


def _found_at(sweep: Sweep, one: Turn, extreme: Extremum) -> str:
    return (
        f"{one.at(extreme.at)} (90 %: {one.among(extreme)}), with {format_of(sweep, one.measure).value(extreme.value)}"
    )


def _mean_at(sweep: Sweep, one: Turn, i: int) -> str:
    cell = next(cell for cell in sweep.of(one.scenario) if cell.point == one.points[i])
    estimate = sweep.estimate(cell, one.measure)
    return format_of(sweep, one.measure).value(estimate.mean if estimate else math.nan)


def _against(sweep: Sweep, measure: str) -> str:
    """Where the last scenario is surely ahead of the first, on the same luck."""
    base, other = sweep.spec.names[0], sweep.spec.names[-1]
    ahead, behind, apart = [], [], 0
    for one, two in zip(sweep.of(base), sweep.of(other), strict=True):
        values = sweep.difference(one, two, measure)
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
    clauses = [f"{where} {_which(points, apart)}" for where, points in (("ahead", ahead), ("behind", behind)) if points]
    return f"{other} is {' and '.join(clauses)} of {base}" if clauses else f"{other} and {base} cannot be told apart"


def _which(points: Sequence[str], of: int) -> str:
    if len(points) == of:
        return "at every point"
    return f"at {points[0]}" if len(points) == 1 else f"at {len(points)} of {of} points ({points[0]} to {points[-1]})"


def _highest_point(sweep: Sweep, name: str, measure: str) -> str:
    there = [(one, cell) for cell in sweep.of(name) if (one := sweep.estimate(cell, measure)) is not None]
    if not there:
        return f"{name}: no point gives {measure}."
    (top, best), (bottom, worst) = (which(there, key=lambda pair: pair[0].mean) for which in (max, min))
    numbers = format_of(sweep, measure)
    return (
        f"{name}: {measure} is highest at {_where(sweep.spec.axes, best.point)}, with "
        f"{numbers.value(top.mean)} (± {numbers.value((top.high - top.low) / 2)}); lowest at "
        f"{_where(sweep.spec.axes, worst.point)}, with {format_of(sweep, measure).value(bottom.mean)}."
    )


def _where(axes: Sequence[Axis], point: tuple[str, ...]) -> str:
    return ", ".join(f"{short(axis.path)} {text}" for axis, text in zip(axes, point, strict=True))


# ---- tables --------------------------------------------------------------------------------------------------------


def _turns(sweep: Sweep, along: Sequence[Turn]) -> str:
    table = Table([f"Along {sweep.spec.axes[0].path}", "highest", "at", "90 %", "lowest", "at", "90 %"])
    for one in along:
        table.add(
            f"   {one.scenario}: {one.measure}",
            format_of(sweep, one.measure).value(one.top.value),
            one.at(one.top.at),
            one.among(one.top),
            format_of(sweep, one.measure).value(one.bottom.value),
            one.at(one.bottom.at),
            one.among(one.bottom),
        )
    return "\n".join([*table.lines(), "   90 %: the points that cannot be told from it on the same luck."])


def _curve_table(sweep: Sweep, name: str, width: int) -> str:
    headers = [f"{name}, {short(sweep.spec.axes[0].path)}"]
    for measure in sweep.spec.measures:
        headers += [measure, "±"]
    table = Table(headers)
    for cell in sweep.of(name):
        table.add(f"   {cell.point[0]}", *_value_and_error(sweep, cell))
    return "\n".join(table.lines(width))


def _value_and_error(sweep: Sweep, cell: SweepCell) -> Iterator[str]:
    if cell.outcome is None:
        yield "failed"
        yield from [""] * (2 * len(sweep.spec.measures) - 1)
        return
    for measure in sweep.spec.measures:
        one = sweep.estimate(cell, measure)
        yield format_of(sweep, measure).value(one.mean) if one else "-"
        yield format_of(sweep, measure).value((one.high - one.low) / 2.0) if one else ""


def _difference_table(sweep: Sweep, name: str, width: int) -> str:
    base = sweep.spec.names[0]
    headers = [f"{name} - {base}"]
    for measure in sweep.spec.measures:
        headers += [measure, "±"]
    table = Table(headers)
    for one, two in zip(sweep.of(base), sweep.of(name), strict=True):
        cells = []
        for measure in sweep.spec.measures:
            values = sweep.difference(one, two, measure)
            span = mean(values) if values is not None else None
            cells += [
                format_of(sweep, measure).value(span.mean) if span else "-",
                format_of(sweep, measure).value((span.high - span.low) / 2.0) if span else "",
            ]
        table.add(f"   {two.point[0]}", *cells)
    return "\n".join([*table.lines(width), "   On the same luck; ± simulation error, 90 %."])


def _best_points(sweep: Sweep, name: str, width: int, verbose: int) -> str:
    """The points with the highest first measure."""
    axes, measures = sweep.spec.axes, sweep.spec.measures
    headers = [f"{name}: {short(axes[0].path)}", *(short(axis.path) for axis in axes[1:])]
    for measure in measures:
        headers += [measure, "±"]
    table = Table(headers)
    ranked = [
        (one.mean if (one := sweep.estimate(cell, measures[0])) else -math.inf, i, cell)
        for i, cell in enumerate(sweep.of(name))
    ]
    ranked.sort(key=lambda row: (-row[0] if math.isfinite(row[0]) else math.inf, row[1]))
    shown_rows = ranked if verbose else ranked[:MOST_ROWS]
    for _, _, cell in shown_rows:
        table.add(f"   {cell.point[0]}", *cell.point[1:], *_value_and_error(sweep, cell))
    left = len(ranked) - len(shown_rows)
    more = [f"   ... {left} more, in order of {measures[0]}; all of them with -v and in sweep.csv."] if left else []
    return "\n".join([*table.lines(width), *more])


def _footnote(sweep: Sweep) -> str:
    counts = sorted({cell.outcome.replications for cell in sweep.cells if cell.outcome})
    if not counts:
        return ""
    often = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    engines = {cell.outcome.engine for cell in sweep.cells if cell.outcome}
    lines = [
        f"{len(sweep.cells)} points, {often} replications each, the same luck at every point; ± simulation error "
        f"of the mean, 90 %: luck and what is not known, as far as {often} replications average them out.",
        "One period is in sweep.csv, period_low to period_high; how much of it is ignorance: funnelsim sensitivity.",
    ]
    if len(engines) > 1:
        lines.append(f"Some points were kept from another version of the engine ({len(engines)}, see sweep.csv).")
    if sweep.failed:
        lines.append(f"{len(sweep.failed)} points failed, the first: {sweep.failed[0].error}.")
    return "\n".join(lines)
