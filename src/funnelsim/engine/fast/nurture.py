"""Nurture: automatic touches of a stage that raise intent and trust until the buyer has had enough [81].

Touches are no events: a lead is brought up to date before anything of it is looked at. The arithmetic is in
engine/interest.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.interest_dynamics import after_touch, touches_by, unsubscribe_touch
from funnelsim.engine.jit import inline_kernel
from funnelsim.engine.rng import P_FATIGUE, bits, plus, uniform
from funnelsim.int64 import Int
from funnelsim.plan_codes import Side

ZERO = np.int64(0)


@inline_kernel
def start_nurture(plan: Any, state: Any, slot: Int, now: float) -> None:
    """The touches of a visit; of a lead in flight from the start of the run."""
    lead, interest = state.leads[slot], state.interest[slot]
    at = plan.stages[lead.stage].nurture
    if at < 0 or interest.unsubscribed:
        return
    row = plan.nurtures[at]
    u = uniform(bits(lead.stream, plus(row.stream, P_FATIGUE), lead.number, ZERO))
    interest.nurture = at
    interest.nurture_from = now
    interest.tires = unsubscribe_touch(u, row.fatigue)
    interest.most = min(row.touches, np.int64(interest.tires))


@inline_kernel
def apply_touches(plan: Any, state: Any, slot: Int, now: float) -> None:
    """All touches at or before an instant."""
    interest = state.interest[slot]
    if interest.touches < interest.most:
        _apply_due(plan, interest, now)


@inline_kernel
def hand_over(plan: Any, state: Any, slot: Int, side: Int, now: float) -> bool:
    """A team gets the lead: one of the sales side ends nurture for the visit, unless it goes on; whether it did."""
    interest = state.interest[slot]
    if (
        interest.touches >= interest.most
        or side != Side.SALES
        or plan.nurtures[interest.nurture].continues_after_handoff != 0
    ):
        return False
    _apply_due(plan, interest, now)
    interest.most = interest.touches
    return True


@inline_kernel
def reset_interest(interest: Any) -> None:
    """Between two visits: no touch, no signal comes any more; the buyer's intent stays."""
    interest.touches = 0
    interest.most = 0
    interest.token += 1
    interest.crossing_token += 1
    interest.crossing = np.inf


@inline_kernel
def _apply_due(plan: Any, interest: Any, now: float) -> None:
    row = plan.nurtures[interest.nurture]
    due = touches_by(interest.nurture_from, row.every, now, np.int64(interest.most))
    while interest.touches < due:
        interest.intent = after_touch(interest.intent, row.intent, row.intent_limit)
        interest.trust = after_touch(interest.trust, row.trust, row.trust_limit)
        interest.touches += 1
        interest.unsubscribed = np.int64(interest.touches == interest.tires)
