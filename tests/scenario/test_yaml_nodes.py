"""YAML and TOML to values with their places."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnelsim.errors import ScenarioError
from funnelsim.scenario.yaml_nodes import Node, parse, parse_yaml, plain, read

YAML = """\
# a comment
name: Base
teams:
  sales: {people: 3, cost: 55/hour}
list:
- one
- "two"
"""
TOML = """\
# a comment
name = "Base"
[teams.sales]
people = 3
cost = "55/hour"
[top]
start = 2026-01-05
at = 08:30:00
"list one" = ["one", { two = 2 }, '''
three''']
a.b = { c = 1.5 }
[[costs]]
amount = 1
[[costs]]
amount = 2
[costs.more]
x = true
"""


def place(node: Node, *path: str | int) -> tuple[int, int, int]:
    for key in path:
        node = node.value[key]
    return node.place.line, node.place.column, node.place.length


def test_yaml_words_are_those_of_version_1_2() -> None:
    """`no` is a word, 9:30 a word, 010 is ten, a date is text."""
    tree = parse_yaml("[no, yes, 9:30, 010, 0o10, 0x10, 1e3, 1_000, 2026-01-05, true, ~, .5, +1, '1', !!str 5]", "f")

    assert plain(tree) == ["no", "yes", "9:30", 10, 8, 16, 1000.0, "1_000", "2026-01-05", True, None, 0.5, 1, "1", "5"]


def test_each_yaml_value_has_its_place() -> None:
    """Line, column and length of the value, and of its key."""
    tree = parse(YAML, "base.yaml")

    assert place(tree, "name") == (2, 7, 4)
    assert place(tree, "teams", "sales", "cost") == (4, 28, 7)
    assert place(tree, "list", 1) == (7, 3, 5)
    key = tree.value["teams"].value["sales"].key
    assert (key.line, key.column, key.length) == (4, 3, 5)
    assert key.source_line == "  sales: {people: 3, cost: 55/hour}"


def test_each_toml_value_has_its_place() -> None:
    """Tables, dotted keys, inline tables, arrays of tables."""
    tree = parse(TOML, "base.toml")

    assert plain(tree) == {
        "name": "Base",
        "teams": {"sales": {"people": 3, "cost": "55/hour"}},
        "top": {"start": "2026-01-05", "at": "08:30", "list one": ["one", {"two": 2}, "three"], "a": {"b": {"c": 1.5}}},
        "costs": [{"amount": 1}, {"amount": 2, "more": {"x": True}}],
    }
    assert place(tree, "teams", "sales", "people") == (4, 10, 1)
    assert place(tree, "top", "list one", 1, "two") == (9, 30, 1)
    assert place(tree, "top", "a", "b", "c") == (11, 13, 3)
    assert place(tree, "costs", 1, "amount") == (15, 10, 1)
    assert place(tree, "costs", 1, "more", "x") == (17, 5, 4)


def test_anchors_and_merge_keys() -> None:
    """What is written here wins over what is merged in; the place is where it was written."""
    tree = parse_yaml("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\nc: *a\n", "f")

    assert plain(tree) == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 1, "y": 2}}
    assert place(tree, "b", "x")[0] == 1
    assert place(tree, "b", "y")[0] == 4


def test_a_bomb_of_aliases_is_refused() -> None:
    """A few lines that stand for thousands of millions of values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]

    with pytest.raises(ScenarioError, match="too many aliases"):
        parse_yaml("\n".join(lines), "f")


def test_a_comma_that_cuts_a_value_is_recognised() -> None:
    """Rule 79, in mappings and in lists; quoted text and plain lists are left alone."""
    for text in (
        "{a: lognormal(median 6 days, p90 20 days)}",
        "[uniform(1 day, 3 days)]",
        "{h: 09:00-12:00, 13:00-17:00}",
        "{next: 20% after uniform(1 day, 2 days), b: 1}",
    ):
        with pytest.raises(ScenarioError, match="comma inside"):
            parse_yaml(text, "f")
    assert plain(parse_yaml("{a: 'uniform(1 day, 3 days)', b: [x, y]}", "f")) == {
        "a": "uniform(1 day, 3 days)",
        "b": ["x", "y"],
    }


def test_windows_line_ends_and_byte_order_mark(tmp_path: Path) -> None:
    """As Windows editors save."""
    for name, text in (("w.yaml", "name: Base\r\nseed: 3\r\n"), ("w.toml", 'name = "Base"\r\nseed = 3\r\n')):
        file = tmp_path / name
        file.write_bytes(b"\xef\xbb\xbf" + text.encode())
        tree = read(str(file))

        assert plain(tree) == {"name": "Base", "seed": 3}
        assert tree.value["name"].place.source_line == text.splitlines()[0]


@given(st.text(max_size=60))
def test_no_text_makes_a_traceback(text: str) -> None:
    """Whatever stands in a file is read, or refused with a problem at a place."""
    for name in ("f.yaml", "f.toml"):
        try:
            parse(text, name)
        except ScenarioError as error:
            assert str(error)


@given(st.dictionaries(st.text("abcdef", min_size=1), st.integers() | st.booleans() | st.text("xyz ", min_size=1)))
def test_json_is_yaml(data: dict[str, object]) -> None:
    """Quoted text stays text, numbers numbers."""
    import json

    assert plain(parse_yaml(json.dumps(data), "f")) == data
