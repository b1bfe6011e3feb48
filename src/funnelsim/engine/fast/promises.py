"""Promises: assignments, their clocks and what a breach does [43, 52 to 62]. The steps of reference/assignment.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.fast.agenda import schedule
from funnelsim.engine.fast.draws import ONE, ZERO, stage_draw, stage_duration
from funnelsim.engine.fast.queues import join_queue, leave_queue
from funnelsim.engine.fast.state import JOIN, LEAVE, N_ASSIGNMENTS, ROUTE, TRACING
from funnelsim.engine.fast.tally import count_assignment
from funnelsim.engine.fast.visits import lose_context
from funnelsim.engine.jit import hot
from funnelsim.engine.odds import step_value
from funnelsim.engine.order import ACTION, DUE
from funnelsim.engine.streams import P_HABIT, P_HEEDED, P_KEPT, on_grid
from funnelsim.engine.worktime import add_open
from funnelsim.plan import (
    ATTEMPTS_WITHIN,
    BROKEN,
    CREATED,
    ESCALATE,
    FIRST_TOUCH,
    INHERITED,
    KEPT,
    NEITHER,
    NO_CLOCK,
    QUALIFIED,
    REASSIGN,
    REASSIGNED,
    RETURNED,
    RUNNING,
    SENT_BACK,
    STILL_OPEN,
    WARN,
)
from funnelsim.whole import Whole

HABIT_ENDS = ZERO


@hot
def assign(plan: Any, state: Any, slot: Whole, now: float) -> None:
    """A team answers for the visit: its clocks start; the lead joins the queue at once or as habit has it."""
    lead = state.leads[slot]
    team = lead.to
    lead.owner = team
    lead.assigned_to = team
    lead.assignments += 1
    lead.assigned = now
    lead.first_joined = -1.0
    lead.first_touched = -1.0
    lead.made = 0
    lead.warned = 0
    lead.escalated = 0
    lead.reacting = 1
    duty = plan.duties[lead.stage, team]
    lead.kept = -1
    if duty.kept_count > 0:
        chance = step_value(plan.points, duty.kept_first, duty.kept_count, now)
        lead.kept = np.int64(stage_draw(plan, lead, P_KEPT, lead.assignments) < chance)
    _start_clocks(plan, state, slot, now)
    clock = state.clocks[slot, FIRST_TOUCH]
    if lead.clocked and lead.assignments == 1 and clock.state == RUNNING and clock.deadline < np.inf:
        lead.first_deadline = clock.deadline
    delay = _habit(plan, lead)
    if delay == 0.0:
        lead.reacting = 0
        lead.next = JOIN
    else:
        lead.coming_token += 1
        schedule(state, now + delay, DUE, lead.id, HABIT_ENDS, slot, lead.coming_token)


@hot
def act(plan: Any, state: Any, slot: Whole, kind: Whole, now: float) -> None:
    """The next action of a clock [56 to 59]; during an attempt it waits for its end [60]."""
    lead = state.leads[slot]
    if lead.in_service:
        lead.postponed = kind
        return
    _perform(plan, state, slot, kind, now)
    if lead.ending < 0:
        _schedule_action(plan, state, slot, kind, now)


@hot
def catch_up(plan: Any, state: Any, slot: Whole, now: float) -> None:
    """An attempt is over: the action that waited for its end, and all that fell due since [60]."""
    lead = state.leads[slot]
    kind = lead.postponed
    lead.postponed = -1
    due = np.int64(kind >= 0)
    while due != 0:
        _perform(plan, state, slot, kind, now)
        due = ZERO
        if lead.ending < 0 and _find_action(plan, state, slot, kind):
            due = np.int64(state.clocks[slot, kind].acted_at <= now)
            if due == 0:
                _post_action(state, slot, kind, now)


@hot
def _perform(plan: Any, state: Any, slot: Whole, kind: Whole, now: float) -> None:
    lead = state.leads[slot]
    action = plan.actions[state.clocks[slot, kind].acted]
    if action.kind == WARN:
        lead.warned += 1
        if lead.reacting and stage_draw(plan, lead, P_HEEDED, lead.assignments) < action.heeded:
            _react(lead)
    elif action.kind == ESCALATE:
        lead.escalated = 1
        _raise_level(plan, state, slot)
        if lead.reacting:
            _react(lead)
    elif action.kind == REASSIGN:
        if lead.reassigned < action.limit and action.to != lead.assigned_to:
            _reassign(plan, lead, action.to, now)
    else:
        lead.ending = SENT_BACK
        lead.exit = action.exit
        lead.outcome = RETURNED
        lead.next = LEAVE


@hot
def count_touch(plan: Any, state: Any, slot: Whole, now: float) -> None:
    """An attempt starts [39]."""
    lead = state.leads[slot]
    lead.made += 1
    if lead.first_touched < 0.0:
        lead.first_touched = now
        if lead.clocked:
            _settle(state, slot, FIRST_TOUCH, now, True)
    tries = state.clocks[slot, ATTEMPTS_WITHIN]
    if lead.clocked and tries.state == RUNNING and lead.attempts >= plan.terms[tries.term].count:
        _settle(state, slot, ATTEMPTS_WITHIN, now, True)


@hot
def settle_tries(plan: Any, state: Any, slot: Whole, now: float, met: bool) -> None:
    """The buyer was reached (nothing more is owed), or the attempts ended before the promised number."""
    if state.leads[slot].clocked:
        _settle(state, slot, ATTEMPTS_WITHIN, now, met)


@hot
def end_assignment(plan: Any, state: Any, out: Any, slot: Whole, now: float) -> None:
    """Over, for whatever reason (`ending`); the row is written and counted."""
    lead = state.leads[slot]
    how = lead.ending
    lead.ending = -1
    lead.coming_token += 1
    late = ZERO
    touch, tries = state.clocks[slot, FIRST_TOUCH], state.clocks[slot, ATTEMPTS_WITHIN]
    if lead.clocked:
        _end_clock(plan, touch, how, now)
        _end_clock(plan, tries, how, now)
        late = np.int64(_is_late(touch, lead.assigned) or _is_late(tries, lead.assigned))
    count_assignment(plan, lead, out, touch, tries, late, how)
    if state.n[TRACING] != 0:
        if lead.clocked == 0:
            _no_clock(touch)
            _no_clock(tries)
        row = state.assignments[state.n[N_ASSIGNMENTS]]
        state.n[N_ASSIGNMENTS] += 1
        row.lead = lead.id
        row.stage = lead.stage
        row.number = lead.number
        row.ordinal = lead.assignments
        row.team = lead.assigned_to
        row.assigned = lead.assigned
        row.joined = lead.first_joined
        row.touched = lead.first_touched
        row.attempts = lead.made
        row.kept = lead.kept
        row.deadline = touch.deadline
        row.first_touch = touch.state
        row.attempts_deadline = tries.deadline
        row.attempts_within = tries.state
        row.late = late
        row.warned = lead.warned
        row.escalated = lead.escalated
        row.ended = now if how != STILL_OPEN else -1.0
        row.how = how
    lead.assigned_to = -1
    lead.postponed = -1


@hot
def _start_clocks(plan: Any, state: Any, slot: Whole, now: float) -> None:
    lead = state.leads[slot]
    duty = plan.duties[lead.stage, lead.assigned_to]
    # most stages promise nothing: then nothing of the clocks is read or written
    lead.clocked = np.int64(duty.term_count > 0)
    if duty.term_count == 0:
        return
    _no_clock(state.clocks[slot, FIRST_TOUCH])
    _no_clock(state.clocks[slot, ATTEMPTS_WITHIN])
    for i in range(duty.term_first, duty.term_first + duty.term_count):
        term = plan.terms[i]
        if term.kind == FIRST_TOUCH and lead.touched_before:
            continue
        if term.kind == ATTEMPTS_WITHIN and lead.attempts >= term.count:
            continue                        # nothing is owed any more
        clock = state.clocks[slot, term.kind]
        clock.term = i
        clock.start = now
        if term.start == CREATED:
            clock.start = lead.arrived
        elif term.start == QUALIFIED:
            clock.start = lead.entered
        clock.deadline = _after(plan, lead, clock, 1.0)
        # opening hours before the run are not known: a business clock older than its length counts as late [24]
        late = clock.deadline < 0.0 or (term.business != 0 and clock.start + term.length < 0.0)
        clock.state = INHERITED if lead.inherited and late else RUNNING
        clock.acted_at = -np.inf
        clock.acted = -1
        _schedule_action(plan, state, slot, term.kind, now)


@hot
def _no_clock(clock: Any) -> None:
    clock.state = NO_CLOCK
    clock.deadline = -1.0
    clock.token += 1


@hot
def _end_clock(plan: Any, clock: Any, how: Whole, now: float) -> None:
    """The assignment is over and the promised thing has not happened [61]."""
    clock.token += 1
    if clock.state == RUNNING:
        at = now if how != STILL_OPEN else plan.settings[0].horizon
        passed = clock.deadline < at or (clock.deadline == at and how != STILL_OPEN)
        clock.state = BROKEN if passed else NEITHER


@hot
def _after(plan: Any, lead: Any, clock: Any, fraction: float) -> float:
    """The instant of a fraction of the length, on the same kind of clock [55]."""
    term = plan.terms[clock.term]
    length = on_grid(fraction * term.length)
    if term.business != 0:
        team = plan.teams[lead.assigned_to]
        return add_open(plan.intervals, team.interval_first, team.interval_count, clock.start, length)
    return clock.start + length  # type: ignore[no-any-return]  # from a record


@hot
def _schedule_action(plan: Any, state: Any, slot: Whole, kind: Whole, now: float) -> None:
    """The next action; what is overdue acts now [54]."""
    if _find_action(plan, state, slot, kind):
        _post_action(state, slot, kind, now)


@hot
def _post_action(state: Any, slot: Whole, kind: Whole, now: float) -> None:
    clock = state.clocks[slot, kind]
    clock.token += 1
    schedule(state, max(clock.acted_at, now), ACTION, state.leads[slot].id, kind, slot, clock.token)


@hot
def _find_action(plan: Any, state: Any, slot: Whole, kind: Whole) -> bool:
    """Note the next action in order of (instant, place in the file) [17]; whether there is one."""
    lead = state.leads[slot]
    clock = state.clocks[slot, kind]
    if clock.state != RUNNING:
        return False
    term = plan.terms[clock.term]
    best: Whole = np.int64(-1)
    best_at = np.inf
    for i in range(term.action_first, term.action_first + term.action_count):
        at = max(_after(plan, lead, clock, plan.actions[i].fraction), lead.assigned)
        coming = at > clock.acted_at or (at == clock.acted_at and i > clock.acted)
        if coming and at < best_at:
            best, best_at = i, at
    if best >= 0:
        clock.acted_at = best_at
        clock.acted = best
    return bool(best >= 0)


@hot
def _habit(plan: Any, lead: Any) -> float:
    """Delay before the team turns to a lead that is new to it, when no promise is kept [43]."""
    known = (lead.reached_by >> lead.assigned_to) & ONE
    if lead.kept == 1 or known != 0 or lead.touched_before:
        return 0.0
    return stage_duration(plan, lead, plan.teams[lead.assigned_to].habit, P_HABIT, lead.assignments)


@hot
def _react(lead: Any) -> None:
    lead.reacting = 0
    lead.coming_token += 1
    lead.next = JOIN


@hot
def _raise_level(plan: Any, state: Any, slot: Whole) -> None:
    """Escalated leads are served before all others [57]."""
    lead = state.leads[slot]
    lead.level = 1
    if lead.waiting:
        leave_queue(state, lead.assigned_to, slot)
        join_queue(plan, state, lead.assigned_to, slot)


@hot
def _reassign(plan: Any, lead: Any, to: Whole, now: float) -> None:
    """Handed to another team [58]."""
    lead.reassigned += 1
    lead.level = 0
    lose_context(plan, lead, to, now)
    lead.owner = to
    lead.to = to
    lead.handed = 1
    lead.ending = REASSIGNED
    lead.next = ROUTE


@hot
def _settle(state: Any, slot: Whole, kind: Whole, now: float, met: bool) -> None:
    clock = state.clocks[slot, kind]
    if clock.state == RUNNING:
        clock.state = KEPT if met and now <= clock.deadline else BROKEN
        clock.token += 1


@hot
def _is_late(clock: Any, assigned: float) -> bool:
    is_running = clock.state != NO_CLOCK and clock.state != INHERITED
    return is_running and clock.deadline < assigned  # type: ignore[no-any-return]  # from a record


