"""Which points a search runs: few periods over the whole range, then all of them where the answer must be.

    pilot       some twenty periods at five points tell where the chance climbs
    full        all periods beside the answer, beyond both ends of its interval, and where the mean meets the goal

On the probit scale z = mean / deviation of the margin, or of the share met, a chance is near to a line in x. So z of
the pilot, shifted to agree with the points that were run in full, proposes the next point; what is told of the answer
comes from the full points alone (see `level_crossing`).
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtri

from funnelsim.errors import RunError, ScenarioError, UsageError
from funnelsim.progress import Progress, ProgressOnly
from funnelsim.scenario.template import ScenarioTemplate
from funnelsim.study.axes import Axis
from funnelsim.study.batch import PointBatch, one_line
from funnelsim.study.goals import GOAL_VALUE, MeasureGoal
from funnelsim.study.point import PointResult, RunSize
from funnelsim.study.point_store import PointStore
from funnelsim.study.seek.level_crossing import Margins, chance_crossing, mean_crossing
from funnelsim.study.task_builder import TaskBuilder
from funnelsim.typing import FloatArray

FIRST = 5  # points of the range that the pilot runs
PILOT = 20  # periods of each
ROUNDS = 8  # of points beside the answer, at most
CLOSE = 0.01  # of the range: near enough in any case
APART, LEAST_APART = 5.0, 0.3  # over root n, on the probit scale: how far beside the answer points are run
CERTAIN = 4.0  # on the probit scale: nothing is surer


@dataclass
class SearchRuns:
    """What was run: everything unknown as it is drawn, or at its centre."""

    pilot: dict[float, PointResult] = field(default_factory=dict)  # by x
    full: dict[float, PointResult] = field(default_factory=dict)


class LevelSearch:
    """Runs points of an axis until the place where a goal is met with a chance is known well enough."""

    def __init__(
        self,
        template: ScenarioTemplate,
        axis: Axis,
        goal: MeasureGoal,
        chance: float,
        replications: int,
        builder: TaskBuilder,
        store: PointStore,
        executor: Executor | None,
        progress: Progress,
    ) -> None:
        self.template, self.axis, self.goal, self.chance = template, axis, goal, chance
        self.replications, self.builder = replications, builder
        self.store, self.executor, self.progress = store, executor, progress
        self.low, self.high, self.allowed_xs = range_of(axis)
        self.drawn, self.central = SearchRuns(), SearchRuns()
        self.more_helps = True
        self.steps = 0

    def solve(self, at_centre: bool = False) -> Margins:
        """Run points until the answer is known well enough; its margins at the points run in full."""
        runs = self.central if at_centre else self.drawn
        self._run_pilot(runs, at_centre)
        for _ in range(ROUNDS):
            wanted = self._next_xs(runs, with_interval=not at_centre)
            if not wanted:
                break
            runs.full |= self.run(at_centre, wanted, self.replications)
        return self.margins(runs.full)

    def with_more_replications(self, replications: int) -> Margins:
        """The same with more replications; the pilot stays."""
        self.replications = replications
        self.drawn.full.clear()
        return self.solve()

    def keys(self) -> tuple[str, ...]:
        """Of all points that were run."""
        return tuple(
            sorted(
                {
                    outcome.key
                    for runs in (self.drawn, self.central)
                    for outcome in (*runs.pilot.values(), *runs.full.values())
                }
            )
        )

    # ---- x and places ----------------------------------------------------------------------------------------------

    def place(self, xs: FloatArray) -> FloatArray:
        """x as a share of the way, rising with what helps."""
        if self.axis.log:
            share = np.log(xs / self.low) / math.log(self.high / self.low)
        else:
            share = (xs - self.low) / (self.high - self.low)
        return share if self.more_helps else 1.0 - share

    def x_at(self, place: float) -> float:
        """The x at a share of the way."""
        if not math.isfinite(place):
            return math.nan
        share = place if self.more_helps else 1.0 - place
        x = self.low * (self.high / self.low) ** share if self.axis.log else self.low + (self.high - self.low) * share
        return self.nearest_allowed(x)

    def nearest_allowed(self, x: float) -> float:
        """The nearest x there can be, as it will be written: on a range, of a few digits."""
        if self.allowed_xs is not None:
            return float(self.allowed_xs[np.abs(self.allowed_xs - x).argmin()])
        return self.axis.rounded(x)

    def margin(self, outcome: PointResult) -> FloatArray:
        """By how much each period meets the goal."""
        return goal_margin(outcome, self.goal)

    def margins(self, outcomes: dict[float, PointResult]) -> Margins:
        """At some x, in the order of their places."""
        xs = np.array(sorted(outcomes))
        places = self.place(xs)
        order = np.argsort(places)
        values = np.stack([self.margin(outcomes[float(xs[i])]) for i in order], axis=1)
        return Margins(
            places[order], values, np.sort(self.place(self.allowed_xs)) if self.allowed_xs is not None else None
        )

    # ---- running ---------------------------------------------------------------------------------------------------

    def run(self, at_centre: bool, xs: Sequence[float], replications: int) -> dict[float, PointResult]:
        """Run the scenario at some x."""
        keys: dict[float, str] = {}
        self.steps += 1
        threads = self.builder.threads or os.cpu_count() or 1
        batch = PointBatch(
            f"seeking, step {self.steps}", self.store, self.executor, threads, len(xs), ProgressOnly(self.progress)
        )
        self.builder.size = RunSize(replications)
        try:
            for x in xs:
                text = f"{self.axis.path}={self.axis.written(x)}"
                try:
                    task = self.builder.task(self.template, [text], self.goal, at_centre)
                except ScenarioError as error:
                    raise self._blamed(error, text) from None
                keys[x] = task.key
                batch.submit(task, self.template.loaded.scenario.name, (self.axis.written(x),))
            batch.finish()
        finally:
            batch.close()
        for x, key in keys.items():
            if key in batch.errors:
                raise RunError(f"at {self.axis.path}={self.axis.written(x)}: {batch.errors[key]}")
        return {x: batch.outcomes[key] for x, key in keys.items()}

    def _blamed(self, error: ScenarioError, text: str) -> ScenarioError:
        """At the place where the axis was written, when it is the axis that is wrong."""
        if any(one.file == "--set" for one in error.problems):
            problems = [self.axis.blame(one) if one.file == "--set" else one for one in error.problems]
            return ScenarioError(problems, problems[0].file)
        return ScenarioError(f"at {text}: {one_line(error)}")

    def _run_pilot(self, runs: SearchRuns, at_centre: bool) -> None:
        """The pilot; where it costs no less than all, all at once."""
        few = self.allowed_xs is not None and len(self.allowed_xs) <= FIRST
        if not runs.pilot:
            replications = self.replications if few else min(PILOT, self.replications)
            runs.pilot = self.run(at_centre, self._first_points(), replications)
        if next(iter(runs.pilot.values())).replications == self.replications:
            runs.full = dict(runs.pilot)
        elif few:
            runs.full |= self.run(at_centre, self._first_points(), self.replications)
        if not at_centre:
            self.more_helps = self._find_direction()

    def _first_points(self) -> list[float]:
        if self.allowed_xs is not None and len(self.allowed_xs) <= FIRST:
            return [float(x) for x in self.allowed_xs]
        xs = [
            self.axis.number(i / (FIRST - 1))
            if self.axis.is_range
            else self.low + (self.high - self.low) * i / (FIRST - 1)
            for i in range(FIRST)
        ]
        return list(dict.fromkeys(self.nearest_allowed(x) for x in xs))

    def _find_direction(self) -> bool:
        """Whether the goal is met more often, else by more, at the high end than at the low."""
        ends = [self.margin(self.drawn.pilot[x]) for x in (self.low, self.high)]
        chances = [float((one >= 0.0).mean()) for one in ends]
        if chances[0] != chances[1]:
            return chances[1] > chances[0]
        return float(np.mean(ends[1])) >= float(np.mean(ends[0]))

    # ---- what to run next ------------------------------------------------------------------------------------------

    def _next_xs(self, runs: SearchRuns, with_interval: bool) -> list[float]:
        """The x to run next; none when the answer is known well enough."""
        places = self._enclosing_places(runs, with_interval)
        if not places:
            places = self._refining_places(self.margins(runs.full), with_interval)
        known = {round(float(place), 9) for place in self.place(np.array(sorted(runs.full)))}
        xs = dict.fromkeys(self.x_at(place) for place in places)
        return [x for x in xs if round(float(self.place(np.array([x]))[0]), 9) not in known]

    def _enclosing_places(self, runs: SearchRuns, with_interval: bool) -> list[float]:
        """Places that enclose what is sought and are not yet run: at first all, later where they proved too near."""
        targets = self._targets(with_interval)
        if not runs.full:
            return self._at_least_two([self._proposed_place(runs, z)[0] for z in targets])
        margins = self.margins(runs.full)
        begin, end = float(margins.places[0]), float(margins.places[-1])
        chance, mean = chance_crossing(margins, self.chance), mean_crossing(margins)
        first = [chance.low, *([mean.low] if with_interval else [])]
        last = [chance.high, *([mean.high] if with_interval else [])]
        places = []
        if begin > 0.0 and any(mark <= begin for mark in first):
            below = self._proposed_place(runs, min(targets))[0]
            places.append(below if below < begin - CLOSE else self._neighbour(runs, begin, -1))
        if end < 1.0 and not all(math.isfinite(mark) for mark in last):
            above, reached = self._proposed_place(runs, max(targets))
            if above > end + CLOSE:
                places.append(above)
            elif reached:
                places.append(self._neighbour(runs, end, 1))
        return places

    def _targets(self, with_interval: bool) -> list[float]:
        """Where points are run first, on the probit scale: on both sides of the answer, and beside the mean's."""
        z, apart = float(ndtri(self.chance)), max(LEAST_APART, APART / math.sqrt(self.replications))
        targets = [z - apart, z + apart]
        if with_interval and z - apart > -apart / 2.0:
            targets.append(-apart / 2.0)
        if with_interval and z + apart < apart / 2.0:
            targets.append(apart / 2.0)
        return targets

    def _refining_places(self, margins: Margins, with_interval: bool) -> list[float]:
        """Places amid brackets that are wide beside the interval; of whole numbers, the answer and the one before."""
        chance = chance_crossing(margins, self.chance)
        width = chance.high - chance.low
        enough = max(CLOSE, width if math.isfinite(width) else 0.2)
        marks = [(chance.place, enough)]
        if with_interval:
            marks += [(chance.low, enough), (chance.high, enough), (mean_crossing(margins).place, 2.0 * enough)]
        places = []
        for mark, most in marks:
            if not math.isfinite(mark) or mark in margins.places:
                continue
            right = int(np.searchsorted(margins.places, mark))
            left, last = margins.places[right - 1], margins.places[right]
            if last - left > most:
                places.append(float(mark if 0.2 < (mark - left) / (last - left) < 0.8 else 0.5 * (left + last)))
        if not places and math.isfinite(chance.place) and margins.allowed is not None:
            lower = margins.allowed[margins.allowed < chance.place - 1e-9]
            places = [chance.place, *([float(lower[-1])] if len(lower) else [])]  # it must surely not be enough
        return places

    def _proposed_place(self, runs: SearchRuns, wanted: float) -> tuple[float, bool]:
        """The first place at which the chance should be this on the probit scale, else where it is highest; which."""
        pilot = self.margins(runs.pilot)
        rough = _probits(pilot)
        places = np.linspace(0.0, 1.0, 1001)
        z = np.interp(places, pilot.places, rough)
        if runs.full:
            full = self.margins(runs.full)
            z = z + np.interp(places, full.places, _probits(full) - np.interp(full.places, pilot.places, rough))
        there = np.flatnonzero(z >= wanted)
        return float(places[there[0]] if len(there) else places[int(z.argmax())]), len(there) > 0

    def _at_least_two(self, places: list[float]) -> list[float]:
        """These places, and another beside them when they all come to the same x."""
        if len({self.x_at(place) for place in places}) > 1:
            return places
        only = places[0]
        return [*places, only + 1.0 / (FIRST - 1) if only < 0.5 else only - 1.0 / (FIRST - 1)]

    def _neighbour(self, runs: SearchRuns, place: float, side: int) -> float:
        """Halfway to the next point of the pilot on this side."""
        there = np.append(np.sort(self.place(np.array(sorted(runs.pilot)))), [0.0, 1.0])
        beyond = there[there < place - CLOSE] if side < 0 else there[there > place + CLOSE]
        if not len(beyond):
            return 0.0 if side < 0 else 1.0
        return 0.5 * (place + float(beyond.max() if side < 0 else beyond.min()))


