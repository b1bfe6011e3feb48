"""How a comparison says its figures: signed, in customers or money, with their intervals."""

from __future__ import annotations

import math

import numpy as np

from funnelsim.reporting.common.format import SYMBOLS, duration, money, number, percent
from funnelsim.study.compare import Comparison, ScenarioRuns
from funnelsim.study.paired_difference import TwoLevelEstimate

RANGE = "90 % interval"


def goal_name(found: Comparison) -> str:
    return "revenue of the cohort" if found.goal == "cohort.revenue" else "customers of the cohort"


def change(found: Comparison, one: TwoLevelEstimate) -> str:
    what = "" if found.goal == "cohort.revenue" else " customers in the cohort"
    given = "given what your data leaves open" if found.uncertain else "simulation error alone: nothing was left open"
    return f"{signed(found, one.mean)}{what} ({RANGE} {between(found, one.low, one.high)} {given})"


def between(found: Comparison, low: float, high: float) -> str:
    return f"{signed(found, low)} to {signed(found, high)}"


def signed(found: Comparison, value: float) -> str:
    return with_sign(value, amount(found, abs(value)))


def amount(found: Comparison, value: float) -> str:
    if found.goal == "cohort.revenue":
        return money(value, found.cases[0].blueprint.book.currency)
    return f"{value:.0f}" if value >= 9.5 else f"{value:.1f}"


def with_sign(value: float, text: str) -> str:
    return ("-" if value < 0 else "+") + text


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
