"""Arrivals, deal values, time-outs and odd times: each against data made for it."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from funnelsim.calibration import Calibration, calibrate
from funnelsim.calibration.arrivals.arrival_rate import SourceArrivals, _level, _source, _trend
from funnelsim.calibration.events.deal_value import fit_value
from funnelsim.calibration.report.fitted_file import pace_text
from funnelsim.scenario import load
from funnelsim.scenario.parsers import money_law, time_law

END = datetime(2025, 7, 7, tzinfo=UTC)
WEEKS = 52


def calibrated(folder: Path, rows: list[tuple[datetime, datetime | None, str]], dates: bool = False) -> Calibration:
    """Leads with (entry, win, source), as of 2025-07-06."""
    shape = "%Y-%m-%d" if dates else "%Y-%m-%d %H:%M:%S"
    with (folder / "leads.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(("id", "made", "won_on", "source"))
        for i, (made, won, source) in enumerate(rows):
            out.writerow((i, made.strftime(shape), won.strftime(shape) if won and won < END else "", source))
    (folder / "a.history.yaml").write_text(
        "as_of: 2025-07-06\ntables: {leads: {file: leads.csv, id: id}}\n"
        "source: source\nstages: {lead: made, customer: won_on}\n"
    )
    return calibrate(folder / "a.history.yaml", out=folder / "a.fitted.yaml")


def leads(rng: np.random.Generator, a_week: np.ndarray, source: str, share: float = 0.3) -> list:
    rows = []
    for week, count in enumerate(a_week):
        for _ in range(count):
            made = END - timedelta(weeks=len(a_week) - week) + timedelta(seconds=float(rng.random() * 604800))
            won = made + timedelta(days=float(np.exp(rng.normal(1.5, 0.8)))) if rng.random() < share else None
            rows.append((made, won, source))
    return rows


def test_level_trend_and_batch(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    week = np.arange(WEEKS) - WEEKS
    steady = rng.poisson(40.0, WEEKS)
    uneven = rng.poisson(40.0 * rng.gamma(1 / 0.3**2, 0.3**2, WEEKS))
    growing = rng.poisson(60.0 * 1.6 ** (week / 52.18))
    burst = np.where(week == -20, 300, 0)
    rows = [
        row
        for name, count in (("steady", steady), ("uneven", uneven), ("growing", growing), ("fair", burst))
        for row in leads(rng, count, name)
    ]
    sources = {source.name: source for source in calibrated(tmp_path, rows).arrivals.sources}
    assert sources["steady"].level < 0.1 and sources["steady"].trend == 0
    assert sources["steady"].rate == pytest.approx(40, rel=0.1)
    assert sources["uneven"].level == pytest.approx(0.3, abs=0.09) and sources["uneven"].trend == 0
    assert sources["growing"].trend == pytest.approx(0.6, abs=0.3)
    assert sources["growing"].rate == pytest.approx(60, rel=0.15)
    fair = sources["fair"]
    assert [size for _, size in fair.batches] == [300] and fair.rate == 0 and fair.profile is None
    text = (tmp_path / "a.fitted.yaml").read_text()
    assert "all came at once: 300" in text and "weekly_level: " in text and "% a year" in text


def arrivals(folder: Path, rows: list[tuple[datetime, datetime | None, str]]) -> dict[str, SourceArrivals]:
    return {source.name: source for source in calibrated(folder, rows).arrivals.sources}


def test_a_batch_counts_in_no_rate_level_or_profile(tmp_path: Path) -> None:
    """A fair's list, and a list loaded into a source that goes on: all the rest is found as if neither were there."""
    rng = np.random.default_rng(10)
    usual = leads(rng, rng.poisson(50.0, 30), "web") + leads(rng, rng.poisson(30.0, 30), "mail")
    moment = END - timedelta(days=69)
    fair = [(moment, None, "fair")] * 300
    loaded = [(moment + timedelta(days=40, hours=5), None, "web")] * 150
    before, after = arrivals(tmp_path, usual), arrivals(tmp_path, usual + fair + loaded)
    for name in ("web", "mail"):
        one, two = before[name], after[name]
        assert (one.rate, one.rate_se, one.level, one.trend) == (two.rate, two.rate_se, two.level, two.trend)
        np.testing.assert_array_equal(one.profile, two.profile)
    assert after["web"].batches == (("2025-06-08", 150),) and after["mail"].batches == ()
    assert after["fair"].batches == (("2025-04-29", 300),) and after["fair"].profile is None
    text = (tmp_path / "a.fitted.yaml").read_text()
    assert text.count("profile: [") == 2 and "without those that came at once: 150 about 2025-06-08" in text
    (tmp_path / "b.yaml").write_text("extends: a.fitted.yaml\nobserve: 4 weeks\ndefinitions: {won: enters customer}\n")
    assert set(load(str(tmp_path / "b.yaml")).scenario.sources) == {"web", "mail", "fair"}


