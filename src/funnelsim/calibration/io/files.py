"""Data files to columns: CSV (also gzipped), Parquet and XES, read whole or refused with the place of what is wrong.

Opening tells the names of the columns; only those asked for are then made into a table, so columns of personal data
stay where they are.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from funnelsim.calibration.io.xes import XesError, read_xes
from funnelsim.errors import Problem, did_you_mean
from funnelsim.scenario.values import Place
from funnelsim.scenario.yaml_nodes import problem_at

LINE = "\0line"  # no column of a file is called that
SCAN_LIMIT = 64 << 20  # quoted files beyond this are left to polars to judge
SEPARATORS = ",;\t|"
LONGEST_CELL = 1 << 24
BOM = b"\xef\xbb\xbf"


class Unreadable(Exception):
    """What stands in the way of reading a file or a query."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True)
class OpenedFile:
    """A table whose columns are known and can be fetched."""

    file: str  # as the user may call it
    names: tuple[str, ...]
    fetch: Callable[[Sequence[int]], pl.DataFrame]  # by position, as text or typed, in that order; with LINE
    sha256: Callable[[pl.DataFrame], str]
    separator: str = ","

    def frame(self, names: Sequence[str]) -> pl.DataFrame:
        """These columns, each once, and each row's line. Raises Unreadable."""
        for name in names:
            if self.names.count(name) > 1:
                raise Unreadable(Problem(self.file, 1, 1, text=f"the header has '{name}' twice", hint="rename one"))
        return self.fetch([self.names.index(name) for name in names])


def open_file(path: Path, separator: str = "", place: Place | None = None) -> OpenedFile:
    """A file by its suffix; `separator` "" is found in the header. Raises Unreadable; `place` names the file."""
    try:
        raw = path.read_bytes()
    except (OSError, ValueError) as error:
        raise Unreadable(_missing(path, error, place)) from None
    if not raw.strip():
        raise Unreadable(Problem(str(path), text="the file is empty"))
    digest = hashlib.sha256(raw).hexdigest()
    if path.suffix.lower() == ".gz":
        raw, path_inside = _unpacked(path, raw), Path(path.stem)
        digest = hashlib.sha256(raw).hexdigest()
    else:
        path_inside = path
    match path_inside.suffix.lower():
        case ".parquet" | ".pq":
            return _parquet(path, raw, digest)
        case ".xes":
            return _xes(path, raw, digest)
        case _:
            return _text(path, raw.removeprefix(BOM), separator, digest)