def range_of(axis: Axis) -> tuple[float, float, FloatArray | None]:
    """(lowest x, highest x, the x it can have or none for all between)."""
    if axis.is_range:
        every = np.arange(axis.low, axis.high + 0.5) if axis.integer else None
        return axis.low, axis.high, every
    numbers = [axis.coordinate(text) for text in axis.values]
    if len(numbers) < 2 or not np.isfinite(numbers).all():
        raise UsageError(f"{axis.path}: a range is sought through, such as 20..200/week, or a list of numbers")
    return min(numbers), max(numbers), np.array(sorted(numbers))


def goal_margin(outcome: PointResult, goal: MeasureGoal) -> FloatArray:
    """By how much each period meets the goal; minus infinity where there was nothing to measure."""
    values = outcome.measures[GOAL_VALUE].values + goal.booked
    margin = (values - goal.target) * (-1.0 if goal.at_most else 1.0)
    return np.where(np.isfinite(margin), margin, -np.inf)


def _probits(margins: Margins) -> FloatArray:
    """The chance at each node on the probit scale."""
    values = margins.values
    if np.isfinite(values).all():
        deviations = values.std(axis=0)
        means = values.mean(axis=0)
        surely = np.where(means >= 0.0, CERTAIN, -CERTAIN)
        z = np.divide(means, deviations, out=surely, where=deviations > 0.0)
    else:
        n = len(values)
        z = ndtri(np.clip((values >= 0.0).mean(axis=0), 0.5 / n, 1.0 - 0.5 / n))
    clipped: FloatArray = np.clip(z, -CERTAIN, CERTAIN)
    return clipped
