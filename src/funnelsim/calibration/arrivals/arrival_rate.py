"""How leads arrive: rate, hour of week, weekly level, trend; by source.

Weeks are counted back from the as-of instant, so that the last one is whole; the incomplete first one is left out.
Every lead counts, open ones too: leaving them out makes the last weeks' rate collapse.

    count of week w ~ Poisson(m e^(b w) G),  G gamma of mean 1 and variance cv^2 (a negative binomial)

A batch (a trade show's list, an import) is no arrival process: its leads count in no rate, level or profile, its own
or the common one. Batches are told apart first, see `_batches`.

The season of the year (`seasons`) is taken out first, where there is one.
The trend b is kept when the likelihood-ratio test is passed at 1 %. The hour-of-week profile of all sources is
shrunk towards day x hour, that of a source towards all sources', each as much as the Dirichlet-multinomial
likelihood asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import gammaln

from funnelsim.calibration.arrivals.seasons import QuietDay, Season, fit_season, negative_binomial, quiet_days
from funnelsim.calibration.events.visit_history import VisitHistory
from funnelsim.calibration.history.model import HistoryFile
from funnelsim.calibration.io.times import local_parts
from funnelsim.typing import FloatArray

WEEK, HOURS = 604800.0, 168
FEWEST_WEEKS = 8  # fewer say nothing about a source's own weekly level
TREND_WEEKS = 12
SIGNIFICANT = 6.63  # chi-square of one degree of freedom at 1 %
STEEPEST = np.log(2.0) / 52.18  # a trend beyond twice or half a year is no basis for a forecast
BURST, BURST_DAYS = 0.8, 7  # so much of a source within so many days is a batch
FEWEST_TOGETHER = 20  # fewer leads than this are no batch
APART = 10.0  # leads of one instant are a batch when they are so many times as many as usually share one
SELDOM = 0.25  # batches in more of the weeks than this are how leads are written down, not how they come
STAMPED = 60.0  # seconds: leads known no better than this cannot share an instant


@dataclass(frozen=True)
class SourceArrivals:
    """Arrivals of one source."""

    name: str
    leads: int  # in the whole weeks used, batches too
    rate: float  # leads a week at the as-of instant, beside batches
    rate_se: float  # of its logarithm
    level: float  # coefficient of variation of the weekly level
    trend: float  # growth a year, 0 when not significant
    steep: bool  # significant, but too steep to be carried on
    batches: tuple[tuple[str, int], ...]  # (day, leads) that came at once
    enters: dict[str, float]  # entry stages
    profile: FloatArray | None  # 168 weights from Monday 00:00, mean 1; None: nothing came but batches


@dataclass(frozen=True)
class Arrivals:
    """All sources."""

    weeks: int
    since: str
    hours_known: bool  # False: dates only, the profile says nothing about hours
    sources: tuple[SourceArrivals, ...]
    counts: np.ndarray  # (source, week), batches left out
    season: Season | None = None  # of the year, in common; rates are then of the year's average
    quiet: tuple[QuietDay, ...] = ()

    @property
    def dispersion(self) -> float:
        """Variance over mean of the weekly totals: 1 when weeks differ by chance only."""
        total = self.counts.sum(0)
        return float(total.var(ddof=1) / max(total.mean(), 1e-9)) if self.weeks > 1 else 1.0


def fit_arrivals(history: HistoryFile, records: VisitHistory) -> Arrivals:
    """Arrivals since the last known change of the funnel."""
    visits = records.visits
    first = visits.first
    at, source, stage = visits.entered[first], records.source[visits.lead[first]], visits.stage[first]
    began = [_midnight(float(at.min()), history.timezone)]
    began += [moment.timestamp() for moment in (*history.changes[-1:], history.observed_from) if moment]
    since = max(began)
    # Between winter and summer a week is an hour longer or shorter than 168 h: two hours are forgiven.
    weeks = int((records.as_of - since + 7200.0) // WEEK)
    if weeks == 0:
        weeks, start = 1, since
    else:
        start = records.as_of - weeks * WEEK
    inside = at >= start
    at, who, stage, rounding = at[inside], source[inside], stage[inside], visits.rounding[first][inside]
    batch = _batches(at, who, rounding, history.timezone, weeks)
    counts = np.zeros((len(records.sources), weeks))
    week = np.minimum(((at - start) // WEEK).astype(int), weeks - 1)
    np.add.at(counts, (who[~batch], week[~batch]), 1)
    cell = _hour_of_week(at, history.timezone)
    everyone = _profile_of_all(cell[~batch], records.day_only)
    season = fit_season(counts.sum(0), records.as_of)
    middle = np.asarray(records.as_of + WEEK * (np.arange(weeks) + 0.5 - weeks), float)
    even = counts if season is None else counts / season.factor(middle)
    pooled_level = _level(even.sum(0))
    arrivals = []
    for number, name in enumerate(records.sources):
        mine = who == number
        single = np.bincount(cell[mine & ~batch], minlength=HOURS)
        only_batches = mine.any() and not single.any()
        arrivals.append(
            _source(
                name,
                even[number],
                pooled_level,
                None if only_batches else _profile(single, everyone, records.day_only),
                _by_day(at[mine & batch], history.timezone),
                _shares(stage[mine], records.stages),
                (records.as_of - start) / WEEK,
            )
        )
    day = str(np.datetime64("1970-01-01") + int(local_parts(np.array([start + 7200.0]), history.timezone)[0][0]))
    quiet = tuple(quiet_days(at[~batch], history.timezone, records.as_of))
    return Arrivals(weeks, day, not records.day_only, tuple(arrivals), counts, season, quiet)


def _batches(at: FloatArray, source: np.ndarray, rounding: FloatArray, zone: str, weeks: int) -> np.ndarray:
    """Which leads came in a batch: many of one source at one instant, or almost all of a source within a week."""
    in_batch = np.zeros(len(at), bool)
    if weeks < FEWEST_WEEKS:
        return in_batch
    day, _ = local_parts(at, zone)
    for number in np.unique(source):
        mine = np.flatnonzero(source == number)
        together = mine[_at_one_instant(at[mine], rounding[mine])]
        if len(np.unique(day[together])) <= SELDOM * weeks:
            in_batch[together] = True
        mine = mine[~in_batch[mine]]
        if len(mine) >= FEWEST_TOGETHER:
            per_day = np.bincount(day[mine] - day[mine].min())
            within = np.convolve(per_day, np.ones(BURST_DAYS))[: len(per_day)]  # the days up to and with this one
            last = int(within.argmax()) + day[mine].min()
            if within.max() >= BURST * len(mine):
                in_batch[mine[(day[mine] <= last) & (day[mine] > last - BURST_DAYS)]] = True
    return in_batch


def _at_one_instant(at: FloatArray, rounding: FloatArray) -> np.ndarray:
    """Leads that share their instant with far more others than leads of this source usually do."""
    _, which, count = np.unique(at, return_inverse=True, return_counts=True)
    many = max(float(FEWEST_TOGETHER), APART * float(np.median(count)))
    return np.asarray((count[which] >= many) & (rounding <= STAMPED))


def _by_day(at: FloatArray, zone: str) -> tuple[tuple[str, int], ...]:
    """(day, leads) of batches; days less than a week apart are one batch, named by its fullest day."""
    if not len(at):
        return ()
    day, count = np.unique(local_parts(at, zone)[0], return_counts=True)
    runs = np.split(np.arange(len(day)), np.flatnonzero(np.diff(day) >= BURST_DAYS) + 1)
    return tuple(
        (str(np.datetime64("1970-01-01") + int(day[run[count[run].argmax()]])), int(count[run].sum())) for run in runs
    )


def _source(
    name: str,
    counts: FloatArray,
    pooled: float,
    profile: FloatArray | None,
    batches: tuple[tuple[str, int], ...],
    enters: dict[str, float],
    length: float,
) -> SourceArrivals:
    total, weeks = counts.sum(), len(counts)
    leads = round(total) + sum(size for _, size in batches)
    if total == 0:
        return SourceArrivals(name, leads, 0.0, np.inf, 0.0, 0.0, False, batches, enters, profile)
    level = _level(counts) if weeks >= FEWEST_WEEKS else pooled
    rate, error, trend, steep = total / length, _error(counts, pooled), 0.0, False
    if weeks >= TREND_WEEKS and total >= 5 * weeks:
        line = _trend(counts, level)
        if line.slope:
            rate, error, level, steep = line.at_end, line.error, line.level, abs(line.slope) > STEEPEST
            trend = 0.0 if steep else float(np.expm1(52.18 * line.slope))
    return SourceArrivals(name, leads, float(rate), error, level, trend, steep, batches, enters, profile)


def _shares(stage: np.ndarray, names: tuple[str, ...]) -> dict[str, float]:
    """Entry stages; those of less than one lead in two hundred are left to the others."""
    share = np.bincount(stage, minlength=len(names)) / max(len(stage), 1)
    share[share < 0.005] = 0.0
    return {names[i]: float(share[i] / share.sum()) for i in np.flatnonzero(share)}


def _level(counts: FloatArray) -> float:
    """Coefficient of variation of the weekly level by maximum likelihood; 0 when chance explains it all."""
    mean = counts.mean()
    if len(counts) < 3 or mean == 0:
        return 0.0
    optimum = minimize_scalar(
        lambda v: -negative_binomial(counts, np.full(len(counts), mean), np.exp(v)),
        bounds=(np.log(1e-6), np.log(4.0)),
        method="bounded",
    )
    gain = -optimum.fun - negative_binomial(counts, np.full(len(counts), mean), 1e-9)
    return float(np.exp(optimum.x / 2)) if gain > 0.5 else 0.0


def _error(counts: FloatArray, pooled: float) -> float:
    """Standard error of the log of a steady rate: from how much the weeks differ, at least what chance alone does.

    Not from the fitted level, which is 0 too often; with few weeks the normal law is widened to Student's.
    """
    weeks, mean = len(counts), counts.mean()
    if weeks < FEWEST_WEEKS:
        return float(np.sqrt((pooled**2 + 1.0 / mean) / weeks))
    return float(np.sqrt(max(counts.var(ddof=1), mean) / weeks) / mean * _students(weeks - 1))


def _students(freedom: int) -> float:
    """Standard deviation of Student's law."""
    return float(np.sqrt(freedom / (freedom - 2.0)))


