"""How sure a figure is: two spreads that are never mixed.

`low` to `high` is the simulation error of the mean: a 90 % t-interval over replications. It shrinks with more
replications and says nothing about the world. `least` to `most` is one period: the central 90 % of replications, the
luck a firm will meet once. (A third, ignorance of the parameters, needs many plans: see study.)

A share is a ratio of two sums, so its interval is that of a ratio estimator (residuals top - share * bottom over
replications): leads of one period share queues and weeks and are not independent. Where replications cannot tell
(only one, or nothing varies), the interval is Wilson's on the pooled counts (JASA 22, 1927).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from funnelsim.summary import Summary

LEVEL = 0.90
_Z = 1.6448536269514722  # normal quantile of 0.95
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A mean with its simulation error and the spread of one period."""

    mean: float
    low: float
    high: float
    least: float
    most: float
    method: str  # "t", "ratio t", "Wilson", or "-" where there is nothing to vary
    replications: int

    @property
    def error(self) -> float:
        """Half the width of the interval of the mean, relative to the mean."""
        return (self.high - self.low) / 2.0 / abs(self.mean) if self.mean else math.inf


NOTHING = Estimate(math.nan, math.nan, math.nan, math.nan, math.nan, "-", 0)


@dataclass(frozen=True)
class Measure:
    """One figure, in each replication: a number, or a ratio of two."""

    window: str  # "cohort" or "calendar"
    name: str  # "conversion", "response p90", ...
    of: str  # stage, team, source ...; empty = the whole funnel
    unit: str  # "leads", "share", "seconds", "hours", or the currency
    top: Floats
    bottom: Floats | None = None

    @property
    def key(self) -> str:
        """cohort.conversion.interest"""
        return ".".join(part for part in (self.window, self.name.replace(" ", "_"), self.of) if part)

    @property
    def values(self) -> Floats:
        """The figure in each replication; nan where there was nothing to divide by."""
        if self.bottom is None:
            return self.top
        return divided(self.top, self.bottom)

    def estimate(self) -> Estimate:
        """Over all replications."""
        if self.bottom is not None:
            return ratio(self.top, self.bottom, counts=self.unit == "share")
        return mean(self.top)


def stack(summaries: Sequence[Summary]) -> Summary:
    """Many summaries as one, with the replication as the first axis."""
    return Summary(*(np.stack(tables) for tables in zip(*summaries, strict=True)))


def mean(values: Floats) -> Estimate:
    """Mean of replications, without those that have no value."""
    values = values[np.isfinite(values)]
    n = len(values)
    if n == 0:
        return NOTHING
    centre = float(values.mean())
    half = t_quantile(n - 1) * float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    least, most = one_period(values)
    return Estimate(centre, centre - half, centre + half, least, most, "t" if n > 1 else "-", n)


def ratio(top: Floats, bottom: Floats, counts: bool = False) -> Estimate:
    """Pooled ratio of sums; `counts` when it is a share of whole things."""
    whole, n = float(bottom.sum()), int((bottom != 0.0).sum())
    if whole == 0.0:
        return NOTHING
    share = float(top.sum()) / whole
    used = bottom != 0.0
    least, most = one_period(top[used] / bottom[used])
    residuals = (top - share * bottom)[used]
    if n > 1 and residuals.any():
        half = t_quantile(n - 1) * float(residuals.std(ddof=1)) / math.sqrt(n) / (whole / n)
        low, high, method = share - half, share + half, "ratio t"
        if counts:
            low, high = max(low, 0.0), min(high, 1.0)
    elif counts:
        low, high = wilson(float(top.sum()), whole)
        method = "Wilson"
    else:
        low, high, method = (share, share, "ratio t") if n > 1 else (math.nan, math.nan, "-")
    return Estimate(share, low, high, least, most, method, n)


def divided(top: Floats, bottom: Floats) -> Floats:
    """Ratios, nan where the bottom is 0."""
    out: Floats = np.full(np.shape(top), np.nan)
    np.divide(top, bottom, out=out, where=bottom != 0.0)
    return out


def wilson(count: float, of: float, z: float = _Z) -> tuple[float, float]:
    """Score interval of a share; holds at 0 and 1 too.

    In the calendar window more may leave a stage than enter it, so a "share" can exceed 1: it is taken as 1.
    """
    share, room = min(count / of, 1.0), z * z / of
    centre = (share + room / 2.0) / (1.0 + room)
    half = z * math.sqrt(share * (1.0 - share) / of + room / of / 4.0) / (1.0 + room)
    return max(0.0, centre - half), min(1.0, centre + half)


def one_period(values: Floats) -> tuple[float, float]:
    """Central 90 % of single replications."""
    low, high = np.quantile(values, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    return float(low), float(high)


def t_quantile(freedom: int) -> float:
    """Two-sided 90 % quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1.0 + LEVEL) / 2.0))
