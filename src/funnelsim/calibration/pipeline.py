"""calibrate: a history file to a Calibration, and to the fitted file a scenario extends."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from funnelsim.calibration.arrivals.arrival_rate import Arrivals, fit_arrivals
from funnelsim.calibration.cohorts.cohort_table import CohortTable, cohort_records, fit_cohorts, read_cohorts
from funnelsim.calibration.events.deal_value import DealValue, fit_value
from funnelsim.calibration.events.leads_in_flight import Snapshot, take_snapshot
from funnelsim.calibration.events.segment_shares import SegmentShares, segment_shares
from funnelsim.calibration.events.visit_history import Records, no_records, read_records
from funnelsim.calibration.history.model import History
from funnelsim.calibration.history.parser import read_history
from funnelsim.calibration.io.row_issues import Tally
from funnelsim.calibration.io.tables import Library, open_library
from funnelsim.calibration.pooling.source_effects import NO_FITS, Fits, ever, source_fits
from funnelsim.calibration.pooling.two_way_pooling import crossed_fits
from funnelsim.calibration.repeat.repeat_purchase_data import Repeat, read_repeat
from funnelsim.calibration.response.response_data import ResponseFound, read_response_effect
from funnelsim.calibration.survival.covariates import Slopes, fit_slopes
from funnelsim.calibration.survival.model_averaging import Estimate, estimate
from funnelsim.calibration.survival.stages import StageFit, cohorts, fit_stages
from funnelsim.calibration.teams.fit import TeamFit, fit_team
from funnelsim.calibration.teams.queue_records import queue_records
from funnelsim.calibration.teams.work_log import read_pieces
from funnelsim.calibration.teams.work_per_visit import with_whole, work_of_visits
from funnelsim.errors import DataError, Problem

if TYPE_CHECKING:
    import polars as pl

NO_ARRIVALS = Arrivals(0, "", False, (), np.zeros((0, 0)))
NO_SNAPSHOT = Snapshot((), {}, {}, {})  # counts do not say who is where
FEW_EXITS = 30  # fewer exits than this and a stage's figures are graded thin


class DataFile(NamedTuple):
    """A file that was read."""

    file: str
    rows: int
    sha256: str


@dataclass(frozen=True)
class Calibration:
    """What a history tells."""

    history: History
    records: Records = field(repr=False)
    stages: list[StageFit] = field(repr=False)  # those that lead on, in order
    arrivals: Arrivals = field(repr=False)
    snapshot: Snapshot = field(repr=False)
    value: DealValue | None
    tally: Tally = field(repr=False)  # rows not used, or not as they stand, by reason
    data: list[DataFile]
    files: list[Path]  # written
    team: TeamFit | None = field(default=None, repr=False)
    repeat: Repeat | None = field(default=None, repr=False)
    response: ResponseFound | None = field(default=None, repr=False)
    slopes: Slopes | None = field(default=None, repr=False)  # of covariates

    def __repr__(self) -> str:
        return (
            f"<Calibration of {self.history.name!r} as of {self.as_of}: {self.leads} leads, {len(self.stages)} stages>"
        )

    def _repr_html_(self) -> str:
        from funnelsim.reporting.common.notebook import card

        return card(self.report(), self.frame())

    def frame(self) -> pl.DataFrame:
        """A row a stage and exit: visits and exits seen in the last period, the fitted share with its 95 % interval."""
        import polars as pl

        rows = [
            {"stage": stage.name, "to": target, "visits": int(stage.current.sum()), "seen": stage.seen(target)}
            | {"share": stage.share(target).value, "low": stage.share(target).low, "high": stage.share(target).high}
            for stage in self.stages
            for target in stage.order
        ]
        return pl.DataFrame(rows, infer_schema_length=None)

    @property
    def leads(self) -> int:
        return len(self.records.ids)

    @property
    def as_of(self) -> str:
        return self.history.as_of_text

    @cached_property
    def _fits(self) -> tuple[Fits, Fits]:
        if self.records.segments:
            return crossed_fits(self.records, self.stages)
        return source_fits(self.records, self.stages), NO_FITS

    @property
    def fits(self) -> Fits:
        """How good the sources are."""
        return self._fits[0]

    @property
    def segment_fits(self) -> Fits:
        """How good the segments are."""
        return self._fits[1]

    @cached_property
    def segments(self) -> SegmentShares | None:
        """How leads divide among the segments."""
        return segment_shares(self.history, self.records) if self.records.segments else None

    @cached_property
    def cohorts(self) -> list[tuple[str, int, int, Estimate]]:
        """(months, visits, forward exits seen, fitted share) of the first stage."""
        return cohorts(self.history, self.records, self.stages[0]) if self.stages and not self.history.counts else []

    def conversion(self, stage: str | None = None, to: str | None = None) -> Estimate:
        """Share of the leads entering a stage (the first) that ever enter another (the last)."""
        names = self.records.stages
        first, last = names.index(stage or names[0]), names.index(to or names[-1])
        draws = ever(self.records, self.stages, self.fits, self.segment_fits, first, last)
        return estimate(draws, float(np.mean(draws)))

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
        found = {}
        for stage in self.stages:
            seen = min(stage.seen(target) for target in stage.order)
            found[f"stages.{stage.name}.next"] = "measured" if seen >= FEW_EXITS else "measured, thin"
            found[f"stages.{stage.name}.pace"] = (
                stage.pace_grade if not stage.misfits else "measured, as the data lie: no family follows them"
            )
        found["sources"] = "measured" if self.arrivals.weeks >= 8 else "measured, thin"
        found["sources.profile"] = "measured" if self.arrivals.hours_known else "days measured, hours assumed flat"
        if self.segments:
            found["segments"] = self.segments.grade
        if self.slopes and self.slopes.alike:
            found["fit_spread"] = "measured, as far as the covariates tell leads apart"
        if self.value:
            found["deal_value"] = "measured"
        if self.team:
            found["teams"] = "measured" if self.team.staffing and self.team.staffing.by == "present" else "lower bound"
            together = "measured, the calls of a visit taken together"
            found |= {f"stages.{name}.work": together for name in self.team.whole}
        if self.snapshot.worked:
            found["leads_in_flight"] = "measured; that whoever was worked on waits for nobody is assumed"
        if self.response:
            found[f"stages.{self.response.stage}.response"] = self.response.grade
        return found

    def report(self, verbose: bool = False) -> str:
        """What was found, as plain text."""
        from funnelsim.calibration.report.text import report

        return report(self, verbose)


def calibrate(
    history_path: str | Path, out: str | Path | None = None, data_dir: str | Path | None = None, strict: bool = False
) -> Calibration:
    """Read a history, fit it, and with `out` write the fitted file and the leads in flight beside it.

    Raises DataError with every problem of the history file and of the data's form; single rows that cannot be used
    are counted in `tally`, or raise too when `strict`.
    """
    history, library = open_history(history_path, data_dir)
    found = fit_history(history, library, strict)
    if out is not None:
        from funnelsim.calibration.report.fitted_file import write_fitted

        try:
            found.files.extend(write_fitted(found, out))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise DataError([Problem(str(out), text=f"cannot be written: {reason}")]) from None
    return found


def open_history(path: str | Path, data_dir: str | Path | None = None) -> tuple[History, Library]:
    """A history file and its tables. Raises DataError with every problem of both."""
    history = read_history(path)
    library = open_library(history, data_dir) if history.origins else None
    if history.problems or library is None:
        raise DataError(sorted(history.problems, key=lambda problem: (problem.line, problem.column)), str(path))
    return history, library


def fit_history(history: History, library: Library, strict: bool = False) -> Calibration:
    """Fit what the tables of a history hold. Raises DataError when no lead ever left a stage."""
    tally = Tally()
    team = None
    if history.work:
        pieces, rounding = read_pieces(history, library, tally)
        team = fit_team(pieces, history.work.team, history.timezone, rounding)
    repeat = read_repeat(history, library, tally) if history.purchases else None
    table = read_cohorts(history, library, tally) if history.counts else None
    records = _records(history, library, team, table, tally)
    if strict:
        tally.raise_if_any(history.file)
    stages = fit_cohorts(history, table) if table else fit_stages(history, records) if history.stages else []
    if history.stages and not stages:
        raise DataError(
            [
                Problem(
                    history.file,
                    text=f"no lead ever left a stage: {len(records.ids)} leads were read",
                    hint="are the columns of the later stages empty, or do the ids of the tables differ?",
                )
            ]
        )
    work = work_of_visits(team, records, history.timezone) if team and history.stages else None
    if team and work:
        team = with_whole(team, records, work)
    place = {sheet.file: sheet for sheet in library.sheets.values()}
    won = np.isin(np.arange(len(records.ids)), records.visits.lead[records.visits.stage == len(records.stages) - 1])
    return Calibration(
        history,
        records,
        stages,
        fit_arrivals(history, records) if len(records.ids) else NO_ARRIVALS,
        NO_SNAPSHOT if table else take_snapshot(records, stages, work),
        fit_value(records.value, won),
        tally,
        [DataFile(file, sheet.rows, sheet.sha256) for file, sheet in place.items()],
        [],
        team,
        repeat,
        read_response_effect(history, library, records, team) if history.response else None,
        fit_slopes(history, records, stages),
    )


def _records(
    history: History, library: Library, team: TeamFit | None, table: CohortTable | None, tally: Tally
) -> Records:
    """The leads; where there is no funnel, those who asked for work; where there is no work either, nobody."""
    rows = {sheet.file: sheet.rows for sheet in library.sheets.values()}
    if table:
        return cohort_records(table, rows)
    if history.stages:
        return read_records(history, library, tally)
    assert history.as_of is not None
    return queue_records(team, rows) if team else no_records(history.as_of.timestamp(), rows)
