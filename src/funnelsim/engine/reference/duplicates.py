"""Found again: a person turns up as a second record, which is merged or becomes a lead of its own [88]."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from funnelsim.engine import rng
from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.reference.signals import raise_hand
from funnelsim.int64 import int64
from funnelsim.plan import SECOND_RECORD

if TYPE_CHECKING:
    from funnelsim.engine.reference.lead import Lead

SECOND = int(SECOND_RECORD)


def expect_second(lead: Lead) -> None:
    """At arrival: whether and when the person will turn up again."""
    source, simulation = lead.simulation.sources[lead.source], lead.simulation
    if source.again <= 0.0 or lead.draw(rng.P_AGAIN) >= source.again:
        return
    time = simulation.now + lead.birth_duration(source.again_after, rng.P_AGAIN_AFTER)
    if time < math.inf:
        simulation.schedule(time, EventPriority.ARRIVAL, lead.number | SECOND, 0, 0, lambda: _turn_up(lead))


def _turn_up(first: Lead) -> None:
    simulation = first.simulation
    source, visit = simulation.sources[first.source], simulation.open_visits.get(first.number)
    if visit is not None and first.draw(rng.P_MERGED) < source.merged:
        visit.merged += 1
        visit.tell("found again", 88)
        visit.nurture.apply_touches(simulation.now)
        first.points += first.source_segment.points
        visit.definitions.check()
        if not visit.over:
            raise_hand(visit)
        return
    stream = rng.bits(np.uint64(first.stream), rng.P_SECOND, int64(0), int64(0))
    second = type(first)(simulation, first.number | SECOND, int(stream), first.source, simulation.now, person=first)
    if visit is not None:
        first.duplicated = second.duplicated = True
    second.enter(source.again_stage)
