"""Reading a history file: everything wrong with it is found in one go, with its place. What it holds: `model`."""

from __future__ import annotations

from pathlib import Path

from funnelsim.calibration.history.column_reader import TAKEN, ColumnReader
from funnelsim.calibration.history.model import (
    COUNTS,
    EVENTS,
    LOST,
    PURCHASES,
    UNKNOWN,
    WORK,
    Amount,
    EventTable,
    Grouping,
    HistoryFile,
    LeadTable,
    OutcomeColumn,
    StageMark,
)
from funnelsim.calibration.history.section_readers import (
    COVARIATES,
    RESPONSE,
    read_counts,
    read_covariates,
    read_purchases,
    read_response,
    read_work,
)
from funnelsim.errors import ScenarioError, did_you_mean
from funnelsim.scenario.yaml_nodes import Node, read

KEYS = (
    "name",
    "about",
    "data",
    "as_of",
    "timezone",
    "dates",
    "currency",
    "tables",
    "events",
    "source",
    "segment",
    "value",
    "outcome",
    "observed_from",
    "changes",
    "stages",
    "lost",
    WORK,
    PURCHASES,
    RESPONSE,
    COUNTS,
    COVARIATES,
)
FILE_KEYS = ("file", "query", "database", "separator")
TABLE_KEYS = (*FILE_KEYS, "id", "where")
TIME_KEYS = ("timezone", "midnight", "format", "dates")
EVENT_KEYS = (*FILE_KEYS, "case", "activity", "time", *TIME_KEYS, "where", "empty", "before")
MARK_KEYS = ("entered", *TIME_KEYS, "activity", "recorded_from", "takes")
OUTCOME_KEYS = ("column", "time", "by", *TIME_KEYS, "values")
VALUE_KEYS = ("column", "currency", "decimal")
NOT_OF_COUNTS = (
    *("tables", EVENTS, "segment", "value", "outcome", COVARIATES, LOST),
    *("changes", "observed_from", WORK, PURCHASES),
)


def read_history(path: str | Path) -> HistoryFile:
    """The history file with every problem found in it; the caller adds those of the data and raises."""
    try:
        root = read(str(path))
    except ScenarioError as error:
        return HistoryFile(str(path), problems=error.problems)
    return HistoryReader(str(path)).read(root)


