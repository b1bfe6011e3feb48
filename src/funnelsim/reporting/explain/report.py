"""An explanation as text: the difference and its shares in a sentence, the table, the control with equal people."""

from __future__ import annotations

import math
from collections.abc import Sequence

from funnelsim.reporting.common.format import NOTHING, Table, number, percent, shown
from funnelsim.study.explain.coalitions import name_of
from funnelsim.study.explain.explain import EqualHoursControl, Explanation, ShapleyShare
from funnelsim.study.paired_difference import TwoLevelEstimate

WHAT = {
    "cohort.won": "customers in the cohort",
    "calendar.won": "customers in the window",
    "cohort.revenue": "revenue in the cohort",
    "calendar.revenue": "revenue in the window",
    "cohort.profit": "profit in the cohort",
    "calendar.profit": "profit in the window",
}
NAMED = 5  # shares in the sentence; the table has all


def explain_report(found: Explanation, verbose: int = 0, width: int = 110) -> str:
    """The text of an explanation."""
    parts = [
        answer(found),
        _table(found, width),
        control(found),
        _warnings(found),
        _groups(found, verbose),
        *found.notes,
        _footing(found),
    ]
    return "\n\n".join(part for part in parts if part)


def answer(found: Explanation) -> str:
    """One sentence: the difference with its interval, and what it is made of."""
    base, other = name_of(found.spec.base), name_of(found.spec.other)
    return (
        f"{other} against {base}: {signed(found, found.difference.mean)} {what(found)} (90 % interval "
        f"{between(found, found.difference)} {_given(found)}). {top_line(found)}"
    )


def top_line(found: Explanation) -> str:
    """Of +98: the promise +60 (+45 to +75), handoff and context +30 (+15 to +45), moving the hours +8 (+2 to +14)."""
    first, rest = found.parts[:NAMED], found.parts[NAMED:]
    texts = [f"{one.name} {signed(found, one.value.mean)} ({between(found, one.value)})" for one in first]
    if rest:
        texts.append(f"{len(rest)} more {signed(found, sum(one.value.mean for one in rest))} together")
    return f"Of {signed(found, found.difference.mean)}: {', '.join(texts)}."


def control(found: Explanation) -> str:
    """The control with equal people: what moving the hours brings, and what the shared work adds to it."""
    people = found.equal_hours
    if people is None:
        return "Control with equal people: neither people nor hours move between the teams, so none is needed."
    base = name_of(found.spec.base)
    lines = [
        f"Control with equal people: {base} with {_hours(people)}, nothing shared: "
        f"{_said(found, people.alone)} of {signed(found, found.difference.mean)}."
    ]
    if people.with_lending is not None:
        lines.append(
            f"   All other changes with the hours moved in place of shared work: {_said(found, people.with_lending)}."
        )
    before, after = people.paid
    same = math.isclose(before, after, rel_tol=1e-6)
    lines.append(
        f"   Paid hours in the window: {number(before)} in both."
        if same
        else f"   Paid hours in the window: {number(before)} against {number(after)}; so the control pays for the "
        f"other's people too."
    )
    return "\n".join(lines)


def signed(found: Explanation, value: float) -> str:
    """+98, -€12 k; 0 only where it is exactly that"""
    if value == 0.0:
        return "0"
    return ("-" if value < 0.0 else "+") + amount(found, abs(value))


def amount(found: Explanation, value: float) -> str:
    if found.unit == found.currency or found.unit == "seconds" or found.unit.startswith("share"):
        return shown(value, found.unit, found.currency)
    return f"{value:,.0f}" if value >= 9.5 else f"{value:.1f}" if value >= 0.095 or value == 0.0 else f"{value:.2g}"


def between(found: Explanation, one: TwoLevelEstimate) -> str:
    return f"{signed(found, one.low)} to {signed(found, one.high)}"


def what(found: Explanation) -> str:
    """What the figures are of."""
    return WHAT.get(found.spec.measure, f"in {found.spec.measure}")


def _given(found: Explanation) -> str:
    return "given what your data leaves open" if found.uncertain else "simulation error alone: nothing was left open"


def _said(found: Explanation, one: TwoLevelEstimate) -> str:
    return f"{signed(found, one.mean)} ({between(found, one)})"


def _hours(people: EqualHoursControl) -> str:
    """What moves, in words."""
    if people.lent is None:
        return "the other's people"
    lenders, takers = ([team for team, hours in people.lent.hours.items() if hours * sign > 0.0] for sign in (-1, 1))
    return (
        f"{number(round(people.lent.total))} of the hours that {' and '.join(lenders)} can give to leads moved to "
        f"{' and '.join(takers)}"
    )


def _table(found: Explanation, width: int) -> str:
    table = Table(["Share of", "", "what is not known", "of it", "±", "alone", "made last"])
    for one in found.shares:
        table.add(*_row(found, one, "   "))
        if found.equal_hours is not None and one is found.divided:
            for step in found.equal_hours.steps:
                table.add(*_row(found, step, "      of it "))
    whole = found.difference
    table.add(
        "   together",
        signed(found, whole.mean),
        between(found, whole),
        percent(1.0) if whole.mean else NOTHING,
        amount(found, whole.error),
        "",
        "",
    )
    return "\n".join(table.lines(width))


def _row(found: Explanation, one: ShapleyShare, before: str) -> Sequence[str]:
    whole = found.difference
    clear = whole.low * whole.high > 0.0  # shares of a difference that may be nothing mislead
    return (
        before + one.name,
        signed(found, one.value.mean),
        between(found, one.value),
        percent(one.value.mean / whole.mean + 0.0) if clear else NOTHING,
        amount(found, one.value.error),
        signed(found, one.alone.mean),
        signed(found, one.last.mean),
    )


def _warnings(found: Explanation) -> str:
    """Facts and beliefs that differ: the two scenarios are then not two ways to do the same."""
    lines = []
    for group in found.groups:
        for nature in ("fact", "belief"):
            wrong = [one.difference for one in group.changes if one.difference.nature == nature]
            if wrong:
                lines.append(
                    f"WARNING: {group.name} differs in a {nature}: "
                    + ", ".join(f"{one.path} ({_short(one.base)} -> {_short(one.other)})" for one in wrong)
                )
    lines += [
        f"{' and '.join(one.names)} are taken as one: neither stands without the other ({one.why})"
        for one in found.merged_groups
    ]
    return "\n".join(lines)


def _groups(found: Explanation, verbose: int) -> str:
    lines = ["What was changed"]
    for share in found.shares:
        changes = [one.difference for one in found.group(share).changes]
        texts = (
            "; ".join(f"{one.path}: {one.base} -> {one.other}" for one in changes)
            if verbose
            else ", ".join(one.path for one in changes)
        )
        lines.append(f"   {share.name}: {texts}")
    return "\n".join(lines)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _footing(found: Explanation) -> str:
    question = found.spec
    runs = (
        f"{question.draws} draws of what is not known x {question.size.pairs} periods"
        if found.uncertain
        else f"{question.size.replications} periods"
    )
    orders = (
        "averaged over all orders in which the changes could be made (Shapley values)"
        if not found.orders
        else f"averaged over {found.orders} random orders of the changes (Shapley values, whose sum is exact still; ± "
        f"and intervals cover the orders left out)"
    )
    return (
        f"{found.coalitions} mixtures of the two scenarios, {runs} each on the same luck; shares are {orders}. "
        f"± simulation error, 90 %. Alone: with no other change. Made last: on top of all the others."
    )
