"""A search for the best as text: the answer in a sentence, what it gains, the final, the constraints, the search."""

from __future__ import annotations

import math

from funnelsim.measures import Estimate
from funnelsim.reporting.common.format import Table, percent, shown, spread
from funnelsim.reporting.sweep.report import short
from funnelsim.study.optimise.gain import DRAWS, PAIRS, PolicyGain
from funnelsim.study.optimise.optimise import Finalist, Optimum

SLIGHT = 0.02  # share of the gain below which beliefs are not worth a clause


def optimise_report(found: Optimum, verbose: int = 0, width: int = 110) -> str:
    """The text of a search."""
    several = len(found.spec.objectives) > 1
    parts = [
        answer(found),
        "" if several else _gains(found, width),
        _finalists(found, width),
        _constraints(found, width),
        _ends(found),
        _again(found),
        _footing(found, verbose),
    ]
    return "\n\n".join(part for part in parts if part)


def answer(found: Optimum) -> str:
    """One sentence: the settings, the value, the gain, how sure the choice is, and what it rests on."""
    if not any(one.meets for one in found.finalists):
        return _nothing(found)
    if len(found.spec.objectives) > 1:
        return _front(found)
    key = found.spec.objectives[0].measure
    gain = found.gains.get(key)
    chosen = found.chosen
    assert chosen is not None
    best = f"{name_of(found)}: {_goal_words(found)} at {where(found, chosen)}"
    if gain is None:
        return f"{best}; the file as it is has no figure for it. {_sureness(found)}."
    value = gain.value
    return (
        f"{best}, with {said(found, key, value.mean)} (90 % interval {_span(found, key, value.low, value.high)}"
        f"{_of_what(found)}), {_more(found, key, gain)} the file as it is; {_sureness(found)}"
        f"{_resting(found, gain)}{_beyond(found, chosen)}."
    )


def name_of(found: Optimum) -> str:
    """Of the scenario."""
    return found.spec.template.loaded.scenario.name or "The scenario"


def said(found: Optimum, measure: str, value: float) -> str:
    """A value in the unit of its measure."""
    return shown(value, found.units.get(measure, ""), found.currency)


def where(found: Optimum, one: Finalist) -> str:
    """sales.people 6, promises.first_touch within 3 business hours"""
    return ", ".join(f"{short(axis.path)} {text}" for axis, text in zip(found.spec.axes, one.point, strict=True))


# ---- the answer ----------------------------------------------------------------------------------------------------


def _nothing(found: Optimum) -> str:
    texts, sure = " and ".join(one.text for one in found.constraints), percent_of(found.spec.confidence)
    if found.finalists:
        return (
            f"{name_of(found)}: none of {len(found.finalists)} finalists meets {texts} with a confidence of {sure} "
            f"on fresh luck; more replications (-n) or a looser bound would tell."
        )
    near = found.nearest
    objective = found.spec.objectives[0].measure
    point = ", ".join(f"{short(axis.path)} {text}" for axis, text in zip(found.spec.axes, near.point, strict=True))
    return (
        f"{name_of(found)}: no settings within the ranges meet {texts} with a confidence of {sure}; the nearest "
        f"goes {percent(max(near.score.excess))} beyond, at {point}, with {objective} "
        f"{said(found, objective, near.score.values[0])}."
    )


def _front(found: Optimum) -> str:
    front, goals = found.front, found.spec.objectives
    several = " and ".join(str(goal) for goal in goals)
    first, last = front[0], front[-1]
    if len(front) == 1:
        return f"{name_of(found)}: {several} are both at {where(found, first)}: {_values(found, first)}."
    ahead = sum(_beats_the_file(found, one) for one in front)
    better = (
        f"{ahead or 'none'} of them {'beats' if ahead == 1 else 'beat'} the file as it is, better in one and "
        f"worse in none"
    )
    least = min(one.front for one in front)
    sure = f"a chance of {percent(least)} or more" if least < 1.0 else "a chance near 100 %"
    return (
        f"{name_of(found)}: {several} make a front of {len(front)} settings, from {where(found, first)} "
        f"({_values(found, first)}) to {where(found, last)} ({_values(found, last)}); each is on it with {sure} "
        f"among {len(found.finalists)} finalists; {better}."
    )


def _beats_the_file(found: Optimum, one: Finalist) -> bool:
    """By their means on the same luck."""
    more = [
        goal.sign * (one.estimates[goal.measure].mean - found.base[goal.measure].mean) for goal in found.spec.objectives
    ]
    return min(more) >= 0.0 < max(more)


