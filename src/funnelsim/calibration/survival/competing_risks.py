"""Conversion and time in stage from history: competing outcomes, a share that never moves, and what history hides.

For one visit that began `age` seconds before the as-of instant, with exits j = 1..J of shares pi_j (what they leave
is the share that never leaves) and time laws F_j:

    left by exit j after t          pi_j f_j(t), or pi_j [F_j(t + r/2) - F_j(t - r/2)] where times are rounded to r
    still open                      1 - sum_j pi_j [F_j(age) - F_j(max(u_j, v))] - sum_j pi_j F_j(v)
    divided by                      1 - sum_j pi_j F_j(v)

u_j: age when the recording of exit j began. Before it an exit may have happened unseen, so an open lead is *not*
known to be open there (Olist: every contact is listed, wins only from December 2017). v: age when the list of
leads itself began; leads gone by then are missing altogether (left truncation). Both are 0 when history is whole.

Source of the mixture with one exit: Boag 1949, Farewell 1982 (cure models); with several exits Larson and Dinse 1985.
Groups (sources, periods) have their own shares and common time laws. Half a lead is added to every share of every
group (Jeffreys' prior): where all have left, or none, the likelihood alone would run off to infinity.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from funnelsim.calibration.survival.optimiser import covariance, minimise
from funnelsim.calibration.survival.time_distributions import cdf, first_guess, log_density, log_time
from funnelsim.typing import FloatArray

BINS = 512
LOGIT_BOUND, MU_BOUNDS, S_BOUNDS = 12.0, (-10.0, 30.0), (-6.0, 4.0)
PRIOR = 0.5  # Jeffreys' prior of the shares: keeps a share that was never seen off 0, and its interval
MANY, CELLS, CROWD = 100_000, 1 << 16, 0.001  # more leads than this are not sorted, unless a cell holds too many
AGE_CELLS = 4096  # means over the ages of more visits than this are taken cell by cell
COARSE = 5.0  # times shorter than this many roundings are treated as intervals


@dataclass(frozen=True)
class Spells:
    """The visits of one stage as the likelihood sees them; all lengths in seconds."""

    exits: tuple[str, ...]
    age: FloatArray  # as-of instant minus entry
    time: FloatArray  # entry to exit, or to the as-of instant
    outcome: np.ndarray  # 0 open, j = exits[j - 1]
    rounding: FloatArray  # width of the interval in which the time is known to lie
    group: np.ndarray  # 0 .. groups - 1
    groups: int = 1
    recorded_for: tuple[float, ...] = ()  # as-of minus the start of recording, by exit; inf = always
    observed_for: float = np.inf  # as-of minus the start of the list of leads

    def __len__(self) -> int:
        return len(self.age)

    @property
    def counts(self) -> np.ndarray:
        """Exits seen, by group and exit."""
        return np.stack(
            [np.bincount(self.group[self.outcome == j + 1], minlength=self.groups) for j in range(len(self.exits))],
            axis=1,
        )


@dataclass(frozen=True)
class BinnedSpells:
    """Spells in a few hundred bins: the fit costs the same for ten thousand leads and for a million."""

    counts: np.ndarray  # (group, exit)
    exact: tuple[tuple[FloatArray, FloatArray], ...]  # by exit: log times, weights
    interval_censored: tuple[tuple[FloatArray, FloatArray, FloatArray], ...]  # by exit: log of both ends, weights
    open_age: FloatArray  # log; likewise below
    open_unrecorded: FloatArray  # (exit, bin)
    open_truncated: FloatArray
    open_group: np.ndarray
    open_weight: FloatArray
    left_truncated: FloatArray  # leads that were there before the list began
    truncated_group: np.ndarray
    truncated_weight: FloatArray
    any_hidden: bool  # does any open lead have hidden time at all?
    prior: float = PRIOR  # leads added to every share of every group

    @property
    def total(self) -> float:
        return float(self.counts.sum() + self.open_weight.sum())


@dataclass(frozen=True)
class SojournLaw:
    """One choice of families, fitted. `vector`: log(pi_j / pi_never) by group and exit, then (mu, s) by time law."""

    families: tuple[str, ...]  # by time law
    law_of: tuple[int, ...]  # by exit: which time law (thin exits share one)
    groups: int
    vector: FloatArray
    covariance: FloatArray
    log_likelihood: float

    @property
    def aic(self) -> float:
        return 2.0 * len(self.vector) - 2.0 * self.log_likelihood

    def shares(self, vectors: FloatArray | None = None) -> FloatArray:
        """Shares of the exits: (group, exit), or (draw, group, exit) for many vectors."""
        vectors = self.vector if vectors is None else vectors
        exits = len(self.law_of)
        return softmax(vectors[..., : self.groups * exits].reshape(*vectors.shape[:-1], self.groups, exits))[..., 1:]

    def times(self, exit_: int) -> tuple[str, float, float]:
        """Family, mu and s of an exit."""
        family, mu, s = self.drawn_times(exit_, self.vector)
        return family, float(mu), float(s)

    def drawn_times(self, exit_: int, vectors: FloatArray) -> tuple[str, FloatArray, FloatArray]:
        """The same for many vectors."""
        law = self.law_of[exit_]
        at = self.groups * len(self.law_of) + 2 * law
        return self.families[law], vectors[..., at], vectors[..., at + 1]


def fit_mixture_cure(
    data: BinnedSpells,
    families: tuple[str, ...],
    law_of: tuple[int, ...],
    start: FloatArray | None = None,
    tolerance: float = 1e-8,
    errors: bool = True,
) -> SojournLaw:
    """Maximum likelihood, to `tolerance` of its logarithm, with the covariance unless `errors` are not asked for."""
    start = first_vector(data, families, law_of) if start is None else start
    shares = data.counts.shape[0] * len(law_of)
    bounds = [(-LOGIT_BOUND, LOGIT_BOUND)] * shares + [MU_BOUNDS, S_BOUNDS] * len(families)
    low, high = (np.array(side) for side in zip(*bounds, strict=True))
    cost = partial(negative_log_likelihood, data=data, families=families, law_of=law_of)
    vector, value = minimise(cost, start, low, high, tolerance)
    law = SojournLaw(families, law_of, data.counts.shape[0], vector, np.zeros((len(vector),) * 2), -value)
    return with_errors(data, law) if errors else law


def with_errors(data: BinnedSpells, law: SojournLaw) -> SojournLaw:
    """The same with the covariance from the Hessian."""
    cost = partial(negative_log_likelihood, data=data, families=law.families, law_of=law.law_of)
    return replace(law, covariance=covariance(cost, law.vector))


def negative_log_likelihood(
    x: FloatArray, data: BinnedSpells, families: tuple[str, ...], law_of: tuple[int, ...]
) -> tuple[float, FloatArray]:
    """The formula of the module's head, over bins, with its gradient."""
    groups, exits = data.counts.shape
    every = np.maximum(softmax(x[: groups * exits].reshape(groups, exits)), 1e-300)
    shares = every[:, 1:]
    laws = x[groups * exits :].reshape(-1, 2)
    counts = data.counts + data.prior
    by_share = counts / shares
    by_law = np.zeros_like(laws)
    value = float((counts * np.log(shares)).sum() + data.prior * np.log(every[:, 0]).sum())

    for j, law in enumerate(law_of):
        added, gradient = _times_of_exit(data, j, families[law], laws[law, 0], laws[law, 1])
        value += added
        by_law[law] += gradient

    hidden = _seen_or_absent(data, families, law_of, laws) if len(data.open_age) else None
    if hidden is not None:
        gone, gone_slopes = hidden
        mine = shares[data.open_group]  # (bin, exit)
        still = np.maximum(1.0 - (mine.T * gone).sum(0), 1e-300)
        value += float(data.open_weight @ np.log(still))
        pull = -data.open_weight / still
        for j, law in enumerate(law_of):
            by_share[:, j] += np.bincount(data.open_group, pull * gone[j], groups)
            by_law[law] += gone_slopes[j] @ (pull * mine[:, j])

    if len(data.left_truncated):
        mine = shares[data.truncated_group]
        at = [cdf(families[law], laws[law, 0], laws[law, 1], data.left_truncated) for law in law_of]
        present = np.maximum(1.0 - sum(mine[:, j] * at[j][0] for j in range(exits)), 1e-300)
        value -= float(data.truncated_weight @ np.log(present))
        pull = data.truncated_weight / present
        for j, law in enumerate(law_of):
            by_share[:, j] += np.bincount(data.truncated_group, pull * at[j][0], groups)
            by_law[law] += at[j][1] @ (pull * mine[:, j])

    by_logit = shares * (by_share - (shares * by_share).sum(1, keepdims=True) - data.prior)
    return -value, -np.concatenate([by_logit.ravel(), by_law.ravel()])


