"""Hours and money of the measured window [72, 76], and the credit of a win [75].

Both windows carry the same costs: what the window's leads cost and what its people were paid. Work on a cohort after
the window stands against work within it on earlier leads.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from funnelsim.measures.counting_tools import Window, calendar_of, first_of_lead
from funnelsim.measures.milestones import Passages, first_passages
from funnelsim.plan import HOUR, Labels, Plan
from funnelsim.plan_codes import Side
from funnelsim.run_tables import Trace
from funnelsim.summary import CALENDAR, COHORT, Summary
from funnelsim.typing import FloatArray


class Costs(NamedTuple):
    """By replication (rows) and team (columns), unless said otherwise; in currency units."""

    acquisition: FloatArray  # by replication: at arrival
    people: FloatArray  # by team: every hour on shift, busy or not
    overtime: FloatArray  # by replication and team, at the same wage
    tools: float  # flights and tools, linear over their dates
    team_tools: FloatArray  # by team, those that name one

    @property
    def total(self) -> FloatArray:
        """By replication."""
        total: FloatArray = self.acquisition + self.people.sum() + self.overtime.sum(axis=1) + self.tools
        return total


def paid_hours(plan: Plan) -> FloatArray:
    """Hours on shift within the measured window, by team."""
    settings = plan.settings[0]
    window = np.array([settings.measure_from, settings.measure_to])
    return paid_seconds(plan, window)[:, 0] / HOUR


def paid_seconds(plan: Plan, edges: FloatArray) -> FloatArray:
    """Seconds on shift of each team (rows) between successive instants (columns), people times time."""
    paid = np.zeros((len(plan.teams), len(edges) - 1))
    for team in range(len(plan.teams)):
        calendar = calendar_of(plan, team)
        passed = np.minimum(calendar.closes, edges[:, None]) - np.minimum(calendar.opens, edges[:, None])
        paid[team] = np.diff((calendar.capacity * passed).sum(axis=1))
    return paid


def costs(stacked: Summary, plan: Plan, book: Labels) -> Costs:
    """What the measured window costs."""
    wages = np.array(book.team_costs)
    start, end = float(plan.settings[0].measure_from), float(plan.settings[0].measure_to)
    team_tools, tools = np.zeros(len(book.teams)), 0.0
    for team, first, last, amount in book.costs:
        within = amount * _overlap(first, last, start, end)
        tools += within
        if team in book.teams:
            team_tools[book.teams.index(team)] += within
    arrived = stacked.arrived[:, 0].sum(axis=2)
    return Costs(
        arrived @ plan.sources.cost,
        paid_hours(plan) * wages,
        stacked.teams["overtime"] / HOUR * wages,
        tools,
        team_tools,
    )


def cost_by_team(spent: Costs, plan: Plan) -> FloatArray:
    """Cost by replication and team; leads are bought by marketing, in equal parts where it has several teams."""
    marketing = plan.teams.side == Side.MARKETING
    buyers = marketing if marketing.any() else np.ones(len(plan.teams), np.bool_)
    bought: FloatArray = spent.acquisition[:, None] * (buyers / buyers.sum())
    return bought + spent.people + spent.overtime + spent.team_tools


def credit(trace: Trace, plan: Plan, book: Labels) -> FloatArray:
    """Revenue in [window, team], credited by the share of a lead's visits that each team owned before the win [75].

    The last column is what nobody owned.
    """
    visits = trace.visits
    out = np.zeros((2, len(book.teams) + 1))
    if book.won < 0 or len(visits) == 0:
        return out
    window, passed = Window.of(plan), first_passages(trace, plan)
    wins = Passages(*(column[passed.definition == book.won] for column in passed))
    firsts = first_of_lead(visits)
    begins = firsts[np.searchsorted(visits.lead[firsts], wins.lead)]
    owned = np.zeros((len(visits) + 1, len(book.teams)))
    owned[1:] = np.cumsum(visits.owner[:, None] == np.arange(len(book.teams)), axis=0)
    path = owned[wins.path] - owned[begins]
    length = path.sum(axis=1)
    shares = np.zeros((len(wins.lead), len(book.teams) + 1))
    shares[:, :-1] = np.divide(path, length[:, None], out=np.zeros_like(path), where=length[:, None] > 0)
    shares[:, -1] = length == 0
    value = wins.value / 100.0
    for which, chosen in ((COHORT, window.cohort(wins)), (CALENDAR, window.holds(wins.at))):
        out[which] = value[chosen] @ shares[chosen]
    return out


def _overlap(first: float, last: float, start: float, end: float) -> float:
    """Share of [first, last) that lies in [start, end); something at one instant counts whole or not at all."""
    if last <= first:
        return float(start <= first < end)
    return max(0.0, min(last, end) - max(first, start)) / (last - first)


def revenue(stacked: Summary, book: Labels, window: int) -> FloatArray:
    """By replication, in currency units."""
    if book.won < 0:
        return np.zeros(len(stacked.days))
    table: Any = stacked.passages[:, window, book.won]
    total: FloatArray = table["value"].sum(axis=(1, 2)) / 100.0
    return total
