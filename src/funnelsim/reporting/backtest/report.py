"""A back-test as text: the answer in a sentence, then by quantity, by horizon, drift, event logs, what to mind."""

from __future__ import annotations

import math

from funnelsim.reporting.common.format import NOTHING, Table, number, spread
from funnelsim.study.backtest.drift import FALSE_ALARMS, Departure
from funnelsim.study.backtest.forecast_scores import ForecastScore, Interval
from funnelsim.study.backtest.rolling import Backtest

NOMINAL = 0.9
ALIKE = 0.05  # CRPS ratios this near to 1 tell nothing


def backtest_report(backtest: Backtest, verbose: int = 0, width: int = 110) -> str:
    """The text of a back-test."""
    parts = [
        answer(backtest),
        _by_quantity(backtest, width),
        _by_horizon(backtest, width),
        _drift(backtest, verbose, width),
        _distances(backtest, width),
        _mind(backtest),
        _footnote(backtest),
    ]
    return "\n\n".join(part for part in parts if part)


def answer(backtest: Backtest) -> str:
    """One sentence: coverage with its interval, what to do about it, and whether a spreadsheet does as well."""
    whole = backtest.score_of()
    if whole is None:
        return f"{backtest.name}: nothing came and nothing was forecast: there is nothing to judge."
    return (
        f"{backtest.name}: of 90 % intervals, {_share(whole.held90)} held what then happened "
        f"({_within(whole.held90)}, {whole.forecasts} forecasts from {_many(whole.origins, 'instant')}): "
        f"{verdict(whole)}; {_against(whole)}{_warning(backtest)}."
    )


def verdict(whole: ForecastScore) -> str:
    """Whether intervals keep their promise, and the factor that makes them."""
    factor = f"{_factor(whole.widening.value)} ({_factor(whole.widening.low)} to {_factor(whole.widening.high)})"
    if whole.held90.holds(NOMINAL):
        return f"no sign that they are wrong; a factor of {factor} would make them hold nine in ten"
    if whole.held90.value < NOMINAL:
        return f"too narrow by a factor of {factor}"
    return f"too wide: a factor of {factor} would do"


def _against(whole: ForecastScore) -> str:
    """Beside the last weeks carried on."""
    if not math.isfinite(whole.ratio):
        return "nothing to set beside the last weeks carried on"
    off = abs(1.0 - whole.ratio)
    if off < ALIKE:
        return f"no nearer than the last weeks carried on (CRPS ratio {number(whole.ratio)})"
    return (
        f"{100.0 * off:.0f} % {'nearer' if whole.ratio < 1.0 else 'further off'} than the last weeks carried on "
        f"(CRPS ratio {number(whole.ratio)})"
    )


def _warning(backtest: Backtest) -> str:
    return f"; the funnel has changed since {backtest.drift.since:%Y-%m-%d}" if backtest.drift.departures else ""


# ---- tables --------------------------------------------------------------------------------------------------------


def _by_quantity(backtest: Backtest, width: int) -> str:
    table = Table(("Forecast", "forecasts", "90 % held", "interval", "50 % held", "bias", "CRPS ratio"))
    for quantity in backtest.forecast_spec.quantities:
        one = backtest.score_of(lambda row, quantity=quantity: row.quantity == quantity)  # type: ignore[misc]
        if one:
            table.add(
                quantity.text,
                number(one.forecasts),
                _share(one.held90),
                _within(one.held90),
                _share(one.held50),
                _signed_percent(one.bias),
                number(one.ratio),
            )
    note = (
        "Sums of the weeks after each instant. bias: mean forecast over what happened, less 1. CRPS ratio: error "
        "of the forecast over\nthat of the last weeks carried on, with their spread; below 1 is better."
    )
    return "\n".join([*table.lines(width), note])


def _by_horizon(backtest: Backtest, width: int) -> str:
    table = Table(("Horizon", "forecasts", "instants", "90 % held", "interval", "50 % held", "widen by", "CRPS ratio"))
    for weeks in backtest.horizons:
        one = backtest.score_of(lambda row, weeks=weeks: row.weeks == weeks)  # type: ignore[misc]
        if one:
            table.add(
                _many(weeks, "week"),
                number(one.forecasts),
                number(one.origins),
                _share(one.held90),
                _within(one.held90),
                _share(one.held50),
                _factor(one.widening.value),
                number(one.ratio),
            )
    return "\n".join(table.lines(width))


