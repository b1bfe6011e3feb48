"""The tables of a history: only the rows that count and the columns that are named, and what does not fit said."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from funnelsim.calibration.exports.personal import is_personal
from funnelsim.calibration.history.model import HistoryFile, Origin, RowCondition, SourceColumn
from funnelsim.calibration.io.database import open_query
from funnelsim.calibration.io.files import OpenedFile, Unreadable, open_file
from funnelsim.errors import Problem, did_you_mean
from funnelsim.scenario.values import Place
from funnelsim.scenario.yaml_nodes import problem_at

JOINT = " / "  # between the parts of an activity that several columns make


@dataclass(frozen=True)
class Sheet:
    """One table, read: the columns that are needed, as text (CSV) or as they are (Parquet), and each row's line."""

    table: str
    file: str  # as the user may call it
    frame: pl.DataFrame
    sha256: str
    left_out: int = 0  # rows that do not meet `where`

    @property
    def rows(self) -> int:
        return self.frame.height


@dataclass
class Library:
    """All tables of a history."""

    sheets: dict[str, Sheet]
    home: dict[int, str]  # id(column) -> table it is in

    def cells(self, column: SourceColumn) -> pl.Series:
        """A column, or what its JSON texts hold under a key."""
        cells = self.sheets[self.home[id(column)]].frame[column.name]
        return inside(cells, column.inside) if column.inside else cells

    def words(self, column: SourceColumn) -> pl.Series:
        """A column as stripped text, "" where there is nothing."""
        return words(self.cells(column))

    def table(self, column: SourceColumn) -> str:
        return self.home[id(column)]

    def activities(self, history: HistoryFile) -> pl.Series:
        """What happened, row by row of the event log."""
        assert history.events is not None
        parts = [self.words(column) for column in history.events.activity]
        texts = parts[0]
        for part in parts[1:]:
            frame = pl.DataFrame({"a": texts, "b": part})
            both = pl.format(f"{{}}{JOINT}{{}}", "a", "b")
            one = pl.when(pl.col("a") == "").then(pl.col("b")).otherwise(pl.col("a"))
            joined = pl.when((pl.col("a") == "") | (pl.col("b") == "")).then(one).otherwise(both)
            texts = frame.select(joined).to_series()
        empty = history.events.empty
        return texts.replace("", empty) if empty else texts


def words(cells: pl.Series) -> pl.Series:
    """Cells as stripped text, "" where there is nothing."""
    return cells.cast(pl.String).str.strip_chars().fill_null("")


def inside(cells: pl.Series, key: str) -> pl.Series:
    """What JSON texts hold under a key; null where they hold no such key, or are no JSON."""
    path = '$["' + key.replace("\\", "\\\\").replace('"', '\\"') + '"]'
    text = cells.cast(pl.String)
    object_ = pl.when(text.str.contains(r"^\s*\{.*\}\s*$")).then(text)
    try:
        values = pl.select(object_.str.json_path_match(path)).to_series()
    except pl.exceptions.PolarsError:
        return pl.Series(cells.name, [None] * len(cells), pl.String)
    return values.rename(cells.name)


def open_library(history: HistoryFile, data_dir: str | Path | None = None) -> Library:
    """Read what the history needs; problems are added to `history.problems`."""
    readable: dict[str, OpenedFile] = {}
    for name, origin in history.origins.items():
        try:
            readable[name] = _open(history, origin, data_dir)
        except Unreadable as error:
            history.problems.append(error.problem)
    home = _find_columns(history, readable, len(readable) == len(history.origins))
    sheets = {}
    for name, opened in readable.items():
        needed = sorted({column.name for column in _columns(history) if home.get(id(column)) == name})
        try:
            frame = opened.frame(needed)
        except Unreadable as error:
            history.problems.append(error.problem)
            continue
        if frame.height == 0:
            history.problems.append(Problem(opened.file, text="no rows below the header"))
            continue
        kept = _meeting(history, name, frame)
        sheets[name] = Sheet(name, opened.file, kept, opened.sha256(frame), frame.height - kept.height)
    library = Library(sheets, home)
    if not history.problems:
        _check_words(history, library)
    return library


def _open(history: HistoryFile, origin: Origin, data_dir: str | Path | None) -> OpenedFile:
    if origin.query:
        path = history.path(origin.database, data_dir)
        return open_query(origin.file, origin.query, origin.database, path, origin.place)
    return open_file(history.path(origin.file, data_dir), origin.separator, origin.place)


