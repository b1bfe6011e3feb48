"""What it would bring to know each unknown, as text: shared by `sensitivity` and `compare`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from funnelsim.reporting.common.format import Table
from funnelsim.study.sensitivity.indices import IntervalEstimate
from funnelsim.study.sensitivity.value_of_information import InformationValue, most_informative

Say = Callable[[float], str]  # an amount in the unit of the answer


def knowing_table(known: Sequence[InformationValue], say: Say, width: int) -> list[str]:
    """A row an unknown: what would vanish of the variance, and what knowing is worth where there is a choice."""
    choice = any(one.value is not None for one in known)
    table = Table(
        [
            "If it were known",
            "variance gone (90 %)",
            *(("worth for the choice (90 %)", "would change it") if choice else ()),
        ]
    )
    for one in known:
        worth = (worth_text(one.value, say), f"{percents(one.changes)} %") if one.value is not None else ()
        table.add(f"   {one.path}", share_text(one.share), *worth)
    return table.lines(width)


def learn_line(known: Sequence[InformationValue], how: Callable[[str], str], say: Say) -> str:
    """What to measure first, how, and whether any of it would change the choice."""
    first = most_informative(known)
    if first is None:
        return "Measure first: with so few draws none of the unknowns surely stands out."
    text = (
        f"Measure first: {first.path}, {share_text(first.share)} of the variance of the answer (90 %): "
        f"{how(first.path)}."
    )
    choices = [one for one in known if one.value is not None]
    worth = max(choices, key=lambda one: one.value.value if one.value else 0.0, default=None)
    if worth is None or worth.value is None:
        return text
    if worth.value.value <= 0.0 or percents(worth.changes) == "0":
        return f"{text} To know any one unknown would hardly change the choice."
    return (
        f"{text} For the choice, knowing {worth.path} is worth most: {worth_text(worth.value, say)}; it would "
        f"change it in {percents(worth.changes)} % of cases."
    )


def share_text(one: IntervalEstimate) -> str:
    """45 % (38 to 52)"""
    return f"{percents(one.value)} % ({percents(one.low)} to {percents(one.high)})"


def worth_text(one: IntervalEstimate, say: Say) -> str:
    return f"{say(one.value)} ({say(one.low)} to {say(one.high)})"


def percents(part: float) -> str:
    """The number alone: 45"""
    return str(round(100.0 * part))
