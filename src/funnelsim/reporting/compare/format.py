"""How a comparison says its figures: signed, in customers or money, with their intervals."""

from __future__ import annotations

import math

import numpy as np

from funnelsim.reporting.common.format import SYMBOLS, NumberFormat, duration, money, number, percent
from funnelsim.study.compare import Comparison, ScenarioRuns
from funnelsim.study.paired_difference import TwoLevelEstimate

RANGE = "90 % interval"


def goal_name(comparison: Comparison) -> str:
    return "revenue of the cohort" if comparison.goal == "cohort.revenue" else "customers of the cohort"


def change(comparison: Comparison, one: TwoLevelEstimate) -> str:
    what = "" if comparison.goal == "cohort.revenue" else " customers in the cohort"
    given = (
        "given what your data leaves open" if comparison.uncertain else "simulation error alone: nothing was left open"
    )
    numbers = format_of(comparison)
    return f"{numbers.signed(one.mean)}{what} ({RANGE} {numbers.signed_interval(one.low, one.high)} {given})"


def format_of(comparison: Comparison) -> NumberFormat:
    """Of the measure that the goal is of."""
    if comparison.goal == "cohort.revenue":
        currency = comparison.cases[0].blueprint.book.currency
        return NumberFormat(currency, currency)
    return NumberFormat("customers", is_count=True)


def quoted(name: str) -> str:
    return f"“{name}”"


def chance(p: float) -> str:
    return "> 99.9 %" if p > 0.999 else "< 0.1 %" if p < 0.001 else percent(p)


def mean_of(column: ScenarioRuns, key: str) -> float:
    values = column.values.get(key)
    return float(np.nanmean(values)) if values is not None and np.isfinite(values).any() else math.nan


def in_unit(value: float, unit: str, currency: str) -> str:
    if unit.startswith("share"):
        return percent(value)
    if unit == "seconds":
        return duration(value)
    return (
        ("-" if value < 0 else "") + money(abs(value), currency)
        if unit == currency and currency in SYMBOLS
        else number(value)
    )
