"""A chance as text: the answer in a sentence, then the three spreads, each by its name."""

from __future__ import annotations

from funnelsim.reporting.common.format import Table, percent, shown, spread
from funnelsim.study.seek.chance import GoalChance


def chance_report(found: GoalChance) -> str:
    """The text of a chance."""
    return "\n\n".join([chance_answer(found), _spreads(found), _people(found), _footing(found)])


def chance_answer(found: GoalChance) -> str:
    """One sentence: the chance, its simulation error, and what ignorance makes of it."""
    name = found.spec.template.loaded.scenario.name or "The scenario"
    head = (
        f"{name}: the chance of {found.spec.goal.text} is {percent(found.chance)} as things are (simulation "
        f"error: {spread(found.low, found.high, 'share')})"
    )
    if found.known is None:
        return f"{head}; nothing is left open in this scenario, so the rest is luck."
    return (
        f"{head}; what is not known leaves it anywhere from {percent(found.worse)} to {percent(found.better)}, and "
        f"were everything at its middle it would be {percent(found.known[0])}."
    )


def _spreads(found: GoalChance) -> str:
    goal, value = found.spec.goal, found.value
    by = f" by {goal.by}" if goal.by else ""
    table = Table([f"{goal.measure}{by}", "", "90 %"])
    table.add(
        "   mean, with its simulation error",
        _value(found, value.mean),
        _span(found, value.mean - value.error, value.mean + value.error),
    )
    if found.known is not None:
        table.add("   mean, by what is not known (beliefs, fitted rates)", "", _span(found, value.low, value.high))
    table.add("   one period: luck and all", "", _span(found, value.least, value.most))
    table.add("   goal", _value(found, goal.target), "")
    return "\n".join(table.lines())


def _people(found: GoalChance) -> str:
    busy = ", ".join(f"{team} {percent(share)}" for team, share in found.busy.items())
    return f"People: busy {busy} of their hours. What would be needed: --vary teams.sales.people=3..12, for one."


def _footing(found: GoalChance) -> str:
    drawn = f" ({found.draws} draws of what is not known)" if found.known is not None else ""
    start = f"{found.in_flight:,} leads in flight at the start" if found.in_flight else "an empty funnel at the start"
    booked = f", {_value(found, found.spec.goal.booked)} booked before" if found.spec.goal.booked else ""
    return f"{found.replications} periods{drawn}; {start}{booked}."


def _value(found: GoalChance, value: float) -> str:
    return shown(value, found.unit, found.currency)


def _span(found: GoalChance, low: float, high: float) -> str:
    return spread(low, high, found.unit, found.currency)
