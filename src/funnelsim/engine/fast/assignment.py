"""An assignment: one stretch of a visit for which one team answers [43, 52 to 62, 89, 95].

The steps of reference/assignment.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.fast.clocks import (
    end_clocks,
    find_action,
    forget_clocks,
    post_action,
    resolve_clock,
    schedule_action,
    start_clocks,
)
from funnelsim.engine.fast.counting import count_assignment
from funnelsim.engine.fast.definitions import expect_crossing
from funnelsim.engine.fast.draws import ONE, ZERO, stage_draw
from funnelsim.engine.fast.event_heap import schedule
from funnelsim.engine.fast.levels import on_assignment
from funnelsim.engine.fast.nurture import hand_over
from funnelsim.engine.fast.promises import draw_adherence, promise_for
from funnelsim.engine.fast.pursuit import draw_pursued, habit_delay
from funnelsim.engine.fast.queues import leave_queue, take_place
from funnelsim.engine.fast.rows import write_assignment
from funnelsim.engine.fast.state import Counter, Due, Expedite, Step
from funnelsim.engine.fast.visit import lose_context
from funnelsim.engine.jit import inline_kernel, outlined_kernel
from funnelsim.engine.rng import P_HEEDED
from funnelsim.int64 import Int
from funnelsim.plan_codes import ActionKind, AssignmentEnd, ClockState, Outcome, TermKind


@inline_kernel
def assign(plan: Any, state: Any, slot: Int, now: float) -> None:
    """A team answers for the visit: its clocks start."""
    lead = state.leads[slot]
    team = np.int64(lead.to)
    lead.owner = team
    lead.assigned_to = team
    lead.assignments += 1
    lead.assigned = now
    lead.first_joined = -1.0
    lead.first_touched = -1.0
    lead.decided = -1.0
    lead.paused_until = -1.0
    lead.made = 0
    lead.warned = 0
    lead.escalated = 0
    lead.awaiting_first_work = 1
    lead.deciding = 0
    lead.expedited_by = 0
    lead.rejoins_after_pause = 0
    lead.accepted = -1
    lead.pursued = -1
    if lead.tracks_interest and hand_over(plan, state, slot, plan.teams[team].side, now):
        expect_crossing(plan, state, slot, now)
    on_assignment(plan, state, lead)
    stage_team = plan.stage_teams[lead.stage, team]
    lead.promise = promise_for(plan, state, slot, now) if stage_team.promise_count > 0 else np.int64(-1)
    lead.adhered = -1
    if lead.promise >= 0:
        lead.adhered = draw_adherence(plan, state, slot, now)
    asked = np.int64(lead.handed_on != 0 and stage_team.accept_score >= 0)
    lead.handed_on = 0
    start_clocks(plan, state, slot, asked, now)
    clock = state.clocks[slot, TermKind.FIRST_TOUCH]
    if lead.has_clocks and lead.assignments == 1 and clock.state == ClockState.RUNNING and clock.deadline < np.inf:
        lead.first_deadline = clock.deadline
    lead.next_step = Step.ASK_ACCEPTANCE if asked else Step.OFFER_TO_TEAM


@inline_kernel
def offer_to_team(plan: Any, state: Any, slot: Int, now: float) -> None:
    """The lead is the team's to work: it joins the queue at once, or as habit has it, or is left alone [43, 95]."""
    lead = state.leads[slot]
    delay = 0.0
    known = (lead.reached_by >> lead.assigned_to) & ONE
    if not (lead.adhered == 1 or known != 0 or lead.touched_before):
        if plan.stage_teams[lead.stage, lead.assigned_to].pursue < np.inf:
            lead.pursued = draw_pursued(plan, state, slot, now)
        delay = habit_delay(plan, state, slot, now) if lead.pursued != 0 else np.inf
    if delay == 0.0:
        start_working(state, slot, now)
    elif lead.expedited_by == 0:
        lead.pending_event_token += 1
        schedule(state, now + delay, EventPriority.DUE, lead.id, Due.HABIT_ENDS, slot, lead.pending_event_token)
    if lead.expedited_by == Expedite.BUYER or (lead.expedited_by and lead.awaiting_first_work):
        lead.awaiting_first_work = 0
        lead.pending_event_token += 1
        lead.next_step = Step.JOIN_QUEUE


@inline_kernel
def start_working(state: Any, slot: Int, now: float) -> None:
    """Turn to the lead, not before a pause is over [86]."""
    lead = state.leads[slot]
    lead.awaiting_first_work = 0
    lead.next_step = Step.JOIN_QUEUE
    if lead.paused_until > now:
        lead.next_step = Step.NONE
        lead.rejoins_after_pause = 1
        lead.due = lead.paused_until
        lead.pending_event_token += 1
        schedule(state, lead.paused_until, EventPriority.DUE, lead.id, Due.PAUSE_ENDS, slot, lead.pending_event_token)


