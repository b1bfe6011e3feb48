"""Best of k: which of some systems has the highest mean, with a stated chance of the right choice.

Kim and Nelson, "A fully sequential procedure for indifference-zone selection in simulation", ACM TOMACS 11 (2001). All
systems are observed n0 times, on the same luck. With S2 the variance of the differences of i and l in this first stage,

    eta = ((2 a / (k - 1)) ** (-2 / (n0 - 1)) - 1) / 2          a = 1 - chance
    h2  = 2 eta (n0 - 1)

system i is dropped after r observations when another that is still there is ahead by more than

    W = max(0, gap / (2 r) * (h2 S2 / gap ** 2 - r))

If the best is ahead of every other by `gap` or more, it is kept with the wanted chance, or a higher one, for normal
observations, dependent between systems or not: common random numbers make S2 small and so the procedure short. If
others lie closer than that, one of those within the gap is as good an answer. Looking less often than after each
observation errs less often (Jennison, Johnstone, Turnbull 1982).

`renewed` takes S2 from all observations so far and n0 = r (KN++: Kim and Nelson, Operations Research 54, 2006): right
in the limit of many observations only, and sooner done where the first stage says little.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from funnelsim.typing import FloatArray

Observe = Callable[[Sequence[int], int], FloatArray]
FIRST = 10  # observations of each system before any is dropped


@dataclass(frozen=True)
class Selection:
    """Which system was chosen, and on what grounds."""

    best: int
    gap: float  # the indifference zone: means closer than this count as equal
    chance: float  # of the right choice: as wanted, or an estimate where it was not finished
    finished: bool  # else the observations ran out
    remaining: tuple[int, ...]  # those that were not dropped: the best alone, unless equals or not finished
    counts: tuple[int, ...]  # observations of each system
    means: tuple[float, ...]  # of each, over its own observations

    @property
    def runs(self) -> int:
        """Observations of all systems together."""
        return sum(self.counts)


def select(
    observe: Observe,
    count: int,
    gap: float,
    chance: float = 0.95,
    first: int = FIRST,
    most: int = 10_000,
    grow: float = 0.0,
    shares: bool = False,
    renewed: bool = False,
    on_stage: Callable[[int], None] | None = None,
) -> Selection:
    """Choose among `count` systems the one with the highest mean.

    `observe(systems, n)` gives the first n observations of some systems, [n, system], on the same luck in each row; the
    mean of a column is the system's estimate. `grow` > 0 looks again only after this share of more observations.
    `shares`: observations are 0 or 1. `most` observations a system, then the highest mean is taken and its chance
    estimated. `on_stage` is told how many systems are left. ValueError for a gap or a chance that mean nothing.
    """
    if not gap > 0.0 or not 0.0 < chance < 1.0 or count < 1 or first < 2:
        raise ValueError(f"gap {gap}, chance {chance}, {count} systems, {first} observations first")
    r = min(first, most)
    values = observe(range(count), r)
    counts, means = np.full(count, r), values.mean(axis=0)
    variances, h2 = _difference_variances(values, shares), _h2(count, chance, r)
    left = list(range(count))
    while True:
        spans = h2 * variances[np.ix_(left, left)] / gap**2
        left = [left[i] for i in _not_beaten(means[left], np.maximum(0.0, gap / (2.0 * r) * (spans - r)))]
        if on_stage is not None:
            on_stage(len(left))
        decided = len(left) == 1 or r > (h2 * variances[np.ix_(left, left)] / gap**2).max()
        if decided or r >= most:
            break
        r = min(most, r + max(1, int(grow * r)))
        values = observe(left, r)
        counts[left], means[left] = r, values.mean(axis=0)
        if renewed:
            variances[np.ix_(left, left)], h2 = _difference_variances(values, shares), _h2(count, chance, r)
    best = max(left, key=lambda i: means[i])  # of equals the first
    sure = chance if decided else estimated_chance(observe(left, r), left.index(best), gap, shares)
    return Selection(best, gap, sure, decided, tuple(left), tuple(counts.tolist()), tuple(means.tolist()))


def estimated_chance(values: FloatArray, best: int, gap: float, shares: bool = False) -> float:
    """That no other column's mean is ahead of the best's by the gap or more: paired t, summed (Bonferroni)."""
    from scipy.special import stdtr

    n = len(values)
    errors = np.sqrt(_difference_variances(values, shares)[best] / n)
    ahead = values.mean(axis=0)[best] - values.mean(axis=0) + gap
    wrong = [
        float(stdtr(n - 1, -one / error)) if error > 0.0 else float(one <= 0.0)
        for i, (one, error) in enumerate(zip(ahead, errors, strict=True))
        if i != best
    ]
    return max(0.0, 1.0 - sum(wrong))


def _h2(count: int, chance: float, n: int) -> float:
    if count == 1:
        return 0.0
    eta = 0.5 * (math.pow(2.0 * (1.0 - chance) / (count - 1), -2.0 / (n - 1)) - 1.0)
    return 2.0 * eta * (n - 1)


def _difference_variances(values: FloatArray, shares: bool) -> FloatArray:
    """Of the differences of every two columns.

    Of 0 and 1: with one more pair that differs each way (Agresti and Min, Statistics in Medicine 24, 2005), as a few
    equal pairs are no proof that pairs never differ.
    """
    n = len(values)
    apart = values[:, :, None] - values[:, None, :]
    if not shares:
        return np.asarray(apart.var(axis=0, ddof=1), np.float64)
    variances: FloatArray = ((apart**2).sum(axis=0) + 2.0) / (n + 2.0) - (apart.sum(axis=0) / (n + 2.0)) ** 2
    np.fill_diagonal(variances, 0.0)
    return variances


def _not_beaten(means: FloatArray, spans: FloatArray) -> list[int]:
    """Those that no other is ahead of by more than the span between the two."""
    behind = means[None, :] - means[:, None]  # [i, l]: by how much l is ahead of i
    np.fill_diagonal(behind, -np.inf)
    return [int(i) for i in np.flatnonzero((behind <= spans).all(axis=1))]
