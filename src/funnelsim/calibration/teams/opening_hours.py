"""When a team is open: from the instants at which it begins work.

    a slot of half an hour on a weekday is open when work begins in it at least a tenth as often as in the median slot
    of that weekday in which work begins at all; weekdays of nearly equal hours are told by one calendar

A day of the week is closed when work begins on it less than a twentieth as often as on the busiest. A date is a holiday
when nothing began on a weekday that brings 5 pieces or more on average, and chance would do that less than once in a
hundred times (Poisson).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from funnelsim.calibration.io.times import local_parts
from funnelsim.calibration.teams.staffing import SLOT, SLOTS, clock_text
from funnelsim.typing import FloatArray

CLOSED_DAY, CLOSED_SLOT = 0.05, 0.1
FEWEST = 100  # pieces; fewer say nothing about hours
ENOUGH_A_DAY = 5.0
UNLIKELY = 0.01


@dataclass(frozen=True)
class Opening:
    """Opening hours."""

    groups: tuple[tuple[str, tuple[int, ...]], ...]  # (hours as a calendar says them, weekdays from Monday = 0)
    holidays: tuple[str, ...]
    slots: np.ndarray  # [weekday, slot]: open?

    @property
    def alike(self) -> tuple[tuple[int, ...], ...]:
        """Weekdays of the same hours."""
        return tuple(days for _, days in self.groups)

    @property
    def always(self) -> bool:
        """Open round the clock."""
        return bool(self.slots.all())

    @property
    def closes(self) -> bool:
        """Is it closed for at least four hours each night?"""
        return bool((~self.slots).sum(1).min() * SLOT >= 4 * 3600)

    @property
    def hours(self) -> float:
        """A week."""
        return float(self.slots.sum() * SLOT / 3600.0)


def fit_opening(started: FloatArray, zone: str) -> Opening | None:
    """Opening hours from the starts of work; None when there are fewer than a hundred."""
    if len(started) < FEWEST:
        return None
    day, hour = local_parts(started, zone)
    _, late = local_parts(started - SLOT, zone)
    half = (late == hour).astype(int)  # half an hour ago it was the same hour: the second half of it
    slot, weekday = 2 * hour + half, (day + 3) % 7
    count = np.zeros((7, SLOTS))
    np.add.at(count, (weekday, slot), 1)
    by_day = count.sum(1)
    open_days = by_day >= CLOSED_DAY * by_day.max()
    slots = np.array([_open_slots(row) for row in count]) & open_days[:, None]
    slots, groups = _weekday_groups(slots, count)
    return Opening(groups, _holidays(day, weekday, open_days), slots)


def _open_slots(count: FloatArray) -> np.ndarray:
    used = count[count > 0]
    return np.asarray(count >= max(CLOSED_SLOT * float(np.median(used)), 1.0)) if len(used) else count > 0


def _weekday_groups(slots: np.ndarray, count: FloatArray) -> tuple[np.ndarray, tuple[tuple[str, tuple[int, ...]], ...]]:
    """Weekdays of nearly the same hours get the hours of all of them together, without holes of a single slot."""
    groups: list[list[int]] = []
    for day in np.flatnonzero(slots.any(1)).tolist():
        for group in groups:
            if _similar_hours(slots[day], slots[group[0]]):
                group.append(day)
                break
        else:
            groups.append([day])
    common, hours_of = slots.copy(), []
    for group in groups:
        pooled = _without_single_slots(_open_slots(count[group].sum(0)))
        common[group] = pooled
        edge = np.flatnonzero(np.diff(np.concatenate([[0], pooled.astype(int), [0]]))).reshape(-1, 2)
        hours = ", ".join(f"{clock_text(low)}-{clock_text(high)}" for low, high in edge.tolist())
        hours_of.append((hours, tuple(group)))
    return common, tuple(hours_of)


def _similar_hours(one: np.ndarray, other: np.ndarray) -> bool:
    return bool((one & other).sum() >= 0.8 * (one | other).sum())


def _without_single_slots(open_: np.ndarray) -> np.ndarray:
    hole = ~open_[1:-1] & open_[:-2] & open_[2:]
    alone = open_[1:-1] & ~open_[:-2] & ~open_[2:]
    filled = open_.copy()
    filled[1:-1] = (open_[1:-1] | hole) & ~alone
    return filled


def _holidays(day: np.ndarray, weekday: np.ndarray, open_days: np.ndarray) -> tuple[str, ...]:
    days = np.arange(day.min(), day.max() + 1)
    count = np.bincount(day - day.min(), minlength=len(days))
    its = (days + 3) % 7
    closed = []
    for number in np.flatnonzero(open_days).tolist():
        mine = its == number
        worked = count[mine][count[mine] > 0]
        if len(worked) and worked.mean() >= ENOUGH_A_DAY and np.exp(-worked.mean()) < UNLIKELY:
            closed += days[mine & (count == 0)].tolist()
    return tuple(str(np.datetime64("1970-01-01") + one) for one in sorted(closed))
