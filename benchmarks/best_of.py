"""Best of 8 policies: how often is the choice right, and how many runs does it take?

    python benchmarks/best_of.py [repetitions]

The policies are 1 to 4 people in sales, with and without a promised first touch, in the funnel of eight-policies.yaml.
A long run says which is truly best and by how much; the gap that is stated lies just below that lead. Each repetition
has luck of its own; KN of sim-tools goes through the very same replications. Then the replications of the long run are
drawn anew, with the other policies made level and the best ahead by a smaller gap alone: the hardest case there is.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sim_tools.ovs.indifference_zone import KN

from funnelsim.measures import mean
from funnelsim.scenario.template import ScenarioTemplate
from funnelsim.study.optimise.finalists import Objective
from funnelsim.study.optimise.ranking_selection import FIRST, select
from funnelsim.study.optimise.samples import Samples, Variant
from funnelsim.study.optimise.select_best import select_variant
from funnelsim.study.point import RunSize
from funnelsim.study.task_builder import TaskBuilder

Floats = NDArray[np.float64]
FILE = Path(__file__).with_name("eight-policies.yaml")
PROFIT = Objective("cohort.profit")
POLICIES = [
    [f"teams.sales.people={people}", promise]
    for people in (1, 2, 3, 4)
    for promise in ("promises=none", "promises.first_touch=within 4 business hours")
]
GAP, HARD_GAP, CHANCE = 18_500.0, 9_000.0, 0.95
LONG, APART = 1000, 10_000  # replications of the long run; numbers between two repetitions
MOST = 2000  # replications of a policy
BESIDE = 40  # repetitions that sim-tools goes through as well


def main(repetitions: int) -> None:
    """Print the share of right choices and the median of the runs."""
    began = time.process_time()
    variants = compiled()
    values = table(luck(variants, 0), LONG)
    best = truth(variants, values)
    counted = [repetition(variants, number) for number in range(repetitions)]
    right = sum(chosen == best for chosen, _, _ in counted)
    runs = [taken for _, taken, _ in counted]
    print(
        f"same luck: right {right} of {repetitions} ({right / repetitions:.1%}); runs in the median "
        f"{np.median(runs):.0f}, in the mean {np.mean(runs):.0f}, at most {max(runs)}"
    )
    slippage(values, best)
    there = [same for _, _, same in counted if same is not None]
    print(
        f"sim-tools on the same replications: the same survivor {sum(one for one, _ in there)} of {len(there)} "
        f"times, the same number of runs (less its one after the end) {sum(two for _, two in there)}"
    )
    print(f"{time.process_time() - began:.0f} s CPU")


def compiled() -> list[Variant]:
    """The policies, compiled once."""
    planner = TaskBuilder(1, 1, RunSize())
    return [
        Variant(", ".join(policy), *planner.compiled(ScenarioTemplate(str(FILE), policy), ())) for policy in POLICIES
    ]


def luck(variants: Sequence[Variant], first: int) -> Samples:
    """Replications from this number on."""
    return Samples(variants, (PROFIT.measure,), 1, first)


def table(samples: Samples, n: int) -> Floats:
    """Profits [replication, policy]."""
    return np.column_stack([one[PROFIT.measure].values for one in samples.of(range(len(POLICIES)), n)])


def truth(variants: Sequence[Variant], values: Floats) -> int:
    """The policy that is best in the long run, surely by more than the gap."""
    best = int(values.mean(axis=0).argmax())
    leads = [mean(values[:, best] - values[:, i]) for i in range(len(POLICIES)) if i != best]
    lead = min(leads, key=lambda one: one.mean)
    print(
        f"best in {LONG} replications: {variants[best].name}, ahead by {lead.mean:,.0f} ({lead.low:,.0f} to "
        f"{lead.high:,.0f}); stated gap {GAP:,.0f}"
    )
    assert lead.low > GAP, "the stated gap must lie below the true lead"
    return best


def repetition(variants: Sequence[Variant], number: int) -> tuple[int, int, tuple[bool, bool] | None]:
    """(chosen, runs, whether sim-tools chose the same and after as many runs) on luck of its own."""
    samples = luck(variants, (number + 1) * APART)
    found = select_variant(samples, range(len(POLICIES)), PROFIT, "", GAP, CHANCE, grow=0.0)
    if number >= BESIDE:
        return found.best, found.runs, None
    model = Model(samples)
    theirs = KN(model, len(POLICIES), GAP, alpha=1.0 - CHANCE, n_0=FIRST).solve()
    return found.best, found.runs, ([*theirs] == [found.best], model.runs - 1 == found.runs)


class Model:
    """Our replications, as sim-tools asks for them."""

    def __init__(self, samples: Samples) -> None:
        self.samples, self.at = samples, [0] * len(POLICIES)

    @property
    def runs(self) -> int:
        return sum(self.at)

    def register_observer(self, observer: Any) -> None:
        self.observer = observer

    def simulate(self, design: int) -> None:
        self.at[design] += 1
        (one,) = self.samples.of([design], self.at[design])
        self.observer.feedback(self, design, float(one[PROFIT.measure].values[-1]))


def slippage(values: Floats, best: int, repetitions: int = 200) -> None:
    """The hardest case of all: the others level, the best ahead by the gap alone; real replications, drawn anew.

    Once on the same luck for all, once with each policy's replications shuffled apart.
    """
    level = values - values.mean(axis=0)
    level[:, best] += HARD_GAP
    for name, common in (("same luck", True), ("other luck for each", False)):
        found = []
        for number in range(repetitions):
            rng = np.random.default_rng(number)
            rows = rng.integers(0, len(level), (MOST, 1 if common else len(POLICIES)))
            drawn = np.take_along_axis(level, np.broadcast_to(rows, (MOST, len(POLICIES))), axis=0)
            found.append(
                select(
                    lambda systems, n, drawn=drawn: drawn[:n, list(systems)],
                    len(POLICIES),
                    HARD_GAP,
                    CHANCE,
                    most=MOST,
                    grow=0.02,
                )
            )
        print(
            f"ahead by the gap of {HARD_GAP:,.0f} alone, {name}: right {sum(one.best == best for one in found)} of "
            f"{repetitions}; runs in the median {np.median([one.runs for one in found]):.0f}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
