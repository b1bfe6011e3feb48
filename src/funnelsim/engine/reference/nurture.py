"""Nurture: automatic touches of a stage that raise intent and trust until the buyer has had enough [81].

Touches are no events: a lead is brought up to date before anything of it is looked at. The arithmetic is in
engine/interest.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING

from funnelsim.engine import rng
from funnelsim.engine.interest_dynamics import after_touch, touches_by, unsubscribe_touch
from funnelsim.engine.reference.draws import stream_key
from funnelsim.plan_codes import Side

if TYPE_CHECKING:
    from funnelsim.engine.reference.visit import Visit


class Nurture:
    """The touches of one visit."""

    def __init__(self, visit: Visit) -> None:
        self.lead, self.begun, self.touches = visit.lead, visit.simulation.now, 0
        self.most = self.tired = 0
        self.row = SimpleNamespace()
        if visit.row.nurture >= 0 and not visit.lead.unsubscribed:
            self.row = visit.simulation.nurtures[visit.row.nurture]
            u = visit.simulation.draw(visit.lead.stream, stream_key(self.row.stream, rng.P_FATIGUE), visit.number, 0)
            self.tired = int(unsubscribe_touch(u, self.row.fatigue))
            self.most = min(self.row.touches, self.tired)

    def apply_touches(self, now: float) -> None:
        """All touches at or before an instant."""
        if self.touches == self.most:
            return
        due = touches_by(self.begun, self.row.every, now, self.most)
        while self.touches < due:
            self.lead.intent = self._raised(self.lead.intent)
            self.lead.trust = after_touch(self.lead.trust, self.row.trust, self.row.trust_limit)
            self.touches += 1
            self.lead.unsubscribed = self.touches == self.tired

    def hand_over(self, side: int, now: float) -> None:
        """A team gets the lead: one of the sales side ends nurture for the visit, unless it goes on."""
        if side == Side.SALES and self.touches < self.most and not self.row.continues_after_handoff:
            self.apply_touches(now)
            self.most = self.touches

    def first_touch_when(self, reached: Callable[[float, float], bool]) -> float:
        """Instant of the first touch to come after which (intent, instant) meet a condition; inf when none does."""
        intent = self.lead.intent
        for touch in range(self.touches + 1, self.most + 1):
            intent, instant = self._raised(intent), self.begun + touch * self.row.every
            if reached(intent, instant):
                return float(instant)
        return math.inf

    def _raised(self, intent: float) -> float:
        return after_touch(intent, self.row.intent, self.row.intent_limit)