def test_a_batch_may_take_days_and_leave_a_trickle(tmp_path: Path) -> None:
    """From Thursday to Tuesday, across the edge of two weeks; a lead a week comes from the same source otherwise."""
    rng = np.random.default_rng(11)
    trickle = [(END - timedelta(days=7.0 * week + 3.3), None, "fair") for week in range(30)]
    days = [(END - timedelta(days=float(60 + d)), None, "fair") for d in np.repeat([1, 2, 3, 4, 5], 80)]
    fair = arrivals(tmp_path, leads(rng, rng.poisson(40.0, 30), "web") + trickle + days)["fair"]
    assert sum(size for _, size in fair.batches) in (400, 401) and len(fair.batches) == 1
    assert fair.rate == pytest.approx(1.0, abs=0.05) and fair.profile is not None


def test_times_written_to_the_hour_or_day_are_no_batches(tmp_path: Path) -> None:
    rng = np.random.default_rng(12)
    rows = leads(rng, rng.poisson(250.0, 20), "web")
    hourly = [(made.replace(minute=0, second=0), won, source) for made, won, source in rows]
    daily = [(made.replace(hour=0, minute=0, second=0), won, source) for made, won, source in rows]
    weekly = rows[:1500] + [(END - timedelta(weeks=k, hours=4), None, "web") for k in range(1, 20) for _ in range(30)]
    for case in (hourly, daily, weekly):
        web = arrivals(tmp_path, [(made, won and max(won, made), source) for made, won, source in case])["web"]
        assert web.batches == ()


