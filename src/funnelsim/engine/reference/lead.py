"""A lead: traits at birth, then one visit after another."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from funnelsim.engine import order, streams
from funnelsim.engine.arrivals import IN_FLIGHT_LUCK, in_flight_number
from funnelsim.engine.odds import pick
from funnelsim.engine.reference.model import purpose
from funnelsim.engine.reference.visit import Visit
from funnelsim.plan import CYCLE_LIMIT

if TYPE_CHECKING:
    from funnelsim.engine.reference.model import Model


class Lead:
    """One person's interest, with the same luck in every scenario [18, 20]."""

    def __init__(self, model: Model, number: int, luck: int, source: int, arrived: float) -> None:
        self.model, self.number, self.luck, self.source, self.arrived = model, number, luck, source, arrived
        self.context = 1.0                              # [49]
        self.owner = -1                                 # the team that had the lead last
        self.reached_by: set[int] = set()               # teams whose people have spoken to the buyer
        self.cycles = 0
        self.visits = [0] * len(model.stages)           # [22]
        self.segment = self._segment()
        self._traits()

    def arrive(self) -> None:
        """Enter the funnel where the source leads."""
        source = self.model.sources[self.source]
        row = pick(self.model.plan.exits, source.entry_first, source.entry_count, self.draw(streams.P_ENTRY))
        self.enter(self.model.exits[row].to)

    def enter(self, stage: int) -> None:
        """Begin a visit [25]."""
        self.visits[stage] += 1
        Visit(self, stage).begin()

    def leave(self, visit: Visit, outcome: int, row: SimpleNamespace) -> None:
        """Go where an exit leads, perhaps after a cool-off [32, 33]."""
        model, now = self.model, self.model.now
        if row.backward:
            self.cycles += 1
            if 0 <= model.settings.cycles < self.cycles:
                visit.close(CYCLE_LIMIT, -1, -1.0)
                return
        cool = visit.duration(row.cool, streams.P_COOL, 0) if row.to >= 0 else 0.0
        visit.close(outcome, row.to, now + cool if cool > 0.0 else -1.0)
        if row.to < 0 or cool == math.inf:
            return
        if cool > 0.0:
            model.at(now + cool, order.OUTCOME, self.number, visit.stage, visit.number, lambda: self.enter(row.to))
        else:
            self.enter(row.to)

    def owner_of(self, stage: int) -> int:
        """Who owns this lead in a stage: one owner luck for life divides the leads [44]; -1 nobody."""
        for team, duty in enumerate(self.model.duties[stage]):
            if self.owner_luck < duty.share:
                return team
        return -1

    def draw(self, what: np.uint64, base: int | None = None) -> float:
        """A uniform of the lead's birth."""
        source = self.model.sources[self.source].luck if base is None else base
        return self.model.draw(self.luck, purpose(source, what), 0, 0)

    def _segment(self) -> int:
        """The segment, by the shares of the source."""
        first = self.source * self.model.settings.segments
        u = self.draw(streams.P_SEGMENT)
        for segment in range(self.model.settings.segments - 1):
            if u < self.model.mixes[first + segment].share:
                return segment
        return int(self.model.settings.segments) - 1

    def _traits(self) -> None:
        """Fit, reachable or not, value and owner luck, drawn at birth [21]."""
        mix = self.model.mixes[self.source * self.model.settings.segments + self.segment]
        base = self.model.sources[self.source].luck
        self.fit = mix.fit_shift
        if mix.fit >= 0:
            self.fit += self.model.sample(mix.fit, self.luck, purpose(base, streams.P_FIT), 0, 0)
        self.reachable = self.draw(streams.P_REACHABLE) < mix.reachable
        self.value = 0.0
        if mix.value >= 0:
            self.value = cents(self.model.sample(mix.value, self.luck, purpose(base, streams.P_VALUE), 0, 0))
        self.owner_luck = self.draw(streams.P_OWNER)


def from_snapshot(model: Model, row: SimpleNamespace) -> None:
    """Put a lead of the snapshot where it was at instant 0 [23]."""
    luck = int(streams.lead_luck(model.key, IN_FLIGHT_LUCK, row.id, 0))
    lead = Lead(model, int(in_flight_number(row.id)), luck, row.source, 0.0 - row.age)
    if row.segment >= 0:
        lead.segment = row.segment
        lead._traits()
    if row.value >= 0.0:
        lead.value = row.value
    lead.context = row.context
    lead.owner = row.team if row.team >= 0 else lead.owner_of(row.stage)
    before = lead.owner_of(row.worked) if row.worked >= 0 else -1
    if before >= 0:
        lead.reached_by.add(before)
    lead.visits[row.stage] = row.number
    Visit(lead, row.stage, row.age, inherited=True).resume(row.attempts, bool(row.reached))


def cents(value: float) -> float:
    """Money as whole cents, so that sums are exact."""
    return math.floor(value * 100.0 + 0.5)
