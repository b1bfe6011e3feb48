"""A team's queue: a heap in the order of rule 13, (level, key, joined, lead), escalated ones first.

A lead that leaves without being served leaves a stale place behind, known by its token, dropped when it comes up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.fast.state import LAST_DUE, N_DUE_TEAMS, N_LONGEST
from funnelsim.engine.jit import hot
from funnelsim.plan import BY_DUE_TIME, BY_SCORE, FIRST_TOUCH, RUNNING
from funnelsim.whole import Whole


@hot
def join_queue(plan: Any, state: Any, team: Whole, slot: Whole) -> None:
    """Take a place; the team is due for a dispatch."""
    lead = state.leads[slot]
    state.teams[team].waiting += 1
    lead.place += 1
    key = lead.joined
    if plan.teams[team].order == BY_SCORE:
        key = -lead.fit
    elif plan.teams[team].order == BY_DUE_TIME:
        clock = state.clocks[slot, FIRST_TOUCH]
        key = clock.deadline if lead.clocked and clock.state == RUNNING else np.inf
    _push(state, team, key, lead.joined, lead.id, -np.int64(lead.level), slot, lead.place)
    ask_dispatch(state, team)


@hot
def leave_queue(state: Any, team: Whole, slot: Whole) -> None:
    state.leads[slot].place += 1
    state.teams[team].waiting -= 1


@hot
def take_next(state: Any, team: Whole) -> Whole:
    """Slot of the lead served next; somebody must be waiting."""
    heap = state.queues
    slot = np.int64(-1)
    while slot < 0:
        if state.leads[heap[team, 0].slot].place == heap[team, 0].place:
            slot = np.int64(heap[team, 0].slot)
        _drop(state, team)
    state.leads[slot].place += 1
    state.teams[team].waiting -= 1
    return slot


@hot
def ask_dispatch(state: Any, team: Whole) -> None:
    """One dispatch a team and instant [12]."""
    state.n[N_DUE_TEAMS] += 1 - state.teams[team].due
    state.teams[team].due = 1
    state.n[LAST_DUE] = team


@hot
def _push(state: Any, team: Whole, key: float, joined: float, lead: Whole, level: Whole, slot: Whole,
          place: Whole) -> None:
    heap = state.queues
    i = state.teams[team].places
    state.teams[team].places = i + 1
    if i >= state.n[N_LONGEST]:
        state.n[N_LONGEST] = i + 1
    while i > 0:
        up = (i - 1) >> 1
        if not _before(heap, team, up, key, joined, lead, level):
            _move(heap, team, i, up)
            i = up
        else:
            break
    at = heap[team, i]
    at.key = key
    at.joined = joined
    at.lead = lead
    at.level = level
    at.slot = slot
    at.place = place


@hot
def _drop(state: Any, team: Whole) -> None:
    heap = state.queues
    n = state.teams[team].places - 1
    state.teams[team].places = n
    if n == 0:
        return
    last = heap[team, n]
    key, joined, lead, level = last.key, last.joined, last.lead, last.level
    i = np.int64(0)
    while True:
        child = 2 * i + 1
        if child >= n:
            break
        if child + 1 < n:
            other = heap[team, child + 1]
            if not _before(heap, team, child, other.key, other.joined, other.lead, other.level):
                child += 1
        if not _before(heap, team, child, key, joined, lead, level):
            break
        _move(heap, team, i, child)
        i = child
    _move(heap, team, i, n)


@hot
def _before(heap: Any, team: Whole, i: Whole, key: float, joined: float, lead: Whole, level: Whole) -> bool:
    """Whether place i is served before; level is negative for those who go first."""
    at = heap[team, i]
    if at.level != level:
        return at.level < level  # type: ignore[no-any-return]  # from a record
    if at.key != key:
        return at.key < key  # type: ignore[no-any-return]  # from a record
    if at.joined != joined:
        return at.joined < joined  # type: ignore[no-any-return]  # from a record
    return at.lead < lead  # type: ignore[no-any-return]  # from a record


@hot
def _move(heap: Any, team: Whole, to: Whole, source: Whole) -> None:
    heap[team, to].key = heap[team, source].key
    heap[team, to].joined = heap[team, source].joined
    heap[team, to].lead = heap[team, source].lead
    heap[team, to].level = heap[team, source].level
    heap[team, to].slot = heap[team, source].slot
    heap[team, to].place = heap[team, source].place