def test_a_source_that_dried_up_still_has_leads_in_flight(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    rows = leads(rng, np.append(rng.poisson(40.0, 36), [0] * 3), "old") + leads(rng, rng.poisson(40.0, 39), "new")
    calibrated(tmp_path, rows)
    path = tmp_path / "a.history.yaml"
    path.write_text(path.read_text() + "changes: [2025-06-16]\n")
    calibration = calibrate(path, out=tmp_path / "a.fitted.yaml")
    assert {source.name: source.leads for source in calibration.arrivals.sources}["old"] == 0
    assert "old" in {row[1] for row in calibration.in_flight.rows}
    (tmp_path / "b.yaml").write_text("extends: a.fitted.yaml\nobserve: 4 weeks\ndefinitions: {won: enters customer}\n")
    assert list(load(str(tmp_path / "b.yaml")).scenario.sources) == ["new", "old"]


def test_level_is_zero_for_poisson_and_right_for_gamma() -> None:
    rng = np.random.default_rng(3)
    poisson = [_level(rng.poisson(50.0, 26).astype(float)) for _ in range(60)]
    assert np.mean([level > 0.1 for level in poisson]) < 0.1
    gamma = [_level(rng.poisson(50 * rng.gamma(1 / 0.04, 0.04, 52)).astype(float)) for _ in range(60)]
    assert np.mean(gamma) == pytest.approx(0.2, abs=0.02)


def test_trend_is_seldom_seen_where_there_is_none() -> None:
    rng = np.random.default_rng(4)
    seen = 0
    for _ in range(200):
        counts = rng.poisson(50 * rng.gamma(1 / 0.04, 0.04, 30)).astype(float)
        seen += _trend(counts, _level(counts)).slope != 0
    assert seen <= 10  # 2 expected at 1 %; more than 10 once in 10,000


@pytest.mark.parametrize(
    ("a_week", "level", "growth", "weeks"),
    [(25, 0.0, 0.0, 26), (60, 0.25, 0.0, 26), (60, 0.25, 0.0, 10), (200, 0.1, 0.6, 52)],
)
def test_errors_of_rates(a_week: float, level: float, growth: float, weeks: int) -> None:
    """95 % intervals hold the rate, with a random level, few weeks or a trend, too: fewer than 456 of 500 would be
    held once in 10,000 times."""
    rng = np.random.default_rng(14)
    week = np.arange(weeks) + 0.5 - weeks
    held = 0
    for _ in range(500):
        factor = rng.gamma(1 / level**2, level**2, weeks) if level else 1.0
        counts = rng.poisson(a_week * (1 + growth) ** (week / 52.18) * factor).astype(float)
        source = _source("web", counts, 0.0, None, (), {}, float(weeks))
        held += abs(np.log(source.rate / a_week)) < 1.96 * source.rate_se
    assert held >= 456


def test_dates_only(tmp_path: Path) -> None:
    """Days of the week are found, hours are flat, and the time to win is not biased by half a day."""
    rng = np.random.default_rng(5)
    rows = leads(rng, rng.poisson(120.0, 26), "web")
    rows = [
        (made, won and max(won, made), source) for made, won, source in rows if made.weekday() < 5 or rng.random() < 0.3
    ]
    calibration = calibrated(tmp_path, rows, dates=True)
    assert not calibration.arrivals.hours_known
    profile = calibration.arrivals.sources[0].profile.reshape(7, 24)
    assert np.ptp(profile, axis=1).max() < 1e-12
    assert profile[6, 0] / profile[1, 0] == pytest.approx(0.3, abs=0.08)
    median = float(np.exp(1.5)) * 86400
    assert calibration.stages[0].fit.gone_by(0, np.array([median]))[0] == pytest.approx(0.5, abs=0.05)
    assert calibration.conversion().low < 0.3 < calibration.conversion().high


def test_a_time_out_is_kept(tmp_path: Path) -> None:
    """Half of the exits after exactly 30 days: seen, told, and in the fitted pace, not smoothed away."""
    rng = np.random.default_rng(6)
    rows = []
    for made, _, source in leads(rng, rng.poisson(60.0, 40), "web"):
        luck = rng.random()
        days = 30.4 if luck < 0.3 else float(np.exp(rng.normal(2.0, 0.7)))
        rows.append((made, made + timedelta(days=days) if luck < 0.6 else None, source))
    calibration = calibrated(tmp_path, rows)
    stage = calibration.stages[0]
    assert len(stage.timeouts) == 1 and stage.timeouts[0].days == pytest.approx(30.4, abs=0.1)
    assert stage.share("customer").low < 0.6 < stage.share("customer").high
    gone = [
        sum(w * stage.fit.gone_by(j, np.array([days * 86400.0]))[0] for j, w in ((0, 0.5), (1, 0.5)))
        for days in (29.5, 31.5)
    ]
    assert gone[1] - gone[0] > 0.45
    assert "a time-out" in calibration.report()
    law = time_law(pace_text(stage, "customer"))
    assert law.family == "mixture" and sum(law.weights) == pytest.approx(1)


def test_two_ways_of_leaving_are_kept_apart(tmp_path: Path) -> None:
    """Half answered by a machine in a minute, half by people in a week."""
    rng = np.random.default_rng(7)
    rows = []
    for made, _, source in leads(rng, rng.poisson(100.0, 30), "web"):
        luck = rng.random()
        seconds = np.exp(rng.normal(np.log(60), 0.2)) if luck < 0.25 else np.exp(rng.normal(np.log(7 * 86400), 0.3))
        rows.append((made, made + timedelta(seconds=float(seconds)) if luck < 0.5 else None, source))
    stage = calibrated(tmp_path, rows).stages[0]
    assert stage.targets == ("customer", "customer") and stage.misfits == ()
    assert stage.share("customer").low < 0.5 < stage.share("customer").high
    law = time_law(pace_text(stage, "customer"))
    assert law.family == "mixture" and max(law.weights) == pytest.approx(0.5, abs=0.05)


def test_odd_times_are_kept_as_they_lie(tmp_path: Path) -> None:
    """Equally likely on any of twenty days, then never: no family has such a shape."""
    rng = np.random.default_rng(7)
    rows = []
    for made, _, source in leads(rng, rng.poisson(150.0, 40), "web"):
        won = made + timedelta(days=float(rng.random() * 20))
        rows.append((made, won if rng.random() < 0.5 else None, source))
    calibration = calibrated(tmp_path, rows)
    stage = calibration.stages[0]
    assert stage.misfits and "no family follows these times" in calibration.report()
    law = time_law(pace_text(stage, "customer"))
    assert law.family == "empirical"
    share, value = np.array(law.parameters).reshape(-1, 2).T
    for days in (5.0, 10.0, 15.0):
        assert np.interp(days * 86400, value, share) == pytest.approx(days / 20, abs=0.03)
    assert stage.share("customer").value == pytest.approx(0.5, abs=0.03)


def test_deal_values() -> None:
    rng = np.random.default_rng(8)
    law = fit_value(np.exp(rng.normal(9, 0.7, 500)), np.ones(500, bool))
    assert (
        law is not None
        and law.text.startswith("lognormal")
        and money_law(law.text).parameters[1] == pytest.approx(0.7, abs=0.08)
    )
    listed = fit_value(rng.choice([990.0, 4990.0], 500), np.ones(500, bool))
    assert listed is not None and listed.text.startswith("empirical")
    assert money_law(listed.text).parameters[1] == 990
    fixed = fit_value(np.full(50, 490.0), np.ones(50, bool))
    assert fixed is not None and money_law(fixed.text).parameters == (490.0,)
    assert fit_value(np.full(50, np.nan), np.ones(50, bool)) is None
