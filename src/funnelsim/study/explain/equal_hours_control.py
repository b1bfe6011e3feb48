"""The control with equal people: the hours that sharing moves between teams, moved and nothing shared.

Where one way shares the work and the other does not, the teams' hours on leads move even though nobody is hired. How
many is read from two simulations, all changes made with and without the shared work: net hours on leads, what other
work stretches left out. The control lends these hours. People come in whole numbers, so hours are lent as speed: of C
net hours a team that gets L more needs C / (C + L) of the time for each handling, one that lends L needs C / (C - L).
Paid hours and everything else stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from funnelsim.scenario.schema import Scenario
from funnelsim.study.scenario_diff import KeyChange

MOST = 0.95  # of its hours: a team that lent all would never finish anything
LEAST_HOURS = 0.5  # in the window: less is nothing


@dataclass(frozen=True)
class LentHours:
    """Net hours on leads in the measured window, by team: above 0 = got, below = lent to others."""

    hours: Mapping[str, float]
    wanted: float  # what would have been lent, if the teams had it

    @property
    def total(self) -> float:
        return sum(hours for hours in self.hours.values() if hours > 0.0)


def lent_hours(
    shared: Mapping[str, float], unshared: Mapping[str, float], paid: Mapping[str, float], base: Scenario
) -> LentHours | None:
    """Hours to be lent among the base's teams; None when sharing moves none from one team to another.

    `shared` and `unshared` are net hours on leads by team with and without the shared work; `paid` those of the base.
    """
    moved = {
        team: shared.get(team, 0.0) - unshared.get(team, 0.0) for team in base.teams if _net(base, paid, team) > 0.0
    }
    lenders = {team: hours for team, hours in moved.items() if hours > 0.0}
    takers = {team: -hours for team, hours in moved.items() if hours < 0.0}
    wanted, eased = sum(lenders.values()), sum(takers.values())
    if wanted < LEAST_HOURS or eased < LEAST_HOURS:
        return None
    lent = {team: min(hours, MOST * _net(base, paid, team)) for team, hours in lenders.items()}
    total = sum(lent.values())
    got = {team: total * hours / eased for team, hours in takers.items()}
    return LentHours({team: -hours for team, hours in lent.items()} | got, wanted)


def lending_changes(scenario: Scenario, paid: Mapping[str, float], lent: LentHours) -> list[KeyChange]:
    """What lending changes in a scenario whose teams are paid for so many hours."""
    changes = []
    for team, hours in lent.hours.items():
        net = _net(scenario, paid, team)
        if net > 0.0:
            before = scenario.teams[team].handling
            after = round(before / max(1.0 + hours / net, 1.0 - MOST), 9)
            changes.append(KeyChange(("teams", team, "handling"), before, after))
    return changes


def _net(scenario: Scenario, paid: Mapping[str, float], team: str) -> float:
    """Hours that a team has for leads."""
    return paid.get(team, 0.0) * (1.0 - scenario.teams[team].other_work) if team in scenario.teams else 0.0
