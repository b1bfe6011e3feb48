"""The outcome of a visit and leaving [23, 26, 27, 32 to 34, 66, 67, 109]. The steps of reference/outcome.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.covariates import EffectTarget
from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.fast.counting import count_visit
from funnelsim.engine.fast.draws import ZERO, stage_draw, stage_duration
from funnelsim.engine.fast.effects import effects_on
from funnelsim.engine.fast.event_heap import schedule
from funnelsim.engine.fast.levels import on_outcome
from funnelsim.engine.fast.loss_attribution import blame_for
from funnelsim.engine.fast.nurture import apply_touches, reset_interest
from funnelsim.engine.fast.rows import write_visit
from funnelsim.engine.fast.state import Counter, Location, Step
from funnelsim.engine.jit import inline_kernel, outlined_kernel
from funnelsim.engine.log_odds import categorical, choose_exit, logistic
from funnelsim.engine.rng import P_COOL, P_EXIT, P_PACE, cdf, on_grid, quantile_at
from funnelsim.int64 import Int
from funnelsim.plan_codes import Blame, ExitTarget, Outcome

OUTCOME_REVEALED, COOL_OFF_ENDS = np.int64(0), np.int64(1)  # details of the priority OUTCOME


@inline_kernel
def draw_outcome(plan: Any, state: Any, slot: Int, now: float) -> None:
    """Draw the outcome, once; it shows when pace and work are over [26, 27]."""
    lead = state.leads[slot]
    stage = plan.stages[lead.stage]
    lead.exit = -1
    if stage.next_count == 0:
        lead.outcome = Outcome.END
        lead.next_step = Step.LEAVE_STAGE
        return
    if stage.gate >= 0:
        lead.next_step = Step.DRAW_AT_GATE
        return
    _draw_chance(plan, state, slot, now)
    row = choose_exit(
        plan.exits,
        stage.next_first,
        stage.next_count,
        stage.next_forward,
        lead.chance,
        stage_draw(plan, lead, P_EXIT, ZERO),
    )
    reveal_outcome(plan, state, slot, row, stage_duration(plan, lead, plan.exits[row].pace, P_PACE, ZERO), now)


@outlined_kernel
def draw_outcome_given_age(plan: Any, state: Any, slot: Int, age: float) -> None:
    """The same of a lead in flight, whose exits are drawn given the time already spent [23]."""
    lead = state.leads[slot]
    stage = plan.stages[lead.stage]
    _draw_chance(plan, state, slot, 0.0)
    row = row_given_age(plan, lead, age, stage.next_first, stage.next_first + stage.next_count)
    reveal_outcome(plan, state, slot, row, length_given_age(plan, lead, row, age), 0.0)


@outlined_kernel
def row_given_age(plan: Any, lead: Any, age: float, first: Int, end: Int) -> Int:
    """Outcome j with weight pi_j (1 - F_j(age)) [23]."""
    total = 0.0
    for i in range(first, end):
        total += _weight(plan, lead, i, age)
    u = stage_draw(plan, lead, P_EXIT, ZERO) * total
    row, below = first, _weight(plan, lead, first, age)
    while row < end - 1 and u >= below:
        row += 1
        below += _weight(plan, lead, row, age)
    return row


@inline_kernel
def length_given_age(plan: Any, lead: Any, row: Int, age: float) -> float:
    """The pace of an exit, from its law beyond the age of the visit."""
    pace = plan.exits[row].pace
    return residual_time(plan, lead, pace, P_PACE, age) if pace >= 0 else 0.0


@outlined_kernel
def residual_time(plan: Any, lead: Any, table: Int, what: Int, age: float) -> float:
    """A length from the law given that it exceeds the time already spent."""
    gone = cdf(plan.tables, table, age)
    u = gone + (1.0 - gone) * stage_draw(plan, lead, what, ZERO)
    return max(age, on_grid(quantile_at(plan.tables, table, u)))


@inline_kernel
def reveal_outcome(plan: Any, state: Any, slot: Int, row: Int, pace: float, now: float) -> None:
    """The exit is taken at the later of entry + pace and now; a visit that goes silent is over for us [34]."""
    lead = state.leads[slot]
    shows = max(lead.entered + pace, now)
    take_exit(plan, lead, row)
    if plan.exits[row].to == ExitTarget.SILENT or shows == np.inf:
        lead.outcome = Outcome.SILENT
        lead.next_step = Step.LEAVE_STAGE
    elif shows > now:
        schedule(state, shows, EventPriority.OUTCOME, lead.id, OUTCOME_REVEALED, slot, lead.pending_event_token)
    else:
        lead.next_step = Step.LEAVE_STAGE


@inline_kernel
def take_exit(plan: Any, lead: Any, row: Int) -> None:
    """An exit of `next`, and what that means."""
    stage = plan.stages[lead.stage]
    lead.exit = row
    lead.outcome = Outcome.LOST
    if row < stage.next_first + stage.next_forward:
        lead.outcome = Outcome.FORWARD
    elif plan.exits[row].to >= 0:
        lead.outcome = Outcome.BACK


@inline_kernel
def leave_by_group(plan: Any, lead: Any, outcome: Int, first: Int, count: Int) -> None:
    """Leave by one of the exits of the unreached or the cold."""
    lead.exit = categorical(plan.exits, first, count, stage_draw(plan, lead, P_EXIT, ZERO))
    lead.outcome = outcome
    lead.next_step = Step.LEAVE_STAGE


@inline_kernel
def give_up(plan: Any, lead: Any) -> None:
    stage = plan.stages[lead.stage]
    leave_by_group(plan, lead, Outcome.UNREACHED, stage.unreached_first, stage.unreached_count)


@inline_kernel
def renege(plan: Any, lead: Any) -> None:
    stage = plan.stages[lead.stage]
    leave_by_group(plan, lead, Outcome.COLD, stage.cold_first, stage.cold_count)


@inline_kernel
def leave_stage(plan: Any, state: Any, out: Any, slot: Int, now: float) -> None:
    """Go where the exit leads, perhaps after a cool-off [32, 33]."""
    lead = state.leads[slot]
    outcome, back = lead.outcome, -1.0
    to: Int = np.int64(-1)
    if lead.exit >= 0:
        row = plan.exits[lead.exit]
        to = row.to
        if outcome == Outcome.SILENT or to == ExitTarget.SILENT:
            outcome, to = Outcome.SILENT, ExitTarget.SILENT
        elif row.backward != 0:
            lead.cycles += 1
            if lead.cycles > plan.settings[0].cycles and plan.settings[0].cycles >= 0:
                outcome, to = Outcome.CYCLE_LIMIT, np.int64(-1)
    if to >= 0:
        cool = stage_duration(plan, lead, plan.exits[lead.exit].cool, P_COOL, ZERO)
        if cool > 0.0:
            back = now + cool
    close(plan, state, out, slot, now, outcome, to, back)
    lead.to = to
    if to < 0 or back == np.inf:
        release_slot(state, slot)
    elif back > 0.0:
        lead.location = Location.COOLING_OFF
        schedule(state, back, EventPriority.OUTCOME, lead.id, COOL_OFF_ENDS, slot, ZERO)
    else:
        lead.next_step = Step.ENTER_STAGE


@inline_kernel
def close(plan: Any, state: Any, out: Any, slot: Int, now: float, outcome: Int, to: Int, back: float) -> None:
    """Write and count the visit; nothing of it happens any more."""
    lead = state.leads[slot]
    ended = now if outcome != Outcome.OPEN else -1.0
    lead.visit_token += 1
    lead.pending_event_token += 1
    lead.pausing = 0
    state.open_visits[lead.stage] -= 1
    if lead.tracks_interest:
        apply_touches(plan, state, slot, now)
    lead.blame = Blame.NONE
    if outcome == Outcome.FORWARD:
        on_outcome(plan, state, lead, outcome)
    elif outcome == Outcome.LOST or Outcome.UNREACHED <= outcome <= Outcome.CYCLE_LIMIT:
        lead.blame = blame_for(plan, lead)
        on_outcome(plan, state, lead, outcome)
    count_visit(plan, lead, out, ended, outcome)
    if state.counters[Counter.TRACING] != 0:
        write_visit(state, slot, ended, outcome, to, back)
    if lead.tracks_interest:
        reset_interest(state.interest[slot])


@inline_kernel
def release_slot(state: Any, slot: Int) -> None:
    state.leads[slot].location = Location.GONE
    state.free[state.counters[Counter.FREE_SLOTS]] = slot
    state.counters[Counter.FREE_SLOTS] += 1


@inline_kernel
def _draw_chance(plan: Any, state: Any, slot: Int, now: float) -> None:
    lead = state.leads[slot]
    lead.shift = effects_on(plan, state, slot, EffectTarget.ADVANCE, now)
    lead.chance = state.stage_facts[lead.stage].chance
    if lead.shift != 0.0:
        lead.chance = logistic(plan.stages[lead.stage].intercept + lead.shift)


@inline_kernel
def _weight(plan: Any, lead: Any, row: Int, age: float) -> float:
    stage = plan.stages[lead.stage]
    at = plan.exits[row]
    chance = lead.chance if row < stage.next_first + stage.next_forward else 1.0 - lead.chance
    gone = 0.0
    if at.to != ExitTarget.SILENT and age > 0.0:
        gone = cdf(plan.tables, at.pace, age) if at.pace >= 0 else 1.0
    return chance * at.share * (1.0 - gone)  # type: ignore[no-any-return]  # from a record
