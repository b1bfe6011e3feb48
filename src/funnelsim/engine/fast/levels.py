"""Levels: when slow numbers see what happens [108]. The arithmetic is in engine/levels.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.fast.effects import is_own
from funnelsim.engine.fast.event_heap import schedule
from funnelsim.engine.jit import inline_kernel, outlined_kernel
from funnelsim.engine.level_dynamics import level_sees, review_level
from funnelsim.int64 import Int
from funnelsim.plan_codes import Blame, LevelKind, Outcome

ZERO = np.int64(0)


@inline_kernel
def start_reviews(plan: Any, state: Any) -> None:
    for i in range(len(plan.levels)):
        _schedule_review(state, i)


@inline_kernel
def review(plan: Any, state: Any, i: Int, now: float) -> None:
    """A level moves by what was seen since the last review."""
    review_level(plan.levels, state.levels, plan.instants, i, now)
    _schedule_review(state, i)


@inline_kernel
def outcomes_see(plan: Any, state: Any, lead: Any, outcome: Int) -> None:
    """A visit that a team worked is over: 1 forward, 0 lost."""
    if len(plan.levels) > 0 and lead.owner >= 0 and plan.stages[lead.stage].step_count > 0:
        seen = 1.0 if outcome == Outcome.FORWARD else 0.0
        _see(plan, state, lead, LevelKind.OUTCOMES, lead.owner, seen)


@inline_kernel
def acceptance_sees(plan: Any, state: Any, lead: Any, accepted: Int) -> None:
    """A decision of the team that has the lead."""
    if len(plan.levels) > 0:
        _see(plan, state, lead, LevelKind.ACCEPTANCE, lead.assigned_to, np.float64(accepted))


@inline_kernel
def load_sees(plan: Any, state: Any, lead: Any) -> None:
    """A team gets a lead."""
    if len(plan.levels) > 0:
        _see(plan, state, lead, LevelKind.LOAD, lead.assigned_to, 1.0)


@inline_kernel
def quota_sees(plan: Any, state: Any, definition: Int, value: float) -> None:
    """The value of a first passage."""
    for i in range(len(plan.levels)):
        row = plan.levels[i]
        if row.kind == LevelKind.QUOTA and row.definition == definition:
            level_sees(plan.levels, state.levels, i, value)


@outlined_kernel
def _see(plan: Any, state: Any, lead: Any, kind: Int, team: Int, seen: float) -> None:
    for i in range(len(plan.levels)):
        row = plan.levels[i]
        if row.kind != kind or row.team != team:
            continue
        if kind != LevelKind.ACCEPTANCE and is_own(plan, lead, team):
            continue  # experience is with leads of the other side
        if kind == LevelKind.OUTCOMES and row.fair != 0 and lead.blame == Blame.POOR_FOLLOW_UP:
            continue
        level_sees(plan.levels, state.levels, i, seen)


@inline_kernel
def _schedule_review(state: Any, i: Int) -> None:
    schedule(state, state.levels[i].until, EventPriority.REVIEW, i, ZERO, i, ZERO)
