"""Plain numbers, shares, money, rates and ranges."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, TypeVar

from funnelsim.scenario.parsers.limits import (
    MOST_COUNT,
    MOST_GROWTH,
    MOST_LEADS_A_WEEK,
    MOST_MONEY,
    MOST_NUMBER,
    MOST_ODDS,
    shown_limit,
)
from funnelsim.scenario.values import Range, Rate

T = TypeVar("T")
LARGEST = 2**53  # whole numbers beyond it have no float of their own
# digits of other scripts are digits to `\d` and isdigit(), and not to float()
NUMBER = r"[-+]?(?:[0-9]+(?:_[0-9]+)*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
BLANKS = " \t\r\n"
WEEKS_A = {
    "hour": 1 / 168,
    "day": 1 / 7,
    "week": 1.0,
    "month": 365.25 / 12 / 7,
    "quarter": 365.25 / 4 / 7,
    "year": 365.25 / 7,
}


class ParseError(ValueError):
    """Text that cannot be understood: what is wrong, what to write instead, and where.

    `at` leads to it within the value, `piece` is the part of the text that is meant; `by_key`: the key at fault.
    """

    def __init__(
        self, text: str, hint: str = "", at: tuple[str | int, ...] = (), piece: str = "", by_key: bool = False
    ) -> None:
        super().__init__(text)
        self.text, self.hint, self.at, self.piece, self.by_key = text, hint, at, piece, by_key

    def under(self, key: str | int) -> ParseError:
        """The same, seen from one level up."""
        return ParseError(self.text, self.hint, (key, *self.at), self.piece, self.by_key)


def shown(value: Any) -> str:
    """A value as a message quotes it."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "nothing"}[value]
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return f"'{value}'" if isinstance(value, str) else f"{value}"


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def number(value: Any, hint: str = "such as 1.5", most: float = MOST_NUMBER) -> float:
    """A finite number, from a number or its text, between -most and most."""
    text = value.strip(BLANKS) if isinstance(value, str) else value
    if not is_number(text) and not (isinstance(text, str) and re.fullmatch(NUMBER, text)):
        raise ParseError(f"{shown(value)} is not a number", hint)
    try:
        found = float(text)
    except OverflowError:  # a whole number of hundreds of digits
        found = math.inf
    if math.isnan(found) or (math.isinf(found) and is_number(value) and not isinstance(value, int)):
        raise ParseError(f"{shown(value)} is not a finite number", hint)
    return bounded(found, value, most)


def bounded(found: float, value: Any, most: float, unit: str = "") -> float:
    """What was read of a value, if it is within the limit."""
    if abs(found) > most:
        text = shown(value)
        raise ParseError(
            f"{text if len(text) <= 40 else text[:37] + '...'} is too large",
            f"at most {shown_limit(most)}{f' {unit}' if unit else ''}",
        )
    return found


def whole(value: Any, least: int = 0, hint: str = "such as 4", most: float = MOST_COUNT) -> int:
    """A whole number from `least` to `most`."""
    found = number(value, hint, most)
    if found != int(found):
        raise ParseError(f"{shown(value)} is not a whole number", hint)
    if found < least:
        raise ParseError(f"{shown(value)} is too small", f"{least} or more")
    return int(found)


def positive(value: Any, hint: str = "such as 1.5", most: float = MOST_NUMBER) -> float:
    found = number(value, hint, most)
    if found <= 0:
        raise ParseError(f"{shown(value)} is not above zero", hint)
    return found


def proportion(value: Any) -> float:
    """A share between 0 and 1: `45%` or 0.45."""
    text = value.strip(BLANKS) if isinstance(value, str) else value
    if isinstance(text, str) and (percent := re.fullmatch(rf"({NUMBER})\s*%", text)):
        found = float(percent[1]) / 100.0
    elif is_number(text) or (isinstance(text, str) and re.fullmatch(NUMBER, text)):
        found = number(text)
    else:
        raise ParseError(f"{shown(value)} is not a share", "write 45% or 0.45")
    if not 0.0 <= found <= 1.0:
        meant = f"for {found:g} per cent write {found:g}%" if 1.0 < found <= 100.0 and "%" not in str(value) else ""
        raise ParseError(
            f"a share of {shown(value)} is {'below 0' if found < 0 else 'more than 1'}",
            meant or "a share is between 0% and 100%",
        )
    return found


