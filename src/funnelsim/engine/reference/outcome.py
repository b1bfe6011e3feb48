"""The outcome of a visit: drawn once, shown when pace and work are over [23, 26, 27, 34, 66, 67]."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from funnelsim.engine import rng
from funnelsim.engine.covariates import EffectTarget
from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.log_odds import categorical, choose_exit, logistic
from funnelsim.engine.reference.effects import effects_on
from funnelsim.plan_codes import ExitTarget, Outcome

if TYPE_CHECKING:
    from funnelsim.engine.reference.visit import Visit


def draw_outcome_by_chance(visit: Visit) -> None:
    """Draw the outcome, once; it shows when pace and work are over [26, 27]."""
    _draw_chance(visit)
    draw, exits = visit.draw(rng.P_EXIT, 0), (visit.row.next_first, visit.row.next_count, visit.row.next_forward)
    row = int(choose_exit(visit.simulation.plan.exits, *exits, visit.chance, draw))
    visit.tell_decision("goes on", 66, draw, visit.chance, EffectTarget.ADVANCE, exit=row)
    reveal_outcome(visit, row, visit.duration(visit.simulation.exits[row].pace, rng.P_PACE, 0))


def draw_outcome_given_age(visit: Visit, age: float) -> None:
    """The same of a lead in flight, whose exits are drawn given the time already spent [23]."""
    _draw_chance(visit)
    row = row_given_age(visit, age, range(visit.row.next_first, visit.row.next_first + visit.row.next_count))
    reveal_outcome(visit, row, length_given_age(visit, row))


def row_given_age(visit: Visit, age: float, rows: range) -> int:
    """Outcome j with weight pi_j (1 - F_j(age)) [23]."""
    total, weights = 0.0, []
    for i in rows:
        exit_ = visit.simulation.exits[i]
        chance = visit.chance if i < visit.row.next_first + visit.row.next_forward else 1.0 - visit.chance
        total += chance * exit_.share * (1.0 - _gone(visit, i, age))
        weights.append(total)
    u = visit.draw(rng.P_EXIT, 0) * total
    return rows[next((i for i, weight in enumerate(weights) if u < weight), len(rows) - 1)]


def length_given_age(visit: Visit, row: int) -> float:
    """The pace of an exit, from its law beyond the age of the visit."""
    pace = visit.simulation.exits[row].pace
    return residual_time(visit, pace, rng.P_PACE) if pace >= 0 else 0.0


def residual_time(visit: Visit, table: int, what: np.uint64) -> float:
    """A length from the law given that it exceeds the time already spent."""
    age = visit.simulation.now - visit.entered
    gone = rng.cdf(visit.simulation.plan.tables, table, age)
    u = gone + (1.0 - gone) * visit.draw(what, 0)
    return max(age, rng.on_grid(rng.quantile_at(visit.simulation.plan.tables, table, u)))


def reveal_outcome(visit: Visit, row: int, pace: float) -> None:
    """The exit is taken at the later of entry + pace and now; a visit that goes silent is over for us [34]."""
    exit_, now = visit.simulation.exits[row], visit.simulation.now
    shows = max(visit.entered + pace, now)
    if exit_.to == ExitTarget.SILENT or shows == math.inf:
        visit.close(Outcome.SILENT, int(ExitTarget.SILENT), -1.0)
    elif shows > now:
        visit.tell("outcome shows later", 27, until=shows)
        visit.simulation.schedule(
            shows, EventPriority.OUTCOME, visit.lead.number, visit.stage, visit.number, lambda: take_exit(visit, row)
        )
    else:
        take_exit(visit, row)


def take_exit(visit: Visit, row: int) -> None:
    """Leave by an exit of `next`."""
    exit_ = visit.simulation.exits[row]
    forward = row < visit.row.next_first + visit.row.next_forward
    outcome = Outcome.FORWARD if forward else Outcome.BACK if exit_.to >= 0 else Outcome.LOST
    visit.lead.leave(visit, outcome, exit_)


def leave_by_group(visit: Visit, outcome: int, first: int, count: int) -> None:
    """Leave by one of the exits of the unreached, the cold or the rejected."""
    row = categorical(visit.simulation.plan.exits, first, count, visit.draw(rng.P_EXIT, 0))
    if visit.simulation.exits[row].to == ExitTarget.SILENT:
        visit.close(Outcome.SILENT, int(ExitTarget.SILENT), -1.0)
    else:
        visit.lead.leave(visit, outcome, visit.simulation.exits[row])


def _draw_chance(visit: Visit) -> None:
    visit.shift = effects_on(visit, EffectTarget.ADVANCE)
    visit.chance = logistic(visit.row.intercept + visit.shift)


def _gone(visit: Visit, row: int, age: float) -> float:
    """Share of those who take this exit that have done so by that age."""
    exit_ = visit.simulation.exits[row]
    if exit_.to == ExitTarget.SILENT or age <= 0.0:
        return 0.0
    return rng.cdf(visit.simulation.plan.tables, exit_.pace, age) if exit_.pace >= 0 else 1.0
