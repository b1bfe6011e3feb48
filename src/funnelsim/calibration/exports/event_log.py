"""An event log to a draft: which activities are stages, in which order, and which ends a lead.

A log of stage changes has few activities and all are stages. A process log has many, of which most are work between
the stages: those are taken that nearly every case passes once, apart in time from the one before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from funnelsim.calibration.exports.column_profile import ColumnProfile
from funnelsim.calibration.exports.draft_common import add_segment, add_source, add_value, keep_relevant_rows
from funnelsim.calibration.exports.export_formats import FormatMatch
from funnelsim.calibration.exports.history_draft import DraftStage, HistoryDraft, flow, word, words
from funnelsim.calibration.exports.stage_order import first_times, in_order
from funnelsim.calibration.exports.stage_words import says_lost, says_won, stage_name
from funnelsim.calibration.history.model import INSIDE
from funnelsim.calibration.io.data_tables import JOINT, inside
from funnelsim.calibration.io.files import Unreadable
from funnelsim.errors import Problem

FEW, LEAST = 0.005, 3  # an activity of fewer cases is no stage
ALL_STAGES = 12  # so many activities may all be stages
MILESTONES = 7
ONCE = 1.6  # a milestone comes about once a case
AT_ONCE = 60.0  # seconds: activities no further apart are one step


def draft_log(match: FormatMatch, profile: ColumnProfile, draft: HistoryDraft) -> None:
    """Fill the draft. Raises Unreadable when the log shows fewer than two stages."""
    conditions = keep_relevant_rows(match, profile, draft)
    columns, activity, where = _activities(match, profile, draft)
    case, times = profile.text(match.role("case")), profile.times(match.role("time")).seconds
    if draft.dates == "" and profile.day_first is not None:
        draft.dates = "day first" if profile.day_first else "month first"
    if match.role("before"):
        activity = _with_beginnings(match, profile, case, activity, times)
    given = (case != "") & (activity != "")
    first = first_times(case.filter(given), activity.filter(given), times[given.to_numpy()])
    chosen, lost = _chosen(first, draft)
    if len(chosen) < 2:
        text = f"taken for {match.export.title}, it shows fewer than two stages; activities: {_examples(activity)}"
        raise Unreadable(Problem(profile.opened.file, text=text, hint="is it cut too short, or filtered too far?"))
    size = dict(first.group_by("stage").len().iter_rows())
    born = str(match.export.table.get("empty", ""))
    unchanged = [born] if born in chosen and len(chosen) > 2 else []
    taken: set[str] = set()
    for name in [name for name in chosen if name not in unchanged]:
        signs = [name, *unchanged] if not draft.stages else [name]
        draft.stages.append(DraftStage(stage_name(name, taken), flow({"activity": words(signs)}), size[name]))
    if unchanged:
        draft.notes.append(f"Leads of which no change is known are taken to be in {draft.stages[0].name} still.")
    draft.lost = flow({"activity": words(lost)}) if lost else ""
    conditions = ", ".join(part.strip("{}") for part in (conditions, where) if part)
    entries = {
        **draft.origin(),
        "case": word(match.role("case")),
        "activity": words(columns),
        "time": word(match.role("time")),
        "where": f"{{{conditions}}}" if conditions else "",
        "empty": word(str(match.export.table["empty"])) if match.role("before") else "",
        "before": word(match.role("before")) if match.role("before") else "",
    }
    draft.tables = ["events:", *(f"  {key}: {value}" for key, value in entries.items() if value)]
    add_source(match, profile, draft, "events.")
    add_segment(match, profile, draft, "events.")
    add_value(match, profile, draft, "events.")
    draft.as_of = draft.as_of or profile.last_day([match.role("time")])


def is_log(match: FormatMatch, profile: ColumnProfile) -> bool:
    """Do cases come again, and is there a time in the time's column?"""
    case = profile.text(match.role("case"))
    return case.n_unique() < len(case) and bool(profile.date_columns([match.role("time")]))


def _activities(match: FormatMatch, profile: ColumnProfile, draft: HistoryDraft) -> tuple[list[str], pl.Series, str]:
    """Columns whose joined text is the activity, that text by row, and a condition on rows as YAML."""
    if match.role("field"):
        field = match.role("field")
        cells = profile.text(field)
        wanted = [str(name) for name in match.export.get("fields")]
        there = [name for name in cells.unique().sort().to_list() if name.lower() in [w.lower() for w in wanted]]
        if not there:
            text = f"no row with {field} {' or '.join(wanted)}; there are {_examples(cells)}"
            raise Unreadable(Problem(profile.opened.file, text=text, hint="export the history of the stage"))
        profile.keep_rows(profile.text(field).is_in(there))
        return [match.role("activity")], profile.text(match.role("activity")), flow({field: words(there)})
    if match.role("type"):
        return _of_types(match, profile, draft)
    activity, where = match.role("activity"), ""
    if lifecycle := match.role("lifecycle"):
        done = [v for v in profile.text(lifecycle).unique().sort().to_list() if v.lower() in ("complete", "completed")]
        if done and profile.text(lifecycle).n_unique() > 1:
            where = flow({lifecycle: words(done)})
            profile.keep_rows(profile.text(lifecycle).is_in(done))
            draft.notes.append(f"Only rows with {lifecycle} {done[0]} count: what was begun is no stage yet.")
    return [activity], profile.text(activity), where


