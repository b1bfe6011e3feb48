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

from funnelsim.errors import FunnelsimError, Problem, ScenarioError, UsageError, collect_errors, did_you_mean
from funnelsim.measures import Estimate, Measure
from funnelsim.progress import Progress
from funnelsim.scenario.template import ScenarioTemplate
from funnelsim.study.anchor import Anchor
from funnelsim.study.axes import Axis, SamplingDesign, points
from funnelsim.study.batch import PointBatch, one_line
from funnelsim.study.goals import GOAL, MeasureGoal, check_date, goal_of, possible_measures
from funnelsim.study.point import PointResult, RunSize, estimate_of, linear_values
from funnelsim.study.point_store import PointStore
from funnelsim.study.task_builder import TaskBuilder
from funnelsim.typing import FloatArray

DEFAULT_MEASURES = ("cohort.won", "cohort.revenue", "cohort.profit")


@dataclass(frozen=True)
class SweepSpec:
    """What is asked."""

    templates: Sequence[ScenarioTemplate]
    axes: Sequence[Axis]
    measures: tuple[str, ...] = DEFAULT_MEASURES  # keys as in measures.csv; "goal" is the chance of the goal
    design: SamplingDesign = field(default_factory=SamplingDesign)
    size: RunSize = field(default_factory=RunSize)
    seed: int = 1  # of the luck, and of the points of a random design
    goal: MeasureGoal | None = None  # by default the one that the first scenario names
    engine: str = "fast"
    anchors: tuple[Anchor, ...] = ()  # of the templates as they are; by default found here

    @property
    def names(self) -> list[str]:
        """Of the scenarios, each once."""
        names: list[str] = []
        for i, template in enumerate(self.templates):
            name = template.loaded.scenario.name or f"scenario {i + 1}"
            names.append(name if name not in names else f"{name} ({i + 1})")
        return names


@dataclass(frozen=True)
class SweepCell:
    """One scenario at one point."""

    scenario: str
    point: tuple[str, ...]  # a value for each axis
    outcome: PointResult | None  # none: it failed
    error: str = ""
    fresh: bool = True  # run now; else found from before


@dataclass(frozen=True)
class Sweep:
    """What a sweep gave: its cells, scenario by scenario within each point."""

    spec: SweepSpec  # with measures by their full keys, the goal and the anchors
    points: list[tuple[str, ...]]
    cells: list[SweepCell] = field(repr=False)
    currency: str

    @property
    def failed(self) -> list[SweepCell]:
        return [cell for cell in self.cells if cell.outcome is None]

    def of(self, scenario: str) -> list[SweepCell]:
        """The cells of a scenario, in the order of the points."""
        return [cell for cell in self.cells if cell.scenario == scenario]

    def measure(self, cell: SweepCell, name: str) -> Measure | None:
        """A measure of a cell; nothing where it failed or has no such figure."""
        measure = cell.outcome.measures[name] if cell.outcome is not None else None
        return measure if measure is not None and np.isfinite(measure.values).any() else None

    def estimate(self, cell: SweepCell, name: str) -> Estimate | None:
        """Mean, simulation error and the spread of one period."""
        measure = self.measure(cell, name)
        return estimate_of(measure) if measure is not None else None

    def curves(self, scenario: str, name: str) -> tuple[list[tuple[str, ...]], FloatArray]:
        """Points that have the measure, and its values [replication, point] on the luck they have in common."""
        there = [
            (cell.point, measure) for cell in self.of(scenario) if (measure := self.measure(cell, name)) is not None
        ]
        shortest = min((len(measure.top) for _, measure in there), default=0)
        columns = [linear_values(_first_replications(measure, shortest)) for _, measure in there]
        return [point for point, _ in there], np.array(columns).T.reshape(shortest, len(there))

    def difference(self, base: SweepCell, other: SweepCell, name: str) -> FloatArray | None:
        """A measure of one cell less that of another at the same point, replication by replication."""
        one, two = self.measure(base, name), self.measure(other, name)
        if one is None or two is None:
            return None
        n = min(len(one.top), len(two.top))
        values: FloatArray = linear_values(_first_replications(two, n)) - linear_values(_first_replications(one, n))
        return values


