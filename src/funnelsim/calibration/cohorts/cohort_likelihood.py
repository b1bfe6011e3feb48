"""Shares and times from counts: so many of a cohort entered a stage, so many had reached the next by then.

Nobody is followed: a cohort of E who entered a stage in the periods j with parts q_j shows x_i of them going on in
cell i, from the end of period `low` to the end of period `high` of the cohort, K being the last one that is over:

    P_i = sum_j q_j [A(high - j) - A(low - j)],   S = sum_j q_j A(K - j)
    ln L = sum_i x_i ln(pi P_i) + (E - sum_i x_i) ln(1 - pi S)

A(m) is the chance to have gone on within m periods of length w: F(m w) where each lead is counted from its own entry,
and the mean of F over an even entry, A(m) = integral of F(y w) for y from m - 1 to m, where all are counted by the
calendar. One cell from 0 to K is all that totals tell: current status data (Sun 2006). The grouped likelihood is that
of interval-censored times (Turnbull 1976) with a share that never moves.

Cohorts differ more than by chance: the likelihood is divided by Pearson's dispersion (McCullagh and Nelder 1989).
Times can be told from counts only where shares still rise with age; `fit_cohort_step` says when they do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from funnelsim.calibration.survival.competing_risks import PRIOR, SojournLaw
from funnelsim.calibration.survival.model_averaging import SMALLEST_WEIGHT, ModelAverage
from funnelsim.calibration.survival.optimiser import covariance, minimise
from funnelsim.calibration.survival.time_distributions import FAMILIES, cdf, log_time
from funnelsim.typing import FloatArray

TELLS = 9.21  # chi-square of two degrees of freedom at 1 %: the gain from which on times can be told
NARROW = -4.0  # log spread of a time that is said to be fixed
NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)
LOW, HIGH = (-12.0, -10.0, -6.0), (12.0, 30.0, 4.0)  # of the log-odds, mu and s
STARTS = (0.1, 0.5, 2.0)  # periods: where the search for a median begins
MEASURED, SAID, UNTOLD = "measured", "said", "not told"


@dataclass(frozen=True)
class CohortStep:
    """What counts say of one stage and the next; periods count from the beginning of each cohort."""

    stage: str
    next: str
    width: float  # of a period, seconds
    entered: FloatArray  # by cohort
    ends: FloatArray  # by cohort: periods that are over, at the last count
    group: np.ndarray  # by cohort: its source
    groups: int
    entries: tuple[FloatArray, ...]  # by cohort: parts that entered in period 0, 1, ...
    cohort: np.ndarray  # by cell; likewise below
    low: FloatArray
    high: FloatArray
    count: FloatArray
    per_lead_clock: bool  # are leads counted from their own entry?
    takes: float | None = None  # seconds, when it is known how long it takes


@dataclass(frozen=True)
class CohortFit:
    """A step, fitted."""

    fit: ModelAverage  # group 0 .. groups - 1
    timing: str  # MEASURED, SAID or UNTOLD
    dispersion: float  # Pearson's; 1: cohorts differ by chance only


def fit_cohort_step(step: CohortStep) -> CohortFit:
    """Shares by group and, where the counts tell it, the law of the time."""
    if step.takes is not None:
        law, dispersion = _shares_only(step, _CellMasses(step, _step_at(step.takes / step.width)), step.takes)
        return CohortFit(_averaged(step, [law]), SAID, dispersion)
    at_once, dispersion = _shares_only(step, _CellMasses(step, None), step.width / 2)
    laws = [_with_family(step, family) for family in FAMILIES]
    best = max(laws, key=lambda law: law.log_likelihood)
    family, mu, s = best.times(0)
    dispersion = min(dispersion, _dispersion(step, _CellMasses(step, _law(step, family, mu, s)), best.shares()[:, 0]))
    if 2 * (best.log_likelihood - _likelihood_at_once(step)) / dispersion < TELLS:
        return CohortFit(_averaged(step, [at_once]), UNTOLD, dispersion)
    return CohortFit(_averaged(step, [_widened(law, dispersion) for law in laws]), MEASURED, dispersion)


def onward(step: CohortStep, fit: ModelAverage, timing: str) -> tuple[FloatArray, ...]:
    """By cohort: parts of those who went on that did so in period 0, 1, ...: the entries of the next step."""
    if timing == UNTOLD:
        return tuple(np.ones(1) for _ in step.entries)
    if timing == SAID:
        assert step.takes is not None
        gone = _step_at(step.takes / step.width)
    else:
        gone = _mixed(step, fit)
    flows = []
    for parts, end in zip(step.entries, step.ends, strict=True):
        last = max(int(np.ceil(end)), 1)
        edges = np.minimum(np.arange(last + 1.0), max(end, 1.0))
        by_edge = sum(part * gone(edges - j) for j, part in enumerate(parts) if part > 0)
        flow = np.maximum(np.diff(by_edge), 0.0)
        flows.append(flow / flow.sum() if flow.sum() > 0 else np.ones(1))
    return tuple(flows)


class _CellMasses:
    """P of every cell and S of every cohort, as linear maps of A at a few distinct ages."""

    def __init__(self, step: CohortStep, gone: _GoneByAge | None) -> None:
        """`gone` None: everybody who goes on has done so at once."""
        self.step = step
        ages = {0.0}
        for c, parts in enumerate(step.entries):
            cells = step.cohort == c
            edges = np.unique(np.concatenate([[step.ends[c]], step.low[cells], step.high[cells]]))
            ages.update(np.maximum(edges[:, None] - np.flatnonzero(parts), 0.0).ravel().tolist())
        self.ages = np.array(sorted(ages))
        place = {age: i for i, age in enumerate(self.ages.tolist())}
        self.cell = np.zeros((len(step.count), len(place)))
        self.whole = np.zeros((len(step.entered), len(place)))
        for c, parts in enumerate(step.entries):
            for j in np.flatnonzero(parts):
                self.whole[c, place[max(step.ends[c] - j, 0.0)]] += parts[j]
        for i, c in enumerate(step.cohort.tolist()):
            for j in np.flatnonzero(step.entries[c]):
                self.cell[i, place[max(step.high[i] - j, 0.0)]] += step.entries[c][j]
                self.cell[i, place[max(step.low[i] - j, 0.0)]] -= step.entries[c][j]
        self.gone = (self.ages > 0).astype(float) if gone is None else gone(self.ages)

    def at(self, gone: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
        """(P, S) at values of A; by default those it was made with."""
        values = self.gone if gone is None else gone
        return self.cell @ values, self.whole @ values


def _shares_only(step: CohortStep, reached: _CellMasses, seconds: float) -> tuple[SojournLaw, float]:
    """Shares by group where the times are known: no cell is told by its time, so counts are binomial."""
    _, still = reached.at()
    went = np.bincount(step.cohort, step.count, len(step.entered))
    logits, variance = np.zeros(step.groups), np.zeros(step.groups)
    value = 0.0
    for g in range(step.groups):
        mine = (step.group == g) & (still > 1e-9)
        cost = partial(_binomial, went=went[mine], entered=step.entered[mine], still=still[mine])
        logit, lost = minimise(cost, np.zeros(1), np.array(LOW[:1]), np.array(HIGH[:1]))
        logits[g], value, variance[g] = logit[0], value - lost, covariance(cost, logit)[0, 0]
    shares = 1.0 / (1.0 + np.exp(-logits))
    dispersion = _dispersion(step, reached, shares)
    spread = np.zeros((step.groups + 2, step.groups + 2))
    np.fill_diagonal(spread[: step.groups, : step.groups], dispersion * variance)
    vector = np.append(logits, [np.log(seconds), NARROW])
    return SojournLaw(("lognormal",), (0,), step.groups, vector, spread, value / dispersion), dispersion


def _binomial(x: FloatArray, went: FloatArray, entered: FloatArray, still: FloatArray) -> tuple[float, FloatArray]:
    """Minus the log-likelihood of one share, Jeffreys' prior added, and its slope by the log-odds."""
    share = 1.0 / (1.0 + np.exp(-x[0]))
    stays = np.maximum(1.0 - share * still, 1e-300)
    value = (went.sum() + PRIOR) * np.log(share) + PRIOR * np.log1p(-share) + ((entered - went) * np.log(stays)).sum()
    slope = (went.sum() + PRIOR) / share - PRIOR / (1.0 - share) - ((entered - went) * still / stays).sum()
    return -float(value), np.array([-slope * share * (1.0 - share)])


