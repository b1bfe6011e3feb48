"""A sensitivity study as text: what moves the answer, who decides on it, and what to measure first."""

from __future__ import annotations

import math

from funnelsim.report.comparison_words import with_sign
from funnelsim.report.wording import NOTHING, Table, number, shown
from funnelsim.study.indices import Bounded
from funnelsim.study.information import Learned
from funnelsim.study.inputs import OWNERS
from funnelsim.study.sensitivity import Moved, Sensitivity


def sensitivity_report(found: Sensitivity, verbose: int = 0, width: int = 110) -> str:
    """The text of a study."""
    parts = [answer(found), _spreads(found), _inputs(found, width), _by_owner(found), _knowing(found, width)]
    if verbose:
        parts.append(_screening(found, width))
    parts.append(_footing(found))
    return "\n\n".join(part for part in parts if part)


def answer(found: Sensitivity) -> str:
    """One sentence: what the answer is, what moves it most, and what to measure first."""
    text = (f"{subject(found)}: {value(found, found.answer.mean)} ({between(found, found.answer.low, found.answer.high)} "
            f"over {_what_varies(found)})")
    first, *others = found.indexed
    text += f"; {first.input.path} moves it most ({_total(first)})"
    if others and others[0].index is not None and others[0].index.total.low > 0.0:
        text += f", then {others[0].input.path} ({_total(others[0])})"
    learn = found.first_to_learn
    if learn is not None and learn.learned is not None:
        text += (f"; to measure {learn.input.path} first would take {_share(learn.learned.share)} off its variance on "
                 "average")
    return text + "."


def subject(found: Sensitivity) -> str:
    """Whose answer it is: a scenario and a measure, or a difference."""
    names = found.question.names
    if not found.question.against:
        return f"{names[0]}, {found.measure}"
    return f"{names[-1]} against {names[0]}, {found.measure}"


def value(found: Sensitivity, amount: float) -> str:
    """In the unit of the measure; with its sign where it is a difference."""
    text = shown(abs(amount), found.unit, found.currency)
    return with_sign(amount, text) if found.question.against or amount < 0.0 else text


def between(found: Sensitivity, low: float, high: float) -> str:
    return f"{value(found, low)} to {value(found, high)}"


def share(one: Bounded) -> str:
    """45 % (38 to 52)"""
    return f"{_percent(one.value)} % ({_percent(one.low)} to {_percent(one.high)})"


def _share(one: Bounded) -> str:
    return f"{_percent(one.value)} % (90 % interval {_percent(one.low)} to {_percent(one.high)})"


def _percent(part: float) -> str:
    return f"{100.0 * part:.0f}".replace("-0", "0") if abs(part) < 0.005 else f"{100.0 * part:.0f}"


def _total(one: Moved) -> str:
    assert one.index is not None
    return f"{_percent(one.index.total.value)} % of its variance, 90 % interval {_percent(one.index.total.low)} to " \
           f"{_percent(one.index.total.high)}"


def _what_varies(found: Sensitivity) -> str:
    if not found.question.study.axes:
        return "what is not known"
    return "what is not known and what is varied" if any(one.input.unknown for one in found.moved) else "what is varied"


def _spreads(found: Sensitivity) -> str:
    """The three spreads, each by its name."""
    one = found.answer
    error = f"±{shown(one.error, found.unit, found.currency)}" if math.isfinite(one.error) else "unknown (one period)"
    return (f"Spreads (90 %): {_what_varies(found)} {between(found, one.low, one.high)}; one period "
            f"{between(found, one.least, one.most)}; simulation error of the mean {error}. As everything is written: "
            f"{value(found, found.centre)}.")


def _inputs(found: Sensitivity, width: int) -> str:
    table = Table(["Input", "whose", "from", "to", "answer there", "swing", "±", "alone (first order)", "in total"])
    for one in found.moved:
        first, total = (share(one.index.first), share(one.index.total)) if one.index else ("screened out", "")
        table.add(f"   {one.input.path}", one.input.owner, one.input.low_text, one.input.high_text,
                  between(found, one.at_low, one.at_high), with_sign(one.swing, _amount(found, one.swing)),
                  _amount(found, one.error), first, total)
    return "\n".join(table.lines(max(width, 150) if width >= 110 else width))


def _amount(found: Sensitivity, amount: float) -> str:
    return shown(abs(amount), found.unit, found.currency)


def _by_owner(found: Sensitivity) -> str:
    """The largest input of each that decides."""
    parts = []
    for owner in OWNERS:
        mine = [one for one in found.moved if one.input.owner == owner]
        if mine:
            largest = max(mine, key=lambda one: abs(one.swing))
            parts.append(f"{owner}: {largest.input.path} (swing {with_sign(largest.swing, _amount(found, largest.swing))} "
                         f"±{_amount(found, largest.error)})")
    return f"Largest swing by who decides: {'; '.join(parts)}."


def _knowing(found: Sensitivity, width: int) -> str:
    """What to measure first."""
    known = sorted((one for one in found.moved if one.learned is not None), key=_worth, reverse=True)
    if not known:
        return ""
    choice = any(one.learned.value is not None for one in known if one.learned)
    heads = ["If it were known", "variance gone", *(("worth for the choice", "changes it") if choice else ()), "how"]
    table = Table(heads)
    for one in known:
        assert one.learned is not None
        cells = (_worth_text(found, one.learned), f"{_percent(one.learned.changes)} %") if choice else ()
        table.add(f"   {one.input.path}", share(one.learned.share), *cells, "")
    lines = table.lines(width)
    lines[0] = lines[0].removesuffix("how").rstrip()
    if found.first_to_learn is None:
        lines.append("   None of them surely makes a part of the spread at so many points.")
    else:
        lines.append(f"   Measure first: {found.first_to_learn.input.path}. How: {found.first_to_learn.input.learn}.")
    return "\n".join(lines)


def _worth(one: Moved) -> float:
    return one.learned.share.value if one.learned is not None else 0.0


def _worth_text(found: Sensitivity, one: Learned) -> str:
    if one.value is None:
        return NOTHING
    low, high = (shown(end, found.unit, found.currency) for end in (one.value.low, one.value.high))
    return f"{shown(one.value.value, found.unit, found.currency)} ({low} to {high})"


def _screening(found: Sensitivity, width: int) -> str:
    table = Table(["Screening, effect over its whole way", "size (mu*)", "90 %", "bend (sigma)", "90 %"])
    for one in sorted(found.moved, key=lambda one: -one.effect.size.value if one.effect else 0.0):
        if one.effect is not None:
            bend = one.effect.bend
            table.add(f"   {one.input.path}", *_cells(found, one.effect.size),
                      *(_cells(found, bend) if bend else ("several numbers", "")))
    return "\n".join(table.lines(width)) if table.rows else ""


def _cells(found: Sensitivity, one: Bounded) -> tuple[str, str]:
    return _amount(found, one.value), f"{_amount(found, one.low)} to {_amount(found, one.high)}"


def _footing(found: Sensitivity) -> str:
    question = found.question
    periods = question.study.size.replications
    lines = [f"{number(found.runs)} periods simulated: {periods} with the same luck at every point; {question.rows} rows "
             f"of points. Intervals of shares are of the choice of points (bootstrap), for this luck."]
    screened = len(found.moved) - len(found.indexed)
    if screened:
        lines.append(f"Screened out by {question.trajectories} trajectories: {screened} inputs, held as written; about "
                     f"{_percent(found.left_out)} % of the variance lies with them.")
    return "\n".join(lines)
