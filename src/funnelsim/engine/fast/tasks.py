"""Tasks: meetings and objections, once the buyer has been reached [100]."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.covariates import EffectTarget
from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.fast.effects import effects_on
from funnelsim.engine.fast.event_heap import schedule
from funnelsim.engine.fast.outcome import give_up
from funnelsim.engine.fast.state import Due, Step
from funnelsim.engine.jit import inline_kernel, outlined_kernel
from funnelsim.engine.log_odds import shifted_chance
from funnelsim.engine.rng import P_DELAY, P_HANDLING, P_SHOW, P_TASK, bits, on_grid, plus, quantile, uniform
from funnelsim.int64 import Int
from funnelsim.plan_codes import AssignmentEnd, TaskKind

ZERO = np.int64(0)
APPOINTED = np.int64(2)  # level of a meeting in the queue


@inline_kernel
def begin_tasks(plan: Any, lead: Any) -> None:
    """The buyer has been reached, and there may be more to do."""
    lead.task = plan.stages[lead.stage].task_first - 1
    lead.tries = 0
    lead.next_step = Step.NEXT_TASK


@outlined_kernel
def next_task(plan: Any, state: Any, slot: Int, now: float) -> None:
    """The next task there is, or another try at this one; the outcome when all are over."""
    lead = state.leads[slot]
    stage = plan.stages[lead.stage]
    end = stage.task_first + stage.task_count
    if lead.tries == 0:
        lead.task += 1
        while lead.task < end and _draw(plan, lead, P_TASK) >= plan.tasks[lead.task].chance:
            lead.task += 1
    if lead.task == end:
        lead.task = -1
        lead.ending = AssignmentEnd.REACHED
        lead.next_step = Step.DRAW_OUTCOME
        return
    lead.tries += 1
    row = plan.tasks[lead.task]
    lead.level = APPOINTED if row.kind == TaskKind.MEETING else ZERO
    delay = _duration(plan, lead, row.delay, P_DELAY)
    lead.next_step = Step.JOIN_QUEUE
    if delay > 0.0:
        lead.next_step = Step.NONE
        lead.pending_event_token += 1
        schedule(state, now + delay, EventPriority.DUE, lead.id, Due.TASK, slot, lead.pending_event_token)


@outlined_kernel
def start_task(plan: Any, state: Any, slot: Int, now: float) -> float:
    """The buyer shows or not, the objection is resolved or not; seconds of work before the stretch."""
    lead = state.leads[slot]
    row = plan.tasks[lead.task]
    chance = row.success
    if row.kind == TaskKind.MEETING:
        chance = shifted_chance(chance, effects_on(plan, state, slot, EffectTarget.SHOW, now))
    lead.succeeds = np.int64(_draw(plan, lead, P_SHOW) < chance)
    lost = row.kind == TaskKind.MEETING and lead.succeeds == 0  # a rep whose buyer does not show loses time
    return _duration(plan, lead, row.idle if lost else row.handling, P_HANDLING)


@outlined_kernel
def finish_task(plan: Any, lead: Any) -> None:
    """Done, or once more, or in vain."""
    row = plan.tasks[lead.task]
    lead.next_step = Step.NEXT_TASK
    if lead.succeeds:
        lead.tries = 0
    elif lead.tries >= row.tries:
        if row.kind == TaskKind.MEETING:
            lead.task = -1
            lead.ending = AssignmentEnd.GAVE_UP
            give_up(plan, lead)
        else:
            lead.unresolved += 1
            lead.tries = 0


@inline_kernel
def _draw(plan: Any, lead: Any, what: Int) -> float:
    return uniform(bits(lead.stream, plus(plan.tasks[lead.task].stream, what), lead.number, np.int64(lead.tries)))


@inline_kernel
def _duration(plan: Any, lead: Any, table: Int, what: Int) -> float:
    if table < 0:
        return 0.0
    drawn = bits(lead.stream, plus(plan.tasks[lead.task].stream, what), lead.number, np.int64(lead.tries))
    return on_grid(quantile(plan.tables, table, drawn))
