"""Opening hours, people and local times to instants: seconds since `start`, before the engines run (rules 2, 4, 50).

One rule makes instants of local times, daylight saving included: a local time names the first instant at which the
local clock shows that time or a later one. So 09:00-17:00 is eight hours on every day of the year, a night shift over
the change is an hour shorter in spring and longer in autumn, a time that the clock skips is the instant of the change,
and a time that it shows twice is the first of the two, for opening and closing alike. Hours past midnight belong to
the day on which they open; they are lost when that day is a holiday, and kept when the next one is.

The hours of one calendar are a set: where they overlap they do not count twice. Shifts add up: two shifts of three
people are six where both are open. Hours with nobody on shift stay open, with capacity 0: business clocks run on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = 86400.0
BEYOND = 400 * DAY  # hours are known for so long past the horizon: deadlines set before it end after it

Interval = tuple[float, float]  # [opens, closes)
Staffed = tuple[float, float, int]  # [opens, closes), people on shift
Steps = Sequence[tuple[float, int]]  # (from this instant on, people); the first holds before its instant too


@dataclass(frozen=True)
class CalendarSpec:
    """Opening hours as people write them; `days` are numbers from Monday = 0."""

    hours: tuple[tuple[str, str], ...] = (("09:00", "17:00"),)
    days: tuple[int, ...] = (0, 1, 2, 3, 4)
    holidays: frozenset[date] = frozenset()
    timezone: str = "UTC"
    day: float | None = None  # seconds of a business day, when written
    always: bool = False  # open all the time; hours, days and holidays do not matter

    def is_open_day(self, day: date) -> bool:
        """Whether hours open on that local day."""
        return self.always or (day.weekday() in self.days and day not in self.holidays)


ALWAYS = CalendarSpec(always=True)


def open_intervals(shifts: Sequence[tuple[CalendarSpec, Steps]], start: datetime, horizon: float) -> list[Staffed]:
    """Open intervals of a team from 0 to 400 days past the horizon, in order; touching ones differ in people."""
    changes: dict[float, tuple[int, int]] = {}  # instant: change in open shifts, change in people
    for calendar, people in shifts:
        for opens, closes, count in _staffed(calendar_intervals(calendar, start, horizon), people):
            _add(changes, opens, 1, count)
            _add(changes, closes, -1, -count)
    return _swept(changes)


def calendar_intervals(calendar: CalendarSpec, start: datetime, horizon: float) -> list[Interval]:
    """Open intervals of one calendar from instant 0 to 400 days past the horizon, disjoint and not touching."""
    return list(_calendar_intervals(calendar, start, horizon))


@lru_cache(maxsize=64)  # the scenarios of a study share calendars, start and length
def _calendar_intervals(calendar: CalendarSpec, start: datetime, horizon: float) -> tuple[Interval, ...]:
    if calendar.always:
        return ((0.0, math.inf),)
    merged: list[Interval] = []
    for opens, closes in sorted(_daily_hours(calendar, start, horizon + BEYOND)):
        if merged and opens <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(closes, merged[-1][1]))
        else:
            merged.append((opens, closes))
    return tuple(merged)


def instants_daily(calendar: CalendarSpec, at: str, start: datetime, horizon: float) -> list[float]:
    """Instants of a local time on each open day of a calendar, from 0 to the first one at or past the horizon."""
    return list(_instants_daily(calendar, at, start, horizon))


@lru_cache(maxsize=64)
def _instants_daily(calendar: CalendarSpec, at: str, start: datetime, horizon: float) -> tuple[float, ...]:
    found: list[float] = []
    for day in _local_days(calendar.timezone, start, horizon + BEYOND):
        instant = _since(_clock(day, _minutes(at)), calendar.timezone, start)
        if instant >= 0.0 and calendar.is_open_day(day):
            found.append(instant)
            if instant >= horizon:
                break
    return tuple(found)


def local_midnights(timezone: str, start: datetime, horizon: float) -> list[float]:
    """Beginnings of the local days; the first is at or before 0, the last at or past the horizon."""
    return list(_local_midnights(timezone, start, horizon))


@lru_cache(maxsize=64)
def _local_midnights(timezone: str, start: datetime, horizon: float) -> tuple[float, ...]:
    found: list[float] = []
    for day in _local_days(timezone, start, horizon + 3 * DAY):
        instant = _since(_clock(day, 0), timezone, start)
        if instant <= 0.0:
            found.clear()
        found.append(instant)
        if instant >= horizon and instant > 0.0:
            break
    return tuple(found)


def business_day(calendar: CalendarSpec) -> float:
    """Seconds in a business day (rule 4): as written, else the length of a listed day."""
    if calendar.day is not None:
        return calendar.day
    if calendar.always:
        return DAY
    open_minutes: set[int] = set()
    for opens, closes in calendar.hours:
        open_minutes.update(range(*_span(opens, closes)))
    return 60.0 * len(open_minutes)


def start_instant(start: date | datetime, timezone: str) -> datetime:
    """Instant 0 of a scenario, in UTC: a date is its local midnight, a time without offset is local."""
    if not isinstance(start, datetime):
        start = datetime.combine(start, time.min)
    return start.astimezone(UTC) if start.tzinfo else first_instant(start, ZoneInfo(timezone))


def seconds_since_start(local: date | datetime, timezone: str, start: datetime) -> float:
    """Instant of a date (its local midnight) or local time, on the grid; negative before the start."""
    elapsed = (start_instant(local, timezone) - start).total_seconds()
    return math.floor(elapsed * 1024.0 + 0.5) / 1024.0


def first_instant(local: datetime, zone: tzinfo) -> datetime:
    """The first instant, in UTC, at which the clock of the zone shows this time or a later one."""
    earlier = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if earlier.astimezone(zone).replace(tzinfo=None) == local:
        return earlier
    low, high = local.replace(tzinfo=zone, fold=1).astimezone(UTC), earlier  # the clock skips it between these
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        low, high = (low, middle) if middle.astimezone(zone).replace(tzinfo=None) >= local else (middle, high)
    return high


def _daily_hours(calendar: CalendarSpec, start: datetime, until: float) -> Iterator[Interval]:
    spans = [_span(opens, closes) for opens, closes in calendar.hours]
    for day in _local_days(calendar.timezone, start, until):
        if calendar.is_open_day(day):
            for opens, closes in spans:
                first = max(0.0, _since(_clock(day, opens), calendar.timezone, start))
                last = _since(_clock(day, closes), calendar.timezone, start)
                if first < last:
                    yield first, last


def _staffed(open_hours: list[Interval], people: Steps) -> Iterator[Staffed]:
    """Cut open hours where the number of people changes."""
    ends = [instant for instant, _ in people[1:]] + [math.inf]
    begins = [-math.inf, *ends[:-1]]
    step = 0
    for opens, closes in open_hours:
        while ends[step] <= opens:
            step += 1
        cut = step
        while cut < len(people) and begins[cut] < closes:
            yield max(opens, begins[cut]), min(closes, ends[cut]), people[cut][1]
            cut += 1


def _add(changes: dict[float, tuple[int, int]], instant: float, shifts: int, people: int) -> None:
    before = changes.get(instant, (0, 0))
    changes[instant] = (before[0] + shifts, before[1] + people)


def _swept(changes: dict[float, tuple[int, int]]) -> list[Staffed]:
    """Add up changes in order of time; neighbours with the same number of people become one."""
    swept: list[Staffed] = []
    shifts = people = 0
    opened = 0.0
    for instant in sorted(changes):
        if shifts > 0:
            if swept and swept[-1][1] == opened and swept[-1][2] == people:
                swept[-1] = (swept[-1][0], instant, people)
            else:
                swept.append((opened, instant, people))
        opened = instant
        shifts, people = shifts + changes[instant][0], people + changes[instant][1]
    return swept


def _local_days(timezone: str, start: datetime, until: float) -> Iterator[date]:
    """Local days from two before the start (its night shift may reach in) to one past `until`."""
    day = start.astimezone(_zone(timezone)).date() - timedelta(days=2)
    last = (start + timedelta(seconds=until)).astimezone(_zone(timezone)).date() + timedelta(days=1)
    while day <= last:
        yield day
        day += timedelta(days=1)


def _span(opens: str, closes: str) -> tuple[int, int]:
    """Minutes after midnight; a close before the open is on the next day."""
    first, last = _minutes(opens), _minutes(closes)
    if first == last:
        raise ValueError(f"hours {opens}-{closes} open and close at the same time; the whole day is 00:00-24:00")
    return first, last if last > first else last + 1440


def _minutes(clock: str) -> int:
    """Minutes after midnight of "9:30"; "24:00" is the end of the day."""
    hours, colon, minutes = clock.partition(":")
    if not (colon and hours.isdecimal() and minutes.isdecimal() and len(minutes) == 2):
        raise ValueError(f'"{clock}" is not a time of day like 09:30')
    total = 60 * int(hours) + int(minutes)
    if int(minutes) > 59 or total > 1440:
        raise ValueError(f'"{clock}" is not a time of day; the last one is 24:00')
    return total


def _clock(day: date, minutes: int) -> datetime:
    return datetime.combine(day, time.min) + timedelta(minutes=minutes)


def _since(local: datetime, timezone: str, start: datetime) -> float:
    elapsed = (first_instant(local, _zone(timezone)) - start).total_seconds()
    return math.floor(elapsed * 1024.0 + 0.5) / 1024.0


@lru_cache(maxsize=64)
def _zone(timezone: str) -> ZoneInfo:
    return ZoneInfo(timezone)
