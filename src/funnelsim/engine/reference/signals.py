"""Signals: what a buyer may do in a stage, each at most once a visit; raised hands and pauses [84 to 86]."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from funnelsim.engine import rng
from funnelsim.engine.covariates import EffectTarget
from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.interest_dynamics import after_signal
from funnelsim.engine.log_odds import shifted_chance
from funnelsim.engine.reference.draws import stream_key
from funnelsim.engine.reference.effects import effects_on
from funnelsim.engine.reference.events import ScheduledCall
from funnelsim.plan_codes import SignalFlag

if TYPE_CHECKING:
    from funnelsim.engine.reference.visit import Visit


class Signals:
    """The signals of one visit, decided at entry."""

    def __init__(self, visit: Visit) -> None:
        self.visit, self.simulation = visit, visit.simulation
        self.coming: list[tuple[float, int]] = []
        self.next: ScheduledCall | None = None

    def begin(self) -> None:
        """Decide, by what the effects see now: the milestones of the entry have been passed [26]."""
        self.coming = sorted(self._decide())
        self.expect_signal()

    def expect_signal(self) -> None:
        """Schedule the next one."""
        if self.coming:
            time, i = self.coming.pop(0)
            self.next = self.simulation.schedule(
                time,
                EventPriority.SIGNAL,
                self.visit.lead.number,
                self.visit.stage,
                0,
                lambda: self._happen_signal(self.simulation.signals[i]),
            )

    def stop(self) -> None:
        if self.next is not None:
            self.next.cancel()

    def _decide(self) -> list[tuple[float, int]]:
        """Which happen, and when; those before the start are left out."""
        visit, found = self.visit, []
        if visit.row.signal_count == 0:
            return []
        shift = effects_on(visit, EffectTarget.SIGNALS)
        for i in range(visit.row.signal_first, visit.row.signal_first + visit.row.signal_count):
            row = self.simulation.signals[i]
            if self._draw(row, rng.P_SIGNAL) < shifted_chance(row.chance, shift):
                time = visit.entered + self._duration(row, row.after, rng.P_AFTER)
                if 0.0 <= time < math.inf:
                    found.append((time, i))
        return found

    def _happen_signal(self, row: SimpleNamespace) -> None:
        visit, lead = self.visit, self.visit.lead
        visit.tell("signal", 84, points=row.points, flags=int(row.flags))
        visit.nurture.apply_touches(self.simulation.now)
        lead.points += row.points
        lead.intent = after_signal(lead.intent, row.intent)
        lead.trust += row.trust
        visit.definitions.check()
        if not visit.over and row.flags & SignalFlag.RAISES_HAND:
            raise_hand(visit)
        if not visit.over and row.flags & SignalFlag.PAUSES:
            pause(visit, self._duration(row, row.pause, rng.P_PAUSE))
        if not visit.over:
            self.expect_signal()

    def _draw(self, row: SimpleNamespace, what: np.uint64) -> float:
        return self.simulation.draw(self.visit.lead.stream, stream_key(row.stream, what), self.visit.number, 0)

    def _duration(self, row: SimpleNamespace, table: int, what: np.uint64) -> float:
        return self.simulation.duration(
            table, self.visit.lead.stream, stream_key(row.stream, what), self.visit.number, 0
        )


def raise_hand(visit: Visit) -> None:
    """The buyer asks for us: the team turns to the lead now [85]."""
    if visit.row.step_count == 0 or visit.reached >= 0.0 or visit.outcome_drawn:
        return
    if visit.touched < 0.0 and not visit.touched_before:
        visit.asked = visit.simulation.now
    if visit.assignment is None:
        return
    visit.tell("raises hand", 85)
    visit.assignment.expedite()
    if visit.assignment is not None:
        visit.work.expedite()


def pause(visit: Visit, length: float) -> None:
    """The buyer has no time: the clocks of the assignment stand still, and nothing falls due before the end [86]."""
    assignment = visit.assignment
    if assignment is None or visit.reached >= 0.0:
        return
    begins, until = max(visit.simulation.now, assignment.paused_until), visit.simulation.now + length
    if until <= begins:
        return
    visit.tell("pause", 86, until=until)
    visit.work.suspend(until)
    for clock in assignment.clocks.values():
        clock.pause(begins, until)
    assignment.paused_until = until
