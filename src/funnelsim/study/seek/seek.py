"""Seek: the smallest x that meets a goal with a wanted chance, and what stands in the way when there is none.

All points run on the same luck (`search` says which, `crossing` what they tell). x is what helps: where more of it
harms, as with a slower promise, the largest is sought. The same once more with everything unknown at its centre says
what ignorance costs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

import numpy as np

from funnelsim.progress import Progress
from funnelsim.scenario.template import Template
from funnelsim.study.anchor import Anchor
from funnelsim.study.axes import Axis
from funnelsim.study.goals import GOAL, GOAL_VALUE, Goal, check_date
from funnelsim.study.point import Outcome, Size
from funnelsim.study.point_store import Store
from funnelsim.study.seek.level_crossing import Crossing, Margins, chance_crossing, difference, limits, mean_crossing
from funnelsim.study.seek.search import Search, margin_of
from funnelsim.study.task_builder import Planner

FULL = 0.95  # utilisation above which a team is taken to be the limit
CLEAR = 0.02  # of the range: a pilot's point nearer to the full ones tells nothing more
MOST = 5000  # replications, when a precision is wanted


@dataclass(frozen=True)
class Question:
    """What is sought."""

    template: Template
    axis: Axis
    goal: Goal
    chance: float = 0.8
    size: Size = field(default_factory=lambda: Size(100))  # precision: half the interval, relative to x
    seed: int = 1
    engine: str = "fast"
    anchors: tuple[Anchor, ...] = ()  # of the template as it is; by default found here


@dataclass(frozen=True)
class Node:
    """A point that was run."""

    text: str  # "140/week"
    x: float
    replications: int  # of the pilot fewer than of the others
    chance: float  # share of periods that met the goal
    low: float  # its exact 90 % limits
    high: float
    mean: float  # of what the goal is about
    least: float  # central 90 % of periods
    most: float
    busy: dict[str, float]  # utilisation by team
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

    question: Question  # with its anchors
    nodes: list[Node]  # in the order of x
    answer: Answer  # by chance
    mean: Answer  # where the mean meets the goal
    known: Answer | None  # by chance, were everything known at its centre; none = nothing is unknown
    cost: tuple[float, float, float]  # of ignorance: how much more x, with its 90 % interval
    more_helps: bool  # else the largest x is sought
    replications: int
    chance_at_mean: float  # of the goal, at the mean answer
    in_flight: int  # open leads at the start
    currency: str
    unit: str  # of what the goal is about
    keys: tuple[str, ...]  # of all points that were run

    @property
    def full(self) -> list[Node]:
        """The nodes that were run in full, not by the pilot alone."""
        return [node for node in self.nodes if node.replications == self.replications]

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
        """Of the nodes run in full, the one with the highest chance; of equals that with the highest mean margin."""
        sign = -1.0 if self.question.goal.at_most else 1.0
        return max(self.full, key=lambda node: (node.chance, sign * node.mean))

    @property
    def turns(self) -> bool:
        """Whether the chance surely falls again beyond its highest."""
        order = self.nodes if self.more_helps else self.nodes[::-1]
        after = order[order.index(self.best) + 1 :]
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


def seek(
    question: Question,
    store: Store | None = None,
    executor: Executor | None = None,
    threads: int | None = None,
    watch: Progress | None = None,
) -> Seek:
    """Find the answer. UsageError for an axis without numbers; ScenarioError where the scenario cannot be so."""
    watch = watch or Progress()
    planner = Planner(
        question.seed, question.template.loaded.scenario.seed, question.size, (GOAL,), question.engine, threads, watch
    )
    blueprint, anchor = planner.compiled(question.template, (), question.anchors[0] if question.anchors else None)
    check_date(question.goal, blueprint.centre, blueprint.book)
    teams = blueprint.book.teams
    planner.measures = (GOAL, *(f"calendar.utilisation.{team}" for team in teams))
    search = Search(
        question.template,
        question.axis,
        question.goal,
        question.chance,
        question.size.replications,
        planner,
        store or Store(None),
        executor,
        watch,
    )
    margins = _precise(search, question)
    known = search.solve(centred=True) if blueprint.uncertain else None
    found = _told(replace(question, anchors=(anchor,)), search, margins, known)
    unit = next(iter(search.drawn.full.values())).measures[GOAL_VALUE].unit
    return replace(found, currency=blueprint.book.currency, unit=unit, nodes=nodes_of(search, teams))


def _precise(search: Search, question: Question) -> Margins:
    """Search, and again with more replications until the answer is as precise as was asked."""
    margins = search.solve()
    while question.size.precision is not None and search.replications < MOST:
        found = _answer(search, chance_crossing(margins, question.chance))
        half, wanted = abs(found.high - found.low) / 2.0, question.size.precision * abs(found.x)
        if not math.isfinite(half) or not found.x or half <= wanted:
            break
        margins = search.again(min(MOST, math.ceil(search.replications * (half / wanted) ** 2 * 1.1)))
    return margins


def _told(question: Question, search: Search, margins: Margins, known: Margins | None) -> Seek:
    """What the points say."""
    chance, mean = chance_crossing(margins, question.chance), mean_crossing(margins)
    at_mean = float(margins.chances(np.array([mean.at]))[0]) if math.isfinite(mean.at) else math.nan
    without, cost = None, (0.0, 0.0, 0.0)
    if known is not None:
        crossing = chance_crossing(known, question.chance)
        without = _answer(search, crossing)
        cost = _cost(search, chance, crossing, difference(margins, known, question.chance))
    leads = question.template.loaded.scenario.leads_in_flight
    return Seek(
        question,
        [],
        _answer(search, chance),
        _answer(search, mean),
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


def _answer(search: Search, one: Crossing) -> Answer:
    """In x, the interval from low to high."""
    ends = (search.x_at(one.low), search.x_at(one.high))
    return Answer(search.x_at(one.at), *(ends if search.more_helps else ends[::-1]))


def _cost(search: Search, one: Crossing, other: Crossing, apart: tuple[float, float]) -> tuple[float, float, float]:
    """How much more x the goal takes because of what is not known; `apart` are the limits of that on the way."""
    if not (math.isfinite(one.at) and math.isfinite(other.at)):
        return math.nan, math.nan, math.nan
    base = search.x_at(other.at)
    low, high = apart if search.more_helps else apart[::-1]
    first, last = (
        search.x_at(min(max(other.at + end, 0.0), 1.0)) - base if math.isfinite(end) else math.nan
        for end in (low, high)
    )
    return search.x_at(one.at) - base, first, last


def nodes_of(search: Search, teams: Sequence[str]) -> list[Node]:
    """The points that were run as things are, in the order of x; of the pilot's those away from the full ones."""
    full = search.drawn.full
    near = CLEAR * (search.high - search.low)
    every = {x: one for x, one in search.drawn.pilot.items() if not min(full) - near <= x <= max(full) + near} | full
    return [node_of(search.axis.written(x), x, every[x], search.goal, teams) for x in sorted(every)]


def node_of(text: str, x: float, outcome: Outcome, goal: Goal, teams: Sequence[str]) -> Node:
    """What a point says of the goal."""
    share = float((margin_of(outcome, goal) >= 0.0).mean())
    low, high = limits(np.array([share]), outcome.replications)
    values = outcome.measures[GOAL_VALUE].values + goal.booked
    there = values[np.isfinite(values)]
    least, most = np.quantile(there, [0.05, 0.95]) if len(there) else (math.nan, math.nan)
    busy = {team: outcome.estimate(f"calendar.utilisation.{team}").mean for team in teams}
    return Node(
        text,
        x,
        outcome.replications,
        share,
        float(low[0]),
        float(high[0]),
        float(there.mean()) if len(there) else math.nan,
        float(least),
        float(most),
        {team: one for team, one in busy.items() if math.isfinite(one)},
        outcome.key,
    )
