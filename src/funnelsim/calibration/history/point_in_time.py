"""A history as it was known at an earlier instant: the tables as they stood then, as far as tables can tell.

    rows of an event log, of a log of work      those later are gone
    times of stages, losses, outcomes           those later are blank; an outcome is known only once its time has come,
                                                and one without a time is never known in the past
    leads                                       who shows no time yet is not there
    the worth of a lead                         known from the win on, whatever the table says earlier: an amount may
                                                have been written, or corrected, with the win
    `changes`, `observed_from`                  those later are not known of

So nothing that is written later can reach a fit. What tables cannot tell is when a cell was overwritten: a source, a
segment or a status that was changed afterwards shows as it is today, and so do the rows that `where` picks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from funnelsim.calibration.history.model import EVENTS, LOST, WORK, HistoryFile, SourceColumn
from funnelsim.calibration.io.data_tables import Library, Sheet, words
from funnelsim.calibration.io.files import LINE
from funnelsim.calibration.io.times import instants
from funnelsim.typing import FloatArray


def as_of(history: HistoryFile, library: Library, at: datetime) -> tuple[HistoryFile, Library]:
    """The history file and the tables as they stood at an instant, which becomes the first that is not in the data.

    Purchases and what is known of response are left out: they are no part of a forecast of the funnel.
    """
    end = at - timedelta(days=1) if at.hour == at.minute == 0 else at
    then = replace(
        history,
        as_of=at,
        as_of_text=f"{end:%Y-%m-%d}" if end is not at else f"{at:%Y-%m-%d %H:%M}",
        changes=tuple(change for change in history.changes if change < at),
        observed_from=history.observed_from if history.observed_from and history.observed_from < at else None,
        purchases=None,
        response=None,
        problems=[],
    )
    tables = _TableCutter(then, library, at.timestamp())
    return then, Library(tables.cut(), library.home)


class _TableCutter:
    """The tables, cut one after the other."""

    def __init__(self, history: HistoryFile, library: Library, at: float) -> None:
        self.history, self.at = history, at
        self.home = library.home
        self.sheets = {name: sheet for name, sheet in library.sheets.items() if name in history.origins}
        self.there: list[pl.Series] = []  # ids of leads that show a time
        self.won: list[pl.Series] = []

    def cut(self) -> dict[str, Sheet]:
        if self.history.events:
            self.events()
        else:
            self.marks()
            self.outcomes()
        if self.history.work:
            self.work()
        there = _union(self.there)
        for table in self.history.tables:
            self.keep(table, self.ids(table).is_in(there.implode()).to_numpy())
        self.values()
        return {name: _with_hash(sheet) for name, sheet in self.sheets.items()}

    def events(self) -> None:
        events, last = self.history.events, list(self.history.stages.values())[-1]
        assert events is not None
        self.keep(EVENTS, self.seconds(events.time) < self.at)
        cases = self.ids(EVENTS)
        self.there.append(cases)
        self.won.append(cases.filter(self.library.activities(self.history).is_in(list(last.activities))))

    def marks(self) -> None:
        """Cells of entries and losses; what comes later is blank."""
        last = list(self.history.stages)[-1]
        for name, mark in [*self.history.stages.items(), (LOST, self.history.lost)]:
            if mark is None or mark.entered is None:
                continue
            table, seconds = self.library.table(mark.entered), self.seconds(mark.entered)
            happened = pl.Series(seconds < self.at)
            self.there.append(self.ids(table).filter(happened))
            if name == last:
                self.won.append(self.ids(table).filter(happened))
            self.blank(mark.entered, seconds >= self.at)

    def outcomes(self) -> None:
        outcome = self.history.outcome
        if outcome is None:
            return
        table, when = self.library.table(outcome.column), outcome.time or outcome.by
        known = self.at_rows(when, table) < self.at if when else np.zeros(self.sheets[table].rows, bool)
        winning = [value for value, to in outcome.values.items() if to == list(self.history.stages)[-1]]
        ended = self.library.words(outcome.column).is_in(list(outcome.values)).to_numpy() & known
        won = self.library.words(outcome.column).is_in(winning).to_numpy() & known
        self.there.append(self.ids(table).filter(pl.Series(ended)))
        self.won.append(self.ids(table).filter(pl.Series(won)))
        self.blank(outcome.column, ~known)
        if when:
            self.blank(when, self.seconds(when) >= self.at)

    def work(self) -> None:
        """Events of a log of work; rows with several clocks are cut where they are read."""
        log = self.history.work
        assert log is not None
        if log.lifecycle and log.time:
            self.keep(WORK, self.seconds(log.time) < self.at)

    def values(self) -> None:
        if self.history.value is None:
            return
        column = self.history.value.column
        ids = self.ids(self.library.table(column))
        self.blank(column, ~ids.is_in(_union(self.won).implode()).to_numpy())

    # ---- pieces

    @property
    def library(self) -> Library:
        return Library(self.sheets, self.home)

    def ids(self, table: str) -> pl.Series:
        """Of the lead of each row."""
        events = self.history.events
        column = events.case if table == EVENTS and events else self.history.tables[table].id
        return words(self.library.cells(column))

    def seconds(self, column: SourceColumn) -> FloatArray:
        """By row; nan where there is no time, which is never before or after anything."""
        return instants(self.library.cells(column), column, self.history.timezone).seconds

    def at_rows(self, column: SourceColumn, table: str) -> FloatArray:
        """The same by row of another table."""
        home = self.library.table(column)
        if home == table:
            return self.seconds(column)
        known = pl.DataFrame({"id": self.ids(home), "at": self.seconds(column)}).unique("id", keep="first")
        joined = pl.DataFrame({"id": self.ids(table)}).join(known, on="id", how="left", maintain_order="left")
        return np.array(joined["at"].fill_null(np.nan).to_numpy())

    def keep(self, table: str, rows: np.ndarray) -> None:
        sheet = self.sheets[table]
        self.sheets[table] = replace(sheet, frame=sheet.frame.filter(pl.Series(rows)))

    def blank(self, column: SourceColumn, rows: np.ndarray) -> None:
        sheet = self.sheets[self.library.table(column)]
        emptied = pl.when(pl.Series(rows)).then(None).otherwise(pl.col(column.name)).alias(column.name)
        self.sheets[sheet.table] = replace(sheet, frame=sheet.frame.with_columns(emptied))


def _union(ids: Iterable[pl.Series]) -> pl.Series:
    parts = [part.cast(pl.String) for part in ids]
    return pl.concat(parts).unique().sort() if parts else pl.Series([], dtype=pl.String)


def _with_hash(sheet: Sheet) -> Sheet:
    """The hash is of what was known, wherever it stands in the file."""
    text = sheet.frame.drop(LINE).write_csv()
    return replace(sheet, sha256=hashlib.sha256(text.encode()).hexdigest())
