"""A comparison as text: the ten points of an honest answer, in their order, on one screen; the rest with `verbose`."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from funnelsim.report.wording import SYMBOLS, Table, duration, money, number, percent
from funnelsim.study.compare import BreakEven, Column, Comparison, Rung
from funnelsim.study.spread import Spread

RANGE = "90 % interval"
BUSY = 0.95


def comparison_report(found: Comparison, verbose: int = 0, width: int = 110) -> str:
    """The text of a comparison."""
    parts = [
        answer(found),
        _history(found),
        _ladder(found),
        _beliefs(found, verbose),
        _curves(found),
        _people(found),
        _changes(found, verbose),
        _outcomes(found),
        _promises(found),
        _cannot_tell(found),
    ]
    if verbose:
        parts.append("\n".join(_everything(found)))
    parts += found.notes
    return "\n\n".join(part for part in parts if part)


def answer(found: Comparison) -> str:
    """One sentence: how much, how sure, and resting on what; no headline when the baseline is not history's."""
    if found.history is not None and not found.history.reproduced:
        wrong = ", ".join(
            f"{check.stage} ({percent(check.simulated)} against {percent(check.low)} to {percent(check.high)})"
            for check in found.history.stages
            if not check.inside
        )
        return f"No answer: {found.columns[0].name}, simulated, does not convert as history says at {wrong}."
    last = found.rungs[-1]
    text = f"{last.name}: {_change(found, last.differences[found.goal])}"
    alone = [rung for rung in found.rungs[:-1]]
    if alone:
        text += "; " + ", ".join(
            f"{_signed(found, rung.differences[found.goal].mean)} with {_plain(rung.name)}" for rung in alone
        )
    if last.at_one is not None:
        resting = last.differences[found.goal].mean - last.at_one.mean
        text += f"; {_signed(found, resting)} rests on beliefs nobody has measured"
    ahead = _ahead_at_one(found)
    if ahead:
        text += f", and without them {_plain(ahead)} is ahead"
    flips = _flips(last)
    if flips:
        text += f"; under the response curve {' or '.join(flips)} the winner changes"
    return text + "."


# ---- 1 to 5: history, ladder, beliefs, curves -----------------------------------------------------------------------


def _history(found: Comparison) -> str:
    if found.history is None:
        return "1  Baseline against history: no history in these files, so nothing ties the baseline to what happened."
    table = Table(["1  Baseline against history", "recorded", "90 % band", "simulated", "±", ""])
    for check in found.history.stages:
        table.add(
            f"   {check.stage} goes on",
            percent(check.history),
            f"{percent(check.low)} to {percent(check.high)}",
            percent(check.simulated),
            percent(check.error),
            "" if check.inside else "OUTSIDE",
        )
    return "\n".join(table.lines())


def _ladder(found: Comparison) -> str:
    """Point 3; point 2 is the answer itself."""
    table = Table(
        [
            f"3  Ladder, {_goal(found)} against {found.columns[0].name}",
            "mean",
            "what is not known",
            "one period",
            "better",
            "in one period",
            "±",
        ]
    )
    for rung in found.rungs:
        one = rung.differences[found.goal]
        table.add(
            f"   {rung.name}{' (added)' if rung.added else ''}",
            _signed(found, one.mean),
            _between(found, one.low, one.high),
            _between(found, one.least, one.most),
            _chance(one.better),
            _chance(one.better_once),
            _amount(found, one.error),
        )
    lines = table.lines()
    for before, rung in zip(found.rungs, found.rungs[1:], strict=False):
        if rung.over_before is not None:
            one = rung.over_before
            lines.append(
                f"   {rung.name} over {before.name}: {_signed(found, one.mean)} ({_between(found, one.low, one.high)} "
                f"given what is not known; better with a chance of {_chance(one.better)})"
            )
    lines.append(
        f"   {found.draws} draws of what is not known x {found.pairs} pairs on the same luck; ± is simulation error (90 %), no certainty."
        if found.uncertain
        else f"   {found.draws * found.pairs} pairs on the same luck; these files leave nothing open, so the interval is simulation error alone."
    )
    return "\n".join(lines)


