"""Pursuit and habit: whether and when a team that is left to itself turns to a lead new to it [43, 95]."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.covariates import EffectTarget
from funnelsim.engine.fast.draws import stage_draw, stage_duration
from funnelsim.engine.fast.effects import effects_on, is_own
from funnelsim.engine.jit import inline_kernel, outlined_kernel
from funnelsim.engine.log_odds import logistic, scale_time
from funnelsim.engine.rng import P_HABIT, P_PURSUE
from funnelsim.int64 import Int


@outlined_kernel
def draw_pursued(plan: Any, state: Any, slot: Int, now: float) -> Int:
    """Whether a lead of the other side is worked at all: 1, or 0 left alone; -1 when that is no question [95]."""
    lead = state.leads[slot]
    if is_own(plan, lead, lead.assigned_to):
        return np.int64(-1)
    pursue = plan.stage_teams[lead.stage, lead.assigned_to].pursue
    chance = logistic(pursue + effects_on(plan, state, slot, EffectTarget.PURSUIT, now))
    return np.int64(stage_draw(plan, lead, P_PURSUE, np.int64(lead.assignments)) < chance)


@inline_kernel
def habit_delay(plan: Any, state: Any, slot: Int, now: float) -> float:
    """Delay before the team turns to a lead that is new to it, when it does not do as promised [43]."""
    lead = state.leads[slot]
    delay = stage_duration(plan, lead, plan.teams[lead.assigned_to].habit, P_HABIT, np.int64(lead.assignments))
    return scale_time(delay, effects_on(plan, state, slot, EffectTarget.HABIT, now))
