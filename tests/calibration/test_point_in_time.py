"""A history as it was known then: what is written later must not show, in whatever column it stands."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from funnelsim.calibration.events.visit_history import OPEN, VisitHistory, read_visit_history
from funnelsim.calibration.history.point_in_time import as_of
from funnelsim.calibration.io.row_issues import RowIssues
from funnelsim.calibration.pipeline import fit_history, open_history
from funnelsim.calibration.result import Calibration

MARCH = datetime(2025, 3, 1, tzinfo=UTC)
HEAD = "as_of: 2025-06-30\ntimezone: UTC\n"
WIDE = (
    HEAD
    + """tables: {leads: {file: leads.csv, id: id}, deals: {file: deals.csv, id: lead}}
source: leads.source
value: deals.amount
stages: {lead: leads.came, talk: leads.talked, customer: deals.won}
lost: leads.lost
"""
)
LEADS = """id,source,came,talked,lost
early,web,2025-01-05 10:00:00,2025-01-20 10:00:00,
won,web,2025-01-06 10:00:00,2025-01-12 10:00:00,
slow,web,2025-01-07 10:00:00,2025-02-20 10:00:00,
open,fair,2025-02-01 10:00:00,2025-04-02 10:00:00,
lost,fair,2025-02-02 10:00:00,,2025-02-10 10:00:00
late,mail,2025-04-05 10:00:00,2025-04-09 10:00:00,
"""
DEALS = """lead,won,amount
won,2025-02-12 10:00:00,1000
slow,2025-05-01 10:00:00,2000
late,2025-05-02 10:00:00,3000
"""
LOG = (
    HEAD
    + """events: {file: events.csv, case: case, activity: activity, time: time}
value: events.amount
stages: {lead: {activity: came}, talk: {activity: talked}, customer: {activity: won}}
lost: {activity: lost}
"""
)
EVENTS = """case,activity,time,amount
a,came,2025-01-05 10:00:00,500
a,talked,2025-01-06 10:00:00,500
a,won,2025-01-30 10:00:00,500
b,came,2025-01-07 10:00:00,700
b,lost,2025-02-03 10:00:00,700
b,talked,2025-04-01 10:00:00,700
b,won,2025-04-09 10:00:00,700
c,came,2025-03-02 10:00:00,900
"""
STATUS = (
    HEAD
    + """tables: {deals: {file: status.csv, id: id}}
stages: {lead: deals.came, customer: {}}
outcome: {column: deals.status, time: deals.closed, values: {Won: customer, Lost: lost}}
"""
)
STATUSES = """id,came,status,closed
a,2025-01-05 10:00:00,Won,2025-02-01 10:00:00
b,2025-01-06 10:00:00,Won,2025-05-01 10:00:00
c,2025-01-07 10:00:00,Lost,
d,2025-01-08 10:00:00,Lost,2025-02-02 10:00:00
"""


def then(folder: Path, history: str, at: datetime = MARCH, **tables: str) -> VisitHistory:
    """The records of a history as known at an instant."""
    cut, library = as_of(*open_history(written(folder, history, **tables)), at)
    return read_visit_history(cut, library, RowIssues())


def written(folder: Path, history: str, **tables: str) -> Path:
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text)
    (folder / "h.history.yaml").write_text(history)
    return folder / "h.history.yaml"


def stays(records: VisitHistory) -> list[tuple[str, str, str]]:
    """(lead, stage, where it went)."""
    visits = records.visits
    names = {**dict(enumerate(records.stages)), -1: "lost", OPEN: "open"}
    return sorted(
        (str(records.ids[lead]), names[stage], names[to])
        for lead, stage, to in zip(visits.lead, visits.stage, visits.to, strict=True)
    )


def test_what_happens_later_is_not_known(tmp_path: Path) -> None:
    """On 1 March `open` has not talked yet, `slow` has not bought, and nobody has heard of `late` or of e-mail."""
    records = then(tmp_path, WIDE, leads=LEADS, deals=DEALS)
    assert stays(records) == [
        ("early", "lead", "talk"),
        ("early", "talk", "open"),
        ("lost", "lead", "lost"),
        ("open", "lead", "open"),
        ("slow", "lead", "talk"),
        ("slow", "talk", "open"),
        ("won", "customer", "open"),
        ("won", "lead", "talk"),
        ("won", "talk", "customer"),
    ]
    assert set(records.sources) == {"web", "fair"}


def test_the_worth_of_a_deal_that_is_won_later_is_not_known(tmp_path: Path) -> None:
    records = then(tmp_path, WIDE, leads=LEADS, deals=DEALS)
    known = {str(lead): value for lead, value in zip(records.ids, records.value, strict=True) if np.isfinite(value)}
    assert known == {"won": 1000.0}


def test_a_loss_that_is_taken_back_later_was_a_loss(tmp_path: Path) -> None:
    """With hindsight b's loss is left out, as b went on in April; on 1 March b was lost. Amounts count from the win."""
    records = then(tmp_path, LOG, events=EVENTS)
    assert stays(records) == [
        ("a", "customer", "open"),
        ("a", "lead", "talk"),
        ("a", "talk", "customer"),
        ("b", "lead", "lost"),
    ]
    assert np.isnan(records.value[list(records.ids).index("b")])


