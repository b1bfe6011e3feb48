"""Work: who serves whom, attempts and what follows one [12 to 14, 37 to 42, 98, 99, 102].

The steps of reference/team.py, work.py and attempts.py.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from funnelsim.engine.business_time import add_open
from funnelsim.engine.covariates import EffectTarget
from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.fast.clocks import resolve_clock
from funnelsim.engine.fast.counting import count_work
from funnelsim.engine.fast.draws import ZERO, stage_draw, stage_duration
from funnelsim.engine.fast.effects import effects_on
from funnelsim.engine.fast.event_heap import schedule, schedule_work
from funnelsim.engine.fast.outcome import give_up, renege
from funnelsim.engine.fast.promises import apply_postponed, count_touch, promised_attempts
from funnelsim.engine.fast.queues import NO_LANE, ask_dispatch, join_queue, next_lane, take_next
from funnelsim.engine.fast.rows import write_attempt
from funnelsim.engine.fast.state import AWAY, BUSY, Counter, Due, Step
from funnelsim.engine.fast.tasks import begin_tasks, finish_task, start_task
from funnelsim.engine.fast.visits import lose_context, mark_reached, owner_of
from funnelsim.engine.jit import inline_kernel, outlined_kernel
from funnelsim.engine.log_odds import piecewise_constant, shifted_chance
from funnelsim.engine.rng import (
    P_ABSENT,
    P_CONTACT,
    P_CONVERSATION,
    P_HANDLING,
    P_PREPARE,
    bits,
    lead_stream,
    on_grid,
    uniform,
)
from funnelsim.int64 import Int
from funnelsim.plan import DAY
from funnelsim.plan_codes import AssignmentEnd, AttemptEnd, QueueLayout, SpacingKind, TermKind


@inline_kernel
def capacity_changes(plan: Any, state: Any, team: Int, interval: Int) -> None:
    """An opening, or a change of people: take note, and look ahead to the next one."""
    now, row = state.teams[team], plan.teams[team]
    at = plan.intervals[interval]
    now.capacity = at.capacity
    now.present = at.capacity
    now.until = at.closes
    if row.absence > 0.0:
        now.present -= _note_absence(plan, state, team, at.opens, at.capacity)
    if row.lanes == QueueLayout.BUDGETED and (
        interval == row.interval_first or plan.intervals[interval - 1].closes < at.opens
    ):
        for lane in range(row.lane_first, row.lane_first + row.lane_count):
            state.lanes[lane].spent = 0.0
    ask_dispatch(state, team)


@inline_kernel
def dispatch(plan: Any, state: Any, out: Any, team: Int, now: float) -> None:
    """Free reps take the next leads until nobody is free or the queue is empty."""
    lane = next_lane(plan, state, team, now)
    while lane != NO_LANE:
        start(plan, state, out, team, take_next(state, lane), now)
        lane = next_lane(plan, state, team, now)


@inline_kernel
def join(plan: Any, state: Any, slot: Int, now: float) -> None:
    """Wait in the team's queue; in closed hours too [8]."""
    lead = state.leads[slot]
    lead.waiting = 1
    lead.rejoins_after_pause = 0
    lead.joined = now
    if lead.first_joined < 0.0:
        lead.first_joined = now
    join_queue(plan, state, np.int64(lead.assigned_to), slot, now)


@inline_kernel
def start(plan: Any, state: Any, out: Any, team: Int, slot: Int, now: float) -> None:
    """A rep turns to the lead: one piece of work [40]."""
    lead, row = state.leads[slot], plan.teams[team]
    state.teams[team].busy += 1
    if state.teams[team].numbered != 0:
        _seize(plan, state, team, slot)
    lead.waiting = 0
    lead.in_service = 1
    lead.level = 0
    lead.started = now
    work = start_task(plan, state, slot, now) if lead.task >= 0 else _start_attempt(plan, state, slot, now)
    stretch = piecewise_constant(plan.points, row.stretch_first, row.stretch_count, now)
    if stretch != 1.0:
        work = on_grid(work * stretch)
    lead.work = work
    if row.lanes == QueueLayout.BUDGETED:
        state.lanes[lead.lane].spent += work
    ends = now + work
    if row.resume != 0 and ends > state.teams[team].until:
        ends = add_open(plan.intervals, row.interval_first, row.interval_count, now, work)
    count_work(plan, state, out, team, np.int64(lead.succeeds), now, ends)
    schedule_work(state, ends, lead.id, slot)


@inline_kernel
def finish_work(plan: Any, state: Any, slot: Int, now: float) -> None:
    """The rep is free; the buyer was reached, or there is a next attempt, or the visit is over."""
    lead = state.leads[slot]
    team = np.int64(lead.assigned_to)
    lead.in_service = 0
    lead.effort += lead.work
    if state.counters[Counter.TRACING] != 0:
        write_attempt(state, slot, now, AttemptEnd.CONTACT if lead.succeeds else AttemptEnd.NO_ANSWER)
    if state.teams[team].numbered != 0:
        state.reps[team, lead.rep] &= ~BUSY
    state.teams[team].busy -= 1
    ask_dispatch(state, team)
    if lead.task >= 0:
        finish_task(plan, lead)
    elif lead.succeeds:
        lead.reached = now
        lead.visit_token += 1  # patience ends when the buyer is reached
        lead.impatient = 0
        mark_reached(plan, lead, team)
        resolve_clock(state, slot, TermKind.ATTEMPTS, now, True)
        if plan.stages[lead.stage].task_count > 0:
            begin_tasks(plan, lead)
        else:
            lead.ending = AssignmentEnd.REACHED
            lead.next_step = Step.DRAW_OUTCOME
    elif lead.patience_over:
        lead.ending = AssignmentEnd.WENT_COLD  # [29] before any action that waited: the buyer is gone
        renege(plan, lead)
    else:
        if lead.postponed >= 0:
            apply_postponed(plan, state, slot, now)
        if lead.ending < 0:
            _after_no_answer(plan, state, slot, now)


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
def _start_attempt(plan: Any, state: Any, slot: Int, now: float) -> float:
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
def _after_no_answer(plan: Any, state: Any, slot: Int, now: float) -> None:
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
def _seize(plan: Any, state: Any, team: Int, slot: Int) -> None:
    """The free rep with the lowest number [14], or the one the lead belongs to [103]."""
    lead, row = state.leads[slot], plan.teams[team]
    rep = ZERO
    if row.lanes == QueueLayout.PERSONAL:
        rep = lead.lane - row.lane_first
    while state.reps[team, rep] != 0:
        rep += 1
    state.reps[team, rep] |= BUSY
    lead.rep = rep


@outlined_kernel
def _note_absence(plan: Any, state: Any, team: Int, opens: float, capacity: Int) -> Int:
    """Who is away today [102]; how many of those on shift."""
    row = plan.teams[team]
    away = ZERO
    day = np.int64(math.floor(opens / DAY))
    for rep in range(row.people):
        stream = lead_stream(state.replication_key[0], row.stream, day, np.int64(rep))
        state.reps[team, rep] &= ~AWAY
        if uniform(bits(stream, P_ABSENT, ZERO, ZERO)) < row.absence:
            state.reps[team, rep] |= AWAY
            away += np.int64(rep < capacity)
    return away


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
