"""The control with equal people: the hours that sharing moves between teams, moved and nothing shared.

Where one way shares the work and the other does not, the teams' hours on leads move even though nobody is hired. How
many is read from two simulations, all changes made with and without the shared work: net hours on leads, what other
work stretches left out. The control lends these hours: the team that gained work has so much more other work, and the
team that lost it so much less. Paid hours and everything else stay.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from funnelsim.scenario.schema import Scenario
from funnelsim.study.differences import Change

MOST = 0.95                             # other work: nobody lends every hour, and handling would take for ever
LEAST_HOURS = 0.5                       # in the window: less is nothing


@dataclass(frozen=True)
class Lent:
    """Net hours on leads in the measured window, by team: above 0 = got, below = lent to others."""

    hours: Mapping[str, float]
    wanted: float                       # what would have been lent, if other work allowed it

    @property
    def total(self) -> float:
        return sum(hours for hours in self.hours.values() if hours > 0.0)


def lent_hours(shared: Mapping[str, float], unshared: Mapping[str, float], paid: Mapping[str, float],
               base: Scenario) -> Lent | None:
    """Hours to be lent among the base's teams; None when sharing moves none from one team to another.

    `shared` and `unshared` are net hours on leads by team with and without the shared work; `paid` those of the base.
    """
    moved = {team: shared.get(team, 0.0) - unshared.get(team, 0.0) for team in base.teams if paid.get(team, 0.0) > 0.0}
    lenders = {team: hours for team, hours in moved.items() if hours > 0.0}
    takers = {team: -hours for team, hours in moved.items() if hours < 0.0}
    wanted = sum(lenders.values())
    if wanted < LEAST_HOURS or sum(takers.values()) < LEAST_HOURS:
        return None
    can_lend = {team: min(hours, max(0.0, (MOST - base.teams[team].other_work) * paid[team]))
                for team, hours in lenders.items()}
    share = {team: hours / sum(takers.values()) for team, hours in takers.items()}
    can_take = min(base.teams[team].other_work * paid[team] / share[team] for team in takers)
    total = min(sum(can_lend.values()), can_take)
    if total < LEAST_HOURS:
        return None
    part = total / sum(can_lend.values())
    hours = {team: -part * lent for team, lent in can_lend.items()} | {team: total * of for team, of in share.items()}
    return Lent(hours, wanted)


def lending(scenario: Scenario, paid: Mapping[str, float], lent: Lent) -> list[Change]:
    """What lending changes in a scenario whose teams are paid for so many hours; other work in shares of them."""
    found = []
    for team, hours in lent.hours.items():
        if team in scenario.teams and math.isfinite(paid.get(team, math.nan)) and paid[team] > 0.0:
            before = scenario.teams[team].other_work
            after = round(min(max(before - hours / paid[team], 0.0), MOST), 6)
            found.append(Change(("teams", team, "other_work"), before, after))
    return found
