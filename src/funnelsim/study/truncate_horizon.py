"""How far a run must go for what is measured: what happens later changes nothing that happened before.

Wins of 26 weeks do not wait for the 26 weeks in which slow deals of the cohort are followed, so a plan may end at the
first midnight past the measured window and past the day a goal is due. To the last digit this holds for measures that
count what happened in the window; promises that run out later, or leads still open, are judged at the horizon.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from funnelsim.plan import DAY, Labels, Plan
from funnelsim.study.goals import GOAL, GOAL_VALUE, MeasureGoal

COUNTED = ("calendar.won", "calendar.revenue", "calendar.leads")
STAFFED = "calendar.utilisation."


def needed_horizon(plan: Plan, book: Labels, measures: Sequence[str], goal: MeasureGoal | None) -> float:
    """The horizon (s) that the measures need: the plan's own, or an earlier one."""
    settings = plan.settings[0]
    about = [*(key for key in measures if key not in (GOAL, GOAL_VALUE)), *([goal.measure] if goal else [])]
    if not all(key in COUNTED or key.startswith(STAFFED) for key in about):
        return float(settings.horizon)
    last = float(settings.measure_to)
    if goal is not None and goal.by is not None:
        last = max(last, _day_after(goal, book))
    midnights = plan.instants[settings.days_first : settings.days_first + settings.days_count]
    later = midnights[midnights > last]
    return min(float(settings.horizon), float(later[0])) if len(later) else float(settings.horizon)


def truncated(plan: Plan, horizon: float) -> Plan:
    """The plan, ending then."""
    if horizon >= plan.settings[0].horizon:
        return plan
    settings = plan.settings.copy()
    settings["horizon"] = horizon
    return plan._replace(settings=settings)


def _day_after(goal: MeasureGoal, book: Labels) -> float:
    """An instant at or past the end of the day a goal is due: a day to spare covers every offset of a time zone."""
    assert goal.by is not None
    start = datetime.fromisoformat(book.start)
    due = datetime.combine(goal.by + timedelta(days=1), datetime.min.time(), start.tzinfo)
    return (due - start).total_seconds() + DAY
