"""The trail of one lead: what happened to it, and at each decision the draw, its chance and the effects in it.

Only `funnelsim trace` keeps one. A lead that is told about does not behave otherwise: nothing here draws or schedules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from funnelsim.engine.log_odds import shifted_chance

if TYPE_CHECKING:
    from funnelsim.engine.reference.visit import Visit


class Decision(NamedTuple):
    """A chance, and what moved it. `happens` when the draw lies below the chance."""

    draw: float  # uniform in [0, 1)
    chance: float  # with the effects
    effects: tuple[tuple[int, float], ...]  # (row of the plan's `effects`, its share of the log-odds)

    @property
    def base(self) -> float:
        """The chance without the effects."""
        return shifted_chance(self.chance, -sum(share for _, share in self.effects))

    @property
    def happens(self) -> bool:
        return self.draw < self.chance


class Event(NamedTuple):
    """One thing that happened."""

    time: float  # seconds since `start`
    kind: str  # a key of `reporting/trace/sentences.yaml`
    rule: int
    stage: int
    team: int  # -1 none
    facts: dict[str, Any]  # numbers of the plan: seconds, indices, chances
    decision: Decision | None = None


class Trail:
    """Events of one lead, in the order in which they happened."""

    def __init__(self, lead: int) -> None:
        self.lead = lead
        self.events: list[Event] = []

    def add(self, visit: Visit, kind: str, rule: int, decision: Decision | None, facts: dict[str, Any]) -> None:
        """Note an event of a visit, when it is of this lead."""
        if visit.lead.number == self.lead:
            team = visit.assignment.team.index if visit.assignment else visit.lead.owner
            self.events.append(Event(visit.simulation.now, kind, rule, visit.stage, team, facts, decision))
