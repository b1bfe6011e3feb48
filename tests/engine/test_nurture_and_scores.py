"""Interest against closed forms: saturation, fatigue, touches by the clock, scores."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from funnelsim import plan as p
from funnelsim.engine import interest_dynamics, rng

WEEK = p.WEEK


def after(touches: int, start: float, gain: float, limit: float) -> float:
    value = start
    for _ in range(touches):
        value = interest_dynamics.after_touch(value, gain, limit)
    return value


# ---- nurture (rule 81) ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("touches", [1, 2, 5, 20])
@pytest.mark.parametrize(("start", "gain", "limit"), [(0.0, 0.15, 2.0), (0.5, 0.3, 1.0), (-1.0, 0.25, 2.0)])
def test_touches_saturate(touches: int, start: float, gain: float, limit: float) -> None:
    """What is missing to the limit L shrinks by the same factor at each touch: L - x = (L - start) (1 - gain/L)^k."""
    closed_form = limit - (limit - start) * (1.0 - gain / limit) ** touches
    assert after(touches, start, gain, limit) == pytest.approx(closed_form, rel=1e-12)


def test_without_a_limit_every_touch_adds_the_same() -> None:
    assert after(8, 0.0, 0.25, math.inf) == 2.0


def test_a_touch_never_takes_away() -> None:
    assert interest_dynamics.after_touch(2.5, 0.3, 2.0) == 2.5
    assert interest_dynamics.after_touch(2.0, 0.3, 2.0) == 2.0


@pytest.mark.parametrize(
    ("until", "touches"),
    [
        (0.0, 0),
        (WEEK - 1.0, 0),
        (WEEK, 1),
        (2 * WEEK - 1.0, 1),
        (2 * WEEK, 2),
        (7 * WEEK + 5.0, 7),
        (8 * WEEK, 8),
        (9 * WEEK, 8),
        (math.inf, 8),
    ],
)
def test_a_touch_a_week_eight_times(until: float, touches: int) -> None:
    assert interest_dynamics.touches_by(0.0, WEEK, until, 8) == touches
    assert interest_dynamics.touches_by(1000.0, WEEK, until + 1000.0, 8) == touches


def test_a_touch_falls_on_its_instant_however_often() -> None:
    """On the grid k intervals are exact, so the touch at start + k * every counts at that very instant."""
    every, start = 7 * p.DAY / 13 // p.TICK * p.TICK, 12345.25
    for k in range(1, 2000):
        assert interest_dynamics.touches_by(start, every, start + k * every, 5000) == k
        assert interest_dynamics.touches_by(start, every, start + k * every - p.TICK, 5000) == k - 1


def test_fatigue_is_geometric() -> None:
    """With 2 % a touch: P(by touch k) = 1 - 0.98^k, for a grid of ranks."""
    u = (np.arange(200_000) + 0.5) / 200_000
    touch = np.array([interest_dynamics.unsubscribe_touch(x, 0.02) for x in u])
    assert touch.min() == 1
    for k in (1, 2, 10, 50, 200):
        assert (touch <= k).mean() == pytest.approx(1.0 - 0.98**k, abs=1e-5)
    assert touch.mean() == pytest.approx(1 / 0.02, rel=1e-3)


def test_nobody_or_everybody_tires() -> None:
    assert interest_dynamics.unsubscribe_touch(0.999, 0.0) == interest_dynamics.MANY
    assert interest_dynamics.unsubscribe_touch(0.0, 1.0) == interest_dynamics.unsubscribe_touch(0.999, 1.0) == 1


# ---- signals (rule 84) ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "change", "then"),
    [
        (1.0, 0.5, 1.5),
        (-1.0, 0.5, -0.5),
        (1.0, -0.25, 0.75),
        (1.0, -5.0, 0.0),
        (0.0, -1.0, 0.0),
        (-1.0, -1.0, -1.0),
        (-1.0, 0.0, -1.0),
    ],
)
def test_a_signal_takes_intent_to_zero_at_most(value: float, change: float, then: float) -> None:
    assert interest_dynamics.after_signal(value, change) == then


# ---- scores (rule 87) -----------------------------------------------------------------------------------------------


def observers(noise: int) -> Any:
    return p.record_from_dicts(
        p.SCORE,
        [
            {"stream": 11, "fit": 10.0, "intent": 8.0, "points": 1.0, "noise": noise},
            {"stream": 12, "fit": 10.0, "intent": 8.0, "points": 1.0, "noise": noise},
        ],
    )


EVEN = np.stack([rng.make_table(lambda u: 20.0 * u - 10.0, lambda u: 10.0 - 20.0 * u)])  # noise from -10 to 10


def score(
    lead: int, observer: int = 0, noise: int = 0, fit: float = 0.0, intent: float = 0.0, points: float = 0.0
) -> float:
    return interest_dynamics.score_of(observers(noise), EVEN, observer, np.uint64(lead), fit, intent, points)


def test_a_score_adds_up_what_it_weighs() -> None:
    assert score(1, noise=-1, fit=2.0, intent=0.5, points=7.0) == 2.0 * 10 + 0.5 * 8 + 7


def test_an_observer_keeps_to_its_mistake_about_a_lead() -> None:
    mistake = score(5)
    assert score(5, fit=1.0, points=3.0) - 13.0 == pytest.approx(mistake, abs=1e-12)


def test_two_observers_err_independently_of_each_other() -> None:
    one, other = (np.array([score(lead, observer) for lead in range(20_000)]) for observer in (0, 1))
    assert one.mean() == pytest.approx(0.0, abs=0.15) and one.std() == pytest.approx(20 / math.sqrt(12), rel=0.02)
    assert np.corrcoef(one, other)[0, 1] == pytest.approx(0.0, abs=0.03)
