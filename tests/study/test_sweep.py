"""Sweeps: the same figures as single runs, nothing lost and nothing run twice, failures told, turning points found."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import funnelsim as fs
from funnelsim.cli import code_of
from funnelsim.errors import ScenarioError, UsageError
from funnelsim.reporting.sweep.figures import curve_figure, heat_figure, scatter_figure
from funnelsim.scenario import load
from funnelsim.scenario.template import ScenarioTemplate
from funnelsim.study.extremum import highest, lowest
from funnelsim.study.point_store import PointStore
from support.small_funnel import write_small
from support.small_sweep import VARY, Heard, finished, swept


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_small(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ---- the figures ---------------------------------------------------------------------------------------------------


def test_a_point_has_the_figures_of_a_run_with_the_same_settings(folder: Path) -> None:
    (folder / "belief.yaml").write_text(
        "extends: small.yaml\nname: B\neffects: {context_lost: 0.4 to 0.9}\npromises: {adherence: 50% to 90%}\n"
    )
    done = swept("small.yaml", "belief.yaml", measures=["won", "profit", "cohort.conversion.interest"], out=None)
    for cell in done.result.cells:
        file = "small.yaml" if cell.scenario == "Small funnel" else "belief.yaml"
        single = fs.run(file, [f"sources.web.rate={cell.point[0]}"], replications=6, out=None)
        for name, measure in cell.outcome.measures.items():
            assert measure.values.tolist() == single.measures[name].values.tolist()
            assert done.result.estimate(cell, name) == single[name]


def test_a_template_varied_is_the_scenario_loaded_with_those_texts(folder: Path) -> None:
    (folder / "leads.yaml").write_text(
        "extends: small.yaml\nleads_in_flight:\n  - {id: a, source: web, stage: deal, age: 3 days}\n"
    )
    for file in ("small.yaml", "more-sales.yaml", "leads.yaml"):
        template = ScenarioTemplate(file, ["teams.marketing.people=2"])
        again = ScenarioTemplate.of_resolved(template.loaded.resolved)
        for overrides in (
            ["sources.web.rate=40/week"],
            ["effects.context_lost=0.5"],
            ["sources.fair=none"],
            [],
            ["ownership.interest=marketing", "seed=3"],
        ):
            loaded, wanted = template.with_overrides(overrides), load(file, ["teams.marketing.people=2", *overrides])
            assert (loaded.scenario, loaded.root, loaded.resolved) == (wanted.scenario, wanted.root, wanted.resolved)
            assert (
                again.with_overrides(overrides).scenario == wanted.scenario
                and again.with_overrides(overrides).root == wanted.root
            )
        with pytest.raises(ScenarioError) as one:
            template.with_overrides(["stages.deal=none"])
        with pytest.raises(ScenarioError) as other:
            load(file, ["teams.marketing.people=2", "stages.deal=none"])
        assert [p.text for p in one.value.problems] == [p.text for p in other.value.problems]


def test_all_points_share_their_luck_so_curves_are_smoother_than_their_bands(folder: Path) -> None:
    done = swept(vary=["sources.web.rate=20..22/week:3"], measures=["won"], replications=30, out=None)
    _, values = done.result.curves("Small funnel", "cohort.won")
    apart = values[:, 2] - values[:, 0]
    assert apart.std() < 0.6 * values[:, 0].std()
    assert (np.diff(values, axis=1) >= -3).all()


def test_the_table_has_the_figures_their_errors_and_the_differences(folder: Path) -> None:
    done = swept("small.yaml", "more-sales.yaml", measures=["won", "cohort.conversion.interest"])
    table = pl.read_parquet(done.folder / "sweep.parquet")
    assert table.equals(pl.read_csv(done.folder / "sweep.csv", schema=table.schema))
    assert json.loads((done.folder / "sweep.json").read_text())["rows"] == table.to_dicts()
    assert table.height == 4 * (2 + 1) * 2
    row = table.filter(scenario="Small funnel", measure="cohort.won", point=2).to_dicts()[0]
    cell = next(cell for cell in done.result.cells if cell.point == (row["sources.web.rate"],))
    values = cell.outcome.measures["cohort.won"].numerator
    assert row["sources.web.rate"] == "25/week" and row["sources.web.rate (number)"] == 25.0
    assert row["mean"] == pytest.approx(values.mean())
    assert row["standard error"] == pytest.approx(values.std(ddof=1) / 6**0.5)
    assert row["high"] - row["mean"] == pytest.approx(2.015048372669157 * row["standard error"])  # t of 5 degrees
    paired = table.filter(scenario="More sales - Small funnel", measure="cohort.won")
    assert paired["interval"].unique().to_list() == ["paired t"]
    single = table.filter(measure="cohort.won").pivot("scenario", index="point", values="mean")
    assert paired["mean"].to_list() == pytest.approx((single["More sales"] - single["Small funnel"]).to_list())


def test_precision_adds_replications_where_they_are_needed(folder: Path) -> None:
    done = swept(vary=["sources.web.rate=5..200/week:2"], measures=["won"], replications=None, precision=0.03, out=None)
    few, many = sorted(cell.outcome.replications for cell in done.result.cells)
    assert 20 <= few < many
    assert all(done.result.estimate(cell, "cohort.won").error <= 0.03 for cell in done.result.cells)


def test_the_chance_of_a_goal_is_the_share_of_periods_that_meet_it(folder: Path) -> None:
    done = swept(measures=["goal", "calendar.won"], goal="wins 40", replications=30, out=None)
    for cell in done.result.cells:
        wins = cell.outcome.measures["calendar.won"].values
        chance = done.result.estimate(cell, "goal")
        assert chance.mean == (wins >= 40).mean() and chance.low <= chance.mean <= chance.high
    assert [done.result.estimate(cell, "goal").mean for cell in done.result.cells][::3] == [0.0, 1.0]
    with pytest.raises(UsageError, match="no goal is named"):
        swept(measures=["goal"], out=None)


def test_wins_by_a_date_count_to_the_end_of_that_day(folder: Path) -> None:
    """The window of eight weeks ends with Sunday 1 March."""
    late, early = (
        swept(measures=["goal"], goal=f"wins 1 by {day}", out=None).result for day in ("2026-03-01", "2026-01-20")
    )
    whole = swept(measures=["calendar.won"], out=None).result
    for one, two, three in zip(early.cells, late.cells, whole.cells, strict=True):
        counted = [
            cell.outcome.measures[name].values
            for cell, name in ((one, "goal value"), (two, "goal value"), (three, "calendar.won"))
        ]
        assert (counted[0] < counted[1]).any() and (counted[1] == counted[2]).all()


# ---- stop and go on ------------------------------------------------------------------------------------------------


def test_nothing_runs_twice_and_a_longer_axis_runs_only_what_is_new(folder: Path) -> None:
    first = swept()
    assert all(cell.fresh for cell in first.result.cells)
    heard = Heard()
    second = swept(heard=heard)
    assert not any(cell.fresh for cell in second.result.cells) and heard.notes == ["4 of 4 points were there already"]
    assert second.manifest.digest == first.manifest.digest and second.folder == first.folder
    longer = swept(vary=["sources.web.rate=5..35/week:7"])
    assert [cell.fresh for cell in longer.result.cells] == [False, True, False, True, False, True, False]


@pytest.mark.parametrize(
    "change",
    [
        "teams: {sales: {cost: 61/hour}}",
        "sources: {fair: {cost: 101}}",
        "seed: 2",
        "handoff: {context_kept: 50%}",
        "stages: {deal: {pace: exponential(mean 4 days)}}",
        "costs: []",
        "currency: USD",
    ],
)
def test_a_changed_scenario_never_mixes_in(folder: Path, change: str) -> None:
    swept()
    (folder / "small.yaml").rename(folder / "was.yaml")
    (folder / "small.yaml").write_text(f"extends: was.yaml\n{change}\n")
    kept = swept()
    assert all(cell.fresh for cell in kept.result.cells)
    assert kept.manifest.digest == swept(out="elsewhere").manifest.digest


def test_a_changed_belief_with_the_same_middle_never_mixes_in(folder: Path) -> None:
    (folder / "b.yaml").write_text("extends: small.yaml\neffects: {context_lost: 0.4 to 0.9}\n")
    swept("b.yaml", vary=["teams.sales.people=1..2"])
    (folder / "b.yaml").write_text("extends: small.yaml\neffects: {context_lost: 0.5 to 0.72}\n")  # same middle
    assert all(cell.fresh for cell in swept("b.yaml", vary=["teams.sales.people=1..2"]).result.cells)


def test_a_torn_point_is_run_again(folder: Path) -> None:
    swept()
    files = sorted((folder / "results/points").rglob("*.json"))
    files[0].write_text(files[0].read_text()[:-200])
    files[1].write_text(files[1].read_text().replace('"top": [', '"top": [1.0, '))
    files[2].write_text("{}")
    assert sum(cell.fresh for cell in swept().result.cells) == 3


def test_half_written_files_of_the_dead_are_cleared_away(folder: Path) -> None:
    place = folder / "points" / "ab"
    place.mkdir(parents=True)
    (place / "old.part").write_text("{")
    (place / "new.part").write_text("{")
    os.utime(place / "old.part", (0, 0))
    PointStore(folder / "points")
    assert [path.name for path in place.iterdir()] == ["new.part"]


def test_a_manifest_repeats_a_sweep_to_the_last_digit(folder: Path) -> None:
    done = swept(
        "small.yaml",
        "more-sales.yaml",
        vary=[VARY, "teams.sales.people=1..2"],
        measures=["won", "goal"],
        goal="wins 30 by 2026-02-20",
        overrides=["teams.marketing.people=2"],
    )
    for name in ("small.yaml", "more-sales.yaml"):
        (folder / name).unlink()
    heard = Heard()
    again = fs.sweep(done.folder / "manifest.json", out="again", figures=False, progress=heard)
    assert "the same digits as before" in heard.notes and again.manifest.short_hash == done.manifest.short_hash
    assert (again.folder / "sweep.csv").read_bytes() == (done.folder / "sweep.csv").read_bytes()
    with pytest.raises(UsageError, match="repeated as it is"):
        fs.sweep(done.folder / "manifest.json", vary=[VARY])


def test_killed_at_random_moments_it_loses_nothing_and_runs_nothing_twice(folder: Path) -> None:
    assert_survives(folder, kills=2, seed=1)


@pytest.mark.long
def test_killed_twenty_times_it_loses_nothing_and_runs_nothing_twice(folder: Path) -> None:
    assert_survives(folder, kills=20, seed=2)


def assert_survives(folder: Path, kills: int, seed: int) -> None:
    """Kill -9 a sweep again and again; finished points stay untouched, and the table is that of a calm run."""
    points, chance = 10 * kills, random.Random(seed)
    command = [
        sys.executable,
        "-m",
        "funnelsim",
        "sweep",
        "small.yaml",
        "more-sales.yaml",
        "--vary",
        f"sources.web.rate=30..60/week:{points}",
        "-n",
        "40",
        "--no-figures",
        "-q",
        "--out",
    ]
    store = folder / "stormy" / "points"
    kept: dict[Path, int] = {}
    killed = 0
    while killed < kills:
        there = len(finished(store))
        with subprocess.Popen([*command, "stormy"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as running:
            if chance.random() < 0.3:
                time.sleep(chance.uniform(0.0, 2.0))  # while it starts and plans
            else:
                while running.poll() is None and len(finished(store)) == there:
                    time.sleep(0.02)
                time.sleep(chance.uniform(0.0, 0.25))
            running.send_signal(signal.SIGKILL)
            assert running.stderr is not None and not running.stderr.read()
        if running.returncode == 0:
            break  # it was done before we struck
        killed += 1
        now = {path: path.stat().st_mtime_ns for path in finished(store)}
        assert kept.items() <= now.items(), "a finished point was lost or run twice"
        kept = now
    subprocess.run([*command, "stormy"], check=True, capture_output=True)
    assert killed >= 2 and kept
    assert kept.items() <= {path: path.stat().st_mtime_ns for path in finished(store)}.items()
    swept("small.yaml", "more-sales.yaml", vary=[f"sources.web.rate=30..60/week:{points}"], replications=40, out="calm")
    stormy, calm = (next((folder / name).glob("sweep-*")) for name in ("stormy", "calm"))
    for name in ("sweep.csv", "sweep.parquet"):
        assert (stormy / name).read_bytes() == (calm / name).read_bytes()
    assert stormy.name == calm.name and len(finished(store)) == 2 * points


# ---- failures ------------------------------------------------------------------------------------------------------


def test_points_that_fail_are_reported_and_the_rest_goes_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = [
        "sweep",
        "small.yaml",
        "--vary",
        "teams.sales.people=0..2",
        "--vary",
        "sources.web.rate=5..9/week:2",
        "-n",
        "4",
        "--measure",
        "won",
    ]
    assert code_of(args) == 5
    out, err = capsys.readouterr()
    assert "failed: Small funnel at 0, 5/week: nobody is in sales" in err and "error: 2 of 6 points failed" in err
    assert out.startswith("Small funnel: cohort.won is highest at sales.people ") and "2 points failed" in out
    table = pl.read_csv(next((folder / "results").glob("sweep-*")) / "sweep.csv")
    assert table.filter(pl.col("status").str.starts_with("failed: nobody is in sales")).height == 2
    assert table.filter(pl.col("status") == "ok").height == 4


def test_a_sweep_of_which_all_points_fail_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "none.yaml").write_text("extends: small.yaml\nstages: {deal: {next: {customer: 70%, lost: 30%}}}\n")
    args = ["sweep", "none.yaml", "--vary", "stages.deal.next={customer: 40%, lost: 70%}, {customer: 50%, lost: 60%}"]
    assert code_of(args) == 3
    assert "--vary:1:13: error: the shares of stages.deal.next sum to 110 %" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["small.yaml"], 2, "nothing is varied"),
        (["small.yaml", "--vary", "teams.sals.people=1..3"], 3, "did you mean 'sales'?"),
        (["small.yaml", "--vary", "sources.web.rat=1..3"], 3, "--vary:1:13: error: unknown key 'rat' in sources.web"),
        (["small.yaml", "--vary", "sources.web.rate=1..3 a wek:2"], 3, "--vary:1:18: error"),
        (
            ["small.yaml", "--vary", "teams.sales.people=1..2", "--measure", "cohort.wun"],
            2,
            "did you mean 'cohort.won'?",
        ),
        (["small.yaml", "--vary", "teams.sales.people=1..2", "-n", "3", "--precision", "2%"], 2, "not both"),
        (["small.yaml", "--vary", "teams.sales.people=1..2", "--goal", "winz 3"], 2, "there is no measure 'winz'"),
        (["small.yaml", "--vary", "teams.sales.people=1..2", "--goal", "many"], 2, "'many' is no goal"),
        (["bad.study.yaml"], 3, "unknown key 'mesure'  "),
    ],
)
def test_mistakes_are_told_before_anything_runs(
    args: list[str], code: int, said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.study.yaml").write_text("scenario: small.yaml\nvary: {teams.sales.people: 1..2}\nmesure: won\n")
    assert code_of(["sweep", *args]) == code
    out, err = capsys.readouterr()
    assert said.strip() in err and "Traceback" not in err and not out


def test_every_mistake_of_a_study_file_at_once(folder: Path) -> None:
    (folder / "bad.study.yaml").write_text(
        "scenarios: [smal.yaml]\n"
        "vary:\n"
        "  teams.sales.people: 3..1\n"
        "  sources.web.rate: []\n"
        "  ownership.interest: {a: 1}\n"
        "mesure: [won]\n"
        "replications: 0\n"
        "precision: 300%\n"
        "design: sobol:9\n"
    )
    with pytest.raises(ScenarioError) as caught:
        fs.sweep("bad.study.yaml")
    text = str(caught.value)
    for line in (
        "bad.study.yaml:1:13: error: there is no file smal.yaml",
        "did you mean 'small.yaml'?",
        "bad.study.yaml:3:23: error: the range '3..1' runs backwards",
        "bad.study.yaml:4:21: error: the list",
        "bad.study.yaml:5:3: error: ownership.interest takes a range or a list",
        "did you mean 'measure'?",
        "bad.study.yaml:7:15: error: 0 is too small",
        "bad.study.yaml:8:12: error: a share of",
        "bad.study.yaml:8:1: error: either `replications` or `precision`",
        "such as sobol:8",
        "9 errors in",
    ):
        assert line in text


def test_a_value_that_a_study_file_gets_wrong_is_shown_where_it_stands(folder: Path) -> None:
    (folder / "x.study.yaml").write_text("scenario: small.yaml\nvary:\n  sources.web.rate: [2 a wek, 3 a wek]\n")
    with pytest.raises(ScenarioError, match=r"x.study.yaml:3:21: error: 'wek' is not a period"):
        fs.sweep("x.study.yaml")


def test_a_study_file_is_the_command_line_written_down(folder: Path) -> None:
    (folder / "team.study.yaml").write_text(
        "name: Team\n"
        "scenarios: [small.yaml, more-sales.yaml]\n"
        "set: [teams.marketing.people=2]\n"
        "vary:\n"
        "  teams.sales.people: [1, 2]\n"
        "  ownership.deal: [sales, {sales: 80%, marketing: 20%}]\n"
        "measure: [won]\n"
        "replications: 5\n"
        "seed: 4\n"
    )
    written = fs.sweep("team.study.yaml", out=None, progress=Heard())
    typed = swept(
        "small.yaml",
        "more-sales.yaml",
        overrides=["teams.marketing.people=2"],
        measures=["won"],
        replications=5,
        vary=["teams.sales.people=1, 2", "ownership.deal=sales, {sales: 80%, marketing: 20%}"],
        seed=4,
        out=None,
    )
    assert written.manifest.digest == typed.manifest.digest and written.manifest.name == "Team"
    fewer = fs.sweep("team.study.yaml", vary=["teams.sales.people=2"], replications=2, out=None, progress=Heard())
    assert len(fewer.result.points) == 2 and fewer.manifest.replications == 2


# ---- turning points ------------------------------------------------------------------------------------------------


def test_profit_peaks_where_people_are_the_limit_and_the_report_says_where(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Leads at 50 each feed people who can serve some 60 a week: before that they pay, beyond it they only cost."""
    (folder / "dear.yaml").write_text("extends: small.yaml\nname: Dear leads\nsources: {web: {cost: 300}}\n")
    args = ["sweep", "dear.yaml", "--vary", "sources.web.rate=20..180/week:9", "-n", "25", "--measure", "profit"]
    assert code_of(args) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("Dear leads: cohort.profit peaks at web.rate ") and "(90 %: " in first
    assert any(line.startswith("Along sources.web.rate") for line in rest)


