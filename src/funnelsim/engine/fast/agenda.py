"""Future events: a 4-ary heap in the order of rule 10.

The order of events at one instant is one number: (rank, lead + 1, detail). A lead has at most one live event of a rank
at an instant, but for the actions of its two clocks, which the detail tells apart; else it says what kind of event of
its rank this is. Events of teams stand under the team's index in place of the lead.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.fast.state import MOST_AGENDA, N_AGENDA
from funnelsim.engine.jit import hot

RANK_SHIFT, LEAD_SHIFT, DETAIL_MASK = np.int64(59), np.int64(3), np.int64(7)


@hot
def order_of(rank: int, lead: int, detail: int) -> int:
    return (np.int64(rank) << RANK_SHIFT) | ((np.int64(lead) + np.int64(1)) << LEAD_SHIFT) | np.int64(detail)


@hot
def schedule(state: Any, time: float, order: int, slot: int, token: int) -> None:
    heap = state.agenda
    i = state.n[N_AGENDA]
    state.n[N_AGENDA] = i + 1
    if i >= state.n[MOST_AGENDA]:
        state.n[MOST_AGENDA] = i + 1
    while i > 0:
        up = (i - 1) >> 2
        if heap[up].time < time or (heap[up].time == time and heap[up].order < order):
            break
        _move(heap, i, up)
        i = up
    heap[i].time = time
    heap[i].order = order
    heap[i].slot = slot
    heap[i].token = token


@hot
def drop_first(state: Any) -> None:
    """Remove the earliest: the hole sinks to a leaf, the last event rises from there (fewer comparisons)."""
    heap = state.agenda
    n = state.n[N_AGENDA] - 1
    state.n[N_AGENDA] = n
    i = np.int64(0)
    child = np.int64(1)
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
    time = heap[n].time
    order = heap[n].order
    while i > 0:
        up = (i - 1) >> 2
        if heap[up].time < time or (heap[up].time == time and heap[up].order < order):
            break
        _move(heap, i, up)
        i = up
    _move(heap, i, n)


@hot
def _earlier(heap: Any, a: int, b: int) -> int:
    """The earlier of two places, without a branch."""
    later = (heap[b].time < heap[a].time) | ((heap[b].time == heap[a].time) & (heap[b].order < heap[a].order))
    return a + (b - a) * np.int64(later)


@hot
def _move(heap: Any, to: int, source: int) -> None:
    """Field by field: assigning a whole record copies byte after byte."""
    heap[to].time = heap[source].time
    heap[to].order = heap[source].order
    heap[to].slot = heap[source].slot
    heap[to].token = heap[source].token
