"""An assignment: one stretch of a visit for which one team answers [43, 52 to 62, 89, 95].

Acceptance where it is asked, then pursuit, habit and the queue; the clocks of the promise run meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING

from funnelsim.engine import rng
from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.reference.acceptance import Acceptance
from funnelsim.engine.reference.clocks import Clock, start_clocks
from funnelsim.engine.reference.events import ScheduledCall
from funnelsim.engine.reference.promises import draw_adherence, promise_for
from funnelsim.engine.reference.pursuit import draw_pursued, habit_delay
from funnelsim.plan_codes import ActionKind, AssignmentEnd, ClockState, TermKind

if TYPE_CHECKING:
    from funnelsim.engine.reference.visit import Visit


class Assignment:
    """A team answers for the visit from now on."""

    def __init__(self, visit: Visit, team: int) -> None:
        self.visit, self.simulation, self.team = visit, visit.simulation, visit.simulation.teams[team]
        self.stage_team: SimpleNamespace = visit.simulation.stage_teams[visit.stage][team]
        self.ordinal = visit.assignments = visit.assignments + 1
        self.assigned = visit.simulation.now
        self.joined = self.touched = self.paused_until = -1.0
        self.attempts = self.warned = self.escalated = 0
        self.promise = promise_for(visit, self.stage_team)
        self.terms = visit.simulation.promises[self.promise] if self.promise >= 0 else SimpleNamespace()
        self.adhered = self.pursued = -1
        self.acceptance: Acceptance | None = None
        self.habit: ScheduledCall | None = None
        self.awaiting_first_work = True  # has not turned to the lead yet
        self.clocks: dict[int, Clock] = {}

    def begin(self, handed_on: bool) -> None:
        """Start the clocks; what was handed on from another stage may have to be accepted first."""
        self.visit.tell("assigned", 52, promise=self.promise)
        self.adhered = draw_adherence(self)
        if handed_on and self.stage_team.accept_score >= 0:
            self.acceptance = Acceptance(self)
        self.clocks = start_clocks(self)
        if self.ordinal == 1:
            due = self.first_touch_due
            self.visit.first_deadline = due if due < math.inf else -1.0
        for clock in self.clocks.values():
            clock.schedule_action((-math.inf, -1))
        if self.acceptance is not None:
            self.acceptance.begin()
        else:
            self.offer_to_team()

    def offer_to_team(self) -> None:
        """The lead is the team's to work: it joins the queue at once, or as habit has it, or is left alone."""
        self.pursued = draw_pursued(self)
        if self.pursued == 0:
            return
        delay = habit_delay(self)
        if delay > 0.0:
            self.visit.tell("habit", 43, delay=delay)
        if delay == 0.0:
            self.start_working()
        elif delay < math.inf:
            self.habit = self.schedule_due(self.simulation.now + delay, self.start_working)

    def start_working(self, in_pause: bool = False) -> None:
        """Turn to the lead, not before a pause is over."""
        if self.habit is not None:
            self.habit.cancel()
            self.habit = None
        self.awaiting_first_work = False
        if self.paused_until > self.simulation.now and not in_pause:
            self.visit.work.wait_until(self.paused_until, self.visit.work.join)
        else:
            self.visit.work.join()

    def expedite(self) -> None:
        """Something makes the team look now: a raised hand, escalation, a heeded warning [56, 57, 85, 89]."""
        if self.acceptance is not None and self.acceptance.pending:
            self.acceptance.decide()
        if self.visit.assignment is self and self.awaiting_first_work:
            self.start_working(in_pause=True)

    @property
    def first_touch_due(self) -> float:
        """Deadline of the open first-touch clock, for the order "due time" [13]."""
        clock = self.clocks.get(TermKind.FIRST_TOUCH)
        return clock.deadline if clock and clock.state == ClockState.RUNNING else math.inf

    @property
    def promised_attempts(self) -> int:
        """How many attempts the visit gets at least [52]."""
        return int(self.terms.attempts) if self.adhered == 1 else 0

    def count_touch(self) -> None:
        """An attempt starts [39]."""
        self.attempts += 1
        if self.touched < 0.0:
            self.touched = self.simulation.now
            self.resolve_clock(TermKind.FIRST_TOUCH, met=True)
        clock = self.clocks.get(TermKind.ATTEMPTS)
        if clock and self.visit.attempts >= clock.term.count:
            clock.resolve(met=True)

    def reached(self) -> None:
        """The buyer was reached: no more attempts are owed."""
        self.resolve_clock(TermKind.ATTEMPTS, met=True)

    def gave_up(self) -> None:
        """The attempts ended before the promised number."""
        self.resolve_clock(TermKind.ATTEMPTS, met=False)

    def resolve_clock(self, kind: int, met: bool) -> None:
        """What a clock waits for has happened, or will not."""
        if kind in self.clocks:
            self.clocks[kind].resolve(met)

    def apply_breach_action(self, action: SimpleNamespace) -> None:
        """What a breach rule does [56 to 59]."""
        visit = self.visit
        visit.tell("breach action", 55, action=int(action.kind), fraction=action.fraction)
        if action.kind == ActionKind.WARN:
            self.warned += 1
            if self.awaiting_first_work:
                self._heed(action.heeded)
        elif action.kind == ActionKind.ESCALATE:
            self.escalated = 1
            visit.work.raise_level()
            if self.awaiting_first_work:
                self.expedite()
        elif action.kind == ActionKind.REASSIGN:
            if visit.reassigned < action.limit and action.to != self.team.index:
                visit.reassign(action.to)
        else:
            visit.send_back(action.exit)

    def _heed(self, chance: float) -> None:
        """A warning may make the team turn to the lead now [56]."""
        draw = self.visit.draw(rng.P_HEEDED, self.ordinal)
        self.visit.tell_decision("heeds", 56, draw, chance)
        if draw < chance:
            self.expedite()

    def end(self, how: int) -> None:
        """Over, for whatever reason; the row is written."""
        if self.habit is not None:
            self.habit.cancel()
        if self.acceptance is not None:
            self.acceptance.cancel()
        for clock in self.clocks.values():
            clock.end(how)
        visit = self.visit
        late = any(c.deadline < self.assigned and c.state != ClockState.INHERITED for c in self.clocks.values())
        decision = (self.acceptance.decided, self.acceptance.accepted) if self.acceptance else (-1.0, -1)
        self.simulation.assignments.append(
            (
                visit.lead.number,
                visit.stage,
                visit.number,
                self.ordinal,
                self.team.index,
                self.assigned,
                self.joined,
                self.touched,
                self.attempts,
                self.adhered,
                *self._clock(TermKind.FIRST_TOUCH),
                *self._clock(TermKind.ATTEMPTS),
                *self._clock(TermKind.ACCEPTANCE),
                self.promise,
                *decision,
                self.pursued,
                int(late),
                self.warned,
                self.escalated,
                self.simulation.now if how != AssignmentEnd.OPEN else -1.0,
                how,
            )
        )

    def schedule_due(self, time: float, do: Callable[[], None]) -> ScheduledCall:
        """Schedule something that makes this team turn to the lead, or an attempt of it."""
        return self.simulation.schedule(
            time, EventPriority.DUE, self.visit.lead.number, self.team.index, self.ordinal, do
        )

    def _clock(self, kind: int) -> tuple[float, int]:
        """Deadline and state of a clock."""
        clock = self.clocks.get(kind)
        return (clock.deadline, clock.state) if clock else (-1.0, int(ClockState.NONE))
