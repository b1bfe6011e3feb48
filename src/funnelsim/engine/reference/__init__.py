"""The reference engine, on SimPy: the semantics, to be read.

The clockwork is in `simulation`. What happens to a lead: `lead` (traits, ways), `duplicates`, `visit` (entry, handoff,
closing), `outcome` and `gate`. What moves its interest: `nurture`, `signals`, `definitions`, `scores`.
What people do: `assignment` with `promises`, `clocks`, `acceptance` and `pursuit`; `work` with `attempts` and `tasks`;
`team` with its `queues`. What both look at: `effects`, `levels`, `loss_attribution`.
"""

from __future__ import annotations

from typing import Any

from funnelsim.engine.arrival_process import in_flight_number
from funnelsim.engine.event_priority import EventPriority
from funnelsim.engine.reference.lead import Lead, from_snapshot
from funnelsim.engine.reference.simulation import Simulation, rows
from funnelsim.engine.reference.trail import Trail
from funnelsim.plan import Plan
from funnelsim.run_tables import Trace


def run(plan: Plan, seed: int, replication: int, trail: Trail | None = None) -> Trace:
    """One replication; the tables of all that happened before the horizon. A trail is filled with its lead's events."""
    simulation = Simulation(plan, seed, replication, trail)
    for row in rows(plan.initial_leads):
        _schedule_snapshot(simulation, row)
    for time, number, stream, source in simulation.arrivals():
        _schedule_arrival(simulation, time, number, stream, source)
    simulation.run()
    for visit in list(simulation.open_visits.values()):
        visit.censor()
    return Trace.of(
        simulation.visits, simulation.assignments, simulation.attempts, simulation.passages, simulation.levels.by_day
    )


def _schedule_snapshot(simulation: Simulation, row: Any) -> None:
    number = int(in_flight_number(row.id))
    simulation.schedule(0.0, EventPriority.ARRIVAL, number, 0, 0, lambda: from_snapshot(simulation, row))


def _schedule_arrival(simulation: Simulation, time: float, number: int, stream: int, source: int) -> None:
    simulation.schedule(
        time, EventPriority.ARRIVAL, number, 0, 0, lambda: Lead(simulation, number, stream, source, time).arrive()
    )
