"""Do two checkouts give the same results, digit for digit? For a change that should move code and move no number.

    python benchmarks/same_results.py record FOLDER       (in each checkout, with its own Python; scenarios of that one)
    python benchmarks/same_results.py compare OLD NEW

`record` runs every shipped scenario and the studies of the demo and keeps their tables. `compare` sets the tables side
by side, column by column in their order: a column or a label may be renamed, a digit may not differ. Renamed columns
and labels are listed, so that a reader can judge them.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl

STUDIES = {
    "compare": [
        "compare",
        "scenarios/old-way.yaml",
        "scenarios/old-way-with-promise.yaml",
        "scenarios/shared-funnel.yaml",
        "--draws",
        "6",
        "--no-figures",
    ],
    "compare-seam": [
        "compare",
        *sorted(str(path) for path in Path("scenarios").glob("*/old-way.yaml")),
        *sorted(str(path) for path in Path("scenarios").glob("*/shared-funnel.yaml")),
        "--draws",
        "4",
        "--no-figures",
    ],
    "sweep": [
        "sweep",
        "scenarios/shared-funnel.yaml",
        "--vary",
        "teams.sales.people=3..6:4",
        "-n",
        "4",
        "--no-figures",
    ],
    "calibrate": ["calibrate", "calibration/sample.history.yaml"],
}


def record(folder: Path) -> None:
    """Run everything; one folder of tables a scenario or study."""
    for path in sorted(Path("scenarios").rglob("*.yaml")):
        where = folder / "-".join(path.with_suffix("").parts[1:])
        _run(where, ["run", str(path), "-n", "6", "--tables", "--no-figures", "--out", str(where)])
    for name, words in STUDIES.items():
        out = folder / name
        target = str(out / "fitted.yaml") if name == "calibrate" else str(out)
        _run(out, [*words, "--out", target])


def compare(old: Path, new: Path) -> int:
    """Print what differs and what is renamed; the number of tables that differ."""
    differing, columns, rows = 0, 0, 0
    renamed: set[str] = set()
    names = sorted(path.name for path in old.iterdir())
    for name in names:
        before, after = _tables(old / name), _tables(new / name)
        if not before or len(before) != len(after):
            print(f"{name}: {len(before)} tables before, {len(after)} after")
            differing += 1
            continue
        for (table, one), (_, other) in zip(before.items(), after.items(), strict=True):
            problem = _difference(one, other, renamed)
            columns, rows = columns + one.width, rows + one.height
            if problem:
                differing += 1
                print(f"{name}/{table}: {problem}")
    print(f"{len(names)} scenarios and studies, {columns:,} columns, {rows:,} rows: {differing} tables differ")
    print("renamed:", *sorted(renamed), sep="\n  ")
    return differing


def _run(where: Path, words: list[str]) -> None:
    where.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "funnelsim", *words, "--quiet"], capture_output=True, text=True, check=False
    )
    (where / "exit.csv").write_text(f"code\n{done.returncode}\n", encoding="utf-8")
    print(f"{where.name}: exit {done.returncode} {done.stderr.strip()[:200] if done.returncode else ''}", flush=True)


def _tables(folder: Path) -> dict[str, pl.DataFrame]:
    found: dict[str, pl.DataFrame] = {}
    for path in sorted(folder.rglob("*.csv")):
        found[path.name] = pl.read_csv(path, infer_schema_length=None)
    for path in sorted(folder.rglob("*.parquet")):
        found[path.name] = pl.read_parquet(path)
    return found


def _difference(one: pl.DataFrame, other: pl.DataFrame, renamed: set[str]) -> str:
    if one.shape != other.shape:
        return f"{one.shape} before, {other.shape} after"
    for before, after in zip(one.iter_columns(), other.iter_columns(), strict=True):
        if before.name != after.name:
            renamed.add(f"{before.name} -> {after.name}")
        if before.dtype == after.dtype == pl.String or isinstance(before.dtype, pl.Enum | pl.Categorical):
            pairs = pl.DataFrame({"a": before.cast(pl.String), "b": after.cast(pl.String)}).unique()
            renamed.update(f"{a} -> {b}" for a, b in pairs.iter_rows() if a != b)
            if pairs["a"].n_unique() != pairs.height or pairs["b"].n_unique() != pairs.height:
                return f"labels of {after.name} do not match one to one"
        elif not before.equals(after.rename(before.name), null_equal=True):
            return f"numbers of {after.name} differ"
    return ""


if __name__ == "__main__":
    action, *folders = sys.argv[1:]
    if action == "record":
        record(Path(folders[0]))
    else:
        sys.exit(min(1, compare(*(Path(folder) for folder in folders))))
