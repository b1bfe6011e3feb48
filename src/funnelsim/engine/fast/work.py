"""Work: who serves whom, attempts and what follows one [12 to 14, 37 to 42]. The steps of reference/visit.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.fast.agenda import schedule, schedule_work
from funnelsim.engine.fast.draws import ZERO, stage_draw, stage_duration
from funnelsim.engine.fast.outcome import effects_on, give_up, turn_cold
from funnelsim.engine.fast.promises import catch_up, count_touch, settle_tries
from funnelsim.engine.fast.queues import ask_dispatch, join_queue, take_next
from funnelsim.engine.fast.state import JOIN, N_ATTEMPTS, NO_END, ROUTE, SETTLE, TRACING
from funnelsim.engine.fast.tally import count_work
from funnelsim.engine.fast.visits import lose_context, mark_reached, owner_of
from funnelsim.engine.jit import hot
from funnelsim.engine.odds import shifted_chance
from funnelsim.engine.order import DUE
from funnelsim.engine.streams import P_CONTACT, P_CONVERSATION, P_HANDLING, on_grid
from funnelsim.engine.worktime import add_open
from funnelsim.plan import (
    BUSINESS,
    CONTACT,
    CONTACT_CHANCE,
    DAY,
    GAVE_UP,
    NO_ANSWER,
    ON_DAYS,
    PASSED_ON,
    REACHED,
    WENT_COLD,
)
from funnelsim.whole import Whole

HABIT_ENDS, NEXT_ATTEMPT = np.int64(0), np.int64(1)


@hot
def capacity_changes(plan: Any, state: Any, team: Whole, interval: Whole) -> None:
    """An opening, or a change of people: take note, and look ahead to the next one."""
    now = state.teams[team]
    at = plan.intervals[interval]
    now.capacity = at.capacity
    now.until = at.closes
    ask_dispatch(state, team)


@hot
def dispatch(plan: Any, state: Any, out: Any, team: Whole, now: float) -> None:
    """Free reps take the next leads until nobody is free or the queue is empty."""
    at = state.teams[team]
    capacity = at.capacity if now < at.until else ZERO
    while at.waiting > 0 and at.busy < capacity:
        start_attempt(plan, state, out, team, take_next(state, team), now)


@hot
def join(plan: Any, state: Any, slot: Whole, now: float) -> None:
    """Wait in the team's queue; in closed hours too [8]."""
    lead = state.leads[slot]
    lead.waiting = 1
    lead.joined = now
    if lead.first_joined < 0.0:
        lead.first_joined = now
    join_queue(plan, state, lead.assigned_to, slot)


@hot
def start_attempt(plan: Any, state: Any, out: Any, team: Whole, slot: Whole, now: float) -> None:
    """A rep turns to the lead: handling and, if reached, conversation are one piece of work [40]."""
    lead = state.leads[slot]
    step = plan.steps[plan.stages[lead.stage].step_first + lead.step]
    state.teams[team].busy += 1
    if state.n[TRACING] != 0:
        _seize(state, team, slot)           # who it is shows in the tables only
    lead.waiting = 0
    lead.in_service = 1
    lead.level = 0
    lead.started = now
    lead.attempts += 1
    lead.step_attempts += 1
    if lead.touched < 0.0 and lead.touched_before == 0:
        lead.touched = now
    count_touch(plan, state, slot, now)
    chance = _contact_chance(plan, lead, step, now)
    lead.succeeds = np.int64(chance >= 1.0)
    if 0.0 < chance < 1.0:
        lead.succeeds = np.int64(stage_draw(plan, lead, P_CONTACT, lead.attempts) < chance)
    work = stage_duration(plan, lead, step.handling, P_HANDLING, lead.attempts)
    if lead.succeeds:
        work += stage_duration(plan, lead, step.conversation, P_CONVERSATION, lead.attempts)
    if plan.teams[team].stretch != 1.0:
        work = on_grid(work * plan.teams[team].stretch)
    ends = now + work
    if plan.teams[team].resume != 0 and ends > state.teams[team].until:
        ends = add_open(plan.intervals, plan.teams[team].interval_first, plan.teams[team].interval_count, now, work)
    count_work(plan, state, out, team, lead.succeeds, now, ends)
    schedule_work(state, ends, lead.id, slot)


@hot
def finish_attempt(plan: Any, state: Any, slot: Whole, now: float) -> None:
    """The rep is free; the buyer was reached, or there is a next attempt, or the visit is over."""
    lead = state.leads[slot]
    team = lead.assigned_to
    lead.in_service = 0
    if state.n[TRACING] != 0:
        write_attempt(state, slot, now, CONTACT if lead.succeeds else NO_ANSWER)
        state.reps[team, lead.rep] = 0
    state.teams[team].busy -= 1
    ask_dispatch(state, team)
    if lead.succeeds:
        lead.reached = now
        lead.visit_token += 1               # patience ends when the buyer is reached
        lead.impatient = 0
        mark_reached(plan, lead, team)
        settle_tries(plan, state, slot, now, True)
        lead.ending = REACHED
        lead.next = SETTLE
    elif lead.patience_over:
        lead.ending = WENT_COLD             # [29] before any action that waited: the buyer is gone
        turn_cold(plan, lead)
    else:
        catch_up(plan, state, slot, now)


