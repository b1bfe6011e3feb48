"""Two engines, one truth: the same tables and counts, bit for bit, on generated plans.

Plans that never take an exit, an action or a tie would agree about nothing, so what was exercised is counted too.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from funnelsim.engine import fast, reference
from funnelsim.engine.replicate import replicate
from funnelsim.measures import summarise
from funnelsim.plan_codes import Outcome
from support.compile_helpers import BASE, compiled
from support.coverage_of_branches import WANTED, Seen, count, events_counted
from support.plan_generator import generated_plan, mechanisms
from support.plan_generator_mechanisms import MECHANISMS


def test_both_engines_give_the_same_rows_on_200_generated_plans() -> None:
    seen = agree_on(range(200))

    assert_exercised(seen, at_least=20)


@pytest.mark.long
def test_both_engines_give_the_same_rows_on_2000_generated_plans() -> None:
    seen = agree_on(range(1000, 3000))

    assert_exercised(seen, at_least=200)


@pytest.mark.long
@pytest.mark.parametrize("name", MECHANISMS)
def test_both_engines_give_the_same_rows_with_one_mechanism_alone(name: str) -> None:
    agree_on(range(40), only={name})


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


def test_a_source_may_have_more_batches_than_bits_of_a_number_of_old() -> None:
    """Each batch is a source to the engines: 600 of two leads, each person found again, and tiers for all sources."""
    batches = [f"2 on {date(2026, 1, 5) + timedelta(days=i % 28)} at {8 + i % 9:02}:00" for i in range(600)]
    web = {"batch": batches, "found_again": {"chance": "50%", "after": "2 days", "enters": "interest", "merged": "50%"}}
    plan = compiled(sources={"web": web}, promises={"first_touch": "within 4 hours", "adherence": "50%"}).plan()

    slow, (quick, summary) = reference.run(plan, 1, 0), fast.run(plan, 1, 0)

    assert len(plan.sources) == 600 and summary.arrived.sum() > 1200
    assert_equal(slow, quick)
    assert_equal(summarise(quick, plan), summary)


def test_more_newcomers_at_one_instant_than_the_agenda_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a batch may lose patience, and all are put on the agenda at the end of the instant."""
    first = {**BASE["stages"]["interest"], "patience": "exponential(mean 5 days)"}
    plan = compiled(
        stages={**BASE["stages"], "interest": first}, sources={"fair": {"batch": "500 on 2026-01-07 at 10:00"}}
    ).plan()
    roomy, _ = fast.run(plan, 1, 0)
    monkeypatch.setattr(fast, "new_state", lambda plan, tracing: fast.state.new_state(plan, tracing, slots=2, rows=32))
    tight, _ = fast.run(plan, 1, 0)

    assert (roomy.visits.outcome == Outcome.COLD).sum() > 50
    assert_equal(roomy, tight)


def test_signals_see_a_quota_that_the_entry_has_moved() -> None:
    """The plan that told: the reference decided signals before the milestones of the entry were passed [26]."""
    number = 1002722
    plan = generated_plan(number, set(mechanisms(number)) - {"instant cycles", "quotas of signals"})

    slow, (quick, summary) = reference.run(plan, 7, number), fast.run(plan, 7, number)

    assert_equal(slow, quick)
    assert_equal(summarise(quick, plan), summary)


def test_a_lead_goes_round_at_one_instant_a_geometric_number_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """With 99% back into the stage, visits are geometric: mean 100, standard deviation sqrt(0.99) / 0.01."""
    plan = compiled(
        stages={"a": {"next": {"a": "99%", "b": "1%"}}, "b": {}},
        sources={"web": {"rate": "500/week"}},
        ownership={},
        promises={},
        definitions={"won": "enters b"},
    ).plan()
    slow = reference.run(plan, 1, 0)
    quick, summary = fast.run(plan, 1, 0)
    visits = np.bincount(np.unique(quick.visits.lead[quick.visits.stage == 0], return_inverse=True)[1])

    assert len(visits) > 1500 and visits.max() > 500
    assert (quick.visits.entered == quick.visits.arrived).all()
    assert visits.mean() == pytest.approx(100.0, abs=4 * math.sqrt(0.99) / 0.01 / math.sqrt(len(visits)))
    assert (visits <= 100).mean() == pytest.approx(1 - 0.99**100, abs=4 * 0.5 / math.sqrt(len(visits)))
    assert_equal(slow, quick)
    assert_equal(summarise(quick, plan), summary)

    monkeypatch.setattr(fast, "new_state", lambda plan, tracing: fast.state.new_state(plan, tracing, slots=2, rows=32))
    tight, _ = fast.run(plan, 1, 0)
    assert_equal(quick, tight)


def agree_on(seeds: range, only: Collection[str] | None = None) -> Seen:
    """Run each plan in both engines, compare every column of every row; count what happened."""
    seen: Seen = Counter()
    for seed in seeds:
        plan = generated_plan(seed, only)
        with events_counted(seen):
            slow = reference.run(plan, 1, seed)
        quick, summary = fast.run(plan, 1, seed)
        what = f"plan {seed} with {', '.join(mechanisms(seed) if only is None else only) or 'nothing on'}"
        assert_equal(slow, quick, what)
        assert_equal(summarise(quick, plan), summary, what)
        count(plan, quick, seen)
    return seen


def assert_equal(mine: Any, theirs: Any, what: str = "") -> None:
    for name in mine._fields:
        left, right = getattr(mine, name), getattr(theirs, name)
        assert left.tobytes() == right.tobytes(), f"{what}: {name} differ"


def assert_exercised(seen: Seen, at_least: int) -> None:
    rare = {name: seen[name] for name in WANTED if seen[name] < at_least}
    assert not rare, f"hardly exercised: {rare}"
