"""Points of a study: a compiled scenario to be run, what it gave, and the folder that finished points are kept in.

A point is named by a hash of all that its figures depend on: the numbers of the plan, wages and names, the anchor, what
is drawn and by which seed, the luck, how often, and what is measured. So a folder can be shared by any number of
studies: what is there already is not run again, and a changed scenario has another name. Which engine made it is
written down and no part of the name.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from funnelsim.compile import Blueprint
from funnelsim.compile.draws import Places
from funnelsim.engine.jit import engine_hash
from funnelsim.engine.replicate import replicate
from funnelsim.measures import Estimate, Measure
from funnelsim.measures import wilson as wilson_interval
from funnelsim.plan import Plan, fingerprint
from funnelsim.scenario import Scenario
from funnelsim.study.anchor import Anchor
from funnelsim.study.goals import CHANCE, Goal, measured_of
from funnelsim.summary import Summary

FORMAT = 1
FIRST, MOST = 20, 10_000                # replications of a point run to a precision
TOGETHER = 10                           # replications between two looks at whether to stop
STALE = 3600.0                          # seconds after which a half-written file is nobody's
PAIR_STRIDE = 10_000                    # replication = draw * stride + pair: the same luck in every scenario


@dataclass(frozen=True)
class Size:
    """How often a point is run: so many replications, or until its first measure is so precise."""

    replications: int = 50
    precision: float | None = None      # half the 90 % interval of the mean, relative to the mean


@dataclass(frozen=True)
class TwoLevel(Size):
    """Several periods in each draw of what is not known: replications = draws x pairs, draw by draw."""

    pairs: int = 1

    def place(self, i: int) -> tuple[int, int]:
        """Draw and replication number of the i-th period."""
        draw, pair = divmod(i, self.pairs)
        return draw, draw * PAIR_STRIDE + pair


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
    first: int = 0                      # number of its first replication: another number is other luck
    places: Places | None = None        # or: where the unknowns stand in every replication

    @property
    def drawn(self) -> bool:
        """Whether each replication has its own draw of what is not known (rule 71)."""
        return self.blueprint.uncertain and not self.centred and self.places is None

    def plan(self, draw: int | None = None) -> Plan:
        """The plan of a draw; none = everything unknown at its centre, or where the task says."""
        return self.anchor.plan(self.blueprint, draw if draw is not None else self.places)


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
              goal: Goal | None = None, centred: bool = False, engine: str = "fast", first: int = 0,
              places: Places | None = None) -> Task:
    """A task with its key; of the scenario only the seed goes along, which draws by it."""
    key = _key(blueprint, anchor, seed, size, measures, goal, centred, first, places)
    light = replace(blueprint, scenario=Scenario(seed=blueprint.scenario.seed))
    return Task(key, light, anchor, seed, size, measures, goal, centred, engine, first, places)


def run_task(task: Task, stopped: Callable[[], bool] | None = None) -> Outcome:
    """Run a point on this thread."""
    began = time.perf_counter()
    summaries: list[Summary] = []
    wanted = FIRST if task.size.precision else task.size.replications
    centre = task.plan()
    while True:
        while len(summaries) < wanted:
            if stopped is not None and stopped():
                raise Stopped
            summaries += _some(task, centre, len(summaries), wanted)
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


def _some(task: Task, centre: Plan, done: int, wanted: int) -> list[Summary]:
    """A few replications: one with its own plan, or several of the same plan, which is set up once."""
    if isinstance(task.size, TwoLevel):
        draw, number = task.size.place(done)
        numbers = range(number, number + task.size.pairs)
        return replicate(task.plan(draw), task.seed, numbers, task.engine, 1).summaries
    number = task.first + done
    if task.drawn:
        return replicate(task.plan(number), task.seed, [number], task.engine, 1).summaries
    numbers = range(number, min(task.first + wanted, number + TOGETHER))
    return replicate(centre, task.seed, numbers, task.engine, 1).summaries


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
         centred: bool, first: int, places: Places | None) -> str:
    drawn = blueprint.uncertain and not centred and places is None
    added = {name: value for name, value in asdict(anchor).items() if name not in ("key", "rounds", "leads")}
    ignorance = [blueprint.scenario.seed, [asdict(belief) for belief in blueprint.beliefs], blueprint.scenario.fitted]
    parts = [FORMAT, fingerprint(anchor.plan(blueprint, places)), blueprint.book._asdict(), added,
             ignorance if drawn else None, seed, asdict(size), measures, asdict(goal) if goal else None,
             *([first] if first else [])]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


# ---- kept points ---------------------------------------------------------------------------------------------------


class Store:
    """Finished points: a file each, whole or not there at all."""

    def __init__(self, folder: Path | None) -> None:
        """None keeps nothing."""
        self.folder = folder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for torn in folder.glob("*/*.part"):
                with suppress(OSError):         # another process may be at work in here
                    if time.time() - torn.stat().st_mtime > STALE:
                        torn.unlink()

    def find(self, key: str) -> Outcome | None:
        """A point that was finished before; a torn file counts as none."""
        if self.folder is None:
            return None
        try:
            data = json.loads(self._file(key).read_text(encoding="utf-8"))
            if data["format"] != FORMAT or data["key"] != key or data["check"] != _check(data["measures"]):
                return None
            return _outcome(data)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, outcome: Outcome) -> None:
        """Write a point. A process killed meanwhile leaves a .part file, which nobody reads."""
        if self.folder is None:
            return
        file = self._file(outcome.key)
        file.parent.mkdir(exist_ok=True)
        part = file.with_name(f"{file.stem}-{os.getpid()}-{threading.get_ident()}.part")
        try:
            part.write_text(json.dumps(_data(outcome)), encoding="utf-8")
            part.replace(file)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def _file(self, key: str) -> Path:
        assert self.folder is not None
        return self.folder / key[:2] / f"{key}.json"


def _data(outcome: Outcome) -> dict[str, Any]:
    measures = {name: {"window": one.window, "name": one.name, "of": one.of, "unit": one.unit, "top": _listed(one.top),
                       "bottom": None if one.bottom is None else _listed(one.bottom)}
                for name, one in outcome.measures.items()}
    return {"format": FORMAT, "key": outcome.key, "replications": outcome.replications, "engine": outcome.engine,
            "seconds": outcome.seconds, "measures": measures, "check": _check(measures)}


def _outcome(data: Mapping[str, Any]) -> Outcome:
    measures = {name: Measure(one["window"], one["name"], one["of"], one["unit"], np.array(one["top"], np.float64),
                              None if one["bottom"] is None else np.array(one["bottom"], np.float64))
                for name, one in data["measures"].items()}
    return Outcome(data["key"], measures, data["replications"], data["engine"], data["seconds"])


def _listed(values: Any) -> list[float]:
    return [float(value) for value in values]


def _check(measures: Any) -> str:
    """Tells a torn file; a rename may reach the disk before the bytes do."""
    return hashlib.sha256(json.dumps(measures, sort_keys=True).encode()).hexdigest()[:16]
