"""What the effects on a visit look at, and their sum [66, 92 to 94]. The arithmetic is in engine/odds.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from funnelsim.engine.covariates import Covariates
from funnelsim.engine.log_odds import linear_predictor
from funnelsim.plan_codes import Side

if TYPE_CHECKING:
    from funnelsim.engine.reference.visit import Visit


def effects_on(visit: Visit, target: int) -> float:
    """Sum of the effects on a target, on the log-odds (of a time: on its logarithm)."""
    if visit.row.effect_count == 0:
        return 0.0
    simulation, plan = visit.simulation, visit.simulation.plan
    team = visit.assignment.team.index if visit.assignment else visit.lead.owner
    visit.nurture.apply_touches(simulation.now)
    return linear_predictor(
        plan.effects,
        plan.points,
        plan.scores,
        plan.tables,
        plan.levels,
        simulation.levels.states,
        visit.row.effect_first,
        visit.row.effect_count,
        target,
        team,
        simulation.now,
        np.uint64(visit.lead.stream),
        _covariates(visit, team),
    )


def effect_shares(visit: Visit, target: int) -> tuple[tuple[int, float], ...]:
    """The share of each effect in that sum, (row of the plan's `effects`, log-odds), where it is not 0."""
    simulation, plan = visit.simulation, visit.simulation.plan
    team = visit.assignment.team.index if visit.assignment else visit.lead.owner
    given = plan.effects, plan.points, plan.scores, plan.tables, plan.levels, simulation.levels.states
    seen = target, team, simulation.now, np.uint64(visit.lead.stream), _covariates(visit, team)
    rows = range(visit.row.effect_first, visit.row.effect_first + visit.row.effect_count)
    shares = ((row, float(linear_predictor(*given, row, 1, *seen))) for row in rows)
    return tuple((row, share) for row, share in shares if share != 0.0)


def _covariates(visit: Visit, team: int) -> Covariates:
    lead, simulation = visit.lead, visit.simulation
    side = simulation.teams[team].row.side if team >= 0 else -1
    sides = {simulation.teams[other].row.side for other in lead.reached_by}
    return Covariates(
        fit=lead.fit,
        intent=lead.intent,
        trust=lead.trust,
        points=lead.points,
        warmth=lead.source_segment.warmth,
        context=lead.context,
        both_teams=float({Side.MARKETING, Side.SALES} <= sides),
        marketing_sells=float(visit.row.step_count > 0 and side == Side.MARKETING),
        response_delay=visit.response_delay,
        touch_after_ready=visit.touched - lead.ready,
        unresolved=float(visit.unresolved),
        duplicate=float(lead.duplicated),
        own_lead=float(team >= 0 and simulation.is_own(lead.source, team)),
    )
