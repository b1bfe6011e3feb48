"""Goals: what is to be reached, read from text or from the scenario, and whether a period reached it.

    revenue 1.2M by 2026-12-31          money won from the start of the measured window to the end of that day
    wins 200 by 2026-12-31              won customers likewise
    cohort.profit 800k                  any measure, at least
    cohort.response_p90.interest at most 4 hours

Without a date, revenue and wins are those of the measured window. Leads in flight count: the question is what the firm
will have, not what its new leads bring.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from funnelsim.errors import UsageError, did_you_mean
from funnelsim.measures import Measure, named, series, stack
from funnelsim.plan import Labels, Plan
from funnelsim.scenario import Scenario
from funnelsim.scenario.parsers import ParseError
from funnelsim.scenario.parsers.dates import day
from funnelsim.scenario.parsers.durations import elapsed
from funnelsim.scenario.parsers.numbers import money, number, proportion
from funnelsim.summary import Summary
from funnelsim.typing import BoolArray, FloatArray

SHORT = {"revenue": "calendar.revenue", "wins": "calendar.won"}
_GOAL = re.compile(
    r"(?P<what>\S.*?)\s+(?:(?P<way>at least|at most)\s+)?(?P<amount>[-+]?\d.*?)"
    r"(?:\s+by\s+(?P<by>\S.*))?"
)


@dataclass(frozen=True)
class MeasureGoal:
    """A measure that must reach a target."""

    measure: str  # key of a measure
    target: float  # in the unit of the measure
    by: date | None = None  # of revenue and wins: counted to the end of that day
    at_most: bool = False
    booked: float = 0.0  # what is there already, outside the run
    text: str = ""  # as people say it

    def met(self, values: FloatArray) -> BoolArray:
        """In each period."""
        values = values + self.booked
        reached: BoolArray = values <= self.target if self.at_most else values >= self.target
        return reached

    def measured(self, measures: Mapping[str, Measure], stacked: Summary, plan: Plan, book: Labels) -> Measure:
        """What the goal is about, in each replication; `found` are the measures of `stacked`."""
        plain = measures.get(self.measure)
        if self.by is None or plain is None:
            if plain is None:
                return Measure("", "goal", "", "", np.full(len(stacked.days), np.nan))
            return plain
        name = "revenue" if self.measure == SHORT["revenue"] else "passed"
        daily = next(
            one for one in series(stacked, plan, book) if one.name == name and one.of == book.definitions[book.won]
        )
        settings = plan.settings[0]
        ends = plan.instants[settings.days_first + 1 : settings.days_first + 1 + len(daily.dates)]
        counted = (ends > settings.measure_from) & np.array([one <= self.by for one in daily.dates])
        return Measure("calendar", plain.name, "", plain.unit, daily.values[:, counted].sum(axis=1))


def read_goal(text: str, possible: Mapping[str, Measure], book: Labels) -> MeasureGoal:
    """A goal from text; `possible` are the measures there may be. UsageError says what is wrong."""
    match = _GOAL.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f'\'{text}\' is no goal: write "revenue 1.2M by 2026-12-31", "wins 200" or '
            f'"cohort.response_p90.interest at most 4 hours"'
        )
    key = SHORT.get(match["what"], match["what"])
    if key not in possible:
        known = [*SHORT, *possible]
        hint = did_you_mean(match["what"], known) or f"such as {', '.join(list(possible)[:6])}"
        raise UsageError(f"there is no measure '{match['what']}'. {hint}")
    unit = possible[key].unit
    read: Callable[[Any], float] = reader(unit, book.currency)
    try:
        target = read(match["amount"].strip())
        by = day(match["by"].strip()) if match["by"] else None
    except ParseError as problem:
        raise UsageError(f"goal '{text}': {problem.text}. {problem.hint}".rstrip(". ") + ".") from None
    if by is not None and key not in SHORT.values():
        raise UsageError(f"goal '{text}': a date goes with revenue or wins; {key} is of the whole window")
    return MeasureGoal(key, target, by, match["way"] == "at most", text=text.strip())


def goal_of(scenario: Scenario) -> MeasureGoal | None:
    """The goal that the scenario names beforehand."""
    goal = scenario.goal
    if goal is None or (goal.revenue is None and goal.wins is None):
        return None
    what, target = ("wins", goal.wins) if goal.wins is not None else ("revenue", goal.revenue)
    assert target is not None
    by = f" by {goal.by}" if goal.by else ""
    return MeasureGoal(SHORT[what], float(target), goal.by, text=f"{what} {_short(float(target))}{by}")


def check_date(goal: MeasureGoal, plan: Plan, book: Labels) -> None:
    """UsageError when the run ends before the goal is due."""
    if goal.by is None:
        return
    start = datetime.fromisoformat(book.start)
    ends = (start + timedelta(seconds=float(plan.settings[0].horizon))).date()
    if not start.date() <= goal.by < ends:
        raise UsageError(
            f"the goal is due on {goal.by} and the run goes from {start.date()} to {ends}: lengthen "
            f"`observe` or `cool_down`, as in --set cool_down=26 weeks"
        )


def possible_measures(plan: Plan, book: Labels) -> dict[str, Measure]:
    """Every measure that a plan may give: those of a run in which all that can happen did."""
    from funnelsim.summary import new_summary

    full = Summary(*(_filled_with_ones(table) for table in new_summary(plan)))
    return named([full], plan, book)


def measured_of(
    summaries: list[Summary], plan: Plan, book: Labels, keys: tuple[str, ...], goal: MeasureGoal | None
) -> dict[str, Measure]:
    """The measures asked for, nan where a run gave nothing; `goal` is 1 in a period that met it."""
    measures = named(summaries, plan, book)
    nothing = np.full(len(summaries), np.nan)
    asked = {key: measures.get(key, Measure("", key, "", "", nothing)) for key in keys if key != GOAL}
    if goal is not None:
        value = goal.measured(measures, stack(summaries), plan, book)
        asked[GOAL_VALUE] = value
        if GOAL in keys:
            met = goal.met(value.values).astype(float)
            asked[GOAL] = Measure("", GOAL, "", CHANCE, met)
    return asked


GOAL, GOAL_VALUE, CHANCE = "goal", "goal value", "share of periods"


def _filled_with_ones(table: Any) -> Any:
    if table.dtype.names is None:
        return np.ones_like(table)
    full = table.copy()
    for name in table.dtype.names:
        full[name] = 1.0
    return full


def reader(unit: str, currency: str) -> Callable[[Any], float]:
    """What reads an amount of a measure from text; it raises Misreading."""
    if unit.startswith("share"):
        return proportion
    if unit == "seconds":
        return lambda text: elapsed(text).seconds
    return money if unit == currency else lambda text: number(text)


def _short(amount: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if amount >= size and round(amount / size, 6) * size == amount:
            return f"{amount / size:g}{letter}"
    return f"{amount:g}"
