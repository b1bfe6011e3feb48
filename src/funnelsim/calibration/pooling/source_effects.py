"""How good the sources are, and how far leads come when sources differ.

    log-odds to go on, of source g in stage s = a_s + f_g

A scenario gives each source one `fit`, which acts in every stage; f is estimated from the shares by source and stage,
weighted by their precision, drawn towards the others as far as little is known of a source (`partial_pooling`), and
centred on the arriving leads. Stage averages must not simply be multiplied: later stages hold more of the better
sources, and the product promises too much (in the sample history almost twice).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from funnelsim.calibration.events.visit_history import VisitHistory
from funnelsim.calibration.history.model import LOST
from funnelsim.calibration.pooling.partial_pooling import UNBOUND, LogOddsCells, pool, posterior_given_tau
from funnelsim.calibration.survival.stage_fit import StageFit
from funnelsim.typing import FloatArray

DRAWS = 1000
NEWTON_STEPS = 12


@dataclass(frozen=True)
class GroupFits:
    """Log-odds of the sources, or of the segments, above the average arriving lead."""

    names: tuple[str, ...]
    value: FloatArray
    covariance: FloatArray
    spread: FloatArray  # chi-square a stage: how far stages disagree about a source
    reliability: FloatArray  # how much of a source's figure is its own, not the others'
    tau: float  # how much sources differ; inf: too few to pool

    def of(self, name: str) -> tuple[float, float] | None:
        """(fit, standard error) of a source, None when too little was seen of it."""
        if name not in self.names:
            return None
        i = self.names.index(name)
        return float(self.value[i]), float(np.sqrt(self.covariance[i, i]))


NO_FITS = GroupFits((), np.empty(0), np.empty((0, 0)), np.empty(0), np.empty(0), np.inf)


def source_fits(records: VisitHistory, stages: list[StageFit]) -> GroupFits:
    """f from the shares by source and stage, partially pooled; of a history without segments, see `two_way_pooling`."""
    cells = [(s, name, share) for s, stage in enumerate(stages) for name, share in stage.sources.items()]
    names = tuple(name for name in records.sources if any(name == cell[1] for cell in cells))
    if len(names) < 2:
        return NO_FITS
    arrived = np.bincount(records.source[records.visits.lead[records.visits.first]], minlength=len(records.sources))
    part = np.array([arrived[records.sources.index(name)] for name in names], float)
    used = sorted({s for s, _, _ in cells})
    cells_ = LogOddsCells(
        _logit(np.clip([share.value for _, _, share in cells], 1e-9, 1 - 1e-9)),
        np.array([max(share.se, 1e-3) ** 2 for _, _, share in cells]),
        np.array([used.index(s) for s, _, _ in cells]),
        np.array([names.index(name) for _, name, _ in cells]),
    )
    pooled = pool(cells_, np.maximum(part, 1e-9))
    return GroupFits(
        names, pooled.value, pooled.covariance, _disagreement(cells_, len(names)), pooled.reliability, pooled.tau
    )


def _disagreement(cells: LogOddsCells, sources: int) -> FloatArray:
    """Chi-square a stage by source, about the sources' own figures, not pooled."""
    alone = posterior_given_tau(cells, int(cells.stage.max()) + 1, np.ones(sources), UNBOUND)
    rest = cells.y - alone.value[cells.source]
    level = np.bincount(cells.stage, rest / cells.variance) / np.bincount(cells.stage, 1.0 / cells.variance)
    left = np.bincount(cells.source, (rest - level[cells.stage]) ** 2 / cells.variance, sources)
    seen = np.bincount(cells.source, minlength=sources)
    return np.where(seen > 1, left / np.maximum(seen - 1, 1), 0.0)


def share_ever_reaching(
    records: VisitHistory, stages: list[StageFit], fits: GroupFits, segments: GroupFits, start: int, end: int
) -> FloatArray:
    """By parameter draw: share of the visits to one stage whose lead ever enters another, loops back counted."""
    rng = np.random.default_rng(0)
    fit, kind = _drawn_fits(rng, fits, records.sources), records.source
    if records.segments:
        pairs, kind = np.unique(np.stack([records.source, records.segment]), axis=1, return_inverse=True)
        fit = fit[:, pairs[0]] + _drawn_fits(rng, segments, records.segments)[:, pairs[1]]
    size = np.zeros((len(records.stages), fit.shape[1]))
    np.add.at(size, (records.visits.stage, kind[records.visits.lead]), 1.0)
    step = np.zeros((DRAWS, fit.shape[1], len(records.stages), len(records.stages)))
    for number, stage in enumerate(stages):
        i = records.stages.index(stage.name)
        if i != end:
            for target, share in _shares_by_kind(stage, fit, size[i], number).items():
                if target != LOST:
                    step[:, :, i, records.stages.index(target)] += share
    goal = np.zeros((len(records.stages), 1))
    goal[end] = 1.0
    reach = np.linalg.solve(np.eye(len(records.stages)) - step, np.broadcast_to(goal, (*step.shape[:3], 1)))
    return np.asarray(reach[:, :, start, 0] @ (size[start] / size[start].sum()))


def _drawn_fits(rng: np.random.Generator, fits: GroupFits, names: tuple[str, ...]) -> FloatArray:
    """(draw, name): log-odds, 0 for names of which too little was seen."""
    fit = np.zeros((DRAWS, len(names)))
    if fits.names:
        values, axes = np.linalg.eigh(fits.covariance)
        drawn = fits.value + (rng.standard_normal((DRAWS, len(values))) * np.sqrt(np.maximum(values, 0.0))) @ axes.T
        fit[:, [names.index(name) for name in fits.names]] = drawn
    return fit


def _shares_by_kind(stage: StageFit, fit: FloatArray, size: FloatArray, seed: int) -> dict[str, FloatArray]:
    """Shares of the targets by (draw, kind of lead): forward ones shifted together, others in proportion (rule 67)."""
    drawn = stage.fit.draws(DRAWS, seed + 1)[:, -1]
    drawn = np.random.default_rng(seed).permutation(drawn)  # the draws come sorted by choice of families
    forward = drawn[:, list(stage.forward)].sum(1)
    on = _shares_around_mean(forward, fit, size / size.sum())
    shares: dict[str, FloatArray] = {}
    for j, target in enumerate(stage.targets):
        group_share, mine = (forward, on) if j in stage.forward else (1.0 - forward, 1.0 - on)
        part = (drawn[:, j] / np.maximum(group_share, 1e-12))[:, None] * mine
        shares[target] = shares.get(target, 0.0) + part
    return shares


def _shares_around_mean(mean: FloatArray, fit: FloatArray, weight: FloatArray) -> FloatArray:
    """Shares by source with these differences in log-odds and this mean: Newton's method for the level."""
    mean = np.clip(mean, 1e-9, 1 - 1e-9)
    level = _logit(mean)
    for _ in range(NEWTON_STEPS):
        share = 1.0 / (1.0 + np.exp(-(level[:, None] + fit)))
        level = level - (share @ weight - mean) / np.maximum((share * (1.0 - share)) @ weight, 1e-12)
    return np.asarray(1.0 / (1.0 + np.exp(-(level[:, None] + fit))))


def _logit(share: FloatArray) -> FloatArray:
    return np.asarray(np.log(share / (1.0 - share)))
