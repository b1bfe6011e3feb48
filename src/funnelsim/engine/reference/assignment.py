"""An assignment: one stretch of a visit for which one team answers, with its promise and its clocks [43, 52 to 62]."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING

from funnelsim.engine import order, streams
from funnelsim.engine.odds import step_value
from funnelsim.engine.reference.model import At
from funnelsim.plan import (
    ATTEMPTS_WITHIN,
    BROKEN,
    CREATED,
    ESCALATE,
    FIRST_TOUCH,
    INHERITED,
    KEPT,
    NEITHER,
    NO_CLOCK,
    QUALIFIED,
    REASSIGN,
    RUNNING,
    STILL_OPEN,
    WARN,
)

if TYPE_CHECKING:
    from funnelsim.engine.reference.visit import Visit


class Clock:
    """One term running on one assignment."""

    def __init__(self, assignment: Assignment, index: int) -> None:
        visit, model = assignment.visit, assignment.visit.model
        self.assignment, self.model, self.index = assignment, model, index
        self.term = model.terms[index]
        self.start = {CREATED: visit.lead.arrived, QUALIFIED: visit.entered}.get(self.term.start, model.now)
        self.deadline = self.after(1.0)
        # [24] already late when the run began: nobody's breach in any scenario. Opening hours before then are not
        # known, so a business clock older than its length counts as late
        late = self.deadline < 0.0 or (self.term.business and self.start + self.term.length < 0.0)
        self.state = INHERITED if visit.inherited and late else RUNNING
        self.next: At | None = None

    def after(self, fraction: float) -> float:
        """The instant of a fraction of the length, on the same kind of clock [55]."""
        length = streams.on_grid(fraction * self.term.length)
        if self.term.business:
            return self.assignment.team.add_open(self.start, length)
        return float(self.start + length)

    def settle(self, met: bool) -> None:
        """The promised thing has happened: in time or not [15]."""
        if self.state == RUNNING:
            self.state = KEPT if met and self.model.now <= self.deadline else BROKEN
            self.stop()

    def end(self, how: int) -> None:
        """The assignment is over and the promised thing has not happened [61]."""
        if self.state == RUNNING:
            now = self.model.now if how != STILL_OPEN else self.model.settings.horizon
            passed = self.deadline < now or (self.deadline == now and how != STILL_OPEN)
            self.state = BROKEN if passed else NEITHER
        self.stop()

    def stop(self) -> None:
        if self.next is not None:
            self.next.cancel()
            self.next = None

    def schedule_action(self, after: tuple[float, int]) -> None:
        """The next action; what is overdue acts now [54]."""
        coming = self._coming(after)
        if coming is not None:
            self._schedule(*coming)

    def catch_up(self, instant: float, i: int) -> None:
        """An attempt is over: the action that waited for its end, and all that fell due since [60]."""
        coming: tuple[float, int] | None = (instant, i)
        while coming is not None and coming[0] <= self.model.now:
            self.assignment.act(self.model.actions[coming[1]])
            if self.assignment.visit.assignment is not self.assignment:
                return
            coming = self._coming(coming)
        if coming is not None:
            self._schedule(*coming)

    def _coming(self, after: tuple[float, int]) -> tuple[float, int] | None:
        """The next action in order of (instant, place in the file) [17]."""
        if self.state != RUNNING:
            return None
        coming = []
        for i in range(self.term.action_first, self.term.action_first + self.term.action_count):
            instant = max(self.after(self.model.actions[i].fraction), self.assignment.assigned)
            if (instant, i) > after and instant < math.inf:
                coming.append((instant, i))
        return min(coming) if coming else None

    def _schedule(self, instant: float, i: int) -> None:
        lead = self.assignment.visit.lead.number
        self.next = self.model.at(max(instant, self.model.now), order.ACTION, lead, self.index, i,
                                  lambda: self._act(instant, i))

    def _act(self, instant: float, i: int) -> None:
        visit = self.assignment.visit
        self.next = None
        if visit.in_service:
            # [60] waits for the end of the attempt
            visit.postponed = lambda: self.catch_up(instant, i)
            return
        self.assignment.act(self.model.actions[i])
        if visit.assignment is self.assignment:
            self.schedule_action((instant, i))


class Assignment:
    """A team answers for the visit from now on."""

    def __init__(self, visit: Visit, team: int) -> None:
        self.visit, self.team = visit, visit.model.teams[team]
        self.duty = visit.model.duties[visit.stage][team]
        self.ordinal = visit.assignments = visit.assignments + 1
        self.assigned = visit.model.now
        self.joined = self.touched = -1.0
        self.attempts = self.warned = self.escalated = 0
        self.kept = self._draw_kept()
        self.habit: At | None = None
        self.reacting = True                    # has not turned to the lead yet
        self.clocks: dict[int, Clock] = {}

    def begin(self) -> None:
        """Start the clocks; the lead joins the queue at once when the promise is kept, else as habit has it."""
        for i in range(self.duty.term_first, self.duty.term_first + self.duty.term_count):
            kind = self.visit.model.terms[i].kind
            if kind == FIRST_TOUCH and self.visit.touched_before:
                continue
            if kind == ATTEMPTS_WITHIN and self.visit.attempts >= self.visit.model.terms[i].count:
                continue                        # nothing is owed any more
            self.clocks[kind] = Clock(self, i)
        for clock in self.clocks.values():
            clock.schedule_action((-math.inf, -1))
        delay = self._habit()
        if delay == 0.0:
            self.react()
        elif delay < math.inf:
            self.habit = self._at_due(self.assigned + delay)

    @property
    def first_touch_due(self) -> float:
        """Deadline of the open first-touch clock, for the order "due time" [13]."""
        clock = self.clocks.get(FIRST_TOUCH)
        return clock.deadline if clock and clock.state == RUNNING else math.inf

    def react(self) -> None:
        """Turn to the lead."""
        if self.habit is not None:
            self.habit.cancel()
            self.habit = None
        self.reacting = False
        self.visit.join()

    def touch(self) -> None:
        """An attempt starts [39]."""
        self.attempts += 1
        if self.touched < 0.0:
            self.touched = self.visit.model.now
            self._settle(FIRST_TOUCH, met=True)
        clock = self.clocks.get(ATTEMPTS_WITHIN)
        if clock and self.visit.attempts >= clock.term.count:
            clock.settle(met=True)

    def reached(self) -> None:
        """The buyer was reached: no more attempts are owed."""
        self._settle(ATTEMPTS_WITHIN, met=True)

    def gave_up(self) -> None:
        """The attempts ended before the promised number."""
        self._settle(ATTEMPTS_WITHIN, met=False)

    def act(self, action: SimpleNamespace) -> None:
        """What a breach rule does [56 to 59]."""
        visit = self.visit
        if action.kind == WARN:
            self.warned += 1
            if self.reacting and visit.draw(streams.P_HEEDED, self.ordinal) < action.heeded:
                self.react()
        elif action.kind == ESCALATE:
            self.escalated = 1
            visit.raise_level()
            if self.reacting:
                self.react()
        elif action.kind == REASSIGN:
            if visit.reassigned < action.limit and action.to != self.team.index:
                visit.reassign(action.to)
        else:
            visit.send_back(action.exit)

    def end(self, how: int) -> None:
        """Over, for whatever reason; the row is written."""
        if self.habit is not None:
            self.habit.cancel()
        for clock in self.clocks.values():
            clock.end(how)
        visit, now = self.visit, self.visit.model.now
        touch, tries = self.clocks.get(FIRST_TOUCH), self.clocks.get(ATTEMPTS_WITHIN)
        late = any(c.deadline < self.assigned and c.state != INHERITED for c in self.clocks.values())
        visit.model.assignments.append((
            visit.lead.number, visit.stage, visit.number, self.ordinal, self.team.index, self.assigned,
            self.joined, self.touched, self.attempts, self.kept,
            touch.deadline if touch else -1.0, touch.state if touch else NO_CLOCK,
            tries.deadline if tries else -1.0, tries.state if tries else NO_CLOCK,
            int(late), self.warned, self.escalated, now if how != STILL_OPEN else -1.0, how))

    def _settle(self, kind: int, met: bool) -> None:
        if kind in self.clocks:
            self.clocks[kind].settle(met)

    def _draw_kept(self) -> int:
        """One draw an assignment [52]."""
        if self.duty.kept_count == 0:
            return -1
        chance = step_value(self.visit.model.plan.points, self.duty.kept_first, self.duty.kept_count, self.assigned)
        return int(self.visit.draw(streams.P_KEPT, self.ordinal) < chance)

    def _habit(self) -> float:
        """Delay before the team turns to a lead that is new to it, when no promise is kept [43]."""
        if self.kept == 1 or self.team.index in self.visit.lead.reached_by or self.visit.already_worked:
            return 0.0
        return self.visit.duration(self.team.row.habit, streams.P_HABIT, self.ordinal)

    def _at_due(self, time: float) -> At:
        return self.visit.model.at(time, order.DUE, self.visit.lead.number, self.team.index, self.ordinal, self.react)
