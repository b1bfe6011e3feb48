"""The future event list: a 4-ary heap in the order of rule 10.

The order of events is two numbers. `key` is (tick, priority): time as a whole number of ticks and the priority in its
last four bits, so that one comparison of integers settles nearly every case. `order` is (lead + 1, detail): a lead
has at most one live event of a priority at an instant, but for the actions of its two clocks, which the detail tells
apart; else it says what kind of event of its priority this is. Events of teams stand under the team's index in place
of the lead.

Events at or past the horizon never happen, so they are left out. Ends of work have a heap of their own: they are two
thirds of all events and there are never more of them than people, so it stays shallow however many leads wait for
something else.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.fast.state import Counter, RunInstant
from funnelsim.engine.jit import inline_kernel
from funnelsim.int64 import Int
from funnelsim.plan import TICK

PRIORITY_BITS, PRIORITY_MASK = np.int64(4), np.int64(15)
LEAD_SHIFT, DETAIL_MASK = np.int64(4), np.int64(15)
NEVER = np.int64(2**63 - 1)
ZERO, ONE = np.int64(0), np.int64(1)
TICKS = 1.0 / TICK


@inline_kernel
def key_of(time: float, priority: Int) -> Int:
    return (np.int64(time * TICKS) << PRIORITY_BITS) | np.int64(priority)


@inline_kernel
def time_of(key: Int) -> float:
    return np.float64(key >> PRIORITY_BITS) * TICK


@inline_kernel
def schedule(state: Any, time: float, priority: Int, lead: Int, detail: Int, slot: Int, token: Int) -> None:
    if time >= state.clock[RunInstant.HORIZON]:
        return
    n = state.counters[Counter.PENDING]
    state.counters[Counter.PENDING] = n + 1
    _add(state.events, n, key_of(time, priority), _order_of(lead, detail), slot, token)


@inline_kernel
def schedule_work(state: Any, time: float, lead: Int, slot: Int) -> None:
    """The end of an attempt."""
    if time >= state.clock[RunInstant.HORIZON]:
        return
    n = state.counters[Counter.WORKING]
    state.counters[Counter.WORKING] = n + 1
    _add(state.working, n, key_of(time, EventPriority.WORK_ENDS), _order_of(lead, ZERO), slot, ZERO)


@inline_kernel
def drop_first(heap: Any, n: Int) -> None:
    """Remove the earliest, n are left: the hole sinks to a leaf, the last event rises from there."""
    i: Int = np.int64(0)
    child: Int = np.int64(1)
    while child + 3 < n:
        least = _earlier(heap, _earlier(heap, child, child + 1), _earlier(heap, child + 2, child + 3))
        _move(heap, i, least)
        i = least
        child = 4 * i + 1
    if child < n:
        least = child
        for c in range(child + 1, n):
            least = _earlier(heap, least, c)
        _move(heap, i, least)
        i = least
    i = _rise(heap, i, heap[n].key, heap[n].order)
    _move(heap, i, n)


@inline_kernel
def _order_of(lead: Int, detail: Int) -> Int:
    return ((np.int64(lead) + ONE) << LEAD_SHIFT) | np.int64(detail)


@inline_kernel
def _add(heap: Any, n: Int, key: Int, order: Int, slot: Int, token: Int) -> None:
    i = _rise(heap, n, key, order)
    heap[i].key = key
    heap[i].order = order
    heap[i].slot = slot
    heap[i].token = token


@inline_kernel
def _rise(heap: Any, i: Int, key: Int, order: Int) -> Int:
    """Make way from the hole i upwards for an event; where it goes."""
    while i > 0:
        up = (i - 1) >> 2
        if heap[up].key < key or (heap[up].key == key and heap[up].order < order):
            break
        _move(heap, i, up)
        i = up
    return i


@inline_kernel
def _earlier(heap: Any, a: Int, b: Int) -> Int:
    """The earlier of two places, without a branch: nobody could guess it."""
    later = (heap[b].key < heap[a].key) | ((heap[b].key == heap[a].key) & (heap[b].order < heap[a].order))
    return a + (b - a) * np.int64(later)


@inline_kernel
def _move(heap: Any, to: Int, source: Int) -> None:
    """Field by field: assigning a whole record copies byte after byte."""
    heap[to].key = heap[source].key
    heap[to].order = heap[source].order
    heap[to].slot = heap[source].slot
    heap[to].token = heap[source].token
