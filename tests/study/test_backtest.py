"""Back-tests of funnels whose truth is known: honest where nothing changes, a warning where it does, no leaks."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from funnelsim.calibration.pipeline import open_history
from funnelsim.cli import code_of
from funnelsim.commands.backtest import backtest as command
from funnelsim.errors import DataError, UsageError
from funnelsim.progress import Progress
from funnelsim.study.backtest.actuals import LEADS, REVENUE, WINS, recorded
from funnelsim.study.backtest.distances import available, distances, recorded_log
from funnelsim.study.backtest.forecast_scores import score
from funnelsim.study.backtest.rolling import Backtest, BacktestSpec, backtest
from funnelsim.study.point_store import PointStore
from support.drifting_history import ON, write_funnel

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
SMALL = BacktestSpec(origins=3, longest=4, draws=19, distances=False)


def back_tested(
    history: Path,
    size: BacktestSpec = SMALL,
    points: Path | None = None,
    threads: int = 1,
    progress: Progress | None = None,
) -> Backtest:
    return backtest(*open_history(history), size, PointStore(points), threads, progress)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Backtest]:
    folder = tmp_path_factory.mktemp("made-up")
    history = write_funnel(folder, 1)
    return history, back_tested(history, points=folder / "points")


# ---- what is forecast and scored -----------------------------------------------------------------------------------


def test_instants_lie_whole_weeks_before_the_end_and_horizons_end_within(once: tuple[Path, Backtest]) -> None:
    """25 whole weeks since the first lead: 10 are there to be fitted, so instants lie 15 to 1 weeks before 7 July."""
    back_test = once[1]
    assert [back_test.origins.weeks_after(at) for at in back_test.origins.at] == [15, 8, 1]
    assert [f"{at:%A %H:%M}" for at in back_test.origins.at] == ["Monday 00:00"] * 3
    assert sorted({(back_test.origins.weeks_after(one.origin), one.weeks) for one in back_test.scored}) == [
        (1, 1),
        (8, 1),
        (8, 2),
        (8, 4),
        (15, 1),
        (15, 2),
        (15, 4),
    ]


def test_what_happened_is_what_the_file_says(once: tuple[Path, Backtest]) -> None:
    """Leads of the last four of eight weeks, counted in the CSV."""
    history, back_test = once
    one = next(
        one
        for one in back_test.scored
        if one.quantity.name == LEADS and one.weeks == 4 and back_test.origins.weeks_after(one.origin) == 8
    )
    rows = [line.split(",") for line in (history.parent / "leads.csv").read_text().splitlines()[1:]]
    assert one.happened == sum("2025-05-12" <= row[1][:10] < "2025-06-09" for row in rows)
    revenue = next(
        one
        for one in back_test.scored
        if one.quantity.name == REVENUE and one.weeks == 1 and back_test.origins.weeks_after(one.origin) == 1
    )
    assert revenue.happened == pytest.approx(sum(float(row[5]) for row in rows if row[3][:10] >= "2025-06-30"))


def test_a_spreadsheet_carries_the_last_eight_weeks_on(once: tuple[Path, Backtest]) -> None:
    back_test = once[1]
    one = next(one for one in back_test.scored if one.quantity.name == WINS and one.weeks == 4)
    forecast = next(f for f in back_test.forecasts if f.origin == one.origin)
    row = [q.name for q in back_test.forecast_spec.quantities].index(WINS)
    assert forecast.before.shape[1] == 8
    assert one.naive == pytest.approx(4 * forecast.before[row].mean())


def test_forecasts_begin_with_the_leads_in_flight(once: tuple[Path, Backtest]) -> None:
    """Wins take two weeks: with no lead in flight there would be hardly one in the first week."""
    back_test = once[1]
    row = [q.name for q in back_test.forecast_spec.quantities].index(WINS)
    for one in back_test.forecasts:
        first, fourth = (float(one.drawn[row, :, week].mean()) for week in (0, 3))
        assert first > 0.6 * fourth > 4.0


# ---- honest where nothing changes ----------------------------------------------------------------------------------


def test_intervals_keep_their_promise_where_nothing_changes(tmp_path: Path) -> None:
    """Wins of four weeks from 8 instants in 4 histories, no two windows of which overlap: at a true 90 %, fewer than 5
    of 8 would be held once in 200 times. A drift is reported in 2 of 100 such histories: in two of 4 once in 400 times.
    """
    scored, warned = histories(tmp_path, 4, BacktestSpec(origins=3, longest=4, draws=19, distances=False))
    wins = [one for one in scored if one.quantity.name == WINS and one.weeks == 4]
    assert len(wins) == 8
    assert stats.binom.cdf(4, 8, 0.9) < 1 / 190
    assert sum(one.held90 for one in wins) >= 5
    assert warned <= 1


@pytest.mark.long
def test_coverage_and_bias_over_100_histories(tmp_path: Path) -> None:
    """300 forecasts of each quantity over four weeks: coverage of 87 to 93 % but for chance, bias within 3 %.

    At a true 90 % coverage is below 84 % or above 96 % once in 1,000 times; drift in more than 7 of 100 once in 1,000.
    """
    scored, warned = histories(tmp_path, 100, BacktestSpec(origins=4, longest=4, draws=39, distances=False))
    for name in (LEADS, WINS):
        mine = [one for one in scored if one.quantity.name == name and one.weeks == 4]
        whole = score(mine)
        print(
            f"{name}: {len(mine)} forecasts, {whole.held90.value:.3f} held, bias {whole.bias:+.3f}, CRPS ratio "
            f"{whole.ratio:.3f}, widening {whole.widening.value:.2f}"
        )
        assert 0.84 <= whole.held90.value <= 0.96
        assert abs(whole.bias) < 0.03
    print(f"drift reported in {warned} of 100 histories without any")
    assert warned <= 7


def histories(folder: Path, count: int, size: BacktestSpec) -> tuple[list, int]:
    """(all scores, in how many a drift was reported), of histories in which nothing changes."""
    scored, warned = [], 0
    for seed in range(count):
        place = folder / str(seed)
        place.mkdir()
        back_test = back_tested(write_funnel(place, 1000 + seed, a_week=90.0), size, threads=None)
        # instants of different histories are different instants
        scored += [replace(one, origin=one.origin.replace(year=2025 + seed)) for one in back_test.scored]
        warned += bool(back_test.drift.departures)
    return scored, warned


def test_a_drift_is_told(tmp_path: Path) -> None:
    """From week 18 of 26 on only half as many leads talk to us: their count is outside, and the answer says so."""
    back_test = back_tested(write_funnel(tmp_path, 3, on=lambda week: np.where(week < 18, ON, ON / 2.0)))
    outside = {(one.stage, one.to): one.ratio for one in back_test.drift.departures}
    assert outside[("lead", "talk")] < 0.8
    from funnelsim.reporting.backtest.report import answer

    assert "the funnel has changed since" in answer(back_test)


def test_twice_as_many_leads_are_told(tmp_path: Path) -> None:
    write_funnel(tmp_path, 4)
    drift = back_tested(doubled_after(tmp_path, 18)).drift
    assert drift.departures[0].stage == "" and drift.departures[0].ratio > 1.5


def doubled_after(folder: Path, week: int) -> Path:
    """The history of a folder, with every lead twice from some week on."""
    lines = (folder / "leads.csv").read_text().splitlines()
    late = [line for line in lines[1:] if line.split(",")[1] >= f"{np.datetime64('2025-01-06') + 7 * week}"]
    (folder / "leads.csv").write_text("\n".join([*lines, *("X" + line for line in late)]) + "\n")
    return folder / "made-up.history.yaml"


# ---- no leaks, the same digits -------------------------------------------------------------------------------------


def test_what_is_written_after_an_instant_changes_nothing_in_its_forecast(tmp_path: Path) -> None:
    """From the second instant on another history: other leads, other fates, other amounts. The first two forecasts are
    the same bit for bit, found by the same key; the third is another."""
    history = write_funnel(tmp_path, 5)
    before = back_tested(history)
    cut = f"{before.forecasts[1].origin:%Y-%m-%d}"
    lines = [",".join(forged(line.split(","), cut)) for line in (tmp_path / "leads.csv").read_text().splitlines()[1:]]
    lines = [line for line in lines if line.split(",")[1] < cut or int(line[1:6]) % 3]
    (tmp_path / "leads.csv").write_text("\n".join(["id,lead,talk,customer,lost,value", *lines]) + "\n")
    after = back_tested(history)
    for old, new in zip(before.forecasts[:2], after.forecasts[:2], strict=True):
        np.testing.assert_array_equal(old.drawn, new.drawn)
        np.testing.assert_array_equal(old.before, new.before)
        assert old.key == new.key
    assert not np.array_equal(before.forecasts[2].drawn, after.forecasts[2].drawn)
    assert [one.happened for one in before.scored] != [one.happened for one in after.scored]


def forged(row: list[str], cut: str) -> list[str]:
    """A lead with everything from an instant on rubbed out, and what it is worth doubled unless it was won before."""
    name, *times, value = row
    kept = [time if time < cut else "" for time in times[1:]]
    worth = value if kept[1] else f"{2 * float(value or 500.0):.2f}"
    return [name, times[0], *kept, worth]


def test_any_number_of_threads_gives_the_same_digits(once: tuple[Path, Backtest]) -> None:
    history, alone = once
    many = back_tested(history, threads=5)
    for one, other in zip(alone.forecasts, many.forecasts, strict=True):
        np.testing.assert_array_equal(one.drawn, other.drawn)
    assert many.scored == alone.scored and many.drift == alone.drift


class Impatient(Progress):
    """Stops a back-test in the midst of its third forecast."""

    def update(self, what: str, done: int, total: int) -> None:
        if done > total * 2 / 3 + 5:
            raise KeyboardInterrupt


def test_a_stopped_back_test_goes_on_where_it_was(once: tuple[Path, Backtest], tmp_path: Path) -> None:
    """Two forecasts are kept; they are not made again, and a torn one counts as none."""
    history, whole = once
    with pytest.raises(KeyboardInterrupt):
        back_tested(history, points=tmp_path, progress=Impatient())
    kept = {file: file.stat().st_mtime_ns for file in tmp_path.glob("*/*.json")}
    assert len(kept) == 2
    torn = sorted(kept)[0]
    torn.write_bytes(torn.read_bytes()[:1000])
    assert back_tested(history, points=tmp_path).scored == whole.scored
    assert len(list(tmp_path.glob("*/*.json"))) == 3
    assert sorted(kept)[1].stat().st_mtime_ns == kept[sorted(kept)[1]]


# ---- event logs ----------------------------------------------------------------------------------------------------


def test_a_replay_of_what_really_happened_is_at_no_distance(
    once: tuple[Path, Backtest], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the simulated log is the real one, all five distances are 0, and the replay's are not."""
    if not available():
        pytest.skip("log-distance-measures is not installed")
    history, back_test = once
    records = backtest_records(history)
    origin = back_test.forecasts[1].origin
    truth = recorded_log(records, origin.timestamp(), 4)
    monkeypatch.setattr("funnelsim.study.backtest.distances.simulated_log", lambda *_: truth)
    for one in distances(records, [None], records.stages, origin, 4):  # type: ignore[list-item]
        assert one.simulated == 0.0 and one.replay > 0.0, one.name


