"""Attempts: trying to reach the buyer, step by step of the stage's work [31, 37 to 42, 45, 99]."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.business_time import add_open
from funnelsim.engine.covariates import EffectTarget
from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.fast.assignment import count_touch, promised_attempts
from funnelsim.engine.fast.clocks import resolve_clock
from funnelsim.engine.fast.draws import stage_draw, stage_duration
from funnelsim.engine.fast.effects import effects_on
from funnelsim.engine.fast.event_heap import schedule
from funnelsim.engine.fast.lead import owner_of
from funnelsim.engine.fast.outcome import give_up
from funnelsim.engine.fast.state import Due, Step
from funnelsim.engine.fast.visit import lose_context
from funnelsim.engine.jit import inline_kernel
from funnelsim.engine.log_odds import shifted_chance
from funnelsim.engine.rng import P_CONTACT, P_CONVERSATION, P_HANDLING, P_PREPARE
from funnelsim.int64 import Int
from funnelsim.plan import DAY
from funnelsim.plan_codes import AssignmentEnd, SpacingKind, TermKind


@inline_kernel
def attempt_due(plan: Any, state: Any, slot: Int, now: float) -> None:
    """An attempt falls due; another team may have the next step [45]."""
    lead = state.leads[slot]
    team = np.int64(lead.assigned_to)
    to = plan.steps[plan.stages[lead.stage].step_first + lead.step].team
    if to < 0:
        to = owner_of(plan, state, lead, lead.stage)
        if to < 0:
            to = team
    if to == team or lead.step_attempts > 0:
        lead.next_step = Step.JOIN_QUEUE
        return
    lead.handed = np.int64(not (_owns(plan, lead.stage, team) and _owns(plan, lead.stage, to)))
    if lead.handed:
        lose_context(plan, lead, to, now)
    lead.owner = to
    lead.to = to
    lead.ending = AssignmentEnd.PASSED_ON
    lead.next_step = Step.ROUTE


@inline_kernel
def start_attempt(plan: Any, state: Any, slot: Int, now: float) -> float:
    """Handling and, if reached, conversation; seconds of work before the stretch."""
    lead = state.leads[slot]
    step = plan.steps[plan.stages[lead.stage].step_first + lead.step]
    lead.attempts += 1
    lead.step_attempts += 1
    if lead.touched < 0.0 and lead.touched_before == 0:
        lead.touched = now
    count_touch(plan, state, slot, now)
    attempt = np.int64(lead.attempts)
    chance = _contact_chance(plan, state, slot, step, now)
    lead.succeeds = np.int64(chance >= 1.0)
    if 0.0 < chance < 1.0:
        lead.succeeds = np.int64(stage_draw(plan, lead, P_CONTACT, attempt) < chance)
    work = stage_duration(plan, lead, step.handling, P_HANDLING, attempt)
    if lead.succeeds:
        work += stage_duration(plan, lead, step.conversation, P_CONVERSATION, attempt)
    if step.preparation >= 0 and lead.made == 1:
        work += stage_duration(plan, lead, step.preparation, P_PREPARE, np.int64(lead.assignments))
    return work


@inline_kernel
def after_no_answer(plan: Any, state: Any, slot: Int, now: float) -> None:
    """Nobody answered and the lead is still ours: once more, or give up [31, 38]."""
    lead = state.leads[slot]
    stage = plan.stages[lead.stage]
    is_last = lead.step + 1 == stage.step_count
    more = is_last and lead.attempts < promised_attempts(plan, lead)
    if lead.step_attempts >= plan.steps[stage.step_first + lead.step].attempts and not more:
        if is_last:
            resolve_clock(state, slot, TermKind.ATTEMPTS, now, False)
            lead.ending = AssignmentEnd.GAVE_UP
            give_up(plan, lead)
            return
        lead.step += 1
        lead.step_attempts = 0
    lead.due = max(_due(plan, lead, now), float(lead.paused_until))
    lead.pending_event_token += 1
    if lead.due > now:
        schedule(state, lead.due, EventPriority.DUE, lead.id, Due.NEXT_ATTEMPT, slot, lead.pending_event_token)
    else:
        lead.next_step = Step.ATTEMPT_DUE


@inline_kernel
def _contact_chance(plan: Any, state: Any, slot: Int, step: Any, now: float) -> float:
    """Chance that this attempt reaches the buyer [37, 41, 65, 101]."""
    lead = state.leads[slot]
    lead.contact_shift = effects_on(plan, state, slot, EffectTarget.CONTACT, now)
    if step.contactable != 0 and lead.reachable == 0:
        return 0.0
    chance = plan.points[step.contact_first + min(lead.attempts, step.contact_count) - 1].y
    return shifted_chance(chance, plan.stages[lead.stage].contact_intercept + lead.contact_shift)


@inline_kernel
def _due(plan: Any, lead: Any, now: float) -> float:
    """When the next attempt falls due; spacing runs from the end of the previous one [38]."""
    step = plan.steps[plan.stages[lead.stage].step_first + lead.step]
    if step.spacing_kind == SpacingKind.BUSINESS:
        team = plan.teams[lead.assigned_to]
        return add_open(plan.intervals, team.interval_first, team.interval_count, now, step.spacing)
    if step.spacing_kind == SpacingKind.ON_DAYS:
        start = lead.touched if lead.touched >= 0.0 else lead.entered
        last = plan.points[step.days_first + step.days_count - 1].y
        residual_time = lead.step_attempts - step.days_count + 1
        if residual_time <= 0:
            return max(now, float(start + plan.points[step.days_first + lead.step_attempts].y))
        gap = last - plan.points[step.days_first + step.days_count - 2].y if step.days_count > 1 else DAY
        return max(now, float(start + (last + residual_time * gap)))
    return now + step.spacing  # type: ignore[no-any-return]  # from a record


@inline_kernel
def _owns(plan: Any, stage: Int, team: Int) -> bool:
    below = plan.stage_teams[stage, team - 1].share if team > 0 else 0.0
    return plan.stage_teams[stage, team].share > below  # type: ignore[no-any-return]  # from a record
