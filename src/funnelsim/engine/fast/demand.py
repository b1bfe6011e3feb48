"""Leads come: the arrivals of each week in order, and traits at birth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from funnelsim.engine.arrival_process import INITIAL_LEADS_STREAM, in_flight_number, week_arrivals
from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.fast.event_heap import NEVER, key_of
from funnelsim.engine.fast.nurture import reset_interest
from funnelsim.engine.fast.state import Counter, Location, Step
from funnelsim.engine.jit import inline_kernel
from funnelsim.engine.log_odds import categorical
from funnelsim.engine.rng import (
    P_ENTRY,
    P_FIT,
    P_INTENT,
    P_REACHABLE,
    P_READY,
    P_SEGMENT,
    P_TRUST,
    P_VALUE,
    bits,
    lead_stream,
    on_grid,
    plus,
    quantile,
    uniform,
)
from funnelsim.int64 import Int
from funnelsim.plan import SNAPSHOT, SOURCE_AT, WEEK

ZERO = np.int64(0)


@inline_kernel
def next_week(plan: Any, state: Any, key: Int) -> bool:
    """Fill `arrivals` with the next week that has any; False when there is no room."""
    state.counters[Counter.ARRIVALS] = 0
    state.counters[Counter.ARRIVAL] = 0
    while state.counters[Counter.ARRIVALS] == 0 and state.counters[Counter.WEEK] < plan.settings[0].weeks:
        week = state.counters[Counter.WEEK]
        n: Int = ZERO
        if week == 0:
            n = _snapshot(plan, state, key)
        for source in range(len(plan.sources)):
            if n >= 0:
                n = week_arrivals(plan.sources, plan.points, plan.tables, key, source, week, state.scratch, n)
        if n < 0:
            return False
        _sort(state, n, week * WEEK)
        state.counters[Counter.ARRIVALS] = n
        state.counters[Counter.WEEK] = week + 1
    note_next(state)
    return True


@inline_kernel
def note_next(state: Any) -> None:
    """When the next lead of the week arrives, as a key."""
    at = state.counters[Counter.ARRIVAL]
    state.counters[Counter.NEXT_ARRIVAL] = (
        key_of(state.arrivals[at].time, EventPriority.ARRIVAL) if at < state.counters[Counter.ARRIVALS] else NEVER
    )


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
def _snapshot(plan: Any, state: Any, key: Int) -> Int:
    """The leads in flight come at instant 0; `source` is their row for now."""
    n = np.int64(len(plan.initial_leads))
    if n > len(state.scratch):
        return np.int64(-1)
    for i in range(n):
        row = plan.initial_leads[i]
        state.scratch[i].time = 0.0
        state.scratch[i].lead = in_flight_number(row.id)
        state.scratch[i].stream = lead_stream(key, INITIAL_LEADS_STREAM, row.id, ZERO)
        state.scratch[i].source = i
    return n


@inline_kernel
def _sort(state: Any, n: Int, start: float) -> None:
    """Scratch to arrivals in order of (time, lead): buckets of time first, then insertion, which has little to do."""
    counts = state.buckets
    for b in range(n + 1):
        counts[b] = 0
    for i in range(n):
        counts[_bucket(state.scratch[i].time, start, n) + 1] += 1
    for b in range(n):
        counts[b + 1] += counts[b]
    for i in range(n):
        bucket = _bucket(state.scratch[i].time, start, n)
        _copy(state.arrivals, counts[bucket], state.scratch, i)
        counts[bucket] += 1
    rows = state.arrivals
    for i in range(1, n):
        j = i
        time, lead, stream, source = rows[i].time, rows[i].lead, rows[i].stream, rows[i].source
        while j > 0 and (rows[j - 1].time > time or (rows[j - 1].time == time and rows[j - 1].lead > lead)):
            _copy(rows, j, rows, j - 1)
            j -= 1
        rows[j].time = time
        rows[j].lead = lead
        rows[j].stream = stream
        rows[j].source = source


@inline_kernel
def _bucket(time: float, start: float, n: Int) -> Int:
    return min(np.int64((time - start) * (n / WEEK)), n - 1)


@inline_kernel
def _copy(to: Any, i: Int, source: Any, j: Int) -> None:
    to[i].time = source[j].time
    to[i].lead = source[j].lead
    to[i].stream = source[j].stream
    to[i].source = source[j].source
