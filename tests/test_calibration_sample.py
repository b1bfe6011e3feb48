"""The exporter: a run's visits as the history a firm would have kept."""

import csv
from pathlib import Path

import numpy as np

from funnelsim.calibration.sample import write_sample
from funnelsim.plan import BACK, END, FORWARD, LOST, LOST_HERE, OPEN, SILENT, VISIT, WENT_SILENT, Book

BOOK = Book(
    "2025-03-29T00:00:00+01:00",
    "Europe/Berlin",
    "EUR",
    ("web", "fair"),
    ("all",),
    ("lead", "talk", "won"),
    ("sales",),
    ("won",),
    0,
    (0.0,),
    (),
    (),
)


def visits(*rows: dict[str, float]) -> np.ndarray:
    table = np.zeros(len(rows), VISIT)
    for i, row in enumerate(rows):
        for name, value in {"ended": -1, "to": -3, "number": 1, **row}.items():
            table[name][i] = value
    return table


def test_cut_at_the_as_of_instant(tmp_path: Path) -> None:
    day = 86400.0
    table = visits(
        {
            "lead": 77,
            "stage": 1,
            "source": 1,
            "arrived": 10,
            "entered": 3 * day,
            "ended": 5 * day,
            "outcome": BACK,
            "to": 0,
        },
        {
            "lead": 77,
            "stage": 0,
            "source": 1,
            "arrived": 10,
            "entered": 10,
            "ended": 3 * day,
            "outcome": FORWARD,
            "to": 1,
        },
        {"lead": 77, "stage": 0, "source": 1, "arrived": 10, "entered": 8 * day, "number": 2, "outcome": OPEN},
        {
            "lead": 5,
            "stage": 0,
            "source": 0,
            "arrived": 20,
            "entered": 20,
            "ended": 4 * day,
            "outcome": LOST_HERE,
            "to": LOST,
        },
        {
            "lead": 6,
            "stage": 0,
            "source": 0,
            "arrived": 30,
            "entered": 30,
            "ended": 9 * day,
            "outcome": LOST_HERE,
            "to": LOST,
        },
        {"lead": 7, "stage": 0, "source": 0, "arrived": 40, "entered": 40, "outcome": WENT_SILENT, "to": SILENT},
        {
            "lead": 8,
            "stage": 2,
            "source": 0,
            "arrived": 50,
            "entered": 50,
            "value": 123456,
            "ended": 50,
            "to": LOST,
            "outcome": END,
        },
        {"lead": 9, "stage": 2, "source": 0, "arrived": 60, "entered": 9 * day, "value": 99, "outcome": OPEN},
        {"lead": 1, "stage": 0, "source": 0, "arrived": -5, "entered": -5, "outcome": OPEN},
    )
    counts = write_sample(table, BOOK, 7 * day, tmp_path / "leads.csv", tmp_path / "events.csv")
    leads = list(csv.reader((tmp_path / "leads.csv").read_text().splitlines()))
    assert leads == [
        ["lead", "source", "value"],
        ["L00001", "fair", ""],
        ["L00002", "web", ""],
        ["L00003", "web", ""],
        ["L00004", "web", ""],
        ["L00005", "web", "1234.56"],
    ]
    events = list(csv.reader((tmp_path / "events.csv").read_text().splitlines()))[1:]
    assert counts == (5, len(events))
    assert events == [
        ["L00001", "lead", "2025-03-29T00:00:10+01:00"],
        ["L00002", "lead", "2025-03-29T00:00:20+01:00"],
        ["L00003", "lead", "2025-03-29T00:00:30+01:00"],
        ["L00004", "lead", "2025-03-29T00:00:40+01:00"],
        ["L00005", "won", "2025-03-29T00:00:50+01:00"],
        ["L00001", "talk", "2025-04-01T01:00:00+02:00"],  # daylight saving began on 30 March
        ["L00002", "lost", "2025-04-02T01:00:00+02:00"],
    ]
