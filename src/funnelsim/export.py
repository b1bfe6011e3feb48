"""The three tables with names in place of indices, and an event log that process-mining tools read.

Times in the tables are seconds since the start, to the last digit; in the event log they are local dates and times.
The columns of the event log are those of the XES standard (IEEE 1849) as PM4Py and Apromore read them from CSV: one
event for each entry into a stage, one for each attempt with its start, one when a lead is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from funnelsim.plan import ASSIGNMENT_ENDS, ATTEMPT_ENDS, CLOCK_STATES, END, LOST, OPEN, OUTCOMES, Book
from funnelsim.trace import Trace, in_flight

if TYPE_CHECKING:
    import polars as pl

LOST_EVENT = "lost"
NEVER = ("joined", "touched", "reached", "started", "ended", "deadline", "attempts_deadline", "back")     # where -1
ENTRY, ATTEMPT, LOSS = range(3)         # order of events at one instant


def named_tables(trace: Trace, book: Book, replication: int) -> dict[str, pl.DataFrame]:
    """visits, assignments and attempts of one replication; null where something never happened."""
    import polars as pl

    where = {"stage": book.stages, "team": book.teams, "source": book.sources, "segment": book.segments,
             "owner": book.teams, "outcome": OUTCOMES, "first_touch": CLOCK_STATES, "attempts_within": CLOCK_STATES,
             "how": ASSIGNMENT_ENDS, "end": ATTEMPT_ENDS}
    found = {}
    for kind, table in trace._asdict().items():
        columns: dict[str, Any] = {"replication": np.full(len(table), replication)}
        for name in table.dtype.names:
            columns[name] = _names(where[name], table[name]) if name in where else np.ascontiguousarray(table[name])
        if kind == "visits":
            columns |= {"to": _targets(table, book), "value": table.value / 100.0, "in_flight": in_flight(table.lead)}
        frame = pl.DataFrame(columns)
        never = [pl.when(pl.col(name) != -1.0).then(pl.col(name)) for name in NEVER if name in columns]
        found[kind] = frame.with_columns(never)
    return found


def event_log(trace: Trace, book: Book, replication: int) -> pl.DataFrame:
    """Events of one replication, in order of time within each lead."""
    import polars as pl

    visits, lost = trace.visits, trace.visits[_is_lost(trace.visits)]
    attempts = trace.attempts[trace.attempts.started >= 0.0]
    reps = [f"{book.teams[team]} {rep + 1}" for team, rep in zip(attempts.team, attempts.rep, strict=True)]
    tried = [f"{book.stages[stage]}: attempt" for stage in attempts.stage]
    events = pl.concat([
        _events(ENTRY, visits, visits.entered, visits.entered, _names(book.stages, visits.stage),
                _names(book.teams, visits.owner), _names(book.teams, visits.owner), None),
        _events(ATTEMPT, attempts, attempts.started, attempts.ended, tried, reps, _names(book.teams, attempts.team),
                _names(ATTEMPT_ENDS, attempts.end)),
        _events(LOSS, lost, lost.ended, lost.ended, [LOST_EVENT] * len(lost), _names(book.teams, lost.owner),
                _names(book.teams, lost.owner), _names(OUTCOMES, lost.outcome))])
    leads = pl.DataFrame({"lead": np.ascontiguousarray(visits.lead), "case:source": _names(book.sources, visits.source),
                          "case:segment": _names(book.segments, visits.segment),
                          "case:value": visits.value / 100.0}).unique("lead", keep="first")
    return events.join(leads, on="lead").sort("lead", "start_timestamp", "kind", maintain_order=True).select(
        pl.format("{}-{}", pl.lit(replication), "lead").alias("case:concept:name"), "concept:name",
        _moment("start_timestamp", book), _moment("time:timestamp", book), "org:resource", "org:group", "result",
        "case:source", "case:segment", "case:value")


def _events(kind: int, rows: Any, started: Any, ended: Any, activity: Any, resource: Any, group: Any,
            result: Any) -> pl.DataFrame:
    import polars as pl

    text = pl.String
    return pl.DataFrame({
        "kind": np.full(len(rows), kind), "lead": np.ascontiguousarray(rows.lead),
        "concept:name": pl.Series(activity, dtype=text), "start_timestamp": np.ascontiguousarray(started),
        "time:timestamp": np.ascontiguousarray(ended), "org:resource": pl.Series(resource, dtype=text),
        "org:group": pl.Series(group, dtype=text),
        "result": pl.Series([None] * len(rows) if result is None else result, dtype=text)})


def _moment(name: str, book: Book) -> pl.Expr:
    """Seconds since the start as a local time; null where an attempt had not ended."""
    import polars as pl

    start = datetime.fromisoformat(book.start).timestamp()
    known = pl.when((pl.col(name) != -1.0) | (pl.col("kind") != ATTEMPT)).then(pl.col(name))
    micro = ((known + start) * 1e6).round().cast(pl.Int64)
    moment = pl.from_epoch(micro, time_unit="us").dt.replace_time_zone("UTC")
    return moment.dt.convert_time_zone(book.timezone).alias(name)


def _is_lost(visits: Any) -> NDArray[np.bool_]:
    lost: NDArray[np.bool_] = (visits.to == LOST) & ~np.isin(visits.outcome, (END, OPEN))
    return lost


def _targets(visits: Any, book: Book) -> list[str | None]:
    """Where each visit led: a stage, lost or silent; nothing at an end of the funnel and while open."""
    numbers = np.where(visits.to < 0, len(book.stages) + 2 + visits.to, visits.to)
    targets = _names((*book.stages, "silent", "lost"), numbers)
    nowhere = np.isin(visits.outcome, (END, OPEN))
    return [None if none else target for target, none in zip(targets, nowhere, strict=True)]


def _names(names: Sequence[str], indices: Any) -> list[str | None]:
    known: list[str | None] = [*names, None]        # -1 = none
    return [known[index] for index in indices.tolist()]