def _beliefs(found: Comparison, verbose: int) -> str:
    lines = []
    for rung in found.rungs:
        if rung.at_one is not None:
            lines.append(f"   {rung.name} with all beliefs at 1: {_change(found, rung.at_one)}")
    shown = found.rungs if verbose else found.rungs[-1:]
    for rung in shown:
        turning = [one for one in rung.break_evens if one.at is not None]
        lines += [
            f"   {rung.name}: {one.path} breaks even at {one.at:.3g} (range {one.low:g} to {one.high:g})"
            for one in turning
        ]
        calm = [one for one in rung.break_evens if one.at is None]
        if calm:
            names = "; ".join(_calm(found, one) for one in calm) if verbose else ", ".join(one.path for one in calm)
            lines.append(f"   {rung.name}: no break-even within the range of {names}")
    if not lines:
        return "4  Beliefs: none in these files."
    return "\n".join(["4  Beliefs", *lines])


def _curves(found: Comparison) -> str:
    named = list(found.rungs[-1].by_curve)
    if not named:
        return ""
    table = Table(["5  Under other response curves", *named])
    for rung in found.rungs:
        table.add(
            f"   {rung.name}",
            *(_signed(found, rung.by_curve[name].mean) if name in rung.by_curve else "" for name in named),
        )
    lines = table.lines()
    flips = {name for rung in found.rungs for name in _flips(rung)}
    order = _order_changes(found, named)
    lines.append(
        f"   The winner changes under {', '.join(sorted(flips))}."
        if flips
        else f"   The best of the ladder changes under {', '.join(order)}."
        if order
        else "   None of them changes the winner."
    )
    return "\n".join(lines)


def _ahead_at_one(found: Comparison) -> str:
    """The rung that is best with all beliefs at 1, when it is not the best of the answer."""
    best = max(found.rungs, key=lambda rung: rung.differences[found.goal].mean)
    at_one = {rung.name: rung.at_one.mean for rung in found.rungs if rung.at_one is not None}
    ahead = max(at_one, key=lambda name: at_one[name], default=best.name)
    return ahead if ahead != best.name else ""


def _calm(found: Comparison, one: BreakEven) -> str:
    return f"{one.path} ({_signed(found, one.at_low)} at {one.low:g}, {_signed(found, one.at_high)} at {one.high:g})"


def _flips(rung: Rung) -> list[str]:
    """Curves whose interval lies on the other side of 0 from the answer."""
    main = rung.at_one or next(iter(rung.differences.values()))
    sign = math.copysign(1.0, main.mean)
    return [name for name, one in rung.by_curve.items() if one.mean * sign < 0.0 and one.low * one.high > 0.0]


def _order_changes(found: Comparison, names: list[str]) -> list[str]:
    if len(found.rungs) < 2:
        return []
    best = max(found.rungs, key=lambda rung: rung.differences[found.goal].mean).name
    return [
        name
        for name in names
        if max(found.rungs, key=lambda rung: rung.by_curve[name].mean if name in rung.by_curve else -math.inf).name
        != best
    ]


# ---- 6 to 10: people, differences, outcomes, promises, limits -------------------------------------------------------


def _people(found: Comparison) -> str:
    teams = found.cases[0].blueprint.book.teams
    table = Table(
        ["6  Hours in the window", *(f"{team} {what}" for team in teams for what in ("paid", "worked", "overtime"))]
    )
    for column in found.columns:
        table.add(
            f"   {column.name}",
            *(
                number(_mean(column, f"calendar.{what}.{team}"))
                for team in teams
                for what in ("paid_hours", "worked_hours", "overtime")
            ),
        )
    return "\n".join(table.lines())


