"""Acceptance: a team that is handed a lead from another stage looks at it, and takes it or turns it down [89, 90]."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from funnelsim.engine import rng
from funnelsim.engine.reference.scores import score_now
from funnelsim.plan_codes import TermKind

if TYPE_CHECKING:
    from funnelsim.engine.reference.assignment import Assignment
    from funnelsim.engine.reference.events import ScheduledCall


class Acceptance:
    """The decision on one assignment."""

    def __init__(self, assignment: Assignment) -> None:
        self.assignment, self.visit, self.simulation = assignment, assignment.visit, assignment.visit.simulation
        self.stage_team = assignment.stage_team
        self.decided, self.accepted = -1.0, -1
        self.coming: ScheduledCall | None = None

    @property
    def pending(self) -> bool:
        return self.accepted < 0

    def begin(self) -> None:
        """Somebody looks at once when the team does as promised, else later; past the window the default counts."""
        now, ordinal = self.simulation.now, self.assignment.ordinal
        delay = 0.0
        if self.assignment.adhered != 1:
            delay = self.visit.duration(self.stage_team.decide, rng.P_DECIDE, ordinal)
        looks, window = now + delay, self._window_ends()
        do = self.decide if looks <= window else self._time_out
        first = min(looks, window)
        if first <= now:
            do()
        elif first < math.inf:
            self.coming = self.assignment.schedule_due(first, do)

    def decide(self) -> None:
        """The team's own score of the lead against its threshold."""
        self.visit.nurture.apply_touches(self.simulation.now)
        least = self.simulation.piecewise_constant(self.stage_team.accept_first, self.stage_team.accept_count)
        score = score_now(self.visit.lead, self.stage_team.accept_score)
        accepted = score >= least
        self.visit.tell("accepts" if accepted else "rejects", 89, score=float(score), least=least)
        self._note(accepted, in_time=True)
        self.simulation.levels.on_decision(self.assignment.team.index, accepted)
        self._go_on()

    def cancel(self) -> None:
        if self.coming is not None:
            self.coming.cancel()

    def _time_out(self) -> None:
        self.visit.tell("decision timed out", 89, accepted=bool(self.stage_team.default_accept))
        self._note(bool(self.stage_team.default_accept), in_time=False)
        self._go_on()

    def _note(self, accepted: bool, in_time: bool) -> None:
        self.cancel()
        self.decided, self.accepted = self.simulation.now, int(accepted)
        self.assignment.resolve_clock(TermKind.ACCEPTANCE, met=in_time)

    def _go_on(self) -> None:
        if self.accepted:
            self.assignment.offer_to_team()
        else:
            self.visit.lead.points *= self.stage_team.points_retained
            self.visit.turn_down()

    def _window_ends(self) -> float:
        if self.stage_team.window == math.inf:
            return math.inf
        if self.stage_team.window_business:
            return self.assignment.team.add_open(self.simulation.now, self.stage_team.window)
        return float(self.simulation.now + self.stage_team.window)
