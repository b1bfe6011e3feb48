"""Along the calendar: what happens each day, what is open, what waits and how levels stand at its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from funnelsim.measures.counting_tools import midnights_of
from funnelsim.measures.estimate import LEVEL
from funnelsim.measures.money import paid_seconds
from funnelsim.plan import HOUR, Labels, Plan
from funnelsim.summary import Summary, day_columns
from funnelsim.typing import FloatArray

WEEK_DAYS = 7
STANDING = ("open", "queue", "level")  # counted at an instant, not over the day


@dataclass(frozen=True)
class Series:
    """One quantity day by day, over replications."""

    name: str  # "arrivals", "passed", "revenue", "value", "worked hours"; "open", "queue", "level"
    of: str  # definition, stage, team or level
    dates: list[date]  # local days
    values: FloatArray  # [replication, day]; flows of the day, levels at the midnight that ends it

    @property
    def is_level(self) -> bool:
        """Counted at an instant, not over the day."""
        return self.name in STANDING

    @property
    def mean(self) -> FloatArray:
        average: FloatArray = self.values.mean(axis=0)
        return average

    @property
    def band(self) -> tuple[FloatArray, FloatArray]:
        """Central 90 % of replications, day by day."""
        low, high = np.quantile(self.values, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0], axis=0)
        return low, high

    def by_week(self) -> Series:
        """Weeks of seven days from the first: sums of flows, averages of levels; a torn week is left out."""
        # a level at one midnight of the week would show weekends, or hide them
        values = _folded(self.values).mean(axis=2) if self.is_level else _folded(self.values).sum(axis=2)
        return Series(self.name, self.of, _first_days(self.dates), values)


def series(stacked: Summary, plan: Plan, book: Labels) -> list[Series]:
    """All columns of the day table, for whole days up to the horizon; there is no level at the horizon itself."""
    ends, horizon = midnights_of(plan)[1:], plan.settings[0].horizon
    first = datetime.fromisoformat(book.start).date()
    dates = [first + timedelta(days=day) for day in range(int((ends <= horizon).sum()))]
    sampled = int((ends < horizon).sum())
    found = []
    for name, of, values in _columns(stacked, plan, book):
        days = sampled if name in STANDING else len(dates)
        found.append(Series(name, of, dates[:days], values[:, :days]))
    return found


def weekly(stacked: Summary, plan: Plan, book: Labels) -> list[Series]:
    """All series by week, and the share of their paid hours that teams work [76]; nan in weeks without any."""
    found = series(stacked, plan, book)
    paid = paid_seconds(plan, midnights_of(plan)) / HOUR
    weeks = [one.by_week() for one in found]
    for i, team in enumerate(book.teams):
        worked = next(one for one in weeks if (one.name, one.of) == ("worked hours", team))
        shift = paid[i, : len(worked.dates) * WEEK_DAYS].reshape(-1, WEEK_DAYS).sum(axis=1)
        share = np.divide(worked.values, shift, out=np.full_like(worked.values, np.nan), where=shift > 0.0)
        weeks.append(Series("utilisation", team, worked.dates, share))
    return weeks


def _columns(stacked: Summary, plan: Plan, book: Labels) -> Iterator[tuple[str, str, FloatArray]]:
    columns, days = day_columns(plan), stacked.days
    groups = (*days.shape[:2], len(book.definitions), -1)
    yield "arrivals", "", days[:, :, 0]
    passed = days[:, :, columns.passages : columns.value].reshape(groups).sum(axis=3)
    value = days[:, :, columns.value : columns.open].reshape(groups).sum(axis=3) / 100.0
    yield from (("passed", name, passed[:, :, i]) for i, name in enumerate(book.definitions))
    yield from (
        ("revenue" if i == book.won else "value", name, value[:, :, i]) for i, name in enumerate(book.definitions)
    )
    for kind, names, column in (
        ("open", book.stages, columns.open),
        ("queue", book.teams, columns.queue),
        ("level", book.levels, columns.level),
    ):
        yield from ((kind, name, days[:, :, column + i]) for i, name in enumerate(names))
    yield from (("worked hours", name, days[:, :, columns.busy + i] / HOUR) for i, name in enumerate(book.teams))


def _folded(values: FloatArray) -> FloatArray:
    """[replication, week, day of the week]"""
    weeks = values.shape[1] // WEEK_DAYS
    return values[:, : weeks * WEEK_DAYS].reshape(len(values), weeks, WEEK_DAYS)


def _first_days(dates: list[date]) -> list[date]:
    return dates[: len(dates) // WEEK_DAYS * WEEK_DAYS : WEEK_DAYS]
