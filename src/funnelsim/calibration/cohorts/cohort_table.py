"""Counts by cohort: one row a cohort (or a cohort and an elapsed period), how many entered and how many got how far.

Totals as of a date, or rows by elapsed period. From them come the steps of the likelihood (`cohort_likelihood`), the
stages of a calibration, and the leads as records, spread evenly over the period in which they entered. An empty cell
is a count that is not told yet: the cohort says nothing about that step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from funnelsim.calibration.cohorts.cohort_likelihood import (
    MEASURED,
    SAID,
    CohortFit,
    CohortStep,
    fit_cohort_step,
    onward,
)
from funnelsim.calibration.events.visit_history import OPEN, VisitHistory, Visits
from funnelsim.calibration.history.model import COUNTS, CohortCounts, HistoryFile, SourceColumn
from funnelsim.calibration.io.data_tables import Library
from funnelsim.calibration.io.files import LINE
from funnelsim.calibration.io.money_parsing import amounts
from funnelsim.calibration.io.row_issues import RowIssues
from funnelsim.calibration.io.times import instants
from funnelsim.calibration.survival.competing_risks import Spells
from funnelsim.calibration.survival.model_averaging import ShareEstimate
from funnelsim.calibration.survival.stage_fit import StageFit
from funnelsim.errors import DataError, Problem
from funnelsim.typing import FloatArray

DAY = 86400.0
LENGTHS = {"day": DAY, "week": 7 * DAY, "month": 30.4375 * DAY}
HALF_A_YEAR = 183  # days


@dataclass(frozen=True)
class CohortTable:
    """The counts, checked. All arrays by cohort and, where there are elapsed periods, by these."""

    stages: tuple[str, ...]
    sources: tuple[str, ...]
    begins: FloatArray  # by cohort: seconds since 1970
    source: np.ndarray
    width: float  # of a period, seconds
    reached: np.ndarray  # (cohort, stage, elapsed): counts up to then; nan: not told
    by_age: bool  # False: totals as of the date only
    per_lead_clock: bool
    as_of: float

    @property
    def entered(self) -> FloatArray:
        """Leads by cohort."""
        return np.asarray(np.nanmax(self.reached[:, 0], axis=1))


def read_cohorts(history: HistoryFile, library: Library, issues: RowIssues) -> CohortTable:
    """The table; rows that contradict themselves are counted and left out. Raises DataError when nothing is left."""
    counts, as_of = history.counts, history.as_of
    assert counts is not None and as_of is not None
    sheet = library.sheets[COUNTS]
    lines = sheet.frame[LINE].to_numpy()
    begins = _period_starts(library.words(counts.period), counts, history.timezone)
    numbers = np.stack(
        [amounts(library.words(_required(mark.entered)), "") for mark in history.stages.values()], axis=1
    )
    elapsed = amounts(library.words(counts.elapsed), "") if counts.elapsed else np.zeros(len(begins))
    sources, source = _sources(history, library)
    keep = np.ones(len(begins), bool)

    def drop(which: np.ndarray, reason: str) -> None:
        issues.add(sheet.file, reason, lines[keep & which])
        keep[which] = False

    drop(~np.isfinite(begins), f"a period that cannot be read in {counts.period.name}")
    drop(begins >= as_of.timestamp(), "a period that begins after the as-of date")
    drop(~(elapsed >= 0), "an elapsed period that is no number")
    with np.errstate(invalid="ignore"):
        drop(np.asarray((numbers < 0).any(1) | (numbers % 1 > 0).any(1)), "a count that is no whole number")
    if counts.elapsed is None:
        drop(~np.isfinite(numbers[:, 0]), "nobody is counted in the first stage")
        drop(_exceeds_previous(numbers), "more in a later stage than before it")
    key = pl.DataFrame({"begins": begins, "source": source, "elapsed": elapsed, "usable": keep}).to_struct("key")
    drop(~key.is_first_distinct().to_numpy(), "a period seen before (the first row counts)")
    if not keep.any():
        raise DataError(
            [
                Problem(
                    sheet.file,
                    text="no row of counts can be used",
                    hint="see the columns named in `counts` and `stages`",
                )
            ]
        )
    table = _table(counts, begins[keep], source[keep], elapsed[keep], numbers[keep])
    return CohortTable(
        tuple(history.stages), sources, *table, counts.elapsed is not None, counts.per_lead_clock, as_of.timestamp()
    )


def cohort_records(table: CohortTable, rows: dict[str, int]) -> VisitHistory:
    """A lead for each that was counted, at even times within its cohort's period; who went how far, not when."""
    furthest = _last_counts(table)  # (cohort, stage)
    size = furthest[:, 0].astype(int)
    cohort = np.repeat(np.arange(len(size)), size)
    number = np.arange(len(cohort)) - np.repeat(np.cumsum(size) - size, size)
    at = table.begins[cohort] + table.width * (number + 0.5) / size[cohort]
    depth = np.zeros(len(cohort), np.int64)
    for stage in range(1, len(table.stages)):
        depth += number < np.nan_to_num(furthest[:, stage])[cohort]
    lead = np.repeat(np.arange(len(cohort)), depth + 1)
    place = np.asarray(np.arange(len(lead)) - np.repeat(np.cumsum(depth + 1) - depth - 1, depth + 1))
    last = place == depth[lead]
    visits = Visits(
        lead,
        place,
        np.ones(len(lead), np.int64),
        np.minimum(at, table.as_of - 1.0)[lead],
        np.where(last, np.nan, at[lead]),
        np.where(last, OPEN, place + 1),
        np.full(len(lead), table.width),
        place == 0,
    )
    ids = np.arange(len(cohort)).astype(str)
    return VisitHistory(
        table.stages,
        table.sources,
        ids,
        table.source[cohort],
        np.full(len(cohort), np.nan),
        visits,
        table.as_of,
        True,
        rows,
    )