def _values(found: Optimum, one: Finalist) -> str:
    return ", ".join(
        f"{goal.measure} {_estimate(found, goal.measure, one.estimates[goal.measure])}"
        for goal in found.spec.objectives
    )


def _goal_words(found: Optimum) -> str:
    objective = found.spec.objectives[0]
    return f"{objective.measure} is {'highest' if objective.most else 'lowest'}"


def _of_what(found: Optimum) -> str:
    return ", given what nobody knows" if found.beliefs else ", simulation error alone: nothing is left open"


def _more(found: Optimum, key: str, gain: PolicyGain) -> str:
    one = gain.difference
    return (
        f"{_signed(found, key, one.mean)} ({_signed(found, key, one.low)} to {_signed(found, key, one.high)}) against"
    )


def _signed(found: Optimum, key: str, value: float) -> str:
    text = said(found, key, value)
    return text if text.startswith("-") or text == "0" else f"+{text}"


def _span(found: Optimum, key: str, low: float, high: float) -> str:
    if found.units.get(key, "").startswith("share"):
        low, high = max(low, 0.0), min(high, 1.0)
    return spread(low, high, found.units.get(key, ""), found.currency)


def _sureness(found: Optimum) -> str:
    selection = found.selection
    assert selection is not None
    there = len(selection.counts)
    if there == 1:
        return "no other finalist meets the constraints" if len(found.finalists) > 1 else "it is the only finalist"
    key = found.spec.objectives[0].measure
    gap = said(found, key, selection.gap)
    if found.units.get(key, "").startswith("share"):
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


def _resting(found: Optimum, gain: PolicyGain) -> str:
    """What the gain would be without effects that nobody has measured."""
    if found.beliefs_neutral is None or not math.isfinite(found.beliefs_neutral.difference.mean):
        return ""
    key = found.spec.objectives[0].measure
    rests = gain.difference.mean - found.beliefs_neutral.difference.mean
    if abs(rests) <= max(SLIGHT * abs(gain.difference.mean), found.beliefs_neutral.difference.error):
        return "; the gain does not rest on beliefs nobody has measured"
    alone = _signed(found, key, found.beliefs_neutral.difference.mean)
    return f"; with all beliefs nobody has measured at 1 the gain would be {alone}"


def _beyond(found: Optimum, chosen: Finalist) -> str:
    ends = found.at_end(chosen.point)
    if not ends:
        return ""
    names = " and ".join(f"{short(axis.path)} {text}" for axis, text in ends)
    return f"; {names} {'lies at the end of its range' if len(ends) == 1 else 'lie at the ends of their ranges'}"


# ---- parts ---------------------------------------------------------------------------------------------------------


def _gains(found: Optimum, width: int) -> str:
    """The chosen settings against the file as it is."""
    if not found.gains:
        return ""
    table = Table(
        ["Chosen, against the file as it is", "chosen", "as it is", "difference", "90 %", "± simulation", "one period"]
    )
    rows = [(key, found.gains[key]) for key in found.gains]
    if found.beliefs_neutral is not None:
        rows.append((found.spec.objectives[0].measure, found.beliefs_neutral))
    for i, (key, one) in enumerate(rows):
        name = key if i < len(found.gains) else f"{key}, beliefs at 1"
        more = one.difference
        table.add(
            f"   {name}",
            said(found, key, one.value.mean),
            said(found, key, one.base.mean),
            _signed(found, key, more.mean),
            f"{_signed(found, key, more.low)} to {_signed(found, key, more.high)}",
            said(found, key, more.error),
            f"{_signed(found, key, more.least)} to {_signed(found, key, more.most)}",
        )
    what = (
        f"given what nobody knows ({', '.join(found.beliefs)}; {DRAWS} draws x {PAIRS} periods)"
        if found.beliefs
        else f"simulation error alone, as nothing is left open ({DRAWS * PAIRS} periods)"
    )
    return "\n".join(
        [*table.lines(width), f"   90 %: of the expected difference, {what}; on luck that had no part in the choice."]
    )


