"""What marketing has promised to deliver, period by period: counts or value, of all leads or of a segment [63].

Whole calendar weeks (from Monday), months or quarters inside the measured window count. The burn-up is what has been
delivered since the first of them, beside what evenly met promises would have brought by then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np

from funnelsim.measures.counting_tools import midnights_of
from funnelsim.measures.estimate import Measure
from funnelsim.measures.series import WEEK_DAYS, Series
from funnelsim.plan import Labels, Plan
from funnelsim.summary import Summary, day_columns
from funnelsim.typing import FloatArray

VALUE = "value"


@dataclass(frozen=True)
class Delivery:
    """One promise and what was delivered against it."""

    name: str  # "enterprise MQL a month", "value of MQL a month"
    unit: str  # "leads" or the currency
    amount: float  # promised a period
    periods: list[tuple[int, int]]  # runs of days: from the first, before the last
    first_day: date
    daily: FloatArray  # [replication, day]

    @property
    def delivered(self) -> FloatArray:
        """[replication, period]"""
        return np.stack([self.daily[:, first:last].sum(axis=1) for first, last in self.periods], axis=1)


def volumes(stacked: Summary, plan: Plan, book: Labels) -> list[Measure]:
    """Delivered volumes: over all whole periods, and in each of them."""
    found = []
    for one in deliveries(stacked, plan, book):
        delivered, promised = one.delivered, np.full(len(one.daily), one.amount * len(one.periods))
        ones = np.ones(len(delivered))
        met = (delivered >= one.amount).astype(float)
        found += [
            Measure("calendar", "volume", one.name, one.unit, delivered.mean(axis=1)),
            Measure("calendar", "volume met", one.name, "share", met.sum(axis=1), ones * len(one.periods)),
            Measure("calendar", "volume delivered", one.name, "share of promise", delivered.sum(axis=1), promised),
        ]
        for i, (first, _) in enumerate(one.periods):
            of = f"{one.name}.{one.first_day + timedelta(days=first)}"
            found += [
                Measure("calendar", "volume in", of, one.unit, delivered[:, i]),
                Measure("calendar", "volume met in", of, "share", met[:, i], ones),
                Measure("calendar", "volume delivered in", of, "share of promise", delivered[:, i], ones * one.amount),
            ]
    return found


def burn_up(stacked: Summary, plan: Plan, book: Labels) -> list[Series]:
    """By week, cumulated: "burn-up" is what was delivered, "promised" what was due by then."""
    found = []
    for one in deliveries(stacked, plan, book):
        begin, end = one.periods[0][0], one.periods[-1][1]
        due = np.concatenate([np.full(last - first, one.amount / (last - first)) for first, last in one.periods])
        week_ends = np.arange(WEEK_DAYS - 1, end - begin, WEEK_DAYS)
        dates = [one.first_day + timedelta(days=begin + int(day) - WEEK_DAYS + 1) for day in week_ends]
        delivered = np.cumsum(one.daily[:, begin:end], axis=1)[:, week_ends]
        found += [
            Series("burn-up", one.name, dates, delivered),
            Series("promised", one.name, dates, np.cumsum(due)[None, week_ends]),
        ]
    return found


def deliveries(stacked: Summary, plan: Plan, book: Labels) -> Iterator[Delivery]:
    """What was delivered against each promise that has a whole period in the window."""
    columns, segments = day_columns(plan), int(plan.settings[0].segments)
    for definition, amount, period, kind, segment in book.volume_promises:
        periods = list(_periods(plan, book, period))
        if definition not in book.definitions or not periods:
            continue
        first = (columns.value if kind == VALUE else columns.passages) + book.definitions.index(definition) * segments
        chosen = slice(first, first + segments) if segment < 0 else slice(first + segment, first + segment + 1)
        daily = stacked.days[:, :, chosen].sum(axis=2) / (100.0 if kind == VALUE else 1.0)
        name = f"{definition} a {period}" if segment < 0 else f"{book.segments[segment]} {definition} a {period}"
        start = datetime.fromisoformat(book.start).date()
        yield Delivery(
            f"value of {name}" if kind == VALUE else name,
            book.currency if kind == VALUE else "leads",
            amount,
            periods,
            start,
            daily,
        )


def _periods(plan: Plan, book: Labels, period: str) -> Iterator[tuple[int, int]]:
    """Runs of days (first, last) that are whole weeks from Monday, months or quarters within the window."""
    midnights = midnights_of(plan)
    start, end = plan.settings[0].measure_from, plan.settings[0].measure_to
    inside = np.flatnonzero((midnights >= start) & (midnights <= end))
    begin = datetime.fromisoformat(book.start).date()
    edges = [int(day) for day in inside if _begins(begin + timedelta(days=int(day)), period)]
    yield from pairwise(edges)


def _begins(day: date, period: str) -> bool:
    if period == "week":
        return day.weekday() == 0
    return day.day == 1 and (period == "month" or day.month % 3 == 1)
