"""Seek: the smallest x for a goal, checked against compound Poisson sums whose chance has a closed form.

Leads come at x a week for 10 weeks, a share q of them is won at once, and a win is worth an exponential amount of mean
v. Then wins are Poisson with mean m = 10 x q, and the revenue S of n wins is Erlang, so
    P(S >= g) = sum over n >= 1 of Poisson(n; m) * P(Gamma(n) >= g / v)
With 90 % intervals, 200 repetitions cover the true x 180 +- 13 times (three standard deviations); exact limits cover
more often than stated, never less. A right tool fails fewer than 167 of 200 once in 1000 tests.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq

import funnelsim as fs
from funnelsim.cli import code_of
from funnelsim.errors import ScenarioError, UsageError
from funnelsim.reporting.seek.report import answer, seek_report
from funnelsim.scenario.template import ScenarioTemplate
from funnelsim.study.axes import read_axes
from funnelsim.study.goals import MeasureGoal
from funnelsim.study.point import RunSize, run_task
from funnelsim.study.seek.level_crossing import Margins, chance_crossing, limits, mean_crossing
from funnelsim.study.seek.seek import SeekAnswer, SeekSpec, seek
from funnelsim.study.task_builder import TaskBuilder
from funnelsim.study.truncate_horizon import needed_horizon
from support.small_funnel import write_small

WEEKS, SHARE, VALUE = 10, 0.3, 1000.0
POISSON = f"""
name: Compound Poisson
start: 2026-01-05
observe: {WEEKS} weeks
sources: {{web: {{rate: 20/week}}}}
deal_value: exponential(mean {VALUE:.0f})
stages:
  offer: {{next: {{customer: {SHARE:.0%}, lost: rest}}}}
  customer: {{}}
definitions: {{won: enters customer}}
teams: {{sales: {{people: 1}}}}
"""

UNSURE = """
extends: poisson.yaml
name: Unsure
stages:
  offer:
    work: {attempts: 1, contact: always, handling: 5 min}
