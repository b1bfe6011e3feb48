"""The baseline against history: does the old way, simulated, convert as the records say? Without that, no headline."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelsim.measures import stack
from funnelsim.summary import COHORT, Summary

if TYPE_CHECKING:
    from funnelsim.study.alternative_models import Case


@dataclass(frozen=True)
class StageHistoryCheck:
    """One stage: the share that goes on."""

    stage: str
    history: float
    low: float  # band of the record, 90 %
    high: float
    simulated: float
    error: float  # half width of its simulation error, 90 %

    @property
    def inside(self) -> bool:
        """The simulated share lies in the band, give or take its own error."""
        return self.low - self.error <= self.simulated <= self.high + self.error


@dataclass(frozen=True)
class HistoryCheck:
    """All stages that history knows."""

    stages: list[StageHistoryCheck]
    source: str

    @property
    def reproduced(self) -> bool:
        return all(check.inside for check in self.stages)


def check_history(baseline: Case, summaries: list[Summary]) -> HistoryCheck | None:
    """Share that goes on, of the visits that are over, beside the recorded one; None without history."""
    history = baseline.blueprint.scenario.history
    if history is None or not history.stages:
        return None
    book = baseline.blueprint.book
    tables = stack(summaries).visits[:, COHORT]
    checks = []
    for stage, exits in history.stages.items():
        at = book.stages.index(stage)
        forward = [
            seen
            for target, seen in exits.items()
            if target in book.stages and book.stages.index(target) > at and seen.share is not None
        ]
        if not forward:
            continue
        share = sum(float(seen.share or 0.0) for seen in forward)
        low = sum(float(seen.low if seen.low is not None else seen.share or 0.0) for seen in forward)
        high = sum(float(seen.high if seen.high is not None else seen.share or 0.0) for seen in forward)
        gone_on = tables["forward"][..., at].sum(axis=(1, 2))
        over = _over(tables[..., at], baseline.blueprint.centre.stages[at]).sum(axis=(1, 2))
        simulated = float(gone_on.sum() / max(over.sum(), 1.0))
        residual = gone_on - simulated * over
        error = 1.645 * float(np.std(residual)) / max(float(over.mean()), 1.0) / math.sqrt(len(over))
        checks.append(StageHistoryCheck(stage, share, low, high, simulated, error))
    return HistoryCheck(checks, history.source) if checks else None


def _over(visits: Any, stage: Any) -> Any:
    """Visits that are over. At a gate those still waiting too: who never reaches the threshold stays open (rule 83)."""
    if stage.gate < 0:
        return visits["entered"] - visits["open"]
    if stage.step_count == 0:
        return visits["entered"]
    return visits["reached"] + visits["unreached"] + visits["cold"] + visits["returned"] + visits["rejected"]
