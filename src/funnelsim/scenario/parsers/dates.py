"""Dates, opening hours, days of the week, and numbers that change over time."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from funnelsim.scenario.parsers.numbers import ParseError, shown, whole
from funnelsim.scenario.values import Batch, DayHours, Schedule

FIRST_YEAR, LAST_YEAR = 1900, 2200  # time zones and instants in seconds hold well beyond
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_CLOCK = r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9]"


def day(value: Any) -> date:
    """`2026-01-05`."""
    if isinstance(value, date):
        return value
    text = str(value).strip()
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9][0-9]-[0-9][0-9]", text):
            found = date.fromisoformat(text)
            if not FIRST_YEAR <= found.year <= LAST_YEAR:
                raise ParseError(f"{text} is no day that can be simulated", f"a year from {FIRST_YEAR} to {LAST_YEAR}")
            return found
    except ParseError:
        raise
    except ValueError:
        raise ParseError(f"there is no day {text}", "the calendar ends earlier") from None
    raise ParseError(f"{shown(value)} is not a date", "write year-month-day: 2026-01-05")


def moment(value: Any) -> date | datetime:
    """A date, or a date with a local time: `2026-01-05 14:00`."""
    if isinstance(value, date):
        return value
    text = str(value).strip()
    match = re.fullmatch(rf"(\S+?)[T ]\s*({_CLOCK})(?::[0-9][0-9])?", text)
    if not match:
        return day(value)
    first, at = day(match[1]), clock(match[2])
    return datetime(first.year, first.month, first.day, int(at[:2]), int(at[3:]))


def clock(value: Any) -> str:
    """A local time of day as HH:MM."""
    text = str(value).strip()
    if not re.fullmatch(_CLOCK, text):
        raise ParseError(f"{shown(value)} is not a time of day", "such as 08:00")
    return text.rjust(5, "0")


def hours(value: Any) -> tuple[DayHours, ...]:
    """`09:00-17:00`, `09:00-12:00, 13:00-17:00`, or a list of such."""
    if isinstance(value, list):
        return tuple(part for one in value for part in hours(one))
    return tuple(_opening(part.strip()) for part in str(value).split(","))


def _opening(text: str) -> DayHours:
    match = re.fullmatch(rf"({_CLOCK})\s*(?:-|–|to)\s*({_CLOCK}|24:00)", text)  # noqa: RUF001 - people paste the long dash
    if not match:
        raise ParseError(f"'{text}' are not opening hours", "such as 09:00-17:00", piece=text)
    opens, closes = match[1].rjust(5, "0"), match[2].rjust(5, "0")
    if opens == closes:
        raise ParseError(f"'{text}' opens and closes at the same time", "all day is 00:00-24:00")
    return DayHours(opens, closes)


def weekdays(value: Any) -> tuple[int, ...]:
    """`Mon-Fri`, `Mon, Wed`, or a list; Monday is 0."""
    parts = value if isinstance(value, list) else str(value).split(",")
    found: list[int] = []
    for part in (str(one).strip() for one in parts):
        ends = [_weekday(end.strip(), part) for end in re.split(r"\s*(?:-|–|\bto\b)\s*", part)]  # noqa: RUF001
        if len(ends) > 2:
            raise ParseError(f"'{part}' are not days of the week", "such as Mon-Fri", piece=part)
        first, last = ends[0], ends[-1]
        found += [one % 7 for one in range(first, last + 1 if last >= first else last + 8)]
    return tuple(sorted(set(found)))


def _weekday(text: str, part: str) -> int:
    for i, name in enumerate(DAYS):
        if len(text) >= 2 and text[:3].title() == name[: len(text)] and text[3:].isalpha() == bool(text[3:]):
            return i
    raise ParseError(f"'{text}' is not a day of the week", f"one of {', '.join(DAYS)}", piece=text or part)


def zone(value: Any) -> str:
    """A name of the time zone database: `Europe/Berlin`."""
    text = str(value).strip()
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ParseError(f"'{text}' is not a time zone", _near_zone(text)) from None
    return text


def _near_zone(text: str) -> str:
    from zoneinfo import available_timezones

    from funnelsim.errors import did_you_mean

    return did_you_mean(text, sorted(available_timezones())) or "such as Europe/Berlin or America/New_York"


def batch(value: Any) -> Batch:
    """`300 on 2026-03-10`, `300 on 2026-03-10 at 14:00`."""
    match = re.fullmatch(r"(\S+)\s+on\s+(\S+?)(?:\s+at\s+(\S+))?", str(value).strip())
    if not match or not re.fullmatch(r"[0-9]+", match[1]):
        raise ParseError(f"{shown(value)} is not a batch", "such as 300 on 2026-03-10 at 14:00")
    return Batch(whole(match[1]), day(match[2]), clock(match[3]) if match[3] else "00:00", str(value).strip())


def is_schedule(value: Any) -> bool:
    """A mapping whose keys are dates, months or `start`."""
    return (
        isinstance(value, dict)
        and bool(value)
        and all(re.fullmatch(r"start|[0-9]{4}-[0-9][0-9].*", str(key)) for key in value)
    )


def schedule(value: dict[str, Any], one: Callable[[Any], Any]) -> Schedule:
    """`{start: 4, 2026-06-01: 6}` or by month, `{2026-01: 500/month, 2026-02: 600/month}`."""
    steps: list[tuple[date | datetime | None, Any]] = []
    for key, entry in value.items():
        try:
            steps.append((_from(str(key)), one(entry)))
        except ParseError as problem:
            raise problem.under(key) from None
    for (before, _), (after, _), key in zip(steps, steps[1:], list(value)[1:], strict=False):
        if after is None or (before is not None and _rank(after) <= _rank(before)):
            raise ParseError(
                f"{key} comes after a later date" if after is not None else "`start` comes first",
                "the dates of a schedule run forwards",
                (key,),
                by_key=True,
            )
    return Schedule(tuple(steps))


def steady_or_schedule(value: Any, one: Callable[[Any], Any]) -> Any:
    """What `one` reads, or a Schedule of it."""
    return schedule(value, one) if isinstance(value, dict) else one(value)


def _from(key: str) -> date | datetime | None:
    if key == "start":
        return None
    return day(f"{key}-01") if re.fullmatch(r"[0-9]{4}-[0-9][0-9]", key) else moment(key)


def _rank(at: date | datetime) -> datetime:
    return at if isinstance(at, datetime) else datetime(at.year, at.month, at.day)
