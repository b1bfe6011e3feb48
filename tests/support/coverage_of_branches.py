"""What a replication exercised: plans that never take an exit, an action or a tie would agree about nothing.

Every member of the enums below must happen: a new one that no generated plan takes fails the tests of the engines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

import numpy as np
import pytest

from funnelsim import plan as p
from funnelsim.engine.business_time import add_open
from funnelsim.engine.covariates import EffectInput, EffectTarget
from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.reference.simulation import Simulation
from funnelsim.plan_codes import (
    ActionKind,
    AssignmentEnd,
    AttemptEnd,
    Blame,
    ClockStart,
    ClockState,
    DefinitionKind,
    ExitTarget,
    LevelKind,
    Outcome,
    QueueLayout,
    QueueOrder,
    RoutingKind,
    SpacingKind,
    TaskKind,
    TermKind,
    WorkKind,
)
from funnelsim.run_tables import Trace

Seen = Counter[Any]
EXERCISED: tuple[type[IntEnum], ...] = (
    ActionKind,
    AssignmentEnd,
    AttemptEnd,
    Blame,
    ClockStart,
    DefinitionKind,
    EffectInput,
    EffectTarget,
    EventPriority,
    ExitTarget,
    LevelKind,
    Outcome,
    QueueLayout,
    QueueOrder,
    RoutingKind,
    SpacingKind,
    TaskKind,
    WorkKind,
)
TIES = (
    ("arrival", "joins"),
    ("work ends", "outcome"),
    ("work ends", "start"),
    ("joins", "opening"),
    ("start", "action"),
    ("work ends", "action"),
    ("start", "cold"),
    ("arrival", "opening"),
    ("joins", "cold"),
    ("outcome", "start"),
    ("hand", "opening"),
    ("hand", "start"),
    ("hand", "work ends"),
    ("hand", "outcome"),
    ("hand", "cold"),
    ("passage", "start"),
    ("passage", "opening"),
    ("passage", "outcome"),
    ("passage", "work ends"),
    ("decision", "opening"),
    ("decision", "start"),
    ("decision", "outcome"),
    ("decision", "cold"),
    ("decision", "action"),
    ("task", "opening"),
    ("task", "start"),
    ("task", "work ends"),
    ("second record", "start"),
    ("second record", "arrival"),
    ("second record", "outcome"),
    ("review", "arrival"),
    ("review", "outcome"),
    ("review", "start"),
    ("review", "decision"),
    ("pause", "start"),
    ("pause", "opening"),
    ("pause", "work ends"),
)


def _key(*codes: IntEnum) -> tuple[str, ...]:
    """Members of different enums are equal as numbers."""
    return tuple(f"{type(code).__name__}.{code.name}" for code in codes)


WANTED: tuple[Any, ...] = (
    *(_key(code) for codes in EXERCISED for code in codes),
    *(_key(kind, state) for kind in TermKind for state in (ClockState.MET, ClockState.MISSED, ClockState.CENSORED)),
    _key(TermKind.FIRST_TOUCH, ClockState.INHERITED),
    *(("tie", *names) for names in TIES),
    *(("tier", name) for name in ("first", "second", "third", "none")),
    "late on arrival",
    "adhered",
    "not adhered",
    "first touch exactly at the deadline",
    "joined while closed",
    "business clock",
    "accepted",
    "turned down",
    "accepted by default",
    "turned down by default",
    "worked",
    "left alone",
    ("hand", "while routed"),
    ("hand", "brings the decision"),
    ("hand", "ends a habit"),
    ("hand", "left alone"),
    ("hand", "in the queue"),
    ("hand", "next attempt now"),
    ("hand", "merged record"),
    ("pause", "out of the queue"),
    ("pause", "next attempt later"),
    ("pause", "clock moved"),
    "merged",
    "second record",
    ("threshold", "at entry"),
    ("threshold", "by nurture"),
    ("threshold", "by a signal"),
    ("gate", "open when settled"),
    ("gate", "opened later"),
    ("gate", "shut"),
    ("gate", "waits for ever"),
    ("meeting", "held"),
    ("meeting", "no show"),
    ("meeting", "failed"),
    ("objection", "resolved"),
    ("objection", "tried in vain"),
    ("objection", "unresolved"),
    "touch of nurture",
    "prepared attempt",
    "attempt of a new hire",
    "own leads first",
    "absent rep",
    "visits that follow each other at one instant",
    "milestone moves what its signals see",
)


def count(plan: p.Plan, trace: Trace, seen: Seen) -> None:
    """Add what one replication exercised."""
    _ends(plan, trace, seen)
    _promises(plan, trace.assignments, seen)
    _acceptance(plan, trace.assignments, seen)
    _raised_hands(plan, trace, seen)
    _pauses(plan, trace, seen)
    _interest(plan, trace, seen)
    _people(plan, trace, seen)
    _instant_cycles(trace, seen)
    _effects_and_levels(plan, trace, seen)
    _ties(plan, trace, seen)


@contextmanager
def events_counted(seen: Seen) -> Iterator[None]:
    """Count the events of the reference engine by priority."""
    schedule = Simulation.schedule

    def counted(
        simulation: Simulation, time: float, priority: int, *place: int, do: Callable[[], None] | None = None
    ) -> Any:
        *rest, act = (*place, do) if do is not None else place

        def happen() -> None:
            seen[_key(EventPriority(priority))] += 1
            act()

        return schedule(simulation, time, priority, *rest, happen)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Simulation, "schedule", counted)
        yield


def _members(codes: type[IntEnum], numbers: Any, seen: Seen) -> None:
    """Count numbers of a table as members."""
    for number, times in zip(*np.unique(np.asarray(numbers), return_counts=True), strict=True):
        seen[_key(codes(number))] += int(times)


def _ends(plan: p.Plan, trace: Trace, seen: Seen) -> None:
    visits, assignments, attempts = trace.visits, trace.assignments, trace.attempts
    _members(Outcome, visits.outcome, seen)
    _members(AssignmentEnd, assignments.how, seen)
    _members(AttemptEnd, attempts.end, seen)
    _members(Blame, visits.blame, seen)
    ended = visits[~np.isin(visits.outcome, (Outcome.END, Outcome.OPEN)) & (visits.to < 0)]
    _members(ExitTarget, ended.to, seen)
    seen["merged"] += int(visits.merged.sum())
    seen["second record"] += int(visits.duplicate.sum())
    seen["touch of nurture"] += int(visits.touches.sum())
    done = attempts[(attempts.task >= 0) & (attempts.end <= AttemptEnd.NO_ANSWER)]
    task = plan.tasks[done.task]
    _members(TaskKind, task.kind, seen)
    last = done.ordinal == task.tries
    for kind, happened, tried, failed in (
        (TaskKind.MEETING, "held", "no show", "failed"),
        (TaskKind.OBJECTION, "resolved", "tried in vain", "unresolved"),
    ):
        name, mine = ("meeting", "objection")[kind], task.kind == kind
        seen[name, happened] += int((mine & (done.end == AttemptEnd.CONTACT)).sum())
        seen[name, tried] += int((mine & (done.end == AttemptEnd.NO_ANSWER)).sum())
        seen[name, failed] += int((mine & last & (done.end == AttemptEnd.NO_ANSWER)).sum())


def _promises(plan: p.Plan, assignments: Any, seen: Seen) -> None:
    for kind, states in (
        (TermKind.FIRST_TOUCH, assignments.first_touch),
        (TermKind.ATTEMPTS, assignments.attempts_within),
        (TermKind.ACCEPTANCE, assignments.accept_within),
    ):
        seen.update(_key(kind, ClockState(state)) for state in states)
    seen[_key(ActionKind.WARN)] += int(assignments.warned.sum())
    seen[_key(ActionKind.ESCALATE)] += int(assignments.escalated.sum())
    seen[_key(ActionKind.REASSIGN)] += int((assignments.how == AssignmentEnd.REASSIGNED).sum())
    seen[_key(ActionKind.RETURN)] += int((assignments.how == AssignmentEnd.RETURNED).sum())
    for promise in plan.promises[assignments.promise[assignments.promise >= 0]]:
        _members(ClockStart, plan.terms.start[promise.term_first : promise.term_first + promise.term_count], seen)
    seen["late on arrival"] += int(assignments.late.sum())
    seen["adhered"] += int((assignments.adhered == 1).sum())
    seen["not adhered"] += int((assignments.adhered == 0).sum())
    touched = assignments[assignments.touched >= 0]
    seen["first touch exactly at the deadline"] += int((touched.touched == touched.deadline).sum())
    seen["business clock"] += int(plan.terms.business.sum())
    stage_team = plan.stage_teams[assignments.stage, assignments.team]
    _members(RoutingKind, stage_team.routing, seen)
    tiered = stage_team.promise_count > 1
    place = np.where(assignments.promise >= 0, assignments.promise - stage_team.promise_first, -1)[tiered]
    seen.update(("tier", ("first", "second", "third", "none")[i]) for i in place)


def _acceptance(plan: p.Plan, assignments: Any, seen: Seen) -> None:
    for row in assignments[assignments.accepted >= 0]:
        seen["accepted" if row.accepted else "turned down"] += 1
        stage_team = plan.stage_teams[row.stage, row.team]
        if (
            stage_team.window < np.inf
            and row.decided == _window_ends(plan, row, stage_team)
            and row.decided > row.assigned
        ):
            seen["accepted by default" if row.accepted else "turned down by default"] += 1
    seen["worked"] += int((assignments.pursued == 1).sum())
    seen["left alone"] += int((assignments.pursued == 0).sum())


def _window_ends(plan: p.Plan, row: Any, stage_team: Any) -> float:
    if not stage_team.window_business:
        return float(row.assigned + stage_team.window)
    return _open_later(plan, row.team, row.assigned, stage_team.window)


def _open_later(plan: p.Plan, team: int, instant: float, length: float) -> float:
    row = plan.teams[team]
    return float(add_open(plan.intervals, row.interval_first, row.interval_count, instant, length))


def _raised_hands(plan: p.Plan, trace: Trace, seen: Seen) -> None:
    """What the team was doing when the buyer raised a hand before the first touch, by what happened at that instant."""
    first = trace.assignments[trace.assignments.ordinal == 1]
    place = {key: i for i, key in enumerate(zip(first.lead, first.stage, first.number, strict=True))}
    for visit in trace.visits[trace.visits.asked >= 0.0]:
        seen["hand", "merged record"] += int(visit.merged > 0)
        visit_ = place.get((visit.lead, visit.stage, visit.number))
        row = None if visit_ is None else first[visit_]
        if row is None or visit.asked < row.assigned:
            seen["hand", "while routed"] += 1
        elif visit.asked == row.decided > row.assigned:
            seen["hand", "brings the decision"] += 1
        elif visit.asked == row.joined > row.assigned:
            seen["hand", "left alone" if row.pursued == 0 else "ends a habit"] += 1
        elif 0.0 <= row.joined < visit.asked:
            seen["hand", "in the queue"] += 1
    early, _ = _against_spacing(plan, trace)
    seen["hand", "next attempt now"] += early


def _pauses(plan: p.Plan, trace: Trace, seen: Seen) -> None:
    seen["pause", "out of the queue"] += len(_taken_out(trace.attempts))
    seen["pause", "next attempt later"] += _against_spacing(plan, trace)[1]
    for row in trace.assignments[(trace.assignments.promise >= 0) & (trace.assignments.first_touch >= 0)]:
        promise = plan.promises[row.promise]
        for term in plan.terms[promise.term_first : promise.term_first + promise.term_count]:
            if term.kind == TermKind.FIRST_TOUCH and term.start == ClockStart.ASSIGNED and not term.business:
                seen["pause", "clock moved"] += int(row.deadline > row.assigned + term.length)


def _taken_out(attempts: Any) -> Any:
    """Attempts taken out of the queue that were in it again later."""
    same = attempts.task[:-1] == attempts.task[1:]
    for name in ("lead", "stage", "number", "assignment", "ordinal"):
        same &= attempts[name][:-1] == attempts[name][1:]
    return attempts[:-1][same & (attempts.end[:-1] == AttemptEnd.WITHDRAWN)]


def _against_spacing(plan: p.Plan, trace: Trace) -> tuple[int, int]:
    """Attempts that joined before and after they were due, where one step with a fixed spacing is all the work."""
    calls = trace.attempts[trace.attempts.task == -1]
    before, after = calls[:-1], calls[1:]
    same = (before.end == AttemptEnd.NO_ANSWER) & (before.ordinal + 1 == after.ordinal)
    for name in ("lead", "stage", "number", "assignment"):
        same &= before[name] == after[name]
    step = _first_step(plan, after.stage)
    plain = same & (plan.stages.step_count[after.stage] == 1) & (step.spacing_kind != SpacingKind.ON_DAYS)
    due = before.ended + step.spacing
    for i in np.flatnonzero(plain & (step.spacing_kind == SpacingKind.BUSINESS)):
        due[i] = _open_later(plan, after.team[i], before.ended[i], step.spacing[i])
    return int((plain & (after.joined < due)).sum()), int((plain & (after.joined > due)).sum())


def _interest(plan: p.Plan, trace: Trace, seen: Seen) -> None:
    visits, passages = trace.visits, trace.passages
    for row in plan.definitions:
        entered = visits[(visits.stage == row.stage) & (visits.number == 1)]
        rows = entered if row.kind == DefinitionKind.MILESTONE else passages
        seen[_key(DefinitionKind(row.kind))] += len(rows)
    for row in passages:
        mine = visits[(visits.lead == row.lead) & (visits.entered <= row.at)]
        visit = mine[-1]
        every = plan.nurtures.every[plan.stages.nurture[visit.stage]] if plan.stages.nurture[visit.stage] >= 0 else 0.0
        since = row.at - max(visit.entered, 0.0)
        by = "at entry" if since == 0.0 else "by nurture" if every and since % every == 0.0 else "by a signal"
        seen["threshold", by] += 1
    gated = visits[plan.stages.gate[visits.stage] >= 0]
    settled = np.where(plan.stages.step_count[gated.stage] > 0, gated.reached, gated.entered)
    for visit, at in zip(gated, settled, strict=True):
        if at < 0.0 or visit.chance < 0.0:
            continue
        passed = passages[(passages.lead == visit.lead) & (passages.definition == plan.stages.gate[visit.stage])]
        if visit.chance == 1.0:
            seen["gate", "opened later" if (passed.at > at).any() else "open when settled"] += 1
        else:
            seen["gate", "waits for ever" if visit.outcome == Outcome.OPEN else "shut"] += 1


def _instant_cycles(trace: Trace, seen: Seen) -> None:
    """Leads that enter one stage more often at one instant than the plan has stages."""
    visits = trace.visits
    at_once = visits[(visits.entered == visits.ended) & (visits.to >= 0) & (visits.back < 0)]
    _, times = np.unique(np.stack([at_once.lead, at_once.stage, at_once.entered]), axis=1, return_counts=True)
    seen["visits that follow each other at one instant"] += int((times > 5).sum())


def _people(plan: p.Plan, trace: Trace, seen: Seen) -> None:
    attempts, visits = trace.attempts, trace.visits
    team = plan.teams[attempts.team]
    _members(QueueOrder, team.order, seen)
    started = attempts.started >= 0.0
    _members(QueueLayout, team.lanes[started], seen)
    source = dict(zip(visits.lead.tolist(), visits.source.tolist(), strict=True))
    for row in attempts[started & (team.lanes == QueueLayout.BUDGETED)]:
        own = plan.sources[source[int(row.lead)]].side == plan.teams[row.team].side
        kind = 3 if plan.stages[row.stage].deal else 2 if row.ordinal > 1 or row.task >= 0 else 0 if own else 1
        seen[_key(WorkKind(kind))] += 1
    seen["attempt of a new hire"] += int((started & (team.stretch_count > 1)).sum())
    seen["own leads first"] += int((started & (team.head_start > 0)).sum())
    seen["absent rep"] += int((started & (team.absence > 0) & (attempts.rep > 0)).sum())
    step = _first_step(plan, attempts.stage)
    _members(SpacingKind, step.spacing_kind[(attempts.ordinal > 1) & (attempts.task == -1)], seen)
    seen["prepared attempt"] += int((started & (attempts.task == -1) & (step.preparation >= 0)).sum())
    seen["joined while closed"] += _closed_joins(plan, attempts)


def _first_step(plan: p.Plan, stages: Any) -> Any:
    """Of stages with work."""
    return plan.steps[plan.stages.step_first[stages]]


def _closed_joins(plan: p.Plan, attempts: Any) -> int:
    joined = 0
    for team, row in enumerate(plan.teams):
        calendar = plan.intervals[row.interval_first : row.interval_first + row.interval_count]
        times = attempts.joined[attempts.team == team]
        at = np.searchsorted(calendar.opens, times, side="right") - 1
        is_open = (at >= 0) & (times < calendar.closes[np.maximum(at, 0)])
        joined += int((~is_open).sum())
    return joined


def _effects_and_levels(plan: p.Plan, trace: Trace, seen: Seen) -> None:
    for stage, entered in enumerate(np.bincount(trace.visits.stage, minlength=len(plan.stages))):
        row = plan.stages[stage]
        for effect in plan.effects[row.effect_first : row.effect_first + row.effect_count]:
            seen[_key(EffectInput(effect.input))] += int(entered)
            seen[_key(EffectTarget(effect.target))] += int(entered)
        _milestone_seen_by_signals(plan, stage, trace, seen)
    for i, level in enumerate(plan.levels):
        moved = np.unique(trace.levels[trace.levels[:, i] != level.initial, i])
        seen[_key(LevelKind(level.kind))] += len(moved)


def _milestone_seen_by_signals(plan: p.Plan, stage: int, trace: Trace, seen: Seen) -> None:
    """First visits whose passing of a milestone moves a quota that an effect on the signals of the stage looks at."""
    row = plan.stages[stage]
    effects = plan.effects[row.effect_first : row.effect_first + row.effect_count]
    seers = effects[(effects.target == EffectTarget.SIGNALS) & (effects.input == EffectInput.LEVEL)]
    quotas = plan.levels[seers.of][plan.levels.kind[seers.of] == LevelKind.QUOTA]
    own = plan.definitions.kind[quotas.definition] == DefinitionKind.MILESTONE
    own &= plan.definitions.stage[quotas.definition] == stage
    if row.signal_count and own.any():
        visits = trace.visits
        first = (visits.stage == stage) & (visits.number == 1) & (visits.entered >= 0.0) & (visits.value > 0.0)
        seen["milestone moves what its signals see"] += int(first.sum())


def _ties(plan: p.Plan, trace: Trace, seen: Seen) -> None:
    visits, assignments, attempts = trace.visits, trace.assignments, trace.attempts
    reviews = [plan.instants[row.review_first : row.review_first + row.review_count] for row in plan.levels]
    instants = {
        "arrival": visits.arrived,
        "work ends": attempts.ended[attempts.end <= AttemptEnd.NO_ANSWER],
        "joins": attempts.joined,
        "outcome": visits.ended[visits.outcome <= Outcome.LOST],
        "start": attempts.started[attempts.started >= 0],
        "opening": plan.intervals.opens,
        "action": assignments.ended[np.isin(assignments.how, (AssignmentEnd.REASSIGNED, AssignmentEnd.RETURNED))],
        "cold": visits.ended[visits.outcome == Outcome.COLD],
        "hand": visits.asked[visits.asked >= 0],
        "passage": trace.passages.at,
        "decision": assignments.decided[assignments.decided >= 0],
        "task": attempts.joined[attempts.task >= 0],
        "second record": visits.arrived[visits.duplicate == 1],
        "review": np.concatenate([np.zeros(0), *reviews]),
        "pause": _taken_out(attempts).ended,
    }
    for one, other in TIES:
        seen["tie", one, other] += len(np.intersect1d(instants[one], instants[other]))
