"""Data files to columns: CSV (also gzipped) and Parquet, read whole or refused with the place of what is wrong."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from funnelsim.calibration.history import Column, History
from funnelsim.errors import Problem, did_you_mean
from funnelsim.scenario.text import problem_at
from funnelsim.scenario.values import Place

LINE = "\0line"  # no column of a file is called that
SCAN_LIMIT = 64 << 20  # quoted files beyond this are left to polars to judge
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Sheet:
    """One file, read: the columns that are needed, as text (CSV) or as they are (Parquet), and each row's line."""

    table: str
    file: str  # as the user may call it
    frame: pl.DataFrame
    sha256: str

    @property
    def rows(self) -> int:
        return self.frame.height


@dataclass
class Library:
    """All files of a history."""

    sheets: dict[str, Sheet]
    home: dict[int, str]  # id(column) -> table it is in

    def cells(self, column: Column) -> pl.Series:
        return self.sheets[self.home[id(column)]].frame[column.name]

    def table(self, column: Column) -> str:
        return self.home[id(column)]


@dataclass
class _File:
    table: str
    path: Path
    place: Place
    separator: str
    raw: bytes = b""
    names: tuple[str, ...] = ()


def open_library(history: History, data_dir: str | Path | None = None) -> Library:
    """Read what the history needs; problems are added to `history.problems`."""
    files = {
        name: _File(name, history.path(t.file, data_dir), t.place, t.separator) for name, t in history.tables.items()
    }
    if history.events:
        events = history.events
        files["events"] = _File("events", history.path(events.file, data_dir), events.place, events.separator)
    readable = {}
    for name, file in files.items():
        problem = _load(file)
        if problem:
            history.problems.append(problem)
        else:
            readable[name] = file
    complete = len(readable) == len(files)
    home = _find_columns(history, readable, complete)
    sheets = {}
    for name, file in readable.items():
        needed = sorted({column.name for column in _columns(history) if home.get(id(column)) == name})
        frame = _frame(file, needed)
        if isinstance(frame, Problem):
            history.problems.append(frame)
        elif frame.height == 0:
            history.problems.append(Problem(str(file.path), text="no rows below the header"))
        else:
            sheets[name] = Sheet(name, str(file.path), frame, hashlib.sha256(file.raw).hexdigest())
    library = Library(sheets, home)
    if not history.problems:
        _check_words(history, library)
    return library


def _check_words(history: History, library: Library) -> None:
    """Activities and outcomes that the history file names must occur, or they are misspelt."""
    marks = [*history.stages.values(), *([history.lost] if history.lost else [])]
    if history.events:
        known = library.cells(history.events.activity).unique().cast(pl.String).drop_nulls().to_list()
        for mark in marks:
            for word, place in zip(mark.activities, mark.words, strict=True):
                if word not in known:
                    history.problems.append(_unheard(place, f"no event is called '{word}'", word, known))
    if history.outcome:
        known = library.cells(history.outcome.column).unique().cast(pl.String).drop_nulls().to_list()
        for word, place in history.outcome.words.items():
            if word not in known:
                history.problems.append(
                    _unheard(place, f"no lead's {history.outcome.column.name} is '{word}'", word, known)
                )


def _unheard(place: Place, text: str, word: str, known: list[str]) -> Problem:
    return problem_at(place, text, did_you_mean(word, known) or f"there are {_some(sorted(known))}")


def _told(history: History, place: Place) -> bool:
    return any((problem.line, problem.column) == (place.line, place.column) for problem in history.problems)


