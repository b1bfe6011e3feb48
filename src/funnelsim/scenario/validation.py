"""From the tree of a scenario to the Scenario, and from pydantic's complaints to problems with a place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from funnelsim.errors import TOLD, Problem, did_you_mean
from funnelsim.scenario.inheritance import dotted
from funnelsim.scenario.parsers import ParseError, shown
from funnelsim.scenario.schema import Scenario, allowed, renamed, resolve_path
from funnelsim.scenario.yaml_nodes import Node, moved, plain, problem_at

Path = tuple[str | int, ...]
MAX_ROUNDS = 20
HINTED = 4 * TOLD  # problems that get a suggestion: it takes a while, and no more than TOLD are printed


def validate(tree: Node, faulty: Iterable[Path] = ()) -> tuple[Scenario, list[Problem], list[Path]]:
    """The scenario without what cannot be read, the problems of that, and the paths left out.

    What is readable goes on to the checks, so that a user sees every mistake at once; `faulty` paths are known already.
    """
    data = plain(tree)
    problems: list[Problem] = []
    left_out = [path for path in faulty if path]
    above = {left[:i] for left in left_out for i in range(len(left) + 1)}  # what holds something left out
    for path in left_out:
        _leave_out(data, path)
    for _ in range(MAX_ROUNDS):
        try:
            return Scenario.model_validate(data), problems, left_out
        except ValidationError as error:
            for path, complaint in _complaints(error, (), tree):
                if path not in above:  # what is left of it is not at fault
                    problems.append(_problem(complaint, path, tree, hinted=len(problems) < HINTED))
                left = [path, *([(*path[:-1], key)] if (key := renamed(path)) else [])]  # there, under its old name
                left_out += left
                above.update(one[:i] for one in left for i in range(len(one) + 1))
        for path in sorted(left_out, key=lambda path: [str(key) for key in path], reverse=True):
            _leave_out(data, path)
    return Scenario(), problems, left_out


def find(tree: Node, path: Iterable[str | int]) -> tuple[Node, Path]:
    """The node at a path, or the last one on the way that exists; with the path as the tree has it.

    The schema makes a list of a single entry, and names the alternatives of a type: these are no part of the tree.
    A word stands for the entry of a list that says it.
    """
    node = tree
    real: list[str | int] = []
    for key in path:
        below = node.value
        if isinstance(below, dict) and key in below:
            node = below[str(key)]
        elif isinstance(below, list) and isinstance(key, int) and key < len(below):
            node = below[key]
        elif isinstance(below, list) and any(child.value == key for child in below):
            key = next(i for i, child in enumerate(below) if child.value == key)
            node = below[key]
        else:
            continue
        real.append(key)
    return node, tuple(real)


def as_written(tree: Node, path: Iterable[str | int]) -> Path:
    """A path as the file has it: where it has one entry, the schema has a list of one."""
    node: Node | None = tree
    real: list[str | int] = []
    for key in path:
        if isinstance(key, int) and node is not None and not isinstance(node.value, list):
            continue
        real.append(key)
        below = node.value if node is not None else None
        if isinstance(below, dict):
            node = below.get(str(key))
        else:
            node = below[key] if isinstance(below, list) and isinstance(key, int) and key < len(below) else None
    return tuple(real)


def _complaints(error: ValidationError, above: Path, tree: Node) -> Iterable[tuple[Path, Any]]:
    for complaint in error.errors(include_url=False):
        reason = complaint.get("ctx", {}).get("error")
        at = reason.at if isinstance(reason, ParseError) else ()
        yield find(tree, (*above, *complaint["loc"], *at))[1], complaint


def _problem(complaint: Any, path: Path, tree: Node, hinted: bool) -> Problem:
    node, _ = find(tree, path)
    reason = complaint.get("ctx", {}).get("error")
    if isinstance(reason, ParseError):
        if reason.by_key:
            return problem_at(node.at, reason.text, reason.hint, path)
        place = node.at if isinstance(node.value, dict | list) else node.place
        text = reason.text if reason.piece else f"{_name(path)}: {reason.text}"
        return problem_at(moved(place, reason.piece), text, reason.hint, path)
    if complaint["type"] == "extra_forbidden":
        return _unknown(node, path, hinted)
    place = node.at if isinstance(node.value, dict | list) else node.place
    text, hint = _plain_words(complaint, path, node)
    return problem_at(place, text, hint, path)


def _unknown(node: Node, path: Path, hinted: bool) -> Problem:
    if key := renamed(path):
        return problem_at(node.at, f"`{path[-1]}` is now `{key}`", f"write {key} instead", path)
    model = resolve_path(path[:-1]).model
    keys = allowed(model) if model is not None else []
    where = f" in {dotted(path[:-1])}" if path[:-1] else ""
    near = did_you_mean(str(path[-1])[:100], keys) if hinted else ""
    hint = f"{near}  allowed: {', '.join(keys)}".strip()
    return problem_at(node.at, f"unknown key '{path[-1]}'{where}", hint, path)


def _plain_words(complaint: Any, path: Path, node: Node) -> tuple[str, str]:
    given = shown(plain(node))
    if complaint["type"] in ("model_type", "model_attributes_type", "dict_type"):
        model = resolve_path(path).model
        hint = f"keys: {', '.join(allowed(model))}" if model is not None else "such as {name: value}"
        return f"{_name(path)} is a mapping, not {given}", hint
    if complaint["type"] in ("tuple_type", "list_type"):
        return f"{_name(path)} is a list, not {given}", "such as [a, b]"
    return f"{_name(path)}: {complaint['msg']}", ""


def _name(path: Path) -> str:
    """What a message calls the place: the key, or the key with its place in a list."""
    keys = [str(key) for key in path]
    if path and isinstance(path[-1], int):
        return f"{keys[-2]}[{keys[-1]}]" if len(keys) > 1 else keys[-1]
    return keys[-1] if keys else "the scenario"


def _leave_out(data: Any, path: Path) -> None:
    """A list goes as a whole: without one entry, the others would stand at wrong places."""
    if isinstance(path[-1], int):
        path = path[:-1]
    for key in path[:-1]:
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(data, dict):
        data.pop(path[-1], None)
