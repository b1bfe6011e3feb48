"""Acceptance: a team that is handed a lead from another stage looks at it, and takes it or turns it down [89, 90]."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.business_time import add_open
from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.fast.clocks import resolve_clock
from funnelsim.engine.fast.draws import stage_duration
from funnelsim.engine.fast.event_heap import schedule
from funnelsim.engine.fast.levels import on_decision
from funnelsim.engine.fast.outcome import leave_by_group
from funnelsim.engine.fast.scores import score_now
from funnelsim.engine.fast.state import Due, Step
from funnelsim.engine.jit import outlined_kernel
from funnelsim.engine.log_odds import piecewise_constant
from funnelsim.engine.rng import P_DECIDE
from funnelsim.int64 import Int
from funnelsim.plan_codes import AssignmentEnd, Outcome, TermKind


@outlined_kernel
def ask_acceptance(plan: Any, state: Any, slot: Int, now: float) -> None:
    """Somebody looks at once when the team does as promised, else later; past the window the default counts."""
    lead = state.leads[slot]
    stage_team = plan.stage_teams[lead.stage, lead.assigned_to]
    looks, window = now, _window_ends(plan, lead, now)
    if lead.adhered != 1:
        looks += stage_duration(plan, lead, stage_team.decide, P_DECIDE, np.int64(lead.assignments))
    lead.deciding = 1
    lead.timed_out = np.int64(looks > window)
    first = min(looks, window)
    lead.next_step = Step.NONE
    if first <= now:
        lead.next_step = Step.DECIDE_ACCEPTANCE
    else:
        lead.pending_event_token += 1
        schedule(
            state,
            first,
            EventPriority.DUE,
            lead.id,
            Due.DECISION_TIMES_OUT if lead.timed_out else Due.DECISION,
            slot,
            lead.pending_event_token,
        )


@outlined_kernel
def decide_acceptance(plan: Any, state: Any, slot: Int, now: float) -> None:
    """The team's own score of the lead against its threshold; or the default, when nobody has looked in time."""
    lead = state.leads[slot]
    stage_team = plan.stage_teams[lead.stage, lead.assigned_to]
    lead.deciding = 0
    lead.pending_event_token += 1
    lead.decided = now
    resolve_clock(state, slot, TermKind.ACCEPTANCE, now, lead.timed_out == 0)
    if lead.timed_out:
        lead.accepted = stage_team.default_accept
    else:
        least = piecewise_constant(plan.points, stage_team.accept_first, stage_team.accept_count, now)
        lead.accepted = np.int64(score_now(plan, state, slot, stage_team.accept_score, now) >= least)
        on_decision(plan, state, lead, np.int64(lead.accepted))
    lead.next_step = Step.OFFER_TO_TEAM
    if lead.accepted == 0:
        state.interest[slot].points *= stage_team.points_retained
        lead.ending = AssignmentEnd.REJECTED
        stage = plan.stages[lead.stage]
        if stage.rejected_count > 0:
            leave_by_group(plan, lead, Outcome.REJECTED, stage.rejected_first, stage.rejected_count)
        else:
            leave_by_group(plan, lead, Outcome.REJECTED, stage.unreached_first, stage.unreached_count)


@outlined_kernel
def _window_ends(plan: Any, lead: Any, now: float) -> float:
    stage_team, team = plan.stage_teams[lead.stage, lead.assigned_to], plan.teams[lead.assigned_to]
    if stage_team.window == np.inf:
        return np.inf
    if stage_team.window_business != 0:
        return add_open(plan.intervals, team.interval_first, team.interval_count, now, stage_team.window)
    return now + stage_team.window  # type: ignore[no-any-return]  # from a record
