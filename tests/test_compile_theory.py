"""The theory scenarios give what queueing theory says they must, from the file to the trace.

Each figure is a mean over replications, compared with the formula by a t-interval of one in 100,000: a seed is fixed,
so a test that passes keeps passing, and one that fails has found an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from funnelsim.compile import prepare
from funnelsim.compile.demand import hour_weights
from funnelsim.engine.replicate import replicate
from funnelsim.plan import COLD, DAY, HOUR, WEEK
from funnelsim.scenario import load

SCENARIOS = Path(__file__).parents[1] / "scenarios"
MINUTE = 60.0


@cache
def cohorts(name: str, replications: int) -> tuple[list[Any], tuple[str, ...]]:
    """Visits of the leads that count, by replication, and the names of the stages."""
    blueprint = prepare(load(str(SCENARIOS / f"{name}.yaml")))
    plan = blueprint.plan()
    traces = replicate(plan, blueprint.scenario.seed, range(replications), tables=True).traces
    assert traces is not None
    low, high = plan.settings[0].measure_from, plan.settings[0].measure_to
    visits = [trace.visits for trace in traces]
    return [v[(v["arrived"] >= low) & (v["arrived"] < high)] for v in visits], blueprint.book.stages


def agrees(values: list[float], expected: float, precision: float = 0.15) -> None:
    """The mean of independent values is the expected one, and known to this share of it."""
    x = np.array(values)
    half = stats.t.ppf(1 - 5e-6, len(x) - 1) * x.std(ddof=1) / math.sqrt(len(x))
    assert abs(x.mean() - expected) <= half, f"{x.mean():.5g} +- {half:.2g}, theory {expected:.5g}"
    assert half < precision * expected


def in_stage(name: str, replications: int, stage: str, of: Callable[[Any], float]) -> list[float]:
    """A figure of the visits of one stage, by replication."""
    visits, stages = cohorts(name, replications)
    return [of(v[v["stage"] == stages.index(stage)]) for v in visits]


def wait(v: Any) -> float:
    """Mean time from entry to first touch, in minutes."""
    served = v[v["touched"] >= 0]
    return float((served["touched"] - served["entered"]).mean()) / MINUTE


def erlang_c(servers: int, load: float) -> float:
    """Chance to wait in an M/M/c queue."""
    term = total = 1.0
    for k in range(1, servers):
        term *= load / k
        total += term
    last = term * load / servers * servers / (servers - load)
    return last / (total + last)


def test_mmc_waits_and_their_tail() -> None:
    def longer_than(seconds: float) -> list[float]:
        return in_stage("theory/mmc", 40, "desk", lambda v: float((v["touched"] - v["entered"] > seconds).mean()))

    chance = erlang_c(5, 4.5)
    agrees(in_stage("theory/mmc", 40, "desk", wait), chance * 60)
    agrees(longer_than(0.0), chance)
    agrees(longer_than(0.5 * HOUR), chance * math.exp(-0.5))
    agrees(longer_than(2.0 * HOUR), chance * math.exp(-2.0), precision=0.35)


def test_mmc_with_abandonment() -> None:
    """Erlang A by its birth and death chain: arrivals 12, service 2 each of 5, patience 1, an hour."""
    weights = [1.0]
    for n in range(1, 200):
        weights.append(weights[-1] * 12 / (2 * min(n, 5) + max(0, n - 5)))
    p = np.array(weights) / sum(weights)
    waiting = float((np.maximum(np.arange(200) - 5, 0) * p).sum())
    agrees(in_stage("theory/mmc-abandonment", 20, "desk", lambda v: float((v["outcome"] == COLD).mean())), waiting / 12)
    mean_wait = [float(np.where(v["touched"] >= 0, v["touched"], v["ended"]).mean() - v["entered"].mean()) / HOUR
                 for v in (w[w["stage"] == 0] for w in cohorts("theory/mmc-abandonment", 20)[0])]
    agrees(mean_wait, waiting / 12)         # Little: queue = arrivals x wait, of those who leave too


def test_mg1_by_pollaczek_and_khinchine() -> None:
    agrees(in_stage("theory/mg1", 150, "desk", wait), 2.4 / 60 * 20**2 * (1 + 1.5**2) / (2 * (1 - 0.8)))


@pytest.mark.parametrize(("source", "expected"), [(0, 0.8 * 20 / 0.7), (1, 0.8 * 20 / (0.7 * 0.2))])
def test_priority_by_cobham(source: int, expected: float) -> None:
    agrees(in_stage("theory/priority", 80, "desk", lambda v: wait(v[v["source"] == source])), expected)


def test_jackson_network_is_a_product_of_mmc_queues() -> None:
    routing = np.array([[0.2, 0.7, 0.0], [0.1, 0.0, 0.6], [0.0, 0.0, 0.0]])
    flows = np.linalg.solve(np.eye(3) - routing.T, [6.0, 0.0, 0.0])
    desks = {"qualify": (4, 3.0), "demo": (4, 2.0), "close": (1, 4.0)}
    for flow, (stage, (servers, rate)) in zip(flows, desks.items(), strict=True):
        expected = erlang_c(servers, flow / rate) / (servers * rate - flow) * 60
        agrees(in_stage("theory/jackson", 40, stage, wait), expected)


def test_absorbing_chain_by_its_fundamental_matrix() -> None:
    steps = np.array([[0.0, 0.6, 0.0], [0.2, 0.0, 0.5], [0.0, 0.0, 0.0]])
    visits = np.linalg.inv(np.eye(3) - steps)[0]
    found, _ = cohorts("theory/absorbing-chain", 60)
    leads = [len(np.unique(v["lead"])) for v in found]
    for stage, expected in enumerate([*visits, visits[2] * 0.3]):
        agrees([(v["stage"] == stage).sum() / n for v, n in zip(found, leads, strict=True)], float(expected))
    stays = [float((v["ended"] - v["entered"])[v["stage"] < 3].sum()) / DAY for v in found]
    agrees([stay / n for stay, n in zip(stays, leads, strict=True)], float(visits @ [2, 5, 9]))


@pytest.mark.parametrize("instant", [10 * WEEK + 2 * DAY + 15 * HOUR, 10 * WEEK + 6 * DAY + 20 * HOUR])
def test_mt_g_infinity_by_its_integral(instant: float) -> None:
    """Wednesday afternoon and Sunday evening of the eleventh week; the law is lognormal(median 2 days p90 6 days)."""
    sigma = math.log(3) / stats.norm.ppf(0.9)
    weights = hour_weights("office-hours")
    assert weights is not None
    hours = np.arange(instant / HOUR)                       # the start is a Monday 00:00, no change of clock before
    rates = 500 * weights[hours.astype(int) % 168] / weights.sum()
    stays = stats.lognorm(sigma, scale=2 * DAY).sf
    mean = sum(rate * np.mean(stays(instant - HOUR * (hour + (np.arange(20) + 0.5) / 20)))
               for hour, rate in zip(hours, rates, strict=True))

    blueprint = prepare(load(str(SCENARIOS / "theory/mt-g-infinity.yaml")))
    traces = replicate(blueprint.plan(), 1, range(60), tables=True).traces
    assert traces is not None
    there = [((v["stage"] == 0) & (v["entered"] <= instant) & ((v["ended"] < 0) | (v["ended"] > instant))).sum()
             for v in (trace.visits for trace in traces)]
    agrees([float(n) for n in there], float(mean))
    assert 0.5 < np.var(there, ddof=1) / mean < 1.7         # Poisson: the variance is the mean


def test_a_cylinder_loses_nobody() -> None:
    found, stages = cohorts("theory/cylinder", 5)
    for visits in found:
        counts = np.bincount(visits["stage"], minlength=len(stages))
        assert counts[0] > 800 and (counts == counts[0]).all()


def test_funnel_a_has_the_long_run_means_of_other_programs() -> None:
    """The yardstick's means over 4,000 replications of the same model in C++ and SimPy."""
    for stage, days in {"capture": 0.01487, "response": 0.00756, "meeting": 0.02344, "closing": 0.0528}.items():
        agrees([minutes / 1440 for minutes in in_stage("funnel-a", 60, stage, wait)], days, precision=0.3)
    agrees(in_stage("funnel-a", 60, "customer", lambda v: float(len(v))), 1364.8, precision=0.02)
    agrees(in_stage("funnel-a", 60, "response", lambda v: float((v["outcome"] == COLD).sum())), 500.6)
    agrees(in_stage("funnel-a", 60, "response", within), 0.8276, precision=0.02)


def within(v: Any) -> float:
    """Share of the contacts (starts and buyers who left) that started within 0.02 days."""
    over = (v["touched"] >= 0) | (v["outcome"] == COLD)
    soon = (v["touched"] >= 0) & (v["touched"] - v["entered"] <= 0.02 * DAY)
    return float(soon.sum() / over.sum())
