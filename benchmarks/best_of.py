"""Best of 8 policies: how often is the choice right, and how many runs does it take?

    python benchmarks/best_of.py [repetitions]

The policies are 1 to 4 people in sales, with and without a promised first touch, in the funnel of eight-policies.yaml.
A long run says which is truly best and by how much; the gap that is stated lies just below that lead, the hardest case
that the 95 % are stated for. Each repetition then has luck of its own. Beside it stand the same procedure where every
policy has other luck, and KN of sim-tools on the very same replications.
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
from funnelsim.scenario.varying import Template
from funnelsim.study.best_of import choose
from funnelsim.study.finalists import Objective
from funnelsim.study.planner import Planner
from funnelsim.study.points import Size
from funnelsim.study.samples import Samples, Variant
from funnelsim.study.selection import FIRST, select

Floats = NDArray[np.float64]
FILE = Path(__file__).with_name("eight-policies.yaml")
PROFIT = Objective("cohort.profit")
POLICIES = [[f"teams.sales.people={people}", promise] for people in (1, 2, 3, 4)
            for promise in ("promises=none", "promises.first_touch=within 4 business hours")]
GAP, CHANCE = 18_500.0, 0.95
LONG, APART = 1000, 10_000              # replications of the long run; numbers between two repetitions
BESIDE = 40                             # repetitions that sim-tools goes through as well


def main(repetitions: int) -> None:
    """Print the share of right choices and the median of the runs."""
    began = time.process_time()
    variants = compiled()
    best = truth(variants)
    counted = [repetition(variants, number) for number in range(repetitions)]
    right = sum(chosen == best for chosen, _, _ in counted)
    runs = [taken for _, taken, _ in counted]
    print(f"same luck: right {right} of {repetitions} ({right / repetitions:.1%}); runs in the median "
          f"{np.median(runs):.0f}, in the mean {np.mean(runs):.0f}, at most {max(runs)}")
    other_luck(variants, best)
    there = [same for _, _, same in counted if same is not None]
    print(f"sim-tools on the same replications: the same survivor {sum(one for one, _ in there)} of {len(there)} "
          f"times, the same number of runs (less its one after the end) {sum(two for _, two in there)}")
    print(f"{time.process_time() - began:.0f} s CPU")


def compiled() -> list[Variant]:
    """The policies, compiled once."""
    planner = Planner(1, 1, Size())
    return [Variant(", ".join(policy), *planner.compiled(Template(str(FILE), policy), ())) for policy in POLICIES]


def luck(variants: Sequence[Variant], first: int) -> Samples:
    """Replications from this number on."""
    return Samples(variants, (PROFIT.measure,), 1, first)


def table(samples: Samples, n: int) -> Floats:
    """Profits [replication, policy]."""
    return np.column_stack([one[PROFIT.measure].values for one in samples.of(range(len(POLICIES)), n)])


def truth(variants: Sequence[Variant]) -> int:
    """The policy that is best in the long run, surely by more than the gap."""
    values = table(luck(variants, 0), LONG)
    best = int(values.mean(axis=0).argmax())
    leads = [mean(values[:, best] - values[:, i]) for i in range(len(POLICIES)) if i != best]
    lead = min(leads, key=lambda one: one.mean)
    print(f"best in {LONG} replications: {variants[best].name}, ahead by {lead.mean:,.0f} ({lead.low:,.0f} to "
          f"{lead.high:,.0f}); stated gap {GAP:,.0f}")
    assert lead.low > GAP, "the stated gap must lie below the true lead"
    return best


def repetition(variants: Sequence[Variant], number: int) -> tuple[int, int, tuple[bool, bool] | None]:
    """(chosen, runs, whether sim-tools chose the same and after as many runs) on luck of its own."""
    samples = luck(variants, (number + 1) * APART)
    found = choose(samples, range(len(POLICIES)), PROFIT, "", GAP, CHANCE, grow=0.0)
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


def other_luck(variants: Sequence[Variant], best: int, repetitions: int = 200) -> None:
    """The same where each policy has other luck: the replications of the long run, shuffled policy by policy."""
    values, rng = table(luck(variants, 0), LONG), np.random.default_rng(1)
    found = []
    for _ in range(repetitions):
        mixed = np.column_stack([rng.permutation(column) for column in values.T])
        found.append(select(lambda systems, n, mixed=mixed: mixed[:n, list(systems)], len(POLICIES), GAP, CHANCE))
    print(f"other luck for each: right {sum(one.best == best for one in found)} of {repetitions}; runs in the median "
          f"{np.median([one.runs for one in found]):.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
