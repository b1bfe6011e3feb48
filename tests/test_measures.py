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
from funnelsim.measures import (
    cost_by_team,
    costs,
    credit,
    mean,
    measures,
    paid_hours,
    ratio,
    stack,
    summarise,
    wilson,
)
from funnelsim.measures.named import quantiles
from funnelsim.measures.series import volumes
from funnelsim.summary import RESPONSE_EDGES, Summary, new_summary
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
            late_enough = lead >> 44 != 1023 or v.stage > self.snapshot[lead & (1 << 44) - 1]
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


# ---- estimates -----------------------------------------------------------------------------------------------------


def test_mean_with_t_interval() -> None:
    found = mean(np.array([1.0, 2.0, 3.0, 4.0]))
    half = 2.353363 * np.std([1, 2, 3, 4], ddof=1) / 2        # t(3) at 95 %, from a table
    assert found.mean == 2.5
    assert (found.low, found.high) == pytest.approx((2.5 - half, 2.5 + half), abs=1e-5)
    assert (found.least, found.most) == pytest.approx((1.15, 3.85))
    assert found.method == "t"


def test_mean_interval_covers_at_the_stated_rate() -> None:
    rng = np.random.default_rng(5)
    found = [mean(rng.exponential(1.0, 40)) for _ in range(2000)]
    covered = sum(one.low <= 1.0 <= one.high for one in found) / 2000
    assert 0.86 < covered < 0.92                # 90 %, a little less for so skew a law


def test_share_interval_knows_that_leads_of_a_run_hang_together() -> None:
    """Each run has its own rate: Wilson's interval on the pooled counts would be far too narrow."""
    rng = np.random.default_rng(6)
    covered = wilson_covered = 0
    for _ in range(1000):
        top = rng.binomial(400, rng.beta(8, 12, 30)).astype(float)
        found = ratio(top, np.full(30, 400.0), counts=True)
        low, high = wilson(top.sum(), 12000.0)
        covered += found.low <= 0.4 <= found.high
        wilson_covered += low <= 0.4 <= high
    assert 860 < covered < 930
    assert wilson_covered < 500


