"""A table with one row a lead to a draft: which columns are the entries into which stages, and how leads end."""

from __future__ import annotations

import numpy as np
import polars as pl

from funnelsim.calibration.exports.column_profile import ColumnProfile
from funnelsim.calibration.exports.draft_common import add_segment, add_source, add_value, keep_relevant_rows
from funnelsim.calibration.exports.export_formats import FormatMatch, entry_columns
from funnelsim.calibration.exports.history_draft import DraftStage, HistoryDraft, flow, word
from funnelsim.calibration.exports.personal import is_personal
from funnelsim.calibration.exports.stage_order import first_times, in_order
from funnelsim.calibration.exports.stage_words import is_no_stage, says_lost, says_won, stage_name
from funnelsim.calibration.history.model import LOST
from funnelsim.calibration.io.files import Unreadable
from funnelsim.errors import Problem

LEADS = "leads"  # what the table is called
BEGINS = "created"
GOAL = "customer"
FULL = 0.9  # a first stage that fewer leads have is not where they begin


def draft_table(match: FormatMatch, profile: ColumnProfile, draft: HistoryDraft) -> None:
    """Fill the draft. Raises Unreadable when nothing shows two stages."""
    conditions = keep_relevant_rows(match, profile, draft)
    columns = _stage_columns(match, profile, draft)
    lost = [column for _, column in columns if says_lost(column)] + _known(profile, match.role(LOST))
    stages = [(name, column) for name, column in columns if column not in lost]
    if draft.dates == "" and profile.day_first is not None:
        draft.dates = "day first" if profile.day_first else "month first"
    taken: set[str] = set()
    for name, column in stages:
        unique = stage_name(name, taken)
        draft.stages.append(DraftStage(unique, word(f"{LEADS}.{column}"), _filled(profile, column)))
    lost.sort(key=lambda column: -_filled(profile, column))
    if lost:
        draft.lost = word(f"{LEADS}.{lost[0]}")
        draft.left_out += [f"{column}: a second way to be lost" for column in lost[1:]]
    dated = [column for _, column in stages] + lost[:1]
    dated += _outcome(match, profile, draft, taken, bool(lost))
    if len(draft.stages) < 2:
        raise Unreadable(_too_few(profile, match, [column for _, column in columns]))
    entries = {**draft.origin(), "id": word(match.role("id")), "where": conditions}
    draft.tables = ["tables:", f"  {LEADS}: {flow(entries)}"]
    add_source(match, profile, draft, f"{LEADS}.")
    add_segment(match, profile, draft, f"{LEADS}.")
    add_value(match, profile, draft, f"{LEADS}.")
    draft.as_of = draft.as_of or profile.last_day(dated, _ended(match, profile))


def _ended(match: FormatMatch, profile: ColumnProfile) -> dict[str, pl.Series]:
    """Rows in which the closing date is one: of open deals it is when somebody hopes to close them."""
    status, when = match.role("status"), match.role("status_time")
    values = [value for value in _values(profile, status) if says_lost(value) or says_won(value)] if status else []
    return {when: profile.text(status).is_in(values)} if when and values else {}


def _stage_columns(match: FormatMatch, profile: ColumnProfile, draft: HistoryDraft) -> list[tuple[str, str]]:
    """(name, column) of the stages in order, losses among them."""
    begins = match.role("begins")
    known = {name: column for name, column in match.stages.items() if _known(profile, column)}
    if match.stages:
        draft.left_out += [f"{column}: empty" for name, column in match.stages.items() if name not in known]
        columns = list(known.items())
        first = columns[0][1] if columns else ""
        if (
            begins
            and _known(profile, begins)
            and (not first or _filled(profile, first) < FULL * _filled(profile, begins))
        ):
            columns.insert(0, (BEGINS, begins))
        return columns
    entered = _of_one_pipeline(match, profile, draft)
    if entered:
        return _sorted_by_data(match, profile, entered)
    if match.export.table.get("every_date"):
        return _sorted_by_data(match, profile, _dated(match, profile, draft))
    return [(BEGINS, begins)] if begins and _known(profile, begins) else []


