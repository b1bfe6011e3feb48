"""The work on a visit: waiting in the team's queue, being served by a rep [6, 8, 12, 40]. As reference/work.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.business_time import add_open
from funnelsim.engine.fast.assignment import apply_postponed
from funnelsim.engine.fast.attempts import after_no_answer, start_attempt
from funnelsim.engine.fast.clocks import resolve_clock
from funnelsim.engine.fast.counting import count_work
from funnelsim.engine.fast.draws import ZERO
from funnelsim.engine.fast.event_heap import schedule_work
from funnelsim.engine.fast.lead import mark_reached
from funnelsim.engine.fast.outcome import renege
from funnelsim.engine.fast.queues import ask_dispatch, join_queue
from funnelsim.engine.fast.rows import write_attempt
from funnelsim.engine.fast.state import BUSY, Counter, Step
from funnelsim.engine.fast.tasks import begin_tasks, finish_task, start_task
from funnelsim.engine.jit import inline_kernel
from funnelsim.engine.log_odds import piecewise_constant
from funnelsim.engine.rng import on_grid
from funnelsim.int64 import Int
from funnelsim.plan_codes import AssignmentEnd, AttemptEnd, QueueLayout, TermKind


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
    work = start_task(plan, state, slot, now) if lead.task >= 0 else start_attempt(plan, state, slot, now)
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
            after_no_answer(plan, state, slot, now)


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