teams: {sales: {people: 9, habit: exponential(mean 1 day) never 80%}}
ownership: {offer: sales}
promises: {first_touch: within 2 days, adherence: 30% to 95%}
"""


def chance_of_wins(x: float, wins: int) -> float:
    return float(stats.poisson.sf(wins - 1, WEEKS * x * SHARE))


def chance_of_revenue(x: float, amount: float) -> float:
    n = np.arange(1, 1000)
    return float((stats.poisson.pmf(n, WEEKS * x * SHARE) * stats.gamma.sf(amount / VALUE, n)).sum())


def truth(chance: Any, target: float, p: float) -> float:
    return float(brentq(lambda x: chance(x, target) - p, 1.0, 100.0))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_small(tmp_path)
    (tmp_path / "poisson.yaml").write_text(POISSON)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sought(file: str = "poisson.yaml", **options: Any) -> SeekAnswer:
    options = {"vary": ["sources.web.rate=5..60/week"], "goal": "wins 60", "replications": 60, "out": None} | options
    answer: SeekAnswer = fs.seek(file, **options).result
    return answer


# ---- against the closed form ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("goal", "chance", "target"),
    [
        (MeasureGoal("calendar.won", 60.0), chance_of_wins, 60),
        (MeasureGoal("calendar.revenue", 60_000.0), chance_of_revenue, 60_000.0),
    ],
)
def test_the_interval_covers_the_true_x(folder: Path, goal: MeasureGoal, chance: Any, target: float) -> None:
    assert_covers(goal, truth(chance, target, 0.8), 0.8, repetitions=20, at_least=14)  # a right tool fails once in 400


@pytest.mark.long
@pytest.mark.parametrize(
    ("goal", "chance", "target"),
    [
        (MeasureGoal("calendar.won", 60.0), chance_of_wins, 60),
        (MeasureGoal("calendar.revenue", 60_000.0), chance_of_revenue, 60_000.0),
    ],
)
@pytest.mark.parametrize("p", [0.5, 0.8])
def test_the_interval_covers_the_true_x_in_200_repetitions(
    folder: Path, goal: MeasureGoal, chance: Any, target: float, p: float
) -> None:
    assert_covers(goal, truth(chance, target, p), p, repetitions=200, at_least=167)


def assert_covers(goal: MeasureGoal, x: float, p: float, repetitions: int, at_least: int) -> None:
    template, (axis,) = ScenarioTemplate("poisson.yaml"), read_axes(["sources.web.rate=10..40/week"])
    mean_x = goal.target / (WEEKS * SHARE * (VALUE if goal.measure == "calendar.revenue" else 1.0))
    covered = mean_covered = 0
    errors, widths = [], []
    for seed in range(repetitions):
        answer = seek(SeekSpec(template, axis, goal, p, RunSize(60), seed), threads=1)
        covered += answer.answer.low <= x <= answer.answer.high
        mean_covered += answer.mean.low <= mean_x <= answer.mean.high
        errors.append(answer.answer.x - x)
        widths.append(answer.answer.high - answer.answer.low)
    print(
        f"{goal.measure} at {p:.0%}: x = {x:.2f}; covered {covered}, mean answer {mean_covered} of {repetitions}; "
        f"bias {np.mean(errors):+.2f}, widths {np.mean(widths):.1f}"
    )
    assert covered >= at_least and mean_covered >= at_least
    assert abs(np.mean(errors)) < 4.0 * np.std(errors) / math.sqrt(repetitions) + 0.05 * x
    assert np.mean(widths) < 0.4 * x


def test_more_replications_sharpen_the_answer(folder: Path) -> None:
    few, many = (sought(replications=n) for n in (50, 800))
    x = truth(chance_of_wins, 60, 0.8)
    assert many.answer.high - many.answer.low < 0.45 * (few.answer.high - few.answer.low)
    assert many.answer.x == pytest.approx(x, rel=0.03)
    assert many.chance_at_mean == pytest.approx(chance_of_wins(20.0, 60), abs=0.06)
    wanted = sought(replications=None, precision=0.03)
    assert (wanted.answer.high - wanted.answer.low) / 2.0 <= 0.036 * wanted.answer.x
    assert wanted.replications > 100


def test_limits_are_those_of_clopper_and_pearson() -> None:
    low, high = limits(np.array([0.0, 0.25, 1.0]), 20)
    assert low == pytest.approx([0.0, stats.beta.ppf(0.05, 5, 16), stats.beta.ppf(0.05, 20, 1)])
    assert high == pytest.approx([stats.beta.ppf(0.95, 1, 20), stats.beta.ppf(0.95, 6, 15), 1.0])


def test_a_crossing_by_hand() -> None:
    """Four periods meet the goal from 0.2, 0.4, 0.6 and 0.8 on; half of them from 0.4 on, all from 0.8 on."""
    places = np.linspace(0.0, 1.0, 6)
    margins = Margins(places, places[None, :] - np.array([[0.2], [0.4], [0.6], [0.8]]))
    assert chance_crossing(margins, 0.5).place == pytest.approx(0.4)
    assert chance_crossing(margins, 1.0).place == pytest.approx(0.8)
    assert math.isnan(chance_crossing(margins, 0.5).high)  # four periods cannot tell
    mean = mean_crossing(margins)  # +- t of 3 degrees times the deviation over root 4
    assert mean.place == pytest.approx(0.5)
    assert mean.high - mean.low == pytest.approx(2.353363 * 0.258199, abs=2e-3)


# ---- what is sought ------------------------------------------------------------------------------------------------


def test_people_come_whole_and_one_fewer_is_not_enough(folder: Path) -> None:
    """At 150 leads a week sales of one win 196, two 284, three 316, more 318: then it is marketing that binds."""
    result = sought(
        "small.yaml",
        vary=["teams.sales.people=1..8"],
        overrides=["sources.web.rate=150/week"],
        goal="wins 280",
        replications=40,
    )
    assert result.met and result.answer.x == int(result.answer.x) > 1
    chances = {node.x: node.chance for node in result.points}
    assert chances[result.answer.x] >= 0.8 > chances[result.answer.x - 1]
    assert {result.answer.low, result.answer.high} <= set(range(1, 9))
    assert f"sales.people {result.answer.x:.0f} " in answer(result)


def test_where_more_harms_the_largest_is_sought(folder: Path) -> None:
    result = sought(vary=["deal_value=200..3000"], goal="revenue 60k")
    assert result.more_helps
    worse = sought(vary=["sources.web.cost=0..500"], goal="calendar.profit 20k", overrides=["deal_value=1000"])
    assert not worse.more_helps and worse.met
    wins = fs.run("poisson.yaml", ["deal_value=1000"], replications=60, out=None).measures
    leads, won = (wins[f"calendar.{name}"].values for name in ("leads", "won"))
    allowed = np.sort((won * 1000.0 - 20_000.0 - 0.0) / leads)  # the cost a lead that each period can bear
    assert allowed[11] <= worse.answer.x + 1.0 and worse.answer.x - 1.0 <= allowed[12]
    assert "allows at most" in answer(worse) and worse.answer.low < worse.answer.x < worse.answer.high


def test_a_goal_may_be_at_most(folder: Path) -> None:
    answer = sought(
        "small.yaml",
        vary=["teams.marketing.people=1..4"],
        overrides=["sources.web.rate=100/week"],
        goal="cohort.response_p90.interest at most 3 days",
        replications=30,
    )
    assert answer.spec.goal.at_most and answer.spec.goal.target == 3 * 86400.0
    assert all((node.mean <= 4 * 86400.0) for node in answer.points if node.x >= answer.answer.x)


def test_what_is_booked_counts(folder: Path) -> None:
    whole, rest = sought(goal="revenue 40k"), sought(goal="revenue 60k", booked="20k")
    assert rest.answer == whole.answer and "€20 k booked before" in seek_report(rest)


def test_leads_in_flight_count_and_their_number_is_said(folder: Path) -> None:
    rows = "".join(f"  - {{id: a{i}, source: web, stage: offer, age: 1 day}}\n" for i in range(60))
    (folder / "slow.yaml").write_text("extends: poisson.yaml\nstages: {offer: {pace: exponential(mean 1 day)}}\n")
    (folder / "today.yaml").write_text(f"extends: slow.yaml\nname: From today\nleads_in_flight:\n{rows}")
    empty, today = sought("slow.yaml", goal="wins 70"), sought("today.yaml", goal="wins 70")
    # 60 open leads bring 18 wins, which 6 leads a week for ten weeks would bring
    assert today.answer.x == pytest.approx(empty.answer.x - 6.0, abs=2.0)
    assert "60 leads in flight at the start" in seek_report(today)


def test_when_it_cannot_be_met_the_limit_is_named(folder: Path) -> None:
    answer = sought("small.yaml", vary=["sources.web.rate=20..200/week"], goal="wins 400", replications=20)
    assert not answer.met
    text = seek_report(answer)
    assert text.startswith("Small funnel: wins 400 is not reached with a chance of 80 % at any web.rate from 20/week")
    team, busy, full = answer.binding or ("", 0.0, None)
    assert team == "sales" and busy > 0.95 and full is not None and "Limit: sales are the first to be full" in text
    demand = sought(vary=["sources.web.rate=5..8/week"], goal="wins 60")
    assert "it is not people that bind here" in seek_report(demand) and not demand.met


def test_where_more_harms_beyond_some_point_it_is_said(folder: Path) -> None:
    """Leads at 150 each pay while people can serve them: profit is 40 k at 20 a week, 210 k at 90, 150 k at 195."""
    answer = sought(
        "small.yaml",
        vary=["sources.web.rate=20..195/week"],
        goal="cohort.profit 180k",
        replications=40,
        overrides=["sources.web.cost=150"],
    )
    assert answer.turns and 60.0 < answer.answer.x < 100.0
    assert "towards 195/week the chance falls again" in seek_report(answer)


def test_ignorance_costs_more_of_x(folder: Path) -> None:
    """Four of five leads are never called unless the promise is kept, and how often that is nobody knows."""
    (folder / "unsure.yaml").write_text(UNSURE)
    answer = sought("unsure.yaml", vary=["sources.web.rate=5..300/week"], replications=80)
    assert answer.known is not None
    cost, low, high = answer.cost
    assert cost == pytest.approx(answer.answer.x - answer.known.x) and low < cost < high
    assert cost > 0 and "so ignorance costs +" in seek_report(answer)


def test_counts_between_two_nodes_are_met_from_half_a_one_below_the_goal() -> None:
    """Wins of 9, 10 and 12 become 11, 14 and 16; 11 are asked. Means 10 1/3 and 13 2/3, deviations 1.247 and 2.055."""
    margins = Margins(np.array([0.0, 1.0]), np.array([[9.0, 11.0], [10.0, 14.0], [12.0, 16.0]]) - 11.0)
    assert margins.bar == -0.5
    assert margins.chances(np.array([0.0, 1.0])).tolist() == pytest.approx([1 / 3, 1.0])
    halfway = margins.between(np.array([0.5]))[:, 0]
    assert halfway.mean() == pytest.approx(1.0) and halfway.std() == pytest.approx((1.2472 + 2.0548) / 2.0, abs=1e-3)


def test_a_run_ends_where_its_measures_do_and_nothing_changes(folder: Path) -> None:
    """Wins of eight weeks need no two weeks more; the cohort's do."""
    template = ScenarioTemplate("small.yaml")
    builder = TaskBuilder(
        1, 1, RunSize(6), ("goal", "calendar.revenue", "calendar.leads", "calendar.utilisation.sales")
    )
    task = builder.task(template, (), MeasureGoal("calendar.won", 40.0, date(2026, 2, 20)))
    plan, book = task.plan(), task.blueprint.book
    weeks = [
        needed_horizon(plan, book, measures, task.goal) / 604800.0
        for measures in (task.measures, (*task.measures, "cohort.won"), ("calendar.attainment",))
    ]
    assert 8.0 < weeks[0] < 8.2 and weeks[1:] == [10.0, 10.0]
    short = run_task(task).measures
    whole = run_task(replace(task, measures=(*task.measures, "cohort.won"))).measures
    for name, one in short.items():
        assert one.values.tolist() == whole[name].values.tolist()


