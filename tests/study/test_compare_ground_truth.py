"""Three made-up worlds in which we know why B beats A, or that it does not: compare must say so.

In each, another funnel shares the work, hands over at once with most of the context and makes a promise.
  nothing   nobody is slow and no effect is on: the same customers are won either way.
  promise   sales never turns to two leads in five unless it promised to; sharing itself changes nothing.
  context   telling everything twice costs three quarters of the odds; nobody is slow, so a promise changes nothing.
The truth is a run of many more pairs on other luck. With 90 % intervals, 200 repetitions cover it 180 +- 12 times
(three standard deviations); fewer than 168 would happen by chance once in 500 tests, and the seeds are fixed.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from funnelsim.study.compare import BELIEFS, NOTHING, PROMISE, CompareSpec, Comparison, compare, main_cause
from support.two_ways import NEW, OLD, SLOW, loaded

SHORT = CompareSpec(draws=30, pairs=1, check_pairs=1)
TRUTH = CompareSpec(draws=1500, pairs=1)
WORLDS: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, NOTHING),
    "promise": (SLOW, PROMISE),
    "context": ({"effects": {"context_lost": 0.25}}, BELIEFS),
}


@pytest.mark.parametrize("world", WORLDS)
def test_a_made_up_world_is_understood(world: str) -> None:
    assert_honest(world, repetitions=20, at_least=14)


@pytest.mark.long
@pytest.mark.parametrize("world", WORLDS)
def test_a_made_up_world_is_understood_in_200_repetitions(world: str) -> None:
    assert_honest(world, repetitions=200, at_least=168)


def test_in_the_world_of_promises_the_ladder_shows_that_sharing_adds_nothing() -> None:
    comparison = run("promise", seed=3, design=CompareSpec(draws=60, pairs=1), robustness=False)

    promised, shared = comparison.compared
    assert promised.added
    assert promised.differences[comparison.goal].low > 0
    over = shared.vs_previous
    assert over is not None
    assert over.low <= 0 <= over.high


def assert_honest(world: str, repetitions: int, at_least: int) -> None:
    truth = run(world, seed=999, design=TRUTH, robustness=False).compared[-1].differences["cohort.won"].mean
    covered, named = 0, 0
    for seed in range(repetitions):
        comparison = run(world, seed, SHORT)
        one = comparison.compared[-1].differences["cohort.won"]
        covered += one.low <= truth <= one.high
        named += main_cause(comparison) == WORLDS[world][1]

    assert covered >= at_least, f"{covered} of {repetitions} intervals cover {truth:+.2f}"
    assert named >= 0.95 * repetitions, f"the cause was named {named} times of {repetitions}"


def run(world: str, seed: int, design: CompareSpec, robustness: bool = True) -> Comparison:
    base = copy.deepcopy(OLD) | copy.deepcopy(WORLDS[world][0])
    return compare(
        loaded(base),
        loaded(base | copy.deepcopy(NEW) | {"name": "Shared"}, base),
        spec=design,
        robustness=robustness,
        seed=seed,
    )
