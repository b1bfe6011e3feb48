"""Leads in flight from a CSV file: each line a lead, so that a manifest holds them and a mistake has its line."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from funnelsim.bounded_files import LEADS, FileRefused, decode, read_bytes
from funnelsim.errors import Problem, ScenarioError, did_you_mean
from funnelsim.scenario.schema import InFlight, allowed
from funnelsim.scenario.values import Place
from funnelsim.scenario.yaml_nodes import Node, problem_at, scalar

MOST_HEADER = 10_000  # characters
KEY = ("leads_in_flight",)
NAMES = ("id", "source", "segment", "stage", "team")  # text, whatever they look like: id 007 is not 7


def with_leads(tree: Node, problems: list[Problem]) -> Node:
    """The tree with `leads_in_flight: {file: ...}` replaced by the leads of that file."""
    written = tree.value.get("leads_in_flight")
    if written is None or not isinstance(written.value, dict) or set(written.value) != {"file"}:
        return tree
    asked = written.value["file"]
    folder = Path() if asked.place.file == "--set" else Path(asked.place.file).parent
    try:
        leads = _leads(folder / str(asked.value), asked, written.at)
    except ScenarioError as error:
        problems += error.problems
        leads = replace(written, value=[])
    return replace(tree, value={**tree.value, "leads_in_flight": leads})


def _leads(path: Path, asked: Node, key: Place) -> Node:
    def refuse(text: str, hint: str = "") -> ScenarioError:
        return ScenarioError([problem_at(asked.place, text, hint, (*KEY, "file"))])

    try:
        lines = decode(read_bytes(path, LEADS)).splitlines()
    except OSError as error:
        raise refuse(f"{path} cannot be read: {(error.strerror or '').lower()}") from None
    except FileRefused as refused:
        raise refuse(f"{path} cannot be read: {refused.text}", refused.hint) from None
    if not lines:
        raise refuse(f"{path} is empty", f"its first line names columns among {', '.join(allowed(InFlight))}")
    columns = [name.strip() for name in next(csv.reader([lines[0][:MOST_HEADER]]))]
    known = allowed(InFlight)
    if unknown := [name for name in columns if name not in known]:
        hint = f"{did_you_mean(unknown[0], known)}  allowed: {', '.join(known)}".strip()
        raise ScenarioError(
            [Problem(str(path), 1, 1, KEY, f"unknown column '{unknown[0]}'", hint, lines[0], length=len(lines[0]))]
        )
    rows = [
        _lead(line, Place(str(path), number, 1, len(line), line), columns)
        for number, line in enumerate(lines[1:], 2)
        if line.strip()
    ]
    return Node(rows, asked.place, key)


def _lead(line: str, place: Place, columns: list[str]) -> Node:
    try:
        cells = next(csv.reader([line]))
    except csv.Error as error:
        raise ScenarioError([problem_at(place, f"this line cannot be read: {error}", path=KEY)]) from None
    if len(cells) != len(columns):
        raise ScenarioError([problem_at(place, f"{len(cells)} cells under {len(columns)} columns", path=KEY)])
    read = {name: cell.strip() for name, cell in zip(columns, cells, strict=True) if cell.strip()}
    return Node({name: Node(cell if name in NAMES else scalar(cell), place) for name, cell in read.items()}, place)
