"""Rows of the tables, when they are wanted: attempts, assignments and visits as they end."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.fast.state import Counter
from funnelsim.engine.jit import outlined_kernel
from funnelsim.int64 import Int

NO_REP, NO_TASK = np.int64(-1), np.int64(-1)


@outlined_kernel
def write_attempt(state: Any, slot: Int, ended: float, end: Int) -> None:
    """An attempt or a task that has ended, was withdrawn, or still waits or goes on."""
    lead = state.leads[slot]
    made = lead.waiting == 0
    row = state.attempts[state.counters[Counter.ATTEMPTS]]
    state.counters[Counter.ATTEMPTS] += 1
    row.lead = lead.id
    row.stage = lead.stage
    row.number = lead.number
    row.task = lead.task
    row.ordinal = lead.tries
    row.shift = 0.0
    if lead.task < 0:
        row.ordinal = lead.attempts if made else lead.attempts + 1
        row.shift = lead.contact_shift if made else 0.0
    row.assignment = lead.assignments
    row.team = lead.assigned_to
    row.rep = lead.rep if made else NO_REP
    row.joined = lead.joined
    row.started = lead.started if made else -1.0
    row.ended = ended
    row.end = end


@outlined_kernel
def write_visit(state: Any, slot: Int, ended: float, outcome: Int, to: Int, back: float) -> None:
    """A visit that has ended or been cut off by the horizon."""
    lead, interest = state.leads[slot], state.interest[slot]
    row = state.visits[state.counters[Counter.VISITS]]
    state.counters[Counter.VISITS] += 1
    row.lead = lead.id
    row.stage = lead.stage
    row.number = lead.number
    row.source = lead.source
    row.segment = lead.segment
    row.arrived = lead.arrived
    row.cycle = lead.cycle
    row.owner = lead.owner
    row.entered = lead.entered
    row.deadline = lead.first_deadline
    row.touched = lead.touched
    row.reached = lead.reached
    row.attempts = lead.attempts
    row.ended = ended
    row.outcome = outcome
    row.to = to
    row.back = back
    row.shift = lead.shift
    row.chance = lead.chance
    row.context = lead.context
    row.fit = lead.fit
    row.value = lead.value
    row.intent = interest.intent
    row.trust = interest.trust
    row.points = interest.points
    row.asked = lead.asked
    row.touches = interest.touches
    row.effort = lead.effort
    row.blame = lead.blame
    row.duplicate = lead.second
    row.merged = lead.merged


@outlined_kernel
def write_assignment(state: Any, slot: Int, late: Int, ended: float, how: Int) -> None:
    """An assignment that is over."""
    lead = state.leads[slot]
    touch, attempts, acceptance = state.clocks[slot, 0], state.clocks[slot, 1], state.clocks[slot, 2]
    row = state.assignments[state.counters[Counter.ASSIGNMENTS]]
    state.counters[Counter.ASSIGNMENTS] += 1
    row.lead = lead.id
    row.stage = lead.stage
    row.number = lead.number
    row.ordinal = lead.assignments
    row.team = lead.assigned_to
    row.assigned = lead.assigned
    row.joined = lead.first_joined
    row.touched = lead.first_touched
    row.attempts = lead.made
    row.adhered = lead.adhered
    row.deadline = touch.deadline
    row.first_touch = touch.state
    row.attempts_deadline = attempts.deadline
    row.attempts_within = attempts.state
    row.accept_deadline = acceptance.deadline
    row.accept_within = acceptance.state
    row.promise = lead.promise
    row.decided = lead.decided
    row.accepted = lead.accepted
    row.pursued = lead.pursued
    row.late = late
    row.warned = lead.warned
    row.escalated = lead.escalated
    row.ended = ended
    row.how = how
