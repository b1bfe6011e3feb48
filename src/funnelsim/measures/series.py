"""Along the calendar: what happens each day, what is open and what waits at its end, and promised volumes [63]."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from funnelsim.measures.estimate import LEVEL, Measure
from funnelsim.plan import Book, Plan
from funnelsim.summary import Summary

Floats = NDArray[np.float64]
WEEK_DAYS = 7
LEVELS = ("open", "queue")      # counted at an instant, not over the day


@dataclass(frozen=True)
class Series:
    """One quantity day by day, over replications."""

    name: str                   # "arrivals", "passed", "revenue", "open", "queue"
    of: str                     # definition, stage or team
    dates: list[date]           # local days
    values: Floats              # [replication, day]; flows of the day, levels at the midnight that ends it

    @property
    def is_level(self) -> bool:
        """Counted at an instant, not over the day."""
        return self.name in LEVELS

    @property
    def mean(self) -> Floats:
        average: Floats = self.values.mean(axis=0)
        return average

    @property
    def band(self) -> tuple[Floats, Floats]:
        """Central 90 % of replications, day by day."""
        low, high = np.quantile(self.values, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0], axis=0)
        return low, high

    def by_week(self) -> Series:
        """Weeks of seven days from the first: sums of flows, averages of levels; a torn week is left out."""
        weeks = len(self.dates) // WEEK_DAYS
        folded = self.values[:, :weeks * WEEK_DAYS].reshape(len(self.values), weeks, WEEK_DAYS)
        # a level at one midnight of the week would show weekends, or hide them
        values = folded.mean(axis=2) if self.is_level else folded.sum(axis=2)
        return Series(self.name, self.of, self.dates[:weeks * WEEK_DAYS:WEEK_DAYS], values)


def series(stacked: Summary, plan: Plan, book: Book) -> list[Series]:
    """All columns of the day table, for whole days up to the horizon; there is no level at the horizon itself."""
    ends, horizon = _midnights(plan)[1:], plan.settings[0].horizon
    first = datetime.fromisoformat(book.start).date()
    dates = [first + timedelta(days=day) for day in range(int((ends <= horizon).sum()))]
    sampled = int((ends < horizon).sum())
    columns = [("arrivals", ""), *(("passed", one) for one in book.definitions),
               *(("revenue" if i == book.won else "value", one) for i, one in enumerate(book.definitions)),
               *(("open", stage) for stage in book.stages), *(("queue", team) for team in book.teams)]
    found = []
    for i, (name, of) in enumerate(columns):
        days = sampled if name in LEVELS else len(dates)
        unit = 100.0 if name in ("revenue", "value") else 1.0
        found.append(Series(name, of, dates[:days], stacked.days[:, :days, i] / unit))
    return found


def volumes(stacked: Summary, plan: Plan, book: Book,
            promises: Sequence[tuple[str, float, str]] | None = None) -> list[Measure]:
    """Promised volumes: the share of whole periods inside the measured window in which they were delivered.

    `promises` are (definition, count, period), by default the scenario's own: another's show "had it been promised".
    """
    found = []
    for definition, count, period in book.volume_promises if promises is None else promises:
        if definition not in book.definitions:
            continue
        passed = stacked.days[:, :, 1 + book.definitions.index(definition)]
        runs = list(_periods(plan, book, period))
        if not runs:
            continue
        delivered = np.stack([passed[:, first:last].sum(axis=1) for first, last in runs], axis=1)
        each = f"{definition} a {period}"
        found.append(Measure("calendar", "volume", each, "leads", delivered.mean(axis=1)))
        found.append(Measure("calendar", "volume kept", each, "share", (delivered >= count).sum(axis=1).astype(float),
                             np.full(len(delivered), float(len(runs)))))
        found.append(Measure("calendar", "volume delivered", each, "share of promise", delivered.mean(axis=1) / count))
    return found


def _periods(plan: Plan, book: Book, period: str) -> Iterator[tuple[int, int]]:
    """Runs of days (first, last) that are whole weeks from Monday, months or quarters within the window."""
    midnights = _midnights(plan)
    start, end = plan.settings[0].measure_from, plan.settings[0].measure_to
    inside = np.flatnonzero((midnights >= start) & (midnights <= end))
    if len(inside) == 0:
        return
    begin = datetime.fromisoformat(book.start).date()
    edges = [int(day) for day in inside if _begins(begin + timedelta(days=int(day)), period)]
    yield from pairwise(edges)


def _begins(day: date, period: str) -> bool:
    if period == "week":
        return day.weekday() == 0
    return day.day == 1 and (period == "month" or day.month % 3 == 1)


def _midnights(plan: Plan) -> Floats:
    settings = plan.settings[0]
    return plan.instants[settings.days_first:settings.days_first + settings.days_count]