def money(value: Any) -> float:
    """An amount in the scenario's currency: 8000, 8k, 1.2M."""
    if is_number(value):
        return number(value, most=MOST_MONEY)
    match = re.fullmatch(rf"({NUMBER})\s*([kKmM]?)", value.strip(BLANKS)) if isinstance(value, str) else None
    if not match:
        raise ParseError(
            f"{shown(value)} is not an amount of money",
            "write 8000, 8k or 1.2M; the currency stands once, under `currency`",
        )
    return bounded(float(match[1]) * {"": 1.0, "k": 1e3, "m": 1e6}[match[2].lower()], value, MOST_MONEY)


def cost(value: Any) -> float:
    """An amount of money that is not negative."""
    found = money(value)
    if found < 0:
        raise ParseError(f"a cost of {shown(value)} is below zero", "such as 60")
    return found


def wage(value: Any) -> float:
    """Money an hour: `55/hour`."""
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and (match := re.fullmatch(r"(.+?)\s*(?:/|an?\s|per\s)\s*(\w+)", text)):
        if match[2] not in ("hour", "h"):
            raise ParseError(f"people are paid by the hour, not by the {match[2]}", "such as 55/hour", piece=match[2])
        return cost(match[1])
    return cost(value)


def rate(value: Any) -> Rate:
    """So many leads a period: `160/week`, `25 a week`, `500 per month`."""
    text = str(value).strip()
    match = re.fullmatch(rf"({NUMBER})\s*(?:/|\ban?\b|\bper\b)\s*([a-z]+?)s?", text)
    if not match:
        hint = f"missing period, such as {text}/week" if re.fullmatch(NUMBER, text) else "such as 160/week or 500/month"
        raise ParseError(f"{shown(value)} is not a rate", hint)
    if match[2] not in WEEKS_A:
        raise ParseError(f"'{match[2]}' is not a period", f"one of {', '.join(WEEKS_A)}", piece=match[2])
    found = float(match[1]) / WEEKS_A[match[2]]
    if found < 0:
        raise ParseError(f"a rate of {shown(value)} is below zero", "such as 160/week")
    return Rate(bounded(found, value, MOST_LEADS_A_WEEK, "a week"), text)


def span(value: Any, one: Callable[[Any], float] = number) -> Range:
    """A belief: `0.6 to 1.0`, `60% to 90%`, or a single value that stands for itself."""
    if isinstance(value, str) and (match := re.fullmatch(r"(.+?)\s+to\s+(.+)", value.strip())):
        low, high = one(match[1]), one(match[2])
        if low > high:
            raise ParseError(f"the range {shown(value)} runs backwards", f"write {match[2]} to {match[1]}")
        return Range(low, high, value.strip())
    if isinstance(value, str) and re.fullmatch(rf"{NUMBER}\s*%?\s*(-|\.\.\.?)\s*{NUMBER}\s*%?", value.strip()):
        raise ParseError(f"{shown(value)} is not a range", "write it with the word to: 0.6 to 1.0")
    found = one(value)
    return Range(found, found, str(value).strip())


def share_range(value: Any) -> Range:
    """`60% to 90%` or `75%`."""
    return span(value, proportion)


def odds(value: Any) -> Range:
    """Times the odds: `0.6 to 1.0` or 1.8; 1 is no effect."""
    return span(value, _odds)


def _odds(value: Any) -> float:
    hint = "times the odds: 1 is no effect, 1.8 raises them, 0.6 lowers them"
    found = positive(value, hint, MOST_ODDS)
    if found < 1.0 / MOST_ODDS:
        raise ParseError(f"{shown(value)} is too small", f"at least 1 / {shown_limit(MOST_ODDS)}")
    return found


def growth(value: Any) -> float:
    """Growth a year as a share: `20% a year`, 0.2, or `+2%/month`, which compounds to 26.8 % a year."""
    text = value.strip() if isinstance(value, str) else value
    if is_number(text):
        found = number(text)
    else:
        match = re.fullmatch(rf"({NUMBER})\s*%\s*(?:(?:/|an?\b|per\b)\s*([a-z]+))?", str(text))
        if not match or (match[2] or "year") not in WEEKS_A:
            raise ParseError(f"{shown(value)} is not a trend", "write 20% a year or +2%/month")
        periods = WEEKS_A["year"] / WEEKS_A[match[2] or "year"]
        step = 1.0 + bounded(float(match[1]), value, 100.0 * MOST_GROWTH, "per cent") / 100.0
        try:
            found = step**periods - 1.0 if step > 0 else -1.0
        except OverflowError:
            found = math.inf
    if found <= -1.0:
        raise ParseError(f"a trend of {shown(value)} leaves nothing", "growth a year is above -100%")
    return bounded(found, value, MOST_GROWTH, "times a year")
