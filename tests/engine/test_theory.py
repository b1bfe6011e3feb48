"""What queueing theory knows exactly, each as a scenario file (scenarios/theory), within a narrow interval.

A figure is a ratio of sums over replications. It must lie within t standard errors of the formula, t for a false alarm
once in 10,000 checks; seeds are fixed, so a check that passes goes on passage. And it must be known well: t standard
errors are at most 3 % of the figure unless the check says otherwise, so an engine that is 6 % off fails for certain,
one that is 3 % off half the time.
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import yaml
from scipy import stats

from funnelsim import plan as p
from funnelsim.calendars import start_instant
from funnelsim.compile import compile_scenario
from funnelsim.engine.replicate import replicate
from funnelsim.scenario import load
from funnelsim.summary import COHORT, RESPONSE_EDGES, Summary
from support import queueing_formulas

FALSE_ALARM = 1e-4
NARROW = 0.03
HOURS = 3600.0
ROOT = Path(__file__).parents[2]


class Runs(NamedTuple):
    """Summaries of a theory scenario with the replication as first axis."""

    plan: p.Plan
    book: p.Labels
    all: Summary

    def visits(self, field: str, stage: str) -> Any:
        """[replication, source], of the cohort."""
        return self.all.visits[field][:, COHORT, :, 0, self.book.stages.index(stage)]

    @property
    def arrived(self) -> Any:
        return self.all.arrived.sum(axis=(1, 2, 3))

    def later(self, wait: float, stage: str) -> tuple[Any, Any]:
        """First touches later than a wait on an edge of the histogram, and all of them."""
        edge = int(np.flatnonzero(wait == RESPONSE_EDGES)[0])
        bins = self.all.responses[:, COHORT, self.book.stages.index(stage)]
        return bins[:, edge + 1 :].sum(axis=1), bins.sum(axis=1)

    def present(self, stage: str) -> Any:
        """[replication, midnight] open visits at the midnights of the measured window."""
        s = self.plan.settings[0]
        ends = self.plan.instants[s.days_first + 1 : s.days_first + s.days_count]
        within = np.flatnonzero((ends >= s.measure_from) & (ends < s.measure_to))
        return self.all.days[:, within, 1 + 2 * len(self.book.definitions) + self.book.stages.index(stage)]


@cache
def runs(name: str, replications: int, *overrides: str) -> Runs:
    blueprint = compile_scenario(load(str(ROOT / "scenarios" / "theory" / f"{name}.yaml"), list(overrides)))
    plan = blueprint.plan()
    found = replicate(plan, 7, range(replications), threads=2).summaries
    return Runs(plan, blueprint.book, Summary(*(np.stack(tables) for tables in zip(*found, strict=True))))


def holds(top: Any, bottom: Any, expected: float, narrow: float = NARROW) -> None:
    """sum(top) / sum(bottom) is the expected figure, and known to a share `narrow` of it."""
    n, share = len(top), top.sum() / bottom.sum()
    error = (top - share * bottom).std(ddof=1) / math.sqrt(n) / bottom.mean()
    half = stats.t.isf(FALSE_ALARM / 2, n - 1) * error
    assert abs(share - expected) <= half, f"got {share:.6g} +- {half:.2g}, theory {expected:.6g}"
    assert 0.0 < half <= narrow * expected, f"known to {half / expected:.2%} only"


def mean_wait_holds(found: Runs, stage: str, hours: float, source: int | slice = slice(None)) -> None:
    response, touched = found.visits("response", stage), found.visits("touched", stage)
    holds(
        np.atleast_2d(response[:, source].T).sum(axis=0) / HOURS, np.atleast_2d(touched[:, source].T).sum(axis=0), hours
    )


def test_mmc_waits_as_erlang_said() -> None:
    found = runs("mmc", 160, "observe=40 weeks")

    mean_wait_holds(found, "desk", queueing_formulas.ErlangC(arrivals=9, service=2, reps=5).mean_wait)


def test_the_tail_of_the_wait_in_mmc() -> None:
    theory = queueing_formulas.ErlangC(arrivals=9, service=2, reps=5)
    found = runs("mmc", 160, "observe=40 weeks")

    for minutes in (1, 16, 32):
        holds(*found.later(minutes * 60.0, "desk"), theory.longer(minutes / 60.0))
    holds(*found.later(128 * 60.0, "desk"), theory.longer(128 / 60.0), narrow=0.07)


def test_buyers_who_leave_as_palm_said() -> None:
    theory = queueing_formulas.ErlangA(arrivals=12, service=2, reps=5, leaving=1)
    found = runs("mmc-abandonment", 40, "observe=20 weeks")

    holds(found.visits("cold", "desk").sum(axis=1), found.visits("entered", "desk").sum(axis=1), theory.abandons)
    mean_wait_holds(found, "desk", theory.wait_of_served)
    assert (found.visits("open", "desk") == 0).all()


def test_mg1_waits_as_pollaczek_and_khinchine_said() -> None:
    found = runs("mg1", 200, "observe=100 weeks")

    mean_wait_holds(found, "desk", queueing_formulas.pollaczek_khinchine(arrivals=2.4, mean=1 / 3, cv=1.5))


def test_priorities_wait_as_cobham_said() -> None:
    found = runs("priority", 160, "observe=100 weeks")

    for source, wait in enumerate(queueing_formulas.cobham([0.9, 1.5], 1 / 3)):
        mean_wait_holds(found, "desk", wait, source)


# a load of 0.69 on the last desk instead of 0.86: its queue is known as well as the others' in a third of the time
NETWORK = ("jackson", 100, "observe=40 weeks", "stages.close.work.handling=exponential(mean 12 min)")


def test_a_network_with_feedback_is_a_product_of_its_desks() -> None:
    flows = queueing_formulas.traffic([[0.2, 0.7, 0.0], [0.1, 0.0, 0.6], [0.0, 0.0, 0.0]], [6.0, 0.0, 0.0])
    desks = {"qualify": (3.0, 4), "demo": (2.0, 4), "close": (5.0, 1)}
    found = runs(*NETWORK)

    for flow, (stage, (service, reps)) in zip(flows, desks.items(), strict=True):
        theory = queueing_formulas.ErlangC(flow, service, reps)
        holds(found.visits("entered", stage).sum(axis=1), found.arrived, flow / 6.0)
        mean_wait_holds(found, stage, theory.mean_wait)
        present = found.present(stage)
        holds(present.mean(axis=1), np.ones(len(present)), theory.mean_present, narrow=0.05)
        holds((present == 0).mean(axis=1), np.ones(len(present)), theory.empty, narrow=0.15)


def test_desks_of_a_network_are_independent_at_an_instant() -> None:
    """Jackson's product form: the mean of the product is the product of the means."""
    flows = queueing_formulas.traffic([[0.2, 0.7, 0.0], [0.1, 0.0, 0.6], [0.0, 0.0, 0.0]], [6.0, 0.0, 0.0])
    first, last = queueing_formulas.ErlangC(flows[0], 3.0, 4), queueing_formulas.ErlangC(flows[2], 5.0, 1)
    found = runs(*NETWORK)
    product = (found.present("qualify") * found.present("close")).mean(axis=1)

    holds(product, np.ones(len(product)), first.mean_present * last.mean_present, narrow=0.06)


