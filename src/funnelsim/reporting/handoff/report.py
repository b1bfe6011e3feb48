"""The handoff between the teams as text: who turned leads down, where effort and value went, blame, broken promises.

Each part is left out when nothing of it happened. Rules 89 to 109; the measures are those of funnelsim.measures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from funnelsim.reporting.common.format import NOTHING, Table, money, number, percent, shown, spread
from funnelsim.result import Result


def handoff_report(result: Result, width: int, verbose: int = 0) -> str:
    """Acceptance, effort, blame and levels; with `verbose` by stage, and when promises break and who is full first."""
    parts = [_acceptance(result, width), _effort(result, width, verbose), _levels(result, width)]
    if verbose:
        parts += [_breach_hours(result), _saturation(result), _agreement(result)]
    return "\n\n".join(part for part in parts if part)


def _acceptance(result: Result, width: int) -> str:
    """What receiving teams decided, and whether they worked the other side's leads at all."""
    table = Table(["handed over (cohort)", "decided", "accepted", "±", "in the window", "of leads asked: pursued", "±"])
    for stage in result.book.stages:
        for team in result.book.teams:
            of = f"{stage}.{team}"
            accepted, pursued = _cells(result, "acceptance", of), _cells(result, "pursued", of)
            if accepted[0] != NOTHING or pursued[0] != NOTHING:
                table.add(
                    f"{stage}, {team}",
                    _cells(result, "decided", of)[0],
                    *accepted,
                    _cells(result, "acceptance_attainment", of)[0],
                    *pursued,
                )
    return "\n".join(table.lines(width)) if table.rows else ""


def _effort(result: Result, width: int, verbose: int) -> str:
    """Work, and what of it went to poor leads; good leads turned down; value nobody touched; whose fault.

    A run should fit one screen: without `verbose` only if leads were turned down.
    """
    if not verbose and "cohort.rejected" not in result.measures:
        return ""
    table = Table(
        [
            "effort (cohort)",
            "hours",
            "on poor leads",
            "±",
            "turned down",
            "of them good",
            "untouched value",
            "fault: leads",
            "follow-up",
        ]
    )
    for stage in ("", *(result.book.stages if verbose else ())):
        wasted = _cells(result, "effort_wasted", stage)
        cells = [_cells(result, "effort", stage)[0], *wasted]
        cells += [
            _cells(result, name, stage)[0]
            for name in (
                "rejected",
                "rejected_though_good",
                "untouched_value",
                "lost_as_poor_leads",
                "lost_by_poor_follow-up",
            )
        ]
        if any(cell not in (NOTHING, "") for cell in cells):
            table.add(stage or "all", *cells)
    if not table.rows:
        return ""
    lines = table.lines(width)
    merged, double = _mean(result, "merged_records"), _mean(result, "duplicates")
    if merged or double:
        lines.append(
            f"People found twice: {number(merged)} records merged; {percent(double)} of visits are of second records."
        )
    return "\n".join(lines)


def _breach_hours(result: Result) -> str:
    """When first-touch promises broke: the worst hours of the local week."""
    lines = []
    by_team = defaultdict(list)
    for one in result.breaches:
        by_team[one.team].append(one)
    for team, hours in by_team.items():
        total = sum(one.estimate.mean for one in hours)
        worst = sorted(hours, key=lambda one: -one.estimate.mean)[:3]
        said = ", ".join(f"{one.day} {one.hour:02}:00 ({percent(one.estimate.mean / total)})" for one in worst)
        lines.append(f"First touches missed by {team}: {number(total)} in the window, most of them due {said}.")
    return "\n".join(lines)


def _saturation(result: Result) -> str:
    """Which team is full first; full = a week at 95 % or more, or a week's work waiting."""
    found = [
        (result[f"calendar.first_to_saturate.{team}"].mean, team)
        for team in result.book.teams
        if f"calendar.first_to_saturate.{team}" in result.measures
    ]
    if not found:
        return ""
    share, team = max(found)
    weeks = result[f"calendar.weeks_to_saturation.{team}"]
    return (
        f"First to be full: {team} in {percent(share)} of periods, after {number(weeks.mean)} weeks on average (a "
        "week at 95 % or more, or with more work waiting than it has hours)."
    )


def _levels(result: Result, width: int) -> str:
    table = Table(["level", "on average", "±", "one period", "at the end"])
    for name in result.book.levels:
        measure = result.measures.get(f"calendar.level.{name}")
        if measure is not None:
            found = measure.estimate()
            table.add(
                name,
                f"{found.mean:.2f}",
                f"±{(found.high - found.low) / 2.0:.2f}",
                spread(found.period_low, found.period_high, "number"),
                f"{_mean(result, f'level_at_the_end.{name}', 'calendar.'):.2f}",
            )
    return "\n".join(table.lines(width)) if table.rows else ""


def _agreement(result: Result) -> str:
    """Two vocabularies over one path: how far two definitions mean the same leads (Cohen's kappa)."""
    lines = []
    for key, measure in result.measures.items():
        if key.startswith("cohort.kappa."):
            lines.append(f"{measure.of.replace('.', ' and ')}: kappa {measure.estimate().mean:.2f}")
    if not lines:
        return ""
    return f"Do definitions mean the same leads? {'; '.join(lines)} (1 = the same, 0 = as by chance)."


def assumptions_report(assumed: Sequence[tuple[str, str, str]], most: int, equally_good: bool = False) -> str:
    """What rests on no published number: (key, value, command of the sweep that varies it); and rule 46."""
    same = "Both teams are assumed equally good with a lead (effects.marketing_sells says otherwise)."
    if not assumed:
        return same if equally_good else ""
    names = ", ".join(f"{path} {written}" for path, written, _ in assumed[:most])
    more = ", ..." if len(assumed) > most else ""
    text = f"Assumptions, sizes nobody published ({len(assumed)}): {names}{more}. How much one matters: {assumed[0][2]}"
    return f"{text}\n{same}" if equally_good else text


def _cells(result: Result, name: str, of: str) -> list[str]:
    """Mean and simulation error of a measure of the cohort; the error is left out for counts."""
    measure = result.measures.get(f"cohort.{name}.{of}" if of else f"cohort.{name}")
    if measure is None:
        return [NOTHING, ""]
    found = measure.estimate()
    currency = result.book.currency
    if measure.unit == currency:
        return [money(found.mean, currency), ""]
    half = (found.high - found.low) / 2.0
    error = f"±{100 * half:.1f} %" if measure.unit.startswith("share") else f"±{number(half)}"
    return [shown(found.mean, measure.unit, currency), error]


def _mean(result: Result, name: str, window: str = "cohort.") -> float:
    measure = result.measures.get(window + name)
    return measure.estimate().mean if measure else 0.0
