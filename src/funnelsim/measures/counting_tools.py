"""Tools for counting from tables: windows, cells, days, opening hours."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from funnelsim.plan import Plan
from funnelsim.run_tables import in_flight
from funnelsim.typing import BoolArray, FloatArray, IntArray


class Window(NamedTuple):
    """The measured window and the horizon, in seconds since start."""

    start: float
    end: float
    horizon: float

    @classmethod
    def of(cls, plan: Plan) -> Window:
        """That of a plan."""
        settings = plan.settings[0]
        return cls(float(settings.measure_from), float(settings.measure_to), float(settings.horizon))

    def cohort(self, rows: Any) -> BoolArray:
        """Rows of leads that arrived within the window, by `arrived` and `lead`; leads in flight are in no cohort."""
        return self.holds(rows.arrived) & ~in_flight(rows.lead)

    def holds(self, instants: FloatArray) -> BoolArray:
        """Instants within the window."""
        return (instants >= self.start) & (instants < self.end)


def first_of_lead(visits: Any) -> IntArray:
    """Row of the first visit of each lead."""
    leads = visits.lead
    return np.flatnonzero(np.concatenate(([True], leads[1:] != leads[:-1]))[: len(leads)])


def count(out: FloatArray, at: tuple[Any, ...], where: Any = None, amounts: Any = None) -> None:
    """Add ones, or amounts, to the cells of `out`."""
    if where is not None:
        at = tuple(index[where] for index in at)
        amounts = None if amounts is None else amounts[where]
    if len(at[0]) == 0:
        return
    cells = np.ravel_multi_index(at, out.shape)
    out += np.bincount(cells, amounts, minlength=out.size).reshape(out.shape)


def midnights_of(plan: Plan) -> FloatArray:
    """Local midnights; day d runs from [d] to [d + 1]."""
    settings = plan.settings[0]
    return plan.instants[settings.days_first : settings.days_first + settings.days_count]


def day_of(midnights: FloatArray, instants: FloatArray) -> IntArray:
    """The local day that holds each instant."""
    return np.searchsorted(midnights, instants, side="right") - 1


def hour_of_week(plan: Plan, instants: FloatArray) -> IntArray:
    """Hour of the local week, 0 = Monday 00:00; a day of 25 hours has its last hour twice."""
    midnights = midnights_of(plan)
    day = day_of(midnights, instants)
    hour = np.minimum((instants - midnights[day]) // 3600.0, 23.0).astype(np.int64)
    hours: IntArray = (plan.settings[0].weekday + day) % 7 * 24 + hour
    return hours


def calendar_of(plan: Plan, team: int) -> Any:
    """Intervals of a team."""
    row = plan.teams[team]
    return plan.intervals[row.interval_first : row.interval_first + row.interval_count]


def open_seconds(calendar: Any, instants: FloatArray) -> FloatArray:
    """Open time in [0, t) of a team's intervals, as worktime counts it."""
    if len(calendar) == 0:
        return np.zeros(len(instants))
    t = np.maximum(instants, 0.0)
    i = np.searchsorted(calendar.closes, t, side="right")
    inside = np.minimum(i, len(calendar) - 1)
    open_before: FloatArray = calendar.before[inside] + np.maximum(0.0, t - calendar.opens[inside])
    last = calendar[-1]
    return np.where(i < len(calendar), open_before, float(last.before + (last.closes - last.opens)))


def present(came: FloatArray, left: FloatArray, samples: FloatArray) -> FloatArray:
    """How many are there after all that happens at each sample: came at or before it and left after it."""
    return (
        np.searchsorted(np.sort(came), samples, side="right") - np.searchsorted(np.sort(left), samples, side="right")
    ).astype(np.float64)
