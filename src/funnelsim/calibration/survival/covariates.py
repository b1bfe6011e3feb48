"""What numbers known at arrival, such as a score or an amount, say of a lead's chance to go on.

    log-odds to go on, of lead i of source g in stage s = a_s + f_g + sum over k of b_k (x_ik - mean of x_k in g)

The likelihood of a stage is that of `competing_risks`, lead by lead: gone on ln p_i, gone otherwise ln(1 - p_i), still
open ln(1 - p_i A_i - (1 - p_i) C_i), A_i and C_i being the chances to have gone by now of those who do, from the time
laws of the stage, which do not depend on x (Farewell 1982: logistic in the share, times in common). Each stage gives
its b; a scenario has one `fit` a lead, so that they are averaged by precision, and where stages disagree it is said.
What differs between sources is the sources'; b is told within them.

A scenario takes it as `fit_spread`, the standard deviation of sum b_k x_ik within sources, unless stages disagree: one
`fit` acts alike in all of them, and an average of effects that differ would be wrong everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from funnelsim.calibration.events.visit_history import VisitHistory
from funnelsim.calibration.history.model import HistoryFile
from funnelsim.calibration.report.scenario_text import word_text
from funnelsim.calibration.survival.competing_risks import Spells
from funnelsim.calibration.survival.conditional_share import open_masses
from funnelsim.calibration.survival.model_averaging import ModelAverage
from funnelsim.calibration.survival.optimiser import covariance, minimise
from funnelsim.calibration.survival.stage_fit import StageFit, visits_of
from funnelsim.typing import FloatArray

FEWEST = 30  # forward exits, and as many others: fewer say nothing about a slope
FURTHEST = 12.0
Z95 = 1.959964
DISAGREE = 6.0


@dataclass(frozen=True)
class CovariateSlopes:
    """The effect of covariates on the log-odds to go on."""

    names: tuple[str, ...]
    unit: FloatArray  # standard deviations within sources, of x
    value: FloatArray  # a standard deviation of x
    covariance: FloatArray
    by_stage: dict[str, tuple[FloatArray, FloatArray]]  # (value, standard error) of each stage
    disagreement: float  # chi-square a degree of freedom: how far the stages differ
    spread: float  # standard deviation of a lead's log-odds within its source

    @property
    def alike(self) -> bool:
        """Do the stages agree, so that one `fit` can tell it?"""
        return self.disagreement <= DISAGREE

    @property
    def se(self) -> FloatArray:
        return np.sqrt(np.diag(self.covariance))


def fit_slopes(history: HistoryFile, records: VisitHistory, stages: list[StageFit]) -> CovariateSlopes | None:
    """b by stage and in common; None where there are no covariates, or no stage has seen enough."""
    names = tuple(covariate.name for covariate in history.covariates)
    if not names:
        return None
    x, unit = _within_sources(records)
    slopes: dict[str, tuple[FloatArray, FloatArray]] = {}
    for stage in stages:
        lead = records.visits.lead[visits_of(history, records, records.stages.index(stage.name))]
        outcome = stage.spells.outcome[stage.current]
        went = np.isin(outcome, [j + 1 for j in stage.forward])
        if min(went.sum(), (~went).sum()) >= FEWEST:
            mine = x[lead[stage.current]]
            slopes[stage.name] = slopes_given_times(stage.spells, stage.current, stage.fit, stage.forward, mine)
    if not slopes:
        return None
    precision = {name: np.linalg.inv(cov) for name, (_, cov) in slopes.items()}
    spread = np.linalg.inv(sum(precision.values(), np.zeros((len(names),) * 2)))
    value = spread @ sum((precision[name] @ b for name, (b, _) in slopes.items()), np.zeros(len(names)))
    off = sum(float((b - value) @ precision[name] @ (b - value)) for name, (b, _) in slopes.items())
    freedom = len(names) * (len(slopes) - 1)
    alike = np.corrcoef(x, rowvar=False).reshape(len(names), len(names))
    by_stage = {name: (b, np.sqrt(np.diag(cov))) for name, (b, cov) in slopes.items()}
    lead = float(np.sqrt(value @ alike @ value))
    return CovariateSlopes(names, unit, value, spread, by_stage, off / max(freedom, 1), lead)


def slopes_given_times(
    spells: Spells, mine: np.ndarray, fit: ModelAverage, forward: tuple[int, ...], x: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """b of some visits of the last period, with its covariance; x by (visit of these, covariate)."""
    outcome = spells.outcome[mine]
    went = np.isin(outcome, [j + 1 for j in forward])
    on, off, on_late, off_late = open_masses(spells, mine, fit, forward)
    share = fit.point(list(forward))
    start = np.append(np.log(share / (1.0 - share)), np.zeros(x.shape[1]))
    design = np.column_stack([np.ones(len(x)), x])
    left = outcome > 0
    cost = partial(_cost, design=design, went=went, left=left, on=on, off=off, on_late=on_late, off_late=off_late)
    bound = np.full(len(start), FURTHEST)
    weights, _ = minimise(cost, start, -bound, bound)
    return weights[1:], covariance(cost, weights)[1:, 1:]


def _cost(
    x: FloatArray,
    design: FloatArray,
    went: np.ndarray,
    left: np.ndarray,
    on: FloatArray,
    off: FloatArray,
    on_late: FloatArray,
    off_late: FloatArray,
) -> tuple[float, FloatArray]:
    """Minus the formula of the module's head, with its gradient."""
    share = 1.0 / (1.0 + np.exp(-(design @ x)))
    still = np.maximum(1.0 - share * on - (1.0 - share) * off, 1e-300)
    listed = np.maximum(1.0 - share * on_late - (1.0 - share) * off_late, 1e-300)
    chance = np.where(went, share, np.where(left, 1.0 - share, still))
    slope = np.where(went, 1.0 / share, np.where(left, -1.0 / (1.0 - share), (off - on) / still))
    slope = slope - (off_late - on_late) / listed
    value = float(np.log(np.maximum(chance, 1e-300)).sum() - np.log(listed).sum())
    return -value, -np.asarray(design.T @ (slope * share * (1.0 - share)))


