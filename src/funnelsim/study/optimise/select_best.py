"""Best of k scenarios: the highest mean of a measure, with a stated chance of the right choice, on the same luck.

The procedure is in `ranking_selection`; here scenarios are run for it, a few replications more whenever it asks, until
all but one are behind.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from funnelsim.errors import RunError
from funnelsim.measures import Estimate
from funnelsim.progress import Progress
from funnelsim.scenario.template import ScenarioTemplate
from funnelsim.study.goals import CHANCE, MeasureGoal
from funnelsim.study.optimise.finalists import Objective, gap_of
from funnelsim.study.optimise.ranking_selection import FIRST, Selection, select
from funnelsim.study.optimise.samples import Samples, Variant, estimates
from funnelsim.study.point import RunSize, linear_values
from funnelsim.study.point_store import PointStore
from funnelsim.study.sweep import SweepSpec, complete
from funnelsim.study.task_builder import TaskBuilder
from funnelsim.typing import FloatArray

FIRST_CHANCES = 100  # replications before one is dropped by a measure of 0 and 1
MOST = 2000  # of a scenario
GROW = 0.1  # share of more replications between two looks


@dataclass(frozen=True)
class BestScenario:
    """Which scenario was chosen."""

    names: list[str]
    objective: Objective  # with the full key
    selection: Selection
    estimates: list[Estimate]  # of each scenario, on the replications that it took
    runs: int  # replications of all scenarios

    @property
    def best(self) -> str:
        """The name of the chosen scenario."""
        return self.names[self.selection.best]


def select_best(
    templates: Sequence[ScenarioTemplate],
    objective: Objective,
    gap: float | str = "",
    chance: float = 0.95,
    seed: int | None = None,
    goal: MeasureGoal | None = None,
    store: PointStore | None = None,
    engine: str = "fast",
    threads: int | None = None,
    first: int = 0,
    grow: float = GROW,
    progress: Progress | None = None,
) -> BestScenario:
    """Choose the best of some scenarios.

    `gap` is the difference that does not matter, in the unit of the measure or as text such as "1%" of the best's
    first mean; replications are numbered from `first` on. UsageError for an unknown measure or a gap of 0.
    """
    progress = progress or Progress()
    scenario = templates[0].loaded.scenario
    seed = scenario.seed if seed is None else seed
    builder = TaskBuilder(seed, scenario.seed, RunSize(), (), engine, threads, progress)
    spec, currency = complete(SweepSpec(templates, (), (objective.measure,), goal=goal), builder)
    (key,) = spec.measures
    objective = Objective(key, objective.most)
    variants = [
        Variant(name, *builder.compiled(template, ())) for name, template in zip(spec.names, templates, strict=True)
    ]
    samples = Samples(
        variants,
        (key,),
        seed,
        first,
        spec.goal,
        engine,
        store or PointStore(None),
        None,
        threads or os.cpu_count() or 1,
    )
    every = range(len(variants))
    there = [measures[key] for measures in samples.of(every, FIRST)]
    unit = CHANCE if there[0].unit == CHANCE else next((one.unit for one in there if one.unit), "")
    best = max(objective.sign * float(np.mean(linear_values(one))) for one in there)
    size = gap if isinstance(gap, float) else gap_of(gap, unit, currency, best)
    selection = select_variant(samples, every, objective, unit, size, chance, grow)
    return BestScenario(spec.names, objective, selection, [estimates(samples, i)[key] for i in every], samples.runs)


def select_variant(
    samples: Samples,
    which: Sequence[int],
    objective: Objective,
    unit: str,
    gap: float,
    chance: float,
    grow: float = GROW,
    on_stage: Callable[[int], None] | None = None,
) -> Selection:
    """The best of some variants; its number is a place in `which`."""

    def observe(systems: Sequence[int], n: int) -> FloatArray:
        every = samples.of([which[i] for i in systems], n)
        values = np.column_stack([objective.sign * linear_values(measures[objective.measure]) for measures in every])
        if not np.isfinite(values).all():
            raise RunError(f"there is no figure for {objective.measure} in some replications")
        return values

    is_chance = unit == CHANCE
    return select(
        observe,
        len(which),
        gap,
        chance,
        FIRST_CHANCES if is_chance else FIRST,
        MOST,
        grow,
        is_chance,
        on_stage=on_stage,
    )