def _of_types(match: FormatMatch, profile: ColumnProfile, draft: HistoryDraft) -> tuple[list[str], pl.Series, str]:
    """Marketo: births, and the changes of the status that is changed most often."""
    type_, detail, attributes = (match.role(role) for role in ("type", "detail", "attributes"))
    cells = profile.text(type_)
    births = [str(birth) for birth in match.export.get("births") if (cells == str(birth)).any()]
    best = max(match.export.get("statuses"), key=lambda status: _changes(profile, cells, detail, status), default=None)
    if best is None or not attributes or not _changes(profile, cells, detail, best):
        text = f"no activity that changes a status; types: {_examples(cells)}"
        hint = "types 13 (Change Data Value), 101 and 104 do; say `activity: activityTypeId` in a history file"
        raise Unreadable(Problem(profile.opened.file, text=text, hint=hint))
    mine = (cells == best["type"]) & _about(profile, detail, best)
    if best.get("about") and detail:
        told_of = ", ".join(profile.text(detail).filter(mine).unique().sort().to_list())
        draft.notes.append(f"Stages are the new values of {told_of} (activity type {best['type']}).")
    profile.keep_rows(mine | cells.is_in(births))
    key = f"{attributes}{INSIDE}{best['key']}"
    value = (
        inside(profile.cells[attributes], best["key"]).fill_null("") if profile.text(attributes) is not None else None
    )
    assert value is not None
    kind = profile.text(type_)
    joined = pl.select(
        pl.when(value == "").then(kind).otherwise(pl.format(f"{{}}{JOINT}{{}}", kind, value))
    ).to_series()
    where = {type_: words([*births, best["type"]])}
    return [type_, key], joined, flow(where)


def _about(profile: ColumnProfile, detail: str, status: dict[str, Any]) -> pl.Series:
    cells = profile.text(detail) if detail else None
    if cells is None or not status.get("about"):
        return pl.Series([True]).new_from_index(0, len(next(iter(profile.cells.values()))))
    return cells.is_in(status["about"])


def _changes(profile: ColumnProfile, type_: pl.Series, detail: str, status: dict[str, Any]) -> int:
    return int(((type_ == status["type"]) & _about(profile, detail, status)).sum())


def _with_beginnings(
    match: FormatMatch, profile: ColumnProfile, case: pl.Series, activity: pl.Series, times: Any
) -> pl.Series:
    """The row of the creation stands for the stage that the first change says it left."""
    empty = str(match.export.table["empty"])
    frame = pl.DataFrame({"case": case, "was": profile.text(match.role("before")), "now": activity, "at": times})
    changed = frame.filter((pl.col("was") != "") & (pl.col("now") != "")).sort("at", maintain_order=True)
    first = changed.unique("case", keep="first", maintain_order=True).select("case", began="was")
    joined = frame.join(first, on="case", how="left", maintain_order="left")
    began = pl.when(pl.col("now") == "").then(pl.coalesce("began", pl.lit(empty))).otherwise(pl.col("now"))
    return joined.select(began).to_series()


def _chosen(first: pl.DataFrame, draft: HistoryDraft) -> tuple[list[str], list[str]]:
    """Activities that are stages, in order, and those that are losses."""
    cases = first["case"].n_unique()
    size = first.group_by("stage").agg(pl.len().alias("cases"), pl.col("times").mean())
    kept = size.filter(pl.col("cases") >= max(FEW * cases, LEAST))
    rare = sorted(set(size["stage"]) - set(kept["stage"]))
    draft.left_out += [f"{name}: {int(size.filter(pl.col('stage') == name)['cases'][0]):,} leads" for name in rare[:20]]
    lost = sorted(name for name in kept["stage"] if says_lost(name))
    steps = first.filter(pl.col("stage").is_in([name for name in kept["stage"] if name not in lost]))
    if not steps.height:
        return [], lost
    ordered = in_order(steps)
    if len(ordered) > ALL_STAGES:
        chosen = _milestones(steps, ordered, kept)
        skipped = [name for name in ordered if name not in chosen]
        draft.notes.append(f"{len(ordered)} activities: those most cases pass once are taken for stages.")
        draft.left_out += [
            f"{name}: {int(kept.filter(pl.col('stage') == name)['cases'][0]):,} leads" for name in skipped
        ]
        return chosen, lost
    return ordered, lost


def _milestones(steps: pl.DataFrame, ordered: list[str], size: pl.DataFrame) -> list[str]:
    """Activities passed about once, apart in time from the one before; the first and the last, and the most usual."""
    cases, times = (dict(size.select("stage", column).iter_rows()) for column in ("cases", "times"))
    once = [name for name in ordered if times[name] <= ONCE] or ordered
    kept = [once[0]]
    for name in once[1:]:
        if _gap(steps, kept[-1], name) > AT_ONCE:
            kept.append(name)
        elif len(kept) > 1 and (says_won(name), cases[name]) > (says_won(kept[-1]), cases[kept[-1]]):
            kept[-1] = name
    while len(kept) > MILESTONES:
        kept.remove(min(kept[1:-1], key=lambda name: cases[name]))
    return kept


def _gap(steps: pl.DataFrame, a: str, b: str) -> float:
    """Median seconds from the first a to the first b, of the cases that have both."""
    both = steps.filter(pl.col("stage") == a).join(steps.filter(pl.col("stage") == b), on="case")
    gap = (both["at_right"] - both["at"]).to_numpy()
    return float(np.median(np.abs(gap))) if len(gap) else np.inf


def _examples(cells: pl.Series) -> str:
    names = cells.filter(cells != "").unique().sort().head(9).to_list()
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
