"""The Plan: the only door between what people write and what the engines run.

A Plan is numbers only: record arrays, one row a source, stage, team and so on; instants in seconds since `start`
on a grid of 1/1024 s (rule 1), indices for names, -1 for "none". Names and money are in the `Labels` beside it.
A *run* of points or rows is given by its first index and its count (`adherence_first`, `adherence_count`).
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import numpy as np

from funnelsim.int64 import int64
from funnelsim.plan_codes import TermKind
from funnelsim.typing import FloatArray

TICK = 1.0 / 1024.0
MANY = int64(1 << 30)  # no limit, where a count has one
HOUR, DAY, WEEK = 3600.0, 86400.0, 604800.0

# A lead's number is (source, cell, ordinal) in 14, 36 and 8 bits (rule 18). A second record of a person has a bit more
# (rule 88), leads of the snapshot have all bits of a source (rule 23): ties are settled in this order.
SOURCE_AT, SECOND_RECORD, SNAPSHOT, MOST_SOURCES = int64(44), int64(1 << 57), int64((1 << 14) - 1), int64((1 << 13) - 1)

_i, _f, _u = "i8", "f8", "u8"

SETTINGS = np.dtype(
    [
        ("horizon", _f),  # events with time < horizon are processed
        ("measure_from", _f),
        ("measure_to", _f),  # leads arriving in [from, to) are the cohort; the calendar window
        ("weeks", _i),  # weeks of 168 h, from 0 to past the horizon, for which arrivals are made
        ("segments", _i),
        ("cycles", _i),  # backward exits a lead may take; -1 any number
        ("days_first", _i),
        ("days_count", _i),  # run of `instants`: local midnights, [0] <= 0, last >= horizon
        ("weekday", _i),  # of day 0, Monday = 0
        ("good", _f),  # fit from which a lead is a good one (rule 109)
        ("late", _f),  # a first touch later than this is poor follow-up; inf = never
    ]
)
SOURCE = np.dtype(
    [
        ("stream", _u),  # hash of the source's path
        ("rate_first", _i),
        ("rate_count", _i),  # run of `points`: (from instant, leads a week), a step function
        ("profile", _i),  # first of weeks * 169 `points` rows, -1 flat: y = cumulative share of the week's mass
        # at each hour, x of the week's first row = relative mass of that week
        ("level", _i),  # table of the weekly level or -1
        ("batch", _i),
        ("batch_at", _f),  # so many leads at one instant; 0 = none
        ("first", _f),
        ("last", _f),  # flight: arrivals in [first, last) only
        ("entry_first", _i),
        ("entry_count", _i),  # run of `exits`: entry stages with their shares
        ("cost", _f),  # acquisition cost a lead
        ("side", _i),  # MARKETING or SALES: whose lead it is
        # the same person found again as a second record (rule 88): chance, delay, stage, chance of being merged
        ("again", _f),
        ("again_after", _i),
        ("again_stage", _i),
        ("merged", _f),
    ]
)
SOURCE_SEGMENT = np.dtype(
    [  # one row a (source, segment): source * segments + segment
        ("share", _f),  # cumulative share of the segment within the source
        ("fit", _i),
        ("fit_shift", _f),  # table of the noise or -1; constant added
        ("reachable", _f),
        ("value", _i),  # table of the deal value (in currency units), -1 = 0
        ("intent", _i),
        ("intent_shift", _f),  # table or -1, and a constant added; the same for trust
        ("trust", _i),
        ("trust_shift", _f),
        ("ready", _i),  # table of the time from arrival until the buyer is ready to talk; -1 = at once
        ("warmth", _f),  # 1 = came by itself, 0 = has never heard of us
        ("points", _f),  # what its arrival counts in scores
    ]
)
STAGE = np.dtype(
    [
        ("stream", _u),  # hash of the stage's path; purposes are added to it
        ("step_first", _i),
        ("step_count", _i),  # run of `steps`; count 0 = nobody works here
        ("patience", _i),  # table or -1
        ("next_first", _i),
        ("next_count", _i),
        ("next_forward", _i),  # run of `exits`, forward ones first; 0 = an end
        ("unreached_first", _i),
        ("unreached_count", _i),
        ("cold_first", _i),
        ("cold_count", _i),
        ("intercept", _f),  # log-odds of a forward exit, before the effects; +-inf allowed
        ("contact_intercept", _f),  # added to the log-odds of every contact chance (anchoring, rule 68)
        ("effect_first", _i),
        ("effect_count", _i),  # run of `effects`
        ("base", _f),  # the base rate (sum of forward shares) as written, for anchoring
        ("base_of_entered", _i),  # 1 = share of leads that entered, 0 = of leads dealt with
        ("gate", _i),  # definition that opens the way forward instead of a chance (rule 83), -1 none
        ("rejected_first", _i),
        ("rejected_count", _i),  # exits of leads the receiving team turns down (rule 90)
        ("signal_first", _i),
        ("signal_count", _i),  # run of `signals`
        ("nurture", _i),  # row of `nurtures`, -1 none
        ("task_first", _i),
        ("task_count", _i),  # run of `tasks`: what follows once the buyer is reached
        ("deal", _i),  # 1 = work here counts as a deal in a time budget (rule 104)
    ]
)
EXIT = np.dtype(
    [
        ("to", _i),  # stage, LOST or SILENT
        ("share", _f),  # within its group: forward exits sum to 1, the others sum to 1
        ("pace", _i),  # table or -1 = at once
        ("cool", _i),  # table of the cool-off or -1
        ("backward", _i),  # 1 = an earlier or the same stage
    ]
)
STEP = np.dtype(
    [  # work of a stage, step by step (rule 45)
        ("team", _i),  # -1 = the owner
        ("attempts", _i),  # attempts of this step; a large number = no limit
        ("handling", _i),
        ("conversation", _i),  # tables or -1
        ("spacing_kind", _i),
        ("spacing", _f),  # ELAPSED or BUSINESS seconds; ON_DAYS: offsets in a run of `points` (y)
        ("days_first", _i),
        ("days_count", _i),
        ("contact_first", _i),
        ("contact_count", _i),  # run of `points`: y = chance at attempt 1, 2, ...; last holds on
        ("contactable", _i),  # 1 = the table speaks of contactable leads only: unreachable leads are never reached
        ("preparation", _i),  # table or -1: added to the first attempt of each assignment (rule 99)
    ]
)
TASK = np.dtype(
    [  # once the buyer has been reached (rule 100)
        ("stream", _u),
        ("kind", _i),  # MEETING: joins on level 2, and when it fails for good nobody was reached; OBJECTION
        ("chance", _f),  # that there is one
        ("delay", _i),  # table or -1: from now until it takes place, again for each try
        ("handling", _i),  # table or -1: work when the buyer shows, or each try to resolve the objection
        ("idle", _i),  # table or -1: a rep's time lost when the buyer does not show
        ("success", _f),  # chance that the buyer shows, or that a try resolves it
        ("tries", _i),
    ]
)
SIGNAL = np.dtype(
    [  # what a buyer may do in a stage, once a visit (rule 84)
        ("stream", _u),
        ("chance", _f),
        ("after", _i),  # table of the time from entry, -1 = at entry
        ("points", _f),
        ("intent", _f),
        ("trust", _f),  # what it adds
        ("flags", _i),  # RAISES_HAND | PAUSES
        ("pause", _i),  # table of the length of the pause, -1 none
    ]
)
NURTURE = np.dtype(
    [  # automatic touches of a stage (rule 81)
        ("stream", _u),
        ("every", _f),
        ("touches", _i),  # seconds between touches; at most so many a visit
        ("intent", _f),
        ("intent_limit", _f),  # a touch adds gain * (1 - now / limit), nothing beyond; inf = no limit
        ("trust", _f),
        ("trust_limit", _f),
        ("fatigue", _f),  # chance that a touch makes the buyer unsubscribe, for life
        ("continues_after_handoff", _i),  # 1 = also while a team of the sales side has the lead
    ]
)
SCORE = np.dtype(
    [  # an observer: how one team sees a lead (rule 87)
        ("stream", _u),
        ("fit", _f),
        ("intent", _f),
        ("points", _f),  # weights
        ("noise", _i),  # table of what it gets wrong about a lead, for life; -1 nothing
    ]
)
LEVEL = np.dtype(
    [  # a slow number that experience moves (rule 108)
        ("kind", _i),
        ("team", _i),
        ("initial", _f),
        ("weight", _f),  # level += weight * (seen - level)
        ("review_first", _i),
        ("review_count", _i),  # run of `instants`: moves at reviews only; count 0 = at once
        ("fair", _i),  # OUTCOMES_OF: 1 = losses by poor follow-up are not held against the leads
        ("per", _f),  # LOAD_OF: leads a review that count as 1; QUOTA_OF: cents
        ("definition", _i),  # QUOTA_OF: what earns
    ]
)
EFFECT = np.dtype(
    [
        ("input", _i),
        ("target", _i),
        ("size_first", _i),
        ("size_count", _i),  # run of `points`: (from instant, ln odds), a step function
        # *_DELAY, TOO_LATE: run of `points`: (ln seconds, ln r), size multiplies; HOUR_OF_WEEK: y = ln odds of
        # each hour since start
        ("curve_first", _i),
        ("curve_count", _i),
        ("team", _i),  # acts for this team only; -1 any
        ("of", _i),  # LEVEL_OF: row of `levels`; SCORE_OF: row of `scores`
    ]
)
POINT = np.dtype([("x", _f), ("y", _f)])
TEAM = np.dtype(
    [
        ("side", _i),
        ("people", _i),  # the largest capacity ever
        ("order", _i),
        ("interval_first", _i),
        ("interval_count", _i),  # run of `intervals`
        # run of `points`: (from instant, what handling times are multiplied by): own factor / (1 - other work) / ramp
        ("stretch_first", _i),
        ("stretch_count", _i),
        ("resume", _i),  # 1 = unfinished work continues at the next opening
        ("habit", _i),  # table or -1 = at once
        ("stream", _u),
        ("score", _i),  # the observer of BY_SCORE; -1 = fit itself
        ("head_start", _f),  # FIRST_COME: own leads are served as if they had joined so many seconds earlier
        ("lanes", _i),  # POOLED, PERSONAL or BUDGETED
        ("lane_first", _i),
        ("lane_count", _i),  # numbers of its lanes among those of all teams: 1, people or 4
        ("budget_first", _i),
        ("budget_count", _i),  # BUDGETED: run of `points`, y = share of the time for each kind of work
        ("absence", _f),  # chance that a rep is away on a day
    ]
)
INTERVAL = np.dtype(
    [
        ("opens", _f),
        ("closes", _f),  # [opens, closes); touching ones differ in capacity
        ("capacity", _i),
        ("before", _f),  # open seconds of this team before `opens`
    ]
)
STAGE_TEAM = np.dtype(
    [  # one row a (stage, team): what the team owns and has promised there
        ("share", _f),  # cumulative ownership by lead luck, marketing-side teams first; nobody: all 0
        ("routing", _i),
        ("delay", _i),  # how leads are handed to this team here; table when DELAYED
        ("batch_first", _i),
        ("batch_count", _i),  # run of `instants` when BATCHED
        ("context_first", _i),
        ("context_count", _i),  # run of `points`: context retained at a handoff
        ("promise_first", _i),
        ("promise_count", _i),  # run of `promises`: the first that holds for the lead counts
        # acceptance of leads handed over (rule 89): observer, -1 = none asked; run of `points`: threshold
        ("accept_score", _i),
        ("accept_first", _i),
        ("accept_count", _i),
        ("decide", _i),  # table of the time until somebody looks, -1 = at once
        ("window", _f),
        ("window_business", _i),
        ("default_accept", _i),  # time-out, inf = none; what happens then
        ("points_retained", _f),  # part of the points that a rejected lead keeps
        ("pursue", _f),  # log-odds that a lead of the other side is worked at all (rule 95); inf = always
    ]
)
PROMISE = np.dtype(
    [  # a tier of what a team has promised in a stage
        ("segments", _i),
        ("sources", _i),  # bits of those for which it holds
        ("score", _i),
        ("least", _f),  # at least so much on this observer's score; -1 = any
        ("value", _f),  # cents at least
        ("adherence_first", _i),
        ("adherence_count", _i),  # run of `points`: chance that the team does as promised
        ("attempts", _i),  # attempts promised; 0 = none
        ("term_first", _i),
        ("term_count", _i),  # run of `terms`
    ]
)
TERM = np.dtype(
    [
        ("kind", _i),
        ("length", _f),
        ("business", _i),  # seconds, elapsed or of the team's calendar
        ("start", _i),  # CREATED, QUALIFIED or ASSIGNED
        ("count", _i),  # attempts, for ATTEMPTS_WITHIN
        ("action_first", _i),
        ("action_count", _i),
    ]
)
BREACH_ACTION = np.dtype(
    [
        ("kind", _i),
        ("fraction", _f),
        ("heeded", _f),  # WARN: chance that the lead joins the queue now
        ("to", _i),
        ("limit", _i),  # REASSIGN: to which team, how often a visit
        ("exit", _i),  # RETURN: row of `exits`
    ]
)
DEFINITION = np.dtype(
    [  # rules 35 and 82
        ("kind", _i),
        ("stage", _i),  # ENTERS: passed when a lead enters the stage
        ("score", _i),
        ("least_first", _i),
        ("least_count", _i),  # SCORE_AT_LEAST: observer; run of `points`: threshold
        ("offset", _f),  # added to the score, found by anchoring where a stage has this gate
        ("person", _i),  # 1 = second records of a person do not count
    ]
)
INITIAL_LEAD = np.dtype(
    [  # a lead of the snapshot (rule 23)
        ("id", _i),
        ("source", _i),
        ("segment", _i),  # segment -1 = drawn
        ("stage", _i),
        ("age", _f),  # seconds in the stage at `start`
        ("number", _i),  # visit number
        ("team", _i),  # who has it; -1 = by ownership
        ("attempts", _i),
        ("reached", _i),
        ("context", _f),
        ("worked", _i),  # an earlier stage with work, -1 none: to its owner the lead is not new
        ("value", _f),  # cents; -1 = drawn
    ]
)


class Plan(NamedTuple):
    """Everything an engine reads. Arrays are records unless said otherwise."""

    settings: Any  # SETTINGS[1]
    sources: Any  # SOURCE
    source_segments: Any  # MIX[source * segments + segment]
    stages: Any  # STAGE, in the order of the file
    exits: Any  # EXIT
    steps: Any  # STEP
    tasks: Any  # TASK
    signals: Any  # SIGNAL
    nurtures: Any  # NURTURE
    scores: Any  # SCORE
    levels: Any  # LEVEL
    effects: Any  # EFFECT
    points: Any  # POINT
    teams: Any  # TEAM, marketing-side teams first
    intervals: Any  # INTERVAL, team after team
    stage_teams: Any  # DUTY[stage, team]
    promises: Any  # PROMISE
    terms: Any  # TERM
    actions: Any  # ACTION_ROW
    definitions: Any  # DEFINITION
    initial_leads: Any  # INFLIGHT, in order of id
    instants: FloatArray  # f8
    tables: FloatArray  # f8[table, cell]: inverse distribution functions, see engine.streams


class Labels(NamedTuple):
    """What the numbers of a Plan are called and cost: for measures and reports, never for an engine."""

    start: str  # ISO date and time of instant 0, with offset
    timezone: str
    currency: str
    sources: tuple[str, ...]
    segments: tuple[str, ...]
    stages: tuple[str, ...]
    teams: tuple[str, ...]
    definitions: tuple[str, ...]  # "MQL", "SQL", "won", ...
    won: int  # index of the definition that is revenue, -1 = none
    team_costs: tuple[float, ...]  # a paid hour
    costs: tuple[tuple[str, float, float, float], ...]  # (team, from, to, amount): flights and tools, linear
    volume_promises: tuple[tuple[str, float, str, str, int], ...]
    # (definition, amount, "month" | "week" | "quarter", "count" | "value", segment or -1)
    levels: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()


def zeros_record(dtype: np.dtype[Any], *shape: int) -> Any:
    """Zeros as a record array: fields as attributes, with and without the compiler."""
    return np.zeros(shape, dtype).view(np.recarray)


def record_from_dicts(dtype: np.dtype[Any], rows: list[dict[str, Any]]) -> Any:
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


def first_touch_terms(plan: Plan, stage: int) -> list[tuple[float, bool]]:
    """(seconds, business time?) of every first-touch term promised in a stage, by any team and in any tier."""
    return [
        (float(term.length), bool(term.business))
        for stage_team in plan.stage_teams[stage]
        for promise in plan.promises[stage_team.promise_first : stage_team.promise_first + stage_team.promise_count]
        for term in plan.terms[promise.term_first : promise.term_first + promise.term_count]
        if term.kind == TermKind.FIRST_TOUCH
    ]
