"""What calibration reads out of a history and fits to it: the data of a Calibration, before any text is made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from funnelsim.calibration.arrivals.arrival_rate import Arrivals
from funnelsim.calibration.events.deal_value import DealValue
from funnelsim.calibration.events.leads_in_flight import LeadsInFlight
from funnelsim.calibration.events.segment_shares import SegmentShares, segment_shares
from funnelsim.calibration.events.visit_history import VisitHistory
from funnelsim.calibration.history.model import HistoryFile
from funnelsim.calibration.io.row_issues import RowIssues
from funnelsim.calibration.pooling.source_effects import NO_FITS, GroupFits, share_ever_reaching, source_fits
from funnelsim.calibration.pooling.two_way_pooling import two_way_fits
from funnelsim.calibration.repeat.repeat_purchase_data import RepeatPurchases
from funnelsim.calibration.response.response_data import MeasuredResponse
from funnelsim.calibration.survival.covariates import CovariateSlopes
from funnelsim.calibration.survival.model_averaging import ShareEstimate, share_estimate
from funnelsim.calibration.survival.stage_fit import StageFit, cohort_shares
from funnelsim.calibration.teams.fit import TeamFit

FEW_EXITS = 30  # fewer exits than this and a stage's figures are graded thin


class DataFile(NamedTuple):
    """A file that was read."""

    file: str
    rows: int
    sha256: str


@dataclass(frozen=True)
class FittedHistory:
    """A history with all that is fitted to it, and the figures that follow."""

    history: HistoryFile
    records: VisitHistory = field(repr=False)
    stages: list[StageFit] = field(repr=False)  # those that lead on, in order
    arrivals: Arrivals = field(repr=False)
    in_flight: LeadsInFlight = field(repr=False)
    value: DealValue | None
    issues: RowIssues = field(repr=False)  # rows not used, or not as they stand, by reason
    data: list[DataFile]
    files: list[Path]  # written
    team: TeamFit | None = field(default=None, repr=False)
    repeat: RepeatPurchases | None = field(default=None, repr=False)
    response: MeasuredResponse | None = field(default=None, repr=False)
    slopes: CovariateSlopes | None = field(default=None, repr=False)  # of covariates

    @property
    def leads(self) -> int:
        return len(self.records.ids)

    @property
    def as_of(self) -> str:
        return self.history.as_of_text

    @cached_property
    def _fits(self) -> tuple[GroupFits, GroupFits]:
        if self.records.segments:
            return two_way_fits(self.records, self.stages)
        return source_fits(self.records, self.stages), NO_FITS

    @property
    def fits(self) -> GroupFits:
        """How good the sources are."""
        return self._fits[0]

    @property
    def segment_fits(self) -> GroupFits:
        """How good the segments are."""
        return self._fits[1]

    @cached_property
    def segments(self) -> SegmentShares | None:
        """How leads divide among the segments."""
        return segment_shares(self.history, self.records) if self.records.segments else None

    @cached_property
    def cohorts(self) -> list[tuple[str, int, int, ShareEstimate]]:
        """(months, visits, forward exits seen, fitted share) of the first stage."""
        return (
            cohort_shares(self.history, self.records, self.stages[0]) if self.stages and not self.history.counts else []
        )

    def conversion(self, stage: str | None = None, to: str | None = None) -> ShareEstimate:
        """Share of the leads entering a stage (the first) that ever enter another (the last)."""
        names = self.records.stages
        first, last = names.index(stage or names[0]), names.index(to or names[-1])
        draws = share_ever_reaching(self.records, self.stages, self.fits, self.segment_fits, first, last)
        return share_estimate(draws, float(np.mean(draws)))

    def naive(self, stage: str | None = None, to: str | None = None, since: float = -np.inf) -> float:
        """What a spreadsheet says: leads seen in the later stage over leads seen in the earlier (since an instant)."""
        visits, names = self.records.visits, self.records.stages
        began = np.unique(visits.lead[(visits.stage == names.index(stage or names[0])) & (visits.entered >= since)])
        ended = np.unique(visits.lead[visits.stage == names.index(to or names[-1])])
        return float(np.isin(began, ended).mean()) if len(began) else 0.0

    def interval(self, stage: StageFit, target: str, level: float) -> tuple[float, float]:
        """Central interval of a share."""
        draws = stage.fit.draws()[:, -1, stage.of(target)].sum(1)
        low, high = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2])
        return float(low), float(high)

    def grades(self) -> dict[str, str]:
        """How well each group of figures is known."""
        grades = {}
        for stage in self.stages:
            seen = min(stage.seen(target) for target in stage.order)
            grades[f"stages.{stage.name}.next"] = "measured" if seen >= FEW_EXITS else "measured, thin"
            grades[f"stages.{stage.name}.pace"] = (
                stage.pace_grade if not stage.misfits else "measured, as the data lie: no family follows them"
            )
        grades["sources"] = "measured" if self.arrivals.weeks >= 8 else "measured, thin"
        grades["sources.profile"] = "measured" if self.arrivals.hours_known else "days measured, hours assumed flat"
        if self.segments:
            grades["segments"] = self.segments.grade
        if self.slopes and self.slopes.alike:
            grades["fit_spread"] = "measured, as far as the covariates tell leads apart"
        if self.value:
            grades["deal_value"] = "measured"
        if self.team:
            grades["teams"] = "measured" if self.team.staffing and self.team.staffing.by == "present" else "lower bound"
            together = "measured, the calls of a visit taken together"
            grades |= {f"stages.{name}.work": together for name in self.team.per_visit}
        if self.in_flight.worked:
            grades["leads_in_flight"] = "measured; that whoever was worked on waits for nobody is assumed"
        if self.response:
            grades[f"stages.{self.response.stage}.response"] = self.response.grade
        return grades
