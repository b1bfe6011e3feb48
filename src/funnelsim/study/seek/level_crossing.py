"""Where a curve over replications crosses: the smallest x at which a goal is met often enough, with its interval.

At each of some nodes x_k there is a margin in each replication, 0 or more where the goal is met, on the same luck at
all nodes; between nodes its mean and its spread are taken as linear, and so is each replication's distance from the
mean, scaled to that spread (a plain average of two nodes would spread less than either). So every x has a count of
replications that meet the goal. The chance is made monotone up to where it is highest (pool adjacent violators), then

    answer          the smallest x with chance at least p
    interval        the x at which the exact (Clopper-Pearson) 90 % limits of the chance reach p

The true x lies outside only if the limits miss the chance at the true x, at most once in ten studies. The mean answer
is the same with the mean margin, its 90 % t-limits and 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import betaincinv

from funnelsim.measures.estimate import LEVEL, t_quantile
from funnelsim.typing import BoolArray, FloatArray

FINE = 501  # places between the ends of the range


@dataclass(frozen=True)
class LevelCrossing:
    """A place on the way from the first to the last node; nan = not within them."""

    place: float
    low: float
    high: float


@dataclass(frozen=True)
class Margins:
    """By how much the goal is met, [replication, node]; `places` rise from 0 to 1 towards more chance."""

    places: FloatArray
    values: FloatArray
    allowed: FloatArray | None = None  # the places that x can have; none = all between

    @property
    def grid(self) -> FloatArray:
        """The places that an answer may have."""
        if self.allowed is not None:
            there: FloatArray = self.allowed[(self.allowed >= self.places[0]) & (self.allowed <= self.places[-1])]
            return there
        return np.union1d(np.linspace(self.places[0], self.places[-1], FINE), self.places)

    def between(self, places: FloatArray) -> FloatArray:
        """Margins [replication, place]."""
        right = np.clip(np.searchsorted(self.places, places), 1, len(self.places) - 1)
        left = right - 1
        part = (places - self.places[left]) / (self.places[right] - self.places[left])
        one, two = self.values[:, left], self.values[:, right]
        with np.errstate(invalid="ignore"):
            mixed = (1.0 - part) * one + part * two
        if np.isfinite(mixed).all():
            spreads = self.values.std(axis=0)
            mixed = _with_deviations(mixed, (1.0 - part) * spreads[left] + part * spreads[right])
        # a margin of minus infinity, where there was nothing to measure, must not spoil a node itself
        return np.where(part >= 1.0, two, np.where(part <= 0.0, one, np.where(np.isnan(mixed), -np.inf, mixed)))

    def met(self, places: FloatArray) -> BoolArray:
        """Whether the goal is met, [replication, place]."""
        reached: BoolArray = self.between(places) >= self.bar
        return reached

    def chances(self, places: FloatArray) -> FloatArray:
        """Share of replications that meet the goal."""
        share: FloatArray = self.met(places).mean(axis=0)
        return share

    @property
    def bar(self) -> float:
        """0; of counts half a one below it, so that between two nodes 209.9 of 210 wins is no miss.

        Counts are margins that are whole numbers: then midway from the best miss to the closest success. At the nodes
        it parts the same replications as 0 does.
        """
        finite = self.values[np.isfinite(self.values)]
        missed, met = finite[finite < 0.0], finite[finite >= 0.0]
        counts = len(missed) > 0 and len(met) > 0 and bool((finite == np.round(finite)).all())
        return float(missed.max() + met.min()) / 2.0 if counts else 0.0


def chance_crossing(margins: Margins, chance: float) -> LevelCrossing:
    """Where the goal is met with this chance."""
    places = margins.grid
    rising = _isotonic(margins.chances(places))
    low, high = limits(rising, len(margins.values))
    return LevelCrossing(
        _first_reaching(places, rising, chance),
        _first_reaching(places, high, chance),
        _first_reaching(places, low, chance),
    )


def mean_crossing(margins: Margins) -> LevelCrossing:
    """Where the mean reaches the goal."""
    places = margins.grid
    every = margins.between(places)
    n = len(every)
    means = every.mean(axis=0)
    known = n > 1 and bool(np.isfinite(every).all())
    halves = t_quantile(n - 1) * every.std(axis=0, ddof=1) / math.sqrt(n) if known else np.full(len(places), np.nan)
    return LevelCrossing(
        _first_reaching(places, means, 0.0),
        _first_reaching(places, means + halves, 0.0),
        _first_reaching(places, means - halves, 0.0),
    )


def difference(one: Margins, other: Margins, chance: float, resamples: int = 400) -> tuple[float, float]:
    """90 % limits of how far the answer of one lies beyond that of another on the same luck, by bootstrap."""
    n = len(one.values)
    counts = np.random.default_rng(n).multinomial(n, np.full(n, 1.0 / n), resamples)
    first, second = (_answers(counts / n, margins, chance) for margins in (one, other))
    apart = first - second
    known = apart[np.isfinite(apart)]
    if len(known) < 0.9 * resamples:  # an answer beyond the range in one resample of ten
        return math.nan, math.nan
    low, high = np.quantile(known, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    return float(low), float(high)


def limits(share: FloatArray, n: int) -> tuple[FloatArray, FloatArray]:
    """Exact 90 % limits of a chance from the share met of n (Clopper and Pearson, Biometrika 26, 1934)."""
    met, tail = share * n, (1.0 - LEVEL) / 2.0
    low = np.where(met > 0.0, betaincinv(np.maximum(met, 1e-9), n - met + 1.0, tail), 0.0)
    high = np.where(met < n, betaincinv(met + 1.0, np.maximum(n - met, 1e-9), 1.0 - tail), 1.0)
    return low, high


def _answers(weights: FloatArray, margins: Margins, chance: float) -> FloatArray:
    """Where each resample, a row of weights of the replications, meets the goal with this chance; nan = nowhere."""
    places = margins.grid
    shares = np.maximum.accumulate(weights @ margins.met(places).astype(float), axis=1)
    met = shares >= chance - 1e-12
    return np.where(met.any(axis=1), places[met.argmax(axis=1)], np.nan)


def _with_deviations(values: FloatArray, spreads: FloatArray) -> FloatArray:
    """Columns of values, with the same means and these standard deviations."""
    means, own = values.mean(axis=0), values.std(axis=0)
    factor = np.divide(spreads, own, out=np.ones_like(own), where=own > 0.0)
    scaled: FloatArray = means + (values - means) * factor
    return scaled


def _isotonic(share: FloatArray) -> FloatArray:
    """Monotone up to the highest, and that from there on."""
    top = len(share) - 1 - int(share[::-1].argmax())
    smooth: FloatArray = isotonic_regression(share[: top + 1]).x
    return np.concatenate((smooth, np.full(len(share) - top - 1, smooth[-1])))


def _first_reaching(places: FloatArray, values: FloatArray, wanted: float) -> float:
    there = np.flatnonzero(values >= wanted - 1e-12)
    return float(places[there[0]]) if len(there) else math.nan
