"""Small scenarios for the tests of the compiler."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from funnelsim.compile import Blueprint, compile_scenario
from funnelsim.engine.covariates import Covariates
from funnelsim.engine.level_dynamics import first_levels
from funnelsim.engine.log_odds import linear_predictor
from funnelsim.engine.replicate import replicate_columns
from funnelsim.scenario import loads_resolved

BASE: dict[str, Any] = {
    "start": "2026-01-05",
    "observe": "4 weeks",  # a Monday
    "sources": {"web": {"rate": "70/week"}},
    "stages": {
        "interest": {"work": {"handling": "6 min"}, "next": {"evaluation": "45%", "lost": "rest"}},
        "evaluation": {"next": {"customer": "50%", "lost": "rest"}},
        "customer": {},
    },
    "definitions": {"won": "enters customer"},
    "calendars": {"office": {"hours": "09:00-17:00", "days": "Mon-Fri"}},
    "teams": {"sales": {"people": 2, "calendar": "office"}, "marketing": {"people": 1, "calendar": "office"}},
    "ownership": {"interest": "sales"},
}


def compiled(**keys: Any) -> Blueprint:
    """BASE with some of its top-level keys replaced."""
    return compile_scenario(loads_resolved({"format": 1, "scenario": {**BASE, **keys}, "root": None}))


def with_stage(**keys: Any) -> Blueprint:
    """BASE with some keys of its first stage replaced."""
    return compiled(stages={**BASE["stages"], "interest": {**BASE["stages"]["interest"], **keys}})


def with_source(**keys: Any) -> Blueprint:
    """BASE with some keys of its source replaced."""
    return compiled(sources={"web": {**BASE["sources"]["web"], **keys}})


def points(plan: Any, row: Any, name: str) -> list[tuple[float, float]]:
    """The run of points that a row's `name`_first and `name`_count speak of."""
    first, count = int(row[f"{name}_first"]), int(row[f"{name}_count"])
    return [(float(x), float(y)) for x, y in plan.points[first : first + count].tolist()]


def exits(plan: Any, row: Any, name: str) -> list[tuple[Any, ...]]:
    """(to, share) of a run of exits."""
    first, count = int(row[f"{name}_first"]), int(row[f"{name}_count"])
    return [(int(e["to"]), float(e["share"])) for e in plan.exits[first : first + count]]


NOBODY = Covariates(**dict.fromkeys(Covariates._fields, 0.0) | {"warmth": 1.0, "context": 1.0, "response_delay": -1.0})


def shift_of(
    plan: Any, stage: int, target: Any, covariates: Covariates, team: int = -1, now: float = 0.0, stream: int = 1
) -> float:
    """The sum of a stage's effects on something, as the engines add them up."""
    row = plan.stages[stage]
    first, count = int(row.effect_first), int(row.effect_count)
    return float(
        linear_predictor(
            plan.effects,
            plan.points,
            plan.scores,
            plan.tables,
            plan.levels,
            first_levels(plan),
            first,
            count,
            int(target),
            team,
            now,
            np.uint64(stream),
            covariates,
        )
    )


def median(plan: Any, row: int) -> float:
    """Median of a table."""
    from funnelsim.engine.rng import quantile_at

    return float(quantile_at(plan.tables, row, 0.5))


def visits_of(plan: Any, seed: int, numbers: Iterable[int]) -> Any:
    """All visits of some replications, one below the other."""
    return np.concatenate(replicate_columns(plan, seed, numbers, lambda visits, _: visits.copy())).view(np.recarray)
