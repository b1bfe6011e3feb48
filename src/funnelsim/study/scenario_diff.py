"""What differs between two scenarios, under three headings: facts (there should be none), policy, beliefs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from funnelsim.scenario.schema import nature

Path = tuple[str, ...]

_SILENT = ("name", "about", "extends")
_WHOLE = (
    "next",
    "unreached",
    "cold",
    "rejected",
    "enters",
    "on_breach",
    "on_attempts_breach",
    "on_accept_breach",
    "fitted",
    "history",
    "leads_in_flight",
)


@dataclass(frozen=True)
class KeyDifference:
    """One key that is not the same."""

    path: str
    nature: str  # fact, policy, belief or setting
    base: str  # "-" when not there
    other: str


class KeyChange(NamedTuple):
    """The same as the scenarios have it."""

    path: Path
    base: Any  # None when not there
    other: Any

    @property
    def difference(self) -> KeyDifference:
        return KeyDifference(".".join(self.path), nature(self.path), _text(self.base), _text(self.other))


def key_differences(base: dict[str, Any], other: dict[str, Any]) -> list[KeyDifference]:
    """Leaf by leaf; shares count as one value, as in layers (rule 77)."""
    return [one.difference for one in key_changes(base, other)]


def key_changes(base: dict[str, Any], other: dict[str, Any]) -> list[KeyChange]:
    """What must be put into the one resolved scenario to make it the other."""
    return list(_walk((), base, other))


def _walk(path: Path, base: Any, other: Any) -> Iterator[KeyChange]:
    if base == other:
        return
    if isinstance(base, dict) and isinstance(other, dict) and not _is_one_value(path):
        for key in [*base, *(key for key in other if key not in base)]:
            if path or key not in _SILENT:
                yield from _walk((*path, str(key)), base.get(key), other.get(key))
        return
    yield KeyChange(path, base, other)


def _is_one_value(path: Path) -> bool:
    return bool(path) and (path[-1] in _WHOLE or (len(path) == 2 and path[0] == "ownership"))


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_text(item) for item in value) + "]"
    return str(value)