def sweep(
    spec: SweepSpec,
    store: PointStore | None = None,
    executor: Executor | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Sweep:
    """Run all points that are not in the store yet; each is kept as soon as it is finished.

    `executor` runs the points, by default `threads` threads here. A point that fails is reported and the rest goes on.
    Raises ScenarioError when an axis can take none of its values, UsageError for an unknown measure.
    """
    progress, store = progress or Progress(), store or PointStore(None)
    every = points(spec.axes, spec.design, spec.seed)
    check_axes(spec)
    builder = TaskBuilder(
        spec.seed,
        spec.templates[0].loaded.scenario.seed,
        spec.size,
        engine=spec.engine,
        threads=threads,
        progress=progress,
    )
    spec, currency = complete(spec, builder)
    builder.measures = spec.measures
    run = PointBatch(
        "sweeping", store, executor, threads or os.cpu_count() or 1, len(every) * len(spec.templates), progress
    )
    try:
        for point in every:
            for template, name in zip(spec.templates, spec.names, strict=True):
                _submit(run, spec, builder, template, name, point)
        run.finish()
    finally:
        run.close()
    cells = [
        SweepCell(row.name, row.point, run.outcomes.get(row.key), run.error_of(row), row.key in run.fresh)
        for row in run.rows
    ]
    return Sweep(spec, every, cells, currency)


def check_axes(spec: SweepSpec) -> None:
    """Refuse an axis of which no scenario can take any value: a path that is wrong, not a point that fails."""
    problems: list[Problem] = []
    for axis in spec.axes:
        for template in spec.templates:
            problems += _axis_problems(template, axis)
    if problems:
        raise ScenarioError(list(dict.fromkeys(problems)), problems[0].file)


def complete(spec: SweepSpec, builder: TaskBuilder) -> tuple[SweepSpec, str]:
    """The study with its goal, its anchors and the full keys of its measures; and the currency of the figures.

    UsageError for a measure that no scenario can give: `won` stands for cohort.won.
    """
    known: dict[str, Measure] = {}
    books, anchors = [], []
    for i, template in enumerate(spec.templates):
        blueprint, anchor = builder.compiled(template, (), spec.anchors[i] if spec.anchors else None)
        known |= possible_measures(blueprint.centre, blueprint.book)
        books.append(blueprint.book)
        anchors.append(anchor)
    if len({book.currency for book in books}) > 1:
        raise UsageError("the scenarios count money in different currencies")
    goal = spec.goal or goal_of(spec.templates[0].loaded.scenario)
    if GOAL in spec.measures and goal is None:
        raise UsageError(
            "the chance of the goal is asked for, and no goal is named: write `goal: {wins: 200, by: "
            "2026-12-31}` in the scenario, or --goal"
        )
    if GOAL in spec.measures and goal is not None:
        check_date(goal, blueprint.centre, blueprint.book)
    measures = tuple(dict.fromkeys(collect_errors(partial(full_key, name, known) for name in spec.measures)))
    return replace(spec, measures=measures, goal=goal if GOAL in measures else None, anchors=tuple(anchors)), str(
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


def _axis_problems(template: ScenarioTemplate, axis: Axis) -> list[Problem]:
    """What is wrong with the first value of an axis when all are refused; nothing when one is taken."""
    first: list[Problem] = []
    for value in axis.values or (axis.at(0.0), axis.at(1.0)):
        try:
            template.with_overrides([f"{axis.path}={value}"])
            return []
        except ScenarioError as error:
            first = first or error.problems
    return [axis.blame(problem) if problem.file == "--set" else problem for problem in first]


def _submit(
    run: PointBatch,
    spec: SweepSpec,
    builder: TaskBuilder,
    template: ScenarioTemplate,
    name: str,
    point: tuple[str, ...],
) -> None:
    overrides = [f"{axis.path}={value}" for axis, value in zip(spec.axes, point, strict=True)]
    try:
        task = builder.task(template, overrides, spec.goal)
    except FunnelsimError as error:
        run.failed(name, point, one_line(error))
        return
    run.submit(task, name, point)


def _first_replications(measure: Measure, n: int) -> Measure:
    bottom = measure.bottom[:n] if measure.bottom is not None else None
    return Measure(measure.window, measure.name, measure.of, measure.unit, measure.top[:n], bottom)