def _likelihood_at_once(step: CohortStep) -> float:
    """The log-likelihood, were all who go on gone at once: what times must beat to be told."""
    law, dispersion = _shares_only(step, _CellMasses(step, None), step.width / 2)
    if (step.high - step.low < step.ends[step.cohort]).any():
        return -np.inf  # cells by age show the times themselves
    return law.log_likelihood * dispersion


def _with_family(step: CohortStep, family: str) -> SojournLaw:
    """Shares by group and one law of the time, by maximum likelihood."""
    reached = _CellMasses(step, None)
    low, high = (np.append(np.full(step.groups, side[0]), side[1:]) for side in (LOW, HIGH))
    went = np.bincount(step.group[step.cohort], step.count, step.groups)
    entered = np.bincount(step.group, step.entered, step.groups)
    seen = np.clip(1.1 * went / np.maximum(entered, 1.0), 1e-4, 0.95)
    cost = partial(_cost, step=step, reached=reached, family=family)
    logits = np.log(seen / (1.0 - seen))
    starts = [np.append(logits, [np.log(start * step.width), 0.0]) for start in STARTS]
    vector, lost = min((minimise(cost, start, low, high) for start in starts), key=lambda optimum: optimum[1])
    return SojournLaw((family,), (0,), step.groups, vector, covariance(cost, vector), -lost)


