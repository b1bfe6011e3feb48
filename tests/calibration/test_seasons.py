"""Seasons of the year: found when they are there, not when they are not, and written so that a scenario has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from funnelsim.calibration import calibrate
from funnelsim.calibration.arrivals.seasons import Season, fit_season, quiet_days
from funnelsim.scenario import load

WEEK, DAY = 604800.0, 86400.0
AS_OF = np.datetime64("2026-01-05").astype("datetime64[s]").astype(float)
MIDDLES = AS_OF + WEEK * (np.arange(-104, 0) + 0.5)
WAVE = Season(0.3, -0.2, np.zeros((2, 2)), 0.0)


def test_a_wave_averages_one_over_the_year_and_returns() -> None:
    year = AS_OF + np.arange(0, 365.2425, 0.5) * DAY
    assert WAVE.factor(year).mean() == pytest.approx(1.0, abs=1e-3)
    np.testing.assert_allclose(WAVE.factor(year[:10]), WAVE.factor(year[:10] + 365.2425 * DAY))
    assert max(WAVE.factor(year)) / min(WAVE.factor(year)) == pytest.approx(np.exp(2 * np.hypot(0.3, 0.2)), rel=1e-3)


def test_a_season_is_found_with_its_error() -> None:
    """60 firms of two years, 40 leads a week, weeks that differ by 15 %: mean and spread of what is found."""
    rng, seasons, error = np.random.default_rng(1), [], []
    for _ in range(60):
        mean = 40 * WAVE.factor(MIDDLES) * rng.gamma(1 / 0.15**2, 0.15**2, 104)
        season = fit_season(rng.poisson(mean).astype(float), AS_OF)
        assert season is not None
        seasons.append((season.cosine, season.sine))
        error.append(np.sqrt(np.diag(season.covariance)))
    np.testing.assert_allclose(np.mean(seasons, 0), [0.3, -0.2], atol=0.02)
    np.testing.assert_allclose(np.std(seasons, 0), np.mean(error, 0), rtol=0.35)


def test_no_season_is_found_where_there_is_none() -> None:
    """Of 200 firms with a trend and uneven weeks, 1 % are due by chance; more than 8 would be once in 4,000 runs."""
    rng, false = np.random.default_rng(2), 0
    for _ in range(200):
        mean = 40 * np.exp(0.3 * np.arange(104) / 52) * rng.gamma(1 / 0.2**2, 0.2**2, 104)
        false += fit_season(rng.poisson(mean).astype(float), AS_OF) is not None
    assert false <= 8


def test_a_year_cannot_tell_a_season() -> None:
    assert fit_season(40 * WAVE.factor(MIDDLES[-60:]), AS_OF) is None


def test_quiet_days_are_holidays() -> None:
    """Weekdays of 20 to 40 leads, Christmas with one: it is named, and nothing else in two years."""
    rng = np.random.default_rng(3)
    days = np.arange(-728, 0)
    size = rng.poisson(np.where(days % 7 < 2, 6, 30))
    christmas = -11  # 25 December 2025
    size[days == christmas] = 1
    at = np.repeat(AS_OF + days * DAY, size) + rng.random(size.sum()) * DAY
    quiet_ = quiet_days(at, "UTC", AS_OF)
    assert [quiet.day for quiet in quiet_] == ["2025-12-25"] and quiet_[0].leads == 1


def test_a_history_with_a_season(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    rows = ["id,made,won"]
    for middle, factor in zip(MIDDLES, WAVE.factor(MIDDLES), strict=True):
        made = middle + (rng.random(rng.poisson(30 * factor)) - 0.5) * WEEK
        for at in made:
            won = str(np.datetime64(int(at + 5 * DAY), "s")) if rng.random() < 0.3 and at + 5 * DAY < AS_OF else ""
            rows.append(f"{len(rows)},{np.datetime64(int(at), 's')},{won}")
    (tmp_path / "leads.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "a.history.yaml").write_text(
        "as_of: 2026-01-04\ntables: {leads: {file: leads.csv, id: id}}\nstages: {lead: made, customer: won}\n"
    )
    calibration = calibrate(tmp_path / "a.history.yaml", tmp_path / "a.fitted.yaml")
    assert calibration.arrivals.season is not None and calibration.arrivals.sources[0].rate == pytest.approx(
        30, rel=0.06
    )
    assert (
        "arrivals have a season: most in November" in calibration.report() or "most in December" in calibration.report()
    )
    (tmp_path / "next.yaml").write_text(
        "extends: a.fitted.yaml\nobserve: 8 weeks\ndefinitions: {won: enters customer}\n"
    )
    rate = load(str(tmp_path / "next.yaml")).scenario.sources["all"].rate
    by_month = [value.value if hasattr(value, "value") else value for _, value in rate.steps]
    assert len(by_month) == 13
