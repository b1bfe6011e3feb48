"""A chance as text: the answer in a sentence, then the three spreads, each by its name."""

from __future__ import annotations

from funnelsim.reporting.common.format import NumberFormat, Table, percent, spread
from funnelsim.study.seek.chance import GoalChance


def chance_report(goal_chance: GoalChance) -> str:
    """The text of a chance."""
    return "\n\n".join(
        [chance_answer(goal_chance), _spreads(goal_chance), _people(goal_chance), _footnote(goal_chance)]
    )


def chance_answer(goal_chance: GoalChance) -> str:
    """One sentence: the chance, its simulation error, and what ignorance makes of it."""
    name = goal_chance.spec.template.loaded.scenario.name or "The scenario"
    head = (
        f"{name}: the chance of {goal_chance.spec.goal.text} is {percent(goal_chance.chance)} as things are "
        f"(simulation error: {spread(goal_chance.low, goal_chance.high, 'share')})"
    )
    if goal_chance.known is None:
        return f"{head}; nothing is left open in this scenario, so the rest is luck."
    return (
        f"{head}; what is not known leaves it anywhere from {percent(goal_chance.worse)} to "
        f"{percent(goal_chance.better)}, and were everything at its middle it would be {percent(goal_chance.known[0])}."
    )


def _spreads(goal_chance: GoalChance) -> str:
    goal, value = goal_chance.spec.goal, goal_chance.value
    by = f" by {goal.by}" if goal.by else ""
    table = Table([f"{goal.measure}{by}", "", "90 %"])
    table.add(
        "   mean, with its simulation error",
        _format_of(goal_chance).value(value.mean),
        _format_of(goal_chance).interval(value.mean - value.error, value.mean + value.error),
    )
    if goal_chance.known is not None:
        table.add(
            "   mean, by what is not known (beliefs, fitted rates)",
            "",
            _format_of(goal_chance).interval(value.low, value.high),
        )
    table.add("   one period: luck and all", "", _format_of(goal_chance).interval(value.period_low, value.period_high))
    table.add("   goal", _format_of(goal_chance).value(goal.target), "")
    return "\n".join(table.lines())


def _people(goal_chance: GoalChance) -> str:
    busy = ", ".join(f"{team} {percent(share)}" for team, share in goal_chance.busy.items())
    return f"People: busy {busy} of their hours. What would be needed: --vary teams.sales.people=3..12, for one."


def _footnote(goal_chance: GoalChance) -> str:
    drawn = f" ({goal_chance.draws} draws of what is not known)" if goal_chance.known is not None else ""
    start = (
        f"{goal_chance.in_flight:,} leads in flight at the start"
        if goal_chance.in_flight
        else "an empty funnel at the start"
    )
    booked = (
        f", {_format_of(goal_chance).value(goal_chance.spec.goal.booked)} booked before"
        if goal_chance.spec.goal.booked
        else ""
    )
    return f"{goal_chance.replications} periods{drawn}; {start}{booked}."


def _format_of(goal_chance: GoalChance) -> NumberFormat:
    return NumberFormat(goal_chance.unit, goal_chance.currency)
