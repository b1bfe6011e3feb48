"""A gate: the way forward opens when the lead's score reaches a definition, not by a chance [83]."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.fast.definitions import expect_crossing, pass_thresholds
from funnelsim.engine.fast.draws import ZERO, stage_draw, stage_duration
from funnelsim.engine.fast.event_heap import schedule
from funnelsim.engine.fast.outcome import OUTCOME_REVEALED, length_given_age, reveal_outcome, row_given_age, take_exit
from funnelsim.engine.fast.scores import is_reached, score_now, threshold
from funnelsim.engine.fast.state import Step
from funnelsim.engine.jit import inline_kernel, outlined_kernel
from funnelsim.engine.log_odds import choose_exit
from funnelsim.engine.rng import P_EXIT, P_PACE
from funnelsim.int64 import Int
from funnelsim.plan_codes import ExitTarget

NO_EXIT = np.int64(-1)


@outlined_kernel
def draw_at_gate(plan: Any, state: Any, slot: Int, now: float) -> None:
    """Forward when the gate is open; else by another exit, unless it opens before that one shows."""
    lead = state.leads[slot]
    stage = plan.stages[lead.stage]
    lead.next_step = Step.NONE
    if _is_open(plan, state, slot, now):
        _leave_forward(plan, state, slot, now)
    elif stage.next_forward < stage.next_count:
        row = _choose(plan, lead, 0.0)
        _wait(plan, state, slot, row, stage_duration(plan, lead, plan.exits[row].pace, P_PACE, ZERO), now)
    else:
        _wait(plan, state, slot, NO_EXIT, np.inf, now)


@outlined_kernel
def draw_at_gate_given_age(plan: Any, state: Any, slot: Int, age: float) -> None:
    """The same of a lead in flight, whose exits are drawn given the time already spent [23]."""
    lead = state.leads[slot]
    stage = plan.stages[lead.stage]
    middle, end = stage.next_first + stage.next_forward, stage.next_first + stage.next_count
    if _is_open(plan, state, slot, 0.0):
        row = row_given_age(plan, lead, age, stage.next_first, middle)
        reveal_outcome(plan, state, slot, row, length_given_age(plan, lead, row, age), 0.0)
    elif middle < end:
        row = row_given_age(plan, lead, age, middle, end)
        _wait(plan, state, slot, row, length_given_age(plan, lead, row, age), 0.0)
    else:
        _wait(plan, state, slot, NO_EXIT, np.inf, 0.0)


@outlined_kernel
def check_definitions(plan: Any, state: Any, out: Any, slot: Int, now: float) -> None:
    """The score may have changed: what is passed; and when the gate is open now, the other exit is off."""
    lead = state.leads[slot]
    lead.next_step = lead.step_after_check
    pass_thresholds(plan, state, out, slot, now)
    if lead.waits_at_gate and _is_open(plan, state, slot, now):
        lead.waits_at_gate = 0
        lead.pending_event_token += 1
        _leave_forward(plan, state, slot, now)
    if lead.next_step == Step.LEAVE_STAGE:
        lead.pausing = 0
    else:
        expect_crossing(plan, state, slot, now)


@outlined_kernel
def _is_open(plan: Any, state: Any, slot: Int, now: float) -> bool:
    """Whether the score is at the threshold now; the visit notes by how much."""
    lead, interest = state.leads[slot], state.interest[slot]
    i = plan.stages[lead.stage].gate
    lead.shift = score_now(plan, state, slot, plan.definitions[i].score, now) - threshold(plan, i, now)
    reached = is_reached(plan, lead, interest, i, interest.intent, now)
    lead.chance = np.float64(reached)
    return reached


@outlined_kernel
def _wait(plan: Any, state: Any, slot: Int, row: Int, pace: float, now: float) -> None:
    """At the gate; one of the other exits shows in the end."""
    lead = state.leads[slot]
    lead.waits_at_gate = 1
    shows = max(lead.entered + pace, now)
    if row >= 0 and plan.exits[row].to != ExitTarget.SILENT and shows < np.inf:
        take_exit(plan, lead, row)
        if shows == now:
            lead.next_step = Step.LEAVE_STAGE
            return
        schedule(state, shows, EventPriority.OUTCOME, lead.id, OUTCOME_REVEALED, slot, lead.pending_event_token)
    expect_crossing(plan, state, slot, now)


@inline_kernel
def _leave_forward(plan: Any, state: Any, slot: Int, now: float) -> None:
    lead = state.leads[slot]
    row = _choose(plan, lead, 1.0)
    reveal_outcome(plan, state, slot, row, stage_duration(plan, lead, plan.exits[row].pace, P_PACE, ZERO), now)


@inline_kernel
def _choose(plan: Any, lead: Any, chance: float) -> Int:
    """One of the forward exits (chance 1) or one of the others (0), in their proportions."""
    stage = plan.stages[lead.stage]
    return choose_exit(
        plan.exits, stage.next_first, stage.next_count, stage.next_forward, chance, stage_draw(plan, lead, P_EXIT, ZERO)
    )
