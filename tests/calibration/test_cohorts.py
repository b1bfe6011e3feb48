"""Counts by cohort: hand-made cases, made-up cohorts with a known truth, Udacity's free trial, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, stats

from funnelsim import figures
from funnelsim.calibration import Calibration, calibrate
from funnelsim.calibration.cohorts.cohort_likelihood import CohortStep, fit_cohort_step
from funnelsim.calibration.cohorts.cohort_likelihood import _share_gone as chance
from funnelsim.calibration.exports.detect import UserHints, write_history
from funnelsim.errors import DataError, UsageError
from funnelsim.scenario import load

ROOT = Path(__file__).parents[2]
UDACITY = ROOT.parent / "shared" / "data" / "udacity_free_trial_control"
DAY, WEEK = 86400.0, 604800.0
HEAD = """as_of: {as_of}
counts: {{file: counts.csv, period: week, each: week{more}}}
stages: {{asked: asked, met: met{bought}}}
"""


def step(entered: list[float], went: list[float], ends: list[float], takes: float | None = None) -> CohortStep:
    """Totals of one group: a cohort a period."""
    c = len(entered)
    return CohortStep(
        "asked",
        "met",
        WEEK,
        np.array(entered),
        np.array(ends),
        np.zeros(c, int),
        1,
        tuple(np.ones(1) for _ in entered),
        np.arange(c),
        np.zeros(c),
        np.array(ends),
        np.array(went),
        False,
        takes,
    )


def test_a_time_that_is_known_leaves_a_binomial() -> None:
    """Three old cohorts, 30 of 100, 25 of 100, 35 of 100 went on: 90.5 of 301 with half a lead added to both sides."""
    fitted = fit_cohort_step(step([100, 100, 100], [30, 25, 35], [20, 19, 18], takes=2 * WEEK))
    assert fitted.timing == "said" and fitted.dispersion == 1.0
    share = fitted.fit.forward([0])
    assert share.value == pytest.approx(90.5 / 301, abs=1e-6)
    assert share.se == pytest.approx((90.5 * 210.5 / 301) ** -0.5, rel=0.05)


def test_cohorts_that_had_half_the_time_count_half() -> None:
    """It takes two weeks. A cohort that began 2.5 weeks ago entered evenly in its week: half of it is old enough."""
    fitted = fit_cohort_step(step([1000], [150], [2.5], takes=2 * WEEK))
    assert fitted.fit.point([0]) == pytest.approx(0.30, abs=0.002)


def test_cohorts_that_differ_widen_the_interval() -> None:
    """10, 50, 30 of 100: Pearson's chi-square is 4 + 4 + 0 times 100 / 21, over two degrees of freedom is too few."""
    even, uneven = step([100] * 5, [30] * 5, [20] * 5), step([100] * 5, [10, 50, 30, 20, 40], [20] * 5)
    spread = fit_cohort_step(uneven).dispersion
    assert spread == pytest.approx((400 + 400 + 0 + 100 + 100) / 21 / 4, rel=0.01)
    errors = [fit_cohort_step(each).fit.forward([0]).se for each in (even, uneven)]
    assert errors[1] / errors[0] == pytest.approx(spread**0.5, rel=0.05)


@pytest.mark.parametrize("family", ["weibull", "lognormal", "gamma"])
def test_chance_of_an_even_entry(family: str) -> None:
    """A(m) against numerical integration of F over the week of entry."""
    laws = {
        "weibull": stats.weibull_min(np.exp(-0.2), scale=np.exp(13.0)),
        "lognormal": stats.lognorm(np.exp(0.2), scale=np.exp(13.0)),
        "gamma": stats.gamma(np.exp(0.2), scale=np.exp(13.0)),
    }
    ages = np.array([0.0, 0.4, 1.0, 3.5])
    chances, slopes = chance(step([1], [0], [1]), family, 13.0, 0.2, ages)
    for age, value in zip(ages, chances, strict=True):
        low = max(age - 1.0, 0.0)
        expected = integrate.quad(lambda y: laws[family].cdf(y * WEEK), low, age)[0]
        assert value == pytest.approx(expected, abs=2e-4)
    moved = chance(step([1], [0], [1]), family, 13.0 + 1e-5, 0.2, ages)[0]
    np.testing.assert_allclose((moved - chances) / 1e-5, slopes[0], atol=1e-4)


def write(folder: Path, rows: list[str], as_of: str, more: str = "", bought: str = "") -> Path:
    folder.joinpath("counts.csv").write_text("\n".join(rows) + "\n")
    path = folder / "a.history.yaml"
    path.write_text(HEAD.format(as_of=as_of, more=more, bought=bought))
    return path


