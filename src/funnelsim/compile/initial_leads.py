"""Leads that are in the funnel at the start (rule 23), as rows of INFLIGHT in order of their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from funnelsim.compile.context import CompileContext, length
from funnelsim.compile.table_builder import Row, array
from funnelsim.engine.rng import path_hash
from funnelsim.errors import ScenarioError
from funnelsim.plan import INITIAL_LEAD

if TYPE_CHECKING:
    from funnelsim.scenario.schema import InFlight

_NAMED = 1 << 43  # numbers of 44 bits: plain ones keep their value, names get a hash in the upper half


def initial_lead_rows(context: CompileContext, sources: list[str]) -> Any:
    """The snapshot as a table; `sources` are the names of the plan's source rows. Nobody may write into it."""
    leads = context.scenario.leads_in_flight
    if not isinstance(leads, tuple):
        raise TypeError("the loader replaces {file: ...} by the leads of that file")
    stages = context.scenario.stages
    names = Names(
        tuple(sources),
        tuple(context.segments),
        tuple(context.teams),
        tuple((name, bool(stages[name].work)) for name in context.stages),
    )
    return _table(_SameLeads(leads), names, context.scenario.name)


class Names(NamedTuple):
    """What the rows depend on beside the leads."""

    sources: tuple[str, ...]
    segments: tuple[str, ...]
    teams: tuple[str, ...]
    stages: tuple[tuple[str, bool], ...]  # with work or without


@dataclass(frozen=True, eq=False)
class _SameLeads:
    """Leads told apart by which object they are: comparing thousands would cost more than it saves."""

    leads: tuple[InFlight, ...]

    def __hash__(self) -> int:
        return id(self.leads)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _SameLeads) and other.leads is self.leads


@lru_cache(maxsize=8)  # the variants of a study share their leads
def _table(leads_key: _SameLeads, names: Names, scenario: str) -> Any:
    numbered: dict[int, InFlight] = {}
    for place, lead in enumerate(leads_key.leads, start=1):
        number = lead_id(lead.id, place)
        if number in numbered:
            raise ScenarioError(f"leads_in_flight: two leads have the id '{lead.id or place}'", scenario)
        numbered[number] = lead
    worked = _worked_before(names)
    return array(INITIAL_LEAD, [_row(names, worked, number, numbered[number]) for number in sorted(numbered)])


def lead_id(text: str, place: int) -> int:
    """The number of a lead: its id when that is a number, a hash of it otherwise, its place when it has none."""
    if not text:
        return place
    if text.isdecimal() and int(text) < _NAMED:
        return int(text)
    return _NAMED | path_hash(f"lead/{text}") & (_NAMED - 1)


def _row(names: Names, worked: dict[str, int], number: int, lead: InFlight) -> Row:
    return {
        "id": number,
        "source": names.sources.index(lead.source),
        "segment": names.segments.index(lead.segment) if lead.segment else -1,
        "stage": list(worked).index(lead.stage),
        "age": length(lead.age),
        "number": lead.number,
        "worked": worked[lead.stage],
        "team": names.teams.index(lead.team) if lead.team else -1,
        "attempts": lead.attempts,
        "reached": int(lead.reached),
        "context": lead.context,
        "value": -1.0 if lead.value is None else float(round(lead.value * 100.0)),
    }


def _worked_before(names: Names) -> dict[str, int]:
    """By stage, the last one with work before it: who is here has been reached there, though no record may say so."""
    found, last = {}, -1
    for i, (stage, has_work) in enumerate(names.stages):
        found[stage] = last
        if has_work:
            last = i
    return found
