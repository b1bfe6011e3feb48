"""Small stories to check by hand: a scenario in YAML, run in both engines, told in local times and names.

Every time and length in a story is fixed, so there is one right answer, and the test's docstring works it out.
Weeks begin on Monday 5 January 2026, and the office is open from Monday to Friday, 09:00 to 17:00, in UTC, unless the
story says otherwise. Leads are called by source and place in the batch: "web 1" is the first lead of `web`, and "web 1
again" the same person's second record.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from funnelsim import plan as p
from funnelsim.compile import compile_scenario
from funnelsim.engine import fast, reference
from funnelsim.measures import measures, stack_summaries, summarise
from funnelsim.measures.money import credit
from funnelsim.plan_codes import AssignmentEnd, AttemptEnd, ClockState, Outcome, names_of
from funnelsim.run_tables import Trace, in_flight, snapshot_id
from funnelsim.scenario import loads_resolved
from funnelsim.scenario.yaml_nodes import parse_yaml, plain
from funnelsim.summary import Summary

COMMON = """
start: 2026-01-05
observe: 4 weeks
calendars:
  office: {hours: 09:00-17:00, days: Mon-Fri}
"""


def tell(*texts: str, replication: int = 0) -> Story:
    """Run a scenario: pieces of YAML, of which a later one replaces the top-level keys of an earlier one."""
    data: dict[str, Any] = {}
    for text in (COMMON, *texts):
        data |= plain(parse_yaml(text, "story.yaml"))
    blueprint = compile_scenario(loads_resolved({"format": 1, "scenario": data, "root": None}))
    plan = blueprint.plan()
    slow = reference.run(plan, 1, replication)
    quick, summary = fast.run(plan, 1, replication)
    assert_same(slow, quick)
    assert_same(summarise(slow, plan), summary)
    return Story(plan, blueprint.book, quick, summary)


def assert_same(mine: Any, theirs: Any) -> None:
    for name in mine._fields:
        assert getattr(mine, name).tobytes() == getattr(theirs, name).tobytes(), f"the engines differ in {name}"


class Story:
    """What happened. Rows are asked for by column: one name gives its values, several give tuples."""

    def __init__(self, plan: p.Plan, book: p.Labels, trace: Trace, summary: Summary) -> None:
        self.plan, self.book, self.trace, self.summary = plan, book, trace, summary
        self._start = datetime.fromisoformat(book.start)

    def visits(self, columns: str, **only: Any) -> list[Any]:
        """In order of lead and time; `stage="interest"` chooses rows."""
        return self._rows(self.trace.visits, columns, only)

    def assignments(self, columns: str, **only: Any) -> list[Any]:
        """In order of lead, stage and time."""
        return self._rows(self.trace.assignments, columns, only)

    def attempts(self, columns: str, **only: Any) -> list[Any]:
        """In order of lead, stage and time."""
        return self._rows(self.trace.attempts, columns, only)

    def passages(self, columns: str, **only: Any) -> list[Any]:
        """Thresholds reached, in order of lead and time; milestones show in the visits."""
        return self._rows(self.trace.passages, columns, only)

    def tasks(self, columns: str, **only: Any) -> list[Any]:
        """Tries of tasks, such as meetings, in order of lead, stage and time; `task="deal.demo"` chooses rows."""
        return self._rows(self.trace.attempts[self.trace.attempts.task >= 0], columns, only)

    def level(self, name: str) -> list[float]:
        """A level at the midnight that ends each day, up to the horizon."""
        settings = self.plan.settings[0]
        ends = self.plan.instants[settings.days_first + 1 : settings.days_first + settings.days_count]
        days = int((ends < settings.horizon).sum())
        return [round(float(value), 6) for value in self.trace.levels[:days, self.book.levels.index(name)]]

    def calls(self, **only: Any) -> list[str]:
        """One line an attempt or task, in the order in which they started: who was called, from when to when."""
        rows = self._chosen(self.trace.attempts, only)
        rows = sorted(rows, key=lambda row: (row["started"], row["team"], row["rep"]))
        return [
            f"{self._lead(row['lead'])}: {self.time(row['started'])} to {self._end(row)}"
            for row in rows
            if row["started"] >= 0.0
        ]

    def measure(self, key: str) -> float:
        """A measure of this one run, by its key."""
        by_key = {one.key: one for one in measures(stack_summaries([self.summary]), self.plan, self.book)}
        return float(by_key[key].values[0])

    def credit(self) -> dict[str, float]:
        """Revenue of the cohort by team that is credited with it."""
        names = (*self.book.teams, "nobody")
        return dict(zip(names, credit(self.trace, self.plan, self.book)[0].tolist(), strict=True))

    def time(self, seconds: float) -> str:
        """Local time, such as "Fri 9 16:55"; "-" for what never happened."""
        if seconds == -1.0:
            return "-"
        moment = (self._start + timedelta(seconds=float(seconds))).astimezone(ZoneInfo(self.book.timezone))
        day = f"{moment:%a} {moment.day}" + ("" if (moment.year, moment.month) == (2026, 1) else f" {moment:%b}")
        return f"{day} {moment:%H:%M:%S}" if moment.second else f"{day} {moment:%H:%M}"

    # ---- rows --------------------------------------------------------------------------------------------------------

    def _rows(self, table: Any, columns: str, only: dict[str, Any]) -> list[Any]:
        names = columns.split()
        rows = [tuple(self._value(name, row) for name in names) for row in self._chosen(table, only)]
        return [row[0] for row in rows] if len(names) == 1 else rows

    def _chosen(self, table: Any, only: dict[str, Any]) -> list[Any]:
        return [row for row in table if all(self._value(name, row) == value for name, value in only.items())]

    def _end(self, row: Any) -> str:
        begun, ended = self.time(row["started"]), self.time(row["ended"])
        return ended.rsplit(" ", 1)[1] if begun.rsplit(" ", 1)[0] == ended.rsplit(" ", 1)[0] else ended

    def _value(self, name: str, row: Any) -> Any:
        value = row[name]
        if name in _TIMES:
            return self.time(value)
        if name in _NAMES:
            return _NAMES[name][value] if value >= 0 else "-"
        special: dict[str, Callable[[], Any]] = {
            "lead": lambda: self._lead(value),
            "source": lambda: self.book.sources[value],
            "stage": lambda: self.book.stages[value],
            "to": lambda: self._target(value),
            "owner": lambda: self._team(value),
            "team": lambda: self._team(value),
            "task": lambda: self.book.tasks[value] if value >= 0 else "call",
            "definition": lambda: self.book.definitions[value],
        }
        return special[name]() if name in special else value.item()

    def _team(self, index: int) -> str:
        return self.book.teams[index] if index >= 0 else "nobody"

    def _target(self, index: int) -> str:
        return self.book.stages[index] if index >= 0 else "-"

    def _lead(self, number: Any) -> str:
        if in_flight(np.array([number]))[0]:
            return f"flying {snapshot_id(number)}"
        place = (int(number) >> 8 & 0x7FFFFF) * 256 + (int(number) & 255)
        first = int(number) & ~int(p.SECOND_RECORD)
        return f"{self.book.sources[first >> p.SOURCE_AT]} {place + 1}" + (" again" if first != number else "")


_TIMES = {
    "arrived",
    "entered",
    "deadline",
    "touched",
    "reached",
    "ended",
    "back",
    "assigned",
    "joined",
    "started",
    "attempts_deadline",
    "accept_deadline",
    "decided",
    "asked",
    "at",
}
_NAMES = {
    "outcome": names_of(Outcome),
    "how": names_of(AssignmentEnd),
    "end": names_of(AttemptEnd),
    "first_touch": names_of(ClockState),
    "attempts_within": names_of(ClockState),
    "accept_within": names_of(ClockState),
    "accepted": ("turned down", "accepted"),
    "pursued": ("left alone", "worked"),
    "blame": ("nobody", "poor lead", "poor follow-up"),
}
