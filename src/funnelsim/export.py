"""The tables with names in place of indices, and an event log that process-mining tools read.

Times in the tables are seconds since the start, bit for bit; in the event log they are local dates and times.
The columns of the event log are those of the XES standard (IEEE 1849) as PM4Py and Apromore read them from CSV: one
event for each entry into a stage, one for each attempt or task with its start, one when a score reaches the threshold
of a definition, one when a lead is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelsim.plan import Labels
from funnelsim.plan_codes import AssignmentEnd, AttemptEnd, ClockState, ExitTarget, Outcome, names_of
from funnelsim.run_tables import Trace, in_flight
from funnelsim.typing import BoolArray

if TYPE_CHECKING:
    import polars as pl

LOST_EVENT = "lost"
# Where -1 stands for what never happened or was never asked.
NEVER = (
    "joined",
    "touched",
    "reached",
    "started",
    "ended",
    "deadline",
    "attempts_deadline",
    "accept_deadline",
    "back",
    "asked",
    "decided",
    "accepted",
    "pursued",
    "promise",
)
CLOCKS = ("first_touch", "attempts_within", "accept_within")
BLAMES = (None, "poor lead", "poor follow-up")
ENTRY, THRESHOLD, ATTEMPT, LOSS = range(4)  # order of events at one instant
DAYS_PAST_HORIZON = 2  # the day that ends at the horizon or later, and the row after the last midnight


def named_tables(trace: Trace, book: Labels, replication: int) -> dict[str, pl.DataFrame]:
    """visits, assignments, attempts and passages of one replication, and levels where there are any.

    Null where something never happened.
    """
    import polars as pl

    where: dict[str, Sequence[str | None]] = {
        "stage": book.stages,
        "team": book.teams,
        "source": book.sources,
        "segment": book.segments,
        "owner": book.teams,
        "outcome": names_of(Outcome),
        "blame": BLAMES,
        "how": names_of(AssignmentEnd),
        "end": names_of(AttemptEnd),
        "task": book.tasks,
        "definition": book.definitions,
        **dict.fromkeys(CLOCKS, names_of(ClockState)),
    }
    found = {}
    for kind, table in trace._asdict().items():
        if kind == "levels":
            continue
        columns: dict[str, Any] = {"replication": np.full(len(table), replication)}
        for name in table.dtype.names:
            columns[name] = _text(where[name], table[name]) if name in where else np.ascontiguousarray(table[name])
        if "value" in columns:
            columns |= {"value": table.value / 100.0, "in_flight": in_flight(table.lead)}
        if kind == "visits":
            columns["to"] = _targets(table, book)
        frame = pl.DataFrame(columns)
        never = [pl.when(pl.col(name) != -1.0).then(pl.col(name)) for name in NEVER if name in columns]
        found[kind] = frame.with_columns(never)
    if book.levels:
        found["levels"] = _levels(trace, book, replication)
    return found


def event_log(trace: Trace, book: Labels, replication: int) -> pl.DataFrame:
    """Events of one replication, in order of time within each lead."""
    import polars as pl

    visits, lost = trace.visits, trace.visits[_is_lost(trace.visits)]
    attempts = trace.attempts[trace.attempts.started >= 0.0]
    reps = [f"{book.teams[team]} {rep + 1}" for team, rep in zip(attempts.team, attempts.rep, strict=True)]
    passed = trace.passages
    events = pl.concat(
        [
            _events(
                ENTRY,
                visits,
                visits.entered,
                visits.entered,
                _names(book.stages, visits.stage),
                _names(book.teams, visits.owner),
                _names(book.teams, visits.owner),
                None,
            ),
            _events(
                THRESHOLD,
                passed,
                passed["at"],
                passed["at"],
                _names(book.definitions, passed.definition),
                [None] * len(passed),
                [None] * len(passed),
                None,
            ),
            _events(
                ATTEMPT,
                attempts,
                attempts.started,
                attempts.ended,
                _tried(attempts, book),
                reps,
                _names(book.teams, attempts.team),
                _names(names_of(AttemptEnd), attempts.end),
            ),
            _events(
                LOSS,
                lost,
                lost.ended,
                lost.ended,
                [LOST_EVENT] * len(lost),
                _names(book.teams, lost.owner),
                _names(book.teams, lost.owner),
                _names(names_of(Outcome), lost.outcome),
            ),
        ]
    )
    leads = pl.DataFrame(
        {
            "lead": np.ascontiguousarray(visits.lead),
            "case:source": _names(book.sources, visits.source),
            "case:segment": _names(book.segments, visits.segment),
            "case:value": visits.value / 100.0,
        }
    ).unique("lead", keep="first")
    return (
        events.join(leads, on="lead")
        .sort("lead", "start_timestamp", "kind", maintain_order=True)
        .select(
            pl.format("{}-{}", pl.lit(replication), "lead").alias("case:concept:name"),
            "concept:name",
            _moment("start_timestamp", book),
            _moment("time:timestamp", book),
            "org:resource",
            "org:group",
            "result",
            "case:source",
            "case:segment",
            "case:value",
        )
    )


def _events(
    kind: int, rows: Any, started: Any, ended: Any, activity: Any, resource: Any, group: Any, result: Any
) -> pl.DataFrame:
    import polars as pl

    text = pl.String
    return pl.DataFrame(
        {
            "kind": np.full(len(rows), kind),
            "lead": np.ascontiguousarray(rows.lead),
            "concept:name": pl.Series(activity, dtype=text),
            "start_timestamp": np.ascontiguousarray(started),
            "time:timestamp": np.ascontiguousarray(ended),
            "org:resource": pl.Series(resource, dtype=text),
            "org:group": pl.Series(group, dtype=text),
            "result": pl.Series([None] * len(rows) if result is None else result, dtype=text),
        }
    )


def _tried(attempts: Any, book: Labels) -> list[str]:
    """What an attempt is called: "interest: attempt", or a task such as "interest: demo"."""
    calls = [f"{stage}: attempt" for stage in book.stages]
    return [
        calls[stage] if task < 0 else book.tasks[task].replace(".", ": ", 1)
        for stage, task in zip(attempts.stage, attempts.task, strict=True)
    ]


def _levels(trace: Trace, book: Labels, replication: int) -> pl.DataFrame:
    """One row a day and level, as it stood at the midnight that ended the day."""
    import polars as pl

    values = trace.levels[: len(trace.levels) - DAYS_PAST_HORIZON]
    first, days = datetime.fromisoformat(book.start).date(), len(values)
    return pl.DataFrame(
        {
            "replication": np.full(values.size, replication),
            "date": np.repeat(np.datetime64(first) + np.arange(days), len(book.levels)),
            "level": pl.Series(list(book.levels) * days, dtype=pl.String),
            "value": values.ravel(),
        }
    )


def _moment(name: str, book: Labels) -> pl.Expr:
    """Seconds since the start as a local time; null where an attempt had not ended."""
    import polars as pl

    start = datetime.fromisoformat(book.start).timestamp()
    known = pl.when((pl.col(name) != -1.0) | (pl.col("kind") != ATTEMPT)).then(pl.col(name))
    micro = ((known + start) * 1e6).round().cast(pl.Int64)
    moment = pl.from_epoch(micro, time_unit="us").dt.replace_time_zone("UTC")
    return moment.dt.convert_time_zone(book.timezone).alias(name)


def _is_lost(visits: Any) -> BoolArray:
    lost: BoolArray = (visits.to == ExitTarget.LOST) & ~np.isin(visits.outcome, (Outcome.END, Outcome.OPEN))
    return lost


def _targets(visits: Any, book: Labels) -> pl.Series:
    """Where each visit led: a stage, lost or silent; nothing at an end of the funnel and while open."""
    numbers = np.where(visits.to < 0, len(book.stages) + 2 + visits.to, visits.to)
    targets = _names((*book.stages, "silent", "lost"), numbers)
    nowhere = np.isin(visits.outcome, (Outcome.END, Outcome.OPEN))
    import polars as pl

    return pl.Series([None if none else target for target, none in zip(targets, nowhere, strict=True)], dtype=pl.String)


def _text(names: Sequence[str | None], indices: Any) -> pl.Series:
    """Names as a column of text, also when there are none."""
    import polars as pl

    return pl.Series(_names(names, indices), dtype=pl.String)


def _names(names: Sequence[str | None], indices: Any) -> list[str | None]:
    known: list[str | None] = [*names, None]  # -1 = none
    return [known[index] for index in indices.tolist()]
