"""Clocks: the terms of a promise running on an assignment, and what acts when they run out [53 to 62, 86]."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from funnelsim.engine import business_time, rng
from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.reference.events import ScheduledCall
from funnelsim.plan_codes import AssignmentEnd, ClockStart, ClockState, TermKind, name_of

if TYPE_CHECKING:
    from funnelsim.engine.reference.assignment import Assignment


def start_clocks(assignment: Assignment) -> dict[int, Clock]:
    """The clocks of what is still owed, by kind."""
    clocks: dict[int, Clock] = {}
    if assignment.promise < 0:
        return clocks
    visit, terms = assignment.visit, assignment.terms
    for i in range(terms.term_first, terms.term_first + terms.term_count):
        term = visit.simulation.terms[i]
        owed = {
            TermKind.FIRST_TOUCH: not visit.touched_before,
            TermKind.ATTEMPTS: visit.attempts < term.count,
            TermKind.ACCEPTANCE: assignment.acceptance is not None,
        }
        if owed[term.kind]:
            clocks[term.kind] = Clock(assignment, i)
    return clocks


class Clock:
    """One term running on one assignment."""

    def __init__(self, assignment: Assignment, index: int) -> None:
        visit, simulation = assignment.visit, assignment.visit.simulation
        self.assignment, self.simulation, self.index = assignment, simulation, index
        self.term = simulation.terms[index]
        self.start = {ClockStart.CREATED: visit.lead.arrived, ClockStart.QUALIFIED: visit.entered}.get(
            self.term.start, simulation.now
        )
        self.pauses: list[tuple[float, float]] = []
        self.deadline = self.after(1.0)
        # [24] already late when the run began: nobody's breach in any scenario. Opening hours before then are not
        # known, so a business clock older than its length counts as late
        late = self.deadline < 0.0 or (self.term.business and self.start + self.term.length < 0.0)
        self.state = ClockState.INHERITED if visit.inherited and late else ClockState.RUNNING
        self.next: ScheduledCall | None = None
        self.coming = (math.inf, -1)  # the next action: its instant and row
        visit.tell("clock starts", 53, term=int(self.term.kind), start=self.start, deadline=self.deadline)

    def after(self, fraction: float) -> float:
        """The instant of a fraction of the length, on the same kind of clock [55]."""
        length = rng.on_grid(fraction * self.term.length)
        instant = self._add(self.start, length)
        for begins, until in self.pauses:
            instant = self._moved(instant, begins, until)
        return instant

    def resolve(self, met: bool) -> None:
        """The promised thing has happened: in time or not [15]."""
        if self.state == ClockState.RUNNING:
            self.state = ClockState.MET if met and self.simulation.now <= self.deadline else ClockState.MISSED
            self._tell_state()
            self.stop()

    def end(self, how: int) -> None:
        """The assignment is over and the promised thing has not happened [61]."""
        if self.state == ClockState.RUNNING:
            now = self.simulation.now if how != AssignmentEnd.OPEN else self.simulation.settings.horizon
            passed = self.deadline < now or (self.deadline == now and how != AssignmentEnd.OPEN)
            self.state = ClockState.MISSED if passed else ClockState.CENSORED
            self._tell_state()
        self.stop()

    def _tell_state(self) -> None:
        visit, facts = self.assignment.visit, {"term": int(self.term.kind), "deadline": self.deadline}
        visit.tell("clock " + name_of(self.state), 61, **facts)

    def stop(self) -> None:
        if self.next is not None:
            self.next.cancel()
            self.next = None

    def pause(self, begins: float, until: float) -> None:
        """What is still to come of the clock comes so much later [86]."""
        if self.state != ClockState.RUNNING:
            return
        self.pauses.append((begins, until))
        self.deadline = self.after(1.0)
        if self.next is not None and self.coming[0] > begins:
            self.stop()
            instant, i = self.coming
            self._schedule(self._moved(instant, begins, until), i)

    def schedule_action(self, after: tuple[float, int]) -> None:
        """The next action; what is overdue acts now [54]."""
        coming = self._coming(after)
        if coming is not None:
            self._schedule(*coming)

    def apply_postponed(self, instant: float, i: int) -> None:
        """An attempt is over: the action that waited for its end, and all that fell due since [60]."""
        coming: tuple[float, int] | None = (instant, i)
        while coming is not None and coming[0] <= self.simulation.now:
            self.assignment.apply_breach_action(self.simulation.actions[coming[1]])
            if self.assignment.visit.assignment is not self.assignment:
                return
            coming = self._coming(coming)
        if coming is not None:
            self._schedule(*coming)

    def _coming(self, after: tuple[float, int]) -> tuple[float, int] | None:
        """The next action in order of (instant, place in the file) [17]."""
        if self.state != ClockState.RUNNING:
            return None
        coming = []
        for i in range(self.term.action_first, self.term.action_first + self.term.action_count):
            instant = max(self.after(self.simulation.actions[i].fraction), self.assignment.assigned)
            if (instant, i) > after and instant < math.inf:
                coming.append((instant, i))
        return min(coming) if coming else None

    def _schedule(self, instant: float, i: int) -> None:
        if instant == math.inf:
            return
        lead, self.coming = self.assignment.visit.lead.number, (instant, i)
        self.next = self.simulation.schedule(
            max(instant, self.simulation.now), EventPriority.ACTION, lead, self.index, i, lambda: self._act(instant, i)
        )

    def _act(self, instant: float, i: int) -> None:
        visit = self.assignment.visit
        self.next = None
        if visit.work.in_service:
            # [60] waits for the end of the attempt
            visit.work.postponed = lambda: self.apply_postponed(instant, i)
            return
        self.assignment.apply_breach_action(self.simulation.actions[i])
        if visit.assignment is self.assignment:
            self.schedule_action((instant, i))

    def _add(self, start: float, length: float) -> float:
        return self.assignment.team.add_open(start, length) if self.term.business else float(start + length)

    def _moved(self, instant: float, begins: float, until: float) -> float:
        """An instant of the clock after a pause."""
        if instant <= begins:
            return instant
        if self.term.business:
            return self._add(instant, business_time.open_between(*self.assignment.team.run, begins, until))
        return instant + (until - begins)
