"""Sensitivity through the simulator: frozen luck, known shares of a profit that is linear on it, and the command.

On frozen luck the profit of the fruit stall is W v - L c, with the wins W and leads L of its few periods, the value v
of a win and the cost c of a lead. So its effects, swings and indices are known to the digit: over a range of v of width
d the variance is W^2 d^2 / 12.
"""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import funnelsim as fs
from funnelsim.cli import code_of
from funnelsim.compile import compile_scenario
from funnelsim.compile.parameter_draws import logit
from funnelsim.compile.uncertain_inputs import Z
from funnelsim.reporting.sensitivity.report import answer, sensitivity_report
from funnelsim.scenario import load
from funnelsim.scenario.assumptions import assumptions
from funnelsim.study.point import PointResult
from funnelsim.study.point_store import PointStore
from funnelsim.study.sensitivity.inputs import BOTH, MARKET, MARKETING, SALES, owner_and_method, table
from funnelsim.study.sensitivity.sensitivity import InputEffect, Sensitivity
from support.compile_helpers import compiled
from support.fitted_stage import FITS, KNOWN, SPREAD, STAGES
from support.small_funnel import write_small

ROOT = Path(__file__).parents[2]
STALL = """
name: Fruit stall
start: 2026-01-05
observe: 10 weeks
sources: {web: {rate: 20/week, cost: 40}}
deal_value: 1000
stages:
  offer: {next: {customer: 30%, lost: rest}}
  customer: {}
definitions: {won: enters customer}
teams: {sales: {people: 1}}
"""
UNSURE = """
extends: small.yaml
name: Unsure
promises: {adherence: 40% to 90%}
effects: {marketing_sells: 0.5 to 0.9}
"""
PRICES = ["deal_value=800..1200", "sources.web.cost=20..60"]
FEW: dict[str, Any] = {"rows": 16, "trajectories": 2, "replications": 2}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_small(tmp_path)
    (tmp_path / "stall.yaml").write_text(STALL)
    (tmp_path / "unsure.yaml").write_text(UNSURE)
    (tmp_path / "dear.yaml").write_text("extends: stall.yaml\nname: Dear leads\nsources: {web: {cost: 70}}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sensed(*files: str, **options: Any) -> Sensitivity:
    answer: Sensitivity = fs.sensitivity(*files, **({"out": None} | options)).result
    return answer


def by_path(sensitivity_of: Sensitivity) -> dict[str, InputEffect]:
    return {one.input.path: one for one in sensitivity_of.effects}


def wins_and_leads(replications: int) -> tuple[float, float]:
    run = fs.run("stall.yaml", replications=replications, out=None).measures
    return float(run["cohort.won"].values.mean()), float(run["cohort.leads"].values.mean())


# ---- against arithmetic --------------------------------------------------------------------------------------------


def test_the_shares_of_a_linear_profit_are_known(folder: Path) -> None:
    answer = sensed("stall.yaml", vary=PRICES, measure="profit", rows=64, replications=1)
    wins, leads = wins_and_leads(1)
    variances = {"deal_value": (wins * 400.0) ** 2, "sources.web.cost": (leads * 40.0) ** 2}
    for path, one in by_path(answer).items():
        assert one.sobol is not None
        share = variances[path] / sum(variances.values())
        assert one.sobol.first.value == pytest.approx(share, abs=0.06)
        assert one.sobol.total.value == pytest.approx(share, abs=0.06)
        assert one.sobol.total.low <= share <= one.sobol.total.high
    assert answer.effects[0].input.path == "deal_value" and answer.measure == "cohort.profit"
    assert answer.centre == pytest.approx(wins * 1000.0 - leads * 40.0)


def test_the_tornado_is_exact_on_frozen_luck(folder: Path) -> None:
    moved = by_path(sensed("stall.yaml", vary=PRICES, measure="profit", **FEW))
    wins, leads = wins_and_leads(2)
    assert moved["deal_value"].swing == pytest.approx(wins * 400.0, rel=1e-6)
    assert moved["sources.web.cost"].swing == pytest.approx(-leads * 40.0, rel=1e-6)
    assert (moved["deal_value"].input.low_text, moved["deal_value"].input.high_text) == ("800", "1200")
    wins_of_each = fs.run("stall.yaml", replications=2, out=None).measures["cohort.won"].values
    error = 6.313751514675043 * abs(wins_of_each[0] - wins_of_each[1]) * 400.0 / 2.0  # t of one degree
    assert moved["deal_value"].error == pytest.approx(error, rel=1e-6)


def test_screening_keeps_the_largest_and_tells_what_it_leaves_out(folder: Path) -> None:
    answer = sensed("stall.yaml", vary=PRICES, measure="profit", **(FEW | {"keep": 1}))
    wins, leads = wins_and_leads(2)
    first, second = answer.effects
    assert first.input.path == "deal_value" and first.sobol is not None and second.sobol is None
    assert first.elementary is not None and second.elementary is not None
    assert first.elementary.mu_star.value == pytest.approx(wins * 400.0, rel=1e-6)
    assert second.elementary.mu_star.value == pytest.approx(leads * 40.0, rel=1e-6)
    assert first.elementary.sigma is not None and first.elementary.sigma.value == pytest.approx(0.0, abs=1e-3)
    parts = (wins * 400.0) ** 2, (leads * 40.0) ** 2
    assert answer.left_out == pytest.approx(parts[1] / sum(parts), rel=1e-6)


def test_of_two_scenarios_it_is_the_difference_on_the_same_luck(folder: Path) -> None:
    """Dear leads cost 30 more each; what a win is worth moves both alike and the difference not at all."""
    result = sensed(
        "stall.yaml",
        "dear.yaml",
        vary=["deal_value=800..1200", "sources.web.rate=10..30/week"],
        measure="profit",
        **FEW,
    )
    _, leads = wins_and_leads(2)
    assert result.centre == pytest.approx(-30.0 * leads)
    value = by_path(result)["deal_value"]
    assert value.sobol is not None
    assert (value.swing, value.sobol.total.value) == (pytest.approx(0.0, abs=1e-6), pytest.approx(0.0, abs=1e-12))
    assert result.effects[0].input.path == "sources.web.rate"
    assert answer(result).startswith("Dear leads against Fruit stall, cohort.profit: -€")


# ---- what is not known ---------------------------------------------------------------------------------------------


def test_the_ends_of_a_range_are_runs_with_the_ends_written(folder: Path) -> None:
    answer = sensed("unsure.yaml", measure="won", overrides=["effects=none"], **FEW)
    (one,) = answer.effects
    assert one.input.path == "promises.adherence" and one.input.unknown
    for text, at in (("40%", one.at_low), ("90%", one.at_high)):
        run = fs.run("unsure.yaml", ["effects=none", f"promises.adherence={text}"], replications=2, out=None)
        assert at == run.measures["cohort.won"].values.mean()


def test_a_point_left_out_is_the_scenario_as_written() -> None:
    blueprint = compiled(stages=STAGES, fitted={"stages": {"interest": KNOWN}, "sources": {}}, ownership={})
    for one, other in zip(blueprint.plan({}), blueprint.plan(), strict=True):
        assert np.array_equal(one, other)


def test_the_ends_of_a_fitted_stage_are_the_limits_of_who_goes_on() -> None:
    """Independent log-ratios a, b to `never`: the logit of going on is a - log(1 + e^b), slopes 1, -e^b/(1 + e^b)."""
    known = {**KNOWN, "fits": FITS[:1]}
    blueprint = compiled(stages=STAGES, fitted={"stages": {"interest": known}}, ownership={})
    (one,) = blueprint.uncertain_inputs
    slope = 0.5 / 0.7  # e^b = 50 % / 20 %
    deviation = math.hypot(SPREAD[0], slope * SPREAD[1])
    for places, side in ((one.low, -1.0), (one.high, 1.0)):
        base = float(blueprint.plan(places).stages["base"][0])
        assert logit(base) == pytest.approx(logit(0.3) + side * Z * deviation, abs=2e-3)
    assert one.low_text.endswith(" % go on") and one.coordinates[0] == "fitted.stages.interest.fit"


def test_all_that_is_open_in_the_demo_is_an_input_with_an_owner() -> None:
    blueprint = compile_scenario(load(str(ROOT / "scenarios/shared-funnel.yaml")))
    paths = {one.path for one in blueprint.uncertain_inputs}
    assert {belief.path for belief in blueprint.beliefs} < paths and "fitted.sources.search.rate" in paths
    stages = ("awareness", "discovery", "interest", "evaluation", "purchase")
    assert {f"fitted.stages.{stage}" for stage in stages} < paths


def test_every_unknown_and_assumption_of_the_scenarios_has_a_row_in_the_table() -> None:
    for file in sorted([*ROOT.glob("scenarios/mechanisms/*.yaml"), *ROOT.glob("scenarios/seam/s*.yaml")]):
        scenario = load(str(file)).scenario
        uncertain_inputs = {one.path for one in compile_scenario(scenario).uncertain_inputs} | {
            one.path for one in assumptions(scenario)
        }
        for path in uncertain_inputs:
            owner, learn = owner_and_method(path, scenario)
            assert owner in (MARKETING, SALES, BOTH, MARKET) and learn != "measure it", path
            assert "{" not in learn


def test_who_decides_follows_teams_stages_and_sides(folder: Path) -> None:
    scenario = load(str(ROOT / "scenarios/shared-funnel.yaml")).scenario
    owners = {
        path: owner_and_method(path, scenario)[0]
        for path in (
            "sources.search.rate",
            "teams.sales.people",
            "teams.marketing.people",
            "stages.evaluation.work.attempts",
            "stages.interest.work.attempts",
            "stages.interest.patience",
            "promises.adherence",
            "effects.context_lost",
        )
    }
    assert list(owners.values()) == [MARKETING, SALES, MARKETING, SALES, BOTH, MARKET, BOTH, MARKET]
    assert "in evaluation with start" in owner_and_method("stages.evaluation.work.attempts", scenario)[1]
    assert owner_and_method("promises.teams.sales.adherence", scenario)[0] == SALES
    assert all(set(row) == {"path", "owner", "learn"} for row in table())


# ---- frozen luck ---------------------------------------------------------------------------------------------------


def test_the_same_digits_every_time_and_for_any_number_of_threads(folder: Path) -> None:
    one, four = (sensed("unsure.yaml", threads=threads, **FEW) for threads in (1, 4))
    assert one.values == four.values and one.keys == four.keys
    assert [(m.input.path, m.sobol, m.information) for m in one.effects] == [
        (m.input.path, m.sobol, m.information) for m in four.effects
    ]
    other = sensed("unsure.yaml", seed=2, **FEW)
    assert other.values != one.values


def test_more_periods_average_over_more_luck(folder: Path) -> None:
    few, many = (sensed("unsure.yaml", **(FEW | {"replications": n})) for n in (2, 8))
    assert many.answer.error < few.answer.error
    assert many.answer.low <= many.answer.mean <= many.answer.high
    assert many.answer.period_low < many.answer.low and many.answer.high < many.answer.period_high


def test_a_stopped_study_goes_on_where_it_stood(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calm = fs.sensitivity("unsure.yaml", out="calm", figures=False, **FEW)
    keep, kept = PointStore.keep, list[str]()

    def stop_at_20(store: PointStore, outcome: PointResult) -> None:
        if len(kept) == 20:
            raise KeyboardInterrupt
        keep(store, outcome)
        kept.append(outcome.key)

    with monkeypatch.context() as patched:
        patched.setattr(PointStore, "keep", stop_at_20)
        with pytest.raises(KeyboardInterrupt):
            fs.sensitivity("unsure.yaml", out="stormy", figures=False, **FEW)
    there = {path: path.stat().st_mtime_ns for path in (folder / "stormy/points").glob("*/*.json")}
    assert len(there) == 20 and not list((folder / "stormy").glob("sensitivity-*"))
    again = fs.sensitivity("unsure.yaml", out="stormy", figures=False, **FEW)
    assert again.result.values == calm.result.values and again.manifest.digest == calm.manifest.digest
    assert there.items() <= {path: path.stat().st_mtime_ns for path in there}.items()


@pytest.mark.long
def test_a_killed_study_goes_on_where_it_stood(folder: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "funnelsim",
        "sensitivity",
        "unsure.yaml",
        "--rows",
        "32",
        "-n",
        "8",
        "-q",
        "--no-figures",
        "--out",
    ]
    store = folder / "stormy/points"
    with subprocess.Popen([*command, "stormy"], stdout=subprocess.DEVNULL) as running:
        while running.poll() is None and len(list(store.glob("*/*.json"))) < 20:
            time.sleep(0.02)
        running.send_signal(signal.SIGKILL)
    kept = {path: path.stat().st_mtime_ns for path in store.glob("*/*.json")}
    for out in ("stormy", "calm"):
        subprocess.run([*command, out], check=True, capture_output=True)
    assert running.returncode != 0 and len(kept) >= 20
    assert kept.items() <= {path: path.stat().st_mtime_ns for path in store.glob("*/*.json")}.items()
    tables = [next((folder / out).glob("sensitivity-*")) / "sensitivity.csv" for out in ("stormy", "calm")]
    assert tables[0].read_bytes() == tables[1].read_bytes()


# ---- the command ---------------------------------------------------------------------------------------------------


def test_it_prints_the_answer_and_repeats_from_its_manifest(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["sensitivity", "small.yaml", "unsure.yaml", "--rows", "16", "-n", "2", "--vary", "teams.sales.people=1..3"]
    assert code_of(args) == 0
    out, err = capsys.readouterr()
    first = out.splitlines()[0]
    assert first.startswith("Unsure against Small funnel, cohort.won: ") and "moves it most" in first
    assert "over what is not known and what is varied" in first and "error" not in err
    for text in (
        "Spreads (90 %)",
        "simulation error of the mean ±",
        "Largest swing by who decides",
        "If it were known",
        "periods simulated: 2 with the same luck at every point",
    ):
        assert text in out
    place = next((folder / "results").glob("sensitivity-*"))
    assert {path.name for path in place.iterdir()} == {
        "manifest.json",
        "answer.txt",
        "sensitivity.csv",
        "sensitivity.json",
        "tornado.png",
        "tornado.svg",
        "indices.png",
        "indices.svg",
    }
    data = json.loads((place / "sensitivity.json").read_text())
    rows = pl.read_csv(place / "sensitivity.csv")
    assert rows["input"].to_list() == [one["input"] for one in data["inputs"]]
    assert set(rows["input"]) == {"promises.adherence", "effects.marketing_sells", "teams.sales.people"}
    people = rows.filter(input="teams.sales.people").to_dicts()[0]
    assert (people["whose"], people["unknown"], people["from"], people["to"]) == ("sales", False, "1", "3")
    assert people["variance_gone_if_known"] is None
    assert code_of(["sensitivity", str(place), "--out", "again", "--no-figures", "--json"]) == 0
    again, err = capsys.readouterr()
    assert "the same digits as before" in err and json.loads(again)["inputs"] == data["inputs"]


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (
            ["stall.yaml"],
            2,
            "error: this scenario has no uncertain inputs: no range, no fitted standard error. Vary something, as in "
            "--vary teams.sales.people=3..7\n",
        ),
        (
            ["unsure.yaml", "--rows", "20"],
            2,
            "error: --rows 20: take a power of two from 16 on, such as 16; others are uneven\n",
        ),
        (
            ["unsure.yaml", "--vary", "promises.adherence=50%..90%"],
            2,
            "error: promises.adherence is an input already, over its range "
            'in the scenario; another range is --set "promises.adherence=0.6 to 1.0"\n',
        ),
        (
            ["small.yaml", "--vary", "effects.fit=1..2"],
            2,
            "error: effects.fit is a belief: give it a range, as in --set "
            '"effects.fit=0.6 to 1.0"; ranges are inputs by themselves\n',
        ),
        (
            ["small.yaml", "--vary", "seed=1..5"],
            2,
            "error: seed is a setting of the run: it moves no answer about the world\n",
        ),
        (["unsure.yaml", "--measure", "wno"], 2, "error: there is no measure 'wno'."),
        (["stall.yaml", "--vary", "teams.sales.peple=1..5"], 3, "--vary:1:13: error: unknown key 'peple'"),
        (
            ["small.yaml", "--vary", "teams.sales.people=0..1", "--rows", "16", "-n", "1"],
            1,
            "points failed, the first at "
            "teams.sales.people=0: nobody is in sales (1 or more; a team without people serves nobody); an index needs "
            "them all\n",
        ),
        (
            ["unsure.yaml", "--measure", "cohort.rate.won by source.fair", "--rows", "16"],
            2,
            "error: there is no measure",
        ),
    ],
)
def test_mistakes_are_told(
    args: list[str], code: int, said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(["sensitivity", *args]) == code
    out, err = capsys.readouterr()
    assert said in err and "Traceback" not in err and not out


def test_a_manifest_is_repeated_as_it_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = fs.sensitivity("unsure.yaml", figures=False, **FEW).folder
    assert code_of(["sensitivity", str(place), "-n", "3"]) == 2
    assert (
        "error: a manifest is repeated as it is: leave out other files and options that change numbers\n"
        in capsys.readouterr().err
    )
    assert code_of(["sweep", str(place)]) == 2
    err = capsys.readouterr().err
    assert f"is the manifest of `sensitivity`: repeat it with `funnelsim sensitivity {place}`" in err


def test_the_report_says_when_nothing_stands_out(folder: Path) -> None:
    """What a lead costs does not move wins at all, so a range about costs explains nothing of them."""
    answer = sensed("stall.yaml", vary=["sources.web.cost=20..60"], measure="won", **FEW)
    assert by_path(answer)["sources.web.cost"].swing == 0.0 and answer.information == []
    assert "If it were known" not in sensitivity_report(answer)


@pytest.mark.long
def test_what_moves_the_demo_is_whether_buyers_mind_telling_again() -> None:
    answer = sensed(str(ROOT / "scenarios/old-way.yaml"), str(ROOT / "scenarios/shared-funnel.yaml"))
    first = answer.effects[0]
    assert first.input.path == "effects.context_lost" and first.sobol is not None and first.sobol.total.low > 0.3
    assert answer.information[0].path == "effects.context_lost" and answer.left_out < 0.1