def _within_sources(records: VisitHistory) -> tuple[FloatArray, FloatArray]:
    """(lead, covariate) less the mean of its source and segment, in standard deviations; and these. What is unknown is
    average."""
    x = records.covariates.copy()
    group = records.source * len(records.segments) + records.segment if records.segments else records.source
    for g in np.unique(group).tolist():
        mine = group == g
        if mine.any():
            known = np.isfinite(x[mine])
            mean = np.where(known, x[mine], 0.0).sum(0) / np.maximum(known.sum(0), 1)
            x[mine] = np.where(known, x[mine] - mean, 0.0)
    unit = np.maximum(x.std(0), 1e-12)
    return x / unit, unit


def covariate_lines(slopes: CovariateSlopes) -> list[str]:
    """The block `covariates` of a fitted file: log-odds for each step of a covariate, with their covariance."""
    lines = ["  covariates:     # log-odds to go on, for each standard deviation within a source"]
    for k, name in enumerate(slopes.names):
        lines.append(
            f"    {word_text(name)}: {{effect: {slopes.value[k]:.5g}, se: {slopes.se[k]:.4g},"
            f" step: {slopes.unit[k]:.5g}, stages: {{"
            + ", ".join(f"{word_text(stage)}: [{b[k]:.5g}, {se[k]:.4g}]" for stage, (b, se) in slopes.by_stage.items())
            + "}}"
        )
    return lines


def report_lines(slopes: CovariateSlopes, history: HistoryFile) -> list[str]:
    """What was found, for the report."""
    lines = ["What is known at arrival (odds to go on, within a source)"]
    for k, covariate in enumerate(history.covariates):
        low, odds, high = np.exp(slopes.value[k] + Z95 * slopes.se[k] * np.array([-1.0, 0.0, 1.0]))
        step = f"{np.exp(slopes.unit[k]):.3g} times as much" if covariate.log else f"{slopes.unit[k]:.4g} more"
        by_stage = ", ".join(f"{name} {np.exp(b[k]):.2f}" for name, (b, _) in slopes.by_stage.items())
        lines.append(f"  {covariate.name}, {step}: times {odds:.2f} ({low:.2f} to {high:.2f}); by stage: {by_stage}")
    if not slopes.alike:
        lines.append(
            f"  stages disagree (chi-square {slopes.disagreement:.1f} a degree of freedom): one `fit` cannot tell it,"
            " and no `fit_spread` is written."
        )
        return lines
    lines.append(f"  fit_spread {slopes.spread:.3f} in the fitted file: how much leads of one source differ by it.")
    return lines
