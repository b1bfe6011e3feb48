"""The distribution of a duration: handling, patience, the pause between two calls. Right-censored, nobody is immune.

    L = prod over those that ended of f(t)  x  prod over those cut off of 1 - F(t)

and F(t + r/2) - F(t - r/2) in place of f(t) where t is known to r only and is not much longer than r. Weibull,
lognormal and gamma are fitted and weighted by Akaike's criterion (Burnham and Anderson 2002). Without assuming any:

    S(t) = prod over ends at u <= t of (1 - d_u / n_u),    var ln(-ln S) = sum d_u / (n_u (n_u - d_u)) / (ln S)^2

d_u of the n_u that are followed up to u end there (Kaplan and Meier 1958; the interval on the log-log scale:
Kalbfleisch and Prentice 2002, section 1.4). Both stand side by side, and where no family follows the data, the data
are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from funnelsim.calibration.report.scenario_text import empirical_text, law_text, mixture_text
from funnelsim.calibration.survival.optimiser import covariance, minimise
from funnelsim.calibration.survival.time_distributions import (
    FAMILIES,
    cdf,
    first_guess,
    log_density,
    log_time,
    quantile,
)
from funnelsim.typing import FloatArray

FEWEST = 20  # ends; fewer say nothing about a law
TOO_FAR = 0.03  # a law whose F differs by more than this from the data's, and not by chance, is not written
SMALLEST_WEIGHT = 0.01
COARSE = 5.0  # times shorter than this many roundings are intervals
AT_RISK = 20  # Kaplan-Meier is believed as far as so many are still followed, where some are cut off
OFF_MEAN = 0.03  # a law whose mean is off by more than this, and not by chance, is not written: load is a mean
UNEVEN = 0.25  # of a step between two points: further than this from even growth, the data jump
_SHARES = (*np.arange(0.0, 0.951, 0.05).round(2).tolist(), 0.97, 0.98, 0.99, 0.995, 0.998, 1.0)


class SurvivalCurve(NamedTuple):
    """Kaplan-Meier: the share still there just after each time at which some ended."""

    seconds: FloatArray
    share: FloatArray
    low: FloatArray  # 95 % interval
    high: FloatArray
    at_risk: FloatArray


@dataclass(frozen=True)
class FittedLaw:
    """One family, fitted: `vector` is (mu, s) as in `time_distributions`."""

    family: str
    vector: FloatArray
    covariance: FloatArray
    log_likelihood: float

    def gone_by(self, seconds: FloatArray) -> FloatArray:
        return cdf(self.family, float(self.vector[0]), float(self.vector[1]), log_time(seconds))[0]

    def quantile(self, share: FloatArray | float) -> FloatArray:
        return quantile(self.family, float(self.vector[0]), float(self.vector[1]), share)


@dataclass(frozen=True)
class DurationFit:
    """A fitted duration, in seconds."""

    ended: int
    cut_off: int
    laws: tuple[FittedLaw, ...]  # best first
    weights: FloatArray
    curve: SurvivalCurve
    distance: float  # largest gap between the weighted laws and Kaplan-Meier
    follows: bool  # do the laws follow the data?

    @property
    def known(self) -> float:
        """Share of all that is seen to end while enough are followed; beyond, the law is that of a family."""
        return float(1.0 - self.curve.share[self._firm][-1])

    @property
    def _firm(self) -> slice:
        if not self.cut_off:
            return slice(None)
        return slice(max(int((self.curve.at_risk >= AT_RISK).sum()), 1))

    def gone_by(self, seconds: FloatArray) -> FloatArray:
        """F of the weighted families."""
        return np.asarray(sum(w * law.gone_by(seconds) for w, law in zip(self.weights, self.laws, strict=True)))

    def median(self) -> float:
        """Of what is written."""
        return float(self._at(np.array([0.5]))[0])

    def median_span(self) -> tuple[float, float]:
        """95 % interval of the median: by the best law's parameters, or of Kaplan-Meier where no law follows."""
        if not self.follows:
            return self._first_below(self.curve.low), self._first_below(self.curve.high)
        law = self.laws[0]
        rng = np.random.default_rng(0)
        mu, s = rng.multivariate_normal(law.vector, law.covariance, 1000).T
        low, high = np.quantile(quantile(law.family, mu, np.clip(s, -6.0, 4.0), 0.5), [0.025, 0.975])
        return float(low), float(high)

    def mean(self) -> float:
        """Of what is written."""
        shares = (np.arange(20_000) + 0.5) / 20_000
        return float(self._at(shares).mean())

    def text(self) -> str:
        """The law as a scenario says it."""
        if self.follows:
            laws = [law_text(law.family, *map(float, law.vector)) for law in self.laws]
            return mixture_text(list(zip(self.weights.tolist(), laws, strict=True)))
        return empirical_text(self.points())

    def points(self) -> list[tuple[float, float]]:
        """(share, seconds) of the data; beyond what is seen to end, the best law's tail, from where the data stop.

        Between two points times grow evenly; where the data jump instead, so do the points, such that the mean holds.
        """
        shares = np.unique(np.append(np.array(_SHARES), self.known))
        times = self._empirical(shares)
        points = [(float(shares[0]), float(times[0]))]
        for i in range(len(shares) - 1):
            inside = shares[i] + (shares[i + 1] - shares[i]) * (np.arange(100) + 0.5) / 100
            mean, rise = float(self._empirical(inside).mean()), float(times[i + 1] - times[i])
            if rise > 0 and abs(mean - (times[i] + times[i + 1]) / 2) > UNEVEN * rise:
                at = shares[i] + (shares[i + 1] - shares[i]) * (times[i + 1] - mean) / rise
                points += [(float(at), float(times[i])), (float(at), float(times[i + 1]))]
            points.append((float(shares[i + 1]), float(times[i + 1])))
        return points

    def _first_below(self, share: FloatArray) -> float:
        """When half are gone; infinite when that is never seen."""
        below = np.flatnonzero(share[self._firm] <= 0.5)
        return float(self.curve.seconds[below[0]]) if len(below) else float("inf")

    def _at(self, shares: FloatArray) -> FloatArray:
        if not self.follows:
            points = np.array(self.points())
            return np.asarray(np.interp(shares, points[:, 0], points[:, 1]))  # at a jump: one of its ends
        grid = np.exp(np.linspace(-3.0, 20.0, 6000))
        return np.asarray(np.interp(shares, self.gone_by(grid), grid))

    def _empirical(self, shares: FloatArray) -> FloatArray:
        gone = np.append(0.0, 1.0 - self.curve.share[self._firm])
        times = np.append(min(self.curve.seconds[0], 1.0) / 2, self.curve.seconds[self._firm])
        seen = np.interp(shares, gone, times)
        last, law = float(times[-1]), self.laws[0]
        before = float(law.gone_by(np.array([last]))[0])
        beyond = np.clip((shares - self.known) / max(1.0 - self.known, 1e-9), 0.0, 0.995)
        tail = law.quantile(before + (1.0 - before) * beyond)
        return np.asarray(np.where(shares <= self.known + 1e-12, seen, np.maximum(tail, last)))


