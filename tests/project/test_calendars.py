"""Calendars against a walk minute by minute with zoneinfo, over both changes of 2026, and cases by hand."""

import math
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelsim.calendars import (
    ALWAYS,
    BEYOND,
    DAY,
    CalendarSpec,
    business_day,
    calendar_intervals,
    first_instant,
    instants_daily,
    local_midnights,
    open_intervals,
    seconds_since_start,
    start_instant,
)

HOUR = 3600.0
BERLIN, NEW_YORK, KOLKATA = "Europe/Berlin", "America/New_York", "Asia/Kolkata"
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)  # Berlin: 02:00 -> 03:00, 03:00 -> 02:00


def staffed(calendar, people=1):
    return [(calendar, [(0.0, people)])]


# ---- by hand ---------------------------------------------------------------------------------------------------------


def test_office_hours():
    start = start_instant(date(2026, 1, 2), "UTC")  # a Friday
    hours = open_intervals(staffed(CalendarSpec(), 3), start, 4 * DAY)
    assert hours[:3] == [
        (9 * HOUR, 17 * HOUR, 3),
        (3 * DAY + 9 * HOUR, 3 * DAY + 17 * HOUR, 3),
        (4 * DAY + 9 * HOUR, 4 * DAY + 17 * HOUR, 3),
    ]
    assert hours[-1][1] >= 4 * DAY + BEYOND - 3 * DAY


def test_hours_are_cut_at_the_start():
    start = start_instant(datetime(2026, 1, 5, 12, 30), BERLIN)
    assert start == datetime(2026, 1, 5, 11, 30, tzinfo=UTC)
    calendar = CalendarSpec(hours=(("09:00", "12:00"), ("12:00", "17:00")), timezone=BERLIN)
    assert calendar_intervals(calendar, start, DAY)[0] == (0.0, 4.5 * HOUR)


@pytest.mark.parametrize(("day", "night"), [(date(2026, 3, 27), 8), (date(2026, 3, 28), 7), (date(2026, 10, 24), 9)])
def test_a_working_day_is_eight_hours_and_a_night_shift_gains_or_loses_one(day, night):
    start = start_instant(day, BERLIN)
    late = CalendarSpec(hours=(("22:00", "06:00"),), days=tuple(range(7)), timezone=BERLIN)
    office = CalendarSpec(days=tuple(range(7)), timezone=BERLIN)
    opens, closes = next(x for x in calendar_intervals(late, start, DAY) if x[0] > 0.0)
    assert closes - opens == night * HOUR
    assert {closes - opens for opens, closes in calendar_intervals(office, start, 7 * DAY)} == {8 * HOUR}


def test_times_that_the_clock_skips_or_shows_twice():
    zone = ZoneInfo(BERLIN)
    change = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert first_instant(datetime(2026, 3, 29, 1, 59), zone) == change - timedelta(minutes=1)
    for minute in (0, 30, 59):
        assert first_instant(datetime(2026, 3, 29, 2, minute), zone) == change
    assert first_instant(datetime(2026, 3, 29, 3, 0), zone) == change
    assert first_instant(datetime(2026, 10, 25, 2, 30), zone) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert first_instant(datetime(2026, 10, 25, 3, 0), zone) == datetime(2026, 10, 25, 2, 0, tzinfo=UTC)


def test_a_day_that_never_was():
    """Samoa went from 29 to 31 December 2011: all of the 30th is the instant of the change."""
    zone = ZoneInfo("Pacific/Apia")
    change = datetime(2011, 12, 30, 10, 0, tzinfo=UTC)
    assert {first_instant(datetime(2011, 12, 30, hour), zone) for hour in range(24)} == {change}
    skipped = CalendarSpec(days=tuple(range(7)), timezone="Pacific/Apia")
    opens = [x for x, _ in calendar_intervals(skipped, change - timedelta(days=1), 3 * DAY)][:3]
    assert opens == [9 * HOUR, DAY + 9 * HOUR, 2 * DAY + 9 * HOUR]


