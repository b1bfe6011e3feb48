"""Optimise: the best settings under constraints, for one objective or several, and how sure that is.

Three parts of luck, none of which sees the others' figures:

    search      replications 0, 1, ...: many points, few replications each, all on the same luck (`trial_search`)
    choice      from CHOICE on: the finalists, distinct points that came out best, on luck that did not make them best;
                do they meet the constraints, and which is best (`ranking_selection`), or who is on the front (`front`)?
    estimate    from ESTIMATE on: the chosen point and the file as it is, pair by pair (`gain`)

Each number has its own draw of what is not known, so neither luck nor ignorance is used twice.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from funnelsim.errors import FunnelsimError, RunError, UsageError, collect_errors
from funnelsim.measures import Estimate, Measure
from funnelsim.progress import Progress, ProgressOnly
from funnelsim.scenario.template import ScenarioTemplate
from funnelsim.study.alternative_models import Alternative, Case, beliefs_at_one
from funnelsim.study.anchor import Anchor
from funnelsim.study.axes import Axis
from funnelsim.study.batch import PointBatch, one_line
from funnelsim.study.goals import CHANCE, MeasureGoal, possible_measures
from funnelsim.study.optimise.constraints import Constraint, inputs_of, read_constraints
from funnelsim.study.optimise.finalists import Objective, finalists_of, gap_of
from funnelsim.study.optimise.front import chances_of_front, on_front
from funnelsim.study.optimise.gain import DRAWS, PAIRS, PolicyGain, gains
from funnelsim.study.optimise.ranking_selection import Selection
from funnelsim.study.optimise.samples import Samples, Variant, estimates
from funnelsim.study.optimise.select_best import select_variant
from funnelsim.study.optimise.trial_search import Point, Trial, TrialScore, combinations, search, share_of
from funnelsim.study.point import PointResult, RunSize, linear_values
from funnelsim.study.point_store import PointStore
from funnelsim.study.sweep import SweepSpec, check_axes, complete, full_key
from funnelsim.study.task_builder import TaskBuilder
from funnelsim.typing import FloatArray

CHOICE, ESTIMATE = 10_000_000, 20_000_000  # first replications of the two later parts
CHECKED = 100  # replications of a finalist before its constraints are judged


@dataclass(frozen=True)
class OptimiseSpec:
    """What is sought."""

    template: ScenarioTemplate
    axes: Sequence[Axis]
    objectives: tuple[Objective, ...]
    subject_to: tuple[str, ...] = ()  # constraints as text
    trials: int = 200
    size: RunSize = field(default_factory=lambda: RunSize(20))  # of a trial
    finalists: int = 8
    gap: str = ""  # differences below it do not matter: an amount, or a share of the best
    chance: float = 0.95  # of the right choice among the finalists
    confidence: float = 0.95  # with which constraints are met
    seed: int = 1
    goal: MeasureGoal | None = None
    engine: str = "fast"
    anchors: tuple[Anchor, ...] = ()  # of the template as it is; by default found here


@dataclass(frozen=True)
class Finalist:
    """A distinct point that came out best in the search, on fresh luck."""

    point: Point
    score: TrialScore  # in the search
    estimates: dict[str, Estimate]  # of the objectives and of what is constrained
    excess: tuple[float, ...]  # of the constraints on measures, at their joint confidence
    front: float = 1.0  # chance to be on the front of the finalists

    @property
    def meets(self) -> bool:
        """Whether the constraints are met with confidence."""
        return all(one <= 0.0 for one in self.excess)


@dataclass(frozen=True)
class Optimum:
    """What was found."""

    spec: OptimiseSpec  # with full keys, the goal and the anchors
    constraints: tuple[Constraint, ...]
    trials: list[Trial] = field(repr=False)
    exhaustive: bool  # all combinations were run
    finalists: list[Finalist]  # best first; of several objectives along the first
    base: dict[str, Estimate]  # the file as it is, on the luck of the finalists
    selection: Selection | None  # among the finalists that meet the constraints; none: several objectives
    gains: dict[str, PolicyGain]  # of the chosen one, by measure
    beliefs_neutral: PolicyGain | None  # of the objective with all beliefs at 1; none: there are none
    beliefs: tuple[str, ...]  # ranges that each replication has its own draw of
    units: dict[str, str]  # of the measures
    currency: str
    runs: int  # replications of search, choice and estimate together
    keys: tuple[str, ...]  # of all points of the search

    @property
    def chosen(self) -> Finalist | None:
        """The best settings, where there is one objective and a point that meets the constraints."""
        there = [one for one in self.finalists if one.meets]
        return there[self.selection.best] if self.selection is not None else None

    @property
    def nearest(self) -> Trial:
        """The point that was run and breaks its constraints least."""
        return min(
            (trial for trial in self.trials if trial.score.values),
            key=lambda trial: max(trial.score.excess, default=0.0),
        )

    @property
    def front(self) -> list[Finalist]:
        """Of several objectives: the finalists that are on the front, by their means."""
        there = [one for one in self.finalists if one.meets]
        if not there:
            return []
        values = np.array(
            [[aim.sign * one.estimates[aim.measure].mean for aim in self.spec.objectives] for one in there]
        )
        return [one for one, is_there in zip(there, on_front(values), strict=True) if is_there]

    def at_end(self, point: Point) -> list[tuple[Axis, str]]:
        """The axes whose end a point lies at: the optimum may be beyond."""
        shares = [(axis, text, share_of(axis, text)) for axis, text in zip(self.spec.axes, point, strict=True)]
        return [(axis, text) for axis, text, share in shares if share <= 0.005 or share >= 0.995]


def optimise(
    spec: OptimiseSpec,
    store: PointStore | None = None,
    executor: Executor | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Optimum:
    """Search, choose, and measure what was chosen anew. UsageError or ScenarioError for what cannot be meant."""
    return _Optimisation(
        spec, store or PointStore(None), executor, threads or os.cpu_count() or 1, progress or Progress()
    ).optimum()


class _Optimisation:
    """The parts of one search."""

    def __init__(
        self, spec: OptimiseSpec, store: PointStore, executor: Executor | None, threads: int, progress: Progress
    ) -> None:
        self.store, self.executor, self.threads, self.progress = store, executor, threads, progress
        template = spec.template
        self.builder = TaskBuilder(
            spec.seed, template.loaded.scenario.seed, spec.size, (), spec.engine, threads, progress
        )
        anchor = spec.anchors[0] if spec.anchors else None
        self.blueprint, self.anchor = self.builder.compiled(template, (), anchor)
        known = possible_measures(self.blueprint.centre, self.blueprint.book)
        currency = str(self.blueprint.book.currency)
        self.constraints, measures = _read(spec, known, currency)
        self.on_measures = [one for one in self.constraints if not one.of_inputs]
        constrained = [key for one in self.on_measures for _, key in one.terms]
        sweep = SweepSpec([template], spec.axes, (*measures, *constrained), goal=spec.goal, anchors=(self.anchor,))
        check_axes(sweep)
        sweep, self.currency = complete(sweep, self.builder)
        self.measures = self.builder.measures = sweep.measures
        self.units = {key: known[key].unit if key in known else CHANCE for key in sweep.measures}
        objectives = tuple(replace(one, measure=key) for one, key in zip(spec.objectives, measures, strict=True))
        self.spec = replace(spec, objectives=objectives, goal=sweep.goal, anchors=sweep.anchors)
        gap_of(spec.gap, self.units[measures[0]], currency, 1.0)  # refused before anything runs
        self.outcomes: dict[Point, PointResult] = {}

    def optimum(self) -> Optimum:
        """Search, choice and estimate, one after the other."""
        spec = self.spec
        trials = self.searched()
        _refuse_nothing(trials)
        points = finalists_of(spec.axes, trials, spec.objectives, spec.finalists)
        samples = Samples(
            [Variant("as it is", self.blueprint, self.anchor), *map(self.variant, points)],
            self.measures,
            spec.seed,
            CHOICE,
            spec.goal,
            spec.engine,
            self.store,
            self.executor,
            self.threads,
        )
        finalists, selection = self.chosen(samples, points, {trial.point: trial.score for trial in trials})
        there = [one.point for one in finalists if one.meets]
        more, at_one = self.gained(there[selection.best]) if selection is not None else ({}, None)
        runs = (
            sum(one.replications for one in self.outcomes.values())
            + samples.runs
            + 2 * DRAWS * PAIRS * (bool(more) + (at_one is not None))
        )
        return Optimum(
            spec,
            self.constraints,
            trials,
            combinations(spec.axes) <= spec.trials,
            finalists,
            estimates(samples, 0),
            selection,
            more,
            at_one,
            tuple(belief.path for belief in self.blueprint.beliefs),
            self.units,
            self.currency,
            runs,
            tuple(self.outcomes[one].key for one in sorted(self.outcomes)),
        )

    # ---- the search ------------------------------------------------------------------------------------------------

    def searched(self) -> list[Trial]:
        spec = self.spec
        batch = PointBatch(
            "searching", self.store, self.executor, self.threads, spec.trials, ProgressOnly(self.progress)
        )
        try:
            return search(
                spec.axes,
                [one.most for one in spec.objectives],
                lambda points: self.scores(batch, points),
                spec.trials,
                spec.seed,
            )
        finally:
            batch.close()
            self.progress.clear()

    def scores(self, batch: PointBatch, points: Sequence[Point]) -> list[TrialScore]:
        """Run some points at once; those whose inputs break a constraint are not run."""
        refused = {
            point: TrialScore((), (*excess, *[0.0] * len(self.on_measures)))
            for point in points
            if max(excess := self.on_inputs(point), default=0.0) > 0.0
        }
        keys: dict[Point, str] = {}
        errors: dict[Point, str] = {}
        for point in points:
            if point not in refused:
                try:
                    task = self.builder.task(self.spec.template, self.overrides(point), self.spec.goal)
                except FunnelsimError as error:
                    errors[point] = one_line(error)
                    continue
                keys[point] = task.key
                batch.submit(task, "", point)
        batch.finish()
        for point, key in keys.items():
            if key in batch.errors:
                errors[point] = batch.errors[key]
            else:
                self.outcomes[point] = batch.outcomes[key]
        return [
            refused[point]
            if point in refused
            else TrialScore(error=errors[point])
            if point in errors
            else self.score(point)
            for point in points
        ]

    def score(self, point: Point) -> TrialScore:
        outcome = self.outcomes[point]
        values = tuple(float(np.mean(linear_values(outcome.measures[one.measure]))) for one in self.spec.objectives)
        if not np.isfinite(values).all():
            nothing = self.spec.objectives[int(np.argmin(np.isfinite(values)))].measure
            return TrialScore(error=f"there is no figure for {nothing}")
        return TrialScore(
            values,
            (*self.on_inputs(point), *(one.excess(outcome.measures, self.spec.confidence) for one in self.on_measures)),
        )

    def on_inputs(self, point: Point) -> tuple[float, ...]:
        inputs = inputs_of(self.spec.axes, point)
        return tuple(one.excess_of(inputs) for one in self.constraints if one.of_inputs)

    def overrides(self, point: Point) -> list[str]:
        return [f"{axis.path}={text}" for axis, text in zip(self.spec.axes, point, strict=True)]

    def variant(self, point: Point) -> Variant:
        return Variant(", ".join(point), *self.builder.compiled(self.spec.template, self.overrides(point)))

    # ---- the choice ------------------------------------------------------------------------------------------------

    def chosen(
        self, samples: Samples, points: Sequence[Point], scores: Mapping[Point, TrialScore]
    ) -> tuple[list[Finalist], Selection | None]:
        """The finalists on fresh luck, and which of those that meet the constraints is best; variant 0 is the file."""
        checked = [
            Finalist(point, scores[point], {}, excess)
            for point, excess in zip(points, self.checked(samples, len(points)), strict=True)
        ]
        there = [i for i, one in enumerate(checked, 1) if one.meets]
        selection, chances = None, np.ones(len(there))
        if len(self.spec.objectives) > 1:
            chances = self.front_chances(samples, there)
        elif there:
            selection = self.selected(samples, there, scores[points[there[0] - 1]].values[0])
        samples.of([0], max(samples.replications(i) for i in range(len(points) + 1)) or CHECKED)
        return [
            replace(one, estimates=estimates(samples, i), front=_chance_of(chances, there, i))
            for i, one in enumerate(checked, 1)
        ], selection

    def checked(self, samples: Samples, count: int) -> list[tuple[float, ...]]:
        """The excess of each finalist's constraints, all of which hold together with the wanted confidence."""
        if not self.on_measures or not count:
            return [()] * count
        together = 1.0 - (1.0 - self.spec.confidence) / (count * len(self.on_measures))
        return [
            tuple(one.excess(measures, together) for one in self.on_measures)
            for measures in samples.of(range(1, count + 1), max(CHECKED, 4 * self.spec.size.replications))
        ]

    def selected(self, samples: Samples, there: Sequence[int], best: float) -> Selection:
        (objective,), unit = self.spec.objectives, self.units[self.spec.objectives[0].measure]
        gap = gap_of(self.spec.gap, unit, self.currency, best)
        return select_variant(
            samples,
            there,
            objective,
            unit,
            gap,
            self.spec.chance,
            on_stage=lambda left: self.progress.update("choosing", len(there) - left, len(there) - 1),
        )

    def front_chances(self, samples: Samples, there: Sequence[int]) -> FloatArray:
        """Of the finalists that meet the constraints."""
        sampled = samples.of([0, *there], max(CHECKED, 4 * self.spec.size.replications))[1:]
        if not sampled:
            return np.ones(0)
        values = [
            np.column_stack([one.sign * linear_values(measures[one.measure]) for measures in sampled])
            for one in self.spec.objectives
        ]
        return chances_of_front(values, self.spec.seed)

    # ---- the estimate ----------------------------------------------------------------------------------------------

    def gained(self, point: Point) -> tuple[dict[str, PolicyGain], PolicyGain | None]:
        """The chosen point against the file as it is; and the objective once more with all beliefs at 1."""
        spec = self.spec
        base, chosen = spec.template.loaded, spec.template.with_overrides(self.overrides(point))
        of_base = Case("as it is", base, self.blueprint, self.anchor)
        of_chosen = Case("chosen", chosen, *self.builder.compiled(spec.template, self.overrides(point)))
        gained = self.measured(of_base, of_chosen, self.measures, "measuring")
        if beliefs_at_one(base.scenario) == base.scenario:
            return gained, None
        neutral = Alternative("beliefs at 1", beliefs_at_one, (self.anchor,), self.threads, self.progress.note)
        key = spec.objectives[0].measure
        return gained, self.measured(neutral.case(base), neutral.case(chosen), (key,), "with beliefs at 1").get(key)

    def measured(self, base: Case, chosen: Case, keys: tuple[str, ...], what: str) -> dict[str, PolicyGain]:
        spec = self.spec
        return gains(
            base,
            chosen,
            keys,
            spec.goal,
            spec.seed,
            ESTIMATE,
            spec.engine,
            self.threads,
            lambda done: self.progress.update(what, done, 2 * DRAWS),
        )


def _read(
    spec: OptimiseSpec, known: Mapping[str, Measure], currency: str
) -> tuple[tuple[Constraint, ...], tuple[str, ...]]:
    """Constraints and the keys of the objectives; UsageError with the mistakes of both."""
    constraints: list[Constraint] = []
    measures: list[str] = []
    collect_errors(
        (
            lambda: constraints.extend(read_constraints(spec.subject_to, spec.axes, known, currency)),
            lambda: measures.extend(collect_errors(partial(full_key, one.measure, known) for one in spec.objectives)),
        )
    )
    return tuple(constraints), tuple(measures)


def _refuse_nothing(trials: Sequence[Trial]) -> None:
    """RunError or UsageError when not one point could be run."""
    if any(trial.score.values for trial in trials):
        return
    if failed := [trial for trial in trials if trial.score.error]:
        raise RunError(
            f"all {len(failed)} trials failed, the first at {', '.join(failed[0].point)}: {failed[0].score.error}"
        )
    raise UsageError(f"no point of the ranges meets the constraints on inputs; {len(trials)} were tried")


def _chance_of(chances: FloatArray, there: Sequence[int], i: int) -> float:
    return float(chances[there.index(i)]) if i in there else 0.0
