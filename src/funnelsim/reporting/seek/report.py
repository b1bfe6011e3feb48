"""A search as text: the answer in a sentence, mean and chance side by side, what ignorance costs, and what binds."""

from __future__ import annotations

import math

from funnelsim.reporting.common.format import Table, percent, shown
from funnelsim.reporting.sweep.report import short
from funnelsim.study.seek.seek import FULL, InputEstimate, SeekAnswer


def seek_report(found: SeekAnswer, verbose: int = 0, width: int = 110) -> str:
    """The text of a search."""
    parts = [answer(found), _answers(found), _ignorance(found), _limits(found), _points(found, width), _footing(found)]
    return "\n\n".join(part for part in parts if part)


def answer(found: SeekAnswer) -> str:
    """One sentence: the x, its interval, and the x that is enough on average."""
    question = found.spec
    path, goal, wanted = short(question.axis.path), question.goal.text, _chance(question.chance)
    if not found.met:
        best = found.best
        return (
            f"{_name(found)}: {goal} is not reached with {wanted} at any {path} from {found.points[0].text} to "
            f"{found.points[-1].text}; the best chance is {percent(best.chance)}, at {best.text}."
        )
    if found.at_once:
        start = found.points[0] if found.more_helps else found.points[-1]
        side = "and may be so below" if found.more_helps else "and may be so above"
        return (
            f"{_name(found)}: {goal} is reached with {percent(start.chance)} already at {path} "
            f"{found.text(found.answer.x)}, the end of the range, {side}."
        )
    enough = (
        f"{found.text(found.mean.x)} is enough on average and has a chance of {percent(found.chance_at_mean)}"
        if math.isfinite(found.mean.x)
        else "nothing in the range is enough on average"
    )
    word = "needs" if found.more_helps else "allows at most"
    return (
        f"{_name(found)}: {goal} with {wanted} {word} {path} {found.text(found.answer.x)} (90 % interval "
        f"{interval(found, found.answer)}); {enough}."
    )


def interval(found: SeekAnswer, one: InputEstimate) -> str:
    """137 to 151; where it goes beyond the range, that is said."""
    low = found.text(one.low) if math.isfinite(one.low) else f"below {found.points[0].text}"
    high = found.text(one.high) if math.isfinite(one.high) else f"beyond {found.points[-1].text}"
    return f"{low} to {high}"


def _name(found: SeekAnswer) -> str:
    return found.spec.template.loaded.scenario.name or "The scenario"


def _chance(chance: float) -> str:
    return f"a chance of {100.0 * chance:g} %"


def _answers(found: SeekAnswer) -> str:
    path = found.spec.axis.path
    table = Table([("Smallest" if found.more_helps else "Largest") + f" {path}", "", "90 % interval"])
    for name, one in ((f"   with {_chance(found.spec.chance)}", found.answer), ("   on average", found.mean)):
        there = math.isfinite(one.x)
        table.add(name, found.text(one.x) if there else "not in the range", interval(found, one) if there else "")
    return "\n".join(table.lines())


def _ignorance(found: SeekAnswer) -> str:
    """What is not known costs so much more."""
    if found.known is None:
        return "What is not known: nothing is left open in this scenario, so the chance is luck alone."
    if not math.isfinite(found.known.x):
        return "What is not known: even with everything at its middle the goal is not reached within the range."
    axis = found.spec.axis
    text = f"What is not known: were everything at its middle, {found.text(found.known.x)} would do"
    if not math.isfinite(found.cost[0]):
        return f"{text}; as it is, nothing in the range does."
    more, low, high = found.cost
    span = "" if not math.isfinite(low + high) else f" (90 % interval {_signed(low)} to {_signed(high)})"
    return f"{text}, so ignorance costs {_signed(more)}{axis.after}{span}."


def _signed(value: float) -> str:
    return f"{0.0 if abs(value) < 1e-9 else value:+.4g}"


def _limits(found: SeekAnswer) -> str:
    """What stands in the way, and where more does not help."""
    lines = []
    binding = found.binding
    if binding is not None:
        team, busy, full = binding
        at_end = f"{percent(busy)} at the end of the range"
        if full is not None:
            lines.append(
                f"Limit: {team} are the first to be full, busy {percent(full.busy[team])} of their hours at "
                f"{full.text} and {at_end}."
            )
        elif not found.met:
            lines.append(f"Limit: no team is full (the busiest, {team}, {at_end}), so it is not people that bind here.")
        else:
            lines.append(
                f"People: the busiest at the end of the range are {team}, {percent(busy)}; nobody is full "
                f"(above {percent(FULL)})."
            )
    if found.turns:
        end = found.points[-1] if found.more_helps else found.points[0]
        lines.append(
            f"Turning point: from {found.best.text} towards {end.text} the chance falls again; sweep shows "
            "the "
            f"whole curve."
        )
    return "\n".join(lines)


def _points(found: SeekAnswer, width: int) -> str:
    teams = list(found.points[0].busy)
    table = Table(
        [
            f"Points run: {short(found.spec.axis.path)}",
            "periods",
            "chance",
            "90 %",
            "mean",
            "one period",
            *(f"{team} busy" for team in teams),
        ]
    )
    for node in found.points:
        low, high = percent(node.low), percent(node.high)
        table.add(
            f"   {node.text}",
            f"{node.replications}",
            percent(node.chance),
            f"{low.removesuffix(' %')} to {high}",
            _value(found, node.mean),
            f"{_value(found, node.least)} to {_value(found, node.most)}",
            *(percent(node.busy.get(team, math.nan)) for team in teams),
        )
    return "\n".join(table.lines(width))


def _value(found: SeekAnswer, value: float) -> str:
    return shown(value, found.unit, found.currency)


def _footing(found: SeekAnswer) -> str:
    goal = found.spec.goal
    start = f"{found.in_flight:,} leads in flight at the start" if found.in_flight else "an empty funnel at the start"
    booked = f", {_value(found, goal.booked)} booked before" if goal.booked else ""
    chance = "luck alone" if found.known is None else "luck and what is not known together, one draw a period"
    return (
        f"{found.replications} periods at the points that decide, fewer where they only show the way, all on the "
        f"same luck; {start}{booked}.\nIntervals are simulation error (90 %) and shrink with more periods; the "
        f"chance is of one period: {chance}."
    )
