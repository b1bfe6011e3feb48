"""How sure a figure is: two spreads that are never mixed.

`low` to `high` is the simulation error of the mean: a 90 % t-interval over replications. It shrinks with more
replications and says nothing about the world. `period_low` to `period_high` is one period: the central 90 % of
replications, the luck a firm will meet once. (A third, ignorance of the parameters, needs many plans: see study.)

A share is a ratio of two sums, so its interval is that of a ratio estimator (residuals numerator - share * denominator
over replications): leads of one period share queues and weeks and are not independent. Where replications cannot tell
(only one, or nothing varies), the interval is Wilson's on the pooled counts (JASA 22, 1927).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from funnelsim.summary import Summary
from funnelsim.typing import FloatArray

LEVEL = 0.90
_Z = 1.6448536269514722  # normal quantile of 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean with its simulation error and the spread of one period."""

    mean: float
    low: float
    high: float
    period_low: float
    period_high: float
    method: str  # "t", "ratio t", "Wilson", or "-" where there is nothing to vary
    replications: int

    @property
    def error(self) -> float:
        """Half the width of the interval of the mean, relative to the mean."""
        return (self.high - self.low) / 2.0 / abs(self.mean) if self.mean else math.inf


NUMBERS = ("mean", "low", "high", "period_low", "period_high")  # of an Estimate, in the order of tables
NOTHING = Estimate(math.nan, math.nan, math.nan, math.nan, math.nan, "-", 0)


@dataclass(frozen=True)
class Measure:
    """One figure, in each replication: a number, or a ratio of two."""

    window: str  # "cohort" or "calendar"
    name: str  # "conversion", "response p90", ...
    of: str  # stage, team, source ...; empty = the whole funnel
    unit: str  # "leads", "share", "seconds", "hours", or the currency
    numerator: FloatArray
    denominator: FloatArray | None = None

    @property
    def key(self) -> str:
        """cohort.conversion.interest"""
        return ".".join(part for part in (self.window, self.name.replace(" ", "_"), self.of) if part)

    @property
    def values(self) -> FloatArray:
        """The figure in each replication; nan where there was nothing to divide by."""
        if self.denominator is None:
            return self.numerator
        return divided(self.numerator, self.denominator)

    def estimate(self) -> Estimate:
        """Over all replications."""
        if self.denominator is not None:
            return ratio(self.numerator, self.denominator, counts=self.unit == "share")
        return mean(self.numerator)


def stack_summaries(summaries: Sequence[Summary]) -> Summary:
    """Many summaries as one, with the replication as the first axis."""
    return Summary(*(np.stack(tables) for tables in zip(*summaries, strict=True)))


def mean(values: FloatArray) -> Estimate:
    """Mean of replications, without those that have no value."""
    values = values[np.isfinite(values)]
    n = len(values)
    if n == 0:
        return NOTHING
    centre = float(values.mean())
    half = t_quantile(n - 1) * float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    period_low, period_high = one_period(values)
    return Estimate(centre, centre - half, centre + half, period_low, period_high, "t" if n > 1 else "-", n)


def ratio(numerator: FloatArray, denominator: FloatArray, counts: bool = False) -> Estimate:
    """Pooled ratio of sums; `counts` when it is a share of whole things."""
    whole, n = float(denominator.sum()), int((denominator != 0.0).sum())
    if whole == 0.0:
        return NOTHING
    share = float(numerator.sum()) / whole
    used = denominator != 0.0
    period_low, period_high = one_period(numerator[used] / denominator[used])
    residuals = (numerator - share * denominator)[used]
    if n > 1 and residuals.any():
        half = t_quantile(n - 1) * float(residuals.std(ddof=1)) / math.sqrt(n) / (whole / n)
        low, high, method = share - half, share + half, "ratio t"
        if counts:
            low, high = max(low, 0.0), min(high, 1.0)
    elif counts:
        low, high = wilson(float(numerator.sum()), whole)
        method = "Wilson"
    else:
        low, high, method = (share, share, "ratio t") if n > 1 else (math.nan, math.nan, "-")
    return Estimate(share, low, high, period_low, period_high, method, n)


def divided(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Ratios, nan where the denominator is 0."""
    out: FloatArray = np.full(np.shape(numerator), np.nan)
    np.divide(numerator, denominator, out=out, where=denominator != 0.0)
    return out


def wilson(count: float, of: float, z: float = _Z) -> tuple[float, float]:
    """Score interval of a share; holds at 0 and 1 too.

    In the calendar window more may leave a stage than enter it, so a "share" can exceed 1: it is taken as 1.
    """
    share, room = min(count / of, 1.0), z * z / of
    centre = (share + room / 2.0) / (1.0 + room)
    half = z * math.sqrt(share * (1.0 - share) / of + room / of / 4.0) / (1.0 + room)
    return max(0.0, centre - half), min(1.0, centre + half)


def one_period(values: FloatArray) -> tuple[float, float]:
    """Central 90 % of single replications."""
    low, high = np.quantile(values, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    return float(low), float(high)


def t_quantile(freedom: int) -> float:
    """Two-sided 90 % quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1.0 + LEVEL) / 2.0))
