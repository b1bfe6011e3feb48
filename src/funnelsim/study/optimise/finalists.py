"""Which points of a search go to the final: distinct ones, the best first; and what gap between them matters.

Points a hair apart are one policy: whoever is chosen of them, the others are within the gap. So a range that is
searched finely gives one finalist from each neighbourhood, and what follows compares policies that really differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from funnelsim.errors import UsageError
from funnelsim.scenario.parsers import ParseError
from funnelsim.scenario.parsers.numbers import proportion
from funnelsim.study.axes import Axis
from funnelsim.study.goals import reader
from funnelsim.study.optimise.front import on_front, spread_over_front
from funnelsim.study.optimise.trial_search import Point, Trial, as_list, share_of

NEAR = 0.05  # of a range: points closer than that are not distinct
FEW = 50  # values of an axis up to which each is another policy
DEFAULT_GAP, DEFAULT_GAP_OF_SHARES = "1%", 0.02


@dataclass(frozen=True)
class Objective:
    """A measure of which more, or less, is better."""

    measure: str  # key as in measures.csv
    most: bool = True

    def __str__(self) -> str:
        return f"{'highest' if self.most else 'lowest'} {self.measure}"

    @property
    def sign(self) -> float:
        """Turns the measure into one of which more is better."""
        return 1.0 if self.most else -1.0


def finalists_of(
    axes: Sequence[Axis], trials: Sequence[Trial], objectives: Sequence[Objective], most: int
) -> list[Point]:
    """At most so many points that meet the constraints: the best and distinct, or well spread over the front."""
    there = [trial for trial in trials if trial.score.meets]
    if not there:
        return []
    signs = np.array([one.sign for one in objectives])
    values = np.array([trial.score.values for trial in there]) * signs
    if len(objectives) > 1:
        front = np.flatnonzero(on_front(values))
        return [there[front[i]].point for i in spread_over_front(values[front], most)]
    chosen: list[Point] = []
    for i in np.argsort(-values[:, 0], kind="stable"):
        if all(are_distinct(axes, there[i].point, other) for other in chosen):
            chosen.append(there[i].point)
        if len(chosen) == most:
            break
    return chosen


def are_distinct(axes: Sequence[Axis], one: Point, other: Point) -> bool:
    """Whether two points are different policies."""
    for axis, a, b in zip(map(as_list, axes), one, other, strict=True):
        fine = not axis.values or len(axis.values) > FEW
        shares = share_of(axis, a), share_of(axis, b)
        if a != b and not (fine and abs(shares[0] - shares[1]) < NEAR):
            return True
    return False


def gap_of(text: str, unit: str, currency: str, best: float) -> float:
    """The indifference zone in the unit of a measure; a share of the best where `text` is one. UsageError."""
    shares = unit.startswith("share")
    if not text and shares:
        return DEFAULT_GAP_OF_SHARES
    text = text or DEFAULT_GAP
    try:
        if text.strip().endswith("%") and not shares:
            gap = proportion(text) * (abs(best) or 1.0)
        else:
            gap = reader(unit, currency)(text)
    except ParseError as problem:
        raise UsageError(f"--gap: {problem.text}. {problem.hint}".rstrip(". ") + ".") from None
    if gap <= 0.0:
        raise UsageError("--gap must be above 0: without a difference that matters no choice can be sure")
    return gap
