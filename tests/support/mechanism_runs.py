"""The small scenario files of single mechanisms (scenarios/mechanisms), run as they are, and checked shares.

A share of independent leads is checked by the exact binomial test, at a false alarm once in 10,000 checks; seeds are
fixed, so a check that passes goes on passing.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from funnelsim import plan as p
from funnelsim.compile import prepare
from funnelsim.engine import fast, reference
from funnelsim.engine.replicate import replicate
from funnelsim.measures import Measure, named, summarise
from funnelsim.scenario import load
from funnelsim.study.anchor import anchor
from support.yaml_story import Story, assert_same

FALSE_ALARM = 1e-4
SCENARIOS = Path(__file__).parents[2] / "scenarios"


@cache
def scene(name: str, *overrides: str) -> Story:
    """One run of a file under scenarios, by both engines, anchored at the file as it is written."""
    plan, book = planned(name, *overrides)
    slow = reference.run(plan, 1, 0)
    quick, summary = fast.run(plan, 1, 0)
    assert_same(slow, quick)
    assert_same(summarise(slow, plan), summary)
    return Story(plan, book, quick, summary)


@cache
def measured(name: str, replications: int, *overrides: str) -> dict[str, Measure]:
    """Measures of many runs of a file, by the fast engine."""
    plan, book = planned(name, *overrides)
    return named(replicate(plan, 7, range(replications), threads=2).summaries, plan, book)


def planned(name: str, *overrides: str) -> tuple[p.Plan, p.Labels]:
    loaded = load(str(SCENARIOS / f"{name}.yaml"), list(overrides))
    blueprint = prepare(loaded)
    root = blueprint if loaded.root is None else prepare(loaded.root)
    return anchor(root).plan(blueprint), blueprint.book


def share_holds(count: float, of: float, expected: float, anchored: float = 0.0) -> None:
    """So many of so many independent leads are in line with a chance, that anchoring knows to +- `anchored`."""
    share = count / of
    nearest = min(max(share, expected - anchored), expected + anchored)
    test = stats.binomtest(int(count), int(of), nearest)
    assert test.pvalue > FALSE_ALARM, f"{count:g} of {of:g} = {count / of:.4f}, expected {expected:.4f}"


def mean_holds(values: Any, expected: float) -> None:
    """The mean of independent values is in line with what is expected, by Student's t."""
    test = stats.ttest_1samp(np.asarray(values, dtype=float), expected)
    assert test.pvalue > FALSE_ALARM, f"mean {np.mean(values):.6g} of {len(values)}, expected {expected:.6g}"


def log_odds(chance: float) -> float:
    return float(np.log(chance / (1.0 - chance)))


def logistic(x: float) -> float:
    return float(1.0 / (1.0 + np.exp(-x)))
