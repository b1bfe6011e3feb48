"""Tables for the page: cells as people read them, beside the digits that they are sorted by."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnelsim.reporting.common.format import NOTHING, shown
from funnelsim.reporting.html.sections import said_of

if TYPE_CHECKING:
    import polars as pl

OPEN_ROWS = 25  # a longer table is folded
IN_UNIT = (
    "mean",
    "low",
    "high",
    "period_low",
    "period_high",
    "period_low",
    "period_high",
    "error",
    "standard error",
    "value",
    "difference",
)
EMPTY = ("key", "engine")  # columns for machines, left out where there are others


@dataclass(frozen=True)
class Cell:
    """What is read, and what is sorted by: the digits of the file, or nothing where the words themselves are."""

    text: str
    digits: str = ""


@dataclass(frozen=True)
class Page:
    """A table of the page."""

    caption: str
    headers: Sequence[str]
    numeric: Sequence[bool]  # columns flush right, sorted by number
    rows: Sequence[Sequence[Cell]]
    left_out: int = 0  # rows that are in the file alone
    file: str = ""

    @property
    def folded(self) -> bool:
        return len(self.rows) > OPEN_ROWS


def table_of(frame: pl.DataFrame, caption: str, file: str, units: Mapping[str, str], currency: str, most: int) -> Page:
    """A table as saved, at most `most` rows of it; values in the unit of their row or column."""
    columns = [name for name in frame.columns if name not in EMPTY or len(frame.columns) <= len(EMPTY)]
    numeric = [frame.schema[name].is_numeric() for name in columns]
    rows = [
        [_cell(row, name, number, units, currency) for name, number in zip(columns, numeric, strict=True)]
        for row in frame.head(most).iter_rows(named=True)
    ]
    return Page(caption, columns, numeric, rows, max(0, len(frame) - most), file)


def table_of_words(caption: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Page:
    """A table of texts."""
    return Page(caption, headers, [False] * len(headers), [[Cell(text) for text in row] for row in rows])


def _cell(row: Mapping[str, Any], name: str, numeric: bool, units: Mapping[str, str], currency: str) -> Cell:
    value = row[name]
    if value is None:
        return Cell(NOTHING if numeric else "")
    if not numeric or not math.isfinite(value):
        return Cell(str(value))
    unit = said_of(name, units) or (row.get("unit") if name in IN_UNIT else "") or ""
    return Cell(
        shown(float(value), str(unit), currency) if unit or isinstance(value, float) else f"{value:,}", repr(value)
    )
