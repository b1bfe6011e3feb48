"""Sources of which little is known are drawn towards the others: by hand, and better than alone in simulation."""

from __future__ import annotations

import numpy as np
import pytest

from funnelsim.calibration.pooling.partial_pooling import UNBOUND, LogOddsCells, pool, posterior_given_tau
from funnelsim.calibration.survival.competing_risks import Spells
from funnelsim.calibration.survival.conditional_share import share_given_times
from funnelsim.calibration.survival.model_averaging import average_models, refit

DAY = 86400.0
EVEN = np.ones(3)


def cells(y: list[float] | np.ndarray, variance: list[float] | np.ndarray) -> LogOddsCells:
    """One stage, a cell a source."""
    return LogOddsCells(np.array(y), np.array(variance), np.zeros(len(y), int), np.arange(len(y)))


def test_by_hand() -> None:
    """Three sources at -1, 0 and 1, each with variance 1: sources that differ by 1 keep half of what they say."""
    pooled = posterior_given_tau(cells([-1.0, 0.0, 1.0], [1.0, 1.0, 1.0]), 1, EVEN, 1.0)
    np.testing.assert_allclose(pooled.value, [-0.5, 0.0, 0.5], atol=1e-9)
    # Posterior variance tau^2 v / (tau^2 + v) = 1/2, less what the centring takes: 1/2 x (1 - 1/3).
    np.testing.assert_allclose(np.diag(pooled.covariance), 1 / 3, atol=1e-9)


def test_nothing_is_pooled_where_sources_differ_without_bound() -> None:
    pooled = posterior_given_tau(cells([-1.0, 0.2, 1.1], [0.3, 0.1, 0.2]), 1, EVEN, UNBOUND)
    np.testing.assert_allclose(pooled.value, np.array([-1.0, 0.2, 1.1]) - 0.1, atol=2e-3)


def test_two_sources_are_left_alone() -> None:
    pooled = pool(cells([0.0, 1.0], [0.5, 0.5]), np.array([1.0, 3.0]))
    np.testing.assert_allclose(pooled.value, [-0.75, 0.25], atol=1e-3)
    assert pooled.tau == np.inf and (pooled.reliability == 1).all()


def test_small_sources_are_drawn_further() -> None:
    """A thousand leads keep what they say, twenty do not."""
    pooled = pool(cells([0.6, 0.6, -0.3, 0.0, -0.5, 0.1], [0.004, 0.6, 0.01, 0.01, 0.02, 0.02]), np.ones(6))
    alone = posterior_given_tau(
        cells([0.6, 0.6, -0.3, 0.0, -0.5, 0.1], [0.004, 0.6, 0.01, 0.01, 0.02, 0.02]), 1, np.ones(6), UNBOUND
    )
    kept = pooled.value / alone.value
    assert kept[0] > 0.9 and kept[1] < 0.6, kept
    assert pooled.reliability[0] > 0.9 and pooled.reliability[1] < 0.5


def test_levels_of_stages_do_not_count() -> None:
    """Two stages at different levels, the same sources: the second stage only adds to what is known of them."""
    y, v = np.array([-1.0, 0.0, 1.0]), np.full(3, 0.5)
    both = LogOddsCells(np.append(y, y + 2.0), np.append(v, v), np.repeat([0, 1], 3), np.tile(np.arange(3), 2))
    np.testing.assert_allclose(
        posterior_given_tau(both, 2, EVEN, 1.0).value,
        posterior_given_tau(cells(y, v / 2), 1, EVEN, 1.0).value,
        atol=1e-9,
    )


@pytest.mark.parametrize("tau", [0.0, 0.3, 0.8])
def test_pooled_beats_alone_and_intervals_hold(tau: float) -> None:
    """150 firms with ten sources of 10 to 1,000 leads: fewer than 92.5 % of 1,500 intervals at a true 95 % would be
    seen once in 100,000 runs."""
    rng = np.random.default_rng(int(10 * tau))
    worse, better, held = 0.0, 0.0, []
    for _ in range(150):
        leads = np.exp(rng.uniform(np.log(10), np.log(1000), 10)).astype(int)
        truth = rng.normal(0.0, tau, 10)
        won = rng.binomial(leads, 1 / (1 + np.exp(1.0 - truth)))
        y = np.log((won + 0.5) / (leads - won + 0.5))
        variance = 1 / (won + 0.5) + 1 / (leads - won + 0.5)
        pooled = pool(cells(y, variance), leads.astype(float))
        alone = posterior_given_tau(cells(y, variance), 1, leads.astype(float), UNBOUND)
        truth = truth - np.average(truth, weights=leads)
        better += float(((pooled.value - truth) ** 2).sum())
        worse += float(((alone.value - truth) ** 2).sum())
        held.append(np.abs(pooled.value - truth) < 1.96 * np.sqrt(np.diag(pooled.covariance)))
    assert better < {0.0: 0.25, 0.3: 0.5, 0.8: 0.95}[tau] * worse
    assert 0.925 < np.mean(held) <= (1.0 if tau == 0.0 else 0.985)


def stage(rng: np.random.Generator, leads: int, odds: float, hidden: float = np.inf) -> Spells:
    """Two groups: the second has these odds to go on (30 % in the first); some are lost, some silent."""
    age = rng.random(leads) * 60 * DAY
    group = (rng.random(leads) < 0.1).astype(int)
    logit = np.log(0.3 / 0.7) + np.log(odds) * group
    on = rng.random(leads) < 1 / (1 + np.exp(-logit))
    lost = ~on & (rng.random(leads) < 0.5)
    time = np.where(on, 6 * DAY * rng.weibull(0.9, leads), np.where(lost, 12 * DAY * rng.weibull(1.1, leads), np.inf))
    seen = (time < age) & ((time > age - hidden) | ~on)
    return Spells(
        ("met", "lost"),
        age,
        np.where(seen, time, age),
        np.where(seen, np.where(on, 1, 2), 0),
        np.ones(leads),
        group,
        2,
        (hidden, np.inf),
    )


@pytest.mark.parametrize("hidden", [np.inf, 30 * DAY])
def test_a_small_source_given_the_times_of_all(hidden: float) -> None:
    """The same as fitting everything anew with the source as a group of its own, at a hundredth of the cost."""
    fitted = stage(np.random.default_rng(2), 6000, 2.0, hidden)
    whole = average_models(
        Spells(
            fitted.exits,
            fitted.age,
            fitted.time,
            fitted.outcome,
            fitted.rounding,
            np.zeros(len(fitted), int),
            1,
            fitted.recorded_for,
        )
    )
    quick = share_given_times(
        Spells(
            fitted.exits,
            fitted.age,
            fitted.time,
            fitted.outcome,
            fitted.rounding,
            np.zeros(len(fitted), int),
            1,
            fitted.recorded_for,
        ),
        fitted.group == 1,
        whole,
        (0,),
    )
    exact = refit(fitted, whole, 1).forward([0], 1)
    assert quick.value == pytest.approx(exact.value, abs=0.01)
    assert quick.se == pytest.approx(exact.se, rel=0.15)
