"""Where work and value went: effort spent on poor leads, good leads turned down, value untouched, blame [90, 109]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from funnelsim.measures.estimate import Measure
from funnelsim.plan import HOUR, Labels, Plan
from funnelsim.summary import WINDOWS, Summary
from funnelsim.typing import FloatArray


def effort(stacked: Summary, plan: Plan, book: Labels, window: int) -> Iterator[Measure]:
    """Over the whole funnel and by stage; what never happened is left out."""
    which = WINDOWS[window]
    yield from _of(_sums(stacked.visits[:, window], (1, 2, 3)), which, "", book)
    for i, stage in enumerate(book.stages):
        if plan.stages[i].next_count or plan.stages[i].step_count:
            yield from _of(_sums(stacked.visits[:, window, :, :, i], (1, 2)), which, stage, book)


def _of(visits: dict[str, FloatArray], which: str, of: str, book: Labels) -> Iterator[Measure]:
    if visits["effort"].any():
        yield Measure(which, "effort", of, "hours", visits["effort"] / HOUR)
    if visits["wasted"].any():
        yield Measure(which, "wasted effort", of, "hours", visits["wasted"] / HOUR)
        yield Measure(which, "effort wasted", of, "share of hours", visits["wasted"], visits["effort"])
    if visits["untouched_value"].any():
        yield Measure(which, "untouched value", of, book.currency, visits["untouched_value"] / 100.0)
    if visits["rejected"].any():
        yield Measure(which, "rejected", of, "leads", visits["rejected"])
        yield Measure(which, "rejected though good", of, "share", visits["rejected_good"], visits["rejected"])
    yield from _blame(visits, which, of)
    if visits["merged"].any():
        yield Measure(which, "merged records", of, "records", visits["merged"])
    if visits["duplicates"].any():
        yield Measure(which, "duplicates", of, "share", visits["duplicates"], visits["entered"])


def _blame(visits: dict[str, FloatArray], which: str, of: str) -> Iterator[Measure]:
    """Of marketing's leads that were lost in sales' hands and put down to somebody."""
    blamed = visits["blame_lead"] + visits["blame_follow_up"]
    if blamed.any():
        yield Measure(which, "lost by poor follow-up", of, "leads", visits["blame_follow_up"])
        yield Measure(which, "lost as poor leads", of, "leads", visits["blame_lead"])
        yield Measure(which, "blame on follow-up", of, "share", visits["blame_follow_up"], blamed)
        yield Measure(which, "blame on leads", of, "share", visits["blame_lead"], blamed)


def _sums(table: Any, axes: tuple[int, ...]) -> dict[str, FloatArray]:
    return {name: table[name].sum(axis=axes) for name in table.dtype.names}