def test_hours_inside_the_skipped_hour_vanish():
    start = start_instant(SPRING, BERLIN)
    calendar = CalendarSpec(hours=(("02:10", "02:50"),), days=(6,), timezone=BERLIN)
    assert calendar_intervals(calendar, start, DAY)[0][0] > 6 * DAY


def test_a_night_belongs_to_the_day_on_which_it_opens():
    start = start_instant(date(2026, 12, 23), "UTC")
    night = CalendarSpec(hours=(("22:00", "06:00"),), days=tuple(range(7)), holidays=frozenset({date(2026, 12, 25)}))
    assert calendar_intervals(night, start, 4 * DAY)[1:4] == [
        (22 * HOUR, DAY + 6 * HOUR),
        (DAY + 22 * HOUR, 2 * DAY + 6 * HOUR),
        (3 * DAY + 22 * HOUR, 4 * DAY + 6 * HOUR),
    ]
    assert calendar_intervals(night, start, 4 * DAY)[0] == (0.0, 6 * HOUR)  # of the day before the start


def test_whole_days_run_together():
    calendar = CalendarSpec(hours=(("00:00", "24:00"),), timezone=BERLIN)
    start = start_instant(date(2026, 1, 5), BERLIN)
    assert calendar_intervals(calendar, start, DAY)[:2] == [(0.0, 5 * DAY), (7 * DAY, 12 * DAY)]


def test_overlapping_hours_of_one_calendar_count_once():
    calendar = CalendarSpec(hours=(("09:00", "13:00"), ("12:00", "17:00")))
    start = start_instant(date(2026, 1, 5), "UTC")
    assert open_intervals(staffed(calendar, 2), start, DAY)[0] == (9 * HOUR, 17 * HOUR, 2)


def test_shifts_add_up():
    start = start_instant(date(2026, 1, 5), "UTC")
    early, late = CalendarSpec(hours=(("08:00", "14:00"),)), CalendarSpec(hours=(("12:00", "20:00"),))
    assert open_intervals(staffed(early, 3) + staffed(late, 2), start, DAY)[:3] == [
        (8 * HOUR, 12 * HOUR, 3),
        (12 * HOUR, 14 * HOUR, 5),
        (14 * HOUR, 20 * HOUR, 2),
    ]


def test_people_change_within_open_hours_and_nobody_is_not_closed():
    start = start_instant(date(2026, 1, 5), "UTC")
    people = [(0.0, 2), (11 * HOUR, 0), (DAY, 4)]
    assert open_intervals([(CalendarSpec(), people)], start, DAY)[:3] == [
        (9 * HOUR, 11 * HOUR, 2),
        (11 * HOUR, 17 * HOUR, 0),
        (DAY + 9 * HOUR, DAY + 17 * HOUR, 4),
    ]


def test_the_first_number_of_people_holds_before_its_date():
    start = start_instant(date(2026, 1, 5), "UTC")
    assert open_intervals([(CalendarSpec(), [(50 * DAY, 7), (60 * DAY, 8)])], start, DAY)[0][2] == 7
    assert open_intervals([(CalendarSpec(), [(-9 * DAY, 7), (-8 * DAY, 8)])], start, DAY)[0][2] == 8


def test_always_open():
    start = start_instant(date(2026, 1, 5), "UTC")
    assert open_intervals(staffed(ALWAYS, 4), start, DAY) == [(0.0, math.inf, 4)]
    assert open_intervals([(ALWAYS, [(0.0, 1), (100.0, 2)])], start, DAY) == [(0.0, 100.0, 1), (100.0, math.inf, 2)]
    both = open_intervals(staffed(ALWAYS, 1) + staffed(CalendarSpec(), 2), start, DAY)
    assert both[:3] == [(0.0, 9 * HOUR, 1), (9 * HOUR, 17 * HOUR, 3), (17 * HOUR, DAY + 9 * HOUR, 1)]
    assert both[-1][1:] == (math.inf, 1)


def test_business_day():
    assert business_day(CalendarSpec(hours=(("09:00", "12:00"), ("13:00", "17:30")))) == 7.5 * HOUR
    assert business_day(CalendarSpec(hours=(("22:00", "06:00"),))) == 8 * HOUR
    assert business_day(CalendarSpec(day=7 * HOUR)) == 7 * HOUR
    assert business_day(ALWAYS) == DAY


