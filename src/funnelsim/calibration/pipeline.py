"""calibrate: a history file to a Calibration, and to the fitted file a scenario extends."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from funnelsim.calibration.arrivals.arrival_rate import Arrivals, fit_arrivals
from funnelsim.calibration.cohorts.cohort_table import CohortTable, cohort_records, fit_cohorts, read_cohorts
from funnelsim.calibration.events.deal_value import fit_value
from funnelsim.calibration.events.leads_in_flight import LeadsInFlight, leads_in_flight
from funnelsim.calibration.events.visit_history import VisitHistory, empty_visit_history, read_visit_history
from funnelsim.calibration.fitted_history import DataFile
from funnelsim.calibration.history.model import HistoryFile
from funnelsim.calibration.history.parser import read_history
from funnelsim.calibration.io.data_tables import Library, open_library
from funnelsim.calibration.io.row_issues import RowIssues
from funnelsim.calibration.repeat.repeat_purchase_data import read_repeat_purchases
from funnelsim.calibration.report.fitted_file import write_fitted
from funnelsim.calibration.response.response_data import read_response_effect
from funnelsim.calibration.result import Calibration
from funnelsim.calibration.survival.arrival_covariates import fit_slopes
from funnelsim.calibration.survival.stage_fit import fit_stages
from funnelsim.calibration.teams.fit import TeamFit, fit_team
from funnelsim.calibration.teams.queue_records import queue_records
from funnelsim.calibration.teams.work_log import read_work_items
from funnelsim.calibration.teams.work_per_visit import with_work_per_visit, work_per_visit
from funnelsim.errors import DataError, Problem

NO_ARRIVALS = Arrivals(0, "", False, (), np.zeros((0, 0)))
NO_SNAPSHOT = LeadsInFlight((), {}, {}, {})  # counts do not say who is where


def calibrate(
    history_path: str | Path, out: str | Path | None = None, data_dir: str | Path | None = None, strict: bool = False
) -> Calibration:
    """Read a history, fit it, and with `out` write the fitted file and the leads in flight beside it.

    Raises DataError with every problem of the history file and of the data's form; single rows that cannot be used
    are counted, or raise too when `strict`. Raises RunError when the file cannot be written.
    """
    history, library = open_history(history_path, data_dir)
    calibration = fit_history(history, library, strict)
    if out is not None:
        calibration.files.extend(write_fitted(calibration, out))
    return calibration


def open_history(path: str | Path, data_dir: str | Path | None = None) -> tuple[HistoryFile, Library]:
    """A history file and its tables. Raises DataError with every problem of both."""
    history = read_history(path)
    library = open_library(history, data_dir) if history.origins else None
    if history.problems or library is None:
        raise DataError(sorted(history.problems, key=lambda problem: (problem.line, problem.column)), str(path))
    return history, library


def fit_history(history: HistoryFile, library: Library, strict: bool = False) -> Calibration:
    """Fit what the tables of a history hold. Raises DataError when no lead ever left a stage."""
    issues = RowIssues()
    team = None
    if history.work:
        pieces, rounding = read_work_items(history, library, issues)
        team = fit_team(pieces, history.work.team, history.timezone, rounding)
    repeat = read_repeat_purchases(history, library, issues) if history.purchases else None
    table = read_cohorts(history, library, issues) if history.counts else None
    records = _records(history, library, team, table, issues)
    if strict:
        issues.raise_if_any(history.file)
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
    work = work_per_visit(team, records, history.timezone) if team and history.stages else None
    if team and work:
        team = with_work_per_visit(team, records, work)
    place = {sheet.file: sheet for sheet in library.sheets.values()}
    won = np.isin(np.arange(len(records.ids)), records.visits.lead[records.visits.stage == len(records.stages) - 1])
    return Calibration(
        history,
        records,
        stages,
        fit_arrivals(history, records) if len(records.ids) else NO_ARRIVALS,
        NO_SNAPSHOT if table else leads_in_flight(records, stages, work),
        fit_value(records.value, won),
        issues,
        [DataFile(file, sheet.rows, sheet.sha256) for file, sheet in place.items()],
        [],
        team,
        repeat,
        read_response_effect(history, library, records, team) if history.response else None,
        fit_slopes(history, records, stages),
    )


def _records(
    history: HistoryFile, library: Library, team: TeamFit | None, table: CohortTable | None, issues: RowIssues
) -> VisitHistory:
    """The leads; where there is no funnel, those who asked for work; where there is no work either, nobody."""
    rows = {sheet.file: sheet.rows for sheet in library.sheets.values()}
    if table:
        return cohort_records(table, rows)
    if history.stages:
        return read_visit_history(history, library, issues)
    assert history.as_of is not None
    return queue_records(team, rows) if team else empty_visit_history(history.as_of.timestamp(), rows)
