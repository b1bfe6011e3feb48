"""From the three tables of a replication to its Summary.

Sums here are of whole counts, cents and instants on the grid, so they are exact: the fast engine, which counts while
it runs, must give the same digits. Numbers in brackets are rules.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from funnelsim.plan import (
    BROKEN,
    CONTACT,
    INHERITED,
    KEPT,
    NEITHER,
    OUTCOMES,
    REASSIGNED,
    SENT_BACK,
    WENT_SILENT,
    WITHDRAWN,
    Plan,
)
from funnelsim.summary import CALENDAR, COHORT, RESPONSE_EDGES, Summary, new_summary
from funnelsim.trace import Trace, in_flight, snapshot_id

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def summarise(trace: Trace, plan: Plan) -> Summary:
    """Count one replication in both windows [73]."""
    settings = plan.settings[0]
    window = Window(float(settings.measure_from), float(settings.measure_to), float(settings.horizon))
    summary = new_summary(plan)
    _visits(summary, trace.visits, window)
    _assignments(summary, trace, plan, window)
    _teams(summary, trace.attempts, plan, window)
    passes = first_passings(trace.visits, plan)
    _passes(summary, trace.visits, passes, window)
    _days(summary, trace, passes, plan)
    firsts = trace.visits[first_of_lead(trace.visits)]
    _count(summary.arrived[0], (firsts.source, firsts.segment), where=window.cohort(firsts))
    return summary


class Window(NamedTuple):
    """The measured window and the horizon, in seconds since start."""

    start: float
    end: float
    horizon: float

    def cohort(self, rows: Any) -> Flags:
        """Visits of leads that arrived within the window; leads in flight belong to no cohort."""
        return self.holds(rows.arrived) & ~in_flight(rows.lead)

    def holds(self, instants: Floats) -> Flags:
        """Instants within the window."""
        return (instants >= self.start) & (instants < self.end)


class Passings(NamedTuple):
    """First passings of definitions: `row` of the visits, `definition`."""

    row: NDArray[np.int64]
    definition: NDArray[np.int64]


def first_of_lead(visits: Any) -> NDArray[np.int64]:
    """Row of the first visit of each lead."""
    leads = visits.lead
    return np.flatnonzero(np.concatenate(([True], leads[1:] != leads[:-1]))[:len(leads)])


def first_passings(visits: Any, plan: Plan) -> Passings:
    """Each definition counts once per lead, at the first entry of its stage [35].

    A lead in flight has passed the stage where it stood, and all before it, in days that nobody simulated.
    """
    first = visits.number == 1
    flying = in_flight(visits.lead)
    if flying.any():
        snapshot = plan.inflight.stage[np.searchsorted(plan.inflight.id, snapshot_id(visits.lead[flying]))]
        first[flying] &= visits.stage[flying] > snapshot
    rows = [np.flatnonzero(first & (visits.stage == stage)) for stage in plan.definitions.stage]
    if not rows:
        return Passings(np.zeros(0, np.int64), np.zeros(0, np.int64))
    return Passings(np.concatenate(rows), np.repeat(np.arange(len(rows)), [len(found) for found in rows]))


# ---- the tables of the summary -------------------------------------------------------------------------------------


def _visits(summary: Summary, visits: Any, window: Window) -> None:
    at = (visits.source, visits.segment, visits.stage)
    was_touched, was_reached, has_ended = visits.touched >= 0.0, visits.reached >= 0.0, visits.ended >= 0.0
    response = visits.touched - visits.entered
    stay = np.where(has_ended & (visits.outcome != WENT_SILENT), visits.ended - visits.entered, 0.0)
    within, beyond = _against_deadline(visits, window.horizon)
    cohort = window.cohort(visits)
    entered, touched, reached, ended = (window.holds(instants) for instants in
                                        (visits.entered, visits.touched, visits.reached, visits.ended))
    for which, of_entry, of_touch, of_reach, of_end in (
            (COHORT, cohort, cohort & was_touched, cohort & was_reached, cohort),
            (CALENDAR, entered, touched & was_touched, reached & was_reached, ended & has_ended)):
        table = summary.visits[which]
        _count(table.entered, at, where=of_entry)
        _count(table.touched, at, where=of_touch)
        _count(table.reached, at, where=of_reach)
        _count(table.attempts, at, of_end, visits.attempts)
        for outcome, name in enumerate(OUTCOMES):
            _count(table[name.replace(" ", "_")], at, of_end & (visits.outcome == outcome))
        _count(table.response, at, of_touch, response)
        _count(table.stay, at, of_end, stay)
        _count(table.within, at, of_entry & within)
        _count(table.beyond, at, of_entry & beyond)
        bins = np.searchsorted(RESPONSE_EDGES, response, side="right")
        _count(summary.responses[which], (visits.stage, bins), of_touch)
    summary.visits[CALENDAR].open[:] = 0.0


def _against_deadline(visits: Any, horizon: float) -> tuple[Flags, Flags]:
    """Within the first deadline of the visit, and beyond it; neither when it ended or was cut off before [61]."""
    has_deadline, touched = visits.deadline >= 0.0, visits.touched >= 0.0
    within = has_deadline & touched & (visits.touched <= visits.deadline)
    ended = visits.ended >= 0.0
    never = ~touched & np.where(ended, visits.ended >= visits.deadline, visits.deadline < horizon)
    beyond = has_deadline & ((touched & (visits.touched > visits.deadline)) | never)
    return within, beyond


def _assignments(summary: Summary, trace: Trace, plan: Plan, window: Window) -> None:
    rows = trace.assignments
    visits = trace.visits
    firsts = first_of_lead(visits)
    arrived = visits.arrived[firsts[np.searchsorted(visits.lead[firsts], rows.lead)]]
    cohort = window.holds(arrived) & ~in_flight(rows.lead)
    columns = {
        "assigned": np.ones(len(rows)), "promised": rows.kept >= 0, "kept_draw": rows.kept == 1,
        "touch_kept": rows.first_touch == KEPT, "touch_broken": rows.first_touch == BROKEN,
        "touch_neither": rows.first_touch == NEITHER, "touch_inherited": rows.first_touch == INHERITED,
        "tries_kept": rows.attempts_within == KEPT, "tries_broken": rows.attempts_within == BROKEN,
        "tries_neither": rows.attempts_within == NEITHER, "late": rows.late, "warned": rows.warned,
        "escalated": rows.escalated, "reassigned": rows.how == REASSIGNED, "returned": rows.how == SENT_BACK}
    for which, chosen in ((COHORT, cohort), (CALENDAR, window.holds(rows.assigned))):
        for name, amounts in columns.items():
            _count(summary.assignments[which][name], (rows.stage, rows.team), chosen, amounts)


def _teams(summary: Summary, attempts: Any, plan: Plan, window: Window) -> None:
    started = attempts[attempts.started >= 0.0]
    within = window.holds(started.started)
    _count(summary.teams.attempts, (started.team,), within)
    _count(summary.teams.contacts, (started.team,), within & (started.end == CONTACT))
    begins = np.maximum(started.started, window.start)
    ends = np.minimum(np.where(started.ended >= 0.0, started.ended, window.horizon), window.end)
    for team, row in enumerate(plan.teams):
        mine = (started.team == team) & (ends > begins)
        calendar = plan.intervals[row.interval_first:row.interval_first + row.interval_count]
        open_time = open_seconds(calendar, ends[mine]) - open_seconds(calendar, begins[mine])
        summary.teams.busy[team] = open_time.sum()
        if not row.resume:
            summary.teams.overtime[team] = (ends[mine] - begins[mine] - open_time).sum()


def _passes(summary: Summary, visits: Any, passes: Passings, window: Window) -> None:
    rows = visits[passes.row]
    at = (passes.definition, rows.source, rows.segment)
    for which, chosen in ((COHORT, window.cohort(rows)), (CALENDAR, window.holds(rows.entered))):
        table = summary.passes[which]
        _count(table["count"], at, chosen)
        _count(table.value, at, chosen, rows.value)
        _count(table.time, at, chosen, rows.entered - rows.arrived)


def _days(summary: Summary, trace: Trace, passes: Passings, plan: Plan) -> None:
    """Flows of each day and, at the midnight that ends it, what is open and what waits."""
    settings = plan.settings[0]
    midnights = plan.instants[settings.days_first:settings.days_first + settings.days_count]
    stages, teams, definitions = len(plan.stages), len(plan.teams), len(plan.definitions)
    firsts = trace.visits[first_of_lead(trace.visits)]
    firsts = firsts[~in_flight(firsts.lead)]
    _count(summary.days[:, 0], (_day(midnights, firsts.arrived),))
    rows = trace.visits[passes.row]
    day = _day(midnights, rows.entered)
    _count(summary.days[:, 1:1 + definitions], (day, passes.definition))
    _count(summary.days[:, 1 + definitions:1 + 2 * definitions], (day, passes.definition), amounts=rows.value)
    samples = midnights[1:][midnights[1:] < settings.horizon]
    first = 1 + 2 * definitions
    for stage in range(stages):
        visits = trace.visits[trace.visits.stage == stage]
        left = np.where(visits.ended >= 0.0, visits.ended, np.inf)
        summary.days[:len(samples), first + stage] = _present(visits.entered, left, samples)
    first += stages
    for team in range(teams):
        attempts = trace.attempts[trace.attempts.team == team]
        left = np.where(attempts.started >= 0.0, attempts.started, np.inf)
        left = np.where(attempts.end == WITHDRAWN, attempts.ended, left)
        summary.days[:len(samples), first + team] = _present(attempts.joined, left, samples)


# ---- small tools ---------------------------------------------------------------------------------------------------


def open_seconds(calendar: Any, instants: Floats) -> Floats:
    """Open time in [0, t) of a team's intervals, as worktime counts it."""
    if len(calendar) == 0:
        return np.zeros(len(instants))
    t = np.maximum(instants, 0.0)
    i = np.searchsorted(calendar.closes, t, side="right")
    inside = np.minimum(i, len(calendar) - 1)
    open_before: Floats = calendar.before[inside] + np.maximum(0.0, t - calendar.opens[inside])
    last = calendar[-1]
    return np.where(i < len(calendar), open_before, float(last.before + (last.closes - last.opens)))


def _count(out: Floats, at: tuple[Any, ...], where: Any = None, amounts: Any = None) -> None:
    """Add ones, or amounts, to the cells of `out`."""
    if where is not None:
        at = tuple(index[where] for index in at)
        amounts = None if amounts is None else amounts[where]
    if len(at[0]) == 0:
        return
    cells = np.ravel_multi_index(at, out.shape)
    out += np.bincount(cells, amounts, minlength=out.size).reshape(out.shape)


def _day(midnights: Floats, instants: Floats) -> NDArray[np.int64]:
    return np.searchsorted(midnights, instants, side="right") - 1


def _present(came: Floats, left: Floats, samples: Floats) -> Floats:
    """How many are there after all that happens at each sample: came at or before it and left after it."""
    return (np.searchsorted(np.sort(came), samples, side="right")
            - np.searchsorted(np.sort(left), samples, side="right")).astype(np.float64)

