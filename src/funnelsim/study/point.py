"""Points of a study: a compiled scenario to be run, and what it gave.

A point is named by a hash of all that its figures depend on: the numbers of the plan, wages and names, the anchor, what
is drawn and by which seed, the luck, how often, and what is measured. Which engine made it is no part of the name.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from funnelsim.compile import Blueprint
from funnelsim.compile.parameter_draws import Places
from funnelsim.engine.jit import engine_hash
from funnelsim.engine.replicate import replicate
from funnelsim.measures import Estimate, Measure
from funnelsim.measures import wilson as wilson_interval
from funnelsim.plan import Plan, fingerprint
from funnelsim.scenario import Scenario
from funnelsim.study.anchor import Anchor
from funnelsim.study.goals import CHANCE, MeasureGoal, measured_of
from funnelsim.study.truncate_horizon import needed_horizon, truncated
from funnelsim.summary import Summary

FORMAT = 1
FIRST, MOST = 20, 10_000  # replications of a point run to a precision
TOGETHER = 10  # replications between two looks at whether to stop
PAIR_STRIDE = 10_000  # replication = draw * stride + pair: the same luck in every scenario


@dataclass(frozen=True)
class RunSize:
    """How often a point is run: so many replications, or until its first measure is so precise."""

    replications: int = 50
    precision: float | None = None  # half the 90 % interval of the mean, relative to the mean


@dataclass(frozen=True)
class NestedDesign(RunSize):
    """Several periods in each draw of what is not known: replications = draws x pairs, draw by draw."""

    pairs: int = 1

    def place(self, i: int) -> tuple[int, int]:
        """Draw and replication number of the i-th period."""
        draw, pair = divmod(i, self.pairs)
        return draw, draw * PAIR_STRIDE + pair


@dataclass(frozen=True)
class PointTask:
    """One scenario at one point: all that is needed to run it, here or elsewhere."""

    blueprint: Blueprint
    anchor: Anchor
    seed: int
    size: RunSize
    measures: tuple[str, ...]
    goal: MeasureGoal | None = None
    at_centre: bool = False  # everything unknown at its centre, not drawn
    engine: str = "fast"
    first: int = 0  # number of its first replication: another number is other luck
    places: Places | None = None  # or: where the unknowns stand in every replication
    key: str = ""  # see `named`

    @property
    def drawn(self) -> bool:
        """Whether each replication has its own draw of what is not known (rule 71)."""
        return self.blueprint.uncertain and not self.at_centre and self.places is None

    def plan(self, draw: int | None = None) -> Plan:
        """The plan of a draw; none = everything unknown at its centre, or where the task says."""
        return self.anchor.plan(self.blueprint, draw if draw is not None else self.places)


@dataclass(frozen=True)
class PointResult:
    """What a point gave: its measures in each replication."""

    key: str
    measures: dict[str, Measure]
    replications: int
    engine: str  # hash of the engine that ran it
    seconds: float  # it took

    def estimate(self, name: str) -> Estimate:
        """Mean of a measure with its 90 % simulation error and the spread of one period."""
        return estimate_of(self.measures[name])


class Stopped(Exception):
    """The study was stopped while a point was running."""


def with_key(task: PointTask) -> PointTask:
    """The task with its key; of the scenario only the seed goes along, which draws by it."""
    light = replace(task.blueprint, scenario=Scenario(seed=task.blueprint.scenario.seed))
    return replace(task, key=_key(task), blueprint=light)


def run_task(task: PointTask, stopped: Callable[[], bool] | None = None, threads: int = 1) -> PointResult:
    """Run a point. Its figures are the same for any number of threads: luck belongs to the replication's number."""
    began = time.perf_counter()
    centre = task.plan()
    horizon = needed_horizon(centre, task.blueprint.book, task.measures, task.goal)

    def run(chunk: ReplicationChunk) -> list[Summary]:
        if stopped is not None and stopped():
            raise Stopped
        plan = task.plan(chunk.draw) if task.drawn else centre
        return replicate(truncated(plan, horizon), task.seed, chunk.numbers, task.engine, 1).summaries

    summaries: list[Summary] = []
    wanted = FIRST if task.size.precision else task.size.replications
    with ThreadPoolExecutor(threads) as pool:
        each = pool.map if threads > 1 else map
        while True:
            for some in each(run, _chunks(task, len(summaries), wanted)):
                summaries += some
            measures = measured_of(summaries, centre, task.blueprint.book, task.measures, task.goal)
            wanted = _enough(measures[task.measures[0]], task.size)
            if wanted <= len(summaries):
                return PointResult(task.key, measures, len(summaries), engine_hash(), time.perf_counter() - began)


def estimate_of(measure: Measure) -> Estimate:
    """As `Measure.estimate`; a chance has Wilson's interval, which holds near 0 and 1 too."""
    if measure.unit != CHANCE:
        return measure.estimate()
    met, n = float(measure.top.sum()), len(measure.top)
    low, high = wilson_interval(met, n)
    low, high = min(low, met / n), max(high, met / n)  # rounding, at 0 and 1
    return Estimate(met / n, low, high, 0.0 if met < n else 1.0, 1.0 if met else 0.0, "Wilson", n)


def linear_values(measure: Measure) -> Any:
    """A number a replication whose mean is the estimate and whose spread gives its error, for ratios too.

    Of a ratio of sums R = sum(top) / sum(bottom): R + (top - R bottom) / mean(bottom), the ratio estimator's residuals.
    """
    if measure.bottom is None:
        return measure.top
    total = float(measure.bottom.sum())
    if total == 0.0:
        return np.full(len(measure.top), np.nan)
    ratio = float(measure.top.sum()) / total
    return ratio + (measure.top - ratio * measure.bottom) / (total / len(measure.bottom))


def standard_error(measure: Measure) -> float:
    """Of the mean over replications; nan with one alone."""
    values = linear_values(measure)
    values = values[np.isfinite(values)]
    return float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.nan


class ReplicationChunk(NamedTuple):
    """A few replications of the same plan, which is set up once: of one draw, or of the centre."""

    draw: int
    numbers: range


def _chunks(task: PointTask, done: int, wanted: int) -> Iterator[ReplicationChunk]:
    while done < wanted:
        draw = number = task.first + done
        together = 1 if task.drawn else TOGETHER
        if isinstance(task.size, NestedDesign):
            draw, number = task.size.place(number)
            together = task.size.pairs - number % PAIR_STRIDE
        numbers = range(number, number + min(together, wanted - done))
        yield ReplicationChunk(draw, numbers)
        done += len(numbers)


def _enough(first: Measure, size: RunSize) -> int:
    """How many replications the precision will take, judged by those there are."""
    n = len(first.top)
    if size.precision is None:
        return n
    error = estimate_of(first).error
    if error <= size.precision or n >= MOST or not math.isfinite(error):
        return n
    return min(MOST, max(math.ceil(n * (error / size.precision) ** 2 * 1.05), n + FIRST))


def _key(task: PointTask) -> str:
    blueprint, anchor = task.blueprint, task.anchor
    added = {name: value for name, value in asdict(anchor).items() if name not in ("key", "rounds", "leads")}
    ignorance = [blueprint.scenario.seed, [asdict(belief) for belief in blueprint.beliefs], blueprint.scenario.fitted]
    parts = [
        FORMAT,
        fingerprint(task.plan()),
        blueprint.book._asdict(),
        added,
        ignorance if task.drawn else None,
        task.seed,
        asdict(task.size),
        task.measures,
        asdict(task.goal) if task.goal else None,
        *([task.first] if task.first else []),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]
