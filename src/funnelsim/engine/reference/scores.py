"""Scores: how an observer sees a lead, and whether that reaches the threshold of a definition [82, 87]."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from funnelsim.engine.interest_dynamics import score_of
from funnelsim.engine.log_odds import piecewise_constant

if TYPE_CHECKING:
    from funnelsim.engine.reference.lead import Lead


def score_now(lead: Lead, observer: int, intent: float | None = None) -> float:
    """What an observer thinks of a lead, as it is or with another intent."""
    plan = lead.simulation.plan
    return score_of(
        plan.scores,
        plan.tables,
        observer,
        np.uint64(lead.stream),
        lead.fit,
        lead.intent if intent is None else intent,
        lead.points,
    )


def threshold(lead: Lead, definition: int, now: float) -> float:
    """What the score must reach."""
    row = lead.simulation.definitions[definition]
    return piecewise_constant(lead.simulation.plan.points, row.least_first, row.least_count, now)


def is_reached(lead: Lead, definition: int, intent: float, now: float) -> bool:
    """Whether the score, with the offset found by anchoring, is at the threshold."""
    row = lead.simulation.definitions[definition]
    return bool(score_now(lead, row.score, intent) + row.offset >= threshold(lead, definition, now))
