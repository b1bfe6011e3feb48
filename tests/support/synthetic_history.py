"""Made-up histories with known truth, as the files a firm would export."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

DAY = 86400.0
STAGES = ("lead", "talk", "customer")
#        on,  lost; what is left is silent
SHARES = {"lead": (0.4, 0.3), "talk": (0.5, 0.4)}
MEDIANS = {"lead": (4.0, 10.0), "talk": (12.0, 20.0)}  # days, lognormal with sigma 0.8
SIGMA = 0.8
START, END = datetime(2025, 1, 6), datetime(2025, 7, 7)  # Mondays
BERLIN = """as_of: 2025-07-06
timezone: Europe/Berlin
"""
WIDE = (
    BERLIN
    + """tables:
  leads: {file: leads.csv, id: id}
source: leads.source
value: leads.value
stages: {lead: leads.lead, talk: leads.talk, customer: leads.customer}
lost: leads.lost
"""
)
LOG = (
    BERLIN
    + """tables:
  leads: {file: leads.csv, id: id}
events: {file: events.csv, case: case, activity: activity, time: time}
source: leads.source
value: leads.value
stages: {lead: {activity: lead}, talk: {activity: talk}, customer: {activity: customer}}
lost: {activity: lost}
"""
)


def world(seed: int, a_week: float = 300.0, end: datetime = END) -> list[dict[str, str]]:
    """One row a lead that arrived before END, cut at `end`; source b has twice the odds of going on in every stage."""
    rng = np.random.default_rng(seed)
    days = (END - START).days
    rows = []
    for number in range(rng.poisson(a_week * days / 7)):
        rng = np.random.default_rng([seed, number])
        source = "b" if rng.random() < 0.3 else "a"
        day = int(rng.choice(7, p=[0.2, 0.2, 0.2, 0.2, 0.1, 0.05, 0.05])) + 7 * int(rng.integers(0, days // 7))
        hour = int(np.clip(rng.normal(13, 3), 0, 23))
        at = START + timedelta(days=day, hours=hour, seconds=int(rng.integers(0, 3600)))
        row = {
            "id": f"L{number:05d}",
            "source": source,
            "lead": stamp(at),
            "talk": "",
            "customer": "",
            "lost": "",
            "value": f"{np.exp(rng.normal(9, 0.7)):.2f}",
        }
        for i, stage in enumerate(STAGES[:-1]):
            on, lost = shares(stage, source)
            stream = rng.random()
            if stream >= on + lost:
                break
            exit_ = 0 if stream < on else 1
            seconds = np.exp(rng.normal(np.log(MEDIANS[stage][exit_] * DAY), SIGMA))
            at += timedelta(seconds=round(float(seconds)))
            if at >= end:
                break
            row["lost" if exit_ else STAGES[i + 1]] = stamp(at)
            if exit_:
                break
        rows.append(row)
    return rows


def shares(stage: str, source: str) -> tuple[float, float]:
    """(on, lost) of a source."""
    on, lost = SHARES[stage]
    odds = on / (1 - on) * (2.0 if source == "b" else 1.0)
    better = odds / (1 + odds)
    return better, lost * (1 - better) / (1 - on)


def stamp(moment: datetime) -> str:
    return moment.replace(tzinfo=ZoneInfo("Europe/Berlin")).strftime("%Y-%m-%d %H:%M:%S")


def write_wide(folder: Path, rows: list[dict[str, str]]) -> Path:
    columns = ("id", "source", *STAGES, "lost", "value")
    lines = [",".join(columns), *(",".join(row[c] for c in columns) for row in rows)]
    (folder / "leads.csv").write_text("\n".join(lines) + "\n")
    (folder / "wide.history.yaml").write_text(WIDE)
    return folder / "wide.history.yaml"


def write_log(folder: Path, rows: list[dict[str, str]]) -> Path:
    lines = ["id,source,value", *(f"{row['id']},{row['source']},{row['value']}" for row in rows)]
    (folder / "leads.csv").write_text("\n".join(lines) + "\n")
    events = [f"{row['id']},{name},{row[name]}" for row in rows for name in (*STAGES, "lost") if row[name]]
    (folder / "events.csv").write_text("\n".join(["case,activity,time", *events]) + "\n")
    (folder / "log.history.yaml").write_text(LOG)
    return folder / "log.history.yaml"
