"""What the names of stages, statuses and columns say: lost, won, no stage at all; and how a stage is called."""

from __future__ import annotations

import re

from funnelsim.calibration.exports.alias_tables import alias_table, normalised

_PIECES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")
_DROPPED = {"date", "time", "at", "on", "became", "a", "an", "the", "entered", "timestamp", "day", "is", "was"}
_TAKEN = {"lost", "silent", "won", "rest", "none", "null", "true", "false"}


def says_lost(text: str) -> bool:
    """Is this the end of a lead that was not won?"""
    return _says("lost", text)


def says_won(text: str) -> bool:
    """Is this a win? `Closed - Not Converted` is none."""
    return _says("won", text) and not says_lost(text)


def is_no_stage(column: str) -> bool:
    """Is this date column something else than the entry into a stage?"""
    return bool(set(_pieces(column)) & set(alias_table("words")["not_a_stage"]))


def stage_name(text: str, taken: set[str]) -> str:
    """A short name that a scenario can use: `Became a Lead Date` is `lead`, `Closed Won` is `closed_won`."""
    pieces = _pieces(text)
    short = [piece for piece in pieces if piece not in _DROPPED] or pieces or ["stage"]
    name = "_".join(short)
    if name in _TAKEN or not name[0].isalpha():
        name = {"won": "customer"}.get(name, f"stage_{name}")
    number, unique = 2, name
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    taken.add(unique)
    return unique


def _says(what: str, text: str) -> bool:
    pieces = _pieces(text)
    spaced = f" {' '.join(pieces)} "
    return any(f" {word} " in spaced or normalised(word) == normalised(text) for word in alias_table("words")[what])


def _pieces(text: str) -> list[str]:
    return [piece.casefold() for piece in _PIECES.findall(text)]
