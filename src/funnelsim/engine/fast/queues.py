"""Queues: a heap a lane in the order of rule 13, (level, key, joined, lead), the highest level first.

A team has one lane, one a rep, or one a kind of work [103, 104]. A lead that leaves without being served leaves a stale
place behind, known by its token, dropped when it comes up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.fast.effects import is_own
from funnelsim.engine.fast.scores import score_now
from funnelsim.engine.fast.state import Counter
from funnelsim.engine.jit import inline_kernel, outlined_kernel
from funnelsim.engine.rng import P_REP, bits, plus, uniform
from funnelsim.int64 import Int
from funnelsim.plan_codes import ClockState, QueueLayout, QueueOrder, TermKind, WorkKind

ZERO, NO_LANE = np.int64(0), np.int64(-1)


@inline_kernel
def join_queue(plan: Any, state: Any, team: Int, slot: Int, now: float) -> None:
    """Take a place; its key and its lane are fixed now. The team is due for a dispatch."""
    lead, row = state.leads[slot], plan.teams[team]
    lead.key = lead.joined
    if row.order != QueueOrder.FIRST_COME:
        lead.key = _key(plan, state, team, slot, now)
    elif row.head_start > 0.0 and is_own(plan, lead, team):
        lead.key -= row.head_start
    lead.lane = row.lane_first
    if row.lanes != QueueLayout.POOLED:
        lead.lane += _lane(plan, lead, team)
    take_place(state, team, slot)


@inline_kernel
def take_place(state: Any, team: Int, slot: Int) -> None:
    """The place that belongs to the lead's lane, level and key."""
    lead = state.leads[slot]
    state.lanes[lead.lane].waiting += 1
    lead.place += 1
    _push(state, np.int64(lead.lane), lead.key, lead.joined, lead.id, -np.int64(lead.level), slot, lead.place)
    ask_dispatch(state, team)


@inline_kernel
def leave_queue(state: Any, slot: Int) -> None:
    lead = state.leads[slot]
    lead.place += 1
    state.lanes[lead.lane].waiting -= 1


@inline_kernel
def next_lane(plan: Any, state: Any, team: Int, now: float) -> Int:
    """The lane served next; NO_LANE when nobody is free or nobody waits."""
    at, row = state.teams[team], plan.teams[team]
    if now >= at.until:
        return NO_LANE
    if row.lanes == QueueLayout.POOLED:
        lane = row.lane_first
        return lane if state.lanes[lane].waiting > 0 and at.busy < at.present else NO_LANE
    return _lane_apart(plan, state, team)


@inline_kernel
def take_next(state: Any, lane: Int) -> Int:
    """Slot of the lead served next; somebody must be waiting."""
    heap = state.queues
    slot = np.int64(-1)
    while slot < 0:
        if state.leads[heap[lane, 0].slot].place == heap[lane, 0].place:
            slot = np.int64(heap[lane, 0].slot)
        _drop(state, lane)
    state.leads[slot].place += 1
    state.lanes[lane].waiting -= 1
    return slot


@inline_kernel
def ask_dispatch(state: Any, team: Int) -> None:
    """One dispatch a team and instant [12]."""
    state.counters[Counter.DUE_TEAMS] += 1 - state.teams[team].due
    state.teams[team].due = 1
    state.counters[Counter.LAST_DUE_TEAM] = team


@outlined_kernel
def _key(plan: Any, state: Any, team: Int, slot: Int, now: float) -> float:
    """Key of an order other than first come [13, 97]."""
    lead, row = state.leads[slot], plan.teams[team]
    if row.order == QueueOrder.SCORE:
        return -(score_now(plan, state, slot, row.score, now) if row.score >= 0 else lead.fit)
    if row.order == QueueOrder.DUE_TIME:
        clock = state.clocks[slot, TermKind.FIRST_TOUCH]
        return clock.deadline if lead.has_clocks and clock.state == ClockState.RUNNING else np.inf
    if row.order == QueueOrder.NEWEST:
        return -lead.entered  # type: ignore[no-any-return]  # from a record
    return -lead.value  # type: ignore[no-any-return]  # from a record