def fit_cohorts(history: HistoryFile, table: CohortTable) -> list[StageFit]:
    """Every step, one after the other: who went on from one enters the next."""
    entries: tuple[FloatArray, ...] = tuple(np.ones(1) for _ in table.begins)
    stages = []
    for number in range(len(table.stages) - 1):
        step = _step(history, table, number, entries)
        used = step.entered > 0
        if used.any() and len(step.count) and step.count.sum() > 0:
            fitted = fit_cohort_step(step)
            stages.append(_stage(table, step, fitted))
            entries = _entries_of_next(table, number, step, fitted)
    return stages


def _period_starts(cells: pl.Series, counts: CohortCounts, zone: str) -> FloatArray:
    """The beginning of each period; dates without a year are of the year said, and of later ones as they turn over."""
    column = counts.period
    if counts.year:
        order, format_ = without_weekday(cells, column.format)
        day = pl.select(pl.format("2000-{}", order)).to_series().str.to_date(f"%Y-{format_}", strict=False)
        turned = np.append(False, np.diff(day.dt.ordinal_day().fill_null(strategy="forward").to_numpy()) < -HALF_A_YEAR)
        text = pl.select(pl.format("{}-{}", pl.Series(counts.year + np.cumsum(turned)), cells)).to_series()
        dated = SourceColumn(column.table, column.name, column.place, column.timezone, format=f"%Y-{column.format}")
        return np.asarray(instants(text, dated, zone).seconds - DAY / 2)
    at = instants(cells, column, zone)
    return np.where(at.rounding >= DAY, at.seconds - DAY / 2, at.seconds)


def without_weekday(cells: pl.Series, format_: str) -> tuple[pl.Series, str]:
    """Dates such as `Sat-Oct-11` and their format without the name of the day, which a wrong year contradicts."""
    bare = format_.removeprefix("%a-").removeprefix("%a ")
    return (cells.str.replace(r"^[A-Za-z]{3}[- ]", "") if bare != format_ else cells), bare


def _required(column: SourceColumn | None) -> SourceColumn:
    assert column is not None, "the history file was checked"
    return column


def _sources(history: HistoryFile, library: Library) -> tuple[tuple[str, ...], np.ndarray]:
    if history.source is None:
        rows = library.sheets[COUNTS].rows
        return ("all",), np.zeros(rows, np.int64)
    words = history.source.named(library.words(history.source.column)).to_numpy().astype(str)
    names, which = np.unique(words, return_inverse=True)
    return tuple(names.tolist()), which


def _exceeds_previous(numbers: FloatArray) -> np.ndarray:
    """Is a count larger than the last one told before it?"""
    larger = np.zeros(len(numbers), bool)
    most = numbers[:, 0]
    for stage in range(1, numbers.shape[1]):
        given = np.isfinite(numbers[:, stage])
        larger |= given & (numbers[:, stage] > most)
        most = np.where(given, numbers[:, stage], most)
    return larger


def _table(
    counts: CohortCounts, begins: FloatArray, source: np.ndarray, elapsed: FloatArray, numbers: FloatArray
) -> tuple[FloatArray, np.ndarray, float, np.ndarray]:
    """(begin, source, width, counts up to each elapsed period) of the cohorts."""
    pairs, cohort = np.unique(np.stack([begins, source.astype(float)]), axis=1, return_inverse=True)
    periods = int(elapsed.max()) + 1
    reached = np.full((pairs.shape[1], numbers.shape[1], periods), np.nan)
    reached[cohort, :, elapsed.astype(int)] = numbers
    if counts.elapsed and counts.counts_per_period:
        given = np.isfinite(reached)
        reached = np.where(given, np.cumsum(np.nan_to_num(reached), axis=2), np.nan)
    return pairs[0], pairs[1].astype(int), LENGTHS[counts.each], reached


def _last_counts(table: CohortTable) -> FloatArray:
    """(cohort, stage): the last count told; nan where none is."""
    counts = np.where(np.isfinite(table.reached), table.reached, -1.0).max(axis=2)
    return np.where(counts < 0, np.nan, counts)


