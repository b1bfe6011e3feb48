"""First passages of definitions: milestones show in the visits, thresholds have a table of their own [35, 82]."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from funnelsim.measures.counting_tools import Window, count
from funnelsim.plan import Plan
from funnelsim.plan_codes import DefinitionKind
from funnelsim.run_tables import Trace, in_flight, snapshot_id
from funnelsim.summary import CALENDAR, COHORT, Summary
from funnelsim.typing import BoolArray, FloatArray, IntArray


class Passages(NamedTuple):
    """First passages that count, one row each."""

    definition: IntArray
    lead: IntArray
    at: FloatArray
    path: IntArray  # row of the visits before which the lead's way to the passage ends
    source: IntArray
    segment: IntArray
    arrived: FloatArray
    value: FloatArray  # cents


def first_passages(trace: Trace, plan: Plan) -> Passages:
    """Each definition counts once a lead; second records count only for those that do not ask for persons [88]."""
    none, never = np.zeros(0, np.int64), np.zeros(0)
    found = [Passages(none, none, never, none, none, none, never, never)]
    for i, row in enumerate(plan.definitions):
        found.append(
            _milestones(trace, plan, i) if row.kind == DefinitionKind.MILESTONE else _thresholds(trace, plan, i)
        )
    return Passages(*(np.concatenate(columns) for columns in zip(*found, strict=True)))


def count_passages(summary: Summary, passed: Passages, window: Window) -> None:
    """By definition, source and segment in both windows; and how many leads of the cohort passed two definitions."""
    at = (passed.definition, passed.source, passed.segment)
    cohort = window.cohort(passed)
    for which, chosen in ((COHORT, cohort), (CALENDAR, window.holds(passed.at))):
        table = summary.passages[which]
        count(table["count"], at, chosen)
        count(table.value, at, chosen, passed.value)
        count(table.time, at, chosen, passed.at - passed.arrived)
    leads, of_lead = np.unique(passed.lead[cohort], return_inverse=True)
    has_passed = np.zeros((len(leads), len(summary.co_passed)))
    has_passed[of_lead, passed.definition[cohort]] = 1.0
    summary.co_passed[:] = has_passed.T @ has_passed


def _milestones(trace: Trace, plan: Plan, index: int) -> Passages:
    """First entries of a stage.

    A lead in flight has passed the stage where it stood, and all before it, in days that nobody simulated.
    """
    visits = trace.visits
    first = (visits.number == 1) & (visits.stage == plan.definitions[index].stage) & _counts(visits, plan, index)
    flying = in_flight(visits.lead)
    if flying.any():
        snapshot = plan.initial_leads.stage[np.searchsorted(plan.initial_leads.id, snapshot_id(visits.lead[flying]))]
        first[flying] &= visits.stage[flying] > snapshot
    return _passages(index, visits[first], visits.entered[first], np.flatnonzero(first))


def _thresholds(trace: Trace, plan: Plan, index: int) -> Passages:
    rows = trace.passages[trace.passages.definition == index]
    rows = rows[_counts(rows, plan, index)]
    return _passages(index, rows, rows.at, _entered_by(trace.visits, rows))


def _passages(index: int, rows: Any, at: FloatArray, path: IntArray) -> Passages:
    return Passages(np.full(len(rows), index), rows.lead, at, path, rows.source, rows.segment, rows.arrived, rows.value)


def _counts(rows: Any, plan: Plan, index: int) -> BoolArray:
    counts: BoolArray = (rows.duplicate == 0) | (plan.definitions[index].person == 0)
    return counts


def _entered_by(visits: Any, rows: Any) -> IntArray:
    """For each passage the row after the visits that its lead had entered by then."""
    later = np.concatenate((np.zeros(len(visits)), np.ones(len(rows))))  # a passage follows an entry it ties with
    order = np.lexsort((later, np.concatenate((visits.entered, rows.at)), np.concatenate((visits.lead, rows.lead))))
    entered = np.empty(len(order), np.int64)
    entered[order] = np.cumsum(order < len(visits))
    return entered[len(visits) :]
