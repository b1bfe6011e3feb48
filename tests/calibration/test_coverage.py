"""Do 95 % intervals of the conversion hold the truth? Eight cells: four true laws, long and short follow-up.

The fourth law (generalised gamma) is none of the three families that are fitted.
"""

import numpy as np
import pytest
from scipy import stats

from funnelsim.calibration.survival.competing_risks import Spells
from funnelsim.calibration.survival.model_averaging import average_models

DAY = 86400.0
SHARE, LEADS = 0.12, 2000
TRUTHS = {
    "weibull": stats.weibull_min(0.8, scale=10 * DAY),
    "lognormal": stats.lognorm(1.0, scale=8 * DAY),
    "gamma": stats.gamma(0.7, scale=12 * DAY),
    # Prentice's q = 0.4, sigma = 1.1: ln T = mu + sigma ln(G q^2) / q with G gamma of shape q^-2.
    "generalised gamma": stats.gengamma(0.4**-2, 0.4 / 1.1, scale=8 * DAY * 0.4 ** (2 * 1.1 / 0.4)),
}


def coverage(truth: str, days: float, repetitions: int, seed: int, hidden: float = 0.0) -> tuple[float, float]:
    """Share of intervals that hold the truth, and the mean estimate; `hidden`: days before recording began."""
    rng = np.random.default_rng(seed)
    held, figures = 0, []
    for _ in range(repetitions):
        age = rng.random(LEADS) * days * DAY
        time = TRUTHS[truth].rvs(LEADS, random_state=rng)
        since = (days - hidden) * DAY
        seen = (rng.random(LEADS) < SHARE) & (time <= age) & (time >= age - since)
        data = Spells(
            ("won",),
            age,
            np.where(seen, time, age),
            seen.astype(int),
            np.ones(LEADS),
            np.zeros(LEADS, int),
            recorded_for=(since if hidden else np.inf,),
        )
        share = average_models(data).share(0)
        held += share.low <= SHARE <= share.high
        figures.append(share.value)
    return held / repetitions, float(np.mean(figures))


@pytest.mark.parametrize("days", [120, 40])
@pytest.mark.parametrize("truth", TRUTHS)
def test_coverage_in_few(truth, days):
    """40 repetitions: fewer than 33 held would happen once in 10,000 at a true coverage of 95 %."""
    held, _ = coverage(truth, days, 40, 1)
    assert held >= 33 / 40


def test_coverage_with_hidden_exits_in_few():
    held, mean = coverage("lognormal", 120, 40, 2, hidden=60)
    assert held >= 33 / 40
    assert mean == pytest.approx(SHARE, rel=0.1)


@pytest.mark.long
@pytest.mark.parametrize("days", [120, 40])
@pytest.mark.parametrize("truth", TRUTHS)
def test_coverage(truth, days):
    held, mean = coverage(truth, days, 500, 20260105)
    print(f"{truth}, {days} days: {held:.3f} of 95 % intervals hold the truth, mean {mean:.4f}")
    assert held >= 0.93


@pytest.mark.long
@pytest.mark.parametrize("truth", TRUTHS)
def test_coverage_with_hidden_exits(truth):
    held, mean = coverage(truth, 120, 500, 20260106, hidden=60)
    print(f"{truth}, half of the time hidden: {held:.3f}, mean {mean:.4f}")
    assert held >= 0.93
