"""`funnelsim calibrate FILE`: recognise an export, say so, and write a history file that a person can edit."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from funnelsim.calibration.exports.cohort_counts import draft_cohorts
from funnelsim.calibration.exports.column_profile import ColumnProfile
from funnelsim.calibration.exports.event_log import draft_log, is_log
from funnelsim.calibration.exports.export_formats import FormatMatch, closest, matching
from funnelsim.calibration.exports.history_draft import HistoryDraft
from funnelsim.calibration.exports.personal import is_personal
from funnelsim.calibration.exports.wide_table import draft_table
from funnelsim.calibration.io.database import is_database, open_query
from funnelsim.calibration.io.files import OpenedFile, Unreadable, open_file
from funnelsim.errors import DataError, Problem

HISTORY_SUFFIXES = (".yaml", ".yml", ".toml")
GUIDE = "write a history file that says which column is what: docs/guides/bring-your-own-history.md"


@dataclass(frozen=True)
class DetectedExport:
    """What a file was taken for, and the history file that says so."""

    title: str
    columns: tuple[str, ...]  # that told
    draft: HistoryDraft

    @property
    def text(self) -> str:
        """The history file."""
        return self.draft.text()

    def summary(self) -> str:
        """One line for people."""
        stages = ", ".join(stage.name for stage in self.draft.stages)
        return f"{self.draft.file}: taken for {self.title} (by {', '.join(self.columns)}); stages: {stages}"


@dataclass(frozen=True)
class UserHints:
    """What the user says about the data beforehand."""

    timezone: str = ""  # of times without an offset
    as_of: str = ""  # the last day in the data
    dates: str = ""  # `day first` or `month first`
    query: str = ""  # what to ask, when the data are in a database


def is_history(file: str | Path) -> bool:
    """Is this a history file, and not data?"""
    return Path(file).suffix.lower() in HISTORY_SUFFIXES


def history_of(file: str, out: Path | None) -> Path:
    """Where the history file of an export is written: beside the fitted file, or beside the export."""
    if out is not None:
        return out.with_name(out.name.removesuffix(".yaml").removesuffix(".fitted") + ".history.yaml")
    name = Path(file).name.partition(".")[0] or "database"
    return (Path() if "://" in file else Path(file).parent) / f"{name}.history.yaml"


def detect(file: str | Path, hints: UserHints | None = None, called: str = "") -> DetectedExport:
    """What a data file or a database is, as a history file would say it; `called`: its name there.

    Raises DataError when no alias table fits, or when what fits does not show two stages.
    """
    hints = hints or UserHints()
    try:
        if is_database(str(file)):
            if not hints.query:
                hint = "say `--query 'SELECT ... FROM ...'`"
                raise Unreadable(Problem(str(file), text="a database needs a query", hint=hint))
            opened = open_query("query", hints.query, str(file), Path(file))
        else:
            opened = open_file(Path(file))
        return _detect(opened, hints, called or Path(file).name)
    except Unreadable as error:
        raise DataError([error.problem], str(file)) from None


def write_history(file: str | Path, history: str | Path, hints: UserHints | None = None) -> DetectedExport:
    """Recognise a file and write the history file beside which it is found; one that was edited is left alone.

    Raises DataError, also when another file stands there.
    """
    history = Path(history)
    called = str(file) if is_database(str(file)) and "://" in str(file) else _relative(Path(file), history)
    detected = detect(file, hints, called)
    try:
        if history.exists() and history.read_text(encoding="utf-8") != detected.text:
            hint = f"calibrate {history} itself if you have edited it, or give another --out"
            raise DataError([Problem(str(history), text="is there already and says something else", hint=hint)])
        _write(history, detected.text)
    except (OSError, UnicodeDecodeError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise DataError([Problem(str(history), text=f"cannot be written: {reason}")]) from None
    return detected


def _detect(opened: OpenedFile, hints: UserHints, called: str) -> DetectedExport:
    refused: Unreadable | None = None
    for match in matching(opened.names):
        profile = ColumnProfile(opened, hints.timezone or "UTC", hints.dates)
        if match.export.form == "events" and not is_log(match, profile):
            continue
        draft = HistoryDraft(
            match.export.title,
            called,
            hints.timezone or "UTC",
            hints.as_of,
            bool(hints.timezone),
            bool(hints.as_of),
            hints.dates,
        )
        draft.separator = opened.separator
        draft.query, draft.database = hints.query, called if hints.query else ""
        draft.tells_not = [str(what) for what in match.export.get("tells_not")]
        try:
            _DRAFTS[match.export.form](match, profile, draft)
        except Unreadable as error:
            # A special kind knows better than a general one what is missing.
            general = "*" in match.export.get("signs") and closest(opened.names) is not None
            refused = refused or (Unreadable(_unknown(opened)) if general else error)
            continue
        signs = tuple(dict.fromkeys([*match.roles.values(), *match.stages.values()]))[:5]
        return DetectedExport(match.export.title, signs, draft)
    raise refused or Unreadable(_unknown(opened))


def _unknown(opened: OpenedFile) -> Problem:
    names = [name for name in opened.names if name and not is_personal(name)]
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    near, hint = closest(opened.names), GUIDE
    if near:
        export, gaps = near
        hint = f"it is nearest to {export.title}, without a column for: {', '.join(gaps)}; else {GUIDE}"
    return Problem(opened.file, text=f"not recognised by its columns: {shown or 'none with a name'}", hint=hint)


def _relative(file: Path, history: Path) -> str:
    """How a history file calls a data file: from where it stands itself."""
    return os.path.relpath(file, history.parent).replace(os.sep, "/")


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    beside = path.with_name(f".{path.name}.unfinished")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


_DRAFTS: dict[str, Callable[[FormatMatch, ColumnProfile, HistoryDraft], None]] = {
    "wide": draft_table,
    "events": draft_log,
    "counts": draft_cohorts,
}
