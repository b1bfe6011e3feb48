"""Promises met and missed, leads accepted and turned down, worked and left alone: by stage and team [61, 89, 95]."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from funnelsim.measures.estimate import Estimate, Measure, mean
from funnelsim.plan import Labels
from funnelsim.summary import CALENDAR, WINDOWS, Summary
from funnelsim.typing import FloatArray

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAY_HOURS = 24
CLOCKS = {"touch": "attainment", "attempts": "attempts attainment", "acceptance": "acceptance attainment"}
ACTIONS = ("late", "warned", "escalated", "reassigned", "returned")


@dataclass(frozen=True)
class BreachHour:
    """First-touch promises of a team that ran out, broken, in one hour of the local week within the window."""

    team: str
    day: str
    hour: int  # local, 0 to 23
    estimate: Estimate


def promises(stacked: Summary, book: Labels, window: int) -> Iterator[Measure]:
    """By stage and team, for teams that have promised something or are asked to accept or to pursue leads."""
    which = WINDOWS[window]
    for i, stage in enumerate(book.stages):
        for j, team in enumerate(book.teams):
            rows, of = stacked.assignments[:, window, i, j], f"{stage}.{team}"
            if rows["promised"].any():
                yield Measure(which, "assigned", of, "assignments", rows["assigned"])
                yield from _clocks(rows, which, of)
                yield Measure(which, "adhered", of, "share", rows["adhered"], rows["promised"])
                for name in ACTIONS:
                    if rows[name].any():
                        yield Measure(which, name, of, "assignments", rows[name])
            yield from _behaviour(rows, which, of)
    if window == CALENDAR:
        yield from _by_day(stacked, book)


def breach_hours(stacked: Summary, book: Labels) -> list[BreachHour]:
    """Each hour of the local week, for teams that ever broke a promise."""
    return [
        BreachHour(name, DAYS[hour // DAY_HOURS], hour % DAY_HOURS, mean(broken[:, hour]))
        for name, broken in _broken(stacked, book)
        for hour in range(len(DAYS) * DAY_HOURS)
    ]


def _clocks(rows: Any, which: str, of: str) -> Iterator[Measure]:
    for clock, name in CLOCKS.items():
        met, missed = rows[f"{clock}_met"], rows[f"{clock}_missed"]
        if clock == "touch" or (met + missed).any():
            yield Measure(which, name, of, "share", met, met + missed)
    breaches = sum(rows[f"{clock}_missed"] for clock in CLOCKS)
    yield Measure(which, "breaches", of, "broken promises", breaches)


def _behaviour(rows: Any, which: str, of: str) -> Iterator[Measure]:
    decided = rows["accepted"] + rows["rejected"]
    if decided.any():
        yield Measure(which, "decided", of, "assignments", decided)
        yield Measure(which, "acceptance", of, "share", rows["accepted"], decided)
    if rows["asked"].any():
        yield Measure(which, "pursued", of, "share", rows["pursued"], rows["asked"])


def _by_day(stacked: Summary, book: Labels) -> Iterator[Measure]:
    for team, broken in _broken(stacked, book):
        days = broken.reshape(len(broken), len(DAYS), DAY_HOURS).sum(axis=2)
        for i, day in enumerate(DAYS):
            yield Measure(WINDOWS[CALENDAR], "first touch missed on", f"{team}.{day}", "broken promises", days[:, i])


def _broken(stacked: Summary, book: Labels) -> Iterator[tuple[str, FloatArray]]:
    for i, team in enumerate(book.teams):
        if stacked.breaches[:, i].any():
            yield team, np.asarray(stacked.breaches[:, i])
