"""From cells to visits: who entered which stage when, and how it went on; where leads came from, their worth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import polars as pl

from funnelsim.calibration.events.leads import Leads, read_leads
from funnelsim.calibration.events.source_segment import LeakageTest, groups, reject_leaky_segment, segment_groups
from funnelsim.calibration.events.stage_events import StageEvents, read_stage_events, refuse_empty
from funnelsim.calibration.history.model import Amount, HistoryFile
from funnelsim.calibration.io.data_tables import Library
from funnelsim.calibration.io.files import LINE
from funnelsim.calibration.io.money_parsing import amounts, signs
from funnelsim.calibration.io.row_issues import RowIssues
from funnelsim.typing import FloatArray

OPEN = -2  # where a visit went that has not ended; LOST_AT when it ended with a loss


class Visits(NamedTuple):
    """One stay of one lead in one stage."""

    lead: np.ndarray
    stage: np.ndarray
    number: np.ndarray  # of this lead's visits to this stage, from 1
    entered: FloatArray
    left: FloatArray  # nan when open
    to: np.ndarray  # stage index, LOST_AT or OPEN
    rounding: FloatArray  # of the time between
    first: np.ndarray  # is it the lead's first visit?


@dataclass(frozen=True)
class VisitHistory:
    """A history, read."""

    stages: tuple[str, ...]
    sources: tuple[str, ...]
    ids: np.ndarray  # by lead, as text
    source: np.ndarray  # by lead
    value: FloatArray  # by lead; nan unknown
    visits: Visits
    as_of: float
    day_only: bool  # are arrivals known to the day only?
    rows: dict[str, int]  # by file
    covariates: FloatArray = field(default_factory=lambda: np.empty((0, 0)))  # (lead, covariate); nan unknown
    segments: tuple[str, ...] = ()  # none: the history has no segments
    segment: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))  # by lead, 0 without segments
    leakage: tuple[
        LeakageTest, ...
    ] = ()  # stages at which the segment is given more often for those that went on, or less


def read_visit_history(history: HistoryFile, library: Library, issues: RowIssues) -> VisitHistory:
    """All visits of a history that can be used."""
    assert history.as_of is not None
    leads = read_leads(history, library, issues)
    events, bad = read_stage_events(history, library, leads, issues)
    usable = np.ones(len(leads), bool)
    usable[bad] = False
    without = usable & (np.bincount(events.lead[events.stage >= 0], minlength=len(leads)) == 0)
    if not history.events:
        issues.add(library.sheets[history.main].file, "no time in any stage", leads.lines()[without])
    events = events.where(usable[events.lead] & ~without[events.lead])
    refuse_empty(history, events, leads, issues)
    used = np.zeros(len(leads), bool)
    used[events.lead] = True
    number = np.cumsum(used) - 1
    events = events._replace(lead=number[events.lead])
    sources, source = groups(history.source, leads)
    segments, segment, given = segment_groups(history, leads)
    visits = _visits(events)
    late = reject_leaky_segment(history, given[used], visits.lead, visits.stage)
    day_only = bool((events.rounding[np.searchsorted(events.lead, np.arange(used.sum()))] > 3600).mean() > 0.5)
    return VisitHistory(
        tuple(history.stages),
        sources,
        leads.ids.filter(pl.Series(used)).to_numpy(),
        source[used],
        _values(history, leads, issues)[used],
        visits,
        history.as_of.timestamp(),
        day_only,
        {sheet.file: sheet.rows for sheet in library.sheets.values()},
        _covariates(history, leads, issues)[used],
        segments,
        segment[used],
        late,
    )


def empty_visit_history(as_of: float, rows: dict[str, int]) -> VisitHistory:
    """Nobody, where a history tells of something else than leads."""
    none, nothing = np.empty(0, np.int64), np.empty(0)
    visits = Visits(none, none, none, nothing, nothing, none, nothing, none.astype(bool))
    return VisitHistory((), (), none.astype(str), none, nothing, visits, as_of, True, rows)


def _visits(events: StageEvents) -> Visits:
    """From mark to mark; the mark of a loss ends the last visit and begins none."""
    follows = np.append(events.lead[1:] == events.lead[:-1], False)
    first = ~np.append(False, follows[:-1]) if len(follows) else follows
    left = np.where(follows, np.roll(events.at, -1), np.nan)
    to = np.where(follows, np.roll(events.stage, -1), OPEN)
    rounding = np.where(follows, np.maximum(events.rounding, np.roll(events.rounding, -1)), events.rounding)
    begins = events.stage >= 0
    # A time cannot be negative: what looks so lies within the rounding.
    left = np.maximum(left, events.at)
    lead, stage = events.lead[begins], events.stage[begins]
    return Visits(
        lead, stage, _numbers(lead, stage), events.at[begins], left[begins], to[begins], rounding[begins], first[begins]
    )


def _numbers(lead: np.ndarray, stage: np.ndarray) -> np.ndarray:
    """1 for a lead's first visit to a stage, 2 for its second, ..."""
    if not len(lead):
        return lead
    which = lead * (int(stage.max()) + 1) + stage
    order = np.argsort(which, kind="stable")
    ranked = which[order]
    begins = np.append(True, ranked[1:] != ranked[:-1])
    place = np.arange(len(which))
    numbers = np.empty(len(which), np.int64)
    numbers[order] = place - np.maximum.accumulate(np.where(begins, place, 0)) + 1
    return numbers


