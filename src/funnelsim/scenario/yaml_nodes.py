"""YAML or TOML to values with the position of each.

YAML is composed to a node tree and its plain scalars read by the core schema of YAML 1.2: `no` is a word, `9:30` a
word, `010` is ten and a date is text. (PyYAML's own YAML 1.1 rules make False, 570 and 8 of these.) Equal keys in one
mapping are an error, and so is a value that a comma cut in two inside {...} (rule 79).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from funnelsim.bounded_files import SCENARIO, FileRefused, check_depth, decode, read_bytes
from funnelsim.errors import Problem, ScenarioError
from funnelsim.scenario.values import Place

LONGEST_NUMBER = 1000  # characters; Python refuses to read whole numbers of more than 4300 digits
MAX_REPEATS = 20_000  # aliases of aliases can make a small file endless
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Node:
    """A value and where it stands: a mapping, a list, or a word, number or truth."""

    value: Any  # dict[str, Node], list[Node], str, int, float, bool or None
    place: Place
    key: Place | None = field(default=None, repr=False)  # where its key stands

    @property
    def at(self) -> Place:
        return self.key or self.place


def read(path: str) -> Node:
    """The tree of a scenario file, or ScenarioError with what is wrong in it."""
    return parse(_text_of(path), path)


def parse(text: str, file: str) -> Node:
    """The tree of a scenario's text; TOML when the name ends in .toml, else YAML."""
    if file.endswith(".toml"):
        from funnelsim.scenario.toml_nodes import parse_toml

        refuse_depth(text, file)
        return parse_toml(text, file)
    return parse_yaml(text, file)


def parse_yaml(text: str, file: str, line: int = 1, before: str = "") -> Node:
    """The tree of YAML text, which begins on that line of what the user typed, with `before` in front of it."""
    refuse_depth(text, file, line, before)
    reader = _Yaml(text, file, line, before)
    node = reader.read()
    if reader.problems:
        raise ScenarioError(reader.problems, file)
    return node


def refuse_depth(text: str, file: str, line: int = 1, before: str = "") -> None:
    """ScenarioError when the text is nested deeper than a parser can follow."""
    try:
        check_depth(text)
    except FileRefused as refused:
        column = refused.column + (len(before) if refused.line == 1 else 0)
        source = (before + text).split("\n")[refused.line - 1]
        at = Problem(file, refused.line + line - 1, column, (), refused.text, refused.hint, source)
        raise ScenarioError([at], file) from None


def plain(node: Node) -> Any:
    """The bare data of a tree."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def scalar(word: str) -> Any:
    """A plain scalar by YAML 1.2's core schema."""
    for pattern, make in _CORE:
        if pattern.fullmatch(word):
            return finite_or_word(make, word)
    return word


def finite_or_word(make: Callable[[str], Any], word: str) -> Any:
    """The value, or the word as it stands where no float can hold it: what reads it says that it is no number."""
    if len(word) > LONGEST_NUMBER:
        return word
    value = make(word)
    try:
        return value if not isinstance(value, int | float) or math.isfinite(value) else word
    except OverflowError:
        return word


_CORE: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (re.compile(r"~|null|Null|NULL|"), lambda word: None),
    (re.compile(r"true|True|TRUE"), lambda word: True),
    (re.compile(r"false|False|FALSE"), lambda word: False),
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0o[0-7]+"), lambda word: int(word[2:], 8)),
    (re.compile(r"0x[0-9a-fA-F]+"), lambda word: int(word[2:], 16)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)"), lambda word: float(word.replace(".", ""))),
    (re.compile(r"\.(nan|NaN|NAN)"), lambda word: float("nan")),
)


def _text_of(path: str) -> str:
    def refuse(text: str, hint: str = "") -> ScenarioError:
        return ScenarioError([Problem(path, text=text, hint=hint)], path)

    try:
        text = decode(read_bytes(Path(path), SCENARIO))
    except FileNotFoundError:
        raise refuse("no such file", _neighbour(Path(path))) from None
    except IsADirectoryError:
        raise refuse("this is a folder, not a scenario file", _inside(Path(path))) from None
    except OSError as error:
        raise refuse(f"cannot be read: {(error.strerror or str(error)).lower()}") from None
    except FileRefused as refused:
        raise refuse(refused.text, refused.hint) from None
    if not text.strip():
        raise refuse("the file is empty", "`funnelsim init` writes one to start from")
    return text


