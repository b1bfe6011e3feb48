"""A comparison as text: the ten points of an honest answer, in their order, on one screen; the rest with `verbose`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from funnelsim.reporting.common.format import Table, duration, percent
from funnelsim.reporting.common.information_text import knowing_table
from funnelsim.reporting.compare.format import amount, between, chance, change, goal_name, in_unit, quoted, signed
from funnelsim.reporting.compare.sections import cannot_tell, changes, outcomes, people, promises
from funnelsim.reporting.explain.report import top_line
from funnelsim.study.alternative_models import known_delays
from funnelsim.study.compare import BreakEven, ComparedScenario, Comparison, ScenarioRuns
from funnelsim.summary import RESPONSE_EDGES


def comparison_report(found: Comparison, verbose: int = 0, width: int = 110) -> str:
    """The text of a comparison."""
    parts = [
        answer(found),
        _history(found),
        _ladder(found),
        _beliefs(found, verbose),
        _curves(found),
        people(found),
        changes(found, verbose),
        outcomes(found),
        promises(found),
        cannot_tell(found),
    ]
    if verbose:
        parts.append("\n".join(_everything(found)))
    parts += found.notes
    return "\n\n".join(part for part in parts if part)


def answer(found: Comparison) -> str:
    """One sentence: how much, how sure, and resting on what; no headline when the baseline is not history's."""
    if found.history is not None and not found.history.reproduced:
        wrong = ", ".join(
            f"{check.stage} ({percent(check.simulated)} against {percent(check.low)} to {percent(check.high)})"
            for check in found.history.stages
            if not check.inside
        )
        return f"No answer: {found.runs[0].name}, simulated, does not convert as history says at {wrong}."
    last = found.compared[-1]
    text = f"{last.name}: {change(found, last.differences[found.goal])}"
    alone = found.compared[:-1]
    if alone:
        text += "; " + ", ".join(
            f"{signed(found, rung.differences[found.goal].mean)} with {quoted(rung.name)}" for rung in alone
        )
    if last.beliefs_neutral is not None:
        resting = last.differences[found.goal].mean - last.beliefs_neutral.mean
        text += f"; {signed(found, resting)} rests on beliefs nobody has measured"
    ahead = _ahead_at_one(found)
    if ahead:
        text += f", and without them {quoted(ahead)} is ahead"
    flips = _flips(last)
    if flips:
        text += f"; under the response curve {' or '.join(flips)} the winner changes"
    return text + "."


# ---- 1 to 5: history, ladder, beliefs, curves -----------------------------------------------------------------------


def _history(found: Comparison) -> str:
    if found.history is None:
        return "1  Baseline against history: no history in these files, so nothing ties the baseline to what happened."
    table = Table(["1  Baseline against history", "recorded", "90 % band", "simulated", "±", ""])
    for check in found.history.stages:
        table.add(
            f"   {check.stage} goes on",
            percent(check.history),
            f"{percent(check.low)} to {percent(check.high)}",
            percent(check.simulated),
            percent(check.error),
            "" if check.inside else "OUTSIDE",
        )
    return "\n".join(table.lines())


def _ladder(found: Comparison) -> str:
    """Point 3; point 2 is the answer itself."""
    table = Table(
        [
            f"3  Ladder, {goal_name(found)} against {found.runs[0].name}",
            "mean",
            "what is not known",
            "one period",
            "better",
            "in one period",
            "±",
        ]
    )
    for rung in found.compared:
        one = rung.differences[found.goal]
        table.add(
            f"   {rung.name}{' (added)' if rung.added else ''}",
            signed(found, one.mean),
            between(found, one.low, one.high),
            between(found, one.least, one.most),
            chance(one.better),
            chance(one.better_in_one_period),
            amount(found, one.error),
        )
    lines = table.lines()
    for before, rung in zip(found.compared, found.compared[1:], strict=False):
        if rung.vs_previous is not None:
            one = rung.vs_previous
            lines.append(
                f"   {rung.name} over {before.name}: {signed(found, one.mean)} ({between(found, one.low, one.high)} "
                f"given what is not known; better with a chance of {chance(one.better)})"
            )
    lines += _why(found)
    pairs = found.draws * found.pairs
    lines.append(
        f"   {found.draws} draws of what is not known x {found.pairs} pairs on the same luck; ± simulation error, 90 %."
        if found.uncertain
        else f"   {pairs} pairs on the same luck; nothing is left open: the interval is simulation error alone."
    )
    return "\n".join(lines)


def _why(found: Comparison) -> list[str]:
    """The ladder free of its order, as far as there was time for it."""
    name = found.compared[-1].name
    if found.explanation is not None:
        size = found.explanation.spec.size
        return [
            f"   {name}, whatever the order: {top_line(found.explanation)} (Shares from {size.replications} of the "
            f"pairs, fitted to all; funnelsim explain runs them all.)"
        ]
    asked = found.compared[-1].beliefs_neutral is not None
    return [f"   {name}: funnelsim explain divides it among its changes, whatever the order."] if asked else []


