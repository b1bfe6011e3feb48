"""The history file: which files to read, which column is what, where history begins and ends.

Three forms. *One row a lead*: a table with a column for the entry into each stage, others joined to it by id.
*Event log*: a table of (case, activity, time); a stage names the activities that mark its entry.
*Counts*: a table of cohorts; a stage names the column that counts how many got there.
How it is read: `parser`. The data themselves are checked in `io.data_tables`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl

from funnelsim.errors import Problem
from funnelsim.scenario.values import Place

LOST = "lost"
UNKNOWN = "unknown"  # source or segment of an empty cell, unless said otherwise
EVENTS, WORK, PURCHASES, COUNTS = "events", "work", "purchases", "counts"  # names of the tables beside those of leads
INSIDE = " > "  # `attributes > New Value`: a key of the JSON text in a column


@dataclass(frozen=True)
class SourceColumn:
    """A column of a table, and how its times are to be read."""

    table: str  # "" = the only table that has such a column
    name: str
    place: Place
    timezone: str = ""  # of times without an offset; "" = the history's
    midnight_is_date: bool = False  # 00:00 local stands for "some time that day"
    format: str = ""  # strptime, when the times are of none of the usual forms
    inside: str = ""  # key of the JSON text that the cells hold
    day_first: bool | None = None  # 03/04/2026: 3 April or March 4; None = not said


@dataclass(frozen=True)
class RowCondition:
    """Rows count when the cell is one of these words, in whatever case."""

    column: SourceColumn
    words: tuple[tuple[str, Place], ...]


@dataclass(frozen=True)
class Origin:
    """Where a table comes from: a file, or a query to a database."""

    file: str  # name of the file, or of the query in messages
    place: Place
    separator: str = ","
    query: str = ""
    database: str = ""  # a SQLite file, or postgresql://...


@dataclass(frozen=True)
class LeadTable:
    """One row a lead."""

    name: str
    origin: Origin
    id: SourceColumn
    where: tuple[RowCondition, ...] = ()


@dataclass(frozen=True)
class EventTable:
    """One row an event."""

    origin: Origin
    case: SourceColumn
    activity: tuple[SourceColumn, ...]  # several are joined: `13 / Lead Status`
    time: SourceColumn
    where: tuple[RowCondition, ...] = ()
    empty: str = ""  # what an empty activity is called
    before: SourceColumn | None = (
        None  # what the activity was before this event: of the first of a case, where it began
    )


@dataclass(frozen=True)
class StageMark:
    """How the entry into a stage, or a loss, shows in the data."""

    place: Place
    entered: SourceColumn | None = None
    activities: tuple[str, ...] = ()
    words: tuple[Place, ...] = ()  # where the activities are written
    recorded_from: datetime | None = None
    takes: float | None = None  # seconds until those who enter here do so, where counts cannot tell


@dataclass(frozen=True)
class OutcomeColumn:
    """A column that says how a lead ended, and one that says when, or by when at the latest."""

    column: SourceColumn
    time: SourceColumn | None
    by: SourceColumn | None
    values: dict[str, str]  # value -> stage or lost
    words: dict[str, Place]  # where the values are written


@dataclass(frozen=True)
class Grouping:
    """Where a lead came from, or what it is; `empty` is what an empty cell means, `same` what is one group under two
    names."""

    column: SourceColumn
    empty: str = UNKNOWN
    aliases: dict[str, str] = field(default_factory=dict)  # name in the data -> name it goes by
    words: dict[str, Place] = field(default_factory=dict)  # where the names in the data are written

    def named(self, cells: pl.Series) -> pl.Series:
        """The names that the cells go by."""
        return cells.replace({"": self.empty, **self.aliases})


@dataclass(frozen=True)
class Amount:
    """What a lead is worth. Amounts in another currency than the history's are not used."""

    column: SourceColumn
    currency: SourceColumn | None = None
    decimal: str = ""  # "," or "."; "" = as the cells show


@dataclass(frozen=True)
class WorkLog:
    """One row a piece of work (`started`), or one row an event of it (`lifecycle`)."""

    origin: Origin
    where: tuple[RowCondition, ...]
    team: str
    case: SourceColumn | None
    kind: SourceColumn | None
    worker: SourceColumn | None
    nobody: tuple[str, ...]  # names that are no worker's
    rank: SourceColumn | None
    asked: tuple[SourceColumn, ...]  # the first that is there counts; likewise below
    started: tuple[SourceColumn, ...]
    ended: tuple[SourceColumn, ...]
    gave_up: tuple[SourceColumn, ...]
    lifecycle: SourceColumn | None
    words: tuple[tuple[str, ...], ...]  # by lifecycle word (asked, started, ended): what the column says
    time: SourceColumn | None
    date: SourceColumn | None  # the day of times that are clocks only
    date_of: SourceColumn | None  # the clock whose day it is; others long before it are of the next day
    never: tuple[str, ...]  # cells that mean: did not happen
    stages: dict[str, str]  # kind -> stage of the funnel it is done in
    place: Place

    @property
    def columns(self) -> list[SourceColumn]:
        """Every column it names, conditions left out."""
        single = (self.case, self.kind, self.worker, self.rank, self.lifecycle, self.time, self.date, self.date_of)
        several = (*self.asked, *self.started, *self.ended, *self.gave_up)
        return [column for column in (*single, *several) if column]