def fit_duration(
    seconds: FloatArray, ended: np.ndarray | None = None, rounding: float = 0.0, least_weight: float = SMALLEST_WEIGHT
) -> DurationFit | None:
    """The law of these lengths; `ended` False where only a lower bound is seen. None when fewer than 20 ended.

    Families of less than `least_weight` are left out.
    """
    seconds = np.asarray(seconds, float)
    ended = np.ones(len(seconds), bool) if ended is None else np.asarray(ended, bool)
    if ended.sum() < FEWEST or np.ptp(seconds[ended]) <= rounding:
        return None
    counted = _counted(seconds, ended, rounding)
    laws = sorted((_fit(family, counted) for family in FAMILIES), key=lambda law: -law.log_likelihood)
    weights = np.exp([law.log_likelihood - laws[0].log_likelihood for law in laws])
    kept = weights / weights.sum() >= least_weight
    laws, weights = [law for law, keep in zip(laws, kept, strict=True) if keep], weights[kept] / weights[kept].sum()
    curve = kaplan_meier(seconds, ended)
    distance = _distance(laws, weights, curve)
    # Lilliefors' bound at 1 % is about 1.035 / sqrt(n) for a law fitted to the same data.
    follows = distance <= max(TOO_FAR, 1.035 / np.sqrt(ended.sum()))
    fitted = DurationFit(int(ended.sum()), int((~ended).sum()), tuple(laws), weights, curve, distance, bool(follows))
    return (
        replace(fitted, follows=False) if fitted.follows and ended.all() and _mean_is_off(fitted, seconds) else fitted
    )


