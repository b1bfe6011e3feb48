"""From the export to the fitted file in one command: each kind of export is recognised, and what it says is right.

The exports are invented (`support.crm_exports`): the same 300 leads, as eight systems would write them down.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from funnelsim.calibration import Calibration, calibrate
from funnelsim.calibration.events.stage_events import LOST_AT
from funnelsim.calibration.exports.detect import DetectedExport, UserHints, history_of, write_history
from funnelsim.calibration.exports.export_formats import export_formats
from funnelsim.calibration.exports.personal import is_personal
from funnelsim.errors import DataError
from support import crm_exports as crm

LEADS = crm.leads()
SIZES = [sum(len(lead.entered) > stage for lead in LEADS) for stage in range(3)]
LOST = sum(lead.lost is not None for lead in LEADS)

Export = Callable[[Path], Path]
#            export, what it is taken for, its stages, are all losses seen?
EXPORTS: list[tuple[Export, str, tuple[str, ...], bool]] = [
    (crm.hubspot_contacts, "HubSpot contacts", ("lead", "mql", "customer"), True),
    (crm.hubspot_contacts_by_name, "HubSpot contacts", ("lead", "mql", "customer"), False),
    (crm.hubspot_deals, "HubSpot deals", ("appointment_scheduled", "contract_sent", "closed_won"), True),
    (crm.hubspot_deal_stages, "HubSpot deals, one row a stage", ("qualified", "proposal", "closed_won"), True),
    (
        crm.salesforce_opportunity_history,
        "Salesforce OpportunityHistory",
        ("prospecting", "proposal_price_quote", "closed_won"),
        True,
    ),
    (
        crm.salesforce_field_history,
        "Salesforce OpportunityFieldHistory",
        ("prospecting", "negotiation", "closed_won"),
        True,
    ),
    (crm.salesforce_lead_history, "Salesforce LeadHistory", ("prospecting", "negotiation", "closed_won"), True),
    (crm.event_log, "event log", ("submitted", "checked", "approved"), True),
    (crm.xes, "event log", ("submitted", "checked", "approved"), True),
    (crm.wide_dates, "one row a lead, a date for each stage", ("created", "qualified", "customer"), True),
]


def read(folder: Path, export: Export, said: UserHints | None = None) -> tuple[DetectedExport, Calibration]:
    file = export(folder)
    history = folder / "it.history.yaml"
    return write_history(file, history, said), calibrate(history, folder / "it.fitted.yaml")


@pytest.mark.parametrize(("export", "title", "stages", "losses"), EXPORTS, ids=[each[0].__name__ for each in EXPORTS])
def test_export(export: Export, title: str, stages: tuple[str, ...], losses: bool, tmp_path: Path) -> None:
    """Recognised, its stages in order, every entry and every loss counted as they were invented."""
    told, calibration = read(tmp_path, export)
    assert told.title == title and title in told.summary()
    assert calibration.records.stages == stages
    visits = calibration.records.visits
    assert np.bincount(visits.stage, minlength=3).tolist() == SIZES
    assert (visits.to == LOST_AT).sum() == (LOST if losses else 0)
    assert calibration.leads == len(LEADS)


def test_leads_of_salesforce(tmp_path: Path) -> None:
    """Conversions on a day without a time; losses of which only the latest possible day is known."""
    told, calibration = read(tmp_path, crm.salesforce_lead)
    assert told.title == "Salesforce Lead" and calibration.records.stages == ("lead", "converted")
    visits = calibration.records.visits
    lost = visits.to == LOST_AT
    assert lost.sum() == sum(lead.lost is not None and len(lead.entered) == 1 for lead in LEADS)
    assert (visits.stage == 1).sum() == SIZES[1]
    # Such a loss lies somewhere between the entry and the last change: in the middle, known to that width.
    assert np.allclose(visits.rounding[lost], 2 * (visits.left - visits.entered)[lost], rtol=1e-9)
    assert "Status says who is lost, not when" in told.text
    share = calibration.stages[0].share("lost")
    assert share.low < lost.sum() / len(LEADS) < share.high


def test_deals_of_pipedrive(tmp_path: Path) -> None:
    told, calibration = read(tmp_path, crm.pipedrive_deals)
    assert told.title == "Pipedrive deals" and calibration.records.stages == ("deal", "customer")
    assert (calibration.records.visits.stage == 1).sum() == SIZES[2]
    assert (calibration.records.visits.to == LOST_AT).sum() == LOST
    assert calibration.history.currency == "EUR" and "several currencies" in told.text
    known = np.isfinite(calibration.records.value)
    assert known.sum() == sum(number % 7 != 0 for number in range(len(LEADS)))
    assert [count.rows for count in calibration.issues.changed if "another currency" in count.reason] == [
        (~known).sum()
    ]


def test_activities_of_marketo(tmp_path: Path) -> None:
    """Births and changes of the status make stages; the change of a score, of the same type, does not."""
    told, calibration = read(tmp_path, crm.marketo_activities)
    assert told.title == "Marketo activities"
    assert calibration.records.stages == ("stage_12", "stage_13_mql", "stage_13_customer")
    assert (calibration.records.visits.to == LOST_AT).sum() == LOST


def test_a_status_says_what_the_closing_date_means(tmp_path: Path) -> None:
    told, calibration = read(tmp_path, crm.status_and_dates)
    assert calibration.records.stages == ("engage", "customer") and "dates: month first" in told.text
    assert (calibration.records.visits.stage == 1).sum() == SIZES[2]
    assert (calibration.records.visits.to == LOST_AT).sum() == LOST


def test_values_with_signs_and_decimal_commas(tmp_path: Path) -> None:
    _, calibration = read(tmp_path, crm.wide_dates)
    by_id = dict(zip(calibration.records.ids.tolist(), calibration.records.value.tolist(), strict=True))
    assert by_id == pytest.approx({lead.id: lead.value for lead in LEADS})
    assert calibration.history.currency == "EUR"


def test_times_are_the_same_whatever_the_export(tmp_path: Path) -> None:
    """German dates in Berlin, epoch milliseconds, ISO with Z: the same instants, as finely as they are written."""
    for export, off in ((crm.hubspot_contacts_by_name, 1.0), (crm.wide_dates, 60.0), (crm.event_log, 1.0)):
        folder = tmp_path / export.__name__
        folder.mkdir()
        _, calibration = read(folder, export)
        first = calibration.records.visits.entered[calibration.records.visits.first]
        ids = calibration.records.ids[calibration.records.visits.lead[calibration.records.visits.first]]
        truth = {lead.id: lead.entered[0].timestamp() for lead in LEADS}
        assert max(abs(at - truth[name]) for name, at in zip(ids.tolist(), first.tolist(), strict=True)) < off


@pytest.mark.parametrize("export", [each[0] for each in EXPORTS] + [crm.salesforce_lead, crm.pipedrive_deals])
def test_personal_data_are_never_loaded(export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No column of persons is fetched, and no name, address or number stands in anything that is written."""
    fetched: set[str] = set()
    from funnelsim.calibration.io import files

    keep = files.numbered

    def progress(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
        fetched.update(names)
        return keep(frame, names)

    monkeypatch.setattr(files, "numbered", progress)
    export_file = export(tmp_path)
    write_history(export_file, tmp_path / "it.history.yaml")
    calibration = calibrate(tmp_path / "it.history.yaml", tmp_path / "it.fitted.yaml")
    assert not [name for name in fetched if is_personal(name)]
    for file in {*tmp_path.iterdir()} - {export_file}:
        assert not any(secret in file.read_text() for secret in ("Secret", "private.example", "+49 30"))
    assert "Secret" not in calibration.report()


def test_a_person_column_cannot_be_asked_for(tmp_path: Path) -> None:
    crm.pipedrive_deals(tmp_path)
    (tmp_path / "it.history.yaml").write_text(
        "as_of: 2026-06-30\ntables: {leads: {file: deals.csv, id: Person - Email}}\n"
        "stages: {deal: Deal - Deal created, customer: Deal - Won time}\n"
    )
    with pytest.raises(DataError, match="'Person - Email' holds personal data, which is never loaded"):
        calibrate(tmp_path / "it.history.yaml")


@pytest.mark.parametrize(
    ("name", "personal"),
    [
        ("Email", True),
        ("Contact - Phone", True),
        ("Mobile Phone Number", False),
        ("FirstName", True),
        ("Deal Name", True),
        ("E-Mail", True),
        ("StageName", False),
        ("concept:name", False),
        ("Date of first phone call", False),
        ("phone_screen_date", False),
        ("Deal - ID", False),
        ("Work email", True),
        ("Person - Name", True),
    ],
)
def test_what_is_personal(name: str, personal: bool) -> None:
    assert is_personal(name) is personal


def test_a_written_history_may_be_edited_and_is_then_left_alone(tmp_path: Path) -> None:
    file, history = crm.pipedrive_deals(tmp_path), tmp_path / "it.history.yaml"
    first = write_history(file, history).text
    assert write_history(file, history).text == first  # the same again is no harm
    history.write_text(first.replace("timezone: UTC", "timezone: Europe/Berlin"))
    with pytest.raises(DataError, match="is there already and says something else"):
        write_history(file, history)
    assert "Europe/Berlin" in history.read_text()
    assert calibrate(history).history.timezone == "Europe/Berlin"


def test_zone_and_end_can_be_said_beforehand(tmp_path: Path) -> None:
    told, calibration = read(tmp_path, crm.wide_dates, UserHints("Europe/Berlin", "2026-07-01"))
    assert "as_of: 2026-07-01\n" in told.text and "timezone: Europe/Berlin\n" in told.text
    assert calibration.as_of == "2026-07-01"
    ids = calibration.records.ids[calibration.records.visits.lead[calibration.records.visits.first]].tolist()
    lead = next(lead for lead in LEADS if lead.id == ids[0])
    # The export wrote the clock of UTC; taken for Berlin's it is one or two hours earlier.
    assert 3500 < lead.entered[0].timestamp() - calibration.records.visits.entered[0] < 7300


def test_dates_that_can_be_read_in_two_ways_are_asked_about(tmp_path: Path) -> None:
    rows = [[str(i), f"0{1 + i % 9}/0{1 + i % 7}/2026", f"0{1 + i % 9}/0{1 + i % 7}/2026"] for i in range(60)]
    file = crm.write(tmp_path / "own.csv", ["id", "created", "won"], rows)
    with pytest.raises(DataError, match=r"(?s)'01/01/2026' in created: which is the day .* say `--dates 'day first'`"):
        write_history(file, tmp_path / "it.history.yaml")
    assert "dates: day first" in write_history(file, tmp_path / "it.history.yaml", UserHints(dates="day first")).text


def test_the_end_of_the_data_is_not_a_slip_of_the_pen(tmp_path: Path) -> None:
    """One date in the year 2062 among hundreds of this year: the data end this year."""
    file = crm.pipedrive_deals(tmp_path)
    lines = file.read_text().splitlines()
    lines[5] = lines[5].replace("2026-", "2062-")
    file.write_text("\n".join(lines) + "\n")
    assert "as_of: 2026-" in write_history(file, tmp_path / "it.history.yaml").text


def test_a_query_gives_the_same_as_its_file(tmp_path: Path) -> None:
    """SQLite, only the columns that are needed."""
    file = crm.pipedrive_deals(tmp_path)
    frame = pl.read_csv(file, infer_schema=False)
    database = tmp_path / "crm.sqlite"
    with sqlite3.connect(database) as connection:
        names = ", ".join(f'"{name}" TEXT' for name in frame.columns)
        connection.execute(f"CREATE TABLE deals ({names})")
        marks = ", ".join("?" * len(frame.columns))
        connection.executemany(f"INSERT INTO deals VALUES ({marks})", frame.rows())
    connection.close()
    query = "SELECT * FROM deals;"
    told = write_history(database, tmp_path / "db.history.yaml", UserHints(query=query))
    assert told.title == "Pipedrive deals" and "database: crm.sqlite" in told.text
    from_database = calibrate(tmp_path / "db.history.yaml")
    write_history(file, tmp_path / "file.history.yaml")
    from_file = calibrate(tmp_path / "file.history.yaml")
    assert from_database.in_flight == from_file.in_flight and from_database.conversion() == from_file.conversion()


@pytest.mark.parametrize(
    ("database", "query", "told"),
    [
        ("crm.sqlite", "SELECT a FROM nowhere", "does not take the query: no such table: nowhere"),
        ("crm.sqlite", "DROP TABLE deals", "does not take the query"),
        ("gone.sqlite", "SELECT 1", "no such database"),
        ("crm.sqlite", "", "a database needs a query"),
        ("postgresql://me:secret@nowhere/crm", "SELECT 1", "a password does not belong here"),
    ],
)
def test_queries_that_do_not_work(database: str, query: str, told: str, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "crm.sqlite") as connection:
        connection.execute("CREATE TABLE deals (id TEXT)")
    connection.close()
    place = database if "://" in database else tmp_path / database
    with pytest.raises(DataError, match=told) as caught:
        write_history(place, tmp_path / "it.history.yaml", UserHints(query=query))
    assert "secret" not in str(caught.value).replace(str(place), "")
    with sqlite3.connect(tmp_path / "crm.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM deals").fetchone() == (0,)
    connection.close()


def test_where_a_history_is_written() -> None:
    assert history_of("data/crm.csv.gz", None) == Path("data/crm.history.yaml")
    assert history_of("data/crm.csv", Path("fits/q1.fitted.yaml")) == Path("fits/q1.history.yaml")
    assert history_of("postgresql://host/crm", None) == Path("crm.history.yaml")


def test_every_alias_table_has_its_source_and_grade() -> None:
    assert len(export_formats()) >= 11
    for kind in export_formats():
        assert kind.table["source"] and kind.table["grade"][0] in "ABC" and kind.form in ("wide", "events", "counts")


def test_unknown_tables_are_told_what_they_are_nearest_to(tmp_path: Path) -> None:
    file = crm.write(tmp_path / "history.csv", ["OpportunityId", "StageName", "Amount"], [["1", "Prospecting", "5"]])
    with pytest.raises(DataError, match="nearest to Salesforce OpportunityHistory, without a column for: time"):
        write_history(file, tmp_path / "it.history.yaml")
    file = crm.write(tmp_path / "fruit.csv", ["apple", "pear", "email"], [["1", "2", "3"]])
    with pytest.raises(DataError, match="not recognised by its columns: apple, pear\n"):
        write_history(file, tmp_path / "it.history.yaml")
    assert list(tmp_path.glob("*.yaml")) == []


def test_hoped_for_closing_dates_do_not_move_the_last_day(tmp_path: Path) -> None:
    """Open deals of HubSpot have a closing date, too: when somebody hopes to close them."""
    rows = ["Record ID,Deal Stage,Create Date,Close Date"]
    rows += [f"{i},Closed won,2025-05-{1 + i % 28:02d},2025-06-{1 + i % 28:02d}" for i in range(40)]
    rows += [f"{100 + i},Closed lost,2025-05-{1 + i % 28:02d},2025-06-{1 + i % 28:02d}" for i in range(40)]
    rows += [f"{200 + i},Qualified to buy,2025-06-{1 + i % 28:02d},2025-09-{1 + i % 28:02d}" for i in range(40)]
    (tmp_path / "deals.csv").write_text("\n".join(rows) + "\n")
    detected = write_history(tmp_path / "deals.csv", tmp_path / "deals.history.yaml", UserHints())
    assert "as_of: 2025-06-28" in detected.text
