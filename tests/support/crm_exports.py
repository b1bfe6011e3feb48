"""Exports of CRM systems with invented leads, as their columns and dates really look: no line is of a real firm."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
LEADS = 300
# What becomes of a lead: how many stages it passes, and whether it is lost then.
PASSED = ((1, False, 0.2), (1, True, 0.3), (2, True, 0.2), (2, False, 0.1), (3, False, 0.2))

Row = list[str]


class Lead:
    """One invented lead: when it entered each of three stages, and when it was lost."""

    def __init__(self, number: int, rng: np.random.Generator) -> None:
        self.id = str(1000 + number)
        self.source = ("Organic Search", "Paid Social", "Referrals")[int(rng.choice(3, p=[0.5, 0.3, 0.2]))]
        self.value = round(float(np.exp(rng.normal(8.5, 0.5))), 2)
        began = START + timedelta(hours=int(rng.integers(0, 100 * 24)), seconds=int(rng.integers(0, 3600)))
        passed, lost, _ = PASSED[int(rng.choice(len(PASSED), p=[share for *_, share in PASSED]))]
        self.entered = [began]
        for _ in range(passed - 1):
            self.entered.append(self.entered[-1] + timedelta(hours=float(rng.gamma(2.0, 60.0))))
        self.lost = self.entered[-1] + timedelta(hours=float(rng.gamma(2.0, 90.0))) if lost else None

    def at(self, stage: int, write: Callable[[datetime], str]) -> str:
        return write(self.entered[stage]) if stage < len(self.entered) else ""

    def gone(self, write: Callable[[datetime], str]) -> str:
        return write(self.lost) if self.lost else ""


def leads() -> list[Lead]:
    rng = np.random.default_rng(4)
    return [Lead(number, rng) for number in range(LEADS)]


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def epoch(moment: datetime) -> str:
    return str(int(moment.timestamp()) * 1000)


def day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d")


def minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")


def german(moment: datetime) -> str:
    return moment.strftime("%d.%m.%Y %H:%M")


def american(moment: datetime) -> str:
    return moment.strftime("%m/%d/%Y %I:%M %p")


def second(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def write(path: Path, header: Sequence[str], rows: Sequence[Row], separator: str = ",") -> Path:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    raw = text.getvalue().encode()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


def person(lead: Lead) -> tuple[str, str, str]:
    """Name, e-mail and telephone, which nobody may find again."""
    return f"Erika Secret{lead.id}", f"erika{lead.id}@private.example", f"+49 30 {lead.id}"


def hubspot_contacts(folder: Path) -> Path:
    """Labels of the user interface, dates to the minute; losses show as a status without a date."""
    header = [
        "Record ID",
        "First Name",
        "Email",
        "Phone Number",
        "Original Source",
        "Create Date",
        "Lifecycle Stage",
        "Became a Lead Date",
        "Became a Marketing Qualified Lead Date",
        "Became a Sales Qualified Lead Date",
        "Became a Customer Date",
        "Lead Status",
    ]
    rows = [
        [
            lead.id,
            *person(lead),
            lead.source,
            lead.at(0, minute),
            "lead",
            lead.at(0, minute),
            lead.at(1, minute),
            "",
            lead.at(2, minute),
            "UNQUALIFIED" if lead.lost else "OPEN",
        ]
        for lead in leads()
    ]
    return write(folder / "contacts.csv", header, rows)


def hubspot_contacts_by_name(folder: Path) -> Path:
    """Internal names, epoch milliseconds, gzipped."""
    header = [
        "hs_object_id",
        "email",
        "hs_analytics_source",
        "hs_lifecyclestage_lead_date",
        "hs_lifecyclestage_marketingqualifiedlead_date",
        "hs_lifecyclestage_customer_date",
        "recent_deal_amount",
    ]
    rows = [
        [
            lead.id,
            person(lead)[1],
            lead.source,
            lead.at(0, epoch),
            lead.at(1, epoch),
            lead.at(2, epoch),
            f"{lead.value}",
        ]
        for lead in leads()
    ]
    return write(folder / "contacts.csv.gz", header, rows)


def hubspot_deals(folder: Path) -> Path:
    """A column for each stage of two pipelines; amounts with a sign; the latest stages first."""
    pipeline = "(Sales Pipeline)"
    header = [
        "Record ID",
        "Deal Name",
        "Pipeline",
        "Amount",
        f'Date entered "Closed Won {pipeline}"',
        f'Date entered "Contract Sent {pipeline}"',
        f'Date entered "Appointment Scheduled {pipeline}"',
        f'Date entered "Closed Lost {pipeline}"',
        'Date entered "Renewal (Partners)"',
    ]
    rows = [
        [
            lead.id,
            person(lead)[0],
            "Sales Pipeline",
            f"£{lead.value:,.2f}",
            lead.at(2, minute),
            lead.at(1, minute),
            lead.at(0, minute),
            lead.gone(minute),
            "",
        ]
        for lead in leads()
    ]
    rows += [[f"9{i}", "x", "Partners", "£5", "", "", "", "", "2026-02-01 10:00"] for i in range(5)]
    return write(folder / "deals.csv", header, rows)


def hubspot_deal_stages(folder: Path) -> Path:
    """The long variant: one row a stage of a deal."""
    header = [
        "Record ID",
        "Deal Name",
        "Deal Stage",
        "Date entered stage",
        "Date left stage",
        "Original Source",
        "Amount",
        "Deal owner",
    ]
    return write(
        folder / "stages.csv",
        header,
        [
            [lead.id, person(lead)[0], stage, minute(at), "", lead.source, f"£{lead.value}", "Anna Owner"]
            for lead in leads()
            for stage, at in changes(lead, ("Qualified", "Proposal", "Closed Won"), "Closed Lost")
        ],
    )


def changes(lead: Lead, stages: Sequence[str], lost: str) -> list[tuple[str, datetime]]:
    entries = list(zip(stages, lead.entered, strict=False))
    return [*entries, (lost, lead.lost)] if lead.lost else entries


def salesforce_opportunity_history(folder: Path) -> Path:
    """One row each save, so stages repeat; the latest first; some rows deleted."""
    header = [
        "Id",
        "OpportunityId",
        "CreatedById",
        "CreatedDate",
        "StageName",
        "Amount",
        "CloseDate",
        "Probability",
        "IsDeleted",
    ]
    rows = []
    for lead in leads():
        mine = changes(lead, ("Prospecting", "Proposal/Price Quote", "Closed Won"), "Closed Lost")
        for stage, at in mine:
            rows.append(["008", f"006{lead.id}", "005", iso(at), stage, f"{lead.value}", "2026-12-31", "10", "false"])
        again = mine[-1][1] + timedelta(minutes=5)
        rows.append(["008", f"006{lead.id}", "005", iso(again), mine[-1][0], "1", "2026-12-31", "10", "false"])
    rows.append(["008", "006gone", "005", iso(START), "Prospecting", "1", "2026-12-31", "10", "true"])
    rows.sort(key=lambda row: row[3], reverse=True)
    return write(folder / "OpportunityHistory.csv", header, rows)


def salesforce_field_history(folder: Path, key: str = "OpportunityId", field: str = "StageName") -> Path:
    """`created` has no value; the first change says which stage it was; other fields are changed too."""
    header = ["Id", key, "CreatedById", "CreatedDate", "Field", "OldValue", "NewValue", "DataType", "IsDeleted"]
    names = ("Prospecting", "Negotiation", "Closed Won")
    rows = []
    for lead in leads():
        rows.append(["017", f"006{lead.id}", "005", iso(lead.entered[0]), "created", "", "", "Text", "false"])
        rows.append(
            ["017", f"006{lead.id}", "005", iso(lead.entered[0]), "Amount", "", f"{lead.value}", "Currency", "false"]
        )
        before = names[0]
        for name, at in changes(lead, names, "Closed Lost")[1:]:
            rows.append(["017", f"006{lead.id}", "005", iso(at), field, before, name, "Picklist", "false"])
            before = name
    return write(folder / f"{key}History.csv", header, rows)


def salesforce_lead_history(folder: Path) -> Path:
    return salesforce_field_history(folder, "LeadId", "Status")


def salesforce_lead(folder: Path) -> Path:
    """A converted date without a time; who is not converted is told by the status, when by the last change at most."""
    header = [
        "Id",
        "FirstName",
        "LastName",
        "Email",
        "Phone",
        "Status",
        "LeadSource",
        "CreatedDate",
        "IsConverted",
        "ConvertedDate",
        "LastModifiedDate",
    ]
    rows = []
    for lead in leads():
        converted = len(lead.entered) > 1
        status = "Qualified" if converted else "Closed - Not Converted" if lead.lost else "Working - Contacted"
        last = lead.lost or lead.entered[-1]
        rows.append(
            [
                f"00Q{lead.id}",
                "Erika",
                *person(lead),
                status,
                lead.source,
                iso(lead.entered[0]),
                str(converted).lower(),
                lead.at(1, day),
                iso(last + timedelta(days=2)),
            ]
        )
    return write(folder / "Lead.csv", header, rows)


def pipedrive_deals(folder: Path) -> Path:
    """Prefixed labels, two currencies, statuses in any case."""
    header = [
        "Deal - ID",
        "Deal - Title",
        "Deal - Value",
        "Deal - Currency of Value",
        "Deal - Status",
        "Deal - Stage",
        "Deal - Pipeline",
        "Deal - Owner",
        "Deal - Contact person",
        "Person - Email",
        "Deal - Deal created",
        "Deal - Won time",
        "Deal - Lost time",
        "Deal - Lost reason",
        "Deal - Source channel",
        "Deal - Expected close date",
    ]
    rows = []
    for number, lead in enumerate(leads()):
        status = "Won" if len(lead.entered) == 3 else "lost" if lead.lost else "open"
        rows.append(
            [
                lead.id,
                person(lead)[0],
                f"{lead.value}",
                "USD" if number % 7 == 0 else "EUR",
                status,
                "Contact made",
                "Default",
                "Anna Owner",
                *person(lead)[:2],
                lead.at(0, second),
                lead.at(2, second),
                lead.gone(second),
                "Price",
                lead.source,
                "2027-01-01",
            ]
        )
    return write(folder / "deals.csv", header, rows)


def marketo_activities(folder: Path) -> Path:
    """JSON in a quoted cell; a form filled out and a score are no stages."""
    header = [
        "marketoGUID",
        "leadId",
        "activityDate",
        "activityTypeId",
        "campaignId",
        "primaryAttributeValueId",
        "primaryAttributeValue",
        "attributes",
    ]
    rows = []
    for lead in leads():
        rows.append(
            [
                f"g{lead.id}",
                lead.id,
                _z(lead.entered[0]),
                "12",
                "null",
                "1",
                "null",
                json.dumps({"Source Type": "Web form fillout"}),
            ]
        )
        rows.append(
            [f"f{lead.id}", lead.id, _z(lead.entered[0]), "2", "null", "1", "Contact us", json.dumps({"Form": 3})]
        )
        for name, at in changes(lead, ("New", "MQL", "Customer"), "Disqualified")[1:]:
            told = {"New Value": name, "Old Value": "x", "Reason": 'he said "no", twice'}
            rows.append([f"c{lead.id}", lead.id, _z(at), "13", "null", "1", "Lead Status", json.dumps(told)])
            rows.append(
                [f"s{lead.id}", lead.id, _z(at), "13", "null", "1", "Lead Score", json.dumps({"New Value": "50"})]
            )
    return write(folder / "activities.csv", header, rows)


def _z(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def event_log(folder: Path) -> Path:
    """A process log as pm4py writes it, with begun and completed work."""
    header = [
        "case:concept:name",
        "concept:name",
        "time:timestamp",
        "org:resource",
        "lifecycle:transition",
        "case:amount",
    ]
    rows = []
    for lead in leads():
        for name, at in changes(lead, ("Submitted", "Checked", "Approved"), "Declined"):
            for state in ("start", "complete"):
                rows.append([lead.id, name, iso(at), "Anna", state, f"{lead.value}"])
    return write(folder / "log.csv", header, rows)


def xes(folder: Path, name: str = "log.xes.gz") -> Path:
    """The same as XES, with the attributes where XES has them."""
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n<log xes.version="1.0">\n<string key="concept:name" value="x"/>']
    for lead in leads():
        parts.append(
            f'<trace><string key="concept:name" value="{lead.id}"/>'
            f'<float key="amount" value="{lead.value}"/>'
            f'<string key="email" value="{person(lead)[1]}"/>'
        )
        for activity, at in changes(lead, ("Submitted", "Checked", "Approved"), "Declined"):
            parts.append(
                f'<event><string key="concept:name" value="{activity}"/><date key="time:timestamp" '
                f'value="{iso(at)}"/><string key="org:resource" value="A &amp; B"/></event>'
            )
        parts.append("</trace>")
    raw = "\n".join([*parts, "</log>"]).encode()
    (folder / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return folder / name


def wide_dates(folder: Path) -> Path:
    """A firm's own table: day first, semicolons, decimal commas, the columns in no order."""
    header = ["won_on", "lead_id", "telefon", "lost_on", "created", "source", "qualified_on", "value", "last_changed"]
    rows = [
        [
            lead.at(2, german),
            lead.id,
            person(lead)[2],
            lead.gone(german),
            lead.at(0, german),
            lead.source,
            lead.at(1, german),
            f"{lead.value:,.2f} €".replace(",", " ").replace(".", ",").replace(" ", ".", 1)
            if lead.value >= 1000
            else f"{lead.value:.2f} €".replace(".", ","),
            german(lead.entered[-1]),
        ]
        for lead in leads()
    ]
    return write(folder / "own.csv", header, rows, ";")


def status_and_dates(folder: Path) -> Path:
    """One date of creation, one of closing, and a status that says which it was; American dates."""
    header = ["deal_id", "engage_date", "close_date", "deal_stage", "amount"]
    rows = []
    for lead in leads():
        won = len(lead.entered) == 3
        rows.append(
            [
                lead.id,
                lead.at(0, american),
                lead.at(2, american) if won else lead.gone(american),
                "Won" if won else "Lost" if lead.lost else "Engaging",
                f"{lead.value}",
            ]
        )
    return write(folder / "pipeline.csv", header, rows)
