"""Attempts: trying to reach the buyer, step by step of the stage's work [31, 37 to 42, 45, 99]."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

from funnelsim.engine import rng
from funnelsim.engine.covariates import EffectTarget
from funnelsim.engine.log_odds import shifted_chance
from funnelsim.engine.reference.effects import effects_on
from funnelsim.plan import DAY
from funnelsim.plan_codes import SpacingKind

if TYPE_CHECKING:
    from funnelsim.engine.reference.work import Work


class Attempts:
    """The attempts of one visit, by whichever team has it."""

    def __init__(self, work: Work) -> None:
        self.work, self.visit, self.simulation = work, work.visit, work.visit.simulation
        self.step = self.step_attempts = 0
        self.shift = 0.0  # sum of the effects on the chance of contact, when last tried
        self.patience_over = False

    def skip(self, made: int) -> bool:
        """Those made before the run began; whether there are any to come [23]."""
        self.visit.attempts = self.step_attempts = made
        while not self._is_last_step and self.step_attempts >= self.row.attempts:
            self.step_attempts -= self.row.attempts
            self.step += 1
        return bool(self.step_attempts < self.row.attempts)

    @property
    def row(self) -> SimpleNamespace:
        """The step that attempts have come to."""
        row: SimpleNamespace = self.simulation.steps[self.visit.row.step_first + self.step]
        return row

    def label(self, started: bool) -> tuple[int, int]:
        return -1, self.visit.attempts if started else self.visit.attempts + 1

    def start(self) -> tuple[bool, float]:
        """Handling and, if the buyer is reached, conversation are one piece of work [40]."""
        visit, step, assignment = self.visit, self.row, self.work.assignment
        visit.attempts += 1
        self.step_attempts += 1
        if visit.touched < 0.0 and not visit.touched_before:
            visit.touched = self.simulation.now
        assignment.count_touch()
        draw, chance = visit.draw(rng.P_CONTACT, visit.attempts), self._contact_chance()
        reached = draw < chance
        facts = {"attempt": visit.attempts, "rep": self.work.rep, "reachable": visit.lead.reachable}
        visit.tell_decision("attempt", 37, draw, chance, EffectTarget.CONTACT, **facts)
        work = visit.duration(step.handling, rng.P_HANDLING, visit.attempts)
        if reached:
            work += visit.duration(step.conversation, rng.P_CONVERSATION, visit.attempts)
        if assignment.attempts == 1:
            work += visit.duration(step.preparation, rng.P_PREPARE, assignment.ordinal)
        return reached, work

    def over(self, succeeded: bool) -> None:
        """The buyer was reached, or is gone, or there is a next attempt."""
        visit = self.visit
        if succeeded:
            visit.reach()
            return
        if self.patience_over:
            visit.renege()  # [29] before any action that waited: the buyer is gone
            return
        current, postponed, self.work.postponed = visit.assignment, self.work.postponed, None
        if postponed is not None:
            postponed()
        if visit.assignment is current:
            self._after_no_answer()

    def _after_no_answer(self) -> None:
        """Once more, or give up [31, 38]."""
        assignment = self.work.assignment
        promised = self.visit.attempts < assignment.promised_attempts
        if self.step_attempts >= self.row.attempts and not (self._is_last_step and promised):
            if self._is_last_step:
                self.visit.give_up()
                return
            self.step, self.step_attempts = self.step + 1, 0
        due = max(self._due(self.row), assignment.paused_until)
        if due > self.simulation.now:
            self.visit.tell("next attempt due", 38, until=due)
            self.work.wait_until(due, self._attempt_due)
        else:
            self._attempt_due()

    def _due(self, step: SimpleNamespace) -> float:
        """When the next attempt falls due; spacing runs from the end of the previous one [38]."""
        now = self.simulation.now
        if step.spacing_kind == SpacingKind.BUSINESS:
            return self.work.assignment.team.add_open(now, step.spacing)
        if step.spacing_kind == SpacingKind.ON_DAYS:
            offsets = self.simulation.point_values[step.days_first : step.days_first + step.days_count]
            start = self.visit.touched if self.visit.touched >= 0.0 else self.visit.entered
            residual_time = self.step_attempts - len(offsets) + 1
            gap = offsets[-1] - offsets[-2] if len(offsets) > 1 else DAY
            offset = offsets[self.step_attempts] if residual_time <= 0 else offsets[-1] + residual_time * gap
            return max(now, float(start + offset))
        return float(now + step.spacing)

    def _attempt_due(self) -> None:
        """An attempt falls due; another team may have the next step [45]."""
        visit, team = self.visit, self.work.assignment.team.index
        to = self.row.team if self.row.team >= 0 else visit.owner_or(team)
        if to != team and self.step_attempts == 0:
            visit.pass_on(to)
        else:
            self.work.join()

    @property
    def _is_last_step(self) -> bool:
        return bool(self.step + 1 == self.visit.row.step_count)

    def _contact_chance(self) -> float:
        """Chance that this attempt reaches the buyer [37, 41, 65, 101]."""
        step = self.row
        self.shift = effects_on(self.visit, EffectTarget.CONTACT)
        if step.contactable and not self.visit.lead.reachable:
            return 0.0
        at = step.contact_first + min(self.visit.attempts, step.contact_count) - 1
        return shifted_chance(self.simulation.point_values[at], self.visit.row.contact_intercept + self.shift)
