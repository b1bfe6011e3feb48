"""State of the fast engine: record arrays sized to the leads in flight, allocated and grown by Python.

The kernel stops before an event, or between two steps of a lead, for which a table might be too small and says which;
`grow` doubles it and the run goes on from the very same place.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from funnelsim.engine import log_odds
from funnelsim.engine.arrival_process import ARRIVAL_ROW
from funnelsim.engine.level_dynamics import first_levels, reset_levels
from funnelsim.int64 import Int
from funnelsim.plan import TICK, Plan, zeros_record
from funnelsim.plan_codes import DefinitionKind, QueueLayout, SpacingKind, TermKind
from funnelsim.run_tables import ASSIGNMENT, ATTEMPT, PASSAGE, VISIT
from funnelsim.typing import FloatArray, IntArray


class Counter(IntEnum):
    """Whole numbers of the run as such: how many of something, where something is, what is on."""

    PENDING = 0  # events in the heap
    FREE_SLOTS = 1
    ARRIVALS = 2  # of the current week
    ARRIVAL = 3  # the next one of them
    WEEK = 4
    DAY = 5
    DUE_TEAMS = 6
    LONGEST_QUEUE = 7
    VISITS = 8  # rows written, as in the three below
    ASSIGNMENTS = 9
    ATTEMPTS = 10
    PASSAGES = 11
    TRACING = 12
    STARTED = 13
    EVENTS = 14
    STALE_EVENTS = 15
    INSTANT = 16
    NEWCOMER = 17  # slot of the first in the list of newcomers
    WORKING = 18  # events in the heap of ends of work
    LAST_DUE_TEAM = 19
    NEXT_ARRIVAL = 20  # keys of the next arrival and of the horizon
    HORIZON_KEY = 21
    INTERRUPTED = 22  # slot of the lead whose steps go on when there is more room


class RunInstant(IntEnum):
    """Instants of the run as such."""

    HORIZON = 0
    MIDNIGHT = 1  # the next one


class RunStatus(IntEnum):
    """Why the kernel came back."""

    DONE = 0
    EVENT_HEAP_FULL = 1
    LEADS_FULL = 2
    QUEUE_FULL = 3
    ARRIVALS_FULL = 4
    VISITS_FULL = 5
    ASSIGNMENTS_FULL = 6
    ATTEMPTS_FULL = 7
    PASSAGES_FULL = 8


class Step(IntEnum):
    """What a lead does next, within one event: one place in the code for each step, whoever asks for it.

    Those from RARE on belong to mechanisms that most plans leave out: one comparison passes them all by.
    """

    NONE = 0
    CREATE_LEAD = 1
    ENTER_STAGE = 2
    SETTLE_OWNER = 3
    ROUTE = 4
    ASSIGN = 5
    OFFER_TO_TEAM = 6
    ATTEMPT_DUE = 7
    JOIN_QUEUE = 8
    DRAW_OUTCOME = 9
    LEAVE_STAGE = 10
    CHECK_DEFINITIONS = 11
    RESUME_VISIT = 12
    RAISE_HAND = 13
    ASK_ACCEPTANCE = 14
    DECIDE_ACCEPTANCE = 15
    NEXT_TASK = 16
    DRAW_AT_GATE = 17


RARE = np.int64(Step.CHECK_DEFINITIONS)


class Due(IntEnum):
    """What falls due for a lead: details of EventPriority.DUE."""

    HABIT_ENDS = 0
    NEXT_ATTEMPT = 1
    PAUSE_ENDS = 2
    DECISION = 3
    DECISION_TIMES_OUT = 4
    TASK = 5


class Expedite(IntEnum):
    """Who wants the team to turn to a lead now."""

    NOBODY = 0
    PROMISE = 1
    BUYER = 2


class Location(IntEnum):
    """Where the lead of a slot is: nowhere, in a stage, or between two."""

    GONE = 0
    IN_STAGE = 1
    COOLING_OFF = 2


TERM_KINDS = np.int64(len(TermKind))
BUSY, AWAY = np.uint8(1), np.uint8(2)
NO_END, NOBODY = np.int64(-1), np.int64(-1)

EVENT = np.dtype([("key", "i8"), ("order", "i8"), ("slot", "i4"), ("token", "i4")])
PLACE = np.dtype([("key", "f8"), ("joined", "f8"), ("lead", "i8"), ("level", "i8"), ("slot", "i4"), ("place", "i4")])
# Half the room of 8 bytes a field, and fields that are set together stand together.
LEAD = np.dtype(
    [
        ("id", "i8"),
        ("stream", "u8"),
        ("arrived", "f8"),
        ("fit", "f8"),
        ("value", "f8"),
        ("context", "f8"),
        ("reached_by", "i8"),
        # the visit
        ("entered", "f8"),
        ("first_deadline", "f8"),
        ("touched", "f8"),
        ("reached", "f8"),
        ("chance", "f8"),
        ("asked", "f8"),
        ("shift", "f8"),
        ("effort", "f8"),
        ("attempts", "i4"),
        ("assignments", "i4"),
        ("reassigned", "i4"),
        ("step", "i4"),
        ("step_attempts", "i4"),
        ("unresolved", "i4"),
        ("merged", "i4"),
        ("level", "i1"),
        ("waiting", "i1"),
        ("in_service", "i1"),
        ("patience_over", "i1"),
        ("touched_before", "i1"),
        ("inherited", "i1"),
        ("impatient", "i1"),  # patience runs, and is not on the agenda yet
        ("handed_on", "i1"),  # came by a handoff between two stages: the team may have to accept it
        ("waits_at_gate", "i1"),  # waits for the threshold of its stage
        ("tracks_interest", "i1"),  # something of `interest` may change in this visit
        ("next_step", "i1"),
        ("postponed", "i1"),
        ("step_after_check", "i1"),  # what follows a look at the definitions
        ("blame", "i1"),
        # the assignment
        ("ending", "i1"),
        ("adhered", "i1"),
        ("awaiting_first_work", "i1"),
        ("has_clocks", "i1"),  # has clocks
        ("handed", "i1"),
        ("succeeds", "i1"),
        ("timed_out", "i1"),
        ("accepted", "i1"),
        ("pursued", "i1"),
        ("escalated", "i1"),
        ("deciding", "i1"),
        ("expedited_by", "i1"),  # somebody wants the team to turn to the lead now
        ("rejoins_after_pause", "i1"),  # joins the queue when a pause is over
        ("made", "i4"),
        ("warned", "i4"),
        ("assigned_to", "i4"),  # team, -1 while nobody answers for the visit
        ("promise", "i4"),
        ("stage", "i4"),
        ("number", "i4"),
        ("cycle", "i4"),
        ("assigned", "f8"),
        ("first_joined", "f8"),
        ("first_touched", "f8"),
        ("decided", "f8"),
        ("paused_until", "f8"),
        ("due", "f8"),  # when the next attempt falls due
        # the attempt or task
        ("joined", "f8"),
        ("started", "f8"),
        ("work", "f8"),
        ("contact_shift", "f8"),
        ("key", "f8"),
        ("rep", "i4"),
        ("lane", "i4"),
        ("task", "i4"),  # row of `tasks`, -1 none
        ("tries", "i4"),
        # within an event
        ("to", "i4"),
        ("exit", "i4"),
        ("outcome", "i4"),
        ("pausing", "i4"),  # pausing: signal, -1 none
        # for life
        ("source", "i4"),
        ("segment", "i4"),
        ("source_segment", "i4"),  # row of `source_segments`
        ("owner", "i4"),
        ("cycles", "i4"),
        ("snapshot_stage", "i4"),
        ("initial_row", "i4"),  # row of `initial_leads` until the lead carries on, -1 none
        ("reachable", "i1"),
        ("in_cohort", "i1"),
        ("second", "i1"),  # second record of a person
        ("duplicated", "i1"),  # the person has had two records at a time
        # tokens: an event is stale when its token is not the lead's any more; they only ever rise, slots are re-used
        ("location", "i1"),
        ("listed", "i1"),  # listed: in the list of newcomers
        ("visit_token", "i4"),
        ("pending_event_token", "i4"),
        ("place", "i4"),
        ("next_newcomer", "i4"),
    ]
)
# What a buyer thinks, apart from the lead: most events never look at it.
INTEREST = np.dtype(
    [
        ("intent", "f8"),
        ("trust", "f8"),
        ("points", "f8"),
        ("ready", "f8"),
        ("counted", "i8"),
        ("passed", "i8"),  # definitions counted, thresholds passed: a bit each
        # nurture of the visit: row or -1, when it began, when it stopped, touches so far, the last, the one too many
        ("nurture", "i4"),
        ("touches", "i4"),
        ("most", "i4"),
        ("tires", "i4"),
        ("nurture_from", "f8"),
        ("nurture_until", "f8"),
        ("crossing", "f8"),  # touch at which a threshold is reached; inf none
        ("signal_shift", "f8"),
        ("signal_at", "f8"),
        ("signal", "i4"),  # the next signal
        ("unsubscribed", "i1"),
        ("token", "i4"),
        ("crossing_token", "i4"),
    ]
)
CLOCK = np.dtype(
    [
        ("start", "f8"),
        ("deadline", "f8"),
        ("state", "i8"),
        ("term", "i8"),
        ("acted_at", "f8"),
        ("acted", "i8"),
        ("token", "i4"),
    ]
)
TEAM_STATE = np.dtype(
    [("busy", "i8"), ("capacity", "i8"), ("present", "i8"), ("until", "f8"), ("due", "i8"), ("numbered", "i8")]
)  # numbered: it matters who serves
LANE_STATE = np.dtype([("places", "i8"), ("waiting", "i8"), ("spent", "f8")])
# What follows from the plan alone, worked out once: who owns the leads of a stage (DIVIDED: it depends on the lead),
# the chance of a forward exit where there is no effect, which targets have effects (a bit each), and whether anybody
# looks at the buyer's interest there.
STAGE_FACT = np.dtype([("owner", "i8"), ("chance", "f8"), ("targets", "i8"), ("tracks_interest", "i8")])
DIVIDED = np.int64(-2)


class State(NamedTuple):
    """All that changes."""

    counters: IntArray  # Counter
    clock: FloatArray  # Clock
    replication_key: NDArray[np.uint64]  # [0]
    events: Any  # EVENT, a heap: the future event list
    working: Any  # EVENT, a heap: ends of attempts
    leads: Any  # LEAD, a slot a lead in flight
    interest: Any  # INTEREST[slot]
    clocks: Any  # CLOCK[slot, kind of term]
    alarms: FloatArray  # [slot, action]: when each action of the assignment's clocks falls due
    visit_counts: NDArray[np.int32]  # [slot, stage] visits so far
    free: IntArray  # stack of free slots
    teams: Any  # TEAM_STATE
    stage_facts: Any  # STAGE_FACT by stage
    reps: NDArray[np.uint8]  # [team, rep] BUSY, AWAY
    lanes: Any  # LANE_STATE, team after team
    queues: Any  # PLACE[lane, place], heaps
    levels: Any  # LEVEL_STATE
    arrivals: Any  # ARRIVAL_ROW of the current week, in order
    scratch: Any  # the same, unsorted
    buckets: IntArray
    open_visits: IntArray  # by stage
    visits: Any  # VISIT rows
    assignments: Any  # ASSIGNMENT rows
    attempts: Any  # ATTEMPT rows
    passages: Any  # PASSAGE rows


def new_state(plan: Plan, tracing: bool, slots: int = 0, rows: int = 1 << 13) -> State:
    """Room for a start, leads in flight included; `grow` makes more."""
    slots = slots or 1024 + 5 * len(plan.initial_leads) // 4
    n = np.zeros(len(Counter), np.int64)
    n[Counter.FREE_SLOTS], n[Counter.TRACING] = slots, int(tracing)
    n[Counter.NEWCOMER], n[Counter.INTERRUPTED] = NOBODY, NOBODY
    people = max([1, *plan.teams.people.tolist()])
    lanes = max([1, *(plan.teams.lane_first + plan.teams.lane_count).tolist()])
    actions = TERM_KINDS * max([1, *plan.terms.action_count.tolist()])
    rows = rows if tracing else 0
    return State(
        n,
        np.zeros(len(RunInstant)),
        np.zeros(1, np.uint64),
        zeros_record(EVENT, 4 * slots + 2 * people),
        zeros_record(EVENT, int(plan.teams.people.sum()) + 8),
        zeros_record(LEAD, slots),
        zeros_record(INTEREST, slots),
        zeros_record(CLOCK, slots, len(TermKind)),
        np.zeros((slots, actions)),
        np.zeros((slots, len(plan.stages)), np.int32),
        np.arange(slots - 1, -1, -1),
        zeros_record(TEAM_STATE, len(plan.teams)),
        stage_facts(plan),
        np.zeros((len(plan.teams), people), np.uint8),
        zeros_record(LANE_STATE, lanes),
        zeros_record(PLACE, lanes, max(16, slots // lanes)),
        first_levels(plan),
        zeros_record(ARRIVAL_ROW, 1024),
        zeros_record(ARRIVAL_ROW, 1024),
        np.zeros(1026, np.int64),
        np.zeros(len(plan.stages), np.int64),
        zeros_record(VISIT, rows),
        zeros_record(ASSIGNMENT, rows),
        zeros_record(ATTEMPT, rows),
        zeros_record(PASSAGE, rows),
    )


def stage_facts(plan: Plan) -> Any:
    """What follows from the plan alone."""
    table = zeros_record(STAGE_FACT, len(plan.stages))
    thresholds = bool((plan.definitions.kind == DefinitionKind.THRESHOLD).any())
    for stage, row in enumerate(plan.stages):
        owners = np.flatnonzero(plan.stage_teams.share[stage] > 0.0)
        table[stage].owner = -1
        if len(owners):
            table[stage].owner = owners[0] if plan.stage_teams.share[stage, owners[0]] >= 1.0 else DIVIDED
        table[stage].chance = log_odds.logistic(row.intercept)
        for target in plan.effects.target[row.effect_first : row.effect_first + row.effect_count]:
            table[stage].targets |= 1 << int(target)
        table[stage].tracks_interest = thresholds or row.nurture >= 0 or row.signal_count > 0
    return table


def check_grid(plan: Plan) -> None:
    """The agenda counts time in ticks, so every instant must be a whole number of them [1]."""
    on_days = plan.steps[plan.steps.spacing_kind == SpacingKind.ON_DAYS]
    instants = [
        plan.settings.horizon,
        plan.intervals.opens,
        plan.intervals.closes,
        plan.instants,
        plan.steps.spacing,
        plan.sources.batch_at,
        plan.initial_leads.age,
        *(plan.points.y[row.days_first : row.days_first + row.days_count] for row in on_days),
    ]
    ticks = np.concatenate(instants) / TICK
    ticks = ticks[np.isfinite(ticks)]
    if (ticks != np.floor(ticks)).any():
        raise ValueError("instants and lengths of a plan must be whole numbers of ticks")


def reset(plan: Plan, state: State) -> None:
    """Ready for another replication; the room stays."""
    tracing = state.counters[Counter.TRACING]
    state.counters[:] = 0
    state.counters[Counter.TRACING], state.counters[Counter.FREE_SLOTS] = tracing, len(state.free)
    state.counters[Counter.NEWCOMER], state.counters[Counter.INTERRUPTED] = NOBODY, NOBODY
    state.free[:] = np.arange(len(state.free) - 1, -1, -1)
    for table in (state.leads, state.interest, state.clocks, state.teams, state.lanes):
        table.view(np.uint8).fill(0)
    state.teams.numbered[:] = (plan.teams.absence > 0.0) | (plan.teams.lanes == QueueLayout.PERSONAL) | (tracing != 0)
    state.reps[:] = 0
    state.clock[:] = 0.0
    state.open_visits[:] = 0
    reset_levels(plan.levels, plan.instants, state.levels)


def grow(state: State, full: Int) -> State:
    """The same state with twice the room where it was short."""
    if full == RunStatus.EVENT_HEAP_FULL:
        return state._replace(events=_doubled(state.events))
    if full == RunStatus.LEADS_FULL:
        slots = len(state.free)
        free = np.zeros(2 * slots, np.int64)
        free[:slots] = np.arange(2 * slots - 1, slots - 1, -1)  # the old ones are all taken
        state.counters[Counter.FREE_SLOTS] = slots
        return state._replace(
            leads=_doubled(state.leads),
            interest=_doubled(state.interest),
            clocks=_doubled(state.clocks),
            alarms=_doubled(state.alarms),
            visit_counts=_doubled(state.visit_counts),
            free=free,
        )
    if full == RunStatus.QUEUE_FULL:
        wider = zeros_record(PLACE, state.queues.shape[0], 2 * state.queues.shape[1])
        wider[:, : state.queues.shape[1]] = state.queues
        return state._replace(queues=wider)
    if full == RunStatus.ARRIVALS_FULL:
        room = 2 * len(state.scratch)
        return state._replace(
            arrivals=zeros_record(ARRIVAL_ROW, room),
            scratch=zeros_record(ARRIVAL_ROW, room),
            buckets=np.zeros(room + 2, np.int64),
        )
    name = {
        RunStatus.VISITS_FULL: "visits",
        RunStatus.ASSIGNMENTS_FULL: "assignments",
        RunStatus.ATTEMPTS_FULL: "attempts",
        RunStatus.PASSAGES_FULL: "passages",
    }[RunStatus(int(full))]
    return state._replace(**{name: _doubled(getattr(state, name))})


def _doubled(table: Any) -> Any:
    larger = np.zeros((2 * len(table), *table.shape[1:]), table.dtype)
    larger[: len(table)] = table
    return larger.view(np.recarray) if table.dtype.names else larger
