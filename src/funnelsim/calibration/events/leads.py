"""The leads of a history, and which rows of each table are theirs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from funnelsim.calibration.history.model import EVENTS, HistoryFile, SourceColumn
from funnelsim.calibration.io.data_tables import Library, words
from funnelsim.calibration.io.files import LINE
from funnelsim.calibration.io.row_issues import RowIssues


@dataclass
class Leads:
    """The leads in their order, which numbers them from 0."""

    history: HistoryFile
    library: Library
    ids: pl.Series
    known: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.ids)

    def of_rows(self, table: str) -> np.ndarray:
        """By row of a table: the number of its lead; -1 for rows without one and, outside logs, for repeated ids."""
        if table not in self.known:
            ids = words(self.library.cells(_id_column(self.history, table)))
            lead = _matched(self.ids, ids)
            if table != EVENTS:
                lead[~ids.is_first_distinct().to_numpy()] = -1
            self.known[table] = lead
        return self.known[table]

    def first(self, column: SourceColumn) -> pl.Series:
        """A column's text by lead, the first that is given; "" where there is none."""
        table = self.library.table(column)
        lead = self.of_rows(table)
        if np.array_equal(lead, np.arange(len(self))):
            return self.library.words(column)
        frame = pl.DataFrame({"lead": lead, "cell": self.library.words(column)})
        given = frame.filter((pl.col("lead") >= 0) & (pl.col("cell") != ""))
        given = given.unique("lead", keep="first", maintain_order=True)
        texts = np.full(len(self), "", dtype=object)
        texts[given["lead"].to_numpy()] = given["cell"].to_numpy()
        return pl.Series(texts, dtype=pl.String)

    def lines(self) -> np.ndarray:
        """Where each lead is first written."""
        lead = self.of_rows(self.history.main)
        lines = np.zeros(len(self), np.int64)
        rows = np.flatnonzero(lead >= 0)[::-1]
        lines[lead[rows]] = self.library.sheets[self.history.main].frame[LINE].to_numpy()[rows]
        return lines


def read_leads(history: HistoryFile, library: Library, issues: RowIssues) -> Leads:
    """All leads: the cases of the log in order of name, or the rows of the first table in theirs."""
    table = history.main
    sheet = library.sheets[table]
    ids = words(library.cells(_id_column(history, table)))
    lines = sheet.frame[LINE].to_numpy()
    missing = (ids == "").to_numpy()
    if history.events:
        issues.add(sheet.file, "no case", lines[missing])
        return Leads(history, library, ids.filter(~missing).unique().sort())
    issues.add(sheet.file, "no id", lines[missing])
    again = ~ids.is_first_distinct().to_numpy()
    issues.add(sheet.file, "an id seen before (the first row counts)", lines[again & ~missing])
    leads = Leads(history, library, ids.filter(~again & ~missing))
    for name in history.tables:
        if name != table:
            _report_strangers(leads, name, issues)
    return leads


def _report_strangers(leads: Leads, table: str, issues: RowIssues) -> None:
    """Rows of a joined table that belong to nobody, or repeat what is known."""
    sheet = leads.library.sheets[table]
    ids = words(leads.library.cells(leads.history.tables[table].id))
    lead, again = _matched(leads.ids, ids), ~ids.is_first_distinct().to_numpy()
    lines = sheet.frame[LINE].to_numpy()
    issues.add(sheet.file, f"an id that is not in {leads.history.main}", lines[lead < 0])
    issues.add(sheet.file, "an id seen before (the first row counts)", lines[again & (lead >= 0)])


def _id_column(history: HistoryFile, table: str) -> SourceColumn:
    if table == EVENTS:
        assert history.events is not None
        return history.events.case
    return history.tables[table].id


def _matched(ids: pl.Series, wanted: pl.Series) -> np.ndarray:
    """Positions of the wanted among the ids, -1 where they are not."""
    known = pl.DataFrame({"id": ids, "lead": np.arange(len(ids))})
    frame = pl.DataFrame({"id": wanted}).join(known, on="id", how="left", maintain_order="left")
    return np.array(frame["lead"].fill_null(-1).to_numpy())
