"""Every stage can be reached and left, in time, and every effect of delay acts once on a path."""

from __future__ import annotations

from collections.abc import Iterable

from funnelsim.errors import did_you_mean
from funnelsim.scenario.check.findings import Findings
from funnelsim.scenario.check.names import BREACHES, ENDS, all_terms, all_tiers
from funnelsim.scenario.schema import Scenario, Stage
from funnelsim.scenario.values import Distribution, Share

NO_TIME = 1e-3  # seconds; a fixed length below it counts as none


def check_reached(scenario: Scenario, findings: Findings) -> None:
    reached = _from(_entries(scenario), scenario)
    for name in scenario.stages:
        if name not in reached:
            near = did_you_mean(name, [other for other in scenario.stages if other != name])
            findings.error(
                ("stages", name),
                f"no lead ever reaches the stage '{name}'",
                near or "no source enters it and no exit leads to it",
                name,
            )


def check_left(scenario: Scenario, findings: Findings) -> None:
    """A stage from which no end can be reached holds its leads for ever; a limit of cycles is an end."""
    if scenario.cycles is not None:
        return
    for name, stage in scenario.stages.items():
        if stage.next and not _may_end(name, scenario):
            findings.error(
                ("stages", name, "next"),
                f"a lead that enters '{name}' never comes to an end",
                "let some exit lead to lost, or to a stage without next",
            )


def check_time_passes(scenario: Scenario, findings: Findings) -> None:
    """Leads that go round without an end and without time would go round for ever at one instant."""
    if scenario.cycles is not None:
        return
    endless = _without_end_or_time(scenario)
    for name in scenario.stages:
        if name in endless and _may_end(name, scenario):  # else it has been said
            findings.error(
                ("stages", name, "next"),
                f"a lead that enters '{name}' goes round for ever at one instant",
                "let time pass, such as pace: 3 days, give an exit that leads on a share, or limit cycles",
            )


def check_response_once(scenario: Scenario, findings: Findings) -> None:
    """Rule 65: a delay that hurts twice on one path is counted twice."""
    naming = [name for name, stage in scenario.stages.items() if stage.response not in (None, "none")]
    for later in naming:
        before = [name for name in naming if name != later and later in _from(_forward(name, scenario), scenario, True)]
        if before:
            findings.warn(
                ("stages", later, "response"),
                f"a late answer hurts the same lead twice: in {before[0]} and in {later} (rule 65)",
                "published curves speak of the whole way to a sale: name a response in one of them",
            )


def _without_end_or_time(scenario: Scenario) -> set[str]:
    """The stages of which every exit that may be taken is at once, and leads to another of them."""
    found = {name for name, stage in scenario.stages.items() if stage.next and not _takes_time(stage)}
    while True:
        leaving = {name for name in found if any(to not in found for to in _ways_at_once(name, scenario))}
        if not leaving:
            return found
        found -= leaving


def _ways_at_once(name: str, scenario: Scenario) -> list[str]:
    """Where leads can go; an exit that takes time counts as an end. An open gate leaves the ways forward only."""
    stage = scenario.stages[name]
    ahead = _forward(name, scenario)
    ways = []
    for target, share in (stage.next or {}).items():
        if not _can_be_taken(share, stage.next or {}) or (stage.gate is not None and target not in ahead):
            continue
        pace = stage.pace.get(target) if isinstance(stage.pace, dict) else stage.pace
        ways.append(target if _is_no_time(pace) and _is_no_time(share.after) else "lost")
    if stage.work and any(work.contact != "always" for work in stage.work):
        others = stage.unreached or {"lost": Share(1.0)}
        ways += [
            target if _is_no_time(share.after) else "lost"
            for target, share in others.items()
            if _can_be_taken(share, others)
        ]
    return ways


def _can_be_taken(share: Share, shares: dict[str, Share]) -> bool:
    if share.schedule is not None or share.value is None:
        return share.value is not None or sum(other.value or 0.0 for other in shares.values()) < 1.0 - 1e-12
    return share.value > 0.0


def _takes_time(stage: Stage) -> bool:
    """Somebody works on it for a while."""
    return bool(stage.tasks) or any(
        not _is_no_time(work.handling) or not _is_no_time(work.conversation) for work in stage.work
    )


def _is_no_time(length: object) -> bool:
    if length is None:
        return True
    return isinstance(length, Distribution) and length.family == "fixed" and length.parameters[0] < NO_TIME


def _entries(scenario: Scenario) -> list[str]:
    first = next(iter(scenario.stages), None)
    waiting = [stage for source in scenario.sources.values() for stage in (source.enters or ([first] if first else []))]
    waiting += [
        source.found_again.enters
        for source in scenario.sources.values()
        if source.found_again and source.found_again.enters
    ]
    if isinstance(scenario.leads_in_flight, tuple):
        waiting += [lead.stage for lead in scenario.leads_in_flight]
    if scenario.promises:
        waiting += [
            action.to
            for _, terms in [*all_terms(scenario), *all_tiers(scenario)]
            for key in BREACHES
            for action in getattr(terms, key)
            if action.kind == "return" and action.to
        ]
    return waiting


def _from(starts: Iterable[str], scenario: Scenario, forward: bool = False) -> set[str]:
    """The stages that leads come to from these, themselves included."""
    reached: set[str] = set()
    waiting = [name for name in starts if name in scenario.stages]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        waiting += (
            _forward(name, scenario)
            if forward
            else [target for target in _targets(scenario.stages[name]) if target in scenario.stages]
        )
    return reached


def _forward(name: str, scenario: Scenario) -> list[str]:
    order = list(scenario.stages)
    return [
        target
        for target in scenario.stages[name].next or ()
        if target in scenario.stages and order.index(target) > order.index(name)
    ]


def _targets(stage: Stage) -> list[str]:
    groups = (
        stage.next,
        stage.unreached if stage.work else None,
        stage.cold if stage.patience else None,
        stage.rejected if stage.work else None,
    )
    return [target for shares in groups for target, share in (shares or {}).items() if share.rest or share.value]


def _may_end(name: str, scenario: Scenario) -> bool:
    return any(_is_end(scenario.stages[other]) for other in _from([name], scenario))


def _is_end(stage: Stage) -> bool:
    lost_by_default = (
        bool(stage.work) and stage.unreached is None and any(work.contact != "always" for work in stage.work)
    )
    return not stage.next or lost_by_default or any(target in ENDS for target in _targets(stage))
