"""Measures against counting by hand: plain loops over the tables, and small cases worked out on paper."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache
from typing import Any

import numpy as np
import pytest

from funnelsim import plan as p
from funnelsim.engine import worktime
from funnelsim.engine.reference import run
from funnelsim.measures import summarise
from funnelsim.summary import RESPONSE_EDGES, Summary
from funnelsim.trace import Trace
from plans import generated_plan

SEEDS = range(50, 75)


@cache
def generated(seed: int) -> tuple[p.Plan, Trace]:
    plan = generated_plan(seed)
    return plan, run(plan, 1, seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_summary_equals_counting_by_hand(seed: int) -> None:
    plan, trace = generated(seed)
    summary = summarise(trace, plan)
    by_hand = ByHand(trace, plan)
    for window in (0, 1):
        assert _cells(summary.visits[window]) == by_hand.visits[window]
        assert _cells(summary.assignments[window]) == by_hand.assignments[window]
        assert _cells(summary.passes[window]) == by_hand.passes[window]
        assert _numbers(summary.responses[window]) == by_hand.responses[window]
    assert _cells(summary.teams) == by_hand.teams
    assert _numbers(summary.days) == by_hand.days
    assert _numbers(summary.arrived[0]) == by_hand.arrived


class ByHand:
    """The same counts, one row at a time."""

    def __init__(self, trace: Trace, plan: p.Plan) -> None:
        self.plan, self.settings = plan, plan.settings[0]
        self.visits: Any = [Counter(), Counter()]
        self.assignments: Any = [Counter(), Counter()]
        self.passes: Any = [Counter(), Counter()]
        self.responses: Any = [Counter(), Counter()]
        self.teams, self.days, self.arrived = Counter(), Counter(), Counter()
        self.midnights = plan.instants[self.settings.days_first:][:self.settings.days_count].tolist()
        self.snapshot = {int(row.id): int(row.stage) for row in plan.inflight}
        self.arrival = {int(v.lead): float(v.arrived) for v in trace.visits}
        for visit in trace.visits:
            self.visit(visit)
        for lead in set(self.arrival):
            self.lead(next(v for v in trace.visits if v.lead == lead))
        for assignment in trace.assignments:
            self.assignment(assignment)
        for attempt in trace.attempts:
            self.attempt(attempt)
        self.samples(trace)
        for counter in (*self.visits, *self.assignments, *self.passes, *self.responses,
                        self.teams, self.days, self.arrived):
            for key in [key for key, amount in counter.items() if amount == 0]:
                del counter[key]

    def within(self, instant: float) -> bool:
        return bool(self.settings.measure_from <= instant < self.settings.measure_to)

    def of_cohort(self, lead: int) -> bool:
        return lead >> 44 != 1023 and self.within(self.arrival[lead])

    def lead(self, first: Any) -> None:
        if first.lead >> 44 != 1023:
            self.days[self.day(first.arrived), 0] += 1
            if self.within(first.arrived):
                self.arrived[int(first.source), int(first.segment)] += 1

    def day(self, instant: float) -> int:
        return max(i for i, midnight in enumerate(self.midnights) if midnight <= instant)

    def visit(self, v: Any) -> None:
        lead, cell, cohort = int(v.lead), (int(v.source), int(v.segment), int(v.stage)), self.of_cohort(int(v.lead))
        touched, reached, ended = v.touched >= 0, v.reached >= 0, v.ended >= 0
        outcome = p.OUTCOMES[v.outcome].replace(" ", "_")
        stayed = v.ended - v.entered if outcome not in ("silent", "open") else 0.0
        passed = v.ended >= v.deadline if ended else v.deadline < self.settings.horizon
        missed = v.deadline >= 0 and not touched and passed
        for window, entry, touch, reach, end in (
                (0, cohort, cohort and touched, cohort and reached, cohort),
                (1, self.within(v.entered), touched and self.within(v.touched), reached and self.within(v.reached),
                 ended and self.within(v.ended))):
            count = self.visits[window]
            count["entered", *cell] += entry
            count["touched", *cell] += touch
            count["reached", *cell] += reach
            count["within", *cell] += bool(entry and touched and v.deadline >= 0 and v.touched <= v.deadline)
            count["beyond", *cell] += bool(entry and (missed or (touched and 0 <= v.deadline < v.touched)))
            if touch:
                count["response", *cell] += v.touched - v.entered
                self.responses[window][int(v.stage), sum(edge <= v.touched - v.entered for edge in RESPONSE_EDGES)] += 1
            if end:
                count["attempts", *cell] += v.attempts
                count[outcome, *cell] += 1
                count["stay", *cell] += stayed
        for definition, row in enumerate(self.plan.definitions):
            late_enough = lead >> 44 != 1023 or v.stage > self.snapshot[(lead & (1 << 44) - 1) >> 8]
            if row.stage == v.stage and v.number == 1 and late_enough:
                self.passing(v, definition, cohort)

    def passing(self, v: Any, definition: int, cohort: bool) -> None:
        day, definitions = self.day(v.entered), len(self.plan.definitions)
        self.days[day, 1 + definition] += 1
        self.days[day, 1 + definitions + definition] += v.value
        for window, counts in ((0, cohort), (1, self.within(v.entered))):
            if counts:
                cell = (definition, int(v.source), int(v.segment))
                self.passes[window]["count", *cell] += 1
                self.passes[window]["value", *cell] += v.value
                self.passes[window]["time", *cell] += v.entered - v.arrived

    def assignment(self, a: Any) -> None:
        for window, counts in ((0, self.of_cohort(int(a.lead))), (1, self.within(a.assigned))):
            if not counts:
                continue
            count, cell = self.assignments[window], (int(a.stage), int(a.team))
            count["assigned", *cell] += 1
            count["promised", *cell] += a.kept != -1
            count["kept_draw", *cell] += a.kept == 1
            if a.first_touch >= 0:
                count["touch_" + p.CLOCK_STATES[a.first_touch], *cell] += 1
            if a.attempts_within >= 0 and p.CLOCK_STATES[a.attempts_within] != "inherited":
                count["tries_" + p.CLOCK_STATES[a.attempts_within], *cell] += 1
            for name in ("late", "warned", "escalated"):
                count[name, *cell] += a[name]
            if p.ASSIGNMENT_ENDS[a.how] in ("reassigned", "returned"):
                count[p.ASSIGNMENT_ENDS[a.how], *cell] += 1

    def attempt(self, a: Any) -> None:
        if a.started < 0:
            return
        team, row = int(a.team), self.plan.teams[a.team]
        if self.within(a.started):
            self.teams["attempts", team] += 1
            self.teams["contacts", team] += p.ATTEMPT_ENDS[a.end] == "contact"
        begins = max(a.started, self.settings.measure_from)
        ends = min(a.ended if a.ended >= 0 else self.settings.horizon, self.settings.measure_to)
        if ends > begins:
            busy = worktime.open_between(self.plan.intervals, row.interval_first, row.interval_count, begins, ends)
            self.teams["busy", team] += busy
            self.teams["overtime", team] += 0 if row.resume else ends - begins - busy

    def samples(self, trace: Trace) -> None:
        first = 1 + 2 * len(self.plan.definitions)
        for day, now in enumerate(self.midnights[1:]):
            if now >= self.settings.horizon:
                continue
            for v in trace.visits:
                self.days[day, first + int(v.stage)] += bool(v.entered <= now and (v.ended < 0 or v.ended > now))
            for a in trace.attempts:
                withdrawn = p.ATTEMPT_ENDS[a.end] == "withdrawn" and a.ended <= now
                gone = withdrawn or 0 <= a.started <= now
                self.days[day, first + len(self.plan.stages) + int(a.team)] += bool(a.joined <= now and not gone)


def _cells(table: Any) -> dict[Any, float]:
    return {(name, *map(int, cell)): float(table[name][tuple(cell)])
            for name in table.dtype.names for cell in np.argwhere(table[name])}


def _numbers(table: Any) -> dict[Any, float]:
    return {tuple(map(int, cell)): float(table[tuple(cell)]) for cell in np.argwhere(table)}


def test_generated_plans_reach_every_count() -> None:
    """The comparison above means nothing for a count that is always zero."""
    seen: dict[str, float] = defaultdict(float)
    for seed in SEEDS:
        plan, trace = generated(seed)
        for name, amount in _totals(summarise(trace, plan)):
            seen[name] += amount
    assert not [name for name, amount in seen.items() if amount == 0]


def _totals(summary: Summary) -> Any:
    never = {("open", 1), ("touch_inherited", 0)}      # open is of the cohort, inherited of leads in flight
    for group in ("visits", "assignments", "passes"):
        for window in (0, 1):
            table = getattr(summary, group)[window]
            for name in table.dtype.names:
                if (name, window) not in never:
                    yield f"{group}.{name}.{window}", float(table[name].sum())
    for name in summary.teams.dtype.names:
        yield f"teams.{name}", float(summary.teams[name].sum())
