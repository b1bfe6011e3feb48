"""What the effects on a visit look at, and their sum [66, 92 to 94]. The arithmetic is in engine/odds.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.covariates import Covariates
from funnelsim.engine.fast.nurture import apply_touches
from funnelsim.engine.jit import inline_kernel, outlined_kernel
from funnelsim.engine.log_odds import linear_predictor
from funnelsim.int64 import Int
from funnelsim.plan_codes import Side

ZERO, ONE = np.int64(0), np.int64(1)
SIDE_BITS = np.int64(60)  # reached_by: a bit a team, and from here a bit a side


@inline_kernel
def effects_on(plan: Any, state: Any, slot: Int, target: Int, now: float) -> float:
    """Sum of the effects on a target, on the log-odds (of a time: on its logarithm)."""
    if (state.stage_facts[state.leads[slot].stage].targets >> target) & ONE == 0:
        return 0.0
    return _sum(plan, state, slot, target, now)


@inline_kernel
def response_delay(lead: Any) -> float:
    """Seconds from entry, or from the hand raised last, to the first touch; -1 while untouched [64, 85]."""
    if lead.touched < 0.0:
        return -1.0
    return lead.touched - (lead.asked if lead.asked >= 0.0 else lead.entered)  # type: ignore[no-any-return]  # from a record


@inline_kernel
def is_own(plan: Any, lead: Any, team: Int) -> bool:
    """Whether the lead comes from the side of the team."""
    return plan.sources[lead.source].side == plan.teams[team].side  # type: ignore[no-any-return]  # from a record


@outlined_kernel
def _sum(plan: Any, state: Any, slot: Int, target: Int, now: float) -> float:
    lead, interest = state.leads[slot], state.interest[slot]
    apply_touches(plan, state, slot, now)
    stage = plan.stages[lead.stage]
    team = np.int64(lead.assigned_to if lead.assigned_to >= 0 else lead.owner)
    known = max(team, ZERO)
    covariates = Covariates(
        fit=lead.fit,
        intent=interest.intent,
        trust=interest.trust,
        points=interest.points,
        warmth=plan.source_segments[lead.source_segment].warmth,
        context=lead.context,
        both_teams=np.float64((lead.reached_by >> SIDE_BITS) == 3),
        marketing_sells=np.float64(stage.step_count > 0 and team >= 0 and plan.teams[known].side == Side.MARKETING),
        response_delay=response_delay(lead),
        touch_after_ready=lead.touched - interest.ready,
        unresolved=np.float64(lead.unresolved),
        duplicate=np.float64(lead.duplicated),
        own_lead=np.float64(team >= 0 and is_own(plan, lead, known)),
    )
    return linear_predictor(
        plan.effects,
        plan.points,
        plan.scores,
        plan.tables,
        plan.levels,
        state.levels,
        stage.effect_first,
        stage.effect_count,
        target,
        team,
        now,
        lead.stream,
        covariates,
    )
