"""A look at the columns of a table before anything is decided: which hold dates, in which order, up to when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from funnelsim.calibration.exports.alias_tables import alias_table
from funnelsim.calibration.history.model import SourceColumn
from funnelsim.calibration.io.files import OpenedFile, Unreadable
from funnelsim.calibration.io.money_parsing import amounts
from funnelsim.calibration.io.times import Instants, day_first, instants
from funnelsim.errors import Problem
from funnelsim.scenario.values import Place
from funnelsim.typing import FloatArray

SOME = 2000  # cells that are looked at to tell what a column holds
MOSTLY = 0.8
EARLIEST, LATEST = datetime(1990, 1, 1, tzinfo=UTC).timestamp(), datetime(2050, 1, 1, tzinfo=UTC).timestamp()
STRAY, GAP = 0.001, 60 * 86400.0  # so few times, so long after all others, are slips of the pen
MOST_SOURCES, MOST_SEGMENTS = 30, 12


class ColumnProfile:
    """The columns of one table, fetched when they are looked at."""

    def __init__(self, opened: OpenedFile, zone: str, dates: str) -> None:
        self.opened, self.zone = opened, zone
        self.day_first = None if not dates else dates == "day first"
        self.cells: dict[str, pl.Series] = {}
        self.read: dict[str, Instants] = {}
        self.keep: pl.Series | None = None

    def fetch(self, columns: Sequence[str]) -> None:
        """Load columns that are not there yet."""
        missing = sorted({column for column in columns if column and column not in self.cells})
        if missing:
            frame = self.opened.frame(missing)
            if frame.height == 0:
                raise Unreadable(Problem(self.opened.file, text="no rows below the header"))
            frame = frame.filter(self.keep) if self.keep is not None else frame
            self.cells |= {column: frame[column] for column in missing}

    def keep_rows(self, keep: pl.Series) -> None:
        """Look at some of the rows only."""
        self.cells = {name: cells.filter(keep) for name, cells in self.cells.items()}
        self.read = {}
        before = self.keep
        if before is None:
            self.keep = keep
        else:
            chosen = before.to_numpy().copy()
            chosen[chosen] = keep.to_numpy()
            self.keep = pl.Series(chosen)

    def text(self, column: str) -> pl.Series:
        """Stripped text, "" where there is nothing."""
        self.fetch([column])
        return self.cells[column].cast(pl.String).str.strip_chars().fill_null("")

    def date_columns(self, columns: Sequence[str]) -> list[str]:
        """Those that mostly hold times of these decades; settles the order of days and months."""
        self.fetch(columns)
        dated = [column for column in columns if self._holds_dates(column)]
        if self.day_first is None:
            shown = [self.text(column) for column in dated if self.cells[column].dtype == pl.String]
            self.day_first = day_first(pl.concat(shown)) if shown else None
        return dated

    def times(self, column: str) -> Instants:
        """The times of a column. Raises Unreadable when days and months could stand in either order."""
        if column not in self.read:
            self.fetch([column])
            times = instants(self.cells[column], self.column(column), self.zone)
            if times.undecided and self.day_first is None:
                raise Unreadable(self._undecided(column, times))
            self.read[column] = times
        return self.read[column]

    def column(self, name: str) -> SourceColumn:
        return SourceColumn("", name, Place(self.opened.file, 1, 1), day_first=self.day_first)

    def last_day(self, columns: Sequence[str], only: Mapping[str, pl.Series] | None = None) -> str:
        """The last day with anything in these columns; a few times long after all others are left out.

        `only`: the rows that count, of columns where not all do.
        """
        every = []
        for column in columns:
            seconds = self.times(column).seconds
            every.append(seconds[only[column].to_numpy()] if only and column in only else seconds)
        at = np.sort(np.concatenate(every)) if every else np.empty(0)
        at = at[np.isfinite(at)]
        if not len(at):
            raise Unreadable(Problem(self.opened.file, text="no time in any column that could be a stage"))
        few = max(int(STRAY * len(at)), 2)
        jump = np.flatnonzero(np.diff(at[-few - 1 :]) > GAP)
        last = at[-few - 1 :][jump[0]] if len(jump) and len(at) > 2 * few else at[-1]
        return datetime.fromtimestamp(float(last), ZoneInfo(self.zone)).strftime("%Y-%m-%d")

    def is_amount(self, column: str) -> bool:
        """Does a column mostly hold numbers above zero?"""
        cells = self.text(column)
        given = cells.filter(cells != "").head(SOME)
        value: FloatArray = amounts(given)
        return len(given) > 0 and bool((np.isfinite(value)).mean() > MOSTLY) and bool((value > 0).any())

    def currency(self, column: str) -> str:
        """The usual currency sign beside the amounts, as a code; "" when there is none."""
        known: dict[str, str] = alias_table("words")["currencies"]
        cells = self.text(column).head(SOME)
        counts = {code: int(cells.str.contains(sign, literal=True).sum()) for sign, code in known.items()}
        return max(counts, key=lambda code: counts[code]) if any(counts.values()) else ""

    def _holds_dates(self, column: str) -> bool:
        cells = self.cells[column]
        if cells.dtype.is_temporal():
            return cells.null_count() < len(cells)
        text = self.text(column)
        given = text.filter(text != "").head(SOME)
        if not len(given):
            return False
        seconds = [
            instants(given, SourceColumn("", column, Place("", 1, 1), day_first=order), "UTC").seconds
            for order in ([None] if self.day_first is None else []) + [True, False]
        ]
        good = max(float(((s > EARLIEST) & (s < LATEST)).mean()) for s in seconds)
        return good > MOSTLY

    def _undecided(self, column: str, times: Instants) -> Problem:
        text = self.text(column)
        cell = text.filter(pl.Series(times.bad))[0] if times.bad.any() else text[0]
        message = f"'{cell}' in {column}: which is the day and which the month? No date of this file tells"
        return Problem(self.opened.file, text=message, hint="say `--dates 'day first'` or `--dates 'month first'`")
