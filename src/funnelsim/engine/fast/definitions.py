"""Definitions: milestones that a lead enters and thresholds that its score reaches [35, 82].

A threshold is looked at when the score may have changed: at each entry, after each signal or merger, and at the first
touch of nurture at which it is reached. A visit that waits at a gate is looked at with them [83].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.fast.counting import count_passage
from funnelsim.engine.fast.event_heap import schedule
from funnelsim.engine.fast.levels import on_passage
from funnelsim.engine.fast.nurture import apply_touches
from funnelsim.engine.fast.scores import is_reached
from funnelsim.engine.fast.state import Counter, RunInstant
from funnelsim.engine.interest_dynamics import after_touch
from funnelsim.engine.jit import inline_kernel
from funnelsim.int64 import Int
from funnelsim.plan_codes import DefinitionKind

ZERO, ONE = np.int64(0), np.int64(1)
THRESHOLD_REACHED = ONE  # detail of the priority SIGNAL: a touch of nurture at which a threshold is reached


@inline_kernel
def pass_milestones(plan: Any, state: Any, out: Any, slot: Int, now: float) -> None:
    """First visits to a stage; leads in flight have passed their stage and those before it [23]."""
    lead = state.leads[slot]
    if lead.number > 1 or lead.stage <= lead.snapshot_stage:
        return
    for i in range(len(plan.definitions)):
        if plan.definitions[i].stage == lead.stage:  # a threshold has no stage
            _count(plan, state, out, slot, i, now)


@inline_kernel
def pass_thresholds(plan: Any, state: Any, out: Any, slot: Int, now: float) -> None:
    """The score may have changed: count what is reached for the first time; of a lead in flight it was before [23]."""
    lead, interest = state.leads[slot], state.interest[slot]
    apply_touches(plan, state, slot, now)
    for i in range(len(plan.definitions)):
        if _is_open(plan, interest, i) and is_reached(plan, lead, interest, i, interest.intent, now):
            interest.passed |= ONE << i
            if lead.initial_row < 0:
                _count(plan, state, out, slot, i, now)
                if state.counters[Counter.TRACING] != 0:
                    _write(state, lead, i, now)


@inline_kernel
def expect_crossing(plan: Any, state: Any, slot: Int, now: float) -> None:
    """Look again at the touch of nurture at which the next threshold, or that of the gate, is reached.

    A look that is due at this very instant stays.
    """
    lead, interest = state.leads[slot], state.interest[slot]
    if interest.crossing == now:
        return
    interest.crossing = np.inf
    interest.crossing_token += 1
    if interest.touches >= interest.most:
        return
    row = plan.nurtures[interest.nurture]
    intent = interest.intent
    for touch in range(interest.touches + 1, interest.most + 1):
        instant = interest.nurture_from + touch * row.every
        if instant >= state.clock[RunInstant.HORIZON]:
            return
        intent = after_touch(intent, row.intent, row.intent_limit)
        for i in range(len(plan.definitions)):
            is_wanted = _is_open(plan, interest, i) or (lead.waits_at_gate != 0 and i == plan.stages[lead.stage].gate)
            if is_wanted and is_reached(plan, lead, interest, i, intent, instant):
                interest.crossing = instant
                schedule(
                    state, instant, EventPriority.SIGNAL, lead.id, THRESHOLD_REACHED, slot, interest.crossing_token
                )
                return


@inline_kernel
def _is_open(plan: Any, interest: Any, i: Int) -> bool:
    return plan.definitions[i].kind == DefinitionKind.THRESHOLD and (interest.passed >> i) & ONE == 0  # type: ignore[no-any-return]  # from a record


@inline_kernel
def _count(plan: Any, state: Any, out: Any, slot: Int, i: Int, now: float) -> None:
    """Second records count only where not persons are asked for [88]."""
    lead = state.leads[slot]
    if lead.second and plan.definitions[i].person:
        return
    count_passage(plan, state, out, lead, state.interest[slot], i, now)
    on_passage(plan, state, i, lead.value)


@inline_kernel
def _write(state: Any, lead: Any, i: Int, now: float) -> None:
    row = state.passages[state.counters[Counter.PASSAGES]]
    state.counters[Counter.PASSAGES] += 1
    row.lead = lead.id
    row.definition = i
    row.at = now
    row.source = lead.source
    row.segment = lead.segment
    row.arrived = lead.arrived
    row.value = lead.value
    row.duplicate = lead.second
