"""A sensitivity study as text: what moves the answer, who decides on it, and what to measure first."""

from __future__ import annotations

import math

from funnelsim.reporting.common.format import Table, number, shown
from funnelsim.reporting.common.information_text import knowing_table, learn_line, percents, share_text
from funnelsim.reporting.compare.format import with_sign
from funnelsim.study.sensitivity.indices import IntervalEstimate
from funnelsim.study.sensitivity.inputs import OWNERS
from funnelsim.study.sensitivity.sensitivity import InputEffect, Sensitivity
from funnelsim.study.sensitivity.value_of_information import most_informative

GO_ON = " go on"  # said once where both ends of a stage are


def sensitivity_report(found: Sensitivity, verbose: int = 0, width: int = 110) -> str:
    """The text of a study."""
    parts = [answer(found), _spreads(found), _inputs(found, width), _by_owner(found), _knowing(found, width)]
    if verbose:
        parts.append(_screening(found, width))
    parts.append(_footing(found))
    return "\n\n".join(part for part in parts if part)


def answer(found: Sensitivity) -> str:
    """One sentence: what the answer is, what moves it most, and what to measure first."""
    one = found.answer
    text = (
        f"{subject(found)}: {value(found, one.mean)} (central 90 % {between(found, one.low, one.high)} over "
        f"{_what_varies(found)})"
    )
    first, *others = found.indexed
    text += f"; {first.input.path} moves it most ({_total(first)})"
    if others and others[0].sobol is not None and others[0].sobol.total.low > 0.0:
        text += f", then {others[0].input.path} ({_total(others[0])})"
    learn = most_informative(found.information)
    if learn is not None:
        text += (
            f"; to know {learn.path} would take {percents(learn.share.value)} % of its variance away on average "
            f"({_interval(learn.share)})"
        )
    return text + "."


def subject(found: Sensitivity) -> str:
    """Whose answer it is: a scenario and a measure, or a difference."""
    names = found.spec.names
    if not found.spec.against:
        return f"{names[0]}, {found.measure}"
    return f"{names[-1]} against {names[0]}, {found.measure}"


def value(found: Sensitivity, amount: float) -> str:
    """In the unit of the measure; with its sign where it is a difference."""
    text = shown(abs(amount), found.unit, found.currency)
    return with_sign(amount, text) if found.spec.against or amount < 0.0 else text


def between(found: Sensitivity, low: float, high: float) -> str:
    return f"{value(found, low)} to {value(found, high)}"


def _total(one: InputEffect) -> str:
    assert one.sobol is not None
    return f"{percents(one.sobol.total.value)} % of its variance, {_interval(one.sobol.total)}"


def _interval(one: IntervalEstimate) -> str:
    return f"90 % interval {percents(one.low)} to {percents(one.high)}"


def _what_varies(found: Sensitivity) -> str:
    if not found.spec.sweep.axes:
        return "what is not known"
    return (
        "what is not known and what is varied" if any(one.input.unknown for one in found.effects) else "what is varied"
    )


def _spreads(found: Sensitivity) -> str:
    """The three spreads, each by its name."""
    one = found.answer
    error = f"±{shown(one.error, found.unit, found.currency)}" if math.isfinite(one.error) else "unknown (one period)"
    return (
        f"Spreads (90 %): {_what_varies(found)} {between(found, one.low, one.high)}; one period "
        f"{between(found, one.least, one.most)}; simulation error of the mean {error}. As everything is written: "
        f"{value(found, found.centre)}."
    )


def _inputs(found: Sensitivity, width: int) -> str:
    table = Table(["Input", "whose", "from end to end", "swing ±", "in total (90 %)", "alone (90 %)"])
    for one in found.effects:
        shares = (share_text(one.sobol.total), share_text(one.sobol.first)) if one.sobol else ("screened out", "")
        table.add(f"   {one.input.path}", one.input.owner, _ends(one), _swing(found, one), *shares)
    return "\n".join(table.lines(width))


def _ends(one: InputEffect) -> str:
    """0.6 to 1; 39 % to 50.6 % go on"""
    low, high = one.input.low_text, one.input.high_text
    return f"{low.removesuffix(GO_ON)} to {high}" if high.endswith(GO_ON) else f"{low} to {high}"


def _swing(found: Sensitivity, one: InputEffect) -> str:
    error = f" ±{_amount(found, one.error)}" if math.isfinite(one.error) else ""
    return f"{with_sign(one.swing, _amount(found, one.swing))}{error}"


def _amount(found: Sensitivity, amount: float) -> str:
    return shown(abs(amount), found.unit, found.currency)


def _by_owner(found: Sensitivity) -> str:
    """The largest input of each that decides."""
    parts = []
    for owner in OWNERS:
        mine = [one for one in found.effects if one.input.owner == owner]
        if mine:
            largest = max(mine, key=lambda one: abs(one.swing))
            parts.append(f"{owner} {largest.input.path} ({_swing(found, largest)})")
    return f"Largest swing by who decides: {'; '.join(parts)}."


def _knowing(found: Sensitivity, width: int) -> str:
    """What to measure first."""
    if not found.information:
        return ""
    how = {one.input.path: one.input.learn for one in found.effects}

    def say(amount: float) -> str:
        return shown(amount, found.unit, found.currency)

    return "\n".join(
        [*knowing_table(found.information, say, width), f"   {learn_line(found.information, how.__getitem__, say)}"]
    )


def _screening(found: Sensitivity, width: int) -> str:
    table = Table(["Screening, effect over its whole way", "size (mu*)", "90 %", "bend (sigma)", "90 %"])
    for one in sorted(found.effects, key=lambda one: -one.elementary.mu_star.value if one.elementary else 0.0):
        if one.elementary is not None:
            bend = one.elementary.sigma
            table.add(
                f"   {one.input.path}",
                *_cells(found, one.elementary.mu_star),
                *(_cells(found, bend) if bend else ("several numbers", "")),
            )
    return "\n".join(table.lines(width)) if table.rows else ""


def _cells(found: Sensitivity, one: IntervalEstimate) -> tuple[str, str]:
    return _amount(found, one.value), f"{_amount(found, one.low)} to {_amount(found, one.high)}"


def _footing(found: Sensitivity) -> str:
    question = found.spec
    periods = question.sweep.size.replications
    lines = [
        f"{number(found.runs)} periods simulated: {periods} with the same luck at every point; {question.rows} "
        "rows of points. Intervals of shares are of the choice of points (bootstrap), for this luck; ± is the "
        "simulation error of a swing, 90 %."
    ]
    screened = len(found.effects) - len(found.indexed)
    if screened:
        lines.append(
            f"Screened out by {question.trajectories} trajectories: {screened} inputs, held as written; about "
            f"{percents(found.left_out)} % of the variance lies with them."
        )
    return "\n".join(lines)