def test_wilson_against_published_values() -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263 and 0 of 20 at 95 %."""
    assert wilson(81, 263, z=1.959964) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20, z=1.959964) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_shares_at_the_edge_fall_back_on_wilson() -> None:
    found = ratio(np.array([5.0, 7.0]), np.array([5.0, 7.0]), counts=True)
    assert (found.mean, found.high, found.method) == (1.0, 1.0, "Wilson")
    assert found.low == pytest.approx(1 / (1 + 1.6448536**2 / 12))
    one = ratio(np.array([3.0]), np.array([10.0]), counts=True)
    assert one.method == "Wilson" and one.low < 0.3 < one.high


def test_nothing_to_divide_by_is_no_number() -> None:
    found = ratio(np.zeros(3), np.zeros(3), counts=True)
    assert np.isnan(found.mean) and found.replications == 0


def test_quantiles_of_a_histogram() -> None:
    delays = np.random.default_rng(7).lognormal(np.log(7200.0), 1.2, 20000)
    bins = np.searchsorted(RESPONSE_EDGES, delays, side="right")
    histogram = np.bincount(bins, minlength=len(RESPONSE_EDGES) + 1).astype(float)[None]
    for q in (0.1, 0.5, 0.9):
        assert quantiles(histogram, q)[0] == pytest.approx(np.quantile(delays, q), rel=0.02)


# ---- money, by hand ------------------------------------------------------------------------------------------------


def test_money_of_a_week_by_hand() -> None:
    """Two people 8 h a day, five days: 80 paid hours; one win of 100 with two visits by sales, one by marketing."""
    plan, book = _week_plan(), _book(won=0, definitions=("won",))
    visits = [_visit(1, 0, owner=0, entered=0.0), _visit(1, 1, owner=1, entered=10.0),
              _visit(1, 1, owner=1, entered=20.0, number=2), _visit(1, 2, owner=1, entered=30.0),
              _visit(2, 0, owner=0, entered=5.0)]
    attempts = [(1, 1, 1, 1, 1, 1, 0, 10.0, 16 * p.HOUR, 18 * p.HOUR, p.CONTACT)]       # an hour past closing
    trace = Trace.of(visits, [], attempts)
    stacked = stack([summarise(trace, plan)])
    spent = costs(stacked, plan, book)
    assert paid_hours(plan).tolist() == [0.0, 80.0]
    assert spent.acquisition.tolist() == [14.0] and spent.people.tolist() == [0.0, 1600.0]
    assert spent.overtime.tolist() == [[0.0, 20.0]]
    assert spent.tools == 35.0                              # half of the flight lies before the window
    assert spent.total.tolist() == [14.0 + 1600.0 + 20.0 + 35.0]
    assert cost_by_team(spent, plan).tolist() == [[14.0, 1655.0]]
    assert credit(trace, plan, book)[0] == pytest.approx([100 / 3, 200 / 3, 0.0])
    found = {one.key: one for one in measures(stacked, plan, book)}
    assert found["calendar.utilisation.sales"].values.tolist() == [1 / 80]
    assert found["cohort.profit"].values.tolist() == [100.0 - 1669.0]


def _book(won: int, definitions: tuple[str, ...]) -> p.Book:
    return p.Book(
        start="2026-01-05T00:00:00+00:00", timezone="UTC", currency="EUR", sources=("web",), segments=("all",),
        stages=("a", "b", "c"), teams=("marketing", "sales"), definitions=definitions, won=won, team_costs=(10.0, 20.0),
        costs=(("sales", -3.5 * p.DAY, 3.5 * p.DAY, 70.0),),
        volume_promises=(("MQL", 28.0, "month"), ("MQL", 7.0, "week"), ("MQL", 1.0, "quarter")) if won < 0 else ())


def _week_plan() -> p.Plan:
    plan = generated_plan(0)
    intervals = p.from_rows(p.INTERVAL, [
        {"opens": day * p.DAY + 9 * p.HOUR, "closes": day * p.DAY + 17 * p.HOUR, "capacity": 2,
         "before": day * 8 * p.HOUR} for day in range(5)])
    teams = p.records(p.TEAM, 2)
    teams.side, teams.interval_count[1] = [0, 1], 5
    settings = plan.settings.copy()
    settings.measure_from, settings.measure_to, settings.horizon, settings.segments = 0.0, p.WEEK, p.WEEK, 1
    settings.days_first, settings.days_count = 0, 8
    sources = p.records(p.SOURCE, 1)
    sources.cost = 7.0
    return plan._replace(settings=settings, sources=sources, stages=p.records(p.STAGE, 3), teams=teams,
                         intervals=intervals, definitions=p.from_rows(p.DEFINITION, [{"stage": 2}]),
                         inflight=p.records(p.INFLIGHT, 0), instants=np.arange(8) * p.DAY)


def _visit(lead: int, stage: int, owner: int, entered: float, number: int = 1) -> tuple[Any, ...]:
    row = {"lead": lead, "stage": stage, "number": number, "owner": owner, "entered": entered, "deadline": -1.0,
           "touched": -1.0, "reached": -1.0, "ended": -1.0, "outcome": p.OPEN, "to": -1, "back": -1.0, "value": 10000.0}
    return tuple(row.get(name, 0) for name in p.VISIT.names)


def test_promised_volume_counts_whole_periods_in_the_window_only() -> None:
    """Monday 5 January, six weeks measured: four of them lie in no whole month, February is cut by the window's end."""
    plan = _week_plan()
    settings = plan.settings.copy()
    settings.measure_to, settings.days_count = 70 * p.DAY, 71
    plan = plan._replace(settings=settings, instants=np.arange(71) * p.DAY)
    book = _book(won=-1, definitions=("MQL",))
    summary = new_summary(plan)
    summary.days[:70, 1] = 1.0                  # one a day: 28 in February, the one whole month
    summary.days[7, 1] = 0.0                    # and six in the second week
    found = {one.key: one.estimate().mean for one in volumes(stack([summary]), plan, book)}
    assert found["calendar.volume.MQL a month"] == 28.0 and found["calendar.volume_kept.MQL a month"] == 1.0
    assert found["calendar.volume_kept.MQL a week"] == pytest.approx(0.9)
    assert "calendar.volume.MQL a quarter" not in found
