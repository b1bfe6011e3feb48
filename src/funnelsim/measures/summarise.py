"""From the tables of a replication to its Summary.

Sums here are of whole counts, cents and instants on the grid, so they are exact: the fast engine, which counts while
it runs, must give the same digits. Numbers in brackets are rules.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.measures.counting_tools import Window, calendar_of, count, first_of_lead, hour_of_week, open_seconds
from funnelsim.measures.daily import count_days
from funnelsim.measures.milestones import count_passages, first_passages
from funnelsim.plan import Plan
from funnelsim.plan_codes import AssignmentEnd, AttemptEnd, Blame, ClockState, Outcome, name_of, names_of
from funnelsim.run_tables import Trace, in_flight, snapshot_id
from funnelsim.summary import CALENDAR, COHORT, RESPONSE_EDGES, Summary, new_summary
from funnelsim.typing import BoolArray, FloatArray


def summarise(trace: Trace, plan: Plan) -> Summary:
    """Count one replication in both windows [73]."""
    window = Window.of(plan)
    summary = new_summary(plan)
    _visits(summary, trace.visits, plan, window)
    _assignments(summary, trace, window)
    _breaches(summary, trace.assignments, plan, window)
    _teams(summary, trace.attempts, plan, window)
    passed = first_passages(trace, plan)
    count_passages(summary, passed, window)
    count_days(summary, trace, passed, plan)
    firsts = trace.visits[first_of_lead(trace.visits)]
    count(summary.arrived[0], (firsts.source, firsts.segment), where=window.cohort(firsts))
    return summary


def _visits(summary: Summary, visits: Any, plan: Plan, window: Window) -> None:
    at = (visits.source, visits.segment, visits.stage)
    was_touched, was_reached, has_ended = visits.touched >= 0.0, visits.reached >= 0.0, visits.ended >= 0.0
    response = visits.touched - visits.entered
    deadline_met, deadline_missed = _against_deadline(visits, window.horizon)
    at_end = _columns_at_end(visits, plan)
    cohort = window.cohort(visits)
    entered, touched, reached, ended = (
        window.holds(instants) for instants in (visits.entered, visits.touched, visits.reached, visits.ended)
    )
    for which, of_entry, of_touch, of_reach, of_end in (
        (COHORT, cohort, cohort & was_touched, cohort & was_reached, cohort),
        (CALENDAR, entered, touched & was_touched, reached & was_reached, ended & has_ended),
    ):
        table = summary.visits[which]
        count(table.entered, at, where=of_entry)
        count(table.touched, at, where=of_touch)
        count(table.reached, at, where=of_reach)
        for name, amounts in at_end.items():
            count(table[name], at, of_end, amounts)
        count(table.response, at, of_touch, response)
        count(table.deadline_met, at, of_entry & deadline_met)
        count(table.deadline_missed, at, of_entry & deadline_missed)
        bins = np.searchsorted(RESPONSE_EDGES, response, side="right")
        count(summary.responses[which], (visits.stage, bins), of_touch)
    summary.visits[CALENDAR].open[:] = 0.0


def _columns_at_end(visits: Any, plan: Plan) -> dict[str, Any]:
    """What a visit adds up to: counted when it ends, in the cohort for open ones too."""
    good = visits.fit >= plan.settings[0].good
    left = (visits.ended >= 0.0) & (visits.outcome != Outcome.SILENT)
    columns = {
        "attempts": visits.attempts,
        "stay": np.where(left, visits.ended - visits.entered, 0.0),
        "rejected_good": (visits.outcome == Outcome.REJECTED) & good,
        "untouched_value": np.where(_is_untouched(visits, plan), visits.value, 0.0),
        "effort": visits.effort,
        "wasted": np.where(good, 0.0, visits.effort),
        "blame_lead": visits.blame == Blame.POOR_LEAD,
        "blame_follow_up": visits.blame == Blame.POOR_FOLLOW_UP,
        "merged": visits.merged,
        "duplicates": visits.duplicate,
    }
    for outcome, name in enumerate(names_of(Outcome)):
        columns[name.replace(" ", "_")] = visits.outcome == outcome
    return columns


def _is_untouched(visits: Any, plan: Plan) -> BoolArray:
    """Nobody turned to a lead that was there to be worked; what a snapshot says was reached had been touched."""
    untouched: BoolArray = (plan.stages.step_count > 0)[visits.stage] & (visits.touched < 0.0) & (visits.attempts == 0)
    flying = in_flight(visits.lead)
    snapshot, rows = (
        plan.initial_leads[np.searchsorted(plan.initial_leads.id, snapshot_id(visits.lead[flying]))],
        visits[flying],
    )
    under_way = (rows.stage == snapshot.stage) & (rows.number == snapshot.number)
    untouched[flying] &= ~(under_way & (snapshot.reached == 1))
    return untouched


def _against_deadline(visits: Any, horizon: float) -> tuple[BoolArray, BoolArray]:
    """Within the first deadline of the visit, and beyond it; neither when it ended or was cut off before [61]."""
    has_deadline, touched = visits.deadline >= 0.0, visits.touched >= 0.0
    within = has_deadline & touched & (visits.touched <= visits.deadline)
    ended = visits.ended >= 0.0
    never = ~touched & np.where(ended, visits.ended >= visits.deadline, visits.deadline < horizon)
    beyond = has_deadline & ((touched & (visits.touched > visits.deadline)) | never)
    return within, beyond


def _assignments(summary: Summary, trace: Trace, window: Window) -> None:
    rows = trace.assignments
    visits = trace.visits
    firsts = first_of_lead(visits)
    arrived = visits.arrived[firsts[np.searchsorted(visits.lead[firsts], rows.lead)]]
    cohort = window.holds(arrived) & ~in_flight(rows.lead)
    columns: dict[str, FloatArray | BoolArray] = {
        "assigned": np.ones(len(rows)),
        "promised": rows.adhered >= 0,
        "adhered": rows.adhered == 1,
        "late": rows.late,
        "warned": rows.warned,
        "escalated": rows.escalated,
        "reassigned": rows.how == AssignmentEnd.REASSIGNED,
        "returned": rows.how == AssignmentEnd.RETURNED,
        "accepted": rows.accepted == 1,
        "rejected": rows.accepted == 0,
        "asked": rows.pursued >= 0,
        "pursued": rows.pursued == 1,
    }
    for clock, states in (
        ("touch", rows.first_touch),
        ("attempts", rows.attempts_within),
        ("acceptance", rows.accept_within),
    ):
        for state in (ClockState.MET, ClockState.MISSED, ClockState.CENSORED):
            columns[f"{clock}_{name_of(state)}"] = states == state
    columns |= {
        "touch_inherited": rows.first_touch == ClockState.INHERITED,
        "acceptance_inherited": rows.accept_within == ClockState.INHERITED,
    }
    for which, chosen in ((COHORT, cohort), (CALENDAR, window.holds(rows.assigned))):
        for name, amounts in columns.items():
            count(summary.assignments[which][name], (rows.stage, rows.team), chosen, amounts)


def _breaches(summary: Summary, assignments: Any, plan: Plan, window: Window) -> None:
    """Broken first-touch promises, by the hour of the local week in which their time ran out."""
    broken = assignments[(assignments.first_touch == ClockState.MISSED) & window.holds(assignments.deadline)]
    count(summary.breaches, (broken.team, hour_of_week(plan, broken.deadline)))


def _teams(summary: Summary, attempts: Any, plan: Plan, window: Window) -> None:
    started = attempts[attempts.started >= 0.0]
    within = window.holds(started.started)
    count(summary.teams.attempts, (started.team,), within)
    count(summary.teams.contacts, (started.team,), within & (started.end == AttemptEnd.CONTACT))
    begins = np.maximum(started.started, window.start)
    ends = np.minimum(np.where(started.ended >= 0.0, started.ended, window.horizon), window.end)
    for team, row in enumerate(plan.teams):
        mine = (started.team == team) & (ends > begins)
        calendar = calendar_of(plan, team)
        open_time = open_seconds(calendar, ends[mine]) - open_seconds(calendar, begins[mine])
        summary.teams.busy[team] = open_time.sum()
        if not row.resume:
            summary.teams.overtime[team] = (ends[mine] - begins[mine] - open_time).sum()
