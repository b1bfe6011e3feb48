"""An explanation as text: the difference and its shares in a sentence, the table, the control with equal people."""

from __future__ import annotations

import math
from collections.abc import Sequence

from funnelsim.reporting.common.format import NOTHING, NumberFormat, Table, number, percent
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


def explain_report(explanation: Explanation, verbose: int = 0, width: int = 110) -> str:
    """The text of an explanation."""
    parts = [
        answer(explanation),
        _table(explanation, width),
        control(explanation),
        _warnings(explanation),
        _groups(explanation, verbose),
        *explanation.notes,
        _footnote(explanation),
    ]
    return "\n\n".join(part for part in parts if part)


def answer(explanation: Explanation) -> str:
    """One sentence: the difference with its interval, and what it is made of."""
    base, other = name_of(explanation.spec.base), name_of(explanation.spec.other)
    numbers, whole = format_of(explanation), explanation.difference
    return (
        f"{other} against {base}: {numbers.signed(whole.mean)} {what(explanation)} (90 % interval "
        f"{numbers.signed_interval(whole.low, whole.high)} {_given(explanation)}). {top_line(explanation)}"
    )


def top_line(explanation: Explanation) -> str:
    """Of +98: the promise +60 (+45 to +75), handoff and context +30 (+15 to +45), moving the hours +8 (+2 to +14)."""
    first, rest = explanation.parts[:NAMED], explanation.parts[NAMED:]
    texts = [f"{one.name} {with_interval(explanation, one.value)}" for one in first]
    if rest:
        texts.append(f"{len(rest)} more {format_of(explanation).signed(sum(one.value.mean for one in rest))} together")
    return f"Of {format_of(explanation).signed(explanation.difference.mean)}: {', '.join(texts)}."


def control(explanation: Explanation) -> str:
    """The control with equal people: what moving the hours brings, and what the shared work adds to it."""
    people = explanation.equal_hours
    if people is None:
        return "Control with equal people: neither people nor hours move between the teams, so none is needed."
    base = name_of(explanation.spec.base)
    lines = [
        f"Control with equal people: {base} with {_hours(people)}, nothing shared: "
        f"{with_interval(explanation, people.alone)} of {format_of(explanation).signed(explanation.difference.mean)}."
    ]
    if people.with_lending is not None:
        lines.append(
            "   All other changes with the hours moved in place of shared work: "
            f"{with_interval(explanation, people.with_lending)}."
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


def format_of(explanation: Explanation) -> NumberFormat:
    """Of the measure that is explained."""
    unit, currency = explanation.unit, explanation.currency
    return NumberFormat(unit, currency, unit not in (currency, "seconds") and not unit.startswith("share"))


def what(explanation: Explanation) -> str:
    """What the figures are of."""
    return WHAT.get(explanation.spec.measure, f"in {explanation.spec.measure}")


def _given(explanation: Explanation) -> str:
    return (
        "given what your data leaves open" if explanation.uncertain else "simulation error alone: nothing was left open"
    )


def with_interval(explanation: Explanation, one: TwoLevelEstimate) -> str:
    """+60 (+45 to +75)"""
    return format_of(explanation).signed_with_interval(one.mean, one.low, one.high)


def _hours(people: EqualHoursControl) -> str:
    """What moves, in words."""
    if people.lent is None:
        return "the other's people"
    lenders, takers = ([team for team, hours in people.lent.hours.items() if hours * sign > 0.0] for sign in (-1, 1))
    return (
        f"{number(round(people.lent.total))} of the hours that {' and '.join(lenders)} can give to leads moved to "
        f"{' and '.join(takers)}"
    )


def _table(explanation: Explanation, width: int) -> str:
    table = Table(["Share of", "", "what is not known", "of it", "±", "alone", "made last"])
    for one in explanation.shares:
        table.add(*_row(explanation, one, "   "))
        if explanation.equal_hours is not None and one is explanation.divided:
            for step in explanation.equal_hours.steps:
                table.add(*_row(explanation, step, "      of it "))
    whole = explanation.difference
    table.add(
        "   together",
        format_of(explanation).signed(whole.mean),
        format_of(explanation).signed_interval(whole.low, whole.high),
        percent(1.0) if whole.mean else NOTHING,
        format_of(explanation).value(whole.error),
        "",
        "",
    )
    return "\n".join(table.lines(width))


def _row(explanation: Explanation, one: ShapleyShare, before: str) -> Sequence[str]:
    whole = explanation.difference
    clear = whole.low * whole.high > 0.0  # shares of a difference that may be nothing mislead
    return (
        before + one.name,
        format_of(explanation).signed(one.value.mean),
        format_of(explanation).signed_interval(one.value.low, one.value.high),
        percent(one.value.mean / whole.mean + 0.0) if clear else NOTHING,
        format_of(explanation).value(one.value.error),
        format_of(explanation).signed(one.alone.mean),
        format_of(explanation).signed(one.last.mean),
    )


def _warnings(explanation: Explanation) -> str:
    """Facts and beliefs that differ: the two scenarios are then not two ways to do the same."""
    lines = []
    for group in explanation.groups:
        for nature in ("fact", "belief"):
            wrong = [one.difference for one in group.changes if one.difference.nature == nature]
            if wrong:
                lines.append(
                    f"WARNING: {group.name} differs in a {nature}: "
                    + ", ".join(f"{one.path} ({_short(one.base)} -> {_short(one.other)})" for one in wrong)
                )
    lines += [
        f"{' and '.join(one.names)} are taken as one: neither stands without the other ({one.why})"
        for one in explanation.merged_groups
    ]
    return "\n".join(lines)


def _groups(explanation: Explanation, verbose: int) -> str:
    lines = ["What was changed"]
    for share in explanation.shares:
        changes = [one.difference for one in explanation.group(share).changes]
        texts = (
            "; ".join(f"{one.path}: {one.base} -> {one.other}" for one in changes)
            if verbose
            else ", ".join(one.path for one in changes)
        )
        lines.append(f"   {share.name}: {texts}")
    return "\n".join(lines)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _footnote(explanation: Explanation) -> str:
    question = explanation.spec
    runs = (
        f"{question.draws} draws of what is not known x {question.size.pairs} periods"
        if explanation.uncertain
        else f"{question.size.replications} periods"
    )
    orders = (
        "averaged over all orders in which the changes could be made (Shapley values)"
        if not explanation.orders
        else f"averaged over {explanation.orders} random orders of the changes (Shapley values, whose sum is still "
        f"exact; ± and intervals cover the orders left out)"
    )
    return (
        f"{explanation.coalitions} mixtures of the two scenarios, {runs} each on the same luck; shares are {orders}. "
        f"± simulation error, 90 %. Alone: with no other change. Made last: on top of all the others."
    )
