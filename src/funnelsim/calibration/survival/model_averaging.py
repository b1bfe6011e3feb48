"""Which family? None for certain: every plausible choice is fitted and weighted by Akaike's criterion.

One wrong family on short follow-up is badly wrong about the share that will move in the end, and the intervals of the
best one alone are too narrow; draws from the weighted mixture of all choices keep their promise (Burnham and
Anderson 2002; measured in the coverage study, tests/calibration/test_coverage.py).

Exits seen fewer than THIN times have a share of their own but borrow the time law of the busiest exit. With several
exits the choices multiply: each exit's families are first tried against a lognormal for the others, and only
combinations that this leaves plausible are fitted together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import NamedTuple

import numpy as np

from funnelsim.calibration.survival.competing_risks import (
    BinnedSpells,
    SojournLaw,
    Spells,
    bin_spells,
    binned_values,
    first_vector,
    fit_mixture_cure,
    with_errors,
)
from funnelsim.calibration.survival.time_distributions import FAMILIES, Number, cdf, log_time
from funnelsim.typing import FloatArray

THIN = 12  # fewer events of an exit than this say nothing about the shape of its time law
SMALLEST_WEIGHT = 0.01
MOST_CHOICES = 12
DRAWS = 4000
ROUGHLY = 0.02  # of the log-likelihood: near enough to tell which families are worth fitting
LOWEST, HIGHEST, HALVINGS = -10.0, 35.0, 45  # log seconds between which a median is looked for


class ShareEstimate(NamedTuple):
    """A number with its standard error (shares: of the log-odds) and central 95 % interval."""

    value: float
    se: float
    low: float
    high: float


class MedianEstimate(NamedTuple):
    """A number with its central 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ModelAverage:
    """A stage's fits, best first, with their Akaike weights."""

    exits: tuple[str, ...]
    laws: tuple[SojournLaw, ...]
    weights: FloatArray
    counts: np.ndarray  # exits seen: (group, exit)
    visits: np.ndarray  # by group
    follow_up_share: FloatArray  # by exit: of those who will leave by it, how many have had the time to (seen)

    def share(self, exit_: int, group: int = -1) -> ShareEstimate:
        """Share of the visits that leave by this exit in the end."""
        return self.forward([exit_], group)

    def forward(self, exits: list[int], group: int = -1) -> ShareEstimate:
        """Share of the visits that leave by any of these exits."""
        return share_estimate(self._drawn[:, group, exits].sum(1), self.point(exits, group))

    def point(self, exits: list[int], group: int = -1) -> float:
        """The same without its error."""
        return float(self._mean[group, exits].sum())

    def draws(self, count: int = DRAWS, seed: int = 0) -> FloatArray:
        """Shares drawn from what is known about them: (draw, group, exit)."""
        return np.concatenate([law.shares(vectors) for law, vectors in self.vectors(count, seed)])

    def vectors(self, count: int = DRAWS, seed: int = 0) -> list[tuple[SojournLaw, FloatArray]]:
        """Parameter draws: normal within a choice of families, as many of each choice as it weighs."""
        rng = np.random.default_rng(seed)
        edges = np.round(np.concatenate([[0.0], np.cumsum(self.weights)]) * count).astype(int)
        drawn = []
        for law, size in zip(self.laws, np.diff(edges), strict=True):
            values, axes = np.linalg.eigh(law.covariance)
            noise = rng.standard_normal((size, len(law.vector))) * np.sqrt(np.maximum(values, 0.0))
            drawn.append((law, law.vector + noise @ axes.T))
        return drawn

    def by_family(self, exit_: int, group: int = -1) -> dict[str, float]:
        """Share of an exit under the best choice with each family for it: how much they disagree."""
        shares: dict[str, float] = {}
        for law in self.laws:
            shares.setdefault(law.times(exit_)[0], float(law.shares()[group, exit_]))
        return shares

    def times(self, exit_: int) -> list[tuple[float, str, float, float]]:
        """(weight, family, mu, s): the time law of an exit as a mixture; choices with equal families merged."""
        share = np.array([law.shares()[-1, exit_] for law in self.laws]) * self.weights
        best: dict[str, tuple[float, float]] = {}
        weight: dict[str, float] = {}
        for w, law in zip(share / share.sum(), self.laws, strict=True):
            family, mu, s = law.times(exit_)
            best.setdefault(family, (mu, s))
            weight[family] = weight.get(family, 0.0) + float(w)
        return [(weight[family], family, *best[family]) for family in sorted(weight, key=lambda f: -weight[f])]

    def median(self, exits: list[int]) -> float:
        """Seconds by which half of those who leave by these exits in the end have left."""
        return float(_half([(self.point([j]), self.times(j)) for j in exits])[0])

    def median_span(self, exits: list[int], count: int = 1000) -> MedianEstimate:
        """The same with its central 95 %."""
        drawn = []
        for law, vectors in self.vectors(count):
            shares = law.shares(vectors)[:, -1]
            drawn.append(_half([(shares[:, j], [(1.0, *law.drawn_times(j, vectors))]) for j in exits]))
        low, high = np.quantile(np.concatenate(drawn), [0.025, 0.975])
        return MedianEstimate(self.median(exits), float(low), float(high))

    def gone_by(self, exit_: int, seconds: FloatArray) -> FloatArray:
        """F of the exit's time at these ages."""
        log_t = log_time(seconds)
        return np.asarray(sum(w * cdf(family, mu, s, log_t)[0] for w, family, mu, s in self.times(exit_)))

    @cached_property
    def _drawn(self) -> FloatArray:
        return self.draws()

    @cached_property
    def _mean(self) -> FloatArray:
        return np.asarray(sum(w * law.shares() for w, law in zip(self.weights, self.laws, strict=True)))


