"""The outcome of a visit: drawn once, shown when pace and work are over [23, 26, 27, 34, 66, 67]."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from funnelsim.engine import order, streams
from funnelsim.engine.odds import choose_exit, logistic, pick, total_shift
from funnelsim.plan import (
    ADVANCE,
    BACK,
    END,
    FORWARD,
    LOST_HERE,
    MARKETING,
    SALES,
    SILENT,
    WENT_SILENT,
)

if TYPE_CHECKING:
    from funnelsim.engine.reference.visit import Visit


def settle(visit: Visit) -> None:
    """Draw the outcome, once; it shows when pace and work are over [26, 27]."""
    if visit.row.next_count == 0:
        visit.close(END, -1, -1.0)
        return
    _draw_chance(visit)
    row = int(choose_exit(visit.model.plan.exits, visit.row.next_first, visit.row.next_count, visit.row.next_forward,
                      visit.chance, visit.draw(streams.P_EXIT, 0)))
    _show(visit, row, visit.duration(visit.model.exits[row].pace, streams.P_PACE, 0))


def settle_given_age(visit: Visit, age: float) -> None:
    """Outcome j with weight pi_j (1 - F_j(age)), time from F_j beyond age [23]."""
    if visit.row.next_count == 0:
        visit.close(END, -1, -1.0)
        return
    _draw_chance(visit)
    first, count, forward = visit.row.next_first, visit.row.next_count, visit.row.next_forward
    total, weights = 0.0, []
    for i in range(first, first + count):
        exit_ = visit.model.exits[i]
        chance = visit.chance if i < first + forward else 1.0 - visit.chance
        total += chance * exit_.share * (1.0 - _gone(visit, i, age))
        weights.append(total)
    u = visit.draw(streams.P_EXIT, 0) * total
    row = first + next((i for i, weight in enumerate(weights) if u < weight), count - 1)
    pace = visit.model.exits[row].pace
    _show(visit, row, beyond(visit, pace, streams.P_PACE) if pace >= 0 else 0.0)


def _gone(visit: Visit, row: int, age: float) -> float:
    """Share of those who take this exit that have done so by that age."""
    exit_ = visit.model.exits[row]
    if exit_.to == SILENT or age <= 0.0:
        return 0.0
    return streams.cdf(visit.model.plan.tables, exit_.pace, age) if exit_.pace >= 0 else 1.0


def beyond(visit: Visit, table: int, what: np.uint64) -> float:
    """A length from the law given that it exceeds the time already spent."""
    age = visit.model.now - visit.entered
    gone = streams.cdf(visit.model.plan.tables, table, age)
    u = gone + (1.0 - gone) * visit.draw(what, 0)
    return max(age, streams.on_grid(streams.quantile_at(visit.model.plan.tables, table, u)))


def _draw_chance(visit: Visit) -> None:
    visit.shift = effects_on(visit, ADVANCE)
    visit.chance = logistic(visit.row.intercept + visit.shift)


def _show(visit: Visit, row: int, pace: float) -> None:
    exit_, now = visit.model.exits[row], visit.model.now
    shows = max(visit.entered + pace, now)
    if exit_.to == SILENT or shows == math.inf:
        visit.close(WENT_SILENT, int(SILENT), -1.0)
    elif shows > now:
        visit.model.at(shows, order.OUTCOME, visit.lead.number, visit.stage, visit.number, lambda: _take(visit, row))
    else:
        _take(visit, row)


def _take(visit: Visit, row: int) -> None:
    exit_ = visit.model.exits[row]
    forward = row < visit.row.next_first + visit.row.next_forward
    outcome = FORWARD if forward else BACK if exit_.to >= 0 else LOST_HERE
    visit.lead.leave(visit, outcome, exit_)


def take_group(visit: Visit, outcome: int, first: int, count: int) -> None:
    """Leave by one of the exits of the unreached or the cold."""
    row = pick(visit.model.plan.exits, first, count, visit.draw(streams.P_EXIT, 0))
    if visit.model.exits[row].to == SILENT:
        visit.close(WENT_SILENT, int(SILENT), -1.0)
    else:
        visit.lead.leave(visit, outcome, visit.model.exits[row])


def effects_on(visit: Visit, target: int) -> float:
    """Sum of the effects on a chance of this visit, on the log-odds."""
    lead, model = visit.lead, visit.model
    sides = {model.teams[team].row.side for team in lead.reached_by}
    works = visit.row.step_count > 0 and lead.owner >= 0 and model.teams[lead.owner].row.side == MARKETING
    delay = visit.touched - visit.entered if visit.touched >= 0.0 else -1.0
    return total_shift(model.plan.effects, model.plan.points, visit.row.effect_first, visit.row.effect_count, target,
                       model.now, lead.fit, lead.context, int({MARKETING, SALES} <= sides), int(works), delay)
