"""Levels: when slow numbers see what happens [108]. The arithmetic is in engine/levels.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.fast.effects import is_own
from funnelsim.engine.fast.event_heap import schedule
from funnelsim.engine.jit import inline_kernel, outlined_kernel
from funnelsim.engine.level_dynamics import review_level, update_level
from funnelsim.int64 import Int
from funnelsim.plan_codes import Blame, LevelKind, Outcome

ZERO = np.int64(0)


@inline_kernel
def start_reviews(plan: Any, state: Any) -> None:
    for i in range(len(plan.levels)):
        _schedule_review(state, i)


@inline_kernel
def review(plan: Any, state: Any, i: Int, now: float) -> None:
    """A level moves by what was observed since the last review."""
    review_level(plan.levels, state.levels, plan.instants, i, now)
    _schedule_review(state, i)


@inline_kernel
def on_outcome(plan: Any, state: Any, lead: Any, outcome: Int) -> None:
    """A visit that a team worked is over: 1 forward, 0 lost."""
    if len(plan.levels) > 0 and lead.owner >= 0 and plan.stages[lead.stage].step_count > 0:
        observed = 1.0 if outcome == Outcome.FORWARD else 0.0
        _update(plan, state, lead, LevelKind.OUTCOMES, lead.owner, observed)


@inline_kernel
def on_decision(plan: Any, state: Any, lead: Any, accepted: Int) -> None:
    """A decision of the team that has the lead."""
    if len(plan.levels) > 0:
        _update(plan, state, lead, LevelKind.ACCEPTANCE, lead.assigned_to, np.float64(accepted))


@inline_kernel
def on_assignment(plan: Any, state: Any, lead: Any) -> None:
    """A team gets a lead."""
    if len(plan.levels) > 0:
        _update(plan, state, lead, LevelKind.LOAD, lead.assigned_to, 1.0)


@inline_kernel
def on_passage(plan: Any, state: Any, definition: Int, value: float) -> None:
    """The value of a first passage."""
    for i in range(len(plan.levels)):
        row = plan.levels[i]
        if row.kind == LevelKind.QUOTA and row.definition == definition:
            update_level(plan.levels, state.levels, i, value)


@outlined_kernel
def _update(plan: Any, state: Any, lead: Any, kind: Int, team: Int, observed: float) -> None:
    for i in range(len(plan.levels)):
        row = plan.levels[i]
        if row.kind != kind or row.team != team:
            continue
        if kind != LevelKind.ACCEPTANCE and is_own(plan, lead, team):
            continue  # experience is with leads of the other side
        if kind == LevelKind.OUTCOMES and row.fair != 0 and lead.blame == Blame.POOR_FOLLOW_UP:
            continue
        update_level(plan.levels, state.levels, i, observed)


@inline_kernel
def _schedule_review(state: Any, i: Int) -> None:
    schedule(state, state.levels[i].until, EventPriority.REVIEW, i, ZERO, i, ZERO)