@pytest.mark.parametrize(
    ("values", "at", "first", "last"),
    [
        ([[0.0, 3.0, 1.0], [0.0, 3.0, 1.1], [0.1, 3.0, 1.0]], 1, 1, 1),
        ([[1.0, 1.0, 1.0]] * 5, 0, 0, 2),  # flat: nothing can be told
        ([[1.0, 5.0, 5.1], [1.1, 5.2, 5.0], [1.0, 5.0, 5.0], [1.2, 5.1, 5.2]], 1, 1, 2),
    ],
)
def test_the_highest_point_and_those_that_cannot_be_told_from_it(
    values: list[list[float]], at: int, first: int, last: int
) -> None:
    top = highest(np.array(values))
    assert (top.first, top.last) == (first, last) and top.first <= top.at <= top.last
    assert lowest(-np.array(values)) == type(top)(top.at, top.first, top.last, -top.value)
    assert at in (top.at, first)


def test_the_true_peak_is_among_the_points_kept_nine_times_of_ten() -> None:
    """A parabola under luck that is half in common; 200 repetitions cover 180 +- 13 (three standard deviations)."""
    truth = -0.02 * (np.arange(15) - 6.0) ** 2
    covered = widths = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        values = truth + rng.normal(0.0, 1.0, (30, 1)) + rng.normal(0.0, 0.5, (30, 15))
        top = highest(values)
        covered += top.first <= 6 <= top.last
        widths += top.last - top.first
    assert covered >= 167
    assert widths / 200 < 10  # and says something


