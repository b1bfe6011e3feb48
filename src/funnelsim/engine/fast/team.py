"""A team: who is there, and whom free reps turn to [12 to 14, 102]. The steps of reference/team.py."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from funnelsim.engine.fast.draws import ZERO
from funnelsim.engine.fast.queues import NO_LANE, ask_dispatch, next_lane, take_next
from funnelsim.engine.fast.state import AWAY
from funnelsim.engine.fast.work import start
from funnelsim.engine.jit import inline_kernel, outlined_kernel
from funnelsim.engine.rng import P_ABSENT, bits, lead_stream, uniform
from funnelsim.int64 import Int
from funnelsim.plan import DAY
from funnelsim.plan_codes import QueueLayout


@inline_kernel
def capacity_changes(plan: Any, state: Any, team: Int, interval: Int) -> None:
    """An opening, or a change of people: take note, and look ahead to the next one."""
    now, row = state.teams[team], plan.teams[team]
    at = plan.intervals[interval]
    now.capacity = at.capacity
    now.present = at.capacity
    now.until = at.closes
    if row.absence > 0.0:
        now.present -= _note_absence(plan, state, team, at.opens, at.capacity)
    if row.lanes == QueueLayout.BUDGETED and (
        interval == row.interval_first or plan.intervals[interval - 1].closes < at.opens
    ):
        for lane in range(row.lane_first, row.lane_first + row.lane_count):
            state.lanes[lane].spent = 0.0
    ask_dispatch(state, team)


@inline_kernel
def dispatch(plan: Any, state: Any, out: Any, team: Int, now: float) -> None:
    """Free reps take the next leads until nobody is free or the queue is empty."""
    lane = next_lane(plan, state, team, now)
    while lane != NO_LANE:
        start(plan, state, out, team, take_next(state, lane), now)
        lane = next_lane(plan, state, team, now)


@outlined_kernel
def _note_absence(plan: Any, state: Any, team: Int, opens: float, capacity: Int) -> Int:
    """Who is away today [102]; how many of those on shift."""
    row = plan.teams[team]
    away = ZERO
    day = np.int64(math.floor(opens / DAY))
    for rep in range(row.people):
        stream = lead_stream(state.replication_key[0], row.stream, day, np.int64(rep))
        state.reps[team, rep] &= ~AWAY
        if uniform(bits(stream, P_ABSENT, ZERO, ZERO)) < row.absence:
            state.reps[team, rep] |= AWAY
            away += np.int64(rep < capacity)
    return away
