"""A visit: entry, ownership, handoff [25 to 28, 44 to 50]. The steps of reference/visit.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.fast.counting import count_arrival, in_window
from funnelsim.engine.fast.definitions import pass_milestones
from funnelsim.engine.fast.draws import ONE, ZERO, stage_duration
from funnelsim.engine.fast.duplicates import become_a_lead, expect_second
from funnelsim.engine.fast.event_heap import schedule
from funnelsim.engine.fast.gate import draw_at_gate_given_age
from funnelsim.engine.fast.lead import draw_traits, entry_stage, mark_reached, owner_of
from funnelsim.engine.fast.nurture import start_nurture
from funnelsim.engine.fast.outcome import draw_outcome_given_age, give_up, residual_time
from funnelsim.engine.fast.signals import start_signals
from funnelsim.engine.fast.state import NOBODY, Counter, Location, Step
from funnelsim.engine.jit import inline_kernel, outlined_kernel
from funnelsim.engine.log_odds import piecewise_constant
from funnelsim.engine.rng import P_PATIENCE, P_ROUTING
from funnelsim.int64 import Int
from funnelsim.plan_codes import Outcome, RoutingKind

ROUTING_ENDS = np.int64(2)  # detail of the ranks OUTCOME and DELIVERY


@inline_kernel
def create_lead(plan: Any, state: Any, out: Any, slot: Int, now: float) -> None:
    """A lead comes into being, with its traits, and enters a stage."""
    lead = state.leads[slot]
    draw_traits(plan, state, slot)
    lead.next_step = Step.ENTER_STAGE
    if lead.initial_row >= 0:
        lead.in_cohort = 0
        _place_initial_lead(plan, state, slot)
        return
    if lead.second:
        become_a_lead(plan, state, slot, now)
        lead.to = plan.sources[lead.source].again_stage
    else:
        expect_second(plan, state, slot, now)
        lead.to = entry_stage(plan, lead)
    lead.in_cohort = np.int64(in_window(plan, now))
    count_arrival(plan, state, lead, out)


@inline_kernel
def enter_stage(plan: Any, state: Any, out: Any, slot: Int, now: float) -> None:
    """Begin a visit: milestones, and what moves the buyer's interest [26]."""
    lead = state.leads[slot]
    lead.next_step = Step.SETTLE_OWNER
    entered = now
    if lead.initial_row >= 0:
        lead.next_step = Step.RESUME_VISIT
        entered = 0.0 - plan.initial_leads[lead.initial_row].age
    _start_visit(state, slot, lead.to, entered)
    pass_milestones(plan, state, out, slot, now)
    lead.tracks_interest = state.stage_facts[lead.stage].tracks_interest
    if lead.tracks_interest:
        lead.step_after_check = lead.next_step
        lead.next_step = Step.CHECK_DEFINITIONS
        start_nurture(plan, state, slot, now)
        start_signals(plan, state, slot, now)


@inline_kernel
def settle_owner(plan: Any, state: Any, slot: Int, now: float) -> None:
    """Ownership, and a handoff if it changes [26]."""
    lead = state.leads[slot]
    stage = plan.stages[lead.stage]
    before = lead.owner
    owner = owner_of(plan, state, lead, lead.stage)
    if stage.step_count > 0 and plan.steps[stage.step_first].team >= 0:
        owner = plan.steps[stage.step_first].team
    if owner < 0:
        owner = before
    lead.owner = owner
    lead.handed = np.int64(before >= 0 and owner != before)
    lead.handed_on = lead.handed
    if lead.handed:
        lose_context(plan, lead, owner, now)
    if stage.step_count == 0:
        lead.next_step = Step.DRAW_OUTCOME
        return
    if stage.patience >= 0:
        _expect_patience(state, slot)
    lead.to = owner
    lead.next_step = Step.ROUTE


@outlined_kernel
def resume_visit(plan: Any, state: Any, slot: Int) -> None:
    """Carry on as a lead of the snapshot [23]."""
    lead = state.leads[slot]
    snapshot = plan.initial_leads[lead.initial_row]
    stage = plan.stages[lead.stage]
    lead.initial_row = -1
    lead.inherited = 1
    lead.next_step = Step.NONE
    if stage.step_count == 0 or snapshot.reached != 0:
        lead.touched_before = snapshot.reached
        if snapshot.reached != 0 and lead.owner >= 0:
            mark_reached(plan, lead, lead.owner)
        lead.exit = -1
        if stage.next_count == 0:
            lead.outcome = Outcome.END
            lead.next_step = Step.LEAVE_STAGE
        elif stage.gate >= 0:
            draw_at_gate_given_age(plan, state, slot, snapshot.age)
        else:
            draw_outcome_given_age(plan, state, slot, snapshot.age)
        return
    lead.attempts = snapshot.attempts
    lead.step_attempts = snapshot.attempts
    lead.touched_before = np.int64(snapshot.attempts > 0)
    while lead.step + 1 < stage.step_count and lead.step_attempts >= plan.steps[stage.step_first + lead.step].attempts:
        lead.step_attempts -= plan.steps[stage.step_first + lead.step].attempts
        lead.step += 1
    if lead.step_attempts >= plan.steps[stage.step_first + lead.step].attempts:
        give_up(plan, lead)  # all attempts were made before the run began, in vain [31]
        return
    if stage.patience >= 0:
        start_patience(state, slot, residual_time(plan, lead, stage.patience, P_PATIENCE, snapshot.age))
    lead.to = lead.owner
    lead.next_step = Step.ASSIGN