def test_a_chain_ends_where_its_fundamental_matrix_says() -> None:
    stages = ("awareness", "interest", "evaluation")
    visits = queueing_formulas.fundamental([[0.0, 0.6, 0.0], [0.2, 0.0, 0.5], [0.0, 0.0, 0.0]])[0]
    found = runs("absorbing-chain", 100)

    for stage, expected in zip((*stages, "customer"), (*visits, visits[2] * 0.3), strict=True):
        holds(found.visits("entered", stage).sum(axis=1), found.arrived, float(expected))
    stay = sum(found.visits("stay", stage).sum(axis=1) for stage in stages) / p.DAY
    holds(stay, found.arrived, float(visits @ [2.0, 5.0, 9.0]))
    assert not any(found.visits("open", stage).any() for stage in stages)


REPLICATIONS = 200


@cache
def counts_by_hour() -> tuple[Any, Any]:
    """M_t/G/infinity: open visits at every full hour, summed over replications, and what theory expects."""
    blueprint = compile_scenario(load(str(ROOT / "scenarios" / "theory" / "mt-g-infinity.yaml")))
    plan = blueprint.plan()
    hours = int(plan.settings[0].horizon / HOURS)
    instants = np.arange(1, hours) * HOURS
    counts = np.zeros((REPLICATIONS, len(instants)))
    for first in range(0, REPLICATIONS, 20):
        for i, trace in enumerate(replicate(plan, 7, range(first, first + 20), threads=2, tables=True).traces or ()):
            rows = trace.visits[trace.visits.stage == 0]
            left = np.sort(np.where(rows.ended < 0.0, np.inf, rows.ended))
            counts[first + i] = np.searchsorted(np.sort(rows.entered), instants, side="right") - np.searchsorted(
                left, instants, side="right"
            )
    sigma = math.log(6 / 2) / stats.norm.isf(0.1)
    integral = queueing_formulas.lognormal_survival_integral(math.log(2 * p.DAY), sigma)
    rates = office_rates(hours, 500.0)
    return counts, queueing_formulas.mean_present(rates, HOURS, instants, integral)


