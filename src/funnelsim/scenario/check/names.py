"""Every name must mean something."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from funnelsim.scenario.check.findings import Findings, Path
from funnelsim.scenario.schema import CurveEffect, Effect, InFlight, Scenario, Terms, Tier

ENDS = ("lost", "silent")
BREACHES = {"on_breach": "first_touch", "on_attempts_breach": "attempts", "on_accept_breach": "accept"}
"""The actions, and the term they act on."""
RESERVED = {
    "stages": (*ENDS, "rest", "none"),
    "calendars": ("always", "none"),
    "teams": ("rest", "none"),
    "sources": ("none",),
    "segments": ("rest", "none"),
    "definitions": ("none",),
    "scores": ("none",),
    "levels": ("none",),
    "influences": ("none",),
}


def check_spelling(scenario: Scenario, findings: Findings) -> None:
    """A name must not be a word of the file format, and `--set stages.interest...` parts its keys at dots."""
    for kind, reserved in RESERVED.items():
        for name in getattr(scenario, kind):
            if name in reserved:
                findings.error(
                    (kind, name),
                    f"'{name}' has a meaning of its own and names no {kind[:-1]}",
                    "choose another name",
                    name,
                )
            elif "." in name or "=" in name or not name.strip():
                findings.error(
                    (kind, name),
                    f"'{name}' cannot be a name: --set could not reach it",
                    "a name has no dots and no equals sign",
                    name,
                )


def check_stage_names(scenario: Scenario, findings: Findings) -> None:
    for name, source in scenario.sources.items():
        all_named("stage", source.enters or (), scenario.stages, ("sources", name, "enters"), findings)
        again = source.found_again.enters if source.found_again else None
        all_named(
            "stage", [again] if again else (), scenario.stages, ("sources", name, "found_again", "enters"), findings
        )
    for name, stage in scenario.stages.items():
        for exits in ("next", "unreached", "cold", "rejected"):
            all_named(
                "stage", getattr(stage, exits) or (), [*scenario.stages, *ENDS], ("stages", name, exits), findings
            )
    for name, definition in scenario.definitions.items():
        entered = [definition.stage] if definition.stage else ()
        all_named("stage", entered, scenario.stages, ("definitions", name), findings)
    all_named("stage", scenario.ownership, scenario.stages, ("ownership",), findings)
    for name, effect in scenario.effects:
        stages = effect.stages if isinstance(effect, Effect | CurveEffect) else None
        all_named("stage", stages or (), scenario.stages, ("effects", name, "stages"), findings)
    for name, influence in scenario.influences.items():
        all_named("stage", influence.stages or (), scenario.stages, ("influences", name, "stages"), findings)
    if scenario.history:
        for name, exits_seen in scenario.history.stages.items():
            all_named("stage", [name], scenario.stages, ("history", "stages"), findings)
            all_named("stage", exits_seen, [*scenario.stages, *ENDS], ("history", "stages", name), findings)


def check_team_names(scenario: Scenario, findings: Findings) -> None:
    for name, stage in scenario.stages.items():
        for i, work in enumerate(stage.work):
            all_named("team", [work.by] if work.by else (), scenario.teams, ("stages", name, "work", i, "by"), findings)
    for name, shares in scenario.ownership.items():
        all_named("team", shares, scenario.teams, ("ownership", name), findings)
    all_named("team", scenario.handoff.to, scenario.teams, ("handoff", "to"), findings)
    for kind in ("levels", "influences"):
        for name, one in getattr(scenario, kind).items():
            all_named("team", [one.team] if one.team else (), scenario.teams, (kind, name, "team"), findings)
    for i, cost in enumerate(scenario.costs):
        all_named("team", [cost.team] if cost.team else (), scenario.teams, ("costs", i, "team"), findings)


def check_promise_names(scenario: Scenario, findings: Findings) -> None:
    if scenario.promises is None:
        return
    all_named("team", scenario.promises.teams, scenario.teams, ("promises", "teams"), findings)
    for i, volume in enumerate(scenario.volumes):
        path: Path = ("promises", "marketing_delivers", i)
        segment, _, last = volume.definition.rpartition(" ")
        if segment and volume.definition not in scenario.definitions and last in scenario.definitions:
            all_named("segment", [segment], scenario.segments, path, findings)
        else:
            all_named("definition", [volume.definition], scenario.definitions, path, findings)
    for path, terms in all_terms(scenario):
        all_named("stage", terms.stages or (), scenario.stages, (*path, "stages"), findings)
    for path, tier in all_tiers(scenario):
        all_named("segment", tier.segments or (), scenario.segments, (*path, "segments"), findings)
        all_named("source", tier.sources or (), scenario.sources, (*path, "sources"), findings)
    for path, clocks in [*all_terms(scenario), *all_tiers(scenario)]:
        for key in BREACHES:
            for action in getattr(clocks, key):
                known = scenario.teams if action.kind == "reassign" else [*scenario.stages, *ENDS]
                kind = "team" if action.kind == "reassign" else "stage"
                where = (*path, key, f"{100 * action.fraction:g}%")
                all_named(kind, [action.to] if action.to else (), known, where, findings)


def check_calendar_names(scenario: Scenario, findings: Findings) -> None:
    known = [*scenario.calendars, "always"]
    for name, team in scenario.teams.items():
        all_named("calendar", [team.calendar], known, ("teams", name, "calendar"), findings)
        for i, shift in enumerate(team.shifts):
            all_named("calendar", [shift.calendar], known, ("teams", name, "shifts", i, "calendar"), findings)


def check_segment_names(scenario: Scenario, findings: Findings) -> None:
    for name, source in scenario.sources.items():
        all_named("segment", source.segments or (), scenario.segments, ("sources", name, "segments"), findings)


def check_preset_names(scenario: Scenario, findings: Findings) -> None:
    from funnelsim.scenario import presets

    def known(kind: str, *others: str) -> list[str]:
        return list(dict.fromkeys([*presets.names(kind), *others]))

    for name, stage in scenario.stages.items():
        if isinstance(stage.response, str):
            all_named("response curve", [stage.response], known("response"), ("stages", name, "response"), findings)
        for i, work in enumerate(stage.work):
            if isinstance(work.contact, str):
                path = ("stages", name, "work", i, "contact")
                all_named("contact table", [work.contact], known("contact", "always"), path, findings)
    for name, team in scenario.teams.items():
        if isinstance(team.habit, str):
            all_named("habit", [team.habit], known("habit"), ("teams", name, "habit"), findings)
    for name, source in scenario.sources.items():
        if isinstance(source.profile, str):
            all_named("profile", [source.profile], known("profile", "flat"), ("sources", name, "profile"), findings)


def check_hours(scenario: Scenario, findings: Findings) -> None:
    from funnelsim.scenario import presets

    hour = scenario.effects.hour
    if isinstance(hour, str):
        all_named("preset of hours", [hour], presets.names("hour"), ("effects", "hour"), findings)


def check_paces(scenario: Scenario, findings: Findings) -> None:
    """A pace by exit names every exit that shows at some time, and no other."""
    for name, stage in scenario.stages.items():
        if not isinstance(stage.pace, dict) or stage.next is None:
            continue
        for target in stage.pace:
            if target not in stage.next:
                findings.unknown("exit", target, stage.next, ("stages", name, "pace", target))
        for target in stage.next:
            if target not in stage.pace and target != "silent":
                findings.error(
                    ("stages", name, "pace"),
                    f"the pace of {name} says nothing of the exit '{target}'",
                    f"add {target}: a time, or give one pace for all exits",
                )


def check_leads_in_flight(scenario: Scenario, findings: Findings) -> None:
    seen: set[str] = set()
    if not isinstance(scenario.leads_in_flight, tuple) or _all_leads_known(scenario, scenario.leads_in_flight):
        return
    for i, lead in enumerate(scenario.leads_in_flight):
        here: Path = ("leads_in_flight", i)
        all_named("stage", [lead.stage], scenario.stages, (*here, "stage"), findings)
        all_named("source", [lead.source], scenario.sources, (*here, "source"), findings)
        all_named("segment", [lead.segment] if lead.segment else (), scenario.segments, (*here, "segment"), findings)
        all_named("team", [lead.team] if lead.team else (), scenario.teams, (*here, "team"), findings)
        if not lead.id:
            findings.error(here, "a lead in flight needs an id", "leads keep their luck by it")
        elif lead.id in seen:
            findings.error((*here, "id"), f"the id '{lead.id}' is here twice", "each lead once")
        seen.add(lead.id)


def _all_leads_known(scenario: Scenario, leads: Sequence[InFlight]) -> bool:
    """The quick answer: a study checks the same thousands of leads at each of its points."""
    named = (
        {lead.stage for lead in leads} <= scenario.stages.keys()
        and {lead.source for lead in leads} <= scenario.sources.keys()
        and {lead.segment for lead in leads if lead.segment} <= scenario.segments.keys()
        and {lead.team for lead in leads if lead.team} <= scenario.teams.keys()
    )
    ids = {lead.id for lead in leads}
    return named and len(ids) == len(leads) and "" not in ids


def all_terms(scenario: Scenario) -> list[tuple[Path, Terms]]:
    assert scenario.promises is not None
    return [
        (("promises",), scenario.promises),
        *((("promises", "teams", name), terms) for name, terms in scenario.promises.teams.items()),
    ]


def all_tiers(scenario: Scenario) -> list[tuple[Path, Tier]]:
    """Every tier as written, and where."""
    return [
        ((*path, "tiers", i), tier)
        for path, terms in (all_terms(scenario) if scenario.promises else [])
        for i, tier in enumerate(terms.tiers)
    ]


def all_named(kind: str, names: Iterable[str], known: Iterable[str], path: Path, findings: Findings) -> None:
    """Each name is known; the complaint is at the name, be it a key or a value."""
    known, unparsed = list(known), findings.unparsed(f"{kind}s")
    for name in names:
        if unparsed is not None and name not in (*known, *unparsed):
            findings.unknown(kind, name, known, (*path, name))