# ---- the chance as things are --------------------------------------------------------------------------------------


def test_with_nothing_varied_the_chance_itself_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """20 leads a week for ten weeks, 30 % won: 60 wins or more have a chance of 52 %, and all the doubt is luck."""
    assert code_of(["seek", "poisson.yaml", "--goal", "wins 60", "-n", "400"]) == 0
    out, err = capsys.readouterr()
    first = out.splitlines()[0]
    assert first.startswith("Compound Poisson: the chance of wins 60 is ") and "the rest is luck" in first and not err
    place = next((folder / "results").glob("chance-*"))
    data = json.loads((place / "chance.json").read_text())
    low, high = data["simulation_error"]
    assert low <= chance_of_wins(20.0, 60) <= high and high - low < 0.1
    assert data["value"]["ignorance"] is None and data["value"]["one_period"] == pytest.approx([47.0, 73.0], abs=3.0)
    assert code_of(["seek", str(place), "--out", "again", "--json"]) == 0
    again, err = capsys.readouterr()
    assert "the same digits as before" in err and json.loads(again)["chance"] == data["chance"]
    with pytest.raises(UsageError, match="give it to `chance`"):
        fs.seek(place)


def test_what_is_not_known_and_what_is_luck_are_told_apart(folder: Path) -> None:
    """A promise kept by 10 to 90 % of those who would else call one lead in five: wins follow it, whatever the luck."""
    (folder / "unsure.yaml").write_text(UNSURE.replace("30% to 95%", "10% to 90%"))
    goal_chance = fs.goal_chance("unsure.yaml", goal="wins 60", overrides=["sources.web.rate=40/week"], out=None).result
    assert goal_chance.replications == 200 and goal_chance.draws == 40 and goal_chance.known is not None
    kept = (0.2 + 0.8 * np.array([0.1, 0.9])) * 40 * WEEKS * SHARE  # 34 to 110 wins between the ends
    assert kept[0] - 15 < goal_chance.value.low < goal_chance.value.mean < goal_chance.value.high < kept[1] + 15
    assert goal_chance.value.period_low < kept.mean() - 20 and goal_chance.value.period_high > kept.mean() + 20
    assert (
        goal_chance.worse < 0.1
        and goal_chance.better > 0.95
        and goal_chance.low <= goal_chance.chance <= goal_chance.high
    )
    exact = fs.goal_chance(
        "unsure.yaml",
        goal="wins 60",
        out=None,
        replications=100,
        overrides=["sources.web.rate=40/week", "promises.adherence=90%"],
    ).result
    assert exact.known is None and exact.value.low - exact.value.error <= exact.value.mean
    assert exact.chance > 0.9


