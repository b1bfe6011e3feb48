"""How well a calibration knows what it says: fits beside the data alone, in the report and drawn."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from funnelsim import api
from funnelsim.calibration import Calibration, calibrate
from funnelsim.calibration.report.grades import followed
from funnelsim.calibration.survival.nonparametric import (
    fit_gap,
    fitted_cif,
    fitted_cif_band,
    follow_up_limit,
    observed_cif,
)
from funnelsim.cli import code_of
from support.drifting_history import DAY, ON, WON, write_funnel

COUNTS = """name: Counts
as_of: 2026-04-01
data: .
counts: {file: counts.csv, period: week, each: week}
stages: {visited: visits, trial: trials}
"""


@pytest.fixture(scope="module")
def calibration(tmp_path_factory: pytest.TempPathFactory) -> Calibration:
    return calibrate(write_funnel(tmp_path_factory.mktemp("made-up"), 11, a_week=120.0))


def test_the_datas_own_curve_is_near_the_truth(calibration: Calibration) -> None:
    """Half of those who talk have done so after 4 days: 20 % of all leads. 3,100 leads: off by 3 points never."""
    curve = observed_cif(calibration.stages[0])["talk"]
    assert curve.at(np.array([4.0 * DAY]))[0] == pytest.approx(ON / 2.0, abs=0.03)
    assert curve.low[-1] < ON < curve.high[-1] + 0.02


def test_a_good_fit_follows_the_data_and_a_wrong_one_does_not(calibration: Calibration) -> None:
    """The true family is among the fitted ones: off by 3 points at most. Times taken twice as long leave the band."""
    stage = calibration.stages[0]
    curve = observed_cif(stage)["talk"]
    good = fit_gap(stage, "talk", curve)
    wrong = fit_gap(stage, "talk", replace(curve, time=curve.time * 2.0))
    assert abs(good.size) < 0.03 and good.outside < 0.2
    assert wrong.size > 0.08 and wrong.outside > 0.4


def test_the_written_curve_ends_at_the_fitted_share_within_its_band(calibration: Calibration) -> None:
    for stage in calibration.stages:
        for target in stage.order:
            for_ever = np.array([1e10])
            low, high = fitted_cif_band(stage, target, for_ever)
            assert fitted_cif(stage, target, for_ever)[0] == pytest.approx(stage.share(target).value, rel=1e-3)
            assert low[0] < stage.share(target).value < high[0]


def test_visits_from_before_recording_began_are_no_part_of_the_curve(tmp_path: Path) -> None:
    """Wins were recorded from April on only: of those who talked before, who won in secret would look open."""
    history = write_funnel(tmp_path, 12, a_week=120.0)
    history.write_text(
        history.read_text().replace(
            "customer: leads.customer", "customer: {entered: leads.customer, recorded_from: 2025-04-07}"
        )
    )
    stage = calibrate(history).stages[1]
    curve = observed_cif(stage)["customer"]
    all_of_them = observed_cif(replace(stage, spells=replace(stage.spells, recorded_for=())))["customer"]
    at = np.array([follow_up_limit(stage) * 0.9])
    assert curve.at(at)[0] == pytest.approx(WON, abs=0.08)
    assert all_of_them.at(at)[0] < WON - 0.05


def test_the_report_says_what_it_rests_on(calibration: Calibration) -> None:
    """Read and dropped, follow-up, families, distance from the data, dispersion, grades, what cannot be told."""
    told = calibration.report()
    for title in (
        "Read",
        "leads.csv: ",
        "Every row was used as it stands",
        "How well it is known",
        "follow-up",
        "by family",
        "off the data",
        "Grades",
        "  measured: stages.lead.next",
        "weekly totals vary",
        "What this history cannot tell",
    ):
        assert title in told, title
    for stage in calibration.stages:
        for target in stage.order:
            assert f"{stage.name} -> {target}" in told
            assert 0.5 < followed(stage, target) <= 1.0


def test_a_figure_a_stage_and_nothing_else_is_touched(calibration: Calibration, tmp_path: Path) -> None:
    history = write_funnel(tmp_path, 11)
    folder = tmp_path / "fits"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    drawn = api.calibrate(history, tmp_path / "f.yaml", figures=folder).files
    assert {file.name for file in folder.iterdir()} == {
        "notes.txt",
        "1-lead.png",
        "1-lead.svg",
        "2-talk.png",
        "2-talk.svg",
    }
    assert folder / "1-lead.png" in drawn
    svg = (folder / "1-lead.svg").read_text()
    assert "talk: in the end" in svg and "Time since a lead entered lead (days)" in svg


def test_counts_by_cohort_have_no_curves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Totals hold no times: the table says so with a dash, and no figure is drawn."""
    weeks = [date(2026, 1, 5) + timedelta(weeks=week) for week in range(12)]
    rows = ["week,visits,trials", *(f"{week},1000,{200 + i}" for i, week in enumerate(weeks))]
    (tmp_path / "counts.csv").write_text("\n".join(rows), encoding="utf-8")
    (tmp_path / "counts.history.yaml").write_text(COUNTS, encoding="utf-8")
    assert code_of(["calibrate", str(tmp_path / "counts.history.yaml"), "--figures", str(tmp_path / "figures")]) == 0
    out = capsys.readouterr().out
    assert re.search(r"visited -> trial +2,466 .* - +- +-\n", out)
    assert out.rstrip().endswith("figures: none, as counts by cohort hold no times")
    assert not (tmp_path / "figures").exists() or not any((tmp_path / "figures").iterdir())
