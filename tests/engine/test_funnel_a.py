"""Funnel A, the speed yardstick, is the same model here as in other programs: the long-run means agree.

The means are of 4,000 replications of the same model written in SimPy and in C++. Each is compared with the mean of 60
replications by a t-interval of one in 100,000; seeds are fixed, so a failure is an error and no chance.
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

from funnelsim.compile import compile_scenario
from funnelsim.engine.replicate import replicate
from funnelsim.plan import DAY
from funnelsim.plan_codes import Outcome
from funnelsim.scenario import load

FILE = Path(__file__).parents[2] / "scenarios" / "funnel-a.yaml"
REPLICATIONS = 60


@pytest.mark.parametrize(
    ("stage", "days"), [("capture", 0.01487), ("response", 0.00756), ("meeting", 0.02344), ("closing", 0.0528)]
)
def test_mean_wait(stage: str, days: float) -> None:
    assert_mean(stage, wait, days, precision=0.3)


def test_customers_a_run() -> None:
    assert_mean("customer", lambda visits: float(len(visits)), 1364.8, precision=0.02)


def test_buyers_who_lost_patience() -> None:
    assert_mean("response", lambda visits: float((visits.outcome == Outcome.COLD).sum()), 500.6, precision=0.15)


def test_share_of_contacts_within_the_agreed_time() -> None:
    assert_mean("response", within, 0.8276, precision=0.02)


def assert_mean(stage: str, of: Callable[[Any], float], expected: float, precision: float) -> None:
    """The mean over replications is the expected one, and known to this share of it."""
    runs, stages = cohorts()
    values = np.array([of(visits[visits.stage == stages.index(stage)]) for visits in runs])
    half = stats.t.ppf(1 - 5e-6, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))
    assert abs(values.mean() - expected) <= half, f"{values.mean():.5g} +- {half:.2g}, expected {expected:.5g}"
    assert half < precision * expected


@cache
def cohorts() -> tuple[list[Any], tuple[str, ...]]:
    """Visits of the leads that count, by replication, and the names of the stages."""
    blueprint = compile_scenario(load(str(FILE)))
    plan = blueprint.plan()
    traces = replicate(plan, blueprint.scenario.seed, range(REPLICATIONS), tables=True).traces
    assert traces is not None
    low, high = plan.settings[0].measure_from, plan.settings[0].measure_to
    runs = [trace.visits[(trace.visits.arrived >= low) & (trace.visits.arrived < high)] for trace in traces]
    return runs, blueprint.book.stages


def wait(visits: Any) -> float:
    """Mean days from entry to first touch, of those touched."""
    served = visits[visits.touched >= 0]
    return float((served.touched - served.entered).mean()) / DAY


def within(visits: Any) -> float:
    """Share of the contacts (starts and buyers who left) that started within 0.02 days."""
    over = (visits.touched >= 0) | (visits.outcome == Outcome.COLD)
    soon = (visits.touched >= 0) & (visits.touched - visits.entered <= 0.02 * DAY)
    return float(soon.sum() / over.sum())
