"""Optimise on scenarios whose best settings are known in closed form, and what it leaves behind.

Staffing a desk with buyers who leave (Erlang A, checked in test_theory): n reps at w an hour, 12 buyers an hour, each
worth v when served. Profit an hour is v * 12 * (1 - abandoned(n)) - w * n, whose top is the newsvendor's: one more rep
is worth it while the buyers kept pay for the rep.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image

import funnelsim as fs
from funnelsim.cli import code_of
from funnelsim.errors import RunError, UsageError
from funnelsim.progress import Progress
from funnelsim.reporting.optimise.report import answer, optimise_report
from funnelsim.study.optimise.optimise import Optimum
from support import queueing_formulas
from support.small_funnel import write_small

WAGE, WORTH, ARRIVALS = 20.0, 25.0, 12.0
DESK = f"""
name: Desk
start: 2026-01-05
warm_up: 1 day
observe: 1 week
cool_down: 1 day
sources: {{web: {{rate: 2016/week}}}}
deal_value: {WORTH:.0f}
stages:
  desk:
    work: {{handling: exponential(mean 30 min), contact: always}}
    patience: exponential(mean 1 hour)
    next: {{served: 100%}}
    cold: {{lost: 100%}}
  served: {{}}
definitions: {{won: enters served}}
teams: {{sales: {{people: 4, cost: {WAGE:.0f}/hour}}}}
ownership: {{desk: sales}}
"""
BATCHES = """
name: Batches
start: 2026-01-05
observe: 4 weeks
sources: {fair: {batch: 20 on 2026-01-06, cost: 10}}
deal_value: 100
stages:
  offer: {next: {customer: 100%}}
  customer: {}
