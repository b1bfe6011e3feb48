"""The data dictionary is true: every column of every table that a run leaves, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

import funnelsim as fs

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/tables.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with levels, so that every table is there."""
    file = ROOT / "scenarios/mechanisms/trust.yaml"
    saved = fs.run(file, replications=2, tables=True, out=tmp_path_factory.mktemp("run"), figures=False).folder
    assert saved is not None
    return saved


def described(table: str) -> set[str]:
    """The columns that the page has for a table."""
    section = re.search(rf"^## {re.escape(table)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert section, f"docs/reference/tables.md has no section {table}"
    cells = re.findall(r"^\| (`[^|]*) \|", section[1], re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_every_file_of_a_run_is_named(folder: Path) -> None:
    named = set(re.findall(r"^\| `([\w.]+)` \|", PAGE, re.MULTILINE))
    assert {path.name for path in folder.iterdir()} <= named


def test_every_column_is_described_and_no_other(folder: Path) -> None:
    tables = sorted(path for path in folder.iterdir() if path.suffix in (".csv", ".parquet"))
    assert len(tables) == 10
    for path in tables:
        frame = pl.read_csv(path) if path.suffix == ".csv" else pl.read_parquet(path)
        assert set(frame.columns) == described(path.name), path.name