class _Line(NamedTuple):
    """A trend; slope 0 when it is not significant."""

    slope: float  # of the log, a week
    at_end: float  # leads a week at the as-of instant
    error: float  # of its log
    level: float  # beside the trend


def _trend(counts: FloatArray, level: float) -> _Line:
    week = np.asarray(np.arange(len(counts)) + 0.5 - len(counts))  # 0 is the as-of instant

    def cost(log_variance: float) -> float:
        variance = float(np.exp(log_variance))
        start, slope, _ = _line(counts, week, variance)
        return -negative_binomial(counts, np.exp(start + slope * week), variance)

    flat = -negative_binomial(counts, np.full(len(counts), counts.mean()), max(level, 1e-3) ** 2)
    optimum = minimize_scalar(cost, bounds=(np.log(1e-6), np.log(4.0)), method="bounded")
    if 2 * (flat - optimum.fun) < SIGNIFICANT:
        return _Line(0.0, float(counts.mean()), np.inf, level)
    start, slope, error = _line(counts, week, float(np.exp(optimum.x)))
    spread = float(np.exp(optimum.x / 2))
    freedom = len(counts) - 2
    error *= np.sqrt(len(counts) / freedom) * _students(freedom)
    return _Line(slope, float(np.exp(start)), float(error), spread if spread > 0.02 else 0.0)


