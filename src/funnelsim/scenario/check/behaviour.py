"""Levels see something and move something; pursuit and influences act on what is there."""

from __future__ import annotations

from collections.abc import Callable

from funnelsim.scenario.check.findings import Findings, Path
from funnelsim.scenario.check.names import all_named
from funnelsim.scenario.schema import Influence, Level, Scenario
from funnelsim.scenario.values import LevelRef, Range


def check_level_names(scenario: Scenario, findings: Findings) -> None:
    for name, path in _level_mentions(scenario):
        all_named("level", [name], scenario.all_levels, path, findings)


def check_levels(scenario: Scenario, findings: Findings) -> None:
    used = {name for name, _ in _level_mentions(scenario)}
    for name, level in scenario.levels.items():
        _check_level(level, name, scenario, findings)
        if name not in used:
            findings.note(
                ("levels", name),
                f"the level '{name}' moves nothing",
                f"such as pursuit: {{quality: level {name}}}, or an influence of it",
                name,
            )


def check_quotas(scenario: Scenario, findings: Findings) -> None:
    for name, team in scenario.teams.items():
        path: Path = ("teams", name, "quota")
        if team.quota is None:
            continue
        if f"{name} quota" in scenario.levels:
            findings.error(
                ("levels", f"{name} quota"),
                f"the quota of {name} makes a level of this name",
                "choose another name",
                f"{name} quota",
            )
        if "won" not in scenario.definitions:
            findings.error(
                path,
                "a quota counts what is won, and nothing counts as won",
                "such as definitions: {won: enters customer}",
            )


def check_pursuit(scenario: Scenario, findings: Findings) -> None:
    for name, team in scenario.teams.items():
        path: Path = ("teams", name, "pursuit")
        if team.pursuit is None:
            continue
        if team.pursuit.base is None:
            findings.error(path, f"the pursuit of {name} needs `base`, the share of leads worked", "such as base: 30%")
        elif team.pursuit.base in (0.0, 1.0):
            findings.warn(
                (*path, "base"),
                f"nothing moves a base of {'0' if team.pursuit.base == 0.0 else '100'} %",
                "between 0% and 100%, or leave pursuit out",
            )
        if all(source.side == scenario.side_of(name) for source in scenario.sources.values()):
            findings.warn(
                path,
                f"every lead is {name}'s own: pursuit speaks of the other side's",
                "say whose leads a source brings, such as side: marketing",
            )


def check_effects(scenario: Scenario, findings: Findings) -> None:
    """What an effect looks at cannot happen here; a variant of this file may be why it is written."""
    stages, effects = scenario.stages.values(), scenario.effects
    for key, there, text, hint in (
        (
            "collision",
            scenario.handoff.integration is not None,
            "how far the teams share their data is not said",
            "add handoff: {integration: 50%}",
        ),
        (
            "unresolved",
            any(task.kind == "objection" for stage in stages for task in stage.tasks.values()),
            "no stage has an objection among its tasks",
            "such as tasks: {price: {is: objection, handling: 30 min}}",
        ),
        (
            "duplicate",
            any(source.found_again for source in scenario.sources.values()),
            "nobody is ever found again",
            "such as found_again: {chance: 20%, after: 5 days} of a source",
        ),
        (
            "too_late",
            any(stage.response not in (None, "none") for stage in stages),
            "no stage names a response curve",
            "such as response: hbr-2011",
        ),
        (
            "nurtured_follow_up",
            any(stage.response not in (None, "none") for stage in stages),
            "no stage names a response curve",
            "such as response: hbr-2011",
        ),
    ):
        effect = getattr(effects, key)
        if effect != type(effect)() and not there:
            findings.note(("effects", key), f"{key} acts on nothing: {text}", hint)


def check_gated_effects(scenario: Scenario, findings: Findings) -> None:
    """A stage with a gate has no chance that an effect could move (rule 83)."""
    gated = [name for name, stage in scenario.stages.items() if stage.gate]
    acting = [
        (("effects", key), effect) for key, effect in scenario.effects if getattr(effect, "target", "") == "advance"
    ]
    acting += [(("influences", key), one) for key, one in scenario.influences.items() if one.target == "advance"]
    for path, one in acting:
        for name in one.stages or ():
            if name in gated:
                findings.warn(
                    (*path, "stages"),
                    f"this moves the chance to go on, and '{name}' has a gate instead",
                    "leave the stage out",
                    name,
                )


def check_influences(scenario: Scenario, findings: Findings) -> None:
    for name, influence in scenario.influences.items():
        _check_influence(influence, name, ("influences", name), scenario, findings)


def _level_mentions(scenario: Scenario) -> list[tuple[str, Path]]:
    """Every level that is named, and where."""
    mentions: list[tuple[str, Path]] = []
    for name, team in scenario.teams.items():
        for key in ("quality", "volume"):
            value = getattr(team.pursuit, key, None)
            if isinstance(value, LevelRef):
                mentions.append((value.name, ("teams", name, "pursuit", key)))
    for name, influence in scenario.influences.items():
        if influence.input is not None and influence.input.kind == "level":
            mentions.append((influence.input.name, ("influences", name, "input")))
    return mentions