def softmax(logits: FloatArray) -> FloatArray:
    """Shares from log(pi_j / pi_never) along the last axis; the share that never leaves comes first."""
    full = np.concatenate([np.zeros((*logits.shape[:-1], 1)), logits], axis=-1)
    full = np.exp(full - full.max(axis=-1, keepdims=True))
    return np.asarray(full / full.sum(axis=-1, keepdims=True))


def first_vector(data: BinnedSpells, families: tuple[str, ...], law_of: tuple[int, ...]) -> FloatArray:
    """A start: a little more than the shares seen so far, moments of the log times seen."""
    groups, exits = data.counts.shape
    size = data.counts.sum(1) + np.bincount(data.open_group, data.open_weight, groups)
    seen = np.clip(1.1 * data.counts / np.maximum(size, 1.0)[:, None], 1e-4, 0.95 / exits)
    never = np.maximum(1.0 - seen.sum(1), 0.05)
    laws = []
    for law, family in enumerate(families):
        mine = [j for j in range(exits) if law_of[j] == law]
        log_t = np.concatenate([data.exact[j][0] for j in mine] + [data.interval_censored[j][1] for j in mine])
        weight = np.concatenate([data.exact[j][1] for j in mine] + [data.interval_censored[j][2] for j in mine])
        laws.append(first_guess(family, log_t, weight))
    return np.concatenate([np.log(seen / never[:, None]).ravel(), np.ravel(laws)])