def _periods_over(table: CohortTable) -> FloatArray:
    """Periods of each cohort that were over by the as-of date."""
    return np.asarray((table.as_of - table.begins) / table.width)


def _step(history: HistoryFile, table: CohortTable, number: int, entries: tuple[FloatArray, ...]) -> CohortStep:
    """What the counts say of one stage and the next: cohorts of which both counts are told."""
    name, next_ = table.stages[number], table.stages[number + 1]
    here, there = table.reached[:, number], table.reached[:, number + 1]
    over = _periods_over(table)
    cohort, low, high, count = [], [], [], []
    entered, ends = np.zeros(len(over)), np.zeros(len(over))
    for c in range(len(over)):
        given = np.flatnonzero(np.isfinite(there[c]) & (np.isfinite(here[c]) | (number == 0)))
        if table.by_age:
            given = given[given + (2 if table.per_lead_clock else 1) <= over[c] + 1e-6]
        if not len(given):
            continue
        entered[c] = np.nanmax(here[c] if number == 0 else here[c][: given[-1] + 1])
        ends[c] = given[-1] + 1.0 if table.by_age else over[c]
        edges = np.append(0.0, given + 1.0) if table.by_age else np.array([0.0, over[c]])
        gone = np.diff(np.append(0.0, np.maximum.accumulate(there[c][given])))
        cohort += [c] * len(gone)
        low += edges[:-1].tolist()
        high += edges[1:].tolist()
        count += np.minimum(gone, entered[c]).tolist()
    return CohortStep(
        name,
        next_,
        table.width,
        entered,
        ends,
        table.source,
        len(table.sources),
        entries,
        np.array(cohort, np.int64),
        np.array(low),
        np.array(high),
        np.array(count, float),
        table.per_lead_clock and table.by_age and number == 0,
        history.stages[next_].takes,
    )


def _entries_of_next(table: CohortTable, number: int, step: CohortStep, fitted: CohortFit) -> tuple[FloatArray, ...]:
    """When those of the next stage entered it: as counted by age, else as the fitted law has it."""
    if not table.by_age:
        return onward(step, fitted.fit, fitted.timing)
    parts = []
    for row in table.reached[:, number + 1]:
        flow = np.maximum(np.diff(np.append(0.0, np.maximum.accumulate(np.nan_to_num(row)))), 0.0)
        parts.append(flow / flow.sum() if flow.sum() > 0 else np.ones(1))
    return tuple(parts)


def _stage(table: CohortTable, step: CohortStep, fitted: CohortFit) -> StageFit:
    """The step as a stage of a calibration; sources of their own where they are several."""
    entered, went = step.entered, np.asarray(np.bincount(step.cohort, step.count, len(step.entered)), float)
    sources: dict[str, ShareEstimate] = {}
    one = fitted
    if step.groups > 1:
        one = fit_cohort_step(_of_one_group(step))
        sources = {
            name: fitted.fit.forward([0], g) for g, name in enumerate(table.sources) if went[step.group == g].sum() >= 1
        }
    naive = {
        name: (int(went[step.group == g].sum()), int(entered[step.group == g].sum()))
        for g, name in enumerate(table.sources)
    }
    outcome = np.concatenate([np.repeat([1, 0], [int(x), int(e - x)]) for e, x in zip(entered, went, strict=True)])
    age = np.repeat(step.ends * step.width, entered.astype(int))
    nothing = np.zeros(len(age))
    spells = Spells((step.next,), age, age, outcome, nothing + step.width, nothing.astype(int))
    return StageFit(
        step.stage,
        (step.next,),
        (step.next,),
        (0,),
        spells,
        one.fit,
        sources,
        naive,
        (),
        (),
        _notes(step, one, went),
        PACE_GRADES[one.timing],
    )


def _of_one_group(step: CohortStep) -> CohortStep:
    values = {name: getattr(step, name) for name in CohortStep.__dataclass_fields__}
    return CohortStep(**{**values, "group": np.zeros_like(step.group), "groups": 1})


PACE_GRADES = {
    MEASURED: "measured, from counts",
    SAID: "said in the history file",
    "not told": "assumed: half a period, as the counts do not tell times",
}


def _notes(step: CohortStep, fitted: CohortFit, went: FloatArray) -> tuple[str, ...]:
    """What is to be minded about this step."""
    used = step.entered > 0
    left_out = int((~used).sum())
    lines = []
    if left_out:
        lines.append(f"{left_out} of {len(used)} cohorts tell nothing about it yet and are left out.")
    youngest = float(step.ends[used].min() * step.width / DAY)
    if fitted.timing == "not told":
        lines.append(
            f"how long it takes cannot be estimated: the share does not rise with the age of the cohorts (the youngest"
            f" is {youngest:.0f} days old). It is taken as complete, and the time as half a period; say"
            f" `takes: 14 days` for {step.next} if you know it."
        )
    if fitted.dispersion > 1.5:
        lines.append(
            f"cohorts differ {fitted.dispersion:.1f} times as much as by chance (variance); the intervals allow for it."
        )
    return tuple(lines)