def made_up(rng: np.random.Generator, weeks: int, leads: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(week of entry, weeks until met, weeks from then until bought; inf: never): 40 % meet, half of them buy."""
    entry = rng.random(leads) * weeks
    met = np.where(rng.random(leads) < 0.4, 1.5 * rng.weibull(1.2, leads), np.inf)
    bought = np.where(rng.random(leads) < 0.5, np.exp(rng.normal(np.log(2.5), 0.6, leads)), np.inf)
    return entry, met, bought


def totals(rng: np.random.Generator, weeks: int, leads: int) -> list[str]:
    entry, met, bought = made_up(rng, weeks, leads)
    rows = ["week,asked,met,bought"]
    for week in range(weeks):
        mine = np.floor(entry) == week
        by = [mine, mine & (entry + met < weeks), mine & (entry + met + bought < weeks)]
        rows.append(f"{np.datetime64('2025-01-06') + 7 * week}," + ",".join(str(int(which.sum())) for which in by))
    return rows


def triangle(rng: np.random.Generator, weeks: int, leads: int) -> list[str]:
    """A row for each cohort and elapsed week of the calendar: all who had got so far by its end."""
    entry, met, bought = made_up(rng, weeks, leads)
    rows = ["week,nth_week,asked,met,bought"]
    for week in range(weeks):
        mine = np.floor(entry) == week
        for nth in range(weeks - week):
            end = week + nth + 1
            by = [mine, mine & (entry + met < end), mine & (entry + met + bought < end)]
            counts = ",".join(str(int(which.sum())) for which in by)
            rows.append(f"{np.datetime64('2025-01-06') + 7 * week},{nth},{counts}")
    return rows


def as_of(weeks: int) -> str:
    return str(np.datetime64("2025-01-06") + 7 * weeks - 1)


def shares(calibration: Calibration) -> dict[str, tuple[float, float, float]]:
    return {
        stage.name: (
            stage.share(stage.order[0]).low,
            stage.share(stage.order[0]).value,
            stage.share(stage.order[0]).high,
        )
        for stage in calibration.stages
    }


def test_totals_tell_shares_and_times_when_they_rise_with_age(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    calibration = calibrate(write(tmp_path, totals(rng, 16, 40_000), as_of(16), bought=", bought: bought"))
    told = shares(calibration)
    assert told["asked"][0] < 0.40 < told["asked"][2] and told["met"][0] < 0.50 < told["met"][2]
    assert calibration.stages[0].fit.median([0]) == pytest.approx(1.5 * np.log(2) ** (1 / 1.2) * WEEK, rel=0.1)
    assert calibration.stages[1].fit.median([0]) == pytest.approx(2.5 * WEEK, rel=0.15)
    assert calibration.naive() < 0.185 and calibration.conversion().low < 0.20 < calibration.conversion().high
    assert not calibration.in_flight.rows and "no leads in flight" in calibration.report()
    table = calibration.frame().row(0, named=True)
    assert (table["stage"], table["to"]) == ("asked", "met")
    assert (table["low"], table["share"], table["high"]) == told["asked"]
    assert figures.all_figures(calibration) == {}, "counts hold no times"
    with pytest.raises(UsageError, match="no stages with times"):
        figures.fit(calibration)


def test_counts_by_elapsed_week(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    path = write(tmp_path, triangle(rng, 10, 10_000), as_of(10), ", elapsed: nth_week", ", bought: bought")
    calibration = calibrate(path, tmp_path / "a.fitted.yaml")
    told = shares(calibration)
    assert told["asked"][0] < 0.40 < told["asked"][2] and told["met"][0] < 0.50 < told["met"][2]
    assert calibration.stages[0].fit.median([0]) == pytest.approx(1.5 * np.log(2) ** (1 / 1.2) * WEEK, rel=0.1)
    (tmp_path / "next.yaml").write_text("extends: a.fitted.yaml\nobserve: 8 weeks\ndefinitions: {won: enters bought}\n")
    scenario = load(str(tmp_path / "next.yaml")).scenario
    assert scenario.stages["asked"].next["met"].value == pytest.approx(told["asked"][1], abs=1e-4)


def test_intervals_hold_the_truth(tmp_path: Path) -> None:
    """30 made-up tables: 95 % intervals of two shares; were 93 % held, one would fail once in 300 runs."""
    rng, held = np.random.default_rng(5), np.zeros(2)
    for _ in range(30):
        told = shares(calibrate(write(tmp_path, totals(rng, 12, 12_000), as_of(12), bought=", bought: bought")))
        held += [told["asked"][0] < 0.40 < told["asked"][2], told["met"][0] < 0.50 < told["met"][2]]
    assert held.min() >= 23, held


def test_sources_have_shares_of_their_own(tmp_path: Path) -> None:
    rows = ["week,channel,asked,met"]
    for week in range(12):
        day = np.datetime64("2025-01-06") + 7 * week
        rows += [f"{day},web,200,40", f"{day},fair,100,50"]
    path = write(tmp_path, rows, "2025-12-31")
    path.write_text(path.read_text() + "source: channel\n")
    calibration = calibrate(path)
    stage = calibration.stages[0]
    assert stage.sources["web"].value == pytest.approx(0.20, abs=0.005)
    assert stage.sources["fair"].value == pytest.approx(0.50, abs=0.005)
    assert stage.share("met").value == pytest.approx(0.30, abs=0.01)


def test_rows_that_contradict_themselves_are_counted(tmp_path: Path) -> None:
    rows = [
        "week,asked,met",
        "2025-01-06,100,30",
        "2025-01-06,100,30",
        "2025-01-13,100,130",
        "soon,100,30",
        "2025-01-20,100,-3",
        "2025-01-27,,3",
        "2025-02-03,100,",
        "2025-02-10,100,28",
        "2027-02-10,100,28",
    ]
    calibration = calibrate(write(tmp_path, rows, "2025-06-30"))
    assert {count.reason: count.rows for count in calibration.issues.counts.values()} == {
        "a period seen before (the first row counts)": 1,
        "more in a later stage than before it": 1,
        "a period that cannot be read in week": 1,
        "a count that is no whole number": 1,
        "nobody is counted in the first stage": 1,
        "a period that begins after the as-of date": 1,
    }
    assert calibration.stages[0].visits == 200 and calibration.stages[0].seen("met") == 58
    assert "1 of 3 cohorts tell nothing about it yet" in calibration.report()


def test_what_cannot_stand_beside_counts(tmp_path: Path) -> None:
    path = write(tmp_path, ["week,asked,met", "2025-01-06,100,30"], "2025-06-30")
    path.write_text(path.read_text().replace("each: week", "each: fortnight, year: 20") + "lost: lost\n")
    with pytest.raises(DataError) as caught:
        calibrate(path)
    told = str(caught.value)
    assert "`each: fortnight` means nothing" in told and "'20' is not a year" in told
    assert "`lost` cannot stand beside `counts`" in told


def test_an_export_of_counts_is_recognised(tmp_path: Path) -> None:
    rows = totals(np.random.default_rng(6), 12, 6000)
    (tmp_path / "cohorts.csv").write_text("\n".join(rows) + "\n")
    detected = write_history(tmp_path / "cohorts.csv", tmp_path / "cohorts.history.yaml", UserHints())
    assert detected.title == "counts by cohort"
    assert "each: week" in detected.text and "as_of: 2025-03-30" in detected.text
    assert [stage.name for stage in detected.draft.stages] == ["asked", "met", "bought"]


def test_ages_in_columns_are_no_stages(tmp_path: Path) -> None:
    """A retention table as spreadsheets have it: reading week_0 to week_3 as stages would be a funnel upside down."""
    rows = ["signup_week,users,week_0,week_1"]
    rows += [f"{np.datetime64('2025-01-06') + 7 * k},400,40,60" for k in range(8)]
    (tmp_path / "c.csv").write_text("\n".join(rows) + "\n")
    with pytest.raises(DataError, match="week_0, week_1: a column for each age of a cohort"):
        write_history(tmp_path / "c.csv", tmp_path / "c.history.yaml", UserHints())


def test_dates_without_a_year_need_the_last_day(tmp_path: Path) -> None:
    rows = ["Date,Pageviews,Clicks", "Tue-Dec-30,100,20", "Wed-Dec-31,110,21", "Thu-Jan-1,90,19", "Fri-Jan-2,95,22"]
    (tmp_path / "c.csv").write_text("\n".join(rows) + "\n")
    with pytest.raises(DataError, match="of which year"):
        write_history(tmp_path / "c.csv", tmp_path / "c.history.yaml", UserHints())
    detected = write_history(tmp_path / "c.csv", tmp_path / "c.history.yaml", UserHints(as_of="2026-01-02"))
    assert "year: 2025" in detected.text
    assert not calibrate(tmp_path / "c.history.yaml").issues.counts


def test_udacity(tmp_path: Path) -> None:
    """The course's own answers: 3,785 of 17,293 clicks enrol (20.6 % published for both groups' clicks), 2,033 pay."""
    if not UDACITY.is_dir():
        pytest.skip("the Udacity data are not here")
    calibration = calibrate(ROOT / "calibration" / "udacity.history.yaml", tmp_path / "u.fitted.yaml", UDACITY)
    viewed, clicked, enrolled = calibration.stages
    assert (viewed.visits, viewed.seen("clicked")) == (345_543, 28_378)
    assert (clicked.visits, clicked.seen("enrolled"), enrolled.seen("paid")) == (17_293, 3_785, 2_033)
    assert clicked.share("enrolled").value == pytest.approx(0.2189, abs=1e-3)
    assert enrolled.share("paid").value == pytest.approx(0.5371, abs=1e-3)
    assert enrolled.fit.median([0]) == pytest.approx(14 * DAY, rel=1e-3)
    assert calibration.conversion().value > 1.5 * calibration.naive()  # counted naively, the last 14 days pay nothing
    report = calibration.report()
    assert report.count("14 of 37 cohorts tell nothing about it yet") == 2
    assert "8.2 times as much as by chance" in report
    assert calibration.grades()["stages.viewed.pace"].startswith("assumed")
    assert calibration.grades()["stages.enrolled.pace"] == "said in the history file"