def _some(names: list[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")


def _load(file: _File) -> Problem | None:
    """The bytes and the column names, or what stands in the way."""
    try:
        file.raw = file.path.read_bytes()
    except OSError as error:
        return _missing(file, error)
    if not file.raw.strip():
        return Problem(str(file.path), text="the file is empty")
    if file.path.suffix == ".parquet":
        return _parquet_names(file)
    if file.path.suffix == ".gz":
        try:
            file.raw = gzip.decompress(file.raw)
        except (OSError, EOFError, zlib.error):
            return Problem(
                str(file.path),
                text="the compressed file is cut off or damaged",
                hint="fetch it again; `gzip -t` tests it",
            )
    file.raw = file.raw.removeprefix(BOM)
    try:
        text = file.raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = file.raw[: error.start].count(b"\n") + 1
        return Problem(
            str(file.path),
            text=f"line {line} is not UTF-8 text (byte 0x{file.raw[error.start]:02x})",
            hint="save the file as UTF-8",
        )
    file.names = tuple(next(csv.reader(io.StringIO(text), delimiter=file.separator), ()))
    if len(file.names) == 1 and (others := [mark for mark in ";\t|" if mark in file.names[0]]):
        return Problem(
            str(file.path),
            1,
            1,
            (),
            f"the header is one field: '{file.names[0]}'",
            f"is the separator '{others[0]}'? say `separator: '{others[0]}'`",
            file.names[0],
            length=len(file.names[0]),
        )
    return _torn(file, text)


def _missing(file: _File, error: OSError) -> Problem:
    if isinstance(error, IsADirectoryError):
        return problem_at(file.place, f"'{file.path}' is a folder, not a file")
    if not file.path.parent.is_dir():
        return problem_at(
            file.place,
            f"no such folder: '{file.path.parent}'",
            "`data: FOLDER` in the history file or `--data FOLDER` says where the files are",
        )
    if isinstance(error, FileNotFoundError):
        return problem_at(
            file.place,
            f"no such file: '{file.path}'",
            did_you_mean(file.path.name, (p.name for p in file.path.parent.iterdir())),
        )
    return problem_at(file.place, f"'{file.path}' cannot be read: {(error.strerror or str(error)).lower()}")


def _parquet_names(file: _File) -> Problem | None:
    try:
        file.names = tuple(pl.read_parquet_schema(io.BytesIO(file.raw)))
    except (pl.exceptions.PolarsError, OSError):
        return Problem(str(file.path), text="this is not a whole Parquet file", hint="fetch it again")
    return None


def _torn(file: _File, text: str) -> Problem | None:
    """A line with more or fewer fields than the header: polars would fill short ones with nothing."""
    mark, width = file.separator, len(file.names)
    if '"' not in text:
        lines = text.splitlines()
        if text.count(mark) == (width - 1) * sum(1 for line in lines if line):
            return None
        rows: Iterable[tuple[int, list[str]]] = enumerate((line.split(mark) for line in lines), start=1)
    elif len(text) < SCAN_LIMIT:
        reader = csv.reader(io.StringIO(text), delimiter=mark)
        lines = text.splitlines()
        rows = ((reader.line_num, row) for row in reader)
    else:
        return None
    for number, row in rows:
        if len(row) != width and row not in ([], [""]):
            return _uneven(file, lines, number, len(row), width)
    return None


def _uneven(file: _File, lines: list[str], number: int, fields: int, width: int) -> Problem:
    line = lines[min(number, len(lines)) - 1]
    if number >= len(lines) and fields < width:
        return Problem(
            str(file.path),
            number,
            len(line) + 1,
            (),
            f"the file ends in the middle of a row ({fields} of {width} fields)",
            "the copy was cut short: export it again",
            line,
        )
    hint = "the copy is damaged, or a text holds the separator and needs quotes"
    return Problem(
        str(file.path),
        number,
        1,
        (),
        f"{fields} field{'s' if fields > 1 else ''} where the header has {width}",
        hint,
        line,
        length=len(line),
    )


def _frame(file: _File, needed: list[str]) -> pl.DataFrame | Problem:
    try:
        if file.path.suffix == ".parquet":
            frame = pl.read_parquet(io.BytesIO(file.raw), columns=needed)
        else:
            frame = pl.read_csv(file.raw, columns=needed, separator=file.separator, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        return Problem(str(file.path), text=f"cannot be read as a table: {str(error).splitlines()[0]}")
    return frame.with_columns(pl.int_range(2, frame.height + 2).alias(LINE))


def _columns(history: History) -> list[Column]:
    """Every column the history names."""
    found = [table.id for table in history.tables.values()]
    if history.events:
        found += [history.events.case, history.events.activity, history.events.time]
    marks = [*history.stages.values(), *([history.lost] if history.lost else [])]
    found += [mark.entered for mark in marks if mark.entered]
    if history.source:
        found.append(history.source.column)
    if history.outcome:
        found += [history.outcome.column, history.outcome.time]
    return found + ([history.value] if history.value else [])


def _find_columns(history: History, files: dict[str, _File], complete: bool) -> dict[int, str]:
    home = {}
    for column in _columns(history):
        having = [name for name, file in files.items() if column.name in file.names and column.table in ("", name)]
        if len(having) > 1:
            told = f"column '{column.name}' is in {' and '.join(having)}"
            history.problems.append(problem_at(column.place, told, f"write {having[0]}.{column.name}"))
        if having:
            home[id(column)] = having[0]
        elif _told(history, column.place):
            continue
        elif complete or column.table in files:
            looked = {name: file for name, file in files.items() if column.table in ("", name)}
            known = [each for file in looked.values() for each in file.names]
            where = " or ".join(file.path.name for file in looked.values()) or column.table
            hint = did_you_mean(column.name, known) or f"it has {_some(known)}"
            history.problems.append(problem_at(column.place, f"no column '{column.name}' in {where}", hint))
    return home
