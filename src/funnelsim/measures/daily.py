"""Along the calendar, counted from the tables: what happens each day, what is open and waits when it ends."""

from __future__ import annotations

import numpy as np

from funnelsim.measures.counting_tools import (
    calendar_of,
    count,
    day_of,
    first_of_lead,
    midnights_of,
    open_seconds,
    present,
)
from funnelsim.measures.milestones import Passages
from funnelsim.plan import Plan
from funnelsim.plan_codes import AttemptEnd
from funnelsim.run_tables import Trace, in_flight
from funnelsim.summary import Summary, day_columns


def count_days(summary: Summary, trace: Trace, passed: Passages, plan: Plan) -> None:
    """Flows of each day and, at the midnight that ends it, what is open, what waits and the levels."""
    midnights, columns = midnights_of(plan), day_columns(plan)
    samples = midnights[1:][midnights[1:] < plan.settings[0].horizon]
    firsts = trace.visits[first_of_lead(trace.visits)]
    firsts = firsts[~in_flight(firsts.lead)]
    count(summary.days[:, 0], (day_of(midnights, firsts.arrived),))
    group = passed.definition * plan.settings[0].segments + passed.segment
    day = day_of(midnights, passed.at)
    count(summary.days[:, columns.passages : columns.value], (day, group))
    count(summary.days[:, columns.value : columns.open], (day, group), amounts=passed.value)
    _open(summary, trace, columns.open, samples)
    _teams(summary, trace, plan, samples)
    summary.days[:, columns.level :] = trace.levels


def _open(summary: Summary, trace: Trace, column: int, samples: np.ndarray) -> None:
    for stage in range(summary.assignments.shape[1]):
        visits = trace.visits[trace.visits.stage == stage]
        left = np.where(visits.ended >= 0.0, visits.ended, np.inf)
        summary.days[: len(samples), column + stage] = present(visits.entered, left, samples)


def _teams(summary: Summary, trace: Trace, plan: Plan, samples: np.ndarray) -> None:
    """Leads that wait, and work by the day on which it was started."""
    columns, midnights = day_columns(plan), midnights_of(plan)
    for team in range(len(plan.teams)):
        attempts = trace.attempts[trace.attempts.team == team]
        left = np.where(attempts.started >= 0.0, attempts.started, np.inf)
        left = np.where(attempts.end == AttemptEnd.WITHDRAWN, attempts.ended, left)
        summary.days[: len(samples), columns.queue + team] = present(attempts.joined, left, samples)
        started = attempts[attempts.started >= 0.0]
        ends = np.where(started.ended >= 0.0, started.ended, plan.settings[0].horizon)
        calendar = calendar_of(plan, team)
        busy = open_seconds(calendar, ends) - open_seconds(calendar, started.started)
        count(summary.days[:, columns.busy + team], (day_of(midnights, started.started),), amounts=busy)
