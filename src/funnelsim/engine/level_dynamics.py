"""Levels: slow numbers that experience moves - trust in the other team's leads, load, sold of a quota (rule 108).

level += weight * (seen - level), at once, or at reviews with the mean of what was seen since the last one: the lag of
feedback. Exponential forgetting with a memory of 1 / weight events. Used by both engines, in the order of events, so
that both hold the same digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.jit import shared_kernel
from funnelsim.int64 import Int
from funnelsim.plan import Plan, zeros_record
from funnelsim.plan_codes import LevelKind
from funnelsim.typing import FloatArray

# value; sum and count of what was seen since the last review; the review period that now lies in
LEVEL_STATE = np.dtype(
    [("value", "f8"), ("total", "f8"), ("count", "f8"), ("since", "f8"), ("until", "f8"), ("reviews", "i8")]
)


def first_levels(plan: Plan) -> Any:
    """LEVEL_NOW of each level at the start."""
    states = zeros_record(LEVEL_STATE, len(plan.levels))
    reset_levels(plan.levels, plan.instants, states)
    return states


def reset_levels(levels: Any, instants: FloatArray, states: Any) -> None:
    """Back to the start of a replication."""
    states.view(np.uint8).fill(0)
    for i, row in enumerate(levels):
        states[i].value = row.initial
        states[i].until = instants[row.review_first] if row.review_count else np.inf


@shared_kernel
def level_value(levels: Any, states: Any, i: Int, now: float) -> float:
    """What a level is at an instant. A quota's is what is sold of it less the share of the period that has passed."""
    value = states[i].value
    if levels[i].kind == LevelKind.QUOTA and states[i].until < np.inf:
        value -= (now - states[i].since) / (states[i].until - states[i].since)
    return value  # type: ignore[no-any-return]  # from a record


@shared_kernel
def update_level(levels: Any, states: Any, i: Int, seen: float) -> None:
    """One more observation: 0 or 1 of an outcome or a decision, 1 lead of load, cents of a quota."""
    at = states[i]
    if levels[i].kind == LevelKind.QUOTA:
        at.value += seen / levels[i].per
    elif levels[i].review_count > 0 or levels[i].kind == LevelKind.LOAD:
        at.total += seen
        at.count += 1.0
    else:
        at.value += levels[i].weight * (seen - at.value)


@shared_kernel
def review_level(levels: Any, states: Any, instants: Any, i: Int, now: float) -> None:
    """A review: what was seen since the last one counts; a quota begins anew."""
    at, row = states[i], levels[i]
    if row.kind == LevelKind.QUOTA:
        at.value = 0.0
    elif row.kind == LevelKind.LOAD:
        at.value += row.weight * (at.total / row.per - at.value)
    elif at.count > 0.0:
        at.value += row.weight * (at.total / at.count - at.value)
    at.total = 0.0
    at.count = 0.0
    at.reviews += 1
    at.since = now
    at.until = np.inf
    if at.reviews < row.review_count:
        at.until = instants[row.review_first + at.reviews]
