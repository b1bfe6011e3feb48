"""Alternative models of the same scenarios: beliefs neutral, another response curve, a promise and nothing else.

An alternative changes the scenario and its root alike, and compiles both anew; so base rates are anchored under its own
effects and the baseline's known history stays what it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from funnelsim.compile import Blueprint, prepare
from funnelsim.scenario import Loaded, Scenario, presets
from funnelsim.scenario.schema import Effects, Promises, Stage
from funnelsim.study.anchor import Anchor, anchor

# Curves that disagree most, so that a winner that depends on the curve shows.
CURVES = ("none", "leads360-2012", "hbr-2011", "optifai-2026", "lrm-2007-qualify")

Rewrite = Callable[[Scenario], Scenario]
Note = Callable[[str], None]


@dataclass(frozen=True)
class Case:
    """A scenario of a comparison, compiled, with the anchor of its root."""

    name: str
    loaded: Loaded
    blueprint: Blueprint
    anchor: Anchor


@dataclass(frozen=True)
class Alternative:
    """One model of how things are; compiles scenarios under it, and roots that several of them share only once."""

    name: str = "as written"
    change: Rewrite = lambda scenario: scenario
    slope_donors: tuple[Anchor, ...] = ()  # anchors of the scenarios as written, which lend their slopes
    threads: int | None = None
    note: Note = lambda text: None
    _roots: list[tuple[Scenario, Blueprint]] = field(default_factory=list, repr=False)

    def case(self, loaded: Loaded) -> Case:
        """Compile a scenario and anchor its root."""
        root = self._root(loaded.root or loaded.scenario)
        alone = loaded.root is None or loaded.root is loaded.scenario
        blueprint = root if alone else prepare(self.change(loaded.scenario))
        like = next((one for one in self.slope_donors if one.stages == root.book.stages), None)
        anchored = anchor(root, self.threads, self.note, like=like)
        return Case(loaded.scenario.name or "scenario", loaded, blueprint, anchored)

    def _root(self, scenario: Scenario) -> Blueprint:
        for known, blueprint in self._roots:
            if known is scenario or known == scenario:
                return blueprint
        blueprint = prepare(self.change(scenario))
        self._roots.append((scenario, blueprint))
        return blueprint


def beliefs_at_one(scenario: Scenario) -> Scenario:
    """No effect and no influence that nobody has measured."""
    return scenario.model_copy(update={"effects": Effects(), "influences": {}})


def with_curve(name: str) -> Rewrite:
    """Another response curve wherever one is named."""

    def change(scenario: Scenario) -> Scenario:
        stages = {key: _responding(stage, name) for key, stage in scenario.stages.items()}
        return scenario.model_copy(update={"stages": stages})

    return change


def curves_to_try(scenario: Scenario) -> list[str]:
    """Presets other than those that the scenario names; none at all when it names none."""
    named = {stage.response for stage in scenario.stages.values() if isinstance(stage.response, str)}
    uses = any(stage.response is not None for stage in scenario.stages.values())
    known = {"none", *presets.names("response")}
    return [name for name in CURVES if name not in named and name in known] if uses else []


def known_delays(curve: str) -> tuple[float, float] | None:
    """Shortest and longest delay (s) that the study behind a response preset covers; None when it says none."""
    minutes = presets.load("response", curve).get("valid")
    return (60.0 * minutes[0], 60.0 * minutes[1]) if minutes else None


def with_promises_of(base: Loaded, other: Loaded) -> Loaded | None:
    """The base with nothing of the other but its promises, the sceptic's alternative.

    None when these are the same, or have tiers of leads that the base does not know.
    """
    if other.scenario.promises is None or other.scenario.promises == base.scenario.promises:
        return None
    if not _knows_tiers(base.scenario, other.scenario.promises):
        return None
    name = f"{base.scenario.name} + promises"
    update: dict[str, Any] = {"promises": other.resolved["scenario"]["promises"], "name": name}
    resolved = {
        **base.resolved,
        "scenario": base.resolved["scenario"] | update,
        "root": base.resolved.get("root") or base.resolved["scenario"],
    }
    scenario = base.scenario.model_copy(update={"promises": other.scenario.promises, "name": name})
    return dataclasses.replace(base, scenario=scenario, root=base.root or base.scenario, resolved=resolved)


def _knows_tiers(scenario: Scenario, promises: Promises) -> bool:
    """Whether the segments, sources and scores of all tiers mean something in a scenario."""
    return all(
        set(tier.segments or ()) <= scenario.segments.keys()
        and set(tier.sources or ()) <= scenario.sources.keys()
        and set(tier.score or ()) <= scenario.scores.keys()
        for terms in (promises, *promises.teams.values())
        for tier in terms.tiers
    )


def _responding(stage: Stage, curve: str) -> Stage:
    if stage.response is None:
        return stage
    return stage.model_copy(update={"response": None if curve == "none" else curve})
