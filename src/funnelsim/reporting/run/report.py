"""A run as text: the answer in a sentence, then one screen; with `verbose` every measure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from funnelsim.measures import Measure
from funnelsim.reporting.common.format import NOTHING, Table, duration, error, money, number, percent, shown, spread
from funnelsim.reporting.handoff.report import handoff_report
from funnelsim.result import Result

if TYPE_CHECKING:
    from funnelsim.study.anchor import Anchor

SHORT_FOOT = "±: simulation error, 90 %. One period: central 90 % of runs, "
FOOT = "± is the simulation error of the mean (90 %); `one period` is the central 90 % of single runs: "
LUCK_ONLY = "luck alone.\nBoth reflect random variation only, not uncertainty about the inputs."
WITH_DRAWS = (
    "luck, and what\nis left open by {what}, one draw a run. How much of it is ignorance: funnelsim sensitivity."
)


def run_report(result: Result, verbose: int = 0, width: int = 100) -> str:
    """The text of a run."""
    parts = [
        answer(result),
        _outcomes(result, width),
        _stages(result, width),
        _promises(result, width),
        handoff_report(result, width, verbose),
        _teams(result, width),
        _volumes(result),
    ]
    if verbose:
        parts += list(_full_tables(result, width))
    parts.append(_footnote(result, verbose))
    return "\n\n".join(part for part in parts if part)


def _footnote(result: Result, verbose: int) -> str:
    """Which spreads the tables show: a line, since a run should fit one screen; with `verbose` what luck and ignorance
    have to do with each."""
    what = _left_open(result)
    if verbose:
        return FOOT + (WITH_DRAWS.format(what=what) if what else LUCK_ONLY)
    if not what:
        return SHORT_FOOT + "luck alone. Both reflect random variation only, not uncertainty about the inputs."
    ranges = len(result.manifest.beliefs)
    drawn = [f"{ranges} range{'s' * (ranges != 1)}"] * (ranges > 0) + ["fitted errors"] * _is_fitted(result)
    return f"{SHORT_FOOT}luck and what is not known ({' and '.join(drawn)}; -v names them)."


def _left_open(result: Result) -> str:
    """Names what each run draws: the ranges, and what calibration gave a standard error."""
    ranges = ", ".join(result.manifest.beliefs)
    parts = [f"the ranges ({ranges})"] if ranges else []
    if _is_fitted(result):
        parts.append("the standard errors of the fitted file")
    return " and ".join(parts)


def _is_fitted(result: Result) -> bool:
    """Whether a calibration gave parameters with a standard error."""
    fitted = result.manifest.resolved[0]["scenario"].get("fitted") or {}
    return bool(fitted.get("stages") or fitted.get("sources"))


def answer(result: Result) -> str:
    """What came out, with what it rests on."""
    leads, book = result["cohort.leads"], result.book
    head = f"{result.manifest.name}: "
    if "cohort.won" in result.measures:
        won, revenue, profit = result["cohort.won"], result["cohort.revenue"], result["cohort.profit"]
        head += (
            f"{number(won.mean)} won of {number(leads.mean)} leads "
            f"({spread(won.period_low, won.period_high, 'leads')} in one period), "
            f"revenue {money(revenue.mean, book.currency)}, profit {money(profit.mean, book.currency)}."
        )
    else:
        head += f"{number(leads.mean)} leads ({spread(leads.period_low, leads.period_high, 'leads')} in one period)."
    run = result.manifest
    plural = "s" * (run.replications != 1)
    return f"{head}\n{run.replications} replication{plural}, seed {run.seed}, {run.engine} engine."


def _outcomes(result: Result, width: int) -> str:
    book = result.book
    table = Table(["", "cohort", "±", "one period", "calendar", "±", "one period"])
    names = [
        ("leads", "leads"),
        *((one, one) for one in book.definitions),
        ("revenue", "revenue"),
        ("cost", "cost"),
        ("profit", "profit"),
        ("roi", "return on cost"),
        ("cost_a_win", "cost of a win"),
    ]
    for key, label in names:
        cells: list[str] = []
        for window in ("cohort", "calendar"):
            measure = result.measures.get(f"{window}.{key}")
            cells += _mean_error_period(measure, book.currency) if measure else [NOTHING] * 3
        table.add(label, *cells)
    for one in book.definitions:
        rate, time = result.measures.get(f"cohort.rate.{one}"), result.measures.get(f"cohort.time_to.{one}")
        if rate and time:
            table.add(f"share {one}", *_mean_error_period(rate, book.currency), "", "", "")
            table.add(f"time to {one}", *_mean_error_period(time, book.currency), "", "", "")
    return "\n".join(table.lines(width))


def _mean_error_period(measure: Measure, currency: str) -> list[str]:
    found = measure.estimate()
    return [
        shown(found.mean, measure.unit, currency),
        error(found.low, found.high, measure.unit, currency),
        spread(found.period_low, found.period_high, measure.unit, currency),
    ]


def _stages(result: Result, width: int) -> str:
    table = Table(
        ["stage (cohort)", "entered", "go on", "±", "unresolved", "stay", "touched", "response p50", "p90", "reached"]
    )
    for stage in result.book.stages:
        get = _getter(result, "cohort", stage)
        conversion = result.measures.get(f"cohort.conversion.{stage}")
        go_on = _mean_error_period(conversion, "")[:2] if conversion else [NOTHING, ""]
        table.add(
            stage,
            get("entered", number),
            *go_on,
            get("unresolved", percent),
            get("time_in_stage", duration),
            get("touched", percent),
            get("response_p50", duration),
            get("response_p90", duration),
            get("reached", percent),
        )
    return "\n".join(table.lines(width))


def _promises(result: Result, width: int) -> str:
    table = Table(
        [
            "promise (cohort)",
            "assigned",
            "in time",
            "±",
            "attempts met",
            "adhered",
            "warned",
            "escalated",
            "reassigned",
            "returned",
        ]
    )
    for stage in result.book.stages:
        per_lead = result.measures.get(f"cohort.lead_attainment.{stage}")
        for team in result.book.teams:
            of = f"{stage}.{team}"
            attainment = result.measures.get(f"cohort.attainment.{of}")
            if attainment is None:
                continue
            get = _getter(result, "cohort", of)
            table.add(
                f"{stage}, {team}",
                get("assigned", number),
                *_mean_error_period(attainment, "")[:2],
                get("attempts_attainment", percent),
                get("adhered", percent),
                *(get(name, number) for name in ("warned", "escalated", "reassigned", "returned")),
            )
        if per_lead is not None:
            table.add(f"{stage}, by lead", "", *_mean_error_period(per_lead, "")[:2], *[""] * 6)
    return "\n".join(table.lines(width)) if table.rows else ""


def _teams(result: Result, width: int) -> str:
    table = Table(["team (calendar)", "paid h", "worked h", "utilisation", "overtime h", "cost", "credited", "return"])
    busy = []
    for team in result.book.teams:
        get = _getter(result, "calendar", team)
        table.add(
            team,
            get("paid_hours", number),
            get("worked_hours", number),
            get("utilisation", percent),
            get("overtime", number),
            _money(result, "calendar.team_cost", team),
            _money(result, "calendar.credit", team),
            get("team_roi", percent),
        )
        load = result.measures.get(f"calendar.utilisation.{team}")
        if load is not None and load.estimate().mean > 0.95:
            busy.append(team)
    lines = table.lines(width)
    if busy:
        lines.append(f"Overloaded (above 95 %): {', '.join(busy)}. Queues and delays grow without bound.")
    return "\n".join(lines) if table.rows else ""


def _volumes(result: Result) -> str:
    lines = []
    for measure in result.measures.values():
        if measure.name == "volume met":
            delivered, met = result[f"calendar.volume.{measure.of}"], measure.estimate()
            promised = result[f"calendar.volume_delivered.{measure.of}"]
            lines.append(
                f"Promised volume: {number(delivered.mean)} {measure.of}, {percent(promised.mean)} of the "
                f"promise; met in {percent(met.mean)} of whole periods."
            )
    return "\n".join(lines)


def _full_tables(result: Result, width: int) -> Iterator[str]:
    for window in ("cohort", "calendar"):
        table = Table([f"every measure ({window})", "mean", "±", "one period", "interval"])
        for measure in result.measures.values():
            if measure.window == window:
                found = measure.estimate()
                table.add(
                    f"{measure.name} {measure.of}".strip(),
                    *_mean_error_period(measure, result.book.currency),
                    found.method,
                )
        yield "\n".join(table.lines(width))


def _getter(result: Result, window: str, of: str) -> Callable[[str, Callable[[float], str]], str]:
    def get(name: str, form: Callable[[float], str]) -> str:
        measure = result.measures.get(f"{window}.{name}.{of}")
        return form(measure.estimate().mean) if measure else NOTHING

    return get


def _money(result: Result, name: str, of: str) -> str:
    measure = result.measures.get(f"{name}.{of}")
    return money(measure.estimate().mean, result.book.currency) if measure else NOTHING


def anchor_report(found: Anchor) -> str:
    """What the effects add to the base rates, and what the anchored intercepts are at the centre of all ranges."""
    table = Table(["stage", "base rate", "dealt with", "effects add", "intercept", "contact"])
    intercepts = found.intercepts(found.stages, np.array(found.base), None)
    for i, stage in enumerate(found.stages):
        intercept, contact = intercepts[stage]
        if not 0.0 < found.base[i] < 1.0:
            continue
        table.add(
            stage,
            percent(found.base[i]),
            percent(1.0 / found.ratio[i]),
            f"{found.added[i]:+.4f}",
            f"{intercept:+.4f}",
            f"{contact:+.4f}",
        )
    lines = table.lines()
    for name, score, offset in zip(found.definitions, found.scores, found.offsets, strict=True):
        lines.append(f"{name}: the {score} score counts as {offset:+.4f} more, so that its gate gives the base rate")
    ranges = f"; they follow {len(found.beliefs)} ranges: {', '.join(found.beliefs)}" if found.beliefs else ""
    return (
        f"Log-odds that reproduce the base rates of the root scenario over {number(found.leads)} simulated leads"
        f"{ranges}.\n\n" + "\n".join(lines)
    )
