"""`extends`, overrides and `--set`: what a scenario says once all its layers are laid over each other.

Precedence: --set over this file over what it extends over defaults. Named things merge key by key; shares,
distributions and schedules are replaced whole (rule 77); `none` removes what was inherited (rule 78). Every value
keeps the place it was written at, so a mistake is shown there.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path as FilePath

from funnelsim.errors import Problem, ScenarioError, did_you_mean
from funnelsim.scenario import yaml_nodes
from funnelsim.scenario.policy_presets import CHOICES, expand_policy
from funnelsim.scenario.schema.paths import resolve_path
from funnelsim.scenario.values import Place
from funnelsim.scenario.yaml_nodes import Node, problem_at

Path = tuple[str | int, ...]
NAMED = ("stages", "sources", "teams", "segments", "scores", "levels", "influences")  # things --set does not invent


@dataclass(frozen=True)
class Layer:
    """One file of an `extends` chain."""

    file: str
    tree: Node


def extends_chain(path: str) -> list[Layer]:
    """The files of an `extends` chain, the one that extends nothing first."""
    found: list[Layer] = []
    seen: list[str] = []
    asked: Node | None = None
    while True:
        if "\0" in path:
            raise _without_null(asked)
        real = os.path.realpath(path)
        if real in seen:
            assert asked is not None
            circle = " -> ".join(FilePath(file).name for file in [*seen[seen.index(real) :], real])
            raise _refusal(asked, f"these files extend each other: {circle}", "one of them must extend nothing")
        seen.append(real)
        tree = _mapping(_read(path, asked))
        found.append(Layer(path, tree))
        asked = tree.value.get("extends")
        if asked is None or asked.value == "none":
            return found[::-1]
        if not isinstance(asked.value, str):
            raise _refusal(asked, "`extends` takes the path of one scenario file", "such as base.yaml")
        path = os.path.normpath(FilePath(path).parent / asked.value)


def merge(layers: Sequence[Layer], problems: list[Problem]) -> Node:
    """All layers as one tree, the first at the bottom."""
    merged: Node | None = None
    for layer in layers:
        _refuse_nothing(layer.tree, (), problems)
        tree = Node({key: child for key, child in layer.tree.value.items() if key != "extends"}, layer.tree.place)
        merged = _overlay_expanded(merged, tree, problems)
    assert merged is not None
    return merged


def overlay(base: Node | None, over: Node, path: Path, problems: list[Problem]) -> Node:
    """One tree over another."""
    here = resolve_path(path)
    if not isinstance(over.value, dict) or not here.merges:
        return over
    below = base.value if base is not None and isinstance(base.value, dict) else {}
    result = dict(below)
    for key, child in over.value.items():
        if child.value == "none":
            if here.named is not None and base is not None and key not in below:
                problems.append(
                    problem_at(
                        child.at,
                        f"there is no '{key}' to remove from {dotted(path)}",
                        did_you_mean(key, below),
                        (*path, key),
                    )
                )
            result.pop(key, None)
        else:
            result[key] = overlay(below.get(key), child, (*path, key), problems)
    return Node(result, over.place, over.key)


def set_path(tree: Node, texts: Sequence[str], problems: list[Problem]) -> Node:
    """The tree with each `a.b.c=value` of --set put in; a key that stands for others goes before all that name one."""

    def is_choice(one: str) -> bool:
        return one.partition("=")[0].strip() in CHOICES

    for count, one in sorted(enumerate(texts, 1), key=lambda pair: not is_choice(pair[1])):
        try:
            keys, value = _setting(one, count)
            if is_choice(one):
                tree = _overlay_expanded(tree, _alone(keys, value), problems)
            else:
                tree = _put(tree, keys, value, (), problems)
        except ScenarioError as error:
            problems += error.problems
    return tree


def is_reachable(tree: Node, one: str) -> bool:
    """Whether the thing that a --set text says something of is in the tree, such as the nurture of its `intent`."""
    keys = [key.strip() for key in one.partition("=")[0].split(".")]
    for end in range(1, len(keys)):
        here, above = resolve_path(keys[:end]), resolve_path(keys[: end - 1])
        may_be_left_out = above.named is not None or (
            here.field is not None and here.field.get_default(call_default_factory=True) is None
        )
        if may_be_left_out and not _is_there(tree, keys[:end]):
            return False
    return True


def places(tree: Node) -> dict[Path, Place]:
    """Where the value at each path was written; for a mapping, where its key stands."""
    found: dict[Path, Place] = {}
    _collect(tree, (), found)
    return found


def dotted(path: Sequence[str | int]) -> str:
    """stages.interest.work"""
    return ".".join(map(str, path)) or "the scenario"


def _overlay_expanded(below: Node | None, layer: Node, problems: list[Problem]) -> Node:
    """A layer over those below it, with what its words stand for in between."""
    meant = expand_policy(layer, below, problems)
    return overlay(overlay(below, meant, (), problems) if meant is not None else below, layer, (), problems)


def _alone(keys: list[tuple[str, Place]], value: Node) -> Node:
    """A layer that says one thing."""
    for key, place in reversed(keys):
        value = Node({key: replace(value, key=place)}, place)
    return value


def _read(path: str, asked: Node | None) -> Node:
    try:
        return yaml_nodes.read(path)
    except ScenarioError as error:
        first = error.problems[0]
        if asked is None or first.line:
            raise
        raise _refusal(asked, f"`extends` names {path}: {first.text}", first.hint) from None


def _mapping(tree: Node) -> Node:
    if isinstance(tree.value, dict):
        return tree
    raise _refusal(tree, "a scenario is a mapping, `key: value` line by line", "begin with `name: ...`")


def _without_null(asked: Node | None) -> ScenarioError:
    text = "a file name cannot hold a null character"
    return _refusal(asked, text, "") if asked is not None else ScenarioError(text)


def _refusal(node: Node, message: str, hint: str) -> ScenarioError:
    return ScenarioError([problem_at(node.place, message, hint)])


def _refuse_nothing(node: Node, path: Path, problems: list[Problem]) -> None:
    """A key without a value is more often a slip than a wish."""
    if node.value is None:
        name = "an entry of this list" if isinstance(path[-1], int) else f"'{path[-1]}'"
        problems.append(
            problem_at(node.at, f"{name} has no value", "write {} for nothing inside it, or none to remove it", path)
        )
    elif isinstance(node.value, dict):
        for key, child in node.value.items():
            if (*path, key) != ("fitted",):
                _refuse_nothing(child, (*path, key), problems)
    elif isinstance(node.value, list):
        for i, child in enumerate(node.value):
            _refuse_nothing(child, (*path, i), problems)


def _is_there(tree: Node, keys: Sequence[str]) -> bool:
    node: Node | None = tree
    for key in keys:
        below = node.value if node is not None else None
        if isinstance(below, list):
            node = below[int(key)] if key.isdigit() and int(key) < len(below) else None
        else:
            node = below.get(key) if isinstance(below, dict) else None
    return node is not None


def _setting(one: str, count: int) -> tuple[list[tuple[str, Place]], Node]:
    """`a.b.c=value` as keys with their places, and the value."""
    keys, equals, value = one.partition("=")
    here = Place("--set", count, 1, max(1, len(one)), one)
    if not equals or not keys.strip() or not value.strip():
        raise ScenarioError([problem_at(here, f"'{one}' sets nothing", "write --set key.key=value")])
    column, steps = 1, []
    for key in keys.split("."):
        steps.append((key.strip(), replace(here, column=column, length=max(1, len(key)))))
        column += len(key) + 1
    if not all(key for key, _ in steps):
        raise ScenarioError([problem_at(here, f"a key is missing in '{keys}'", "write --set key.key=value")])
    return steps, yaml_nodes.parse_yaml(value, "--set", count, keys + "=")


def _put(tree: Node, keys: list[tuple[str, Place]], value: Node, path: Path, problems: list[Problem]) -> Node:
    (key, place), rest = keys[0], keys[1:]
    value = replace(value, key=place) if not rest else value
    if isinstance(tree.value, list) and key.isdigit() and int(key) < len(tree.value):
        return replace(
            tree,
            value=[
                _child(child, rest, value, (*path, i), problems) if i == int(key) else child
                for i, child in enumerate(tree.value)
            ],
        )
    below = tree.value if isinstance(tree.value, dict) else {}
    if rest and len(path) == 1 and key not in below and path[0] in NAMED:
        problems.append(
            problem_at(
                place,
                f"there is no '{key}' in {dotted(path)}",
                did_you_mean(key, below) or f"known: {', '.join(below)}",
                (*path, key),
            )
        )
        return tree
    if not rest and value.value == "none":
        return replace(tree, value={name: child for name, child in below.items() if name != key})
    before = below.get(key, Node({}, place, place))
    return replace(tree, value={**below, key: _child(before, rest, value, (*path, key), problems)})


def _child(before: Node, rest: list[tuple[str, Place]], value: Node, path: Path, problems: list[Problem]) -> Node:
    return _put(before, rest, value, path, problems) if rest else overlay(before, value, path, problems)


def _collect(node: Node, path: Path, found: dict[Path, Place]) -> None:
    found[path] = node.at if isinstance(node.value, dict | list) else node.place
    children = (
        node.value.items()
        if isinstance(node.value, dict)
        else (enumerate(node.value) if isinstance(node.value, list) else ())
    )
    for key, child in children:
        _collect(child, (*path, key), found)
