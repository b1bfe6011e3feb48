"""Chance: how likely a goal is as things are, and how much of the doubt is luck and how much is not knowing.

Two levels: D draws of what is not known, K periods of each (see `paired_difference`). So three spreads stand apart:
simulation error, from the draws' own shares; one period, luck and ignorance together; and ignorance alone, the
expected figure over draws. What ignorance does to the chance: at either end of that interval, with the luck of periods
around it,

    share of  end + (y_dk - mean of draw d) sqrt(K / (K - 1))  that meets the goal
"""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from funnelsim.errors import RunError
from funnelsim.progress import Progress
from funnelsim.scenario.template import ScenarioTemplate
from funnelsim.study.anchor import Anchor
from funnelsim.study.batch import PointBatch
from funnelsim.study.goals import GOAL, GOAL_VALUE, MeasureGoal, check_date
from funnelsim.study.paired_difference import TwoLevelEstimate, two_level_estimate
from funnelsim.study.point import NestedDesign, PointResult, RunSize
from funnelsim.study.point_store import PointStore
from funnelsim.study.seek.level_crossing import limits
from funnelsim.study.seek.level_search import goal_margin
from funnelsim.study.task_builder import TaskBuilder
from funnelsim.typing import FloatArray

PER_DRAW = 5


@dataclass(frozen=True)
class GoalChanceSpec:
    """Which goal of which scenario, and how often it is run."""

    template: ScenarioTemplate
    goal: MeasureGoal
    replications: int = 200
    seed: int = 1
    engine: str = "fast"
    anchor: Anchor | None = None  # of the template; by default found here


@dataclass(frozen=True)
class GoalChance:
    """The chance of a goal as things are."""

    spec: GoalChanceSpec  # with its anchor
    chance: float  # share of periods that meet the goal
    low: float  # 90 %, simulation error alone
    high: float
    value: TwoLevelEstimate  # of what the goal is about, its three spreads
    worse: float  # the chance at the bad end of what is not known
    better: float  # and at the good one
    known: tuple[float, float, float] | None  # (chance, 90 % limits) with everything at its centre; none = all known
    busy: dict[str, float]  # utilisation by team
    in_flight: int  # open leads at the start
    currency: str
    unit: str
    keys: tuple[str, ...]
    draws: int

    @property
    def replications(self) -> int:
        return self.spec.replications


def goal_chance(
    spec: GoalChanceSpec,
    store: PointStore | None = None,
    executor: Executor | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> GoalChance:
    """Run the scenario as it is. UsageError when the run ends before the goal is due."""
    progress = progress or Progress()
    builder = TaskBuilder(
        spec.seed, spec.template.loaded.scenario.seed, RunSize(), (GOAL,), spec.engine, threads, progress
    )
    blueprint, anchor = builder.compiled(spec.template, (), spec.anchor)
    check_date(spec.goal, blueprint.centre, blueprint.book)
    builder.measures = (GOAL, *(f"calendar.utilisation.{team}" for team in blueprint.book.teams))
    per_draw = min(PER_DRAW, spec.replications) if blueprint.uncertain else 1
    draws = max(1, round(spec.replications / per_draw))
    spec = replace(spec, replications=draws * per_draw, anchor=anchor)
    batch = PointBatch("asking", store or PointStore(None), executor, threads or 1, 2, progress)
    outcomes = []
    try:
        for centred in (False, True) if blueprint.uncertain else (False,):
            builder.size = NestedDesign(spec.replications, pairs=per_draw)
            task = builder.task(spec.template, (), spec.goal, centred)
            batch.submit(task, spec.template.loaded.scenario.name, ())
            outcomes.append(task.key)
        batch.finish()
    finally:
        batch.close()
    if batch.errors:
        raise RunError(next(iter(batch.errors.values())))
    drawn, *centre = [batch.outcomes[key] for key in outcomes]
    answer = _goal_chance_of(spec, drawn, centre[0] if centre else None, draws)
    busy = {team: drawn.estimate(f"calendar.utilisation.{team}").mean for team in blueprint.book.teams}
    return replace(
        answer,
        busy={team: one for team, one in busy.items() if math.isfinite(one)},
        currency=blueprint.book.currency,
        unit=drawn.measures[GOAL_VALUE].unit,
        keys=tuple(outcomes),
    )


def _goal_chance_of(spec: GoalChanceSpec, drawn: PointResult, centre: PointResult | None, draws: int) -> GoalChance:
    margins = goal_margin(drawn, spec.goal).reshape(draws, -1)
    uncertain = centre is not None
    met = (margins >= 0.0).astype(float)
    values = (drawn.measures[GOAL_VALUE].values + spec.goal.booked).reshape(draws, -1)
    known = None
    if centre is not None:
        share = float((goal_margin(centre, spec.goal) >= 0.0).mean())
        known = (share, *_limits(share, centre.replications))
    leads = spec.template.loaded.scenario.leads_in_flight
    low, high = _simulation_error(met, uncertain)
    worse, better = _chance_at_ends(spec.goal, two_level_estimate(values, uncertain), values)
    return GoalChance(
        spec,
        float(met.mean()),
        low,
        high,
        two_level_estimate(values, uncertain),
        worse,
        better,
        known,
        {},
        len(leads) if isinstance(leads, tuple) else 0,
        "",
        "",
        (),
        draws,
    )


def _simulation_error(met: FloatArray, uncertain: bool) -> tuple[float, float]:
    """90 % limits of the mean chance: periods of one draw go together, so the draws are what counts."""
    share = float(met.mean())
    if not uncertain:
        return _limits(share, met.size)
    estimate = two_level_estimate(met)
    if estimate.error == 0.0:  # all draws alike: as sure as so many independent ones
        return _limits(share, len(met))
    return max(0.0, share - estimate.error), min(1.0, share + estimate.error)


def _chance_at_ends(goal: MeasureGoal, value: TwoLevelEstimate, values: FloatArray) -> tuple[float, float]:
    """The chance at the bad and at the good end of what is not known."""
    periods = values.shape[1]
    if periods < 2 or not np.isfinite(values).all():
        share = float(goal.met(values - goal.booked).mean())
        return share, share
    luck = (values - values.mean(axis=1, keepdims=True)) * math.sqrt(periods / (periods - 1.0))
    ends = [float(goal.met(end + luck - goal.booked).mean()) for end in (value.low, value.high)]
    return min(ends), max(ends)


def _limits(share: float, n: int) -> tuple[float, float]:
    low, high = limits(np.array([share]), n)
    return float(low[0]), float(high[0])
