"""Leads in flight that have been worked on, as a log of work says: forecast as what they are, not as if they were new.

The truth is simple enough for a sheet of paper. 20 leads come every day. Each is called at once, and again after two,
four and six days, ten minutes each time; three in five buy after a week, the others are lost after two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from funnelsim.calibration import Calibration, calibrate
from funnelsim.calibration.teams.work_per_visit import _latest_visit, work_per_visit
from funnelsim.compile import compile_scenario
from funnelsim.engine.replicate import replicate
from funnelsim.scenario import load
from funnelsim.study.backtest.actuals import WINS, Quantity, simulated

START, DAYS, A_DAY = datetime(2025, 1, 6), 70, 20
BUY, CALLS = 0.6, (0, 2, 4, 6)  # share; days
FILE = """name: Worked
as_of: {as_of}
timezone: UTC
tables: {{leads: {{file: leads.csv, id: id}}}}
stages: {{lead: leads.lead, customer: leads.customer}}
lost: leads.lost
work:
  file: calls.csv
  team: office
  case: id
  kind: kind
  worker: who
  started: started
  ended: ended
  stages: {{lead: call}}
"""


def write_worked(folder: Path) -> Path:
    """The history of ten weeks, with its log of work; the last day counts in full."""
    rng = np.random.default_rng(7)
    end = START + timedelta(days=DAYS)
    leads, calls = ["id,lead,customer,lost"], ["id,kind,who,started,ended"]
    for i in range(DAYS * A_DAY):
        came = START + timedelta(days=i / A_DAY)
        buys = rng.random() < BUY
        left = came + timedelta(days=(7.0 if buys else 14.0) * float(np.exp(rng.normal(0.0, 0.03))))
        over = f"{left:%Y-%m-%d %H:%M:%S}" if left < end else ""
        leads.append(f"L{i},{came:%Y-%m-%d %H:%M:%S},{over if buys else ''},{'' if buys else over}")
        for day in CALLS:
            at = came + timedelta(days=day, minutes=1)
            if at < min(left, end):
                length = timedelta(minutes=10 * float(np.exp(rng.normal(0.0, 0.2))))
                calls.append(f"L{i},call,W{i % 20},{at:%Y-%m-%d %H:%M:%S},{at + length:%Y-%m-%d %H:%M:%S}")
    (folder / "leads.csv").write_text("\n".join(leads) + "\n")
    (folder / "calls.csv").write_text("\n".join(calls) + "\n")
    (folder / "worked.history.yaml").write_text(FILE.format(as_of=f"{end - timedelta(days=1):%Y-%m-%d}"))
    return folder / "worked.history.yaml"


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Calibration]]:
    folder = tmp_path_factory.mktemp("worked")
    yield folder, calibrate(write_worked(folder), folder / "worked.fitted.yaml")


def test_the_calls_of_a_visit_are_one_piece_of_forty_minutes(worked: tuple[Path, Calibration]) -> None:
    """Four calls of ten minutes; the wrap-up between them (there is none here, nobody waits) comes on top."""
    work = worked[1].team.per_visit["lead"]  # type: ignore[union-attr]
    assert work.calls == pytest.approx(4.0, abs=0.05)
    assert work.mean == pytest.approx(4 * 600.0 * np.exp(0.02), rel=0.03)
    text = (worked[0] / "worked.fitted.yaml").read_text()
    assert "contact: always" in text and "attempts:" not in text.split("fitted:")[0]


def test_leads_in_flight_say_how_often_they_were_called(worked: tuple[Path, Calibration]) -> None:
    """A lead of 1 day has had one call, of 3 days two, of 5 three, of 8 to 14 all four; all have been dealt with."""
    head, *rows = [line.split(",") for line in (worked[0] / "worked.in-flight.csv").read_text().splitlines()]
    assert head[-2:] == ["attempts", "reached"]
    age = np.array([float(row[head.index("age")].split()[0]) / 86400.0 for row in rows])
    calls = np.array([int(row[-2]) for row in rows])
    expected = np.searchsorted(np.array(CALLS) + 1.0 / 1440.0, age)
    assert (calls == expected).all() and len(set(calls.tolist())) == 4
    assert all(row[-1] == "true" for row, mine in zip(rows, calls, strict=True) if mine)


def test_wins_of_the_next_week_are_those_of_the_leads_of_the_last(worked: tuple[Path, Calibration]) -> None:
    """140 leads came in the last week and 84 of them will buy in the next; of the older ones nobody will: who has not
    bought after a week is lost. So the wins lie near 84, give or take 6 in one course and 1.2 in the mean of 25.
    Called anew, as if they had just come, three in five of the 56 older ones would buy at once: 34 too many.
    """
    told = wins(worked[0] / "worked.fitted.yaml")
    assert told == pytest.approx(84.0, abs=7.0)
    flying = worked[0] / "worked.in-flight.csv"
    lines = flying.read_text().splitlines()
    try:
        flying.write_text("\n".join(line.rsplit(",", 2)[0] for line in lines) + "\n")
        assert wins(worked[0] / "worked.fitted.yaml") > 84.0 + 20.0
    finally:
        flying.write_text("\n".join(lines) + "\n")


def wins(fitted: Path, courses: int = 25) -> float:
    """Mean wins of the first week from the leads in flight."""
    scenario = fitted.with_name("week.yaml")
    scenario.write_text(f"extends: {fitted.name}\nseed: 3\nobserve: 1 week\ndefinitions: {{won: enters customer}}\n")
    blueprint = compile_scenario(load(str(scenario)))
    asked = (Quantity(WINS, "customer", "leads"),)
    tables = replicate(blueprint.plan(), 3, list(range(courses)), "fast", 1, tables=True).traces
    assert tables is not None
    return float(np.mean([simulated(one.visits, ("lead", "customer"), asked, 1)[0, 0] for one in tables]))


def test_a_piece_belongs_to_the_latest_visit_that_had_begun() -> None:
    """Lead 1 enters at 10 and 50, lead 2 at 30. Work on 1 at 5 (before: the first visit), 10, 49, 60; on 2 at 31."""
    lead, entered = np.array([1, 1, 2]), np.array([10.0, 50.0, 30.0])
    latest = _latest_visit(lead, entered, np.array([1, 1, 1, 1, 2]), np.array([5.0, 10.0, 49.0, 60.0, 31.0]))
    assert latest.tolist() == [0, 0, 0, 1, 2]


def test_who_was_never_called_waits_while_others_are_still_called_so_late(worked: tuple[Path, Calibration]) -> None:
    """Without the calls on the leads of the last day, half of which came more than the latest usual minute ago: those
    are taken as left alone, and only who came within that minute is waiting.
    """
    calibration = worked[1]
    assert calibration.team is not None
    pieces = calibration.team.pieces
    quiet = pieces.where(pieces.started < calibration.records.as_of - 86400.0)
    work = work_per_visit(replace(calibration.team, pieces=quiet), calibration.records, "UTC")
    age = calibration.records.as_of - calibration.records.visits.entered
    young = work.worked & (age < 86400.0)
    assert (work.calls[young] == 0).all()
    assert (work.waits == (young & (age <= 60.0))).all()
