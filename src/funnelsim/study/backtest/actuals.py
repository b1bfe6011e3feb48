"""What happened, week by week after an instant: leads that came, entries into each stage, wins, revenue.

The same quantities in the records of a history and in the visits of a simulation. Weeks are of 168 hours.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from funnelsim.calibration.events.visit_history import VisitHistory
from funnelsim.measures.counting_tools import first_of_lead
from funnelsim.run_tables import in_flight
from funnelsim.study.backtest.forecast_origins import WEEK
from funnelsim.typing import FloatArray

LEADS, ENTERED, WINS, REVENUE = "leads", "entered", "wins", "revenue"


class Quantity(NamedTuple):
    """Something that is counted week by week."""

    name: str  # LEADS, ENTERED, WINS or REVENUE
    of: str  # the stage that is entered
    unit: str  # "leads" or the currency

    @property
    def text(self) -> str:
        """As a reader sees it."""
        return f"{self.of} entered" if self.name == ENTERED else self.name


def quantities(records: VisitHistory, currency: str) -> tuple[Quantity, ...]:
    """Leads, entries of each stage but the first where that says nothing new, wins, and revenue where it is known."""
    *stages, last = records.stages
    visits = records.visits
    if not ((visits.stage == 0) & ~visits.first).any():
        stages = stages[1:]
    won = visits.lead[visits.stage == len(records.stages) - 1]
    worth = np.isfinite(records.value[won]).any()
    return (
        Quantity(LEADS, "", "leads"),
        *(Quantity(ENTERED, stage, "leads") for stage in stages),
        Quantity(WINS, last, "leads"),
        *([Quantity(REVENUE, last, currency)] if worth else []),
    )


def recorded(records: VisitHistory, counted: tuple[Quantity, ...], origin: float, weeks: int) -> FloatArray:
    """[quantity, week] in the records since an instant; with weeks below zero, of so many weeks before it."""
    visits = records.visits
    begins, many = (origin, weeks) if weeks > 0 else (origin + weeks * WEEK, -weeks)
    worth = np.where(np.isfinite(records.value), records.value, 0.0)[visits.lead]
    return _counted(counted, records.stages, visits.stage, visits.entered - begins, visits.first, worth, many)


def simulated(visits: Any, stages: tuple[str, ...], counted: tuple[Quantity, ...], weeks: int) -> FloatArray:
    """[quantity, week] in the visits of a replication; where a lead in flight stood at the start is no entry."""
    first, flying = np.zeros(len(visits), bool), in_flight(visits.lead)
    first[first_of_lead(visits)] = True
    moved = ~(first & flying)
    return _counted(
        counted,
        stages,
        visits.stage[moved],
        visits.entered[moved],
        (first & ~flying)[moved],
        visits.value[moved] / 100.0,
        weeks,
    )


def _counted(
    counted: tuple[Quantity, ...], stages: tuple[str, ...], stage: Any, entered: Any, first: Any, worth: Any, weeks: int
) -> FloatArray:
    """`entered` in seconds since the first week began."""
    inside = (entered >= 0.0) & (entered < weeks * WEEK)
    counts = np.zeros((len(counted), weeks))
    for row, quantity in enumerate(counted):
        mine = inside & (first if quantity.name == LEADS else stage == stages.index(quantity.of))
        week = (entered[mine] // WEEK).astype(np.int64)
        counts[row] = np.bincount(week, worth[mine] if quantity.name == REVENUE else None, weeks)
    return counts