@dataclass(frozen=True)
class Purchases:
    """One row a purchase."""

    origin: Origin
    where: tuple[RowCondition, ...]
    customer: SourceColumn
    time: SourceColumn
    value: SourceColumn | None
    stage: str  # of the funnel, in which customers are; "" when there is no funnel

    @property
    def columns(self) -> list[SourceColumn]:
        return [column for column in (self.customer, self.time, self.value) if column]


@dataclass(frozen=True)
class ResponseSource:
    """How the effect of a late first touch is to be known."""

    stage: str
    method: str  # randomised, instrument or assumed
    preset: str  # of `assumed`
    by: SourceColumn | None  # the arm or the instrument; None: the queue at arrival
    asked: SourceColumn | None  # None: from the log of work, or the entry of the stage
    touched: SourceColumn | None  # None: from the log of work
    known: tuple[SourceColumn, ...]  # known before the lot was drawn
    within: float  # seconds after the touch by which a lead has gone on, or not
    place: Place

    @property
    def columns(self) -> list[SourceColumn]:
        return [column for column in (self.by, self.asked, self.touched, *self.known) if column]


@dataclass(frozen=True)
class CohortCounts:
    """One row a cohort, or one a cohort and an elapsed period; `stages` name the columns of the counts."""

    origin: Origin
    where: tuple[RowCondition, ...]
    period: SourceColumn  # when the cohort entered
    each: str  # day, week or month
    elapsed: SourceColumn | None  # how many periods after it; None: totals as of the date
    counts_per_period: bool  # counts are of the elapsed period alone, not up to then
    per_lead_clock: bool  # elapsed periods count from each lead's own entry
    year: int  # of the first row, where dates have none; 0: they have

    @property
    def columns(self) -> list[SourceColumn]:
        return [column for column in (self.period, self.elapsed) if column]


@dataclass(frozen=True)
class Covariate:
    """A number known of a lead when it arrives."""

    name: str
    column: SourceColumn
    log: bool  # its logarithm counts, as of amounts


@dataclass
class HistoryFile:
    """A history file, understood. Fields that could not be understood stay at their defaults."""

    file: str
    name: str = ""
    about: str = ""
    data: str = ""  # folder of the data files, relative to the history file
    timezone: str = "UTC"
    currency: str = "EUR"
    as_of: datetime | None = None  # the first instant that is no longer in the data
    as_of_text: str = ""
    observed_from: datetime | None = None
    changes: tuple[datetime, ...] = ()
    tables: dict[str, LeadTable] = field(default_factory=dict)
    events: EventTable | None = None
    source: Grouping | None = None
    segment: Grouping | None = None
    value: Amount | None = None
    outcome: OutcomeColumn | None = None
    stages: dict[str, StageMark] = field(default_factory=dict)
    lost: StageMark | None = None
    work: WorkLog | None = None
    purchases: Purchases | None = None
    response: ResponseSource | None = None
    counts: CohortCounts | None = None
    covariates: tuple[Covariate, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    place: Place | None = None

    @property
    def origins(self) -> dict[str, Origin]:
        """Where each table comes from, by its name."""
        leads = {name: table.origin for name, table in self.tables.items()}
        return leads | {name: part.origin for name, part in self._parts.items()}

    @property
    def conditions(self) -> dict[str, tuple[RowCondition, ...]]:
        """Which rows of each table count."""
        leads = {name: table.where for name, table in self.tables.items()}
        return leads | {name: part.where for name, part in self._parts.items()}

    @property
    def _parts(self) -> dict[str, EventTable | WorkLog | Purchases | CohortCounts]:
        """The tables that are no list of leads, by name."""
        parts = {EVENTS: self.events, WORK: self.work, PURCHASES: self.purchases, COUNTS: self.counts}
        return {name: part for name, part in parts.items() if part is not None}

    @property
    def main(self) -> str:
        """The table that lists the leads."""
        return EVENTS if self.events else next(iter(self.tables))

    @property
    def marks(self) -> list[StageMark]:
        """Of the stages in order, then of the loss."""
        return [*self.stages.values(), *([self.lost] if self.lost else [])]

    def path(self, file: str, data_dir: str | Path | None) -> Path:
        """Where a data file lies: in `data_dir` when given, else in `data`, else beside the history file."""
        if Path(file).is_absolute():
            return Path(file)
        return Path(data_dir) / file if data_dir else Path(self.file).parent / self.data / file
