"""A comparison as text: the ten points of an honest answer, in their order, on one screen; the rest with `verbose`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from funnelsim.reporting.common.format import Table, duration, percent
from funnelsim.reporting.common.information_text import knowing_table
from funnelsim.reporting.compare.format import chance, change, format_of, goal_name, in_unit, quoted
from funnelsim.reporting.compare.sections import cannot_tell, changes, outcomes, people, promises
from funnelsim.reporting.explain.report import top_line
from funnelsim.study.alternative_models import known_delays
from funnelsim.study.compare import BreakEven, ComparedScenario, Comparison, ScenarioRuns
from funnelsim.summary import RESPONSE_EDGES


def comparison_report(comparison: Comparison, verbose: int = 0, width: int = 110) -> str:
    """The text of a comparison."""
    parts = [
        answer(comparison),
        _history(comparison),
        _ladder(comparison),
        _beliefs(comparison, verbose),
        _curves(comparison),
        people(comparison),
        changes(comparison, verbose),
        outcomes(comparison),
        promises(comparison),
        cannot_tell(comparison),
    ]
    if verbose:
        parts.append("\n".join(_full_tables(comparison)))
    parts += comparison.notes
    return "\n\n".join(part for part in parts if part)


def answer(comparison: Comparison) -> str:
    """One sentence: how much, how sure, and resting on what; no headline when the baseline is not history's."""
    if comparison.history is not None and not comparison.history.reproduced:
        wrong = ", ".join(
            f"{check.stage} ({percent(check.simulated)} against {percent(check.low)} to {percent(check.high)})"
            for check in comparison.history.stages
            if not check.inside
        )
        return f"No answer: {comparison.runs[0].name}, simulated, does not convert as history says at {wrong}."
    last = comparison.compared[-1]
    text = f"{last.name}: {change(comparison, last.differences[comparison.goal])}"
    alone = comparison.compared[:-1]
    if alone:
        text += "; " + ", ".join(
            f"{format_of(comparison).signed(rung.differences[comparison.goal].mean)} with {quoted(rung.name)}"
            for rung in alone
        )
    if last.beliefs_neutral is not None:
        resting = last.differences[comparison.goal].mean - last.beliefs_neutral.mean
        text += f"; {format_of(comparison).signed(resting)} rests on beliefs nobody has measured"
    ahead = _ahead_at_one(comparison)
    if ahead:
        text += f", and without them {quoted(ahead)} is ahead"
    flips = _sign_changes(last)
    if flips:
        text += f"; under the response curve {' or '.join(flips)} the winner changes"
    return text + "."


# ---- 1 to 5: history, ladder, beliefs, curves -----------------------------------------------------------------------


def _history(comparison: Comparison) -> str:
    if comparison.history is None:
        return "1  Baseline against history: no history in these files, so nothing ties the baseline to what happened."
    table = Table(["1  Baseline against history", "recorded", "90 % band", "simulated", "±", ""])
    for check in comparison.history.stages:
        table.add(
            f"   {check.stage} goes on",
            percent(check.history),
            f"{percent(check.low)} to {percent(check.high)}",
            percent(check.simulated),
            percent(check.error),
            "" if check.inside else "OUTSIDE",
        )
    return "\n".join(table.lines())


def _ladder(comparison: Comparison) -> str:
    """Point 3; point 2 is the answer itself."""
    table = Table(
        [
            f"3  Ladder, {goal_name(comparison)} against {comparison.runs[0].name}",
            "mean",
            "what is not known",
            "one period",
            "better",
            "in one period",
            "±",
        ]
    )
    numbers = format_of(comparison)
    for rung in comparison.compared:
        one = rung.differences[comparison.goal]
        table.add(
            f"   {rung.name}{' (added)' if rung.added else ''}",
            numbers.signed(one.mean),
            numbers.signed_interval(one.low, one.high),
            numbers.signed_interval(one.period_low, one.period_high),
            chance(one.better),
            chance(one.better_in_one_period),
            numbers.value(one.error),
        )
    lines = table.lines()
    for before, rung in zip(comparison.compared, comparison.compared[1:], strict=False):
        if rung.vs_previous is not None:
            one = rung.vs_previous
            lines.append(
                f"   {rung.name} over {before.name}: {numbers.signed(one.mean)} "
                f"({numbers.signed_interval(one.low, one.high)} given what is not known; "
                f"better with a chance of {chance(one.better)})"
            )
    lines += _why(comparison)
    pairs = comparison.draws * comparison.pairs
    lines.append(
        f"   {comparison.draws} draws of what is not known x {comparison.pairs} pairs on the same luck; "
        "± simulation error, 90 %."
        if comparison.uncertain
        else f"   {pairs} pairs on the same luck; nothing is left open: the interval is simulation error alone."
    )
    return "\n".join(lines)


def _why(comparison: Comparison) -> list[str]:
    """The ladder free of its order, as far as there was time for it."""
    name = comparison.compared[-1].name
    if comparison.explanation is not None:
        size = comparison.explanation.spec.size
        return [
            f"   {name}, whatever the order: {top_line(comparison.explanation)} "
            f"(Shares from {size.replications} of the "
            f"pairs, fitted to all; funnelsim explain runs them all.)"
        ]
    asked = comparison.compared[-1].beliefs_neutral is not None
    return [f"   {name}: funnelsim explain divides it among its changes, whatever the order."] if asked else []


