"""Where marketing's money goes when it is measured by a count, or by a value (the gaming of counts).

Sources with a cost and a `qualified_share` (the share of their leads that pass the definition marketing is measured by)
compete for the budget. Their `rate` is the most they can bring. Money goes first where a unit of it buys most -
qualified leads, share / cost, or their value, share x value / cost - until it is spent, the last source in part: the
greedy rule of the fractional knapsack, which is optimal (Dantzig, Operations Research 5, 1957). Sources of equal yield
are filled in the order of the file. All other sources bring their rate, and cost none of this money.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from funnelsim.compile.context import in_force

if TYPE_CHECKING:
    from funnelsim.scenario.schema import Source

Steps = list[tuple[float, float]]  # (from instant, leads a week)
COUNT, VALUE = "count", "value"


class Offer(NamedTuple):
    """What a source can bring: at most so many leads a week, at a cost, and what each is good for."""

    max_rate: float
    cost: float
    value_per_lead: float  # share that counts, or its value: in the unit that is maximised


class Flight(NamedTuple):
    """A source's rate over time, while it runs."""

    steps: Steps
    first: float
    last: float

    def at(self, now: float) -> float:
        """Leads a week at an instant."""
        return in_force(self.steps, now) if self.first <= now < self.last else 0.0


def is_budgeted(source: Source) -> bool:
    """Whether the plan decides about a source."""
    return source.rate is not None and source.cost > 0.0 and source.qualified_share is not None


def planned(
    budget: float, maximise: str, sources: Mapping[str, Source], flights: Mapping[str, Flight]
) -> dict[str, Steps]:
    """Rates that a budget (money a week) buys of the sources that compete, by name, over time."""
    competing = [name for name in flights if is_budgeted(sources[name])]
    instants = sorted({0.0, *(x for name in competing for x in _changes(flights[name]))})
    rates: dict[str, Steps] = {name: [] for name in competing}
    for now in instants:
        offers = [
            Offer(flights[name].at(now), sources[name].cost, _value_per_lead(sources[name], maximise))
            for name in competing
        ]
        for name, rate in zip(competing, allocate_budget(budget, offers), strict=True):
            rates[name].append((now, rate))
    return rates


def allocate_budget(budget: float, offers: Sequence[Offer]) -> list[float]:
    """Leads a week to buy of each offer, the best first, until the money is spent."""
    bought = [0.0] * len(offers)
    best_first = sorted(range(len(offers)), key=lambda i: -offers[i].value_per_lead / offers[i].cost)
    for i in best_first:
        bought[i] = min(offers[i].max_rate, budget / offers[i].cost)
        budget = max(0.0, budget - bought[i] * offers[i].cost)
    return bought


def _value_per_lead(source: Source, maximise: str) -> float:
    share = source.qualified_share or 0.0
    return share * (source.qualified_value or 0.0) if maximise == VALUE else share


def _changes(flight: Flight) -> list[float]:
    edges = [x for x in (flight.first, flight.last) if 0.0 < x < float("inf")]
    return [*(x for x, _ in flight.steps), *edges]
