"""The story of one lead: chosen from the tables of a replication, told by the reference engine.

Both engines give the same tables, so the fast one finds the lead and the reference one tells of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from funnelsim.engine.replicate import replicate, tell
from funnelsim.errors import UsageError
from funnelsim.plan import Labels, Plan
from funnelsim.plan_codes import ClockState, DefinitionKind, Outcome
from funnelsim.run_tables import Trace

NAMED = 5  # leads that an error names
LOSSES = (Outcome.LOST, Outcome.UNREACHED, Outcome.COLD, Outcome.RETURNED, Outcome.REJECTED, Outcome.CYCLE_LIMIT)


class LeadStory(NamedTuple):
    """What happened to a lead, and why."""

    lead: int
    seed: int
    replication: int
    plan: Plan
    labels: Labels
    visits: Any  # its rows of the visits table, in order of time
    assignments: Any
    attempts: Any
    events: list[Any]  # `Event`s of engine/reference/trail.py


def story_of_lead(
    plan: Plan, labels: Labels, seed: int, replication: int, lead: int | None = None, which: str = ""
) -> LeadStory:
    """The story of a lead by its number, or of the first one that is `which`: "won", "late", "lost"; else the first.

    Raises UsageError when the replication has no such lead; it names some.
    """
    (trace,) = replicate(plan, seed, [replication], tables=True).traces or []
    chosen = _choose(trace, plan, labels, replication, lead, which)
    told, events = tell(plan, seed, replication, chosen)
    rows = [table[table.lead == chosen] for table in (told.visits, told.assignments, told.attempts)]
    visits, assignments, attempts = rows
    order = np.lexsort((visits.number, visits.entered))
    return LeadStory(chosen, seed, replication, plan, labels, visits[order], assignments, attempts, events)


def _choose(trace: Trace, plan: Plan, labels: Labels, replication: int, lead: int | None, which: str) -> int:
    leads = np.unique(trace.visits.lead)
    if len(leads) == 0:
        raise UsageError(f"no lead arrives in replication {replication}")
    if lead is not None:
        if lead not in leads:
            some = ", ".join(str(one) for one in leads[:: max(1, len(leads) // NAMED)][:NAMED])
            raise UsageError(f"replication {replication} has no lead {lead} among its {len(leads):,}, such as {some}")
        return lead
    found = WHICH[which](trace, plan, labels) if which else leads
    if len(found) == 0:
        raise UsageError(f"no lead of replication {replication} is {which}: try another --replication")
    return int(found[0])


def _won(trace: Trace, plan: Plan, labels: Labels) -> Any:
    """Leads by the instant at which they were won."""
    if labels.won < 0:
        raise UsageError("the scenario does not define `won`: name a lead by --lead")
    definition = plan.definitions[labels.won]
    if definition.kind == DefinitionKind.MILESTONE:
        visits = trace.visits[(trace.visits.stage == definition.stage) & (trace.visits.number == 1)]
        return visits.lead[np.argsort(visits.entered, kind="stable")]
    passages = trace.passages[trace.passages.definition == labels.won]
    return passages.lead[np.argsort(passages["at"], kind="stable")]


def _late(trace: Trace, plan: Plan, labels: Labels) -> Any:
    """Leads whose promise of a first touch was missed, by its deadline."""
    missed = trace.assignments[trace.assignments.first_touch == ClockState.MISSED]
    return missed.lead[np.argsort(missed.deadline, kind="stable")]


def _lost(trace: Trace, plan: Plan, labels: Labels) -> Any:
    """Leads that left for good without having been won, by that instant."""
    lost = trace.visits[np.isin(trace.visits.outcome, LOSSES) & (trace.visits.to < 0)]
    return lost.lead[np.argsort(lost.ended, kind="stable")]


WHICH: dict[str, Callable[[Trace, Plan, Labels], Any]] = {"won": _won, "late": _late, "lost": _lost}
