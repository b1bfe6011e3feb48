"""Pursuit: which of the other side's leads a team works at all (rule 95).

log-odds = logit(base) + strength x sum over x of slope(x) (x - 1/2), with
slope(x) = main(x) + by experience(x) (experience - 1/2) + by performance(x) (performance - 1/2)
for x = quality, tracking and volume of the leads, each from 0 to 1. The signs of the five interactions are those of
Sabnis, Chatterjee, Grewal and Lilien (Journal of Marketing 77, 2013); their sizes, and the main effects, are
assumptions: see presets/pursuit.yaml. Where quality or volume is a level, it acts as an effect on pursuit.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from funnelsim.compile.context import CompileContext
from funnelsim.compile.parameter_draws import SHARE, logit
from funnelsim.scenario import presets
from funnelsim.scenario.values import LevelRef

if TYPE_CHECKING:
    from funnelsim.scenario.schema import Pursuit

PRESET = "sabnis-2013"
_MIDDLE = 0.5
_INPUTS = ("quality", "tracking", "volume")


def slopes(pursuit: Pursuit) -> dict[str, float]:
    """Change of the log-odds a unit of each input, for reps of this experience and performance."""
    preset = presets.load("pursuit", PRESET)
    experience, performance = pursuit.experience - _MIDDLE, pursuit.performance - _MIDDLE
    return {
        name: pursuit.strength
        * (
            preset["main"].get(name, 0.0)
            + preset["experience"].get(name, 0.0) * experience
            + preset["performance"].get(name, 0.0) * performance
        )
        for name in _INPUTS
    }


def constant(pursuit: Pursuit) -> float:
    """What is added to logit(base) whatever the levels are: an input that is a level counts from the middle on."""
    return sum(
        slope * ((0.0 if isinstance(said, LevelRef) else said) - _MIDDLE)
        for (_, slope), said in zip(slopes(pursuit).items(), _said(pursuit), strict=True)
    )


def by_level(pursuit: Pursuit) -> list[tuple[str, float]]:
    """(level, change of the log-odds a unit of it)."""
    return [
        (said.name, slope)
        for (_, slope), said in zip(slopes(pursuit).items(), _said(pursuit), strict=True)
        if isinstance(said, LevelRef)
    ]


def pursue(context: CompileContext, place: tuple[int, int], team: str) -> float:
    """A team's log-odds of pursuit, for DUTY[place]; inf = everybody is worked."""
    pursuit = context.scenario.teams[team].pursuit
    if pursuit is None or pursuit.base is None:
        return math.inf
    added = constant(pursuit)
    return context.number(
        f"teams.{team}.pursuit.base",
        pursuit.base,
        "stage_teams",
        "pursue",
        place,
        SHARE,
        lambda base: logit(base) + added,
    )


def _said(pursuit: Pursuit) -> tuple[float | LevelRef, ...]:
    return pursuit.quality, pursuit.tracking, pursuit.volume