def bin_spells(spells: Spells, bins: int = BINS, prior: float = PRIOR) -> BinnedSpells:
    """Events in geometric bins of time, open leads in bins of equal count by age. `prior` 0: plain likelihood."""
    exits = len(spells.exits)
    recorded_for = np.array(spells.recorded_for or (np.inf,) * exits)
    late = np.maximum(spells.age - spells.observed_for, 0.0)
    exact, rounded = [], []
    for j in range(exits):
        mine = spells.outcome == j + 1
        coarse = mine & (spells.time < COARSE * spells.rounding)
        exact.append(_geometric_bins(log_time(spells.time[mine & ~coarse]), bins))
        rounded.append(_interval_ends(spells.time[coarse], spells.rounding[coarse]))
    is_open = spells.outcome == 0
    bin_of = _equal_count_bins(spells.age[is_open], spells.group[is_open], spells.groups, bins)
    weight = np.bincount(bin_of).astype(float)

    def mean(values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(bin_of, values) / weight)

    age, open_late = spells.age[is_open], late[is_open]
    blind = np.maximum(age[None, :] - recorded_for[:, None], open_late[None, :])
    was_late = late > 0
    late_of = _equal_count_bins(late[was_late], spells.group[was_late], spells.groups, bins)
    late_weight = np.bincount(late_of).astype(float)
    return BinnedSpells(
        counts=spells.counts,
        exact=tuple(exact),
        interval_censored=tuple(rounded),
        open_age=log_time(mean(age)),
        open_unrecorded=log_time(np.stack([mean(np.maximum(b, 0.0)) for b in blind])),
        open_truncated=log_time(mean(open_late)),
        open_group=mean(spells.group[is_open].astype(float)).round().astype(np.int64),
        open_weight=weight,
        left_truncated=log_time(np.bincount(late_of, late[was_late]) / late_weight),
        truncated_group=(np.bincount(late_of, spells.group[was_late]) / late_weight).round().astype(np.int64),
        truncated_weight=late_weight,
        any_hidden=bool((blind > 0).any()),
        prior=prior,
    )


