"""Promises: the tier for a lead, and whether the team does as promised [52, 106]. As reference/promises.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.covariates import EffectTarget
from funnelsim.engine.fast.draws import ONE, stage_draw
from funnelsim.engine.fast.effects import effects_on
from funnelsim.engine.fast.scores import score_now
from funnelsim.engine.jit import inline_kernel, outlined_kernel
from funnelsim.engine.log_odds import piecewise_constant, shifted_chance
from funnelsim.engine.rng import P_ADHERENCE
from funnelsim.int64 import Int

LAST_BIT = np.int64(63)  # the sign: set where a tier is for all sources


@outlined_kernel
def promise_for(plan: Any, state: Any, slot: Int, now: float) -> Int:
    """The first tier that fits the lead [106]; -1 none."""
    lead = state.leads[slot]
    stage_team = plan.stage_teams[lead.stage, lead.assigned_to]
    for i in range(stage_team.promise_first, stage_team.promise_first + stage_team.promise_count):
        tier = plan.promises[i]
        is_of = (tier.segments >> lead.segment) & (tier.sources >> min(np.int64(lead.source), LAST_BIT)) & ONE
        if is_of == 0 or lead.value < tier.value:
            continue
        if tier.score < 0 or score_now(plan, state, slot, tier.score, now) >= tier.least:
            return np.int64(i)
    return np.int64(-1)


@inline_kernel
def draw_adherence(plan: Any, state: Any, slot: Int, now: float) -> Int:
    """Whether the team does as promised: one draw an assignment [52]; -1 when nothing is promised."""
    lead = state.leads[slot]
    tier = plan.promises[lead.promise]
    if tier.adherence_count == 0:
        return np.int64(-1)
    chance = piecewise_constant(plan.points, tier.adherence_first, tier.adherence_count, now)
    chance = shifted_chance(chance, effects_on(plan, state, slot, EffectTarget.ADHERENCE, now))
    return np.int64(stage_draw(plan, lead, P_ADHERENCE, np.int64(lead.assignments)) < chance)
