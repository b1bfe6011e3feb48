"""Counting into the Summary while the kernel runs; the same rules as funnelsim.measures, which counts from the tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.fast.demand import is_in_flight
from funnelsim.engine.fast.state import AT_DAY
from funnelsim.engine.jit import hot
from funnelsim.engine.worktime import open_between
from funnelsim.plan import (
    BACK,
    BROKEN,
    COLD,
    CYCLE_LIMIT,
    END,
    FORWARD,
    INHERITED,
    KEPT,
    LOST_HERE,
    NEITHER,
    OPEN,
    REASSIGNED,
    RETURNED,
    SENT_BACK,
    UNREACHED,
    WENT_SILENT,
)
from funnelsim.summary import CALENDAR, COHORT, RESPONSE_EDGES


@hot
def in_window(plan: Any, at: float) -> bool:
    return plan.settings[0].measure_from <= at < plan.settings[0].measure_to  # type: ignore[no-any-return]


@hot
def in_cohort(plan: Any, lead: Any) -> bool:
    return in_window(plan, lead.arrived) and not is_in_flight(lead.id)


@hot
def count_arrival(plan: Any, state: Any, lead: Any, out: Any) -> None:
    out.days[state.n[AT_DAY], 0] += 1.0
    if in_cohort(plan, lead):
        out.arrived[0, lead.source, lead.segment] += 1.0


@hot
def count_entry(plan: Any, state: Any, out: Any, slot: int, now: float) -> None:
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
        if in_cohort(plan, lead):
            _pass(out.passes[COHORT, d, lead.source, lead.segment], lead, now)
        if in_window(plan, now):
            _pass(out.passes[CALENDAR, d, lead.source, lead.segment], lead, now)


@hot
def count_visit(plan: Any, lead: Any, out: Any, ended: float, outcome: int, back: float) -> None:
    bin_ = np.int64(0)
    if lead.touched >= 0.0:
        bin_ = _response_bin(lead.touched - lead.entered)
    promise = _first_promise(plan, lead, ended)
    if in_cohort(plan, lead):
        row = out.visits[COHORT, lead.source, lead.segment, lead.stage]
        row.entered += 1.0
        row.attempts += lead.attempts
        if lead.touched >= 0.0:
            row.touched += 1.0
            row.response += lead.touched - lead.entered
            out.responses[COHORT, lead.stage, bin_] += 1.0
        if lead.reached >= 0.0:
            row.reached += 1.0
        _count_outcome(row, outcome, ended - lead.entered)
        row.within += promise == 1
        row.beyond += promise == 2
    row = out.visits[CALENDAR, lead.source, lead.segment, lead.stage]
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
        _count_outcome(row, outcome, ended - lead.entered)


@hot
def count_assignment(plan: Any, lead: Any, out: Any, touch: int, tries: int, late: int, how: int) -> None:
    if in_cohort(plan, lead):
        _count_assignment(out.assignments[COHORT, lead.stage, lead.assigned_to], lead, touch, tries, late, how)
    if in_window(plan, lead.assigned):
        _count_assignment(out.assignments[CALENDAR, lead.stage, lead.assigned_to], lead, touch, tries, late, how)


@hot
def count_work(plan: Any, out: Any, team: int, succeeds: int, start: float, end: float) -> None:
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
        open_ = open_between(plan.intervals, plan.teams[team].interval_first, plan.teams[team].interval_count, begin, until)
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
def _count_outcome(row: Any, outcome: int, stay: float) -> None:
    if outcome != OPEN and outcome != WENT_SILENT:
        row.stay += stay
    if outcome == FORWARD:
        row.forward += 1.0
    elif outcome == LOST_HERE:
        row.lost += 1.0
    elif outcome == UNREACHED:
        row.unreached += 1.0
    elif outcome == COLD:
        row.cold += 1.0
    elif outcome == BACK:
        row.back += 1.0
    elif outcome == END:
        row.end += 1.0
    elif outcome == RETURNED:
        row.returned += 1.0
    elif outcome == CYCLE_LIMIT:
        row.cycle_limit += 1.0
    elif outcome == WENT_SILENT:
        row.silent += 1.0
    else:
        row.open += 1.0


@hot
def _first_promise(plan: Any, lead: Any, ended: float) -> int:
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
def _count_assignment(row: Any, lead: Any, touch: int, tries: int, late: int, how: int) -> None:
    row.assigned += 1.0
    row.promised += lead.kept >= 0
    row.kept_draw += lead.kept == 1
    row.touch_kept += touch == KEPT
    row.touch_broken += touch == BROKEN
    row.touch_neither += touch == NEITHER
    row.touch_inherited += touch == INHERITED
    row.tries_kept += tries == KEPT
    row.tries_broken += tries == BROKEN
    row.tries_neither += tries == NEITHER
    row.late += late
    row.warned += lead.warned
    row.escalated += lead.escalated
    row.reassigned += how == REASSIGNED
    row.returned += how == SENT_BACK


@hot
def _response_bin(delay: float) -> int:
    """Edges at or below the delay."""
    low, high = np.int64(0), np.int64(len(RESPONSE_EDGES))
    while low < high:
        middle = (low + high) >> 1
        if RESPONSE_EDGES[middle] <= delay:
            low = middle + 1
        else:
            high = middle
    return low