def numbered(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The columns under these names, with the line each row has in a text file."""
    frame.columns = list(names)
    return frame.with_columns(pl.int_range(2, frame.height + 2, dtype=pl.Int64).alias(LINE))


def _unpacked(path: Path, raw: bytes) -> bytes:
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error):
        raise Unreadable(
            Problem(
                str(path), text="the compressed file is cut off or damaged", hint="fetch it again; `gzip -t` tests it"
            )
        ) from None


def _missing(path: Path, error: OSError | ValueError, place: Place | None) -> Problem:
    def told(text: str, hint: str = "") -> Problem:
        return problem_at(place, text, hint) if place else Problem(str(path), text=text, hint=hint)

    if isinstance(error, ValueError):
        return told("a file name cannot hold a null character")
    if isinstance(error, IsADirectoryError):
        return told(f"'{path}' is a folder, not a file")
    if not path.parent.is_dir():
        hint = "`data: FOLDER` in the history file or `--data FOLDER` says where the files are"
        return told(f"no such folder: '{path.parent}'", hint)
    if isinstance(error, FileNotFoundError):
        return told(f"no such file: '{path}'", did_you_mean(path.name, (p.name for p in path.parent.iterdir())))
    return told(f"'{path}' cannot be read: {(error.strerror or str(error)).lower()}")


def _parquet(path: Path, raw: bytes, digest: str) -> OpenedFile:
    damaged = Problem(str(path), text="this is not a whole Parquet file", hint="fetch it again")
    try:
        names = tuple(pl.read_parquet_schema(io.BytesIO(raw)))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        raise Unreadable(damaged) from None

    def fetch(positions: Sequence[int]) -> pl.DataFrame:
        wanted = [names[i] for i in positions]
        try:
            return numbered(pl.read_parquet(io.BytesIO(raw), columns=wanted).select(wanted), _stripped(wanted))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
            raise Unreadable(damaged) from None

    return OpenedFile(str(path), _stripped(names), fetch, lambda _: digest)


def _xes(path: Path, raw: bytes, digest: str) -> OpenedFile:
    try:
        columns, lines = read_xes(raw)
    except XesError as error:
        raise Unreadable(
            Problem(str(path), error.line, error.column, text=error.text, hint="is it a whole XES log?")
        ) from None
    names = tuple(columns)

    def fetch(positions: Sequence[int]) -> pl.DataFrame:
        wanted = [pl.Series(names[i], columns[names[i]], pl.String) for i in positions]
        return pl.DataFrame([*wanted, pl.Series(LINE, lines, pl.Int64)])

    return OpenedFile(str(path), names, fetch, lambda _: digest)


def _text(path: Path, raw: bytes, separator: str, digest: str) -> OpenedFile:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        problem = f"line {line} is not UTF-8 text (byte 0x{raw[error.start]:02x})"
        raise Unreadable(Problem(str(path), text=problem, hint="save the file as UTF-8")) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise Unreadable(Problem(str(path), text=f"line {line} holds a null character", hint="is this a text file?"))
    mark = separator or _separator(text)
    names = _header(path, text, mark)
    if mark != "\t" and (mended := _tabs_for_empty(text, mark, len(names))) != text:
        text, raw = mended, mended.encode()
    if torn := _uneven_row(path, text, mark, len(names)):
        raise Unreadable(torn)

    def fetch(positions: Sequence[int]) -> pl.DataFrame:
        order = sorted(positions)
        try:
            frame = pl.read_csv(raw, columns=order, separator=mark, infer_schema=False) if order else pl.DataFrame()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
            problem = f"cannot be read as a table: {str(error).splitlines()[0]}"
            raise Unreadable(Problem(str(path), text=problem)) from None
        return numbered(frame, [names[i] for i in order])

    return OpenedFile(str(path), names, fetch, lambda _: digest, mark)


def _separator(text: str) -> str:
    """The mark that cuts the first line into most pieces."""
    first = text.lstrip("\r\n").partition("\n")[0]
    return max(SEPARATORS, key=lambda mark: (first.count(mark), -SEPARATORS.index(mark)))


def _header(path: Path, text: str, mark: str) -> tuple[str, ...]:
    csv.field_size_limit(LONGEST_CELL)
    try:
        names = tuple(next(csv.reader(io.StringIO(text), delimiter=mark), ()))
    except csv.Error as error:
        raise Unreadable(Problem(str(path), 1, 1, text=f"the header cannot be read: {error}")) from None
    if not any(names):
        raise Unreadable(Problem(str(path), text="the first line is empty: a header with the columns' names is needed"))
    if len(names) == 1 and (others := [other for other in SEPARATORS if other in names[0] and other != mark]):
        raise Unreadable(
            Problem(
                str(path),
                1,
                1,
                (),
                f"the header is one field: '{names[0]}'",
                f"is the separator '{others[0]}'? say `separator: '{others[0]}'`",
                names[0],
                length=len(names[0]),
            )
        )
    return _stripped(names)


def _tabs_for_empty(text: str, mark: str, width: int) -> str:
    """Spreadsheets pasted into a text file end short rows in tabs, which stand for the cells that are missing."""

    def mended(row: re.Match[str]) -> str:
        missing = width - 1 - row[1].count(mark)
        return row[1] + (mark * missing if missing > 0 else row[2])

    return re.sub(r"^([^\t\r\n]*[^\t\r\n])(\t+)(?=\r?$)", mended, text, flags=re.MULTILINE) if "\t" in text else text


def _uneven_row(path: Path, text: str, mark: str, width: int) -> Problem | None:
    """A line with more or fewer fields than the header: polars would fill short ones with nothing."""
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
    try:
        for number, row in rows:
            if len(row) != width and row not in ([], [""]):
                return _uneven_problem(path, lines, number, len(row), width)
    except csv.Error as error:
        return Problem(str(path), text=f"cannot be read as a table: {error}")
    return None


def _uneven_problem(path: Path, lines: list[str], number: int, fields: int, width: int) -> Problem:
    line = lines[min(number, len(lines)) - 1]
    if number >= len(lines) and fields < width:
        return Problem(
            str(path),
            number,
            len(line) + 1,
            (),
            f"the file ends in the middle of a row ({fields} of {width} fields)",
            "the copy was cut short: export it again",
            line,
        )
    hint = "the copy is damaged, or a text holds the separator and needs quotes"
    return Problem(
        str(path),
        number,
        1,
        (),
        f"{fields} field{'s' if fields > 1 else ''} where the header has {width}",
        hint,
        line,
        length=len(line),
    )


def _stripped(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.strip() for name in names)
