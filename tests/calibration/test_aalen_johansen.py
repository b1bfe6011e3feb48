"""The data's own curves: by hand, in closed form, and beside lifelines."""

from __future__ import annotations

import numpy as np
import pytest

from funnelsim.calibration.survival.aalen_johansen import incidence


def test_five_leads_by_hand() -> None:
    """Five leads: won on day 1, out of sight on day 2, lost on day 3, won on day 3, open on day 5.

    Day 1: 5 there, one won: F = 1/5, S = 4/5. Day 3: 3 there, one of each: won 1/5 + 4/5 x 1/3, lost 4/5 x 1/3.
    """
    won, lost = incidence(np.array([1.0, 2.0, 3.0, 3.0, 5.0]), np.array([1, 0, 2, 1, 0]), 2)
    assert won.at(np.array([0.5, 1.0, 2.9, 3.0, 9.0])) == pytest.approx([0, 1 / 5, 1 / 5, 7 / 15, 7 / 15])
    assert lost.at(np.array([2.9, 3.0])) == pytest.approx([0, 4 / 15])


def test_one_exit_is_kaplan_and_meier_with_greenwood() -> None:
    """Without other exits F = 1 - S, and its variance is Greenwood's S^2 sum d / (n (n - d))."""
    time, outcome = np.array([1.0, 2.0, 2.5, 4.0, 6.0, 7.0]), np.array([1, 1, 0, 1, 0, 1])
    curve = incidence(time, outcome, 1, level=0.95)[0]
    still = 5 / 6 * 4 / 5 * 2 / 3
    assert 1 - curve.at(np.array([4.0]))[0] == pytest.approx(still)
    error = still * np.sqrt(1 / (6 * 5) + 1 / (5 * 4) + 1 / (3 * 2))
    reach = 1.959964 * error / (still * -np.log(still))
    assert curve.low[3] == pytest.approx(1 - still ** np.exp(-reach), rel=1e-4)
    assert curve.high[3] == pytest.approx(1 - still ** np.exp(reach), rel=1e-4)


def test_late_entry_by_hand() -> None:
    """A lead that comes into sight at age 2 is not among those who could have left at age 1."""
    curve = incidence(np.array([1.0, 3.0, 4.0]), np.array([1, 1, 0]), 1, np.array([0.0, 2.0, 0.0]))[0]
    assert curve.at(np.array([1.0, 3.0])) == pytest.approx([1 / 2, 1 / 2 + 1 / 2 * 1 / 2])


def test_who_leaves_at_once_was_there() -> None:
    curve = incidence(np.array([0.0, 2.0]), np.array([1, 0]), 1)[0]
    assert curve.at(np.array([0.0]))[0] == pytest.approx(1 / 2)


def test_nobody_left() -> None:
    curve = incidence(np.array([1.0, 2.0]), np.array([0, 0]), 1)[0]
    assert curve.at(np.array([5.0])) == pytest.approx([0.0])


@pytest.mark.filterwarnings("ignore")  # theirs, of ties and of pandas
def test_as_lifelines_has_it() -> None:
    lifelines = pytest.importorskip("lifelines")
    rng = np.random.default_rng(1)
    time, seen = rng.exponential(10.0, 400), rng.exponential(12.0, 400)
    outcome = np.where(time < seen, rng.integers(1, 4, 400), 0)
    time = np.minimum(time, seen)
    curves = incidence(time, outcome, 3)
    for number, curve in enumerate(curves, start=1):
        fitted = lifelines.AalenJohansenFitter(calculate_variance=False).fit(time, outcome, event_of_interest=number)
        theirs = fitted.cumulative_density_.iloc[:, 0]
        assert curve.at(theirs.index.to_numpy()) == pytest.approx(theirs.to_numpy(), abs=1e-12)


def test_the_band_holds_the_truth_as_often_as_it_says() -> None:
    """Two exits with equal hazards, at the median time: F = 1/4. 400 repetitions of 200 leads: at a true 90 %, fewer
    than 342 or more than 377 held would be seen once in 400 times."""
    rng, held = np.random.default_rng(2), 0
    for _ in range(400):
        time, seen = rng.exponential(1.0, 200), rng.uniform(0.0, 3.0, 200)
        outcome = np.where(time < seen, rng.integers(1, 3, 200), 0)
        curve = incidence(np.minimum(time, seen), outcome, 2)[0]
        at = np.searchsorted(curve.time, np.log(2.0), side="right") - 1
        held += curve.low[at] <= 0.25 <= curve.high[at]
    assert 342 <= held <= 377