def _neighbour(path: Path) -> str:
    from funnelsim.errors import did_you_mean

    if not path.parent.is_dir():
        return f"there is no folder '{path.parent}' either"
    return did_you_mean(path.name, (p.name for p in path.parent.iterdir() if p.suffix in (".yaml", ".yml", ".toml")))


def _inside(folder: Path) -> str:
    names = sorted(p.name for p in folder.iterdir() if p.suffix in (".yaml", ".yml", ".toml"))
    return f"it holds {', '.join(names[:5])}" if names else ""


class _Yaml:
    """One reading of one YAML text."""

    def __init__(self, text: str, file: str, line: int, before: str) -> None:
        self.text, self.file = text, file
        self.lines = (before + text).splitlines() or [""]
        self.line, self.before = line, len(before)
        self.problems: list[Problem] = []
        self.repeats = 0
        self.seen: set[int] = set()
        self.open: set[int] = set()

    def read(self) -> Node:
        try:
            loader = _Loader(self.text)
            try:
                root = loader.get_single_node()
            finally:
                loader.dispose()
        except yaml.YAMLError as error:
            raise ScenarioError([self.syntax(error)], self.file) from None
        if root is None:
            raise ScenarioError([Problem(self.file, text="the file holds nothing but comments")], self.file)
        return self.node(root, None)

    def node(self, raw: yaml.Node, key: Place | None) -> Node:
        place = self.place(raw)
        self.repeats += id(raw) in self.seen
        self.seen.add(id(raw))
        if id(raw) in self.open or self.repeats > MAX_REPEATS:
            self.report(place, "an alias that contains itself" if id(raw) in self.open else "too many aliases")
            raise ScenarioError(self.problems, self.file)
        self.open.add(id(raw))
        try:
            if isinstance(raw, yaml.MappingNode):
                return Node(self.mapping(raw), place, key)
            if isinstance(raw, yaml.SequenceNode):
                self.check_cut(raw, raw.value)
                return Node([self.node(child, None) for child in raw.value], place, key)
            return Node(self.scalar(raw, place), place, key)
        finally:
            self.open.discard(id(raw))

    def mapping(self, raw: yaml.MappingNode) -> dict[str, Node]:
        found: dict[str, Node] = {}
        merged: list[dict[str, Node]] = []
        values: list[yaml.Node] = []
        for key, value in raw.value:
            if not isinstance(key, yaml.ScalarNode):
                self.report(self.place(key), "a key must be a word, not a list or a mapping")
                continue
            if key.value == "<<" and not key.style:
                merged += self.merged(value)
                continue
            if raw.flow_style and self.is_cut(key, value, values):
                continue
            values.append(value)
            place = self.place(key)
            if key.value in found:
                first = found[key.value].at.line
                self.report(place, f"'{key.value}' is here twice", f"the first is on line {first}")
                continue
            found[key.value] = self.node(value, place)
        for base in merged:
            found = {**base, **found}
        return found

    def merged(self, value: yaml.Node) -> list[dict[str, Node]]:
        sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
        maps = []
        for source in sources:
            if isinstance(source, yaml.MappingNode):
                maps.append(self.mapping(source))
            else:
                self.report(self.place(source), "'<<' takes a mapping or a list of mappings")
        return maps

    def is_cut(self, key: yaml.Node, value: yaml.Node, before: list[yaml.Node]) -> bool:
        """Rule 79: inside {...} a comma ends the value, and what follows it becomes a key without a value."""
        if not (isinstance(value, yaml.ScalarNode) and value.value == "" and not value.style):
            return False
        if value.start_mark.index != value.end_mark.index or not before or getattr(key, "style", None):
            return False
        last = before[-1]
        if not isinstance(last, yaml.ScalarNode) or not (
            last.value.count("(") > last.value.count(")") or re.match(r"\d|\w+ \d", key.value)
        ):
            return False
        self.tell_cut(last, key)
        return True

    def check_cut(self, raw: yaml.SequenceNode, children: list[yaml.Node]) -> None:
        if not raw.flow_style:
            return
        for one, two in pairwise(children):
            if not isinstance(one, yaml.ScalarNode) or not isinstance(two, yaml.ScalarNode) or one.style:
                continue
            if one.value.count("(") > one.value.count(")"):
                self.tell_cut(one, two)

    def tell_cut(self, one: yaml.Node, two: yaml.Node) -> None:
        whole = f"{one.value}, {two.value}"
        cure = "leave the comma out" if "(" in whole else f'write "{whole}" in quotes'
        self.report(self.place(one), f"the comma inside {{...}} cuts '{whole}' in two", cure)

    def scalar(self, raw: Any, place: Place) -> Any:
        implicit = yaml.SafeLoader.yaml_implicit_resolvers
        if raw.style:
            return raw.value
        if raw.tag.startswith("!"):
            self.report(place, f"the tag '{raw.tag}' means nothing here")
            return raw.value
        first = raw.value[:1]
        guesses = [tag for tag, pattern in implicit.get(first, []) if pattern.match(raw.value)]
        if raw.tag.endswith(":str") and guesses:
            return raw.value  # `!!str 10`
        return scalar(raw.value)

    def place(self, raw: yaml.Node) -> Place:
        start, end = raw.start_mark, raw.end_mark
        source = self.lines[start.line] if start.line < len(self.lines) else ""
        shift = self.before if start.line == 0 else 0
        length = end.column - start.column if end.line == start.line else len(source) - start.column - shift
        return Place(self.file, start.line + self.line, start.column + 1 + shift, max(1, length), source)

    def report(self, place: Place, text: str, hint: str = "") -> None:
        self.problems.append(problem_at(place, text, hint))

    def syntax(self, error: yaml.YAMLError) -> Problem:
        mark = getattr(error, "problem_mark", None)
        if mark is None:
            reason = getattr(error, "reason", "") or "it cannot be read"
            position = int(getattr(error, "position", 0) or 0)
            line = self.text.encode()[:position].count(b"\n") + 1
            return Problem(self.file, text=f"not YAML text, near line {line}: {reason}")
        at = min(mark.line, len(self.lines) - 1)
        source = self.lines[at]
        column = mark.column + (self.before if at == 0 else 0) if at == mark.line else len(source)
        text, hint = _explain(error, source, column)
        return Problem(self.file, at + self.line, column + 1, (), text, hint, source)