# ---- asking and keeping --------------------------------------------------------------------------------------------


def test_the_goal_of_the_scenario_is_the_default_and_a_study_file_may_ask(folder: Path) -> None:
    (folder / "goal.yaml").write_text("extends: poisson.yaml\ngoal: {wins: 60, by: 2026-03-15}\n")
    by_scenario = sought("goal.yaml", goal=None)
    assert by_scenario.spec.goal.text == "wins 60 by 2026-03-15"
    (folder / "x.study.yaml").write_text(
        "scenario: goal.yaml\nvary: {sources.web.rate: 5..60/week}\nchance: 80%\nreplications: 60\n"
    )
    assert fs.seek("x.study.yaml", out=None).result.answer == by_scenario.answer
    assert by_scenario.answer == sought().answer  # 15 March is the last day of the window


RATE = "--vary=sources.web.rate=5..60/week"


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["poisson.yaml", RATE], 2, "which goal?"),
        (
            ["poisson.yaml", "--goal", "wins 60", "--precision", "5%"],
            2,
            "nothing is varied, so the chance itself is asked",
        ),
        (["poisson.yaml", "--goal", "wins 60", "--vary", "ownership.offer=a, b"], 2, "a range is sought through"),
        (
            ["poisson.yaml", "--goal", "wins 60 by 2027-01-01", RATE],
            2,
            "the goal is due on 2027-01-01 and the run goes from 2026-01-05 to 2026-03-16",
        ),
        (["poisson.yaml", "--goal", "wins 60 by soon", RATE], 2, "'wins 60 by soon': "),
        (["poisson.yaml", "--goal", "revenu 60k", RATE], 2, "did you mean 'revenue'?"),
        (["poisson.yaml", "--goal", "cohort.rate.won lots", RATE], 2, "is no goal"),
        (["poisson.yaml", "--goal", "wins 60", RATE, "--chance", "100%"], 2, "nothing is"),
        (
            ["poisson.yaml", "--goal", "wins 60", "--vary", "sources.web.rat=5..60/week"],
            3,
            "--vary:1:13: error: unknown",
        ),
        (
            ["poisson.yaml", "--goal", "wins 60", "--vary", "a.b=1..2/week", "--vary", "c.d=1..2/week"],
            2,
            "one path of one",
        ),
        (["small.yaml", "--goal", "wins 60", "--vary", "teams.sales.people=0..3"], 3, "nobody is in sales"),
    ],
)
def test_mistakes_are_told(
    args: list[str], code: int, said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(["seek", *args]) == code
    out, err = capsys.readouterr()
    assert said in err and "Traceback" not in err and not out


def test_it_prints_the_answer_and_repeats_from_its_manifest(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["seek", "poisson.yaml", RATE, "--goal", "wins 60", "-n", "40"]
    assert code_of(args) == 0
    out, err = capsys.readouterr()
    first = out.splitlines()[0]
    assert first.startswith("Compound Poisson: wins 60 with a chance of 80 % needs web.rate ") and "on average" in first
    assert len(out.splitlines()) < 40 and not err
    place = next((folder / "results").glob("seek-*"))
    assert {path.name for path in place.iterdir()} == {
        "manifest.json",
        "answer.txt",
        "seek.csv",
        "seek.json",
        "chance.png",
        "chance.svg",
    }
    data = json.loads((place / "seek.json").read_text())
    assert data["met"] and data["answer"]["low"] < data["answer"]["x"] < data["answer"]["high"]
    assert code_of(["seek", str(place), "--out", "again", "--no-figures", "--json"]) == 0
    again, err = capsys.readouterr()
    assert "the same digits as before" in err and json.loads(again)["answer"] == data["answer"]


def test_exit_code_4_on_request_when_the_goal_is_missed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["seek", "poisson.yaml", "--vary", "sources.web.rate=5..8/week", "--goal", "wins 90", "-n", "20", "-q"]
    assert code_of([*args, "--fail-on-miss"]) == 4
    assert "the goal cannot be met within the range" in capsys.readouterr().err
    assert code_of(args) == 0


def test_a_search_goes_on_where_it_was(folder: Path) -> None:
    fs.seek("poisson.yaml", vary=["sources.web.rate=5..60/week"], goal="wins 60", replications=20, figures=False)
    there = {path: path.stat().st_mtime_ns for path in (folder / "results/points").rglob("*.json")}
    fs.seek("poisson.yaml", vary=["sources.web.rate=5..60/week"], goal="wins 60", replications=20, figures=False)
    assert {path: path.stat().st_mtime_ns for path in (folder / "results/points").rglob("*.json")} == there


def test_a_broken_scenario_is_told_in_full(folder: Path) -> None:
    (folder / "broken.yaml").write_text("extends: poisson.yaml\nobserv: 3 weeks\n")
    with pytest.raises(ScenarioError, match="did you mean 'observe'"):
        sought("broken.yaml")
