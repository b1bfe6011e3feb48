"""From what happened to what it means: tables to a Summary, Summaries to named measures with their uncertainty."""

from funnelsim.measures.catalogue import credited, measures, named, response_curve
from funnelsim.measures.estimate import NUMBERS, Estimate, Measure, mean, ratio, stack_summaries, wilson
from funnelsim.measures.money import cost_by_team, costs, credit, paid_hours, revenue
from funnelsim.measures.promises import BreachHour, breach_hours
from funnelsim.measures.series import Series, series, weekly
from funnelsim.measures.summarise import summarise
from funnelsim.measures.volumes import burn_up, volumes

__all__ = [
    "NUMBERS",
    "BreachHour",
    "Estimate",
    "Measure",
    "Series",
    "breach_hours",
    "burn_up",
    "cost_by_team",
    "costs",
    "credit",
    "credited",
    "mean",
    "measures",
    "named",
    "paid_hours",
    "ratio",
    "response_curve",
    "revenue",
    "series",
    "stack_summaries",
    "summarise",
    "volumes",
    "weekly",
    "wilson",
]
