"""Pursuit and habit: whether and when a team that is left to itself turns to a lead new to it [43, 95]."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from funnelsim.engine import rng
from funnelsim.engine.covariates import EffectTarget
from funnelsim.engine.log_odds import logistic, scale_time
from funnelsim.engine.reference.effects import effects_on

if TYPE_CHECKING:
    from funnelsim.engine.reference.assignment import Assignment


def draw_pursued(assignment: Assignment) -> int:
    """Whether a lead of the other side is worked at all: 1, or 0 left alone; -1 when that is no question [95]."""
    visit, stage_team = assignment.visit, assignment.stage_team
    if stage_team.pursue == math.inf or not _is_free(assignment):
        return -1
    if visit.simulation.is_own(visit.lead.source, assignment.team.index):
        return -1
    chance = logistic(stage_team.pursue + effects_on(visit, EffectTarget.PURSUIT))
    draw = visit.draw(rng.P_PURSUE, assignment.ordinal)
    visit.tell_decision("pursues", 95, draw, chance, EffectTarget.PURSUIT)
    return int(draw < chance)


def habit_delay(assignment: Assignment) -> float:
    """Delay before the team turns to the lead [43]."""
    if not _is_free(assignment):
        return 0.0
    visit = assignment.visit
    delay = visit.duration(assignment.team.row.habit, rng.P_HABIT, assignment.ordinal)
    return scale_time(delay, effects_on(visit, EffectTarget.HABIT))


def _is_free(assignment: Assignment) -> bool:
    """The team does not do as promised, and the lead is new to it: it does as it likes."""
    visit = assignment.visit
    return not (assignment.adhered == 1 or assignment.team.index in visit.lead.reached_by or visit.worked_before)
