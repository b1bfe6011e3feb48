"""What a run leaves: whole or not at all, readable again, repeated bit for bit."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from funnelsim import result as results
from funnelsim.atomic_io import atomic_folder
from funnelsim.commands.run import run
from funnelsim.errors import DataError, RunError, UsageError
from funnelsim.result import Result
from support.small_funnel import write_small


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def saved(scenario: Path) -> Result:
    return run(scenario, replications=6, engine="reference", out=scenario.parent / "results", figures=False)


def test_a_run_is_read_back_into_the_same_object(saved: Result) -> None:
    assert saved.folder
    again = Result.load(saved.folder)
    assert again.manifest.text() == saved.manifest.text()
    assert list(again.measures) == list(saved.measures)
    for key, measure in saved.measures.items():
        assert again.measures[key].unit == measure.unit
        np.testing.assert_array_equal(again.measures[key].values, measure.values)
        assert repr(again[key]) == repr(saved[key])  # nan equals nan here
    for track, other in zip(again.tracks, saved.tracks, strict=True):
        assert (track.name, track.of, track.dates) == (other.name, other.of, other.dates)
        np.testing.assert_array_equal(track.high, other.high)
    for one, other in zip(again.curves, saved.curves, strict=True):
        np.testing.assert_array_equal(one.share, other.share)
    assert saved.breaches and repr(again.breaches) == repr(saved.breaches)


def test_measures_say_what_they_are(saved: Result) -> None:
    won, leads = saved["cohort.won"], saved["cohort.leads"]
    assert 0 < won.low < won.mean < won.high < leads.mean
    assert won.period_low < won.low and won.high < won.period_high
    assert saved["cohort.rate.won"].mean == pytest.approx(won.mean / leads.mean)
    assert saved["cohort.attainment.interest.sales"].mean <= 1.0
    parts = saved["cohort.leads_by_segment.large"].mean + saved["cohort.leads_by_segment.other"].mean
    assert parts == pytest.approx(leads.mean)
    credited = sum(saved[f"cohort.credit.{team}"].mean for team in ("marketing", "sales", "nobody"))
    assert credited == pytest.approx(saved["cohort.revenue"].mean)


def test_a_manifest_repeats_the_run_to_the_last_digit(saved: Result, tmp_path: Path) -> None:
    assert saved.folder
    again = run(saved.folder / "manifest.json", out=tmp_path, figures=False)
    assert again.manifest.digest == saved.manifest.digest and again.folder_name == saved.folder_name
    for table in ("replications", "series", "responses"):
        assert (tmp_path / again.folder_name / f"{table}.parquet").read_bytes() == (
            saved.folder / f"{table}.parquet"
        ).read_bytes()


def test_both_engines_and_any_batching_give_the_same_digits(scenario: Path, saved: Result) -> None:
    fast = run(scenario, replications=6, engine="fast", threads=1, out=None)
    assert fast.manifest.digest == saved.manifest.digest
    more = run(scenario, replications=30, engine="fast", threads=2, out=None)
    np.testing.assert_array_equal(more.measures["cohort.revenue"].values[:6], saved.measures["cohort.revenue"].values)


def test_manifest_holds_all_that_is_needed(saved: Result, scenario: Path) -> None:
    assert saved.folder
    data = json.loads((saved.folder / "manifest.json").read_text())
    assert data["format"] == 1 and data["kind"] == "run" and data["replications"] == 6 and data["seed"] == 1
    assert set(data["data"]) == {scenario.as_posix()} and len(data["data"][scenario.as_posix()]) == 64
    assert {"response", "contact", "habit"} <= set(data["presets"])
    assert {"funnelsim", "numpy", "numba", "python"} <= set(data["versions"])
    assert data["resolved"][0]["scenario"]["stages"]["deal"] and len(data["plan"]) == 64 and data["times"]["began"]


def test_a_changed_manifest_does_not_pass_for_the_run(saved: Result, tmp_path: Path) -> None:
    assert saved.folder
    data = json.loads((saved.folder / "manifest.json").read_text())
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(data | {"digest": "0" * 64}))
    with pytest.raises(RunError, match="results differ"):
        run(file, out=None)
    file.write_text(json.dumps(data | {"plan": "0" * 64}))
    with pytest.raises(RunError, match="another plan"):
        run(file, out=None)
    file.write_text(json.dumps(data | {"format": 7}))
    with pytest.raises(DataError, match="format 7 of the manifest is not known"):
        run(file, out=None)
    file.write_text(json.dumps(data | {"kind": "compare"}))
    with pytest.raises(UsageError, match="funnelsim compare"):
        run(file, out=None)
    file.write_text((saved.folder / "manifest.json").read_text()[:200])
    with pytest.raises(DataError, match="damaged"):
        run(file, out=None)
    with pytest.raises(UsageError, match="repeated as it is"):
        run(saved.folder, replications=3, out=None)


def test_torn_tables_are_said_to_be(saved: Result, tmp_path: Path) -> None:
    assert saved.folder
    for name in ("manifest.json", "replications.parquet", "series.parquet"):
        (tmp_path / name).write_bytes((saved.folder / name).read_bytes())
    (tmp_path / "responses.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="cannot be read"):
        Result.load(tmp_path)


def test_full_disk_leaves_nothing_half_written(scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    real = results.write_bytes

    def write_bytes(file: Path, data: bytes) -> None:
        if len(written) == 3:  # the disk is full in the middle of the fourth file
            with file.open("wb") as stream:
                stream.write(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device", str(file))
        written.append(file.name)
        real(file, data)

    monkeypatch.setattr(results, "write_bytes", write_bytes)
    with pytest.raises(RunError, match=r"the disk is full\. Nothing was left half-written"):
        run(scenario, replications=2, engine="reference", out=tmp_path / "results", figures=False)
    assert written and not list((tmp_path / "results").iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_full_device_is_an_error_of_the_disk(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": range(1000)})
    with pytest.raises(OSError) as full:
        results.write_parquet(Path("/dev/full"), frame)
    assert full.value.errno == errno.ENOSPC
    frame.write_parquet(tmp_path / "part")
    with pytest.raises(OSError) as joined:
        results.concat_parquet([tmp_path / "part"], Path("/dev/full"))
    assert joined.value.errno == errno.ENOSPC


def test_interrupted_runs_leave_the_last_one_alone(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "old").write_text("kept")

    def interrupted() -> None:
        with atomic_folder(tmp_path, "x") as draft:
            (draft.path / "new").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path.name for path in tmp_path.iterdir()] == ["x"] and (tmp_path / "x" / "old").read_text() == "kept"
    with atomic_folder(tmp_path, "x") as draft:
        (draft.path / "new").write_text("whole")
    assert [path.name for path in tmp_path.rglob("*")] == ["x", "new"]


def test_results_that_cannot_be_written_are_told_before_the_run(
    scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("funnelsim.commands.run.replicate", lambda *_: pytest.fail("it ran"))
    with pytest.raises(UsageError, match="cannot be written"):
        run(scenario, out=tmp_path / "file")


def test_tables_and_event_log(scenario: Path, tmp_path: Path) -> None:
    found = run(scenario, replications=6, engine="reference", tables=True, log="csv", out=tmp_path, figures=False)
    assert found.folder
    visits, assignments, attempts = (
        pl.read_parquet(found.folder / f"{name}.parquet") for name in ("visits", "assignments", "attempts")
    )
    assert not list(found.folder.glob(".*"))
    cohort = visits.filter((pl.col("arrived") < 8 * 7 * 86400.0) & (pl.col("stage") == "customer"))
    won = found.measures["cohort.won"].values
    assert cohort.group_by("replication").len().sort("replication")["len"].to_list() == won.tolist()
    assert pl.read_parquet(found.folder / "passages.parquet").is_empty()  # no definition is a threshold
    assert not (found.folder / "levels.parquet").exists()
    assert set(visits["outcome"]) <= {"forward", "back", "lost", "unreached", "cold", "end", "open"}
    assert set(assignments["first_touch"].drop_nulls()) <= {"met", "missed", "censored"}
    assert attempts.filter(pl.col("end") == "withdrawn")["started"].null_count() == len(
        attempts.filter(pl.col("end") == "withdrawn")
    )
    _check_log(pl.read_csv(found.folder / "event-log.csv", try_parse_dates=True), visits, attempts)


def _check_log(log: pl.DataFrame, visits: pl.DataFrame, attempts: pl.DataFrame) -> None:
    assert log.columns[:3] == ["case:concept:name", "concept:name", "start_timestamp"]
    entries = log.filter(pl.col("concept:name").is_in(["interest", "deal", "customer"]))
    assert len(entries) == len(visits)
    tried = log.filter(pl.col("concept:name").str.ends_with(": attempt"))
    assert len(tried) == attempts["started"].count() and set(tried["org:resource"]) == {"marketing 1", "sales 1"}
    lost = log.filter(pl.col("concept:name") == "lost")
    assert len(lost) == visits.filter(pl.col("to") == "lost").height
    assert log["case:concept:name"].n_unique() == visits.select("replication", "lead").n_unique()
    fair = log.filter(pl.col("case:source") == "fair")["start_timestamp"].min()
    assert str(fair).startswith("2026-01-13 23:00") or str(fair).startswith("2026-01-14 00:00")  # local midnight


def test_precision_decides_the_number_of_replications(scenario: Path) -> None:
    rough: Any = run(scenario, precision=0.2, engine="fast", out=None)
    fine: Any = run(scenario, precision=0.05, engine="fast", out=None)
    assert rough.manifest.replications < fine.manifest.replications
    assert fine["cohort.won"].error <= 0.05 and fine["cohort.revenue"].error <= 0.05


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"replications": 3, "precision": 0.1}, "not both"),
        ({"replications": 0}, "1 or more"),
        ({"precision": 2.0}, "between 0 % and 100 %"),
        ({"engine": "slow"}, "fast, reference"),
        ({"log": "xml"}, "csv"),
    ],
)
def test_options_that_mean_nothing(scenario: Path, options: dict[str, Any], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        run(scenario, out=None, **options)
