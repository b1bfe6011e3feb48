"""The event loop: the earliest event, its handler, and what the lead does next, until the horizon."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.fast.acceptance import ask_acceptance, decide_acceptance
from funnelsim.engine.fast.arrivals import next_week, note_next
from funnelsim.engine.fast.assignment import apply_breach_action, assign, end_assignment, offer_to_team, start_working
from funnelsim.engine.fast.attempts import attempt_due
from funnelsim.engine.fast.clocks import KIND_MASK
from funnelsim.engine.fast.counting import sample_day
from funnelsim.engine.fast.definitions import THRESHOLD_REACHED
from funnelsim.engine.fast.draws import ZERO
from funnelsim.engine.fast.duplicates import turn_up
from funnelsim.engine.fast.event_heap import (
    DETAIL_MASK,
    LEAD_SHIFT,
    NEVER,
    PRIORITY_MASK,
    drop_first,
    key_of,
    schedule,
    time_of,
)
from funnelsim.engine.fast.gate import check_definitions, draw_at_gate
from funnelsim.engine.fast.lead import is_in_flight, take_slot
from funnelsim.engine.fast.levels import review, start_reviews
from funnelsim.engine.fast.outcome import COOL_OFF_ENDS, OUTCOME_REVEALED, close, draw_outcome, leave_stage, renege
from funnelsim.engine.fast.queues import leave_queue
from funnelsim.engine.fast.rows import write_attempt
from funnelsim.engine.fast.signals import happen_signal, pause, raise_hand
from funnelsim.engine.fast.state import NOBODY, RARE, Counter, Due, Location, RunInstant, RunStatus, Step
from funnelsim.engine.fast.tasks import next_task
from funnelsim.engine.fast.team import capacity_changes, dispatch
from funnelsim.engine.fast.visit import create_lead, enter_stage, resume_visit, route, schedule_patience, settle_owner
from funnelsim.engine.fast.work import finish_work, join
from funnelsim.engine.jit import entry_point, inline_kernel, outlined_kernel
from funnelsim.engine.tuple_pointer import pointer_to
from funnelsim.int64 import Int
from funnelsim.plan_codes import AssignmentEnd, AttemptEnd, Outcome

FROM_AGENDA, FROM_WORK, FROM_ARRIVALS = (np.int64(i) for i in range(3))
ONE = np.int64(1)


@entry_point
def run(plan_: Any, state_: Any, out_: Any, stream: Int) -> Int:
    """Go on until the horizon (DONE) or until a table is full; call again with more room."""
    plan, state, out = pointer_to(plan_), pointer_to(state_), pointer_to(out_)
    margin = np.int64(len(state.reps[0]) + 16)
    stages = np.int64(len(plan.stages) + 4)
    definitions = np.int64(len(plan.definitions) * (len(plan.stages) + 2))
    weeks = plan.settings[0].weeks
    if state.counters[Counter.STARTED] == 0:
        state.replication_key[0] = stream
        _start(plan, state)
    slot, now = state.counters[Counter.INTERRUPTED], time_of(state.counters[Counter.INSTANT])
    state.counters[Counter.INTERRUPTED] = NOBODY
    while True:
        if slot >= 0:
            full = _run_steps(plan, state, out, slot, now, margin, stages, definitions)
            if full != RunStatus.DONE:
                state.counters[Counter.INTERRUPTED] = slot
                return full
            slot = NOBODY
        if (
            state.counters[Counter.NEXT_ARRIVAL] == NEVER
            and state.counters[Counter.WEEK] < weeks
            and not next_week(plan, state, stream)
        ):
            return RunStatus.ARRIVALS_FULL
        key = state.events[0].key if state.counters[Counter.PENDING] > 0 else NEVER
        work_ends = state.working[0].key if state.counters[Counter.WORKING] > 0 else NEVER
        source = FROM_AGENDA
        if work_ends < key:  # two lists never hold the same key: their ranks differ
            source, key = FROM_WORK, work_ends
        arrival = state.counters[Counter.NEXT_ARRIVAL]
        if arrival <= key and arrival != NEVER and (arrival < key or _is_first(state)):
            source, key = FROM_ARRIVALS, arrival
        dispatches = state.counters[Counter.INSTANT] | EventPriority.DISPATCH
        if key >= dispatches:
            if state.counters[Counter.DUE_TEAMS] > 0:
                _dispatch_first(plan, state, out, time_of(dispatches))
                continue
            if state.counters[Counter.NEWCOMER] >= 0 and schedule_patience(plan, state):
                continue
        full = _full(state, margin, stages, definitions)
        if full != RunStatus.DONE:
            return full
        if key >= state.counters[Counter.HORIZON_KEY]:
            return RunStatus.DONE
        state.counters[Counter.INSTANT] = key & ~PRIORITY_MASK
        state.counters[Counter.EVENTS] += 1
        now = time_of(key)
        if now >= state.clock[RunInstant.MIDNIGHT]:
            _advance_day(plan, state, now)
        if source == FROM_WORK:
            slot = _work_ends(plan, state, now)
        elif source == FROM_ARRIVALS:
            slot = _arrive(plan, state, now)
        else:
            slot = _handle(plan, state, out, now)


@entry_point
def finish(plan_: Any, state_: Any, out_: Any) -> Int:
    """What is still going on at the horizon is counted as open [16]; needs room for a row of each lead in flight."""
    plan, state, out = pointer_to(plan_), pointer_to(state_), pointer_to(out_)
    horizon = plan.settings[0].horizon
    for slot in range(len(state.leads)):
        lead = state.leads[slot]
        # a lead in its cool-off has left its stage and not yet entered the next
        if lead.location != Location.IN_STAGE:
            continue
        if lead.assigned_to >= 0:
            if state.counters[Counter.TRACING] != 0:
                if lead.waiting:
                    write_attempt(state, slot, -1.0, AttemptEnd.WAITING)
                elif lead.in_service:
                    write_attempt(state, slot, -1.0, AttemptEnd.IN_PROGRESS)
            lead.ending = AssignmentEnd.OPEN
            end_assignment(plan, state, out, slot, horizon)
        close(plan, state, out, slot, horizon, Outcome.OPEN, np.int64(-1), -1.0)
    return RunStatus.DONE


@inline_kernel
def _start(plan: Any, state: Any) -> None:
    state.counters[Counter.STARTED] = 1
    state.clock[RunInstant.HORIZON] = plan.settings[0].horizon
    state.counters[Counter.HORIZON_KEY] = key_of(state.clock[RunInstant.HORIZON], ZERO)
    state.counters[Counter.NEXT_ARRIVAL] = NEVER
    _advance_day(plan, state, 0.0)
    for team in range(len(plan.teams)):
        if plan.teams[team].interval_count > 0:
            _schedule_interval(plan, state, team, plan.teams[team].interval_first)
    start_reviews(plan, state)
    _schedule_sample(plan, state)


@inline_kernel
def _full(state: Any, margin: Int, stages: Int, definitions: Int) -> Int:
    """Which table the next event, or the next round of steps, might overrun, if any; a dispatch overruns none."""
    n = state.counters
    if n[Counter.PENDING] + margin > len(state.events):
        return RunStatus.EVENT_HEAP_FULL
    if n[Counter.FREE_SLOTS] == 0:
        return RunStatus.LEADS_FULL
    if n[Counter.LONGEST_QUEUE] + 2 > state.queues.shape[1]:
        return RunStatus.QUEUE_FULL
    if n[Counter.TRACING] != 0:
        if n[Counter.VISITS] + stages > len(state.visits):
            return RunStatus.VISITS_FULL
        if n[Counter.ASSIGNMENTS] + 2 * stages > len(state.assignments):
            return RunStatus.ASSIGNMENTS_FULL
        if n[Counter.ATTEMPTS] + stages > len(state.attempts):
            return RunStatus.ATTEMPTS_FULL
        if n[Counter.PASSAGES] + definitions > len(state.passages):
            return RunStatus.PASSAGES_FULL
    return RunStatus.DONE


@inline_kernel
def _dispatch_first(plan: Any, state: Any, out: Any, now: float) -> None:
    """The team with the lowest index; nearly always only one is due, the one that asked last."""
    team = state.counters[Counter.LAST_DUE_TEAM]
    if state.counters[Counter.DUE_TEAMS] > 1 or state.teams[team].due == 0:
        team = ZERO
        while state.teams[team].due == 0:
            team += 1
    state.teams[team].due = 0
    state.counters[Counter.DUE_TEAMS] -= 1
    dispatch(plan, state, out, team, now)


@inline_kernel
def _is_first(state: Any) -> bool:
    """Of two arrivals of one instant: whether that of the week comes before the one on the agenda, a second record."""
    other = (state.events[0].order >> LEAD_SHIFT) - ONE
    return state.arrivals[state.counters[Counter.ARRIVAL]].lead < other  # type: ignore[no-any-return]  # from a record


@inline_kernel
def _arrive(plan: Any, state: Any, now: float) -> Int:
    coming = state.arrivals[state.counters[Counter.ARRIVAL]]
    state.counters[Counter.ARRIVAL] += 1
    note_next(state)
    if is_in_flight(coming.lead):
        row = plan.initial_leads[coming.source]
        slot = take_slot(state, coming.lead, coming.stream, row.source, 0.0 - row.age)
        state.leads[slot].initial_row = coming.source
        return slot
    return take_slot(state, coming.lead, coming.stream, coming.source, now)


@inline_kernel
def _work_ends(plan: Any, state: Any, now: float) -> Int:
    slot = np.int64(state.working[0].slot)
    state.counters[Counter.WORKING] -= 1
    drop_first(state.working, state.counters[Counter.WORKING])
    finish_work(plan, state, slot, now)
    return slot


@inline_kernel
def _handle(plan: Any, state: Any, out: Any, now: float) -> Int:
    """Handler of the first event on the agenda; the slot of the lead that may have more to do now, or -1."""
    event = state.events[0]
    priority = event.key & PRIORITY_MASK
    detail = event.order & DETAIL_MASK
    slot = np.int64(event.slot)
    token = event.token
    subject = (event.order >> LEAD_SHIFT) - ONE
    state.counters[Counter.PENDING] -= 1
    drop_first(state.events, state.counters[Counter.PENDING])
    if priority == EventPriority.CAPACITY:
        capacity_changes(plan, state, subject, slot)
        if slot + 1 < plan.teams[subject].interval_first + plan.teams[subject].interval_count:
            _schedule_interval(plan, state, subject, slot + 1)
        return np.int64(-1)
    if priority == EventPriority.SAMPLE:
        sample_day(plan, state, out, now)
        _schedule_sample(plan, state)
        return np.int64(-1)
    if priority == EventPriority.REVIEW:
        review(plan, state, subject, now)
        return np.int64(-1)
    if priority == EventPriority.ARRIVAL:
        return turn_up(plan, state, slot, subject, now)
    lead = state.leads[slot]
    if priority == EventPriority.OUTCOME and detail == COOL_OFF_ENDS:
        lead.location = Location.IN_STAGE
        lead.next_step = Step.ENTER_STAGE
    elif priority == EventPriority.PATIENCE:
        if lead.visit_token != token:
            return _stale(state)
        if lead.in_service:
            lead.patience_over = 1  # [29] acts at the end of the attempt, if not reached
        else:
            lead.ending = AssignmentEnd.WENT_COLD if lead.assigned_to >= 0 else np.int64(-1)
            renege(plan, lead)
    elif priority == EventPriority.ACTION:
        kind = detail & KIND_MASK
        if state.clocks[slot, kind].token != token:
            return _stale(state)
        apply_breach_action(plan, state, slot, kind, now)
    elif priority == EventPriority.SIGNAL:
        return _buyer_event(plan, state, slot, detail, token, now)
    else:
        if lead.pending_event_token != token:
            return _stale(state)
        if priority == EventPriority.DUE:
            _due_event(plan, state, slot, detail, now)
        else:
            lead.next_step = Step.LEAVE_STAGE if detail == OUTCOME_REVEALED else Step.ASSIGN
    return slot


@inline_kernel
def _due_event(plan: Any, state: Any, slot: Int, detail: Int, now: float) -> None:
    lead = state.leads[slot]
    if detail == Due.NEXT_ATTEMPT:
        lead.next_step = Step.ATTEMPT_DUE
    elif detail == Due.HABIT_ENDS:
        start_working(state, slot, now)
    elif detail in (Due.DECISION, Due.DECISION_TIMES_OUT):
        lead.timed_out = np.int64(detail == Due.DECISION_TIMES_OUT)
        lead.next_step = Step.DECIDE_ACCEPTANCE
    else:
        lead.next_step = Step.JOIN_QUEUE


@inline_kernel
def _buyer_event(plan: Any, state: Any, slot: Int, detail: Int, token: Int, now: float) -> Int:
    """The buyer does something, or a touch of nurture brings a threshold into reach."""
    lead, interest = state.leads[slot], state.interest[slot]
    if detail != THRESHOLD_REACHED:
        if interest.token != token:
            return _stale(state)
        happen_signal(plan, state, slot, now)
        return slot
    if interest.crossing_token != token:
        return _stale(state)
    interest.crossing = np.inf
    lead.next_step = Step.CHECK_DEFINITIONS
    lead.step_after_check = Step.NONE
    return slot


@inline_kernel
def _run_steps(
    plan: Any, state: Any, out: Any, slot: Int, now: float, margin: Int, stages: Int, definitions: Int
) -> Int:
    """What the lead does next at this instant, step by step, until nothing (DONE) or until a table is full.

    A round of steps leaves one stage and enters one at most, but there may be any number of rounds.
    """
    lead = state.leads[slot]
    # in the order of a visit, so that the common ways go through once and the processor guesses them
    while lead.next_step != Step.NONE:
        if lead.ending >= 0:
            _leave_team(plan, state, out, slot, now)
        if lead.next_step == Step.DRAW_OUTCOME:
            lead.next_step = Step.NONE
            draw_outcome(plan, state, slot, now)
        if lead.next_step == Step.LEAVE_STAGE:
            lead.next_step = Step.NONE
            leave_stage(plan, state, out, slot, now)
        if lead.next_step == Step.CREATE_LEAD:
            create_lead(plan, state, out, slot, now)
        if lead.next_step == Step.ENTER_STAGE:
            enter_stage(plan, state, out, slot, now)
        if lead.next_step == Step.SETTLE_OWNER:
            settle_owner(plan, state, slot, now)
        if lead.next_step == Step.ROUTE:
            lead.next_step = Step.NONE
            route(plan, state, slot, now)
        if lead.next_step == Step.ASSIGN:
            assign(plan, state, slot, now)
        if lead.next_step == Step.OFFER_TO_TEAM:
            lead.next_step = Step.NONE
            offer_to_team(plan, state, slot, now)
        if lead.next_step == Step.ATTEMPT_DUE:
            attempt_due(plan, state, slot, now)
        if lead.next_step == Step.JOIN_QUEUE:
            lead.next_step = Step.NONE
            join(plan, state, slot, now)
        if lead.next_step >= RARE:
            _rare_step(plan, state, out, slot, now)
        if lead.next_step != Step.NONE:
            full = _full(state, margin, stages, definitions)
            if full != RunStatus.DONE:
                return full
    if lead.pausing > 0:
        pause(plan, state, slot, now)
    return np.int64(RunStatus.DONE)


@outlined_kernel
def _rare_step(plan: Any, state: Any, out: Any, slot: Int, now: float) -> None:
    lead = state.leads[slot]
    if lead.next_step == Step.CHECK_DEFINITIONS:
        check_definitions(plan, state, out, slot, now)
    elif lead.next_step == Step.RESUME_VISIT:
        resume_visit(plan, state, slot)
    elif lead.next_step == Step.RAISE_HAND:
        raise_hand(plan, state, slot, now)
    elif lead.next_step == Step.ASK_ACCEPTANCE:
        ask_acceptance(plan, state, slot, now)
    elif lead.next_step == Step.DECIDE_ACCEPTANCE:
        decide_acceptance(plan, state, slot, now)
    elif lead.next_step == Step.NEXT_TASK:
        next_task(plan, state, slot, now)
    elif lead.next_step == Step.DRAW_AT_GATE:
        draw_at_gate(plan, state, slot, now)


@inline_kernel
def _leave_team(plan: Any, state: Any, out: Any, slot: Int, now: float) -> None:
    """Out of the queue, and the assignment is over."""
    lead = state.leads[slot]
    if lead.waiting:
        if state.counters[Counter.TRACING] != 0:
            write_attempt(state, slot, now, AttemptEnd.WITHDRAWN)
        leave_queue(state, slot)
        lead.waiting = 0
    end_assignment(plan, state, out, slot, now)


@inline_kernel
def _stale(state: Any) -> Int:
    state.counters[Counter.STALE_EVENTS] += 1
    return np.int64(-1)


@inline_kernel
def _schedule_interval(plan: Any, state: Any, team: Int, interval: Int) -> None:
    schedule(state, plan.intervals[interval].opens, EventPriority.CAPACITY, team, ZERO, interval, ZERO)


@inline_kernel
def _schedule_sample(plan: Any, state: Any) -> None:
    """The midnight that ends the current day, if the days go on."""
    schedule(state, state.clock[RunInstant.MIDNIGHT], EventPriority.SAMPLE, np.int64(-1), ZERO, ZERO, ZERO)


@inline_kernel
def _advance_day(plan: Any, state: Any, now: float) -> None:
    """The day of this instant: the last midnight at or before it."""
    settings = plan.settings[0]
    while (
        state.counters[Counter.DAY] + 1 < settings.days_count
        and plan.instants[settings.days_first + state.counters[Counter.DAY] + 1] <= now
    ):
        state.counters[Counter.DAY] += 1
    state.clock[RunInstant.MIDNIGHT] = np.inf
    if state.counters[Counter.DAY] + 1 < settings.days_count:
        state.clock[RunInstant.MIDNIGHT] = plan.instants[settings.days_first + state.counters[Counter.DAY] + 1]