def _line(counts: FloatArray, week: FloatArray, variance: float) -> tuple[float, float, float]:
    """Log mean at the end, slope a week and error of the former at a given variance of the level, by scoring steps."""
    start, slope = float(np.log(counts.mean())), 0.0
    for _ in range(20):
        mean = np.exp(np.clip(start + slope * week, -20.0, 20.0))
        weight = mean / (1.0 + variance * mean)
        score = weight * (counts / mean - 1.0)
        a, b, c = weight.sum(), (weight * week).sum(), (weight * week * week).sum()
        u, v = score.sum(), (score * week).sum()
        determinant = a * c - b * b
        move = (c * u - b * v) / determinant, (a * v - b * u) / determinant
        start, slope = float(start + np.clip(move[0], -1, 1)), float(np.clip(slope + move[1], -0.5, 0.5))
        if abs(move[0]) + abs(move[1]) < 1e-9:
            break
    return start, slope, float(np.sqrt(c / determinant))


def _midnight(seconds: float, zone: str) -> float:
    """The instant less its local time of day, to the hour."""
    _, hour = local_parts(np.array([seconds]), zone)
    return seconds - 3600.0 * float(hour[0]) - seconds % 3600.0


def _hour_of_week(seconds: FloatArray, zone: str) -> np.ndarray:
    day, hour = local_parts(seconds, zone)
    return np.asarray((day + 3) % 7 * 24 + hour)  # 1970-01-01 was a Thursday


def _profile_of_all(cell: np.ndarray, day_only: bool) -> FloatArray:
    """Hour-of-week shares of all sources, shrunk towards day x hour."""
    counts = np.bincount(cell, minlength=HOURS).astype(float)
    table = counts.reshape(7, 24)
    days = (table.sum(1) + 0.5) / (table.sum() + 3.5)
    if day_only:
        return np.repeat(days / 24.0, 24)
    hours = (table.sum(0) + 0.5) / (table.sum() + 12.0)
    return shrink_to_prior(counts, np.outer(days, hours).ravel())


def _profile(counts: np.ndarray, everyone: FloatArray, day_only: bool) -> FloatArray:
    """A source's own weights, of mean 1."""
    if day_only:
        days = shrink_to_prior(counts.reshape(7, 24).sum(1).astype(float), everyone.reshape(7, 24).sum(1))
        return np.repeat(days, 24) * 7.0
    return shrink_to_prior(counts.astype(float), everyone) * HOURS


def shrink_to_prior(counts: FloatArray, prior: FloatArray) -> FloatArray:
    """Shares: posterior mean of a Dirichlet-multinomial around `prior`, all of it above 0; strength by maximum
    likelihood."""
    total = counts.sum()
    if total == 0:
        return prior
    strengths = np.exp(np.linspace(np.log(5.0), np.log(1e5), 25))

    def evidence(strength: float) -> float:
        alpha = strength * prior
        return float(gammaln(strength) - gammaln(strength + total) + (gammaln(alpha + counts) - gammaln(alpha)).sum())

    best = strengths[int(np.argmax([evidence(strength) for strength in strengths]))]
    return np.asarray((counts + best * prior) / (total + best))
