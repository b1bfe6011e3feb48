"""Where marketing's money goes: the knapsack by hand, and a count that is met while value falls."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from funnelsim.compile.marketing_plan import Offer, allocate_budget
from funnelsim.plan import DAY
from support.compile_helpers import compiled, points

E_BOOK = {"rate": "100/week", "cost": 20, "qualified_share": "40%", "qualified_value": 50}  # 0.02, 1.00 a unit of money
DEMO = {"rate": "10/week", "cost": 200, "qualified_share": "80%", "qualified_value": 2000}  # 0.004, 8.00
FAIR = {"rate": "20/week", "cost": 100, "qualified_share": "50%", "qualified_value": 400}  # 0.005, 2.00


def rates(budget: str, maximise: str, **sources: Any) -> list[float]:
    plan = compiled(
        sources=sources or {"ebook": E_BOOK, "demo": DEMO, "fair": FAIR},
        marketing_plan={"budget": budget, "maximise": maximise},
    ).plan()
    return [points(plan, row, "rate")[0][1] for row in plan.sources]


def test_by_count_the_cheap_ones_are_filled_first() -> None:
    """3,000 a week: 2,000 for 100 e-books, then 1,000 of the fair's 2,000, nothing for demos."""
    assert rates("3000/week", "count") == [100.0, 0.0, 10.0]


def test_by_value_the_dear_ones() -> None:
    """3,000 a week: 2,000 for 10 demos, then 1,000 of the fair's 2,000, nothing for e-books."""
    assert rates("3000/week", "value") == [0.0, 10.0, 10.0]


def test_the_count_promise_is_met_while_value_falls() -> None:
    """The same money: 45 that count and are worth 4,000, or 13 and 18,000."""

    def leads_and_value(bought: list[float]) -> tuple[float, float]:
        sources = (E_BOOK, DEMO, FAIR)
        shares = [float(str(one["qualified_share"]).rstrip("%")) / 100 for one in sources]
        counted = [rate * share for rate, share in zip(bought, shares, strict=True)]
        return sum(counted), sum(n * float(one["qualified_value"]) for n, one in zip(counted, sources, strict=True))

    assert leads_and_value(rates("3000/week", "count")) == (pytest.approx(45.0), pytest.approx(4000.0))
    assert leads_and_value(rates("3000/week", "value")) == (pytest.approx(13.0), pytest.approx(18000.0))


def test_money_left_over_is_not_spent_and_no_money_buys_nothing() -> None:
    assert rates("100k/week", "count") == [100.0, 10.0, 20.0]
    assert rates("0/week", "count") == [0.0, 0.0, 0.0]


def test_sources_that_do_not_compete_bring_their_rate() -> None:
    free = {"rate": "33/week", "qualified_share": "50%"}
    unmeasured = {"rate": "7/week", "cost": 1000}
    assert rates("400/week", "count", ebook=E_BOOK, free=free, unmeasured=unmeasured) == [20.0, 33.0, 7.0]


def test_what_one_source_no_longer_takes_goes_to_the_next() -> None:
    """The demo's flight ends on 18 January: its money goes to the fair, and what that cannot use to e-books."""
    ebook = {**E_BOOK, "rate": {"start": "100/week", "2026-01-15": "50/week"}}
    demo = {**DEMO, "to": "2026-01-18"}
    plan = compiled(
        sources={"ebook": ebook, "demo": demo, "fair": FAIR},
        marketing_plan={"budget": "2500/week", "maximise": "value"},
    ).plan()
    over_time = [points(plan, row, "rate") for row in plan.sources]
    assert over_time[1] == [(0.0, 10.0), (10 * DAY, 10.0), (14 * DAY, 0.0)]
    assert over_time[2] == [(0.0, 5.0), (10 * DAY, 5.0), (14 * DAY, 20.0)]
    assert over_time[0] == [(0.0, 0.0), (10 * DAY, 0.0), (14 * DAY, 25.0)]


def test_the_plan_buys_those_who_come_and_half_of_them_are_captured() -> None:
    assert rates("400/week", "count", ebook={**E_BOOK, "captured": "50%"}) == [10.0]


def test_no_other_way_to_spend_the_money_is_better() -> None:
    """Against all ways to spend it in tenths, for a hundred sets of offers."""
    rng = np.random.default_rng(7)
    tenths = [np.array(parts) / 10.0 for parts in itertools.product(range(11), repeat=3) if sum(parts) <= 10]
    for _ in range(100):
        offers = [
            Offer(float(rng.uniform(1, 50)), float(rng.uniform(5, 50)), float(rng.uniform(0.1, 1))) for _ in range(3)
        ]
        budget = float(rng.uniform(50, 1500))
        bought = allocate_budget(budget, offers)
        assert sum(n * offer.cost for n, offer in zip(bought, offers, strict=True)) <= budget * (1 + 1e-12)
        best = sum(n * offer.value_per_lead for n, offer in zip(bought, offers, strict=True))
        for parts in tenths:
            other = [min(offer.max_rate, part * budget / offer.cost) for part, offer in zip(parts, offers, strict=True)]
            assert sum(n * offer.value_per_lead for n, offer in zip(other, offers, strict=True)) <= best * (1 + 1e-12)
