"""From cells to visits: who entered which stage when, and how it went on.

Both forms of history become one list of marks (lead, stage, instant), sorted; a visit runs from one mark to the next.
Rows that cannot be true are counted and left out; a time after the as-of instant has not happened yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from funnelsim.calibration.families import Array
from funnelsim.calibration.history import LOST, Column, History
from funnelsim.calibration.reading import LINE, Library
from funnelsim.calibration.tally import Tally
from funnelsim.calibration.times import instants

LOST_AT, OPEN = -1, -2  # where a visit went, when not to a stage


class Marks(NamedTuple):
    """One row each time something happened to a lead."""

    lead: np.ndarray
    stage: np.ndarray  # index, or LOST_AT
    at: Array  # seconds since 1970
    rounding: Array
    line: np.ndarray
    sheet: np.ndarray  # number of the file the line is in
    dropped: np.ndarray  # leads with a time that could not be read

    def where(self, keep: np.ndarray) -> Marks:
        return Marks(
            self.lead[keep],
            self.stage[keep],
            self.at[keep],
            self.rounding[keep],
            self.line[keep],
            self.sheet[keep],
            self.dropped,
        )

    def tell(self, which: np.ndarray, reason: str, history: _Files, dropped: bool = True) -> None:
        """Tell the tally about some of the marks, file by file."""
        for number, file in enumerate(history.files):
            history.tally.add(file, reason, self.line[which & (self.sheet == number)], dropped)


class _Files(NamedTuple):
    """Where lines are counted."""

    files: tuple[str, ...]
    tally: Tally


class Visits(NamedTuple):
    """One stay of one lead in one stage."""

    lead: np.ndarray
    stage: np.ndarray
    number: np.ndarray  # of this lead's visits to this stage, from 1
    entered: Array
    left: Array  # nan when open
    to: np.ndarray  # stage index, LOST_AT or OPEN
    rounding: Array  # of the time between
    first: np.ndarray  # is it the lead's first visit?


@dataclass(frozen=True)
class Records:
    """A history, read."""

    stages: tuple[str, ...]
    sources: tuple[str, ...]
    ids: np.ndarray  # by lead, as text
    source: np.ndarray  # by lead
    value: Array  # by lead; nan unknown
    visits: Visits
    as_of: float
    day_only: bool  # are arrivals known to the day only?
    rows: dict[str, int]  # by file


def read_records(history: History, library: Library, tally: Tally) -> Records:
    """All visits of a history that can be used."""
    assert history.as_of is not None
    ids, marks = _event_marks(history, library, tally) if history.events else _wide_marks(history, library, tally)
    files = _Files(tuple(sheet.file for sheet in library.sheets.values()), tally)
    marks = _until(marks, history.as_of.timestamp(), files)
    marks = _since_recorded(history, marks, files)
    marks, bad = _in_order(history, marks, files)
    usable = np.ones(len(ids), bool)
    usable[bad] = False
    without = usable & (np.bincount(marks.lead[marks.stage >= 0], minlength=len(ids)) == 0)
    tally.add(library.sheets[_main(history)].file, "no time in any stage", _first_lines(history, library, ids)[without])
    marks = marks.where(usable[marks.lead] & ~without[marks.lead])
    sources, source = _sources(history, library, ids)
    used = np.unique(marks.lead)
    number = np.cumsum(np.isin(np.arange(len(ids)), used)) - 1
    marks = marks._replace(lead=number[marks.lead])
    visits = _visits(marks)
    day_only = bool((marks.rounding[np.searchsorted(marks.lead, np.arange(len(used)))] > 3600).mean() > 0.5)
    return Records(
        tuple(history.stages),
        sources,
        ids[used],
        source[used],
        _values(history, library, ids, tally)[used],
        visits,
        history.as_of.timestamp(),
        day_only,
        {sheet.file: sheet.rows for sheet in library.sheets.values()},
    )


def _main(history: History) -> str:
    return "events" if history.events else next(iter(history.tables))


def _wide_marks(history: History, library: Library, tally: Tally) -> tuple[np.ndarray, Marks]:
    main = _main(history)
    sheet = library.sheets[main]
    ids = _text(library.cells(history.tables[main].id))
    lines = sheet.frame[LINE].to_numpy()
    tally.add(sheet.file, "no id", lines[ids == ""])
    _, first = np.unique(ids, return_index=True)
    again = np.ones(len(ids), bool)
    again[first] = False
    tally.add(sheet.file, "an id seen before (the first row counts)", lines[again & (ids != "")])
    keep = ~again & (ids != "")
    number = np.full(len(ids), -1)
    number[keep] = np.arange(keep.sum())
    for name in history.tables:
        if name != main:
            _, matched, doubled = _join(history, library, name, ids[keep])
            file, other = library.sheets[name].file, library.sheets[name].frame[LINE].to_numpy()
            tally.add(file, f"an id that is not in {main}", other[~matched])
            tally.add(file, "an id seen before (the first row counts)", other[doubled])
    parts = []
    for stage, mark in [*enumerate(history.stages.values()), (LOST_AT, history.lost)]:
        if mark is not None and mark.entered is not None:
            parts.append(_column_marks(history, library, mark.entered, stage, ids[keep], tally))
    if history.outcome:
        parts += _outcome_marks(history, library, ids[keep], tally)
    return ids[keep], _concatenate(parts)


def _column_marks(
    history: History,
    library: Library,
    column: Column,
    stage: int,
    ids: np.ndarray,
    tally: Tally,
    only: np.ndarray | None = None,
) -> Marks:
    """Marks of one stage from one column of entry times; `only` names the rows of its sheet that count."""
    table = library.table(column)
    sheet = library.sheets[table]
    lead = _lead_of(history, library, table, ids)
    times = instants(library.cells(column), column, history.timezone)
    lines = sheet.frame[LINE].to_numpy()
    wanted = (lead >= 0) & (True if only is None else only)
    bad = wanted & times.bad
    tally.add(sheet.file, f"a time that cannot be read in {column.name}", lines[bad])
    good = wanted & np.isfinite(times.seconds)
    number = np.full(good.sum(), list(library.sheets).index(table))
    return Marks(
        lead[good],
        np.full(good.sum(), stage),
        times.seconds[good],
        times.rounding[good],
        lines[good],
        number,
        lead[bad],
    )


def _outcome_marks(history: History, library: Library, ids: np.ndarray, tally: Tally) -> list[Marks]:
    outcome = history.outcome
    assert outcome is not None
    cells = _text(library.cells(outcome.column))
    names = list(history.stages)
    parts = []
    for target in sorted(set(outcome.values.values())):
        told = [value for value, to in outcome.values.items() if to == target]
        stage = LOST_AT if target == LOST else names.index(target)
        parts.append(_column_marks(history, library, outcome.time, stage, ids, tally, np.isin(cells, told)))
    return parts


def _event_marks(history: History, library: Library, tally: Tally) -> tuple[np.ndarray, Marks]:
    events = history.events
    assert events is not None
    sheet = library.sheets["events"]
    case, activity = _text(library.cells(events.case)), _text(library.cells(events.activity))
    lines = sheet.frame[LINE].to_numpy()
    tally.add(sheet.file, "no case", lines[case == ""])
    stage_of: dict[str, int] = {}
    for stage, mark in [*enumerate(history.stages.values()), (LOST_AT, history.lost)]:
        for name in mark.activities if mark else ():
            stage_of[name] = stage
    known = np.isin(activity, list(stage_of)) & (case != "")
    ids, lead = np.unique(case[known], return_inverse=True)
    times = instants(library.cells(events.time), events.time, history.timezone)
    entered = np.array([stage_of[name] for name in activity[known]], dtype=np.int64)
    bad = times.bad[known] | ~np.isfinite(times.seconds[known])
    tally.add(sheet.file, f"a time that cannot be read in {events.time.name}", lines[known][bad])
    return ids, Marks(
        lead[~bad],
        entered[~bad],
        times.seconds[known][~bad],
        times.rounding[known][~bad],
        lines[known][~bad],
        np.full((~bad).sum(), list(library.sheets).index("events")),
        np.unique(lead[bad]),
    )


def _until(marks: Marks, as_of: float, files: _Files) -> Marks:
    later = marks.at >= as_of
    marks.tell(later, "a time after the as-of date (taken as not yet happened)", files, dropped=False)
    return marks.where(~later)


def _since_recorded(history: History, marks: Marks, files: _Files) -> Marks:
    """Marks from before their recording began contradict the history file; the lead is then taken as open."""
    early = np.zeros(len(marks.lead), bool)
    for stage, mark in [*enumerate(history.stages.values()), (LOST_AT, history.lost)]:
        if mark and mark.recorded_from:
            early |= (marks.stage == stage) & (marks.at < mark.recorded_from.timestamp())
    marks.tell(early, "a time before its recording began (left out)", files, dropped=False)
    return marks.where(~early)


def _in_order(history: History, marks: Marks, files: _Files) -> tuple[Marks, np.ndarray]:
    """Sorted marks, and the leads that cannot be used."""
    wide = history.events is None
    last = len(history.stages)
    rank = np.where(marks.stage == LOST_AT, last, marks.stage)
    # Events keep the order of the file at equal times; columns have none, and stages are passed in theirs.
    order = np.lexsort((marks.line if not wide else rank, rank if wide else marks.at, marks.lead))
    marks, rank = marks.where(order), rank[order]
    bad = marks.dropped
    if wide:
        same = marks.lead[1:] == marks.lead[:-1]
        blur = 0.5 * (marks.rounding[1:] + marks.rounding[:-1])
        back = np.append(False, same & (marks.at[1:] < marks.at[:-1] - blur))
        lost = back & (marks.stage == LOST_AT)
        marks.tell(lost, "lost before the last stage was entered (the loss is left out)", files, dropped=False)
        for stage, name in enumerate(history.stages):
            mine = back & (marks.stage == stage)
            marks.tell(mine, f"times out of order: '{name}' before the stage that precedes it", files)
        bad = np.concatenate([bad, marks.lead[back & ~lost]])
        marks = marks.where(~lost)
    else:
        went_on = np.append((marks.lead[1:] == marks.lead[:-1]) & (marks.stage[:-1] == LOST_AT), False)
        marks.tell(went_on, "lost, yet went on (the loss is left out)", files, dropped=False)
        marks = marks.where(~went_on)
        repeated = np.append(False, (marks.lead[1:] == marks.lead[:-1]) & (marks.stage[1:] == marks.stage[:-1]))
        marks.tell(repeated, "a stage entered again without leaving it (the first time counts)", files, dropped=False)
        marks = marks.where(~repeated)
    return marks, np.unique(bad)


def _visits(marks: Marks) -> Visits:
    """From mark to mark; the mark of a loss ends the last visit and begins none."""
    follows = np.append(marks.lead[1:] == marks.lead[:-1], False)
    first = ~np.append(False, follows[:-1]) if len(follows) else follows
    left = np.where(follows, np.roll(marks.at, -1), np.nan)
    to = np.where(follows, np.roll(marks.stage, -1), OPEN)
    rounding = np.where(follows, np.maximum(marks.rounding, np.roll(marks.rounding, -1)), marks.rounding)
    begins = marks.stage >= 0
    # A time cannot be negative: what looks so lies within the rounding.
    left = np.maximum(left, marks.at)
    lead, stage = marks.lead[begins], marks.stage[begins]
    return Visits(
        lead, stage, _numbers(lead, stage), marks.at[begins], left[begins], to[begins], rounding[begins], first[begins]
    )


def _numbers(lead: np.ndarray, stage: np.ndarray) -> np.ndarray:
    """1 for a lead's first visit to a stage, 2 for its second, ..."""
    frame = pl.DataFrame({"lead": lead, "stage": stage})
    return frame.select(pl.int_range(1, pl.len() + 1).over("lead", "stage")).to_series().to_numpy()


