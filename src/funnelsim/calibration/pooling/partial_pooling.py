"""Sources of which little is known, drawn towards the others: partial pooling of log-odds.

    y_c = a_stage(c) + f_source(c) + error of variance v_c,     f_g ~ N(0, tau^2)

y are the log-odds to go on by stage and source. Given tau, f is the posterior mean of a linear mixed model: of one
stage, with the level known, tau^2 / (tau^2 + v) of what the source itself says. tau is not known either: f is averaged
over its restricted likelihood times a flat prior on tau (Gelman 2006), so that intervals allow for it. With fewer than
three sources the data do not say how much sources differ, and nothing is pooled.

Sources: Morris 1983, Parametric empirical Bayes inference; Gelman 2006, Prior distributions for variance parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from funnelsim.typing import FloatArray

FEWEST = 3  # sources; fewer do not say how much they differ
UNBOUND = 30.0  # tau that pools nothing
GRID = np.concatenate([[1e-3], np.exp(np.linspace(np.log(0.02), np.log(4.0), 30))])


class PooledEffects(NamedTuple):
    """Log-odds of the sources above the average arriving lead."""

    value: FloatArray
    covariance: FloatArray
    reliability: FloatArray  # by source: how much of its figure is its own, 0 (all the others') to 1
    tau: float  # how much sources differ, mean; inf: not pooled


class LogOddsCells(NamedTuple):
    """Log-odds with their variances, by stage and source."""

    y: FloatArray
    variance: FloatArray
    stage: np.ndarray
    source: np.ndarray


def pool(cells: LogOddsCells, part: FloatArray) -> PooledEffects:
    """f by source. `part`: shares of the arriving leads, over which f averages 0."""
    stages, sources = int(cells.stage.max()) + 1, len(part)
    alone = posterior_given_tau(cells, stages, part, UNBOUND)
    if sources < FEWEST:
        return PooledEffects(alone.value, alone.covariance, np.ones(sources), np.inf)
    by_tau = [posterior_given_tau(cells, stages, part, float(tau)) for tau in GRID]
    steps = np.gradient(GRID)  # the prior is flat in tau, the grid is not
    log = np.array([one.evidence for one in by_tau])
    weight = np.exp(log - log.max()) * steps
    weight /= weight.sum()
    value, covariance = mixture_moments(by_tau, weight)
    noise = np.diag(alone.covariance)
    own = np.asarray(sum(w * tau**2 / (tau**2 + noise) for w, tau in zip(weight, GRID, strict=True)))
    return PooledEffects(value, covariance, own, float(weight @ GRID))


class PosteriorGivenTau(NamedTuple):
    """The same at one tau."""

    value: FloatArray
    covariance: FloatArray
    evidence: float  # restricted log-likelihood of tau


def posterior_given_tau(cells: LogOddsCells, stages: int, part: FloatArray, tau: float) -> PosteriorGivenTau:
    """Posterior of f at a known spread of the sources, levels of the stages unknown."""
    return posterior(cells.y, cells.variance, cells.stage, stages, (GroupEffects(cells.source, part, tau),))[0]


def mixture_moments(parts: Sequence[PosteriorGivenTau], weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and covariance over several spreads with these weights."""
    value = np.asarray(sum(w * one.value for w, one in zip(weight, parts, strict=True)))
    covariance = sum(
        w * (one.covariance + np.outer(one.value - value, one.value - value))
        for w, one in zip(weight, parts, strict=True)
    )
    return value, np.asarray(covariance)


class GroupEffects(NamedTuple):
    """One set of groups: which each cell is of, their shares of the arriving leads, how much they differ."""

    group: np.ndarray
    weights: FloatArray
    tau: float


def posterior(
    y: FloatArray, variance: FloatArray, stage: np.ndarray, stages: int, sets: Sequence[GroupEffects]
) -> list[PosteriorGivenTau]:
    """The groups of each set at known spreads, levels of the stages unknown; the sets' effects add up."""
    first = stages + np.concatenate([[0], np.cumsum([len(one.weights) for one in sets])])
    rows = np.arange(len(y))
    design = np.zeros((len(y), int(first[-1])))
    design[rows, stage] = 1.0
    for begin, one in zip(first, sets, strict=False):
        design[rows, begin + one.group] = 1.0
    precision = (design.T / variance) @ design
    spread = np.concatenate([np.full(len(one.weights), one.tau) for one in sets])
    precision[stages:, stages:] += np.diag(1.0 / spread**2)
    right = design.T @ (y / variance)
    # Restricted likelihood: levels and groups integrated out.
    mean = np.linalg.solve(precision, right)
    _, size = np.linalg.slogdet(precision)
    left = float(y @ (y / variance) - right @ mean)
    evidence = float(-0.5 * (size + left) - np.log(spread).sum())
    covariance = np.linalg.inv(precision)
    posteriors = []
    for begin, one in zip(first, sets, strict=False):
        # The levels take up what is common to the groups: f is told against the average arriving lead.
        centred = np.eye(len(one.weights)) - np.outer(np.ones(len(one.weights)), one.weights / one.weights.sum())
        mine = slice(begin, begin + len(one.weights))
        posteriors.append(
            PosteriorGivenTau(centred @ mean[mine], centred @ covariance[mine, mine] @ centred.T, evidence)
        )
    return posteriors
