"""Do two vocabularies mean the same leads? Two definitions against each other, one of them a threshold at least [82].

`also passed`: of the leads of the cohort that passed B, the share that passed A. Cohen's kappa (Educational and
Psychological Measurement 20, 1960): agreement beyond chance, (p - e) / (1 - e), where p is the share of leads on which
both say the same (passed or not) and e what independent definitions with the same frequencies would have by chance.
1 is full agreement, 0 chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations

from funnelsim.measures.estimate import Measure
from funnelsim.plan import Labels, Plan
from funnelsim.plan_codes import DefinitionKind
from funnelsim.summary import COHORT, WINDOWS, Summary
from funnelsim.typing import FloatArray


def agreement(stacked: Summary, plan: Plan, book: Labels) -> Iterator[Measure]:
    """Of the cohort; two milestones of the same path are left out."""
    which, leads = WINDOWS[COHORT], stacked.arrived[:, 0].sum(axis=(1, 2))
    thresholds = {i for i, row in enumerate(plan.definitions) if row.kind == DefinitionKind.THRESHOLD}
    for a, b in permutations(range(len(book.definitions)), 2):
        if thresholds & {a, b}:
            of = f"{book.definitions[a]} of {book.definitions[b]}"
            yield Measure(which, "also passed", of, "share", stacked.co_passed[:, a, b], stacked.co_passed[:, b, b])
    for a, b in combinations(range(len(book.definitions)), 2):
        if thresholds & {a, b}:
            of = f"{book.definitions[a]} and {book.definitions[b]}"
            yield Measure(
                which,
                "kappa",
                of,
                "kappa",
                *_kappa(stacked.co_passed[:, a, b], stacked.co_passed[:, a, a], stacked.co_passed[:, b, b], leads),
            )


def _kappa(both: FloatArray, first: FloatArray, second: FloatArray, leads: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Agreement beyond chance and the most there could be, in each replication, weighted by its leads."""
    same = both + (leads - first - second + both)
    by_chance = (first * second + (leads - first) * (leads - second)) / leads.clip(1.0)
    return same - by_chance, leads - by_chance
