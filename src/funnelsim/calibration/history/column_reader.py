"""Where data stand: the columns, files and conditions that a history file names."""

from __future__ import annotations

from datetime import datetime

from funnelsim.calibration.history.model import (
    COUNTS,
    EVENTS,
    INSIDE,
    PURCHASES,
    WORK,
    HistoryFile,
    Origin,
    RowCondition,
    SourceColumn,
)
from funnelsim.calibration.history.yaml_reader import YamlReader
from funnelsim.errors import did_you_mean
from funnelsim.scenario.values import Place
from funnelsim.scenario.yaml_nodes import Node

TAKEN = (EVENTS, WORK, PURCHASES, COUNTS)  # tables of these names cannot be others
DATES = {"day first": "31/03/2026 is the last day of March", "month first": "03/31/2026 is the last day of March"}
MIDNIGHTS = {"date": "00:00 stands for some time that day", "time": "it is really midnight"}


class ColumnReader(YamlReader):
    """Reads them into `history`, whose tables are known first."""

    def __init__(self, file: str) -> None:
        self.history = HistoryFile(file)
        super().__init__(self.history.problems)
        self.day_first: bool | None = None

    def origin(self, node: Node, keys: dict[str, Node], where: str) -> Origin | None:
        if not self.one_of(node, keys, where, "file", "query"):
            return None
        mark = self.separator(keys.get("separator"))
        if "file" in keys:
            if "database" in keys:
                self.report(keys["database"], f"{where} has a `database` and a `file`", "a database needs a `query`")
            return Origin(self.word(keys["file"]), keys["file"].place, mark)
        if not self.needs(node, keys, where, "database"):
            return None
        database = self.word(keys["database"])
        name = f"query {where.removeprefix('tables.')}"
        return Origin(name, keys["database"].place, mark, self.word(keys["query"]), database)

    def where(self, node: Node | None, table: str) -> tuple[RowCondition, ...]:
        pairs = self.mapping(node, "where")
        return tuple(
            RowCondition(self.named(name, child.at, table), self.words(child)) for name, child in pairs.items()
        )

    def column(self, node: Node | None, table: str = "") -> SourceColumn | None:
        name = self.word(node)
        if node is None or not name:
            return None
        first, dot, rest = name.partition(".")
        if not table and dot and (first in self.history.tables or first in TAKEN):
            return self.named(rest, node.place, first)
        if not table and dot and self.history.tables and not self.at_place(node.place):
            near = did_you_mean(first, self.history.tables)
            if near:
                self.report(node, f"no table is called '{first}'", near)
        return self.named(name, node.place, table)

    def named(self, text: str, place: Place, table: str) -> SourceColumn:
        name, _, inside = text.partition(INSIDE)
        return SourceColumn(table, name.strip(), place, inside=inside.strip(), day_first=self.day_first)

    def timed(self, column: SourceColumn, keys: dict[str, Node]) -> SourceColumn:
        day_first = self.order_of_dates(keys)
        return SourceColumn(
            column.table,
            column.name,
            column.place,
            self.zone(keys.get("timezone")),
            self.choice(keys.get("midnight"), "midnight", MIDNIGHTS) == "date",
            self.word(keys.get("format")),
            column.inside,
            column.day_first if day_first is None else day_first,
        )

    def order_of_dates(self, keys: dict[str, Node]) -> bool | None:
        order = self.choice(keys.get("dates"), "dates", DATES)
        return None if not order else order == "day first"

    def before_end(self, node: Node | None) -> datetime | None:
        moment = self.instant(node, self.history.timezone)
        if moment and self.history.as_of and moment >= self.history.as_of and node:
            self.report(node, f"{node.value} is not before the as-of date {self.history.as_of_text}")
            return None
        return moment
