"""Coalitions: the base with some groups of its inputs as the other scenario has them, compiled, run and kept."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from funnelsim.compile import prepare
from funnelsim.errors import RunError, ScenarioError, UsageError, did_you_mean
from funnelsim.measures import Measure
from funnelsim.progress import Progress
from funnelsim.scenario import Loaded
from funnelsim.scenario.template import with_data
from funnelsim.study.anchor import Anchor, anchor
from funnelsim.study.batch import PointBatch, one_line
from funnelsim.study.explain.equal_hours_control import LentHours, lending_changes
from funnelsim.study.explain.groups import Group, with_changes
from funnelsim.study.goals import possible_measures
from funnelsim.study.point import NestedDesign, PointResult, PointTask, with_key
from funnelsim.study.point_store import PointStore
from funnelsim.typing import FloatArray


@dataclass(frozen=True)
class PriorRuns:
    """What a larger study of the same two scenarios found on the same luck: compare's."""

    base: Mapping[str, FloatArray]  # [draw, pair] by measure, at least as many as are asked for
    other: Mapping[str, FloatArray]
    difference: float  # the mean of all its pairs, which the shares are fitted to


@dataclass(frozen=True)
class ExplainSpec:
    """What makes `other` differ from `base`, in one measure."""

    base: Loaded
    other: Loaded
    measure: str
    size: NestedDesign
    seed: int  # of the luck
    order_pairs: int | None = None  # orders walked, each with its reverse; None = all of them up to EXACT_UP_TO
    engine: str = "fast"
    equal_hours: bool = True  # also the control
    anchor: Anchor | None = None  # of the base's root, when it is known
    prior: PriorRuns | None = None

    @property
    def draws(self) -> int:
        return self.size.replications // self.size.pairs


