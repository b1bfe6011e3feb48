"""Estimates, money and promised volumes: small cases worked out on paper."""

from __future__ import annotations

import numpy as np
import pytest

from funnelsim import plan as p
from funnelsim.measures import (
    cost_by_team,
    costs,
    credit,
    mean,
    measures,
    paid_hours,
    ratio,
    stack_summaries,
    summarise,
    wilson,
)
from funnelsim.measures.catalogue import quantiles
from funnelsim.measures.volumes import volumes
from funnelsim.plan_codes import AttemptEnd
from funnelsim.run_tables import Trace
from funnelsim.summary import RESPONSE_EDGES, new_summary
from support.toy_plan import book_of, visit, week_plan

# ---- estimates -----------------------------------------------------------------------------------------------------


def test_mean_with_t_interval() -> None:
    found = mean(np.array([1.0, 2.0, 3.0, 4.0]))
    half = 2.353363 * np.std([1, 2, 3, 4], ddof=1) / 2  # t(3) at 95 %, from a table
    assert found.mean == 2.5
    assert (found.low, found.high) == pytest.approx((2.5 - half, 2.5 + half), abs=1e-5)
    assert (found.period_low, found.period_high) == pytest.approx((1.15, 3.85))
    assert found.method == "t"


def test_mean_interval_covers_at_the_stated_rate() -> None:
    rng = np.random.default_rng(5)
    found = [mean(rng.exponential(1.0, 40)) for _ in range(2000)]
    covered = sum(one.low <= 1.0 <= one.high for one in found) / 2000
    assert 0.86 < covered < 0.92  # 90 %, a little less for so skew a law


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
    plan, book = week_plan(), book_of(won=0, definitions=("won",))
    visits = [
        visit(1, 0, owner=0, entered=0.0),
        visit(1, 1, owner=1, entered=10.0),
        visit(1, 1, owner=1, entered=20.0, number=2),
        visit(1, 2, owner=1, entered=30.0),
        visit(2, 0, owner=0, entered=5.0),
    ]
    attempts = [
        (1, 1, 1, 1, -1, 1, 1, 0, 10.0, 16 * p.HOUR, 18 * p.HOUR, AttemptEnd.CONTACT, 0.0)
    ]  # an hour past closing
    trace = Trace.of(visits, [], attempts, [], np.zeros((8, 0)))
    stacked = stack_summaries([summarise(trace, plan)])
    spent = costs(stacked, plan, book)
    assert paid_hours(plan).tolist() == [0.0, 80.0]
    assert spent.acquisition.tolist() == [14.0] and spent.people.tolist() == [0.0, 1600.0]
    assert spent.overtime.tolist() == [[0.0, 20.0]]
    assert spent.tools == 35.0  # half of the flight lies before the window
    assert spent.total.tolist() == [14.0 + 1600.0 + 20.0 + 35.0]
    assert cost_by_team(spent, plan).tolist() == [[14.0, 1655.0]]
    assert credit(trace, plan, book)[0] == pytest.approx([100 / 3, 200 / 3, 0.0])
    found = {one.key: one for one in measures(stacked, plan, book)}
    assert found["calendar.utilisation.sales"].values.tolist() == [1 / 80]
    assert found["cohort.profit"].values.tolist() == [100.0 - 1669.0]


def test_promised_volume_counts_whole_periods_in_the_window_only() -> None:
    """Monday 5 January, six weeks measured: four of them lie in no whole month, February is cut by the window's end."""
    plan = week_plan()
    settings = plan.settings.copy()
    settings.measure_to, settings.days_count = 70 * p.DAY, 71
    plan = plan._replace(settings=settings, instants=np.arange(71) * p.DAY)
    book = book_of(won=-1, definitions=("MQL",))
    summary = new_summary(plan)
    summary.days[:70, 1] = 1.0  # one a day: 28 in February, the one whole month
    summary.days[7, 1] = 0.0  # and six in the second week
    found = {one.key: one.estimate().mean for one in volumes(stack_summaries([summary]), plan, book)}
    assert found["calendar.volume.MQL a month"] == 28.0 and found["calendar.volume_met.MQL a month"] == 1.0
    assert found["calendar.volume_met.MQL a week"] == pytest.approx(0.9)
    assert "calendar.volume.MQL a quarter" not in found
