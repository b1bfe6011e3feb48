"""Working time against a count of seconds, one by one, and the rules by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelsim.engine import business_time
from funnelsim.plan import DAY, HOUR, INTERVAL, record_from_dicts

INF = math.inf
QUARTER = 0.25  # instants of the random calendars are quarters of a second: on the grid


def calendar(*rows, ahead=0):
    """Rows (opens, closes, capacity) as a team's run, after `ahead` rows of another team and before one more."""
    other = {"opens": 0.0, "closes": INF, "capacity": 9, "before": 0.0}
    own, before = [], 0.0
    for opens, closes, capacity in rows:
        own.append({"opens": opens, "closes": closes, "capacity": capacity, "before": before})
        before += closes - opens
    return record_from_dicts(INTERVAL, [other] * ahead + own + [other]), ahead, len(own)


WEEK = calendar(*((d * DAY + 9 * HOUR, d * DAY + 17 * HOUR, 2) for d in (0, 1, 2, 3, 4, 7, 8)), ahead=2)


def day(n, clock):
    return n * DAY + clock * HOUR


# ---- the rules by hand -----------------------------------------------------------------------------------------------


def test_opens_at_the_opening_instant_and_not_at_the_closing_instant():
    assert business_time.is_open(*WEEK, day(0, 9))
    assert not business_time.is_open(*WEEK, day(0, 17))
    assert not business_time.is_open(*WEEK, day(0, 9) - 1 / 1024)
    assert business_time.is_open(*WEEK, day(0, 17) - 1 / 1024)


def test_a_deadline_that_uses_up_friday_is_friday_evening():
    assert business_time.add_open(*WEEK, day(4, 13), 4 * HOUR) == day(4, 17)
    assert business_time.add_open(*WEEK, day(4, 13), 4 * HOUR + 1 / 1024) == day(7, 9) + 1 / 1024


def test_time_started_in_closed_hours_counts_from_the_next_opening():
    for clock in (17, 20):
        assert business_time.add_open(*WEEK, day(4, clock), HOUR) == day(7, 10)
    assert business_time.add_open(*WEEK, day(6, 12), 8 * HOUR) == day(7, 17)


def test_no_time_has_passed_at_once_also_when_closed():
    assert business_time.add_open(*WEEK, day(5, 3), 0.0) == day(5, 3)


def test_after_the_last_closing():
    end = day(8, 17)
    assert business_time.add_open(*WEEK, day(8, 16), HOUR) == end
    assert business_time.add_open(*WEEK, day(8, 16), HOUR + 1) == INF
    assert business_time.add_open(*WEEK, end, 1.0) == INF
    assert business_time.next_opening(*WEEK, end) == INF
    assert business_time.interval_index(*WEEK, end) == WEEK[1] + WEEK[2]
    assert business_time.capacity_at(*WEEK, end) == 0
    assert not business_time.is_open(*WEEK, end)
    assert business_time.open_between(*WEEK, end, end + DAY) == 0.0


def test_next_opening():
    assert business_time.next_opening(*WEEK, day(0, 3)) == day(0, 9)
    assert business_time.next_opening(*WEEK, day(0, 12)) == day(0, 12)
    assert business_time.next_opening(*WEEK, day(4, 17)) == day(7, 9)


def test_always_open():
    always = calendar((0.0, INF, 3))
    assert business_time.add_open(*always, 1e9, 5.5) == 1e9 + 5.5
    assert business_time.add_open(*always, 5.0, INF) == INF
    assert business_time.open_between(*always, 3.0, 10.25) == 7.25
    assert business_time.person_seconds(*always, 3.0, 10.25) == 3 * 7.25
    assert business_time.is_open(*always, 0.0)
    assert business_time.next_opening(*always, 7.0) == 7.0


def test_always_open_with_changing_people():
    growing = calendar((0.0, 100.0, 1), (100.0, INF, 2))
    assert business_time.add_open(*growing, 90.0, 10.0) == 100.0
    assert business_time.add_open(*growing, 90.0, 11.0) == 101.0
    assert business_time.person_seconds(*growing, 90.0, 110.0) == 30.0
    assert [business_time.capacity_at(*growing, t) for t in (99.0, 100.0)] == [1, 2]


