"""The work on a visit: falling due, waiting in the team's queue, being served by a rep [6, 8, 12, 40].

What is done is the business of the job at hand: first `attempts` to reach the buyer, then `tasks`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.reference.attempts import Attempts
from funnelsim.engine.reference.events import ScheduledCall
from funnelsim.engine.reference.tasks import Tasks
from funnelsim.plan_codes import AttemptEnd

if TYPE_CHECKING:
    from funnelsim.engine.reference.assignment import Assignment
    from funnelsim.engine.reference.visit import Visit


class QueueTask(Protocol):
    """What a rep does with a lead: a series of tries."""

    def start(self) -> tuple[bool, float]:
        """A try starts: whether it will succeed, and its seconds of work before the stretch."""

    def over(self, succeeded: bool) -> None:
        """The try is over."""

    def label(self, started: bool) -> tuple[int, int]:
        """Row of `tasks` (-1 an attempt) and ordinal of the try that waits or has started."""


class Work:
    """Where the work on one visit stands."""

    def __init__(self, visit: Visit) -> None:
        self.visit, self.simulation = visit, visit.simulation
        self.attempts, self.tasks = Attempts(self), Tasks(self)
        self.queue_task: QueueTask = self.attempts
        self.level = self.lane = 0
        self.key = 0.0
        self.waiting = self.in_service = self.succeeds = False
        self.joined = self.started = -1.0
        self.length = 0.0  # of the try in service, in seconds of work
        self.rep = -1
        self.due: Callable[[], None] | None = None  # what happens when the next try falls due, and when
        self.coming: ScheduledCall | None = None
        self.postponed: Callable[[], None] | None = None  # an action that waits for the end of an attempt [60]

    @property
    def assignment(self) -> Assignment:
        assert self.visit.assignment
        return self.visit.assignment

    # ---- until somebody serves --------------------------------------------------------------------------------------

    def wait_until(self, time: float, due: Callable[[], None]) -> None:
        """The next try, at an instant; "never" is waited for too."""
        self.due = due
        if time < math.inf:
            self.coming = self.assignment.schedule_due(time, self._run_due)

    def expedite(self) -> None:
        """What would fall due later falls due now [85]."""
        if self.due is not None:
            self._run_due()

    def suspend(self, until: float) -> None:
        """Nothing falls due, and the lead does not wait in the queue, before a pause is over [86]."""
        if self.waiting:
            self._withdraw()
            self.wait_until(until, self.join)
        elif self.due is not None and self.coming is not None and self.coming.time < until:
            due = self.due
            self._cancel_due()
            self.wait_until(until, due)

    def join(self) -> None:
        """Wait in the team's queue; in closed hours too [8]."""
        self.waiting, self.joined = True, self.simulation.now
        if self.assignment.joined < 0.0:
            self.assignment.joined = self.joined
        self.key = self.assignment.team.key(self)
        team = self.assignment.team
        if self.simulation.trail is not None:
            facts = {"waiting": team.lanes.waiting(self), "busy": len(team.busy), "present": team.present}
            self.visit.tell("joins queue", 8, **facts)
        team.join(self)

    def raise_level(self) -> None:
        """Escalated leads are served before all others [57]."""
        lanes = self.assignment.team.lanes
        if self.waiting:
            lanes.leave(self)
            self.level = 1
            lanes.put(self)
            self.assignment.team.ask_dispatch()
        else:
            self.level = 1

    def cancel(self) -> None:
        """Out of the queue; a try that was due is off."""
        self._cancel_due()
        if self.waiting:
            self._withdraw()

    # ---- service ----------------------------------------------------------------------------------------------------

    def start(self, rep: int) -> None:
        """A rep turns to the lead: one piece of work [40]."""
        team = self.assignment.team
        self.waiting, self.in_service, self.level = False, True, 0
        self.started, self.rep = self.simulation.now, rep
        self.succeeds, length = self.queue_task.start()
        self.length = team.work_length(length)
        ends = team.work_ends(self.length)
        if ends < math.inf:
            self.simulation.schedule(ends, EventPriority.WORK_ENDS, self.visit.lead.number, team.index, 0, self._finish)

    def censor(self) -> None:
        """Still waiting or being served at the horizon [16]."""
        if self.waiting:
            self._write(-1.0, AttemptEnd.WAITING, -1, -1.0)
        elif self.in_service:
            self._write(-1.0, AttemptEnd.IN_PROGRESS, self.rep, self.started)

    def _finish(self) -> None:
        self.in_service = False
        self.visit.effort += self.length
        self._write(
            self.simulation.now, AttemptEnd.CONTACT if self.succeeds else AttemptEnd.NO_ANSWER, self.rep, self.started
        )
        self.assignment.team.release(self.rep)
        self.queue_task.over(self.succeeds)

    def _run_due(self) -> None:
        due = self.due
        self._cancel_due()
        if due is not None:
            due()

    def _cancel_due(self) -> None:
        if self.coming is not None:
            self.coming.cancel()
        self.due = self.coming = None

    def _withdraw(self) -> None:
        self.assignment.team.lanes.leave(self)
        self.waiting = False
        self._write(self.simulation.now, AttemptEnd.WITHDRAWN, -1, -1.0)

    def _write(self, ended: float, end: int, rep: int, started: float) -> None:
        visit, assignment, (task, ordinal) = self.visit, self.assignment, self.queue_task.label(rep >= 0)
        shift = self.attempts.shift if task < 0 and rep >= 0 else 0.0
        self.simulation.attempts.append(
            (
                visit.lead.number,
                visit.stage,
                visit.number,
                ordinal,
                task,
                assignment.ordinal,
                assignment.team.index,
                rep,
                self.joined,
                started,
                ended,
                end,
                shift,
            )
        )
