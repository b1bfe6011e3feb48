"""A small plan, its names and rows of tables, for measures that are worked out on paper.

Two teams, three stages, one source; sales works from Monday 5 January 2026, five days, 09:00 to 17:00, two people.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim import plan as p
from funnelsim.plan_codes import Outcome
from funnelsim.run_tables import VISIT
from support.off_defaults import OFF_DEFINITION
from support.plan_generator import generated_plan


def book_of(won: int, definitions: tuple[str, ...]) -> p.Labels:
    return p.Labels(
        start="2026-01-05T00:00:00+00:00",
        timezone="UTC",
        currency="EUR",
        sources=("web",),
        segments=("all",),
        stages=("a", "b", "c"),
        teams=("marketing", "sales"),
        definitions=definitions,
        won=won,
        team_costs=(10.0, 20.0),
        costs=(("sales", -3.5 * p.DAY, 3.5 * p.DAY, 70.0),),
        volume_promises=()
        if won >= 0
        else (
            ("MQL", 28.0, "month", "count", -1),
            ("MQL", 7.0, "week", "count", -1),
            ("MQL", 1.0, "quarter", "count", -1),
        ),
    )


def week_plan(weeks: int = 1, segments: int = 1) -> p.Plan:
    """Measured for so many whole weeks, which end at the horizon; people work in the first one's hours every week."""
    plan = generated_plan(0, ())
    days, horizon = 7 * weeks + 1, weeks * p.WEEK
    intervals = p.record_from_dicts(
        p.INTERVAL,
        [
            {
                "opens": day * p.DAY + 9 * p.HOUR,
                "closes": day * p.DAY + 17 * p.HOUR,
                "capacity": 2,
                "before": i * 8 * p.HOUR,
            }
            for i, day in enumerate(d for d in range(days) if d % 7 < 5 and d < days - 1)
        ],
    )
    teams = p.zeros_record(p.TEAM, 2)
    teams.side, teams.interval_count[1] = [0, 1], len(intervals)
    settings = plan.settings.copy()
    settings.measure_from, settings.measure_to, settings.horizon, settings.segments = 0.0, horizon, horizon, segments
    settings.days_first, settings.days_count = 0, days
    sources = p.zeros_record(p.SOURCE, 1)
    sources.cost = 7.0
    return plan._replace(
        settings=settings,
        sources=sources,
        stages=p.zeros_record(p.STAGE, 3),
        teams=teams,
        intervals=intervals,
        definitions=p.record_from_dicts(p.DEFINITION, [OFF_DEFINITION | {"stage": 2}]),
        initial_leads=p.zeros_record(p.INITIAL_LEAD, 0),
        instants=np.arange(days) * p.DAY,
    )


def visit(lead: int, stage: int, owner: int, entered: float, number: int = 1, **other: Any) -> tuple[Any, ...]:
    """A visit that is open and that nobody touched, of a lead of 100 EUR, unless said otherwise."""
    row = {
        "lead": lead,
        "stage": stage,
        "number": number,
        "owner": owner,
        "entered": entered,
        "deadline": -1.0,
        "touched": -1.0,
        "reached": -1.0,
        "ended": -1.0,
        "outcome": Outcome.OPEN,
        "to": -1,
        "back": -1.0,
        "value": 10000.0,
        **other,
    }
    return tuple(row.get(name, 0) for name in VISIT.names)
