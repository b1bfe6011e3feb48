"""`policy: shared-funnel` and `handoff: {at: MQL}`: one word for who owns the stages, how leads move, what is promised.

A layer that says such a word gets what it stands for laid under its own keys and over all that it extends; the rest of
funnelsim sees ownership, handoff and promises as if they had been written out, at the place of the word.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from funnelsim.errors import Problem, did_you_mean
from funnelsim.scenario import parsers, presets
from funnelsim.scenario.values import Place
from funnelsim.scenario.yaml_nodes import Node, plain, problem_at

Path = tuple[str | int, ...]
SIDES = ("marketing", "sales")
CHOICES = ("policy", "handoff.at")  # keys that stand for others


def expand_policy(layer: Node, below: Node | None, problems: list[Problem]) -> Node | None:
    """What the words of a layer stand for, as a tree; None when it says none, or none that can be understood."""
    word, at = _said(layer, "policy"), _said(layer, "handoff", "at")
    if word is None and at is None:
        return None
    names = _Names(layer, below)
    try:
        preset = {} if word is None else _preset(word)
        _refuse_both(layer, word, at, preset)
        _refuse_teams(names, word or at)
        ownership = _ownership(names, word, at, preset)
    except _PolicyError as wrong:
        problems.append(wrong.problem)
        return None
    place = (word or at).place  # type: ignore[union-attr]  # one of them is there
    written = {key: preset[key] for key in ("handoff", "promises") if key in preset}
    return _tree({"ownership": ownership, **written}, place)


class _PolicyError(Exception):
    def __init__(self, node: Node, path: Path, text: str, hint: str) -> None:
        self.problem = problem_at(node.place, text, hint, path)


class _Names:
    """What this layer and those below it call things."""

    def __init__(self, layer: Node, below: Node | None) -> None:
        self.trees = [tree for tree in (below, layer) if tree is not None]
        self.stages = self._things("stages")
        self.definitions = self._things("definitions")
        self.teams = self._things("teams")

    def _things(self, kind: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for tree in self.trees:
            written = tree.value.get(kind)
            for name, node in written.value.items() if written and isinstance(written.value, dict) else ():
                said = plain(node)
                before = found.get(name)
                if said == "none":
                    found.pop(name, None)
                else:
                    found[name] = {**before, **said} if isinstance(before, dict) and isinstance(said, dict) else said
        return found

    def ends(self, stage: str) -> bool:
        said = self.stages[stage]
        return not (isinstance(said, dict) and isinstance(said.get("next"), dict))

    def first_of(self, point: str) -> str | None:
        """The stage where a point lies, a stage or a definition; None when there is no such point."""
        if point in self.stages or point not in self.definitions:
            return point if point in self.stages else None
        try:
            definition = parsers.definition(self.definitions[point])
        except parsers.ParseError:  # told where it is read
            return None
        if not definition.is_threshold:
            return definition.stage if definition.stage in self.stages else None
        return self._behind_gate(point)

    def _behind_gate(self, definition: str) -> str | None:
        """The first stage that a gate with this definition opens."""
        order = list(self.stages)
        for name, said in self.stages.items():
            if isinstance(said, dict) and said.get("gate") == definition and isinstance(said.get("next"), dict):
                return next((stage for stage in order[order.index(name) + 1 :] if stage in said["next"]), None)
        return None


def _said(layer: Node, *keys: str) -> Node | None:
    """The word under a key; None when there is none."""
    node: Node | None = layer
    for key in keys:
        node = node.value.get(key) if node is not None and isinstance(node.value, dict) else None
    return node if node is not None and isinstance(node.value, str) and node.value != "none" else None


def _preset(word: Node) -> dict[str, Any]:
    known = presets.names("policy")
    if word.value not in known:
        hint = f"{did_you_mean(word.value, known)}  known: {', '.join(known)}".strip()
        raise _PolicyError(word, ("policy",), f"there is no policy '{word.value}'", hint)
    return presets.load("policy", word.value)


def _refuse_both(layer: Node, word: Node | None, at: Node | None, preset: dict[str, Any]) -> None:
    if at is None:
        return
    if "ownership" in layer.value and layer.value["ownership"].value != "none":
        raise _PolicyError(
            at,
            ("handoff", "at"),
            "handoff.at and ownership both say who owns the stages",
            "keep one of them in this file",
        )
    if word is not None and "at" not in preset:
        raise _PolicyError(
            at,
            ("handoff", "at"),
            f"handoff.at gives each stage to one team, and {word.value} shares them",
            "keep one of them, or write ownership",
        )


def _refuse_teams(names: _Names, word: Node | None) -> None:
    assert word is not None
    for side in SIDES:
        if side not in names.teams:
            path: Path = ("policy",) if word.value in presets.names("policy") else ("handoff", "at")
            raise _PolicyError(
                word,
                path,
                f"'{word.value}' divides stages between marketing and sales, and there is no team '{side}'",
                "name the teams so, or write ownership",
            )


def _ownership(names: _Names, word: Node | None, at: Node | None, preset: dict[str, Any]) -> dict[str, Any]:
    if at is not None:
        return _divided(names, _point(names, at))
    assert word is not None
    if "at" in preset:
        found = next((stage for point in preset["at"] if (stage := names.first_of(point))), None)
        if found is None:
            raise _PolicyError(
                word,
                ("policy",),
                f"{word.value} hands leads over at the MQL, and no stage or gate says where that is",
                "define MQL, or write handoff: {at: a stage}",
            )
        return _divided(names, found)
    return _shared(names, word, preset)


def _point(names: _Names, at: Node) -> str:
    stage = names.first_of(str(at.value))
    if stage is not None:
        return stage
    if at.value in names.definitions:
        raise _PolicyError(
            at,
            ("handoff", "at"),
            f"no stage is where '{at.value}' begins",
            f"let a stage have it as gate, as in gate: {at.value}, or name a stage",
        )
    known = list(dict.fromkeys([*names.definitions, *names.stages]))
    raise _PolicyError(
        at,
        ("handoff", "at"),
        f"there is no definition or stage '{at.value}'",
        f"{did_you_mean(str(at.value), known)}  known: {', '.join(known)}".strip(),
    )


def _divided(names: _Names, point: str) -> dict[str, str]:
    """Marketing before the point, sales from there on."""
    order = list(names.stages)
    return {stage: SIDES[order.index(stage) >= order.index(point)] for stage in order}


def _shared(names: _Names, word: Node, preset: dict[str, Any]) -> dict[str, Any]:
    """By name of the stage where the preset knows it, else by the definitions that lie before it; ends keep theirs."""
    unknown = [stage for stage in names.stages if stage not in preset["stages"] and not names.ends(stage)]
    points = {point: names.first_of(point) for point in preset["phases"] if point != "start"}
    if unknown and points.get("MQL", "") is None:
        raise _PolicyError(
            word,
            ("policy",),
            f"{word.value} divides stages by MQL and SQL, and no stage is where MQL begins",
            "define MQL, name stages awareness, discovery, interest, evaluation, purchase, or write ownership",
        )
    now, found = preset["phases"]["start"], {}
    for stage in names.stages:
        now = _last([preset["phases"][point] for point, begins in points.items() if begins == stage], now)
        if stage in preset["stages"] or not names.ends(stage):
            found[stage] = preset["stages"].get(stage, now)
    return found


def _last(found: Iterable[Any], otherwise: Any) -> Any:
    return [otherwise, *found][-1]


def _tree(data: Any, place: Place) -> Node:
    """A preset's data as if it had been written where the word stands."""
    if isinstance(data, dict):
        return Node({str(key): _tree(value, place) for key, value in data.items()}, place, place)
    return Node([_tree(value, place) for value in data] if isinstance(data, list) else data, place, place)
