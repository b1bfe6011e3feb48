"""Share of visits that have left by each exit within a time, from the data alone: Aalen and Johansen's estimator.

At each time t at which somebody left, of n that were still there d_j left by exit j and d by any:

    still there     S(t) = prod (1 - d / n)                     Kaplan and Meier 1958, all exits together
    left by j       F_j(t) = sum S(t-) d_j / n                  Aalen and Johansen 1978

With one exit, F = 1 - S. Open visits are there until they are out of sight, and who was out of sight before (late
entry) is there from then on. Variance of F_j by the delta method (Marubini and Valsecchi 1995, chapter 10); the band is
on the scale log(-log(1 - F)), which keeps it within 0 and 1. It holds the curve at each single time, not as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from funnelsim.typing import FloatArray


@dataclass(frozen=True)
class Incidence:
    """A step curve: the share that has left by one exit up to each time."""

    time: FloatArray  # seconds, rising; the first is 0
    share: FloatArray
    low: FloatArray  # of the band
    high: FloatArray

    def at(self, seconds: FloatArray) -> FloatArray:
        """The share at some times."""
        return np.asarray(self.share[np.searchsorted(self.time, seconds, side="right") - 1])


def incidence(
    time: FloatArray, outcome: np.ndarray, exits: int, entry: FloatArray | None = None, level: float = 0.9
) -> list[Incidence]:
    """One curve an exit. `time`: from the beginning to the exit, or until out of sight; `outcome`: 0 open, j = exit j.

    `entry`: the age at which a visit came into sight; 0 = at its beginning. A visit never in sight is left out.
    """
    entry = np.zeros(len(time)) if entry is None else entry
    seen = (time > entry) | ((outcome > 0) & (time >= entry))
    time, outcome, entry = time[seen], outcome[seen], entry[seen]
    at = np.unique(time[outcome > 0])
    if not len(at):
        nothing = np.zeros(1)
        return [Incidence(nothing, nothing, nothing, nothing) for _ in range(exits)]
    left = np.stack([np.bincount(np.searchsorted(at, time[outcome == j + 1]), minlength=len(at)) for j in range(exits)])
    there = _at_risk(at, time, entry)
    gone = left.sum(axis=0)
    still = np.cumprod(1.0 - gone / there)
    before = np.append(1.0, still[:-1])
    return [_curve(at, left[j], gone, there, before, level) for j in range(exits)]


def _at_risk(at: FloatArray, time: FloatArray, entry: FloatArray) -> FloatArray:
    """How many are there just before each time; who enters at that very time is not yet, unless at the beginning."""
    left_before = np.searchsorted(np.sort(time), at, side="left")
    entered = np.searchsorted(np.sort(entry), at, side="left") + ((at == 0.0) * (entry == 0.0).sum())
    return np.asarray((entered - left_before).astype(np.float64))


def _curve(
    at: FloatArray, mine: np.ndarray, gone: np.ndarray, there: FloatArray, before: FloatArray, level: float
) -> Incidence:
    share = np.cumsum(before * mine / there)
    error = np.sqrt(np.maximum(_variance(share, mine, gone, there, before), 0.0))
    low, high = _band(share, error, level)
    return Incidence(*(np.append(0.0, one) for one in (at, share, low, high)))


def _variance(
    share: FloatArray, mine: np.ndarray, gone: np.ndarray, there: FloatArray, before: FloatArray
) -> FloatArray:
    """sum (F(t) - F(u))^2 A(u) + sum B(u) - 2 sum (F(t) - F(u)) C(u), by running sums over u."""
    rest = np.maximum(there - gone, 1.0)  # where all have left at once
    a = gone / (there * rest)
    b = before**2 * mine * (there - mine) / there**3
    c = before * mine / there**2
    sums = [np.cumsum(one) for one in (a, a * share, a * share**2, b, c, c * share)]
    return np.asarray(
        share**2 * sums[0] - 2.0 * share * sums[1] + sums[2] + sums[3] - 2.0 * (share * sums[4] - sums[5])
    )


def _band(share: FloatArray, error: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """On the scale log(-log(1 - F)); nothing is said of a share of 0 or 1."""
    inside = (share > 0.0) & (share < 1.0)
    safe = np.where(inside, share, 0.5)
    reach = float(ndtri(0.5 + level / 2.0)) * error / ((1.0 - safe) * np.abs(np.log1p(-safe)))
    edges = [1.0 - (1.0 - safe) ** np.exp(sign * reach) for sign in (-1.0, 1.0)]
    return np.where(inside, edges[0], share), np.where(inside, edges[1], share)
