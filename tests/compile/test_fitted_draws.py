"""Fitted parameters: shares, times, rates and fit are redrawn together, and only while the scenario says them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from funnelsim.compile.deal_value_draw import ValueDraw
from funnelsim.compile.distributions import law_of
from funnelsim.compile.fitted_draws import location_scale
from funnelsim.compile.parameter_draws import logit
from funnelsim.engine.rng import quantile_at
from funnelsim.plan import DAY, LOST, SILENT, Plan
from funnelsim.scenario.values import Distribution
from support.compile_helpers import compiled, exits, median
from support.fitted_stage import KNOWN, MEAN, OTHER, SPREAD, STAGES, WEIBULL

PATIENT = {**STAGES, "interest": {**STAGES["interest"], "next": {"evaluation": "35%", "lost": "rest"}}}


def fitted(known: dict[str, Any] = KNOWN, stages: dict[str, Any] = STAGES, **keys: Any) -> Any:
    return compiled(stages=stages, fitted={"stages": {"interest": known}}, ownership={}, **keys)


def shares(plan: Plan) -> dict[int, float]:
    """Shares of entered leads by target of the first stage."""
    stage = plan.stages[0]
    rows = exits(plan, stage, "next")
    base = float(stage["base"])
    return {to: share * (base if i < stage.next_forward else 1 - base) for i, (to, share) in enumerate(rows)}


def test_without_a_draw_the_scenario_is_as_written() -> None:
    plan = fitted().plan()
    assert shares(plan) == pytest.approx({1: 0.30, LOST: 0.50, SILENT: 0.20})
    assert plan.stages[0].base_of_entered == 1


def test_shares_are_drawn_around_their_estimate() -> None:
    blueprint = fitted()
    assert blueprint.uncertain
    drawn = np.array([list(shares(blueprint.plan(draw)).values()) for draw in range(400)])
    ratios = np.log(drawn[:, :2] / drawn[:, 2:])  # log(pi_j / pi_never) is what is normal
    assert ratios.mean(axis=0) == pytest.approx(MEAN[:2], abs=0.01)
    assert ratios.std(axis=0) == pytest.approx(SPREAD[:2], rel=0.12)
    assert drawn.sum(axis=1) == pytest.approx(np.ones(400))


def test_the_intercept_follows_the_base_rate() -> None:
    stage = fitted().plan(draw=5).stages[0]
    assert stage["base"] != 0.30
    assert stage.intercept == logit(stage["base"])


def test_families_are_drawn_by_weight_and_times_by_their_law() -> None:
    blueprint = fitted()
    pace = int(blueprint.plan().exits["pace"][blueprint.plan().stages[0].next_first])
    medians = np.array([median(blueprint.plan(draw), pace) for draw in range(400)])
    expected = [
        float(law_of(location_scale(family, *vector[2:4])).ppf(np.array([0.5]))[0])
        for family, vector in (("weibull", MEAN), ("gamma", OTHER))
    ]
    nearest = np.abs(np.log(medians[:, None] / expected)).argmin(axis=1)
    assert (nearest == 0).mean() == pytest.approx(0.75, abs=0.07)
    of_first = np.log(medians[nearest == 0])
    spread = math.hypot(SPREAD[2], SPREAD[3] * math.exp(-0.2) * math.log(math.log(2)))  # of mu + e^s ln(ln 2)
    assert of_first.mean() == pytest.approx(math.log(expected[0]), abs=0.02)
    assert of_first.std() == pytest.approx(spread, rel=0.15)


def test_an_overridden_share_is_not_redrawn_but_its_times_are() -> None:
    blueprint = fitted(stages=PATIENT)
    centre, drawn = blueprint.plan(), blueprint.plan(draw=1)
    assert np.array_equal(centre.stages, drawn.stages) and np.array_equal(centre.exits, drawn.exits)
    assert not np.array_equal(centre.tables, drawn.tables)


def test_an_overridden_time_is_not_redrawn() -> None:
    own = {**STAGES, "interest": {**STAGES["interest"], "pace": {"evaluation": "3 days", "lost": "5 days"}}}
    blueprint = fitted(stages=own)
    assert np.array_equal(blueprint.plan().tables, blueprint.plan(draw=1).tables)
    assert shares(blueprint.plan(draw=1)) != shares(blueprint.plan())


def test_empirical_times_stay() -> None:
    blueprint = fitted({**KNOWN, "empirical": ["evaluation", "lost"]})
    assert np.array_equal(blueprint.plan().tables, blueprint.plan(draw=1).tables)


def test_a_timer_is_an_exit_of_the_same_target() -> None:
    """5 % of all are lost on day 30 sharp: the exits of `lost` are added up, and its time is a mixture."""
    mean = [math.log(0.3 / 0.2), math.log(0.45 / 0.2), math.log(0.05 / 0.2), *MEAN[2:], math.log(30 * DAY), -4.0]
    fit = {
        "weight": 1.0,
        "families": ["weibull", "lognormal", "lognormal"],
        "law_of": [0, 1, 2],
        "mean": mean,
        "cov": (1e-12 * np.eye(9)).tolist(),
    }
    bulk = STAGES["interest"]["pace"]["lost"]
    timer = f"lognormal(median 30 days sigma {math.exp(-4):.6g})"
    pace = {"evaluation": WEIBULL, "lost": f"mixture(90% {bulk} 10% {timer})"}
    stages = {**STAGES, "interest": {**STAGES["interest"], "pace": pace}}
    blueprint = fitted({"exits": ["evaluation", "lost", "lost"], "empirical": [], "fits": [fit]}, stages)
    centre, drawn = blueprint.plan(), blueprint.plan(draw=3)
    assert shares(drawn) == pytest.approx({1: 0.30, LOST: 0.50, SILENT: 0.20}, abs=1e-4)
    row = int(centre.exits["pace"][centre.stages[0].next_first + 1])
    assert median(drawn, row) == pytest.approx(median(centre, row), rel=1e-3)


def test_rates_and_fit_of_sources_have_standard_errors() -> None:
    known = {"sources": {"web": {"rate_se": 0.03, "fit_se": 0.2}}}
    blueprint = compiled(fitted=known, sources={"web": {"rate": "70/week", "fit": 0.5}})
    plans = [blueprint.plan(draw) for draw in range(400)]
    rates = np.log([plan.points["y"][plan.sources[0].rate_first] / 70 for plan in plans])
    fits = np.array([plan.mixes["fit_shift"][0] for plan in plans])
    assert (rates.mean(), rates.std()) == (pytest.approx(0.0, abs=0.004), pytest.approx(0.03, rel=0.12))
    assert (fits.mean(), fits.std()) == (pytest.approx(0.5, abs=0.03), pytest.approx(0.2, rel=0.12))
    assert abs(np.corrcoef(rates, fits)[0, 1]) < 0.15


# ---- what a win is worth -------------------------------------------------------------------------------------------

WINS, LOCATION, SPREAD_OF_LOG = 24, 7.0, 0.6
SAYS = f"lognormal(median {math.exp(LOCATION):.5g} p90 {math.exp(LOCATION + 1.2815516 * SPREAD_OF_LOG):.5g})"
LOGS = {"deal_value": {"location": LOCATION, "spread": SPREAD_OF_LOG, "count": WINS}}


def drawn_values(blueprint: Any, draws: int) -> np.ndarray:
    """(location, spread) of each draw, read from the plan's own table at its median and 84 % point."""
    row = int(blueprint.plan().mixes["value"][0])
    points = stats.norm.cdf([0.0, 1.0])
    found = []
    for draw in range(draws):
        table = blueprint.plan(draw).tables
        middle, above = (math.log(quantile_at(table, row, u)) for u in points)
        found.append((middle, above - middle))
    return np.array(found)


