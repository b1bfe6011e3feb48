"""The counts of a Summary from the tables by plain loops, one row at a time: what the fold is checked against."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from funnelsim import plan as p
from funnelsim.engine import business_time
from funnelsim.plan_codes import AssignmentEnd, AttemptEnd, ClockState, DefinitionKind, Outcome, names_of
from funnelsim.run_tables import Trace
from funnelsim.summary import RESPONSE_EDGES, day_columns


class ByHand:
    """The same counts, one row at a time."""

    def __init__(self, trace: Trace, plan: p.Plan) -> None:
        self.plan, self.settings = plan, plan.settings[0]
        self.visits: Any = [Counter(), Counter()]
        self.assignments: Any = [Counter(), Counter()]
        self.passages: Any = [Counter(), Counter()]
        self.responses: Any = [Counter(), Counter()]
        self.teams, self.days, self.arrived = Counter(), Counter(), Counter()
        self.breaches, self.co_passed = Counter(), Counter()
        self.columns, self.segments = day_columns(plan), int(self.settings.segments)
        self.midnights = plan.instants[self.settings.days_first :][: self.settings.days_count].tolist()
        self.snapshot = {int(row.id): row for row in plan.initial_leads}
        self.arrival = {int(v.lead): float(v.arrived) for v in trace.visits}
        self.passed: dict[int, set[int]] = defaultdict(set)
        for visit in trace.visits:
            self.visit(visit)
        for passage in trace.passages:
            self.passage(passage, int(passage.definition), float(passage.at))
        self.pairs()
        for lead in set(self.arrival):
            self.lead(next(v for v in trace.visits if v.lead == lead))
        for assignment in trace.assignments:
            self.assignment(assignment)
        for attempt in trace.attempts:
            self.attempt(attempt)
        self.samples(trace)
        for counter in (
            *self.visits,
            *self.assignments,
            *self.passages,
            *self.responses,
            self.teams,
            self.days,
            self.arrived,
            self.breaches,
            self.co_passed,
        ):
            for key in [key for key, amount in counter.items() if amount == 0]:
                del counter[key]

    def within(self, instant: float) -> bool:
        return bool(self.settings.measure_from <= instant < self.settings.measure_to)

    def of_cohort(self, lead: int) -> bool:
        return lead >> 44 != p.SNAPSHOT and self.within(self.arrival[lead])

    def lead(self, first: Any) -> None:
        if first.lead >> 44 != p.SNAPSHOT:
            self.days[self.day(first.arrived), 0] += 1
            if self.within(first.arrived):
                self.arrived[int(first.source), int(first.segment)] += 1

    def day(self, instant: float) -> int:
        return max(i for i, midnight in enumerate(self.midnights) if midnight <= instant)

    def visit(self, v: Any) -> None:
        lead, cell, cohort = int(v.lead), (int(v.source), int(v.segment), int(v.stage)), self.of_cohort(int(v.lead))
        touched, reached, ended = v.touched >= 0, v.reached >= 0, v.ended >= 0
        outcome = names_of(Outcome)[v.outcome].replace(" ", "_")
        stayed = v.ended - v.entered if outcome not in ("silent", "open") else 0.0
        passed = v.ended >= v.deadline if ended else v.deadline < self.settings.horizon
        missed = v.deadline >= 0 and not touched and passed
        for window, entry_point, touch, reach, end in (
            (0, cohort, cohort and touched, cohort and reached, cohort),
            (
                1,
                self.within(v.entered),
                touched and self.within(v.touched),
                reached and self.within(v.reached),
                ended and self.within(v.ended),
            ),
        ):
            count = self.visits[window]
            count["entered", *cell] += entry_point
            count["touched", *cell] += touch
            count["reached", *cell] += reach
            count["deadline_met", *cell] += bool(
                entry_point and touched and v.deadline >= 0 and v.touched <= v.deadline
            )
            count["deadline_missed", *cell] += bool(
                entry_point and (missed or (touched and 0 <= v.deadline < v.touched))
            )
            if touch:
                count["response", *cell] += v.touched - v.entered
                self.responses[window][int(v.stage), sum(edge <= v.touched - v.entered for edge in RESPONSE_EDGES)] += 1
            if end:
                count["attempts", *cell] += v.attempts
                count[outcome, *cell] += 1
                count["stay", *cell] += stayed
                self.at_end(count, cell, v)
        for definition, row in enumerate(self.plan.definitions):
            late_enough = lead >> 44 != p.SNAPSHOT or v.stage > self.snapshot[lead & (1 << 44) - 1].stage
            if row.kind == DefinitionKind.MILESTONE and row.stage == v.stage and v.number == 1 and late_enough:
                self.passage(v, definition, float(v.entered))

    def at_end(self, count: Any, cell: tuple[int, ...], v: Any) -> None:
        poor = v.fit < self.settings.good
        count["effort", *cell] += v.effort
        count["wasted", *cell] += v.effort if poor else 0
        count["rejected_good", *cell] += names_of(Outcome)[v.outcome] == "rejected" and not poor
        count["blame_lead", *cell] += v.blame == 1
        count["blame_follow_up", *cell] += v.blame == 2
        count["merged", *cell] += v.merged
        count["duplicates", *cell] += v.duplicate
        if self.plan.stages[v.stage].step_count > 0 and v.touched < 0 and v.attempts == 0 and not self.was_reached(v):
            count["untouched_value", *cell] += v.value

    def was_reached(self, v: Any) -> bool:
        """Before the run began."""
        if v.lead >> 44 != p.SNAPSHOT:
            return False
        row = self.snapshot[int(v.lead) & (1 << 44) - 1]
        return bool(row.reached and (row.stage, row.number) == (v.stage, v.number))

    def passage(self, row: Any, definition: int, at: float) -> None:
        if row.duplicate and self.plan.definitions[definition].person:
            return
        day, group, cohort = self.day(at), definition * self.segments + int(row.segment), self.of_cohort(int(row.lead))
        self.days[day, self.columns.passages + group] += 1
        self.days[day, self.columns.value + group] += row.value
        for window, counts in ((0, cohort), (1, self.within(at))):
            if counts:
                cell = (definition, int(row.source), int(row.segment))
                self.passages[window]["count", *cell] += 1
                self.passages[window]["value", *cell] += row.value
                self.passages[window]["time", *cell] += at - row.arrived
        if cohort:
            self.passed[int(row.lead)].add(definition)

    def pairs(self) -> None:
        for passed in self.passed.values():
            self.co_passed.update((a, b) for a in passed for b in passed)

    def assignment(self, a: Any) -> None:
        for window, counts in ((0, self.of_cohort(int(a.lead))), (1, self.within(a.assigned))):
            if not counts:
                continue
            count, cell = self.assignments[window], (int(a.stage), int(a.team))
            count["assigned", *cell] += 1
            count["promised", *cell] += a.adhered != -1
            count["adhered", *cell] += a.adhered == 1
            if a.first_touch >= 0:
                count["touch_" + names_of(ClockState)[a.first_touch], *cell] += 1
            if a.attempts_within >= 0 and names_of(ClockState)[a.attempts_within] != "inherited":
                count["attempts_" + names_of(ClockState)[a.attempts_within], *cell] += 1
            if a.accept_within >= 0:
                count["acceptance_" + names_of(ClockState)[a.accept_within], *cell] += 1
            for name, answer in (
                ("accepted", a.accepted == 1),
                ("rejected", a.accepted == 0),
                ("asked", a.pursued != -1),
                ("pursued", a.pursued == 1),
            ):
                count[name, *cell] += answer
            for name in ("late", "warned", "escalated"):
                count[name, *cell] += a[name]
            if names_of(AssignmentEnd)[a.how] in ("reassigned", "returned"):
                count[names_of(AssignmentEnd)[a.how], *cell] += 1

        if a.first_touch == ClockState.MISSED and self.within(a.deadline):
            day = self.day(a.deadline)
            hour = min(int((a.deadline - self.midnights[day]) // 3600), 23)
            self.breaches[int(a.team), (int(self.settings.weekday) + day) % 7 * 24 + hour] += 1

    def attempt(self, a: Any) -> None:
        if a.started < 0:
            return
        team, row = int(a.team), self.plan.teams[a.team]
        whole = business_time.open_between(
            self.plan.intervals,
            row.interval_first,
            row.interval_count,
            a.started,
            a.ended if a.ended >= 0 else self.settings.horizon,
        )
        self.days[self.day(a.started), self.columns.busy + team] += whole
        if self.within(a.started):
            self.teams["attempts", team] += 1
            self.teams["contacts", team] += names_of(AttemptEnd)[a.end] == "contact"
        begins = max(a.started, self.settings.measure_from)
        ends = min(a.ended if a.ended >= 0 else self.settings.horizon, self.settings.measure_to)
        if ends > begins:
            busy = business_time.open_between(self.plan.intervals, row.interval_first, row.interval_count, begins, ends)
            self.teams["busy", team] += busy
            self.teams["overtime", team] += 0 if row.resume else ends - begins - busy

    def samples(self, trace: Trace) -> None:
        for day, now in enumerate(self.midnights[1:]):
            if now >= self.settings.horizon:
                continue
            for v in trace.visits:
                open_ = v.entered <= now and (v.ended < 0 or v.ended > now)
                self.days[day, self.columns.open + int(v.stage)] += bool(open_)
            for a in trace.attempts:
                withdrawn = names_of(AttemptEnd)[a.end] == "withdrawn" and a.ended <= now
                gone = withdrawn or 0 <= a.started <= now
                self.days[day, self.columns.queue + int(a.team)] += bool(a.joined <= now and not gone)
            for level, value in enumerate(trace.levels[day]):
                self.days[day, self.columns.level + level] += float(value)
