"""Counting into the Summary while the kernel runs; by the rules of funnelsim.measures, which counts from the tables."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from funnelsim.engine.fast.state import AT_DAY
from funnelsim.engine.jit import hot
from funnelsim.engine.worktime import open_between
from funnelsim.plan import BROKEN, INHERITED, KEPT, NEITHER, OPEN, REASSIGNED, SENT_BACK, WENT_SILENT
from funnelsim.summary import CALENDAR, COHORT, RESPONSE_EDGES, VISITS, Summary
from funnelsim.whole import Whole

FIRST_OUTCOME = np.int64((VISITS.names or ()).index("forward"))     # outcomes stand in the order of plan.OUTCOMES
EXPONENT_AT, EXPONENT_OF_ONE = np.int64(52), np.int64(1023)
LAST_OCTAVE = np.int64(len(RESPONSE_EDGES) - 5)
PER_FIRST_EDGE = 1.0 / RESPONSE_EDGES[0]


class Tally(NamedTuple):
    """A Summary as the kernel sees it: the same memory, with one index a row."""

    visits: Any                 # VISITS[window, source, segment, stage]
    visit_columns: NDArray[np.float64]          # the same, a column a field
    assignments: Any            # ASSIGNMENTS[window, stage, team]
    teams: Any
    passes: Any
    responses: NDArray[np.float64]
    days: NDArray[np.float64]
    arrived: NDArray[np.float64]


def tally_of(out: Summary) -> Tally:
    """The view of a Summary."""
    visits = out.visits.reshape(-1)
    columns = visits.view(np.float64).reshape(len(visits), -1).view(np.ndarray)
    return Tally(visits, columns, out.assignments.reshape(-1), out.teams, out.passes, out.responses, out.days,
                 out.arrived)


@hot
def in_window(plan: Any, at: float) -> bool:
    return plan.settings[0].measure_from <= at < plan.settings[0].measure_to  # type: ignore[no-any-return]  # from a record


@hot
def count_arrival(plan: Any, state: Any, lead: Any, out: Any) -> None:
    out.days[state.n[AT_DAY], 0] += 1.0
    if lead.in_cohort:
        out.arrived[0, lead.source, lead.segment] += 1.0


@hot
def count_entry(plan: Any, state: Any, out: Any, slot: Whole, now: float) -> None:
    """The first entry of a stage passes its definitions [35]; a lead in flight has passed those up to its stage."""
    lead = state.leads[slot]
    if lead.number > 1 or lead.stage <= lead.snapshot_stage:
        return
    definitions = len(plan.definitions)
    for d in range(definitions):
        if plan.definitions[d].stage != lead.stage:
            continue
        out.days[state.n[AT_DAY], 1 + d] += 1.0
        out.days[state.n[AT_DAY], 1 + definitions + d] += lead.value
        if lead.in_cohort:
            _pass(out.passes[COHORT, d, lead.source, lead.segment], lead, now)
        if in_window(plan, now):
            _pass(out.passes[CALENDAR, d, lead.source, lead.segment], lead, now)


@hot
def count_visit(plan: Any, lead: Any, out: Any, ended: float, outcome: Whole, back: float) -> None:
    stages = len(plan.stages)
    at = np.int64(lead.group * stages + lead.stage)             # rows by source, segment and stage; first the cohort's
    later = at + len(plan.mixes) * stages
    bin_: Whole = np.int64(0)
    if lead.touched >= 0.0:
        bin_ = _response_bin(lead.touched - lead.entered)
    promise = _first_promise(plan, lead, ended)
    if lead.in_cohort:
        row = out.visits[at]
        row.entered += 1.0
        row.attempts += lead.attempts
        if lead.touched >= 0.0:
            row.touched += 1.0
            row.response += lead.touched - lead.entered
            out.responses[COHORT, lead.stage, bin_] += 1.0
        if lead.reached >= 0.0:
            row.reached += 1.0
        _count_outcome(out, at, outcome, ended - lead.entered)
        row.within += promise == 1
        row.beyond += promise == 2
    row = out.visits[later]
    if in_window(plan, lead.entered):
        row.entered += 1.0
        row.within += promise == 1
        row.beyond += promise == 2
    if lead.touched >= 0.0 and in_window(plan, lead.touched):
        row.touched += 1.0
        row.response += lead.touched - lead.entered
        out.responses[CALENDAR, lead.stage, bin_] += 1.0
    if lead.reached >= 0.0 and in_window(plan, lead.reached):
        row.reached += 1.0
    if outcome != OPEN and in_window(plan, ended):
        row.attempts += lead.attempts
        _count_outcome(out, later, outcome, ended - lead.entered)


@hot
def count_assignment(plan: Any, lead: Any, out: Any, touch: Any, tries: Any, late: Whole, how: Whole) -> None:
    teams = len(plan.teams)
    at = np.int64(lead.stage * teams + lead.assigned_to)        # rows by stage and team; first the cohort's
    if lead.in_cohort:
        _count_assignment(out.assignments[at], lead, touch, tries, late, how)
    if in_window(plan, lead.assigned):
        _count_assignment(out.assignments[at + len(plan.stages) * teams], lead, touch, tries, late, how)


@hot
def count_work(plan: Any, state: Any, out: Any, team: Whole, succeeds: Whole, start: float, end: float) -> None:
    """An attempt from its start to its end, cut at the horizon and to the window."""
    row = out.teams[team]
    settings = plan.settings[0]
    if in_window(plan, start):
        row.attempts += 1.0
        # one still going on at the horizon has reached nobody yet
        row.contacts += np.float64(succeeds != 0 and end < settings.horizon)
    begin = max(start, settings.measure_from)
    until = min(end, settings.measure_to)
    if begin < until:
        open_ = until - begin
        if until > state.teams[team].until:         # past the end of the interval in which it starts
            at = plan.teams[team]
            open_ = open_between(plan.intervals, at.interval_first, at.interval_count, begin, until)
        row.busy += open_
        if plan.teams[team].resume == 0:
            row.overtime += until - begin - open_


@hot
def sample_day(plan: Any, state: Any, out: Any) -> None:
    """Midnight: the open visits and the queues, after all that happened at this instant."""
    day = state.n[AT_DAY] - 1
    column = 1 + 2 * len(plan.definitions)
    for stage in range(len(plan.stages)):
        out.days[day, column + stage] = state.open_visits[stage]
    column += len(plan.stages)
    for team in range(len(plan.teams)):
        out.days[day, column + team] = state.teams[team].waiting


@hot
def _pass(row: Any, lead: Any, now: float) -> None:
    row.count += 1.0
    row.value += lead.value
    row.time += now - lead.arrived


@hot
def _count_outcome(out: Any, at: Whole, outcome: Whole, stay: float) -> None:
    if outcome != OPEN and outcome != WENT_SILENT:
        out.visits[at].stay += stay
    out.visit_columns[at, FIRST_OUTCOME + outcome] += 1.0


@hot
def _first_promise(plan: Any, lead: Any, ended: float) -> Whole:
    """Whether anyone touched the lead within its first deadline [61]: 1 yes, 2 no, 0 neither."""
    deadline = lead.first_deadline
    if deadline < 0.0:
        return 0
    if lead.touched >= 0.0:
        return 1 if lead.touched <= deadline else 2
    if ended >= 0.0:
        return 2 if ended >= deadline else 0
    return 2 if deadline < plan.settings[0].horizon else 0


@hot
def _count_assignment(row: Any, lead: Any, touch: Any, tries: Any, late: Whole, how: Whole) -> None:
    row.assigned += 1.0
    row.promised += lead.kept >= 0
    row.kept_draw += lead.kept == 1
    row.reassigned += how == REASSIGNED
    row.returned += how == SENT_BACK
    if lead.clocked == 0:
        return
    row.touch_kept += touch.state == KEPT
    row.touch_broken += touch.state == BROKEN
    row.touch_neither += touch.state == NEITHER
    row.touch_inherited += touch.state == INHERITED
    row.tries_kept += tries.state == KEPT
    row.tries_broken += tries.state == BROKEN
    row.tries_neither += tries.state == NEITHER
    row.late += late
    row.warned += lead.warned
    row.escalated += lead.escalated


@hot
def _response_bin(delay: float) -> Whole:
    """Edges at or below the delay: four to an octave from the first, so five comparisons after its binary exponent."""
    octave = (np.float64(delay * PER_FIRST_EDGE).view(np.int64) >> EXPONENT_AT) - EXPONENT_OF_ONE
    low = min(max(4 * octave, np.int64(0)), LAST_OCTAVE)
    found = low
    for i in range(low, low + 5):
        found += np.int64(RESPONSE_EDGES[i] <= delay)
    return found
