"""The outcome of a visit and leaving [23, 26, 27, 32 to 34, 66, 67]. The steps of reference/outcome.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.fast.agenda import schedule
from funnelsim.engine.fast.draws import ZERO, stage_draw, stage_duration
from funnelsim.engine.fast.state import COOLING, ENTER, GONE, LEAVE, N_FREE, N_VISITS, TRACING
from funnelsim.engine.fast.tally import count_visit
from funnelsim.engine.jit import hot
from funnelsim.engine.odds import choose_exit, logistic, pick, total_shift
from funnelsim.engine.order import OUTCOME
from funnelsim.engine.streams import P_COOL, P_EXIT, P_PACE, cdf, on_grid, quantile_at
from funnelsim.plan import (
    ADVANCE,
    BACK,
    COLD,
    CYCLE_LIMIT,
    END,
    FORWARD,
    LOST_HERE,
    MARKETING,
    OPEN,
    SILENT,
    UNREACHED,
    WENT_SILENT,
)
from funnelsim.whole import Whole

SHOWS, COOLED = np.int64(0), np.int64(1)            # details of the rank OUTCOME
SIDE_BITS = np.int64(60)            # reached_by: a bit a team, and from here a bit a side


@hot
def settle(plan: Any, state: Any, slot: Whole, now: float) -> None:
    """Draw the outcome, once; it shows when pace and work are over [26, 27]."""
    lead = state.leads[slot]
    stage = plan.stages[lead.stage]
    lead.exit = -1
    if stage.next_count == 0:
        lead.outcome = END
        lead.next = LEAVE
        return
    _draw_chance(plan, state, lead, now)
    row = choose_exit(plan.exits, stage.next_first, stage.next_count, stage.next_forward, lead.chance,
                      stage_draw(plan, lead, P_EXIT, ZERO))
    _show(plan, state, slot, row, stage_duration(plan, lead, plan.exits[row].pace, P_PACE, ZERO), now)


@hot
def settle_given_age(plan: Any, state: Any, slot: Whole, age: float) -> None:
    """Outcome j with weight pi_j (1 - F_j(age)), time from F_j beyond age [23]."""
    lead = state.leads[slot]
    stage = plan.stages[lead.stage]
    lead.exit = -1
    if stage.next_count == 0:
        lead.outcome = END
        lead.next = LEAVE
        return
    _draw_chance(plan, state, lead, 0.0)
    last = stage.next_first + stage.next_count - 1
    total = 0.0
    for i in range(stage.next_first, last + 1):
        total += _weight(plan, lead, i, age)
    u = stage_draw(plan, lead, P_EXIT, ZERO) * total
    row, below = stage.next_first, _weight(plan, lead, stage.next_first, age)
    while row < last and u >= below:
        row += 1
        below += _weight(plan, lead, row, age)
    pace = plan.exits[row].pace
    length = beyond(plan, lead, pace, P_PACE, age) if pace >= 0 else 0.0
    _show(plan, state, slot, row, length, 0.0)


@hot
def effects_on(plan: Any, lead: Any, target: Whole, now: float) -> float:
    stage = plan.stages[lead.stage]
    if stage.effect_count == 0:
        return 0.0
    both = np.int64((lead.reached_by >> SIDE_BITS) == 3)
    works = np.int64(stage.step_count > 0 and lead.owner >= 0 and plan.teams[max(lead.owner, ZERO)].side == MARKETING)
    delay = lead.touched - lead.entered if lead.touched >= 0.0 else -1.0
    return total_shift(plan.effects, plan.points, stage.effect_first, stage.effect_count, target, now,
                       lead.fit, lead.context, both, works, delay)


@hot
def take_group(plan: Any, lead: Any, outcome: Whole, first: Whole, count: Whole) -> None:
    """Leave by one of the exits of the unreached or the cold."""
    lead.exit = pick(plan.exits, first, count, stage_draw(plan, lead, P_EXIT, ZERO))
    lead.outcome = outcome
    lead.next = LEAVE


@hot
def give_up(plan: Any, lead: Any) -> None:
    stage = plan.stages[lead.stage]
    take_group(plan, lead, UNREACHED, stage.unreached_first, stage.unreached_count)


@hot
def turn_cold(plan: Any, lead: Any) -> None:
    stage = plan.stages[lead.stage]
    take_group(plan, lead, COLD, stage.cold_first, stage.cold_count)


@hot
def leave(plan: Any, state: Any, out: Any, slot: Whole, now: float) -> None:
    """Go where the exit leads, perhaps after a cool-off [32, 33]."""
    lead = state.leads[slot]
    outcome, back = lead.outcome, -1.0
    to: Whole = np.int64(-1)
    if lead.exit >= 0:
        row = plan.exits[lead.exit]
        to = row.to
        if outcome == WENT_SILENT or to == SILENT:
            outcome, to = WENT_SILENT, SILENT
        elif row.backward != 0:
            lead.cycles += 1
            if lead.cycles > plan.settings[0].cycles and plan.settings[0].cycles >= 0:
                outcome, to = CYCLE_LIMIT, np.int64(-1)
    if to >= 0:
        cool = stage_duration(plan, lead, plan.exits[lead.exit].cool, P_COOL, ZERO)
        if cool > 0.0:
            back = now + cool
    close(plan, state, out, slot, now, outcome, to, back)
    lead.to = to
    if to < 0 or back == np.inf:
        release_slot(state, slot)
    elif back > 0.0:
        lead.alive = COOLING
        schedule(state, back, OUTCOME, lead.id, COOLED, slot, ZERO)
    else:
        lead.next = ENTER


@hot
def close(plan: Any, state: Any, out: Any, slot: Whole, now: float, outcome: Whole, to: Whole, back: float) -> None:
    """Write and count the visit; nothing of it happens any more."""
    lead = state.leads[slot]
    ended = now if outcome != OPEN else -1.0
    lead.visit_token += 1
    lead.coming_token += 1
    state.open_visits[lead.stage] -= 1
    count_visit(plan, lead, out, ended, outcome, back)
    if state.n[TRACING] == 0:
        return
    row = state.visits[state.n[N_VISITS]]
    state.n[N_VISITS] += 1
    row.lead = lead.id
    row.stage = lead.stage
    row.number = lead.number
    row.source = lead.source
    row.segment = lead.segment
    row.arrived = lead.arrived
    row.cycle = lead.cycle
    row.owner = lead.owner
    row.entered = lead.entered
    row.deadline = lead.first_deadline
    row.touched = lead.touched
    row.reached = lead.reached
    row.attempts = lead.attempts
    row.ended = ended
    row.outcome = outcome
    row.to = to
    row.back = back
    row.shift = lead.shift
    row.chance = lead.chance
    row.context = lead.context
    row.fit = lead.fit
    row.value = lead.value


@hot
def release_slot(state: Any, slot: Whole) -> None:
    state.leads[slot].alive = GONE
    state.free[state.n[N_FREE]] = slot
    state.n[N_FREE] += 1


@hot
def _draw_chance(plan: Any, state: Any, lead: Any, now: float) -> None:
    if plan.stages[lead.stage].effect_count == 0:
        lead.shift = 0.0
        lead.chance = state.facts[lead.stage].chance
        return
    lead.shift = effects_on(plan, lead, ADVANCE, now)
    lead.chance = logistic(plan.stages[lead.stage].intercept + lead.shift)


@hot
def _weight(plan: Any, lead: Any, row: Whole, age: float) -> float:
    stage = plan.stages[lead.stage]
    at = plan.exits[row]
    chance = lead.chance if row < stage.next_first + stage.next_forward else 1.0 - lead.chance
    gone = 0.0
    if at.to != SILENT and age > 0.0:
        gone = cdf(plan.tables, at.pace, age) if at.pace >= 0 else 1.0
    return chance * at.share * (1.0 - gone)  # type: ignore[no-any-return]  # from a record


@hot
def beyond(plan: Any, lead: Any, table: Whole, what: Whole, age: float) -> float:
    """A length from the law given that it exceeds the time already spent."""
    gone = cdf(plan.tables, table, age)
    u = gone + (1.0 - gone) * stage_draw(plan, lead, what, ZERO)
    return max(age, on_grid(quantile_at(plan.tables, table, u)))


@hot
def _show(plan: Any, state: Any, slot: Whole, row: Whole, pace: float, now: float) -> None:
    lead = state.leads[slot]
    stage = plan.stages[lead.stage]
    lead.exit = row
    shows = max(lead.entered + pace, now)
    lead.outcome = LOST_HERE
    if row < stage.next_first + stage.next_forward:
        lead.outcome = FORWARD
    elif plan.exits[row].to >= 0:
        lead.outcome = BACK
    if plan.exits[row].to == SILENT or shows == np.inf:
        lead.outcome = WENT_SILENT
        lead.next = LEAVE
    elif shows > now:
        schedule(state, shows, OUTCOME, lead.id, SHOWS, slot, ZERO)
    else:
        lead.next = LEAVE
