"""Who was touched how soon and went on: from a history, for the effect of a late first touch (`response_estimators`).

The first touch is the first start of work on the case in the stage, or a column's time. A lead counts when it has been
followed for so long after its touch as the history file says (`within`); it went on when it left by a later stage in
that time. Leads never touched say nothing of the delay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from funnelsim.calibration.events.leads import Leads, read_leads
from funnelsim.calibration.events.visit_history import VisitHistory
from funnelsim.calibration.history.model import HistoryFile, SourceColumn
from funnelsim.calibration.io.data_tables import Library
from funnelsim.calibration.io.row_issues import RowIssues
from funnelsim.calibration.io.times import instants, local_parts
from funnelsim.calibration.report.scenario_text import time_text
from funnelsim.calibration.response import response_estimators
from funnelsim.calibration.response.response_estimators import DelayBand, Refusal, ResponseFit, TouchedLeads
from funnelsim.calibration.teams.fit import TeamFit
from funnelsim.typing import FloatArray


@dataclass(frozen=True)
class MeasuredResponse:
    """What a scenario may say of the response in a stage."""

    stage: str
    preset: str  # of `assumed`; "" when the data were asked
    fit: ResponseFit | Refusal | None
    pattern: tuple[DelayBand, ...]  # who went on, by delay: not an effect

    @property
    def curve(self) -> str | None:
        """As a stage says it; None: nothing is known, or nothing was found."""
        if self.preset:
            return self.preset
        return self.fit.curve if isinstance(self.fit, ResponseFit) else None

    @property
    def grade(self) -> str:
        if self.preset:
            return "assumed: a published curve"
        return f"measured: {self.fit.method}" if isinstance(self.fit, ResponseFit) else "not known"


def read_response_effect(
    history: HistoryFile, library: Library, records: VisitHistory, team: TeamFit | None
) -> MeasuredResponse:
    """Estimate what the section `response` asks for."""
    source = history.response
    assert source is not None
    leads = read_leads(history, library, RowIssues())
    chosen = np.searchsorted(leads.ids.to_numpy(), records.ids, sorter=(order := np.argsort(leads.ids.to_numpy())))
    row = order[chosen]
    asked, touched = _times(history, library, leads, records, team, row)
    mine, went_on = _went_on(records, list(records.stages).index(source.stage), touched, source.within)
    mine &= np.isfinite(asked) & (touched >= asked)
    known = TouchedLeads(asked[mine], (touched - asked)[mine], went_on[mine])
    pattern = tuple(response_estimators.went_on_by_delay(known))
    if source.method == "assumed":
        return MeasuredResponse(source.stage, source.preset, None, pattern)

    def cells(column: SourceColumn) -> np.ndarray:
        return np.asarray(leads.first(column).to_numpy().astype(str)[row][mine])

    if source.method == "randomised":
        assert source.by is not None
        before = np.column_stack([_numbers(cells(column)) for column in source.known]) if source.known else None
        return MeasuredResponse(source.stage, "", response_estimators.by_lot(known, cells(source.by), before), pattern)
    day, hour = local_parts(known.asked, history.timezone)
    controls = response_estimators.hours_of_week(day, hour)
    by, values = ("queue at arrival", None) if source.by is None else (source.by.name, _numbers(cells(source.by)))
    return MeasuredResponse(source.stage, "", response_estimators.by_instrument(known, by, values, controls), pattern)


def report_lines(response: MeasuredResponse) -> list[str]:
    """What was found, or why nothing was."""
    lines = [f"Response in {response.stage}: {response.grade}"]
    if isinstance(response.fit, ResponseFit):
        fit = response.fit
        lines.append(
            f"  the odds of going on fall as delay ** -{fit.shape:.2f} ({fit.low:.2f} to {fit.high:.2f}); by {fit.by},"
            f" F {fit.strength:.0f}, {fit.leads:,} leads, up to {time_text(fit.longest)}"
        )
        if fit.curve is None:
            lines.append("  no harm of a late touch is seen: no curve is written")
    elif isinstance(response.fit, Refusal):
        lines.append(f"  nothing is written: {response.fit.reason}")
    if response.pattern:
        lines.append("  who went on, by delay (a pattern and not an effect: who is called early is chosen)")
        lines += [
            f"    {_span(band):>24}  {band.leads:>7,} leads  {100 * band.went_on / band.leads:5.1f} %"
            for band in response.pattern
        ]
        trend, bend = response_estimators.dose_response(response.pattern)
        if bend > trend:
            lines.append(f"    it bends (chi-square {bend:.0f}) more than it falls or rises ({trend:.0f}): no dose")
    return lines


def response_lines(response: MeasuredResponse) -> list[str]:
    """The block `response` of a fitted file."""
    lines = ["  response:", f"    {response.stage}:", f"      grade: {response.grade.replace(':', ',')}"]
    if isinstance(response.fit, ResponseFit):
        fit = response.fit
        lines += [f"      shape: {fit.shape:.5g}", f"      se: {fit.se:.4g}", f"      floor: {fit.floor:g} s"]
        lines += [f"      by: {fit.by}", f"      strength: {fit.strength:.4g}", f"      leads: {fit.leads}"]
    return lines


def _times(
    history: HistoryFile, library: Library, leads: Leads, records: VisitHistory, team: TeamFit | None, row: np.ndarray
) -> tuple[FloatArray, FloatArray]:
    """When each lead asked and was first touched; nan when it was not."""
    source = history.response
    assert source is not None

    def of(column: SourceColumn) -> FloatArray:
        return np.asarray(instants(leads.first(column), column, history.timezone).seconds[row])

    visits, number = records.visits, list(records.stages).index(source.stage)
    entered = np.full(len(records.ids), np.nan)
    first = (visits.stage == number) & (visits.number == 1)
    entered[visits.lead[first]] = visits.entered[first]
    if source.touched is not None:
        return (of(source.asked) if source.asked else entered), of(source.touched)
    assert team is not None
    asked, touched = _by_case(team, source.stage)
    pairs = np.array([(asked.get(lead, np.nan), touched.get(lead, np.nan)) for lead in records.ids])
    return (of(source.asked) if source.asked else pairs[:, 0]), pairs[:, 1]


def _by_case(team: TeamFit, stage: str) -> tuple[dict[str, float], dict[str, float]]:
    """The first asking of each case for work in a stage, and the first start after it."""
    pieces = team.pieces
    kind = pieces.kinds.index(stage) if stage in pieces.kinds else -1
    mine = np.flatnonzero((pieces.kind == kind) & np.isfinite(pieces.asked) & pieces.served)
    mine = mine[np.argsort(pieces.asked[mine], kind="stable")][::-1]  # the earliest comes last, and stays
    names = [pieces.cases[case] for case in pieces.case[mine].tolist()] if pieces.cases else []
    return dict(zip(names, pieces.asked[mine].tolist(), strict=False)), dict(
        zip(names, pieces.started[mine].tolist(), strict=False)
    )


def _went_on(records: VisitHistory, stage: int, touched: FloatArray, within: float) -> tuple[np.ndarray, np.ndarray]:
    """Leads that have been followed long enough after the touch, and those of them that went on in that time."""
    visits = records.visits
    left, forward = np.full(len(touched), np.inf), np.zeros(len(touched), bool)
    first = (visits.stage == stage) & (visits.number == 1)
    left[visits.lead[first]] = np.where(np.isfinite(visits.left[first]), visits.left[first], np.inf)
    forward[visits.lead[first]] = visits.to[first] > stage
    seen = np.zeros(len(touched), bool)
    seen[visits.lead[first]] = True
    followed = seen & (touched + within <= records.as_of)
    return followed, forward & (left - touched <= within)


def _numbers(cells: np.ndarray) -> FloatArray:
    """Numbers where cells hold them; words as the ranks of their names."""
    try:
        return np.asarray(cells, float)
    except ValueError:
        return np.unique(cells, return_inverse=True)[1].astype(float)


def _span(band: DelayBand) -> str:
    if not np.isfinite(band.high):
        return f"over {time_text(band.low)}"
    return f"{time_text(band.low)} to {time_text(band.high)}" if band.low else f"under {time_text(band.high)}"
