"""Chances: one law for all shifts (rules 65 to 67), and numbers that change over time.

logit(p) = intercept + sum of effects;  response effect = size * ln r(delay), r log-log interpolated, flat beyond.
Used by both engines; the oracle outside them is arithmetic by hand (tests/test_odds.py).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from funnelsim.engine.covariates import Covariates, EffectInput, covariate
from funnelsim.engine.interest_dynamics import score_of
from funnelsim.engine.jit import shared_kernel
from funnelsim.engine.level_dynamics import level_value
from funnelsim.engine.rng import on_grid
from funnelsim.int64 import Int
from funnelsim.plan import HOUR


@shared_kernel
def piecewise_constant(points: Any, first: Int, count: Int, now: float) -> float:
    """The value in force at `now` of a step function; its first value holds before its first instant too."""
    at = first
    while at + 1 < first + count and points[at + 1].x <= now:
        at += 1
    return points[at].y  # type: ignore[no-any-return]  # a field of a record


@shared_kernel
def curve_value(points: Any, first: Int, count: Int, delay: float) -> float:
    """ln r at a delay in seconds: linear in ln(delay) between the points, flat beyond them."""
    if delay <= 0.0:
        return points[first].y  # type: ignore[no-any-return]  # from a record
    x = math.log(delay)
    if x <= points[first].x:
        return points[first].y  # type: ignore[no-any-return]  # from a record
    low = first
    high = first + count - 1
    if x >= points[high].x:
        return points[high].y  # type: ignore[no-any-return]  # from a record
    while high - low > 1:
        middle = (low + high) >> 1
        if points[middle].x <= x:
            low = middle
        else:
            high = middle
    part = (x - points[low].x) / (points[high].x - points[low].x)
    return points[low].y + part * (points[high].y - points[low].y)  # type: ignore[no-any-return]  # from a record


@shared_kernel
def linear_predictor(
    effects: Any,
    points: Any,
    scores: Any,
    tables: Any,
    levels: Any,
    states: Any,
    first: Int,
    count: Int,
    target: Int,
    team: Int,
    now: float,
    stream: Int,
    covariates: Covariates,
) -> float:
    """Sum of the effects on one target, on the log-odds (a time: on its logarithm). `team` is who works the visit."""
    shift = 0.0
    for i in range(first, first + count):
        row = effects[i]
        if row.target != target or (row.team >= 0 and row.team != team):
            continue
        size = piecewise_constant(points, row.size_first, row.size_count, now)
        kind = row.input
        if kind in (EffectInput.RESPONSE_DELAY, EffectInput.TRUST_DELAY):
            if covariates.response_delay >= 0.0:
                size *= curve_value(points, row.curve_first, row.curve_count, covariates.response_delay)
                shift += size * covariates.trust if kind == EffectInput.TRUST_DELAY else size
        elif kind == EffectInput.TOO_LATE:
            if covariates.response_delay >= 0.0 and covariates.touch_after_ready > 0.0:
                shift += size * curve_value(points, row.curve_first, row.curve_count, covariates.touch_after_ready)
        elif kind == EffectInput.HOUR_OF_WEEK:
            hour = min(np.int64(now * (1.0 / HOUR)), row.curve_count - 1)
            shift += size * points[row.curve_first + hour].y
        elif kind == EffectInput.LEVEL:
            shift += size * level_value(levels, states, row.of, now)
        elif kind == EffectInput.SCORE:
            shift += size * score_of(
                scores, tables, row.of, stream, covariates.fit, covariates.intent, covariates.points
            )
        else:
            shift += size * covariate(kind, covariates)
    return shift


@shared_kernel
def scale_time(length: float, shift: float) -> float:
    """A length of time under an effect on its logarithm; 0 and never stay what they are."""
    if shift == 0.0 or length <= 0.0 or length == np.inf:
        return length
    return on_grid(length * math.exp(shift))


@shared_kernel
def logistic(x: float) -> float:
    """1 / (1 + exp(-x)), exact 0 and 1 at the infinities."""
    return 1.0 / (1.0 + math.exp(-x))


@shared_kernel
def shifted_chance(chance: float, shift: float) -> float:
    """A chance moved on the log-odds; 0 and 1 stay what they are."""
    if chance <= 0.0 or chance >= 1.0 or shift == 0.0:
        return chance
    return logistic(math.log(chance / (1.0 - chance)) + shift)


@shared_kernel
def categorical(exits: Any, first: Int, count: Int, u: float) -> Int:
    """The row whose slice of [0, 1) holds u; shares of the rows sum to 1."""
    total = 0.0
    for i in range(first, first + count - 1):
        total += exits[i].share
        if u < total:
            return i
    return first + count - 1


@shared_kernel
def choose_exit(exits: Any, first: Int, count: Int, forward: Int, chance: float, u: float) -> Int:
    """Exit taken: forward exits share `chance`, the others keep their proportions (rules 34 and 67)."""
    if u < chance and forward > 0:
        if forward == 1:
            return first
        return categorical(exits, first, forward, u / chance)
    if forward >= count - 1:
        return first + count - 1
    rest = 1.0 - chance
    return categorical(exits, first + forward, count - forward, (u - chance) / rest if rest > 0.0 else np.float64(0.0))