def _check_level(level: Level, name: str, scenario: Scenario, findings: Findings) -> None:
    path: Path = ("levels", name)
    if level.input is None:
        if not findings.unreadable(*path, "input"):
            findings.error(
                path, f"what does the level '{name}' see?", "input: outcomes, acceptance, load or quota", name
            )
        return
    if level.team is None:
        findings.error(path, f"whose experience is the level '{name}'?", "such as team: sales", name)
    if level.weight == 0.0:
        findings.warn((*path, "weight"), f"with a weight of 0 the level '{name}' never moves", "such as weight: 5%")
    _check_counted(level, path, findings)
    _check_strange_keys(level, path, findings)
    if level.input == "acceptance" and level.team in scenario.teams and not _accepts(scenario, level.team):
        findings.error(
            (*path, "input"),
            f"{level.team} is never asked whether it accepts a lead",
            "such as handoff: {accept: {score: sales, at_least: 30}}",
        )
    if level.input == "quota":
        all_named(
            "definition",
            [level.definition or "won"],
            scenario.definitions,
            (*path, "definition") if level.definition else path,
            findings,
        )


def _check_counted(level: Level, path: Path, findings: Findings) -> None:
    """Load and quota are counted from one review to the next, against an amount."""
    if level.input not in ("load", "quota"):
        ends = (level.initial.low, level.initial.high) if isinstance(level.initial, Range) else (level.initial or 0.0,)
        if not all(0.0 <= end <= 1.0 for end in ends):
            findings.error((*path, "initial"), f"a level of {level.input} lies between 0 and 1", "such as initial: 50%")
        return
    if level.per is None:
        example = "per: 40, leads a review" if level.input == "load" else "per: 200000, money a period"
        findings.error(path, f"a level of {level.input} needs an amount that counts as 1", f"such as {example}")
    if level.review is None:
        findings.error(
            path, f"a level of {level.input} is counted from one review to the next", "such as review: month"
        )


def _check_strange_keys(level: Level, path: Path, findings: Findings) -> None:
    for key, kinds in (("fair", ("outcomes",)), ("per", ("load", "quota")), ("definition", ("quota",))):
        if getattr(level, key) not in (None, False) and level.input not in kinds:
            findings.error(
                (*path, key),
                f"'{key}' means nothing to a level of {level.input}",
                f"it belongs to {' and '.join(kinds)}",
            )


def _accepts(scenario: Scenario, team: str) -> bool:
    own = scenario.handoff.to.get(team)
    return scenario.handoff.accept is not None or (own is not None and own.accept is not None)


def _check_influence(influence: Influence, name: str, path: Path, scenario: Scenario, findings: Findings) -> None:
    for key, question, hint in (
        ("input", "looks at what?", "such as input: level trust"),
        ("target", "moves what?", "such as target: pursuit"),
    ):
        if getattr(influence, key) is None and not findings.unreadable(*path, key):
            findings.error(path, f"the influence '{name}' {question}", hint, name)
    if influence.target is None:
        return
    right, wrong = ("time_factor", "odds") if influence.target == "habit" else ("odds", "time_factor")
    if getattr(influence, wrong) is not None:
        what = "is a time" if influence.target == "habit" else "is a chance"
        findings.error(
            (*path, wrong),
            f"{influence.target} {what}: write {right} instead of {wrong}",
            "time_factor: 0.5 halves it" if right == "time_factor" else "odds: 1 is no effect, 2 doubles them",
        )
    elif getattr(influence, right) is None and not findings.unreadable(*path, right):
        findings.error(path, f"how strongly does '{name}' act?", f"such as {right}: 2", name)
    there, text, hint = _ACTED_ON.get(influence.target, (_always, "", ""))
    if not there(scenario):
        findings.note((*path, "target"), f"this moves nothing: {text}", hint)


def _always(scenario: Scenario) -> bool:
    return True


_ACTED_ON: dict[str, tuple[Callable[[Scenario], bool], str, str]] = {
    "pursuit": (
        lambda scenario: any(team.pursuit for team in scenario.teams.values()),
        "every team works all leads",
        "add pursuit to a team, such as pursuit: {base: 30%}",
    ),
    "adherence": (lambda scenario: scenario.promises is not None, "nobody promised anything", "add promises"),
    "show": (
        lambda scenario: any(
            task.kind == "meeting" for stage in scenario.stages.values() for task in stage.tasks.values()
        ),
        "no stage has a meeting among its tasks",
        "such as tasks: {demo: {is: meeting, handling: 45 min}}",
    ),
    "signals": (
        lambda scenario: any(stage.signals for stage in scenario.stages.values()),
        "no stage has signals",
        "such as signals: {ebook: {chance: 30%, points: 10}}",
    ),
    "contact": (
        lambda scenario: any(stage.work for stage in scenario.stages.values()),
        "nobody works in any stage",
        "add work to a stage",
    ),
}
