"""What a chosen policy gains over the file as it is, on luck that had no part in the choice.

The value at which a search found its best is too good on average: of many points the luckiest was taken (the
optimiser's curse, Smith and Winkler, Management Science 52, 2006). So the figures that are told are measured anew:
both scenarios in the two-level design of `compare`, draws of what is not known x periods, numbered apart from the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from funnelsim.engine.replicate import Job, run_jobs
from funnelsim.study.alternative_models import Case
from funnelsim.study.goals import MeasureGoal, measured_of
from funnelsim.study.paired_difference import TwoLevelEstimate, two_level_estimate
from funnelsim.study.point import linear_values
from funnelsim.summary import Summary
from funnelsim.typing import FloatArray

DRAWS, PAIRS = 40, 4


@dataclass(frozen=True)
class PolicyGain:
    """A measure of the policy and of the file, and the difference, each with its three spreads."""

    value: TwoLevelEstimate
    base: TwoLevelEstimate
    difference: TwoLevelEstimate  # the policy less the file


def gains(
    base: Case,
    chosen: Case,
    keys: tuple[str, ...],
    goal: MeasureGoal | None,
    seed: int,
    first: int,
    engine: str = "fast",
    threads: int | None = None,
    on_done: Callable[[int], None] | None = None,
) -> dict[str, PolicyGain]:
    """By measure, where both scenarios have it; replications are numbered from `first` on."""
    uncertain = base.blueprint.uncertain or chosen.blueprint.uncertain
    jobs = [
        Job(
            one.anchor.plan(one.blueprint, first + draw if one.blueprint.uncertain else None),
            seed,
            tuple(first + draw * PAIRS + pair for pair in range(PAIRS)),
        )
        for one in (base, chosen)
        for draw in range(DRAWS)
    ]
    results = run_jobs(jobs, engine, threads, on_done)
    before, after = (
        _by_draw(one, results[i * DRAWS : (i + 1) * DRAWS], keys, goal) for i, one in enumerate((base, chosen))
    )
    return {
        key: PolicyGain(
            two_level_estimate(after[key], uncertain),
            two_level_estimate(before[key], uncertain),
            two_level_estimate(after[key] - before[key], uncertain),
        )
        for key in keys
        if np.isfinite(before[key]).all() and np.isfinite(after[key]).all()
    }


def _by_draw(
    case: Case, results: Sequence[Sequence[Summary]], keys: tuple[str, ...], goal: MeasureGoal | None
) -> dict[str, FloatArray]:
    """Each measure [draw, pair]."""
    summaries = [summary for run in results for summary in run]
    measures = measured_of(summaries, case.blueprint.centre, case.blueprint.book, keys, goal)
    return {key: np.asarray(linear_values(measures[key]), np.float64).reshape(len(results), -1) for key in keys}
