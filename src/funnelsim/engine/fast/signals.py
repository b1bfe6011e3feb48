"""Signals: what a buyer may do in a stage, each at most once a visit; raised hands and pauses [84 to 86].

Which signals happen, and when, follows from their draws: the next one is looked for among them, none is stored.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.covariates import EffectTarget
from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.fast.clocks import pause_clocks
from funnelsim.engine.fast.draws import ZERO
from funnelsim.engine.fast.effects import effects_on
from funnelsim.engine.fast.event_heap import schedule
from funnelsim.engine.fast.nurture import apply_touches
from funnelsim.engine.fast.queues import leave_queue
from funnelsim.engine.fast.rows import write_attempt
from funnelsim.engine.fast.state import Counter, Due, Expedite, Step
from funnelsim.engine.interest_dynamics import after_signal
from funnelsim.engine.jit import inline_kernel, outlined_kernel
from funnelsim.engine.log_odds import shifted_chance
from funnelsim.engine.rng import P_AFTER, P_PAUSE, P_SIGNAL, bits, on_grid, plus, quantile, uniform
from funnelsim.int64 import Int
from funnelsim.plan_codes import AttemptEnd, SignalFlag

SIGNAL_HAPPENS = ZERO  # detail of the priority SIGNAL


@inline_kernel
def start_signals(plan: Any, state: Any, slot: Int, now: float) -> None:
    """Decided at entry; of a lead in flight those before the start are left out."""
    interest = state.interest[slot]
    if plan.stages[state.leads[slot].stage].signal_count > 0:
        interest.signal = -1
        interest.signal_at = -1.0
        interest.signal_shift = effects_on(plan, state, slot, EffectTarget.SIGNALS, now)
        _expect_signal(plan, state, slot)


@outlined_kernel
def happen_signal(plan: Any, state: Any, slot: Int, now: float) -> None:
    """A signal: the definitions are looked at, then the team is told."""
    lead, interest = state.leads[slot], state.interest[slot]
    row = plan.signals[interest.signal]  # without the compiler `row.flags` is what NumPy calls so
    apply_touches(plan, state, slot, now)
    interest.points += row.points
    interest.intent = after_signal(interest.intent, row.intent)
    interest.trust += row.trust
    lead.next_step = Step.CHECK_DEFINITIONS
    lead.step_after_check = Step.RAISE_HAND if row["flags"] & SignalFlag.RAISES_HAND else Step.NONE
    if row["flags"] & SignalFlag.PAUSES:
        lead.pausing = interest.signal + 1
    _expect_signal(plan, state, slot)


@outlined_kernel
def raise_hand(plan: Any, state: Any, slot: Int, now: float) -> None:
    """The buyer asks for us: the team turns to the lead now [85]."""
    lead = state.leads[slot]
    lead.next_step = Step.NONE
    if plan.stages[lead.stage].step_count == 0 or lead.reached >= 0.0 or lead.chance >= 0.0:
        return  # nobody works here, or it is settled already
    if lead.touched < 0.0 and lead.touched_before == 0:
        lead.asked = now
    if lead.assigned_to < 0 or lead.in_service or lead.waiting:
        return
    lead.pending_event_token += 1
    if lead.deciding:
        lead.expedited_by = Expedite.BUYER
        lead.timed_out = 0
        lead.next_step = Step.DECIDE_ACCEPTANCE
    elif lead.awaiting_first_work or lead.rejoins_after_pause:
        lead.awaiting_first_work = 0
        lead.next_step = Step.JOIN_QUEUE
    else:
        lead.next_step = Step.ATTEMPT_DUE


@outlined_kernel
def pause(plan: Any, state: Any, slot: Int, now: float) -> None:
    """The buyer has no time: clocks stand still, and nothing falls due before the end [86]."""
    lead = state.leads[slot]
    signal = np.int64(lead.pausing - 1)
    lead.pausing = 0
    if lead.assigned_to < 0 or lead.reached >= 0.0:
        return
    begins = max(now, float(lead.paused_until))
    until = now + _duration(plan, lead, signal, plan.signals[signal].pause, P_PAUSE)
    if until > begins:
        suspend(state, slot, now, until)
        pause_clocks(plan, state, slot, begins, until, now)
        lead.paused_until = until


@inline_kernel
def suspend(state: Any, slot: Int, now: float, until: float) -> None:
    """Nothing falls due, and the lead does not wait in the queue, before a pause is over."""
    lead = state.leads[slot]
    if lead.waiting:
        if state.counters[Counter.TRACING] != 0:
            write_attempt(state, slot, now, AttemptEnd.WITHDRAWN)
        leave_queue(state, slot)
        lead.waiting = 0
        lead.rejoins_after_pause = 1
    elif lead.in_service or lead.awaiting_first_work or lead.due >= until:
        return
    lead.due = until
    lead.pending_event_token += 1
    schedule(
        state,
        until,
        EventPriority.DUE,
        lead.id,
        Due.PAUSE_ENDS if lead.rejoins_after_pause else Due.NEXT_ATTEMPT,
        slot,
        lead.pending_event_token,
    )


@outlined_kernel
def _expect_signal(plan: Any, state: Any, slot: Int) -> None:
    """The next one by (instant, place in the file)."""
    lead, interest = state.leads[slot], state.interest[slot]
    stage = plan.stages[lead.stage]
    best, best_at = np.int64(-1), np.inf
    for i in range(stage.signal_first, stage.signal_first + stage.signal_count):
        row = plan.signals[i]
        u = uniform(bits(lead.stream, plus(row.stream, P_SIGNAL), lead.number, ZERO))
        if u >= shifted_chance(row.chance, interest.signal_shift):
            continue
        time = lead.entered + _duration(plan, lead, i, row.after, P_AFTER)
        if (
            time > interest.signal_at or (time == interest.signal_at and i > interest.signal)
        ) and 0.0 <= time < best_at:
            best, best_at = np.int64(i), time
    interest.signal = best
    interest.signal_at = best_at
    if best >= 0:
        schedule(state, best_at, EventPriority.SIGNAL, lead.id, SIGNAL_HAPPENS, slot, interest.token)


@inline_kernel
def _duration(plan: Any, lead: Any, signal: Int, table: Int, what: Int) -> float:
    if table < 0:
        return 0.0
    drawn = bits(lead.stream, plus(plan.signals[signal].stream, what), lead.number, ZERO)
    return on_grid(quantile(plan.tables, table, drawn))