@hot
def after_no_answer(plan: Any, state: Any, slot: Whole, now: float) -> None:
    """Nobody answered and the lead is still ours: once more, or give up [31, 38]."""
    lead = state.leads[slot]
    stage = plan.stages[lead.stage]
    is_last = lead.step + 1 == stage.step_count
    promised = plan.duties[lead.stage, lead.assigned_to].attempts if lead.kept == 1 else ZERO
    more = is_last and lead.attempts < promised
    if lead.step_attempts >= plan.steps[stage.step_first + lead.step].attempts and not more:
        if is_last:
            settle_tries(plan, state, slot, now, False)
            lead.ending = GAVE_UP
            give_up(plan, lead)
            return
        lead.step += 1
        lead.step_attempts = 0
    due = _due(plan, lead, now)
    lead.coming_token += 1
    if due > now:
        schedule(state, due, DUE, lead.id, NEXT_ATTEMPT, slot, lead.coming_token)
    else:
        attempt_due(plan, state, slot, now)


@hot
def attempt_due(plan: Any, state: Any, slot: Whole, now: float) -> None:
    """An attempt falls due; another team may have the next step [45]."""
    lead = state.leads[slot]
    team = lead.assigned_to
    to = plan.steps[plan.stages[lead.stage].step_first + lead.step].team
    if to < 0:
        to = owner_of(plan, state, lead, lead.stage)
        if to < 0:
            to = team
    if to == team or lead.step_attempts > 0:
        lead.next = JOIN
        return
    lead.handed = np.int64(not (_owns(plan, lead.stage, team) and _owns(plan, lead.stage, to)))
    if lead.handed:
        lose_context(plan, lead, to, now)
    lead.owner = to
    lead.to = to
    lead.ending = PASSED_ON
    lead.next = ROUTE


@hot
def write_attempt(state: Any, slot: Whole, ended: float, end: Whole) -> None:
    lead = state.leads[slot]
    made = lead.waiting == 0
    row = state.attempts[state.n[N_ATTEMPTS]]
    state.n[N_ATTEMPTS] += 1
    row.lead = lead.id
    row.stage = lead.stage
    row.number = lead.number
    row.ordinal = lead.attempts if made else lead.attempts + 1
    row.assignment = lead.assignments
    row.team = lead.assigned_to
    row.rep = lead.rep if made else NO_END
    row.joined = lead.joined
    row.started = lead.started if made else -1.0
    row.ended = ended
    row.end = end


@hot
def _seize(state: Any, team: Whole, slot: Whole) -> None:
    """The free rep with the lowest number [14]."""
    rep = ZERO
    while state.reps[team, rep] != 0:
        rep += 1
    state.reps[team, rep] = 1
    state.leads[slot].rep = rep


@hot
def _contact_chance(plan: Any, lead: Any, step: Any, now: float) -> float:
    """Chance that this attempt reaches the buyer [37, 41, 65]."""
    if step.contactable != 0 and lead.reachable == 0:
        return 0.0
    chance = plan.points[step.contact_first + min(lead.attempts, step.contact_count) - 1].y
    if chance <= 0.0 or chance >= 1.0:
        return chance  # type: ignore[no-any-return]  # from a record
    shift = plan.stages[lead.stage].contact_intercept + effects_on(plan, lead, CONTACT_CHANCE, now)
    return shifted_chance(chance, shift)


@hot
def _due(plan: Any, lead: Any, now: float) -> float:
    """When the next attempt falls due; spacing runs from the end of the previous one [38]."""
    step = plan.steps[plan.stages[lead.stage].step_first + lead.step]
    if step.spacing_kind == BUSINESS:
        team = plan.teams[lead.assigned_to]
        return add_open(plan.intervals, team.interval_first, team.interval_count, now, step.spacing)
    if step.spacing_kind == ON_DAYS:
        start = lead.touched if lead.touched >= 0.0 else lead.entered
        last = plan.points[step.days_first + step.days_count - 1].y
        beyond = lead.step_attempts - step.days_count + 1
        if beyond <= 0:
            return max(now, float(start + plan.points[step.days_first + lead.step_attempts].y))
        gap = last - plan.points[step.days_first + step.days_count - 2].y if step.days_count > 1 else DAY
        return max(now, float(start + (last + beyond * gap)))
    return now + step.spacing  # type: ignore[no-any-return]  # from a record


@hot
def _owns(plan: Any, stage: Whole, team: Whole) -> bool:
    below = plan.duties[stage, team - 1].share if team > 0 else 0.0
    return plan.duties[stage, team].share > below  # type: ignore[no-any-return]  # from a record


