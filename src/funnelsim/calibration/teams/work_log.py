"""From the rows of a log of work to pieces: times put together, what cannot be true left out and counted.

A clock without a date is taken with the date of its row. It belongs to the next day when it lies more than half a day
before the clock that the date is of (`date: {column: date, of: entry}`): the caller of 23:59 was answered at 0:02.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from funnelsim.calibration.history.model import WORK, HistoryFile, SourceColumn, WorkLog
from funnelsim.calibration.io.data_tables import Library, Sheet
from funnelsim.calibration.io.files import LINE
from funnelsim.calibration.io.row_issues import RowIssues
from funnelsim.calibration.io.times import instants
from funnelsim.calibration.teams.work_items import NOBODY, WorkItems, asked_by_previous_item, pair_events
from funnelsim.typing import FloatArray

DAY = 86400.0


def read_work_items(history: HistoryFile, library: Library, issues: RowIssues) -> tuple[WorkItems, float]:
    """The pieces of work that the log tells of up to the as-of instant, and to how many seconds its times are known."""
    assert history.work is not None and history.as_of is not None
    rows = _Rows(history.work, history.timezone, history.as_of.timestamp(), library, issues)
    pieces = rows.from_events() if history.work.lifecycle else rows.from_rows()
    if not np.isfinite(pieces.asked).any():
        pieces = asked_by_previous_item(pieces)
    return pieces, rows.rounding


class _Rows:
    """The cells of one log."""

    def __init__(self, log: WorkLog, zone: str, as_of: float, library: Library, issues: RowIssues) -> None:
        self.log, self.zone, self.as_of, self.library, self.issues = log, zone, as_of, library, issues
        self.sheet: Sheet = library.sheets[WORK]
        self.rounding = 0.0

    def from_rows(self) -> WorkItems:
        """One row a piece."""
        log = self.log
        asked, started = self._first(log.asked), self._first(log.started)
        ended, gave_up = self._first(log.ended), self._first(log.gave_up)
        neither = np.isnan(asked) & np.isnan(started)
        self._tell("neither asked for nor begun", neither)
        late = np.fmin(asked, started) >= self.as_of
        self._tell("a time after the as-of date (taken as not yet happened)", late, dropped=False)
        items = self._pieces(asked, started, ended, gave_up)
        return items.where(~neither & ~late)

    def from_events(self) -> WorkItems:
        """One row an event: asked for, started, ended."""
        log = self.log
        assert log.lifecycle and log.time and log.case and log.kind
        cells = self.library.words(log.lifecycle)
        of_word = {word.lower(): number for number, words in enumerate(log.words) for word in words}
        word = cells.str.to_lowercase().replace_strict(of_word, default=-1, return_dtype=pl.Int64).to_numpy()
        time = self._times(log.time)
        self._tell("a lifecycle that is neither asked, started nor ended", word < 0)
        used = np.flatnonzero((word >= 0) & np.isfinite(time) & (time < self.as_of))
        kinds, cases = self._codes(log.kind)[1], self._codes(log.case)[1]
        pairs = pair_events(cases[used], kinds[used], word[used], time[used])
        self._tell("a start without an end", self._mask(used[pairs.without_end]), dropped=False)
        self._tell("an end without a start", self._mask(used[pairs.without_start]))
        start, end, ask = (np.where(rows >= 0, used[rows], -1) for rows in (pairs.start, pairs.end, pairs.asked))

        def at(rows: np.ndarray) -> FloatArray:
            return np.where(rows >= 0, time[rows], np.nan)

        nothing = np.full(self.sheet.rows, np.nan)
        items = self._pieces(nothing, nothing, nothing, nothing).where(start)
        worker = np.where((items.worker == NOBODY) & (end >= 0), self._workers()[1][end], items.worker)
        return replace(items, worker=worker, asked=at(ask), started=at(start), ended=at(end))

    def _pieces(self, asked: FloatArray, started: FloatArray, ended: FloatArray, gave_up: FloatArray) -> WorkItems:
        started = np.where(started < self.as_of, started, np.nan)
        back = ended < started
        self._tell("work that ends before it begins (its length is not used)", back, dropped=False)
        early = started < asked
        self._tell("begun before it was asked for (taken as asked for then)", early, dropped=False)
        kinds, kind = self._kinds()
        workers, worker = self._workers()
        rank = self.library.cells(self.log.rank).cast(pl.Float64, strict=False) if self.log.rank else None
        cases, case = self._codes(self.log.case) if self.log.case else ((), np.arange(len(asked)))
        return WorkItems(
            cases,
            kinds,
            workers,
            case,
            kind,
            worker,
            np.where(early, started, asked),
            started,
            np.where(back | (ended >= self.as_of), np.nan, ended),
            np.where(np.isnan(started) & (gave_up < self.as_of), gave_up, np.nan),
            np.full(len(asked), np.nan) if rank is None else np.array(rank.fill_null(np.nan).to_numpy()),
            self.as_of,
        )

    def _first(self, columns: tuple[SourceColumn, ...]) -> FloatArray:
        """Row by row the first of these times that is there."""
        first = np.full(self.sheet.rows, np.nan)
        for column in columns:
            times = self._times(column)
            first = np.where(np.isnan(first), times, first)
        return first

    def _times(self, column: SourceColumn) -> FloatArray:
        cells = self.library.words(column)
        cells = cells.replace(list(self.log.never), [""] * len(self.log.never))
        if self.log.date is not None:
            dated = pl.DataFrame({"day": self.library.words(self.log.date), "clock": cells})
            text = pl.when(pl.col("clock") != "").then(pl.format("{} {}", "day", "clock")).otherwise(pl.lit(""))
            cells = dated.select(text).to_series()
        read = instants(cells, column, self.zone)
        self._tell(f"a time that cannot be read in {column.name}", read.bad)
        if np.isfinite(read.rounding).any():
            self.rounding = max(self.rounding, float(np.nanmedian(read.rounding)))
        seconds = read.seconds
        if self.log.date_of is not None and column is not self.log.date_of:
            entry = self._times(self.log.date_of)
            seconds = np.where(entry - seconds > DAY / 2, seconds + DAY, seconds)
        return seconds

    def _kinds(self) -> tuple[tuple[str, ...], np.ndarray]:
        """Kinds of work, under the name of the stage in which they are done where that is said."""
        if self.log.kind is None:
            return ("work",), np.zeros(self.sheet.rows, np.int64)
        names, _ = self._codes(self.log.kind)
        words = self.library.words(self.log.kind).replace(self.log.stages)
        known = [name for name in dict.fromkeys(self.log.stages.get(name, name) for name in names) if name]
        number = {name: i for i, name in enumerate(known or ["work"])}
        return tuple(number), words.replace_strict(number, default=0, return_dtype=pl.Int64).to_numpy()

    def _workers(self) -> tuple[tuple[str, ...], np.ndarray]:
        if self.log.worker is None:
            return (), np.full(self.sheet.rows, NOBODY)
        names, number = self._codes(self.log.worker)
        missing = np.array([name == "" or name in self.log.nobody for name in names], bool)
        return names, np.where(missing[number], NOBODY, number)

    def _codes(self, column: SourceColumn) -> tuple[tuple[str, ...], np.ndarray]:
        names, number = np.unique(self.library.words(column).to_numpy().astype(str), return_inverse=True)
        return tuple(names.tolist()), number

    def _mask(self, rows: np.ndarray) -> np.ndarray:
        mask = np.zeros(self.sheet.rows, bool)
        mask[rows] = True
        return mask

    def _tell(self, reason: str, which: np.ndarray, dropped: bool = True) -> None:
        self.issues.add(self.sheet.file, reason, self.sheet.frame[LINE].to_numpy()[which], dropped)
