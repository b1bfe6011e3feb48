"""Where a curve over replications crosses: the smallest x at which a goal is met often enough, with its interval.

At each of some nodes x_k there is a margin in each replication, 0 or more where the goal is met, on the same luck at
all nodes; between nodes it is taken as linear. So every x has a count of replications that meet the goal. The chance
is made monotone up to where it is highest (pool adjacent violators), and then

    answer          the smallest x with chance at least p
    interval        the x at which the exact (Clopper-Pearson) 90 % limits of the chance reach p

The true x lies outside only if the limits miss the chance at the true x, at most once in ten studies. The mean answer
is the same with the mean margin, its 90 % t-limits and 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.special import betaincinv

from funnelsim.measures.estimate import LEVEL, t_quantile

Floats = NDArray[np.float64]
FINE = 2001                             # places between the ends of the range


@dataclass(frozen=True)
class Crossing:
    """A place on the way from the first to the last node; nan = not within them."""

    at: float
    low: float
    high: float


@dataclass(frozen=True)
class Margins:
    """By how much the goal is met, [replication, node]; `places` rise from 0 to 1 towards more chance."""

    places: Floats
    values: Floats
    only: Floats | None = None          # the places that x can have; none = all between

    @property
    def fine(self) -> Floats:
        """The places that an answer may have."""
        if self.only is not None:
            there: Floats = self.only[(self.only >= self.places[0]) & (self.only <= self.places[-1])]
            return there
        return np.union1d(np.linspace(self.places[0], self.places[-1], FINE), self.places)

    def between(self, places: Floats) -> Floats:
        """Margins [replication, place]."""
        right = np.clip(np.searchsorted(self.places, places), 1, len(self.places) - 1)
        left = right - 1
        part = (places - self.places[left]) / (self.places[right] - self.places[left])
        # a margin of minus infinity, where there was nothing to measure, must not spoil a node itself
        one, two = self.values[:, left], self.values[:, right]
        with np.errstate(invalid="ignore"):
            mixed = (1.0 - part) * one + part * two
        return np.where(part >= 1.0, two, np.where(part <= 0.0, one, np.where(np.isnan(mixed), -np.inf, mixed)))

    def chances(self, places: Floats) -> Floats:
        """Share of replications that meet the goal."""
        share: Floats = (self.between(places) >= 0.0).mean(axis=0)
        return share

    def resampled(self, rows: NDArray[np.int64]) -> Margins:
        return Margins(self.places, self.values[rows], self.only)


def chance_crossing(margins: Margins, chance: float) -> Crossing:
    """Where the goal is met with this chance."""
    places = margins.fine
    rising = _rising(margins.chances(places))
    low, high = limits(rising, len(margins.values))
    return Crossing(_first(places, rising, chance), _first(places, high, chance), _first(places, low, chance))


def mean_crossing(margins: Margins) -> Crossing:
    """Where the mean reaches the goal."""
    places = margins.fine
    every = margins.between(places)
    n = len(every)
    means = every.mean(axis=0)
    halves = t_quantile(n - 1) * every.std(axis=0, ddof=1) / math.sqrt(n) if n > 1 and np.isfinite(
        every).all() else np.full(len(places), np.nan)
    return Crossing(_first(places, means, 0.0), _first(places, means + halves, 0.0),
                    _first(places, means - halves, 0.0))


def difference(one: Margins, other: Margins, chance: float, resamples: int = 400) -> tuple[float, float]:
    """90 % limits of how far the answer of one lies beyond that of another on the same luck, by bootstrap."""
    rng = np.random.default_rng(len(one.values))
    found = []
    for _ in range(resamples):
        rows = rng.integers(0, len(one.values), len(one.values))
        apart = _answer(one.resampled(rows), chance) - _answer(other.resampled(rows), chance)
        found.append(apart)
    known = np.array(found)[np.isfinite(found)]
    if len(known) < 0.9 * resamples:    # an answer beyond the range in one resample of ten
        return math.nan, math.nan
    low, high = np.quantile(known, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    return float(low), float(high)


def limits(share: Floats, n: int) -> tuple[Floats, Floats]:
    """Exact 90 % limits of a chance from the share met of n (Clopper and Pearson, Biometrika 26, 1934)."""
    met, tail = share * n, (1.0 - LEVEL) / 2.0
    low = np.where(met > 0.0, betaincinv(np.maximum(met, 1e-9), n - met + 1.0, tail), 0.0)
    high = np.where(met < n, betaincinv(met + 1.0, np.maximum(n - met, 1e-9), 1.0 - tail), 1.0)
    return low, high


def _answer(margins: Margins, chance: float) -> float:
    places = margins.fine
    return _first(places, np.maximum.accumulate(margins.chances(places)), chance)


def _rising(share: Floats) -> Floats:
    """Monotone up to the highest, and that from there on."""
    top = len(share) - 1 - int(share[::-1].argmax())
    smooth: Floats = isotonic_regression(share[:top + 1]).x
    return np.concatenate((smooth, np.full(len(share) - top - 1, smooth[-1])))


def _first(places: Floats, values: Floats, wanted: float) -> float:
    there = np.flatnonzero(values >= wanted - 1e-12)
    return float(places[there[0]]) if len(there) else math.nan
