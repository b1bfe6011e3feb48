"""Other worlds for the same scenarios: all beliefs at 1, another response curve, a promise and nothing else.

A world changes what is written, in the scenario and in its root alike, and compiles anew; so base rates are anchored
under the world's own effects and the baseline's known history stays what it is.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from funnelsim.compile import Blueprint, prepare
from funnelsim.scenario import Loaded, loads_resolved, presets
from funnelsim.study.anchor import Anchor, anchor

BELIEFS = ("fit", "context_lost", "both_teams", "marketing_sells")
# Curves that disagree most, so that a winner that depends on the curve shows (DOMAIN 1.2).
CURVES = ("none", "leads360-2012", "hbr-2011", "optifai-2026", "lrm-2007-qualify")

Change = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """A scenario of a comparison, compiled, with the anchor of its root."""

    name: str
    loaded: Loaded
    blueprint: Blueprint
    anchor: Anchor


def case(loaded: Loaded, threads: int | None = None, on_step: Callable[[str], None] | None = None,
         like: Anchor | None = None) -> Case:
    """Compile a scenario and anchor its root; `like` lends the slopes of another world's anchor."""
    root = prepare(loaded.root) if loaded.root is not None and loaded.root is not loaded.scenario else None
    blueprint = prepare(loaded)
    return Case(loaded.scenario.name or "scenario", loaded, blueprint, anchor(root or blueprint, threads, on_step, like=like))


def changed(loaded: Loaded, change: Change) -> Loaded:
    """The scenario and its root with the same change."""
    resolved = copy.deepcopy(loaded.resolved)
    resolved["scenario"] = change(resolved["scenario"])
    if resolved.get("root"):
        resolved["root"] = change(resolved["root"])
    return loads_resolved(resolved)


def beliefs_at_one(scenario: dict[str, Any]) -> dict[str, Any]:
    """No effect that nobody has measured."""
    effects = dict(scenario.get("effects") or {})
    return scenario | {"effects": effects | {name: 1 for name in BELIEFS}}


def with_curve(name: str) -> Change:
    """Another response curve wherever one is named."""
    def change(scenario: dict[str, Any]) -> dict[str, Any]:
        stages = {key: (stage | {"response": name} if isinstance(stage, dict) and _names_curve(stage) else stage)
                  for key, stage in scenario["stages"].items()}
        return scenario | {"stages": stages}

    return change


def curves_to_try(loaded: Loaded) -> list[str]:
    """Presets other than those that the scenario names; none at all when it names none."""
    named = {stage["response"] for stage in loaded.resolved["scenario"]["stages"].values()
             if isinstance(stage, dict) and isinstance(stage.get("response"), str)}
    uses = any(isinstance(stage, dict) and _names_curve(stage) for stage in loaded.resolved["scenario"]["stages"].values())
    known = {"none", *presets.names("response")}
    return [name for name in CURVES if name not in named and name in known] if uses else []


def with_promises_of(base: Loaded, other: Loaded) -> Loaded | None:
    """The base with nothing of the other but its promises: the sceptic's alternative. None when there is no difference."""
    promises = other.resolved["scenario"].get("promises")
    if promises in (None, "none") or promises == base.resolved["scenario"].get("promises"):
        return None
    resolved = copy.deepcopy(base.resolved)
    name = f"{base.scenario.name} + promises"
    resolved["root"] = resolved.get("root") or copy.deepcopy(resolved["scenario"])
    resolved["scenario"] = resolved["scenario"] | {"promises": copy.deepcopy(promises), "name": name}
    return loads_resolved(resolved)


def _names_curve(stage: dict[str, Any]) -> bool:
    return stage.get("response") not in (None, "none")
