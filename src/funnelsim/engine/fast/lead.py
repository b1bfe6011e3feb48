"""A lead: its slot, its traits at birth, who owns it [18 to 21, 44, 91]. The steps of reference/lead.py."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from funnelsim.engine.fast.draws import ONE, ZERO
from funnelsim.engine.fast.effects import SIDE_BITS
from funnelsim.engine.fast.nurture import reset_interest
from funnelsim.engine.fast.state import DIVIDED, Counter, Location, Step
from funnelsim.engine.jit import inline_kernel
from funnelsim.engine.log_odds import categorical
from funnelsim.engine.rng import (
    P_ENTRY,
    P_FIT,
    P_INTENT,
    P_OWNER,
    P_REACHABLE,
    P_READY,
    P_SEGMENT,
    P_TRUST,
    P_VALUE,
    bits,
    on_grid,
    plus,
    quantile,
    uniform,
)
from funnelsim.int64 import Int
from funnelsim.plan import SNAPSHOT, SOURCE_AT


@inline_kernel
def take_slot(state: Any, number: Int, stream: Int, source: Int, arrived: float) -> Int:
    """Room for a new lead; who it is."""
    state.counters[Counter.FREE_SLOTS] -= 1
    slot = state.free[state.counters[Counter.FREE_SLOTS]]
    lead = state.leads[slot]
    lead.id = number
    lead.stream = stream
    lead.source = source
    lead.arrived = arrived
    lead.initial_row = -1
    lead.second = 0
    lead.duplicated = 0
    lead.ending = -1
    lead.assigned_to = -1
    lead.location = Location.IN_STAGE
    lead.next_step = Step.CREATE_LEAD
    return slot  # type: ignore[no-any-return]  # from a record


@inline_kernel
def draw_traits(plan: Any, state: Any, slot: Int) -> None:
    """Segment, fit, value, interest and readiness, at birth [21, 91]: draws that cannot matter are left out."""
    lead, interest = state.leads[slot], state.interest[slot]
    lead.context = 1.0
    lead.owner = -1
    lead.reached_by = 0
    lead.cycles = 0
    lead.snapshot_stage = -1
    for stage in range(len(plan.stages)):
        state.visit_counts[slot, stage] = 0
    lead.segment = _segment(plan, lead)
    lead.source_segment = lead.source * plan.settings[0].segments + lead.segment
    source_segment = plan.source_segments[lead.source_segment]
    lead.fit = source_segment.fit_shift
    if source_segment.fit >= 0:
        lead.fit += _trait(plan, lead, source_segment.fit, P_FIT)
    lead.reachable = 1
    if source_segment.reachable < 1.0:
        lead.reachable = np.int64(birth_draw(plan, lead, P_REACHABLE) < source_segment.reachable)
    lead.value = 0.0
    if source_segment.value >= 0:
        lead.value = math.floor(_trait(plan, lead, source_segment.value, P_VALUE) * 100.0 + 0.5)
    interest.intent = source_segment.intent_shift
    if source_segment.intent >= 0:
        interest.intent += _trait(plan, lead, source_segment.intent, P_INTENT)
    interest.trust = source_segment.trust_shift
    if source_segment.trust >= 0:
        interest.trust += _trait(plan, lead, source_segment.trust, P_TRUST)
    interest.ready = lead.arrived + birth_duration(plan, lead, source_segment.ready, P_READY)
    interest.points = source_segment.points
    interest.counted = 0
    interest.passed = 0
    interest.unsubscribed = 0
    reset_interest(interest)


@inline_kernel
def entry_stage(plan: Any, lead: Any) -> Int:
    source = plan.sources[lead.source]
    row = source.entry_first
    if source.entry_count > 1:
        row = categorical(plan.exits, source.entry_first, source.entry_count, birth_draw(plan, lead, P_ENTRY))
    return plan.exits[row].to  # type: ignore[no-any-return]  # from a record


@inline_kernel
def birth_draw(plan: Any, lead: Any, what: Int) -> float:
    return uniform(bits(lead.stream, plus(plan.sources[lead.source].stream, what), ZERO, ZERO))


@inline_kernel
def birth_duration(plan: Any, lead: Any, table: Int, what: Int) -> float:
    """A length of time drawn at birth; 0 where there is no table."""
    if table < 0:
        return 0.0
    return on_grid(_trait(plan, lead, table, what))


@inline_kernel
def is_in_flight(number: Int) -> bool:
    return bool((number >> SOURCE_AT) == SNAPSHOT)


@inline_kernel
def _segment(plan: Any, lead: Any) -> Int:
    segments = plan.settings[0].segments
    if lead.initial_row >= 0 and plan.initial_leads[lead.initial_row].segment >= 0:
        return plan.initial_leads[lead.initial_row].segment  # type: ignore[no-any-return]  # from a record
    if segments == 1:
        return ZERO
    u = birth_draw(plan, lead, P_SEGMENT)
    first = lead.source * segments
    segment = ZERO
    while segment < segments - 1 and u >= plan.source_segments[first + segment].share:
        segment += 1
    return segment


@inline_kernel
def _trait(plan: Any, lead: Any, table: Int, what: Int) -> float:
    return quantile(plan.tables, table, bits(lead.stream, plus(plan.sources[lead.source].stream, what), ZERO, ZERO))


@inline_kernel
def owner_of(plan: Any, state: Any, lead: Any, stage: Int) -> Int:
    """One owner luck for life divides the leads [44]; -1 nobody."""
    sole = state.stage_facts[stage].owner
    if sole != DIVIDED:
        return sole  # type: ignore[no-any-return]  # from a record
    stream = birth_draw(plan, lead, P_OWNER)
    for team in range(len(plan.teams)):
        if stream < plan.stage_teams[stage, team].share:
            return np.int64(team)
    return np.int64(-1)


@inline_kernel
def mark_reached(plan: Any, lead: Any, team: Int) -> None:
    lead.reached_by |= (ONE << team) | (ONE << (SIDE_BITS + plan.teams[team].side))