def test_an_outcome_counts_once_its_time_has_come(tmp_path: Path) -> None:
    """b is won in May; nobody can say when c was lost, so on 1 March c is open."""
    records = then(tmp_path, STATUS, status=STATUSES)
    assert stays(records) == [
        ("a", "customer", "open"),
        ("a", "lead", "customer"),
        ("b", "lead", "open"),
        ("c", "lead", "open"),
        ("d", "lead", "lost"),
    ]


def test_changes_that_come_later_are_not_known_of(tmp_path: Path) -> None:
    history, _ = as_of(
        *open_history(written(tmp_path, WIDE + "changes: [2025-02-01, 2025-05-01]\n", leads=LEADS, deals=DEALS)), MARCH
    )
    assert [f"{change:%m}" for change in history.changes] == ["02"]
    assert history.as_of_text == "2025-02-28"


@pytest.mark.parametrize(
    "forged",
    [
        LEADS.replace("2025-04-02 10:00:00,", ",2025-03-02 09:00:00"),
        LEADS.replace("late,mail,2025-04-05 10:00:00,2025-04-09", "late,web,2025-03-01 00:00:00,2025-03-02"),
        LEADS + "more,web,2025-06-01 10:00:00,,\nmost,web,2025-06-02 10:00:00,,\n",
    ],
)
def test_changing_what_comes_later_changes_nothing(tmp_path: Path, forged: str) -> None:
    """The tables as known then are the same to the last cell, and so are their hashes, by which forecasts are kept."""
    assert forged != LEADS
    hashes = []
    for leads in (LEADS, forged):
        _, library = as_of(*open_history(written(tmp_path, WIDE, leads=leads, deals=DEALS)), MARCH)
        hashes.append({name: sheet.sha256 for name, sheet in library.sheets.items()})
    assert hashes[0] == hashes[1]


def test_changing_what_was_known_changes_it(tmp_path: Path) -> None:
    hashes = []
    for leads in (LEADS, LEADS.replace("2025-02-20", "2025-02-21")):
        _, library = as_of(*open_history(written(tmp_path, WIDE, leads=leads, deals=DEALS)), MARCH)
        hashes.append(library.sheets["leads"].sha256)
    assert hashes[0] != hashes[1]


def test_the_shipped_sample_is_cut_as_an_earlier_as_of_date_would(tmp_path: Path) -> None:
    """An event log without corrections: cutting gives the visits that reading it with an earlier `as_of` gives."""
    folder = Path(__file__).parents[2] / "calibration"
    history, library = open_history(folder / "sample.history.yaml")
    at = datetime(2025, 10, 6, tzinfo=history.as_of.tzinfo)
    cut: Calibration = fit_history(*as_of(history, library, at))
    earlier = tmp_path / "earlier.history.yaml"
    earlier.write_text((folder / "sample.history.yaml").read_text().replace("as_of: 2026-01-04", "as_of: 2025-10-05"))
    whole = fit_history(*open_history(earlier, folder))
    for name in ("lead", "stage", "entered", "left", "to"):
        left, right = getattr(cut.records.visits, name), getattr(whole.records.visits, name)
        np.testing.assert_array_equal(left, right)
    assert cut.conversion() == whole.conversion()
