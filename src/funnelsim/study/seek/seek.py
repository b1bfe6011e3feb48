"""Seek: the smallest x that meets a goal with a wanted chance, and what stands in the way when there is none.

All points run on the same luck (`level_search` says which, `level_crossing` what they tell). x is what helps: where
more of it harms, as with a slower promise, the largest is sought. The same once more with everything unknown at its
centre says what ignorance costs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

import numpy as np

from funnelsim.progress import Progress
from funnelsim.scenario.template import ScenarioTemplate
from funnelsim.study.anchor import Anchor
from funnelsim.study.axes import Axis
from funnelsim.study.goals import GOAL, GOAL_VALUE, MeasureGoal, check_date
from funnelsim.study.point import PointResult, RunSize
from funnelsim.study.point_store import PointStore
from funnelsim.study.seek.level_crossing import (
    LevelCrossing,
    Margins,
    chance_crossing,
    difference,
    limits,
    mean_crossing,
)
from funnelsim.study.seek.level_search import LevelSearch, goal_margin
from funnelsim.study.task_builder import TaskBuilder

FULL = 0.95  # utilisation above which a team is taken to be the limit
CLEAR = 0.02  # of the range: a pilot's point nearer to the full ones tells nothing more
MOST = 5000  # replications, when a precision is wanted


@dataclass(frozen=True)
class SeekSpec:
    """What is sought."""

    template: ScenarioTemplate
    axis: Axis
    goal: MeasureGoal
    chance: float = 0.8
    size: RunSize = field(default_factory=lambda: RunSize(100))  # precision: half the interval, relative to x
    seed: int = 1
    engine: str = "fast"
    anchors: tuple[Anchor, ...] = ()  # of the template as it is; by default found here


@dataclass(frozen=True)
class SeekPoint:
    """A point that was run."""

    text: str  # "140/week"
    x: float
    replications: int  # of the pilot fewer than of the others
    chance: float  # share of periods that met the goal
    low: float  # its exact 90 % limits
    high: float
    mean: float  # of what the goal is about
    period_low: float  # central 90 % of periods
    period_high: float
    busy: dict[str, float]  # utilisation by team
    key: str


@dataclass(frozen=True)
class InputEstimate:
    """A value of x with its 90 % interval; nan = beyond the range on that side."""

    x: float
    low: float
    high: float


@dataclass(frozen=True)
class SeekAnswer:
    """What was found."""

    spec: SeekSpec  # with its anchors
    points: list[SeekPoint]  # in the order of x
    answer: InputEstimate  # by chance
    mean: InputEstimate  # where the mean meets the goal
    known: InputEstimate | None  # by chance, were everything known at its centre; none = nothing is unknown
    cost: tuple[float, float, float]  # of ignorance: how much more x, with its 90 % interval
    more_helps: bool  # else the largest x is sought
    replications: int
    chance_at_mean: float  # of the goal, at the mean answer
    in_flight: int  # open leads at the start
    currency: str
    unit: str  # of what the goal is about
    keys: tuple[str, ...]  # of all points that were run

    @property
    def full(self) -> list[SeekPoint]:
        """The nodes that were run in full, not by the pilot alone."""
        return [node for node in self.points if node.replications == self.replications]

    @property
    def met(self) -> bool:
        """Whether the goal can be met with the wanted chance within the range."""
        return math.isfinite(self.answer.x)

    @property
    def at_once(self) -> bool:
        """Whether the goal is met with the wanted chance where x helps least."""
        order = self.points if self.more_helps else self.points[::-1]
        return self.met and self.answer.x == order[0].x

    @property
    def best(self) -> SeekPoint:
        """Of the nodes run in full, the one with the highest chance; of equals that with the highest mean margin."""
        sign = -1.0 if self.spec.goal.at_most else 1.0
        return max(self.full, key=lambda node: (node.chance, sign * node.mean))

    @property
    def turns(self) -> bool:
        """Whether the chance surely falls again beyond its highest."""
        order = self.points if self.more_helps else self.points[::-1]
        after = order[order.index(self.best) + 1 :]
        return any(node.high < self.best.low for node in after)

    @property
    def binding(self) -> tuple[str, float, SeekPoint | None] | None:
        """The team that is busiest where most x would help, how busy, and the first node at which it is full."""
        order = self.points if self.more_helps else self.points[::-1]
        end = order[-1]
        if not end.busy:
            return None
        team = max(end.busy, key=lambda one: end.busy[one])
        full = next((node for node in order if node.busy[team] >= FULL), None)
        return team, end.busy[team], full

    def text(self, x: float) -> str:
        """A value of x as the scenario has it."""
        return self.spec.axis.written(x)


def seek(
    spec: SeekSpec,
    store: PointStore | None = None,
    executor: Executor | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> SeekAnswer:
    """Find the answer. UsageError for an axis without numbers; ScenarioError where the scenario cannot be so."""
    progress = progress or Progress()
    builder = TaskBuilder(
        spec.seed, spec.template.loaded.scenario.seed, spec.size, (GOAL,), spec.engine, threads, progress
    )
    blueprint, anchor = builder.compiled(spec.template, (), spec.anchors[0] if spec.anchors else None)
    check_date(spec.goal, blueprint.centre, blueprint.book)
    teams = blueprint.book.teams
    builder.measures = (GOAL, *(f"calendar.utilisation.{team}" for team in teams))
    search = LevelSearch(
        spec.template,
        spec.axis,
        spec.goal,
        spec.chance,
        spec.size.replications,
        builder,
        store or PointStore(None),
        executor,
        progress,
    )
    margins = _search_to_precision(search, spec)
    known = search.solve(at_centre=True) if blueprint.uncertain else None
    answer = _seek_answer(replace(spec, anchors=(anchor,)), search, margins, known)
    unit = next(iter(search.drawn.full.values())).measures[GOAL_VALUE].unit
    return replace(answer, currency=blueprint.book.currency, unit=unit, points=seek_points(search, teams))


def _search_to_precision(search: LevelSearch, spec: SeekSpec) -> Margins:
    """Search, and again with more replications until the answer is as precise as was asked."""
    margins = search.solve()
    while spec.size.precision is not None and search.replications < MOST:
        estimate = _input_estimate(search, chance_crossing(margins, spec.chance))
        half, wanted = abs(estimate.high - estimate.low) / 2.0, spec.size.precision * abs(estimate.x)
        if not math.isfinite(half) or not estimate.x or half <= wanted:
            break
        margins = search.with_more_replications(min(MOST, math.ceil(search.replications * (half / wanted) ** 2 * 1.1)))
    return margins


def _seek_answer(spec: SeekSpec, search: LevelSearch, margins: Margins, known: Margins | None) -> SeekAnswer:
    """What the points say."""
    chance, mean = chance_crossing(margins, spec.chance), mean_crossing(margins)
    at_mean = float(margins.chances(np.array([mean.place]))[0]) if math.isfinite(mean.place) else math.nan
    without, cost = None, (0.0, 0.0, 0.0)
    if known is not None:
        crossing = chance_crossing(known, spec.chance)
        without = _input_estimate(search, crossing)
        cost = _cost_of_ignorance(search, chance, crossing, difference(margins, known, spec.chance))
    leads = spec.template.loaded.scenario.leads_in_flight
    return SeekAnswer(
        spec,
        [],
        _input_estimate(search, chance),
        _input_estimate(search, mean),
        without,
        cost,
        search.more_helps,
        search.replications,
        at_mean,
        len(leads) if isinstance(leads, tuple) else 0,
        "",
        "",
        search.keys(),
    )


def _input_estimate(search: LevelSearch, one: LevelCrossing) -> InputEstimate:
    """In x, the interval from low to high."""
    ends = (search.x_at(one.low), search.x_at(one.high))
    return InputEstimate(search.x_at(one.place), *(ends if search.more_helps else ends[::-1]))


def _cost_of_ignorance(
    search: LevelSearch, one: LevelCrossing, other: LevelCrossing, apart: tuple[float, float]
) -> tuple[float, float, float]:
    """How much more x the goal takes because of what is not known; `apart` are the limits of that on the way."""
    if not (math.isfinite(one.place) and math.isfinite(other.place)):
        return math.nan, math.nan, math.nan
    base = search.x_at(other.place)
    low, high = apart if search.more_helps else apart[::-1]
    first, last = (
        search.x_at(min(max(other.place + end, 0.0), 1.0)) - base if math.isfinite(end) else math.nan
        for end in (low, high)
    )
    return search.x_at(one.place) - base, first, last


def seek_points(search: LevelSearch, teams: Sequence[str]) -> list[SeekPoint]:
    """The points that were run as things are, in the order of x; of the pilot's those away from the full ones."""
    full = search.drawn.full
    near = CLEAR * (search.high - search.low)
    every = {x: one for x, one in search.drawn.pilot.items() if not min(full) - near <= x <= max(full) + near} | full
    return [seek_point(search.axis.written(x), x, every[x], search.goal, teams) for x in sorted(every)]


def seek_point(text: str, x: float, outcome: PointResult, goal: MeasureGoal, teams: Sequence[str]) -> SeekPoint:
    """What a point says of the goal."""
    share = float((goal_margin(outcome, goal) >= 0.0).mean())
    low, high = limits(np.array([share]), outcome.replications)
    values = outcome.measures[GOAL_VALUE].values + goal.booked
    there = values[np.isfinite(values)]
    period_low, period_high = np.quantile(there, [0.05, 0.95]) if len(there) else (math.nan, math.nan)
    busy = {team: outcome.estimate(f"calendar.utilisation.{team}").mean for team in teams}
    return SeekPoint(
        text,
        x,
        outcome.replications,
        share,
        float(low[0]),
        float(high[0]),
        float(there.mean()) if len(there) else math.nan,
        float(period_low),
        float(period_high),
        {team: one for team, one in busy.items() if math.isfinite(one)},
        outcome.key,
    )
