"""Leads that are in the funnel at the start (rule 23), as rows of INFLIGHT in order of their numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnelsim.compile.frame import Frame, length
from funnelsim.compile.pool import Row
from funnelsim.engine.streams import path_hash
from funnelsim.errors import ScenarioError

if TYPE_CHECKING:
    from funnelsim.scenario.schema import InFlight

_NAMED = 1 << 43                # numbers of 44 bits: plain ones keep their value, names get a hash in the upper half


def rows(frame: Frame, sources: list[str]) -> list[Row]:
    """The snapshot; `sources` are the names of the plan's source rows."""
    leads = frame.scenario.leads_in_flight
    if not isinstance(leads, tuple):
        raise TypeError("the loader replaces {file: ...} by the leads of that file")
    numbered: dict[int, InFlight] = {}
    for place, lead in enumerate(leads, start=1):
        number = lead_id(lead.id, place)
        if number in numbered:
            raise ScenarioError(f"leads_in_flight: two leads have the id '{lead.id or place}'", frame.scenario.name)
        numbered[number] = lead
    return [_row(frame, sources, number, numbered[number]) for number in sorted(numbered)]


def lead_id(text: str, place: int) -> int:
    """The number of a lead: its id when that is a number, a hash of it otherwise, its place when it has none."""
    if not text:
        return place
    if text.isdecimal() and int(text) < _NAMED:
        return int(text)
    return _NAMED | path_hash(f"lead/{text}") & (_NAMED - 1)


def _row(frame: Frame, sources: list[str], number: int, lead: InFlight) -> Row:
    return {
        "id": number, "source": sources.index(lead.source),
        "segment": frame.segments[lead.segment] if lead.segment else -1,
        "stage": frame.stages[lead.stage], "age": length(lead.age), "number": lead.number,
        "worked": _worked_before(frame, lead.stage),
        "team": frame.teams[lead.team] if lead.team else -1, "attempts": lead.attempts, "reached": int(lead.reached),
        "context": lead.context, "value": -1.0 if lead.value is None else float(round(lead.value * 100.0)),
    }


def _worked_before(frame: Frame, stage: str) -> int:
    """The last stage with work before this one: who is here has been reached there, though no record may say so."""
    before = list(frame.stages)[:frame.stages[stage]]
    return max((frame.stages[name] for name in before if frame.scenario.stages[name].work), default=-1)
