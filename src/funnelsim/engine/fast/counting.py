"""Counting into the Summary while the kernel runs; by the rules of funnelsim.measures, which counts from the tables."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from funnelsim.engine.business_time import open_between
from funnelsim.engine.fast.state import Counter, RunInstant
from funnelsim.engine.jit import inline_kernel, outlined_kernel
from funnelsim.engine.level_dynamics import level_value
from funnelsim.int64 import Int, int64
from funnelsim.plan import HOUR, Plan, zeros_record
from funnelsim.plan_codes import AssignmentEnd, Blame, ClockState, Outcome
from funnelsim.summary import ASSIGNMENTS, CALENDAR, COHORT, RESPONSE_EDGES, VISITS, Summary, day_columns
from funnelsim.typing import FloatArray

BOTH = int64(2)  # the third window
FIRST_OUTCOME = np.int64((VISITS.names or ()).index("forward"))  # outcomes stand in the order of Outcome
# columns of a promise met; missed, censored (and inherited) follow in the order of ClockState
TOUCH_MET, ATTEMPTS_MET, ACCEPTANCE_MET = (
    np.int64((ASSIGNMENTS.names or ()).index(name)) for name in ("touch_met", "attempts_met", "acceptance_met")
)
EXPONENT_AT, EXPONENT_OF_ONE = np.int64(52), np.int64(1023)
LAST_OCTAVE = np.int64(len(RESPONSE_EDGES) - 5)
PER_FIRST_EDGE = 1.0 / RESPONSE_EDGES[0]
ZERO, ONE = np.int64(0), np.int64(1)
LAST_HOUR = np.int64(23)


class Counts(NamedTuple):
    """A Summary as the kernel sees it: with one index a row, and a third window for what lies in both.

    Most visits and assignments belong to the cohort and to the calendar window: they are counted once, in BOTH, and
    `add_up` adds them to the two. What has no third window is the memory of the Summary itself.
    """

    visits: Any  # VISITS[window, source, segment, stage]
    visit_columns: FloatArray  # the same, a column a field
    assignments: Any  # ASSIGNMENTS[window, stage, team]
    assignment_columns: FloatArray
    responses: FloatArray  # [window, stage, bin]
    teams: Any
    passages: Any
    days: FloatArray
    busy: FloatArray  # [day, team], a part of `days`
    breaches: FloatArray
    co_passed: FloatArray
    arrived: FloatArray


def new_counts(plan: Plan, out: Summary) -> Counts:
    """Zeros, and views of a new Summary."""
    visits = zeros_record(VISITS, 3 * out.visits[COHORT].size)
    assignments = zeros_record(ASSIGNMENTS, 3 * out.assignments[COHORT].size)
    columns = day_columns(plan)
    return Counts(
        visits,
        _columns(visits),
        assignments,
        _columns(assignments),
        np.zeros((3, *out.responses.shape[1:])),
        out.teams,
        out.passages,
        out.days,
        out.days[:, columns.busy : columns.level],
        out.breaches,
        out.co_passed,
        out.arrived,
    )


def add_up(counts: Counts, out: Summary) -> None:
    """The two windows, each with what lies in both; whole numbers, so the order of adding does not show."""
    for counted, table in (
        (counts.visit_columns, _columns(out.visits)),
        (counts.assignment_columns, _columns(out.assignments)),
        (counts.responses, out.responses),
    ):
        windows = counted.reshape(3, -1)
        table.reshape(2, -1)[:] = windows[:BOTH] + windows[BOTH]


def _columns(table: Any) -> Any:
    """The same memory, a row a record and a column a field."""
    return table.reshape(-1).view(np.float64).reshape(table.size, len(table.dtype)).view(np.ndarray)


@inline_kernel
def in_window(plan: Any, at: float) -> bool:
    return plan.settings[0].measure_from <= at < plan.settings[0].measure_to  # type: ignore[no-any-return]  # from a record


@inline_kernel
def count_arrival(plan: Any, state: Any, lead: Any, out: Any) -> None:
    out.days[state.counters[Counter.DAY], 0] += 1.0
    if lead.in_cohort:
        out.arrived[0, lead.source, lead.segment] += 1.0


@inline_kernel
def count_passage(plan: Any, state: Any, out: Any, lead: Any, interest: Any, i: Int, now: float) -> None:
    """A first passage of a definition that counts [35, 82]."""
    segments, definitions = plan.settings[0].segments, np.int64(len(plan.definitions))
    group = 1 + i * segments + lead.segment
    out.days[state.counters[Counter.DAY], group] += 1.0
    out.days[state.counters[Counter.DAY], group + definitions * segments] += lead.value
    if in_window(plan, now):
        _pass(out.passages[CALENDAR, i, lead.source, lead.segment], lead, now)
    if not lead.in_cohort:
        return
    _pass(out.passages[COHORT, i, lead.source, lead.segment], lead, now)
    for other in range(definitions):
        if (interest.counted >> other) & ONE:
            out.co_passed[i, other] += 1.0
            out.co_passed[other, i] += 1.0
    out.co_passed[i, i] += 1.0
    interest.counted |= ONE << i


@inline_kernel
def count_visit(plan: Any, lead: Any, out: Any, ended: float, outcome: Int) -> None:
    """A visit that has ended or been cut off by the horizon: all of it within both windows, or apart."""
    at = np.int64(lead.source_segment * len(plan.stages) + lead.stage)  # rows by source, segment and stage
    if lead.in_cohort and outcome != Outcome.OPEN and in_window(plan, lead.entered) and in_window(plan, ended):
        promise = _first_promise(plan, lead, ended)
        at += BOTH * np.int64(len(plan.source_segments) * len(plan.stages))
        _count_all(plan, lead, out, BOTH, at, promise, outcome, ended)
    else:
        _count_apart(plan, lead, out, at, outcome, ended)


@outlined_kernel
def _count_apart(plan: Any, lead: Any, out: Any, at: Int, outcome: Int, ended: float) -> None:
    """In the cohort the whole visit, in the calendar window the parts that lie within it."""
    promise = _first_promise(plan, lead, ended)
    if lead.in_cohort:
        _count_all(plan, lead, out, COHORT, at, promise, outcome, ended)
    at += np.int64(len(plan.source_segments) * len(plan.stages))
    row = out.visits[at]
    if in_window(plan, lead.entered):
        row.entered += 1.0
        _count_promise(row, promise)
    if lead.touched >= 0.0 and in_window(plan, lead.touched):
        _count_touch(out, row, lead, CALENDAR)
    if lead.reached >= 0.0 and in_window(plan, lead.reached):
        row.reached += 1.0
    if outcome != Outcome.OPEN and in_window(plan, ended):
        _count_end(plan, lead, row, outcome)
        _count_outcome(out, at, outcome, ended - lead.entered)


@inline_kernel
def count_assignment(plan: Any, state: Any, out: Any, slot: Int, late: Int, how: Int) -> None:
    lead, clocks = state.leads[slot], state.clocks[slot]
    teams = len(plan.teams)
    is_inside = in_window(plan, lead.assigned)
    if lead.in_cohort or is_inside:
        window = CALENDAR
        if lead.in_cohort:
            window = BOTH if is_inside else COHORT
        _count_assignment(
            plan, out, (window * len(plan.stages) + lead.stage) * teams + lead.assigned_to, lead, clocks, late, how
        )
    if lead.has_clocks and clocks[0].state == ClockState.MISSED and in_window(plan, clocks[0].deadline):
        out.breaches[lead.assigned_to, _hour_of_week(plan, clocks[0].deadline)] += 1.0


@inline_kernel
def count_work(plan: Any, state: Any, out: Any, team: Int, succeeds: Int, start: float, end: float) -> None:
    """An attempt or a task from its start to its end, cut at the horizon; for the window cut to it."""
    row = out.teams[team]
    settings = plan.settings[0]
    if in_window(plan, start):
        row.attempts += 1.0
        # one still going on at the horizon has reached nobody yet
        row.contacts += np.float64(succeeds != 0 and end < settings.horizon)
    until = min(end, state.clock[RunInstant.HORIZON])
    open_ = _open_seconds(plan, state, team, start, until)
    out.busy[state.counters[Counter.DAY], team] += open_
    if start < settings.measure_from or until > settings.measure_to:
        start, until = max(start, settings.measure_from), min(until, settings.measure_to)
        if start >= until:
            return
        open_ = _open_seconds(plan, state, team, start, until)
    row.busy += open_
    if plan.teams[team].resume == 0:
        row.overtime += until - start - open_


@inline_kernel
def sample_day(plan: Any, state: Any, out: Any, now: float) -> None:
    """Midnight: the open visits, the queues and the levels, after all that happened at this instant."""
    day = state.counters[Counter.DAY] - 1
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


@inline_kernel
def _open_seconds(plan: Any, state: Any, team: Int, start: float, until: float) -> float:
    """Of work that starts in the interval of now, which most of it never leaves."""
    if until <= state.teams[team].until:
        return until - start
    at = plan.teams[team]
    return open_between(plan.intervals, at.interval_first, at.interval_count, start, until)


@inline_kernel
def _count_all(plan: Any, lead: Any, out: Any, window: Int, at: Int, promise: Int, outcome: Int, ended: float) -> None:
    row = out.visits[at]
    row.entered += 1.0
    _count_promise(row, promise)
    if lead.touched >= 0.0:
        _count_touch(out, row, lead, window)
    if lead.reached >= 0.0:
        row.reached += 1.0
    _count_end(plan, lead, row, outcome)
    _count_outcome(out, at, outcome, ended - lead.entered)


@inline_kernel
def _count_promise(row: Any, promise: Int) -> None:
    if promise != 0:
        row.deadline_met += promise == 1
        row.deadline_missed += promise == 2


@inline_kernel
def _count_touch(out: Any, row: Any, lead: Any, window: Int) -> None:
    delay = lead.touched - lead.entered
    row.touched += 1.0
    row.response += delay
    out.responses[window, lead.stage, _response_bin(delay)] += 1.0


@inline_kernel
def _count_end(plan: Any, lead: Any, row: Any, outcome: Int) -> None:
    """What a visit adds up to."""
    row.attempts += lead.attempts
    row.effort += lead.effort
    if lead.fit < plan.settings[0].good:
        row.wasted += lead.effort
    elif outcome == Outcome.REJECTED:
        row.rejected_good += 1.0
    if lead.touched < 0.0 and lead.touched_before == 0 and plan.stages[lead.stage].step_count > 0:
        row.untouched_value += lead.value
    if lead.blame != Blame.NONE:
        row.blame_lead += lead.blame == Blame.POOR_LEAD
        row.blame_follow_up += lead.blame == Blame.POOR_FOLLOW_UP
    if lead.merged > 0 or lead.second:
        row.merged += lead.merged
        row.duplicates += lead.second


@outlined_kernel
def _hour_of_week(plan: Any, at: float) -> Int:
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


@inline_kernel
def _pass(row: Any, lead: Any, now: float) -> None:
    row.count += 1.0
    row.value += lead.value
    row.time += now - lead.arrived


@inline_kernel
def _count_outcome(out: Any, at: Int, outcome: Int, stay: float) -> None:
    if outcome != Outcome.OPEN and outcome != Outcome.SILENT:
        out.visits[at].stay += stay
    out.visit_columns[at, FIRST_OUTCOME + outcome] += 1.0


@inline_kernel
def _first_promise(plan: Any, lead: Any, ended: float) -> Int:
    """Whether anyone touched the lead within its first deadline [61]: 1 yes, 2 no, 0 neither."""
    deadline = lead.first_deadline
    if deadline < 0.0:
        return 0
    if lead.touched >= 0.0:
        return 1 if lead.touched <= deadline else 2
    if ended >= 0.0:
        return 2 if ended >= deadline else 0
    return 2 if deadline < plan.settings[0].horizon else 0


@inline_kernel
def _count_assignment(plan: Any, out: Any, at: Int, lead: Any, clocks: Any, late: Int, how: Int) -> None:
    row = out.assignments[at]
    row.assigned += 1.0
    if lead.adhered >= 0:
        row.promised += 1.0
        row.adhered += lead.adhered
    if how == AssignmentEnd.REASSIGNED:
        row.reassigned += 1.0
    elif how == AssignmentEnd.RETURNED:
        row.returned += 1.0
    if lead.accepted >= 0:
        row.accepted += lead.accepted
        row.rejected += 1 - lead.accepted
    if lead.pursued >= 0:
        row.asked += 1.0
        row.pursued += lead.pursued
    if lead.has_clocks:
        columns, touch, attempts, acceptance = out.assignment_columns, clocks[0].state, clocks[1].state, clocks[2].state
        if touch >= ClockState.MET:
            columns[at, TOUCH_MET + touch - ClockState.MET] += 1.0
        if ClockState.MET <= attempts <= ClockState.CENSORED:
            columns[at, ATTEMPTS_MET + attempts - ClockState.MET] += 1.0
        if acceptance >= ClockState.MET:
            columns[at, ACCEPTANCE_MET + acceptance - ClockState.MET] += 1.0
        row.late += late
        row.warned += lead.warned
        row.escalated += lead.escalated


@inline_kernel
def _response_bin(delay: float) -> Int:
    """Edges at or below the delay: four to an octave from the first, so five comparisons after its binary exponent."""
    octave = (np.float64(delay * PER_FIRST_EDGE).view(np.int64) >> EXPONENT_AT) - EXPONENT_OF_ONE
    low = min(max(4 * octave, np.int64(0)), LAST_OCTAVE)
    found = low
    for i in range(low, low + 5):
        found += np.int64(RESPONSE_EDGES[i] <= delay)
    return found
