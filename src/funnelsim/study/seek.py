"""Seek: the smallest x that meets a goal with a wanted chance, and what stands in the way when there is none.

A few points of the range are run first, then points beside the answer and the ends of its interval, until these are
known well enough; all on the same luck (see `crossing`). x is what helps: where more of it harms, as with a slower
promise, the largest is sought. The same once more with everything unknown at its centre says what ignorance costs.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from funnelsim.errors import RunError, ScenarioError, UsageError
from funnelsim.scenario.varying import Template
from funnelsim.study.anchor import Anchor
from funnelsim.study.axes import Axis
from funnelsim.study.batch import Batch, in_a_line
from funnelsim.study.crossing import Crossing, Margins, chance_crossing, difference, limits, mean_crossing
from funnelsim.study.goals import GOAL, GOAL_VALUE, Goal, check_date
from funnelsim.study.planner import Planner
from funnelsim.study.points import Outcome, Size, Store, Task
from funnelsim.watch import Watch

Floats = NDArray[np.float64]
FIRST = 5                               # points of the range that are run first
ROUNDS = 8                              # of points beside the answer, at most
CLOSE = 0.01                            # of the range: near enough in any case
FULL = 0.95                             # utilisation above which a team is taken to be the limit
MOST = 5000                             # replications, when a precision is wanted


@dataclass(frozen=True)
class Question:
    """What is sought."""

    template: Template
    axis: Axis
    goal: Goal
    chance: float = 0.8
    size: Size = field(default_factory=lambda: Size(100))      # precision: half the interval, relative to x
    seed: int = 1
    engine: str = "fast"
    anchors: tuple[Anchor, ...] = ()    # of the template as it is; by default found here


@dataclass(frozen=True)
class Node:
    """A point that was run."""

    text: str                           # "140/week"
    x: float
    chance: float                       # share of periods that met the goal
    low: float                          # its exact 90 % limits
    high: float
    mean: float                         # of what the goal is about
    least: float                        # central 90 % of periods
    most: float
    busy: dict[str, float]              # utilisation by team
    key: str


@dataclass(frozen=True)
class Answer:
    """A value of x with its 90 % interval; nan = beyond the range on that side."""

    x: float
    low: float
    high: float


@dataclass(frozen=True)
class Seek:
    """What was found."""

    question: Question                  # with its anchors
    nodes: list[Node]                   # in the order of x
    answer: Answer                      # by chance
    mean: Answer                        # where the mean meets the goal
    known: Answer | None                # by chance, were everything known at its centre; none = nothing is unknown
    cost: tuple[float, float, float]    # of ignorance: how much more x, with its 90 % interval
    more_helps: bool                    # else the largest x is sought
    replications: int
    chance_at_mean: float               # of the goal, at the mean answer
    in_flight: int                      # open leads at the start
    currency: str
    unit: str                           # of what the goal is about
    keys: tuple[str, ...]               # of all points that were run

    @property
    def met(self) -> bool:
        """Whether the goal can be met with the wanted chance within the range."""
        return math.isfinite(self.answer.x)

    @property
    def at_once(self) -> bool:
        """Whether the goal is met with the wanted chance where x helps least."""
        order = self.nodes if self.more_helps else self.nodes[::-1]
        return self.met and self.answer.x == order[0].x

    @property
    def best(self) -> Node:
        """The node with the highest chance; of equals the one with the highest mean margin."""
        sign = -1.0 if self.question.goal.at_most else 1.0
        return max(self.nodes, key=lambda node: (node.chance, sign * node.mean))

    @property
    def turns(self) -> bool:
        """Whether the chance surely falls again beyond its highest."""
        order = self.nodes if self.more_helps else self.nodes[::-1]
        after = order[order.index(self.best) + 1:]
        return any(node.high < self.best.low for node in after)

    @property
    def binding(self) -> tuple[str, float, Node | None] | None:
        """The team that is busiest where most x would help, how busy, and the first node at which it is full."""
        order = self.nodes if self.more_helps else self.nodes[::-1]
        end = order[-1]
        if not end.busy:
            return None
        team = max(end.busy, key=lambda one: end.busy[one])
        full = next((node for node in order if node.busy[team] >= FULL), None)
        return team, end.busy[team], full

    def text(self, x: float) -> str:
        """A value of x as the scenario has it."""
        return self.question.axis.written(x)


def seek(question: Question, store: Store | None = None, executor: Executor | None = None, threads: int | None = None,
         watch: Watch | None = None) -> Seek:
    """Find the answer. UsageError for an axis without numbers; ScenarioError where the scenario cannot be so."""
    watch = watch or Watch()
    planner = Planner(question.seed, question.template.loaded.scenario.seed, question.size, (GOAL,), question.engine,
                      threads, watch)
    anchor = question.anchors[0] if question.anchors else None
    blueprint, anchor = planner.compiled(question.template, (), anchor)
    check_date(question.goal, blueprint.centre, blueprint.book)
    teams = blueprint.book.teams
    planner.measures = (GOAL, *(f"calendar.utilisation.{team}" for team in teams))
    search = _Search(replace(question, anchors=(anchor,)), planner, store or Store(None), executor,
                     threads or os.cpu_count() or 1, watch)
    margins = search.solve(False)
    while question.size.precision is not None and search.replications < MOST:
        wanted = search.enough(margins, question.size.precision)
        if wanted <= search.replications:
            break
        search.replications = wanted
        search.runs.clear()
        margins = search.solve(False)
    known = search.solve(True) if blueprint.uncertain else None
    unit = next(iter(search.runs.values())).measures[GOAL_VALUE].unit
    return search.told(margins, known, teams, blueprint.book.currency, unit)


def places_of(axis: Axis) -> tuple[float, float, Floats | None]:
    """(lowest x, highest x, the x it can have or none for all between)."""
    if axis.is_range:
        every = np.arange(axis.low, axis.high + 0.5) if axis.whole else None
        return axis.low, axis.high, every
    numbers = [axis.coordinate(text) for text in axis.values]
    if len(numbers) < 2 or not np.isfinite(numbers).all():
        raise UsageError(f"{axis.path}: a range is sought through, such as 20..200/week, or a list of numbers")
    return min(numbers), max(numbers), np.array(sorted(numbers))


class _Search:
    """The points run so far, and which are to be run next."""

    def __init__(self, question: Question, planner: Planner, store: Store, executor: Executor | None, threads: int,
                 watch: Watch) -> None:
        self.question, self.planner = question, planner
        self.store, self.executor, self.threads, self.watch = store, executor, threads, watch
        self.low, self.high, self.only = places_of(question.axis)
        self.replications = question.size.replications
        self.runs: dict[tuple[bool, float], Outcome] = {}       # by (centred, x)
        self.more_helps = True
        self.steps = 0

    def solve(self, centred: bool) -> Margins:
        """Run points until the answer and its interval are known well enough."""
        self.run(centred, self.first_points())
        if not centred:
            self.more_helps = self.find_direction()
        for _ in range(ROUNDS):
            wanted = self.wanted(self.margins(centred), with_interval=not centred)
            if not wanted:
                break
            self.run(centred, wanted)
        return self.margins(centred)        # of which the answer itself is a node

    def first_points(self) -> list[float]:
        axis = self.question.axis
        if self.only is not None and len(self.only) <= FIRST:
            return [float(x) for x in self.only]
        xs = [axis.number(i / (FIRST - 1)) if axis.is_range else self.low + (self.high - self.low) * i / (FIRST - 1)
              for i in range(FIRST)]
        return list(dict.fromkeys(self.allowed(x) for x in xs))

    def allowed(self, x: float) -> float:
        """The nearest x there can be, as it will be written: on a range, of a few digits."""
        if self.only is not None:
            return float(self.only[np.abs(self.only - x).argmin()])
        return self.question.axis.rounded(x)

    def run(self, centred: bool, xs: Sequence[float]) -> None:
        """Run the scenario at some x."""
        keys: dict[float, str] = {}
        self.steps += 1
        what = f"seeking, step {self.steps}"
        batch = Batch(what, self.store, self.executor, self.threads, len(xs), Quiet(self.watch))
        try:
            for x in xs:
                task = self.task(x, centred)
                keys[x] = task.key
                batch.submit(task, self.question.template.loaded.scenario.name, (self.question.axis.written(x),))
            batch.finish()
        finally:
            batch.close()
        for x, key in keys.items():
            if key in batch.wrong:
                raise RunError(f"at {self.question.axis.path}={self.question.axis.written(x)}: {batch.wrong[key]}")
            self.runs[centred, x] = batch.outcomes[key]

    def task(self, x: float, centred: bool) -> Task:
        self.planner.size = Size(self.replications)
        text = f"{self.question.axis.path}={self.question.axis.written(x)}"
        try:
            return self.planner.task(self.question.template, [text], self.question.goal, centred)
        except ScenarioError as error:
            problems = [self.question.axis.blame(one) if one.file == "--set" else one for one in error.problems]
            if any(one.file == "--set" for one in error.problems):
                raise ScenarioError(problems, problems[0].file) from None
            raise ScenarioError(f"at {text}: {in_a_line(error)}") from None

    def find_direction(self) -> bool:
        """Whether the goal is met more often, else by more, at the high end than at the low."""
        ends = [self.margin(self.runs[False, x]) for x in (self.low, self.high)]
        chances = [float((one >= 0.0).mean()) for one in ends]
        if chances[0] != chances[1]:
            return chances[1] > chances[0]
        return float(np.mean(ends[1])) >= float(np.mean(ends[0]))

    def margin(self, outcome: Outcome) -> Floats:
        """By how much each period meets the goal."""
        values = outcome.measures[GOAL_VALUE].values + self.question.goal.booked
        margin = (values - self.question.goal.target) * (-1.0 if self.question.goal.at_most else 1.0)
        return np.where(np.isfinite(margin), margin, -np.inf)

    def margins(self, centred: bool) -> Margins:
        xs = sorted(x for which, x in self.runs if which == centred)
        places = self.place(np.array(xs))
        order = np.argsort(places)
        values = np.stack([self.margin(self.runs[centred, xs[i]]) for i in order], axis=1)
        return Margins(places[order], values, np.sort(self.place(self.only)) if self.only is not None else None)

    def place(self, xs: Floats) -> Floats:
        """x as a share of the way, rising with what helps."""
        axis = self.question.axis
        if axis.log:
            share = np.log(xs / self.low) / math.log(self.high / self.low)
        else:
            share = (xs - self.low) / (self.high - self.low)
        return share if self.more_helps else 1.0 - share

    def x_at(self, place: float) -> float:
        """The x at a share of the way."""
        if not math.isfinite(place):
            return math.nan
        share = place if self.more_helps else 1.0 - place
        x = self.low * (self.high / self.low) ** share if self.question.axis.log else (
            self.low + (self.high - self.low) * share)
        return self.allowed(x)

    def wanted(self, margins: Margins, with_interval: bool) -> list[float]:
        """Points that would sharpen the answer: amid brackets that are wide beside its interval; then it itself."""
        chance = chance_crossing(margins, self.question.chance)
        marks = [chance.at, *((chance.low, chance.high, mean_crossing(margins).at) if with_interval else ())]
        width = chance.high - chance.low
        enough = max(CLOSE, 0.5 * width if math.isfinite(width) else 0.1)
        found = []
        for mark in marks:
            if not math.isfinite(mark) or mark in margins.places:
                continue
            right = int(np.searchsorted(margins.places, mark))
            left, last = margins.places[right - 1], margins.places[right]
            if last - left > enough:
                found.append(float(mark if 0.2 < (mark - left) / (last - left) < 0.8 else 0.5 * (left + last)))
        if not found and math.isfinite(chance.at):
            found = [chance.at, *self.before(margins, chance.at)]
        known = {round(float(place), 9) for place in margins.places}
        xs = dict.fromkeys(self.x_at(place) for place in found)
        return [x for x in xs if round(float(self.place(np.array([x]))[0]), 9) not in known]

    def before(self, margins: Margins, place: float) -> list[float]:
        """Of whole numbers, the one before: it must surely not be enough."""
        if margins.only is None:
            return []
        lower = margins.only[margins.only < place - 1e-9]
        return [float(lower[-1])] if len(lower) else []

    def enough(self, margins: Margins, precision: float) -> int:
        """Replications that the precision of x will take."""
        found = self.answer(chance_crossing(margins, self.question.chance))
        half = abs(found.high - found.low) / 2.0
        if not math.isfinite(half) or not found.x or half <= precision * abs(found.x):
            return self.replications
        return min(MOST, math.ceil(self.replications * (half / (precision * abs(found.x))) ** 2 * 1.1))

    def answer(self, one: Crossing) -> Answer:
        """In x, the interval from low to high."""
        ends = (self.x_at(one.low), self.x_at(one.high))
        return Answer(self.x_at(one.at), *(ends if self.more_helps else ends[::-1]))

    def told(self, margins: Margins, known: Margins | None, teams: Sequence[str], currency: str, unit: str) -> Seek:
        chance, mean = chance_crossing(margins, self.question.chance), mean_crossing(margins)
        at_mean = float(margins.chances(np.array([mean.at]))[0]) if math.isfinite(mean.at) else math.nan
        without, cost = None, (0.0, 0.0, 0.0)
        if known is not None:
            crossing = chance_crossing(known, self.question.chance)
            without = self.answer(crossing)
            cost = self.cost(chance, crossing, margins, known)
        xs = sorted(x for which, x in self.runs if not which)
        leads = self.question.template.loaded.scenario.leads_in_flight
        return Seek(self.question, [self.node(x, teams) for x in xs], self.answer(chance), self.answer(mean), without,
                    cost, self.more_helps, self.replications, at_mean, len(leads) if isinstance(leads, tuple) else 0,
                    currency, unit, tuple(sorted(outcome.key for outcome in self.runs.values())))

    def cost(self, one: Crossing, other: Crossing, margins: Margins, known: Margins) -> tuple[float, float, float]:
        """How much more x the goal takes because of what is not known."""
        if not (math.isfinite(one.at) and math.isfinite(other.at)):
            return math.nan, math.nan, math.nan
        base = self.x_at(other.at)
        low, high = difference(margins, known, self.question.chance)
        first, last = (self.x_at(min(max(other.at + apart, 0.0), 1.0)) - base if math.isfinite(apart) else math.nan
                       for apart in ((low, high) if self.more_helps else (high, low)))
        return self.x_at(one.at) - base, first, last

    def node(self, x: float, teams: Sequence[str]) -> Node:
        outcome = self.runs[False, x]
        share = float((self.margin(outcome) >= 0.0).mean())
        low, high = limits(np.array([share]), outcome.replications)
        values = outcome.measures[GOAL_VALUE].values + self.question.goal.booked
        there = values[np.isfinite(values)]
        least, most = np.quantile(there, [0.05, 0.95]) if len(there) else (math.nan, math.nan)
        busy = {team: outcome.estimate(f"calendar.utilisation.{team}").mean for team in teams}
        mean = float(there.mean()) if len(there) else math.nan
        return Node(self.question.axis.written(x), x, share, float(low[0]), float(high[0]), mean, float(least),
                    float(most),
                    {team: one for team, one in busy.items() if math.isfinite(one)}, outcome.key)


class Quiet(Watch):
    """Hears only progress: points found from before are no news in a search."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    def progress(self, what: str, done: int, total: int) -> None:
        self.watch.progress(what, done, total)

    def clear(self) -> None:
        self.watch.clear()
