"""Nurture: automatic touches of a stage that raise intent and trust until the buyer has had enough [81].

Touches are no events: a lead is brought up to date before anything of it is looked at. The arithmetic is in
engine/interest.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.interest_dynamics import after_touch, touches_by, touches_until_tired
from funnelsim.engine.jit import inline_kernel
from funnelsim.engine.rng import P_FATIGUE, bits, plus, uniform
from funnelsim.int64 import Int
from funnelsim.plan_codes import Side

ZERO = np.int64(0)


@inline_kernel
def start_nurture(plan: Any, state: Any, slot: Int, now: float) -> None:
    """The touches of a visit; of a lead in flight from the start of the run."""
    lead, mind = state.leads[slot], state.minds[slot]
    at = plan.stages[lead.stage].nurture
    if at < 0 or mind.unsubscribed:
        return
    row = plan.nurtures[at]
    u = uniform(bits(lead.stream, plus(row.stream, P_FATIGUE), lead.number, ZERO))
    mind.nurture = at
    mind.nurture_from = now
    mind.tires = touches_until_tired(u, row.fatigue)
    mind.most = min(row.touches, np.int64(mind.tires))


@inline_kernel
def bring_up_to_date(plan: Any, state: Any, slot: Int, now: float) -> None:
    """All touches at or before an instant."""
    mind = state.minds[slot]
    if mind.touches < mind.most:
        _catch_up(plan, mind, now)


@inline_kernel
def hand_over(plan: Any, state: Any, slot: Int, side: Int, now: float) -> bool:
    """A team gets the lead: one of the sales side ends nurture for the visit, unless it goes on; whether it did."""
    mind = state.minds[slot]
    if mind.touches >= mind.most or side != Side.SALES or plan.nurtures[mind.nurture].goes_on != 0:
        return False
    _catch_up(plan, mind, now)
    mind.most = mind.touches
    return True


@inline_kernel
def calm(mind: Any) -> None:
    """Between two visits: no touch, no signal comes any more; the buyer's intent stays."""
    mind.touches = 0
    mind.most = 0
    mind.token += 1
    mind.crossing_token += 1
    mind.crossing = np.inf


@inline_kernel
def _catch_up(plan: Any, mind: Any, now: float) -> None:
    row = plan.nurtures[mind.nurture]
    due = touches_by(mind.nurture_from, row.every, now, np.int64(mind.most))
    while mind.touches < due:
        mind.intent = after_touch(mind.intent, row.intent, row.intent_limit)
        mind.trust = after_touch(mind.trust, row.trust, row.trust_limit)
        mind.touches += 1
        mind.unsubscribed = np.int64(mind.touches == mind.tires)