def share_estimate(draws: FloatArray, value: float) -> ShareEstimate:
    """Value, standard error of its log-odds and central 95 % of the draws."""
    inside = np.clip(draws, 1e-9, 1 - 1e-9)
    low, high = np.quantile(draws, [0.025, 0.975])
    return ShareEstimate(float(value), float(np.std(np.log(inside / (1 - inside)))), float(low), float(high))


def _half(exits: Sequence[tuple[Number, Sequence[tuple[float, str, Number, Number]]]]) -> FloatArray:
    """Median of a mixture of exits (share, [(weight, family, mu, s)]), by bisection; one for each draw."""
    size = np.broadcast_shapes((1,), *(np.shape(share) for share, _ in exits))
    total = sum((np.asarray(share) for share, _ in exits), np.zeros(size))
    low, high = np.full(size, LOWEST), np.full(size, HIGHEST)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        gone = np.zeros(size)
        for share, laws in exits:
            gone += share * sum(w * cdf(family, mu, s, middle)[0] for w, family, mu, s in laws)
        past = gone > 0.5 * total
        low, high = np.where(past, low, middle), np.where(past, middle, high)
    return np.asarray(np.exp(0.5 * (low + high)))


def average_models(spells: Spells, timers: frozenset[int] = frozenset()) -> ModelAverage:
    """Fit all plausible choices of families to a stage; every exit must have been seen at least once.

    Exits in `timers` fall on one day: their law is narrow, and its family does not matter.
    """
    data = bin_spells(spells)
    law_of = _laws(data)
    fixed = frozenset(law_of[j] for j in timers)
    choices = _plausible(data, law_of, fixed)
    return _weighed(
        spells, data, [fit_mixture_cure(data, families, law_of, start, errors=False) for families, start in choices]
    )


def refit(spells: Spells, known: ModelAverage, most: int) -> ModelAverage:
    """The best few choices of families for finer groups, each begun from what is known."""
    data = bin_spells(spells)
    laws = []
    for law in known.laws[:most]:
        shares = len(known.exits)
        times = law.vector[law.groups * shares :]
        start = np.concatenate(
            [np.tile(law.vector[(law.groups - 1) * shares : law.groups * shares], spells.groups), times]
        )
        laws.append(fit_mixture_cure(data, law.families, law.law_of, start, errors=False))
    return _weighed(spells, data, laws)


