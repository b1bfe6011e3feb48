"""How good forecasts were: coverage, PIT, CRPS, bias, and the factor by which their intervals must be widened.

A forecast is an ensemble of m draws. If what happens is one more draw of the same kind, its rank among them is uniform
on 0 .. m (ties broken by chance): the PIT. The interval from the k-th lowest to the k-th highest draw then holds it
with probability 1 - 2k / (m + 1), exactly so for 199 draws: k = 10 at 90 %, k = 50 at 50 %.

    CRPS        mean |x_i - y| - sum_{i<j} |x_i - x_j| / (m (m - 1)): the fair estimate for an ensemble (Ferro 2014)
    widening    how many half-widths (from the median to the end on its side) what happened lay from the median; its
                90 % point over all forecasts is the factor by which 90 % intervals must be widened: split conformal
                prediction (Vovk 2005; Romano, Patterson and Candes 2019)

Forecasts from one instant share its luck and its fit. So the interval of a coverage is Wilson's with as many
independent forecasts as the spread between instants leaves, and that of a widening redraws whole instants.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from funnelsim.measures import wilson
from funnelsim.study.backtest.actuals import Quantity
from funnelsim.typing import FloatArray

LEVELS = (0.5, 0.9)
HALF_A_LEAD = 0.5  # no interval of a count is taken as narrower to each side
REDRAWN = 1000
_Z = 1.6448536269514722


@dataclass(frozen=True)
class ScoredForecast:
    """One forecast of one quantity, summed from an instant to a horizon, and what then happened."""

    origin: datetime
    quantity: Quantity
    weeks: int
    mean: float
    median: float
    low50: float
    high50: float
    low90: float
    high90: float
    happened: float
    pit: float  # uniform when forecasts are honest
    crps: float
    naive: float  # mean of the last weeks, carried on
    naive_crps: float  # of sums of weeks drawn from those

    @property
    def held50(self) -> bool:
        return self.low50 <= self.happened <= self.high50

    @property
    def held90(self) -> bool:
        return self.low90 <= self.happened <= self.high90

    @property
    def widening(self) -> float:
        """Half-widths of the 90 % interval between the median and what happened."""
        above = self.happened > self.median
        half = self.high90 - self.median if above else self.median - self.low90
        half = max(half, HALF_A_LEAD) if self.quantity.unit == "leads" else half
        off = abs(self.happened - self.median)
        return off / half if half > 0.0 else 0.0 if off == 0.0 else math.inf


@dataclass(frozen=True)
class Interval:
    """A figure with its 90 % interval."""

    value: float
    low: float
    high: float

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True)
class ForecastScore:
    """Forecasts together."""

    forecasts: int
    origins: int
    held50: Interval
    held90: Interval
    widening: Interval
    bias: float  # mean forecast over what happened, less 1; nan where nothing happened
    ratio: float  # of its CRPS to the naive one; over quantities and horizons the geometric mean


def score_one(
    origin: datetime,
    quantity: Quantity,
    weeks: int,
    drawn: FloatArray,
    happened: float,
    before: FloatArray,
    seed: tuple[int, ...],
) -> ScoredForecast:
    """Score sums of `weeks` weeks: `drawn` by draw, `before` the weeks before the instant, one by one."""
    rng = np.random.default_rng(seed)
    ordered = np.sort(drawn)
    low50, high50 = central(ordered, 0.5)
    low90, high90 = central(ordered, 0.9)
    naive = rng.choice(before, (len(drawn), weeks)).sum(axis=1)
    return ScoredForecast(
        origin,
        quantity,
        weeks,
        float(drawn.mean()),
        float(np.median(ordered)),
        low50,
        high50,
        low90,
        high90,
        happened,
        pit(ordered, happened, rng),
        crps(ordered, happened),
        weeks * float(before.mean()),
        crps(np.sort(naive), happened),
    )


def score(scored: Sequence[ScoredForecast], seed: int = 0) -> ForecastScore:
    """Forecasts together; of at least one."""
    origins = sorted({one.origin for one in scored})
    total = sum(abs(one.happened) for one in scored)
    bias = sum(one.mean for one in scored) / total - 1.0 if total else math.nan
    return ForecastScore(
        len(scored),
        len(origins),
        coverage(scored, lambda one: one.held50),
        coverage(scored, lambda one: one.held90),
        widening(scored, seed),
        bias,
        crps_ratio(scored),
    )


def central(ordered: FloatArray, level: float) -> tuple[float, float]:
    """The k-th lowest and the k-th highest draw, k as large as keeps the level."""
    k = max(1, math.floor((1.0 - level) / 2.0 * (len(ordered) + 1) + 1e-9))
    return float(ordered[k - 1]), float(ordered[-k])


def pit(ordered: FloatArray, happened: float, rng: np.random.Generator) -> float:
    """Rank among the draws as a share, ties and the place within the rank by chance."""
    below, upto = np.searchsorted(ordered, happened, "left"), np.searchsorted(ordered, happened, "right")
    return float((below + rng.random() * (upto - below + 1)) / (len(ordered) + 1))


def crps(ordered: FloatArray, happened: float) -> float:
    """Fair estimate from ordered draws; in the unit of the quantity, 0 is perfect."""
    many = len(ordered)
    ranks = 2.0 * np.arange(1, many + 1) - many - 1.0
    between = float((ranks * ordered).sum()) / max(many * (many - 1), 1)
    return float(np.abs(ordered - happened).mean()) - between


def coverage(scored: Sequence[ScoredForecast], held: Callable[[ScoredForecast], bool]) -> Interval:
    """Share held, with Wilson's interval for the number of independent forecasts."""
    inside = {origin: [held(one) for one in scored if one.origin == origin] for origin in {o.origin for o in scored}}
    count, share = len(scored), sum(map(sum, inside.values())) / len(scored)
    independent = _independent(list(inside.values()), share)
    low, high = wilson(share * independent, independent)
    return Interval(share, min(low, share), max(high, share)) if count else Interval(math.nan, math.nan, math.nan)