def _cost(x: FloatArray, step: CohortStep, reached: _CellMasses, family: str) -> tuple[float, FloatArray]:
    """Minus the formula of the module's head, Jeffreys' prior added, with its gradient."""
    share = 1.0 / (1.0 + np.exp(-x[: step.groups]))
    gone, slopes = _share_gone(step, family, float(x[-2]), float(x[-1]), reached.ages)
    cell, whole = (np.maximum(part, 1e-300) for part in reached.at(gone))
    mine = share[step.group]
    left = step.entered - np.bincount(step.cohort, step.count, len(step.entered))
    still = np.maximum(1.0 - mine * whole, 1e-300)
    went = np.bincount(step.group[step.cohort], step.count, step.groups) + PRIOR
    value = float(
        went @ np.log(share) + PRIOR * np.log1p(-share).sum() + step.count @ np.log(cell) + left @ np.log(still)
    )
    by_share = went / share - PRIOR / (1.0 - share) - np.bincount(step.group, left * whole / still, step.groups)
    by_gone = reached.cell.T @ (step.count / cell) - reached.whole.T @ (left * mine / still)
    return -value, -np.append(by_share * share * (1.0 - share), slopes @ by_gone)


def _share_gone(step: CohortStep, family: str, mu: float, s: float, ages: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A at these ages, with its slopes by mu and s."""
    if step.per_lead_clock:
        value, slopes = cdf(family, mu, s, log_time(ages * step.width))
        return np.where(ages > 0, value, 0.0), np.where(ages > 0, slopes, 0.0)
    low = np.maximum(ages - 1.0, 0.0)
    half = (ages - low) / 2
    at = (low + half)[:, None] + half[:, None] * NODES
    value, slopes = cdf(family, mu, s, log_time(at * step.width))
    return half * (value @ WEIGHTS), np.asarray(half * (slopes @ WEIGHTS))


class _GoneByAge:
    """A as a function of the age in periods."""

    def __init__(
        self, step: CohortStep | None, laws: list[tuple[float, str, float, float]], takes: float = 0.0
    ) -> None:
        self.step, self.laws, self.takes = step, laws, takes

    def __call__(self, ages: FloatArray) -> FloatArray:
        ages = np.maximum(ages, 0.0)
        if self.step is None:
            return np.asarray(np.clip(ages - self.takes, 0.0, 1.0))
        return np.asarray(sum(w * _share_gone(self.step, family, mu, s, ages)[0] for w, family, mu, s in self.laws))


def _step_at(periods: float) -> _GoneByAge:
    """All who go on do so after this many periods; they enter evenly within theirs."""
    return _GoneByAge(None, [], periods)


def _law(step: CohortStep, family: str, mu: float, s: float) -> _GoneByAge:
    return _GoneByAge(step, [(1.0, family, mu, s)])


def _mixed(step: CohortStep, fit: ModelAverage) -> _GoneByAge:
    return _GoneByAge(step, fit.times(0))


def _dispersion(step: CohortStep, reached: _CellMasses, shares: FloatArray) -> float:
    """Pearson's chi-square over its degrees of freedom, by cohort; 1 where it is less, or cannot be told."""
    _, still = reached.at()
    chance = shares[step.group] * still
    went = np.bincount(step.cohort, step.count, len(step.entered))
    spread = step.entered * chance * (1.0 - chance)
    used = spread > 0.5
    freedom = int(used.sum()) - step.groups
    if freedom < 3:
        return 1.0
    return max(float(((went - step.entered * chance)[used] ** 2 / spread[used]).sum() / freedom), 1.0)


def _widened(law: SojournLaw, dispersion: float) -> SojournLaw:
    return SojournLaw(
        law.families, law.law_of, law.groups, law.vector, law.covariance * dispersion, law.log_likelihood / dispersion
    )


def _averaged(step: CohortStep, laws: list[SojournLaw]) -> ModelAverage:
    laws = sorted(laws, key=lambda law: law.aic)
    weights = np.exp(-0.5 * (np.array([law.aic for law in laws]) - laws[0].aic))
    kept = weights / weights.sum() >= SMALLEST_WEIGHT
    laws = [law for law, keep in zip(laws, kept, strict=True) if keep]
    weights = weights[kept] / weights[kept].sum()
    went = np.bincount(step.group[step.cohort], step.count, step.groups)
    visits = np.bincount(step.group, step.entered, step.groups)
    family, mu, s = laws[0].times(0)
    reached = _CellMasses(step, _law(step, family, mu, s))
    seen = float(np.average(np.clip(reached.at()[1], 0.0, 1.0), weights=np.maximum(step.entered, 1e-9)))
    counts = went.astype(int)[:, None]
    return ModelAverage((step.next,), tuple(laws), weights, counts, visits.astype(int), np.array([seen]))