def _meeting(history: HistoryFile, table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The rows that meet every condition; a condition that no row meets is misspelt."""
    for condition in history.conditions[table]:
        if condition.column.name not in frame.columns:
            continue  # told already
        met = _met(condition, words(frame[condition.column.name]))
        if not met.any():
            known = words(frame[condition.column.name]).unique().to_list()
            for word, place in condition.words[:1]:
                text = f"no row of {table} has {condition.column.name} '{word}'"
                history.problems.append(_unheard(place, text, word, known))
            continue
        frame = frame.filter(met)
    return frame


def _met(condition: RowCondition, cells: pl.Series) -> pl.Series:
    return cells.str.to_lowercase().is_in([word.lower() for word, _ in condition.words])


def _check_words(history: HistoryFile, library: Library) -> None:
    """Activities and outcomes that the history file names must occur, or they are misspelt."""
    if history.events:
        known = library.activities(history).unique().to_list()
        known += library.words(history.events.before).unique().to_list() if history.events.before else []
        for mark in history.marks:
            for word, place in zip(mark.activities, mark.words, strict=True):
                if word not in known:
                    history.problems.append(_unheard(place, f"no event is called '{word}'", word, known))
    if history.outcome:
        known = library.words(history.outcome.column).unique().to_list()
        for word, place in history.outcome.words.items():
            if word not in known:
                history.problems.append(
                    _unheard(place, f"no lead's {history.outcome.column.name} is '{word}'", word, known)
                )
    for grouping in filter(None, (history.source, history.segment)):
        known = library.words(grouping.column).unique().to_list() if grouping.words else []
        for word, place in grouping.words.items():
            if word not in known:
                text = f"no lead's {grouping.column.name} is '{word}'"
                history.problems.append(_unheard(place, text, word, known))
    value = history.value
    if value and value.currency and library.table(value.currency) != library.table(value.column):
        history.problems.append(problem_at(value.currency.place, "the currency and the amount are in two tables"))


def _unheard(place: Place, text: str, word: str, known: list[str]) -> Problem:
    return problem_at(place, text, did_you_mean(word, known) or f"there are {_examples(sorted(filter(None, known)))}")


def _text_of(history: HistoryFile, place: Place) -> bool:
    return any((problem.line, problem.column) == (place.line, place.column) for problem in history.problems)


def _examples(names: list[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")


def _columns(history: HistoryFile) -> list[SourceColumn]:
    """Every column the history names."""
    columns = [table.id for table in history.tables.values()]
    if history.events:
        columns += [history.events.case, *history.events.activity, history.events.time]
        columns += [history.events.before] if history.events.before else []
    columns += [condition.column for conditions in history.conditions.values() for condition in conditions]
    columns += [mark.entered for mark in history.marks if mark.entered]
    columns += [grouping.column for grouping in (history.source, history.segment) if grouping]
    if history.outcome:
        outcome = history.outcome
        columns += [column for column in (outcome.column, outcome.time, outcome.by) if column]
    if history.value:
        columns += [column for column in (history.value.column, history.value.currency) if column]
    columns += [covariate.column for covariate in history.covariates]
    for part in (history.work, history.purchases, history.response, history.counts):
        columns += part.columns if part else []
    return columns


def _find_columns(history: HistoryFile, files: dict[str, OpenedFile], complete: bool) -> dict[int, str]:
    home = {}
    for column in _columns(history):
        having = [name for name, file in files.items() if column.name in file.names and column.table in ("", name)]
        if having and is_personal(column.name):
            hint = "give a column without names or addresses, such as the record's id"
            text = f"'{column.name}' holds personal data, which is never loaded"
            history.problems.append(problem_at(column.place, text, hint))
            continue
        if len(having) > 1:
            text = f"column '{column.name}' is in {' and '.join(having)}"
            history.problems.append(problem_at(column.place, text, f"write {having[0]}.{column.name}"))
        if having:
            home[id(column)] = having[0]
        elif _text_of(history, column.place):
            continue
        elif complete or column.table in files:
            looked = {name: file for name, file in files.items() if column.table in ("", name)}
            known = [each for file in looked.values() for each in file.names if each and not is_personal(each)]
            where = " or ".join(Path(file.file).name for file in looked.values()) or column.table
            hint = did_you_mean(column.name, known) or f"it has {_examples(known)}"
            history.problems.append(problem_at(column.place, f"no column '{column.name}' in {where}", hint))
    return home