def _sources(history: History, library: Library, ids: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    if history.source is None:
        return ("all",), np.zeros(len(ids), np.int64)
    found = _of_leads(history, library, history.source.column, ids)
    found[found == ""] = history.source.empty
    names, index, size = np.unique(found, return_inverse=True, return_counts=True)
    order = np.argsort(-size, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return tuple(names[order].tolist()), place[index]


def _values(history: History, library: Library, ids: np.ndarray, tally: Tally) -> Array:
    if history.value is None:
        return np.full(len(ids), np.nan)
    sheet = library.sheets[library.table(history.value)]
    cells = _text(library.cells(history.value))
    unread = np.isnan(_number(cells)) & (cells != "")
    tally.add(
        sheet.file,
        f"a value that is no number in {history.value.name}",
        sheet.frame[LINE].to_numpy()[unread],
        dropped=False,
    )
    value = _number(_of_leads(history, library, history.value, ids).astype(str))
    return np.where(value > 0, value, np.nan)


def _number(text: np.ndarray) -> Array:
    """Amounts without their currency signs and thousands' commas; nan where there is none."""
    plain = pl.Series(text).cast(pl.Float64, strict=False)
    bare = pl.Series(text).str.replace_all(r"[^0-9.\-]", "").cast(pl.Float64, strict=False)
    return np.asarray(plain.fill_null(bare).fill_null(np.nan).to_numpy())


def _of_leads(history: History, library: Library, column: Column, ids: np.ndarray) -> np.ndarray:
    """A column's text by lead, "" where there is none."""
    lead = _lead_of(history, library, library.table(column), ids)
    cells = _text(library.cells(column))
    found = np.full(len(ids), "", dtype=object)
    given = (lead >= 0) & (cells != "")
    found[lead[given][::-1]] = cells[given][::-1]  # the first row of a lead wins
    return found


def _lead_of(history: History, library: Library, table: str, ids: np.ndarray) -> np.ndarray:
    """By row of a sheet: the lead's number; -1 for rows without one and for repeated ids."""
    if table == "events":
        assert history.events is not None
        return _match(ids, _text(library.cells(history.events.case)))
    lead, _, doubled = _join(history, library, table, ids)
    return np.where(doubled, -1, lead)


def _join(history: History, library: Library, table: str, ids: np.ndarray) -> tuple[np.ndarray, ...]:
    """By row of a sheet: lead number, whether the id is known, whether an earlier row has it."""
    mine = _text(library.cells(history.tables[table].id))
    lead = _match(ids, mine)
    _, first = np.unique(mine, return_index=True)
    doubled = np.ones(len(mine), bool)
    doubled[first] = False
    return lead, lead >= 0, doubled & (lead >= 0)


def _match(ids: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    order = np.argsort(ids, kind="stable")
    at = np.minimum(np.searchsorted(ids[order], wanted), max(len(ids) - 1, 0))
    found = order[at] if len(ids) else np.zeros(len(wanted), np.int64)
    return np.where(ids[found] == wanted, found, -1) if len(ids) else np.full(len(wanted), -1)


def _first_lines(history: History, library: Library, ids: np.ndarray) -> np.ndarray:
    main = _main(history)
    rows = _lead_of(history, library, main, ids)
    lines = np.zeros(len(ids), np.int64)
    known = rows >= 0
    lines[rows[known][::-1]] = library.sheets[main].frame[LINE].to_numpy()[known][::-1]
    return lines


def _concatenate(parts: list[Marks]) -> Marks:
    return Marks(*(np.concatenate([getattr(part, name) for part in parts]) for name in Marks._fields))


def _text(cells: pl.Series) -> np.ndarray:
    return cells.cast(pl.String).str.strip_chars().fill_null("").to_numpy().astype(str)
