"""What a win is worth: a lognormal law when the data agree with one, else the data's own quantiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from funnelsim.typing import FloatArray

FEWEST = 20
QUANTILES = 20


@dataclass(frozen=True)
class DealValue:
    """A law of deal values."""

    count: int
    population: str  # won leads or all leads
    mean: float
    text: str  # as a scenario says it
    distance: float  # largest gap between data and lognormal
    location: float = 0.0  # mean and standard deviation of its logarithm; spread 0: not a lognormal law
    spread: float = 0.0
    median: float = 0.0
    error: float = 0.0  # of the mean, as a share of it


def fit_value(value: FloatArray, won: np.ndarray) -> DealValue | None:
    """The law of the known values, of wins when there are enough of them."""
    known = np.isfinite(value)
    of = "won leads" if (known & won).sum() >= FEWEST else "all leads"
    data = np.sort(value[known & won] if of == "won leads" else value[known])
    if len(data) < FEWEST:
        return None
    log = np.log(data)
    mu, sigma = float(log.mean()), float(log.std(ddof=1))
    mean = float(data.mean())
    if sigma < 1e-6:
        return DealValue(len(data), of, mean, f"{data[0]:.6g}", 0.0)
    steps = np.arange(len(data) + 1) / len(data)
    law = ndtr((log - mu) / sigma)
    distance = float(max((steps[1:] - law).max(), (law - steps[:-1]).max()))
    # Lilliefors' bound at 1 % is 1.035 / sqrt(n); a simple law may be a little worse and still be preferred.
    if distance < max(1.035 / np.sqrt(len(data)), 0.05):
        p90 = np.exp(mu + sigma * ndtri(0.9))
        text = f"lognormal(median {np.exp(mu):.5g} p90 {p90:.5g})"
        return DealValue(len(data), of, mean, text, distance, location=mu, spread=sigma)
    shares = np.linspace(0, 1, QUANTILES + 1)
    points = ", ".join(f"{100 * s:g}% {v:.5g}" for s, v in zip(shares, np.quantile(data, shares), strict=True))
    error = float(data.std(ddof=1) / np.sqrt(len(data)) / mean)
    return DealValue(len(data), of, mean, f"empirical({points})", distance, median=float(np.median(data)), error=error)


def deal_value_lines(value: DealValue | None) -> list[str]:
    """The block `deal_value` of what a draw of ignorance needs; nothing where nothing is drawn."""
    if value is None or not (value.spread or value.error):
        return []
    if value.spread:
        parameters = f"location: {value.location:.7g}, spread: {value.spread:.7g}"
    else:
        parameters = f"median: {value.median:.7g}, error: {value.error:.5g}"
    return [f"  deal_value: {{{parameters}, count: {value.count}}}"]
