"""Points of a study: a compiled scenario to be run, and what it gave.

A point is named by a hash of all that its figures depend on: the numbers of the plan, wages and names, the anchor, what
is drawn and by which seed, the luck, how often, and what is measured. Which engine made it is no part of the name.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from funnelsim.compile import Blueprint
from funnelsim.engine.jit import engine_hash
from funnelsim.engine.replicate import replicate
from funnelsim.measures import Estimate, Measure
from funnelsim.measures import wilson as wilson_interval
from funnelsim.plan import Plan, fingerprint
from funnelsim.scenario import Scenario
from funnelsim.study.anchor import Anchor
from funnelsim.study.cut import cut, needed
from funnelsim.study.goals import CHANCE, Goal, measured_of
from funnelsim.summary import Summary

FORMAT = 1
FIRST, MOST = 20, 10_000                # replications of a point run to a precision
TOGETHER = 10                           # replications between two looks at whether to stop


@dataclass(frozen=True)
class Size:
    """How often a point is run: so many replications, or until its first measure is so precise."""

    replications: int = 50
    precision: float | None = None      # half the 90 % interval of the mean, relative to the mean
    per_draw: int = 1                   # replications that share a draw of what is not known


@dataclass(frozen=True)
class Task:
    """One scenario at one point: all that is needed to run it, here or elsewhere."""

    key: str
    blueprint: Blueprint
    anchor: Anchor
    seed: int
    size: Size
    measures: tuple[str, ...]
    goal: Goal | None = None
    centred: bool = False               # everything unknown at its centre, not drawn
    engine: str = "fast"

    @property
    def drawn(self) -> bool:
        """Whether each replication has its own draw of what is not known (rule 71)."""
        return self.blueprint.uncertain and not self.centred

    def plan(self, draw: int | None = None) -> Plan:
        """The plan of a draw; none = everything unknown at its centre."""
        return self.anchor.plan(self.blueprint, draw)


@dataclass(frozen=True)
class Outcome:
    """What a point gave: its measures in each replication."""

    key: str
    measures: dict[str, Measure]
    replications: int
    engine: str                         # hash of the engine that ran it
    seconds: float                      # it took

    def estimate(self, name: str) -> Estimate:
        """Mean of a measure with its 90 % simulation error and the spread of one period."""
        return estimate_of(self.measures[name])


class Stopped(Exception):
    """The study was stopped while a point was running."""


def make_task(blueprint: Blueprint, anchor: Anchor, seed: int, size: Size, measures: tuple[str, ...],
              goal: Goal | None = None, centred: bool = False, engine: str = "fast") -> Task:
    """A task with its key; of the scenario only the seed goes along, which draws by it."""
    key = _key(blueprint, anchor, seed, size, measures, goal, centred)
    light = replace(blueprint, scenario=Scenario(seed=blueprint.scenario.seed))
    return Task(key, light, anchor, seed, size, measures, goal, centred, engine)


def run_task(task: Task, stopped: Callable[[], bool] | None = None) -> Outcome:
    """Run a point on this thread."""
    began = time.perf_counter()
    summaries: list[Summary] = []
    wanted = FIRST if task.size.precision else task.size.replications
    centre = task.plan()
    horizon = needed(centre, task.blueprint.book, task.measures, task.goal)
    while True:
        while len(summaries) < wanted:
            if stopped is not None and stopped():
                raise Stopped
            summaries += _some(task, centre, horizon, len(summaries), wanted)
        found = measured_of(summaries, centre, task.blueprint.book, task.measures, task.goal)
        wanted = _enough(found[task.measures[0]], task.size)
        if wanted <= len(summaries):
            return Outcome(task.key, found, len(summaries), engine_hash(), time.perf_counter() - began)


def estimate_of(measure: Measure) -> Estimate:
    """As `Measure.estimate`; a chance has Wilson's interval, which holds near 0 and 1 too."""
    if measure.unit != CHANCE:
        return measure.estimate()
    met, n = float(measure.top.sum()), len(measure.top)
    low, high = wilson_interval(met, n)
    low, high = min(low, met / n), max(high, met / n)       # rounding, at 0 and 1
    return Estimate(met / n, low, high, 0.0 if met < n else 1.0, 1.0 if met else 0.0, "Wilson", n)


def linear_values(measure: Measure) -> Any:
    """A number a replication whose mean is the estimate and whose spread gives its error, for ratios too.

    Of a ratio of sums R = sum(top) / sum(bottom): R + (top - R bottom) / mean(bottom), the ratio estimator's residuals.
    """
    if measure.bottom is None:
        return measure.top
    whole = float(measure.bottom.sum())
    if whole == 0.0:
        return np.full(len(measure.top), np.nan)
    ratio = float(measure.top.sum()) / whole
    return ratio + (measure.top - ratio * measure.bottom) / (whole / len(measure.bottom))


def standard_error(measure: Measure) -> float:
    """Of the mean over replications; nan with one alone."""
    values = linear_values(measure)
    values = values[np.isfinite(values)]
    return float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.nan


def _some(task: Task, centre: Plan, horizon: float, first: int, wanted: int) -> list[Summary]:
    """A few replications of the same plan, which is set up once: of one draw, or of the centre."""
    together = task.size.per_draw - first % task.size.per_draw if task.drawn else TOGETHER
    plan = task.plan(first // task.size.per_draw) if task.drawn else centre
    numbers = range(first, min(wanted, first + together))
    return replicate(cut(plan, horizon), task.seed, numbers, task.engine, 1).summaries


def _enough(first: Measure, size: Size) -> int:
    """How many replications the precision will take, judged by those there are."""
    n = len(first.top)
    if size.precision is None:
        return n
    error = estimate_of(first).error
    if error <= size.precision or n >= MOST or not math.isfinite(error):
        return n
    return min(MOST, max(math.ceil(n * (error / size.precision) ** 2 * 1.05), n + FIRST))


def _key(blueprint: Blueprint, anchor: Anchor, seed: int, size: Size, measures: tuple[str, ...], goal: Goal | None,
         centred: bool) -> str:
    drawn = blueprint.uncertain and not centred
    added = {name: value for name, value in asdict(anchor).items() if name not in ("key", "rounds", "leads")}
    ignorance = [blueprint.scenario.seed, [asdict(belief) for belief in blueprint.beliefs], blueprint.scenario.fitted]
    parts = [FORMAT, fingerprint(anchor.plan(blueprint)), blueprint.book._asdict(), added,
             ignorance if drawn else None, seed, asdict(size), measures, asdict(goal) if goal else None]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]
