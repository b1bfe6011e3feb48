"""Seasons of the year, and days on which almost nobody came.

    leads of week w ~ negative binomial of mean exp(a + b w + c cos 2 pi y_w + d sin 2 pi y_w)

y_w is how far the year has gone in the middle of the week. One wave, in common to all sources, kept when the
likelihood-ratio test against none is passed at 1 % (two degrees of freedom); a year and a half are needed to tell a
season from a trend. A scenario takes it as a `rate` by month.

A quiet day has fewer leads than chance explains, given its weekday and the weeks around it, at 1 in 1,000 for the whole
history (negative binomial tail). Public holidays show so; they are named, and nothing is made of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import gammaln
from scipy.stats import nbinom, poisson

from funnelsim.calibration.io.times import local_parts
from funnelsim.typing import FloatArray

WEEK, YEAR = 604800.0, 365.2425 * 86400.0
FEWEST_WEEKS = 78
SIGNIFICANT = 9.21  # chi-square of two degrees of freedom at 1 %
SELDOM = 0.001  # quiet days in a history without any
LEAST_LEADS = 8.0  # a usual day; fewer, and an empty one tells nothing
STEPS = 40


@dataclass(frozen=True)
class Season:
    """A wave over the year, on the logarithm of the rate."""

    cosine: float
    sine: float
    covariance: FloatArray
    gain: float  # chi-square of the likelihood-ratio test

    def factor(self, seconds: FloatArray) -> FloatArray:
        """What the rate of the year's average is multiplied by at these instants."""
        turn = 2 * np.pi * (np.asarray(seconds) / YEAR)
        year = 2 * np.pi * np.linspace(0, 1, 365)
        mean = np.exp(self.cosine * np.cos(year) + self.sine * np.sin(year)).mean()
        return np.asarray(np.exp(self.cosine * np.cos(turn) + self.sine * np.sin(turn)) / mean)

    @property
    def height(self) -> float:
        """The highest rate of the year over the average, less one, roughly: the amplitude."""
        return float(np.expm1(np.hypot(self.cosine, self.sine)))

    def by_month(self, start: float, zone: str, months: int = 13) -> list[tuple[str, float]]:
        """(month, factor in its middle), from the month of an instant on; the first is called `start`."""
        moment = datetime.fromtimestamp(start, ZoneInfo(zone))
        factors = []
        for step in range(months):
            year, month = divmod(12 * moment.year + moment.month - 1 + step, 12)
            middle = datetime(year, month + 1, 15, 12, tzinfo=ZoneInfo(zone)).timestamp()
            name = f"{year}-{month + 1:02d}" if step else "start"
            factors.append((name, float(self.factor(np.array([middle]))[0])))
        return factors


class QuietDay(NamedTuple):
    """A day on which fewer came than chance explains."""

    day: str
    leads: int
    expected: float


def fit_season(counts: FloatArray, as_of: float) -> Season | None:
    """The season in weekly totals that end at the as-of instant; None when there is none, or too few weeks tell it."""
    weeks = len(counts)
    if weeks < FEWEST_WEEKS or counts.mean() <= 0:
        return None
    week = np.asarray(np.arange(weeks) + 0.5 - weeks)
    turn = 2 * np.pi * (as_of + week * WEEK) / YEAR
    line = np.column_stack([np.ones(weeks), week / weeks])
    full = np.column_stack([line, np.cos(turn), np.sin(turn)])
    gain = 2 * (_best(counts, full)[1] - _best(counts, line)[1])
    if gain < SIGNIFICANT:
        return None
    variance, _ = _best(counts, full)
    coefficients, covariance = _scored(counts, full, variance)
    return Season(float(coefficients[2]), float(coefficients[3]), covariance[2:, 2:], float(gain))


def quiet_days(at: FloatArray, zone: str, as_of: float) -> list[QuietDay]:
    """Days of far fewer leads than their weekday in the eight weeks around them."""
    if not len(at):
        return []
    day, _ = local_parts(at, zone)
    last, _ = local_parts(np.array([as_of - 1.0]), zone)
    first = int(day.min())
    counts = np.bincount(day - first, minlength=int(last[0]) - first + 1).astype(float)
    quiet = []
    for i, count in enumerate(counts):
        around = counts[[j for j in range(i - 28, i + 29, 7) if j != i and 0 <= j < len(counts)]]
        if len(around) < 4 or np.median(around) < LEAST_LEADS:
            continue
        mean, spread = float(np.median(around)), float(around.var(ddof=1))
        chance = (
            poisson.cdf(count, mean) if spread <= mean else nbinom.cdf(count, mean**2 / (spread - mean), mean / spread)
        )
        if chance < SELDOM / len(counts):
            quiet.append(QuietDay(str(np.datetime64("1970-01-01") + first + i), int(count), mean))
    return quiet


def negative_binomial(counts: FloatArray, mean: FloatArray, variance: float) -> float:
    """Log-likelihood of counts whose Poisson mean varies by a gamma factor of this variance."""
    if variance < 1e-7:
        return float((counts * np.log(mean) - mean - gammaln(counts + 1)).sum())
    size = 1.0 / variance
    return float(
        (
            gammaln(counts + size)
            - gammaln(size)
            - gammaln(counts + 1)
            + size * np.log(size / (size + mean))
            + counts * np.log(mean / (size + mean))
        ).sum()
    )


def _best(counts: FloatArray, design: FloatArray) -> tuple[float, float]:
    """(variance of the weekly level, log-likelihood) where that is highest."""

    def cost(log_variance: float) -> float:
        variance = float(np.exp(log_variance))
        return -negative_binomial(counts, np.exp(design @ _scored(counts, design, variance)[0]), variance)

    optimum = minimize_scalar(cost, bounds=(np.log(1e-6), np.log(4.0)), method="bounded")
    return float(np.exp(optimum.x)), -float(optimum.fun)


def _scored(counts: FloatArray, design: FloatArray, variance: float) -> tuple[FloatArray, FloatArray]:
    """Coefficients of the log mean at a given variance of the level, by scoring steps; and their covariance."""
    coefficients: FloatArray = np.zeros(design.shape[1])
    coefficients[0] = np.log(counts.mean())
    for _ in range(STEPS):
        mean = np.exp(np.clip(design @ coefficients, -20.0, 20.0))
        weight = mean / (1.0 + variance * mean)
        information = (design.T * weight) @ design
        move = np.linalg.solve(information, design.T @ (weight * (counts / mean - 1.0)))
        coefficients = coefficients + np.clip(move, -1.0, 1.0)
        if np.abs(move).max() < 1e-9:
            break
    return coefficients, np.asarray(np.linalg.inv(information), float)
