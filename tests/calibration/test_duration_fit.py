"""The distribution of a duration: against closed forms, by hand, and by recovery."""

from itertools import pairwise

import numpy as np
import pytest

from funnelsim.calibration.survival.duration_fit import fit_duration, kaplan_meier
from funnelsim.scenario import parsers


def test_kaplan_meier_by_hand() -> None:
    """Six callers: hung up after 10 s, 20 s, 20 s and 40 s; answered after 20 s and 30 s.

    10 s: 6 wait, 1 hangs up: 5/6. 20 s: 5 wait (who is answered at 20 s still waits), 2 hang up: 5/6 x 3/5 = 1/2.
    40 s: 1 waits and hangs up: 0.
    """
    curve = kaplan_meier(np.array([10.0, 20, 20, 20, 30, 40]), np.array([True, True, True, False, False, True]))
    assert curve.seconds.tolist() == [10.0, 20.0, 40.0]
    assert curve.share == pytest.approx([5 / 6, 1 / 2, 0.0])
    assert curve.at_risk.tolist() == [6, 5, 1]


def test_greenwood_on_the_log_log_scale_by_hand() -> None:
    """100 callers, 20 hang up at once, nobody is cut off: S = 0.8, var ln(-ln S) = 20 / (100 x 80) / ln(0.8)^2."""
    curve = kaplan_meier(np.r_[np.full(20, 1.0), np.full(80, 2.0)], np.r_[np.full(20, True), np.full(80, False)])
    spread = 1.959964 * np.sqrt(20 / (100 * 80)) / abs(np.log(0.8))
    assert (curve.low[0], curve.high[0]) == pytest.approx((0.8 ** np.exp(spread), 0.8 ** np.exp(-spread)), rel=1e-6)


def test_exponential_patience_by_its_closed_form() -> None:
    """With shape 1 the maximum is (time waited by all) / (hang-ups); Weibull finds it with its shape near 1."""
    rng = np.random.default_rng(1)
    patience, wait = rng.exponential(300.0, 20_000), rng.exponential(100.0, 20_000)
    fitted = fit_duration(np.minimum(patience, wait), patience < wait)
    assert fitted is not None and fitted.follows
    closed = np.minimum(patience, wait).sum() / (patience < wait).sum()
    weibull = next(law for law in fitted.laws if law.family == "weibull")
    assert np.exp(weibull.vector[0]) == pytest.approx(closed, rel=0.03)
    assert np.exp(-weibull.vector[1]) == pytest.approx(1.0, abs=0.03)
    low, high = fitted.median_span()
    assert low < 300 * np.log(2) < high


@pytest.mark.parametrize("family", ["weibull", "lognormal", "gamma"])
def test_median_patience_is_inside_its_interval_as_often_as_stated(family: str) -> None:
    """100 call centres of 800 callers, of whom the most are answered; 95 % intervals: by chance 89 or more hold it."""
    rng = np.random.default_rng(7)
    draw = {
        "weibull": lambda n: 240.0 * rng.weibull(0.8, n),
        "lognormal": lambda n: np.exp(5.0 + 1.2 * rng.standard_normal(n)),
        "gamma": lambda n: rng.gamma(0.7, 300.0, n),
    }[family]
    true = float(np.median(draw(2_000_000)))
    held = 0
    for _ in range(100):
        patience, wait = draw(800), rng.exponential(150.0, 800)
        fitted = fit_duration(np.minimum(patience, wait), patience < wait)
        assert fitted is not None
        low, high = fitted.median_span()
        held += low < true < high
    assert held >= 89


def test_counting_hang_ups_alone_is_wrong() -> None:
    """The median wait of those who hung up says nothing about patience: here it is 4 times too short."""
    rng = np.random.default_rng(2)
    patience, wait = rng.exponential(300.0, 5000), rng.exponential(80.0, 5000)
    fitted = fit_duration(np.minimum(patience, wait), patience < wait)
    assert fitted is not None
    assert float(np.median(patience[patience < wait])) < 60 < 190 < fitted.median() < 225


def test_a_law_that_no_family_follows_is_written_as_the_data_lie() -> None:
    """Half the calls end within seconds (wrong number), the others take five minutes: the mean and the median hold."""
    rng = np.random.default_rng(3)
    calls = np.where(rng.random(4000) < 0.5, rng.uniform(2, 10, 4000), rng.normal(300, 30, 4000))
    fitted = fit_duration(calls, rounding=0.0)
    assert fitted is not None and not fitted.follows
    assert fitted.text().startswith("empirical(")
    assert fitted.mean() == pytest.approx(calls.mean(), rel=0.01)
    assert parsers.time_law(fitted.text()).family == "empirical"


def test_beyond_what_was_seen_the_tail_is_a_law_s() -> None:
    """Two kinds of callers, answered within four minutes: the law goes on beyond, and says how far it is known."""
    rng = np.random.default_rng(4)
    patience = np.where(rng.random(6000) < 0.3, rng.uniform(3, 20, 6000), rng.uniform(100, 1000, 6000))
    wait = rng.uniform(0, 240, 6000)
    fitted = fit_duration(np.minimum(patience, wait), patience < wait)
    assert fitted is not None and not fitted.follows
    assert 0.3 < fitted.known < 0.6
    points = fitted.points()
    assert points[-1][0] == 1.0 and points[-1][1] > 240
    assert all(a[1] <= b[1] for a, b in pairwise(points))


def test_whole_seconds_are_intervals() -> None:
    """Waits rounded to the minute, half of them under one: the median is found all the same."""
    rng = np.random.default_rng(5)
    true = rng.exponential(90.0, 20_000)
    fitted = fit_duration(np.round(true / 60) * 60, rounding=60.0)
    assert fitted is not None
    assert fitted.laws[0].quantile(0.5) == pytest.approx(90 * np.log(2), rel=0.04)


def test_too_few_say_nothing() -> None:
    assert fit_duration(np.arange(1.0, 16.0)) is None
    assert fit_duration(np.full(100, 30.0)) is None
