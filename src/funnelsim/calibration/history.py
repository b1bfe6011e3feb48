"""The history file: which files to read, which column is what, where history begins and ends.

Two forms. *One row a lead*: a table with a column for the entry into each stage, others joined to it by id.
*Event log*: a table of (case, activity, time); a stage names the activities that mark its entry.
Everything wrong with the file is found in one go, with its place. The data themselves are checked in `reading`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from funnelsim.errors import Problem, ScenarioError, did_you_mean
from funnelsim.scenario.text import Node, problem_at, read
from funnelsim.scenario.values import Place

KEYS = (
    "name",
    "about",
    "data",
    "as_of",
    "timezone",
    "currency",
    "tables",
    "events",
    "source",
    "value",
    "outcome",
    "observed_from",
    "changes",
    "stages",
    "lost",
)
TABLE_KEYS = ("file", "id", "separator")
EVENT_KEYS = ("file", "case", "activity", "time", "timezone", "midnight", "format", "separator")
TIME_KEYS = ("timezone", "midnight", "format")
MARK_KEYS = ("entered", *TIME_KEYS, "activity", "recorded_from")
OUTCOME_KEYS = ("column", "time", *TIME_KEYS, "values")
LOST = "lost"


@dataclass(frozen=True)
class Column:
    """A column of a table, and how its times are to be read."""

    table: str  # "" = the only table that has such a column
    name: str
    place: Place
    timezone: str = ""  # of times without an offset; "" = the history's
    midnight_is_date: bool = False  # 00:00 local stands for "some time that day"
    format: str = ""  # strptime, when the times are not ISO 8601 or epoch numbers


@dataclass(frozen=True)
class Table:
    """A file with one row a lead."""

    name: str
    file: str
    id: Column
    place: Place
    separator: str = ","


@dataclass(frozen=True)
class Events:
    """A file with one row an event."""

    file: str
    case: Column
    activity: Column
    time: Column
    place: Place
    separator: str = ","


@dataclass(frozen=True)
class Mark:
    """How the entry into a stage, or a loss, shows in the data."""

    place: Place
    entered: Column | None = None
    activities: tuple[str, ...] = ()
    words: tuple[Place, ...] = ()  # where the activities are written
    recorded_from: datetime | None = None


@dataclass(frozen=True)
class Outcome:
    """A column that says how a lead ended, and one that says when."""

    column: Column
    time: Column
    values: dict[str, str]  # value -> stage or lost
    words: dict[str, Place]  # where the values are written


@dataclass(frozen=True)
class Source:
    """Where a lead came from; `empty` is what an empty cell means."""

    column: Column
    empty: str = "unknown"


@dataclass
class History:
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
    tables: dict[str, Table] = field(default_factory=dict)
    events: Events | None = None
    source: Source | None = None
    value: Column | None = None
    outcome: Outcome | None = None
    stages: dict[str, Mark] = field(default_factory=dict)
    lost: Mark | None = None
    problems: list[Problem] = field(default_factory=list)
    place: Place | None = None

    def path(self, file: str, data_dir: str | Path | None) -> Path:
        """Where a data file lies: in `data_dir` when given, else in `data`, else beside the history file."""
        if Path(file).is_absolute():
            return Path(file)
        return Path(data_dir) / file if data_dir else Path(self.file).parent / self.data / file


def read_history(path: str | Path) -> History:
    """The history file with every problem found in it; the caller adds those of the data and raises."""
    try:
        root = read(str(path))
    except ScenarioError as error:
        return History(str(path), problems=error.problems)
    return _Reader(str(path)).history(root)


class _Reader:
    """Takes the tree apart and writes down what is wrong."""

    def __init__(self, file: str) -> None:
        self.found = History(file)
        self.asked_events = False

    def history(self, root: Node) -> History:
        found, keys = self.found, self.mapping(root, "a history file", KEYS)
        self.asked_events = "events" in keys
        found.place = root.place
        found.name = self.word(keys.get("name")) or Path(found.file).name.split(".")[0]
        found.about, found.data = self.word(keys.get("about")), self.word(keys.get("data"))
        found.currency = self.word(keys.get("currency")) or "EUR"
        found.timezone = self.zone(keys.get("timezone")) or "UTC"
        self.dates(keys, root)
        for name, node in self.mapping(keys.get("tables"), "tables").items():
            self.table(name, node)
        self.events(keys.get("events"))
        if not found.tables and found.events is None and not self.found.problems:
            self.report(root, "nothing to read", "give `tables: {leads: {file: leads.csv, id: id}}` or `events: ...`")
        self.stages(keys, root)
        self.source(keys.get("source"))
        found.value = self.column(keys.get("value"))
        self.outcome(keys.get("outcome"))
        self.marks_have_a_sign()
        return found

    def dates(self, keys: dict[str, Node], root: Node) -> None:
        found = self.found
        if "as_of" not in keys:
            hint = "the last day in the data: it says how long the open leads have been open"
            self.report(root, "no `as_of`", hint)
        found.as_of = self.instant(keys.get("as_of"), end=True)
        found.as_of_text = str(keys["as_of"].value) if "as_of" in keys else ""
        found.observed_from = self.before_end(keys.get("observed_from"))
        changes = keys.get("changes")
        nodes = changes.value if changes and isinstance(changes.value, list) else [changes] if changes else []
        found.changes = tuple(sorted(filter(None, (self.before_end(node) for node in nodes))))

    def table(self, name: str, node: Node) -> None:
        keys = self.mapping(node, f"tables.{name}", TABLE_KEYS)
        if not self.needs(node, keys, f"tables.{name}", "file", "id"):
            return
        id_ = self.column(keys["id"], table=name)
        if id_:
            self.found.tables[name] = Table(
                name, self.word(keys["file"]), id_, keys["file"].place, self.separator(keys.get("separator"))
            )

    def events(self, node: Node | None) -> None:
        if node is None:
            return
        keys = self.mapping(node, "events", EVENT_KEYS)
        if not self.needs(node, keys, "events", "file", "case", "activity", "time"):
            return
        columns = [self.column(keys[key], table="events") for key in ("case", "activity", "time")]
        case, activity, when = columns
        if case and activity and when:
            when = self.timed(when, keys)
            self.found.events = Events(
                self.word(keys["file"]), case, activity, when, keys["file"].place, self.separator(keys.get("separator"))
            )

    def stages(self, keys: dict[str, Node], root: Node) -> None:
        stages = self.mapping(keys.get("stages"), "stages")
        if "stages" not in keys:
            self.report(
                root,
                "no `stages`",
                "name them in order, such as `stages: {lead: leads.created, customer: leads.won_on}`",
            )
        elif len(stages) < 2:
            self.report(keys["stages"], "a funnel needs at least two stages", "the last one may be the customer")
        for name, node in stages.items():
            if name in (LOST, "silent", "won", "rest"):
                self.report(
                    node,
                    f"a stage cannot be called '{name}'",
                    "`lost:` stands beside `stages:`" if name == LOST else "the word has a meaning of its own",
                )
            self.found.stages[name] = self.mark(node, f"stages.{name}")
        if "lost" in keys:
            self.found.lost = self.mark(keys["lost"], "lost")

    def mark(self, node: Node, where: str) -> Mark:
        if not isinstance(node.value, dict):
            return Mark(node.at, self.column(node))
        keys = self.mapping(node, where, MARK_KEYS)
        entered = self.column(keys.get("entered"))
        activity = keys.get("activity")
        activities: tuple[str, ...] = ()
        words: tuple[Place, ...] = ()
        if activity is not None:
            nodes = activity.value if isinstance(activity.value, list) else [activity]
            activities, words = tuple(self.word(child) for child in nodes), tuple(child.place for child in nodes)
            if self.found.events is None and not self.asked_events:
                self.report(activity, "`activity` needs an event log", "say `events: {file: ..., case: ..., ...}`")
        if entered and activities:
            self.report(node, f"{where} has both `entered` and `activity`", "a column, or activities")
        return Mark(
            node.at,
            self.timed(entered, keys) if entered else None,
            activities,
            words,
            self.before_end(keys.get("recorded_from")),
        )

    def source(self, node: Node | None) -> None:
        if node is None:
            return
        if not isinstance(node.value, dict):
            column, empty = self.column(node), ""
        else:
            keys = self.mapping(node, "source", ("column", "empty"))
            if not self.needs(node, keys, "source", "column"):
                return
            column, empty = self.column(keys["column"]), self.word(keys.get("empty"))
        if column:
            self.found.source = Source(column, empty or "unknown")

    def outcome(self, node: Node | None) -> None:
        if node is None:
            return
        keys = self.mapping(node, "outcome", OUTCOME_KEYS)
        if not self.needs(node, keys, "outcome", "column", "time", "values"):
            return
        column, when = self.column(keys["column"]), self.column(keys["time"])
        values, words = {}, {}
        for value, target in self.mapping(keys["values"], "outcome.values").items():
            name = self.word(target)
            if name != LOST and name not in self.found.stages:
                self.report(
                    target,
                    f"'{name}' is not a stage",
                    did_you_mean(name, [*self.found.stages, LOST])
                    or f"stages: {', '.join(self.found.stages)}, or {LOST}",
                )
            values[value], words[value] = name, target.at
        if column and when:
            self.found.outcome = Outcome(column, self.timed(when, keys), values, words)

    def marks_have_a_sign(self) -> None:
        """Every stage must show somewhere: in a column, an activity or an outcome."""
        told = set(self.found.outcome.values.values()) if self.found.outcome else set()
        for name, mark in self.found.stages.items():
            if mark.entered is None and not mark.activities and name not in told and not self.at_place(mark.place):
                example = "activity: NAME" if self.found.events else "entered: TABLE.COLUMN"
                self.report_at(mark.place, f"nothing says when a lead enters '{name}'", f"`{name}: {{{example}}}`")

    # ---- pieces

    def mapping(self, node: Node | None, where: str, allowed: tuple[str, ...] = ()) -> dict[str, Node]:
        if node is None:
            return {}
        if not isinstance(node.value, dict):
            self.report(node, f"{where} must hold keys and values", f"it holds {_shown(node.value)}")
            return {}
        for key, child in node.value.items():
            if allowed and key not in allowed:
                near = did_you_mean(key, allowed)
                known = f"allowed: {', '.join(allowed)}"
                self.report(child, f"unknown key '{key}' in {where}", f"{near}  {known}".strip())
        return {key: child for key, child in node.value.items() if not allowed or key in allowed}

    def needs(self, node: Node, keys: dict[str, Node], where: str, *needed: str) -> bool:
        missing = [key for key in needed if key not in keys]
        if missing and isinstance(node.value, dict):
            self.report(node, f"{where} does not say its {' and '.join(f'`{key}`' for key in missing)}")
        return not missing

    def word(self, node: Node | None) -> str:
        if node is None:
            return ""
        if node.value is None or isinstance(node.value, dict | list):
            self.report(node, "a word is expected here", f"it holds {_shown(node.value)}")
            return ""
        return str(node.value).strip()

    def column(self, node: Node | None, table: str = "") -> Column | None:
        name = self.word(node)
        if node is None or not name:
            return None
        first, dot, rest = name.partition(".")
        if not table and dot and (first in self.found.tables or first == "events"):
            return Column(first, rest, node.place)
        if not table and dot and self.found.tables and not self.at_place(node.place):
            near = did_you_mean(first, self.found.tables)
            if near:
                self.report(node, f"no table is called '{first}'", near)
        return Column(table, name, node.place)

    def timed(self, column: Column, keys: dict[str, Node]) -> Column:
        midnight = self.word(keys.get("midnight"))
        if midnight not in ("", "date", "time"):
            self.report(
                keys["midnight"],
                f"`midnight: {midnight}` means nothing",
                "`date`: 00:00 stands for some time that day; `time`: it is really midnight",
            )
        return Column(
            column.table,
            column.name,
            column.place,
            self.zone(keys.get("timezone")),
            midnight == "date",
            self.word(keys.get("format")),
        )

    def zone(self, node: Node | None) -> str:
        name = self.word(node)
        if node is not None and name and name not in available_timezones():
            self.report(
                node,
                f"no time zone is called '{name}'",
                did_you_mean(name, available_timezones()) or "names are like Europe/Berlin or UTC",
            )
            return ""
        return name

    def separator(self, node: Node | None) -> str:
        mark = str(node.value) if node is not None else ","
        mark = {"tab": "\t", "\\t": "\t"}.get(mark, mark)
        if node is not None and len(mark) != 1:
            self.report(node, "a separator is one character", "or `tab`")
            return ","
        return mark

    def instant(self, node: Node | None, end: bool = False) -> datetime | None:
        """A date (its beginning, or with `end` its end) or an instant, in the history's time zone."""
        text = self.word(node)
        if node is None or not text:
            return None
        zone = ZoneInfo(self.found.timezone)
        try:
            if len(text) == 10:
                day = date.fromisoformat(text)
                return datetime.combine(day + timedelta(days=int(end)), time(), zone)
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            reason = "" if "format" in str(error) or "Invalid" in str(error) else f": {error}"
            self.report(node, f"'{text}' is not a date{reason}", "write 2018-03-31, or 2018-03-31 18:00")
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)

    def before_end(self, node: Node | None) -> datetime | None:
        moment = self.instant(node)
        if moment and self.found.as_of and moment >= self.found.as_of and node:
            self.report(node, f"{node.value} is not before the as-of date {self.found.as_of_text}")
            return None
        return moment

    def report(self, node: Node, text: str, hint: str = "") -> None:
        self.report_at(node.at if "unknown key" in text else node.place, text, hint)

    def report_at(self, place: Place, text: str, hint: str = "") -> None:
        self.found.problems.append(problem_at(place, text, hint))

    def at_place(self, place: Place) -> bool:
        """Is something on this line reported already?"""
        return any(problem.line == place.line for problem in self.found.problems)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else f"'{value}'"
