"""calibrate on a made-up firm whose truth is known: shares, times, sources, arrivals, flight, the fitted file."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import yaml

from funnelsim.calibration import Calibration, calibrate
from funnelsim.scenario import load
from support.synthetic_history import END, MEDIANS, SHARES, shares, world, write_log, write_wide

DAY = 86400.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("firm")


@pytest.fixture(scope="module")
def calibration(folder: Path) -> Calibration:
    return calibrate(write_wide(folder, world(1)), out=folder / "firm.fitted.yaml")


def test_shares(calibration: Calibration) -> None:
    for stage in calibration.stages:
        a, b = (np.array(shares(stage.name, source)) for source in "ab")
        # Source b is 30 % of the leads, and more of those in the second stage.
        weight = (
            0.3
            if stage.name == "lead"
            else 0.3 * shares("lead", "b")[0] / (0.7 * shares("lead", "a")[0] + 0.3 * shares("lead", "b")[0])
        )
        truth = (1 - weight) * a + weight * b
        for target, expected in zip(stage.order, truth, strict=True):
            share = stage.share(target)
            assert abs(_logit(share.value) - _logit(expected)) < 3.5 * share.se, (stage.name, target)
            assert share.low < share.value < share.high


def test_naive_is_too_low(calibration: Calibration) -> None:
    fitted = calibration.conversion()
    assert calibration.naive() < fitted.low
    a, b = (shares("lead", s)[0] * shares("talk", s)[0] for s in "ab")
    assert fitted.low < 0.7 * a + 0.3 * b < fitted.high


def test_times(calibration: Calibration) -> None:
    for stage in calibration.stages:
        assert stage.misfits == () and stage.timeouts == ()
        for exit_, median in enumerate(MEDIANS[stage.name]):
            gone = stage.fit.gone_by(exit_, np.array([median * DAY]))
            assert gone[0] == pytest.approx(0.5, abs=0.05), (stage.name, exit_)


def test_sources(calibration: Calibration) -> None:
    fits = calibration.fits
    assert fits.names == ("a", "b") and abs(0.7 * fits.value[0] + 0.3 * fits.value[1]) < 0.01
    difference = fits.value[1] - fits.value[0]
    error = np.sqrt(fits.covariance[0, 0] + fits.covariance[1, 1] - 2 * fits.covariance[0, 1])
    assert abs(difference - np.log(2.0)) < 3.5 * error < 0.5
    assert fits.spread.max() < 7
    for name, share in calibration.stages[0].sources.items():
        assert share.low < shares("lead", name)[0] < share.high


def test_arrivals(calibration: Calibration) -> None:
    arrivals = calibration.arrivals
    assert (arrivals.weeks, arrivals.since, arrivals.hours_known) == (26, "2025-01-06", True)
    rate = {source.name: source.rate for source in arrivals.sources}
    assert rate["a"] == pytest.approx(210, rel=0.04) and rate["b"] == pytest.approx(90, rel=0.06)
    for source in arrivals.sources:
        days = source.profile.reshape(7, 24).sum(1) / source.profile.sum()
        np.testing.assert_allclose(days, [0.2, 0.2, 0.2, 0.2, 0.1, 0.05, 0.05], atol=0.02)
        assert source.profile.reshape(7, 24).sum(0).argmax() in (12, 13, 14)
        assert source.level < 0.1 and source.trend == 0
    assert 0.4 < arrivals.dispersion < 2.0


def test_flight(calibration: Calibration) -> None:
    visits = calibration.records.visits
    assert calibration.in_flight.open == {
        "lead": int(((visits.stage == 0) & (visits.to == -2)).sum()),
        "talk": int(((visits.stage == 1) & (visits.to == -2)).sum()),
    }
    assert all(calibration.in_flight.listed[s] <= calibration.in_flight.open[s] for s in ("lead", "talk"))
    later = {row["id"]: row for row in world(1, end=END + timedelta(days=3650))}
    for stage, following in (("lead", "talk"), ("talk", "customer")):
        moved = sum(
            bool(later[id_][following] or later[id_]["lost"])
            for id_, _, where, *_ in calibration.in_flight.rows
            if where == stage
        )
        assert calibration.in_flight.expected[stage] == pytest.approx(moved, abs=4 * np.sqrt(moved))


def test_value(calibration: Calibration) -> None:
    assert calibration.value is not None and calibration.value.population == "won leads"
    assert calibration.value.text.startswith("lognormal(median ")
    median = float(calibration.value.text.split()[1])
    assert median == pytest.approx(np.exp(9), rel=0.1)


def test_both_forms_of_history_agree(calibration: Calibration, tmp_path: Path) -> None:
    log = calibrate(write_log(tmp_path, world(1)))
    for one, two in zip(calibration.stages, log.stages, strict=True):
        for target in one.order:
            assert two.share(target).value == pytest.approx(one.share(target).value, abs=1e-9)
    assert log.in_flight == calibration.in_flight
    assert log.value == calibration.value


def test_same_file_twice(calibration: Calibration, folder: Path, tmp_path: Path) -> None:
    again = calibrate(folder / "wide.history.yaml", out=tmp_path / "firm.fitted.yaml")
    assert [path.name for path in again.files] == ["firm.fitted.yaml", "firm.in-flight.csv"]
    for path in again.files:
        assert path.read_bytes() == (folder / path.name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["firm.fitted.yaml", "firm.in-flight.csv"]


def test_a_scenario_extends_the_fitted_file(calibration: Calibration, folder: Path) -> None:
    (folder / "next.yaml").write_text(
        "extends: firm.fitted.yaml\nobserve: 13 weeks\ndefinitions: {won: enters customer}\n"
    )
    loaded = load(str(folder / "next.yaml"))
    scenario = loaded.scenario
    assert loaded.warnings == []
    assert str(scenario.start) == "2025-07-07" and scenario.timezone == "Europe/Berlin"
    assert list(scenario.stages) == ["lead", "talk", "customer"]
    for stage in calibration.stages:
        shares_ = scenario.stages[stage.name].next
        assert list(shares_) == [*stage.order, "silent"] and scenario.stages[stage.name].base_of == "entered"
        for target in stage.order:
            assert shares_[target].value == pytest.approx(stage.share(target).value, abs=2e-5)
    assert len(scenario.leads_in_flight) == len(calibration.in_flight.rows)
    assert scenario.history.stages["lead"]["talk"].n == calibration.stages[0].visits


def test_fitted_section_holds_what_a_draw_needs(calibration: Calibration, folder: Path) -> None:
    """The vector, read as the documentation says, gives the point values back."""
    fitted = yaml.safe_load((folder / "firm.fitted.yaml").read_text())["fitted"]
    for stage in calibration.stages:
        section = fitted["stages"][stage.name]
        exits = section["exits"]
        total = np.zeros(len(exits))
        for one in section["fits"]:
            mean, cov = np.array(one["mean"], float), np.array(one["cov"], float)
            assert len(mean) == len(exits) + 2 * len(one["families"]) == len(cov)
            assert np.linalg.eigvalsh(cov).min() > 0
            e = np.exp(np.append(0.0, mean[: len(exits)]))
            total += one["weight"] * (e / e.sum())[1:]
        np.testing.assert_allclose(total, [stage.fit.point([j]) for j in range(len(exits))], atol=1e-5)
    assert fitted["data"][0]["rows"] == calibration.leads
    assert set(fitted["assumed"]) >= {"response", "habit", "adherence"}


def test_report_names_what_matters(calibration: Calibration) -> None:
    text = calibration.report()
    assert text.splitlines()[0].startswith("wide, as of 2025-07-06: ")
    for words in ("naive", "95 % interval", "Sources", "Leads in flight", "What this history cannot tell"):
        assert words in text
    assert "Every row was used as it stands." in text


@pytest.mark.long
def test_conversion_coverage_through_the_whole_pipeline(tmp_path: Path) -> None:
    """200 firms, from CSV to end-to-end conversion: at least 93 % of the 95 % intervals hold the truth."""
    a, b = (shares("lead", s)[0] * shares("talk", s)[0] for s in "ab")
    held = 0
    for seed in range(200):
        share = calibrate(write_wide(tmp_path, world(1000 + seed, 100.0))).conversion()
        held += share.low <= 0.7 * a + 0.3 * b <= share.high
    assert held >= 186


def test_truth_is_what_the_world_says() -> None:
    assert SHARES["lead"] == pytest.approx(shares("lead", "a"))


def _logit(share: float) -> float:
    return float(np.log(share / (1 - share)))
