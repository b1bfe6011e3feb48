"""How good the sources are, and how far leads come when sources differ.

    log-odds to go on, of source g in stage s = a_s + f_g

A scenario gives each source one `fit`, which acts in every stage; f is estimated from the shares by source and stage,
weighted by their precision, and centred on the arriving leads. Stage averages must not simply be multiplied: later
stages hold more of the better sources, and the product promises too much (in the sample history almost twice).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from funnelsim.calibration.families import Array
from funnelsim.calibration.history import LOST
from funnelsim.calibration.records import Records
from funnelsim.calibration.stages import StageFit

DRAWS = 1000
NEWTON_STEPS = 12


@dataclass(frozen=True)
class Fits:
    """Log-odds of the sources above the average arriving lead."""

    names: tuple[str, ...]
    value: Array
    covariance: Array
    spread: Array  # chi-square a stage: how far stages disagree about a source

    def of(self, name: str) -> tuple[float, float] | None:
        """(fit, standard error) of a source, None when too little was seen of it."""
        if name not in self.names:
            return None
        i = self.names.index(name)
        return float(self.value[i]), float(np.sqrt(self.covariance[i, i]))


def source_fits(records: Records, stages: list[StageFit]) -> Fits:
    """f by weighted least squares over the shares by source and stage."""
    cells = [(s, name, share) for s, stage in enumerate(stages) for name, share in stage.sources.items()]
    names = tuple(name for name in records.sources if any(name == cell[1] for cell in cells))
    if not names:
        return Fits((), np.empty(0), np.empty((0, 0)), np.empty(0))
    design = np.zeros((len(cells) + 1, len(stages) + len(names)))
    y, weight = np.zeros(len(cells) + 1), np.ones(len(cells) + 1)
    for row, (s, name, share) in enumerate(cells):
        design[row, s] = design[row, len(stages) + names.index(name)] = 1.0
        y[row], weight[row] = _logit(np.array(share.value)), max(share.se, 1e-3) ** -2
    # The centre: arriving leads have fit 0 on average. As heavy as a constraint need be.
    arrived = np.bincount(records.source[records.visits.lead[records.visits.first]], minlength=len(records.sources))
    part = np.array([arrived[records.sources.index(name)] for name in names], float)
    design[-1, len(stages) :], weight[-1] = part / part.sum(), 1e8
    covariance = np.linalg.pinv(design.T @ (weight[:, None] * design))
    found = covariance @ design.T @ (weight * y)
    left = (y - design @ found)[:-1] ** 2 * weight[:-1]
    own = [[k for k, cell in enumerate(cells) if cell[1] == name] for name in names]
    spread = np.array([left[k].sum() / max(len(k) - 1, 1) if len(k) > 1 else 0.0 for k in own])
    return Fits(names, found[len(stages) :], np.asarray(covariance[len(stages) :, len(stages) :]), spread)


def ever(records: Records, stages: list[StageFit], fits: Fits, start: int, end: int) -> Array:
    """By parameter draw: share of the visits to one stage whose lead ever enters another, loops back counted."""
    rng = np.random.default_rng(0)
    fit = np.zeros((DRAWS, len(records.sources)))
    if fits.names:
        values, axes = np.linalg.eigh(fits.covariance)
        drawn = fits.value + (rng.standard_normal((DRAWS, len(values))) * np.sqrt(np.maximum(values, 0.0))) @ axes.T
        fit[:, [records.sources.index(name) for name in fits.names]] = drawn
    size = np.zeros((len(records.stages), len(records.sources)))
    np.add.at(size, (records.visits.stage, records.source[records.visits.lead]), 1.0)
    step = np.zeros((DRAWS, len(records.sources), len(records.stages), len(records.stages)))
    for number, stage in enumerate(stages):
        i = records.stages.index(stage.name)
        if i != end:
            for target, share in _by_source(stage, fit, size[i], number).items():
                if target != LOST:
                    step[:, :, i, records.stages.index(target)] += share
    goal = np.zeros((len(records.stages), 1))
    goal[end] = 1.0
    reach = np.linalg.solve(np.eye(len(records.stages)) - step, np.broadcast_to(goal, (*step.shape[:3], 1)))
    return np.asarray(reach[:, :, start, 0] @ (size[start] / size[start].sum()))


def _by_source(stage: StageFit, fit: Array, size: Array, seed: int) -> dict[str, Array]:
    """Shares of the targets by (draw, source): forward ones shifted together, the others in proportion (rule 67)."""
    drawn = stage.fit.draws(DRAWS, seed + 1)[:, -1]
    drawn = np.random.default_rng(seed).permutation(drawn)  # the draws come sorted by choice of families
    forward = drawn[:, list(stage.forward)].sum(1)
    on = _spread_over(forward, fit, size / size.sum())
    found: dict[str, Array] = {}
    for j, target in enumerate(stage.targets):
        whole, mine = (forward, on) if j in stage.forward else (1.0 - forward, 1.0 - on)
        part = (drawn[:, j] / np.maximum(whole, 1e-12))[:, None] * mine
        found[target] = found.get(target, 0.0) + part
    return found


def _spread_over(mean: Array, fit: Array, weight: Array) -> Array:
    """Shares by source with these differences in log-odds and this mean: Newton's method for the level."""
    mean = np.clip(mean, 1e-9, 1 - 1e-9)
    level = _logit(mean)
    for _ in range(NEWTON_STEPS):
        share = 1.0 / (1.0 + np.exp(-(level[:, None] + fit)))
        level = level - (share @ weight - mean) / np.maximum((share * (1.0 - share)) @ weight, 1e-12)
    return np.asarray(1.0 / (1.0 + np.exp(-(level[:, None] + fit))))


def _logit(share: Array) -> Array:
    return np.asarray(np.log(share / (1.0 - share)))
