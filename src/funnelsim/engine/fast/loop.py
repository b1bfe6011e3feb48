"""The event loop: the earliest event, its handler, and what the lead does next, until the horizon."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine import event_priority
from funnelsim.engine.fast.acceptance import ask, decide
from funnelsim.engine.fast.clocks import KIND_MASK
from funnelsim.engine.fast.counting import sample_day
from funnelsim.engine.fast.definitions import CROSSES
from funnelsim.engine.fast.demand import ZERO, is_in_flight, next_week, note_next, take_slot
from funnelsim.engine.fast.duplicates import turn_up
from funnelsim.engine.fast.event_heap import (
    DETAIL_MASK,
    LEAD_SHIFT,
    NEVER,
    RANK_MASK,
    drop_first,
    key_of,
    schedule,
    time_of,
)
from funnelsim.engine.fast.gate import look, settle_at_gate
from funnelsim.engine.fast.levels import review, start_reviews
from funnelsim.engine.fast.outcome import COOLED, SHOWS, close, leave, settle, turn_cold
from funnelsim.engine.fast.promises import act, assign, end_assignment, react, take_up
from funnelsim.engine.fast.queues import leave_queue
from funnelsim.engine.fast.rows import write_attempt
from funnelsim.engine.fast.signals import happen, pause, raise_hand
from funnelsim.engine.fast.state import (
    ASK,
    ASSIGN,
    AT_ARRIVAL,
    AT_DAY,
    AT_WEEK,
    BIRTH,
    DECIDE,
    DECIDES,
    DONE,
    END_KEY,
    ENTER,
    FALL_DUE,
    FULL_AGENDA,
    FULL_ARRIVALS,
    FULL_ASSIGNMENTS,
    FULL_ATTEMPTS,
    FULL_LEADS,
    FULL_PASSINGS,
    FULL_QUEUE,
    FULL_VISITS,
    GATE,
    HABIT_ENDS,
    HAND,
    HORIZON,
    IN_STAGE,
    INSTANT,
    JOIN,
    LAST_DUE,
    LEAVE,
    LOOK,
    MIDNIGHT,
    N_AGENDA,
    N_ASSIGNMENTS,
    N_ATTEMPTS,
    N_DUE_TEAMS,
    N_EVENTS,
    N_FREE,
    N_LONGEST,
    N_PASSINGS,
    N_STALE,
    N_VISITS,
    N_WORKING,
    NEWCOMER,
    NEXT_ARRIVAL,
    NEXT_ATTEMPT,
    NEXT_TASK,
    NOTHING,
    RARE,
    RESUME,
    ROUTE,
    SETTLE,
    STARTED,
    TAKE_IN,
    TAKE_UP,
    TIMES_OUT,
    TRACING,
)
from funnelsim.engine.fast.tasks import next_task
from funnelsim.engine.fast.visits import birth, enter, newcomers_wait, resume, route, take_in
from funnelsim.engine.fast.work import attempt_due, capacity_changes, dispatch, finish_work, join
from funnelsim.engine.jit import entry_point, inline_kernel, outlined_kernel
from funnelsim.engine.tuple_pointer import pointer_to
from funnelsim.int64 import Int
from funnelsim.plan import IN_PROGRESS, OPEN, STILL_OPEN, WAITING, WENT_COLD, WITHDRAWN

SAMPLE_RANK = event_priority.SAMPLE
FROM_AGENDA, FROM_WORK, FROM_ARRIVALS = (np.int64(i) for i in range(3))
ONE = np.int64(1)


@entry_point
def run(plan_: Any, state_: Any, out_: Any, luck: Int) -> Int:
    """Go on until the horizon (DONE) or until a table is full; call again with more room."""
    plan, state, out = pointer_to(plan_), pointer_to(state_), pointer_to(out_)
    margin = np.int64(len(state.reps[0]) + 16)
    stages = np.int64(len(plan.stages) + 4)
    definitions = np.int64(len(plan.definitions) * (len(plan.stages) + 2))
    weeks = plan.settings[0].weeks
    if state.n[STARTED] == 0:
        state.luck[0] = luck
        _start(plan, state)
    while True:
        if state.n[NEXT_ARRIVAL] == NEVER and state.n[AT_WEEK] < weeks and not next_week(plan, state, luck):
            return FULL_ARRIVALS
        key = state.agenda[0].key if state.n[N_AGENDA] > 0 else NEVER
        work_ends = state.working[0].key if state.n[N_WORKING] > 0 else NEVER
        source = FROM_AGENDA
        if work_ends < key:  # two lists never hold the same key: their ranks differ
            source, key = FROM_WORK, work_ends
        arrival = state.n[NEXT_ARRIVAL]
        if arrival <= key and arrival != NEVER and (arrival < key or _is_first(state)):
            source, key = FROM_ARRIVALS, arrival
        dispatches = state.n[INSTANT] | event_priority.DISPATCH
        if key >= dispatches:
            if state.n[N_DUE_TEAMS] > 0:
                _dispatch_first(plan, state, out, time_of(dispatches))
                continue
            if state.n[NEWCOMER] >= 0 and newcomers_wait(plan, state):
                continue
        full = _full(state, margin, stages, definitions)
        if full != DONE:
            return full
        if key >= state.n[END_KEY]:
            return DONE
        state.n[INSTANT] = key & ~RANK_MASK
        state.n[N_EVENTS] += 1
        now = time_of(key)
        if now >= state.now[MIDNIGHT]:
            _turn_day(plan, state, now)
        if source == FROM_WORK:
            slot = _work_ends(plan, state, now)
        elif source == FROM_ARRIVALS:
            slot = _arrive(plan, state, now)
        else:
            slot = _handle(plan, state, out, now)
        if slot >= 0:
            _proceed(plan, state, out, slot, now)


@entry_point
def finish(plan_: Any, state_: Any, out_: Any) -> Int:
    """What is still going on at the horizon is counted as open [16]; needs room for a row of each lead in flight."""
    plan, state, out = pointer_to(plan_), pointer_to(state_), pointer_to(out_)
    horizon = plan.settings[0].horizon
    for slot in range(len(state.leads)):
        lead = state.leads[slot]
        # a lead in its cool-off has left its stage and not yet entered the next
        if lead.alive != IN_STAGE:
            continue
        if lead.assigned_to >= 0:
            if state.n[TRACING] != 0:
                if lead.waiting:
                    write_attempt(state, slot, -1.0, WAITING)
                elif lead.in_service:
                    write_attempt(state, slot, -1.0, IN_PROGRESS)
            lead.ending = STILL_OPEN
            end_assignment(plan, state, out, slot, horizon)
        close(plan, state, out, slot, horizon, OPEN, np.int64(-1), -1.0)
    return DONE


@inline_kernel
def _start(plan: Any, state: Any) -> None:
    state.n[STARTED] = 1
    state.now[HORIZON] = plan.settings[0].horizon
    state.n[END_KEY] = key_of(state.now[HORIZON], ZERO)
    state.n[NEXT_ARRIVAL] = NEVER
    _turn_day(plan, state, 0.0)
    for team in range(len(plan.teams)):
        if plan.teams[team].interval_count > 0:
            _schedule_interval(plan, state, team, plan.teams[team].interval_first)
    start_reviews(plan, state)
    _schedule_sample(plan, state)


@inline_kernel
def _full(state: Any, margin: Int, stages: Int, definitions: Int) -> Int:
    """Which table the next event might overrun, if any; a dispatch overruns none."""
    n = state.n
    if n[N_AGENDA] + margin > len(state.agenda):
        return FULL_AGENDA
    if n[N_FREE] == 0:
        return FULL_LEADS
    if n[N_LONGEST] + 2 > state.queues.shape[1]:
        return FULL_QUEUE
    if n[TRACING] != 0:
        if n[N_VISITS] + stages > len(state.visits):
            return FULL_VISITS
        if n[N_ASSIGNMENTS] + 2 * stages > len(state.assignments):
            return FULL_ASSIGNMENTS
        if n[N_ATTEMPTS] + stages > len(state.attempts):
            return FULL_ATTEMPTS
        if n[N_PASSINGS] + definitions > len(state.passings):
            return FULL_PASSINGS
    return DONE


@inline_kernel
def _dispatch_first(plan: Any, state: Any, out: Any, now: float) -> None:
    """The team with the lowest index; nearly always only one is due, the one that asked last."""
    team = state.n[LAST_DUE]
    if state.n[N_DUE_TEAMS] > 1 or state.teams[team].due == 0:
        team = ZERO
        while state.teams[team].due == 0:
            team += 1
    state.teams[team].due = 0
    state.n[N_DUE_TEAMS] -= 1
    dispatch(plan, state, out, team, now)


@inline_kernel
def _is_first(state: Any) -> bool:
    """Of two arrivals of one instant: whether that of the week comes before the one on the agenda, a second record."""
    other = (state.agenda[0].order >> LEAD_SHIFT) - ONE
    return state.arrivals[state.n[AT_ARRIVAL]].lead < other  # type: ignore[no-any-return]  # from a record


@inline_kernel
def _arrive(plan: Any, state: Any, now: float) -> Int:
    coming = state.arrivals[state.n[AT_ARRIVAL]]
    state.n[AT_ARRIVAL] += 1
    note_next(state)
    if is_in_flight(coming.lead):
        row = plan.inflight[coming.source]
        slot = take_slot(state, coming.lead, coming.luck, row.source, 0.0 - row.age)
        state.leads[slot].flight = coming.source
        return slot
    return take_slot(state, coming.lead, coming.luck, coming.source, now)


@inline_kernel
def _work_ends(plan: Any, state: Any, now: float) -> Int:
    slot = np.int64(state.working[0].slot)
    state.n[N_WORKING] -= 1
    drop_first(state.working, state.n[N_WORKING])
    finish_work(plan, state, slot, now)
    return slot


@inline_kernel
def _handle(plan: Any, state: Any, out: Any, now: float) -> Int:
    """Handler of the first event on the agenda; the slot of the lead that may have more to do now, or -1."""
    event = state.agenda[0]
    rank = event.key & RANK_MASK
    detail = event.order & DETAIL_MASK
    slot = np.int64(event.slot)
    token = event.token
    subject = (event.order >> LEAD_SHIFT) - ONE
    state.n[N_AGENDA] -= 1
    drop_first(state.agenda, state.n[N_AGENDA])
    if rank == event_priority.CAPACITY:
        capacity_changes(plan, state, subject, slot)
        if slot + 1 < plan.teams[subject].interval_first + plan.teams[subject].interval_count:
            _schedule_interval(plan, state, subject, slot + 1)
        return np.int64(-1)
    if rank == SAMPLE_RANK:
        sample_day(plan, state, out, now)
        _schedule_sample(plan, state)
        return np.int64(-1)
    if rank == event_priority.REVIEW:
        review(plan, state, subject, now)
        return np.int64(-1)
    if rank == event_priority.ARRIVAL:
        return turn_up(plan, state, slot, subject, now)
    lead = state.leads[slot]
    if rank == event_priority.OUTCOME and detail == COOLED:
        lead.alive = IN_STAGE
        lead.next = ENTER
    elif rank == event_priority.PATIENCE:
        if lead.visit_token != token:
            return _stale(state)
        if lead.in_service:
            lead.patience_over = 1  # [29] acts at the end of the attempt, if not reached
        else:
            lead.ending = WENT_COLD if lead.assigned_to >= 0 else np.int64(-1)
            turn_cold(plan, lead)
    elif rank == event_priority.ACTION:
        kind = detail & KIND_MASK
        if state.clocks[slot, kind].token != token:
            return _stale(state)
        act(plan, state, slot, kind, now)
    elif rank == event_priority.SIGNAL:
        return _stirs(plan, state, slot, detail, token, now)
    else:
        if lead.coming_token != token:
            return _stale(state)
        if rank == event_priority.DUE:
            _falls_due(plan, state, slot, detail, now)
        else:
            lead.next = LEAVE if detail == SHOWS else ASSIGN
    return slot


@inline_kernel
def _falls_due(plan: Any, state: Any, slot: Int, detail: Int, now: float) -> None:
    lead = state.leads[slot]
    if detail == NEXT_ATTEMPT:
        lead.next = FALL_DUE
    elif detail == HABIT_ENDS:
        react(state, slot, now)
    elif detail in (DECIDES, TIMES_OUT):
        lead.timed_out = np.int64(detail == TIMES_OUT)
        lead.next = DECIDE
    else:
        lead.next = JOIN


@inline_kernel
def _stirs(plan: Any, state: Any, slot: Int, detail: Int, token: Int, now: float) -> Int:
    """The buyer does something, or a touch of nurture brings a threshold into reach."""
    lead, mind = state.leads[slot], state.minds[slot]
    if detail != CROSSES:
        if mind.token != token:
            return _stale(state)
        happen(plan, state, slot, now)
        return slot
    if mind.crossing_token != token:
        return _stale(state)
    mind.crossing = np.inf
    lead.next = LOOK
    lead.then = NOTHING
    return slot


@inline_kernel
def _proceed(plan: Any, state: Any, out: Any, slot: Int, now: float) -> None:
    """What the lead does next at this instant, step by step."""
    lead = state.leads[slot]
    # in the order of a visit, so that the common ways go through once and the processor guesses them
    while lead.next != NOTHING:
        if lead.ending >= 0:
            _leave_team(plan, state, out, slot, now)
        if lead.next == SETTLE:
            lead.next = NOTHING
            settle(plan, state, slot, now)
        if lead.next == LEAVE:
            lead.next = NOTHING
            leave(plan, state, out, slot, now)
        if lead.next == BIRTH:
            birth(plan, state, out, slot, now)
        if lead.next == ENTER:
            enter(plan, state, out, slot, now)
        if lead.next == TAKE_IN:
            take_in(plan, state, slot, now)
        if lead.next == ROUTE:
            lead.next = NOTHING
            route(plan, state, slot, now)
        if lead.next == ASSIGN:
            assign(plan, state, slot, now)
        if lead.next == TAKE_UP:
            lead.next = NOTHING
            take_up(plan, state, slot, now)
        if lead.next == FALL_DUE:
            attempt_due(plan, state, slot, now)
        if lead.next == JOIN:
            lead.next = NOTHING
            join(plan, state, slot, now)
        if lead.next >= RARE:
            _rare_step(plan, state, out, slot, now)
    if lead.pausing > 0:
        pause(plan, state, slot, now)


@outlined_kernel
def _rare_step(plan: Any, state: Any, out: Any, slot: Int, now: float) -> None:
    lead = state.leads[slot]
    if lead.next == LOOK:
        look(plan, state, out, slot, now)
    elif lead.next == RESUME:
        resume(plan, state, slot)
    elif lead.next == HAND:
        raise_hand(plan, state, slot, now)
    elif lead.next == ASK:
        ask(plan, state, slot, now)
    elif lead.next == DECIDE:
        decide(plan, state, slot, now)
    elif lead.next == NEXT_TASK:
        next_task(plan, state, slot, now)
    elif lead.next == GATE:
        settle_at_gate(plan, state, slot, now)


@inline_kernel
def _leave_team(plan: Any, state: Any, out: Any, slot: Int, now: float) -> None:
    """Out of the queue, and the assignment is over."""
    lead = state.leads[slot]
    if lead.waiting:
        if state.n[TRACING] != 0:
            write_attempt(state, slot, now, WITHDRAWN)
        leave_queue(state, slot)
        lead.waiting = 0
    end_assignment(plan, state, out, slot, now)


@inline_kernel
def _stale(state: Any) -> Int:
    state.n[N_STALE] += 1
    return np.int64(-1)


@inline_kernel
def _schedule_interval(plan: Any, state: Any, team: Int, interval: Int) -> None:
    schedule(state, plan.intervals[interval].opens, event_priority.CAPACITY, team, ZERO, interval, ZERO)


@inline_kernel
def _schedule_sample(plan: Any, state: Any) -> None:
    """The midnight that ends the current day, if the days go on."""
    schedule(state, state.now[MIDNIGHT], SAMPLE_RANK, np.int64(-1), ZERO, ZERO, ZERO)


@inline_kernel
def _turn_day(plan: Any, state: Any, now: float) -> None:
    """The day of this instant: the last midnight at or before it."""
    settings = plan.settings[0]
    while state.n[AT_DAY] + 1 < settings.days_count and plan.instants[settings.days_first + state.n[AT_DAY] + 1] <= now:
        state.n[AT_DAY] += 1
    state.now[MIDNIGHT] = np.inf
    if state.n[AT_DAY] + 1 < settings.days_count:
        state.now[MIDNIGHT] = plan.instants[settings.days_first + state.n[AT_DAY] + 1]
