"""How good the sources and the segments are, told apart: leads of a good source may just be of a good segment.

    log-odds to go on, of source f and segment g in stage s = a_s + f + g,     f ~ N(0, tau_f^2),  g ~ N(0, tau_g^2)

as a scenario adds them up. The visits of a stage are counted by source and segment; such cells are small, and what a
small cell says by itself is biased and weighs too much when it happens to say much. So each cell is taken at what the
model expects of it: the likelihood of `conditional_share`, of those still open too, is replaced by the normal one that
has its slope and curvature there (working values, as in penalised quasi-likelihood: Breslow and Clayton, J. Am. Stat.
Assoc. 88, 1993), and the linear mixed model of `partial_pooling` is solved anew until nothing moves. Half a lead is
added to both sides for each segment and stage (Jeffreys' prior, as elsewhere). Both tau are averaged over, each with a
flat prior.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from funnelsim.calibration.events.visit_history import VisitHistory
from funnelsim.calibration.pooling.partial_pooling import (
    FEWEST,
    GRID,
    UNBOUND,
    GroupEffects,
    PooledEffects,
    PosteriorGivenTau,
    mixture_moments,
    posterior,
)
from funnelsim.calibration.pooling.source_effects import NO_FITS, GroupFits
from funnelsim.calibration.survival.competing_risks import PRIOR
from funnelsim.calibration.survival.conditional_share import FURTHEST, open_masses
from funnelsim.calibration.survival.stage_fit import StageFit
from funnelsim.typing import FloatArray

SPREADS = GRID[::2]  # of each of the two sets: fewer, as there is a product of them
TURNS, STILL = 25, 1e-6  # working values: most turns, log-odds that count as no move
STEP = 1e-3  # log-odds, of the numerical curvature
LEAST = 1e-6  # information of a cell in which all is open


class CellVisits(NamedTuple):
    """Visits of the last period to all stages whose lead is of a source and a segment of which enough is known."""

    cell: np.ndarray  # of one stage, source and segment
    went: np.ndarray
    other: np.ndarray  # left otherwise; the rest is open
    on: FloatArray  # see `open_masses`
    off: FloatArray
    on_late: FloatArray
    off_late: FloatArray


class TwoWayCells(NamedTuple):
    """Stage, source and segment of each cell, and its part of the visits that its segment made to the stage."""

    stage: np.ndarray
    source: np.ndarray
    segment: np.ndarray
    visit_share: FloatArray


def two_way_fits(records: VisitHistory, stages: list[StageFit]) -> tuple[GroupFits, GroupFits]:
    """Of the sources and of the segments; without any where fewer than two are known."""
    leading = [stage for stage in stages if stage.forward]
    sources = tuple(n for n in records.sources if any(n in s.sources for s in leading)) or records.sources
    segments = tuple(n for n in records.segments if any(n in s.segments for s in leading))
    if len(segments) < 2:
        return NO_FITS, NO_FITS
    cells, visits = _cells(records, leading, sources, segments)
    parts = [_arrival_shares(records, records.sources, records.source, sources)]
    parts.append(_arrival_shares(records, records.segments, records.segment, segments))
    groups = (cells.source, cells.segment)
    level, sets = np.zeros(len(cells.stage)), [np.zeros(len(part)) for part in parts]
    for _ in range(TURNS):
        before = np.clip(level + sets[0][groups[0]] + sets[1][groups[1]], -FURTHEST, FURTHEST)
        y, variance = working(cells, visits, before)
        pooled = pool_sets(y, variance, cells.stage, groups, parts)
        sets = [one.value for one in pooled]
        level = _levels(y - sets[0][groups[0]] - sets[1][groups[1]], variance, cells.stage)
        if np.abs(level + sets[0][groups[0]] + sets[1][groups[1]] - before).max() < STILL:
            break
    spread = _disagreement(y, variance, cells, parts)
    fits = [
        GroupFits(names, one.value, one.covariance, apart, one.reliability, one.tau)
        for names, one, apart in zip((sources, segments), pooled, spread, strict=True)
    ]
    return fits[0] if len(sources) > 1 else NO_FITS, fits[1]


def pool_sets(
    y: FloatArray, variance: FloatArray, stage: np.ndarray, groups: tuple[np.ndarray, ...], parts: list[FloatArray]
) -> list[PooledEffects]:
    """Effects of several sets of groups, averaged over how much the groups of each differ."""
    stages = int(stage.max()) + 1

    def at(taus: tuple[float, ...]) -> list[PosteriorGivenTau]:
        sets = [GroupEffects(group, part, tau) for group, part, tau in zip(groups, parts, taus, strict=True)]
        return posterior(y, variance, stage, stages, sets)

    grids = [SPREADS if len(part) >= FEWEST else np.array([UNBOUND]) for part in parts]
    steps = [np.gradient(grid) if len(grid) > 1 else np.ones(1) for grid in grids]  # the priors are flat in tau
    taus = np.array(list(product(*grids)))
    by_tau = [at(tuple(row)) for row in taus.tolist()]
    log = np.array([one[0].evidence for one in by_tau])
    weight = np.exp(log - log.max()) * np.prod(np.array(list(product(*steps))), axis=1)
    weight /= weight.sum()
    alone = at((UNBOUND,) * len(parts))
    pooled = []
    for k, part in enumerate(parts):
        value, covariance = mixture_moments([one[k] for one in by_tau], weight)
        if len(part) < FEWEST:
            pooled.append(PooledEffects(value, covariance, np.ones(len(part)), np.inf))
            continue
        own = weight @ (taus[:, k, None] ** 2 / (taus[:, k, None] ** 2 + np.diag(alone[k].covariance)))
        pooled.append(PooledEffects(value, covariance, np.asarray(own), float(weight @ taus[:, k])))
    return pooled


def working(cells: TwoWayCells, visits: CellVisits, logit: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Values and variances by cell that have the likelihood's slope and curvature at these log-odds."""
    slope = _slope(cells, visits, logit)
    bend = (_slope(cells, visits, logit - STEP) - _slope(cells, visits, logit + STEP)) / (2.0 * STEP)
    information = np.maximum(bend, LEAST)
    return logit + slope / information, 1.0 / information


