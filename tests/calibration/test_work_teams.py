"""What a log of work says about a team: by hand, and from made-up teams of which the truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from funnelsim.calibration import Calibration, calibrate
from funnelsim.calibration.history.parser import read_history
from funnelsim.calibration.teams.callbacks import separate_call_backs
from funnelsim.calibration.teams.opening_hours import fit_opening
from funnelsim.calibration.teams.queue_order import fit_queue_order
from funnelsim.calibration.teams.staffing import fit_staffing, shifts_of, steps_of
from funnelsim.calibration.teams.work_items import (
    ASKED,
    ENDED,
    NOBODY,
    STARTED,
    WorkItems,
    asked_by_previous_item,
    pair_events,
)
from funnelsim.scenario.parsers.dates import weekdays

MONDAY = 1767571200.0  # 2026-01-05 00:00 UTC
HOUR, DAY = 3600.0, 86400.0
BPI = Path(__file__).parents[3] / "shared" / "data" / "bpic2012_asof_2011-12-31"


def pieces(asked: list[float], started: list[float], ended: list[float], **more: np.ndarray) -> WorkItems:
    """Pieces of one kind; each is a case of its own unless said."""
    size, nothing = len(asked), np.full(len(asked), np.nan)
    columns = {"case": np.arange(size), "worker": np.zeros(size, np.int64), "gave_up": nothing, "rank": nothing} | more
    return WorkItems(
        (),
        ("call",),
        ("ann", "bob"),
        columns["case"],
        np.zeros(size, np.int64),
        columns["worker"],
        np.array(asked),
        np.array(started),
        np.array(ended),
        columns["gave_up"],
        columns["rank"],
        MONDAY + 100 * DAY,
    )


def test_starts_and_ends_are_paired_by_what_lies_between_not_by_number() -> None:
    """Asked 0, started 10 (no end), started 20, ended 30, ended 40 (no start): one whole piece, 20 to 30.

    The first start with the first end would make 10 to 30, the second with the second 20 to 40.
    """
    word = np.array([ASKED, STARTED, STARTED, ENDED, ENDED])
    pairs = pair_events(np.zeros(5, int), np.zeros(5, int), word, np.array([0.0, 10, 20, 30, 40]))
    assert pairs.start.tolist() == [1, 2] and pairs.end.tolist() == [-1, 3] and pairs.asked.tolist() == [0, -1]
    assert pairs.without_end.tolist() == [1] and pairs.without_start.tolist() == [4]


def test_call_backs_are_no_waits() -> None:
    """Asked at 9:00, called 10:00 to 10:05, again 10:08 to 10:10 (the same piece), and on Thursday at 10:00."""
    at = [MONDAY + t for t in (10 * HOUR, 10 * HOUR + 480, 3 * DAY + 10 * HOUR)]
    ends = [MONDAY + t for t in (10 * HOUR + 300, 10 * HOUR + 600, 3 * DAY + 10 * HOUR + 60)]
    joined, again, gap = separate_call_backs(
        pieces([MONDAY + 9 * HOUR, np.nan, np.nan], at, ends, case=np.zeros(3, int))
    )
    assert len(joined) == 2 and again.tolist() == [False, True]
    assert joined.wait[0] == HOUR and np.isnan(joined.wait[1])
    assert joined.ended[0] - joined.started[0] == 300 + 120
    assert gap[1] == pytest.approx(3 * DAY - 600)


def test_work_asked_for_anew_is_a_wait_again() -> None:
    joined, again, _ = separate_call_backs(
        pieces([0.0, 5000.0], [100.0, 6000.0], [200.0, 6100.0], case=np.zeros(2, int))
    )
    assert again.tolist() == [False, False] and joined.wait.tolist() == [100.0, 1000.0]


def test_without_an_asking_the_work_before_asked() -> None:
    log = pieces([np.nan] * 3, [0.0, 50.0, 300.0], [100.0, 60.0, 400.0], case=np.zeros(3, int))
    assert asked_by_previous_item(log).asked.tolist()[2] == 100.0
    assert np.isnan(asked_by_previous_item(log).asked[:2]).all()


def test_people_present_by_hand() -> None:
    """Ann takes calls at 0-100 and 400-500 and sits idle between: nobody waits. Bob ends at 100 and begins at 400 too,

    but somebody waits from 150 to 400, so from 100 to 400 one of them was away: Bob's next caller had waited.
    """
    log = pieces(
        [0.0, 0.0, 150.0, 500.0], [0.0, 0.0, 400.0, 500.0], [100.0, 100.0, 450.0, 600.0], worker=np.array([0, 1, 1, 0])
    )
    staffing = fit_staffing(log, 0.0, "UTC", [(day,) for day in range(7)])
    assert staffing is not None and staffing.by == "present" and staffing.named == 2
    assert staffing.steps.at(np.array([50.0, 200.0, 420.0, 550.0])).tolist() == [2, 0, 2, 1]


def test_in_hand_where_nobody_is_named() -> None:
    log = pieces([np.nan] * 2, [0.0, 50.0], [100.0, 80.0], worker=np.full(2, NOBODY))
    staffing = fit_staffing(log, 0.0, "UTC", [(day,) for day in range(7)])
    assert staffing is not None and staffing.by == "in hand" and staffing.steps.at(np.array([60.0])).tolist() == [2]


def test_shifts_add_up_to_the_people_of_the_week() -> None:
    rng = np.random.default_rng(0)
    week = rng.integers(0, 5, (7, 48))
    told = np.zeros_like(week)
    for shift in shifts_of(week):
        days = list(weekdays(shift.days))
        for part in shift.hours.split(", "):
            low, high = (int(t[:2]) * 2 + int(t[3:]) // 30 for t in part.split("-"))
            told[days, low:high] += shift.people
    assert (told == week).all()


def test_steps_mean() -> None:
    steps = steps_of(np.array([[0.0, 10.0], [5.0, 15.0]]))
    assert steps.mean(np.array([0.0, 10.0, 20.0])).tolist() == [1.5, 0.5]


def test_opening_hours_and_a_holiday() -> None:
    """Twenty pieces a day, 9 to 17 from Monday to Friday, but not on Tuesday the 13th."""
    rng = np.random.default_rng(1)
    days = [day for day in range(56) if day % 7 < 5 and day != 8]
    started = np.concatenate([MONDAY + day * DAY + rng.uniform(9 * HOUR, 17 * HOUR, 40) for day in days])
    opening = fit_opening(started, "UTC")
    assert opening is not None and opening.closes and not opening.always
    assert opening.groups == (("09:00-17:00", (0, 1, 2, 3, 4)),) and opening.holidays == ("2026-01-13",)


@pytest.mark.parametrize("rule", ["first come", "last come", "high rank"])
def test_the_order_that_made_the_log_is_found(rule: str) -> None:
    """One worker, more callers than he can take: whom he takes next tells the rule."""
    rng = np.random.default_rng(2)
    asked = np.cumsum(rng.exponential(60.0, 600))
    rank = rng.integers(0, 2, 600).astype(float)
    key = {"first come": asked, "last come": -asked, "high rank": asked - 1e9 * rank}[rule]
    started, now, waiting = np.full(600, np.nan), 0.0, list(range(600))
    while waiting:
        there = [i for i in waiting if asked[i] <= now] or [waiting[0]]
        chosen = min(there, key=lambda i: key[i])
        now = started[chosen] = max(now, asked[chosen])
        waiting.remove(chosen)
        now += rng.exponential(70.0)
    order = fit_queue_order(pieces(list(asked), list(started), list(started + 1), rank=rank))
    assert order is not None and order.best == rule and order.strength[rule] > 0.95


def test_mistakes_in_the_section_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "calls.history.yaml"
    file.write_text(
        "as_of: 2026-03-31\nwork: {file: calls.csv, started: begin, lifecycle: x, wroker: who, stages: {talk: call}}\n",
        encoding="utf-8",
    )
    told = " | ".join(problem.text for problem in read_history(file).problems)
    assert "unknown key 'wroker' in work" in told and "work has both `started` and `lifecycle`" in told


def test_bpi_waits_of_an_hour_are_not_call_backs_of_days(tmp_path: Path) -> None:
    """Counted together the offers' calls would seem to wait two days; the wait for the first call is minutes."""
    if not BPI.is_dir():
        pytest.skip("the BPI 2012 data are not here")
    team = bpi()
    assert team.team is not None and team.team.staffing is not None
    assert team.team.waits["offered"].median() < 10 * 60 < DAY < team.team.call_backs["offered"].gap.median()  # type: ignore[union-attr]
    assert 5 <= team.team.staffing.week.max() <= 15 < team.team.staffing.named  # at once, out of 48 names
    assert sum(one.left_open for one in team.team.handling.values()) == pytest.approx(148, abs=5)


def bpi() -> Calibration:
    return calibrate(Path(__file__).parents[2] / "calibration" / "bpic2012.history.yaml", data_dir=BPI)
