"""Three spreads of a difference between two scenarios, never mixed.

Two-level design: D draws of what nobody knows, P pairs of periods on the same luck in each. With m_d the mean of
draw d and w2 the mean variance within draws:

    simulation error of the mean   se2 = var(m_d) / D                        decides only when to stop
    one period                     central 90 % of the D x P pairs           luck and ignorance together
    ignorance                      b2 = max(0, var(m_d) - w2 / P);  mean +- t * sqrt(b2 + se2)     the headline

t is the 95 % quantile of Student's law with D - 1 degrees of freedom. Where nothing is uncertain, b2 is 0 by
construction and the headline is the simulation error alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from funnelsim.typing import FloatArray

LEVEL = 0.90


@dataclass(frozen=True)
class TwoLevelEstimate:
    """A mean over draws and pairs, with its three spreads (90 %)."""

    mean: float
    error: float  # half width of the simulation error of the mean
    low: float  # headline: ignorance of the parameters
    high: float
    period_low: float  # one period
    period_high: float
    better: float  # chance that the expected value is above 0 (the policy)
    better_in_one_period: float  # share of pairs above 0 (one period)
    between: float  # standard deviation between draws, b

    @property
    def finer_buys_nothing(self) -> bool:
        """Whether the simulation error is below a tenth of what nobody knows anyway."""
        return self.error < 0.1 * (self.high - self.low) / 2.0


def two_level_estimate(values: FloatArray, uncertain: bool = True) -> TwoLevelEstimate:
    """Of values[draw, pair]; `uncertain` False when draws do not differ."""
    if not uncertain:
        values = values.reshape(-1, 1)
    draws, pairs = values.shape
    means = values.mean(axis=1)
    centre = float(means.mean())
    of_means = float(means.var(ddof=1)) if draws > 1 else 0.0
    within = float(values.var(axis=1, ddof=1).mean()) if pairs > 1 else 0.0
    between = max(0.0, of_means - within / pairs) if uncertain else 0.0
    error = math.sqrt(of_means / draws)
    scale = math.sqrt(between + of_means / draws)
    t = float(stats.t.ppf(0.5 + LEVEL / 2.0, draws - 1)) if draws > 1 else math.inf
    period_low, period_high = np.quantile(values, [0.5 - LEVEL / 2.0, 0.5 + LEVEL / 2.0])
    return TwoLevelEstimate(
        mean=centre,
        error=t * error if error else 0.0,
        low=centre - (t * scale if scale else 0.0),
        high=centre + (t * scale if scale else 0.0),
        period_low=float(period_low),
        period_high=float(period_high),
        better=_above_zero(centre, scale, draws),
        better_in_one_period=float((values > 0).mean() + 0.5 * (values == 0).mean()),
        between=math.sqrt(between),
    )


def _above_zero(centre: float, scale: float, draws: int) -> float:
    if scale == 0.0 or draws < 2:
        return 1.0 if centre > 0 else 0.0 if centre < 0 else 0.5
    return float(stats.t.cdf(centre / scale, draws - 1))