def _slope(cells: TwoWayCells, visits: CellVisits, logit: FloatArray) -> FloatArray:
    """Of the log-likelihood at the head of `conditional_share`, by cell, along the log-odds to go on."""
    share = 1.0 / (1.0 + np.exp(-logit))
    p = share[visits.cell]
    still = ~(visits.went | visits.other)
    left = np.maximum(1.0 - p * visits.on - (1.0 - p) * visits.off, 1e-300)
    late = np.maximum(1.0 - p * visits.on_late - (1.0 - p) * visits.off_late, 1e-300)
    open_ = np.where(still, (visits.off - visits.on) / left, 0.0) - (visits.off_late - visits.on_late) / late
    each = visits.went * (1.0 - p) - visits.other * p + open_ * p * (1.0 - p)
    return np.asarray(np.bincount(visits.cell, each, len(share)) + PRIOR * cells.visit_share * (1.0 - 2.0 * share))


def _cells(
    records: VisitHistory, stages: list[StageFit], sources: tuple[str, ...], segments: tuple[str, ...]
) -> tuple[TwoWayCells, CellVisits]:
    """Whose lead is of a source or segment of which too little is known is left out."""
    source = _indices(records.sources, sources)[records.source]
    segment = _indices(records.segments, segments)[records.segment]
    keys, parts = [], []
    for number, stage in enumerate(stages):
        mine = stage.current & (source[stage.lead] >= 0) & (segment[stage.lead] >= 0)
        lead, outcome = stage.lead[mine], stage.spells.outcome[mine]
        went = np.isin(outcome, [j + 1 for j in stage.forward])
        keys.append(np.stack([np.full(len(lead), number), source[lead], segment[lead]]))
        parts.append((went, (outcome > 0) & ~went, *open_masses(stage.spells, mine, stage.fit, stage.forward)))
    key, cell, size = np.unique(np.concatenate(keys, axis=1), axis=1, return_inverse=True, return_counts=True)
    _, of = np.unique(key[[0, 2]], axis=1, return_inverse=True)
    used = np.unique(key[0], return_inverse=True)[1]
    cells = TwoWayCells(used, key[1], key[2], size / np.bincount(of, size)[of])
    return cells, CellVisits(cell, *(np.concatenate(column) for column in zip(*parts, strict=True)))


def _indices(names: tuple[str, ...], known: tuple[str, ...]) -> np.ndarray:
    """By name: its place among those told, -1 for the others."""
    return np.array([known.index(name) if name in known else -1 for name in names])


def _arrival_shares(
    records: VisitHistory, names: tuple[str, ...], group: np.ndarray, known: tuple[str, ...]
) -> FloatArray:
    """Shares of the arriving leads."""
    arrived = np.bincount(group[records.visits.lead[records.visits.first]], minlength=len(names))
    return np.asarray(np.maximum([float(arrived[names.index(name)]) for name in known], 1e-9))


def _levels(rest: FloatArray, variance: FloatArray, stage: np.ndarray) -> FloatArray:
    """By cell, the level of its stage: the mean of what the groups leave."""
    level = np.bincount(stage, rest / variance) / np.bincount(stage, 1.0 / variance)
    return np.asarray(level[stage])


def _disagreement(y: FloatArray, variance: FloatArray, cells: TwoWayCells, parts: list[FloatArray]) -> list[FloatArray]:
    """Chi-square a stage by group of each set, about the groups' own figures, not pooled."""
    groups, stages = (cells.source, cells.segment), int(cells.stage.max()) + 1
    sets = [GroupEffects(group, part, UNBOUND) for group, part in zip(groups, parts, strict=True)]
    alone = posterior(y, variance, cells.stage, stages, sets)
    rest = y - alone[0].value[cells.source] - alone[1].value[cells.segment]
    rest = rest - _levels(rest, variance, cells.stage)
    spreads = []
    for group, part in zip(groups, parts, strict=True):
        shape = (stages, len(part))
        weight, off = np.zeros(shape), np.zeros(shape)
        np.add.at(weight, (cells.stage, group), 1.0 / variance)
        np.add.at(off, (cells.stage, group), rest / variance)
        seen = (weight > 0).sum(0)
        chi = np.where(weight > 0, off**2 / np.maximum(weight, 1e-300), 0.0).sum(0)
        spreads.append(np.where(seen > 1, chi / np.maximum(seen - 1, 1), 0.0))
    return spreads