def _weighed(spells: Spells, data: BinnedSpells, laws: list[SojournLaw]) -> ModelAverage:
    """The choices that weigh anything, with their errors."""
    laws = sorted(laws, key=lambda law: law.aic)
    weights = np.exp(-0.5 * (np.array([law.aic for law in laws]) - laws[0].aic))
    kept = weights / weights.sum() >= SMALLEST_WEIGHT
    laws = [with_errors(data, law) for law, keep in zip(laws, kept, strict=True) if keep]
    weights = weights[kept] / weights[kept].sum()
    visits = np.bincount(spells.group, minlength=spells.groups)
    return ModelAverage(spells.exits, tuple(laws), weights, spells.counts, visits, _reached(spells, laws[0]))


def _reached(spells: Spells, law: SojournLaw) -> FloatArray:
    """Mean chance, at the present ages, that an exit which will happen has happened and was seen."""
    reached = []
    age, weight = binned_values(spells.age)
    for j in range(len(spells.exits)):
        family, mu, s = law.times(j)
        since = spells.recorded_for[j] if spells.recorded_for else np.inf
        start = np.maximum(np.maximum(age - since, age - spells.observed_for), 0.0)
        seen = cdf(family, mu, s, log_time(age))[0] - cdf(family, mu, s, log_time(start))[0]
        reached.append(float(np.average(seen, weights=weight)))
    return np.array(reached)


def _laws(data: BinnedSpells) -> tuple[int, ...]:
    seen = data.counts.sum(0)
    busiest = int(seen.argmax())
    own = [j for j in range(len(seen)) if seen[j] >= THIN or j == busiest]
    return tuple(own.index(j if j in own else busiest) for j in range(len(seen)))


def _plausible(
    data: BinnedSpells, law_of: tuple[int, ...], fixed: frozenset[int]
) -> list[tuple[tuple[str, ...], FloatArray | None]]:
    """Combinations of families whose Akaike weight, were the exits independent, is not negligible."""
    count = max(law_of) + 1
    if count == 1:
        return [((family,), None) for family in FAMILIES]
    base = fit_mixture_cure(data, ("lognormal",) * count, law_of, tolerance=ROUGHLY, errors=False)
    gain = {(k, "lognormal"): (0.0, base.vector[-2 * count :].reshape(-1, 2)[k]) for k in range(count)}
    for k in (k for k in range(count) if k not in fixed):
        for family in (f for f in FAMILIES if f != "lognormal"):
            families = tuple(family if i == k else "lognormal" for i in range(count))
            tried = fit_mixture_cure(
                data, families, law_of, _begin(data, families, law_of, base), tolerance=ROUGHLY, errors=False
            )
            gain[k, family] = (tried.aic - base.aic, tried.vector[-2 * count :].reshape(-1, 2)[k])
    choices = [[family for family in FAMILIES if (k, family) in gain] for k in range(count)]
    ranked = sorted((sum(gain[k, f][0] for k, f in enumerate(families)), families) for families in product(*choices))
    near = [families for aic, families in ranked if aic - ranked[0][0] < 10.0][:MOST_CHOICES]
    shares = base.vector[: -2 * count]
    return [(families, np.concatenate([shares, *(gain[k, f][1] for k, f in enumerate(families))])) for families in near]


def _begin(data: BinnedSpells, families: tuple[str, ...], law_of: tuple[int, ...], base: SojournLaw) -> FloatArray:
    """A start from a fit with other families: theirs are guessed anew, the rest is kept."""
    start = first_vector(data, families, law_of)
    count = len(families)
    start[: -2 * count] = base.vector[: -2 * count]
    for k, family in enumerate(families):
        if family == base.families[k]:
            at = len(start) - 2 * (count - k)
            start[at : at + 2] = base.vector[at : at + 2]
    return start