def widening(scored: Sequence[ScoredForecast], seed: int = 0) -> Interval:
    """The 90 % point of all widenings, with the central 90 % over instants redrawn."""
    by_origin = [
        np.array([one.widening for one in scored if one.origin == origin])
        for origin in sorted({one.origin for one in scored})
    ]
    rng = np.random.default_rng(seed)
    drawn = [
        _conformal(np.concatenate([by_origin[i] for i in rng.integers(0, len(by_origin), len(by_origin))]))
        for _ in range(REDRAWN)
    ]
    low, high = np.quantile(drawn, [0.05, 0.95], method="inverted_cdf")
    return Interval(_conformal(np.concatenate(by_origin)), float(low), float(high))


def crps_ratio(scored: Sequence[ScoredForecast]) -> float:
    """CRPS over the naive one's; below 1 is better. Units differ, so over kinds of forecast the geometric mean."""
    logs = []
    for kind in {(one.quantity, one.weeks) for one in scored}:
        mine = [one for one in scored if (one.quantity, one.weeks) == kind]
        ours, naive = sum(one.crps for one in mine), sum(one.naive_crps for one in mine)
        if ours > 0.0 and naive > 0.0:
            logs.append(math.log(ours / naive))
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def _conformal(values: FloatArray) -> float:
    """The ceil(0.9 (n + 1))-th lowest, or the highest."""
    ordered = np.sort(values)
    return float(ordered[min(math.ceil(0.9 * (len(ordered) + 1)), len(ordered)) - 1])


def _independent(inside: Sequence[Sequence[bool]], share: float) -> float:
    """How many independent forecasts would vary as much: between the number of instants and that of forecasts."""
    count, origins = sum(map(len, inside)), len(inside)
    if origins < 2 or share in (0.0, 1.0):
        return origins
    # of a ratio of sums: residuals by instant
    residuals = np.array([sum(one) - share * len(one) for one in inside])
    variance = float((residuals**2).sum()) * origins / (origins - 1) / count**2
    return float(np.clip(share * (1.0 - share) / variance, origins, count)) if variance > 0.0 else float(count)
