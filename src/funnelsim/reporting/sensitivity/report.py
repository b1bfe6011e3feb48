"""A sensitivity study as text: what moves the answer, who decides on it, and what to measure first."""

from __future__ import annotations

import math

from funnelsim.reporting.common.format import NumberFormat, Table, number
from funnelsim.reporting.common.information_text import knowing_table, learn_line, percents, share_text
from funnelsim.study.sensitivity.indices import IntervalEstimate
from funnelsim.study.sensitivity.inputs import OWNERS
from funnelsim.study.sensitivity.sensitivity import InputEffect, Sensitivity
from funnelsim.study.sensitivity.value_of_information import most_informative

GO_ON = " go on"  # said once where both ends of a stage are


def sensitivity_report(sensitivity: Sensitivity, verbose: int = 0, width: int = 110) -> str:
    """The text of a study."""
    parts = [
        answer(sensitivity),
        _spreads(sensitivity),
        _inputs(sensitivity, width),
        _by_owner(sensitivity),
        _knowing(sensitivity, width),
    ]
    if verbose:
        parts.append(_screening(sensitivity, width))
    parts.append(_footnote(sensitivity))
    return "\n\n".join(part for part in parts if part)


def answer(sensitivity: Sensitivity) -> str:
    """One sentence: what the answer is, what moves it most, and what to measure first."""
    one = sensitivity.answer
    text = (
        f"{subject(sensitivity)}: {value(sensitivity, one.mean)} "
        f"(central 90 % {between(sensitivity, one.low, one.high)} over {_what_varies(sensitivity)})"
    )
    first, *others = sensitivity.indexed
    text += f"; {first.input.path} moves it most ({_total(first)})"
    if others and others[0].sobol is not None and others[0].sobol.total.low > 0.0:
        text += f", then {others[0].input.path} ({_total(others[0])})"
    learn = most_informative(sensitivity.information)
    if learn is not None:
        text += (
            f"; to know {learn.path} would take {percents(learn.share.value)} % of its variance away on average "
            f"({_interval(learn.share)})"
        )
    return text + "."


def subject(sensitivity: Sensitivity) -> str:
    """Whose answer it is: a scenario and a measure, or a difference."""
    names = sensitivity.spec.names
    if not sensitivity.spec.against:
        return f"{names[0]}, {sensitivity.measure}"
    return f"{names[-1]} against {names[0]}, {sensitivity.measure}"


def format_of(sensitivity: Sensitivity) -> NumberFormat:
    """Of the measure that is studied."""
    return NumberFormat(sensitivity.unit, sensitivity.currency)


def value(sensitivity: Sensitivity, amount: float) -> str:
    """In the unit of the measure; with its sign where it is a difference."""
    numbers = format_of(sensitivity)
    return numbers.signed(amount) if sensitivity.spec.against else numbers.value(amount)


def between(sensitivity: Sensitivity, low: float, high: float) -> str:
    return f"{value(sensitivity, low)} to {value(sensitivity, high)}"


def _total(one: InputEffect) -> str:
    assert one.sobol is not None
    return f"{percents(one.sobol.total.value)} % of its variance, {_interval(one.sobol.total)}"


def _interval(one: IntervalEstimate) -> str:
    return f"90 % interval {percents(one.low)} to {percents(one.high)}"


def _what_varies(sensitivity: Sensitivity) -> str:
    if not sensitivity.spec.sweep.axes:
        return "what is not known"
    return (
        "what is not known and what is varied"
        if any(one.input.unknown for one in sensitivity.effects)
        else "what is varied"
    )


def _spreads(sensitivity: Sensitivity) -> str:
    """The three spreads, each by its name."""
    one = sensitivity.answer
    error = f"±{format_of(sensitivity).value(one.error)}" if math.isfinite(one.error) else "unknown (one period)"
    return (
        f"Spreads (90 %): {_what_varies(sensitivity)} {between(sensitivity, one.low, one.high)}; one period "
        f"{between(sensitivity, one.period_low, one.period_high)}; simulation error of the mean {error}. "
        f"As everything is written: {value(sensitivity, sensitivity.centre)}."
    )


def _inputs(sensitivity: Sensitivity, width: int) -> str:
    table = Table(["Input", "whose", "from end to end", "swing ±", "in total (90 %)", "alone (90 %)"])
    for one in sensitivity.effects:
        shares = (share_text(one.sobol.total), share_text(one.sobol.first)) if one.sobol else ("screened out", "")
        table.add(f"   {one.input.path}", one.input.owner, _ends(one), _swing(sensitivity, one), *shares)
    return "\n".join(table.lines(width))


def _ends(one: InputEffect) -> str:
    """0.6 to 1; 39 % to 50.6 % go on"""
    low, high = one.input.low_text, one.input.high_text
    return f"{low.removesuffix(GO_ON)} to {high}" if high.endswith(GO_ON) else f"{low} to {high}"


def _swing(sensitivity: Sensitivity, one: InputEffect) -> str:
    numbers = format_of(sensitivity)
    error = f" ±{numbers.value(one.error)}" if math.isfinite(one.error) else ""
    return f"{numbers.signed(one.swing)}{error}"


def _by_owner(sensitivity: Sensitivity) -> str:
    """The largest input of each that decides."""
    parts = []
    for owner in OWNERS:
        mine = [one for one in sensitivity.effects if one.input.owner == owner]
        if mine:
            largest = max(mine, key=lambda one: abs(one.swing))
            parts.append(f"{owner} {largest.input.path} ({_swing(sensitivity, largest)})")
    return f"Largest swing by who decides: {'; '.join(parts)}."


def _knowing(sensitivity: Sensitivity, width: int) -> str:
    """What to measure first."""
    if not sensitivity.information:
        return ""
    how = {one.input.path: one.input.learn for one in sensitivity.effects}

    say = format_of(sensitivity).value

    return "\n".join(
        [
            *knowing_table(sensitivity.information, say, width),
            f"   {learn_line(sensitivity.information, how.__getitem__, say)}",
        ]
    )


def _screening(sensitivity: Sensitivity, width: int) -> str:
    table = Table(["Screening, effect over its whole way", "size (mu*)", "90 %", "bend (sigma)", "90 %"])
    for one in sorted(sensitivity.effects, key=lambda one: -one.elementary.mu_star.value if one.elementary else 0.0):
        if one.elementary is not None:
            bend = one.elementary.sigma
            table.add(
                f"   {one.input.path}",
                *_value_and_interval(sensitivity, one.elementary.mu_star),
                *(_value_and_interval(sensitivity, bend) if bend else ("several numbers", "")),
            )
    return "\n".join(table.lines(width)) if table.rows else ""


def _value_and_interval(sensitivity: Sensitivity, one: IntervalEstimate) -> tuple[str, str]:
    say = format_of(sensitivity).value
    return say(one.value), f"{say(one.low)} to {say(one.high)}"


def _footnote(sensitivity: Sensitivity) -> str:
    question = sensitivity.spec
    periods = question.sweep.size.replications
    lines = [
        f"{number(sensitivity.runs)} periods simulated: {periods} with the same luck at every point; {question.rows} "
        "rows of points. Intervals of shares are of the choice of points (bootstrap), for this luck; ± is the "
        "simulation error of a swing, 90 %."
    ]
    screened = len(sensitivity.effects) - len(sensitivity.indexed)
    if screened:
        lines.append(
            f"Screened out by {question.trajectories} trajectories: {screened} inputs, held as written; about "
            f"{percents(sensitivity.left_out)} % of the variance lies with them."
        )
    return "\n".join(lines)
