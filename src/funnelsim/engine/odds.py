"""Chances: one law for all shifts (rules 65 to 67), and numbers that change over time.

logit(p) = intercept + sum of effects;  response effect = size * ln r(delay), r log-log interpolated, flat beyond.
Used by both engines; the oracle outside them is arithmetic by hand (tests/test_odds.py).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from funnelsim.engine.jit import shared
from funnelsim.plan import ALWAYS, BOTH_TEAMS, CONTEXT_LOST, FIT, MARKETING_SELLS, RESPONSE_DELAY
from funnelsim.whole import Whole


@shared
def step_value(points: Any, first: Whole, count: Whole, now: float) -> float:
    """The value in force at `now` of a step function; its first value holds before its first instant too."""
    at = first
    while at + 1 < first + count and points[at + 1].x <= now:
        at += 1
    return points[at].y  # type: ignore[no-any-return]  # a field of a record


@shared
def curve_value(points: Any, first: Whole, count: Whole, delay: float) -> float:
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


@shared
def total_shift(effects: Any, points: Any, first: Whole, count: Whole, target: Whole, now: float,
                fit: float, context: float, both: Whole, marketing: Whole, delay: float) -> float:
    """Sum of the effects on one target, on the log-odds.

    `both` is 1 when people of both teams have reached the buyer, `marketing` 1 when a marketer works the visit,
    `delay` the seconds from entry to first touch, negative when nobody has touched the lead.
    """
    shift = 0.0
    for i in range(first, first + count):
        if effects[i].target != target:
            continue
        size = step_value(points, effects[i].size_first, effects[i].size_count, now)
        kind = effects[i].input
        if kind == FIT:
            shift += size * fit
        elif kind == CONTEXT_LOST:
            shift += size * (1.0 - context)
        elif kind == BOTH_TEAMS:
            shift += size * both
        elif kind == MARKETING_SELLS:
            shift += size * marketing
        elif kind == RESPONSE_DELAY:
            if delay >= 0.0:
                shift += size * curve_value(points, effects[i].curve_first, effects[i].curve_count, delay)
        elif kind == ALWAYS:
            shift += size
    return shift


@shared
def logistic(x: float) -> float:
    """1 / (1 + exp(-x)), exact 0 and 1 at the infinities."""
    return 1.0 / (1.0 + math.exp(-x))


@shared
def shifted_chance(chance: float, shift: float) -> float:
    """A chance moved on the log-odds; 0 and 1 stay what they are."""
    if chance <= 0.0 or chance >= 1.0 or shift == 0.0:
        return chance
    return logistic(math.log(chance / (1.0 - chance)) + shift)


@shared
def pick(exits: Any, first: Whole, count: Whole, u: float) -> Whole:
    """The row whose slice of [0, 1) holds u; shares of the rows sum to 1."""
    total = 0.0
    for i in range(first, first + count - 1):
        total += exits[i].share
        if u < total:
            return i
    return first + count - 1


@shared
def choose_exit(exits: Any, first: Whole, count: Whole, forward: Whole, chance: float, u: float) -> Whole:
    """Exit taken: forward exits share `chance`, the others keep their proportions (rules 34 and 67)."""
    if u < chance and forward > 0:
        if forward == 1:
            return first
        return pick(exits, first, forward, u / chance)
    if forward >= count - 1:
        return first + count - 1
    rest = 1.0 - chance
    return pick(exits, first + forward, count - forward, (u - chance) / rest if rest > 0.0 else np.float64(0.0))