def test_daily_instants_are_on_open_days_only():
    start = start_instant(datetime(2026, 1, 5, 8, 30), "UTC")  # a Monday, half an hour late
    calendar = CalendarSpec(holidays=frozenset({date(2026, 1, 7)}))
    at = [x / HOUR for x in instants_daily(calendar, "08:00", start, 4 * DAY)]
    assert at == [23.5, 71.5, 95.5, 167.5]  # Tuesday, Thursday, Friday, Monday past the horizon
    assert len(instants_daily(ALWAYS, "08:00", start, 4 * DAY)) == 5


def test_daily_instants_follow_the_local_clock():
    start = start_instant(date(2026, 3, 27), BERLIN)
    at = instants_daily(CalendarSpec(days=tuple(range(7)), timezone=BERLIN), "8:00", start, 4 * DAY)
    assert np.diff(at).tolist() == [DAY, DAY - HOUR, DAY, DAY]


def test_local_midnights():
    start = start_instant(date(2026, 10, 24), BERLIN)
    assert local_midnights(BERLIN, start, 2 * DAY) == [0.0, DAY, 2 * DAY + HOUR]
    assert local_midnights(NEW_YORK, start, DAY) == [-18 * HOUR, 6 * HOUR, 30 * HOUR]
    assert local_midnights("UTC", start, 2 * HOUR) == [-22 * HOUR, 2 * HOUR]


def test_seconds_since_start():
    start = start_instant(date(2026, 1, 1), BERLIN)
    assert seconds_since_start(date(2026, 7, 1), BERLIN, start) == 181 * DAY - HOUR
    assert seconds_since_start(datetime(2025, 12, 31, 23), BERLIN, start) == -HOUR
    assert seconds_since_start(datetime(2026, 1, 1, 0, 0, tzinfo=UTC), BERLIN, start) == HOUR
    assert seconds_since_start(datetime(2026, 1, 1, 0, 0, 0, 1500), BERLIN, start) == 2 / 1024


@pytest.mark.parametrize(
    "hours", [("9", "17"), ("09:00", "25:00"), ("9:60", "17:00"), ("09:00", "09:00")], ids="-".join
)
def test_impossible_hours_are_errors(hours):
    with pytest.raises(ValueError, match=r"time"):
        business_day(CalendarSpec(hours=(hours,)))


# ---- minute by minute ------------------------------------------------------------------------------------------------

WALK = 21  # days


@lru_cache(maxsize=16)
def latest_shown(zone, first):
    """For each minute from a UTC date on: the latest local time that the clock has shown, in minutes since 2026."""
    began, epoch = datetime(first.year, first.month, first.day, tzinfo=UTC), datetime(2026, 1, 1)
    shown = [
        ((began + timedelta(minutes=n)).astimezone(ZoneInfo(zone)).replace(tzinfo=None) - epoch)
        for n in range(-5 * 1440, WALK * 1440)
    ]
    latest = np.maximum.accumulate([round(x.total_seconds() / 60) for x in shown])
    return latest[5 * 1440 :]


def walked(calendar, first):
    """Minutes since `first` at which the calendar is open."""
    shown = latest_shown(calendar.timezone, first)
    is_open = np.zeros(shown.size, bool)
    for offset in range(-3, WALK + 3):
        day = first + timedelta(days=offset)
        if day.weekday() not in calendar.days or day in calendar.holidays:
            continue
        midnight = (day - date(2026, 1, 1)).days * 1440
        for opens, closes in calendar.hours:
            a, b = (int(x.split(":")[0]) * 60 + int(x.split(":")[1]) for x in (opens, closes))
            is_open |= (midnight + a <= shown) & (shown < midnight + b + (1440 if b <= a else 0))
    return is_open


