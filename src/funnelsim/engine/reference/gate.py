"""A gate: the way forward opens when the lead's score reaches a definition, not by a chance [83]."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from funnelsim.engine import rng
from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.log_odds import choose_exit
from funnelsim.engine.reference.outcome import length_given_age, reveal_outcome, row_given_age, take_exit
from funnelsim.engine.reference.scores import is_reached, score_now, threshold
from funnelsim.plan_codes import ExitTarget

if TYPE_CHECKING:
    from funnelsim.engine.reference.visit import Visit


def draw_at_gate(visit: Visit) -> None:
    """Forward when the gate is open; else by another exit, unless it opens before that one shows."""
    if is_open(visit):
        _leave_forward(visit)
    elif visit.row.next_forward < visit.row.next_count:
        row = _choose(visit, 0.0)
        _wait(visit, row, visit.duration(visit.simulation.exits[row].pace, rng.P_PACE, 0))
    else:
        _wait(visit, -1, math.inf)


def draw_at_gate_given_age(visit: Visit, age: float) -> None:
    """The same of a lead in flight, whose exits are drawn given the time already spent [23]."""
    first, forward, end = visit.row.next_first, visit.row.next_forward, visit.row.next_first + visit.row.next_count
    if is_open(visit):
        row = row_given_age(visit, age, range(first, first + forward))
        reveal_outcome(visit, row, length_given_age(visit, row))
    elif visit.row.next_forward < visit.row.next_count:
        row = row_given_age(visit, age, range(first + forward, end))
        _wait(visit, row, length_given_age(visit, row))
    else:
        _wait(visit, -1, math.inf)


def check(visit: Visit) -> None:
    """The score may have changed: when the gate is open now, the other exit is off."""
    if visit.waits_at_gate and is_open(visit):
        visit.waits_at_gate = False
        if visit.other_exit is not None:
            visit.other_exit.cancel()
        _leave_forward(visit)


def is_open(visit: Visit) -> bool:
    """Whether the score is at the threshold now; the visit notes by how much."""
    lead, now, i = visit.lead, visit.simulation.now, visit.row.gate
    visit.nurture.apply_touches(now)
    visit.shift = score_now(lead, visit.simulation.definitions[i].score) - threshold(lead, i, now)
    reached = is_reached(lead, i, lead.intent, now)
    visit.chance = float(reached)
    visit.tell("looks at gate", 83, definition=i, above=visit.shift, opens=reached)
    return reached


def _wait(visit: Visit, row: int, pace: float) -> None:
    """At the gate; one of the other exits (-1 none) shows in the end."""
    visit.waits_at_gate = True
    shows = max(visit.entered + pace, visit.simulation.now)
    if row >= 0 and visit.simulation.exits[row].to != ExitTarget.SILENT and shows < math.inf:
        if shows == visit.simulation.now:
            take_exit(visit, row)
            return
        visit.other_exit = visit.simulation.schedule(
            shows, EventPriority.OUTCOME, visit.lead.number, visit.stage, visit.number, lambda: take_exit(visit, row)
        )
    visit.definitions.expect_crossing()


def _leave_forward(visit: Visit) -> None:
    row = _choose(visit, 1.0)
    reveal_outcome(visit, row, visit.duration(visit.simulation.exits[row].pace, rng.P_PACE, 0))


def _choose(visit: Visit, chance: float) -> int:
    """One of the forward exits (chance 1) or one of the others (0), in their proportions."""
    return int(
        choose_exit(
            visit.simulation.plan.exits,
            visit.row.next_first,
            visit.row.next_count,
            visit.row.next_forward,
            chance,
            visit.draw(rng.P_EXIT, 0),
        )
    )