def test_both_logs_end_at_the_same_instant(once: tuple[Path, Backtest]) -> None:
    history, back_test = once
    start = back_test.forecasts[1].origin.timestamp()
    log = recorded_log(backtest_records(history), start, 4)
    assert log.at.min() >= start and log.at.max() < start + 4 * 7 * 86400.0


def backtest_records(history: Path):
    from funnelsim.calibration.pipeline import fit_history

    return fit_history(*open_history(history)).records


def test_without_the_package_the_answer_says_how_to_get_it(
    once: tuple[Path, Backtest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("funnelsim.study.backtest.rolling.available", lambda: False)
    back_test = back_tested(once[0], replace(SMALL, distances=True), points=once[0].parent / "points")
    assert not back_test.distances
    assert any("install funnelsim[backtest]" in note for note in back_test.notes)


# ---- real histories, where they are --------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "folder", "work", "least", "ratio"),
    [
        ("olist", "olist_funnel_asof_2018-03-31", True, 0.75, 0.6),
        ("bpic2012", "bpic2012_asof_2011-12-31", False, 0.55, 0.9),
        ("bpic2012", "bpic2012_asof_2011-12-31", True, 0.55, 0.9),
    ],
)
def test_real_histories_as_the_guide_tells_them(name: str, folder: str, work: bool, least: float, ratio: float) -> None:
    """Olist 90 % held and a CRPS ratio of 0.34; BPI 2012 70 % and 0.72 with its log of work, 71 % and 0.73
    without; drift is told."""
    if not (DATA / folder).is_dir():
        pytest.skip(f"{folder} is not here")
    history = ROOT / "calibration" / f"{name}.history.yaml"
    back_test = backtest(
        *open_history(history, DATA / folder), BacktestSpec(draws=99, distances=False, work=work), PointStore(None)
    )
    whole = back_test.score_of()
    assert whole is not None
    print(f"{name}: {whole.held90.value:.2f} held, CRPS ratio {whole.ratio:.2f}, widening {whole.widening.value:.2f}")
    assert whole.held90.value > least and whole.ratio < ratio
    assert bool(back_test.drift.departures) == (name == "bpic2012")


# ---- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture
def inside(once: tuple[Path, Backtest]) -> Iterator[Path]:
    """Work in the folder of the history."""
    here = Path.cwd()
    os.chdir(once[0].parent)
    yield once[0].parent
    os.chdir(here)


def test_the_command_leaves_a_folder_that_repeats_itself(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "backtest",
        "made-up.history.yaml",
        "--origins",
        "3",
        "--horizon",
        "4",
        "-n",
        "19",
        "--no-distances",
        "--out",
        ".",
    ]
    assert code_of(arguments) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Made up: of 90 % intervals, ") and "from 3 instants" in shown.splitlines()[0]
    folder = next(inside.glob("backtest-made-up-*"))
    assert {file.name for file in folder.iterdir()} >= {
        "manifest.json",
        "backtest.json",
        "forecasts.csv",
        "scores.csv",
        "drift.csv",
        "fans.png",
        "coverage.svg",
        "pit.png",
    }
    digest = json.loads((folder / "manifest.json").read_text())["digest"]
    assert code_of(["backtest", str(folder / "manifest.json"), "--out", ".", "--json", "--no-figures"]) == 0
    assert json.loads(capsys.readouterr().out)["digest"] == digest


def test_a_history_that_is_too_short(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="too short to be tested: 3 weeks, and 5 are needed"):
        back_tested(write_funnel(tmp_path, 1, weeks=4))


def test_a_horizon_that_does_not_fit(once: tuple[Path, Backtest]) -> None:
    with pytest.raises(UsageError, match="--horizon must lie between 1 and 15 weeks"):
        back_tested(once[0], replace(SMALL, longest=40))


def test_a_history_without_a_funnel(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("c,t,v\n1,2025-01-01,5\n2,2025-02-01,5\n")
    (tmp_path / "h.yaml").write_text(
        "as_of: 2025-06-30\ntimezone: UTC\npurchases: {file: t.csv, customer: c, time: t, value: v}\n"
    )
    with pytest.raises(DataError, match="no funnel to be forecast"):
        back_tested(tmp_path / "h.yaml")


def test_a_manifest_is_repeated_as_it_is(inside: Path) -> None:
    folder = next(inside.glob("backtest-made-up-*"))
    with pytest.raises(UsageError, match="a manifest is repeated as it is"):
        command(folder, draws=39)


def test_weeks_before_an_instant(once: tuple[Path, Backtest]) -> None:
    """Eight weeks before an instant and the weeks after it are one course."""
    history, back_test = once
    records, origin = backtest_records(history), back_test.forecasts[1].origin.timestamp()
    before = recorded(records, back_test.forecast_spec.quantities, origin, -8)
    begins = origin - 8 * 604800.0
    np.testing.assert_array_equal(before, recorded(records, back_test.forecast_spec.quantities, begins, 8))
