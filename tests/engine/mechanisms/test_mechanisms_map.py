"""docs/background/mechanisms.md: from the key of a scenario to its place in each engine, and the table is right."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import funnelsim
from funnelsim.scenario import load
from funnelsim.scenario.schema import resolve_path

ROOT = Path(__file__).parents[3]
SOURCE = Path(funnelsim.__file__).parent


def rows() -> list[list[str]]:
    text = (ROOT / "docs/background/mechanisms.md").read_text(encoding="utf-8")
    table = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return table[1:]


def names_in(module: Path) -> set[str]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def test_every_worked_example_has_its_row() -> None:
    shown = {row[-1] for row in rows()}
    assert {path.name for path in (ROOT / "scenarios/mechanisms").glob("*.yaml")} == shown
    assert len(rows()) >= 36


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_each_place_is_there(row: list[str]) -> None:
    _, key, compiled, reference, fast, example = row
    assert (SOURCE / "compile" / f"{compiled}.py").exists()
    for folder, place in (("reference", reference), ("fast", fast)):
        if place != "-":
            module, _, name = place.partition(".")
            assert name in names_in(SOURCE / "engine" / folder / f"{module}.py"), place
    assert resolve_path(key.removesuffix(".NAME").split(".")).field is not None, f"the format knows no {key}"
    load(str(ROOT / "scenarios/mechanisms" / example))
