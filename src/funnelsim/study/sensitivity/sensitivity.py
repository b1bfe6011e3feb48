"""Sensitivity: which inputs move an answer, on frozen luck.

The answer is a measure of one scenario, or what another brings more than a base, as a function of the inputs: every
point has the same luck, the same few periods, so the function has one value at a point and its differences are those of
the inputs. (Queues jump with the smallest change, so a little of the luck stays, as what inputs do together.)

    ends        each input alone at its low and high end, all others as written: the tornado
    screening   where there are more inputs than `keep`: elementary effects; the `keep` largest go on, and what the
                others may take part in is told
    indices     Sobol indices of those; the others stay as written
    knowing     what it would bring to know each unknown, from the draws among the same points (`value_of_information`)

Formulas and sources are with `indices` and `value_of_information`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

import numpy as np

from funnelsim.compile import Blueprint
from funnelsim.compile.parameter_draws import Places
from funnelsim.errors import FunnelsimError, RunError, UsageError
from funnelsim.measures import Measure
from funnelsim.measures.estimate import one_period, t_quantile
from funnelsim.progress import Progress
from funnelsim.scenario.template import ScenarioTemplate
from funnelsim.study.anchor import Anchor
from funnelsim.study.batch import PointBatch, one_line
from funnelsim.study.point import PointTask, linear_values, with_key
from funnelsim.study.point_store import PointStore
from funnelsim.study.sensitivity.indices import (
    ElementaryEffect,
    SobolIndex,
    elementary_effects,
    morris_points,
    saltelli_points,
    sobol_indices,
)
from funnelsim.study.sensitivity.inputs import SensitivityInput, features_of, inputs_of
from funnelsim.study.sensitivity.value_of_information import InformationValue, information_values
from funnelsim.study.sweep import SweepSpec, check_axes, complete
from funnelsim.study.task_builder import TaskBuilder
from funnelsim.typing import FloatArray

MORE_IS_BETTER = ("won", "revenue", "profit", "roi", "goal")  # of these the better scenario is chosen
_AT_HAND = 4  # compiled variants of a template that neighbouring points share


@dataclass(frozen=True)
class SensitivitySpec:
    """What is asked: of one scenario, or of the second against the first."""

    sweep: SweepSpec  # scenarios, axes, one measure, replications, seed
    rows: int = 64  # of the indices: each costs 2 + inputs points
    trajectories: int = 10  # of the screening: each costs 1 + inputs points
    keep: int = 8  # inputs that have indices

    @property
    def names(self) -> list[str]:
        return self.sweep.names

    @property
    def against(self) -> bool:
        """Whether the answer is a difference."""
        return len(self.sweep.templates) > 1


@dataclass(frozen=True)
class AnswerDistribution:
    """The answer over all points of the indices, with three spreads that are never mixed."""

    mean: float
    error: float  # half the 90 % simulation error of the mean, from the periods in common
    low: float  # central 90 % of points: the inputs
    high: float
    period_low: float  # central 90 % of single periods at them: inputs and luck together
    period_high: float


@dataclass(frozen=True)
class InputEffect:
    """What one input does to the answer."""

    input: SensitivityInput
    at_low: float  # the answer at its ends, all others as written
    at_high: float
    error: float  # half the 90 % simulation error of the swing
    elementary: ElementaryEffect | None  # where there was a screening
    sobol: SobolIndex | None  # none: screened out
    information: InformationValue | None  # of an unknown that has an index

    @property
    def swing(self) -> float:
        return self.at_high - self.at_low


@dataclass(frozen=True)
class Sensitivity:
    """What was found."""

    spec: SensitivitySpec  # with its anchors and the full key of its measure
    effects: list[InputEffect]  # the inputs that move the answer most first
    centre: float  # the answer as everything is written
    answer: AnswerDistribution
    left_out: float  # of the variance, at most so much lies with inputs that were screened out
    currency: str
    unit: str
    runs: int  # replications simulated for it
    keys: tuple[str, ...] = field(repr=False)  # of all points
    values: tuple[float, ...] = field(repr=False)  # the answer at each, by replication: for the digest

    @property
    def measure(self) -> str:
        return self.spec.sweep.measures[0]

    @property
    def indexed(self) -> list[InputEffect]:
        return [one for one in self.effects if one.sobol is not None]

    @property
    def information(self) -> list[InformationValue]:
        """What knowing each unknown would bring, the most first."""
        return sorted((one.information for one in self.effects if one.information), key=lambda one: -one.share.value)


def sensitivity(
    spec: SensitivitySpec,
    store: PointStore | None = None,
    executor: Executor | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Sensitivity:
    """Run all points that are not in the store yet, and say what moves the answer.

    Raises UsageError when no input is uncertain or varied, ScenarioError for an axis that a scenario cannot take,
    RunError when a point fails or has no such figure.
    """
    progress = progress or Progress()
    sweep = spec.sweep
    check_axes(sweep)
    builder = TaskBuilder(
        sweep.seed,
        sweep.templates[0].loaded.scenario.seed,
        sweep.size,
        engine=sweep.engine,
        threads=threads,
        progress=progress,
    )
    sweep, currency = complete(sweep, builder)
    spec = replace(spec, sweep=sweep)
    builder.measures = sweep.measures
    function = _Model(sweep, builder, store or PointStore(None), executor, threads, progress)
    inputs = inputs_of(function.blueprints, sweep.axes)
    if not inputs:
        raise UsageError(
            "this scenario has no uncertain inputs: no range, no fitted standard error. Vary something, as in "
            "--vary teams.sales.people=3..7"
        )
    ends = function.at([{}, *(end for one in inputs for end in (one.low, one.high))], "each input alone")
    effects = [_end_effect(one, ends[1 + 2 * i], ends[2 + 2 * i]) for i, one in enumerate(inputs)]
    left_out = 0.0
    if len(inputs) > spec.keep:
        effects, left_out = _with_screening(effects, spec, function)
    kept, values = _with_indices(effects[: spec.keep], spec, function)
    moved = sorted([*kept, *effects[spec.keep :]], key=_importance, reverse=True)
    return Sensitivity(
        spec,
        moved,
        float(ends[0].mean()),
        _answer_distribution(values),
        left_out,
        currency,
        function.unit,
        function.runs,
        tuple(function.keys),
        tuple(function.values),
    )


def _end_effect(one: SensitivityInput, low: FloatArray, high: FloatArray) -> InputEffect:
    apart, n = high - low, len(low)
    error = t_quantile(n - 1) * float(apart.std(ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    return InputEffect(one, float(low.mean()), float(high.mean()), error, None, None, None)


def _with_screening(
    effects: list[InputEffect], spec: SensitivitySpec, function: _Model
) -> tuple[list[InputEffect], float]:
    """With elementary effects, the largest first; and the share of the variance of those that are not kept."""
    coordinates, groups = _cube(effects)
    points, order = morris_points(groups, spec.trajectories, spec.sweep.seed)
    values = function.of_cube(points, coordinates, "screening").mean(axis=-1)
    sizes = elementary_effects(points, order, values, groups, spec.sweep.seed)
    effects = sorted(
        (replace(one, elementary=effect) for one, effect in zip(effects, sizes, strict=True)),
        key=lambda one: -one.elementary.mu_star.value if one.elementary else 0.0,
    )
    parts = np.array([one.elementary.variance for one in effects if one.elementary])
    return effects, float(parts[spec.keep :].sum() / parts.sum()) if parts.any() else 0.0


def _with_indices(
    kept: list[InputEffect], spec: SensitivitySpec, function: _Model
) -> tuple[list[InputEffect], FloatArray]:
    """With Sobol indices and what knowing would bring; and the answers at A and B, [point, replication]."""
    coordinates, groups = _cube(kept)
    points = saltelli_points(groups, spec.rows, spec.sweep.seed)
    every = function.of_cube(points.transpose(1, 0, 2), coordinates, "indices").transpose(1, 0, 2)
    values = every.mean(axis=-1)
    draws = [dict(zip(coordinates, place.tolist(), strict=True)) for place in points[:2].reshape(-1, len(coordinates))]
    knowing = _information(kept, draws, values[:2].reshape(-1), spec, function)
    shares = sobol_indices(values, spec.sweep.seed)
    return [
        replace(one, sobol=index, information=knowing.get(one.input.path))
        for one, index in zip(kept, shares, strict=True)
    ], every[:2].reshape(-1, every.shape[-1])


def _information(
    kept: list[InputEffect], draws: list[dict[str, float]], answer: FloatArray, spec: SensitivitySpec, function: _Model
) -> dict[str, InformationValue]:
    moving = {one.input.path for one in kept}
    features = {path: said for path, said in features_of(function.blueprints, draws, 0).items() if path in moving}
    name = spec.sweep.measures[0].split(".")[-1]
    gains = answer[:, None] if spec.against and name in MORE_IS_BETTER else None
    return {one.path: one for one in information_values(features, answer, 0.0, gains, spec.sweep.seed)}


def _answer_distribution(values: FloatArray) -> AnswerDistribution:
    """Of values [point, replication]; a replication has the same luck at every point, so luck does not average out."""
    by_luck, n = values.mean(axis=0), values.shape[1]
    error = t_quantile(n - 1) * float(by_luck.std(ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    return AnswerDistribution(
        float(values.mean()), error, *one_period(values.mean(axis=1)), *one_period(np.ravel(values))
    )


def _importance(one: InputEffect) -> tuple[bool, float]:
    """Those with indices by their total, then the others by their effect."""
    if one.sobol is not None:
        return True, one.sobol.total.value
    return False, one.elementary.mu_star.value if one.elementary is not None else abs(one.swing)


def _cube(effects: Sequence[InputEffect]) -> tuple[list[str], list[list[int]]]:
    """All coordinates in a row, and which of them each input has."""
    coordinates: list[str] = []
    groups = []
    for one in effects:
        first = len(coordinates)
        coordinates += one.input.coordinates
        groups.append(list(range(first, len(coordinates))))
    return coordinates, groups


# ---- the function --------------------------------------------------------------------------------------------------


class _Model:
    """The answer at a point, simulated on the same luck everywhere or recalled."""

    def __init__(
        self,
        sweep: SweepSpec,
        builder: TaskBuilder,
        store: PointStore,
        executor: Executor | None,
        threads: int | None,
        progress: Progress,
    ) -> None:
        self.sweep, self.builder, self.store, self.executor, self.progress = sweep, builder, store, executor, progress
        self.threads = threads or os.cpu_count() or 1
        self.axes = {axis.path: axis for axis in sweep.axes}
        self.unit, self.runs = "", 0
        self.keys: list[str] = []
        self.values: list[float] = []
        self._compiled: dict[tuple[int, tuple[str, ...]], tuple[Blueprint, Anchor]] = {}
        written = [self._variant(template, ()) for template in sweep.templates]
        self.blueprints = [blueprint for blueprint, _ in written]

    def of_cube(self, points: FloatArray, coordinates: Sequence[str], what: str) -> FloatArray:
        """The answer [..., replication] at points [..., coordinate]."""
        flat = points.reshape(-1, len(coordinates))
        values = self.at([dict(zip(coordinates, row.tolist(), strict=True)) for row in flat], what)
        return values.reshape(*points.shape[:-1], -1)

    def at(self, points: Sequence[Places], what: str) -> FloatArray:
        """The answer [point, replication] where some coordinates are set and all else is as written."""
        run = PointBatch(
            what, self.store, self.executor, self.threads, len(points) * len(self.sweep.templates), self.progress
        )
        try:
            for point in points:
                for template, name in zip(self.sweep.templates, self.sweep.names, strict=True):
                    self._submit(run, template, name, point)
            run.finish()
        finally:
            run.close()
        self._check(run)
        values = np.array([self._values(run, row.key) for row in run.rows])
        self.runs += len(values) * values.shape[1]
        self.keys += [row.key for row in run.rows]
        by_scenario = values.reshape(len(points), len(self.sweep.templates), -1)
        answer: FloatArray = (
            by_scenario[:, -1] - by_scenario[:, 0] if len(self.sweep.templates) > 1 else by_scenario[:, 0]
        )
        self.values += answer.ravel().tolist()
        return answer

    def _submit(self, run: PointBatch, template: ScenarioTemplate, name: str, point: Places) -> None:
        overrides = tuple(f"{path}={axis.at(point[path])}" for path, axis in self.axes.items() if path in point)
        places = {path: u for path, u in point.items() if path not in self.axes}
        try:
            blueprint, anchor = self._variant(template, overrides)
            task = with_key(
                PointTask(
                    blueprint,
                    anchor,
                    self.builder.seed,
                    self.builder.size,
                    self.builder.measures,
                    self.sweep.goal,
                    engine=self.builder.engine,
                    places=places,
                )
            )
        except FunnelsimError as error:
            run.failed(name, overrides, one_line(error))
            return
        run.submit(task, name, overrides)

    def _variant(self, template: ScenarioTemplate, overrides: tuple[str, ...]) -> tuple[Blueprint, Anchor]:
        """Compiled once for neighbouring points; the scenario as written always stays at hand."""
        which = (id(template), overrides)
        if which not in self._compiled:
            varied = [one for one in self._compiled if one[1]]
            for one in varied[: max(0, len(varied) - _AT_HAND * len(self.sweep.templates) + 1)]:
                del self._compiled[one]
            self._compiled[which] = self.builder.compiled(template, overrides)
        return self._compiled[which]

    def _check(self, run: PointBatch) -> None:
        failed = [row for row in run.rows if run.error_of(row)]
        if failed:
            where = f" at {', '.join(failed[0].point)}" if failed[0].point else ""
            raise RunError(
                f"{len(failed)} of {len(run.rows)} points failed, the first{where}: "
                f"{run.error_of(failed[0])}; an index needs them all"
            )

    def _values(self, run: PointBatch, key: str) -> FloatArray:
        measure: Measure = run.outcomes[key].measures[self.sweep.measures[0]]
        values: FloatArray = np.asarray(linear_values(measure), np.float64)
        if not np.isfinite(values).all():
            raise RunError(
                f"{self.sweep.measures[0]} has no value in some periods: measure something that always "
                f"happens, or take more --replications"
            )
        self.unit = measure.unit
        return values
