"""Scores see something and are seen, gates have thresholds, and what moves interest is looked at somewhere."""

from __future__ import annotations

from funnelsim.scenario.check.findings import Findings, Path
from funnelsim.scenario.check.names import all_named, all_tiers
from funnelsim.scenario.schema import Nurture, Scenario, Signal, Stage
from funnelsim.scenario.values import Range

MOST_SIGNALS = 60  # of one stage: a visit keeps them as bits


def check_score_names(scenario: Scenario, findings: Findings) -> None:
    for name, path in _score_mentions(scenario):
        all_named("score", [name], scenario.scores, path, findings)


def check_scores(scenario: Scenario, findings: Findings) -> None:
    used = {name for name, _ in _score_mentions(scenario)}
    for name, score in scenario.scores.items():
        if not (score.fit or score.intent or score.points or score.noise):
            findings.error(
                ("scores", name),
                f"the score '{name}' is 0 for every lead",
                "give it a weight: fit, intent or points",
                name,
            )
        elif name not in used:
            findings.note(
                ("scores", name),
                f"the score '{name}' is used nowhere",
                "by a definition, an order, handoff.accept, a tier or an influence",
                name,
            )


def check_gates(scenario: Scenario, findings: Findings) -> None:
    for name, stage in scenario.stages.items():
        path: Path = ("stages", name, "gate")
        if stage.gate is None:
            continue
        all_named("definition", [stage.gate], scenario.definitions, path, findings)
        definition = scenario.definitions.get(stage.gate)
        if definition is not None and not definition.is_threshold:
            findings.error(
                path,
                f"'{stage.gate}' is no threshold: a lead passes it by entering a stage",
                "a gate takes a definition such as marketing score at least 40",
            )
        order = list(scenario.stages)
        ahead = [target for target in stage.next or () if target in order[order.index(name) + 1 :]]
        if stage.next is not None and not ahead:
            findings.error(
                path,
                f"the gate of {name} opens no way: no exit of `next` leads to a later stage",
                "such as next: {evaluation: 40%, lost: rest}",
            )
        _check_idle_curve(name, stage, findings)


def check_signals(scenario: Scenario, findings: Findings) -> None:
    for name, stage in scenario.stages.items():
        if len(stage.signals) > MOST_SIGNALS:
            findings.error(
                ("stages", name, "signals"),
                f"{len(stage.signals)} signals in {name} are too many",
                f"at most {MOST_SIGNALS} a stage",
            )
        for signal_name, signal in stage.signals.items():
            _check_signal(signal, signal_name, stage, ("stages", name, "signals", signal_name), findings)


def check_nurture(scenario: Scenario, findings: Findings) -> None:
    for name, stage in scenario.stages.items():
        if stage.nurture is None:
            continue
        path: Path = ("stages", name, "nurture")
        _check_nurture(stage.nurture, scenario, path, findings)
        if stage.nurture.continues_after_handoff and not stage.work:
            findings.warn(
                (*path, "continues_after_handoff"),
                f"nobody works in {name}, so no handover ever stops its mails",
                "say continues_after_handoff in the stage that is handed over",
            )


def check_points(scenario: Scenario, findings: Findings) -> None:
    """Points are worth what scores make of them."""
    if any(score.points for score in scenario.scores.values()):
        return
    given: list[tuple[float, Path]] = [
        (source.points, ("sources", name, "points")) for name, source in scenario.sources.items()
    ]
    given += [
        (signal.points, ("stages", name, "signals", one, "points"))
        for name, stage in scenario.stages.items()
        for one, signal in stage.signals.items()
    ]
    for points, path in given:
        if points:
            findings.note(
                path, "these points count nowhere: no score weighs points", "such as scores: {marketing: {points: 1}}"
            )
            return


