"""Found again: a person turns up as a second record, which is merged or becomes a lead of its own [88].

Nothing is kept for it: who the first record is follows from the number, and what it was born with from its luck.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.fast.event_heap import schedule
from funnelsim.engine.fast.lead import birth_draw, birth_duration, take_slot
from funnelsim.engine.fast.nurture import apply_touches
from funnelsim.engine.fast.state import Location, Step
from funnelsim.engine.jit import inline_kernel, outlined_kernel
from funnelsim.engine.rng import P_AGAIN, P_AGAIN_AFTER, P_MERGED, P_SECOND, bits, lead_stream
from funnelsim.int64 import Int
from funnelsim.plan import SECOND_RECORD, SOURCE_AT

ZERO, ONE = np.int64(0), np.int64(1)
CELL_SHIFT, CELL_MASK, ORDINAL_MASK = np.int64(8), np.int64((1 << 36) - 1), np.int64(255)


@inline_kernel
def expect_second(plan: Any, state: Any, slot: Int, now: float) -> None:
    """At arrival: whether and when the person will turn up again."""
    if plan.sources[state.leads[slot].source].again > 0.0:
        _expect_second(plan, state, slot, now)


@outlined_kernel
def turn_up(plan: Any, state: Any, slot: Int, number: Int, now: float) -> Int:
    """The second record; the slot of the lead that it is merged into, or of a new one."""
    lead = state.leads[slot]
    first = number ^ SECOND_RECORD
    is_there = lead.id == first and lead.location == Location.IN_STAGE
    if is_there and birth_draw(plan, lead, P_MERGED) < plan.sources[lead.source].merged:
        apply_touches(plan, state, slot, now)
        lead.merged += 1
        state.interest[slot].points += plan.source_segments[lead.source_segment].points
        lead.next_step = Step.CHECK_DEFINITIONS
        lead.step_after_check = Step.RAISE_HAND
        return slot
    source = first >> SOURCE_AT
    stream = lead_stream(
        state.replication_key[0], plan.sources[source].stream, (first >> CELL_SHIFT) & CELL_MASK, first & ORDINAL_MASK
    )
    other = take_slot(state, number, stream, source, now)
    second = state.leads[other]
    second.second = 1
    second.arrived -= birth_duration(plan, second, plan.sources[source].again_after, P_AGAIN_AFTER)
    if is_there:
        lead.duplicated = 1
        second.duplicated = 1
    return other


@outlined_kernel
def become_a_lead(plan: Any, state: Any, slot: Int, now: float) -> None:
    """Born with the person's traits; its own luck in all else."""
    lead = state.leads[slot]
    lead.stream = bits(lead.stream, P_SECOND, ZERO, ZERO)
    lead.arrived = now
    lead.value = 0.0


@outlined_kernel
def _expect_second(plan: Any, state: Any, slot: Int, now: float) -> None:
    lead = state.leads[slot]
    source = plan.sources[lead.source]
    if birth_draw(plan, lead, P_AGAIN) < source.again:
        time = now + birth_duration(plan, lead, source.again_after, P_AGAIN_AFTER)
        schedule(state, time, EventPriority.ARRIVAL, lead.id | SECOND_RECORD, ZERO, slot, ZERO)