def test_negative_instants_count_as_the_start():
    early = calendar((0.0, 10.0, 1), (20.0, 30.0, 1))
    assert business_time.is_open(*early, -5.0)
    assert business_time.capacity_at(*early, -5.0) == 1
    assert business_time.add_open(*early, -5.0, 12.0) == 22.0
    assert business_time.open_between(*early, -5.0, 25.0) == 15.0
    assert business_time.person_seconds(*early, -5.0, 25.0) == 15.0


def test_nobody_on_shift_is_not_closed():
    empty = calendar((0.0, 10.0, 0), (10.0, 20.0, 1))
    assert business_time.is_open(*empty, 5.0)
    assert business_time.capacity_at(*empty, 5.0) == 0
    assert business_time.add_open(*empty, 5.0, 10.0) == 15.0
    assert business_time.person_seconds(*empty, 5.0, 15.0) == 5.0


def test_team_without_hours():
    none = calendar(ahead=1)
    assert business_time.next_opening(*none, 5.0) == INF
    assert business_time.add_open(*none, 5.0, 1.0) == INF
    assert business_time.open_between(*none, 0.0, 1e9) == 0.0
    assert business_time.person_seconds(*none, 0.0, 1e9) == 0.0


def test_exact_far_from_the_start():
    """Ten years on, at the finest step of the grid."""
    tick, far = 1 / 1024, 3653 * DAY
    late = calendar(*((n * DAY + 9 * HOUR, n * DAY + 17 * HOUR, 1) for n in range(3700)))
    t = far + 9 * HOUR + tick
    assert business_time.add_open(*late, t, 8 * HOUR - tick) == far + 17 * HOUR
    assert business_time.add_open(*late, t, 8 * HOUR) == far + DAY + 9 * HOUR + tick
    assert business_time.open_between(*late, 0.0, t) == 3653 * 8 * HOUR + tick


# ---- random calendars against the count of quarters of a second ------------------------------------------------------


@st.composite
def calendars(draw):
    """Up to six intervals within 80 quarters of a second; touching ones, empty shifts and no hours at all occur."""
    gaps = draw(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 8), st.integers(0, 3)), max_size=6))
    rows, at = [], 0
    for gap, length, capacity in gaps:
        rows.append((QUARTER * (at + gap), QUARTER * (at + gap + length), capacity))
        at += gap + length
    return rows


def quarters(rows):
    """For each quarter of a second: people on shift, or None when closed."""
    people = [None] * 100
    for opens, closes, capacity in rows:
        for i in range(int(opens / QUARTER), int(closes / QUARTER)):
            people[i] = capacity
    return people


@given(calendars(), st.integers(0, 90), st.integers(0, 40), st.integers(0, 3))
@settings(max_examples=400, deadline=None)
def test_against_counting(rows, a, length, ahead):
    team, people = calendar(*rows, ahead=ahead), quarters(rows)
    t, b = a * QUARTER, a + length
    assert business_time.is_open(*team, t) == (people[a] is not None)
    assert business_time.capacity_at(*team, t) == (people[a] or 0)
    openings = [i for i in range(a, 100) if people[i] is not None]
    assert business_time.next_opening(*team, t) == (openings[0] * QUARTER if openings else INF)
    open_quarters = sum(person is not None for person in people[a : min(b, 100)])
    assert business_time.open_between(*team, t, b * QUARTER) == open_quarters * QUARTER
    assert business_time.person_seconds(*team, t, b * QUARTER) == sum(person or 0 for person in people[a:b]) * QUARTER
    expected = t if length == 0 else (openings[length - 1] + 1) * QUARTER if length <= len(openings) else INF
    assert business_time.add_open(*team, t, length * QUARTER) == expected


@given(calendars().filter(bool), st.integers(0, 90), st.integers(1, 15), st.integers(1, 15))
@settings(max_examples=200, deadline=None)
def test_adding_twice_is_adding_the_sum(rows, a, first, second):
    team, t = calendar(*rows), a * QUARTER
    there = business_time.add_open(*team, t, first * QUARTER)
    if there < INF:
        both = business_time.add_open(*team, t, (first + second) * QUARTER)
        assert business_time.add_open(*team, there, second * QUARTER) == both
        assert business_time.open_between(*team, t, there) == first * QUARTER


@pytest.mark.parametrize("name", ["interval_index", "is_open", "capacity_at", "next_opening"])
def test_the_same_without_the_compiler(name):
    function = getattr(business_time, name)
    interpreted = getattr(function, "py_func", function)
    for t in np.arange(0.0, 9 * DAY, 1.5 * HOUR):
        assert interpreted(*WEEK, t) == function(*WEEK, t)
