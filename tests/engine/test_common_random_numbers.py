"""Same luck: a change moves what it must and nothing else, so differences between scenarios are seen with few pairs."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from funnelsim.compile import Blueprint, compile_scenario
from funnelsim.engine.arrival_process import weekly_level
from funnelsim.engine.replicate import replicate
from funnelsim.engine.rng import replication_key
from funnelsim.measures import named
from funnelsim.plan import Plan
from funnelsim.scenario import load
from funnelsim.study.anchor import anchor

SCENARIOS = Path(__file__).parents[2] / "scenarios"
PAIRS = 150
TRAITS = ["lead", "arrived", "source", "segment", "fit", "value"]


@cache
def blueprint(name: str, *overrides: str) -> Blueprint:
    return compile_scenario(load(str(SCENARIOS / f"{name}.yaml"), list(overrides)))


@cache
def plan_of(name: str, *overrides: str) -> Plan:
    """Anchored at the root of the flagship as it stands."""
    root = load(str(SCENARIOS / "old-way.yaml"))
    return anchor(compile_scenario(root.root or root)).plan(blueprint(name, *overrides))


@cache
def wins(name: str, *overrides: str) -> Any:
    plan = plan_of(name, *overrides)
    done = replicate(plan, 1, range(PAIRS), threads=2)
    return named(done.summaries, plan, blueprint(name, *overrides).book)["cohort.won"].numerator


def visits(name: str, *overrides: str) -> Any:
    traces = replicate(plan_of(name, *overrides), 1, [0], tables=True).traces
    assert traces is not None
    return traces[0].visits


# ---- one more rep --------------------------------------------------------------------------------------------------

# Measured, five reps against six: 294 in the old way, 58 with the promise, 217 shared (utilisation 0.54, 0.83, 0.62
# before). Far in overload it is less, because then an hour more decides who is served at all: with the promise, four
# against five (0.96) gives 20, three against four (1.0) 6.


@pytest.mark.parametrize("name", ["old-way", "old-way-with-promise", "shared-funnel"])
def test_one_more_rep_shows_30_times_sooner_than_with_independent_luck(name: str) -> None:
    before, after = wins(name), wins(name, "teams.sales.people=6")
    found = ratio(before, after)
    rng = np.random.default_rng(1)
    resampled = [ratio(before[i], after[i]) for i in rng.integers(0, PAIRS, (2000, PAIRS))]

    assert before.mean() > 50
    assert (after - before).any()  # the rep does something
    assert found >= 30.0
    assert np.quantile(resampled, 0.001) >= 30.0


def ratio(before: Any, after: Any) -> float:
    """Variance of the difference with independent seeds, over that with the same luck."""
    return float((before.var(ddof=1) + after.var(ddof=1)) / (after - before).var(ddof=1))


def test_one_more_rep_changes_no_arrival_and_no_trait() -> None:
    assert_equal(births(visits("old-way")), births(visits("old-way", "teams.sales.people=6")))


# ---- ten percent more leads ----------------------------------------------------------------------------------------


def test_ten_percent_more_leads_change_no_other_lead() -> None:
    before, after = visits("old-way"), visits("old-way", *more_leads(1.1))
    fewer, more = births(before), births(after)

    assert_equal(fewer, more[np.isin(more["lead"], fewer["lead"])])
    few, many = (np.bincount(table["source"])[:4] for table in (fewer, more))
    assert few.min() > 500 and (many / few > 1.04).all() and (many / few < 1.16).all()


def test_ten_percent_more_leads_leave_the_luck_of_the_others_alone() -> None:
    """Nobody works awareness, so what happens there to a lead is its luck alone: every column of the visit."""
    before, after = visits("old-way"), visits("old-way", *more_leads(1.1))
    first = [table[(table.stage == 0) & (table.number == 1)] for table in (before, after)]
    same = first[1][np.isin(first[1].lead, first[0].lead)]

    assert len(first[0]) > 5000 and len(same) == len(first[0])
    assert_equal(first[0], same)


def test_without_queues_the_others_live_the_same_lives() -> None:
    """With people enough for everybody all visits of all other leads are the same, in every stage and column."""
    crowd = ("teams.sales.people=400", "teams.marketing.people=400")
    before, after = visits("shared-funnel", *crowd), visits("shared-funnel", *crowd, *more_leads(1.1))
    others = after[np.isin(after.lead, before.lead)]

    assert len(after) > 1.05 * len(before)
    assert_equal(before, others)


def more_leads(factor: float) -> tuple[str, ...]:
    """Settings that multiply the rates of all sources."""
    sources = load(str(SCENARIOS / "old-way.yaml")).scenario.sources
    rates: dict[str, Any] = {name: source.rate for name, source in sources.items() if source.rate is not None}
    assert list(rates)[:4] == ["search", "content", "social", "demo_request"]  # by number 0 to 3
    return tuple(f"sources.{name}.rate={factor * rate.per_week:.9g}/week" for name, rate in rates.items())


# ---- ownership, levels, names --------------------------------------------------------------------------------------


def test_an_ownership_share_moves_only_the_leads_between() -> None:
    """From 50 % to 60 % marketing in interest: a tenth of the leads, from sales to marketing, and nobody else."""
    before, after = first_owners(), first_owners("ownership.interest={marketing: 60%, sales: 40%}")
    common = sorted(set(before) & set(after))
    moved = {(before[lead], after[lead]) for lead in common if before[lead] != after[lead]}
    share = sum(before[lead] != after[lead] for lead in common) / len(common)

    assert len(common) > 1000 and len(common) > 0.98 * len(before)
    assert moved == {("sales", "marketing")}
    assert abs(share - 0.1) < 4.0 * (0.1 * 0.9 / len(common)) ** 0.5


def first_owners(*overrides: str) -> dict[int, str]:
    """Team of the first assignment in interest, by lead."""
    name = "shared-funnel"
    traces = replicate(plan_of(name, *overrides), 1, [0], tables=True).traces
    assert traces is not None
    rows, book = traces[0].assignments, blueprint(name, *overrides).book
    born = traces[0].visits.lead[traces[0].visits.arrived >= 0.0]  # leads in flight come with their owner
    rows = rows[(rows.stage == book.stages.index("interest")) & (rows.number == 1) & (rows.ordinal == 1)]
    rows = rows[np.isin(rows.lead, born)]
    return {int(row.lead): book.teams[row.team] for row in rows}


def test_the_level_of_a_week_does_not_depend_on_the_rate() -> None:
    levels = []
    for rate in (100, 350):
        plan = noisy_weeks(rate)
        key = np.uint64(replication_key(np.uint64(1), np.int64(0)))
        levels.append([weekly_level(plan.sources, plan.tables, key, 0, week) for week in range(26)])
        assert np.std(levels[-1]) > 0.2

    assert levels[0] == levels[1]


def test_a_good_week_is_good_at_any_rate() -> None:
    """The same leads again and others on top of them, also where weeks differ."""
    fewer, more = (births(visits_of(noisy_weeks(rate))) for rate in (100, 350))

    assert_equal(fewer, more[np.isin(more["lead"], fewer["lead"])])
    counts = [np.histogram(table["arrived"], 26, (0, 26 * 604800.0))[0] for table in (fewer, more)]
    assert np.corrcoef(*counts)[0, 1] > 0.85


def test_a_new_source_changes_no_lead_of_the_others() -> None:
    """Luck comes from the name of a source, not from its place in the file."""
    alone = births(visits_of(cylinder()))
    extra = cylinder("sources.affiliates={rate: 70/week}")
    beside = births(visits_of(extra))

    for column in ("arrived", "fit", "value"):
        assert np.isin(alone[column], beside[column]).all()
    assert len(beside) > 1.3 * len(alone)


def noisy_weeks(rate: int) -> Plan:
    return cylinder(
        f"sources.web.rate={rate}/week",
        "sources.web.weekly_level=40%",
        "observe=26 weeks",
        "deal_value=lognormal(median 8000 p90 30000)",
    )


def cylinder(*overrides: str) -> Plan:
    return blueprint("theory/cylinder", *overrides).plan()


def visits_of(plan: Plan) -> Any:
    traces = replicate(plan, 1, [0], tables=True).traces
    assert traces is not None
    return traces[0].visits


def births(table: Any) -> Any:
    """What is settled at birth, a row a lead: arrival and traits."""
    _, first = np.unique(table.lead, return_index=True)
    return np.asarray(table)[first][TRAITS]


def assert_equal(mine: Any, other: Any) -> None:
    """Every column of every row."""
    assert len(mine) == len(other) > 0
    for column in mine.dtype.names:
        assert np.array_equal(mine[column], other[column]), column
