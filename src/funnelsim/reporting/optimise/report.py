"""A search for the best as text: the answer in a sentence, what it gains, the final, the constraints, the search."""

from __future__ import annotations

import math

from funnelsim.measures import Estimate
from funnelsim.reporting.common.format import NumberFormat, Table, percent
from funnelsim.reporting.sweep.report import short
from funnelsim.study.optimise.gain import DRAWS, PAIRS, PolicyGain
from funnelsim.study.optimise.optimise import Finalist, Optimum

SLIGHT = 0.02  # share of the gain below which beliefs are not worth a clause


def optimise_report(optimum: Optimum, verbose: int = 0, width: int = 110) -> str:
    """The text of a search."""
    several = len(optimum.spec.objectives) > 1
    parts = [
        answer(optimum),
        "" if several else _gains(optimum, width),
        _finalists(optimum, width),
        _constraints(optimum, width),
        _ends(optimum),
        _again(optimum),
        _footnote(optimum, verbose),
    ]
    return "\n\n".join(part for part in parts if part)


def answer(optimum: Optimum) -> str:
    """One sentence: the settings, the value, the gain, how sure the choice is, and what it rests on."""
    if not any(one.meets for one in optimum.finalists):
        return _no_solution(optimum)
    if len(optimum.spec.objectives) > 1:
        return _front(optimum)
    key = optimum.spec.objectives[0].measure
    gain = optimum.gains.get(key)
    chosen = optimum.chosen
    assert chosen is not None
    best = f"{name_of(optimum)}: {_goal_words(optimum)} at {where(optimum, chosen)}"
    if gain is None:
        return f"{best}; the file as it is has no figure for it. {_sureness(optimum)}."
    value = gain.value
    said = format_of(optimum, key).value(value.mean)
    return (
        f"{best}, with {said} (90 % interval {_interval(optimum, key, value.low, value.high)}"
        f"{_of_what(optimum)}), {_more(optimum, key, gain)} the file as it is; {_sureness(optimum)}"
        f"{_resting(optimum, gain)}{_beyond(optimum, chosen)}."
    )


def name_of(optimum: Optimum) -> str:
    """Of the scenario."""
    return optimum.spec.template.loaded.scenario.name or "The scenario"


def format_of(optimum: Optimum, measure: str) -> NumberFormat:
    """Of a measure."""
    return NumberFormat(optimum.units.get(measure, ""), optimum.currency)


def where(optimum: Optimum, one: Finalist) -> str:
    """sales.people 6, promises.first_touch within 3 business hours"""
    return ", ".join(f"{short(axis.path)} {text}" for axis, text in zip(optimum.spec.axes, one.point, strict=True))


# ---- the answer ----------------------------------------------------------------------------------------------------


def _no_solution(optimum: Optimum) -> str:
    texts, sure = " and ".join(one.text for one in optimum.constraints), percent_of(optimum.spec.confidence)
    if optimum.finalists:
        return (
            f"{name_of(optimum)}: none of {len(optimum.finalists)} finalists meets {texts} with a confidence of {sure} "
            f"on fresh luck; more replications (-n) or a looser bound would tell."
        )
    near = optimum.nearest
    objective = optimum.spec.objectives[0].measure
    point = ", ".join(f"{short(axis.path)} {text}" for axis, text in zip(optimum.spec.axes, near.point, strict=True))
    return (
        f"{name_of(optimum)}: no settings within the ranges meet {texts} with a confidence of {sure}; the nearest "
        f"goes {percent(max(near.score.excess))} beyond, at {point}, with {objective} "
        f"{format_of(optimum, objective).value(near.score.values[0])}."
    )


def _front(optimum: Optimum) -> str:
    front, goals = optimum.front, optimum.spec.objectives
    several = " and ".join(str(goal) for goal in goals)
    first, last = front[0], front[-1]
    if len(front) == 1:
        return f"{name_of(optimum)}: {several} are both at {where(optimum, first)}: {_values(optimum, first)}."
    ahead = sum(_beats_the_file(optimum, one) for one in front)
    better = (
        f"{ahead or 'none'} of them {'beats' if ahead == 1 else 'beat'} the file as it is, better in one and "
        f"worse in none"
    )
    least = min(one.front for one in front)
    sure = f"a chance of {percent(least)} or more" if least < 1.0 else "a chance near 100 %"
    return (
        f"{name_of(optimum)}: {several} make a front of {len(front)} settings, from {where(optimum, first)} "
        f"({_values(optimum, first)}) to {where(optimum, last)} ({_values(optimum, last)}); each is on it with {sure} "
        f"among {len(optimum.finalists)} finalists; {better}."
    )


def _beats_the_file(optimum: Optimum, one: Finalist) -> bool:
    """By their means on the same luck."""
    more = [
        goal.sign * (one.estimates[goal.measure].mean - optimum.base[goal.measure].mean)
        for goal in optimum.spec.objectives
    ]
    return min(more) >= 0.0 < max(more)


