"""Arrivals against the Poisson law: counts, levels, hours of the week; and a cloud in which a rate only cuts.

A test of many numbers has one false alarm in 10,000; seeds are fixed.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import stats

from funnelsim import plan as p
from funnelsim.engine import arrival_process
from funnelsim.engine.rng import make_table, replication_key
from funnelsim.plan_codes import Side

FALSE_ALARM = 1e-4
REPLICATIONS = 400
WEEKS = 6


class Source:
    """One source by hand, as the plan has it."""

    def __init__(
        self,
        rate: list[tuple[float, float]],
        profile: Any = None,
        level_cv: float = 0.0,
        batch: int = 0,
        batch_at: float = 0.0,
        first: float = 0.0,
        last: float = math.inf,
    ) -> None:
        rows = list(rate)
        if profile is not None:
            for _ in range(WEEKS):
                cumulative = np.concatenate(([0.0], np.cumsum(profile / profile.sum())))
                rows += [(1.0, float(y)) for y in cumulative]
        self.points = p.record_from_dicts(p.POINT, [{"x": x, "y": y} for x, y in rows or [(0.0, 0.0)]])
        gamma = stats.gamma(level_cv**-2, scale=level_cv**2) if level_cv else stats.gamma(1.0)
        self.tables = np.stack([make_table(gamma.ppf, gamma.isf)])
        self.sources = p.record_from_dicts(
            p.SOURCE,
            [
                {
                    "stream": 12345,
                    "rate_first": 0,
                    "rate_count": len(rate),
                    "profile": len(rate) if profile is not None else -1,
                    "level": 0 if level_cv else -1,
                    "batch": batch,
                    "batch_at": batch_at,
                    "first": first,
                    "last": last,
                    "entry_first": 0,
                    "entry_count": 1,
                    "cost": 0.0,
                    "side": Side.MARKETING,
                    "again": 0.0,
                    "again_after": -1,
                    "again_stage": 0,
                    "merged": 0.0,
                }
            ],
        )
        self.room = np.zeros(20_000, arrival_process.ARRIVAL_ROW).view(np.recarray)

    def week(self, replication: int, week: int) -> Any:
        key = np.uint64(replication_key(np.uint64(3), np.int64(replication)))
        n = arrival_process.week_arrivals(self.sources, self.points, self.tables, key, 0, week, self.room, 0)
        assert n >= 0
        return self.room[:n].copy()

    def level(self, replication: int, week: int) -> float:
        key = np.uint64(replication_key(np.uint64(3), np.int64(replication)))
        return float(arrival_process.weekly_level(self.sources, self.tables, key, 0, week))

    def counts(self) -> Any:
        return np.array([[len(self.week(r, w)) for w in range(WEEKS)] for r in range(REPLICATIONS)])


# ---- how many ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [3.0, 8.0, 37.5, 160.0])
def test_weekly_counts_are_poisson(rate: float) -> None:
    counts = Source([(0.0, rate)]).counts().ravel()

    mean_and_variance(counts, rate, rate, 1.0 / rate)
    values = np.arange(counts.max() + 1)
    fits(np.bincount(counts), stats.poisson.pmf(values, rate), len(counts))


def test_weeks_and_replications_are_independent() -> None:
    counts = Source([(0.0, 60.0)]).counts().astype(float)
    n = counts[:, 1:].size
    between_weeks = np.corrcoef(counts[:, :-1].ravel(), counts[:, 1:].ravel())[0, 1]
    between_replications = np.corrcoef(counts[:-1].ravel(), counts[1:].ravel())[0, 1]

    bound = stats.norm.isf(FALSE_ALARM / 4) / math.sqrt(n)
    assert abs(between_weeks) < bound and abs(between_replications) < bound


@pytest.mark.parametrize("cv", [0.2, 0.5])
def test_random_levels_spread_the_counts(cv: float) -> None:
    """Gamma level of mean 1: the count is negative binomial, variance rate + (rate cv)^2."""
    rate = 60.0
    counts = Source([(0.0, rate)], level_cv=cv).counts().ravel()
    shape = cv**-2

    law = stats.nbinom(shape, shape / (shape + rate))
    variance = rate + (rate * cv) ** 2
    assert law.var() == pytest.approx(variance)
    mean_and_variance(counts, rate, variance, float(law.stats("k")))
    fits(np.bincount(counts), law.pmf(np.arange(counts.max() + 1)), len(counts))


def test_given_its_level_a_week_is_poisson() -> None:
    source = Source([(0.0, 60.0)], level_cv=0.5)
    means = np.array([[60.0 * source.level(r, w) for w in range(WEEKS)] for r in range(REPLICATIONS)])
    statistic = ((source.counts() - means) ** 2 / means).sum()

    n = means.size
    spread = math.sqrt(2.0 * n + (1.0 / means).sum())  # variance of (x - m)^2 / m is 2 + 1 / m
    assert abs(statistic - n) < stats.norm.isf(FALSE_ALARM / 2) * spread


def mean_and_variance(counts: Any, mean: float, variance: float, excess: float) -> None:
    n, z = len(counts), stats.norm.isf(FALSE_ALARM / 4)
    assert abs(counts.mean() - mean) < z * math.sqrt(variance / n)
    assert abs(counts.var(ddof=1) - variance) < z * variance * math.sqrt((2.0 + excess) / n)


def fits(observed: Any, chances: Any, n: int) -> None:
    """Chi-square over cells with at least 8 expected; the tails are put together."""
    expected = chances * n
    inner = np.flatnonzero(expected >= 8.0)
    low, high = inner[0], inner[-1] + 1
    seen = np.concatenate(([observed[:low].sum()], observed[low:high], [observed[high:].sum()]))
    wanted = np.concatenate(([expected[:low].sum()], expected[low:high], [0.0]))
    wanted[-1] = n - wanted.sum()
    kept = wanted > 1.0
    statistic = ((seen - wanted)[kept] ** 2 / wanted[kept]).sum()
    assert statistic < stats.chi2.isf(FALSE_ALARM, int(kept.sum()) - 1)


# ---- when ----------------------------------------------------------------------------------------------------------

HOURS = [1, 1, 1, 1, 1, 1, 2, 5, 10, 14, 15, 14, 11, 12, 14, 14, 12, 9, 6, 5, 5, 4, 3, 2]
PROFILE = np.outer([10, 10.5, 10.5, 10, 9, 3, 0], HOURS).ravel()


@pytest.mark.parametrize("profile", [None, PROFILE])
def test_leads_come_in_the_hours_of_the_profile(profile: Any) -> None:
    source = Source([(0.0, 150.0)], profile)
    hours = np.concatenate([(source.week(r, w).time % p.WEEK) // 3600 for r in range(60) for w in range(WEEKS)])
    weights = np.ones(168) if profile is None else profile
    observed, expected = np.bincount(hours.astype(int), minlength=168), weights / weights.sum() * len(hours)

    assert (observed[expected == 0.0] == 0).all()
    possible = expected > 0.0
    statistic = ((observed - expected)[possible] ** 2 / expected[possible]).sum()
    bound = stats.chi2.isf(FALSE_ALARM, possible.sum() - 1)
    assert statistic < bound < 0.05 * len(hours)  # and leads enough to see a wrong profile


def test_leads_are_spread_evenly_within_an_hour() -> None:
    source = Source([(0.0, 150.0)], PROFILE)
    places = np.concatenate([source.week(r, w).time % 3600 / 3600 for r in range(60) for w in range(WEEKS)])

    assert stats.kstest(places, "uniform").pvalue > FALSE_ALARM


def test_times_are_on_the_grid_and_in_their_week() -> None:
    source = Source([(0.0, 150.0)], PROFILE)
    for week in range(WEEKS):
        times = source.week(0, week).time
        assert (times * 1024 == np.floor(times * 1024)).all()
        assert week * p.WEEK <= times.min() and times.max() < (week + 1) * p.WEEK


def test_a_rate_that_changes_changes_at_its_instant() -> None:
    """Wednesday 12:00 of week 2 the rate triples."""
    change = 2 * p.WEEK + 2.5 * p.DAY
    source = Source([(0.0, 50.0), (change, 150.0)])
    times = np.concatenate([source.week(r, 2).time for r in range(REPLICATIONS)])
    before, after = (times < change).sum(), (times >= change).sum()

    for seen, mean in ((before, REPLICATIONS * 50 * 2.5 / 7), (after, REPLICATIONS * 150 * 4.5 / 7)):
        assert stats.poisson.sf(seen - 1, mean) > FALSE_ALARM / 4 and stats.poisson.cdf(seen, mean) > FALSE_ALARM / 4


def test_a_flight_begins_and_ends() -> None:
    first, last = 1.5 * p.WEEK, 3.25 * p.WEEK
    source = Source([(0.0, 400.0)], first=first, last=last)
    times = np.concatenate([source.week(0, w).time for w in range(WEEKS)])

    assert first <= times.min() < first + p.DAY and last - p.DAY < times.max() < last


# ---- who -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("profile", "level"), [(None, 0.0), (PROFILE, 0.0), (PROFILE, 0.4)])
def test_a_higher_rate_only_adds_leads(profile: Any, level: float) -> None:
    rates = (20.0, 22.0, 23.9, 24.1, 300.0)  # within a strip of 8, across its edge, far above
    sources = [Source([(0.0, rate)], profile, level) for rate in rates]
    for replication in range(10):
        for week in range(WEEKS):
            tables = [source.week(replication, week) for source in sources]
            for fewer, more in pairwise(tables):
                there = {row.lead: row.tolist() for row in more}
                assert all(there[row.lead] == row.tolist() for row in fewer)


def test_leads_have_names_and_luck_of_their_own() -> None:
    source = Source([(0.0, 400.0)], batch=700, batch_at=3.0 * p.WEEK)
    rows = np.concatenate([source.week(0, w) for w in range(WEEKS)])

    assert len(rows) > 2900
    assert len(set(rows["lead"].tolist())) == len(set(rows["stream"].tolist())) == len(rows)
    other = np.concatenate([source.week(1, w) for w in range(WEEKS)])
    assert not set(rows["stream"].tolist()) & set(other["stream"].tolist())


@pytest.mark.parametrize("count", [1, 255, 256, 257, 1000])
def test_a_batch_comes_whole_at_its_instant(count: int) -> None:
    at = 2 * p.WEEK + 36_000.0
    source = Source([], batch=count, batch_at=at)

    assert [len(source.week(0, week)) for week in range(WEEKS)] == [0, 0, count, 0, 0, 0]
    assert (source.week(0, 2).time == at).all()
    moved = Source([], batch=count, batch_at=at + 2 * p.WEEK).week(0, 4)
    assert (moved.lead == source.week(0, 2).lead).all() and (moved.stream == source.week(0, 2).stream).all()


def test_a_full_table_is_told() -> None:
    source = Source([(0.0, 400.0)])
    source.room = source.room[:100]
    key = np.uint64(replication_key(np.uint64(3), np.int64(0)))

    assert arrival_process.week_arrivals(source.sources, source.points, source.tables, key, 0, 0, source.room, 0) == -1