def _of_one_pipeline(match: FormatMatch, profile: ColumnProfile, draft: HistoryDraft) -> list[tuple[str, str]]:
    """(stage, column) of the columns that are entries by name, those of the fullest pipeline."""
    entered = entry_columns(match.export, profile.opened.names)
    dated = set(profile.date_columns([column for column, _, _ in entered]))
    draft.left_out += [f"{column}: empty" for column, _, _ in entered if column not in dated]
    size: dict[str, int] = {}
    for column, _, pipeline in entered:
        if column in dated:
            size[pipeline] = size.get(pipeline, 0) + _filled(profile, column)
    if not size:
        return []
    fullest = max(size, key=lambda pipeline: size[pipeline])
    if others := [pipeline for pipeline in size if pipeline != fullest]:
        draft.notes.append(f"Stages of the pipeline {fullest!r}; left out: those of {', '.join(map(repr, others))}.")
    return [(stage, column) for column, stage, pipeline in entered if column in dated and pipeline == fullest]


def _dated(match: FormatMatch, profile: ColumnProfile, draft: HistoryDraft) -> list[tuple[str, str]]:
    """Every column of dates that sounds like a stage."""
    playing = set(match.roles.values())
    others = [name for name in profile.opened.names if name and name not in playing and not is_personal(name)]
    dated = profile.date_columns([*others, *_unless_outcome(match, profile)])
    draft.left_out += [f"{column}: no entry into a stage by its name" for column in dated if is_no_stage(column)]
    return [(column, column) for column in dated if not is_no_stage(column)]


def _unless_outcome(match: FormatMatch, profile: ColumnProfile) -> list[str]:
    """The closing date is a stage of its own when no status says what it means."""
    status, when = match.role("status"), match.role("status_time")
    if when and not (status and any(says_lost(value) or says_won(value) for value in _values(profile, status))):
        return [when]
    return []


def _sorted_by_data(
    match: FormatMatch, profile: ColumnProfile, columns: list[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Stages as the leads pass them."""
    ids = profile.text(match.role("id"))
    parts = [first_times(ids, pl.Series([column] * len(ids)), profile.times(column).seconds) for _, column in columns]
    place = {column: i for i, column in enumerate(in_order(pl.concat(parts)))} if parts else {}
    known = [pair for pair in columns if pair[1] in place]
    return sorted(known, key=lambda pair: place[pair[1]])


def _outcome(
    match: FormatMatch, profile: ColumnProfile, draft: HistoryDraft, taken: set[str], has_lost: bool
) -> list[str]:
    """The end of leads where a status tells it; the column of its time when there is one."""
    status, when, by = (match.role(role) for role in ("status", "status_time", "status_by"))
    if not status:
        return []
    values = _values(profile, status)
    lost = [] if has_lost else [value for value in values if says_lost(value)]
    won = [value for value in values if says_won(value)]
    has_goal = len(draft.stages) > 1 or not _known(profile, when)
    endings = dict.fromkeys(lost, LOST)
    if won and not has_goal:
        goal = stage_name(GOAL, taken)
        endings |= dict.fromkeys(won, goal)
        count = profile.text(status).is_in(won).sum()
        draft.stages.append(DraftStage(goal, "{}", int(count)))
    if not endings:
        return []
    entries = {"column": word(f"{LEADS}.{status}")}
    if _known(profile, when):
        entries["time"] = word(f"{LEADS}.{when}")
    elif _known(profile, by):
        entries["by"] = word(f"{LEADS}.{by}")
    entries["values"] = flow({value: word(target) for value, target in endings.items()})
    draft.outcome = flow(entries)
    if "time" not in entries:
        latest = by if "by" in entries else "the as-of date"
        draft.notes.append(f"{status} says who is lost, not when: some time up to {latest}.")
    return [when] if "time" in entries else [by] if "by" in entries else []


def _values(profile: ColumnProfile, column: str) -> list[str]:
    """Distinct values of a status, the most frequent first."""
    counts = (
        profile.text(column).to_frame("value").group_by("value").len().sort("len", "value", descending=[True, False])
    )
    return [value for value in counts["value"].to_list() if value][:50]


def _known(profile: ColumnProfile, column: str) -> list[str]:
    """The column, when there is one with times in it."""
    return [column] if column and profile.date_columns([column]) else []


def _filled(profile: ColumnProfile, column: str) -> int:
    return int(np.isfinite(profile.times(column).seconds).sum())


def _too_few(profile: ColumnProfile, match: FormatMatch, columns: list[str]) -> Problem:
    dated = ", ".join(f"'{column}'" for column in columns) or "none"
    hint = "a history needs the times of two stages at least; an event log or a second table may hold them"
    text = f"taken for {match.export.title}, it shows fewer than two stages; columns with dates: {dated}"
    return Problem(profile.opened.file, text=text, hint=hint)
