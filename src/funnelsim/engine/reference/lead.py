"""A lead: traits at birth, then one visit after another."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from funnelsim.engine import rng
from funnelsim.engine.arrival_process import INITIAL_LEADS_STREAM, in_flight_number
from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.log_odds import categorical
from funnelsim.engine.reference.draws import stream_key
from funnelsim.engine.reference.duplicates import expect_second
from funnelsim.engine.reference.visit import Visit
from funnelsim.plan_codes import Outcome

if TYPE_CHECKING:
    from funnelsim.engine.reference.simulation import Simulation


class Lead:
    """One person's interest, with the same luck in every scenario [18, 20].

    A second record has the person's traits, as the first one had them at birth, and its own luck in all else [88].
    """

    def __init__(
        self, simulation: Simulation, number: int, stream: int, source: int, arrived: float, person: Lead | None = None
    ) -> None:
        self.simulation, self.number, self.stream, self.source, self.arrived = (
            simulation,
            number,
            stream,
            source,
            arrived,
        )
        self.context = 1.0  # [49]
        self.owner = -1  # the team that had the lead last
        self.reached_by: set[int] = set()  # teams whose people have spoken to the buyer
        self.cycles = 0
        self.visits = [0] * len(simulation.stages)  # [22]
        self.next_stage = -1  # what it enters now, -1 nothing
        self.is_entering = False
        self.passed: set[int] = set()  # definitions that are thresholds [82]
        self.passed_until = -1  # the stage of a lead in flight [23]
        self.unsubscribed = self.duplicated = False  # [81, 88]
        self.duplicate = person is not None
        self.owner_draw = self.draw(rng.P_OWNER)
        if person is None:
            self.segment = self._segment()
            self.draw_traits(stream)
        else:
            self.segment = person.segment
            self.draw_traits(person.stream)
            self.ready: float = person.ready
            self.value = 0.0

    def arrive(self) -> None:
        """Enter the funnel where the source leads."""
        expect_second(self)
        source = self.simulation.sources[self.source]
        row = categorical(self.simulation.plan.exits, source.entry_first, source.entry_count, self.draw(rng.P_ENTRY))
        self.enter(self.simulation.exits[row].to)

    def enter(self, stage: int) -> None:
        """Begin a visit [25].

        A visit that is over at once leads to the next from here, not from within: there may be any number of them.
        """
        self.next_stage = stage
        if self.is_entering:
            return
        self.is_entering = True
        while self.next_stage >= 0:
            stage, self.next_stage = self.next_stage, -1
            self.visits[stage] += 1
            Visit(self, stage).begin()
        self.is_entering = False

    def leave(self, visit: Visit, outcome: int, row: SimpleNamespace) -> None:
        """Go where an exit leads, perhaps after a cool-off [32, 33]."""
        simulation, now = self.simulation, self.simulation.now
        if row.backward:
            self.cycles += 1
            if 0 <= simulation.settings.cycles < self.cycles:
                visit.close(Outcome.CYCLE_LIMIT, -1, -1.0)
                return
        cool = visit.duration(row.cool, rng.P_COOL, 0) if row.to >= 0 else 0.0
        visit.close(outcome, row.to, now + cool if cool > 0.0 else -1.0)
        if row.to < 0 or cool == math.inf:
            return
        if cool > 0.0:
            simulation.schedule(
                now + cool, EventPriority.OUTCOME, self.number, visit.stage, visit.number, lambda: self.enter(row.to)
            )
        else:
            self.enter(row.to)

    def owner_of(self, stage: int) -> int:
        """Who owns this lead in a stage: one owner luck for life divides the leads [44]; -1 nobody."""
        for team, stage_team in enumerate(self.simulation.stage_teams[stage]):
            if self.owner_draw < stage_team.share:
                return team
        return -1

    @property
    def source_segment(self) -> SimpleNamespace:
        """What leads of this source and segment are like."""
        source_segment: SimpleNamespace = self.simulation.source_segments[
            self.source * self.simulation.settings.segments + self.segment
        ]
        return source_segment

    def draw(self, what: np.uint64) -> float:
        """A uniform of the lead's birth."""
        return self.simulation.draw(self.stream, self._purpose(what), 0, 0)

    def birth_duration(self, table: int, what: np.uint64) -> float:
        """A length of time drawn at birth."""
        return self.simulation.duration(table, self.stream, self._purpose(what), 0, 0)

    def draw_traits(self, stream: int) -> None:
        """Fit, reachable or not, value, interest and readiness, drawn at birth with a person's luck [21, 91]."""
        source_segment, simulation = self.source_segment, self.simulation
        self.fit = source_segment.fit_shift + self._sample(source_segment.fit, stream, rng.P_FIT)
        self.reachable = simulation.draw(stream, self._purpose(rng.P_REACHABLE), 0, 0) < source_segment.reachable
        self.value = cents(self._sample(source_segment.value, stream, rng.P_VALUE))
        self.intent = source_segment.intent_shift + self._sample(source_segment.intent, stream, rng.P_INTENT)
        self.trust = source_segment.trust_shift + self._sample(source_segment.trust, stream, rng.P_TRUST)
        self.ready = self.arrived + simulation.duration(source_segment.ready, stream, self._purpose(rng.P_READY), 0, 0)
        self.points = source_segment.points

    def _segment(self) -> int:
        """The segment, by the shares of the source."""
        first = self.source * self.simulation.settings.segments
        u = self.draw(rng.P_SEGMENT)
        for segment in range(self.simulation.settings.segments - 1):
            if u < self.simulation.source_segments[first + segment].share:
                return segment
        return int(self.simulation.settings.segments) - 1

    def _sample(self, table: int, stream: int, what: np.uint64) -> float:
        return self.simulation.sample(table, stream, self._purpose(what), 0, 0) if table >= 0 else 0.0

    def _purpose(self, what: np.uint64) -> np.uint64:
        return stream_key(self.simulation.sources[self.source].stream, what)


def from_snapshot(simulation: Simulation, row: SimpleNamespace) -> None:
    """Put a lead of the snapshot where it was at instant 0 [23]."""
    stream = int(rng.lead_stream(simulation.key, INITIAL_LEADS_STREAM, row.id, 0))
    lead = Lead(simulation, int(in_flight_number(row.id)), stream, row.source, 0.0 - row.age)
    if row.segment >= 0:
        lead.segment = row.segment
        lead.draw_traits(stream)
    if row.value >= 0.0:
        lead.value = row.value
    lead.context = row.context
    lead.passed_until = row.stage
    lead.owner = row.team if row.team >= 0 else lead.owner_of(row.stage)
    before = lead.owner_of(row.worked) if row.worked >= 0 else -1
    if before >= 0:
        lead.reached_by.add(before)
    lead.visits[row.stage] = row.number
    Visit(lead, row.stage, row.age, inherited=True).resume_visit(row.attempts, bool(row.reached))


def cents(value: float) -> float:
    """Money as whole cents, so that sums are exact."""
    return math.floor(value * 100.0 + 0.5)
