"""Leads come: the arrivals of each week in order."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.arrival_process import INITIAL_LEADS_STREAM, in_flight_number, week_arrivals
from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.fast.draws import ZERO
from funnelsim.engine.fast.event_heap import NEVER, key_of
from funnelsim.engine.fast.state import Counter
from funnelsim.engine.jit import inline_kernel
from funnelsim.engine.rng import lead_stream
from funnelsim.int64 import Int
from funnelsim.plan import WEEK


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
