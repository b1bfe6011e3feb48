"""What a win is worth: a lognormal law when the data agree with one, else the data's own quantiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from funnelsim.calibration.families import Array

FEWEST = 20
QUANTILES = 20


@dataclass(frozen=True)
class DealValue:
    """A law of deal values."""

    count: int
    of: str  # won leads or all leads
    mean: float
    text: str  # as a scenario says it
    distance: float  # largest gap between data and lognormal


def fit_value(value: Array, won: np.ndarray) -> DealValue | None:
    """The law of the known values, of wins when there are enough of them."""
    known = np.isfinite(value)
    of = "won leads" if (known & won).sum() >= FEWEST else "all leads"
    data = np.sort(value[known & won] if of == "won leads" else value[known])
    if len(data) < FEWEST:
        return None
    log = np.log(data)
    mu, sigma = float(log.mean()), float(log.std(ddof=1))
    if sigma < 1e-6:
        return DealValue(len(data), of, float(data.mean()), f"{data[0]:.6g}", 0.0)
    steps = np.arange(len(data) + 1) / len(data)
    law = ndtr((log - mu) / sigma)
    distance = float(max((steps[1:] - law).max(), (law - steps[:-1]).max()))
    # Lilliefors' bound at 1 % is 1.035 / sqrt(n); a simple law may be a little worse and still be preferred.
    if distance < max(1.035 / np.sqrt(len(data)), 0.05):
        p90 = np.exp(mu + sigma * ndtri(0.9))
        return DealValue(
            len(data), of, float(data.mean()), f"lognormal(median {np.exp(mu):.5g} p90 {p90:.5g})", distance
        )
    shares = np.linspace(0, 1, QUANTILES + 1)
    points = ", ".join(f"{100 * s:g}% {v:.5g}" for s, v in zip(shares, np.quantile(data, shares), strict=True))
    return DealValue(len(data), of, float(data.mean()), f"empirical({points})", distance)
