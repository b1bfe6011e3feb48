"""A visit: one stay of one lead in one stage [25 to 34].

Entry; the owner is settled, with a handoff if it changes; the stage's work, if it has any; the outcome.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelsim.engine import rng
from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.reference.assignment import Assignment
from funnelsim.engine.reference.definitions import Definitions
from funnelsim.engine.reference.draws import stream_key
from funnelsim.engine.reference.effects import effect_shares
from funnelsim.engine.reference.events import ScheduledCall
from funnelsim.engine.reference.gate import draw_at_gate, draw_at_gate_given_age
from funnelsim.engine.reference.loss_attribution import blame_for
from funnelsim.engine.reference.nurture import Nurture
from funnelsim.engine.reference.outcome import (
    draw_outcome_by_chance,
    draw_outcome_given_age,
    leave_by_group,
    residual_time,
)
from funnelsim.engine.reference.signals import Signals
from funnelsim.engine.reference.trail import Decision
from funnelsim.engine.reference.work import Work
from funnelsim.plan_codes import AssignmentEnd, ExitTarget, Outcome, RoutingKind

if TYPE_CHECKING:
    from funnelsim.engine.reference.lead import Lead


class Visit:
    """One stay in one stage, from entry to the instant the outcome shows."""

    def __init__(self, lead: Lead, stage: int, age: float = 0.0, inherited: bool = False) -> None:
        self.lead, self.simulation, self.stage = lead, lead.simulation, stage
        self.row = lead.simulation.stages[stage]
        self.number = lead.visits[stage]
        self.cycle = lead.cycles
        self.entered = self.simulation.now - age
        self.inherited = inherited  # was under way when the run began
        self.first_deadline = self.touched = self.reached = self.asked = -1.0
        self.touched_before = self.worked_before = False
        self.attempts = self.assignments = self.reassigned = self.unresolved = self.merged = 0
        self.effort = 0.0
        self.assignment: Assignment | None = None
        self.outcome_drawn = self.over = self.waits_at_gate = False
        self.shift, self.chance = 0.0, -1.0
        self.routing: ScheduledCall | None = None
        self.patience: ScheduledCall | None = None
        self.other_exit: ScheduledCall | None = None  # shows unless the gate opens before
        self.work, self.definitions = Work(self), Definitions(self)
        self.nurture = Nurture(self)
        self.signals = Signals(self)
        self.simulation.open_visits[lead.number] = self

    # ---- entry ------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Definitions, ownership and handoff, then work [26]."""
        self.tell("enters", 25, number=self.number)
        self.definitions.pass_milestones()
        self.signals.begin()
        self.definitions.check()
        before = self.lead.owner
        owner = self.lead.owner_of(self.stage)
        if self.row.step_count > 0 and self.work.attempts.row.team >= 0:
            owner = self.work.attempts.row.team
        if owner < 0:
            owner = before
        handed = before >= 0 and owner != before
        self.lead.owner = owner
        if handed:
            self._lose_context(owner, before)
        if self.row.step_count == 0:
            self.draw_outcome()
            return
        self._start_patience(self.duration(self.row.patience, rng.P_PATIENCE, 0))
        self._route(owner, handed, handed_on=handed)

    def resume_visit(self, attempts: int, reached: bool) -> None:
        """Carry on as a lead of the snapshot [23]."""
        self.tell("in flight", 23, number=self.number, age=self.simulation.now - self.entered, attempts=attempts)
        self.signals.begin()
        self.definitions.mark_passed()
        if self.row.step_count == 0 or reached:
            self.touched_before = reached
            if reached and self.lead.owner >= 0:
                self.lead.reached_by.add(self.lead.owner)
            self._draw_outcome_given_age()
            return
        more = self.work.attempts.skip(attempts)
        self.touched_before = self.worked_before = attempts > 0
        if not more:
            # all attempts were made before the run began, in vain [31]
            leave_by_group(self, Outcome.UNREACHED, self.row.unreached_first, self.row.unreached_count)
            return
        if self.row.patience >= 0:
            self._start_patience(residual_time(self, self.row.patience, rng.P_PATIENCE))
        self.assign(self.lead.owner)

    def assign(self, team: int, handed_on: bool = False) -> None:
        """A team answers for the visit."""
        self.lead.owner = team
        self.nurture.hand_over(self.simulation.teams[team].row.side, self.simulation.now)
        self.definitions.expect_crossing()
        self.simulation.levels.on_assignment(self.lead, team)
        self.assignment = Assignment(self, team)
        self.assignment.begin(handed_on)

    def _route(self, team: int, handed: bool, handed_on: bool = False) -> None:
        """Routing of a handoff: at once, after a delay, or with the next batch [48, 50]."""
        stage_team, now = self.simulation.stage_teams[self.stage][team], self.simulation.now
        if not handed or stage_team.routing == RoutingKind.AT_ONCE:
            self.assign(team, handed_on)
            return
        priority, arrives = EventPriority.OUTCOME, now
        if stage_team.routing == RoutingKind.DELAYED:
            arrives += self.duration(stage_team.delay, rng.P_ROUTING, self.assignments + 1)
        elif stage_team.routing == RoutingKind.BATCHED:
            priority = EventPriority.DELIVERY
            batches = self.simulation.instants[stage_team.batch_first : stage_team.batch_first + stage_team.batch_count]
            arrives = next((instant for instant in batches if instant >= now), math.inf)
        subject = self.stage if priority == EventPriority.OUTCOME else team
        if arrives == now and priority == EventPriority.OUTCOME:
            self.assign(team, handed_on)
        elif arrives < math.inf:
            self.tell("routed", 50 if stage_team.routing == RoutingKind.BATCHED else 48, until=arrives)
            self.routing = self.simulation.schedule(
                arrives, priority, self.lead.number, subject, self.assignments + 1, lambda: self.assign(team, handed_on)
            )

    def _lose_context(self, team: int, before: int) -> None:
        stage_team = self.simulation.stage_teams[self.stage][team]
        self.lead.context *= self.simulation.piecewise_constant(stage_team.context_first, stage_team.context_count)
        self.tell("handed over", 48, before=before, to=team, context=self.lead.context)

    def _start_patience(self, length: float) -> None:
        """The buyer's patience runs from entry until first reached [28]."""
        if self.row.patience >= 0 and self.entered + length < math.inf:
            self.patience = self.simulation.schedule(
                self.entered + length,
                EventPriority.PATIENCE,
                self.lead.number,
                self.stage,
                self.number,
                self._out_of_patience,
            )

    # ---- ways on ----------------------------------------------------------------------------------------------------

    def reach(self) -> None:
        """The buyer has been reached; tasks follow [100]."""
        assert self.assignment
        self.reached = self.simulation.now
        self.tell("reached", 40)
        self.lead.reached_by.add(self.assignment.team.index)
        self.assignment.reached()
        self._stop_waiting()
        self.work.queue_task = self.work.tasks
        self.work.tasks.next()

    def dealt_with(self) -> None:
        """Nothing is left to do: the outcome is drawn [26]."""
        self._end_assignment(AssignmentEnd.REACHED)
        self.draw_outcome()

    def draw_outcome(self) -> None:
        """Draw the outcome, once."""
        self.outcome_drawn = True
        if self.row.next_count == 0:
            self.close(Outcome.END, -1, -1.0)
        elif self.row.gate >= 0:
            draw_at_gate(self)
        else:
            draw_outcome_by_chance(self)

    def give_up(self) -> None:
        """The last attempt, or the last meeting, was in vain [31, 100]."""
        assert self.assignment
        self.tell("gave up", 31, attempts=self.attempts)
        self.assignment.gave_up()
        self._end_assignment(AssignmentEnd.GAVE_UP)
        self._stop_waiting()
        leave_by_group(self, Outcome.UNREACHED, self.row.unreached_first, self.row.unreached_count)

    def turn_down(self) -> None:
        """The team does not accept the lead [90]."""
        self._end_assignment(AssignmentEnd.REJECTED)
        self._stop_waiting()
        if self.row.rejected_count > 0:
            leave_by_group(self, Outcome.REJECTED, self.row.rejected_first, self.row.rejected_count)
        else:
            leave_by_group(self, Outcome.REJECTED, self.row.unreached_first, self.row.unreached_count)

    def renege(self) -> None:
        """Cancels all that waits and leaves [30]."""
        self.tell("patience over", 30)
        if self.assignment is not None:
            self.work.cancel()
            self._end_assignment(AssignmentEnd.WENT_COLD)
        self._stop_waiting()
        leave_by_group(self, Outcome.COLD, self.row.cold_first, self.row.cold_count)

    def pass_on(self, team: int) -> None:
        """Another team has the next step [45]."""
        assert self.assignment
        self.tell("passed on", 45, to=team)
        handed = not (self._owns(self.assignment.team.index) and self._owns(team))
        self._end_assignment(AssignmentEnd.PASSED_ON)
        self._hand_over(team, handed)

    def reassign(self, team: int) -> None:
        """Handed to another team [58]."""
        self.reassigned += 1
        self.work.cancel()
        self._end_assignment(AssignmentEnd.REASSIGNED)
        self.work.level = 0
        self._hand_over(team, handed=True)

    def send_back(self, exit_row: int) -> None:
        """A broken promise ends the visit [59]."""
        self.work.cancel()
        self._end_assignment(AssignmentEnd.RETURNED)
        self._stop_waiting()
        if self.simulation.exits[exit_row].to == ExitTarget.SILENT:
            self.close(Outcome.SILENT, int(ExitTarget.SILENT), -1.0)
        else:
            self.lead.leave(self, Outcome.RETURNED, self.simulation.exits[exit_row])

    def owner_or(self, team: int) -> int:
        """The owner of the stage; the team that has the lead when nobody owns it."""
        owner = self.lead.owner_of(self.stage)
        return owner if owner >= 0 else team

    @property
    def response_delay(self) -> float:
        """From entry, or from the last raised hand, to first touch [64, 85]; -1 while untouched."""
        if self.touched < 0.0:
            return -1.0
        return self.touched - (self.asked if self.asked >= 0.0 else self.entered)

    def _draw_outcome_given_age(self) -> None:
        self.outcome_drawn, age = True, self.simulation.now - self.entered
        if self.row.next_count == 0:
            self.close(Outcome.END, -1, -1.0)
        elif self.row.gate >= 0:
            draw_at_gate_given_age(self, age)
        else:
            draw_outcome_given_age(self, age)

    def _hand_over(self, team: int, handed: bool) -> None:
        if handed:
            self._lose_context(team, self.lead.owner)
        self.lead.owner = team
        self._route(team, handed)

    def _owns(self, team: int) -> bool:
        stage_teams = self.simulation.stage_teams[self.stage]
        return bool(stage_teams[team].share > (stage_teams[team - 1].share if team else 0.0))

    def _out_of_patience(self) -> None:
        if self.work.in_service:
            self.work.attempts.patience_over = True  # [29] acts at the end of the attempt, if not reached
        else:
            self.renege()

    def _stop_waiting(self) -> None:
        """No routing comes any more, and no end of patience."""
        for event in (self.routing, self.patience):
            if event is not None:
                event.cancel()

    # ---- rows -------------------------------------------------------------------------------------------------------

    def close(self, outcome: int, to: int, back: float) -> None:
        """Write the row; nothing of this visit happens any more."""
        lead, simulation = self.lead, self.simulation
        self.over = True
        self.tell("leaves", 34, outcome=int(outcome), to=int(to), back=back, touches=self.nurture.touches)
        self.signals.stop()
        self.definitions.forget()
        self.nurture.apply_touches(simulation.now if outcome != Outcome.OPEN else simulation.settings.horizon)
        blame = blame_for(self, outcome)
        simulation.levels.on_outcome(self, outcome, blame)
        simulation.visits.append(
            (
                lead.number,
                self.stage,
                self.number,
                lead.source,
                lead.segment,
                lead.arrived,
                self.cycle,
                lead.owner,
                self.entered,
                self.first_deadline,
                self.touched,
                self.reached,
                self.attempts,
                simulation.now if outcome != Outcome.OPEN else -1.0,
                outcome,
                to,
                back,
                self.shift,
                self.chance,
                lead.context,
                lead.fit,
                lead.value,
                lead.intent,
                lead.trust,
                lead.points,
                self.asked,
                self.nurture.touches,
                self.effort,
                blame,
                int(lead.duplicate),
                self.merged,
            )
        )
        del simulation.open_visits[lead.number]

    def censor(self) -> None:
        """Still going on at the horizon: counted as open [16]."""
        if self.assignment is not None:
            self.work.censor()
            self._end_assignment(AssignmentEnd.OPEN)
        self.close(Outcome.OPEN, -1, -1.0)

    def _end_assignment(self, how: int) -> None:
        assert self.assignment
        self.assignment.end(how)
        self.assignment = None

    # ---- what is told ------------------------------------------------------------------------------------------------

    def tell(self, kind: str, rule: int, **facts: Any) -> None:
        """Something happened; heard by who keeps a trail of this lead."""
        if self.simulation.trail is not None:
            self.simulation.trail.add(self, kind, rule, None, facts)

    def tell_decision(self, kind: str, rule: int, draw: float, chance: float, target: int = -1, **facts: Any) -> None:
        """A chance was drawn, with the effects on a target in it."""
        if self.simulation.trail is not None:
            shares = effect_shares(self, target) if target >= 0 else ()
            self.simulation.trail.add(self, kind, rule, Decision(draw, chance, shares), facts)

    # ---- draws ------------------------------------------------------------------------------------------------------

    def draw(self, what: np.uint64, second: int) -> float:
        """Uniform keyed by stage, visit number and attempt or assignment [20]."""
        return self.simulation.draw(self.lead.stream, stream_key(self.row.stream, what), self.number, second)

    def duration(self, table: int, what: np.uint64, second: int) -> float:
        """A length of time keyed alike, on the grid."""
        return self.simulation.duration(table, self.lead.stream, stream_key(self.row.stream, what), self.number, second)
