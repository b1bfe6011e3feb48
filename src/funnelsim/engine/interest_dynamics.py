"""A buyer's interest as both engines see it: nurture raises intent and trust, and each team scores a lead its own way.

Nurture (rule 81): touch k falls at entry + k * every. A touch adds gain * (1 - now / limit) and never takes away, so
after k touches from 0 intent is limit * (1 - (1 - gain / limit) ** k): it saturates. Each touch tires the buyer with
the chance `fatigue`, so the number of touches until one unsubscribes is geometric. Nothing happens at a touch that
anybody could see but in a score, so touches are no events: whoever looks brings the lead up to date first.

Score (rule 87): fit weight * fit + intent weight * intent + points weight * points + noise, which is this observer's
about this lead.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from funnelsim.engine.jit import shared_kernel
from funnelsim.engine.rng import P_NOISE, bits, plus, quantile
from funnelsim.int64 import Int, int64
from funnelsim.plan import MANY

_ZERO, _ONE = int64(0), int64(1)


@shared_kernel
def after_touch(value: float, gain: float, limit: float) -> float:
    """Intent or trust after one more touch; a limit of inf never saturates."""
    if value >= limit:
        return value
    return value + gain * (1.0 - value / limit)


@shared_kernel
def after_signal(value: float, change: float) -> float:
    """Intent after a signal: one that takes away stops at 0 (rule 84)."""
    if change >= 0.0:
        return value + change
    return max(value + change, min(value, 0.0))


@shared_kernel
def unsubscribe_touch(u: float, fatigue: float) -> Int:
    """The touch at which the buyer unsubscribes, from 1, by inversion of the geometric law; MANY when never."""
    if fatigue <= 0.0:
        return MANY
    if fatigue >= 1.0:
        return _ONE
    return np.int64(math.floor(min(math.log1p(-u) / math.log1p(-fatigue), 1e9))) + _ONE


@shared_kernel
def touches_by(start: float, every: float, until: float, most: Int) -> Int:
    """How many touches have fallen at or before an instant; touch 1 falls one interval after the start."""
    if until < start + every or most <= 0:
        return _ZERO
    return min(np.int64(math.floor(min((until - start) / every, 1e9))), most)


@shared_kernel
def score_of(scores: Any, tables: Any, observer: Int, stream: Int, fit: float, intent: float, points: float) -> float:
    """What an observer thinks of a lead; the noise is drawn once a lead and observer."""
    row = scores[observer]
    score = row.fit * fit + row.intent * intent + row.points * points
    if row.noise >= 0:
        score += quantile(tables, row.noise, bits(stream, plus(row.stream, P_NOISE), _ZERO, _ZERO))
    return score  # type: ignore[no-any-return]  # from a record