definitions: {won: enters customer}
calendars: {office: {hours: 09:00-17:00, days: Mon-Fri}}
teams: {sales: {people: 2, calendar: office, cost: 1/hour}}
"""
PEOPLE = "teams.sales.people=4..8"


def profit(people: int) -> float:
    """In a week."""
    left = queueing_formulas.ErlangA(ARRIVALS, 2.0, people, 1.0).abandons
    return 168.0 * (WORTH * ARRIVALS * (1.0 - left) - WAGE * people)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_small(tmp_path)
    (tmp_path / "desk.yaml").write_text(DESK)
    (tmp_path / "batches.yaml").write_text(BATCHES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found_by(file: str, **options: Any) -> Optimum:
    optimum: Optimum = fs.optimise(file, **({"replications": 5, "out": None, "threads": 1} | options)).result
    return optimum


# ---- known optima --------------------------------------------------------------------------------------------------


def test_the_newsvendor_of_a_desk(folder: Path) -> None:
    """Of 4 to 8 reps the best are 6; the measured profit is that of Erlang A, and so is the gain over 4."""
    best = max(range(4, 9), key=profit)
    assert best == 6 and profit(6) - max(profit(5), profit(7)) > 150.0
    optimum = found_by("desk.yaml", vary=[PEOPLE], maximise=["calendar.profit"], gap="150")
    assert optimum.exhaustive and optimum.chosen is not None and optimum.chosen.point == ("6",)
    assert optimum.selection is not None and optimum.selection.chance == 0.95 and optimum.selection.finished
    gain = optimum.gains["calendar.profit"]
    assert abs(gain.value.mean - profit(6)) < 2.5 * gain.value.error  # four standard errors
    assert abs(gain.difference.mean - (profit(6) - profit(4))) < 2.5 * gain.difference.error
    assert gain.difference.error < 0.8 * gain.value.error  # on the same luck; on other luck 1.4


def test_under_a_budget_fewer_people_are_best(folder: Path) -> None:
    """A week of five reps costs 16,800, of six 20,160: with 20,000 five are best. Wages are known without error."""
    optimum = found_by("desk.yaml", vary=[PEOPLE], maximise=["calendar.profit"], subject_to=["calendar.cost <= 20k"])
    assert optimum.chosen is not None and optimum.chosen.point == ("5",)
    assert all(trial.score.meets == (int(trial.point[0]) <= 5) for trial in optimum.trials)
    on_inputs = found_by(
        "desk.yaml", vary=[PEOPLE], maximise=["calendar.profit"], subject_to=["teams.sales.people <= 5"]
    )
    assert on_inputs.chosen is not None and on_inputs.chosen.point == ("5",)
    assert sum(trial.score.refused for trial in on_inputs.trials) == 3


def test_a_constraint_near_its_bound_needs_confidence(folder: Path) -> None:
    """Six reps win 1,747 a week, a mean that 20 runs know to +- 15: so 1,687 are surely reached, 1,745 are not."""
    mean = 168.0 * ARRIVALS * (1.0 - queueing_formulas.ErlangA(ARRIVALS, 2.0, 6, 1.0).abandons)
    options: dict[str, Any] = {"vary": [PEOPLE], "minimise": ["calendar.cost"], "replications": 20, "finalists": 3}
    sure = found_by("desk.yaml", subject_to=[f"calendar.won >= {mean - 60:.0f}"], **options)
    assert sure.chosen is not None and sure.chosen.point == ("6",)
    unsure = found_by("desk.yaml", subject_to=[f"calendar.won >= {mean - 2:.0f}"], **options)
    assert unsure.chosen is not None and unsure.chosen.point == ("7",)


def test_the_front_of_two_objectives_is_exact(folder: Path) -> None:
    """Batches of 20, 40 or 60 are all won; people only cost. So the front is one person with each batch."""
    batches = "sources.fair.batch=[20 on 2026-01-06, 40 on 2026-01-06, 60 on 2026-01-06]"
    optimum = found_by(
        "batches.yaml", vary=[batches, "teams.sales.people=1..3"], maximise=["calendar.won"], minimise=["calendar.cost"]
    )
    assert [one.point for one in optimum.front] == [(f"{n} on 2026-01-06", "1") for n in (20, 40, 60)]
    assert [one.estimates["calendar.won"].mean for one in optimum.front] == [20.0, 40.0, 60.0]
    hours = 20 * 8.0  # of the office, at 1 an hour
    assert [one.estimates["calendar.cost"].mean for one in optimum.front] == [hours + 10.0 * n for n in (20, 40, 60)]
    assert {one.front for one in optimum.front} == {1.0}
    text = optimise_report(optimum)
    assert text.startswith(
        "Batches: highest calendar.won and lowest calendar.cost make a front of 3 settings, from "
        "fair.batch 20 on 2026-01-06, sales.people 1 (calendar.won 20 "
    )
    assert "1 of them beats the file as it is, better in one and worse in none" in text.splitlines()[0]


def test_the_chance_of_a_goal_is_an_objective(folder: Path) -> None:
    """Of 150 leads a week one in sales wins 196, two 284, three 316: for 280 it takes more than one."""
    optimum = found_by(
        "small.yaml",
        vary=["teams.sales.people=1..3"],
        maximise=["goal"],
        goal="wins 280",
        gap="20%",
        overrides=["sources.web.rate=150/week"],
    )
    assert optimum.chosen is not None and optimum.chosen.point[0] in ("2", "3") and optimum.units["goal"]
    assert optimum.selection is not None and min(optimum.selection.counts) >= 100
    text = answer(optimum)
    shares = re.search(r"interval ([\d.]+) to ([\d.]+) %", text)
    assert "differences below 20 points aside" in text and shares
    assert 0.0 <= float(shares[1]) <= 100.0 * optimum.gains["goal"].value.mean <= float(shares[2]) <= 100.0


# ---- honesty -------------------------------------------------------------------------------------------------------


def test_figures_do_not_come_from_the_luck_of_the_search(folder: Path) -> None:
    """A name changes nothing, so nothing is gained; search, choice and estimate each have luck of their own."""
    optimum = found_by(
        "batches.yaml",
        vary=["name=One, Two, Three"],
        maximise=["profit"],
        overrides=["deal_value=lognormal(median 100 p90 300)"],
    )
    gain = optimum.gains["cohort.profit"]
    assert gain.difference.mean == 0.0 and optimum.chosen is not None
    estimate = optimum.chosen.estimates["cohort.profit"]
    assert estimate.mean != optimum.chosen.score.values[0] != gain.value.mean != estimate.mean  # three parts of luck
    assert "Such a figure is too good on average" in optimise_report(optimum)


def test_the_end_of_a_range_is_told_and_beliefs_are_named(folder: Path) -> None:
    (folder / "unsure.yaml").write_text(
        "extends: small.yaml\nname: Unsure\neffects: {context_lost: 0.5 to 0.7}\n"
        "handoff: {delay: at once, context_kept: 0%}\n"
    )
    optimum = found_by("unsure.yaml", vary=["sources.web.rate=5..40/week"], maximise=["profit"], trials=16, finalists=2)
    assert optimum.chosen is not None and optimum.chosen.point == ("40/week",) and optimum.beliefs_neutral is not None
    text = optimise_report(optimum)
    assert "web.rate 40/week lies at the end of its range" in text.splitlines()[0]
    assert "given what nobody knows (effects.context_lost; 40 draws x 4 periods)" in text
    assert "End of a range: sources.web.rate is best at 40/week" in text
    assert "beliefs nobody has measured" in text.splitlines()[0] and "cohort.profit, beliefs at 1" in text
    assert (
        optimum.beliefs_neutral.difference.mean > optimum.gains["cohort.profit"].difference.mean
    )  # context that is not lost wins more


def test_when_nothing_meets_the_constraints_the_nearest_is_named(folder: Path) -> None:
    args = [
        "optimise",
        "desk.yaml",
        "--vary",
        PEOPLE,
        "--maximise",
        "calendar.profit",
        "-n",
        "2",
        "--no-figures",
        "--subject-to",
        "calendar.cost <= 13k",
        "-q",
    ]
    assert code_of([*args, "--fail-on-miss"]) == 4
    optimum = found_by("desk.yaml", vary=[PEOPLE], maximise=["calendar.profit"], subject_to=["calendar.cost <= 13k"])
    assert answer(optimum).startswith(
        "Desk: no settings within the ranges meet calendar.cost <= 13k with a confidence "
        "of 95 %; the nearest goes 3.4 % beyond, at sales.people 4, with calendar.profit "
    )


def test_points_that_fail_are_counted_and_cost_nothing(folder: Path) -> None:
    optimum = found_by("desk.yaml", vary=["teams.sales.people=0, 5, 6"], maximise=["calendar.profit"])
    assert optimum.chosen is not None and optimum.chosen.point == ("6",)
    assert "1 failed, the first at 0: nobody is in sales" in optimise_report(optimum)
    with pytest.raises(UsageError, match="no point of the ranges meets the constraints on inputs; 5 were tried"):
        found_by("desk.yaml", vary=[PEOPLE], maximise=["calendar.profit"], subject_to=["teams.sales.people <= 2"])
    with pytest.raises(RunError, match="all 2 trials failed, the first at 4: there is no figure for"):
        found_by("desk.yaml", vary=["teams.sales.people=4..5"], maximise=["cohort.share_rejected.desk"])


# ---- asking --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        ([], 2, "nothing is varied"),
        (["--vary", PEOPLE], 2, "no objective: use --maximise or --minimise, such as --maximise profit"),
        (["--vary", PEOPLE, "--maximise", "profti"], 2, "there is no measure 'profti'. did you mean 'profit'?"),
        (
            [
                "--vary",
                PEOPLE,
                "--maximise",
                "profti",
                "--subject-to",
                "calendar.csot <= 9",
                "--subject-to",
                "calendar.wno >= 1",
            ],
            2,
            "error: there is no measure 'calendar.csot'. did you mean 'calendar.cost'?\n"
            "error: there is no measure 'calendar.wno'. did you mean 'calendar.won'?\n"
            "error: there is no measure 'profti'. did you mean 'profit'?",
        ),
        (["--vary", PEOPLE, "--maximise", "profit", "--minimise", "profit"], 2, "profit is an objective twice"),
        (["--vary", PEOPLE, "--maximise", "goal"], 2, "the chance of the goal is asked for, and no goal is named"),
        (["--vary", PEOPLE, "--maximise", "profit", "--subject-to", "goal >= 80%"], 2, "no goal is named"),
        (["--vary", PEOPLE, "--maximise", "profit", "--gap", "0"], 2, "--gap must be above 0"),
        (["--vary", PEOPLE, "--maximise", "profit", "--chance", "100%"], 2, "--chance must be 50 % or more and below"),
        (["--vary", PEOPLE, "--maximise", "profit", "--confidence", "20%"], 2, "--confidence must be 50 % or more"),
        (["--vary", PEOPLE, "--maximise", "profit", "--trials", "20000"], 2, "--trials 20000: 1 to 10,000"),
        (["--vary", PEOPLE, "--maximise", "profit", "--subject-to", "cost < 9"], 2, "'cost < 9' is no constraint"),
        (["--vary", "teams.sales.peopel=3..9", "--maximise", "profit"], 3, "--vary:1:13: error: unknown"),
    ],
)
def test_mistakes_are_told(
    args: list[str], code: int, said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(["optimise", "desk.yaml", *args]) == code
    out, err = capsys.readouterr()
    assert said in err and "Traceback" not in err and not out


def test_a_study_file_may_ask(folder: Path) -> None:
    (folder / "staff.study.yaml").write_text(
        "scenario: desk.yaml\nvary: {teams.sales.people: 4..7}\n"
        "maximise: calendar.profit\nsubject_to: [calendar.cost <= 20k]\n"
        "trials: 20\nreplications: 5\n"
    )
    optimum: Optimum = fs.optimise("staff.study.yaml", out=None).result
    assert optimum.chosen is not None and optimum.chosen.point == ("5",) and optimum.spec.trials == 20


# ---- keeping -------------------------------------------------------------------------------------------------------

SEARCH = [
    "small.yaml",
    "--vary",
    "sources.web.rate=5..60/week",
    "--vary",
    "teams.sales.people=1..4",
    "--maximise",
    "profit",
    "--subject-to",
    "calendar.cost <= 80k",
    "--trials",
    "20",
    "-n",
    "6",
    "--finalists",
    "2",
]


def test_it_prints_saves_and_repeats_on_any_number_of_threads(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(["optimise", *SEARCH, "--threads", "1"]) == 0
    out, err = capsys.readouterr()
    first = out.splitlines()[0]
    assert first.startswith("Small funnel: cohort.profit is highest at web.rate ") and "right choice among" in first
    assert not err
    place = next((folder / "results").glob("optimise-*"))
    assert {path.name for path in place.iterdir()} == {
        "manifest.json",
        "answer.txt",
        "trials.csv",
        "trials.parquet",
        "finalists.csv",
        "optimise.json",
        "trials.png",
        "trials.svg",
    }
    with Image.open(place / "trials.png") as picture:
        assert picture.size[0] == 1600
    trials = pl.read_csv(place / "trials.csv")
    assert trials.height <= 20 and set(trials["status"]) <= {"ok", "breaks a constraint"}
    data = json.loads((place / "optimise.json").read_text())
    assert data["best"] and data["measures"]["cohort.profit"]["more"]["low"] > 0.0
    assert code_of(["optimise", str(place), "--threads", "2", "--out", "again", "--no-figures", "--json"]) == 0
    again, err = capsys.readouterr()
    assert "the same digits as before" in err and json.loads(again)["digest"] == data["digest"]
    assert code_of(["optimise", str(place), "--gap", "1%"]) == 2
    manifest = json.loads((place / "manifest.json").read_text())
    manifest["versions"]["optuna"], manifest["plan"] = "4.0.0", "another"
    (folder / "old").mkdir()
    (folder / "old" / "manifest.json").write_text(json.dumps(manifest))
    assert code_of(["optimise", "old", "--no-figures"]) == 1
    assert "were suggested by Optuna 4.0.0" in capsys.readouterr().err


class Impatient(Progress):
    """Interrupts after six points."""

    def update(self, what: str, done: int, total: int) -> None:
        if done >= 6:
            raise KeyboardInterrupt


def test_interrupted_it_goes_on_where_it_was(folder: Path) -> None:
    options: dict[str, Any] = {
        "vary": ["sources.web.rate=5..60/week", "teams.sales.people=1..4"],
        "trials": 16,
        "maximise": ["profit"],
        "replications": 5,
        "finalists": 2,
        "figures": False,
    }
    with pytest.raises(KeyboardInterrupt):
        fs.optimise("small.yaml", progress=Impatient(), **options)
    store = folder / "results" / "points"
    kept = {path: path.stat().st_mtime_ns for path in store.glob("*/*.json")}
    assert len(kept) >= 6
    done = fs.optimise("small.yaml", **options)
    assert kept.items() <= {path: path.stat().st_mtime_ns for path in store.glob("*/*.json")}.items()
    assert done.manifest.digest == fs.optimise("small.yaml", **(options | {"out": None})).manifest.digest


@pytest.mark.long
def test_killed_it_goes_on_where_it_was(folder: Path) -> None:
    command = [sys.executable, "-m", "funnelsim", "optimise", *SEARCH, "--no-figures", "-q", "--out"]
    points = folder / "stormy" / "points"
    with subprocess.Popen([*command, "stormy"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as running:
        while running.poll() is None and len(list(points.glob("*/*.json"))) < 6:
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
        assert running.stderr is not None and not running.stderr.read()
    kept = {path: path.stat().st_mtime_ns for path in points.glob("*/*.json")}
    assert len(kept) >= 6 and not list((folder / "stormy").glob("optimise-*"))
    for out in ("stormy", "calm"):
        assert code_of(["optimise", *SEARCH, "--no-figures", "-q", "--out", out]) == 0
    assert kept.items() <= {path: path.stat().st_mtime_ns for path in points.glob("*/*.json")}.items()
    stormy, calm = (next((folder / name).glob("optimise-*")) for name in ("stormy", "calm"))
    for name in ("trials.csv", "finalists.csv"):
        assert (stormy / name).read_bytes() == (calm / name).read_bytes()


# ---- best of k -----------------------------------------------------------------------------------------------------


def test_the_best_of_some_scenarios(folder: Path) -> None:
    """Desks of 3 to 8 reps: 6 is ahead of 5 and 7 by more than 150 a week."""
    for people in range(3, 9):
        (folder / f"{people}.yaml").write_text(
            f"extends: desk.yaml\nname: Desk of {people}\nteams: {{sales: {{people: {people}}}}}\n"
        )
    files = [f"{people}.yaml" for people in range(3, 9)]
    choice = fs.select_best(*files, measure="calendar.profit", gap=150.0, threads=1)
    assert choice.best == "Desk of 6" and choice.selection.finished and choice.selection.chance == 0.95
    assert choice.runs == choice.selection.runs >= 60
    worst = fs.select_best(*files, measure="calendar.profit", lowest=True, gap="10%")
    assert worst.best == "Desk of 3"
