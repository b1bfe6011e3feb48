"""Files to visits: times and zones, forms of files, rows that cannot be true."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from funnelsim.calibration import calibrate
from funnelsim.calibration.events.stage_events import LOST_AT
from funnelsim.calibration.events.visit_history import OPEN
from funnelsim.calibration.history.model import SourceColumn
from funnelsim.calibration.io.times import instants
from funnelsim.scenario.values import Place
from support.synthetic_history import world, write_wide

NOWHERE = Place("x", 1, 1)
HEAD = "as_of: 2025-03-31\ntimezone: Europe/Berlin\n"


def utc(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()


def at(text: str, zone: str = "Europe/Berlin", **column: object) -> tuple[float, float]:
    parsed = instants(pl.Series([text]), SourceColumn("t", "c", NOWHERE, **column), zone)  # type: ignore[arg-type]
    return float(parsed.seconds[0]), float(parsed.rounding[0])


@pytest.mark.parametrize(
    ("text", "expected", "rounding"),
    [
        ("2025-02-03 09:30:15", utc(2025, 2, 3, 8, 30, 15), 1.0),
        ("2025-02-03T09:30:15.250", utc(2025, 2, 3, 8, 30, 15) + 0.25, 0.001),
        ("2025-07-03 09:30", utc(2025, 7, 3, 7, 30), 60.0),
        ("2025-02-03T09:30:15Z", utc(2025, 2, 3, 9, 30, 15), 1.0),
        ("2025-02-03T09:30:15+05:30", utc(2025, 2, 3, 4, 0, 15), 1.0),
        ("2025-02-03T09:30:15-0800", utc(2025, 2, 3, 17, 30, 15), 1.0),
        ("2025/2/3", utc(2025, 2, 3, 11), 86400.0),  # noon in Berlin
        ("1706076407193", 1706076407.193, 0.001),
        ("1706076407", 1706076407.0, 1.0),
        ("2025-03-30 02:30:00", utc(2025, 3, 30, 1, 30), 1.0),  # skipped by daylight saving: an hour later
        ("2024-10-27 02:30:00", utc(2024, 10, 27, 0, 30), 1.0),  # there twice: the first
    ],
)
def test_times(text: str, expected: float, rounding: float) -> None:
    assert at(text) == (pytest.approx(expected, abs=1e-3), rounding)


@pytest.mark.parametrize("text", ["soon", "2025-02-30", "2025-13-01", "03/02/2025", "25:00", "2025-02-03 9h"])
def test_no_times(text: str) -> None:
    parsed = instants(pl.Series([text, "", None]), SourceColumn("t", "c", NOWHERE), "UTC")
    assert parsed.bad.tolist() == [True, False, False] and np.isnan(parsed.seconds).all()


def test_stated_format_and_zone() -> None:
    assert at("03.02.2025 09:30", format="%d.%m.%Y %H:%M", timezone="UTC") == (utc(2025, 2, 3, 9, 30), 60.0)
    assert at("03.02.2025", format="%d.%m.%Y") == (utc(2025, 2, 3, 11), 86400.0)


def test_midnight_that_stands_for_a_date() -> None:
    """Olist's 02:00 and 03:00: midnight in São Paulo in summer and winter, written in UTC."""
    for text in ("2018-01-10 02:00:00", "2018-03-10 03:00:00"):
        seconds, rounding = at(text, "America/Sao_Paulo", timezone="UTC", midnight_is_date=True)
        assert rounding == 86400.0 and (seconds - utc(2018, 1, 10, 14)) % 86400 in (0.0, 3600.0)
    assert at("2018-01-10 14:05:00", "America/Sao_Paulo", timezone="UTC", midnight_is_date=True)[1] == 1.0


def history(folder: Path, text: str, **files: str) -> Path:
    for name, content in files.items():
        (folder / f"{name}.csv").write_text(content)
    (folder / "it.history.yaml").write_text(HEAD + text)
    return folder / "it.history.yaml"


EVENTS = """case,activity,time
A,in,2025-01-01T10:00:00Z
A,talk,2025-01-02T10:00:00Z
A,in,2025-01-05T10:00:00Z
A,talk,2025-01-06T10:00:00Z
A,won,2025-01-09T10:00:00Z
B,talk,2025-01-03T10:00:00Z
B,gone,2025-01-04T10:00:00Z
B,won,2025-01-08T10:00:00Z
C,in,2025-01-01T10:00:00Z
C,in,2025-01-02T10:00:00Z
C,gone,2025-01-07T10:00:00Z
D,in,2025-03-31T10:00:00Z
D,talk,2025-04-01T10:00:00Z
E,other,2025-01-01T10:00:00Z
"""


