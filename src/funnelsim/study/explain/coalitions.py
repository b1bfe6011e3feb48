"""Mixtures of two scenarios: the base with some groups of its inputs as the other has them, compiled, run and kept."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from funnelsim.compile import compile_scenario
from funnelsim.errors import RunError, ScenarioError, UsageError, did_you_mean
from funnelsim.measures import Measure
from funnelsim.progress import Progress
from funnelsim.scenario import Loaded
from funnelsim.scenario.template import rewritten
from funnelsim.study.anchor import Anchor, anchor
from funnelsim.study.batch import Batch, in_a_line
from funnelsim.study.explain.equal_hours_control import Lent, lending
from funnelsim.study.explain.groups import Group, merged
from funnelsim.study.goals import possible_measures
from funnelsim.study.point import Outcome, Task, TwoLevel, named
from funnelsim.study.point_store import Store

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Known:
    """What a larger study of the same two scenarios found on the same luck: compare's."""

    base: Mapping[str, Floats]  # [draw, pair] by measure, at least as many as are asked for
    other: Mapping[str, Floats]
    difference: float  # the mean of all its pairs, which the shares are fitted to


@dataclass(frozen=True)
class Question:
    """What makes `other` differ from `base`, in one measure."""

    base: Loaded
    other: Loaded
    measure: str
    size: TwoLevel
    seed: int  # of the luck
    order_pairs: int | None = None  # orders walked, each with its reverse; None = all of them up to EXACT_UP_TO
    engine: str = "fast"
    equal_people: bool = True  # also the control
    anchor: Anchor | None = None  # of the base's root, when it is known
    known: Known | None = None

    @property
    def draws(self) -> int:
        return self.size.replications // self.size.pairs


class Mixtures:
    """Coalitions of groups as tasks on the base's anchor, and what they gave."""

    def __init__(
        self,
        question: Question,
        groups: list[Group],
        store: Store,
        executor: Executor | None,
        threads: int | None,
        watch: Progress,
    ) -> None:
        self.question, self.store, self.executor, self.watch = question, store, executor, watch
        self.threads = threads or os.cpu_count() or 1
        self.every = frozenset(path for group in groups for path in group.paths)
        base = question.base
        self.anchor = question.anchor or anchor(compile_scenario(base.root or base.scenario), threads, watch.note)
        blueprint = compile_scenario(base.scenario)
        possible = possible_measures(blueprint.centre, blueprint.book)
        if question.measure not in possible:
            hint = did_you_mean(question.measure, possible) or f"such as {', '.join(list(possible)[:6])}"
            raise UsageError(f"there is no measure '{question.measure}'. {hint}")
        self.unit, self.currency = possible[question.measure].unit, blueprint.book.currency
        self.uncertain = False
        self.tasks: dict[frozenset[str], Task | str] = {}
        self.loaded: dict[frozenset[str], Loaded] = {}
        self.outcomes: dict[str, Outcome] = {}

    def complaint(self, inside: Sequence[Group]) -> str:
        """Why a coalition is no scenario; "" when it is one."""
        found = self._planned(inside)
        return found if isinstance(found, str) else ""

    def task(self, inside: Sequence[Group]) -> Task:
        found = self._planned(inside)
        assert isinstance(found, Task)
        return found

    def scenario(self, inside: Sequence[Group]) -> Loaded:
        """A coalition that stands."""
        self.task(inside)
        return self.loaded[_paths(inside)]

    def lending_task(self, inside: Sequence[Group], lent: Lent) -> Task:
        """A coalition in which hours are lent besides."""
        loaded = self.scenario(inside)
        more = lending(loaded.scenario, self.hours(inside, "paid_hours"), lent)
        return self._task(rewritten(loaded, merged(loaded.resolved["scenario"], more)))

    def run(self, what: str, tasks: Iterable[tuple[Task, object]]) -> None:
        """Run tasks, or find them among those that were finished before."""
        tasks = [(task, name) for task, name in tasks if task.key not in self.outcomes]
        batch = Batch(what, self.store, self.executor, self.threads, len(tasks), self.watch)
        try:
            for task, name in tasks:
                batch.submit(task, what, (str(name),))
            batch.finish()
        finally:
            batch.close()
        if batch.wrong:
            raise RunError(next(iter(batch.wrong.values())))
        self.outcomes |= batch.outcomes

    def remember(self, inside: Sequence[Group], values: Mapping[str, Floats]) -> None:
        """Take what is known already of a coalition for what it would give."""
        task, size = self.task(inside), self.question.size
        nothing = np.full((self.question.draws, size.pairs), np.nan)
        measures = {
            key: Measure("", key, "", "", values.get(key, nothing)[: self.question.draws, : size.pairs].ravel())
            for key in task.measures
        }
        self.outcomes[task.key] = Outcome(task.key, measures, size.replications, "", 0.0)

    def values(self, task: Task) -> Floats:
        """The measure [draw, pair]."""
        found = self.outcomes[task.key].measures[self.question.measure]
        values = np.broadcast_to(found.values, found.numerator.shape).reshape(-1, self.question.size.pairs)
        if not np.isfinite(values).all():
            raise UsageError(
                f"{self.question.measure} has no value in some periods of some mixtures of the two "
                f"scenarios: explain a measure that every period has, such as cohort.won"
            )
        return values

    def hours(self, inside: Sequence[Group], which: str) -> dict[str, float]:
        """paid_hours or worked_hours of the window by team, the mean of all periods."""
        found = self.outcomes[self.task(inside).key].measures
        return {
            key.rsplit(".", 1)[1]: float(one.numerator.mean())
            for key, one in found.items()
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

    def _planned(self, inside: Sequence[Group]) -> Task | str:
        which = _paths(inside)
        if which not in self.tasks:
            try:
                self.loaded[which] = self._mixture(which, inside)
                self.tasks[which] = self._task(self.loaded[which])
            except ScenarioError as error:
                self.tasks[which] = in_a_line(error)
        return self.tasks[which]

    def _mixture(self, which: frozenset[str], inside: Sequence[Group]) -> Loaded:
        base = self.question.base
        if which == self.every:  # the other scenario itself, on the base's root
            return replace(self.question.other, root=base.root or base.scenario)
        return rewritten(base, merged(base.resolved["scenario"], (one for group in inside for one in group.changes)))

    def _task(self, loaded: Loaded) -> Task:
        scenario = loaded.scenario.model_copy(update={"seed": self.question.base.scenario.seed})
        blueprint = compile_scenario(scenario)
        self.uncertain |= blueprint.uncertain
        hours = tuple(
            f"calendar.{which}.{team}" for team in blueprint.book.teams for which in ("paid_hours", "worked_hours")
        )
        return named(
            Task(
                blueprint,
                self.anchor,
                self.question.seed,
                self.question.size,
                (self.question.measure, *hours),
                engine=self.question.engine,
            )
        )


def _paths(inside: Sequence[Group]) -> frozenset[str]:
    return frozenset(path for group in inside for path in group.paths)


def name_of(loaded: Loaded) -> str:
    """What texts call a scenario."""
    return loaded.scenario.name or "scenario"