def _values(optimum: Optimum, one: Finalist) -> str:
    return ", ".join(
        f"{goal.measure} {_estimate(optimum, goal.measure, one.estimates[goal.measure])}"
        for goal in optimum.spec.objectives
    )


def _goal_words(optimum: Optimum) -> str:
    objective = optimum.spec.objectives[0]
    return f"{objective.measure} is {'highest' if objective.most else 'lowest'}"


def _of_what(optimum: Optimum) -> str:
    return ", given what nobody knows" if optimum.beliefs else ", simulation error alone: nothing is left open"


def _more(optimum: Optimum, key: str, gain: PolicyGain) -> str:
    one = gain.difference
    return f"{format_of(optimum, key).signed_with_interval(one.mean, one.low, one.high)} against"


def _interval(optimum: Optimum, key: str, low: float, high: float) -> str:
    if optimum.units.get(key, "").startswith("share"):
        low, high = max(low, 0.0), min(high, 1.0)
    return format_of(optimum, key).interval(low, high)


def _sureness(optimum: Optimum) -> str:
    selection = optimum.selection
    assert selection is not None
    there = len(selection.counts)
    if there == 1:
        return "no other finalist meets the constraints" if len(optimum.finalists) > 1 else "it is the only finalist"
    key = optimum.spec.objectives[0].measure
    gap = format_of(optimum, key).value(selection.gap)
    if optimum.units.get(key, "").startswith("share"):
        gap = f"{100.0 * selection.gap:g} points"
    how = "at least " if selection.finished else "about "
    alike = len(selection.remaining) - 1
    others = f" ({alike} of them cannot be told apart from it)" if alike else ""
    return (
        f"the right choice among {there} finalists{others} with a chance of {how}{percent_of(selection.chance)}, "
        f"differences below {gap} aside"
    )


def percent_of(share: float) -> str:
    """95 %"""
    return f"{100.0 * share:.3g} %"


def _resting(optimum: Optimum, gain: PolicyGain) -> str:
    """What the gain would be without effects that nobody has measured."""
    if optimum.beliefs_neutral is None or not math.isfinite(optimum.beliefs_neutral.difference.mean):
        return ""
    key = optimum.spec.objectives[0].measure
    rests = gain.difference.mean - optimum.beliefs_neutral.difference.mean
    if abs(rests) <= max(SLIGHT * abs(gain.difference.mean), optimum.beliefs_neutral.difference.error):
        return "; the gain does not rest on beliefs nobody has measured"
    alone = format_of(optimum, key).signed(optimum.beliefs_neutral.difference.mean)
    return f"; with all beliefs nobody has measured at 1 the gain would be {alone}"


def _beyond(optimum: Optimum, chosen: Finalist) -> str:
    ends = optimum.at_end(chosen.point)
    if not ends:
        return ""
    names = " and ".join(f"{short(axis.path)} {text}" for axis, text in ends)
    return f"; {names} {'lies at the end of its range' if len(ends) == 1 else 'lie at the ends of their ranges'}"


# ---- parts ---------------------------------------------------------------------------------------------------------


def _gains(optimum: Optimum, width: int) -> str:
    """The chosen settings against the file as it is."""
    if not optimum.gains:
        return ""
    table = Table(
        ["Chosen, against the file as it is", "chosen", "as it is", "difference", "90 %", "± simulation", "one period"]
    )
    rows = [(key, optimum.gains[key]) for key in optimum.gains]
    if optimum.beliefs_neutral is not None:
        rows.append((optimum.spec.objectives[0].measure, optimum.beliefs_neutral))
    for i, (key, one) in enumerate(rows):
        name = key if i < len(optimum.gains) else f"{key}, beliefs at 1"
        more = one.difference
        table.add(
            f"   {name}",
            format_of(optimum, key).value(one.value.mean),
            format_of(optimum, key).value(one.base.mean),
            format_of(optimum, key).signed(more.mean),
            f"{format_of(optimum, key).signed(more.low)} to {format_of(optimum, key).signed(more.high)}",
            format_of(optimum, key).value(more.error),
            f"{format_of(optimum, key).signed(more.period_low)} to {format_of(optimum, key).signed(more.period_high)}",
        )
    what = (
        f"given what nobody knows ({', '.join(optimum.beliefs)}; {DRAWS} draws x {PAIRS} periods)"
        if optimum.beliefs
        else f"simulation error alone, as nothing is left open ({DRAWS * PAIRS} periods)"
    )
    return "\n".join(
        [*table.lines(width), f"   90 %: of the expected difference, {what}; on luck that had no part in the choice."]
    )


