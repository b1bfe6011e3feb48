"""load: a scenario file and its `--set` texts to a checked Scenario, with the place of every value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from funnelsim.errors import Problem, ScenarioError
from funnelsim.scenario import inheritance
from funnelsim.scenario.check import check
from funnelsim.scenario.inheritance import Layer, Path
from funnelsim.scenario.leads_csv import with_leads
from funnelsim.scenario.schema import Scenario, nature
from funnelsim.scenario.validation import validate
from funnelsim.scenario.values import Place
from funnelsim.scenario.yaml_nodes import Node, plain

FORMAT = 1  # of `resolved`
NEEDED = ("start", "observe", "sources", "stages")


@dataclass(frozen=True)
class Loaded:
    """A scenario, the root it was changed from, and where everything was written."""

    scenario: Scenario
    root: Scenario | None  # the scenario that base rates are averages of (rule 68); itself, often
    places: dict[Path, Place] = field(repr=False)
    files: list[str] = field(default_factory=list)
    resolved: dict[str, Any] = field(default_factory=dict, repr=False)
    warnings: list[Problem] = field(default_factory=list)


def load(path: str, overrides: Sequence[str] = ()) -> Loaded:
    """The scenario of a file, or ScenarioError with every problem at once.

    `overrides` are texts such as "teams.sales.people=6". What they say of facts and policy holds for this scenario and
    not for its root, the file as it is written: base rates were observed there. A belief or a setting holds for both,
    where the root has what it is about.
    """
    path = str(path)
    problems: list[Problem] = []
    try:
        files = inheritance.extends_chain(path)
    except ScenarioError as error:
        raise ScenarioError(error.problems, path) from None
    tree = with_leads(inheritance.set_path(inheritance.merge(files, problems), overrides, problems), problems)
    below = _below(files, overrides)
    return _loaded(tree, below, problems, [layer.file for layer in files], path)


def loads_resolved(data: dict[str, Any], overrides: Sequence[str] = ()) -> Loaded:
    """The scenario a manifest holds: `Loaded.resolved` of the run that wrote it; `overrides` as in `load`."""
    if data.get("format") != FORMAT or not isinstance(data.get("scenario"), dict):
        raise ScenarioError(f"this is not a resolved scenario of format {FORMAT}", "manifest")
    problems: list[Problem] = []
    tree = inheritance.set_path(tree_of(data["scenario"]), overrides, problems)
    for_both = _for_both(overrides)
    below = tree_of(data["root"]) if data.get("root") else None
    if below is None and len(for_both) < len(overrides):
        below = tree_of(data["scenario"])
    return _loaded(tree, inheritance.set_path(below, for_both, []) if below else None, problems, [], "manifest")


def _loaded(tree: Node, below: Node | None, problems: list[Problem], files: list[str], name: str) -> Loaded:
    scenario, problems_found = _checked(tree, problems)
    root = scenario
    if below is not None:
        root, more = _checked(below, [])
        told = {(one.file, one.line, one.text) for one in problems_found}
        problems_found += [
            one for one in more if one.severity == "error" and (one.file, one.line, one.text) not in told
        ]
    if any(problem.severity == "error" for problem in problems_found):
        raise ScenarioError(sort_problems(problems_found, files), name)
    resolved = {"format": FORMAT, "scenario": plain(tree), "root": plain(below) if below is not None else None}
    return Loaded(scenario, root, inheritance.places(tree), files, resolved, sort_problems(problems_found, files))


def _checked(tree: Node, problems: list[Problem]) -> tuple[Scenario, list[Problem]]:
    scenario, parse_problems, left_out = validate(tree, [problem.path for problem in problems])
    return scenario, [*problems, *parse_problems, *check(scenario, tree, left_out)]


def _below(files: list[Layer], overrides: Sequence[str]) -> Node | None:
    """The tree of the root scenario where it is another one."""
    base = _root(files)
    for_both = _for_both(overrides)
    if len(base) == len(files) and len(for_both) == len(overrides):
        return None
    file = inheritance.merge(base, [])
    below = with_leads(
        inheritance.set_path(file, [one for one in for_both if inheritance.is_reachable(file, one)], []), []
    )
    alone = len(base) == len(files) and any(problem.severity == "error" for problem in _checked(below, [])[1])
    return None if alone else below  # a file that needs the settings to be whole is no root


def _for_both(overrides: Sequence[str]) -> list[str]:
    """Those that speak of a belief or a setting: they hold for the root too."""
    return [
        one for one in overrides if nature(tuple(one.partition("=")[0].strip().split("."))) in ("belief", "setting")
    ]


def _root(files: list[Layer]) -> list[Layer]:
    """The layers of the root scenario: the lowest file that makes a whole scenario with what it extends.

    A fitted file, which a scenario extends for its facts, is no scenario of its own.
    """
    for count in range(1, len(files)):
        keys = {key for layer in files[:count] for key in layer.tree.value}
        if "fitted" not in files[count - 1].tree.value and keys.issuperset(NEEDED):
            return files[:count]
    return files


def sort_problems(problems: list[Problem], files: list[str]) -> list[Problem]:
    """In the order people read: this file from the top, then what it extends."""
    order = {file: -i for i, file in enumerate(files)}
    return sorted(problems, key=lambda one: (one.file == "--set", order.get(one.file, 1), one.line, one.column))


def tree_of(data: Any) -> Node:
    nowhere = Place("manifest", 0, 0)
    if isinstance(data, dict):
        return Node({str(key): tree_of(value) for key, value in data.items()}, nowhere)
    return Node([tree_of(value) for value in data] if isinstance(data, list) else data, nowhere)
