"""Presets: every one has a source and a grade, and says the numbers it was taken from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from funnelsim.compile.curves import curve_points
from funnelsim.compile.distributions import law_of
from funnelsim.compile.hours import hour_weights
from funnelsim.compile.teams import habit
from funnelsim.scenario import presets

ALL = [(kind, name) for kind in presets.KINDS for name in presets.names(kind)]
CURVES = [name for name in presets.names("response") if name != "none"]


def relative(name: str, minutes: Any) -> Any:
    """r(t) of a response curve as the engines evaluate it."""
    x, y = np.array(curve_points(presets.load("response", name))).T
    return np.exp(np.interp(np.log(np.asarray(minutes, float) * 60.0), x, y))


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_every_preset_has_a_source_and_a_grade(kind: str, name: str) -> None:
    preset = presets.load(kind, name)
    assert preset["source"] and preset["about"]
    assert preset["grade"] in ("A", "B", "C", "assumption")
    assert name in presets.describe(kind, name)


def test_what_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        presets.load("response", "hbr-1999")
    with pytest.raises(KeyError):
        presets.names("colours")


@pytest.mark.parametrize("name", CURVES)
def test_curves_fall_from_their_range_to_their_end_and_are_1_at_the_reference(name: str) -> None:
    curve = presets.load("response", name)
    low, high = curve["valid"]
    r = relative(name, np.geomspace(low, high, 500))
    assert (np.diff(r) <= 1e-12).all()
    assert relative(name, curve["reference"]) == pytest.approx(1.0, abs=1e-9)
    assert relative(name, low / 100) == pytest.approx(relative(name, low))  # flat outside the range
    assert relative(name, high * 100) == pytest.approx(relative(name, high))
    assert curve["target"] in ("contact", "advance")


def test_leads360_has_the_published_uplifts() -> None:
    minutes, uplift = [1, 2, 3, 30, 60, 300, 1440], [391, 160, 98, 62, 36, 24, 17]
    r = relative("leads360-2012", minutes)
    assert r / r[-1] * 1.17 == pytest.approx([1 + u / 100 for u in uplift])
    assert relative("leads360-2012", 5) / relative("leads360-2012", 30) == pytest.approx(1.16, abs=0.01)


def test_lrm_has_the_published_ratios() -> None:
    contact = relative("lrm-2007-contact", [5, 10, 30])
    assert contact[0] / contact == pytest.approx([1, 5, 100], rel=0.002)
    qualify = relative("lrm-2007-qualify", [5, 10, 30])
    assert qualify[0] / qualify == pytest.approx([1, 4, 21], rel=0.20)  # a compromise, as its source says


def test_hbr_has_the_published_ratios_over_the_audits_response_times() -> None:
    """DOMAIN: 6.8 against an hour later and 60 against over 24 hours, averaged over lognormal response times."""
    from scipy.special import ndtr, ndtri

    def average(first: float, last: float) -> float:
        low, high = (ndtr((math.log(hours) - 0.2875) / 5.886) if hours else 0.0 for hours in (first, last))
        hours = np.exp(0.2875 + 5.886 * ndtri(low + (high - low) * (np.arange(400_000) + 0.5) / 400_000))
        return float(relative("hbr-2011", hours * 60).mean())

    assert average(0, 1) / average(1, 2) == pytest.approx(6.8, abs=0.1)
    assert average(0, 1) / average(24, 720) == pytest.approx(60.1, abs=0.3)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("salesup-contact", lambda t: 0.842 / (1 + (t / 93.4) ** 0.610)),
        ("salesup-meeting", lambda t: 0.535 / (1 + (t / 15.9) ** 0.611)),
        ("salesup-opp", lambda t: 0.388 / (1 + (t / 23.0) ** 0.729)),
        ("lrm-2007-contact", lambda t: (1 + t / 2.41) ** -3.12),
        ("lrm-2007-qualify", lambda t: t**-1.74),
        ("hbr-2011", lambda t: t**-0.52),
    ],
)
def test_sampling_a_curve_costs_less_than_1e_4_of_its_logarithm(name: str, form: Any) -> None:
    curve = presets.load("response", name)
    t = np.geomspace(*curve["valid"], 20_011)
    assert np.abs(np.log(relative(name, t)) - np.log(form(t) / form(curve["reference"]))).max() < 1e-4


def test_leads360_reaches_the_published_shares() -> None:
    hazards = np.array(presets.load("contact", "leads360-2012")["hazards"])
    reached = 1 - np.cumprod(1 - hazards)
    assert reached == pytest.approx([0.39, 0.72, 0.83, 0.88, 0.91], abs=0.005)


def test_cold_calls_reach_over_half_in_four_to_six() -> None:
    (chance,) = presets.load("contact", "cold-b2b")["hazards"]
    assert 1 - (1 - chance) ** 4 < 0.55 < 1 - (1 - chance) ** 6


def test_the_audits_habit_is_its_shares_and_its_mean() -> None:
    audit = habit("hbr-audit-2011")
    assert audit is not None
    law = law_of(audit)
    within = law.cdf(np.array([3600.0, 86400.0])) * (1 - law.never)
    assert law.never == pytest.approx(0.23)
    assert within == pytest.approx([0.37, 0.53])
    mean = law.ppf((np.arange(200_000) + 0.5) / 200_000).mean() / 3600
    assert mean == pytest.approx(42.0, abs=0.1)


def test_implisits_channels_multiply_to_the_reported_deals() -> None:
    funnel = presets.load("funnel", "implisit-2014")
    referral = funnel["channels"]["referral"]
    assert referral["opportunity"] * referral["deal"] == pytest.approx(referral["won"], abs=5e-5)
    assert math.prod(funnel["steps"].values()) == pytest.approx(0.0078)


@pytest.mark.parametrize(
    ("name", "won"),
    [
        ("marketingsherpa-2009", 0.048),
        ("roberge-lecture", 5 / 100),
        ("roberge-book", 5 / 150),
        ("default", 0.0079 * 0.023),
    ],
)
def test_funnels_give_the_reported_customers(name: str, won: float) -> None:
    assert math.prod(presets.load("funnel", name)["steps"].values()) == pytest.approx(won, rel=0.005)


def test_profiles_have_168_hours() -> None:
    assert hour_weights("flat") is None
    office = hour_weights("office-hours")
    assert office is not None and office.shape == (168,)
    assert office[10] > 5 * office[2] and office[10] > 3 * office[6 * 24 + 10]  # Monday 10:00, at night, on Sunday
