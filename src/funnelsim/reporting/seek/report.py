"""A search as text: the answer in a sentence, mean and chance side by side, what ignorance costs, and what binds."""

from __future__ import annotations

import math

from funnelsim.reporting.common.format import NumberFormat, Table, percent
from funnelsim.reporting.sweep.report import short
from funnelsim.study.seek.seek import FULL, InputEstimate, SeekAnswer


def seek_report(search: SeekAnswer, verbose: int = 0, width: int = 110) -> str:
    """The text of a search."""
    parts = [
        answer(search),
        _answers(search),
        _ignorance(search),
        _limits(search),
        _points(search, width),
        _footnote(search),
    ]
    return "\n\n".join(part for part in parts if part)


def answer(search: SeekAnswer) -> str:
    """One sentence: the x, its interval, and the x that is enough on average."""
    question = search.spec
    path, goal, wanted = short(question.axis.path), question.goal.text, _chance(question.chance)
    if not search.met:
        best = search.best
        return (
            f"{_name(search)}: {goal} is not reached with {wanted} at any {path} from {search.points[0].text} to "
            f"{search.points[-1].text}; the best chance is {percent(best.chance)}, at {best.text}."
        )
    if search.at_once:
        start = search.points[0] if search.more_helps else search.points[-1]
        side = "and may be so below" if search.more_helps else "and may be so above"
        return (
            f"{_name(search)}: {goal} is reached with {percent(start.chance)} already at {path} "
            f"{search.text(search.answer.x)}, the end of the range, {side}."
        )
    enough = (
        f"{search.text(search.mean.x)} is enough on average and has a chance of {percent(search.chance_at_mean)}"
        if math.isfinite(search.mean.x)
        else "nothing in the range is enough on average"
    )
    word = "needs" if search.more_helps else "allows at most"
    return (
        f"{_name(search)}: {goal} with {wanted} {word} {path} {search.text(search.answer.x)} (90 % interval "
        f"{interval(search, search.answer)}); {enough}."
    )


def interval(search: SeekAnswer, one: InputEstimate) -> str:
    """137 to 151; where it goes beyond the range, that is said."""
    low = search.text(one.low) if math.isfinite(one.low) else f"below {search.points[0].text}"
    high = search.text(one.high) if math.isfinite(one.high) else f"beyond {search.points[-1].text}"
    return f"{low} to {high}"


def _name(search: SeekAnswer) -> str:
    return search.spec.template.loaded.scenario.name or "The scenario"


def _chance(chance: float) -> str:
    return f"a chance of {100.0 * chance:g} %"


def _answers(search: SeekAnswer) -> str:
    path = search.spec.axis.path
    table = Table([("Smallest" if search.more_helps else "Largest") + f" {path}", "", "90 % interval"])
    for name, one in ((f"   with {_chance(search.spec.chance)}", search.answer), ("   on average", search.mean)):
        there = math.isfinite(one.x)
        table.add(name, search.text(one.x) if there else "not in the range", interval(search, one) if there else "")
    return "\n".join(table.lines())


def _ignorance(search: SeekAnswer) -> str:
    """What is not known costs so much more."""
    if search.known is None:
        return "What is not known: nothing is left open in this scenario, so the chance is luck alone."
    if not math.isfinite(search.known.x):
        return "What is not known: even with everything at its middle the goal is not reached within the range."
    axis = search.spec.axis
    text = f"What is not known: were everything at its middle, {search.text(search.known.x)} would do"
    if not math.isfinite(search.cost[0]):
        return f"{text}; as it is, nothing in the range does."
    more, low, high = search.cost
    span = "" if not math.isfinite(low + high) else f" (90 % interval {_signed_input(low)} to {_signed_input(high)})"
    return f"{text}, so ignorance costs {_signed_input(more)}{axis.after}{span}."


def _signed_input(value: float) -> str:
    return f"{0.0 if abs(value) < 1e-9 else value:+.4g}"


def _limits(search: SeekAnswer) -> str:
    """What stands in the way, and where more does not help."""
    lines = []
    binding = search.binding
    if binding is not None:
        team, busy, full = binding
        at_end = f"{percent(busy)} at the end of the range"
        if full is not None:
            lines.append(
                f"Limit: {team} are the first to be full, busy {percent(full.busy[team])} of their hours at "
                f"{full.text} and {at_end}."
            )
        elif not search.met:
            lines.append(f"Limit: no team is full (the busiest, {team}, {at_end}), so it is not people that bind here.")
        else:
            lines.append(
                f"People: the busiest at the end of the range are {team}, {percent(busy)}; nobody is full "
                f"(above {percent(FULL)})."
            )
    if search.turns:
        end = search.points[-1] if search.more_helps else search.points[0]
        lines.append(
            f"Turning point: from {search.best.text} towards {end.text} the chance falls again; sweep shows "
            "the "
            f"whole curve."
        )
    return "\n".join(lines)


def _points(search: SeekAnswer, width: int) -> str:
    teams = list(search.points[0].busy)
    table = Table(
        [
            f"Points run: {short(search.spec.axis.path)}",
            "periods",
            "chance",
            "90 %",
            "mean",
            "one period",
            *(f"{team} busy" for team in teams),
        ]
    )
    for node in search.points:
        low, high = percent(node.low), percent(node.high)
        table.add(
            f"   {node.text}",
            f"{node.replications}",
            percent(node.chance),
            f"{low.removesuffix(' %')} to {high}",
            _format_of(search).value(node.mean),
            f"{_format_of(search).value(node.period_low)} to {_format_of(search).value(node.period_high)}",
            *(percent(node.busy.get(team, math.nan)) for team in teams),
        )
    return "\n".join(table.lines(width))


def _format_of(search: SeekAnswer) -> NumberFormat:
    return NumberFormat(search.unit, search.currency)


def _footnote(search: SeekAnswer) -> str:
    goal = search.spec.goal
    start = f"{search.in_flight:,} leads in flight at the start" if search.in_flight else "an empty funnel at the start"
    booked = f", {_format_of(search).value(goal.booked)} booked before" if goal.booked else ""
    chance = "luck alone" if search.known is None else "luck and what is not known together, one draw a period"
    return (
        f"{search.replications} periods at the points that decide, fewer where they only show the way, all on the "
        f"same luck; {start}{booked}.\nIntervals are simulation error (90 %) and shrink with more periods; the "
        f"chance is of one period: {chance}."
    )