def _score_mentions(scenario: Scenario) -> list[tuple[str, Path]]:
    """Every score that is named, and where."""
    named: list[tuple[str | None, Path]] = []
    for name, definition in scenario.definitions.items():
        named.append((definition.score or None, ("definitions", name)))
    for name, team in scenario.teams.items():
        named.append((team.score, ("teams", name, "score")))
    named.append((scenario.handoff.accept.score if scenario.handoff.accept else None, ("handoff", "accept", "score")))
    for name, handover in scenario.handoff.to.items():
        named.append((handover.accept.score if handover.accept else None, ("handoff", "to", name, "accept", "score")))
    for name, influence in scenario.influences.items():
        seen = influence.input
        named.append((seen.name if seen is not None and seen.kind == "score" else None, ("influences", name, "input")))
    for path, tier in all_tiers(scenario):
        named += [(score, (*path, "score")) for score in tier.score or ()]
    return [(name, path) for name, path in named if name is not None]


def _check_idle_curve(name: str, stage: Stage, findings: Findings) -> None:
    from funnelsim.scenario import presets

    if stage.response is None:
        return
    if isinstance(stage.response, str):
        known = stage.response in presets.names("response")
        target = presets.load("response", stage.response)["target"] if known else "contact"
    else:
        target = stage.response.target
    if target == "advance" and stage.response != "none":
        findings.warn(
            ("stages", name, "response"),
            f"this curve moves the chance to go on, and {name} has a gate instead",
            "name a curve that acts on contact, or none",
        )


def _check_signal(signal: Signal, name: str, stage: Stage, path: Path, findings: Findings) -> None:
    if not (signal.points or signal.intent or signal.trust or signal.raises_hand or signal.pause):
        findings.warn(
            path, f"the signal '{name}' does nothing", "give it points, intent, trust, raises_hand or pause", name
        )
    if signal.chance == 0.0:
        findings.note((*path, "chance"), f"the signal '{name}' never happens", "more than 0%")
    for key, sense in (("raises_hand", "turns to the lead"), ("pause", "has a clock that could stand still")):
        if getattr(signal, key) and not stage.work:
            findings.warn((*path, key), f"nobody works in this stage: nobody {sense}", "add work, or leave it out")


def _check_nurture(nurture: Nurture, scenario: Scenario, path: Path, findings: Findings) -> None:
    if nurture.every is None or nurture.every.seconds <= 0.0:
        findings.error(
            (*path, "every") if nurture.every is not None else path,
            "nurture needs a time between two touches",
            "such as every: 1 week",
        )
    for key in ("intent", "trust"):
        gain, limit = getattr(nurture, key), getattr(nurture, f"{key}_limit")
        most = gain.high if isinstance(gain, Range) else gain
        if limit is not None and most > limit:
            findings.error(
                (*path, key),
                f"one touch adds {most:g} to {key}, more than its limit of {limit:g}",
                f"lower {key}, or raise {key}_limit",
            )
        elif limit is not None and not gain:
            findings.warn((*path, f"{key}_limit"), f"a limit of {key}, and no touch adds any", f"add {key}")
    if not (nurture.intent or nurture.trust):
        findings.warn(path, "this nurture changes nothing", "say what a touch adds: intent or trust")
    elif not any(_is_looked_at(key, scenario) for key in ("intent", "trust") if getattr(nurture, key)):
        findings.note(
            path,
            "nothing looks at the intent or trust that this nurture builds",
            "such as effects: {intent: 1.5}, or a score with intent",
        )


def _is_looked_at(key: str, scenario: Scenario) -> bool:
    """Whether a score, an effect or an influence depends on intent, or on trust."""
    effects = scenario.effects
    named = [effects.intent] if key == "intent" else [effects.trust, effects.nurtured_follow_up]
    return (
        any(effect != type(effect)() for effect in named)
        or any(
            influence.input is not None and influence.input.kind in (key, "score")
            for influence in scenario.influences.values()
        )
        or (key == "intent" and any(score.intent for score in scenario.scores.values()))
    )
