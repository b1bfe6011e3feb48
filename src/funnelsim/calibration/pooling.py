"""Sources of which little is known, drawn towards the others: partial pooling of log-odds.

    y_c = a_stage(c) + f_source(c) + error of variance v_c,     f_g ~ N(0, tau^2)

y are the log-odds to go on by stage and source. Given tau, f is the posterior mean of a linear mixed model: of one
stage, with the level known, tau^2 / (tau^2 + v) of what the source itself says. tau is not known either: f is averaged
over its restricted likelihood times a flat prior on tau (Gelman 2006), so that intervals allow for it. With fewer than
three sources the data do not say how much sources differ, and nothing is pooled.

Sources: Morris 1983, Parametric empirical Bayes inference; Gelman 2006, Prior distributions for variance parameters.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from funnelsim.calibration.families import Array

FEWEST = 3  # sources; fewer do not say how much they differ
UNBOUND = 30.0  # tau that pools nothing
GRID = np.concatenate([[1e-3], np.exp(np.linspace(np.log(0.02), np.log(4.0), 30))])


class Pooled(NamedTuple):
    """Log-odds of the sources above the average arriving lead."""

    value: Array
    covariance: Array
    own: Array  # by source: how much of its figure is its own, 0 (all the others') to 1
    tau: float  # how much sources differ, mean; inf: not pooled


class Cells(NamedTuple):
    """Log-odds with their variances, by stage and source."""

    y: Array
    variance: Array
    stage: np.ndarray
    source: np.ndarray


def pool(cells: Cells, part: Array) -> Pooled:
    """f by source. `part`: shares of the arriving leads, over which f averages 0."""
    stages, sources = int(cells.stage.max()) + 1, len(part)
    alone = given(cells, stages, part, UNBOUND)
    if sources < FEWEST:
        return Pooled(alone.value, alone.covariance, np.ones(sources), np.inf)
    found = [given(cells, stages, part, float(tau)) for tau in GRID]
    steps = np.gradient(GRID)  # the prior is flat in tau, the grid is not
    log = np.array([one.evidence for one in found])
    weight = np.exp(log - log.max()) * steps
    weight /= weight.sum()
    value = np.asarray(sum(w * one.value for w, one in zip(weight, found, strict=True)))
    covariance = sum(
        w * (one.covariance + np.outer(one.value - value, one.value - value))
        for w, one in zip(weight, found, strict=True)
    )
    noise = np.diag(alone.covariance)
    own = np.asarray(sum(w * tau**2 / (tau**2 + noise) for w, tau in zip(weight, GRID, strict=True)))
    return Pooled(value, np.asarray(covariance), own, float(weight @ GRID))


class Given(NamedTuple):
    """The same at one tau."""

    value: Array
    covariance: Array
    evidence: float  # restricted log-likelihood of tau


def given(cells: Cells, stages: int, part: Array, tau: float) -> Given:
    """Posterior of f at a known spread of the sources, levels of the stages unknown."""
    sources, rows = len(part), np.arange(len(cells.y))
    design = np.zeros((len(cells.y), stages + sources))
    design[rows, cells.stage] = design[rows, stages + cells.source] = 1.0
    precision = (design.T / cells.variance) @ design
    precision[stages:, stages:] += np.eye(sources) / tau**2
    right = design.T @ (cells.y / cells.variance)
    # Restricted likelihood: levels and sources integrated out.
    mean = np.linalg.solve(precision, right)
    _, size = np.linalg.slogdet(precision)
    left = float(cells.y @ (cells.y / cells.variance) - right @ mean)
    evidence = -0.5 * (size + left) - sources * np.log(tau)
    # The levels take up what is common to the sources: f is told against the average arriving lead.
    centred = np.eye(sources) - np.outer(np.ones(sources), part / part.sum())
    covariance = np.linalg.inv(precision)[stages:, stages:]
    return Given(centred @ mean[stages:], centred @ covariance @ centred.T, evidence)
