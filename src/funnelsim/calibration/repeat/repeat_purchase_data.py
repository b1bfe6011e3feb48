"""Repeat purchases of a history: the list of purchases read, both models fitted, and what a scenario may take from it.

The list of customers is taken as whole: everyone who bought for the first time up to the as-of date.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from funnelsim.calibration.events.deal_value import DealValue, fit_value
from funnelsim.calibration.history.model import PURCHASES, HistoryFile
from funnelsim.calibration.io.data_tables import Library
from funnelsim.calibration.io.files import LINE
from funnelsim.calibration.io.money_parsing import amounts
from funnelsim.calibration.io.row_issues import RowIssues
from funnelsim.calibration.io.times import instants, local_parts
from funnelsim.calibration.repeat.repeat_purchase_models import RepeatPurchaseFit, customers_of, fit_repeat_purchases
from funnelsim.calibration.report.scenario_text import quoted_text, word_text

YEAR = 52.18  # weeks
HORIZONS = (4.0, 13.0, 26.0, YEAR)  # weeks


@dataclass(frozen=True)
class RepeatPurchases:
    """What the purchases tell."""

    customers: int
    bought_again: int  # customers with a second purchase
    repeats: int  # purchases after the first
    followed: float  # weeks, the longest
    fits: list[RepeatPurchaseFit]  # the likelier first
    value: DealValue | None  # of a purchase
    stage: str

    @property
    def best(self) -> RepeatPurchaseFit:
        return self.fits[0]


def read_repeat_purchases(history: HistoryFile, library: Library, issues: RowIssues) -> RepeatPurchases | None:
    """Fit the purchases; None when nobody bought twice."""
    log = history.purchases
    assert log is not None and history.as_of is not None
    sheet, as_of = library.sheets[PURCHASES], history.as_of.timestamp()
    who = library.words(log.customer).to_numpy().astype(str)
    times = instants(library.cells(log.time), log.time, history.timezone)
    lines = sheet.frame[LINE].to_numpy()
    nobody, unread = who == "", ~np.isfinite(times.seconds)
    late = times.seconds >= as_of
    issues.add(sheet.file, "a purchase without a customer", lines[nobody])
    issues.add(sheet.file, f"a time that cannot be read in {log.time.name}", lines[unread & ~nobody])
    issues.add(sheet.file, "a time after the as-of date (taken as not yet happened)", lines[late], dropped=False)
    used = ~(nobody | unread | late)
    if not used.any():
        return None
    day, _ = local_parts(times.seconds[used], history.timezone)
    last, _ = local_parts(np.array([as_of - 1.0]), history.timezone)
    customers = customers_of(who[used], day, float(last[0]))
    fits = fit_repeat_purchases(customers)
    if not fits:
        return None
    value = None
    if log.value is not None:
        read = amounts(library.words(log.value), "")
        value = fit_value(np.where(used & (read > 0), read, np.nan), used)
    return RepeatPurchases(
        int(customers.alike.sum()),
        int(customers.alike[customers.repeats > 0].sum()),
        int(customers.alike @ customers.repeats),
        float(customers.followed.max()),
        fits,
        value,
        log.stage,
    )


def repeat_lines(repeat: RepeatPurchases) -> list[str]:
    """The block `repeat` of a fitted file: parameters with their covariance on the logarithmic scale, and forecasts."""
    lines = [
        "  repeat:     # when customers buy again and drop out; formulas: calibration/repeat/repeat_purchase_models.py",
        *([f"    stage: {word_text(repeat.stage)}"] if repeat.stage else []),
        f"    customers: {repeat.customers}",
        f"    bought_again: {repeat.bought_again}",
        "    unit: week",
    ]
    if repeat.value:
        lines.append(f"    value: {quoted_text(repeat.value.text)}     # {repeat.value.count:,} purchases")
    lines.append("    models:     # the likelier first")
    for fit in repeat.fits:
        rows = zip(fit.names, fit.values, fit.se, strict=True)
        values = ", ".join(f"{name}: {value:.6g}" for name, value, _ in rows)
        errors = ", ".join(f"{name}: {error:.4g}" for name, error in zip(fit.names, fit.se, strict=True))
        lines += [
            f"    - model: {fit.model}",
            f"      log_likelihood: {fit.log_likelihood:.2f}",
            f"      values: {{{values}}}",
            f"      se: {{{errors}}}",
            "      log_cov:     # of the logarithms of the values",
            *(f"      - [{', '.join(f'{cell:.5g}' for cell in row)}]" for row in fit.covariance),
        ]
    lines.append("    expected:     # repeat purchases of a new customer within so many weeks, with 95 % intervals")
    for weeks in HORIZONS:
        low, high = repeat.best.expected_span(weeks)
        mean = float(repeat.best.expected(weeks))
        lines.append(f"    - {{weeks: {weeks:g}, mean: {mean:.4g}, low: {low:.4g}, high: {high:.4g}}}")
    return lines


def report_lines(repeat: RepeatPurchases) -> list[str]:
    """What was found, for the report."""
    best, other = repeat.fits[0], repeat.fits[1]
    rows = zip(best.names, best.values, best.se, strict=True)
    values = ", ".join(f"{name} {value:.3f} +- {error:.3f}" for name, value, error in rows)
    low, high = best.expected_span(YEAR)
    ahead = best.log_likelihood - other.log_likelihood
    lines = [
        f"Repeat purchases: {repeat.customers:,} customers, {repeat.bought_again:,} bought again,"
        f" {repeat.repeats:,} times",
        f"  {best.model.upper()}: {values} (weeks); {ahead:.1f} more log-likelihood than {other.model.upper()}",
        f"  a new customer buys again {float(best.expected(YEAR)):.2f} times in the first year"
        f" ({low:.2f} to {high:.2f}); {other.model.upper()} says {float(other.expected(YEAR)):.2f}",
    ]
    if repeat.followed < YEAR:
        lines.append(f"  followed for {repeat.followed:.0f} weeks at most: beyond, the shape of the law decides")
    return lines
