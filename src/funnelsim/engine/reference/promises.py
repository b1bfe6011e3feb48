"""Promises: the tier for a lead, whether the team does as promised, the clocks [52, 106, 107]."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

from funnelsim.engine import rng
from funnelsim.engine.covariates import EffectTarget
from funnelsim.engine.log_odds import shifted_chance
from funnelsim.engine.reference.effects import effects_on
from funnelsim.engine.reference.scores import score_now

if TYPE_CHECKING:
    from funnelsim.engine.reference.assignment import Assignment
    from funnelsim.engine.reference.visit import Visit


def promise_for(visit: Visit, stage_team: SimpleNamespace) -> int:
    """The first tier that fits the lead [106]; -1 none."""
    for i in range(stage_team.promise_first, stage_team.promise_first + stage_team.promise_count):
        if _fits(visit, visit.simulation.promises[i]):
            return i
    return -1


def draw_adherence(assignment: Assignment) -> int:
    """Whether the team does as promised: one draw an assignment [52]; -1 when nothing is promised."""
    if assignment.promise < 0 or assignment.terms.adherence_count == 0:
        return -1
    visit, terms = assignment.visit, assignment.terms
    chance = shifted_chance(
        visit.simulation.piecewise_constant(terms.adherence_first, terms.adherence_count),
        effects_on(visit, EffectTarget.ADHERENCE),
    )
    draw = visit.draw(rng.P_ADHERENCE, assignment.ordinal)
    visit.tell_decision("adheres", 52, draw, chance, EffectTarget.ADHERENCE)
    return int(draw < chance)


def _fits(visit: Visit, tier: SimpleNamespace) -> bool:
    lead = visit.lead
    if not (tier.segments >> lead.segment & 1 and tier.sources >> lead.source & 1) or lead.value < tier.value:
        return False
    if tier.score < 0:
        return True
    visit.nurture.apply_touches(visit.simulation.now)
    return bool(score_now(lead, tier.score) >= tier.least)
