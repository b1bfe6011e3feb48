"""How large a replication of a plan will be: leads, visits, memory, time. What could not be run is refused before.

Expected numbers, from shares and rates with effects left out. Time holds visits back: an exit that takes as long as the
run is worth a part of one, so that a customer who comes back every year does so only as often as the run has years.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from funnelsim.engine.rng import quantile_at
from funnelsim.plan import WEEK, Plan
from funnelsim.scenario.parsers.limits import shown_limit
from funnelsim.typing import FloatArray

MOST_LEADS, MANY_LEADS = 50e6, 1e6
MOST_VISITS = 2e9
MOST_MEMORY = 16e9
MOST_VALUE = 2.0**53 / 100.0  # cents are added up exactly as long as they are below 2**53
MANY_SECONDS = 120.0
BYTES_A_LEAD = 2 * 1200  # room is doubled when it is full
VISITS_A_SECOND, ATTEMPTS_A_SECOND = 3e6, 1.5e6  # a slow processor
RANKS = (np.arange(64) + 0.5) / 64


class ReplicationSize(NamedTuple):
    """One replication, in expectation; memory if all leads were there at a time."""

    leads: float
    visits: float
    attempts: float
    memory: float  # bytes
    value: float  # of all leads
    seconds: float


def replication_size(plan: Plan) -> ReplicationSize:
    """The expected size of one replication."""
    by_source = _leads(plan)
    leads = float(by_source.sum()) + len(plan.initial_leads)
    entering = _entering(plan, by_source)
    visits = _visits(plan, entering)
    attempts = _attempts(plan, visits)
    value = sum(
        by_source[i // int(plan.settings[0].segments)] * _mean(plan, row.value)
        for i, row in enumerate(plan.source_segments)
    )
    seconds = visits.sum() / VISITS_A_SECOND + attempts / ATTEMPTS_A_SECOND
    return ReplicationSize(leads, float(visits.sum()), attempts, leads * BYTES_A_LEAD, float(value), float(seconds))


def too_large(size: ReplicationSize) -> tuple[str, str] | None:
    """What is wrong with a replication that could not be run, and what to write instead; None when it can be."""
    if size.leads > MOST_LEADS or size.memory > MOST_MEMORY:
        most = min(MOST_LEADS, MOST_MEMORY / BYTES_A_LEAD)
        return (
            f"a replication would have {_about(size.leads)} leads and need {size.memory / 1e9:,.0f} GB of memory",
            f"at most {shown_limit(float(f'{most:.1g}'))} leads: lower rates and batches, or shorten observe and "
            "warm_up",
        )
    if size.visits > MOST_VISITS:
        return (
            f"a replication would have {_about(size.visits)} visits: leads go round too often",
            f"at most {shown_limit(MOST_VISITS)}: let more leads leave a round, or limit cycles",
        )
    if size.value > MOST_VALUE:
        return (
            f"all deals of a replication would be worth {size.value:.1e}, too much to be added up to the cent",
            f"at most {MOST_VALUE:.0e}: count money in thousands",
        )
    return None


def is_large(size: ReplicationSize) -> tuple[str, str] | None:
    """What a user should know of a replication that takes long; None when it does not."""
    if size.leads > MANY_LEADS or size.seconds > MANY_SECONDS:
        return (
            f"a replication has about {_about(size.leads)} leads, {_about(size.visits)} visits and "
            f"{_about(size.attempts)} attempts: it may take {max(1.0, size.seconds / 60.0):,.0f} min and "
            f"{size.memory / 1e9:.1f} GB",
            "lower rates, a shorter observe, or fewer --replications",
        )
    return None


def _leads(plan: Plan) -> FloatArray:
    """Leads of each source until the horizon, those found again included."""
    horizon = float(plan.settings[0].horizon)
    leads = np.zeros(len(plan.sources))
    for i, row in enumerate(plan.sources):
        steps = plan.points[row.rate_first : row.rate_first + row.rate_count]
        begins = np.maximum(np.concatenate(([0.0], steps.x[1:])) if len(steps) else np.zeros(0), max(row.first, 0.0))
        ends = np.minimum(np.concatenate((steps.x[1:], [horizon])) if len(steps) else np.zeros(0), row.last)
        leads[i] = (np.maximum(np.minimum(ends, horizon) - begins, 0.0) * steps.y).sum() / WEEK
        if row.batch > 0 and 0.0 <= row.batch_at < horizon:
            leads[i] += row.batch
        leads[i] *= 1.0 + row.again
    return leads


def _entering(plan: Plan, by_source: FloatArray) -> FloatArray:
    """Leads that begin in each stage."""
    entering = np.zeros(len(plan.stages))
    for row, leads in zip(plan.sources, by_source, strict=True):
        for exit_ in plan.exits[row.entry_first : row.entry_first + row.entry_count]:
            entering[exit_.to] += leads * exit_.share
    np.add.at(entering, plan.initial_leads.stage, 1.0)
    return entering


def _visits(plan: Plan, entering: FloatArray) -> FloatArray:
    """Visits of each stage: those of leads who begin there, and of those who come by an exit.

    An exit after T counts as exp(-T / horizon) of a visit; what happens within the horizon is at most e times that.
    """
    stages, cycles = len(plan.stages), int(plan.settings[0].cycles)
    ways = np.zeros((stages, stages))
    for stage, row in enumerate(plan.stages):
        reached, tried = _chances_of_contact(plan, row)
        chance = float(row["base"])  # `row.base` is what NumPy calls so
        middle = row.next_first + row.next_forward
        for first, end, weight in (
            (row.next_first, middle, reached * chance),
            (middle, row.next_first + row.next_count, reached * (1.0 - chance)),
            (row.unreached_first, row.unreached_first + row.unreached_count, 1.0 - reached if tried else 0.0),
        ):
            for exit_ in plan.exits[first:end]:
                if exit_.to >= 0:
                    ways[stage, exit_.to] += weight * exit_.share * _held_back(plan, exit_)
    bound = np.full(stages, math.inf)
    if cycles >= 0:  # a way back each time but one, and ways forward between them
        bound = np.full(stages, entering.sum() * (cycles + 1.0))
    if not entering.sum():
        return entering
    found = np.full(stages, math.inf)
    if max(abs(np.linalg.eigvals(ways))) < 1.0 - 1e-12:
        found[:] = np.maximum(np.linalg.solve(np.eye(stages) - ways.T, entering), 0.0)
    visits: FloatArray = np.minimum(bound, found)
    return visits


def _chances_of_contact(plan: Plan, row: Any) -> tuple[float, bool]:
    """Chance that the work of a stage reaches the buyer, and whether there is work."""
    missed = 1.0
    for step in plan.steps[row.step_first : row.step_first + row.step_count]:
        chances = plan.points.y[step.contact_first : step.contact_first + step.contact_count]
        known, more = chances[: int(step.attempts)], max(0, int(step.attempts) - len(chances))
        missed *= float(np.prod(1.0 - known)) * float(1.0 - chances[-1]) ** more
    return (1.0 - missed, True) if row.step_count else (1.0, False)


def _attempts(plan: Plan, visits: FloatArray) -> float:
    """Attempts, as far as the people there are have time for them."""
    horizon, wanted, busiest = float(plan.settings[0].horizon), 0.0, 0.0
    for row, times in zip(plan.stages, visits, strict=True):
        left = 1.0
        for step in plan.steps[row.step_first : row.step_first + row.step_count]:
            chance = float(plan.points.y[step.contact_first + step.contact_count - 1])
            apart = max(float(step.spacing), _mean(plan, step.handling), 1e-3)
            most = min(float(step.attempts), 1.0 + horizon / apart)
            tries = most if chance <= 0.0 else (1.0 - (1.0 - chance) ** most) / chance
            wanted += times * left * tries
            busiest += times * left * tries * _mean(plan, step.handling)
            left *= (1.0 - chance) ** most
    capacity = float(plan.teams.people.sum()) * horizon
    return wanted * min(1.0, capacity / busiest) if busiest > capacity else wanted


def _held_back(plan: Plan, exit_: Any) -> float:
    """What an exit counts for, given the time it takes."""
    horizon, worth = float(plan.settings[0].horizon), 1.0
    for table in (exit_.pace, exit_.cool):
        if table >= 0:
            worth *= float(np.exp(-_values(plan, table) / horizon).mean())
    return worth


def _mean(plan: Plan, table: int) -> float:
    """Of what happens; 0 where there is no table."""
    if table < 0:
        return 0.0
    values = _values(plan, table)
    return float(values[np.isfinite(values)].mean()) if np.isfinite(values).any() else 0.0


def _values(plan: Plan, table: int) -> FloatArray:
    return np.array([quantile_at(plan.tables, np.int64(table), float(u)) for u in RANKS])


def _about(count: float) -> str:
    return f"{float(f'{count:.2g}'):,.0f}"