def _beliefs(found: Comparison, verbose: int) -> str:
    lines = []
    for rung in found.compared:
        if rung.beliefs_neutral is not None:
            lines.append(f"   {rung.name} with all beliefs at 1: {change(found, rung.beliefs_neutral)}")
    shown = found.compared if verbose else found.compared[-1:]
    for rung in shown:
        turning = [one for one in rung.break_evens if one.at is not None]
        lines += [
            f"   {rung.name}: {one.path} breaks even at {one.at:.3g} (range {one.low:g} to {one.high:g})"
            for one in turning
        ]
        calm = [one for one in rung.break_evens if one.at is None]
        if calm:
            names = "; ".join(_calm(found, one) for one in calm) if verbose else ", ".join(one.path for one in calm)
            lines.append(f"   {rung.name}: no break-even within the range of {names}")
    if not lines:
        return "4  Beliefs: none in these files."
    return "\n".join(["4  Beliefs", *lines])


def _curves(found: Comparison) -> str:
    named = list(found.compared[-1].by_curve)
    if not named:
        return ""
    table = Table(["5  Under other response curves", *named])
    for rung in found.compared:
        table.add(
            f"   {rung.name}",
            *(signed(found, rung.by_curve[name].mean) if name in rung.by_curve else "" for name in named),
        )
    lines = table.lines()
    flips = {name for rung in found.compared for name in _flips(rung)}
    order = _order_changes(found, named)
    lines.append(
        f"   The winner changes under {', '.join(sorted(flips))}."
        if flips
        else f"   The best of the ladder changes under {', '.join(order)}."
        if order
        else "   None of them changes the winner."
    )
    return "\n".join([*lines, *_out_of_range(found)])


def _out_of_range(found: Comparison) -> list[str]:
    """Presets used at delays that their study does not cover, named with how often that is so."""
    notes = []
    base = found.cases[0].blueprint
    for stage, name in enumerate(base.book.stages):
        curve = base.scenario.stages[name].response
        if not isinstance(curve, str) or known_delays(curve) is None:
            continue
        low, high = known_delays(curve) or (0.0, math.inf)
        shares = [f"{percent(_outside(column, stage, low, high))} in {column.name}" for column in found.runs]
        if max(_outside(column, stage, low, high) for column in found.runs) > 0.05:
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


def _ahead_at_one(found: Comparison) -> str:
    """The rung that is best with all beliefs at 1, when it is not the best of the answer."""
    best = max(found.compared, key=lambda rung: rung.differences[found.goal].mean)
    at_one = {rung.name: rung.beliefs_neutral.mean for rung in found.compared if rung.beliefs_neutral is not None}
    ahead = max(at_one, key=lambda name: at_one[name], default=best.name)
    return ahead if ahead != best.name else ""


def _calm(found: Comparison, one: BreakEven) -> str:
    return f"{one.path} ({signed(found, one.at_low)} at {one.low:g}, {signed(found, one.at_high)} at {one.high:g})"


def _flips(rung: ComparedScenario) -> list[str]:
    """Curves whose interval lies on the other side of 0 from the answer."""
    main = rung.beliefs_neutral or next(iter(rung.differences.values()))
    sign = math.copysign(1.0, main.mean)
    return [name for name, one in rung.by_curve.items() if one.mean * sign < 0.0 and one.low * one.high > 0.0]


def _order_changes(found: Comparison, names: list[str]) -> list[str]:
    if len(found.compared) < 2:
        return []
    best = max(found.compared, key=lambda rung: rung.differences[found.goal].mean).name
    return [
        name
        for name in names
        if max(found.compared, key=lambda rung: rung.by_curve[name].mean if name in rung.by_curve else -math.inf).name
        != best
    ]


def _everything(found: Comparison) -> Iterator[str]:
    currency = found.cases[0].blueprint.book.currency
    for rung in found.compared:
        table = Table([f"{rung.name} - {found.runs[0].name}", "mean", "low", "high", "least", "most", "±"])
        for key, one in rung.differences.items():
            unit = found.runs[0].units.get(key, "")
            cells = (one.mean, one.low, one.high, one.least, one.most, one.error)
            table.add(f"   {key}", *(in_unit(value, unit, currency) for value in cells))
        yield "\n" + "\n".join(table.lines())
    if found.information:
        yield "\n" + "\n".join(knowing_table(found.information, lambda value: amount(found, value), 0))
    saved = [_saved(found, column) for column in found.runs[1:]]
    yield "\nvariance saved by the same luck: " + ", ".join(
        f"{column.name} {factor:.0f}x" for column, factor in zip(found.runs[1:], saved, strict=True)
    )


def _saved(found: Comparison, column: ScenarioRuns) -> float:
    """Variance of a difference on independent luck, over that on the same luck, within draws."""
    one, other = found.runs[0].values[found.goal], column.values[found.goal]
    paired = (other - one).var(axis=1, ddof=1).mean()
    apart = one.var(axis=1, ddof=1).mean() + other.var(axis=1, ddof=1).mean()
    return float(apart / paired) if paired > 0 else math.inf
