"""Scores of forecasts: by hand and in closed form first, then forecasters whose faults are known."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from scipy import stats

from funnelsim.study.backtest.actuals import LEADS, Quantity
from funnelsim.study.backtest.forecast_scores import (
    ScoredForecast,
    central,
    coverage,
    crps,
    crps_ratio,
    pit,
    score,
    score_one,
    widening,
)

LEADS_A_WEEK = Quantity(LEADS, "", "leads")
MONDAY = datetime(2025, 1, 6)


def test_the_interval_of_199_draws_leaves_ten_out_on_each_side() -> None:
    """1 to 199: of one draw more, 90 % lie strictly between the 10th and the 190th, and half between 50th and 150th."""
    draws = np.arange(1.0, 200.0)
    assert central(draws, 0.9) == (10.0, 190.0)
    assert central(draws, 0.5) == (50.0, 150.0)


def test_crps_by_hand() -> None:
    """Draws 1 and 3, and 2 happened: mean distance 1; the two draws lie 2 apart, of which half is taken off: 0."""
    assert crps(np.array([1.0, 3.0]), 2.0) == pytest.approx(0.0)
    # and 5 happened: mean distance 3, less 1
    assert crps(np.array([1.0, 3.0]), 5.0) == pytest.approx(2.0)


def test_crps_of_a_normal_forecast() -> None:
    """Gneiting and Raftery 2007: sigma (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi)). 20,000 draws: error below 0.02."""
    draws = np.sort(np.random.default_rng(1).normal(10.0, 2.0, 20_000))
    z = 0.7
    exact = 2.0 * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi))
    assert crps(draws, 11.4) == pytest.approx(exact, abs=0.02)


def test_the_place_of_a_count_among_ties_is_by_chance() -> None:
    """All draws are 0 and 0 happened: every place is as likely. 500 values are not level once in 1,000."""
    rng = np.random.default_rng(3)
    values = [pit(np.zeros(19), 0.0, rng) for _ in range(500)]
    assert stats.kstest(values, "uniform").pvalue > 0.001


def test_an_honest_forecaster_keeps_the_promise() -> None:
    """Counts and forecasts of one law: 400 instants; outside 0.86 to 0.94 once in 100 times, and PIT level."""
    scored = forecasts(400, lambda rng, mean: rng.poisson(mean, 199))
    whole = score(scored)
    assert 0.86 <= whole.held90.value <= 0.95
    assert whole.widening.value == pytest.approx(1.0, abs=0.15)
    assert whole.held90.holds(0.9) and abs(whole.bias) < 0.02
    assert stats.kstest([one.pit for one in scored], "uniform").pvalue > 0.001


def test_a_forecaster_half_as_unsure_as_it_should_be_is_told_to_widen_twofold() -> None:
    """Half the standard deviation: 90 % intervals hold P(|Z| < 0.822) = 59 %, and must be twice as wide."""
    scored = forecasts(400, lambda rng, mean: rng.normal(mean, np.sqrt(mean) / 2.0, 199))
    whole = score(scored)
    assert whole.held90.value == pytest.approx(0.59, abs=0.08)
    assert whole.widening.value == pytest.approx(2.0, abs=0.3)
    assert whole.widening.low > 1.5


def test_a_forecaster_twice_as_unsure_is_told_so() -> None:
    scored = forecasts(400, lambda rng, mean: rng.normal(mean, 2.0 * np.sqrt(mean), 199))
    assert widening(scored).value == pytest.approx(0.5, abs=0.1)


def test_bias_and_the_spreadsheet_beside() -> None:
    """Half as much again as happens is a bias of 50 %, and far worse than the last weeks carried on."""
    scored = forecasts(100, lambda rng, mean: rng.poisson(1.5 * mean, 199))
    whole = score(scored)
    assert whole.bias == pytest.approx(0.5, abs=0.03)
    assert whole.ratio > 2.0


def test_a_perfect_forecast_beats_the_spreadsheet() -> None:
    scored = [
        score_one(MONDAY, LEADS_A_WEEK, 1, np.full(19, 100.0) + np.arange(19) % 2, 100.0, np.array([90.0, 105.0]), (i,))
        for i in range(5)
    ]
    assert crps_ratio(scored) < 0.2


def test_forecasts_that_hold_or_fail_together_count_as_one() -> None:
    """Ten instants of ten forecasts each; in one all fail, in the others all hold: as unsure as ten forecasts."""
    together = [one_held(i, i != 0) for i in range(10) for _ in range(10)]
    apart = [one_held(i, j != 0) for i in range(10) for j in range(10)]
    wide, narrow = (coverage(scored, lambda one: one.held90) for scored in (together, apart))
    assert wide.value == narrow.value == pytest.approx(0.9)
    assert wide.high - wide.low > 2.0 * (narrow.high - narrow.low)


def one_held(instant: int, held: bool) -> ScoredForecast:
    return ScoredForecast(
        MONDAY + timedelta(days=7 * instant),
        LEADS_A_WEEK,
        1,
        5.0,
        5.0,
        4.0,
        6.0,
        1.0,
        9.0,
        5.0 if held else 20.0,
        0.5,
        1.0,
        5.0,
        1.0,
    )


def forecasts(count: int, draws) -> list[ScoredForecast]:
    """Of Poisson counts with means of their own between 50 and 150."""
    scored = []
    for number in range(count):
        rng = np.random.default_rng([7, number])
        mean = rng.uniform(50.0, 150.0)
        drawn = np.asarray(draws(rng, mean), float)
        scored.append(
            score_one(
                MONDAY + timedelta(days=7 * number),
                LEADS_A_WEEK,
                1,
                drawn,
                float(rng.poisson(mean)),
                rng.poisson(mean, 8).astype(float),
                (1, number),
            )
        )
    return scored
