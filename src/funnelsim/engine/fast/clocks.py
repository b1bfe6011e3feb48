"""Clocks: the terms of a promise running on an assignment, and what acts when they run out [53 to 62, 86]."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.business_time import add_open, open_between
from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.fast.draws import ONE, ZERO
from funnelsim.engine.fast.event_heap import schedule
from funnelsim.engine.fast.state import TERM_KINDS
from funnelsim.engine.jit import inline_kernel, outlined_kernel
from funnelsim.engine.rng import on_grid
from funnelsim.int64 import Int
from funnelsim.plan_codes import AssignmentEnd, ClockStart, ClockState, TermKind

# Detail of an action's event: place of the term within its promise, then its kind.
KIND_BITS, KIND_MASK = np.int64(2), np.int64(3)


@inline_kernel
def start_clocks(plan: Any, state: Any, slot: Int, asked: Int, now: float) -> None:
    """The clocks of what is still owed."""
    lead = state.leads[slot]
    # most stages promise nothing: then nothing of the clocks is read or written
    lead.has_clocks = np.int64(lead.promise >= 0 and plan.promises[max(np.int64(lead.promise), ZERO)].term_count > 0)
    if lead.has_clocks == 0:
        return
    for kind in range(TERM_KINDS):
        _no_clock(state.clocks[slot, kind])
    promise = plan.promises[lead.promise]
    for i in range(promise.term_first, promise.term_first + promise.term_count):
        kind = plan.terms[i].kind
        owed = (asked != 0) if kind == TermKind.ACCEPTANCE else (lead.touched_before == 0)
        if kind == TermKind.ATTEMPTS:
            owed = lead.attempts < plan.terms[i].count
        if owed:
            _start(plan, state, slot, i, now)


@inline_kernel
def resolve_clock(state: Any, slot: Int, kind: Int, now: float, met: bool) -> None:
    """The promised thing has happened, in time or not, or it will not [15]."""
    if state.leads[slot].has_clocks == 0:
        return
    clock = state.clocks[slot, kind]
    if clock.state == ClockState.RUNNING:
        clock.state = ClockState.MET if met and now <= clock.deadline else ClockState.MISSED
        clock.token += 1


@inline_kernel
def end_clocks(plan: Any, state: Any, slot: Int, how: Int, now: float) -> Int:
    """The assignment is over; whether something was late when it began [54]."""
    lead = state.leads[slot]
    late = ZERO
    if lead.has_clocks:
        for kind in range(TERM_KINDS):
            clock = state.clocks[slot, kind]
            _end(plan, clock, how, now)
            if (
                clock.state != ClockState.NONE
                and clock.state != ClockState.INHERITED
                and clock.deadline < lead.assigned
            ):
                late = ONE
    return late


@inline_kernel
def forget_clocks(state: Any, slot: Int) -> None:
    """Nothing was promised: as the tables say it."""
    if state.leads[slot].has_clocks == 0:
        for kind in range(TERM_KINDS):
            _no_clock(state.clocks[slot, kind])


@outlined_kernel
def pause_clocks(plan: Any, state: Any, slot: Int, begins: float, until: float, now: float) -> None:
    """What is still to come of the clocks comes so much later [86]."""
    lead = state.leads[slot]
    if lead.has_clocks == 0:
        return
    for kind in range(TERM_KINDS):
        clock = state.clocks[slot, kind]
        if clock.state != ClockState.RUNNING:
            continue
        clock.deadline = _moved(plan, lead, clock, clock.deadline, begins, until)
        term = plan.terms[clock.term]
        for i in range(term.action_first, term.action_first + term.action_count):
            at = _alarm(plan, state, clock, kind, i)
            state.alarms[slot, at] = _moved(plan, lead, clock, state.alarms[slot, at], begins, until)
        if clock.acted_at > begins:
            clock.acted_at = state.alarms[slot, _alarm(plan, state, clock, kind, clock.acted)]
            post_action(plan, state, slot, kind, now)


@inline_kernel
def schedule_action(plan: Any, state: Any, slot: Int, kind: Int, now: float) -> None:
    """The next action; what is overdue acts now [54]."""
    if find_action(plan, state, slot, kind):
        post_action(plan, state, slot, kind, now)


@inline_kernel
def find_action(plan: Any, state: Any, slot: Int, kind: Int) -> bool:
    """Note the next action in order of (instant, place in the file) [17]; whether there is one."""
    clock = state.clocks[slot, kind]
    if clock.state != ClockState.RUNNING:
        return False
    term = plan.terms[clock.term]
    best: Int = np.int64(-1)
    best_at = np.inf
    for i in range(term.action_first, term.action_first + term.action_count):
        at = state.alarms[slot, _alarm(plan, state, clock, kind, i)]
        coming = at > clock.acted_at or (at == clock.acted_at and i > clock.acted)
        if coming and at < best_at:
            best, best_at = i, at
    if best >= 0:
        clock.acted_at = best_at
        clock.acted = best
    return bool(best >= 0)


@inline_kernel
def post_action(plan: Any, state: Any, slot: Int, kind: Int, now: float) -> None:
    lead, clock = state.leads[slot], state.clocks[slot, kind]
    clock.token += 1
    place = clock.term - plan.promises[lead.promise].term_first
    schedule(
        state, max(clock.acted_at, now), EventPriority.ACTION, lead.id, (place << KIND_BITS) | kind, slot, clock.token
    )


@inline_kernel
def _start(plan: Any, state: Any, slot: Int, i: Int, now: float) -> None:
    lead, term = state.leads[slot], plan.terms[i]
    clock = state.clocks[slot, term.kind]
    clock.term = i
    clock.start = now
    if term.start == ClockStart.CREATED:
        clock.start = lead.arrived
    elif term.start == ClockStart.QUALIFIED:
        clock.start = lead.entered
    clock.deadline = _after(plan, lead, clock, 1.0)
    # opening hours before the run are not known: a business clock older than its length counts as late [24]
    late = clock.deadline < 0.0 or (term.business != 0 and clock.start + term.length < 0.0)
    clock.state = ClockState.INHERITED if lead.inherited and late else ClockState.RUNNING
    clock.acted_at = -np.inf
    clock.acted = -1
    for k in range(term.action_first, term.action_first + term.action_count):
        instant = max(_after(plan, lead, clock, plan.actions[k].fraction), lead.assigned)
        state.alarms[slot, _alarm(plan, state, clock, term.kind, k)] = instant
    schedule_action(plan, state, slot, term.kind, now)


@inline_kernel
def _after(plan: Any, lead: Any, clock: Any, fraction: float) -> float:
    """The instant of a fraction of the length, on the same kind of clock [55]."""
    term = plan.terms[clock.term]
    return _add(plan, lead, term, clock.start, on_grid(fraction * term.length))


@inline_kernel
def _add(plan: Any, lead: Any, term: Any, start: float, length: float) -> float:
    if term.business != 0:
        team = plan.teams[lead.assigned_to]
        return add_open(plan.intervals, team.interval_first, team.interval_count, start, length)
    return start + length


@inline_kernel
def _moved(plan: Any, lead: Any, clock: Any, instant: float, begins: float, until: float) -> float:
    """An instant of a clock after a pause."""
    if instant <= begins:
        return instant
    term, length = plan.terms[clock.term], until - begins
    if term.business != 0:
        team = plan.teams[lead.assigned_to]
        length = open_between(plan.intervals, team.interval_first, team.interval_count, begins, until)
    return _add(plan, lead, term, instant, length)


@inline_kernel
def _alarm(plan: Any, state: Any, clock: Any, kind: Int, action: Int) -> Int:
    """Where the instant of an action is kept."""
    room = np.int64(state.alarms.shape[1]) // TERM_KINDS
    return kind * room + action - plan.terms[clock.term].action_first  # type: ignore[no-any-return]  # from a record


@inline_kernel
def _no_clock(clock: Any) -> None:
    clock.state = ClockState.NONE
    clock.deadline = -1.0
    clock.token += 1


@inline_kernel
def _end(plan: Any, clock: Any, how: Int, now: float) -> None:
    """The promised thing has not happened [61]."""
    clock.token += 1
    if clock.state == ClockState.RUNNING:
        at = now if how != AssignmentEnd.OPEN else plan.settings[0].horizon
        passed = clock.deadline < at or (clock.deadline == at and how != AssignmentEnd.OPEN)
        clock.state = ClockState.MISSED if passed else ClockState.CENSORED