@inline_kernel
def apply_breach_action(plan: Any, state: Any, slot: Int, kind: Int, now: float) -> None:
    """The next action of a clock [56 to 59]; during an attempt it waits for its end [60]."""
    lead = state.leads[slot]
    if lead.in_service:
        lead.postponed = kind
        return
    _perform(plan, state, slot, kind, now)
    if lead.ending < 0:
        schedule_action(plan, state, slot, kind, now)


@outlined_kernel
def apply_postponed(plan: Any, state: Any, slot: Int, now: float) -> None:
    """An attempt is over: the action that waited for its end, and all that fell due since [60]."""
    lead = state.leads[slot]
    kind = np.int64(lead.postponed)
    lead.postponed = -1
    due = ONE
    while due != 0:
        _perform(plan, state, slot, kind, now)
        due = ZERO
        if lead.ending < 0 and find_action(plan, state, slot, kind):
            due = np.int64(state.clocks[slot, kind].acted_at <= now)
            if due == 0:
                post_action(plan, state, slot, kind, now)


@inline_kernel
def count_touch(plan: Any, state: Any, slot: Int, now: float) -> None:
    """An attempt starts [39]."""
    lead = state.leads[slot]
    lead.made += 1
    if lead.first_touched < 0.0:
        lead.first_touched = now
        resolve_clock(state, slot, TermKind.FIRST_TOUCH, now, True)
    promised = state.clocks[slot, TermKind.ATTEMPTS]
    if lead.has_clocks and promised.state == ClockState.RUNNING and lead.attempts >= plan.terms[promised.term].count:
        resolve_clock(state, slot, TermKind.ATTEMPTS, now, True)


@inline_kernel
def promised_attempts(plan: Any, lead: Any) -> Int:
    """How many attempts the visit gets at least [52]."""
    return plan.promises[lead.promise].attempts if lead.adhered == 1 else ZERO


@inline_kernel
def end_assignment(plan: Any, state: Any, out: Any, slot: Int, now: float) -> None:
    """Over, for whatever reason (`ending`); the row is written and counted."""
    lead = state.leads[slot]
    how = np.int64(lead.ending)
    lead.ending = -1
    lead.pending_event_token += 1
    late = end_clocks(plan, state, slot, how, now)
    count_assignment(plan, state, out, slot, late, how)
    if state.counters[Counter.TRACING] != 0:
        forget_clocks(state, slot)
        write_assignment(state, slot, late, now if how != AssignmentEnd.OPEN else -1.0, how)
    lead.assigned_to = -1
    lead.postponed = -1


@inline_kernel
def _perform(plan: Any, state: Any, slot: Int, kind: Int, now: float) -> None:
    lead = state.leads[slot]
    action = plan.actions[state.clocks[slot, kind].acted]
    if action.kind == ActionKind.WARN:
        lead.warned += 1
        if lead.awaiting_first_work and stage_draw(plan, lead, P_HEEDED, np.int64(lead.assignments)) < action.heeded:
            expedite(lead)
    elif action.kind == ActionKind.ESCALATE:
        lead.escalated = 1
        _raise_level(state, slot)
        if lead.awaiting_first_work:
            expedite(lead)
    elif action.kind == ActionKind.REASSIGN:
        if lead.reassigned < action.limit and action.to != lead.assigned_to:
            reassign(plan, lead, action.to, now)
    else:
        lead.ending = AssignmentEnd.RETURNED
        lead.exit = action.exit
        lead.outcome = Outcome.RETURNED
        lead.next_step = Step.LEAVE_STAGE


@inline_kernel
def expedite(lead: Any) -> None:
    """A promise makes the team look now, pause or not [56, 57, 89]."""
    lead.pending_event_token += 1
    if lead.deciding:
        lead.expedited_by = Expedite.PROMISE
        lead.timed_out = 0
        lead.next_step = Step.DECIDE_ACCEPTANCE
    else:
        lead.awaiting_first_work = 0
        lead.next_step = Step.JOIN_QUEUE


@inline_kernel
def _raise_level(state: Any, slot: Int) -> None:
    """Escalated leads are served before all others [57]."""
    lead = state.leads[slot]
    lead.level = 1
    if lead.waiting:
        leave_queue(state, slot)
        take_place(state, np.int64(lead.assigned_to), slot)


@inline_kernel
def reassign(plan: Any, lead: Any, to: Int, now: float) -> None:
    """Handed to another team [58]."""
    lead.reassigned += 1
    lead.level = 0
    lose_context(plan, lead, to, now)
    lead.owner = to
    lead.to = to
    lead.handed = 1
    lead.ending = AssignmentEnd.REASSIGNED
    lead.next_step = Step.ROUTE