def test_event_log_to_visits(tmp_path: Path) -> None:
    """Ways back, entries at a later stage, losses taken back, times after the end."""
    path = history(
        tmp_path,
        "events: {file: events.csv, case: case, activity: activity, time: time}\n"
        "stages: {in: {activity: in}, talk: {activity: talk}, won_: {activity: won}}\n"
        "lost: {activity: gone}\n",
        events=EVENTS,
    )
    calibration = calibrate(path)
    v = calibration.records.visits
    rows = [
        (str(calibration.records.ids[lead]), int(stage), int(number), int(to))
        for lead, stage, number, to in zip(v.lead, v.stage, v.number, v.to, strict=True)
    ]
    assert rows == [
        ("A", 0, 1, 1),
        ("A", 1, 1, 0),
        ("A", 0, 2, 1),
        ("A", 1, 2, 2),
        ("A", 2, 1, OPEN),
        ("B", 1, 1, 2),
        ("B", 2, 1, OPEN),
        ("C", 0, 1, LOST_AT),
        ("D", 0, 1, OPEN),
    ]
    assert {(c.reason, c.rows) for c in calibration.issues.counts.values()} == {
        ("a time after the as-of date (taken as not yet happened)", 1),
        ("lost, yet went on (the loss is left out)", 1),
        ("a stage entered again without leaving it (the first time counts)", 1),
    }


def test_joined_tables_and_outcomes(tmp_path: Path) -> None:
    path = history(
        tmp_path,
        """tables:
  leads: {file: leads.csv, id: id, separator: ";"}
  deals: {file: deals.csv, id: lead}
source: {column: origin, empty: nobody knows}
value: deals.amount
outcome: {column: deals.state, time: deals.closed, values: {Won: customer, Lost: lost}}
stages: {lead: created, customer: {}}
""",
        leads="id;created;origin\nA;2025-01-01;web\nB;2025-01-02;\nC;2025-01-03;web\nB;2025-01-04;fair\n;2025-01-05;web\n"
        "D;;web\n",
        deals='lead,state,closed,amount\nA,Won,2025-02-01,"€ 1,200.50"\nB,Lost,2025-02-02,much\nX,Won,2025-02-03,5\n'
        "A,Lost,2025-02-04,7\n",
    )
    calibration = calibrate(path)
    records = calibration.records
    assert records.ids.tolist() == ["A", "B", "C"] and records.sources == ("web", "nobody knows")
    assert records.source.tolist() == [0, 1, 0]
    assert records.value[0] == 1200.5 and np.isnan(records.value[1:]).all()
    v = records.visits
    assert list(zip(v.lead.tolist(), v.stage.tolist(), v.to.tolist(), strict=True)) == [
        (0, 0, 1),
        (0, 1, OPEN),
        (1, 0, LOST_AT),
        (2, 0, OPEN),
    ]
    assert {(Path(c.file).name, c.reason): c.lines for c in calibration.issues.dropped} == {
        ("leads.csv", "no id"): [6],
        ("leads.csv", "an id seen before (the first row counts)"): [5],
        ("deals.csv", "an id that is not in leads"): [4],
        ("deals.csv", "an id seen before (the first row counts)"): [5],
        ("leads.csv", "no time in any stage"): [7],
    }
    assert [(Path(c.file).name, c.reason, c.lines) for c in calibration.issues.changed] == [
        ("deals.csv", "a value that is no number in amount", [3])
    ]


def test_compressed_and_parquet_read_the_same(tmp_path: Path) -> None:
    path = write_wide(tmp_path, world(3, 60.0))
    plain = calibrate(path)
    text = path.read_text()
    (tmp_path / "leads.csv.gz").write_bytes(gzip.compress((tmp_path / "leads.csv").read_bytes()))
    path.write_text(text.replace("leads.csv", "leads.csv.gz"))
    squeezed = calibrate(path)
    frame = pl.read_csv(tmp_path / "leads.csv", try_parse_dates=True)
    assert frame["lead"].dtype == pl.Datetime
    frame.write_parquet(tmp_path / "leads.parquet")
    path.write_text(text.replace("leads.csv", "leads.parquet"))
    columns = calibrate(path)
    for other in (squeezed, columns):
        assert other.in_flight == plain.in_flight
        assert other.conversion() == plain.conversion()


def test_another_folder(tmp_path: Path) -> None:
    path = write_wide(tmp_path, world(3, 60.0))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "leads.csv").rename(tmp_path / "elsewhere" / "leads.csv")
    assert calibrate(path, data_dir=tmp_path / "elsewhere").leads > 1000
