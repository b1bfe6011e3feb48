"""What happened to whom when: every cell or row of the data that marks an entry into a stage, or a loss.

Marks that cannot be true are counted and left out; a time after the as-of instant has not happened yet. Of some marks
only the latest possible time is known: they are placed halfway since the mark before, and known to no more than that.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from funnelsim.calibration.events.leads import Leads
from funnelsim.calibration.history.model import EVENTS, LOST, HistoryFile, SourceColumn
from funnelsim.calibration.io.data_tables import Library
from funnelsim.calibration.io.files import LINE
from funnelsim.calibration.io.row_issues import RowIssues
from funnelsim.calibration.io.times import Instants, instants
from funnelsim.errors import DataError, Problem
from funnelsim.typing import FloatArray

LOST_AT = -1  # where a visit went, when not to a stage


class StageEvents(NamedTuple):
    """One row each time something happened to a lead."""

    lead: np.ndarray
    stage: np.ndarray  # index, or LOST_AT
    at: FloatArray  # seconds since 1970
    rounding: FloatArray
    line: np.ndarray
    sheet: np.ndarray  # number of the file the line is in
    upper_bound: np.ndarray  # only the latest possible time is known, and `at` is that
    dropped: np.ndarray  # leads with a time that could not be read

    def where(self, keep: np.ndarray) -> StageEvents:
        """Some of the marks, or all in another order."""
        return StageEvents(
            self.lead[keep],
            self.stage[keep],
            self.at[keep],
            self.rounding[keep],
            self.line[keep],
            self.sheet[keep],
            self.upper_bound[keep],
            self.dropped,
        )


class _EventIssues(NamedTuple):
    """Where lines are counted."""

    files: tuple[str, ...]
    issues: RowIssues

    def about(self, events: StageEvents, which: np.ndarray, reason: str, dropped: bool = True) -> None:
        """Count some of the marks, file by file."""
        for number, file in enumerate(self.files):
            self.issues.add(file, reason, events.line[which & (events.sheet == number)], dropped)


def read_stage_events(
    history: HistoryFile, library: Library, leads: Leads, issues: RowIssues
) -> tuple[StageEvents, np.ndarray]:
    """All marks that can be true, by lead and in order; and the leads that cannot be used."""
    assert history.as_of is not None
    events = _from_events(leads, issues) if history.events else _from_columns(leads, issues)
    noted = _EventIssues(tuple(sheet.file for sheet in library.sheets.values()), issues)
    events = _not_after(events, history.as_of.timestamp(), noted)
    events = _since_recorded(history, events, noted)
    refuse_empty(history, events, leads, issues)
    events, bad = _log_in_order(events, noted) if history.events else _columns_in_order(history, events, noted)
    return _place_halfway(events), bad


def refuse_empty(history: HistoryFile, events: StageEvents, leads: Leads, issues: RowIssues) -> None:
    """Raises DataError, with what was wrong with the rows, when no lead was ever in a stage."""
    if not (events.stage >= 0).any():
        hint = "; ".join(f"{count.rows:,} x {count.reason}" for count in issues.counts.values())
        text = f"none of {len(leads):,} leads was ever in a stage"
        raise DataError([Problem(history.file, text=text, hint=hint or "are its columns empty?")], history.file)


def _from_columns(leads: Leads, issues: RowIssues) -> StageEvents:
    history = leads.history
    parts = []
    for stage, mark in [*enumerate(history.stages.values()), (LOST_AT, history.lost)]:
        if mark is not None and mark.entered is not None:
            parts.append(_of_column(leads, mark.entered, stage, issues))
    if history.outcome:
        parts += _of_outcomes(leads, issues)
    return StageEvents(*(np.concatenate([part[i] for part in parts]) for i in range(len(StageEvents._fields))))


def _of_column(leads: Leads, column: SourceColumn, stage: int, issues: RowIssues) -> StageEvents:
    """Marks of one stage from one column of entry times."""
    table = leads.library.table(column)
    times = instants(leads.library.cells(column), column, leads.history.timezone)
    _report_unread(leads, table, column, times, leads.of_rows(table) >= 0, issues)
    return _of_rows(leads, table, stage, times, np.isfinite(times.seconds), times.bad)


def _of_outcomes(leads: Leads, issues: RowIssues) -> list[StageEvents]:
    """Marks from a column that says how it ended; without a time it was some time before, and no more is known."""
    history, library = leads.history, leads.library
    outcome = history.outcome
    assert outcome is not None and history.as_of is not None
    table = library.table(outcome.column)
    sheet, cells = library.sheets[table], library.words(outcome.column)
    column = outcome.time or outcome.by
    if column is None:
        nothing = np.full(sheet.rows, np.nan)
        times = Instants(nothing, np.zeros(sheet.rows), np.zeros(sheet.rows, bool))
    else:
        times = _rows_of(leads, column, table)
    ended = cells.is_in(list(outcome.values)).to_numpy() & (leads.of_rows(table) >= 0)
    if column is not None:
        _report_unread(leads, table, column, times, ended, issues)
    missing = ~np.isfinite(times.seconds) & ~times.bad
    if outcome.time is not None:
        reason = f"no time in {outcome.time.name} (taken as some time up to the as-of date)"
        issues.add(sheet.file, reason, sheet.frame[LINE].to_numpy()[ended & missing], dropped=False)
    end = history.as_of.timestamp() - 1.0
    known = times.seconds if outcome.by is None else np.minimum(times.seconds, end)
    latest = times._replace(seconds=np.where(missing, end, known), rounding=np.where(missing, 1.0, times.rounding))
    loose = missing | (outcome.time is None)
    parts = []
    for target in sorted(set(outcome.values.values())):
        mine = ended & cells.is_in([value for value, to in outcome.values.items() if to == target]).to_numpy()
        stage = LOST_AT if target == LOST else list(history.stages).index(target)
        parts.append(_of_rows(leads, table, stage, latest, mine & np.isfinite(latest.seconds), mine & times.bad, loose))
    return parts


def _rows_of(leads: Leads, column: SourceColumn, table: str) -> Instants:
    """Times by row of a table, also when they stand in another one."""
    times = instants(leads.library.cells(column), column, leads.history.timezone)
    home = leads.library.table(column)
    if home == table:
        return times
    lead, by_lead = leads.of_rows(home), np.full(len(leads) + 1, -1)
    rows = np.flatnonzero(lead >= 0)[::-1]
    by_lead[lead[rows]] = rows
    row = by_lead[leads.of_rows(table)]  # -1, the last, for rows without a lead
    there = row >= 0
    return Instants(
        np.where(there, times.seconds[row], np.nan),
        np.where(there, times.rounding[row], np.nan),
        there & times.bad[row],
    )


def _report_unread(
    leads: Leads, table: str, column: SourceColumn, times: Instants, which: np.ndarray, issues: RowIssues
) -> None:
    sheet = leads.library.sheets[table]
    lines = sheet.frame[LINE].to_numpy()[which & times.bad]
    issues.add(sheet.file, f"a time that cannot be read in {column.name}{_order_asked(column, times)}", lines)


def _order_asked(column: SourceColumn, times: Instants) -> str:
    return " (say `dates: day first` or `dates: month first`)" if times.undecided and column.day_first is None else ""


def _of_rows(
    leads: Leads,
    table: str,
    stage: int,
    times: Instants,
    good: np.ndarray,
    bad: np.ndarray,
    loose: np.ndarray | None = None,
) -> StageEvents:
    lead = leads.of_rows(table)
    good, bad = good & (lead >= 0), bad & (lead >= 0)
    size = int(good.sum())
    return StageEvents(
        lead[good],
        np.full(size, stage),
        times.seconds[good],
        times.rounding[good],
        leads.library.sheets[table].frame[LINE].to_numpy()[good],
        np.full(size, list(leads.library.sheets).index(table)),
        np.zeros(size, bool) if loose is None else loose[good],
        lead[bad],
    )


def _from_events(leads: Leads, issues: RowIssues) -> StageEvents:
    history, library = leads.history, leads.library
    events = history.events
    assert events is not None
    activity = library.activities(history)
    times = instants(library.cells(events.time), events.time, history.timezone)
    if events.before is not None:
        activity = _first_stage_before_change(
            library.words(events.before), activity, leads.of_rows(EVENTS), times, events.empty
        )
    stage_of: dict[str, int] = {}
    for stage, mark in [*enumerate(history.stages.values()), (LOST_AT, history.lost)]:
        for name in mark.activities if mark else ():
            stage_of[name] = stage
    none = len(history.stages)
    entered = activity.replace_strict(stage_of, default=none, return_dtype=pl.Int64).to_numpy()
    known = (entered < none) & (leads.of_rows(EVENTS) >= 0)
    unread = times._replace(bad=times.bad | ~np.isfinite(times.seconds))
    _report_unread(leads, EVENTS, events.time, unread, known, issues)
    stage_events = _of_rows(leads, EVENTS, 0, times, known & ~unread.bad, known & unread.bad)
    return stage_events._replace(stage=entered[known & ~unread.bad])


def _first_stage_before_change(
    before: pl.Series, activity: pl.Series, lead: np.ndarray, times: Instants, empty: str
) -> pl.Series:
    """Where the log says that a case was created but not in which stage, its first change says what it was before."""
    frame = pl.DataFrame({"lead": lead, "was": before, "now": activity, "at": times.seconds})
    changed = frame.filter((pl.col("was") != "") & (pl.col("now") != empty)).sort("at", maintain_order=True)
    first = changed.unique("lead", keep="first", maintain_order=True).select("lead", began="was")
    joined = frame.join(first, on="lead", how="left", maintain_order="left")
    began = pl.when(pl.col("now") == empty).then(pl.coalesce("began", "now")).otherwise(pl.col("now"))
    return joined.select(began).to_series()


def _not_after(events: StageEvents, as_of: float, noted: _EventIssues) -> StageEvents:
    later = events.at >= as_of
    noted.about(events, later, "a time after the as-of date (taken as not yet happened)", dropped=False)
    return events.where(~later)


def _since_recorded(history: HistoryFile, events: StageEvents, noted: _EventIssues) -> StageEvents:
    """Marks from before their recording began contradict the history file; the lead is then taken as open."""
    early = np.zeros(len(events.lead), bool)
    for stage, mark in [*enumerate(history.stages.values()), (LOST_AT, history.lost)]:
        if mark and mark.recorded_from:
            early |= (events.stage == stage) & (events.at < mark.recorded_from.timestamp())
    noted.about(events, early, "a time before its recording began (left out)", dropped=False)
    return events.where(~early)


def _columns_in_order(history: HistoryFile, events: StageEvents, noted: _EventIssues) -> tuple[StageEvents, np.ndarray]:
    """Columns have no order at equal times: stages are passed in theirs, and a loss comes last."""
    rank = np.where(events.stage == LOST_AT, len(history.stages), events.stage)
    order = np.lexsort((rank, events.lead))
    events, rank = events.where(order), rank[order]
    twice = np.append(False, (events.lead[1:] == events.lead[:-1]) & (rank[1:] == rank[:-1]))
    events = events.where(~twice)
    same = events.lead[1:] == events.lead[:-1]
    blur = 0.5 * (events.rounding[1:] + events.rounding[:-1])
    back = np.append(False, same & (events.at[1:] < events.at[:-1] - blur))
    lost = back & (events.stage == LOST_AT)
    noted.about(events, lost, "lost before the last stage was entered (the loss is left out)", dropped=False)
    for stage, name in enumerate(history.stages):
        mine = back & (events.stage == stage)
        noted.about(events, mine, f"times out of order: '{name}' before the stage that precedes it")
    bad = np.concatenate([events.dropped, events.lead[back & ~lost]])
    return events.where(~lost), np.unique(bad)


def _log_in_order(events: StageEvents, noted: _EventIssues) -> tuple[StageEvents, np.ndarray]:
    """Events keep the order of the file at equal times; a file with the latest first is read from its end."""
    written = events.where(np.lexsort((events.line, events.lead)))
    same = written.lead[1:] == written.lead[:-1]
    backwards = (same & (np.diff(written.at) < 0)).sum() > (same & (np.diff(written.at) > 0)).sum()
    events = events.where(np.lexsort((-events.line if backwards else events.line, events.at, events.lead)))
    went_on = np.append((events.lead[1:] == events.lead[:-1]) & (events.stage[:-1] == LOST_AT), False)
    noted.about(events, went_on, "lost, yet went on (the loss is left out)", dropped=False)
    events = events.where(~went_on)
    repeated = np.append(False, (events.lead[1:] == events.lead[:-1]) & (events.stage[1:] == events.stage[:-1]))
    noted.about(events, repeated, "a stage entered again without leaving it (the first time counts)", dropped=False)
    events = events.where(~repeated)
    return events, np.unique(events.dropped)


def _place_halfway(events: StageEvents) -> StageEvents:
    """Loose marks lie between the mark before and their latest time: in the middle, known to that width."""
    if not events.upper_bound.any():
        return events
    same = np.append(False, events.lead[1:] == events.lead[:-1])
    width = np.where(same, np.maximum(events.at - np.append(events.at[:1], events.at[:-1]), 0.0), 0.0)
    return events._replace(
        at=np.where(events.upper_bound, events.at - width / 2, events.at),
        rounding=np.where(events.upper_bound, np.maximum(width, events.rounding), events.rounding),
    )
