"""Hours of the local week: how leads fall on them, and what they do to the chance of contact.

The clock of the run counts elapsed hours; what depends on the hour of the week goes by the local one, so a change of
clock moves it. An elapsed hour may straddle two local ones (zones of half hours): it is looked at in quarters.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from funnelsim.compile.context import CompileContext
from funnelsim.scenario import presets
from funnelsim.typing import FloatArray, IntArray

Hours = str | tuple[float, ...]  # name of a preset, or 168 numbers from Monday 00:00

_QUARTERS = 4  # of an hour: no zone's offset is finer


def hour_weights(profile: Hours) -> FloatArray | None:
    """168 weights from Monday 00:00 local time; None when all hours are alike."""
    return _week("profile", profile)


def hour_shifts(odds: Hours, context: CompileContext) -> FloatArray | None:
    """ln odds of every elapsed hour since start, for 168 odds of the local week; None when all hours are alike."""
    week = _week("hour", odds)
    return None if week is None else np.log(week)[local_hours(context)].mean(axis=2).ravel()


def local_hours(context: CompileContext) -> IntArray:
    """Local hour of the week of every quarter of an hour since start, shaped (weeks, 168, quarters)."""
    return _local_hours(context.start.astimezone(UTC), context.zone, context.weeks)


def week_profile(weights: FloatArray, hours: IntArray) -> FloatArray:
    """169 points a week: y = cumulative share at each hour boundary, x of the first = mass of the week, else 0."""
    masses = weights[hours].mean(axis=2)
    points = np.zeros((len(masses), 169, 2))
    points[:, 0, 0] = masses.sum(axis=1) / weights.sum()
    points[:, 1:, 1] = np.cumsum(masses, axis=1)
    totals = points[:, -1:, 1]
    points[:, :, 1] /= np.where(totals > 0.0, totals, 1.0)
    return points.reshape(-1, 2)


def _week(kind: str, said: Hours) -> FloatArray | None:
    if isinstance(said, str):
        preset = presets.load(kind, said)
        week = np.outer(preset.get("days", [1.0] * 7), preset.get("hours", [1.0] * 24)).ravel().astype(np.float64)
    else:
        week = np.array(said, dtype=np.float64)
    return None if np.ptp(week) == 0.0 else week


@lru_cache(maxsize=16)  # the scenarios of a study share start, zone and length
def _local_hours(start: datetime, zone: ZoneInfo, weeks: int) -> IntArray:
    step = timedelta(hours=1) / _QUARTERS
    count = weeks * 168 * _QUARTERS
    moments = ((start + step * i + step / 2).astimezone(zone) for i in range(count))
    hours = np.fromiter((moment.weekday() * 24 + moment.hour for moment in moments), np.int64, count)
    return hours.reshape(weeks, 168, _QUARTERS)
