"""What a replication exercised: plans that never take an exit, an action or a tie would agree about nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from funnelsim import plan as p
from funnelsim.engine.business_time import add_open
from funnelsim.trace import Trace

Seen = Counter[Any]
INPUTS = (
    "always",
    "fit",
    "context lost",
    "both teams",
    "marketing sells",
    "response delay",
    "intent",
    "trust",
    "warmth",
    "too early",
    "too late",
    "trust x delay",
    "hour of week",
    "level",
    "score",
    "unresolved",
    "duplicated",
    "own lead",
)
TARGETS = ("advance", "contact", "pursue", "keep", "habit", "show", "signal")
LEVEL_KINDS = ("outcomes", "acceptance", "load", "quota")
LANES = ("pooled", "personal", "budgeted")
WORK_KINDS = ("own leads", "other leads", "follow-ups", "deals")
ORDERS = ("first come", "score", "due time", "newest", "value")
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
    ("passing", "start"),
    ("passing", "opening"),
    ("passing", "outcome"),
    ("passing", "work ends"),
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
WANTED: tuple[Any, ...] = (
    *(("outcome", name) for name in p.OUTCOMES),
    *(("assignment", name) for name in p.ASSIGNMENT_ENDS),
    *(("attempt", name) for name in p.ATTEMPT_ENDS),
    *(("order", name) for name in ORDERS),
    *((clock, state) for clock in ("first touch", "attempts", "accept") for state in ("kept", "broken", "neither")),
    *(("tie", *names) for names in TIES),
    *(("effect of", name) for name in INPUTS),
    *(("effect on", name) for name in TARGETS),
    *(("level moved", name) for name in LEVEL_KINDS),
    *(("lanes", name) for name in LANES),
    *(("budgeted", name) for name in WORK_KINDS),
    *(("tier", name) for name in ("first", "second", "third", "none")),
    "warned",
    "escalated",
    "late on arrival",
    "kept",
    "not kept",
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
    "poor lead",
    "poor follow-up",
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
    _effects_and_levels(plan, trace, seen)
    _ties(plan, trace, seen)


def _ends(plan: p.Plan, trace: Trace, seen: Seen) -> None:
    visits, assignments, attempts = trace.visits, trace.assignments, trace.attempts
    seen.update(("outcome", p.OUTCOMES[i]) for i in visits.outcome)
    seen.update(("assignment", p.ASSIGNMENT_ENDS[i]) for i in assignments.how)
    seen.update(("attempt", p.ATTEMPT_ENDS[i]) for i in attempts.end)
    seen["merged"] += int(visits.merged.sum())
    seen["second record"] += int(visits.duplicate.sum())
    seen["touch of nurture"] += int(visits.touches.sum())
    seen["poor lead"] += int((visits.blame == p.POOR_LEAD).sum())
    seen["poor follow-up"] += int((visits.blame == p.POOR_FOLLOW_UP).sum())
    done = attempts[(attempts.task >= 0) & (attempts.end <= p.NO_ANSWER)]
    task = plan.tasks[done.task]
    last = done.ordinal == task.tries
    for kind, happened, tried, failed in (
        (p.MEETING, "held", "no show", "failed"),
        (p.OBJECTION, "resolved", "tried in vain", "unresolved"),
    ):
        name, mine = ("meeting", "objection")[kind], task.kind == kind
        seen[name, happened] += int((mine & (done.end == p.CONTACT)).sum())
        seen[name, tried] += int((mine & (done.end == p.NO_ANSWER)).sum())
        seen[name, failed] += int((mine & last & (done.end == p.NO_ANSWER)).sum())


def _promises(plan: p.Plan, assignments: Any, seen: Seen) -> None:
    for name, states in (
        ("first touch", assignments.first_touch),
        ("attempts", assignments.attempts_within),
        ("accept", assignments.accept_within),
    ):
        seen.update((name, p.CLOCK_STATES[state]) for state in states if state >= 0)
    seen["warned"] += int(assignments.warned.sum())
    seen["escalated"] += int(assignments.escalated.sum())
    seen["late on arrival"] += int(assignments.late.sum())
    seen["kept"] += int((assignments.kept == 1).sum())
    seen["not kept"] += int((assignments.kept == 0).sum())
    touched = assignments[assignments.touched >= 0]
    seen["first touch exactly at the deadline"] += int((touched.touched == touched.deadline).sum())
    seen["business clock"] += int(plan.terms.business.sum())
    duty = plan.duties[assignments.stage, assignments.team]
    tiered = duty.promise_count > 1
    place = np.where(assignments.promise >= 0, assignments.promise - duty.promise_first, -1)[tiered]
    seen.update(("tier", ("first", "second", "third", "none")[i]) for i in place)


def _acceptance(plan: p.Plan, assignments: Any, seen: Seen) -> None:
    for row in assignments[assignments.accepted >= 0]:
        seen["accepted" if row.accepted else "turned down"] += 1
        duty = plan.duties[row.stage, row.team]
        if duty.window < np.inf and row.decided == _window_ends(plan, row, duty) and row.decided > row.assigned:
            seen["accepted by default" if row.accepted else "turned down by default"] += 1
    seen["worked"] += int((assignments.pursued == 1).sum())
    seen["left alone"] += int((assignments.pursued == 0).sum())


def _window_ends(plan: p.Plan, row: Any, duty: Any) -> float:
    if not duty.window_business:
        return float(row.assigned + duty.window)
    return _open_later(plan, row.team, row.assigned, duty.window)


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
            if term.kind == p.FIRST_TOUCH and term.start == p.ASSIGNED and not term.business:
                seen["pause", "clock moved"] += int(row.deadline > row.assigned + term.length)


def _taken_out(attempts: Any) -> Any:
    """Attempts taken out of the queue that were in it again later."""
    same = attempts.task[:-1] == attempts.task[1:]
    for name in ("lead", "stage", "number", "assignment", "ordinal"):
        same &= attempts[name][:-1] == attempts[name][1:]
    return attempts[:-1][same & (attempts.end[:-1] == p.WITHDRAWN)]


def _against_spacing(plan: p.Plan, trace: Trace) -> tuple[int, int]:
    """Attempts that joined before and after they were due, where one step with a fixed spacing is all the work."""
    calls = trace.attempts[trace.attempts.task == -1]
    before, after = calls[:-1], calls[1:]
    same = (before.end == p.NO_ANSWER) & (before.ordinal + 1 == after.ordinal)
    for name in ("lead", "stage", "number", "assignment"):
        same &= before[name] == after[name]
    step = _first_step(plan, after.stage)
    plain = same & (plan.stages.step_count[after.stage] == 1) & (step.spacing_kind != p.ON_DAYS)
    due = before.ended + step.spacing
    for i in np.flatnonzero(plain & (step.spacing_kind == p.BUSINESS)):
        due[i] = _open_later(plan, after.team[i], before.ended[i], step.spacing[i])
    return int((plain & (after.joined < due)).sum()), int((plain & (after.joined > due)).sum())


def _interest(plan: p.Plan, trace: Trace, seen: Seen) -> None:
    visits, passings = trace.visits, trace.passings
    for row in passings:
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
        passed = passings[(passings.lead == visit.lead) & (passings.definition == plan.stages.gate[visit.stage])]
        if visit.chance == 1.0:
            seen["gate", "opened later" if (passed.at > at).any() else "open when settled"] += 1
        else:
            seen["gate", "waits for ever" if visit.outcome == p.OPEN else "shut"] += 1


def _people(plan: p.Plan, trace: Trace, seen: Seen) -> None:
    attempts, visits = trace.attempts, trace.visits
    team = plan.teams[attempts.team]
    seen.update(("order", ORDERS[i]) for i in team.order)
    started = attempts.started >= 0.0
    seen.update(("lanes", LANES[i]) for i in team.lanes[started])
    source = dict(zip(visits.lead.tolist(), visits.source.tolist(), strict=True))
    for row in attempts[started & (team.lanes == p.BUDGETED)]:
        own = plan.sources[source[int(row.lead)]].side == plan.teams[row.team].side
        kind = 3 if plan.stages[row.stage].deal else 2 if row.ordinal > 1 or row.task >= 0 else 0 if own else 1
        seen["budgeted", WORK_KINDS[kind]] += 1
    seen["attempt of a new hire"] += int((started & (team.stretch_count > 1)).sum())
    seen["own leads first"] += int((started & (team.head_start > 0)).sum())
    seen["absent rep"] += int((started & (team.absence > 0) & (attempts.rep > 0)).sum())
    step = _first_step(plan, attempts.stage)
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
            seen["effect of", INPUTS[effect.input]] += int(entered)
            seen["effect on", TARGETS[effect.target]] += int(entered)
    for i, level in enumerate(plan.levels):
        moved = np.unique(trace.levels[trace.levels[:, i] != level.initial, i])
        seen["level moved", LEVEL_KINDS[level.kind]] += len(moved)


def _ties(plan: p.Plan, trace: Trace, seen: Seen) -> None:
    visits, assignments, attempts = trace.visits, trace.assignments, trace.attempts
    reviews = [plan.instants[row.review_first : row.review_first + row.review_count] for row in plan.levels]
    instants = {
        "arrival": visits.arrived,
        "work ends": attempts.ended[attempts.end <= p.NO_ANSWER],
        "joins": attempts.joined,
        "outcome": visits.ended[visits.outcome <= p.LOST_HERE],
        "start": attempts.started[attempts.started >= 0],
        "opening": plan.intervals.opens,
        "action": assignments.ended[np.isin(assignments.how, (p.REASSIGNED, p.SENT_BACK))],
        "cold": visits.ended[visits.outcome == p.COLD],
        "hand": visits.asked[visits.asked >= 0],
        "passing": trace.passings.at,
        "decision": assignments.decided[assignments.decided >= 0],
        "task": attempts.joined[attempts.task >= 0],
        "second record": visits.arrived[visits.duplicate == 1],
        "review": np.concatenate([np.zeros(0), *reviews]),
        "pause": _taken_out(attempts).ended,
    }
    for one, other in TIES:
        seen["tie", one, other] += len(np.intersect1d(instants[one], instants[other]))
