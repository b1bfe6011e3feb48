"""The fitted file: what calibration fitted, as YAML that a scenario extends.

The scenario's own keys hold the point values. `fitted` beside them holds what a draw of ignorance needs: for every
stage the fits with their weights, with their parameter vectors and covariances. `competing_risks` says what the
vectors mean; times are in seconds.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from funnelsim.calibration.arrivals.arrival_rate import SourceArrivals
from funnelsim.calibration.events.deal_value import deal_value_lines
from funnelsim.calibration.fitted_history import FittedHistory
from funnelsim.calibration.repeat.repeat_purchase_data import repeat_lines
from funnelsim.calibration.report.scenario_text import empirical_text, law_text, mixture_text, quoted_text, word_text
from funnelsim.calibration.response.response_data import response_lines
from funnelsim.calibration.survival.covariates import covariate_lines
from funnelsim.calibration.survival.goodness_of_fit import empirical_points
from funnelsim.calibration.survival.stage_fit import StageFit
from funnelsim.calibration.teams.team_text import (
    FIRST,
    calendar_lines,
    ownership_lines,
    service_lines,
    team_lines,
    work_lines,
)
from funnelsim.typing import FloatArray

WIDTH = 118
ASSUMED = {
    "response": "how a late first touch hurts: a preset such as leads360-2012, or none",
    "attempts and contact chances": "a preset such as leads360-2012",
    "habit": "how soon a team turns to a new lead: a preset such as hbr-audit-2011",
    "adherence": "how far a promise is kept: a range of your own",
    "handling times, context, both teams": "your own figures and beliefs",
}


def assumed(fitted: FittedHistory) -> dict[str, str]:
    """What this history cannot tell."""
    narrower = {"handling times, context, both teams": "context, both teams"} if fitted.team else {}
    known = {"response"} if fitted.response and fitted.response.curve else set()
    return {narrower.get(what, what): text for what, text in ASSUMED.items() if what not in known}


def write_fitted(fitted: FittedHistory, out: str | Path) -> list[Path]:
    """Write the fitted file and, beside it, the leads in flight; each whole or not at all."""
    out = Path(out)
    leads = out.with_suffix("").with_suffix(".in-flight.csv") if fitted.in_flight.rows else None
    if leads:
        _write(leads, fitted.in_flight.csv())
    _write(out, fitted_text(fitted, leads.name if leads else None))
    return [out, *([leads] if leads else [])]


def fitted_text(fitted: FittedHistory, leads: str | None = None) -> str:
    """The YAML text; `leads` names the file of leads in flight."""
    lines = _head(fitted)
    lines += [
        f"name: {word_text(fitted.history.name)}",
        f"about: {word_text(f'Fitted to history as of {fitted.as_of}.')}",
        f"start: {_start(fitted)}",
        f"timezone: {word_text(fitted.history.timezone)}",
        f"currency: {word_text(fitted.history.currency)}",
        "",
    ]
    lines += _sources(fitted) if fitted.arrivals.sources else []
    lines += _segments(fitted) if fitted.segments else []
    if fitted.value:
        lines += [f"deal_value: {fitted.value.text}     # {fitted.value.count:,} {fitted.value.population}", ""]
    lines += _stages(fitted) if fitted.stages else service_lines(fitted.team) if fitted.team else []
    lines += _teams(fitted)
    if fitted.slopes and fitted.slopes.alike:
        names = ", ".join(fitted.slopes.names)
        lines.append(f"fit_spread: {fitted.slopes.spread:.4g}     # of leads of one source, by {names}")
    if fitted.fits.names or fitted.segment_fits.names or (fitted.slopes and fitted.slopes.alike):
        whose = "all fits are" if fitted.segment_fits.names else "the sources' fit is"
        lines += [f"effects: {{fit: 2.71828}}     # one step of fit is one unit of log-odds, as {whose} measured", ""]
    if leads:
        lines += [f"leads_in_flight: {{file: {word_text(leads)}}}", ""]
    lines += _history(fitted) if fitted.stages else []
    lines += _fitted(fitted)
    return "\n".join(lines) + "\n"


def _head(fitted: FittedHistory) -> list[str]:
    files = ", ".join(f"{Path(data.file).name} ({data.rows:,} rows)" for data in fitted.data)
    lines = [
        "# Written by `funnelsim calibrate`: do not edit, extend it.",
        f"# History: {Path(fitted.history.file).name}, as of {fitted.as_of}; {fitted.leads:,} leads from {files}.",
    ]
    lines += [f"# Not used: {count.rows:,} x {count.reason}." for count in fitted.issues.dropped]
    return [*lines, "# Shares are of the leads that entered a stage; `silent` are never heard of again.", ""]


def _start(fitted: FittedHistory) -> str:
    moment = fitted.history.as_of
    assert moment is not None
    return f"{moment:%Y-%m-%d}" if moment.hour == moment.minute == 0 else f"{moment:%Y-%m-%d %H:%M}"


def _sources(fitted: FittedHistory) -> list[str]:
    lines = ["sources:"]
    every = fitted.stages[0].name if fitted.stages else ""
    for source in fitted.arrivals.sources:
        if source.leads == 0:
            # Its leads may still be in flight.
            lines.append(f"  {word_text(source.name)}: {{rate: 0/week}}     # no lead since {fitted.arrivals.since}")
            continue
        lines.append(f"  {word_text(source.name)}:     # {source.leads:,} leads in {fitted.arrivals.weeks} weeks")
        lines.append(f"    rate: {_rate(fitted, source)}{_batches(source)}")
        if source.trend:
            lines.append(f"    trend: {100 * source.trend:.3g}% a year")
        if source.level:
            lines.append(f"    weekly_level: {100 * source.level:.3g}%")
        if set(source.enters) != {every} and source.enters:
            lines.append(f"    enters: {_enters(source)}")
        if fit := fitted.fits.of(source.name):
            lines.append(f"    fit: {fit[0]:.3f}     # +- {fit[1]:.3f}")
        elif not fitted.stages and source.name.endswith(FIRST):
            lines.append("    fit: 1     # served before the others: the team's order is by score")
        if fitted.segments and source.name in fitted.segments.by_source:
            lines.append(f"    segments: {_shares(fitted.segments.names, fitted.segments.by_source[source.name])}")
        lines += _profile(source)
    return [*lines, ""]


def _segments(fitted: FittedHistory) -> list[str]:
    """Shares that sum to one as they are written: the largest segment has the rest."""
    assert fitted.segments is not None
    lines = ["segments:"]
    for i, name in enumerate(fitted.segments.names):
        leads, share = fitted.segments.of(name)
        lines.append(f"  {word_text(name)}:     # {leads:,} leads")
        lines.append(f"    share: {'rest' if i == 0 else _percent(share)}")
        if fit := fitted.segment_fits.of(name):
            lines.append(f"    fit: {fit[0]:.3f}     # +- {fit[1]:.3f}")
    return [*lines, ""]


def _shares(names: tuple[str, ...], shares: FloatArray) -> str:
    """A whole divided; the largest part is the rest."""
    largest = int(np.argmax(shares))
    percents = {name: _percent(share) for name, share in zip(names, shares.tolist(), strict=True)}
    return _map({name: "rest" if i == largest else percents[name] for i, name in enumerate(names)})


def _rate(fitted: FittedHistory, source: SourceArrivals) -> str:
    """Leads a week; by month where the year has a season."""
    season, as_of = fitted.arrivals.season, fitted.history.as_of
    if season is None or as_of is None or not source.rate:
        return f"{source.rate:.5g}/week"
    months = season.by_month(as_of.timestamp(), fitted.history.timezone)
    return _map({month: f"{factor * source.rate:.5g}/week" for month, factor in months})


def _batches(source: SourceArrivals) -> str:
    """A remark on leads that came at once: they are no rate, and whether they come again is for the user to say."""
    if not source.batches:
        return ""
    batches = ", ".join(f"{leads:,} about {day}" for day, leads in source.batches)
    largest = max(leads for _, leads in source.batches)
    who = "without those that came at once" if source.rate else "all came at once"
    return f"     # {who}: {batches}; say `batch: {largest} on DATE` when it comes again"


def _enters(source: SourceArrivals) -> str:
    if len(source.enters) == 1:
        return word_text(next(iter(source.enters)))
    *first, last = sorted(source.enters, key=lambda stage: source.enters[stage])
    return _map({**{stage: f"{100 * source.enters[stage]:.4g}%" for stage in first}, last: "rest"})


def _profile(source: SourceArrivals) -> list[str]:
    if source.profile is None:
        return []
    table = source.profile.reshape(7, 24)
    if np.ptp(table, axis=1).max() < 1e-9:
        return [
            f"    profile: {{days: [{', '.join(f'{w:.3f}' for w in table.mean(1))}]}}     # Monday to Sunday;"
            " the history has no hours"
        ]
    rows = [", ".join(f"{weight:.2f}" for weight in row) for row in table]
    return [
        "    profile: [     # hour by hour from Monday 00:00",
        *(f"      {row}," for row in rows[:-1]),
        f"      {rows[-1]}]",
    ]


def _stages(fitted: FittedHistory) -> list[str]:
    by_name = {stage.name: stage for stage in fitted.stages}
    lines = ["stages:"]
    for name in fitted.records.stages:
        if name not in by_name:
            lines.append(f"  {word_text(name)}: {{}}     # the end")
            continue
        stage = by_name[name]
        lines.append(f"  {word_text(name)}:     # {int(stage.current.sum()):,} visits")
        pace = {target: pace_text(stage, target) for target in stage.order}
        lines.append("    pace:")
        lines += [f"      {word_text(target)}: {quoted_text(text)}" for target, text in pace.items()]
        lines.append("    next:")
        for target in stage.order:
            share = stage.share(target)
            lines.append(
                f"      {word_text(target)}: {{share: {_percent(share.value)}, se: {share.se:.3g}, of: entered}}"
                f"     # {100 * share.low:.3g}% to {100 * share.high:.3g}%"
            )
        lines.append("      silent: rest")
        if fitted.response and fitted.response.stage == name and fitted.response.curve:
            lines.append(f"    response: {fitted.response.curve}     # {fitted.response.grade}")
        lines += work_lines(fitted.team, name) if fitted.team else []
    return [*lines, ""]


def _teams(fitted: FittedHistory) -> list[str]:
    if not fitted.team:
        return []
    names = tuple(stage.name for stage in fitted.stages) or fitted.team.pieces.kinds
    return calendar_lines(fitted.team) + team_lines(fitted.team) + ownership_lines(fitted.team, names)


def pace_text(stage: StageFit, target: str) -> str:
    """The time law of an exit as a scenario says it."""
    parts = []
    for j in stage.of(target):
        share = stage.fit.point([j])
        if j in stage.odd:
            parts.append((share, empirical_text(empirical_points(stage.spells, stage.fit, j))))
        else:
            parts += [(share * w, law_text(family, mu, s)) for w, family, mu, s in stage.fit.times(j)]
    return mixture_text(parts)


def _percent(share: float) -> str:
    """Rounded down, so that shares written never sum to more than they are."""
    return f"{np.floor(share * 1e5) / 1e3:g}%"


def _history(fitted: FittedHistory) -> list[str]:
    lines = [
        "history:     # what a baseline should reproduce: shares of entered leads in the end, with 90 % intervals",
        f"  as_of: {fitted.as_of[:10]}",
        f"  source: {word_text(Path(fitted.history.file).name)}",
        "  stages:",
    ]
    for stage in fitted.stages:
        rows = {}
        for target in stage.order:
            low, high = fitted.interval(stage, target, 0.90)
            rows[target] = (
                f"{{share: {_percent(stage.share(target).value)}, low: {100 * low:.4g}%,"
                f" high: {100 * high:.4g}%, n: {int(stage.current.sum())}}}"
            )
        lines.append(f"    {word_text(stage.name)}:")
        lines += [f"      {word_text(target)}: {text}" for target, text in rows.items()]
    return [*lines, ""]


def _fitted(fitted: FittedHistory) -> list[str]:
    lines = [
        "fitted:     # what a draw of ignorance needs, see docs/guides/bring-your-own-history.md",
        f"  as_of: {word_text(fitted.as_of)}",
        "  data:",
    ]
    lines += [f"  - {{file: {word_text(Path(d.file).name)}, rows: {d.rows}, sha256: {d.sha256}}}" for d in fitted.data]
    lines += ["  counted: {}"] if not fitted.issues.counts else ["  counted:"]
    lines += [f"    {word_text(f'{Path(c.file).name}: {c.reason}')}: {c.rows}" for c in fitted.issues.counts.values()]
    lines += ["  assumed:     # what this history cannot tell"]
    lines += [f"    {word_text(what)}: {word_text(text)}" for what, text in assumed(fitted).items()]
    lines += ["  grades:", *(f"    {word_text(path)}: {word_text(grade)}" for path, grade in fitted.grades().items())]
    if fitted.response:
        lines += response_lines(fitted.response)
    if fitted.repeat:
        lines += repeat_lines(fitted.repeat)
    if fitted.slopes:
        lines += covariate_lines(fitted.slopes)
    lines += deal_value_lines(fitted.value)
    lines += ["  sources:" if fitted.arrivals.sources else "  sources: {}"]
    for source in fitted.arrivals.sources:
        if np.isfinite(source.rate_se):
            fit = fitted.fits.of(source.name)
            shift = f", fit_se: {fit[1]:.4g}" if fit else ""
            lines.append(f"    {word_text(source.name)}: {{rate_se: {source.rate_se:.4g}{shift}}}")
    if fitted.segment_fits.names:
        lines.append("  segments:")
        fits = ((name, fitted.segment_fits.of(name)) for name in fitted.segment_fits.names)
        lines += [f"    {word_text(name)}: {{fit_se: {fit[1]:.4g}}}" for name, fit in fits if fit]
    lines += ["  stages:" if fitted.stages else "  stages: {}"]
    for stage in fitted.stages:
        odd = dict.fromkeys(stage.targets[j] for j in sorted(stage.odd))
        lines += [
            f"    {word_text(stage.name)}:",
            f"      exits: [{', '.join(word_text(t) for t in stage.targets)}]",
            f"      empirical: [{', '.join(word_text(t) for t in odd)}]",
            "      fits:",
        ]
        exits = len(stage.targets)
        for law, weight in zip(stage.fit.laws, stage.fit.weights, strict=True):
            last = np.r_[(law.groups - 1) * exits : len(law.vector)]
            cov = law.covariance[np.ix_(last, last)]
            lines += [
                f"      - weight: {weight:.6g}",
                f"        families: [{', '.join(law.families)}]",
                f"        law_of: [{', '.join(map(str, law.law_of))}]",
                f"        mean: {_numbers(law.vector[last], 7)}",
                "        cov:",
                *(f"        - {_numbers(row, 5)}" for row in cov),
            ]
    return lines


def _numbers(row: FloatArray, digits: int) -> str:
    """No more digits than every machine agrees on: the same history gives the same file everywhere."""
    return f"[{', '.join(f'{value:.{digits}g}' for value in row)}]"


def _map(entries: dict[str, str]) -> str:
    return f"{{{', '.join(f'{word_text(key)}: {value}' for key, value in entries.items())}}}"


def _write(path: Path, text: str) -> None:
    """Whole or not at all: a temporary file beside the target takes its place at the end."""
    handle, name = tempfile.mkstemp(dir=path.parent or Path(), prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