def _beliefs(comparison: Comparison, verbose: int) -> str:
    lines = []
    for rung in comparison.compared:
        if rung.beliefs_neutral is not None:
            lines.append(f"   {rung.name} with all beliefs at 1: {change(comparison, rung.beliefs_neutral)}")
    shown = comparison.compared if verbose else comparison.compared[-1:]
    for rung in shown:
        turning = [one for one in rung.break_evens if one.at is not None]
        lines += [
            f"   {rung.name}: {one.path} breaks even at {one.at:.3g} (range {one.low:g} to {one.high:g})"
            for one in turning
        ]
        no_break_even = [one for one in rung.break_evens if one.at is None]
        if no_break_even:
            names = (
                "; ".join(_no_break_even(comparison, one) for one in no_break_even)
                if verbose
                else ", ".join(one.path for one in no_break_even)
            )
            lines.append(f"   {rung.name}: no break-even within the range of {names}")
    if not lines:
        return "4  Beliefs: none in these files."
    return "\n".join(["4  Beliefs", *lines])


def _curves(comparison: Comparison) -> str:
    named = list(comparison.compared[-1].by_curve)
    if not named:
        return ""
    table = Table(["5  Under other response curves", *named])
    for rung in comparison.compared:
        table.add(
            f"   {rung.name}",
            *(
                format_of(comparison).signed(rung.by_curve[name].mean) if name in rung.by_curve else ""
                for name in named
            ),
        )
    lines = table.lines()
    flips = {name for rung in comparison.compared for name in _sign_changes(rung)}
    order = _order_changes(comparison, named)
    lines.append(
        f"   The winner changes under {', '.join(sorted(flips))}."
        if flips
        else f"   The best of the ladder changes under {', '.join(order)}."
        if order
        else "   None of them changes the winner."
    )
    return "\n".join([*lines, *_out_of_range(comparison)])


def _out_of_range(comparison: Comparison) -> list[str]:
    """Presets used at delays that their study does not cover, named with how often that is so."""
    notes = []
    base = comparison.cases[0].blueprint
    for stage, name in enumerate(base.book.stages):
        curve = base.scenario.stages[name].response
        if not isinstance(curve, str) or known_delays(curve) is None:
            continue
        low, high = known_delays(curve) or (0.0, math.inf)
        shares = [f"{percent(_outside(column, stage, low, high))} in {column.name}" for column in comparison.runs]
        if max(_outside(column, stage, low, high) for column in comparison.runs) > 0.05:
            notes.append(
                f"   {curve} is known from {duration(low)} to {duration(high)} and taken as flat beyond: "
                f"first touches in {name} outside that are {', '.join(shares)}."
            )
    return notes


def _outside(column: ScenarioRuns, stage: int, low: float, high: float) -> float:
    """Share of a stage's first touches whose delay lies outside [low, high]."""
    counts = sum(summary.responses[0, stage] for summary in column.summaries)
    first, last = int((low >= RESPONSE_EDGES).sum()), int((high >= RESPONSE_EDGES).sum())
    return float(counts[:first].sum() + counts[last:].sum()) / max(float(counts.sum()), 1.0)


def _ahead_at_one(comparison: Comparison) -> str:
    """The rung that is best with all beliefs at 1, when it is not the best of the answer."""
    best = max(comparison.compared, key=lambda rung: rung.differences[comparison.goal].mean)
    at_one = {rung.name: rung.beliefs_neutral.mean for rung in comparison.compared if rung.beliefs_neutral is not None}
    ahead = max(at_one, key=lambda name: at_one[name], default=best.name)
    return ahead if ahead != best.name else ""


def _no_break_even(comparison: Comparison, one: BreakEven) -> str:
    numbers = format_of(comparison)
    return f"{one.path} ({numbers.signed(one.at_low)} at {one.low:g}, {numbers.signed(one.at_high)} at {one.high:g})"


def _sign_changes(rung: ComparedScenario) -> list[str]:
    """Curves whose interval lies on the other side of 0 from the answer."""
    main = rung.beliefs_neutral or next(iter(rung.differences.values()))
    sign = math.copysign(1.0, main.mean)
    return [name for name, one in rung.by_curve.items() if one.mean * sign < 0.0 and one.low * one.high > 0.0]


def _order_changes(comparison: Comparison, names: list[str]) -> list[str]:
    if len(comparison.compared) < 2:
        return []
    best = max(comparison.compared, key=lambda rung: rung.differences[comparison.goal].mean).name
    return [
        name
        for name in names
        if max(
            comparison.compared, key=lambda rung: rung.by_curve[name].mean if name in rung.by_curve else -math.inf
        ).name
        != best
    ]


def _full_tables(comparison: Comparison) -> Iterator[str]:
    currency = comparison.cases[0].blueprint.book.currency
    for rung in comparison.compared:
        table = Table(
            [f"{rung.name} - {comparison.runs[0].name}", "mean", "low", "high", "period low", "period high", "±"]
        )
        for key, one in rung.differences.items():
            unit = comparison.runs[0].units.get(key, "")
            cells = (one.mean, one.low, one.high, one.period_low, one.period_high, one.error)
            table.add(f"   {key}", *(in_unit(value, unit, currency) for value in cells))
        yield "\n" + "\n".join(table.lines())
    if comparison.information:
        yield "\n" + "\n".join(
            knowing_table(comparison.information, lambda value: format_of(comparison).value(value), 0)
        )
    saved = [_variance_reduction(comparison, column) for column in comparison.runs[1:]]
    yield "\nvariance saved by the same luck: " + ", ".join(
        f"{column.name} {factor:.0f}x" for column, factor in zip(comparison.runs[1:], saved, strict=True)
    )


def _variance_reduction(comparison: Comparison, column: ScenarioRuns) -> float:
    """Variance of a difference on independent luck, over that on the same luck, within draws."""
    one, other = comparison.runs[0].values[comparison.goal], column.values[comparison.goal]
    paired = (other - one).var(axis=1, ddof=1).mean()
    apart = one.var(axis=1, ddof=1).mean() + other.var(axis=1, ddof=1).mean()
    return float(apart / paired) if paired > 0 else math.inf
