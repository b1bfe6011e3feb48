"""A simulated run as the history a firm would have kept: to see whether calibration finds what is true.

Two CSV files, cut at an as-of instant as a CRM export would be: leads (id, source, value of the won ones) and events
(a lead entered a stage, or was lost). Nothing else is told: not who never answers, not what is still to come.
Silence leaves no trace, and a lead in its cool-off looks as if it were still in the stage it left.
"""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from funnelsim.plan import END, LOST, Labels

LOST_EVENT = "lost"


def export_history(
    visits: Any, book: Labels, as_of: float, leads_file: str | Path, events_file: str | Path, won: str | None = None
) -> tuple[int, int]:
    """Write both files from a run's visits (columns as plan.VISIT), cut `as_of` seconds after the start.

    `won` is the stage whose entry makes the value of a lead known, the last one by default. Leads already in flight
    at the start are left out: their beginnings are not known. Returns the numbers of leads and of events.
    """
    known = visits[(visits["arrived"] >= 0) & (visits["entered"] < as_of)]
    order = np.lexsort((known["entered"], known["lead"], known["arrived"]))
    known = known[order]
    names = _names(known["lead"])
    leads = _leads(known, book, names, book.stages.index(won) if won else len(book.stages) - 1)
    events = _events(known, book, names, as_of)
    _write(Path(leads_file), ("lead", "source", "value"), leads)
    _write(Path(events_file), ("lead", "event", "time"), events)
    return len(leads), len(events)


def _names(lead: np.ndarray) -> dict[int, str]:
    """L00001, L00002, ... in order of arrival; a lead's identity in the run says nothing to people."""
    distinct = dict.fromkeys(lead.tolist())
    width = max(5, len(str(len(distinct))))
    return {one: f"L{number:0{width}d}" for number, one in enumerate(distinct, start=1)}


def _leads(visits: Any, book: Labels, names: dict[int, str], won: int) -> list[tuple[str, ...]]:
    winners = visits[visits["stage"] == won]
    value = dict(zip(winners["lead"].tolist(), winners["value"].tolist(), strict=True))
    source = dict(zip(visits["lead"].tolist(), visits["source"].tolist(), strict=True))
    return [
        (name, book.sources[source[lead]], f"{value[lead] / 100:.2f}" if lead in value else "")
        for lead, name in names.items()
    ]


def _events(visits: Any, book: Labels, names: dict[int, str], as_of: float) -> list[tuple[str, ...]]:
    entered = zip(visits["entered"].tolist(), visits["lead"].tolist(), visits["stage"].tolist(), strict=True)
    rows = [(at, names[lead], book.stages[stage]) for at, lead, stage in entered]
    lost = (visits["to"] == LOST) & (visits["outcome"] != END)
    gone = visits[lost & (visits["ended"] >= 0) & (visits["ended"] < as_of)]
    rows += [(at, names[i], LOST_EVENT) for at, i in zip(gone["ended"].tolist(), gone["lead"].tolist(), strict=True)]
    rows.sort(key=lambda row: (row[0], row[1]))
    start, zone = datetime.fromisoformat(book.start).astimezone(UTC), ZoneInfo(book.timezone)
    moments = ((start + timedelta(seconds=seconds)).astimezone(zone) for seconds, _, _ in rows)
    return [(name, event, at.isoformat(timespec="seconds")) for (_, name, event), at in zip(rows, moments, strict=True)]


def _write(path: Path, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