@inline_kernel
def route(plan: Any, state: Any, slot: Int, now: float) -> None:
    """Routing of a handoff: at once, after a delay, or with the next batch [48, 50]."""
    lead = state.leads[slot]
    stage_team = plan.stage_teams[lead.stage, lead.to]
    if lead.handed == 0 or stage_team.routing == RoutingKind.AT_ONCE:
        lead.next_step = Step.ASSIGN
        return
    arrives = now
    priority = EventPriority.OUTCOME
    if stage_team.routing == RoutingKind.DELAYED:
        arrives = now + stage_duration(plan, lead, stage_team.delay, P_ROUTING, lead.assignments + ONE)
    elif stage_team.routing == RoutingKind.BATCHED:
        priority = EventPriority.DELIVERY
        arrives = _next_instant(plan.instants, stage_team.batch_first, stage_team.batch_count, now)
    if arrives == now and priority == EventPriority.OUTCOME:
        lead.next_step = Step.ASSIGN
        return
    lead.pending_event_token += 1
    schedule(state, arrives, priority, lead.id, ROUTING_ENDS, slot, lead.pending_event_token)


@inline_kernel
def lose_context(plan: Any, lead: Any, team: Int, now: float) -> None:
    stage_team = plan.stage_teams[lead.stage, team]
    lead.context *= piecewise_constant(plan.points, stage_team.context_first, stage_team.context_count, now)


@inline_kernel
def start_patience(state: Any, slot: Int, length: float) -> None:
    """The buyer's patience runs from entry until first reached [28]."""
    lead = state.leads[slot]
    schedule(state, lead.entered + length, EventPriority.PATIENCE, lead.id, ZERO, slot, lead.visit_token)


@inline_kernel
def _expect_patience(state: Any, slot: Int) -> None:
    """Patience of a newcomer matters only if nobody turns to the lead at once: the dispatches of this instant tell.

    Its priority comes after all dispatches, so nothing is missed. Measured: 8,000 of 90,000 events less for funnel A.
    """
    lead = state.leads[slot]
    lead.impatient = 1
    if lead.listed == 0:
        lead.listed = 1
        lead.next_newcomer = state.counters[Counter.NEWCOMER]
        state.counters[Counter.NEWCOMER] = slot


@inline_kernel
def schedule_patience(plan: Any, state: Any) -> bool:
    """The dispatches of this instant are over: whom nobody has turned to for good may lose patience.

    False when the agenda has no room for all of them: a batch may bring any number at one instant.
    """
    slot = state.counters[Counter.NEWCOMER]
    while slot >= 0:
        if state.counters[Counter.PENDING] == len(state.events):
            state.counters[Counter.NEWCOMER] = slot
            return False
        lead = state.leads[slot]
        lead.listed = 0
        if lead.impatient and lead.location == Location.IN_STAGE and not (lead.in_service and lead.succeeds):
            table = plan.stages[lead.stage].patience
            start_patience(state, slot, stage_duration(plan, lead, table, P_PATIENCE, ZERO))
        lead.impatient = 0
        slot = np.int64(lead.next_newcomer)
    state.counters[Counter.NEWCOMER] = NOBODY
    return True


@outlined_kernel
def _place_initial_lead(plan: Any, state: Any, slot: Int) -> None:
    """What the snapshot says of a lead, before it carries on."""
    lead = state.leads[slot]
    snapshot = plan.initial_leads[lead.initial_row]
    if snapshot.value >= 0.0:
        lead.value = snapshot.value
    lead.context = snapshot.context
    lead.snapshot_stage = snapshot.stage
    lead.to = snapshot.stage
    state.visit_counts[slot, snapshot.stage] = snapshot.number - 1
    lead.owner = snapshot.team if snapshot.team >= 0 else owner_of(plan, state, lead, snapshot.stage)
    if snapshot.worked >= 0:
        before = owner_of(plan, state, lead, snapshot.worked)
        if before >= 0:
            mark_reached(plan, lead, before)


@inline_kernel
def _start_visit(state: Any, slot: Int, stage: Int, entered: float) -> None:
    lead = state.leads[slot]
    state.visit_counts[slot, stage] += 1
    state.open_visits[stage] += 1
    lead.stage = stage
    lead.number = state.visit_counts[slot, stage]
    lead.cycle = lead.cycles
    lead.entered = entered
    lead.first_deadline = -1.0
    lead.touched = -1.0
    lead.reached = -1.0
    lead.attempts = 0
    lead.assignments = 0
    lead.reassigned = 0
    lead.step = 0
    lead.step_attempts = 0
    lead.level = 0
    lead.shift = 0.0
    lead.chance = -1.0
    lead.waiting = 0
    lead.in_service = 0
    lead.patience_over = 0
    lead.touched_before = 0
    lead.inherited = 0
    lead.impatient = 0
    lead.postponed = -1
    lead.asked = -1.0
    lead.effort = 0.0
    lead.unresolved = 0
    lead.merged = 0
    lead.handed_on = 0
    lead.waits_at_gate = 0
    lead.task = -1


@inline_kernel
def _next_instant(instants: Any, first: Int, count: Int, now: float) -> float:
    low, high = first, first + count
    while low < high:
        middle = (low + high) >> 1
        if instants[middle] < now:
            low = middle + 1
        else:
            high = middle
    return instants[low] if low < first + count else np.inf
