"""The measures by name, in both windows [73]: `named(summaries, plan, book)["cohort.won"].estimate()`.

Counts are per run; conversions have every lead that entered in the denominator, open ones included, and
`unresolved` stands beside them [74].
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from funnelsim.measures.definition_agreement import agreement
from funnelsim.measures.effort import effort
from funnelsim.measures.estimate import Measure, stack_summaries
from funnelsim.measures.money import Costs, cost_by_team, costs, revenue
from funnelsim.measures.people import people
from funnelsim.measures.promises import promises
from funnelsim.measures.volumes import volumes
from funnelsim.plan import Labels, Plan
from funnelsim.summary import COHORT, RESPONSE_EDGES, WINDOWS, Summary
from funnelsim.typing import FloatArray

QUANTILES = (0.5, 0.9)
ENDED = ("forward", "back", "end", "lost", "unreached", "cold", "returned", "cycle_limit", "rejected")


def named(summaries: Sequence[Summary], plan: Plan, book: Labels) -> dict[str, Measure]:
    """Every measure by its key."""
    found = measures(stack_summaries(summaries), plan, book)
    return {measure.key: measure for measure in found}


def measures(stacked: Summary, plan: Plan, book: Labels) -> list[Measure]:
    """Every measure, the most important first; `stacked` has the replication as first axis."""
    found: list[Measure] = []
    for window in range(len(WINDOWS)):
        found += _outcomes(stacked, plan, book, window)
        found += _stages(stacked, plan, book, window)
        found += promises(stacked, book, window)
        found += effort(stacked, plan, book, window)
    found += people(stacked, plan, book)
    found += volumes(stacked, plan, book)
    found += agreement(stacked, plan, book)
    for window in range(len(WINDOWS)):
        found += _parts(stacked, book, window)
    return found


# ---- outcomes and money --------------------------------------------------------------------------------------------


def _outcomes(stacked: Summary, plan: Plan, book: Labels, window: int) -> Iterator[Measure]:
    which, money = WINDOWS[window], book.currency
    leads = stacked.arrived[:, 0].sum(axis=(1, 2))
    yield Measure(which, "leads", "", "leads", leads)
    for i, definition in enumerate(book.definitions):
        passages = stacked.passages[:, window, i]
        count = passages["count"].sum(axis=(1, 2))
        yield Measure(which, definition, "", "leads", count)
        if window == COHORT:
            yield Measure(which, "rate", definition, "share", count, leads)
        yield Measure(which, "time to", definition, "seconds", passages["time"].sum(axis=(1, 2)), count)
    spent, earned = costs(stacked, plan, book), revenue(stacked, book, window)
    yield Measure(which, "revenue", "", money, earned)
    yield Measure(which, "cost", "", money, spent.total)
    yield Measure(which, "profit", "", money, earned - spent.total)
    yield Measure(which, "roi", "", "times the cost", earned - spent.total, spent.total)
    if book.won >= 0:
        wins = stacked.passages[:, window, book.won]["count"].sum(axis=(1, 2))
        yield Measure(which, "cost a win", "", money, spent.total, wins)
    yield from _cost_parts(spent, plan, book, which)


def _cost_parts(spent: Costs, plan: Plan, book: Labels, which: str) -> Iterator[Measure]:
    replications = len(spent.acquisition)
    yield Measure(which, "cost of", "acquisition", book.currency, spent.acquisition)
    yield Measure(which, "cost of", "flights and tools", book.currency, np.full(replications, spent.tools))
    for i, team in enumerate(book.teams):
        wages = spent.people[i] + spent.overtime[:, i]
        yield Measure(which, "wages", team, book.currency, np.broadcast_to(wages, (replications,)))


# ---- stages --------------------------------------------------------------------------------------------------------


def _stages(stacked: Summary, plan: Plan, book: Labels, window: int) -> Iterator[Measure]:
    which = WINDOWS[window]
    for i, stage in enumerate(book.stages):
        visits = _sums(stacked.visits[:, window, :, :, i])
        entered = visits["entered"]
        yield Measure(which, "entered", stage, "visits", entered)
        if plan.stages[i].next_count == 0:
            continue  # an end: nobody stays or leaves
        if window == COHORT:
            yield Measure(which, "conversion", stage, "share", visits["forward"], entered)
            yield Measure(which, "unresolved", stage, "share", visits["open"], entered)
        yield Measure(which, "time in stage", stage, "seconds", visits["stay"], _any(visits, ENDED))
        for name in ("back", "lost", "unreached", "cold", "returned", "cycle_limit", "silent", "rejected"):
            if visits[name].any():
                yield Measure(which, f"share {name}", stage, "share", visits[name], entered)
        if plan.stages[i].step_count:
            yield from _work(visits, stacked.responses[:, window, i], which, stage)


def _work(visits: dict[str, FloatArray], histogram: FloatArray, which: str, stage: str) -> Iterator[Measure]:
    entered, touched = visits["entered"], visits["touched"]
    yield Measure(which, "touched", stage, "share", touched, entered)
    yield Measure(which, "reached", stage, "share", visits["reached"], entered)
    yield Measure(which, "attempts a lead", stage, "attempts", visits["attempts"], entered)
    yield Measure(which, "response mean", stage, "seconds", visits["response"], touched)
    for q in QUANTILES:
        yield Measure(which, f"response p{q:.0%}".rstrip("%"), stage, "seconds", quantiles(histogram, q))
    if visits["deadline_met"].any() or visits["deadline_missed"].any():
        yield Measure(
            which,
            "lead attainment",
            stage,
            "share",
            visits["deadline_met"],
            visits["deadline_met"] + visits["deadline_missed"],
        )


def quantiles(histogram: FloatArray, q: float) -> FloatArray:
    """Quantile of the response times in each row, between the edges in proportion on the log scale; nan without any."""
    edges = np.concatenate(([RESPONSE_EDGES[0] / 2.0], RESPONSE_EDGES, [RESPONSE_EDGES[-1] * 2.0]))
    before = np.concatenate((np.zeros((len(histogram), 1)), np.cumsum(histogram, axis=1)), axis=1)
    wanted = q * before[:, -1:]
    bins = np.minimum((before[:, 1:] < wanted).sum(axis=1), histogram.shape[1] - 1)
    rows = np.arange(len(histogram))
    held = histogram[rows, bins]
    part = np.divide(wanted[:, 0] - before[rows, bins], held, out=np.full(len(rows), np.nan), where=held > 0)
    found: FloatArray = edges[bins] * (edges[bins + 1] / edges[bins]) ** part
    return found


def response_curve(stacked: Summary, window: int, stage: int) -> tuple[FloatArray, FloatArray]:
    """(delay in seconds, share of the leads that entered touched by then), over all replications."""
    entered = float(stacked.visits[:, window, :, :, stage]["entered"].sum())
    touched = np.cumsum(stacked.responses[:, window, stage].sum(axis=0))[:-1]
    return RESPONSE_EDGES, touched / entered if entered else touched


# ---- parts: sources, segments, teams -------------------------------------------------------------------------------


def _parts(stacked: Summary, book: Labels, window: int) -> Iterator[Measure]:
    """Leads and what became of them, by source and by segment."""
    which = WINDOWS[window]
    for kind, names, over in (("source", book.sources, 2), ("segment", book.segments, 1)):
        if len(names) < 2:
            continue
        leads = stacked.arrived[:, 0].sum(axis=over)
        for j, name in enumerate(names):
            yield Measure(which, f"leads by {kind}", name, "leads", leads[:, j])
            for i, definition in enumerate(book.definitions):
                count = stacked.passages[:, window, i]["count"].sum(axis=over)[:, j]
                yield Measure(which, f"{definition} by {kind}", name, "leads", count)
                if window == COHORT:
                    yield Measure(which, f"{definition} rate by {kind}", name, "share", count, leads[:, j])
            for i, stage in enumerate(book.stages if window == COHORT else ()):
                visits = stacked.visits[:, window, :, :, i]
                forward, entered = visits["forward"].sum(axis=over)[:, j], visits["entered"].sum(axis=over)[:, j]
                if forward.any():
                    yield Measure(which, f"conversion by {kind}", f"{name}.{stage}", "share", forward, entered)


def credited(credits: FloatArray, stacked: Summary, plan: Plan, book: Labels) -> list[Measure]:
    """Revenue credited to each team and its return [75]; `credits` is [replication, window, team] from the tables."""
    spent = cost_by_team(costs(stacked, plan, book), plan)
    found = []
    for window, which in enumerate(WINDOWS):
        for i, team in enumerate(book.teams):
            earned = credits[:, window, i]
            found.append(Measure(which, "credit", team, book.currency, earned))
            found.append(Measure(which, "team cost", team, book.currency, spent[:, i]))
            found.append(Measure(which, "team roi", team, "times the cost", earned - spent[:, i], spent[:, i]))
        found.append(Measure(which, "credit", "nobody", book.currency, credits[:, window, -1]))
    return found


def _any(visits: dict[str, FloatArray], names: Sequence[str]) -> FloatArray:
    total: FloatArray = np.sum([visits[name] for name in names], axis=0)
    return total


def _sums(table: Any) -> dict[str, FloatArray]:
    """Each field, summed over sources and segments."""
    return {name: table[name].sum(axis=(1, 2)) for name in table.dtype.names}