def office_rates(hours: int, per_week: float) -> Any:
    """Leads a second in each hour since the start, by the local clock of Berlin; the spring change is within."""
    file = ROOT / "src" / "funnelsim" / "scenario" / "presets" / "profile.yaml"
    profile = yaml.safe_load(file.read_text(encoding="utf-8"))["office-hours"]
    weights = np.outer(profile["days"], profile["hours"])
    zone, start = ZoneInfo("Europe/Berlin"), start_instant(date(2026, 1, 5), "Europe/Berlin")
    local = [(start + timedelta(hours=i)).astimezone(zone) for i in range(hours)]
    assert local[0].hour == 0 and local[-1].utcoffset() != local[0].utcoffset()
    return np.array([weights[t.weekday(), t.hour] for t in local]) / weights.sum() * per_week / HOURS


def test_open_visits_follow_their_integral_at_every_hour() -> None:
    """Eick, Massey, Whitt: the number present at t is Poisson with mean the integral of rate x survival."""
    counts, expected = counts_by_hour()
    means = expected * REPLICATIONS
    totals = counts.sum(axis=0)
    tail = np.minimum(stats.poisson.cdf(totals, means), stats.poisson.sf(totals - 1, means))

    assert tail.min() > FALSE_ALARM / 2 / len(totals)  # every one of 2,015 hours, together at the rate stated
    late = slice(4 * 168, None)
    holds(counts[:, late].sum(axis=1), np.full(REPLICATIONS, expected[late].sum()), 1.0, narrow=0.01)
    assert expected[late].max() > 1.15 * expected[late].min()  # there is a rhythm to be followed


def test_open_visits_are_poisson() -> None:
    """Variance over mean, at instants far apart."""
    counts, expected = counts_by_hour()
    for hour in (700, 1000, 1300, 1600, 1900):
        statistic = ((counts[:, hour] - expected[hour]) ** 2).sum() / expected[hour]
        low, high = stats.chi2.isf([1 - FALSE_ALARM / 2, FALSE_ALARM / 2], REPLICATIONS)
        assert low < statistic < high


def test_a_cylinder_gives_out_what_comes_in() -> None:
    found = runs("cylinder", 20)

    assert found.arrived.min() > 700 and len(set(found.arrived)) > 1
    won = found.all.passages["count"][:, COHORT, found.book.definitions.index("won")].sum(axis=(1, 2))
    assert (won == found.arrived).all()
    for stage in ("awareness", "interest", "evaluation", "customer"):
        assert (found.visits("entered", stage).sum(axis=1) == found.arrived).all()


@pytest.mark.parametrize("wrong", [0.94, 1.06])
def test_these_checks_can_fail(wrong: float) -> None:
    found = runs("mmc", 160, "observe=40 weeks")
    with pytest.raises(AssertionError, match="theory"):
        mean_wait_holds(found, "desk", wrong * queueing_formulas.ErlangC(9, 2, 5).mean_wait)