class CoalitionRuns:
    """Coalitions of groups as tasks on the base's anchor, and what they gave."""

    def __init__(
        self,
        spec: ExplainSpec,
        groups: list[Group],
        store: PointStore,
        executor: Executor | None,
        threads: int | None,
        progress: Progress,
    ) -> None:
        self.spec, self.store, self.executor, self.progress = spec, store, executor, progress
        self.threads = threads or os.cpu_count() or 1
        self.every = frozenset(path for group in groups for path in group.paths)
        base = spec.base
        self.anchor = spec.anchor or anchor(prepare(base.root or base.scenario), threads, progress.note)
        blueprint = prepare(base.scenario)
        possible = possible_measures(blueprint.centre, blueprint.book)
        if spec.measure not in possible:
            hint = did_you_mean(spec.measure, possible) or f"such as {', '.join(list(possible)[:6])}"
            raise UsageError(f"there is no measure '{spec.measure}'. {hint}")
        self.unit, self.currency = possible[spec.measure].unit, blueprint.book.currency
        self.uncertain = False
        self.tasks: dict[frozenset[str], PointTask | str] = {}
        self.loaded: dict[frozenset[str], Loaded] = {}
        self.outcomes: dict[str, PointResult] = {}

    def complaint(self, inside: Sequence[Group]) -> str:
        """Why a coalition is no scenario; "" when it is one."""
        planned = self._planned(inside)
        return planned if isinstance(planned, str) else ""

    def task(self, inside: Sequence[Group]) -> PointTask:
        planned = self._planned(inside)
        assert isinstance(planned, PointTask)
        return planned

    def scenario(self, inside: Sequence[Group]) -> Loaded:
        """A coalition that stands."""
        self.task(inside)
        return self.loaded[_paths(inside)]

    def lending_task(self, inside: Sequence[Group], lent: LentHours) -> PointTask:
        """A coalition in which hours are lent besides."""
        loaded = self.scenario(inside)
        more = lending_changes(loaded.scenario, self.hours(inside, "paid_hours"), lent)
        return self._task(with_data(loaded, with_changes(loaded.resolved["scenario"], more)))

    def run(self, what: str, tasks: Iterable[tuple[PointTask, object]]) -> None:
        """Run tasks, or find them among those that were finished before."""
        tasks = [(task, name) for task, name in tasks if task.key not in self.outcomes]
        batch = PointBatch(what, self.store, self.executor, self.threads, len(tasks), self.progress)
        try:
            for task, name in tasks:
                batch.submit(task, what, (str(name),))
            batch.finish()
        finally:
            batch.close()
        if batch.errors:
            raise RunError(next(iter(batch.errors.values())))
        self.outcomes |= batch.outcomes

    def remember(self, inside: Sequence[Group], values: Mapping[str, FloatArray]) -> None:
        """Take what is known already of a coalition for what it would give."""
        task, size = self.task(inside), self.spec.size
        nothing = np.full((self.spec.draws, size.pairs), np.nan)
        measures = {
            key: Measure("", key, "", "", values.get(key, nothing)[: self.spec.draws, : size.pairs].ravel())
            for key in task.measures
        }
        self.outcomes[task.key] = PointResult(task.key, measures, size.replications, "", 0.0)

    def values(self, task: PointTask) -> FloatArray:
        """The measure [draw, pair]."""
        measure = self.outcomes[task.key].measures[self.spec.measure]
        values = np.broadcast_to(measure.values, measure.top.shape).reshape(-1, self.spec.size.pairs)
        if not np.isfinite(values).all():
            raise UsageError(
                f"{self.spec.measure} has no value in some periods of some mixtures of the two "
                f"scenarios: explain a measure that every period has, such as cohort.won"
            )
        return values

    def hours(self, inside: Sequence[Group], which: str) -> dict[str, float]:
        """paid_hours or worked_hours of the window by team, the mean of all periods."""
        measures = self.outcomes[self.task(inside).key].measures
        return {
            key.rsplit(".", 1)[1]: float(one.top.mean())
            for key, one in measures.items()
            if key.startswith(f"calendar.{which}.")
        }

    def net_hours(self, inside: Sequence[Group]) -> dict[str, float]:
        """Hours on leads by team, without what other work stretches them by."""
        teams = self.scenario(inside).scenario.teams
        return {
            team: hours * (1.0 - teams[team].other_work)
            for team, hours in self.hours(inside, "worked_hours").items()
            if math.isfinite(hours)
        }

    def _planned(self, inside: Sequence[Group]) -> PointTask | str:
        which = _paths(inside)
        if which not in self.tasks:
            try:
                self.loaded[which] = self._mixture(which, inside)
                self.tasks[which] = self._task(self.loaded[which])
            except ScenarioError as error:
                self.tasks[which] = one_line(error)
        return self.tasks[which]

    def _mixture(self, which: frozenset[str], inside: Sequence[Group]) -> Loaded:
        base = self.spec.base
        if which == self.every:  # the other scenario itself, on the base's root
            return replace(self.spec.other, root=base.root or base.scenario)
        return with_data(
            base, with_changes(base.resolved["scenario"], (one for group in inside for one in group.changes))
        )

    def _task(self, loaded: Loaded) -> PointTask:
        scenario = loaded.scenario.model_copy(update={"seed": self.spec.base.scenario.seed})
        blueprint = prepare(scenario)
        self.uncertain |= blueprint.uncertain
        hours = tuple(
            f"calendar.{which}.{team}" for team in blueprint.book.teams for which in ("paid_hours", "worked_hours")
        )
        return with_key(
            PointTask(
                blueprint,
                self.anchor,
                self.spec.seed,
                self.spec.size,
                (self.spec.measure, *hours),
                engine=self.spec.engine,
            )
        )


def _paths(inside: Sequence[Group]) -> frozenset[str]:
    return frozenset(path for group in inside for path in group.paths)


def name_of(loaded: Loaded) -> str:
    """What texts call a scenario."""
    return loaded.scenario.name or "scenario"