@outlined_kernel
def _lane(plan: Any, lead: Any, team: Int) -> Int:
    """Which of the team's lanes a lead waits in: of the rep it belongs to for life, or of the kind of work."""
    row = plan.teams[team]
    if row.lanes == QueueLayout.PERSONAL:
        u = uniform(bits(lead.stream, plus(row.stream, P_REP), ZERO, ZERO))
        return np.int64(u * row.people)
    if plan.stages[lead.stage].deal != 0:
        return WorkKind.DEALS
    if lead.attempts > 0:  # a task has one behind it too
        return WorkKind.FOLLOW_UPS
    return WorkKind.OWN_LEADS if is_own(plan, lead, team) else WorkKind.OTHER_LEADS


@outlined_kernel
def _lane_apart(plan: Any, state: Any, team: Int) -> Int:
    """Personal queues: of the first rep who is free and has somebody waiting. A budget: the kind furthest behind."""
    at, row = state.teams[team], plan.teams[team]
    best = NO_LANE
    if row.lanes == QueueLayout.BUDGETED:
        least = np.inf
        for kind in range(row.lane_count if at.busy < at.present else ZERO):
            lane = row.lane_first + kind
            share = plan.points[row.budget_first + kind].y
            used = state.lanes[lane].spent / share if share > 0.0 else np.inf
            if state.lanes[lane].waiting > 0 and (best < 0 or used < least):
                best, least = lane, used
        return best
    for rep in range(at.capacity):
        if state.reps[team, rep] == 0 and state.lanes[row.lane_first + rep].waiting > 0:
            return row.lane_first + rep  # type: ignore[no-any-return]  # from a record
    return best


@inline_kernel
def _push(state: Any, lane: Int, key: float, joined: float, lead: Int, level: Int, slot: Int, place: Int) -> None:
    heap = state.queues
    i = state.lanes[lane].places
    state.lanes[lane].places = i + 1
    if i >= state.counters[Counter.LONGEST_QUEUE]:
        state.counters[Counter.LONGEST_QUEUE] = i + 1
    while i > 0:
        up = (i - 1) >> 1
        if not _before(heap, lane, up, key, joined, lead, level):
            _move(heap, lane, i, up)
            i = up
        else:
            break
    at = heap[lane, i]
    at.key = key
    at.joined = joined
    at.lead = lead
    at.level = level
    at.slot = slot
    at.place = place


@inline_kernel
def _drop(state: Any, lane: Int) -> None:
    heap = state.queues
    n = state.lanes[lane].places - 1
    state.lanes[lane].places = n
    if n == 0:
        return
    last = heap[lane, n]
    key, joined, lead, level = last.key, last.joined, last.lead, last.level
    i = np.int64(0)
    while True:
        child = 2 * i + 1
        if child >= n:
            break
        if child + 1 < n:
            other = heap[lane, child + 1]
            if not _before(heap, lane, child, other.key, other.joined, other.lead, other.level):
                child += 1
        if not _before(heap, lane, child, key, joined, lead, level):
            break
        _move(heap, lane, i, child)
        i = child
    _move(heap, lane, i, n)


@inline_kernel
def _before(heap: Any, lane: Int, i: Int, key: float, joined: float, lead: Int, level: Int) -> bool:
    """Whether place i is served before; level is negative for those who go first."""
    at = heap[lane, i]
    if at.level != level:
        return at.level < level  # type: ignore[no-any-return]  # from a record
    if at.key != key:
        return at.key < key  # type: ignore[no-any-return]  # from a record
    if at.joined != joined:
        return at.joined < joined  # type: ignore[no-any-return]  # from a record
    return at.lead < lead  # type: ignore[no-any-return]  # from a record


@inline_kernel
def _move(heap: Any, lane: Int, to: Int, source: Int) -> None:
    heap[lane, to].key = heap[lane, source].key
    heap[lane, to].joined = heap[lane, source].joined
    heap[lane, to].lead = heap[lane, source].lead
    heap[lane, to].level = heap[lane, source].level
    heap[lane, to].slot = heap[lane, source].slot
    heap[lane, to].place = heap[lane, source].place