class HistoryReader(ColumnReader):
    """Takes the tree apart and writes down what is wrong."""

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self.asked_events = False

    def read(self, root: Node) -> HistoryFile:
        history, keys = self.history, self.mapping(root, "a history file", KEYS)
        self.asked_events = EVENTS in keys
        history.place = root.place
        history.name = self.word(keys.get("name")) or Path(history.file).name.split(".")[0]
        history.about, history.data = self.word(keys.get("about")), self.word(keys.get("data"))
        history.currency = self.word(keys.get("currency")) or "EUR"
        history.timezone = self.zone(keys.get("timezone")) or "UTC"
        self.day_first = self.order_of_dates(keys)
        self.span(keys, root)
        for name, node in self.mapping(keys.get("tables"), "tables").items():
            self.table(name, node)
        self.events(keys.get(EVENTS))
        beside = [key for key in (WORK, PURCHASES) if key in keys]
        history.counts = read_counts(self, keys.get(COUNTS))
        history.covariates = read_covariates(self, keys.get(COVARIATES))
        if not history.origins and not beside and not self.problems:
            self.report(root, "nothing to read", "give `tables: {leads: {file: leads.csv, id: id}}` or `events: ...`")
        if "stages" in keys or history.origins or not beside:
            self.stages(keys, root)
        history.source = self.grouping(keys.get("source"), "source")
        history.segment = self.grouping(keys.get("segment"), "segment")
        self.value(keys.get("value"))
        self.outcome(keys.get("outcome"))
        history.work = read_work(self, keys.get(WORK))
        history.purchases = read_purchases(self, keys.get(PURCHASES))
        history.response = read_response(self, keys.get(RESPONSE))
        self.marks_have_a_sign()
        self.counts_stand_alone(keys)
        return history

    def span(self, keys: dict[str, Node], root: Node) -> None:
        history = self.history
        if "as_of" not in keys:
            hint = "the last day in the data: it says how long the open leads have been open"
            self.report(root, "no `as_of`", hint)
        history.as_of = self.instant(keys.get("as_of"), history.timezone, end=True)
        history.as_of_text = str(keys["as_of"].value) if "as_of" in keys else ""
        history.observed_from = self.before_end(keys.get("observed_from"))
        changes = keys.get("changes")
        nodes = changes.value if changes and isinstance(changes.value, list) else [changes] if changes else []
        history.changes = tuple(sorted(filter(None, (self.before_end(node) for node in nodes))))

    def table(self, name: str, node: Node) -> None:
        if name in TAKEN:
            self.report_at(node.at, f"a table cannot be called '{name}'", "the word has a meaning of its own")
            return
        keys = self.mapping(node, f"tables.{name}", TABLE_KEYS)
        origin = self.origin(node, keys, f"tables.{name}")
        if origin and self.needs(node, keys, f"tables.{name}", "id"):
            id_ = self.column(keys["id"], table=name)
            if id_:
                self.history.tables[name] = LeadTable(name, origin, id_, self.where(keys.get("where"), name))

    def events(self, node: Node | None) -> None:
        if node is None:
            return
        keys = self.mapping(node, EVENTS, EVENT_KEYS)
        if not self.needs(node, keys, EVENTS, "case", "activity", "time"):
            return
        origin = self.origin(node, keys, EVENTS)
        case, when = self.column(keys["case"], EVENTS), self.column(keys["time"], EVENTS)
        activity = [self.named(word, place, EVENTS) for word, place in self.words(keys["activity"]) if word]
        before = self.column(keys.get("before"), EVENTS)
        if origin and case and activity and when:
            self.history.events = EventTable(
                origin,
                case,
                tuple(activity),
                self.timed(when, keys),
                self.where(keys.get("where"), EVENTS),
                self.word(keys.get("empty")),
                before,
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
            self.history.stages[name] = self.mark(node, f"stages.{name}")
        if LOST in keys:
            self.history.lost = self.mark(keys[LOST], LOST)

    def mark(self, node: Node, where: str) -> StageMark:
        if not isinstance(node.value, dict):
            entered = self.column(node)
            return StageMark(node.at, self.timed(entered, {}) if entered else None)
        keys = self.mapping(node, where, MARK_KEYS)
        entered = self.column(keys.get("entered"))
        activity = keys.get("activity")
        activities = self.words(activity)
        if activity is not None and self.history.events is None and not self.asked_events:
            self.report(activity, "`activity` needs an event log", "say `events: {file: ..., case: ..., ...}`")
        if entered and activities:
            self.report(node, f"{where} has both `entered` and `activity`", "a column, or activities")
        return StageMark(
            node.at,
            self.timed(entered, keys) if entered else None,
            tuple(word for word, _ in activities),
            tuple(place for _, place in activities),
            self.before_end(keys.get("recorded_from")),
            self.length(keys.get("takes")),
        )

    def grouping(self, node: Node | None, where: str) -> Grouping | None:
        if node is None:
            return None
        if not isinstance(node.value, dict):
            column, empty, same = self.column(node), "", {}
        else:
            keys = self.mapping(node, where, ("column", "empty", "same"))
            if not self.needs(node, keys, where, "column"):
                return None
            column, empty = self.column(keys["column"]), self.word(keys.get("empty"))
            same = self.mapping(keys.get("same"), f"{where}.same")
        if not column:
            return None
        names = {name: self.word(child) for name, child in same.items()}
        return Grouping(column, empty or UNKNOWN, names, {name: c.at for name, c in same.items()})

    def value(self, node: Node | None) -> None:
        if node is None:
            return
        keys = self.mapping(node, "value", VALUE_KEYS) if isinstance(node.value, dict) else {"column": node}
        if not self.needs(node, keys, "value", "column"):
            return
        column = self.column(keys["column"])
        decimal = self.choice(keys.get("decimal"), "decimal", {",": "1.234,56", ".": "1,234.56"})
        if column:
            self.history.value = Amount(column, self.column(keys.get("currency")), decimal)

    def outcome(self, node: Node | None) -> None:
        if node is None:
            return
        keys = self.mapping(node, "outcome", OUTCOME_KEYS)
        if not self.needs(node, keys, "outcome", "column", "values"):
            return
        if "time" in keys and "by" in keys:
            self.report(keys["by"], "outcome has both `time` and `by`", "when it was, or by when at the latest")
        column, when, by = (self.column(keys.get(key)) for key in ("column", "time", "by"))
        values, words = {}, {}
        for value, target in self.mapping(keys["values"], "outcome.values").items():
            name = self.word(target)
            if name != LOST and name not in self.history.stages:
                self.report(
                    target,
                    f"'{name}' is not a stage",
                    did_you_mean(name, [*self.history.stages, LOST])
                    or f"stages: {', '.join(self.history.stages)}, or {LOST}",
                )
            values[value], words[value] = name, target.at
        if column:
            self.history.outcome = OutcomeColumn(
                column, self.timed(when, keys) if when else None, self.timed(by, keys) if by else None, values, words
            )

    def marks_have_a_sign(self) -> None:
        """Every stage must show somewhere: in a column, an activity or an outcome."""
        by_outcome = set(self.history.outcome.values.values()) if self.history.outcome else set()
        for name, mark in self.history.stages.items():
            if (
                mark.entered is None
                and not mark.activities
                and name not in by_outcome
                and not self.at_place(mark.place)
            ):
                example = "activity: NAME" if self.history.events else "entered: TABLE.COLUMN"
                self.report_at(mark.place, f"nothing says when a lead enters '{name}'", f"`{name}: {{{example}}}`")

    def counts_stand_alone(self, keys: dict[str, Node]) -> None:
        """Where nobody is known one by one, nothing else is; and only there one must be told how long it takes."""
        if COUNTS in keys:
            for key in NOT_OF_COUNTS:
                if key in keys:
                    self.report_at(keys[key].at, f"`{key}` cannot stand beside `counts`", "two history files do")
            for mark in self.history.stages.values():
                if mark.entered is None and not self.at_place(mark.place):
                    self.report_at(mark.place, "no column of counts for this stage", "`{entered: COLUMN}`")
        else:
            for mark in self.history.stages.values():
                if mark.takes is not None:
                    self.report_at(mark.place, "`takes` is for `counts`", "times of single leads tell it themselves")
