"""The inputs of a study of what moves an answer: whose each is, what its ends are, and how it is learnt.

Inputs are all that nobody knows (`compile.uncertain_inputs`), and axes of `--vary` for what a firm may choose and a
market may do. Who decides and how to measure is a table, inputs.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files

import numpy as np
import yaml

from funnelsim.compile import Blueprint
from funnelsim.compile.context import shares_of
from funnelsim.compile.parameter_draws import Draw, Places
from funnelsim.errors import UsageError
from funnelsim.scenario import Scenario
from funnelsim.scenario.schema import nature
from funnelsim.study.axes import Axis
from funnelsim.typing import FloatArray

MARKETING, SALES, BOTH, MARKET = "marketing", "sales", "both teams", "market"
OWNERS = (MARKETING, SALES, BOTH, MARKET)  # in the order in which people look for themselves
BY_TEAM, BY_STAGE = "team", "stage"
LAST = 1.0 - 1e-9  # a list has its last value just below 1
_NAMED = {"both": BOTH}
_UNLISTED = {"path": "*", "owner": MARKET, "learn": "measure it"}


@dataclass(frozen=True)
class SensitivityInput:
    """One thing that may be otherwise."""

    path: str
    owner: str  # one of OWNERS
    learn: str  # what to do to know it better
    coordinates: tuple[str, ...]  # of the unit cube
    low: Places  # where they stand at its low end ...
    high: Places
    low_text: str  # ... and what it is there, for people
    high_text: str
    axis: Axis | None = None  # of --vary; none = it is something nobody knows

    @property
    def unknown(self) -> bool:
        return self.axis is None


def inputs_of(blueprints: Sequence[Blueprint], axes: Sequence[Axis]) -> list[SensitivityInput]:
    """What nobody knows of any of the scenarios, each once, then the axes; UsageError for an axis that is no input."""
    scenario = blueprints[-1].scenario
    unknowns = {one.path: one for blueprint in blueprints for one in blueprint.unknowns}
    for axis in axes:
        _check(axis, unknowns)
    unknown_inputs = [
        SensitivityInput(
            one.path,
            *owner_and_method(one.path, scenario),
            one.coordinates,
            one.low,
            one.high,
            one.low_text,
            one.high_text,
        )
        for one in unknowns.values()
    ]
    return unknown_inputs + [
        SensitivityInput(
            axis.path,
            *owner_and_method(axis.path, scenario),
            (axis.path,),
            {axis.path: 0.0},
            {axis.path: LAST},
            axis.at(0.0),
            axis.at(LAST),
            axis,
        )
        for axis in axes
    ]


def features_of(blueprints: Sequence[Blueprint], draws: Sequence[Draw], seed: int) -> dict[str, FloatArray]:
    """What each draw says of each unknown of any of the scenarios, [draw, feature] by path."""
    unknowns = {one.path: one for blueprint in blueprints for one in blueprint.unknowns}
    return {path: np.array([one.features(seed, draw) for draw in draws]) for path, one in unknowns.items()}


def owner_and_method(path: str, scenario: Scenario) -> tuple[str, str]:
    """(owner, how it is learnt) of a path, as the table has it."""
    row = next((row for row in table() if fnmatchcase(path, row["path"])), _UNLISTED)
    words = path.split(".")
    named = {BY_TEAM: _name_in_path(words, scenario.teams), BY_STAGE: _name_in_path(words, scenario.stages)}
    return _owner(row["owner"], named, scenario), row["learn"].format(**named)


@cache
def table() -> tuple[dict[str, str], ...]:
    """The rows of inputs.yaml."""
    return tuple(yaml.safe_load(files(__package__).joinpath("inputs.yaml").read_text(encoding="utf-8")))


def _check(axis: Axis, unknowns: Mapping[str, object]) -> None:
    if axis.path in unknowns:
        raise UsageError(
            f"{axis.path} is an input already, over its range in the scenario; another range is "
            f'--set "{axis.path}=0.6 to 1.0"'
        )
    kind = nature(axis.path.split("."))
    if kind == "belief":
        raise UsageError(
            f'{axis.path} is a belief: give it a range, as in --set "{axis.path}=0.6 to 1.0"; ranges '
            f"are inputs by themselves"
        )
    if kind == "setting":
        raise UsageError(f"{axis.path} is a setting of the run: it moves no answer about the world")


def _name_in_path(words: Sequence[str], names: Mapping[str, object]) -> str:
    """The first word of a path that is such a name; plain words where there is none."""
    return next((word for word in words if word in names), "the team" if "teams" in words else words[-1])


def _owner(owner: str, named: Mapping[str, str], scenario: Scenario) -> str:
    if owner == BY_TEAM:
        return _side(named[BY_TEAM], scenario)
    if owner == BY_STAGE:
        return _side_of_stage(named[BY_STAGE], scenario)
    return _NAMED.get(owner, owner)


def _side(team: str, scenario: Scenario) -> str:
    return scenario.side_of(team) if team in scenario.teams else BOTH


def _side_of_stage(stage: str, scenario: Scenario) -> str:
    """The side that owns more of its leads; both when neither does."""
    owned = dict.fromkeys((MARKETING, SALES), 0.0)
    for team, share in shares_of(scenario.ownership.get(stage, {})).items():
        owned[_side(team, scenario)] += share
    if owned[MARKETING] == owned[SALES]:
        return BOTH
    return max(owned, key=lambda side: owned[side])