def _drift(backtest: Backtest, verbose: int, width: int) -> str:
    drift = backtest.drift
    span = f"since {drift.since:%Y-%m-%d}"
    head = (
        f"Drift: what came {span} lies within what was fitted before ({_many(len(drift.counts), 'count')})."
        if not drift.departures
        else f"Drift: {_many(len(drift.departures), 'count')} of {len(drift.counts)} {span} "
        f"{'lies' if len(drift.departures) == 1 else 'lie'} outside what was fitted before."
    )
    lines = [head, *(f"  {_left(one)}" for one in drift.departures)]
    if verbose:
        table = Table(("Recent cohort", "entered", "seen", "expected", f"{100 * drift.level:.1f} % band"))
        for one in drift.counts:
            table.add(
                _counted(one),
                number(one.entered),
                number(one.seen),
                number(round(one.expected)),
                spread(round(one.low), round(one.high), "leads"),
            )
        lines += table.lines(width)
    lines.append(
        f"Bands so wide that in {100 * FALSE_ALARMS:g} of 100 histories without any change one count is outside."
    )
    return "\n".join(lines)


def _left(one: Departure) -> str:
    band = f"{number(round(one.seen))} where {spread(round(one.low), round(one.high), 'leads')} were to be expected"
    if not one.stage:
        return f"leads that came: {band}"
    way = f"were lost from {one.stage}" if one.to == "lost" else f"went from {one.stage} to {one.to}"
    return f"of {number(one.entered)} that entered {one.stage} since, {way}: {band}"


def _counted(one: Departure) -> str:
    return f"{one.stage} to {one.to}" if one.stage else "leads"


def _distances(backtest: Backtest, width: int) -> str:
    if not backtest.distances:
        return ""
    table = Table(
        (
            f"Event log since {backtest.distance_origin:%Y-%m-%d}",
            "unit",
            "simulated",
            "least to most",
            "replay",
            "ratio",
        )
    )
    for one in backtest.distances:
        table.add(
            one.name,
            one.unit,
            number(one.simulated),
            f"{number(one.low)} to {number(one.high)}",
            number(one.replay),
            number(one.ratio),
        )
    note = (
        "Distance to the real log, both cut at the same instant; replay: the leads of as many weeks before, moved "
        "on. Below 1 is nearer."
    )
    return "\n".join([*table.lines(width), note])


def _mind(backtest: Backtest) -> str:
    lines = [f"  nothing can be said as of {one.origin:%Y-%m-%d}: {one.why}" for one in backtest.skipped]
    unsaid = sum(1 for one in backtest.forecasts if not _finite(one.drawn))
    if unsaid:
        lines.append(
            f"  revenue is not forecast from {_many(unsaid, 'instant')}: too few wins were known to say what "
            "one is worth"
        )
    lines += [f"  {note}" for note in backtest.notes]
    return "\n".join(["Mind", *lines]) if lines else ""


def _footnote(backtest: Backtest) -> str:
    first, last = backtest.forecasts[0].origin, backtest.forecasts[-1].origin
    return (
        f"{_many(len(backtest.forecasts), 'instant')} from {first:%Y-%m-%d} to {last:%Y-%m-%d}, {backtest.spec.draws} "
        f"futures each with parameters of their own, seed {backtest.spec.seed}.\n"
        "Intervals of coverage take instants as independent; where their windows overlap, that is too hopeful."
    )


# ---- pieces --------------------------------------------------------------------------------------------------------


def _finite(drawn: object) -> bool:
    import numpy as np

    return bool(np.isfinite(np.asarray(drawn, dtype=np.float64)).all())


def _share(one: Interval) -> str:
    return f"{100.0 * one.value:.0f} %"


def _within(one: Interval) -> str:
    return f"{100.0 * one.low:.0f} to {100.0 * one.high:.0f} %"


def _factor(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if math.isfinite(value) else "no finite number"


def _signed_percent(value: float) -> str:
    return f"{100.0 * value:+.0f} %" if math.isfinite(value) else NOTHING


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


__all__ = ["answer", "backtest_report", "verdict"]
