"""What stands around the answer of a comparison: hours, what differs, outcomes, promises, and what cannot be told."""

from __future__ import annotations

import math

from funnelsim.reporting.common.format import NumberFormat, Table, duration, money, number, percent
from funnelsim.reporting.common.information_text import learn_line
from funnelsim.reporting.compare.format import format_of, mean_of
from funnelsim.reporting.explain.report import control
from funnelsim.study.compare import Comparison, ScenarioRuns
from funnelsim.study.sensitivity.inputs import owner_and_method

BUSY = 0.95


def people(comparison: Comparison) -> str:
    teams = comparison.cases[0].blueprint.book.teams
    table = Table(
        ["6  Hours in the window", *(f"{team} {what}" for team in teams for what in ("paid", "worked", "overtime"))]
    )
    for column in comparison.runs:
        table.add(
            f"   {column.name}",
            *(
                number(mean_of(column, f"calendar.{what}.{team}"))
                for team in teams
                for what in ("paid_hours", "worked_hours", "overtime")
            ),
        )
    lines = table.lines()
    if comparison.explanation is not None:
        lines += [f"   {line.strip()}" for line in control(comparison.explanation).splitlines()]
    return "\n".join(lines)


def changes(comparison: Comparison, verbose: int) -> str:
    lines = [f"7  What differs from {comparison.runs[0].name}"]
    for rung in comparison.compared:
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


def outcomes(comparison: Comparison) -> str:
    currency = comparison.cases[0].blueprint.book.currency
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
    base = comparison.runs[0]
    for column in comparison.runs:
        cohort, window = mean_of(column, "cohort.won"), mean_of(column, "calendar.won")
        forward = (window - mean_of(base, "calendar.won")) - (cohort - mean_of(base, "cohort.won"))
        table.add(
            f"   {column.name}",
            number(cohort),
            number(window),
            "" if column is base else NumberFormat("leads").signed(forward),
            money(mean_of(column, "cohort.revenue"), currency),
            money(mean_of(column, "cohort.profit"), currency),
            money(mean_of(column, "calendar.profit"), currency),
            percent(unresolved(comparison, column)),
        )
    return "\n".join(table.lines())


def unresolved(comparison: Comparison, column: ScenarioRuns) -> float:
    """Share of the cohort's leads whose visit was still open at the horizon."""
    open_, leads = 0.0, 0.0
    for summary in column.summaries:
        open_ += float(summary.visits[0]["open"].sum())
        leads += float(summary.arrived.sum())
    return open_ / leads if leads else math.nan


def promises(comparison: Comparison) -> str:
    lines = ["9  Promises and load"]
    book = comparison.cases[0].blueprint.book
    for column in comparison.runs:
        parts = []
        for stage in book.stages:
            of = f"cohort.lead_attainment.{stage}"
            if of in column.values:
                parts.append(f"{stage} touched in time {percent(mean_of(column, of))}")
            for team in book.teams:
                if f"cohort.attainment.{stage}.{team}" in column.values:
                    parts.append(
                        f"{team} {percent(mean_of(column, f'cohort.attainment.{stage}.{team}'))} "
                        f"(adhered {percent(mean_of(column, f'cohort.kept.{stage}.{team}'))})"
                    )
            response = f"cohort.response_p50.{stage}"
            if response in column.values and _is_first(comparison, stage):
                parts.append(f"{stage} first touch p50 {duration(mean_of(column, response))}")
        loads = {team: mean_of(column, f"calendar.utilisation.{team}") for team in book.teams}
        parts += [f"{team} busy {percent(load)}{' OVERLOADED' if load > BUSY else ''}" for team, load in loads.items()]
        for key in column.values:
            if key.startswith("calendar.volume_kept."):
                parts.append(f"{key.split('.', 2)[2]} promise kept in {percent(mean_of(column, key))} of periods")
        lines.append(f"   {column.name}: " + ", ".join(parts))
    return "\n".join(lines)


def _is_first(comparison: Comparison, stage: str) -> bool:
    scenario = comparison.cases[0].blueprint.scenario
    return scenario.stages[stage].response is not None


def cannot_tell(comparison: Comparison) -> str:
    """Point 10: what rests on nothing but a preset or a guess."""
    scenario = comparison.cases[0].blueprint.scenario
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
    beliefs = sorted({belief.path for one in comparison.cases for belief in one.blueprint.beliefs})
    if beliefs:
        parts.append(f"{', '.join(beliefs)} (ranges)")
    if comparison.equally_good:
        parts.append("who sells better: both teams are assumed equally good (effects.marketing_sells says otherwise)")
    if scenario.effects.fit.odds is not None:
        parts.append("whether the better leads of a source close more often by the factor written (effects.fit)")
    if not scenario.fitted:
        parts.append("conversion, times and arrivals: written by hand, without standard errors")
    lines = ["10 What this data cannot tell: " + "; ".join(parts) + "."]
    if comparison.information:
        line = learn_line(
            comparison.information,
            lambda path: owner_and_method(path, scenario)[1],
            lambda value: format_of(comparison).value(value),
        )
        lines.append(f"   {line}")
    return "\n".join(lines)
