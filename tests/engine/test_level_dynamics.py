"""Levels by hand: exponential forgetting, reviews, quotas (rule 108)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funnelsim import plan as p
from funnelsim.engine import level_dynamics as engine
from funnelsim.plan_codes import LevelKind

REVIEWS = np.array([100.0, 200.0, 300.0])


class Level:
    """One level and its state."""

    def __init__(self, kind: Any, initial: float, weight: float, reviews: int = 0, per: float = 1.0) -> None:
        self.rows = p.record_from_dicts(
            p.LEVEL,
            [
                {
                    "kind": kind,
                    "team": 0,
                    "initial": initial,
                    "weight": weight,
                    "review_first": 0,
                    "review_count": reviews,
                    "fair": 0,
                    "per": per,
                    "definition": 0,
                }
            ],
        )
        self.states = p.zeros_record(engine.LEVEL_STATE, 1)
        engine.reset_levels(self.rows, REVIEWS, self.states)

    def sees(self, *seen: float) -> None:
        for one in seen:
            engine.update_level(self.rows, self.states, 0, one)

    def review(self, now: float) -> None:
        engine.review_level(self.rows, self.states, REVIEWS, 0, now)

    def value(self, now: float = 0.0) -> float:
        return engine.level_value(self.rows, self.states, 0, now)


def test_each_outcome_is_forgotten_exponentially() -> None:
    """After n outcomes: initial (1-w)^n + sum of w (1-w)^(n-i) x_i."""
    outcomes, w = [1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0], 0.05
    trust = Level(LevelKind.OUTCOMES, initial=0.5, weight=w)
    trust.sees(*outcomes)

    n = len(outcomes)
    by_hand = 0.5 * (1 - w) ** n + sum(w * (1 - w) ** (n - 1 - i) * x for i, x in enumerate(outcomes))
    assert trust.value() == pytest.approx(by_hand, rel=1e-12)


def test_always_the_same_is_what_is_believed_in_the_end() -> None:
    trust = Level(LevelKind.ACCEPTANCE, initial=0.2, weight=0.1)
    trust.sees(*[1.0] * 10)
    assert trust.value() == pytest.approx(1.0 - 0.8 * 0.9**10, rel=1e-12)


def test_with_reviews_nothing_moves_before_and_then_the_mean_counts() -> None:
    trust = Level(LevelKind.OUTCOMES, initial=0.5, weight=0.4, reviews=3)
    trust.sees(1.0, 1.0, 0.0, 1.0)
    assert trust.value() == 0.5
    trust.review(100.0)
    assert trust.value() == pytest.approx(0.5 + 0.4 * (0.75 - 0.5), rel=1e-12)
    trust.sees(0.0)
    trust.review(200.0)
    assert trust.value() == pytest.approx(0.6 - 0.4 * 0.6, rel=1e-12)


def test_a_review_of_nothing_changes_nothing() -> None:
    trust = Level(LevelKind.OUTCOMES, initial=0.3, weight=0.4, reviews=3)
    trust.review(100.0)
    assert trust.value() == 0.3


def test_load_is_leads_since_the_last_review_as_a_part_of_what_is_usual() -> None:
    load = Level(LevelKind.LOAD, initial=1.0, weight=0.5, reviews=3, per=40.0)
    load.sees(*[1.0] * 60)
    assert load.value() == 1.0
    load.review(100.0)
    assert load.value() == pytest.approx(1.0 + 0.5 * (1.5 - 1.0), rel=1e-12)
    load.review(200.0)
    assert load.value() == pytest.approx(1.25 - 0.5 * 1.25, rel=1e-12)  # nobody came


def test_a_quota_is_what_is_sold_less_the_part_of_the_period_that_has_passed() -> None:
    """200 000.00 a quarter, here of 100 s: two deals of 50 000.00 by a quarter of it are half sold, a quarter ahead."""
    quota = Level(LevelKind.QUOTA, initial=0.0, weight=0.0, reviews=3, per=20_000_000.0)
    quota.sees(5_000_000.0, 5_000_000.0)
    assert quota.value(25.0) == pytest.approx(0.5 - 0.25, rel=1e-12)
    assert quota.value(80.0) == pytest.approx(0.5 - 0.8, rel=1e-12)


def test_a_quota_begins_anew_at_each_review() -> None:
    quota = Level(LevelKind.QUOTA, initial=0.0, weight=0.0, reviews=3, per=1000.0)
    quota.sees(900.0)
    quota.review(100.0)
    assert quota.value(100.0) == 0.0
    quota.sees(250.0)
    assert quota.value(150.0) == pytest.approx(0.25 - 0.5, rel=1e-12)
    quota.review(200.0)
    quota.review(300.0)
    assert quota.value(5000.0) == 0.0  # no further period is known: no time passes


def test_a_reset_level_has_forgotten_all() -> None:
    trust = Level(LevelKind.OUTCOMES, initial=0.5, weight=0.4, reviews=3)
    trust.sees(1.0)
    trust.review(100.0)
    trust.sees(1.0)
    engine.reset_levels(trust.rows, REVIEWS, trust.states)
    trust.review(100.0)
    assert trust.value() == 0.5
