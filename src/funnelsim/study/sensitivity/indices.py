"""Which inputs move an answer: elementary effects and Sobol indices, designs and estimates; any function will do.

An input has one coordinate in the unit cube, or several that move together (a group). Points are rows of the cube.

Screening: elementary effects over R trajectories (Morris, Technometrics 33, 1991) on the levels 1/8, 3/8, 5/8, 7/8 with
steps of 1/2, so that no coordinate stands at an end where a normal law is infinite. Effect d = (f(after) - f(before)) /
step in the input's own direction; mu* = mean |d|, sigma = deviation of d. Of a group all coordinates step, each its own
way, and only mu* has a meaning (Campolongo, Cariboni, Saltelli, Environ. Model. Softw. 22, 2007).

Indices: N rows A, N rows B of one scrambled Sobol sequence, and A with the coordinates of input i from B (AB_i):
    first order  S_i  = mean(f(B) (f(AB_i) - f(A))) / V        Saltelli et al., Comput. Phys. Commun. 181, 2010
    total        ST_i = mean((f(A) - f(AB_i))^2) / (2 V)       Jansen, Comput. Phys. Commun. 117, 1999
with f less its mean, V its variance over A and B: as scipy.stats.sobol_indices. S_i is the share of the variance that
would vanish on average were input i known; ST_i what would remain were all others known. Intervals: percentiles of a
bootstrap of whole rows. Rows of a Sobol sequence fill the cube more evenly than chance does, so they are rather wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc

from funnelsim.measures.estimate import LEVEL
from funnelsim.typing import FloatArray, IntArray

Groups = Sequence[Sequence[int]]  # by input: its coordinates

LEVELS, STEP = 4, 0.5
RESAMPLES = 1000
EDGE = 1e-9  # no coordinate nearer to 0 or 1


@dataclass(frozen=True)
class IntervalEstimate:
    """A figure with its 90 % interval, of the choice of points alone."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ElementaryEffect:
    """What screening says of an input, in the unit of the answer for its whole way."""

    mu_star: IntervalEstimate  # mu*
    sigma: IntervalEstimate | None  # sigma: not straight, or with others; none for a group
    variance: float  # of the answer that it takes part in, were the answer straight in it


@dataclass(frozen=True)
class SobolIndex:
    """Shares of the variance."""

    first: IntervalEstimate
    total: IntervalEstimate


# ---- designs -------------------------------------------------------------------------------------------------------


def morris_points(groups: Groups, count: int, seed: int) -> tuple[FloatArray, IntArray]:
    """(points [count, inputs + 1, coordinates], order [count, inputs]): from point j to the next order[j] steps."""
    rng = np.random.default_rng(seed)
    coordinates = sum(len(group) for group in groups)
    points = np.empty((count, len(groups) + 1, coordinates))
    order = np.empty((count, len(groups)), np.int64)
    for i in range(count):
        points[i, 0] = (rng.integers(0, LEVELS, coordinates) + 0.5) / LEVELS
        order[i] = rng.permutation(len(groups))
        for j, group in enumerate(order[i]):
            points[i, j + 1] = points[i, j]
            moved = list(groups[group])
            points[i, j + 1, moved] += np.where(points[i, j, moved] < 0.5, STEP, -STEP)
    return points, order


def saltelli_points(groups: Groups, count: int, seed: int) -> FloatArray:
    """Points [2 + inputs, count, coordinates]: A, B, and A with each input from B. `count` is a power of two."""
    coordinates = sum(len(group) for group in groups)
    cube = qmc.Sobol(2 * coordinates, rng=np.random.default_rng(seed)).random_base2(count.bit_length() - 1)
    cube = np.clip(cube, EDGE, 1.0 - EDGE)
    a, b = cube[:, :coordinates], cube[:, coordinates:]
    points = np.stack([a, b, *[a] * len(groups)])
    for i, group in enumerate(groups):
        points[2 + i][:, list(group)] = b[:, list(group)]
    return points


# ---- estimates -----------------------------------------------------------------------------------------------------


def elementary_effects(
    points: FloatArray, order: IntArray, values: FloatArray, groups: Groups, seed: int
) -> list[ElementaryEffect]:
    """Elementary effects by input, of values [count, inputs + 1] at the points of `trajectories`."""
    slopes = np.empty((len(values), len(groups)))
    rises = np.empty_like(slopes)
    for i, row in enumerate(order):
        for j, group in enumerate(row):
            slopes[i, group] = (values[i, j + 1] - values[i, j]) / STEP
            rises[i, group] = np.sign(points[i, j + 1, groups[group][0]] - points[i, j, groups[group][0]])
    signed = slopes * rises
    pick = np.random.default_rng(seed).integers(0, len(values), (RESAMPLES, len(values)))
    sizes, bends = np.abs(signed)[pick].mean(axis=1), signed[pick].std(axis=1, ddof=1)
    return [
        ElementaryEffect(
            _with_interval(float(np.abs(signed[:, i]).mean()), sizes[:, i]),
            _with_interval(float(signed[:, i].std(ddof=1)), bends[:, i]) if len(group) == 1 else None,
            float((signed[:, i] ** 2).mean()) / 12.0,  # a uniform number varies by 1/12
        )
        for i, group in enumerate(groups)
    ]


def sobol_indices(values: FloatArray, seed: int) -> list[SobolIndex]:
    """First-order and total indices by input, of values [2 + inputs, count] at the points of `rows`."""
    first, total = _indices(values[:, None, :])
    pick = np.random.default_rng(seed).integers(0, values.shape[1], (RESAMPLES, values.shape[1]))
    firsts, totals = _indices(values[:, pick])
    return [
        SobolIndex(_with_interval(float(first[i, 0]), firsts[i]), _with_interval(float(total[i, 0]), totals[i]))
        for i in range(len(values) - 2)
    ]


def _indices(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Of values [2 + inputs, sample, count]: shares [input, sample]; 0 where nothing varies."""
    centred = values - values[:2].mean(axis=(0, 2))[:, None]
    a, b, ab = centred[0], centred[1], centred[2:]
    variance = (centred[:2] ** 2).mean(axis=(0, 2))
    sure = np.where(variance > 0.0, variance, np.inf)
    return (b * (ab - a)).mean(axis=2) / sure, 0.5 * ((a - ab) ** 2).mean(axis=2) / sure


def _with_interval(value: float, samples: FloatArray) -> IntervalEstimate:
    low, high = np.quantile(samples, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    return IntervalEstimate(value, float(low), float(high))
