"""Levels: slow numbers that experience moves, and the instants at which they are reviewed (rule 108)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from funnelsim.calendars import BEYOND, local_midnights
from funnelsim.compile.context import CompileContext
from funnelsim.compile.labels import WON
from funnelsim.compile.parameter_draws import PLAIN, SHARE
from funnelsim.compile.table_builder import Row
from funnelsim.plan_codes import LevelKind, by_name
from funnelsim.scenario.values import Period

if TYPE_CHECKING:
    from funnelsim.scenario.schema import Level

_KINDS = by_name(LevelKind)
_FROM_ZERO = ("load", "quota")
_MIDDLE = 0.5
_CENTS = 100.0


def levels(context: CompileContext) -> list[Row]:
    """Rows of LEVEL."""
    return [_level(context, i, name, level) for i, (name, level) in enumerate(context.scenario.all_levels.items())]


def reviews(context: CompileContext, period: Period | None) -> list[float]:
    """Local midnights at which a period begins, after the start and up to the first at or past the horizon.

    Weeks begin on Mondays, months and quarters on the first; of `2 weeks` every second Monday counts, from the first.
    """
    if period is None:
        return []
    midnights = local_midnights(context.scenario.timezone, context.start, context.horizon + BEYOND)
    first = context.start.astimezone(context.zone).date()
    begins = [
        instant
        for day, instant in enumerate(midnights)
        if instant > 0.0 and _begins(first + timedelta(days=day), period.unit)
    ][:: period.count]
    over = next((i for i, instant in enumerate(begins) if instant >= context.horizon), len(begins) - 1)
    return begins[: over + 1]


def _level(context: CompileContext, row: int, name: str, level: Level) -> Row:
    if level.input is None:
        raise ValueError(f"levels.{name} says not what it is of")
    path, kind = f"levels.{name}", _KINDS[level.input]
    start = (0.0 if level.input in _FROM_ZERO else _MIDDLE) if level.initial is None else level.initial
    review_first, review_count = context.builder.instants(reviews(context, level.review))
    per = 1.0 if level.per is None else level.per
    return {
        "kind": int(kind),
        "team": context.teams[level.team] if level.team else -1,
        "initial": context.number(f"{path}.initial", start, "levels", "initial", row, PLAIN),
        "weight": context.number(f"{path}.weight", level.weight, "levels", "weight", row, SHARE),
        "review_first": review_first,
        "review_count": review_count,
        "fair": int(level.fair),
        "per": per * _CENTS if kind == LevelKind.QUOTA else per,
        "definition": context.definitions.get(level.definition or WON, -1) if kind == LevelKind.QUOTA else -1,
    }


def _begins(day: date, unit: str) -> bool:
    if unit == "day":
        return True
    if unit == "week":
        return day.weekday() == 0
    return day.day == 1 and (unit == "month" or day.month % 3 == 1)
