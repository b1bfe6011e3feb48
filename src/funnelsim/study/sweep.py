"""Sweep: scenarios at many points of their settings, on the same luck at each point.

Replication r has the same luck and the same draw of what is not known at every point and in every scenario, so a curve
over an axis is far smoother than its bands: the bands say where the curve lies, the luck in common says which way it
goes. Points are planned one by one and run on any executor of `concurrent.futures`; finished ones are kept at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from funnelsim.errors import FunnelsimError, Problem, ScenarioError, UsageError, did_you_mean, every_mistake
from funnelsim.measures import Estimate, Measure
from funnelsim.progress import Progress
from funnelsim.scenario.template import Template
from funnelsim.study.anchor import Anchor
from funnelsim.study.axes import Axis, Design, points
from funnelsim.study.batch import Batch, in_a_line
from funnelsim.study.goals import GOAL, Goal, check_date, goal_of, possible_measures
from funnelsim.study.point import Outcome, Size, estimate_of, linear_values
from funnelsim.study.point_store import Store
from funnelsim.study.task_builder import Planner

Floats = NDArray[np.float64]
USUAL = ("cohort.won", "cohort.revenue", "cohort.profit")


@dataclass(frozen=True)
class Study:
    """What is asked."""

    templates: Sequence[Template]
    axes: Sequence[Axis]
    measures: tuple[str, ...] = USUAL  # keys as in measures.csv; "goal" is the chance of the goal
    design: Design = field(default_factory=Design)
    size: Size = field(default_factory=Size)
    seed: int = 1  # of the luck, and of the points of a random design
    goal: Goal | None = None  # by default the one that the first scenario names
    engine: str = "fast"
    anchors: tuple[Anchor, ...] = ()  # of the templates as they are; by default found here

    @property
    def names(self) -> list[str]:
        """Of the scenarios, each once."""
        found: list[str] = []
        for i, template in enumerate(self.templates):
            name = template.loaded.scenario.name or f"scenario {i + 1}"
            found.append(name if name not in found else f"{name} ({i + 1})")
        return found


@dataclass(frozen=True)
class Cell:
    """One scenario at one point."""

    scenario: str
    point: tuple[str, ...]  # a value for each axis
    outcome: Outcome | None  # none: it failed
    error: str = ""
    fresh: bool = True  # run now; else found from before


@dataclass(frozen=True)
class Sweep:
    """What a sweep gave: its cells, scenario by scenario within each point."""

    study: Study  # with measures by their full keys, the goal and the anchors
    points: list[tuple[str, ...]]
    cells: list[Cell] = field(repr=False)
    currency: str

    @property
    def failed(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.outcome is None]

    def of(self, scenario: str) -> list[Cell]:
        """The cells of a scenario, in the order of the points."""
        return [cell for cell in self.cells if cell.scenario == scenario]

    def measure(self, cell: Cell, name: str) -> Measure | None:
        """A measure of a cell; nothing where it failed or has no such figure."""
        found = cell.outcome.measures[name] if cell.outcome is not None else None
        return found if found is not None and np.isfinite(found.values).any() else None

    def estimate(self, cell: Cell, name: str) -> Estimate | None:
        """Mean, simulation error and the spread of one period."""
        found = self.measure(cell, name)
        return estimate_of(found) if found is not None else None

    def curves(self, scenario: str, name: str) -> tuple[list[tuple[str, ...]], Floats]:
        """Points that have the measure, and its values [replication, point] on the luck they have in common."""
        there = [(cell.point, found) for cell in self.of(scenario) if (found := self.measure(cell, name)) is not None]
        shortest = min((len(found.numerator) for _, found in there), default=0)
        columns = [linear_values(_first(found, shortest)) for _, found in there]
        return [point for point, _ in there], np.array(columns).T.reshape(shortest, len(there))

    def difference(self, base: Cell, other: Cell, name: str) -> Floats | None:
        """A measure of one cell less that of another at the same point, replication by replication."""
        one, two = self.measure(base, name), self.measure(other, name)
        if one is None or two is None:
            return None
        n = min(len(one.numerator), len(two.numerator))
        values: Floats = linear_values(_first(two, n)) - linear_values(_first(one, n))
        return values


def sweep(
    study: Study,
    store: Store | None = None,
    executor: Executor | None = None,
    threads: int | None = None,
    watch: Progress | None = None,
) -> Sweep:
    """Run all points that are not in the store yet; each is kept as soon as it is finished.

    `executor` runs the points, by default `threads` threads here. A point that fails is reported and the rest goes on.
    Raises ScenarioError when an axis can take none of its values, UsageError for an unknown measure.
    """
    watch, store = watch or Progress(), store or Store(None)
    every = points(study.axes, study.design, study.seed)
    check_axes(study)
    planner = Planner(
        study.seed,
        study.templates[0].loaded.scenario.seed,
        study.size,
        engine=study.engine,
        threads=threads,
        watch=watch,
    )
    study, currency = complete(study, planner)
    planner.measures = study.measures
    run = Batch("sweeping", store, executor, threads or os.cpu_count() or 1, len(every) * len(study.templates), watch)
    try:
        for point in every:
            for template, name in zip(study.templates, study.names, strict=True):
                _start(run, study, planner, template, name, point)
        run.finish()
    finally:
        run.close()
    cells = [
        Cell(row.name, row.point, run.outcomes.get(row.key), run.error_of(row), row.key in run.fresh)
        for row in run.rows
    ]
    return Sweep(study, every, cells, currency)


def check_axes(study: Study) -> None:
    """Refuse an axis of which no scenario can take any value: a path that is wrong, not a point that fails."""
    problems: list[Problem] = []
    for axis in study.axes:
        for template in study.templates:
            problems += _refusal(template, axis)
    if problems:
        raise ScenarioError(list(dict.fromkeys(problems)), problems[0].file)


def complete(study: Study, planner: Planner) -> tuple[Study, str]:
    """The study with its goal, its anchors and the full keys of its measures; and the currency of the figures.

    UsageError for a measure that no scenario can give: `won` stands for cohort.won.
    """
    known: dict[str, Measure] = {}
    books, anchors = [], []
    for i, template in enumerate(study.templates):
        blueprint, anchor = planner.compiled(template, (), study.anchors[i] if study.anchors else None)
        known |= possible_measures(blueprint.centre, blueprint.book)
        books.append(blueprint.book)
        anchors.append(anchor)
    if len({book.currency for book in books}) > 1:
        raise UsageError("the scenarios count money in different currencies")
    goal = study.goal or goal_of(study.templates[0].loaded.scenario)
    if GOAL in study.measures and goal is None:
        raise UsageError(
            "the chance of the goal is asked for, and no goal is named: write `goal: {wins: 200, by: "
            "2026-12-31}` in the scenario, or --goal"
        )
    if GOAL in study.measures and goal is not None:
        check_date(goal, blueprint.centre, blueprint.book)
    measures = tuple(dict.fromkeys(every_mistake(partial(full_key, name, known) for name in study.measures)))
    return replace(study, measures=measures, goal=goal if GOAL in measures else None, anchors=tuple(anchors)), str(
        books[0].currency
    )


def full_key(name: str, known: Mapping[str, Measure], also: Iterable[str] = ()) -> str:
    """The key of a measure: `won` stands for cohort.won. UsageError when there is none; `also` may have been meant."""
    for key in (name, f"cohort.{name}", f"calendar.{name}"):
        if key in known or key == GOAL:
            return key
    names = [GOAL, *also, *known, *(key.partition(".")[2] for key in known)]
    hint = did_you_mean(name, names) or f"such as {', '.join(list(known)[:6])}"
    raise UsageError(f"there is no measure '{name}'. {hint}")


def _refusal(template: Template, axis: Axis) -> list[Problem]:
    """What is wrong with the first value of an axis when all are refused; nothing when one is taken."""
    first: list[Problem] = []
    for value in axis.values or (axis.at(0.0), axis.at(1.0)):
        try:
            template.vary([f"{axis.path}={value}"])
            return []
        except ScenarioError as error:
            first = first or error.problems
    return [axis.blame(problem) if problem.file == "--set" else problem for problem in first]


def _start(run: Batch, study: Study, planner: Planner, template: Template, name: str, point: tuple[str, ...]) -> None:
    sets = [f"{axis.path}={value}" for axis, value in zip(study.axes, point, strict=True)]
    try:
        task = planner.task(template, sets, study.goal)
    except FunnelsimError as error:
        run.failed(name, point, in_a_line(error))
        return
    run.submit(task, name, point)


def _first(measure: Measure, n: int) -> Measure:
    bottom = measure.denominator[:n] if measure.denominator is not None else None
    return Measure(measure.window, measure.name, measure.of, measure.unit, measure.numerator[:n], bottom)
