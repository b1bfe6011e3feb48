"""What the effects on a visit look at, and their sum [66, 92 to 94]. The arithmetic is in engine/odds.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from funnelsim.engine.log_odds import View, total_shift
from funnelsim.plan import MARKETING, SALES

if TYPE_CHECKING:
    from funnelsim.engine.reference.visit import Visit


def effects_on(visit: Visit, target: int) -> float:
    """Sum of the effects on a target, on the log-odds (of a time: on its logarithm)."""
    if visit.row.effect_count == 0:
        return 0.0
    model, plan = visit.model, visit.model.plan
    team = visit.assignment.team.index if visit.assignment else visit.lead.owner
    visit.nurture.catch_up(model.now)
    return total_shift(
        plan.effects,
        plan.points,
        plan.scores,
        plan.tables,
        plan.levels,
        model.levels.states,
        visit.row.effect_first,
        visit.row.effect_count,
        target,
        team,
        model.now,
        np.uint64(visit.lead.luck),
        _view(visit, team),
    )


def _view(visit: Visit, team: int) -> View:
    lead, model = visit.lead, visit.model
    side = model.teams[team].row.side if team >= 0 else -1
    sides = {model.teams[other].row.side for other in lead.reached_by}
    return View(
        fit=lead.fit,
        intent=lead.intent,
        trust=lead.trust,
        points=lead.points,
        warmth=lead.warmth,
        context=lead.context,
        both=float({MARKETING, SALES} <= sides),
        marketing=float(visit.row.step_count > 0 and side == MARKETING),
        delay=visit.response_delay,
        lag=visit.touched - lead.ready,
        unresolved=float(visit.unresolved),
        duplicated=float(lead.duplicated),
        own=float(team >= 0 and model.is_own(lead.source, team)),
    )
