"""A real call centre: fitted on two weeks, the third is predicted from who called and who was there, by the engine.

The data are not shipped: without them these tests are skipped. Who was there is read from the third week's log as
`staffing` reads it; how long calls take, how long callers wait and who goes first are those of the first two weeks.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from funnelsim import plan as p
from funnelsim.calibration import Calibration, calibrate
from funnelsim.calibration.teams.queue_records import queue_records
from funnelsim.calibration.teams.staffing import StepFunction
from funnelsim.calibration.teams.work_items import WorkItems
from funnelsim.compile import compile_scenario
from funnelsim.engine import fast, reference
from funnelsim.plan_codes import Outcome
from funnelsim.scenario import load

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "call_centre_1999-02-01_21"
HISTORY = ROOT / "calibration" / "call-centre.history.yaml"
ZONE = ZoneInfo("Asia/Jerusalem")
WEEKS = {week: datetime(1999, 2, 1 + 7 * (week - 1), tzinfo=ZONE).timestamp() for week in (1, 2, 3, 4)}
REPLICATIONS = 4


class Answered(NamedTuple):
    """How a week went."""

    gave_up: float  # share
    wait: float  # seconds, mean of all who asked


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not DATA.is_dir():
        pytest.skip("the call centre's data are not here")
    return tmp_path_factory.mktemp("calls")


@pytest.fixture(scope="module")
def two_weeks(folder: Path) -> Calibration:
    """What was known on the evening of 14 February."""
    history = folder / "two-weeks.history.yaml"
    history.write_text(HISTORY.read_text(encoding="utf-8").replace("1999-02-21", "1999-02-14"), encoding="utf-8")
    return calibrate(history, folder / "two-weeks.fitted.yaml", DATA)


@pytest.fixture(scope="module")
def three_weeks(folder: Path) -> Calibration:
    return calibrate(HISTORY, data_dir=DATA)


def test_the_third_week_is_predicted(two_weeks: Calibration, three_weeks: Calibration) -> None:
    """Abandonment within 3 points, mean wait within 20 %."""
    seen, told = seen_in(three_weeks, 3), predicted(two_weeks, three_weeks, 3)
    assert seen.gave_up == pytest.approx(0.158, abs=0.002) and seen.wait == pytest.approx(54.3, abs=0.5)
    assert abs(told.gave_up - seen.gave_up) < 0.03
    assert told.wait == pytest.approx(seen.wait, rel=0.20)


def test_what_the_average_of_two_weeks_would_have_said_is_wrong(three_weeks: Calibration) -> None:
    """The third week was worse than both before: carrying their figures forward misses it."""
    before, seen = [seen_in(three_weeks, week) for week in (1, 2)], seen_in(three_weeks, 3)
    assert seen.gave_up - np.mean([week.gave_up for week in before]) > 0.03
    assert seen.wait / np.mean([week.wait for week in before]) > 1.3


def test_nothing_of_the_third_week_is_known_to_the_fit(two_weeks: Calibration) -> None:
    assert two_weeks.team is not None
    pieces = two_weeks.team.pieces
    assert np.nanmax(pieces.asked) < WEEKS[3] and np.nanmax(pieces.ended) < WEEKS[3]
    assert len(pieces) == pytest.approx(16_280, abs=50)


def test_the_fitted_file_runs_as_it_is(two_weeks: Calibration, folder: Path) -> None:
    (folder / "next.yaml").write_text("extends: two-weeks.fitted.yaml\nobserve: 1 week\n", encoding="utf-8")
    plan = compile_scenario(load(str(folder / "next.yaml"))).plan()
    trace, _ = fast.run(plan, 1, 0)
    assert len(trace.visits) > 6000


def seen_in(calibration: Calibration, week: int) -> Answered:
    pieces = week_of(calibration, week)
    asked = np.isfinite(pieces.asked)
    gone = np.isfinite(pieces.gave_up) & ~pieces.served
    return Answered(float(gone[asked].mean()), float(pieces.wait[asked].mean()))


def week_of(calibration: Calibration, week: int) -> WorkItems:
    assert calibration.team is not None
    pieces = calibration.team.pieces
    return pieces.where((pieces.asked >= WEEKS[week]) & (pieces.asked < WEEKS[week + 1]))


def predicted(fitted: Calibration, given: Calibration, week: int) -> Answered:
    """The week's callers, at their very instants, and its people; everything else is fitted.

    Run by the reference engine: the fast one holds no plan of so many sources (each caller is a batch of one).
    """
    plan = week_plan(fitted, given, week)
    gave_up, wait = [], []
    for replication in range(REPLICATIONS):
        visits = reference.run(plan, 1, replication).visits
        calls = visits[visits["stage"] < len(plan.stages) - 1]
        cold = calls["outcome"] == Outcome.COLD
        gave_up.append(cold.mean())
        until = np.where(cold, calls["ended"], np.where(calls["touched"] >= 0, calls["touched"], plan.settings.horizon))
        wait.append((until - calls["entered"]).mean())
    return Answered(float(np.mean(gave_up)), float(np.mean(wait)))


def week_plan(fitted: Calibration, given: Calibration, week: int) -> p.Plan:
    """The fitted scenario, one caller a batch. A scenario tells minutes; the log's seconds are put into its plan."""
    assert fitted.team is not None and given.team is not None and given.team.staffing is not None
    # The ranks that go first are the fitted ones; sources are named alike.
    calls = queue_records(replace(given.team, pieces=week_of(given, week), order=fitted.team.order), {})
    folder = fitted.files[0].parent
    lines = [f"extends: {fitted.files[0].name}", f"start: {local(WEEKS[week]):%Y-%m-%d}", "observe: 7 days", "sources:"]
    instants: list[float] = []
    for number, name in enumerate(calls.sources):
        mine = np.sort(calls.visits.entered[calls.source == number]) - WEEKS[week]
        instants += mine.tolist()
        told = ", ".join(f"{local(WEEKS[week] + at):1 on %Y-%m-%d at %H:%M}" for at in mine)
        lines.append(f"  {name}: {{rate: none, batch: [{told}]}}")
    absent = [source.name for source in fitted.arrivals.sources if source.name not in calls.sources]
    lines += [f"  {name}: none" for name in absent]
    file = folder / f"week-{week}.yaml"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    plan = compile_scenario(load(str(file))).plan()
    assert len(instants) == (plan.sources["batch"] > 0).sum()
    sources = plan.sources.copy()
    sources["batch_at"][sources["batch"] > 0] = instants
    return with_people(plan._replace(sources=sources), given.team.staffing.steps, WEEKS[week])


def with_people(plan: p.Plan, steps: StepFunction, start: float) -> p.Plan:
    """The plan with these people in its one team, to the second."""
    used = (steps.instant > start) & (steps.instant < start + 7 * 86400.0)
    opens = np.append(0.0, np.round(steps.instant[used] - start))
    people = np.append(steps.at(np.array([start]))[0], steps.people[used])
    last = np.append(opens[1:] != opens[:-1], True)
    opens, people = opens[last], people[last]
    intervals: Any = np.zeros(len(opens), p.INTERVAL).view(np.recarray)
    intervals["opens"], intervals["closes"] = opens, np.append(opens[1:], np.inf)
    intervals["capacity"], intervals["before"] = people, opens
    teams = plan.teams.copy()
    teams["people"], teams["interval_first"], teams["interval_count"] = people.max(), 0, len(intervals)
    return plan._replace(teams=teams, intervals=intervals)


def local(instant: float) -> datetime:
    return (datetime.fromtimestamp(0, UTC) + timedelta(seconds=instant)).astimezone(ZONE)