def test_the_law_of_deal_values_is_drawn_as_student_and_chi_square_say() -> None:
    """Of 24 wins: the mean of the logarithm is t with 23 degrees of freedom, scaled by s / sqrt(24), and 23 s^2 over
    the drawn variance is chi-square with 23. 600 draws; a true law fails either test once in 1,000."""
    drawn = drawn_values(compiled(fitted=LOGS, deal_value=SAYS), 600)
    scaled = (drawn[:, 0] - LOCATION) / (SPREAD_OF_LOG / math.sqrt(WINS))
    assert stats.kstest(scaled, stats.t(WINS - 1).cdf).pvalue > 1e-3
    ratio = (WINS - 1) * SPREAD_OF_LOG**2 / drawn[:, 1] ** 2
    assert stats.kstest(ratio, stats.chi2(WINS - 1).cdf).pvalue > 1e-3
    assert stats.kstest(scaled, stats.norm(0.0, 0.5).cdf).pvalue < 1e-3  # the test can fail


def test_intervals_of_revenue_hold_with_the_draws_and_are_too_narrow_without() -> None:
    """500 histories of 24 wins each, and the value of the next 200: 90 % intervals from 199 draws hold the truth in
    90 % with the draws (86 to 94 but once in 1,000), and in far fewer at the estimate. The draw is that of the plan."""
    rng = np.random.default_rng(5)
    held = np.zeros(2)
    for history in range(500):
        logs = rng.normal(LOCATION, SPREAD_OF_LOG, WINS)
        value = ValueDraw(0, Distribution("fixed", (0.0,)), WINS, float(logs.mean()), float(logs.std(ddof=1)), 0.0)
        truth = np.exp(rng.normal(LOCATION, SPREAD_OF_LOG, 200)).sum()
        laws = np.array([value.drawn(history, draw).parameters for draw in range(199)], dtype=float)
        noise = rng.standard_normal((199, 200))
        told = np.exp(laws[:, :1] + laws[:, 1:] * noise).sum(axis=1)
        plain = np.exp(value.location + value.spread * noise).sum(axis=1)
        for way, sums in enumerate((told, plain)):
            low, high = np.sort(sums)[[9, 189]]
            held[way] += low <= truth <= high
    assert 0.86 <= held[0] / 500 <= 0.94
    assert held[1] / 500 < 0.6