def kaplan_meier(seconds: FloatArray, ended: np.ndarray) -> SurvivalCurve:
    """The share still there, without assuming a law; those cut off at a time count as still there at that time."""
    times = np.unique(seconds[ended])
    every = np.sort(seconds)
    at_risk = (len(every) - np.searchsorted(every, times)).astype(float)
    ends = np.diff(np.append(np.searchsorted(np.sort(seconds[ended]), times), ended.sum())).astype(float)
    share = np.cumprod(1.0 - ends / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(np.cumsum(ends / (at_risk * (at_risk - ends)))) / np.abs(np.log(share))
        wide = np.exp(np.where(np.isfinite(spread), float(ndtri(0.975)) * spread, 50.0))
    return SurvivalCurve(times, share, share**wide, share ** (1.0 / wide), at_risk)


class _Counted(NamedTuple):
    exact: FloatArray  # log seconds, with weights
    exact_weight: FloatArray
    below: FloatArray  # both ends of what is known to an interval
    above: FloatArray
    within_weight: FloatArray
    open: FloatArray
    open_weight: FloatArray


def _counted(seconds: FloatArray, ended: np.ndarray, rounding: float) -> _Counted:
    """Equal times counted together; a million calls are known to a few thousand different seconds."""
    coarse = ended & (seconds < COARSE * rounding)
    exact, exact_weight = np.unique(seconds[ended & ~coarse], return_counts=True)
    middle, within_weight = np.unique(seconds[coarse], return_counts=True)
    still, open_weight = np.unique(seconds[~ended & (seconds > 0)], return_counts=True)
    return _Counted(
        log_time(np.maximum(exact, 1e-3)),
        exact_weight.astype(float),
        log_time(np.maximum(middle - rounding / 2, 0.0)),
        log_time(middle + rounding / 2),
        within_weight.astype(float),
        log_time(still),
        open_weight.astype(float),
    )


def _fit(family: str, data: _Counted) -> FittedLaw:
    def cost(x: FloatArray) -> tuple[float, FloatArray]:
        value, slope = _log_likelihood(family, x, data)
        return -value, -slope

    weight = np.concatenate([data.exact_weight, data.within_weight])
    start = np.array(first_guess(family, np.concatenate([data.exact, data.above]), weight))
    if data.open_weight.sum() > weight.sum():
        start[0] += np.log(1.0 + data.open_weight.sum() / weight.sum())
    vector, lost = minimise(cost, start, np.array([-10.0, -6.0]), np.array([30.0, 4.0]))
    return FittedLaw(family, vector, covariance(cost, vector), -lost)


def _log_likelihood(family: str, x: FloatArray, data: _Counted) -> tuple[float, FloatArray]:
    mu, s = float(x[0]), float(x[1])
    density, slopes = log_density(family, mu, s, data.exact)
    value, slope = float(data.exact_weight @ density), slopes @ data.exact_weight
    if len(data.below):
        low, low_slopes = cdf(family, mu, s, data.below)
        high, high_slopes = cdf(family, mu, s, data.above)
        mass = np.maximum(high - low, 1e-300)
        value += float(data.within_weight @ np.log(mass))
        slope = slope + (high_slopes - low_slopes) @ (data.within_weight / mass)
    if len(data.open):
        gone, gone_slopes = cdf(family, mu, s, data.open)
        still = np.maximum(1.0 - gone, 1e-300)
        value += float(data.open_weight @ np.log(still))
        slope = slope - gone_slopes @ (data.open_weight / still)
    return value, np.asarray(slope)


def _distance(laws: list[FittedLaw], weights: FloatArray, curve: SurvivalCurve) -> float:
    """Largest gap between families and Kaplan-Meier."""
    followed = curve.at_risk >= min(AT_RISK, curve.at_risk[0])
    times = curve.seconds[followed]
    law = sum(w * one.gone_by(times) for w, one in zip(weights, laws, strict=True))
    gone = 1.0 - curve.share[followed]
    before = np.append(0.0, gone[:-1])
    return float(np.maximum(np.abs(law - gone), np.abs(law - before)).max())


def _mean_is_off(fitted: DurationFit, seconds: FloatArray) -> bool:
    off = abs(fitted.mean() - seconds.mean())
    return bool(off > OFF_MEAN * seconds.mean() and off > 2.6 * seconds.std(ddof=1) / np.sqrt(len(seconds)))
