"""What a reader of a history file needs: keys, words, columns, zones and instants taken from a tree, mistakes noted.

Nothing is raised here: a mistake is written down with its place, and reading goes on, so that all of them are told at
once.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from funnelsim.errors import Problem, did_you_mean
from funnelsim.scenario.parsers import ParseError, elapsed
from funnelsim.scenario.values import Place
from funnelsim.scenario.yaml_nodes import Node, problem_at


class YamlReader:
    """Takes a tree apart and notes what is wrong in `problems`."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems

    def mapping(self, node: Node | None, where: str, allowed: tuple[str, ...] = ()) -> dict[str, Node]:
        """The keys of a mapping; those that are not allowed are reported and left out."""
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
        """Are these keys there? Reported when not."""
        missing = [key for key in needed if key not in keys]
        if missing and isinstance(node.value, dict):
            self.report(node, f"{where} does not say its {' and '.join(f'`{key}`' for key in missing)}")
        return not missing

    def one_of(self, node: Node, keys: dict[str, Node], where: str, *choices: str) -> bool:
        """Is exactly one of these keys there? Reported when not."""
        given = [key for key in choices if key in keys]
        if len(given) > 1:
            self.report(keys[given[1]], f"{where} has both {' and '.join(f'`{key}`' for key in given)}", "keep one")
        elif not given and isinstance(node.value, dict):
            self.report(node, f"{where} does not say its {' or '.join(f'`{key}`' for key in choices)}")
        return len(given) == 1

    def word(self, node: Node | None) -> str:
        """A scalar as text; "" when there is none."""
        if node is None:
            return ""
        if node.value is None or isinstance(node.value, dict | list):
            self.report(node, "a word is expected here", f"it holds {_shown(node.value)}")
            return ""
        return str(node.value).strip()

    def words(self, node: Node | None) -> tuple[tuple[str, Place], ...]:
        """A scalar, or a list of scalars, each with its place."""
        if node is None:
            return ()
        nodes = node.value if isinstance(node.value, list) else [node]
        if not nodes:
            self.report(node, "the list is empty", "name at least one, or leave the key out")
        return tuple((self.word(child), child.place) for child in nodes)

    def choice(self, node: Node | None, key: str, meanings: dict[str, str]) -> str:
        """One of a few words; "" when there is none or another one."""
        word = self.word(node)
        if node is not None and word and word not in meanings:
            known = "; ".join(f"`{name}`: {meaning}" for name, meaning in meanings.items())
            self.report(node, f"`{key}: {word}` means nothing", known)
            return ""
        return word

    def zone(self, node: Node | None) -> str:
        """The name of a time zone; "" when there is none or no such zone."""
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
        """One character; a comma when nothing is said."""
        mark = str(node.value) if node is not None else ","
        mark = {"tab": "\t", "\\t": "\t"}.get(mark, mark)
        if node is not None and (len(mark) != 1 or mark in '"\r\n'):
            self.report(node, "a separator is one character", "or `tab`")
            return ","
        return mark

    def instant(self, node: Node | None, zone: str, end: bool = False) -> datetime | None:
        """A date (its beginning, or with `end` its end) or an instant, in a time zone."""
        text = self.word(node)
        if node is None or not text:
            return None
        try:
            if len(text) == 10:
                day = date.fromisoformat(text)
                return datetime.combine(day + timedelta(days=int(end)), time(), ZoneInfo(zone))
            moment = datetime.fromisoformat(text)
        except (ValueError, OverflowError) as error:
            reason = "" if "format" in str(error) or "Invalid" in str(error) else f": {error}"
            self.report(node, f"'{text}' is not a date{reason}", "write 2018-03-31, or 2018-03-31 18:00")
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))

    def length(self, node: Node | None) -> float | None:
        """Seconds of elapsed time, such as `14 days`; None when there are none or they are not understood."""
        if node is None:
            return None
        try:
            return float(elapsed(node.value).seconds)
        except ParseError as error:
            self.report(node, str(error), error.hint)
            return None

    def report(self, node: Node, text: str, hint: str = "") -> None:
        self.report_at(node.at if "unknown key" in text else node.place, text, hint)

    def report_at(self, place: Place, text: str, hint: str = "") -> None:
        self.problems.append(problem_at(place, text, hint))

    def at_place(self, place: Place) -> bool:
        """Is something on this line reported already?"""
        return any(problem.line == place.line for problem in self.problems)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else f"'{value}'"
