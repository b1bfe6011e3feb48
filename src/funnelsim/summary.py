"""Summary of one replication: what measures are made of, counted in the fast engine's kernel or from the tables.

Every sum is exact (whole counts, cents, instants on the grid), so both ways and any order give the same digits.
Windows: 0 the cohort (leads that arrived in the measured window, followed to the horizon), 1 the calendar (what
happened within the measured window, whoever it happened to) [rule 73].
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from funnelsim.int64 import int64
from funnelsim.plan import Plan, zeros_record
from funnelsim.typing import FloatArray

COHORT, CALENDAR = int64(0), int64(1)
WINDOWS = ("cohort", "calendar")

# Edges of the response histogram, seconds: four to an octave from one minute to two years.
# Bin i holds edges[i-1] <= x < edges[i].
RESPONSE_EDGES = 60.0 * 2.0 ** (np.arange(81) / 4.0)

_f = "f8"
# [window, source, segment, stage]; in the calendar each field counts what happened within the window
VISITS = np.dtype(
    [
        (name, _f)
        for name in (
            "entered",
            "touched",
            "reached",
            "attempts",  # attempts: of visits that ended
            "forward",
            "back",
            "end",
            "lost",
            "unreached",
            "cold",
            "returned",
            "cycle_limit",
            "silent",
            "open",
            "rejected",
            "response",  # sum of seconds from entry to first touch
            "stay",  # sum of seconds in the stage, of visits that ended other than silent
            "deadline_met",
            "deadline_missed",  # first touched within the first deadline; too late or never, deadline passed [61]
            # of visits that ended, and in the cohort of open ones too
            "rejected_good",  # rejected with a fit of at least `good`
            "untouched_value",  # cents of leads nobody touched in a worked stage
            "effort",
            "wasted",  # seconds of people's work; of it, on leads below `good`
            "blame_lead",
            "blame_follow_up",  # [109]
            "merged",
            "duplicates",
        )
    ]
)  # second records merged; visits of second records
# [window, stage, team]; in the calendar by the instant of assignment
ASSIGNMENTS = np.dtype(
    [
        (name, _f)
        for name in (
            "assigned",
            "promised",
            "adhered",
            "touch_met",
            "touch_missed",
            "touch_censored",
            "touch_inherited",
            "attempts_met",
            "attempts_missed",
            "attempts_censored",
            "acceptance_met",
            "acceptance_missed",
            "acceptance_censored",
            "acceptance_inherited",
            "late",
            "warned",
            "escalated",
            "reassigned",
            "returned",
            "accepted",
            "rejected",
            "asked",
            "pursued",
        )
    ]
)  # asked: whether to pursue a lead of the other side [95]
# [team], within the measured window
TEAMS = np.dtype(
    [
        (name, _f)
        for name in (
            "attempts",
            "contacts",  # started within the window
            "busy",  # seconds of work within opening hours (stretched) [76]
            "overtime",
        )
    ]
)  # seconds of work outside them
# [window, definition, source, segment]
PASSAGES = np.dtype([("count", _f), ("value", _f), ("time", _f)])  # value in cents, time = seconds since arrival


class Summary(NamedTuple):
    """Counts of one replication."""

    visits: Any  # VISITS[window, source, segment, stage]
    assignments: Any  # ASSIGNMENTS[window, stage, team]
    teams: Any  # TEAMS[team]
    passages: Any  # PASSES[window, definition, source, segment]
    responses: FloatArray  # [window, stage, len(RESPONSE_EDGES) + 1]
    days: FloatArray  # [day, column]: see day_columns; whole run, all leads
    breaches: FloatArray  # [team, hour of the local week]: broken first-touch deadlines in the window
    co_passed: FloatArray  # [definition, definition] leads of the cohort that passed both
    arrived: FloatArray  # [window 0, source, segment] leads of the cohort


def new_summary(plan: Plan) -> Summary:
    """Zeros in the shapes of a plan."""
    stages, teams, definitions = len(plan.stages), len(plan.teams), len(plan.definitions)
    sources, segments = len(plan.sources), int(plan.settings[0].segments)
    return Summary(
        zeros_record(VISITS, 2, sources, segments, stages),
        zeros_record(ASSIGNMENTS, 2, stages, teams),
        zeros_record(TEAMS, teams),
        zeros_record(PASSAGES, 2, definitions, sources, segments),
        np.zeros((2, stages, len(RESPONSE_EDGES) + 1)),
        np.zeros((int(plan.settings[0].days_count), day_columns(plan).width)),
        np.zeros((teams, 168)),
        np.zeros((definitions, definitions)),
        np.zeros((1, sources, segments)),
    )


class DayColumns(NamedTuple):
    """First column of each kind in the day table. Day d runs from local midnight d to d + 1."""

    passages: int  # arrivals are column 0; then passages by definition and segment
    value: int  # their value, cents
    open: int  # open visits by stage at the midnight that ends the day
    queue: int  # leads waiting by team, then
    busy: int  # seconds of work within opening hours by team, of attempts started on the day
    level: int  # levels at that midnight
    width: int


def day_columns(plan: Plan) -> DayColumns:
    """Where the columns of a plan's day table are."""
    groups = len(plan.definitions) * int(plan.settings[0].segments)
    stages, teams = len(plan.stages), len(plan.teams)
    opened = 1 + 2 * groups
    queue = opened + stages
    return DayColumns(
        1, 1 + groups, opened, queue, queue + teams, queue + 2 * teams, queue + 2 * teams + len(plan.levels)
    )
