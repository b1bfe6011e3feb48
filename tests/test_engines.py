"""Two engines, one truth: the same visits, assignments and attempts, bit for bit, on generated plans.

Plans that never take an exit, an action or a tie would agree about nothing, so what was exercised is counted too.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from funnelsim import plan as p
from funnelsim.engine import fast, reference
from funnelsim.engine.replicate import replicate
from funnelsim.measures import summarise
from funnelsim.trace import Trace
from plans import generated_plan


def test_both_engines_give_the_same_rows_on_200_generated_plans() -> None:
    seen = agree_on(range(200))

    assert_exercised(seen, at_least=20)


@pytest.mark.long
def test_both_engines_give_the_same_rows_on_2000_generated_plans() -> None:
    seen = agree_on(range(1000, 3000))

    assert_exercised(seen, at_least=200)


def test_replications_do_not_depend_on_threads_order_or_batching() -> None:
    plan = generated_plan(12)
    together = replicate(plan, 7, range(8), threads=1).summaries
    threaded = replicate(plan, 7, range(8), threads=2).summaries
    backwards = replicate(plan, 7, reversed(range(8)), threads=2).summaries[::-1]
    one_by_one = [replicate(plan, 7, [i]).summaries[0] for i in range(8)]

    for other in (threaded, backwards, one_by_one):
        for mine, theirs in zip(together, other, strict=True):
            assert_equal(mine, theirs)


def test_both_engines_give_the_same_summaries() -> None:
    plan = generated_plan(3)

    fast_ones = replicate(plan, 1, range(3), engine="fast").summaries
    slow_ones = replicate(plan, 1, range(3), engine="reference").summaries

    for mine, theirs in zip(fast_ones, slow_ones, strict=True):
        assert_equal(mine, theirs)


def test_a_runner_can_be_used_again_after_its_tables_grew() -> None:
    plan = generated_plan(12)
    runner = fast.Runner(plan, tracing=True)
    first = runner.run(1, 0)
    runner.run(1, 1)

    assert_equal(first, runner.run(1, 0))


def test_small_tables_grow_in_the_middle_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = generated_plan(12)
    roomy, _ = fast.run(plan, 1, 0)
    monkeypatch.setattr(fast, "new_state", lambda plan, tracing: fast.state.new_state(plan, tracing, slots=2, rows=32))
    tight, _ = fast.run(plan, 1, 0)

    assert_equal(roomy, tight)


def agree_on(seeds: range) -> Counter[Any]:
    """Run each plan in both engines, compare every column of every row; count what happened."""
    seen: Counter[Any] = Counter()
    for seed in seeds:
        plan = generated_plan(seed)
        slow = reference.run(plan, 1, seed)
        quick, summary = fast.run(plan, 1, seed)
        assert_equal(slow, quick, seed)
        assert_equal(summarise(quick, plan), summary, seed)
        count(plan, quick, seen)
    return seen


def assert_equal(mine: Any, theirs: Any, seed: int = -1) -> None:
    for name in mine._fields:
        left, right = getattr(mine, name), getattr(theirs, name)
        assert left.tobytes() == right.tobytes(), f"plan {seed}: {name} differ"


def count(plan: p.Plan, trace: Trace, seen: Counter[Any]) -> None:
    """What a replication exercised: exits, ends, actions, orders, ties of time between ranks of different kinds."""
    visits, assignments, attempts = trace
    seen.update(("outcome", p.OUTCOMES[i]) for i in visits.outcome)
    seen.update(("assignment", p.ASSIGNMENT_ENDS[i]) for i in assignments.how)
    seen.update(("attempt", p.ATTEMPT_ENDS[i]) for i in attempts.end)
    seen.update(("first touch", int(i)) for i in assignments.first_touch)
    seen.update(("attempts within", int(i)) for i in assignments.attempts_within)
    seen["warned"] += int(assignments.warned.sum())
    seen["escalated"] += int(assignments.escalated.sum())
    seen["late on arrival"] += int(assignments.late.sum())
    seen["kept"] += int((assignments.kept == 1).sum())
    seen["not kept"] += int((assignments.kept == 0).sum())
    for team, order in enumerate(plan.teams.order):
        seen["order", int(order)] += int((attempts.team == team).sum())
    seen["first touch exactly at the deadline"] += int(
        ((assignments.touched == assignments.deadline) & (assignments.touched >= 0)).sum()
    )
    seen["joined while closed"] += closed_joins(plan, attempts)
    seen["business clock"] += int(plan.terms.business.sum()) if len(plan.terms) else 0
    instants: dict[str, np.ndarray] = {
        "arrival": np.unique(visits.arrived),
        "work ends": np.unique(attempts.ended[attempts.end <= p.NO_ANSWER]),
        "joins": np.unique(attempts.joined),
        "outcome": np.unique(visits.ended[visits.outcome <= p.LOST_HERE]),
        "start": np.unique(attempts.started[attempts.started >= 0]),
        "opening": np.unique(plan.intervals.opens),
        "action": np.unique(assignments.ended[np.isin(assignments.how, (p.REASSIGNED, p.SENT_BACK))]),
        "cold": np.unique(visits.ended[visits.outcome == p.COLD]),
    }
    names = list(instants)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            seen["tie", one, other] += len(np.intersect1d(instants[one], instants[other]))


def closed_joins(plan: p.Plan, attempts: Any) -> int:
    joined = 0
    for team, row in enumerate(plan.teams):
        calendar = plan.intervals[row.interval_first : row.interval_first + row.interval_count]
        times = attempts.joined[attempts.team == team]
        at = np.searchsorted(calendar.opens, times, side="right") - 1
        is_open = (at >= 0) & (times < calendar.closes[np.maximum(at, 0)])
        joined += int((~is_open).sum())
    return joined


def assert_exercised(seen: Counter[Any], at_least: int) -> None:
    wanted = [("outcome", name) for name in p.OUTCOMES] + [("assignment", name) for name in p.ASSIGNMENT_ENDS]
    wanted += [("attempt", name) for name in p.ATTEMPT_ENDS] + [("order", i) for i in range(3)]
    wanted += [("first touch", i) for i in range(1, 4)] + [("attempts within", i) for i in range(1, 4)]
    wanted += [
        ("tie", "arrival", "joins"),
        ("tie", "work ends", "outcome"),
        ("tie", "work ends", "start"),
        ("tie", "joins", "opening"),
        ("tie", "start", "action"),
        ("tie", "work ends", "action"),
        ("tie", "start", "cold"),
        ("tie", "arrival", "opening"),
        ("tie", "joins", "cold"),
        ("tie", "outcome", "start"),
    ]
    names: list[Any] = [
        *wanted,
        "warned",
        "escalated",
        "late on arrival",
        "kept",
        "not kept",
        "first touch exactly at the deadline",
        "joined while closed",
        "business clock",
    ]
    rare = {name: seen[name] for name in names if seen[name] < at_least}
    assert not rare, f"hardly exercised: {rare}"
