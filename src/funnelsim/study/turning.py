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
from numpy.typing import NDArray

from funnelsim.measures.estimate import LEVEL, t_quantile

Floats = NDArray[np.float64]
RESAMPLES = 2000
_NORMAL = 1.6448536269514722            # quantile of 0.95


@dataclass(frozen=True)
class Extreme:
    """The best point of a curve, and the points that may be the best."""

    at: int
    first: int                          # of those that cannot be told from it
    last: int
    value: float

    def inside(self, count: int) -> bool:
        """Whether the curve surely turns within its points."""
        return self.first > 0 and self.last < count - 1


def highest(values: Floats) -> Extreme:
    """Of values[replication, point]."""
    means = values.mean(axis=0)
    at = int(means.argmax())
    kept = [k for k in range(values.shape[1]) if k == at or _may_be_best(values, k)]
    return Extreme(at, min(kept), max(kept), float(means[at]))


def lowest(values: Floats) -> Extreme:
    """Of values[replication, point]."""
    found = highest(-values)
    return Extreme(found.at, found.first, found.last, -found.value)


def _may_be_best(values: Floats, k: int) -> bool:
    n = len(values)
    if n < 2:
        return True
    ahead = values - values[:, [k]]
    means, spreads = ahead.mean(axis=0), ahead.std(axis=0, ddof=1)
    if bool(((spreads == 0.0) & (means > 0.0)).any()):
        return False
    varied = spreads > 0.0
    if not varied.any():
        return True
    scaled = (ahead[:, varied] - means[varied]) / spreads[varied]
    luck = np.random.default_rng(k).standard_normal((RESAMPLES, n))
    largest = (luck @ scaled / math.sqrt(n)).max(axis=1)
    critical = float(np.quantile(largest, LEVEL)) * t_quantile(n - 1) / _NORMAL
    return float((means[varied] / spreads[varied]).max()) * math.sqrt(n) <= critical
