"""What tables and logs have in common in a draft: rows that do not count, the source, the segment, the value."""

from __future__ import annotations

import polars as pl

from funnelsim.calibration.exports.column_profile import MOST_SEGMENTS, MOST_SOURCES, ColumnProfile
from funnelsim.calibration.exports.export_formats import FormatMatch
from funnelsim.calibration.exports.history_draft import HistoryDraft, flow, word, words

GIVEN = 0.97  # of the rows: a segment that is given less often is left out


def keep_relevant_rows(match: FormatMatch, profile: ColumnProfile, draft: HistoryDraft) -> str:
    """Leave out deleted rows and all pipelines but the largest; the conditions as YAML, "" when there are none."""
    conditions: dict[str, list[str]] = {}
    if deleted := match.role("deleted"):
        cells = profile.text(deleted).str.to_lowercase()
        if cells.is_in(["true", "1"]).any() and cells.is_in(["false", "0"]).any():
            keep = cells.is_in(["false", "0"])
            conditions[deleted] = [value for value in ("false", "0") if (cells == value).any()]
            draft.notes.append(f"{int((~keep).sum()):,} deleted rows are left out.")
            profile.keep_rows(keep)
    if pipeline := match.role("pipeline"):
        size = _sizes(profile.text(pipeline))
        if len(size) > 1:
            largest = next(iter(size))
            others = ", ".join(f"{name} ({count:,})" for name, count in list(size.items())[1:6])
            conditions[pipeline] = [largest]
            draft.notes.append(f"Pipeline {largest} ({size[largest]:,} rows); left out: {others}.")
            profile.keep_rows(profile.text(pipeline) == largest)
    return flow({name: words(values) for name, values in conditions.items()}) if conditions else ""


def add_source(match: FormatMatch, profile: ColumnProfile, draft: HistoryDraft, table: str) -> None:
    """The source, when its column has neither one value nor too many."""
    if origin := match.role("origin"):
        size = _sizes(profile.text(origin))
        if 1 < len(size) <= MOST_SOURCES:
            draft.source = flow({"column": word(f"{table}{origin}"), "empty": "unknown"})
        elif len(size) > MOST_SOURCES:
            draft.notes.append(f"{origin} has {len(size):,} values: too many for sources, so it is left out.")


def add_segment(match: FormatMatch, profile: ColumnProfile, draft: HistoryDraft, table: str) -> None:
    """The segment, when its column has few values and is given for nearly all rows: a column that is often empty is
    mostly filled in later than a lead arrives, and then tells of its outcome (see `source_segment`)."""
    if column := match.role("segment"):
        cells = profile.text(column)
        size = _sizes(cells)
        given = sum(size.values()) / max(len(cells), 1)
        if len(size) > MOST_SEGMENTS:
            draft.notes.append(f"{column} has {len(size):,} values: too many for segments, so it is left out.")
        elif len(size) > 1 and given < GIVEN:
            note = f"{column} is given in {100 * given:.0f} % of the rows only: it may be known too late for a segment"
            draft.notes.append(f"{note}, so it is left out.")
        elif len(size) > 1:
            draft.segment = flow({"column": word(f"{table}{column}"), "empty": "unknown"})


def add_value(match: FormatMatch, profile: ColumnProfile, draft: HistoryDraft, table: str) -> None:
    """The value, in the most frequent currency."""
    value, currency = match.role("value"), match.role("currency")
    if not value or not profile.is_amount(value):
        return
    draft.value = word(f"{table}{value}")
    if currency and (size := _sizes(profile.text(currency))):
        draft.currency = next(iter(size)).upper()
        draft.value = flow({"column": word(f"{table}{value}"), "currency": word(f"{table}{currency}")})
        if len(size) > 1:
            currencies = ", ".join(f"{name} ({count:,})" for name, count in size.items())
            draft.notes.append(f"Values in several currencies: {currencies}; those in {draft.currency} count.")
    else:
        draft.currency = profile.currency(value)


def _sizes(cells: pl.Series) -> dict[str, int]:
    """Distinct values and how many rows have them, the most frequent first; nothing is not counted."""
    counts = cells.filter(cells != "").to_frame("value").group_by("value").len()
    return dict(counts.sort("len", "value", descending=[True, False]).iter_rows())
