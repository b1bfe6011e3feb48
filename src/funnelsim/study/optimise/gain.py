"""What a chosen policy gains over the file as it is, on luck that had no part in the choice.

The value at which a search found its best is too good on average: of many points the luckiest was taken (the
optimiser's curse, Smith and Winkler, Management Science 52, 2006). So the figures that are told are measured anew:
both scenarios in the two-level design of `compare`, draws of what is not known x periods, numbered apart from the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from funnelsim.engine.replicate import ReplicationBatch, run_batches
from funnelsim.study.alternative_models import Case
from funnelsim.study.goals import Goal, measured_of
from funnelsim.study.paired_difference import Spread, spread
from funnelsim.study.point import linear_values
from funnelsim.summary import Summary

Floats = NDArray[np.float64]
DRAWS, PAIRS = 40, 4


@dataclass(frozen=True)
class Gain:
    """A measure of the policy and of the file, and the difference, each with its three spreads."""

    value: Spread
    base: Spread
    more: Spread  # the policy less the file


def gains(
    base: Case,
    chosen: Case,
    keys: tuple[str, ...],
    goal: Goal | None,
    seed: int,
    first: int,
    engine: str = "fast",
    threads: int | None = None,
    on_done: Callable[[int], None] | None = None,
) -> dict[str, Gain]:
    """By measure, where both scenarios have it; replications are numbered from `first` on."""
    uncertain = base.blueprint.uncertain or chosen.blueprint.uncertain
    jobs = [
        ReplicationBatch(
            one.anchor.plan(one.blueprint, first + draw if one.blueprint.uncertain else None),
            seed,
            tuple(first + draw * PAIRS + pair for pair in range(PAIRS)),
        )
        for one in (base, chosen)
        for draw in range(DRAWS)
    ]
    results = run_batches(jobs, engine, threads, on_done)
    before, after = (
        _by_draw(one, results[i * DRAWS : (i + 1) * DRAWS], keys, goal) for i, one in enumerate((base, chosen))
    )
    return {
        key: Gain(
            spread(after[key], uncertain), spread(before[key], uncertain), spread(after[key] - before[key], uncertain)
        )
        for key in keys
        if np.isfinite(before[key]).all() and np.isfinite(after[key]).all()
    }


def _by_draw(
    case: Case, results: Sequence[Sequence[Summary]], keys: tuple[str, ...], goal: Goal | None
) -> dict[str, Floats]:
    """Each measure [draw, pair]."""
    summaries = [summary for found in results for summary in found]
    found = measured_of(summaries, case.blueprint.centre, case.blueprint.book, keys, goal)
    return {key: np.asarray(linear_values(found[key]), np.float64).reshape(len(results), -1) for key in keys}