def binned_values(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Values and their weights; very many are put into cells first, each at its mean."""
    if len(values) <= AGE_CELLS:
        return values, np.ones(len(values))
    low, high = values.min(), values.max()
    cell = ((values - low) * ((AGE_CELLS - 1) / max(high - low, 1e-9))).astype(np.int32)
    weight = np.bincount(cell, minlength=AGE_CELLS).astype(float)
    total, used = np.bincount(cell, values, AGE_CELLS), weight > 0
    return total[used] / weight[used], weight[used]


def _times_of_exit(data: BinnedSpells, j: int, family: str, mu: float, s: float) -> tuple[float, FloatArray]:
    log_t, weight = data.exact[j]
    value, gradient = 0.0, np.zeros(2)
    if len(log_t):
        density, slopes = log_density(family, mu, s, log_t)
        value, gradient = float(weight @ density), slopes @ weight
    below, above, weight = data.interval_censored[j]
    if len(below):
        low, low_slopes = cdf(family, mu, s, below)
        high, high_slopes = cdf(family, mu, s, above)
        mass = np.maximum(high - low, 1e-300)
        value += float(weight @ np.log(mass))
        gradient = gradient + (high_slopes - low_slopes) @ (weight / mass)
    return value, gradient


def _seen_or_absent(
    data: BinnedSpells, families: tuple[str, ...], law_of: tuple[int, ...], laws: FloatArray
) -> tuple[list[FloatArray], list[FloatArray]]:
    """By exit: chance that an open lead's exit would have been seen, or kept it off the list; with slopes."""
    by_law = [cdf(family, laws[k, 0], laws[k, 1], data.open_age) for k, family in enumerate(families)]
    gone, slopes = [], []
    for j, law in enumerate(law_of):
        value, slope = by_law[law]
        if data.any_hidden:
            unseen, unseen_slope = cdf(families[law], laws[law, 0], laws[law, 1], data.open_unrecorded[j])
            absent, absent_slope = cdf(families[law], laws[law, 0], laws[law, 1], data.open_truncated)
            value, slope = value - unseen + absent, slope - unseen_slope + absent_slope
        gone.append(value)
        slopes.append(slope)
    return gone, slopes


def _geometric_bins(log_t: FloatArray, bins: int) -> tuple[FloatArray, FloatArray]:
    if len(log_t) <= bins:
        return log_t, np.ones(len(log_t))
    low, high = log_t.min(), log_t.max() + 1e-9
    bin_of = ((log_t - low) / (high - low) * bins).astype(np.int64)
    weight = np.bincount(bin_of, minlength=bins).astype(float)
    total = np.bincount(bin_of, log_t, bins)
    used = weight > 0
    return total[used] / weight[used], weight[used]


def _interval_ends(time: FloatArray, rounding: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Both ends of rounded times, equal intervals counted together."""
    if not len(time):
        return np.empty(0), np.empty(0), np.empty(0)
    ends = np.stack([np.maximum(time - rounding / 2, 0.0), np.maximum(time + rounding / 2, rounding / 100)], axis=1)
    unique, weight = np.unique(ends, axis=0, return_counts=True)
    return log_time(unique[:, 0]), log_time(unique[:, 1]), weight.astype(float)


def _equal_count_bins(values: FloatArray, group: np.ndarray, groups: int, bins: int) -> np.ndarray:
    """Bin numbers 0, 1, ... such that a bin holds neighbours of one group, about equally many in each."""
    if not len(values):
        return np.empty(0, np.int64)
    size = np.bincount(group, minlength=groups)
    per_group = np.clip(size, 1, np.maximum(bins * size // len(values), 32))
    offset = np.concatenate([[0], np.cumsum(per_group)[:-1]])
    before = _ranks(values, group, groups, size)
    number = before * per_group[group] // np.maximum(size, 1)[group] + offset[group]
    used = np.bincount(number) > 0
    return np.asarray((np.cumsum(used) - 1)[number])


def _ranks(values: FloatArray, group: np.ndarray, groups: int, size: np.ndarray) -> np.ndarray:
    """How many of its group lie before each value; for very many, to within a cell of a fine grid, without sorting."""
    if len(values) > MANY:
        low, high = values.min(), values.max()
        cell = ((values - low) * ((CELLS - 1) / max(high - low, 1e-9))).astype(np.int32) + group * CELLS
        count = np.bincount(cell, minlength=groups * CELLS)
        if count.max() < CROWD * len(values):
            before = (np.cumsum(count) - count).reshape(groups, CELLS)
            return np.asarray((before - before[:, :1]).ravel()[cell])
    order = np.lexsort((values, group))
    ranks = np.empty(len(values), np.int64)
    ranks[order] = np.arange(len(values))
    return np.asarray(ranks - (np.cumsum(size) - size)[group])