def problem_at(
    place: Place, text: str, hint: str = "", path: tuple[str | int, ...] = (), severity: str = "error"
) -> Problem:
    """A problem with the place it stands at."""
    return Problem(place.file, place.line, place.column, path, text, hint, place.source_line, severity, place.length)


def moved(place: Place, piece: str) -> Place:
    """The place of a piece of the value that stands there, when the piece can be found in the source line."""
    found = place.source_line.find(piece, max(0, place.column - 1)) if piece else -1
    return replace(place, column=found + 1, length=len(piece)) if found >= 0 else place


def _explain(error: Any, source: str, column: int) -> tuple[str, str]:
    """libyaml's words, and what to do about the usual causes."""
    what, context = str(error.problem), str(error.context or "")
    begun = error.context_mark.line + 1 if error.context_mark else 0
    if "\t" in source[: column + 1]:
        return "a tab stands where YAML wants spaces", "indent with spaces"
    if "flow" in context:
        bracket = "{...}" if "mapping" in context else "[...]"
        return f"the {bracket} that begins on line {begun} does not end: {what}", "close it, or put a comma between"
    if "quoted scalar" in context:
        return f"the quoted text that begins on line {begun} does not end", "close the quotes"
    if "mapping values are not allowed" in what:
        return "a second ': ' in one line", "put the value in quotes, or the key on a line of its own"
    if "could not find expected ':'" in what or "did not find expected key" in what:
        return f"this line is neither a key nor a value: {what}", "is a ': ' missing, or the indentation uneven?"
    if "expected a single document" in what or "single document" in context:
        return "a second document begins here", "a scenario file holds one: remove the '---'"
    if "undefined alias" in what or "undefined alias" in str(error):
        return "this alias was never defined", "define it with & above"
    return f"not YAML: {what}", ""