def _changes(found: Comparison, verbose: int) -> str:
    lines = [f"7  What differs from {found.columns[0].name}"]
    for rung in found.rungs:
        for heading in ("fact", "belief"):
            wrong = [one for one in rung.changes if one.nature == heading]
            if wrong:
                lines.append(
                    f"   WARNING: {rung.name} differs in a {heading}: "
                    + ", ".join(f"{one.path} ({one.base} -> {one.other})" for one in wrong)
                )
        policy = [one for one in rung.changes if one.nature not in ("fact", "belief")]
        text = (
            "; ".join(f"{one.path}: {one.base} -> {one.other}" for one in policy)
            if verbose
            else ", ".join(one.path for one in policy)
        )
        lines.append(
            f"   {rung.name}, policy only: {text}"
            if len(policy) == len(rung.changes)
            else f"   {rung.name}, policy: {text}"
        )
    return "\n".join(lines)


def _outcomes(found: Comparison) -> str:
    currency = found.cases[0].blueprint.book.currency
    table = Table(
        [
            "8  Outcomes (mean of a run)",
            "won, cohort",
            "won, window",
            "pulled forward",
            "revenue, cohort",
            "profit, cohort",
            "profit, window",
            "unresolved",
        ]
    )
    base = found.columns[0]
    for column in found.columns:
        cohort, window = _mean(column, "cohort.won"), _mean(column, "calendar.won")
        forward = (window - _mean(base, "calendar.won")) - (cohort - _mean(base, "cohort.won"))
        table.add(
            f"   {column.name}",
            number(cohort),
            number(window),
            "" if column is base else _plus(forward, number(abs(forward))),
            money(_mean(column, "cohort.revenue"), currency),
            money(_mean(column, "cohort.profit"), currency),
            money(_mean(column, "calendar.profit"), currency),
            percent(unresolved(found, column)),
        )
    return "\n".join(table.lines())


def unresolved(found: Comparison, column: Column) -> float:
    """Share of the cohort's leads whose visit was still open at the horizon."""
    open_, leads = 0.0, 0.0
    for summary in column.summaries:
        open_ += float(summary.visits[0]["open"].sum())
        leads += float(summary.arrived.sum())
    return open_ / leads if leads else math.nan


def _promises(found: Comparison) -> str:
    lines = ["9  Promises and load"]
    book = found.cases[0].blueprint.book
    for column in found.columns:
        parts = []
        for stage in book.stages:
            of = f"cohort.lead_attainment.{stage}"
            if of in column.values:
                parts.append(f"{stage} touched in time {percent(_mean(column, of))}")
            for team in book.teams:
                if f"cohort.attainment.{stage}.{team}" in column.values:
                    parts.append(
                        f"{team} {percent(_mean(column, f'cohort.attainment.{stage}.{team}'))} "
                        f"(behaved so {percent(_mean(column, f'cohort.kept.{stage}.{team}'))})"
                    )
            response = f"cohort.response_p50.{stage}"
            if response in column.values and _is_first(found, stage):
                parts.append(f"{stage} first touch p50 {duration(_mean(column, response))}")
        loads = {team: _mean(column, f"calendar.utilisation.{team}") for team in book.teams}
        parts += [f"{team} busy {percent(load)}{' OVERLOADED' if load > BUSY else ''}" for team, load in loads.items()]
        for key in column.values:
            if key.startswith("calendar.volume_kept."):
                parts.append(f"{key.split('.', 2)[2]} promise kept in {percent(_mean(column, key))} of periods")
        lines.append(f"   {column.name}: " + ", ".join(parts))
    return "\n".join(lines)


def _is_first(found: Comparison, stage: str) -> bool:
    scenario = found.cases[0].blueprint.scenario
    return scenario.stages[stage].response is not None


