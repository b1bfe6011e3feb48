"""A visit: one stay of one lead in one stage [25 to 34, 37 to 42].

Entry; the owner is settled, with a handoff if it changes; the stage's work, if it has any; the outcome.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from funnelsim.engine import order, streams
from funnelsim.engine.odds import shifted_chance, step_value
from funnelsim.engine.reference.assignment import Assignment
from funnelsim.engine.reference.model import At, purpose
from funnelsim.engine.reference.outcome import beyond, effects_on, settle, settle_given_age, take_group
from funnelsim.plan import (
    AT_ONCE,
    BATCHED,
    BUSINESS,
    COLD,
    CONTACT,
    CONTACT_CHANCE,
    DAY,
    DELAYED,
    GAVE_UP,
    IN_PROGRESS,
    NO_ANSWER,
    ON_DAYS,
    OPEN,
    PASSED_ON,
    REACHED,
    REASSIGNED,
    RETURNED,
    SENT_BACK,
    SILENT,
    STILL_OPEN,
    UNREACHED,
    WAITING,
    WENT_COLD,
    WENT_SILENT,
    WITHDRAWN,
)

if TYPE_CHECKING:
    from funnelsim.engine.reference.lead import Lead


class Visit:
    """One stay in one stage, from entry to the instant the outcome shows."""

    def __init__(self, lead: Lead, stage: int, age: float = 0.0, inherited: bool = False) -> None:
        self.lead, self.model, self.stage = lead, lead.model, stage
        self.row = lead.model.stages[stage]
        self.number = lead.visits[stage]
        self.cycle = lead.cycles
        self.entered = self.model.now - age
        self.inherited = inherited              # was under way when the run began
        self.first_deadline = self.touched = self.reached = -1.0
        self.touched_before = self.already_worked = False
        self.attempts = self.assignments = self.reassigned = self.level = 0
        self.step = self.step_attempts = 0
        self.assignment: Assignment | None = None
        self.waiting = self.in_service = self.patience_over = False
        self.joined = self.started = -1.0
        self.rep = -1
        self.shift, self.chance = 0.0, -1.0
        self.coming: At | None = None           # routing, or the next attempt falling due
        self.patience: At | None = None
        self.postponed: Callable[[], None] | None = None
        self.model.open_visits[lead.number] = self

    # ---- entry ------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Ownership and handoff, then work [26]."""
        before = self.lead.owner
        owner = self.lead.owner_of(self.stage)
        if self.row.step_count > 0 and self._step().team >= 0:
            owner = self._step().team
        if owner < 0:
            owner = before
        handed = before >= 0 and owner != before
        self.lead.owner = owner
        if handed:
            self._lose_context(owner)
        if self.row.step_count == 0:
            settle(self)
            return
        self._start_patience(self.duration(self.row.patience, streams.P_PATIENCE, 0))
        self._route(owner, handed)

    def resume(self, attempts: int, reached: bool) -> None:
        """Carry on as a lead of the snapshot [23]."""
        if self.row.step_count == 0 or reached:
            if reached and self.lead.owner >= 0:
                self.lead.reached_by.add(self.lead.owner)
            settle_given_age(self, self.model.now - self.entered)
            return
        self.attempts = self.step_attempts = attempts
        self.touched_before = self.already_worked = attempts > 0
        while self.step + 1 < self.row.step_count and self.step_attempts >= self._step().attempts:
            self.step_attempts -= self._step().attempts
            self.step += 1
        if self.step_attempts >= self._step().attempts:
            # all attempts were made before the run began, in vain [31]
            take_group(self, UNREACHED, self.row.unreached_first, self.row.unreached_count)
            return
        if self.row.patience >= 0:
            self._start_patience(beyond(self, self.row.patience, streams.P_PATIENCE))
        self.assign(self.lead.owner)

    def _route(self, team: int, handed: bool) -> None:
        """Routing of a handoff: at once, after a delay, or with the next batch [48, 50]."""
        duty, now = self.model.duties[self.stage][team], self.model.now
        if not handed or duty.routing == AT_ONCE:
            self.assign(team)
            return
        rank, arrives = order.OUTCOME, now
        if duty.routing == DELAYED:
            arrives += self.duration(duty.delay, streams.P_ROUTING, self.assignments + 1)
        elif duty.routing == BATCHED:
            rank = order.DELIVERY
            batches = self.model.instants[duty.batch_first:duty.batch_first + duty.batch_count]
            arrives = next((instant for instant in batches if instant >= now), math.inf)
        thing = self.stage if rank == order.OUTCOME else team
        if arrives == now and rank == order.OUTCOME:
            self.assign(team)
        elif arrives < math.inf:
            self.coming = self.model.at(arrives, rank, self.lead.number, thing, self.assignments + 1,
                                        lambda: self.assign(team))

    def assign(self, team: int) -> None:
        """A team answers for the visit."""
        self.lead.owner = team
        self.assignment = Assignment(self, team)
        self.assignment.begin()
        if self.assignment.ordinal == 1:
            due = self.assignment.first_touch_due
            self.first_deadline = due if due < math.inf else -1.0

    def _lose_context(self, team: int) -> None:
        duty = self.model.duties[self.stage][team]
        self.lead.context *= step_value(self.model.plan.points, duty.context_first, duty.context_count, self.model.now)

    def _start_patience(self, length: float) -> None:
        """The buyer's patience runs from entry until first reached [28]."""
        if self.row.patience >= 0 and self.entered + length < math.inf:
            self.patience = self.model.at(self.entered + length, order.PATIENCE, self.lead.number, self.stage,
                                          self.number, self._out_of_patience)

    # ---- attempts ---------------------------------------------------------------------------------------------------

    def join(self) -> None:
        """Wait in the team's queue; in closed hours too [8]."""
        assert self.assignment
        self.waiting, self.joined = True, self.model.now
        if self.assignment.joined < 0.0:
            self.assignment.joined = self.joined
        self.assignment.team.join(self)

    def start_attempt(self, rep: int) -> None:
        """A rep turns to the lead: handling and, if reached, conversation are one piece of work [40]."""
        assert self.assignment
        team, now, step = self.assignment.team, self.model.now, self._step()
        self.waiting, self.in_service, self.level, self.started = False, True, 0, now
        self.attempts += 1
        self.step_attempts += 1
        if self.touched < 0.0 and not self.touched_before:
            self.touched = now
        self.assignment.touch()
        reached = self.draw(streams.P_CONTACT, self.attempts) < self._contact_chance()
        work = self.duration(step.handling, streams.P_HANDLING, self.attempts)
        if reached:
            work += self.duration(step.conversation, streams.P_CONVERSATION, self.attempts)
        work = streams.on_grid(work * team.row.stretch)
        ends = team.add_open(now, work) if team.row.resume else now + work
        self.rep = rep
        if ends < math.inf:
            self.model.at(ends, order.WORK_ENDS, self.lead.number, team.index, self.attempts,
                          lambda: self._finish_attempt(reached))

    def _finish_attempt(self, reached: bool) -> None:
        assert self.assignment
        self.in_service = False
        self._attempt_row(self.model.now, CONTACT if reached else NO_ANSWER, self.rep, self.started)
        self.assignment.team.release(self.rep)
        if reached:
            self.reached = self.model.now
            self.lead.reached_by.add(self.assignment.team.index)
            self.assignment.reached()
            self._end_assignment(REACHED)
            self._cancel_coming()
            settle(self)
            return
        if self.patience_over:
            self._go_cold()                     # [29] before any action that waited: the buyer is gone
            return
        current, postponed, self.postponed = self.assignment, self.postponed, None
        if postponed is not None:
            postponed()
        if self.assignment is current:
            self._next_attempt()

    def _next_attempt(self) -> None:
        """Once more, or give up [31, 38]."""
        assert self.assignment
        step, is_last = self._step(), self.step + 1 == self.row.step_count
        promised = self.assignment.duty.attempts if self.assignment.kept == 1 else 0
        if self.step_attempts >= step.attempts and not (is_last and self.attempts < promised):
            if is_last:
                self.assignment.gave_up()
                self._end_assignment(GAVE_UP)
                self._cancel_coming()
                take_group(self, UNREACHED, self.row.unreached_first, self.row.unreached_count)
                return
            self.step, self.step_attempts = self.step + 1, 0
        due = self._due(self._step())
        if due > self.model.now:
            if due < math.inf:
                self.coming = self.model.at(due, order.DUE, self.lead.number, self.assignment.team.index,
                                            self.assignment.ordinal, self._due_now)
        else:
            self._due_now()

    def _due(self, step: SimpleNamespace) -> float:
        """When the next attempt falls due; spacing runs from the end of the previous one [38]."""
        assert self.assignment
        now = self.model.now
        if step.spacing_kind == BUSINESS:
            return self.assignment.team.add_open(now, step.spacing)
        if step.spacing_kind == ON_DAYS:
            offsets = self.model.point_values[step.days_first:step.days_first + step.days_count]
            start = self.touched if self.touched >= 0.0 else self.entered
            beyond = self.step_attempts - len(offsets) + 1
            gap = offsets[-1] - offsets[-2] if len(offsets) > 1 else DAY
            offset = offsets[self.step_attempts] if beyond <= 0 else offsets[-1] + beyond * gap
            return max(now, float(start + offset))
        return float(now + step.spacing)

    def _due_now(self) -> None:
        """An attempt falls due; another team may have the next step [45]."""
        assert self.assignment
        step, team = self._step(), self.assignment.team.index
        to = step.team if step.team >= 0 else self._owner_or(team)
        if to != team and self.step_attempts == 0:
            handed = not (self._owns(team) and self._owns(to))
            self._end_assignment(PASSED_ON)
            self._hand(to, handed)
        else:
            self.join()

    def _hand(self, team: int, handed: bool) -> None:
        if handed:
            self._lose_context(team)
        self.lead.owner = team
        self._route(team, handed)

    def _owner_or(self, team: int) -> int:
        owner = self.lead.owner_of(self.stage)
        return owner if owner >= 0 else team

    def _owns(self, team: int) -> bool:
        duties = self.model.duties[self.stage]
        return bool(duties[team].share > (duties[team - 1].share if team else 0.0))

    def _contact_chance(self) -> float:
        """Chance that this attempt reaches the buyer [37, 41, 65]."""
        step = self._step()
        if step.contactable and not self.lead.reachable:
            return 0.0
        at = step.contact_first + min(self.attempts, step.contact_count) - 1
        shift = self.row.contact_intercept + effects_on(self, CONTACT_CHANCE)
        return shifted_chance(self.model.point_values[at], shift)

    # ---- promises and patience --------------------------------------------------------------------------------------

    def raise_level(self) -> None:
        """Escalated leads are served before all others [57]."""
        assert self.assignment
        if self.waiting:
            self.assignment.team.leave(self)
            self.level = 1
            self.assignment.team.join(self)
        else:
            self.level = 1

    def reassign(self, team: int) -> None:
        """Handed to another team [58]."""
        self.reassigned += 1
        self._take_away()
        self._end_assignment(REASSIGNED)
        self.level = 0
        self._hand(team, handed=True)

    def send_back(self, exit_row: int) -> None:
        """A broken promise ends the visit [59]."""
        self._take_away()
        self._end_assignment(SENT_BACK)
        self._cancel_coming()
        if self.model.exits[exit_row].to == SILENT:
            self.close(WENT_SILENT, int(SILENT), -1.0)
        else:
            self.lead.leave(self, RETURNED, self.model.exits[exit_row])

    def _out_of_patience(self) -> None:
        if self.in_service:
            self.patience_over = True           # [29] acts at the end of the attempt, if not reached
        else:
            self._go_cold()

    def _go_cold(self) -> None:
        """Cancels all that waits and leaves [30]."""
        self._take_away()
        if self.assignment is not None:
            self._end_assignment(WENT_COLD)
        self._cancel_coming()
        take_group(self, COLD, self.row.cold_first, self.row.cold_count)

    def _take_away(self) -> None:
        """Out of the queue; an attempt that was due is off."""
        if self.coming is not None:
            self.coming.cancel()
        if self.waiting:
            assert self.assignment
            self.assignment.team.leave(self)
            self.waiting = False
            self._attempt_row(self.model.now, WITHDRAWN, -1, -1.0)

    def _cancel_coming(self) -> None:
        for event in (self.coming, self.patience):
            if event is not None:
                event.cancel()

    # ---- rows -------------------------------------------------------------------------------------------------------

    def close(self, outcome: int, to: int, back: float) -> None:
        """Write the row; nothing of this visit happens any more."""
        lead = self.lead
        ended = self.model.now if outcome != OPEN else -1.0
        self.model.visits.append((
            lead.number, self.stage, self.number, lead.source, lead.segment, lead.arrived, self.cycle, lead.owner,
            self.entered, self.first_deadline, self.touched, self.reached, self.attempts, ended, outcome, to, back,
            self.shift, self.chance, lead.context, lead.fit, lead.value))
        del self.model.open_visits[lead.number]

    def censor(self) -> None:
        """Still going on at the horizon: counted as open [16]."""
        if self.assignment is not None:
            if self.waiting:
                self._attempt_row(-1.0, WAITING, -1, -1.0)
            elif self.in_service:
                self._attempt_row(-1.0, IN_PROGRESS, self.rep, self.started)
            self._end_assignment(STILL_OPEN)
        self.close(OPEN, -1, -1.0)

    def _attempt_row(self, ended: float, end: int, rep: int, started: float) -> None:
        assert self.assignment
        ordinal = self.attempts if rep >= 0 else self.attempts + 1
        self.model.attempts.append((self.lead.number, self.stage, self.number, ordinal, self.assignment.ordinal,
                                    self.assignment.team.index, rep, self.joined, started, ended, end))

    def _end_assignment(self, how: int) -> None:
        assert self.assignment
        self.assignment.end(how)
        self.assignment = None

    # ---- draws ------------------------------------------------------------------------------------------------------

    def _step(self) -> SimpleNamespace:
        step: SimpleNamespace = self.model.steps[self.row.step_first + self.step]
        return step

    def draw(self, what: np.uint64, second: int) -> float:
        """Uniform keyed by stage, visit number and attempt or assignment [20]."""
        return self.model.draw(self.lead.luck, purpose(self.row.luck, what), self.number, second)

    def duration(self, table: int, what: np.uint64, second: int) -> float:
        return self.model.duration(table, self.lead.luck, purpose(self.row.luck, what), self.number, second)
