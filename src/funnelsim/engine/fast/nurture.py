"""Nurture: automatic touches of a stage that raise intent and trust until the buyer has had enough [81].

Touches are no events: a lead is brought up to date before anything of it is looked at. The arithmetic is in
engine/interest.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.interest import after_touch, touches_by, touches_until_tired
from funnelsim.engine.jit import hot, rare
from funnelsim.engine.streams import P_FATIGUE, bits, plus, unit
from funnelsim.plan import SALES
from funnelsim.whole import Whole

ZERO = np.int64(0)


@rare
def start_nurture(plan: Any, state: Any, slot: Whole, now: float) -> None:
    """The touches of a visit; of a lead in flight from the start of the run."""
    lead, mind = state.leads[slot], state.minds[slot]
    at = plan.stages[lead.stage].nurture
    if at < 0 or mind.unsubscribed:
        return
    row = plan.nurtures[at]
    u = unit(bits(lead.luck, plus(row.luck, P_FATIGUE), lead.number, ZERO))
    lead.stirred = 1
    lead.nurtured = 1
    mind.nurture = at
    mind.nurture_from = now
    mind.tires = touches_until_tired(u, row.fatigue)
    mind.most = min(row.touches, np.int64(mind.tires))
    mind.touches = 0


@hot
def bring_up_to_date(plan: Any, state: Any, slot: Whole, now: float) -> None:
    """All touches at or before an instant."""
    if state.leads[slot].nurtured:
        _catch_up(plan, state, slot, now)


@hot
def hand_over(plan: Any, state: Any, slot: Whole, side: Whole, now: float) -> bool:
    """A team gets the lead: one of the sales side ends nurture for the visit, unless it goes on; whether it did."""
    lead = state.leads[slot]
    if lead.nurtured == 0 or side != SALES or plan.nurtures[state.minds[slot].nurture].goes_on != 0:
        return False
    _catch_up(plan, state, slot, now)
    lead.nurtured = 0
    return True


@rare
def _catch_up(plan: Any, state: Any, slot: Whole, now: float) -> None:
    lead, mind = state.leads[slot], state.minds[slot]
    row = plan.nurtures[mind.nurture]
    due = touches_by(mind.nurture_from, row.every, now, np.int64(mind.most))
    while mind.touches < due:
        mind.intent = after_touch(mind.intent, row.intent, row.intent_limit)
        mind.trust = after_touch(mind.trust, row.trust, row.trust_limit)
        mind.touches += 1
        mind.unsubscribed = np.int64(mind.touches == mind.tires)
    lead.nurtured = np.int64(mind.touches < mind.most)
