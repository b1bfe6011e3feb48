"""Counting into the Summary while the kernel runs; by the rules of funnelsim.measures, which counts from the tables."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from funnelsim.engine.fast.state import AT_DAY, HORIZON
from funnelsim.engine.jit import hot, rare
from funnelsim.engine.levels import level_value
from funnelsim.engine.worktime import open_between
from funnelsim.plan import (
    BROKEN,
    HOUR,
    INHERITED,
    KEPT,
    NEITHER,
    OPEN,
    POOR_FOLLOW_UP,
    POOR_LEAD,
    REASSIGNED,
    REJECTED,
    SENT_BACK,
    WENT_SILENT,
)
from funnelsim.summary import CALENDAR, COHORT, RESPONSE_EDGES, VISITS, Summary
from funnelsim.whole import Whole

FIRST_OUTCOME = np.int64((VISITS.names or ()).index("forward"))     # outcomes stand in the order of plan.OUTCOMES
EXPONENT_AT, EXPONENT_OF_ONE = np.int64(52), np.int64(1023)
LAST_OCTAVE = np.int64(len(RESPONSE_EDGES) - 5)
PER_FIRST_EDGE = 1.0 / RESPONSE_EDGES[0]
ZERO, ONE = np.int64(0), np.int64(1)
LAST_HOUR = np.int64(23)


class Tally(NamedTuple):
    """A Summary as the kernel sees it: the same memory, with one index a row."""

    visits: Any                 # VISITS[window, source, segment, stage]
    visit_columns: NDArray[np.float64]          # the same, a column a field
    assignments: Any            # ASSIGNMENTS[window, stage, team]
    teams: Any
    passes: Any
    responses: NDArray[np.float64]
    days: NDArray[np.float64]
    breaches: NDArray[np.float64]
    both: NDArray[np.float64]
    arrived: NDArray[np.float64]


def tally_of(out: Summary) -> Tally:
    """The view of a Summary."""
    visits = out.visits.reshape(-1)
    columns = visits.view(np.float64).reshape(len(visits), -1).view(np.ndarray)
    return Tally(visits, columns, out.assignments.reshape(-1), out.teams, out.passes, out.responses, out.days,
                 out.breaches, out.both, out.arrived)


@hot
def in_window(plan: Any, at: float) -> bool:
    return plan.settings[0].measure_from <= at < plan.settings[0].measure_to  # type: ignore[no-any-return]  # from a record


@hot
def count_arrival(plan: Any, state: Any, lead: Any, out: Any) -> None:
    out.days[state.n[AT_DAY], 0] += 1.0
    if lead.in_cohort:
        out.arrived[0, lead.source, lead.segment] += 1.0


@hot
def count_passing(plan: Any, state: Any, out: Any, lead: Any, mind: Any, i: Whole, now: float) -> None:
    """A first passing of a definition that counts [35, 82]."""
    segments, definitions = plan.settings[0].segments, np.int64(len(plan.definitions))
    group = 1 + i * segments + lead.segment
    out.days[state.n[AT_DAY], group] += 1.0
    out.days[state.n[AT_DAY], group + definitions * segments] += lead.value
    if in_window(plan, now):
        _pass(out.passes[CALENDAR, i, lead.source, lead.segment], lead, now)
    if not lead.in_cohort:
        return
    _pass(out.passes[COHORT, i, lead.source, lead.segment], lead, now)
    for other in range(definitions):
        if (mind.counted >> other) & ONE:
            out.both[i, other] += 1.0
            out.both[other, i] += 1.0
    out.both[i, i] += 1.0
    mind.counted |= ONE << i


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
        if lead.touched >= 0.0:
            row.touched += 1.0
            row.response += lead.touched - lead.entered
            out.responses[COHORT, lead.stage, bin_] += 1.0
        if lead.reached >= 0.0:
            row.reached += 1.0
        _count_end(plan, lead, row)
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
        _count_end(plan, lead, row)
        _count_outcome(out, later, outcome, ended - lead.entered)
    if outcome == REJECTED and lead.fit >= plan.settings[0].good:
        if lead.in_cohort:
            out.visits[at].rejected_good += 1.0
        if in_window(plan, ended):
            row.rejected_good += 1.0


@hot
def count_assignment(plan: Any, state: Any, out: Any, slot: Whole, late: Whole, how: Whole) -> None:
    lead, clocks = state.leads[slot], state.clocks[slot]
    teams = len(plan.teams)
    at = np.int64(lead.stage * teams + lead.assigned_to)        # rows by stage and team; first the cohort's
    if lead.in_cohort:
        _count_assignment(out.assignments[at], lead, clocks, late, how)
    if in_window(plan, lead.assigned):
        _count_assignment(out.assignments[at + len(plan.stages) * teams], lead, clocks, late, how)
    if lead.clocked and clocks[0].state == BROKEN and in_window(plan, clocks[0].deadline):
        out.breaches[lead.assigned_to, _hour_of_week(plan, clocks[0].deadline)] += 1.0


@hot
def count_work(plan: Any, state: Any, out: Any, team: Whole, succeeds: Whole, start: float, end: float) -> None:
    """An attempt or a task from its start to its end, cut at the horizon; for the window cut to it."""
    row = out.teams[team]
    settings = plan.settings[0]
    if in_window(plan, start):
        row.attempts += 1.0
        # one still going on at the horizon has reached nobody yet
        row.contacts += np.float64(succeeds != 0 and end < settings.horizon)
    until = min(end, state.now[HORIZON])
    open_ = _open_seconds(plan, state, team, start, until)
    columns = 1 + 2 * np.int64(len(plan.definitions)) * settings.segments + np.int64(len(plan.stages) + len(plan.teams))
    out.days[state.n[AT_DAY], columns + team] += open_
    if start < settings.measure_from or until > settings.measure_to:
        start, until = max(start, settings.measure_from), min(until, settings.measure_to)
        if start >= until:
            return
        open_ = _open_seconds(plan, state, team, start, until)
    row.busy += open_
    if plan.teams[team].resume == 0:
        row.overtime += until - start - open_


@hot
def sample_day(plan: Any, state: Any, out: Any, now: float) -> None:
    """Midnight: the open visits, the queues and the levels, after all that happened at this instant."""
    day = state.n[AT_DAY] - 1
    column = 1 + 2 * np.int64(len(plan.definitions)) * plan.settings[0].segments
    for stage in range(len(plan.stages)):
        out.days[day, column + stage] = state.open_visits[stage]
    column += len(plan.stages)
    for team in range(len(plan.teams)):
        waiting = 0.0
        for lane in range(plan.teams[team].lane_first, plan.teams[team].lane_first + plan.teams[team].lane_count):
            waiting += state.lanes[lane].waiting
        out.days[day, column + team] = waiting
    column += 2 * len(plan.teams)
    for level in range(len(plan.levels)):
        out.days[day, column + level] = level_value(plan.levels, state.levels, level, now)


@hot
def _open_seconds(plan: Any, state: Any, team: Whole, start: float, until: float) -> float:
    """Of work that starts in the interval of now, which most of it never leaves."""
    if until <= state.teams[team].until:
        return until - start
    at = plan.teams[team]
    return open_between(plan.intervals, at.interval_first, at.interval_count, start, until)


@hot
def _count_end(plan: Any, lead: Any, row: Any) -> None:
    """What a visit adds up to."""
    row.attempts += lead.attempts
    row.effort += lead.effort
    if lead.fit < plan.settings[0].good:
        row.wasted += lead.effort
    if lead.touched < 0.0 and lead.touched_before == 0 and plan.stages[lead.stage].step_count > 0:
        row.untouched_value += lead.value
    row.blame_lead += lead.blame == POOR_LEAD
    row.blame_follow_up += lead.blame == POOR_FOLLOW_UP
    row.merged += lead.merged
    row.duplicates += lead.second


@rare
def _hour_of_week(plan: Any, at: float) -> Whole:
    """Hour of the local week of an instant."""
    settings = plan.settings[0]
    low, high = settings.days_first, settings.days_first + settings.days_count
    while high - low > 1:
        middle = (low + high) >> 1
        if plan.instants[middle] <= at:
            low = middle
        else:
            high = middle
    hour = min(LAST_HOUR, np.int64((at - plan.instants[low]) * (1.0 / HOUR)))
    return (settings.weekday + low - settings.days_first) % 7 * 24 + hour  # type: ignore[no-any-return]  # from a record


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
def _count_assignment(row: Any, lead: Any, clocks: Any, late: Whole, how: Whole) -> None:
    row.assigned += 1.0
    row.promised += lead.kept >= 0
    row.kept_draw += lead.kept == 1
    row.reassigned += how == REASSIGNED
    row.returned += how == SENT_BACK
    row.accepted += lead.accepted == 1
    row.rejected += lead.accepted == 0
    row.asked += lead.pursued >= 0
    row.pursued += lead.pursued == 1
    if lead.clocked == 0:
        return
    touch, tries, accept = clocks[0], clocks[1], clocks[2]
    row.touch_kept += touch.state == KEPT
    row.touch_broken += touch.state == BROKEN
    row.touch_neither += touch.state == NEITHER
    row.touch_inherited += touch.state == INHERITED
    row.tries_kept += tries.state == KEPT
    row.tries_broken += tries.state == BROKEN
    row.tries_neither += tries.state == NEITHER
    row.accept_kept += accept.state == KEPT
    row.accept_broken += accept.state == BROKEN
    row.accept_neither += accept.state == NEITHER
    row.accept_inherited += accept.state == INHERITED
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
