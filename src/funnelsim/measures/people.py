"""People: hours, utilisation, what waits, and which team is full first [72, 76].

A team is *saturated* in the first whole week of seven days inside the measured window in which it works at least 95 %
of its paid hours, or in which more work waits for it, on the average of the midnights, than it has paid hours in that
week. The second is for teams that are full though hours are left: people away, personal queues, time budgets. Waiting
work is the number of waiting leads times the team's mean work an attempt in the window. First is the team that is
saturated in the earliest week, of several the one with the highest utilisation.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from funnelsim.measures.counting_tools import midnights_of
from funnelsim.measures.estimate import Measure, divided
from funnelsim.measures.money import paid_hours, paid_seconds
from funnelsim.measures.series import WEEK_DAYS
from funnelsim.plan import HOUR, Labels, Plan
from funnelsim.summary import CALENDAR, WINDOWS, Summary, day_columns
from funnelsim.typing import FloatArray, IntArray

FULL = 0.95


def people(stacked: Summary, plan: Plan, book: Labels) -> Iterator[Measure]:
    """Hours of the measured window; work is shown with what other work stretches it to, utilisation without [76]."""
    which, paid = WINDOWS[CALENDAR], paid_hours(plan)
    for i, team in enumerate(book.teams):
        rows = stacked.teams[:, i]
        replications = len(rows)
        shift = np.full(replications, paid[i])
        yield Measure(which, "paid hours", team, "hours", shift)
        yield Measure(which, "worked hours", team, "hours", (rows["busy"] + rows["overtime"]) / HOUR)
        yield Measure(which, "overtime", team, "hours", rows["overtime"] / HOUR)
        yield Measure(which, "utilisation", team, "share of hours", rows["busy"] / HOUR, shift)
        yield Measure(which, "attempts", team, "attempts", rows["attempts"])
        yield Measure(which, "contacts", team, "share", rows["contacts"], rows["attempts"])
    yield from _waiting(stacked, plan, book)
    yield from _saturation(stacked, plan, book)


def _waiting(stacked: Summary, plan: Plan, book: Labels) -> Iterator[Measure]:
    """At the midnights within the measured window: on average, and at the last."""
    which, days = WINDOWS[CALENDAR], _days_inside(plan)
    if len(days) == 0:
        return
    columns = day_columns(plan)
    for kind, names, unit, column in (
        ("backlog", book.teams, "leads", columns.queue),
        ("level", book.levels, "level", columns.level),
    ):
        for i, name in enumerate(names):
            values = stacked.days[:, days, column + i]
            yield Measure(which, kind, name, unit, values.mean(axis=1))
            yield Measure(which, f"{kind} at the end", name, unit, values[:, -1])


def _saturation(stacked: Summary, plan: Plan, book: Labels) -> Iterator[Measure]:
    """How often each team is saturated, after how many weeks, and how often it is the first."""
    which, utilisation = WINDOWS[CALENDAR], _utilisation(stacked, plan)
    replications, teams, weeks = utilisation.shape
    if weeks == 0:
        return
    full = (utilisation >= FULL) | (_weeks_waiting(stacked, plan) >= 1.0)
    first = np.where(full.any(axis=2), full.argmax(axis=2), weeks)
    at_first = np.take_along_axis(utilisation, np.minimum(first, weeks - 1)[:, :, None], axis=2)[:, :, 0]
    # earlier weeks before higher utilisation: no utilisation reaches 1e6
    rank = first * 1e6 - np.nan_to_num(at_first)
    ones = np.ones(replications)
    for i, team in enumerate(book.teams):
        saturated = first[:, i] < weeks
        is_first = saturated & (rank[:, i] == rank.min(axis=1))
        yield Measure(which, "saturated", team, "share", saturated.astype(float), ones)
        if saturated.any():
            yield Measure(
                which,
                "weeks to saturation",
                team,
                "weeks",
                np.where(saturated, first[:, i] + 1.0, 0.0),
                saturated.astype(float),
            )
        if saturated.any() and teams > 1:
            yield Measure(which, "first to saturate", team, "share", is_first.astype(float), ones)


def _utilisation(stacked: Summary, plan: Plan) -> FloatArray:
    """[replication, team, week]; nan in weeks without paid hours."""
    busy, paid = _weeks(stacked, plan, day_columns(plan).busy).sum(axis=3), _paid_by_week(plan)
    return divided(busy, np.broadcast_to(paid, busy.shape))


def _weeks_waiting(stacked: Summary, plan: Plan) -> FloatArray:
    """Waiting work at the midnights of a week over the paid time of that week: [replication, team, week]."""
    waiting = _weeks(stacked, plan, day_columns(plan).queue).mean(axis=3)
    each = divided(stacked.teams["busy"] + stacked.teams["overtime"], stacked.teams["attempts"])
    paid = _paid_by_week(plan)
    return divided(waiting * np.nan_to_num(each)[:, :, None], np.broadcast_to(paid, waiting.shape))


def _weeks(stacked: Summary, plan: Plan, column: int) -> FloatArray:
    """Days of a run of columns, one a team, in whole weeks within the window: [replication, team, week, day]."""
    days = _whole_weeks(plan)
    table = stacked.days[:, days, column : column + len(plan.teams)].transpose(0, 2, 1)
    weeks: FloatArray = table.reshape(*table.shape[:2], table.shape[2] // WEEK_DAYS, WEEK_DAYS)
    return weeks


def _paid_by_week(plan: Plan) -> FloatArray:
    paid = paid_seconds(plan, midnights_of(plan))[:, _whole_weeks(plan)]
    weeks: FloatArray = paid.reshape(len(paid), paid.shape[1] // WEEK_DAYS, WEEK_DAYS).sum(axis=2)
    return weeks


def _whole_weeks(plan: Plan) -> slice:
    days = _days_inside(plan)
    return slice(days[0], days[0] + len(days) // WEEK_DAYS * WEEK_DAYS) if len(days) else slice(0, 0)


def _days_inside(plan: Plan) -> IntArray:
    """Whole local days within the measured window whose last midnight lies before the horizon."""
    midnights, settings = midnights_of(plan), plan.settings[0]
    inside = (midnights[:-1] >= settings.measure_from) & (midnights[1:] <= settings.measure_to)
    return np.flatnonzero(inside & (midnights[1:] < settings.horizon))
