"""Levels: slow numbers that experience moves, and when they see it [108]. The arithmetic is in engine/levels.py."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from funnelsim.engine.event_priority import NO_LEAD, EventPriority
from funnelsim.engine.level_dynamics import first_levels, level_value, review_level, update_level
from funnelsim.plan_codes import Blame, LevelKind, Outcome

if TYPE_CHECKING:
    from funnelsim.engine.reference.lead import Lead
    from funnelsim.engine.reference.simulation import Simulation
    from funnelsim.engine.reference.visit import Visit

LOSSES = (Outcome.LOST, Outcome.UNREACHED, Outcome.COLD, Outcome.RETURNED, Outcome.CYCLE_LIMIT)


class Levels:
    """All levels of a replication."""

    def __init__(self, simulation: Simulation) -> None:
        plan = simulation.plan
        self.simulation, self.rows = simulation, plan.levels
        self.states = first_levels(plan)
        days = int(simulation.settings.days_count)
        self.by_day = np.zeros((days, len(self.rows)))
        for i, row in enumerate(self.rows):
            if row.review_count > 0:
                self._schedule_review(i, 0)
        if len(self.rows) > 0:
            for day in range(days - 1):
                self._schedule_sample(day)

    def on_outcome(self, visit: Visit, outcome: int, blame: int) -> None:
        """Outcomes: of visits that the team worked, with leads of the other side."""
        observed = 1.0 if outcome == Outcome.FORWARD else 0.0
        if visit.row.step_count == 0 or not (outcome == Outcome.FORWARD or outcome in LOSSES):
            return
        for i, row in self._of(LevelKind.OUTCOMES, visit.lead.owner):
            if self._is_foreign(visit.lead, row.team) and not (row.fair and blame == Blame.POOR_FOLLOW_UP):
                self._update(i, observed)

    def on_decision(self, team: int, accepted: bool) -> None:
        """Acceptance: decisions of the team."""
        for i, _ in self._of(LevelKind.ACCEPTANCE, team):
            self._update(i, 1.0 if accepted else 0.0)

    def on_assignment(self, lead: Lead, team: int) -> None:
        """Load: leads of the other side that the team gets."""
        for i, row in self._of(LevelKind.LOAD, team):
            if self._is_foreign(lead, row.team):
                self._update(i, 1.0)

    def on_passage(self, lead: Lead, definition: int) -> None:
        """Quota: the value of first passages of a definition."""
        if lead.duplicate and self.simulation.definitions[definition].person:
            return
        for i, row in enumerate(self.rows):
            if row.kind == LevelKind.QUOTA and row.definition == definition:
                self._update(i, lead.value)

    def _of(self, kind: int, team: int) -> list[tuple[int, np.record]]:
        return [(i, row) for i, row in enumerate(self.rows) if row.kind == kind and row.team == team]

    def _is_foreign(self, lead: Lead, team: int) -> bool:
        return not self.simulation.is_own(lead.source, team)

    def _update(self, i: int, observed: float) -> None:
        update_level(self.rows, self.states, i, observed)

    def _schedule_review(self, i: int, k: int) -> None:
        time = float(self.simulation.plan.instants[self.rows[i].review_first + k])
        self.simulation.schedule(time, EventPriority.REVIEW, NO_LEAD, i, k, lambda: self._review(i, k))

    def _review(self, i: int, k: int) -> None:
        review_level(self.rows, self.states, self.simulation.plan.instants, i, self.simulation.now)
        if k + 1 < self.rows[i].review_count:
            self._schedule_review(i, k + 1)

    def _schedule_sample(self, day: int) -> None:
        midnight = float(self.simulation.plan.instants[self.simulation.settings.days_first + day + 1])
        if midnight < math.inf:
            self.simulation.schedule(midnight, EventPriority.SAMPLE, NO_LEAD, day, 0, lambda: self._sample(day))

    def _sample(self, day: int) -> None:
        """The levels at the midnight that ends a day."""
        for i in range(len(self.rows)):
            self.by_day[day, i] = level_value(self.rows, self.states, i, self.simulation.now)
