"""The event loop: the earliest event, its handler, and what the lead does next, until the horizon."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine import order
from funnelsim.engine.fast.agenda import DETAIL_MASK, LEAD_SHIFT, RANK_SHIFT, drop_first, order_of, schedule
from funnelsim.engine.fast.demand import ZERO, entry_stage, is_in_flight, new_lead, next_week
from funnelsim.engine.fast.promises import act, assign, end_assignment
from funnelsim.engine.fast.queues import leave_queue
from funnelsim.engine.fast.state import (
    ASSIGN,
    AT_ARRIVAL,
    AT_DAY,
    DONE,
    ENTER,
    FULL_AGENDA,
    FULL_ARRIVALS,
    FULL_ASSIGNMENTS,
    FULL_ATTEMPTS,
    FULL_LEADS,
    FULL_QUEUE,
    FULL_VISITS,
    IN_STAGE,
    JOIN,
    LEAVE,
    N_AGENDA,
    N_ARRIVALS,
    N_ASSIGNMENTS,
    N_ATTEMPTS,
    N_DUE_TEAMS,
    N_EVENTS,
    N_FREE,
    N_LONGEST,
    N_STALE,
    N_VISITS,
    NOTHING,
    ROUTE,
    SETTLE,
    STARTED,
    TRACING,
)
from funnelsim.engine.fast.tally import count_arrival, sample_day
from funnelsim.engine.fast.visits import COOLED, ROUTED, SHOWS, close, enter, leave, resume, route, settle, turn_cold
from funnelsim.engine.fast.work import (
    NEXT_ATTEMPT,
    after_no_answer,
    attempt_due,
    capacity_changes,
    dispatch,
    finish_attempt,
    join,
    write_attempt,
)
from funnelsim.engine.jit import entry, hot
from funnelsim.plan import IN_PROGRESS, OPEN, STILL_OPEN, WAITING, WENT_COLD, WITHDRAWN

DISPATCH_ORDER = np.int64(order.DISPATCH << np.int64(59))
ARRIVAL_RANK, SAMPLE_RANK = order.ARRIVAL, order.SAMPLE
ONE = np.int64(1)


@entry
def run(plan: Any, state: Any, out: Any, key: int) -> int:
    """Go on until the horizon (DONE) or until a table is full; call again with more room."""
    horizon = plan.settings[0].horizon
    margin = np.int64(len(state.reps[0]) + 16)
    stages = np.int64(len(plan.stages) + 2)
    if state.n[STARTED] == 0:
        _start(plan, state)
    now = state.now[0]
    while True:
        full = _full(state, margin, stages)
        if full == DONE and state.n[AT_ARRIVAL] == state.n[N_ARRIVALS] and not next_week(plan, state, key):
            full = FULL_ARRIVALS
        if full != DONE:
            state.now[0] = now
            return full
        time, next_order = _peek_agenda(state)
        is_arrival = False
        if state.n[AT_ARRIVAL] < state.n[N_ARRIVALS]:
            coming = state.arrivals[state.n[AT_ARRIVAL]]
            arrival_order = order_of(ARRIVAL_RANK, coming.lead, ZERO)
            is_arrival = coming.time < time or (coming.time == time and arrival_order < next_order)
            if is_arrival:
                time, next_order = coming.time, arrival_order
        if state.n[N_DUE_TEAMS] > 0 and (time > now or next_order >= DISPATCH_ORDER):
            _dispatch_first(plan, state, out, now)
            continue
        if time >= horizon:
            return DONE
        now = time
        state.n[N_EVENTS] += 1
        slot = _arrive(plan, state, out, now) if is_arrival else _handle(plan, state, out, now)
        if slot >= 0:
            _proceed(plan, state, out, slot, now)


@entry
def finish(plan: Any, state: Any, out: Any) -> int:
    """What is still going on at the horizon is counted as open [16]; needs room for a row of each lead in flight."""
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


@hot
def _start(plan: Any, state: Any) -> None:
    state.n[STARTED] = 1
    for team in range(len(plan.teams)):
        if plan.teams[team].interval_count > 0:
            _schedule_interval(plan, state, team, plan.teams[team].interval_first)
    if plan.settings[0].days_count > 1:
        _schedule_sample(plan, state)


@hot
def _full(state: Any, margin: int, stages: int) -> int:
    """Which table the next event might overrun, if any."""
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
    return DONE


@hot
def _peek_agenda(state: Any) -> tuple[float, int]:
    if state.n[N_AGENDA] == 0:
        return np.inf, ZERO
    return state.agenda[0].time, state.agenda[0].order


@hot
def _dispatch_first(plan: Any, state: Any, out: Any, now: float) -> None:
    for team in range(len(plan.teams)):
        if state.teams[team].due:
            state.teams[team].due = 0
            state.n[N_DUE_TEAMS] -= 1
            dispatch(plan, state, out, team, now)
            return


@hot
def _arrive(plan: Any, state: Any, out: Any, now: float) -> int:
    coming = state.arrivals[state.n[AT_ARRIVAL]]
    state.n[AT_ARRIVAL] += 1
    _turn_day(plan, state, now)
    if is_in_flight(coming.lead):
        row = coming.source
        slot = new_lead(plan, state, coming.lead, coming.luck, plan.inflight[row].source, now)
        resume(plan, state, out, slot, row)
        return slot
    slot = new_lead(plan, state, coming.lead, coming.luck, coming.source, now)
    lead = state.leads[slot]
    count_arrival(plan, state, lead, out)
    lead.to = entry_stage(plan, lead)
    lead.next = ENTER
    return slot


@hot
def _handle(plan: Any, state: Any, out: Any, now: float) -> int:
    """Handler of the first event on the agenda; the slot of the lead that may have more to do now, or -1."""
    event = state.agenda[0]
    rank = event.order >> RANK_SHIFT
    detail = event.order & DETAIL_MASK
    slot = np.int64(event.slot)
    token = event.token
    subject = ((event.order >> LEAD_SHIFT) & ((ONE << np.int64(56)) - ONE)) - ONE
    drop_first(state)
    if rank == order.CAPACITY:
        capacity_changes(plan, state, subject, slot)
        if slot + 1 < plan.teams[subject].interval_first + plan.teams[subject].interval_count:
            _schedule_interval(plan, state, subject, slot + 1)
        return np.int64(-1)
    if rank == SAMPLE_RANK:
        _turn_day(plan, state, now)
        sample_day(plan, state, out)
        _schedule_sample(plan, state)
        return np.int64(-1)
    _turn_day(plan, state, now)
    lead = state.leads[slot]
    if rank == order.WORK_ENDS:
        finish_attempt(plan, state, slot, now)
        if not lead.succeeds and lead.ending < 0:
            after_no_answer(plan, state, slot, now)
    elif rank == order.OUTCOME and detail == SHOWS:
        lead.next = LEAVE
    elif rank == order.OUTCOME and detail == COOLED:
        lead.alive = IN_STAGE
        lead.next = ENTER
    elif rank == order.PATIENCE:
        if lead.visit_token != token:
            return _stale(state)
        if lead.in_service:
            lead.patience_over = 1          # [29] acts at the end of the attempt, if not reached
        else:
            lead.ending = WENT_COLD if lead.assigned_to >= 0 else np.int64(-1)
            turn_cold(plan, lead)
    elif rank == order.ACTION:
        if state.clocks[slot, detail].token != token:
            return _stale(state)
        act(plan, state, slot, detail, now)
    else:
        if lead.coming_token != token:
            return _stale(state)
        if detail == ROUTED:
            lead.next = ASSIGN
        elif detail == NEXT_ATTEMPT:
            attempt_due(plan, state, slot, now)
        else:
            lead.reacting = 0
            lead.next = JOIN
    return slot


@hot
def _proceed(plan: Any, state: Any, out: Any, slot: int, now: float) -> None:
    """What the lead does next at this instant, step by step."""
    lead = state.leads[slot]
    while lead.next != NOTHING or lead.ending >= 0:
        if lead.ending >= 0:
            _leave_team(plan, state, out, slot, now)
        step = lead.next
        lead.next = NOTHING
        if step == ENTER:
            enter(plan, state, out, slot, now)
        elif step == ROUTE:
            route(plan, state, slot, now)
        elif step == ASSIGN:
            assign(plan, state, slot, now)
        elif step == JOIN:
            join(plan, state, slot, now)
        elif step == SETTLE:
            settle(plan, state, slot, now)
        elif step == LEAVE:
            leave(plan, state, out, slot, now)


@hot
def _leave_team(plan: Any, state: Any, out: Any, slot: int, now: float) -> None:
    """Out of the queue, and the assignment is over."""
    lead = state.leads[slot]
    if lead.waiting:
        if state.n[TRACING] != 0:
            write_attempt(state, slot, now, WITHDRAWN)
        leave_queue(state, lead.assigned_to, slot)
        lead.waiting = 0
    end_assignment(plan, state, out, slot, now)


@hot
def _stale(state: Any) -> int:
    state.n[N_STALE] += 1
    return np.int64(-1)


@hot
def _schedule_interval(plan: Any, state: Any, team: int, interval: int) -> None:
    schedule(state, plan.intervals[interval].opens, order_of(order.CAPACITY, team, ZERO), interval, ZERO)


@hot
def _schedule_sample(plan: Any, state: Any) -> None:
    """The midnight that ends the current day, if the days go on."""
    settings = plan.settings[0]
    if state.n[AT_DAY] + 1 < settings.days_count:
        schedule(state, plan.instants[settings.days_first + state.n[AT_DAY] + 1], order_of(SAMPLE_RANK, np.int64(-1), ZERO),
                 ZERO, ZERO)


@hot
def _turn_day(plan: Any, state: Any, now: float) -> None:
    """The day of this instant: the last midnight at or before it."""
    settings = plan.settings[0]
    while state.n[AT_DAY] + 1 < settings.days_count and plan.instants[settings.days_first + state.n[AT_DAY] + 1] <= now:
        state.n[AT_DAY] += 1
