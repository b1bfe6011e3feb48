"""Lengths of time: `30 days`, `6 min`, `4 business hours`, `at once`."""

from __future__ import annotations

import math
import re
from typing import Any

from funnelsim.scenario.parsers.limits import MOST_YEARS
from funnelsim.scenario.parsers.numbers import NUMBER, ParseError, is_number, shown
from funnelsim.scenario.values import Duration

SECONDS = {
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "min": 60.0,
    "minute": 60.0,
    "h": 3600.0,
    "hr": 3600.0,
    "hour": 3600.0,
    "d": 86400.0,
    "day": 86400.0,
    "w": 604800.0,
    "week": 604800.0,
    "month": 365.25 / 12 * 86400.0,
    "quarter": 365.25 / 4 * 86400.0,
    "year": 365.25 * 86400.0,  # average lengths
}
_PIECE = re.compile(rf"\s*({NUMBER})\s*(business\s+|working\s+)?([a-zA-Z]+)")
HINT = "such as 6 min, 4 business hours or 30 days"


def duration(value: Any) -> Duration:
    """Elapsed or business time; a business day is worth what its calendar says (rule 4)."""
    if is_number(value) and value == 0:
        return Duration(0.0, text="0")
    text = value.strip() if isinstance(value, str) else ""
    if text in ("at once", "0"):
        return Duration(0.0, text=text)
    if is_number(value) or re.fullmatch(NUMBER, text):
        raise ParseError(f"{shown(value)} has no unit", f"{text or value} what? {HINT}")
    found = [_piece(match) for match in _PIECE.finditer(text)]
    if not found or _PIECE.sub("", text).strip(" ,"):
        raise ParseError(f"{shown(value)} is not a length of time", HINT)
    if len({(business, days > 0) for _, business, days in found}) > 1:
        raise ParseError(f"{shown(value)} mixes kinds of time", "either elapsed time, business hours or business days")
    length, days = sum(seconds for seconds, _, _ in found), sum(days for _, _, days in found)
    if length + days * SECONDS["day"] > MOST_YEARS * SECONDS["year"]:
        raise ParseError(f"{shown(value)} is too long", f"at most {MOST_YEARS} years")
    return Duration(length, found[0][1], days, text)


def elapsed(value: Any) -> Duration:
    """A length of time that runs day and night."""
    found = duration(value)
    if found.business:
        raise ParseError(f"{shown(value)} is business time, and this clock runs day and night", "such as 30 days")
    return found


def _piece(match: re.Match[str]) -> tuple[float, bool, float]:
    amount, business, unit = float(match[1]), (match[2] or "").strip(), match[3]
    if business == "working":
        raise ParseError(
            "funnelsim calls it business time, not working time", f"write {match[1]} business {unit}", piece="working"
        )
    seconds = SECONDS.get(unit) or SECONDS.get(unit.removesuffix("s"))
    if seconds is None:
        raise ParseError(f"'{unit}' is not a unit of time", _guess(unit), piece=unit)
    if not math.isfinite(amount * seconds):
        raise ParseError(f"{match[0].strip()} is not a finite time", HINT)
    if amount < 0:
        raise ParseError(f"{match[0].strip()} is below zero", HINT)
    if not business:
        return amount * seconds, False, 0.0
    if seconds > SECONDS["day"]:
        raise ParseError(f"there is no business {unit}", "count business days or business hours", piece=unit)
    return (0.0, True, amount) if seconds == SECONDS["day"] else (amount * seconds, True, 0.0)


def _guess(unit: str) -> str:
    from difflib import get_close_matches

    words = [word for name in SECONDS if len(name) > 2 for word in (name, name + "s")]
    near = get_close_matches(unit.lower(), words, n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else "one of s, min, hour, day, week, month"