def _finalists(optimum: Optimum, width: int) -> str:
    if not optimum.finalists:
        return ""
    several = len(optimum.spec.objectives) > 1
    axes = optimum.spec.axes
    keys = [*(one.measure for one in optimum.spec.objectives)]
    table = Table(
        [
            f"Finalists: {short(axes[0].path)}",
            *(short(axis.path) for axis in axes[1:]),
            "on the front" if several else "",
            *(head for key in keys for head in (key, "±")),
            "runs",
        ]
    )
    for one in optimum.finalists:
        cells = [cell for key in keys for cell in _value_and_error(optimum, key, one.estimates[key])]
        runs = max(estimate.replications for estimate in one.estimates.values())
        table.add(f"   {one.point[0]}", *one.point[1:], _verdict(optimum, one), *cells, f"{runs}")
    base = [cell for key in keys for cell in _value_and_error(optimum, key, optimum.base[key])]
    table.add("   as it is", *[""] * len(axes), *base, f"{max(one.replications for one in optimum.base.values())}")
    return "\n".join(
        [*table.lines(width), "   On luck that the search had not seen, the same for all; ± simulation error, 90 %."]
    )


def _value_and_error(optimum: Optimum, key: str, one: Estimate) -> tuple[str, str]:
    return format_of(optimum, key).value(one.mean), format_of(optimum, key).value((one.high - one.low) / 2.0)


def _estimate(optimum: Optimum, key: str, one: Estimate) -> str:
    value, error = _value_and_error(optimum, key, one)
    return f"{value} ± {error}"


def _verdict(optimum: Optimum, one: Finalist) -> str:
    if not one.meets:
        return "breaks a constraint"
    if optimum.selection is None:
        return percent(one.front) if one in optimum.front else f"no ({percent(one.front)})"
    if one is optimum.chosen:
        return "chosen"
    there = [other for other in optimum.finalists if other.meets]
    return "cannot be told apart" if there.index(one) in optimum.selection.remaining else "behind"


def _constraints(optimum: Optimum, width: int) -> str:
    if not optimum.constraints or not optimum.finalists:
        return ""
    chosen = optimum.chosen or next((one for one in optimum.finalists if one.meets), optimum.finalists[0])
    table = Table(["Constraints", "", ""])
    for one in optimum.constraints:
        if one.of_inputs:
            table.add(f"   {one.text}", "of inputs", "met at every point that was run")
        else:
            values = ", ".join(f"{key} {_estimate(optimum, key, chosen.estimates[key])}" for _, key in one.terms)
            table.add(f"   {one.text}", values, "met" if chosen.meets else "not met with confidence")
    lines = table.lines(width)[1:]
    sure = percent_of(optimum.spec.confidence)
    return "\n".join(
        [
            f"Constraints at {where(optimum, chosen)}",
            *lines,
            f"   Of means, for all finalists together with a confidence of {sure}, on fresh luck.",
        ]
    )


def _ends(optimum: Optimum) -> str:
    chosen = optimum.chosen
    if chosen is None or not (ends := optimum.at_end(chosen.point)):
        return ""
    return "\n".join(
        f"End of a range: {axis.path} is best at {text}, where its range ends: beyond it may be better still."
        for axis, text in ends
    )


def _again(optimum: Optimum) -> str:
    """How to look at the chosen settings with the other commands."""
    chosen = optimum.chosen
    if chosen is None:
        return ""
    overrides = " ".join(
        f"--set {_quoted(f'{axis.path}={text}')}" for axis, text in zip(optimum.spec.axes, chosen.point, strict=True)
    )
    return f"To look at it: funnelsim run FILE {overrides}"


def _quoted(text: str) -> str:
    return f"'{text}'" if any(c in text for c in " {}[]*") else text


def _footnote(optimum: Optimum, verbose: int) -> str:
    trials = optimum.trials
    failed = [trial for trial in trials if trial.score.error]
    refused = sum(trial.score.refused for trial in trials)
    ran = len(trials) - refused - len(failed)
    how = "every combination" if optimum.exhaustive else "suggested by Optuna's TPE"
    lines = [
        f"{ran} points, {optimum.spec.size.replications} replications each, {how}; {optimum.runs:,} replications "
        f"in all, seed {optimum.spec.seed}."
    ]
    if refused:
        lines.append(f"{refused} more were not run, as their inputs break a constraint.")
    if failed:
        lines.append(f"{len(failed)} failed, the first at {', '.join(failed[0].point)}: {failed[0].score.error}.")
    broken = sum(bool(trial.score.values) and not trial.score.meets for trial in trials)
    if broken:
        lines.append(f"{broken} of them break a constraint, or may.")
    chosen = optimum.chosen
    if chosen is not None:
        key = optimum.spec.objectives[0].measure
        lines.append(
            "On the luck of the search the chosen settings gave "
            f"{format_of(optimum, key).value(chosen.score.values[0])}. "
            f"Such a figure is too good on average, as it made them finalists; no other rests on it."
        )
    if verbose:
        lines.append("All points are in trials.csv.")
    return "\n".join(lines)