def test_only_the_value_law_changes_and_only_while_the_scenario_says_it() -> None:
    blueprint = compiled(fitted=LOGS, deal_value=SAYS)
    centre, drawn = blueprint.plan(), blueprint.plan(draw=1)
    changed = [name for name in centre._fields if not np.array_equal(getattr(centre, name), getattr(drawn, name))]
    assert changed == ["tables"]
    rows = np.flatnonzero((centre.tables != drawn.tables).any(axis=1))
    assert rows.tolist() == [int(centre.mixes["value"][0])]
    assert not compiled(fitted=LOGS, deal_value="lognormal(median 1000 p90 4000)").uncertain
    assert not compiled(fitted=LOGS, deal_value="fixed(1000)").uncertain


def test_values_as_the_data_lie_are_drawn_by_their_mean() -> None:
    """An empirical law keeps its shape; its mean is known within 5 %."""
    law = "empirical(0% 500, 50% 1000, 100% 4000)"
    blueprint = compiled(fitted={"deal_value": {"median": 1000.0, "error": 0.05, "count": 60}}, deal_value=law)
    row = int(blueprint.plan().mixes["value"][0])
    moved = np.log([median(blueprint.plan(draw), row) / 1000.0 for draw in range(300)])
    assert moved.std() == pytest.approx(0.05, rel=0.15)
    assert moved.mean() == pytest.approx(0.0, abs=0.01)


def test_the_deal_value_is_an_unknown_with_ends_at_its_90_per_cent_limits() -> None:
    """Along mean and spread together: log mean 7.18, error sqrt(0.6^2 / 24 + 0.6^4 / 46) = 0.135, times 1.645."""
    blueprint = compiled(fitted=LOGS, deal_value=SAYS)
    one = blueprint.unknowns[-1]
    assert one.path == "fitted.deal_value" and len(one.coordinates) == 2
    ends = [one.features(0, place)[0] for place in (one.low, one.high)]
    assert (ends[1] - ends[0]) / 2 == pytest.approx(1.645 * math.sqrt(0.36 / 24 + 0.36**2 / 46), rel=0.1)
    assert np.array_equal(blueprint.plan({}).tables, blueprint.plan().tables)
    assert not np.array_equal(blueprint.plan(one.high).tables, blueprint.plan().tables)