def _values(history: HistoryFile, leads: Leads, issues: RowIssues) -> FloatArray:
    """Amounts above zero in the history's currency; nan where there are none."""
    if history.value is None:
        return np.full(len(leads), np.nan)
    column = history.value.column
    sheet = leads.library.sheets[leads.library.table(column)]
    cells = leads.library.words(column)
    given = (cells != "").to_numpy()
    lines = sheet.frame[LINE].to_numpy()
    unread = given & np.isnan(amounts(cells, history.value.decimal))
    issues.add(sheet.file, f"a value that is no number in {column.name}", lines[unread], dropped=False)
    foreign = given & ~unread & ~_own_currency(history, history.value, leads, cells)
    reason = f"an amount in another currency in {column.name} (not used)"
    issues.add(sheet.file, reason, lines[foreign], dropped=False)
    strangers = np.unique(leads.of_rows(sheet.table)[foreign])
    value = amounts(leads.first(column), history.value.decimal)
    value[strangers[strangers >= 0]] = np.nan
    return np.where(value > 0, value, np.nan)


def _covariates(history: HistoryFile, leads: Leads, issues: RowIssues) -> FloatArray:
    """(lead, covariate): numbers, or their logarithms; nan where there are none."""
    covariates = np.full((len(leads), len(history.covariates)), np.nan)
    for k, covariate in enumerate(history.covariates):
        number = amounts(leads.first(covariate.column), "")
        with np.errstate(invalid="ignore", divide="ignore"):
            number = np.where(number > 0, np.log(number), np.nan) if covariate.log else number
        file = leads.library.sheets[leads.library.table(covariate.column)].file
        reason = f"no {covariate.name} (taken as the average)"
        issues.add(file, reason, leads.lines()[~np.isfinite(number)], dropped=False)
        covariates[:, k] = number
    return covariates


def _own_currency(history: HistoryFile, value: Amount, leads: Leads, cells: pl.Series) -> np.ndarray:
    """By row: is the amount in the history's currency, or, where only signs tell, in the most frequent one?"""
    if value.currency is not None:
        code = leads.library.words(value.currency)
        return np.asarray(((code == "") | (code.str.to_uppercase() == history.currency.upper())).to_numpy())
    sign = signs(cells)
    named = sign.filter(sign != "")
    if not len(named):
        return np.ones(len(cells), bool)
    usual = named.value_counts(sort=True)[sign.name][0]
    return np.asarray(((sign == "") | (sign == usual)).to_numpy())
