"""Where a curve over an axis is highest or lowest, and which points cannot be told from that one.

Point k is kept when no other is surely better on the same luck. With d_j the differences of point j over point k,
T_k = max_j mean(d_j) / error(d_j), and k stays while T_k is at most the 90 % quantile of that maximum under "k is
best", found by a multiplier bootstrap of the replications (Chernozhukov, Chetverikov, Kato 2013) and widened by
Student's t for few of them. So the true best point is left out in at most one of ten studies, however many points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit

from funnelsim.measures.estimate import LEVEL
from funnelsim.typing import FloatArray, IntArray

RESAMPLES = 2000
MANY = 1000  # points beyond which Bonferroni's bound decides: wider, and sure too
BLOCK = 256  # points compared with all others at a time
ROUNDING = 1e-9  # of a spread, relative: less is none


@dataclass(frozen=True)
class Extremum:
    """The best point of a curve, and the points that may be the best."""

    at: int
    first: int  # of those that cannot be told from it
    last: int
    value: float

    def inside(self, count: int) -> bool:
        """Whether the curve surely turns within its points."""
        return self.first > 0 and self.last < count - 1


def highest(values: FloatArray) -> Extremum:
    """Of values[replication, point]."""
    means = values.mean(axis=0)
    at = int(means.argmax())
    kept = np.union1d(_may_be_best(values, means), [at])
    return Extremum(at, int(kept[0]), int(kept[-1]), float(means[at]))


def lowest(values: FloatArray) -> Extremum:
    """Of values[replication, point]."""
    mirrored = highest(-values)
    return Extremum(mirrored.at, mirrored.first, mirrored.last, -mirrored.value)


def _may_be_best(values: FloatArray, means: FloatArray) -> IntArray:
    """The points k whose T_k is not too large."""
    n, count = values.shape
    if n < 2:
        return np.arange(count)
    largest = np.concatenate(
        [_largest(values, means, block) for block in np.split(np.arange(count), range(BLOCK, count, BLOCK))]
    )
    # the critical value lies between that of one comparison and Bonferroni's for all
    kept = list(np.flatnonzero(largest <= stdtrit(n - 1, LEVEL)))
    doubtful = np.flatnonzero(
        (largest > stdtrit(n - 1, LEVEL)) & (largest <= stdtrit(n - 1, 1.0 - (1.0 - LEVEL) / max(count - 1, 1)))
    )
    if count > MANY:
        return np.union1d(kept, doubtful).astype(np.int64)
    luck = np.random.default_rng(count).standard_normal((RESAMPLES, n)) if len(doubtful) else np.zeros((0, n))
    wider = stdtrit(n - 1, LEVEL) / ndtri(LEVEL)
    for k in doubtful:
        spreads = _spreads(values, np.array([k]))[0]
        varied = spreads > 0.0
        residuals = (values[:, varied] - values[:, [k]] - (means[varied] - means[k])) / spreads[varied]
        under_k = (luck @ residuals / math.sqrt(n)).max(axis=1)
        if largest[k] <= np.quantile(under_k, LEVEL) * wider:
            kept.append(k)
    return np.sort(np.array(kept, np.int64))


def _largest(values: FloatArray, means: FloatArray, block: IntArray) -> FloatArray:
    """T_k of some points k: a block at a time, for a table of all pairs of ten thousand points is a gigabyte."""
    spreads = _spreads(values, block)
    ahead = means[None, :] - means[block, None]  # [k, j]: of j over k
    surely = (spreads == 0.0) & (ahead > 0.0)
    scaled = np.divide(ahead, spreads, out=np.where(surely, np.inf, 0.0), where=spreads > 0.0)
    largest: FloatArray = scaled.max(axis=1) * math.sqrt(len(values))
    return largest


def _spreads(values: FloatArray, block: IntArray) -> FloatArray:
    """Standard deviations of the differences of some points from all."""
    away = values - values.mean(axis=0)
    own = (away * away).sum(axis=0)
    sums = own[block, None] + own[None, :]
    squares = sums - 2.0 * away[:, block].T @ away
    return np.sqrt(np.where(squares <= ROUNDING * sums, 0.0, squares) / (len(values) - 1))
