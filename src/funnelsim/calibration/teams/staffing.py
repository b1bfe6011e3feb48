"""How many people were there to work: from the work they did, not from the names that occur.

A log of work does not say who was at the desk. Counting names takes everybody for present who did anything that day;
counting the busy takes the idle for absent. But while somebody waits, whoever is there is at work:

    a worker is present from the first piece of a spell of duty to the end of the last one (gaps beyond half an hour
    part two spells), but for the time between two pieces in which somebody was waiting all the same: from the end
    (and wrap-up) of the one piece to the last instant before the next at which anybody waited

so the people present are a step function of time, `present`. Played back through a queue with the calls' own handling
times it gives the waits that were seen (tests/calibration/test_call_centre.py). Where workers are not named, or nobody
ever waits, only the pieces in hand at one time are known, `in_hand`: a lower bound.

    people by hour of the week = mean of the step function over the weeks, rounded to whole people

Weekdays with the same opening hours are taken together: five Mondays alone would tell every chance absence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from funnelsim.calibration.io.times import local_parts
from funnelsim.calibration.teams.work_items import NOBODY, WorkItems
from funnelsim.typing import FloatArray

AWAY = 1800.0  # nobody waited, and still no piece for so long: not on duty
NOTICED = 10.0  # waits shorter than this are the telephone's, not the people's
SLOT = 1800.0  # people are told by half hours
SLOTS = int(86400.0 / SLOT)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class StepFunction(NamedTuple):
    """A step function: so many people from each instant on; none before the first."""

    instant: FloatArray
    people: np.ndarray

    def at(self, instants: FloatArray) -> np.ndarray:
        """People at these instants."""
        place = np.searchsorted(self.instant, instants, side="right") - 1
        return np.where(place >= 0, self.people[np.maximum(place, 0)], 0)

    def mean(self, edges: FloatArray) -> FloatArray:
        """Mean between each instant and the next."""
        times = np.append(self.instant, np.inf)
        before = np.append(0.0, np.cumsum(np.diff(self.instant) * self.people[:-1]))
        place = np.searchsorted(self.instant, edges, side="right") - 1
        held = np.maximum(place, 0)
        total = np.where(place >= 0, before[held] + (edges - times[held]) * self.people[held], 0.0)
        return np.asarray(np.diff(total) / np.diff(edges))


@dataclass(frozen=True)
class Staffing:
    """Who was there."""

    steps: StepFunction
    named: int  # different names in the log
    hours: float  # people's hours present
    away: float  # people's hours between two pieces, on duty, while somebody waited
    by: str  # "present", or "in hand" where only a lower bound is known
    week: np.ndarray  # [weekday, slot]: people, whole


class StaffShift(NamedTuple):
    """So many people at the same hours on some days of the week."""

    people: int
    hours: str  # as a scenario says them
    days: str


def fit_staffing(pieces: WorkItems, wrap_up: float, zone: str, alike: Sequence[Sequence[int]]) -> Staffing | None:
    """People present; `alike` are the weekdays (0 = Monday) told together.

    None when no piece has a start and an end.
    """
    known = pieces.served & np.isfinite(pieces.ended)
    if not known.any():
        return None
    named = pieces.worker[known] != NOBODY
    named_share = float(named.mean())
    waited = (pieces.wait > NOTICED) & np.isfinite(pieces.asked)
    if named_share > 0.9 and waited.mean() > 0.01:
        spells, away = _spells_of_duty(pieces, wrap_up)
        by = "present"
    else:
        spells, away = np.stack([pieces.started[known], pieces.ended[known]], axis=1), 0.0
        by = "in hand"
    steps = steps_of(spells)
    hours = float((spells[:, 1] - spells[:, 0]).sum()) / 3600.0
    names = len(np.unique(pieces.worker[known][named]))
    week = _week(steps, pieces.as_of, zone, by, alike)
    return Staffing(steps, names, hours, away / 3600.0, by, week)


def steps_of(spells: FloatArray) -> StepFunction:
    """How many of these intervals (from, to) are open at each instant."""
    instants = np.concatenate([spells[:, 0], spells[:, 1]])
    change = np.concatenate([np.ones(len(spells)), -np.ones(len(spells))])
    times, at = np.unique(instants, return_inverse=True)
    return StepFunction(times, np.cumsum(np.bincount(at, change)).round().astype(np.int64))


def shifts_of(week: np.ndarray) -> list[StaffShift]:
    """The fewest shifts of one calendar each that add up to the people of each weekday and slot, by layers.

    The k-th layer is open where there are k people or more; layers of equal hours are one shift.
    """
    layers: dict[tuple[str, tuple[int, ...]], int] = {}
    for level in range(1, int(week.max()) + 1):
        by_hours: dict[str, list[int]] = {}
        for day in range(7):
            if hours := _hours(week[day] >= level):
                by_hours.setdefault(hours, []).append(day)
        for hours, days in by_hours.items():
            layers[hours, tuple(days)] = layers.get((hours, tuple(days)), 0) + 1
    return [StaffShift(people, hours, days_text(days)) for (hours, days), people in layers.items()]


def days_text(days: tuple[int, ...]) -> str:
    """`Mon-Fri`, `Mon, Wed`."""
    runs: list[list[int]] = []
    for day in days:
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    parts = [
        f"{WEEKDAYS[run[0]]}-{WEEKDAYS[run[-1]]}" if len(run) > 2 else ", ".join(WEEKDAYS[day] for day in run)
        for run in runs
    ]
    return ", ".join(parts)


def clock_text(slot: int) -> str:
    """The local time at which a slot begins; 24:00 after the last."""
    minutes = int(slot * SLOT / 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _spells_of_duty(pieces: WorkItems, wrap_up: float) -> tuple[FloatArray, float]:
    """(from, to) of every stretch that a worker was present, and the seconds on duty and not present."""
    known = pieces.served & np.isfinite(pieces.ended) & (pieces.worker != NOBODY)
    order = np.lexsort((pieces.started[known], pieces.worker[known]))
    worker = pieces.worker[known][order]
    started, ended = pieces.started[known][order], pieces.ended[known][order] + wrap_up
    begins, ends = _waiting(pieces)
    spells, away = [], 0.0
    first, last = started[0], ended[0]
    for i in range(1, len(worker)):
        if worker[i] != worker[i - 1] or started[i] - last > AWAY:
            spells.append((first, last))
            first, last = started[i], ended[i]
            continue
        until = _last_waiting(begins, ends, started[i])
        if until > last + NOTICED:
            spells.append((first, last))
            away += until - last
            first = until
        last = max(last, ended[i])
    spells.append((first, last))
    return np.array(spells), away


def _waiting(pieces: WorkItems) -> tuple[FloatArray, FloatArray]:
    """The periods in which anybody waited, in order; short waits left out."""
    long = (pieces.wait > NOTICED) & np.isfinite(pieces.asked)
    steps = steps_of(np.stack([pieces.asked[long], pieces.waited_until[long]], axis=1))
    some = steps.people > 0
    begins = steps.instant[some & ~np.append(False, some[:-1])]
    ends = steps.instant[~some & np.append(False, some[:-1])]
    return begins, ends


def _last_waiting(begins: FloatArray, ends: FloatArray, before: float) -> float:
    """The last instant, up to `before`, at which anybody was waiting for longer than can be noticed."""
    place = int(np.searchsorted(begins, before - NOTICED)) - 1
    return min(float(ends[place]), before) if place >= 0 else -np.inf


def _week(steps: StepFunction, as_of: float, zone: str, by: str, alike: Sequence[Sequence[int]]) -> np.ndarray:
    """People by weekday and slot: the mean over the days seen; of pieces in hand what nine days in ten need."""
    day, _ = local_parts(np.array([steps.instant[0], min(steps.instant[-1], as_of)]), zone)
    days = np.arange(day[0], day[1] + 1)
    edges = local_instants(days, zone)  # (day, slot + 1)
    mean = np.array([steps.mean(row) for row in edges])
    weekday = (days + 3) % 7
    week, seen = np.zeros((7, SLOTS)), np.zeros((7, SLOTS), bool)
    for group in alike:
        rows = mean[np.isin(weekday, group)]
        rows = rows[rows.sum(1) > 0]  # days that were worked at all
        if len(rows):
            typical = rows.mean(0).round() if by == "present" else np.ceil(np.quantile(rows, 0.9, axis=0) - 1e-9)
            week[list(group)] = typical
            seen[list(group)] = rows.mean(0) > 0
    # Where half a person is there at best, rounding would leave nobody: one then, at the hours anybody was seen.
    return week.astype(np.int64) if week.any() else seen.astype(np.int64)


def local_instants(days: np.ndarray, zone: str) -> FloatArray:
    """Seconds since 1970 of the slots' edges of local days (numbers since 1970-01-01): (day, slot + 1)."""
    hung = ZoneInfo(zone)
    midnights = [datetime.combine(date(1970, 1, 1) + timedelta(days=int(day)), time(), hung) for day in days]
    ends = [datetime.combine(one.date() + timedelta(days=1), time(), hung) for one in midnights]
    low = np.array([one.timestamp() for one in midnights])[:, None]
    high = np.array([one.timestamp() for one in ends])[:, None]
    # On the day of a change of clock the slots are a little longer or shorter.
    return np.asarray(low + (high - low) * np.arange(SLOTS + 1) / SLOTS)


def _hours(open_: np.ndarray) -> str:
    """`09:00-12:00, 13:00-17:00` of a row of slots; "" when none is open."""
    edge = np.flatnonzero(np.diff(np.concatenate([[0], open_.astype(int), [0]])))
    return ", ".join(f"{clock_text(low)}-{clock_text(high)}" for low, high in edge.reshape(-1, 2).tolist())
