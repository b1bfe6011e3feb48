"""TOML to values with the position of each.

The standard library reads the values and finds the mistakes; it keeps no positions, so a second walk over the text,
which is known to be valid by then, notes where each key and value stands.
"""

from __future__ import annotations

import re
import sys
import tomllib
from datetime import date, datetime, time
from typing import Any

from funnelsim.errors import Problem, ScenarioError
from funnelsim.scenario.values import Place
from funnelsim.scenario.yaml_nodes import Node

Path = tuple[str | int, ...]
_KEY = re.compile(r"""[ \t]*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))[ \t]*""")
_STRING = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}|' r"'''.*?'{3,5}" r'|"(?:[^"\\]|\\.)*"|' r"'[^']*'", re.DOTALL)
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[^,\]}#\r\n]*[^,\]}#\r\n \t]")


def parse_toml(text: str, file: str) -> Node:
    """The tree of TOML text."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError([_syntax(str(error), text, file)], file) from None
    except ValueError:  # a whole number of more digits than Python reads, or a date that is none
        raise ScenarioError("a number or a date in this file cannot be read", file) from None
    walk = _Walk(text, file)
    walk.document()
    return _node(data, (), walk, Place(file, 1, 1, 1, text.split("\n", 1)[0]))


def _node(data: Any, path: Path, walk: _Walk, above: Place) -> Node:
    key = walk.keys.get(path)
    place = walk.values.get(path) or key or above
    if isinstance(data, dict):
        return Node({name: _node(child, (*path, name), walk, place) for name, child in data.items()}, place, key)
    if isinstance(data, list):
        return Node([_node(child, (*path, i), walk, place) for i, child in enumerate(data)], place, key)
    return Node(_word(data), place, key)


def _word(value: Any) -> Any:
    """Dates and times as the text people write; so is a number that no float can hold."""
    if (isinstance(value, float | int) and abs(value) > sys.float_info.max) or value != value:
        return str(value) if isinstance(value, float) else hex(value)
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    if isinstance(value, time):
        return value.isoformat("minutes")
    return value.isoformat() if isinstance(value, date) else value


def _syntax(message: str, text: str, file: str) -> Problem:
    lines = text.splitlines()
    match = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    line = int(match[1]) if match and match[1] else len(lines)
    column = int(match[2]) if match and match[2] else len(lines[-1]) + 1
    what = message[: match.start()] if match else message
    hint = "is the key here twice?" if "overwrite" in what or "declared" in what.lower() else ""
    return Problem(file, line, column, (), f"not TOML: {what[:1].lower()}{what[1:]}", hint, lines[line - 1])


class _Walk:
    """One walk over valid TOML: where the keys and values are."""

    def __init__(self, text: str, file: str) -> None:
        self.text, self.file, self.at = text, file, 0
        self.lines = text.split("\n")
        self.keys: dict[Path, Place] = {}
        self.values: dict[Path, Place] = {}
        self.tables: dict[Path, int] = {}  # how many of each array of tables so far

    def document(self) -> None:
        prefix: Path = ()
        while self.skip():
            if self.text.startswith("[", self.at):
                prefix = self.header()
            else:
                self.pair(prefix)

    def header(self) -> Path:
        several = self.text.startswith("[[", self.at)
        self.at += 2 if several else 1
        names = self.names()
        path: Path = ()
        for i, (name, place) in enumerate(names):
            path = (*path, name)
            self.keys.setdefault(path, place)
            if several and i == len(names) - 1:
                self.tables[path] = self.tables.get(path, -1) + 1
            if path in self.tables:
                path = (*path, self.tables[path])
                self.keys.setdefault(path, place)
        self.at += 2 if several else 1
        return path

    def pair(self, prefix: Path) -> None:
        path = prefix
        for name, place in self.names():
            path = (*path, name)
            self.keys.setdefault(path, place)
        self.at += 1  # the equals sign
        self.value(path)

    def names(self) -> list[tuple[str, Place]]:
        found = []
        while match := _KEY.match(self.text, self.at):
            start = match.start(match.lastindex or 0) - (1 if match.lastindex != 3 else 0)
            name = next(group for group in match.groups() if group is not None)
            found.append((name, self.place(start, match.end(match.lastindex or 0))))
            self.at = match.end()
            if not self.text.startswith(".", self.at):
                break
            self.at += 1
        return found

    def value(self, path: Path) -> None:
        self.skip()
        start = self.at
        if self.text[start] in "[{":
            self.inside(path, self.text[start] == "{")
        elif match := _STRING.match(self.text, start) or _BARE.match(self.text, start):
            self.at = match.end()
        self.values[path] = self.place(start, self.at)

    def inside(self, path: Path, table: bool) -> None:
        self.at += 1
        count = 0
        while self.skip() and self.text[self.at] not in "]}":
            if self.text[self.at] == ",":
                self.at += 1
                continue
            if table:
                self.pair(path)
            else:
                self.value((*path, count))
            count += 1
        self.at += 1

    def skip(self) -> bool:
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at < len(self.text)

    def place(self, start: int, end: int) -> Place:
        line = self.text.count("\n", 0, start)
        first = self.text.rfind("\n", 0, start) + 1
        stop = self.text.find("\n", start, end)
        return Place(
            self.file, line + 1, start - first + 1, (stop if stop >= 0 else end) - start, self.lines[line].rstrip("\r")
        )
