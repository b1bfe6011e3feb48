"""What a scenario rests on besides its own figures: presets with their sources, ranges, assumptions, a fitted history.

Grades are those of docs/background/sources.md: A primary source, B reputable report of a named study, C vendor figure
without method. `assumption` is a size that nobody has published, `belief` a range that somebody has written, `fitted`
what a history says, `written` what stands in the file without a standard error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from funnelsim.scenario import presets
from funnelsim.scenario.assumptions import assumptions
from funnelsim.scenario.schema import Pursuit, Scenario

PURSUIT = "sabnis-2013"  # the preset behind every pursuit
Path = tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """One thing that the figures rest on."""

    path: str  # "stages.interest.response", as --set takes it
    value: str  # "hbr-2011", "0.6 to 1"
    grade: str  # A, B, C, assumption, belief, fitted, written
    source: str  # of a preset; else the sweep that shows how much it matters, or where it comes from


def evidence_of(scenario: Scenario, beliefs: Mapping[str, Sequence[float]]) -> list[Evidence]:
    """All of it: history first, then presets, then what nobody has published.

    `beliefs` are the ranges drawn, by path, as a manifest holds them.
    """
    assumed = assumptions(scenario)
    told = {one.path for one in assumed}
    found = [_history(scenario), *_presets(scenario, ())]
    found += [
        Evidence(one.path, one.written, "assumption", f"how much it matters: sweep --vary {one.vary}")
        for one in assumed
    ]
    found += [
        Evidence(path, f"{low:g} to {high:g}", "belief", "a range; one value is drawn for each replication")
        for path, (low, high) in beliefs.items()
        if not any(known.startswith(path) for known in told)
    ]
    return found


def _history(scenario: Scenario) -> Evidence:
    what = "conversion, times and arrivals"
    if scenario.fitted is None:
        return Evidence(what, "as in the file", "written", "written by hand, without standard errors")
    return Evidence(what, "as fitted", "fitted", "fitted to a history, drawn anew for each replication")


def _presets(thing: Any, path: Path) -> Iterator[Evidence]:
    """Every preset that is named and is no default."""
    if isinstance(thing, Pursuit):
        yield _evidence(path, "pursuit", PURSUIT)
    if isinstance(thing, BaseModel):
        for name, field in type(thing).model_fields.items():
            value, here = getattr(thing, name), (*path, field.alias or name)
            if isinstance(value, str) and name in presets.KINDS and value in presets.names(name):
                if value != field.get_default(call_default_factory=True):
                    yield _evidence(here, name, value)
            else:
                yield from _presets(value, here)
    elif isinstance(thing, dict):
        for name, one in thing.items():
            yield from _presets(one, (*path, str(name)))
    elif isinstance(thing, tuple):
        for i, one in enumerate(thing):
            yield from _presets(one, (*path, str(i)))


def _evidence(path: Path, kind: str, name: str) -> Evidence:
    preset = presets.load(kind, name)
    return Evidence(".".join(path), name, str(preset["grade"]), " ".join(str(preset["source"]).split()))
