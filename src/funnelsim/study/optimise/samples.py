"""Scenarios on the same luck, with more replications whenever they are asked for.

A sequential procedure does not know beforehand how many replications it will take. What it asks for is run in the order
of its numbers, from `first` on: a study takes luck that no other part of it has seen by beginning at another number.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

import numpy as np

from funnelsim.compile import Blueprint
from funnelsim.errors import RunError
from funnelsim.measures import Estimate, Measure
from funnelsim.progress import Progress
from funnelsim.study.anchor import Anchor
from funnelsim.study.batch import PointBatch
from funnelsim.study.goals import MeasureGoal
from funnelsim.study.point import PointResult, PointTask, RunSize, estimate_of, with_key
from funnelsim.study.point_store import PointStore


@dataclass(frozen=True)
class Variant:
    """A compiled scenario, and what it is called."""

    name: str
    blueprint: Blueprint
    anchor: Anchor


@dataclass
class Samples:
    """Variants and what their replications gave so far."""

    variants: Sequence[Variant]
    measures: tuple[str, ...]
    seed: int
    first: int  # number of the first replication
    goal: MeasureGoal | None = None
    engine: str = "fast"
    store: PointStore = field(default_factory=lambda: PointStore(None))
    executor: Executor | None = None
    threads: int = 1
    _parts: dict[int, list[PointResult]] = field(default_factory=dict)

    def of(self, which: Sequence[int], n: int) -> list[dict[str, Measure]]:
        """The measures of some variants in the first n replications. RunError when one cannot be run."""
        batch = PointBatch("", self.store, self.executor, self.threads, len(which), Progress())
        keys: dict[int, str] = {}
        try:
            for i in which:
                if (wanted := n - self.replications(i)) > 0:
                    one = self.variants[i]
                    task = with_key(
                        PointTask(
                            one.blueprint,
                            one.anchor,
                            self.seed,
                            RunSize(wanted),
                            self.measures,
                            self.goal,
                            engine=self.engine,
                            first=self.first + self.replications(i),
                        )
                    )
                    keys[i] = task.key
                    batch.submit(task, one.name, ())
            batch.finish()
        finally:
            batch.close()
        for i, key in keys.items():
            if key in batch.errors:
                raise RunError(f"{self.variants[i].name}: {batch.errors[key]}")
            self._parts.setdefault(i, []).append(batch.outcomes[key])
        return [_joined(self._parts[i], n) for i in which]

    def replications(self, i: int) -> int:
        """So many of a variant are there."""
        return sum(part.replications for part in self._parts.get(i, ()))

    @property
    def runs(self) -> int:
        """Replications of all variants."""
        return sum(map(self.replications, range(len(self.variants))))


def estimates(samples: Samples, i: int) -> dict[str, Estimate]:
    """Of all replications of a variant, or of ten where there are none yet."""
    (measures,) = samples.of([i], samples.replications(i) or 10)
    return {key: estimate_of(one) for key, one in measures.items()}


def _joined(parts: Sequence[PointResult], n: int) -> dict[str, Measure]:
    """The first n replications of all parts."""
    joined = {}
    for key in parts[0].measures:
        every = [part.measures[key] for part in parts]
        like = next((one for one in every if one.unit), every[0])  # a part may lack the figure, and its unit
        tops = [_without_figure(one) if like.bottom is not None and one.bottom is None else one for one in every]
        top = np.concatenate([one.top for one in tops])[:n]
        bottoms = [one.bottom for one in tops if one.bottom is not None]
        joined[key] = replace(like, top=top, bottom=np.concatenate(bottoms)[:n] if bottoms else None)
    return joined


def _without_figure(measure: Measure) -> Measure:
    """A ratio in a part in which there was nothing to divide by."""
    nothing = np.zeros(len(measure.top))
    return replace(measure, top=nothing, bottom=nothing)
