"""State of the fast engine: record arrays sized to the leads in flight, allocated and grown by Python.

The kernel stops before an event for which a table might be too small and says which; `grow` doubles it and the run
goes on from the very same event.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from funnelsim.engine.arrivals import ARRIVAL_ROW
from funnelsim.plan import ASSIGNMENT, ATTEMPT, VISIT, Plan, records

# Counters.
(N_AGENDA, N_FREE, N_ARRIVALS, AT_ARRIVAL, AT_WEEK, AT_DAY, N_DUE_TEAMS, N_LONGEST, N_VISITS, N_ASSIGNMENTS, N_ATTEMPTS,
 TRACING, STARTED, N_EVENTS, N_STALE, MOST_AGENDA) = (np.int64(i) for i in range(16))

# Why the kernel came back.
DONE, FULL_AGENDA, FULL_LEADS, FULL_QUEUE, FULL_ARRIVALS, FULL_VISITS, FULL_ASSIGNMENTS, FULL_ATTEMPTS = (
    np.int64(i) for i in range(8))

# What a lead does next, within one event: one place in the code for each step, whoever asks for it.
NOTHING, ENTER, ROUTE, ASSIGN, JOIN, SETTLE, LEAVE = (np.int64(i) for i in range(7))
NO_END = np.int64(-1)

# Where the lead of a slot is: nowhere, in a stage, or between two (cool-off).
GONE, IN_STAGE, COOLING = (np.int64(i) for i in range(3))

EVENT = np.dtype([("time", "f8"), ("order", "i8"), ("slot", "i4"), ("token", "i4")])
PLACE = np.dtype([("key", "f8"), ("joined", "f8"), ("lead", "i8"), ("level", "i8"), ("slot", "i4"), ("place", "i4")])
LEAD = np.dtype([
    ("id", "i8"), ("luck", "u8"), ("source", "i8"), ("segment", "i8"), ("arrived", "f8"),
    ("fit", "f8"), ("value", "f8"), ("owner_luck", "f8"), ("reachable", "i8"),
    ("context", "f8"), ("owner", "i8"), ("reached_by", "i8"), ("cycles", "i8"), ("snapshot_stage", "i8"),
    # the visit
    ("stage", "i8"), ("number", "i8"), ("cycle", "i8"), ("entered", "f8"), ("first_deadline", "f8"),
    ("touched", "f8"), ("reached", "f8"), ("attempts", "i8"), ("assignments", "i8"), ("reassigned", "i8"),
    ("step", "i8"), ("step_attempts", "i8"), ("level", "i8"), ("shift", "f8"), ("chance", "f8"),
    ("waiting", "i8"), ("in_service", "i8"), ("patience_over", "i8"), ("touched_before", "i8"), ("inherited", "i8"),
    # the assignment
    ("assigned_to", "i8"),      # team, -1 while nobody answers for the visit
    ("assigned", "f8"), ("first_joined", "f8"), ("first_touched", "f8"), ("made", "i8"), ("kept", "i8"),
    ("reacting", "i8"), ("warned", "i8"), ("escalated", "i8"), ("postponed", "i8"),
    # the attempt
    ("joined", "f8"), ("started", "f8"), ("rep", "i8"), ("succeeds", "i8"),
    # within an event
    ("next", "i8"), ("ending", "i8"), ("to", "i8"), ("handed", "i8"), ("exit", "i8"), ("outcome", "i8"),
    # tokens: an event is stale when its token is not the lead's any more; they only ever rise, slots are re-used
    ("alive", "i8"), ("visit_token", "i4"), ("coming_token", "i4"), ("place", "i4"),
])
CLOCK = np.dtype([("start", "f8"), ("deadline", "f8"), ("state", "i8"), ("term", "i8"),
                  ("acted_at", "f8"), ("acted", "i8"), ("token", "i4")])
TEAM_NOW = np.dtype([("busy", "i8"), ("capacity", "i8"), ("until", "f8"), ("interval", "i8"), ("places", "i8"), ("waiting", "i8"),
                     ("due", "i8")])


class State(NamedTuple):
    """All that changes."""

    n: NDArray[np.int64]        # counters
    now: NDArray[np.float64]    # [0] the instant at which the kernel stopped for want of room
    agenda: Any                 # EVENT, a heap
    leads: Any                  # LEAD, a slot a lead in flight
    clocks: Any                 # CLOCK[slot, kind of term]
    counts: NDArray[np.int32]   # [slot, stage] visits so far
    free: NDArray[np.int64]     # stack of free slots
    teams: Any                  # TEAM_NOW
    reps: NDArray[np.uint8]     # [team, rep] busy
    queues: Any                 # PLACE[team, place], heaps
    arrivals: Any               # ARRIVAL_ROW of the current week, in order
    scratch: Any                # the same, unsorted
    buckets: NDArray[np.int64]
    open_visits: NDArray[np.int64]      # by stage
    visits: Any                 # VISIT rows
    assignments: Any            # ASSIGNMENT rows
    attempts: Any               # ATTEMPT rows


def new_state(plan: Plan, tracing: bool, slots: int = 1024, rows: int = 1 << 13) -> State:
    """Room for a start; `grow` makes more."""
    n = np.zeros(16, np.int64)
    n[N_FREE], n[TRACING] = slots, int(tracing)
    people = max([1, *plan.teams.people.tolist()])
    rows = rows if tracing else 0
    return State(
        n, np.zeros(1), records(EVENT, 4 * slots + 2 * people), records(LEAD, slots), records(CLOCK, slots, 2),
        np.zeros((slots, len(plan.stages)), np.int32), np.arange(slots - 1, -1, -1), records(TEAM_NOW, len(plan.teams)),
        np.zeros((len(plan.teams), people), np.uint8), records(PLACE, len(plan.teams), slots),
        records(ARRIVAL_ROW, 1024), records(ARRIVAL_ROW, 1024), np.zeros(1026, np.int64), np.zeros(len(plan.stages), np.int64),
        records(VISIT, rows), records(ASSIGNMENT, rows), records(ATTEMPT, rows))


def reset(state: State) -> None:
    """Ready for another replication; the room stays."""
    tracing = state.n[TRACING]
    state.n[:] = 0
    state.n[TRACING], state.n[N_FREE] = tracing, len(state.free)
    state.free[:] = np.arange(len(state.free) - 1, -1, -1)
    for table in (state.leads, state.clocks, state.teams):
        table.view(np.uint8).fill(0)
    state.reps[:] = 0
    state.now[0] = 0.0
    state.open_visits[:] = 0


def grow(state: State, full: int) -> State:
    """The same state with twice the room where it was short."""
    if full == FULL_AGENDA:
        return state._replace(agenda=_doubled(state.agenda))
    if full == FULL_LEADS:
        slots = len(state.free)
        free = np.zeros(2 * slots, np.int64)
        free[:slots] = np.arange(2 * slots - 1, slots - 1, -1)      # the old ones are all taken
        state.n[N_FREE] = slots
        return state._replace(leads=_doubled(state.leads), clocks=_doubled(state.clocks), counts=_doubled(state.counts), free=free)
    if full == FULL_QUEUE:
        wider = records(PLACE, state.queues.shape[0], 2 * state.queues.shape[1])
        wider[:, :state.queues.shape[1]] = state.queues
        return state._replace(queues=wider)
    if full == FULL_ARRIVALS:
        room = 2 * len(state.scratch)
        return state._replace(arrivals=records(ARRIVAL_ROW, room), scratch=records(ARRIVAL_ROW, room),
                              buckets=np.zeros(room + 2, np.int64))
    name = {FULL_VISITS: "visits", FULL_ASSIGNMENTS: "assignments", FULL_ATTEMPTS: "attempts"}[np.int64(full)]
    return state._replace(**{name: _doubled(getattr(state, name))})


def _doubled(table: Any) -> Any:
    larger = np.zeros((2 * len(table), *table.shape[1:]), table.dtype)
    larger[:len(table)] = table
    return larger.view(np.recarray) if table.dtype.names else larger