# ---- printing and drawing ------------------------------------------------------------------------------------------


def test_progress_counts_what_is_left_to_run(folder: Path) -> None:
    heard = Heard()
    swept(heard=heard, threads=1)
    assert [done for done, _ in heard.steps] == [1, 2, 3, 4] and {total for _, total in heard.steps} == {4}
    heard = Heard()
    swept(heard=heard, vary=["sources.web.rate=5..35/week:7"], threads=1)
    assert heard.steps[-1] == (3, 3)


def test_figures_show_curves_maps_and_points(folder: Path) -> None:
    one = swept("small.yaml", "more-sales.yaml", figures=True)
    assert {path.name for path in one.folder.glob("*.png")} == {"curves.png"}
    axes = curve_figure(one.result).axes
    assert [ax.get_title(loc="left") for ax in axes] == ["cohort.won", "cohort.revenue", "cohort.profit"]
    assert axes[-1].get_xlabel() == "sources.web.rate (/week)"
    two = swept("small.yaml", "more-sales.yaml", vary=[VARY, "teams.sales.people=0..2"], measures=["won"], figures=True)
    assert {path.name for path in two.folder.glob("*.png")} == {"map-cohort-won.png"}
    assert len(heat_figure(two.result, "cohort.won").axes) == 3
    many = swept(
        vary=["sources.web.rate=5..35/week", "teams.sales.people=1..3", "ownership.interest=sales, marketing"],
        design="latin:8",
        measures=["won"],
        figures=True,
    )
    assert {path.name for path in many.folder.glob("*.png")} == {"points-cohort-won.png"}
    assert len(scatter_figure(many.result, "cohort.won").axes) == 3


def test_sweep_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(["sweep", "small.yaml", "--vary", VARY, "-n", "3", "--json", "-q", "--no-figures"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["points"] == 4 and data["failed"] == 0 and len(data["rows"]) == 12
