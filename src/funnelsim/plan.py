"""The Plan: the only door between what people write and what the engines run.

A Plan is numbers only: record arrays, one row a source, stage, team and so on; instants in seconds since `start`
on a grid of 1/1024 s (rule 1), indices for names, -1 for "none". Names and money are in the `Book` beside it.
A *run* of points or rows is given by its first index and its count (`kept_first`, `kept_count`).
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from funnelsim.whole import whole

TICK = 1.0 / 1024.0
HOUR, DAY, WEEK = 3600.0, 86400.0, 604800.0

# Where an exit leads when it is not a stage.
LOST, SILENT = whole(-1), whole(-2)       # silent: never heard of again, stays open for ever

# How a visit ended.
FORWARD, BACK, END, LOST_HERE, UNREACHED, COLD, RETURNED, CYCLE_LIMIT, WENT_SILENT, OPEN = (whole(i) for i in range(10))
OUTCOMES = ("forward", "back", "end", "lost", "unreached", "cold", "returned", "cycle limit", "silent", "open")

# How an assignment ended.
(REACHED, GAVE_UP, WENT_COLD, REASSIGNED, SENT_BACK, PASSED_ON, STILL_OPEN) = (whole(i) for i in range(7))
ASSIGNMENT_ENDS = ("reached", "gave up", "went cold", "reassigned", "returned", "passed on", "open")

# How an attempt ended.
CONTACT, NO_ANSWER, WITHDRAWN, WAITING, IN_PROGRESS = (whole(i) for i in range(5))
ATTEMPT_ENDS = ("contact", "no answer", "withdrawn", "waiting", "in progress")

# State of a clock (rule 61).
NO_CLOCK, RUNNING, KEPT, BROKEN, NEITHER, INHERITED = (whole(i) for i in range(-1, 5))
CLOCK_STATES = ("running", "kept", "broken", "neither", "inherited")

# Terms, clock starts, actions on a breach.
FIRST_TOUCH, ATTEMPTS_WITHIN = whole(0), whole(1)
CREATED, QUALIFIED, ASSIGNED = (whole(i) for i in range(3))
WARN, ESCALATE, REASSIGN, RETURN = (whole(i) for i in range(4))
ACTIONS = ("warn", "escalate", "reassign", "return")

# Queue orders (rule 13), routing of a handoff (rules 48, 50), units of spacing (rule 38), sides.
FIRST_COME, BY_SCORE, BY_DUE_TIME = (whole(i) for i in range(3))
AT_ONCE, DELAYED, BATCHED = (whole(i) for i in range(3))
ELAPSED, BUSINESS, ON_DAYS = (whole(i) for i in range(3))
MARKETING, SALES = whole(0), whole(1)

# Effects: what they look at, and what they shift.
ALWAYS, FIT, CONTEXT_LOST, BOTH_TEAMS, MARKETING_SELLS, RESPONSE_DELAY = (whole(i) for i in range(6))
ADVANCE, CONTACT_CHANCE = whole(0), whole(1)

_i, _f, _u = "i8", "f8", "u8"

SETTINGS = np.dtype([
    ("horizon", _f),            # events with time < horizon are processed
    ("measure_from", _f), ("measure_to", _f),   # leads arriving in [from, to) are the cohort; the calendar window
    ("weeks", _i),              # weeks of 168 h, from 0 to past the horizon, for which arrivals are made
    ("segments", _i),
    ("cycles", _i),             # backward exits a lead may take; -1 any number
    ("days_first", _i), ("days_count", _i),     # run of `instants`: local midnights, [0] <= 0, last >= horizon
])
SOURCE = np.dtype([
    ("luck", _u),               # hash of the source's path
    ("rate_first", _i), ("rate_count", _i),     # run of `points`: (from instant, leads a week), a step function
    ("profile", _i),            # first of weeks * 169 `points` rows, -1 flat: y = cumulative share of the week's mass
                                # at each hour, x of the week's first row = relative mass of that week
    ("level", _i),              # table of the weekly level or -1
    ("batch", _i), ("batch_at", _f),            # so many leads at one instant; 0 = none
    ("first", _f), ("last", _f),                # flight: arrivals in [first, last) only
    ("entry_first", _i), ("entry_count", _i),   # run of `exits`: entry stages with their shares
    ("cost", _f),               # acquisition cost a lead
])
MIX = np.dtype([                # one row a (source, segment): source * segments + segment
    ("share", _f),              # cumulative share of the segment within the source
    ("fit", _i), ("fit_shift", _f),             # table of the noise or -1; constant added
    ("reachable", _f),
    ("value", _i),              # table of the deal value (in currency units), -1 = 0
])
STAGE = np.dtype([
    ("luck", _u),               # hash of the stage's path; purposes are added to it
    ("step_first", _i), ("step_count", _i),     # run of `steps`; count 0 = nobody works here
    ("patience", _i),           # table or -1
    ("next_first", _i), ("next_count", _i), ("next_forward", _i),     # run of `exits`, forward ones first; 0 = an end
    ("unreached_first", _i), ("unreached_count", _i),
    ("cold_first", _i), ("cold_count", _i),
    ("intercept", _f),          # log-odds of a forward exit, before the effects; +-inf allowed
    ("contact_intercept", _f),  # added to the log-odds of every contact chance (anchoring, rule 68)
    ("effect_first", _i), ("effect_count", _i), # run of `effects`
    ("base", _f),               # the base rate (sum of forward shares) as written, for anchoring
    ("base_of_entered", _i),    # 1 = share of leads that entered, 0 = of leads dealt with
])
EXIT = np.dtype([
    ("to", _i),                 # stage, LOST or SILENT
    ("share", _f),              # within its group: forward exits sum to 1, the others sum to 1
    ("pace", _i),               # table or -1 = at once
    ("cool", _i),               # table of the cool-off or -1
    ("backward", _i),           # 1 = an earlier or the same stage
])
STEP = np.dtype([               # work of a stage, step by step (rule 45)
    ("team", _i),               # -1 = the owner
    ("attempts", _i),           # attempts of this step; a large number = no limit
    ("handling", _i), ("conversation", _i),     # tables or -1
    ("spacing_kind", _i), ("spacing", _f),      # ELAPSED or BUSINESS seconds; ON_DAYS: offsets in a run of `points` (y)
    ("days_first", _i), ("days_count", _i),
    ("contact_first", _i), ("contact_count", _i),   # run of `points`: y = chance at attempt 1, 2, ...; last holds on
    ("contactable", _i),        # 1 = the table speaks of contactable leads only: unreachable leads are never reached
])
EFFECT = np.dtype([
    ("input", _i), ("target", _i),
    ("size_first", _i), ("size_count", _i),     # run of `points`: (from instant, ln odds), a step function
    ("curve_first", _i), ("curve_count", _i),   # RESPONSE_DELAY: run of `points`: (ln seconds, ln r); size multiplies
])
POINT = np.dtype([("x", _f), ("y", _f)])
TEAM = np.dtype([
    ("side", _i),
    ("people", _i),             # the largest capacity ever
    ("order", _i),
    ("interval_first", _i), ("interval_count", _i),   # run of `intervals`
    ("stretch", _f),            # handling times are multiplied by this: own factor / (1 - other work)
    ("resume", _i),             # 1 = unfinished work continues at the next opening
    ("habit", _i),              # table or -1 = at once
])
INTERVAL = np.dtype([
    ("opens", _f), ("closes", _f),              # [opens, closes); touching ones differ in capacity
    ("capacity", _i),
    ("before", _f),             # open seconds of this team before `opens`
])
DUTY = np.dtype([               # one row a (stage, team): what the team owns and has promised there
    ("share", _f),              # cumulative ownership by lead luck, marketing-side teams first; nobody: all 0
    ("routing", _i), ("delay", _i),             # how leads are handed to this team here; table when DELAYED
    ("batch_first", _i), ("batch_count", _i),   # run of `instants` when BATCHED
    ("context_first", _i), ("context_count", _i),   # run of `points`: context kept at a handoff
    ("kept_first", _i), ("kept_count", _i),     # run of `points`: chance that the promise is kept; count 0 = no promise
    ("attempts", _i),           # attempts promised; 0 = none
    ("term_first", _i), ("term_count", _i),     # run of `terms`
])
TERM = np.dtype([
    ("kind", _i), ("length", _f), ("business", _i),     # seconds, elapsed or of the team's calendar
    ("start", _i),              # CREATED, QUALIFIED or ASSIGNED
    ("count", _i),              # attempts, for ATTEMPTS_WITHIN
    ("action_first", _i), ("action_count", _i),
])
ACTION_ROW = np.dtype([
    ("kind", _i), ("fraction", _f),
    ("heeded", _f),             # WARN: chance that the lead joins the queue now
    ("to", _i), ("limit", _i),  # REASSIGN: to which team, how often a visit
    ("exit", _i),               # RETURN: row of `exits`
])
DEFINITION = np.dtype([("stage", _i)])          # passed when a lead enters the stage (rule 35)
INFLIGHT = np.dtype([           # a lead of the snapshot (rule 23)
    ("id", _i), ("source", _i), ("segment", _i),    # segment -1 = drawn
    ("stage", _i), ("age", _f), # seconds in the stage at `start`
    ("number", _i),             # visit number
    ("team", _i),               # who has it; -1 = by ownership
    ("attempts", _i), ("reached", _i), ("context", _f),
    ("worked", _i),             # an earlier stage with work, -1 none: to its owner the lead is not new
    ("value", _f),              # cents; -1 = drawn
])


class Plan(NamedTuple):
    """Everything an engine reads. Arrays are records unless said otherwise."""

    settings: Any               # SETTINGS[1]
    sources: Any                # SOURCE
    mixes: Any                  # MIX[source * segments + segment]
    stages: Any                 # STAGE, in the order of the file
    exits: Any                  # EXIT
    steps: Any                  # STEP
    effects: Any                # EFFECT
    points: Any                 # POINT
    teams: Any                  # TEAM, marketing-side teams first
    intervals: Any              # INTERVAL, team after team
    duties: Any                 # DUTY[stage, team]
    terms: Any                  # TERM
    actions: Any                # ACTION_ROW
    definitions: Any            # DEFINITION
    inflight: Any               # INFLIGHT, in order of id
    instants: NDArray[np.float64]       # f8
    tables: NDArray[np.float64]         # f8[table, cell]: inverse distribution functions, see engine.streams


class Book(NamedTuple):
    """What the numbers of a Plan are called and cost: for measures and reports, never for an engine."""

    start: str                  # ISO date and time of instant 0, with offset
    timezone: str
    currency: str
    sources: tuple[str, ...]
    segments: tuple[str, ...]
    stages: tuple[str, ...]
    teams: tuple[str, ...]
    definitions: tuple[str, ...]        # "MQL", "SQL", "won", ...
    won: int                    # index of the definition that is revenue, -1 = none
    team_costs: tuple[float, ...]       # a paid hour
    costs: tuple[tuple[str, float, float, float], ...]   # (team, from, to, amount): flights and tools, linear
    volume_promises: tuple[tuple[str, float, str], ...]  # (definition, count, "month" | "week" | "quarter")


def records(dtype: np.dtype[Any], *shape: int) -> Any:
    """Zeros as a record array: fields as attributes, with and without the compiler."""
    return np.zeros(shape, dtype).view(np.recarray)


def from_rows(dtype: np.dtype[Any], rows: list[dict[str, Any]]) -> Any:
    """Record array from dictionaries; every field must be given."""
    names = dtype.names or ()
    for row in rows:
        if row.keys() != set(names):
            raise ValueError(f"fields differ: {row.keys() ^ set(names)}")
    return np.array([tuple(row[name] for name in names) for row in rows], dtype).view(np.recarray)


def fingerprint(plan: Plan) -> str:
    """Hash of all numbers of a plan: equal plans, equal results."""
    digest = hashlib.sha256()
    for name, table in zip(Plan._fields, plan, strict=True):
        digest.update(f"{name}{table.shape}{table.dtype.descr}".encode())
        digest.update(np.ascontiguousarray(table).tobytes())
    return digest.hexdigest()


# ---- what comes out: the same columns from both engines -------------------------------------------------------------

VISIT = np.dtype([
    ("lead", _i), ("stage", _i), ("number", _i),        # number counts visits of this lead to this stage, from 1
    ("source", _i), ("segment", _i), ("arrived", _f),   # arrived < 0: was in flight
    ("cycle", _i),              # backward exits taken before
    ("owner", _i),              # the last team responsible; -1 nobody
    ("entered", _f),
    ("deadline", _f),           # of the first first-touch clock of the visit, -1 none
    ("touched", _f),            # start of the first attempt, -1 never
    ("reached", _f),            # end of the attempt that reached the buyer, -1 never
    ("attempts", _i),
    ("ended", _f),              # when the lead left the stage (or went silent); -1 open
    ("outcome", _i), ("to", _i),
    ("back", _f),               # entry of the next visit when there is a cool-off; -1 none
    ("shift", _f), ("chance", _f),      # sum of the effects and chance of a forward exit when drawn; nan-free: 0, -1
    ("context", _f), ("fit", _f), ("value", _f),            # value in cents, a whole number: sums are exact
])
ASSIGNMENT = np.dtype([
    ("lead", _i), ("stage", _i), ("number", _i), ("ordinal", _i),      # ordinal counts assignments of the visit, from 1
    ("team", _i), ("assigned", _f),
    ("joined", _f),             # first joined the queue, -1 never
    ("touched", _f),            # first attempt of this assignment, -1 never
    ("attempts", _i),           # made in this assignment
    ("kept", _i),               # the draw: 1 kept, 0 not, -1 nothing promised
    ("deadline", _f), ("first_touch", _i),      # deadline of the first-touch clock, -1; its CLOCK_STATE, -1 no clock
    ("attempts_deadline", _f), ("attempts_within", _i),
    ("late", _i),               # 1 = the deadline had passed when the team got the lead (cause "system")
    ("warned", _i), ("escalated", _i),
    ("ended", _f), ("how", _i),
])
ATTEMPT = np.dtype([
    ("lead", _i), ("stage", _i), ("number", _i), ("ordinal", _i),      # ordinal counts attempts of the visit, from 1
    ("assignment", _i), ("team", _i), ("rep", _i),                     # rep -1 = not started
    ("joined", _f), ("started", _f), ("ended", _f), ("end", _i),       # -1 = not yet; ended also when withdrawn
])
