"""A table of counts by cohort to a draft: which column is the period, which count, in which order, up to when."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from funnelsim.calibration.cohorts.cohort_table import without_weekday
from funnelsim.calibration.exports.column_profile import SOME, ColumnProfile
from funnelsim.calibration.exports.draft_common import add_source
from funnelsim.calibration.exports.export_formats import FormatMatch
from funnelsim.calibration.exports.history_draft import DraftStage, HistoryDraft, flow, word
from funnelsim.calibration.exports.personal import is_personal
from funnelsim.calibration.exports.stage_words import stage_name
from funnelsim.calibration.io.files import Unreadable
from funnelsim.calibration.io.money_parsing import amounts
from funnelsim.errors import Problem
from funnelsim.typing import FloatArray

DAY = 86400.0
MOSTLY = 0.95  # of the rows must count fewer in a later stage
AGES = r"(day|week|month|period|d|w|m)?[ _-]?\d+"  # names of columns that count one stage at several ages
SPANS = {"day": (0.9, 1.1), "week": (6.5, 7.5), "month": (27.5, 31.5)}  # days from one cohort to the next


def draft_cohorts(match: FormatMatch, profile: ColumnProfile, draft: HistoryDraft) -> None:
    """Fill the draft. Raises Unreadable when the columns are no counts of a funnel."""
    period, elapsed = match.role("period"), match.role("elapsed")
    counts = _counts(match, profile)
    if ages := [name for name, _ in counts if re.fullmatch(AGES, name.strip(), re.IGNORECASE)]:
        hint = "put them into rows: a column for the elapsed period and one for the count (docs: counts by cohort)"
        text = f"{', '.join(sorted(ages)[:4])}: a column for each age of a cohort, not for each stage"
        raise Unreadable(Problem(profile.opened.file, text=text, hint=hint))
    if len(counts) < 2:
        raise Unreadable(
            Problem(
                profile.opened.file,
                text="no two columns hold counts, of which one is a part of the other",
                hint="counts of a funnel fall from one stage to the next",
            )
        )
    entries = {**draft.origin(), "period": word(period)}
    begins, format_, year = _periods(match, profile, draft)
    each = _cohort_period(profile, begins)
    entries |= {"each": each}
    if format_:
        entries |= {"format": f'"{format_}"', "year": str(year)}
    if elapsed:
        entries["elapsed"] = word(elapsed)
        draft.notes.append("Counts are read as all who had got so far by then; `counted: each period` if they are not.")
    draft.tables = [f"counts: {flow(entries)}"]
    add_source(match, profile, draft, "")
    taken: set[str] = set()
    for column, numbers in counts:
        draft.stages.append(DraftStage(stage_name(column, taken), word(column), int(np.nansum(numbers))))
    if not draft.as_of:
        length = {"day": 1, "week": 7, "month": 31}[each]
        last = datetime.fromtimestamp(float(np.nanmax(begins)), ZoneInfo(profile.zone)).date()
        end = last + timedelta(days=length)
        draft.as_of = str((end.replace(day=1) if each == "month" else end) - timedelta(days=1))


def _counts(match: FormatMatch, profile: ColumnProfile) -> list[tuple[str, FloatArray]]:
    """The columns of counts, the largest first, as long as each is a part of the one before."""
    playing = set(match.roles.values())
    names = [name for name in profile.opened.names if name and name not in playing and not is_personal(name)]
    columns = []
    for name in names:
        cells = profile.text(name)
        given = cells.filter(cells != "").head(SOME)
        numbers = amounts(given, "")
        if len(given) and bool((np.isfinite(numbers) & (numbers >= 0) & (numbers % 1 == 0)).all()):
            columns.append((name, amounts(cells, "")))
    columns.sort(key=lambda pair: -float(np.nanmean(pair[1])))
    chain = columns[:1]
    for name, numbers in columns[1:]:
        both = np.isfinite(numbers) & np.isfinite(chain[-1][1])
        if both.any() and float((numbers[both] <= chain[-1][1][both]).mean()) >= MOSTLY:
            chain.append((name, numbers))
    return chain


def _periods(match: FormatMatch, profile: ColumnProfile, draft: HistoryDraft) -> tuple[FloatArray, str, int]:
    """(beginnings, format, year of the first): format and year where the dates have no year."""
    column = match.role("period")
    if profile.date_columns([column]):
        draft.dates = draft.dates or (
            "" if profile.day_first is None else "day first" if profile.day_first else "month first"
        )
        return profile.times(column).seconds, "", 0
    cells = profile.text(column)
    for format_ in map(str, match.export.table["yearless"]):
        day, bare = without_weekday(cells, format_)
        when = pl.select(pl.format("{}-2000", day)).to_series().str.to_date(f"{bare}-%Y", strict=False)
        if when.null_count() == 0:
            return _with_year(profile, draft, column, format_, cells, when)
    raise Unreadable(Problem(profile.opened.file, text=f"'{cells[0]}' in {column} is not a date"))


def _with_year(
    profile: ColumnProfile, draft: HistoryDraft, column: str, format_: str, cells: pl.Series, when: pl.Series
) -> tuple[FloatArray, str, int]:
    if not draft.as_of:
        hint = "say `--as-of 2014-11-16`, the last day in the data"
        raise Unreadable(Problem(profile.opened.file, text=f"'{cells[0]}' in {column}: of which year?", hint=hint))
    months = when.dt.month().to_numpy()
    turns = int((np.diff(months) < -5).sum())
    end = date.fromisoformat(draft.as_of[:10])
    year = end.year - turns - int(months[-1] > end.month)
    draft.notes.append(f"The dates have no year: the first row is taken for {year}, as the last day is {draft.as_of}.")
    days = np.cumsum(np.append(0.0, np.diff(when.dt.ordinal_day().to_numpy().astype(float)) % 366)) * DAY
    return days, format_, year


def _cohort_period(profile: ColumnProfile, begins: FloatArray) -> str:
    """day, week or month, by the usual gap between two cohorts."""
    gaps = np.diff(np.unique(begins[np.isfinite(begins)])) / DAY
    usual = float(np.median(gaps)) if len(gaps) else 0.0
    for name, (low, high) in SPANS.items():
        if low <= usual <= high:
            return name
    text = f"the periods are {usual:.1f} days apart" if usual else "there is one period only"
    hint = "write a history file with `counts:`"
    raise Unreadable(Problem(profile.opened.file, text=f"{text}: neither days, weeks nor months", hint=hint))