def _cannot_tell(found: Comparison) -> str:
    """Point 10: what rests on nothing but a preset or a guess."""
    scenario = found.cases[0].blueprint.scenario
    parts = []
    curves = {
        stage.response if isinstance(stage.response, str) else "a curve of the file"
        for stage in scenario.stages.values()
        if stage.response is not None
    }
    if curves:
        parts.append(f"how a late first touch hurts here (preset {', '.join(sorted(curves))}, observational)")
    habits = {team.habit for team in scenario.teams.values() if isinstance(team.habit, str)}
    if habits:
        parts.append(f"how soon these teams really turn to a lead (preset {', '.join(sorted(habits))})")
    beliefs = sorted({belief.path for one in found.cases for belief in one.blueprint.beliefs})
    if beliefs:
        parts.append(f"{', '.join(beliefs)} (ranges)")
    if scenario.effects.fit.odds is not None:
        parts.append("whether the better leads of a source close more often by the factor written (effects.fit)")
    if not scenario.fitted:
        parts.append("conversion, times and arrivals: written by hand, without standard errors")
    return "10 What this data cannot tell: " + "; ".join(parts) + "."


def _everything(found: Comparison) -> Iterator[str]:
    currency = found.cases[0].blueprint.book.currency
    for rung in found.rungs:
        table = Table([f"{rung.name} - {found.columns[0].name}", "mean", "low", "high", "least", "most", "±"])
        for key, one in rung.differences.items():
            unit = found.columns[0].units.get(key, "")
            cells = (one.mean, one.low, one.high, one.least, one.most, one.error)
            table.add(f"   {key}", *(_in_unit(value, unit, currency) for value in cells))
        yield "\n" + "\n".join(table.lines())
    saved = [_saved(found, column) for column in found.columns[1:]]
    yield "\nvariance saved by the same luck: " + ", ".join(
        f"{column.name} {factor:.0f}x" for column, factor in zip(found.columns[1:], saved, strict=True)
    )


def _saved(found: Comparison, column: Column) -> float:
    """Variance of a difference on independent luck, over that on the same luck, within draws."""
    one, other = found.columns[0].values[found.goal], column.values[found.goal]
    paired = (other - one).var(axis=1, ddof=1).mean()
    apart = one.var(axis=1, ddof=1).mean() + other.var(axis=1, ddof=1).mean()
    return float(apart / paired) if paired > 0 else math.inf


# ---- words ----------------------------------------------------------------------------------------------------------


def _goal(found: Comparison) -> str:
    return "revenue of the cohort" if found.goal == "cohort.revenue" else "customers of the cohort"


def _change(found: Comparison, one: Spread) -> str:
    what = "" if found.goal == "cohort.revenue" else " customers in the cohort"
    given = "given what your data leaves open" if found.uncertain else "simulation error alone: nothing was left open"
    return f"{_signed(found, one.mean)}{what} ({RANGE} {_between(found, one.low, one.high)} {given})"


def _between(found: Comparison, low: float, high: float) -> str:
    return f"{_signed(found, low)} to {_signed(found, high)}"


def _signed(found: Comparison, value: float) -> str:
    return _plus(value, _amount(found, abs(value)))


def _amount(found: Comparison, value: float) -> str:
    if found.goal == "cohort.revenue":
        return money(value, found.cases[0].blueprint.book.currency)
    return f"{value:.0f}" if value >= 9.5 else f"{value:.1f}"


def _plus(value: float, text: str) -> str:
    return ("-" if value < 0 else "+") + text


def _plain(name: str) -> str:
    return f"“{name}”"


def _chance(p: float) -> str:
    return "> 99.9 %" if p > 0.999 else "< 0.1 %" if p < 0.001 else percent(p)


def _mean(column: Column, key: str) -> float:
    values = column.values.get(key)
    return float(np.nanmean(values)) if values is not None and np.isfinite(values).any() else math.nan


def _in_unit(value: float, unit: str, currency: str) -> str:
    if unit.startswith("share"):
        return percent(value)
    if unit == "seconds":
        return duration(value)
    return (
        ("-" if value < 0 else "") + money(abs(value), currency)
        if unit == currency and currency in SYMBOLS
        else number(value)
    )
