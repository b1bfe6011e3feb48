"""A history file in the making: what was recognised, and the YAML text that a person then edits."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

WIDTH = 118
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_ ./\-]*[A-Za-z0-9_]|[A-Za-z]")
_WORDS = {"null", "true", "false", "none", "rest", "yes", "no", "on", "off", "~"}


@dataclass
class DraftStage:
    """One stage: its name, how its entry shows (the YAML value), how many leads have it."""

    name: str
    sign: str
    leads: int


@dataclass
class HistoryDraft:
    """Everything a history file says; YAML values are written out already."""

    title: str  # of the kind
    file: str
    timezone: str
    as_of: str
    zone_known: bool
    as_of_known: bool
    dates: str = ""
    currency: str = ""
    separator: str = ","
    query: str = ""
    database: str = ""
    tables: list[str] = field(default_factory=list)  # lines
    source: str = ""
    segment: str = ""
    value: str = ""
    outcome: str = ""
    stages: list[DraftStage] = field(default_factory=list)
    lost: str = ""
    notes: list[str] = field(default_factory=list)  # what was decided, and on what grounds
    left_out: list[str] = field(default_factory=list)  # what could be a stage and is none here
    tells_not: list[str] = field(default_factory=list)

    def origin(self) -> dict[str, str]:
        """Where the table comes from, as YAML values."""
        if self.query:
            return {"database": word(self.database), "query": word(self.query)}
        mark = {"\t": "tab", ",": ""}.get(self.separator, self.separator)
        return {"file": word(self.file), "separator": word(mark) if mark else ""}

    def text(self) -> str:
        """The history file."""
        lines = [f"# Written by `funnelsim calibrate {self.file}`, which took it for: {self.title}."]
        lines += ["# Edit it freely, then calibrate this file instead.", *(f"# {_line(note)}" for note in self.notes)]
        lines += [f"# It cannot tell: {what}." for what in self.tells_not]
        lines.append(f"as_of: {self.as_of}{'' if self.as_of_known else REMARK_AS_OF}")
        lines.append(f"timezone: {word(self.timezone)}{'' if self.zone_known else REMARK_ZONE}")
        lines += [f"dates: {self.dates}"] if self.dates else []
        lines += [f"currency: {word(self.currency)}"] if self.currency else []
        lines += self.tables
        lines += [f"source: {self.source}"] if self.source else []
        lines += [f"segment: {self.segment}"] if self.segment else []
        lines += [f"value: {self.value}"] if self.value else []
        lines += [f"outcome: {self.outcome}"] if self.outcome else []
        lines.append("stages:")
        lines += [f"  {word(stage.name)}: {stage.sign}     # {stage.leads:,} leads" for stage in self.stages]
        lines += [f"lost: {self.lost}"] if self.lost else []
        lines += ["# Not taken as stages:", *(f"#   {_line(what)}" for what in self.left_out)] if self.left_out else []
        return "\n".join(lines) + "\n"


REMARK_AS_OF = "     # the last day with anything in the data; say the day of the export when it was later"
REMARK_ZONE = "     # of times without an offset: say your CRM's, such as Europe/Berlin"


def _line(text: str) -> str:
    """Text of the data on one line of a comment."""
    return " ".join(text.split())


def word(text: str) -> str:
    """A scalar that reads back as this text, in a mapping of any style."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else json.dumps(text, ensure_ascii=False)


def words(texts: list[str]) -> str:
    """One scalar, or a list of them."""
    return word(texts[0]) if len(texts) == 1 else f"[{', '.join(map(word, texts))}]"


def flow(entries: Mapping[str, str]) -> str:
    """A mapping on one line; its values are YAML already, empty ones are left out."""
    return f"{{{', '.join(f'{word(key)}: {value}' for key, value in entries.items() if value)}}}"