def painted(intervals, size):
    minutes = np.zeros(size, int)
    for opens, closes, *people in intervals:
        assert opens % 60 == 0 and closes % 60 == 0
        minutes[int(opens // 60) : int(min(closes // 60, size))] += people[0] if people else 1
    return minutes


CHANGES = [
    (BERLIN, date(2026, 3, 20)),
    (BERLIN, date(2026, 10, 17)),
    (NEW_YORK, date(2026, 3, 1)),
    (NEW_YORK, date(2026, 10, 24)),
    (KOLKATA, date(2026, 3, 20)),
    ("UTC", date(2026, 10, 17)),
]
clocks = st.integers(0, 95).map(lambda n: _quarter(n))
spans = st.tuples(clocks, clocks | st.just("24:00")).filter(lambda span: span[0] != span[1])
small = st.tuples(st.integers(4, 16), st.integers(1, 8)).map(lambda x: (_quarter(x[0]), _quarter(x[0] + x[1])))


def _quarter(n):  # small spans lie around the change, at 02:00 or 03:00
    return f"{n // 4:02}:{n % 4 * 15:02}"


@st.composite
def calendars(draw, zone, first):
    return CalendarSpec(
        hours=tuple(draw(st.lists(spans | small, min_size=1, max_size=3))),
        days=tuple(sorted(draw(st.sets(st.integers(0, 6), min_size=1)))),
        timezone=zone,
        holidays=frozenset(draw(st.sets(st.integers(0, WALK).map(lambda n: first + timedelta(days=n)), max_size=3))),
    )


@pytest.mark.parametrize(("zone", "first"), CHANGES)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_hours_against_the_walk(zone, first, data):
    calendar = data.draw(calendars(zone, first))
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    intervals = calendar_intervals(calendar, start, WALK * DAY - BEYOND)
    expected = walked(calendar, first)
    assert (painted(intervals, expected.size) == expected).all()
    assert all(a[1] < b[0] for a, b in pairwise(intervals))


@pytest.mark.parametrize(("zone", "first"), CHANGES[:3])
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_shifts_against_the_walk(zone, first, data):
    """Two shifts in two zones, each with a change of people: sum minute by minute, and no gap where anyone is open."""
    shifts, steps = [], []
    for where in (zone, "UTC"):
        shifts.append(data.draw(calendars(where, first)))
        change = data.draw(st.integers(1, WALK * 1440 - 1))
        steps.append([(0.0, data.draw(st.integers(0, 3))), (60.0 * change, data.draw(st.integers(0, 3)))])
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    intervals = open_intervals(list(zip(shifts, steps, strict=True)), start, WALK * DAY - BEYOND)
    is_open = [walked(shift, first) for shift in shifts]
    minute = 60.0 * np.arange(is_open[0].size)
    people = sum(
        np.where(minute < step[1][0], step[0][1], step[1][1]) * hours
        for hours, step in zip(is_open, steps, strict=True)
    )
    assert (painted(intervals, minute.size) == people).all()
    assert (painted([x[:2] for x in intervals], minute.size) == (is_open[0] | is_open[1])).all()
    for a, b in pairwise(intervals):
        assert a[1] < b[0] or (a[1] == b[0] and a[2] != b[2])


@pytest.mark.parametrize(("zone", "first"), CHANGES)
@pytest.mark.parametrize("clock", ["00:00", "02:30", "08:00"])
def test_daily_instants_against_the_walk(zone, first, clock):
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    shown = latest_shown(zone, first)
    minutes = int(clock[:2]) * 60 + int(clock[3:])
    days = range((first - date(2026, 1, 1)).days - 2, (first - date(2026, 1, 1)).days + WALK - 3)
    expected = [60.0 * np.argmax(shown >= day * 1440 + minutes) for day in days if shown[0] < day * 1440 + minutes]
    found = instants_daily(CalendarSpec(days=tuple(range(7)), timezone=zone), clock, start, 10 * DAY)
    assert len(found) >= 10
    assert [x for x in found if x > 0.0] == expected[: len([x for x in found if x > 0.0])]
    if clock == "00:00":
        midnights = local_midnights(zone, start, 10 * DAY)
        assert midnights[0] <= 0.0 < midnights[1]
        assert midnights[-2] < 10 * DAY <= midnights[-1]
        assert [x for x in midnights if x > 0.0] == expected[: len([x for x in midnights if x > 0.0])]
