"""Scores: how an observer sees a lead, and whether that reaches the threshold of a definition [82, 87]."""

from __future__ import annotations

from typing import Any

from funnelsim.engine.fast.nurture import apply_touches
from funnelsim.engine.interest_dynamics import score_of
from funnelsim.engine.jit import inline_kernel
from funnelsim.engine.log_odds import piecewise_constant
from funnelsim.int64 import Int


@inline_kernel
def is_reached(plan: Any, lead: Any, interest: Any, i: Int, intent: float, now: float) -> bool:
    """Whether the score, with the offset found by anchoring, is at the threshold."""
    row = plan.definitions[i]
    score = score_of(plan.scores, plan.tables, row.score, lead.stream, lead.fit, intent, interest.points)
    return score + row.offset >= threshold(plan, i, now)  # type: ignore[no-any-return]  # from a record


@inline_kernel
def threshold(plan: Any, i: Int, now: float) -> float:
    """What the score must reach."""
    return piecewise_constant(plan.points, plan.definitions[i].least_first, plan.definitions[i].least_count, now)


@inline_kernel
def score_now(plan: Any, state: Any, slot: Int, observer: Int, now: float) -> float:
    """What an observer thinks of a lead [87]."""
    lead, interest = state.leads[slot], state.interest[slot]
    apply_touches(plan, state, slot, now)
    return score_of(plan.scores, plan.tables, observer, lead.stream, lead.fit, interest.intent, interest.points)
