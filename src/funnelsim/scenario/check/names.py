"""Every name must mean something."""

from __future__ import annotations

from collections.abc import Iterable

from funnelsim.scenario.check.findings import Findings, Path
from funnelsim.scenario.schema import CurveEffect, Effect, Scenario, Terms

ENDS = ("lost", "silent")
RESERVED = {"stages": (*ENDS, "rest", "none"), "calendars": ("always", "none"), "teams": ("rest", "none"),
            "sources": ("none",), "segments": ("rest", "none"), "definitions": ("none",)}


def check_spelling(scenario: Scenario, found: Findings) -> None:
    """A name must not be a word of the file format, and `--set stages.interest...` parts its keys at dots."""
    for kind, reserved in RESERVED.items():
        for name in getattr(scenario, kind):
            if name in reserved:
                found.error((kind, name), f"'{name}' has a meaning of its own and names no {kind[:-1]}",
                            "choose another name", name)
            elif "." in name or "=" in name or not name.strip():
                found.error((kind, name), f"'{name}' cannot be a name: --set could not reach it",
                            "a name has no dots and no equals sign", name)


def check_stage_names(scenario: Scenario, found: Findings) -> None:
    for name, source in scenario.sources.items():
        _all("stage", source.enters or (), scenario.stages, ("sources", name, "enters"), found)
    for name, stage in scenario.stages.items():
        for exits in ("next", "unreached", "cold"):
            _all("stage", getattr(stage, exits) or (), [*scenario.stages, *ENDS], ("stages", name, exits), found)
    for name, definition in scenario.definitions.items():
        _all("stage", [definition.stage], scenario.stages, ("definitions", name), found)
    _all("stage", scenario.ownership, scenario.stages, ("ownership",), found)
    for name, effect in scenario.effects:
        stages = effect.stages if isinstance(effect, Effect | CurveEffect) else None
        _all("stage", stages or (), scenario.stages, ("effects", name, "stages"), found)
    if scenario.history:
        for name, exits_seen in scenario.history.stages.items():
            _all("stage", [name], scenario.stages, ("history", "stages"), found)
            _all("stage", exits_seen, [*scenario.stages, *ENDS], ("history", "stages", name), found)


def check_team_names(scenario: Scenario, found: Findings) -> None:
    for name, stage in scenario.stages.items():
        for i, work in enumerate(stage.work):
            _all("team", [work.by] if work.by else (), scenario.teams, ("stages", name, "work", i, "by"), found)
    for name, shares in scenario.ownership.items():
        _all("team", shares, scenario.teams, ("ownership", name), found)
    _all("team", scenario.handoff.to, scenario.teams, ("handoff", "to"), found)
    for i, cost in enumerate(scenario.costs):
        _all("team", [cost.team] if cost.team else (), scenario.teams, ("costs", i, "team"), found)


def check_promise_names(scenario: Scenario, found: Findings) -> None:
    if scenario.promises is None:
        return
    _all("team", scenario.promises.teams, scenario.teams, ("promises", "teams"), found)
    for i, volume in enumerate(scenario.promises.marketing_delivers):
        _all("definition", [volume.definition], scenario.definitions, ("promises", "marketing_delivers", i), found)
    for path, terms in all_terms(scenario):
        _all("stage", terms.stages or (), scenario.stages, (*path, "stages"), found)
        for key in ("on_breach", "on_attempts_breach"):
            for action in getattr(terms, key):
                known = scenario.teams if action.kind == "reassign" else [*scenario.stages, *ENDS]
                kind = "team" if action.kind == "reassign" else "stage"
                where = (*path, key, f"{100 * action.fraction:g}%")
                _all(kind, [action.to] if action.to else (), known, where, found)


def check_calendar_names(scenario: Scenario, found: Findings) -> None:
    known = [*scenario.calendars, "always"]
    for name, team in scenario.teams.items():
        _all("calendar", [team.calendar], known, ("teams", name, "calendar"), found)
        for i, shift in enumerate(team.shifts):
            _all("calendar", [shift.calendar], known, ("teams", name, "shifts", i, "calendar"), found)


def check_segment_names(scenario: Scenario, found: Findings) -> None:
    for name, source in scenario.sources.items():
        _all("segment", source.segments or (), scenario.segments, ("sources", name, "segments"), found)


def check_preset_names(scenario: Scenario, found: Findings) -> None:
    from funnelsim.scenario import presets

    def known(kind: str, *others: str) -> list[str]:
        return list(dict.fromkeys([*presets.names(kind), *others]))

    for name, stage in scenario.stages.items():
        if isinstance(stage.response, str):
            _all("response curve", [stage.response], known("response"), ("stages", name, "response"), found)
        for i, work in enumerate(stage.work):
            if isinstance(work.contact, str):
                path = ("stages", name, "work", i, "contact")
                _all("contact table", [work.contact], known("contact", "always"), path, found)
    for name, team in scenario.teams.items():
        if isinstance(team.habit, str):
            _all("habit", [team.habit], known("habit"), ("teams", name, "habit"), found)
    for name, source in scenario.sources.items():
        if isinstance(source.profile, str):
            _all("profile", [source.profile], known("profile", "flat"), ("sources", name, "profile"), found)


def check_paces(scenario: Scenario, found: Findings) -> None:
    """A pace by exit names every exit that shows at some time, and no other."""
    for name, stage in scenario.stages.items():
        if not isinstance(stage.pace, dict) or stage.next is None:
            continue
        for target in stage.pace:
            if target not in stage.next:
                found.unknown("exit", target, stage.next, ("stages", name, "pace", target))
        for target in stage.next:
            if target not in stage.pace and target != "silent":
                found.error(("stages", name, "pace"), f"the pace of {name} says nothing of the exit '{target}'",
                            f"add {target}: a time, or give one pace for all exits")


def check_leads_in_flight(scenario: Scenario, found: Findings) -> None:
    seen: set[str] = set()
    if not isinstance(scenario.leads_in_flight, tuple):
        return
    for i, lead in enumerate(scenario.leads_in_flight):
        here: Path = ("leads_in_flight", i)
        _all("stage", [lead.stage], scenario.stages, (*here, "stage"), found)
        _all("source", [lead.source], scenario.sources, (*here, "source"), found)
        _all("segment", [lead.segment] if lead.segment else (), scenario.segments, (*here, "segment"), found)
        _all("team", [lead.team] if lead.team else (), scenario.teams, (*here, "team"), found)
        if not lead.id:
            found.error(here, "a lead in flight needs an id", "leads keep their luck by it")
        elif lead.id in seen:
            found.error((*here, "id"), f"the id '{lead.id}' is here twice", "each lead once")
        seen.add(lead.id)


def all_terms(scenario: Scenario) -> list[tuple[Path, Terms]]:
    assert scenario.promises is not None
    return [(("promises",), scenario.promises),
            *((("promises", "teams", name), terms) for name, terms in scenario.promises.teams.items())]


def _all(kind: str, names: Iterable[str], known: Iterable[str], path: Path, found: Findings) -> None:
    """Each name is known; the complaint is at the name, be it a key or a value."""
    known, unread = list(known), found.unread(f"{kind}s")
    for name in names:
        if unread is not None and name not in (*known, *unread):
            found.unknown(kind, name, known, (*path, name))