def _finalists(found: Optimum, width: int) -> str:
    if not found.finalists:
        return ""
    several = len(found.spec.objectives) > 1
    axes = found.spec.axes
    keys = [*(one.measure for one in found.spec.objectives)]
    table = Table(
        [
            f"Finalists: {short(axes[0].path)}",
            *(short(axis.path) for axis in axes[1:]),
            "on the front" if several else "",
            *(head for key in keys for head in (key, "±")),
            "runs",
        ]
    )
    for one in found.finalists:
        cells = [cell for key in keys for cell in _cells(found, key, one.estimates[key])]
        runs = max(estimate.replications for estimate in one.estimates.values())
        table.add(f"   {one.point[0]}", *one.point[1:], _verdict(found, one), *cells, f"{runs}")
    base = [cell for key in keys for cell in _cells(found, key, found.base[key])]
    table.add("   as it is", *[""] * len(axes), *base, f"{max(one.replications for one in found.base.values())}")
    return "\n".join(
        [*table.lines(width), "   On luck that the search had not seen, the same for all; ± simulation error, 90 %."]
    )


def _cells(found: Optimum, key: str, one: Estimate) -> tuple[str, str]:
    return said(found, key, one.mean), said(found, key, (one.high - one.low) / 2.0)


def _estimate(found: Optimum, key: str, one: Estimate) -> str:
    value, error = _cells(found, key, one)
    return f"{value} ± {error}"


def _verdict(found: Optimum, one: Finalist) -> str:
    if not one.meets:
        return "breaks a constraint"
    if found.selection is None:
        return percent(one.front) if one in found.front else f"no ({percent(one.front)})"
    if one is found.chosen:
        return "chosen"
    there = [other for other in found.finalists if other.meets]
    return "cannot be told apart" if there.index(one) in found.selection.remaining else "behind"


def _constraints(found: Optimum, width: int) -> str:
    if not found.constraints or not found.finalists:
        return ""
    chosen = found.chosen or next((one for one in found.finalists if one.meets), found.finalists[0])
    table = Table(["Constraints", "", ""])
    for one in found.constraints:
        if one.of_inputs:
            table.add(f"   {one.text}", "of inputs", "met at every point that was run")
        else:
            values = ", ".join(f"{key} {_estimate(found, key, chosen.estimates[key])}" for _, key in one.terms)
            table.add(f"   {one.text}", values, "met" if chosen.meets else "not met with confidence")
    lines = table.lines(width)[1:]
    sure = percent_of(found.spec.confidence)
    return "\n".join(
        [
            f"Constraints at {where(found, chosen)}",
            *lines,
            f"   Of means, for all finalists together with a confidence of {sure}, on fresh luck.",
        ]
    )


def _ends(found: Optimum) -> str:
    chosen = found.chosen
    if chosen is None or not (ends := found.at_end(chosen.point)):
        return ""
    return "\n".join(
        f"End of a range: {axis.path} is best at {text}, where its range ends: beyond it may be better still."
        for axis, text in ends
    )


def _again(found: Optimum) -> str:
    """How to look at the chosen settings with the other commands."""
    chosen = found.chosen
    if chosen is None:
        return ""
    sets = " ".join(
        f"--set {_quoted(f'{axis.path}={text}')}" for axis, text in zip(found.spec.axes, chosen.point, strict=True)
    )
    return f"To look at it: funnelsim run FILE {sets}"


def _quoted(text: str) -> str:
    return f"'{text}'" if any(c in text for c in " {}[]*") else text


def _footing(found: Optimum, verbose: int) -> str:
    trials = found.trials
    failed = [trial for trial in trials if trial.score.error]
    refused = sum(trial.score.refused for trial in trials)
    ran = len(trials) - refused - len(failed)
    how = "every combination" if found.exhaustive else "suggested by Optuna's TPE"
    lines = [
        f"{ran} points, {found.spec.size.replications} replications each, {how}; {found.runs:,} replications "
        f"in all, seed {found.spec.seed}."
    ]
    if refused:
        lines.append(f"{refused} more were not run, as their inputs break a constraint.")
    if failed:
        lines.append(f"{len(failed)} failed, the first at {', '.join(failed[0].point)}: {failed[0].score.error}.")
    broken = sum(bool(trial.score.values) and not trial.score.meets for trial in trials)
    if broken:
        lines.append(f"{broken} of them break a constraint, or may.")
    chosen = found.chosen
    if chosen is not None:
        key = found.spec.objectives[0].measure
        lines.append(
            f"On the luck of the search the chosen settings gave {said(found, key, chosen.score.values[0])}. "
            f"Such a figure is too good on average, as it made them finalists; no other rests on it."
        )
    if verbose:
        lines.append("All points are in trials.csv.")
    return "\n".join(lines)
