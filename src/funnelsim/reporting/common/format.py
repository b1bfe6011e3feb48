"""Numbers, times and money as people read them, and tables of text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
NOTHING = "-"
SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}


def number(value: float) -> str:
    """1,234 · 56.7 · 0.89"""
    if not math.isfinite(value):
        return NOTHING
    size = abs(value)
    text = f"{value:,.0f}" if size >= 100 or value == int(value) else f"{value:,.1f}" if size >= 10 else f"{value:,.2f}"
    return "0" if text in ("-0", "-0.0", "-0.00") else text


def percent(value: float) -> str:
    """12.3 %"""
    return f"{100.0 * value:.1f} %" if math.isfinite(value) else NOTHING


def duration(seconds: float) -> str:
    """45 s · 12 min · 3.5 h · 2.1 d"""
    if not math.isfinite(seconds):
        return NOTHING
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if abs(seconds) >= unit * (2.0 if unit == DAY else 1.0):
            return f"{seconds / unit:.{1 if seconds / unit < 99.95 and unit > MINUTE else 0}f} {name}"
    return f"{seconds:.0f} s"


def money(amount: float, currency: str) -> str:
    """€1.24 M · €342 k · €95"""
    if not math.isfinite(amount):
        return NOTHING
    sign, size = "-" if amount < 0 else "", abs(amount)
    symbol = SYMBOLS.get(currency, currency + " ")
    for unit, name in ((1e9, " bn"), (1e6, " M"), (1e3, " k")):
        if size >= unit:
            return f"{sign}{symbol}{size / unit:.{3 if size / unit < 999.5 else 4}g}{name}"
    return f"{sign}{symbol}{size:.0f}"


def shown(value: float, unit: str, currency: str = "") -> str:
    """A value in its unit."""
    if unit.startswith("share"):
        return percent(value)
    if unit == "seconds":
        return duration(value)
    if currency and unit == currency:
        return money(value, currency)
    return number(value)


def spread(low: float, high: float, unit: str, currency: str = "") -> str:
    """165 to 201"""
    if not (math.isfinite(low) and math.isfinite(high)):
        return NOTHING
    first, last = shown(low, unit, currency), shown(high, unit, currency)
    if first.endswith(" %") and last.endswith(" %"):
        first = first[:-2]
    return f"{first} to {last}"


def error(low: float, high: float, unit: str, currency: str = "") -> str:
    """±1.2: half the width of an interval"""
    half = (high - low) / 2.0
    return f"±{shown(half, unit, currency)}" if math.isfinite(half) else NOTHING


@dataclass(frozen=True)
class NumberFormat:
    """Values of one unit, and their differences and intervals."""

    unit: str
    currency: str = ""
    is_count: bool = False  # of leads or wins: whole from 10 on, finer below

    def value(self, value: float) -> str:
        """€342 k, 12.3 %"""
        if not self.is_count:
            return shown(value, self.unit, self.currency)
        size = abs(value)
        return f"{value:,.{0 if size >= 9.5 else 1}f}" if size >= 0.095 or not size else f"{value:.2g}"

    def signed(self, value: float) -> str:
        """+98, -€12 k; 0 only where it is exactly that"""
        if not math.isfinite(value) or value == 0.0:
            return NOTHING if value else "0"
        return ("-" if value < 0.0 else "+") + self.value(abs(value))

    def interval(self, low: float, high: float) -> str:
        """165 to 201"""
        return spread(low, high, self.unit, self.currency)

    def signed_with_interval(self, middle: float, low: float, high: float) -> str:
        """+60 (+45 to +75)"""
        return f"{self.signed(middle)} ({self.signed_interval(low, high)})"

    def signed_interval(self, low: float, high: float) -> str:
        """-3 to +12"""
        return f"{self.signed(low)} to {self.signed(high)}"


@dataclass
class Table:
    """Columns of text: the first flush left, the others flush right."""

    headers: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)

    def add(self, *cells: str) -> None:
        self.rows.append(cells)

    def lines(self, width: int = 0) -> list[str]:
        """As text; where the terminal is too narrow, columns are dropped from the right."""
        count = len(self.headers)
        sizes = [max(len(row[i]) for row in [self.headers, *self.rows]) for i in range(count)]
        while width and count > 2 and sum(sizes[:count]) + 2 * (count - 1) > width:
            count -= 1
        return [
            "  ".join(
                cell.ljust(size) if i == 0 else cell.rjust(size)
                for i, (cell, size) in enumerate(zip(row[:count], sizes[:count], strict=True))
            ).rstrip()
            for row in [self.headers, *self.rows]
        ]
