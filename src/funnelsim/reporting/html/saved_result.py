"""A saved folder of any command, read for the report: manifest, answer, tables and figures.

Whatever is missing or torn is found in one go and told with its file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from funnelsim import manifest as manifests
from funnelsim.errors import DataError, Problem
from funnelsim.manifest import Manifest
from funnelsim.reporting.html.images import Picture, picture_of
from funnelsim.reporting.html.sections import Kind, kind_of, place_of
from funnelsim.result import ANSWER

if TYPE_CHECKING:
    import polars as pl

PICTURES = (".svg", ".png")
LOGS = ("event-log.csv",)  # of single leads, far too many for a report


@dataclass(frozen=True)
class Saved:
    """What a folder holds."""

    folder: Path
    manifest: Manifest
    kind: Kind
    answer: str  # what the command printed; its first line is the answer
    tables: dict[str, pl.DataFrame]  # by file, in the order of the kind
    pictures: dict[str, Picture]  # by file without ending, in the order of the kind


def read_all(places: Sequence[str | Path]) -> list[Saved]:
    """Folders, or manifests in them; DataError with every problem of all of them."""
    found: list[Saved] = []
    problems: list[Problem] = []
    for i, place in enumerate(places):
        try:
            found.append(_read(Path(place), prefix=f"r{i + 1}"))
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(problems, problems[0].file if len(places) == 1 else f"{len(places)} results")
    return found


def _read(place: Path, prefix: str) -> Saved:
    folder = place.parent if place.name == manifests.FILE else place
    if not folder.is_dir():
        text = (
            "a report is made of a folder of results, and this is a file"
            if folder.exists()
            else ("there is no such folder")
        )
        raise DataError([Problem(str(folder), text=text)])
    if not (folder / manifests.FILE).is_file():
        raise DataError(
            [
                Problem(
                    str(folder),
                    text=f"this is no result of funnelsim: it has no {manifests.FILE}",
                    hint="give a folder that a command such as run or compare has saved",
                )
            ]
        )
    manifest = manifests.read(folder)
    kind, problems = kind_of(manifest), list[Problem]()
    answer = _answer(folder, manifest, problems)
    tables = _tables(folder, kind, problems)
    pictures = _pictures(folder, kind, prefix, problems)
    if problems:
        raise DataError(problems, str(folder))
    return Saved(folder, manifest, kind, answer, tables, pictures)


def _answer(folder: Path, manifest: Manifest, problems: list[Problem]) -> str:
    file = folder / ANSWER
    try:
        text = file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        again = f"funnelsim {manifest.kind} {folder / manifests.FILE}"
        problems.append(
            Problem(
                str(file),
                text="the answer is missing: the folder is incomplete, or was saved by an older funnelsim",
                hint=f"repeat it: {again}",
            )
        )
        return ""
    except (OSError, UnicodeDecodeError) as error:
        problems.append(Problem(str(file), text=f"the answer cannot be read: {error}"))
        return ""
    if not text:
        problems.append(Problem(str(file), text="the answer is empty: the file is incomplete"))
    return text


def _tables(folder: Path, kind: Kind, problems: list[Problem]) -> dict[str, pl.DataFrame]:
    import polars as pl

    found: dict[str, pl.DataFrame] = {}
    there = {file.name for file in folder.glob("*.csv") if file.name not in LOGS}
    wanted = there | set(kind.tables) - set(kind.optional)
    for name in sorted(wanted, key=lambda name: (place_of(name, kind.tables), name)):
        try:
            found[name] = pl.read_csv(folder / name, infer_schema_length=None)
        except FileNotFoundError:
            problems.append(Problem(str(folder / name), text="this table is missing: the folder is incomplete"))
        except (OSError, pl.exceptions.PolarsError) as error:
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            problems.append(Problem(str(folder / name), text=f"this table cannot be read: {why}"))
    return found


def _pictures(folder: Path, kind: Kind, prefix: str, problems: list[Problem]) -> dict[str, Picture]:
    names = {file.stem for file in folder.iterdir() if file.suffix in PICTURES}
    found: dict[str, Picture] = {}
    for name in sorted(names, key=lambda name: (place_of(name, kind.figures), name)):
        files = [file for suffix in PICTURES if (file := folder / f"{name}{suffix}").is_file()]
        try:
            found[name] = picture_of(files, f"{prefix}-{name}")
        except ValueError as error:
            problems.append(Problem(str(files[0]), text=str(error)))
    return found
