"""Definitions: milestones that a lead enters and thresholds that its score reaches [35, 82].

A threshold is looked at when the score may have changed: at each entry, after each signal or merger, and at the first
touch of nurture at which it is reached. A visit that waits at a gate is looked at with them [83].
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.reference import gate
from funnelsim.engine.reference.events import ScheduledCall
from funnelsim.engine.reference.scores import is_reached
from funnelsim.plan_codes import DefinitionKind

if TYPE_CHECKING:
    from funnelsim.engine.reference.visit import Visit


class Definitions:
    """What a visit passes."""

    def __init__(self, visit: Visit) -> None:
        self.visit, self.lead, self.simulation = visit, visit.lead, visit.simulation
        self.expected: ScheduledCall | None = None

    def pass_milestones(self) -> None:
        """First visits to a stage; leads in flight have passed their stage and those before it [23]."""
        if self.visit.number > 1 or self.visit.stage <= self.lead.passed_until:
            return
        for i, definition in enumerate(self.simulation.definitions):
            if definition.kind == DefinitionKind.MILESTONE and definition.stage == self.visit.stage:
                self.visit.tell("passes", 35, definition=i)
                self.simulation.levels.on_passage(self.lead, i)

    def check(self) -> None:
        """The score may have changed: count what is passed for the first time, and see whether a gate opens."""
        self.visit.nurture.apply_touches(self.simulation.now)
        for i in self._reached_now():
            self._pass(i)
        gate.check(self.visit)
        if not self.visit.over:
            self.expect_crossing()

    def mark_passed(self) -> None:
        """What a lead in flight has reached by the start, it passed before: not counted [23]."""
        self.lead.passed |= set(self._reached_now())
        self.expect_crossing()

    def expect_crossing(self) -> None:
        """Look again at the touch of nurture at which the next threshold, or that of the gate, is reached.

        A look that is due at this very instant stays.
        """
        if self.expected is not None and self.expected.is_due(self.simulation.now):
            return
        self.forget()
        wanted = self._open_thresholds()
        if self.visit.waits_at_gate and self.visit.row.gate not in wanted:
            wanted.append(self.visit.row.gate)
        if not wanted:
            return
        time = self.visit.nurture.first_touch_when(
            lambda intent, now: any(is_reached(self.lead, i, intent, now) for i in wanted)
        )
        if time < math.inf:
            self.expected = self.simulation.schedule(
                time, EventPriority.SIGNAL, self.lead.number, self.visit.stage, 1, self.check
            )

    def forget(self) -> None:
        """Nothing is expected any more."""
        if self.expected is not None:
            self.expected.cancel()
            self.expected = None

    def _open_thresholds(self) -> list[int]:
        return [
            i
            for i, row in enumerate(self.simulation.definitions)
            if row.kind == DefinitionKind.THRESHOLD and i not in self.lead.passed
        ]

    def _reached_now(self) -> list[int]:
        return [i for i in self._open_thresholds() if is_reached(self.lead, i, self.lead.intent, self.simulation.now)]

    def _pass(self, i: int) -> None:
        lead = self.lead
        lead.passed.add(i)
        self.visit.tell("passes", 82, definition=i)
        self.simulation.passages.append(
            (
                lead.number,
                i,
                self.simulation.now,
                lead.source,
                lead.segment,
                lead.arrived,
                lead.value,
                int(lead.duplicate),
            )
        )
        self.simulation.levels.on_passage(lead, i)
