"""The effect of a late first touch: found where leads were drawn by lot or a queue moved the delay, refused elsewhere.

In the made-up firm the callers see how promising a lead is, and call the promising ones first.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from funnelsim.calibration.history.parser import read_history
from funnelsim.calibration.response import response_estimators
from funnelsim.calibration.response.response_estimators import Refusal, ResponseFit, TouchedLeads

TRUE = 0.30
HOUR = 3600.0


def firm(rng: np.random.Generator, leads: int, hidden: float, moved: np.ndarray) -> TouchedLeads:
    """Odds fall as delay ** -0.30; promising leads are called sooner. `hidden`: what the callers do not see."""
    promise = rng.standard_normal(leads)
    hours = np.exp(0.6 * moved - 0.7 * promise + hidden * rng.standard_normal(leads))
    went_on = rng.random(leads) < expit(-1.2 - TRUE * np.log(hours) + 0.8 * promise)
    return TouchedLeads(np.arange(leads) * 60.0, hours * HOUR, went_on)


def plain_slope(leads: TouchedLeads) -> float:
    late = np.log(leads.delay)
    return -float(
        response_estimators.logit_fit(np.column_stack([np.ones(len(late)), late]), leads.went_on.astype(float))[1]
    )


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Where the delay shows all that the callers saw: 300 firms of 4,000 leads; by chance 93 to 97 % hold it."""
    rng, held, shapes = np.random.default_rng(0), 0, []
    for _ in range(300):
        load = rng.standard_normal(4000)
        fit = response_estimators.by_instrument(firm(rng, 4000, 0.0, load), "load", load, floor=1.0)
        assert isinstance(fit, ResponseFit)
        held += fit.low < TRUE < fit.high
        shapes.append(fit.shape)
    assert np.mean(shapes) == pytest.approx(TRUE, abs=0.01)
    assert 276 <= held <= 294


def test_a_plain_regression_is_wrong_and_the_instrument_is_not() -> None:
    """Callers see more than the delay shows: the plain slope is -0.76, the instrument's -0.29."""
    rng, plain, estimates = np.random.default_rng(1), [], []
    for _ in range(60):
        load = rng.standard_normal(8000)
        leads = firm(rng, 8000, 0.5, load)
        fit = response_estimators.by_instrument(leads, "load", load, floor=1.0)
        assert isinstance(fit, ResponseFit)
        plain.append(plain_slope(leads))
        estimates.append(fit.shape)
    assert np.mean(plain) > 0.7
    assert np.mean(estimates) == pytest.approx(TRUE, abs=0.035)


def test_by_lot() -> None:
    """Half of the leads were put into a slow arm by the toss of a coin."""
    rng, shapes = np.random.default_rng(2), []
    for _ in range(40):
        arm = rng.integers(0, 2, 6000)
        fit = response_estimators.by_lot(firm(rng, 6000, 0.3, 3.0 * arm), np.array(["fast", "slow"])[arm], floor=1.0)
        assert isinstance(fit, ResponseFit) and fit.method == "randomised" and fit.strength > 100
        shapes.append(fit.shape)
    assert np.mean(shapes) == pytest.approx(TRUE, abs=0.03)


def test_a_lot_that_was_none_is_found_out() -> None:
    """The large deals were put into the fast arm: told by the deal value, which was known before."""
    rng = np.random.default_rng(3)
    value = rng.lognormal(8, 1, 4000)
    arm = (np.log(value) + rng.standard_normal(4000) < 8).astype(int)
    leads = firm(rng, 4000, 0.3, 3.0 * arm)
    estimate = response_estimators.by_lot(leads, arm, value[:, None], floor=1.0)
    assert isinstance(estimate, Refusal) and "not drawn by lot" in estimate.reason
    fair = rng.integers(0, 2, 4000)
    assert isinstance(
        response_estimators.by_lot(firm(rng, 4000, 0.3, 3.0 * fair), fair, value[:, None], floor=1.0), ResponseFit
    )


def test_an_instrument_that_moves_nothing_is_refused() -> None:
    rng = np.random.default_rng(4)
    estimate = response_estimators.by_instrument(
        firm(rng, 3000, 0.5, rng.standard_normal(3000)), "noise", rng.standard_normal(3000)
    )
    assert isinstance(estimate, Refusal) and "hardly moves the delay" in estimate.reason


def test_no_effect_is_no_curve() -> None:
    """Delays by lot, outcomes by lot: the interval holds 0."""
    rng = np.random.default_rng(5)
    arm = rng.integers(0, 2, 5000)
    leads = TouchedLeads(np.arange(5000.0), HOUR * np.exp(2.0 * arm), rng.random(5000) < 0.3)
    fit = response_estimators.by_lot(leads, arm)
    assert isinstance(fit, ResponseFit) and fit.low < 0 < fit.high


def test_queue_at_arrival_by_hand() -> None:
    """Asked at 0, 10, 20 and touched at 30, 15, 100: the second finds one waiting, the third one (the first)."""
    waiting = response_estimators.queue_at_arrival(np.array([0.0, 10.0, 20.0]), np.array([30.0, 5.0, 80.0]))
    assert waiting.tolist() == [0.0, 1.0, 1.0]


def test_a_pattern_that_goes_up_and_down_is_no_dose_response() -> None:
    bands = [
        response_estimators.DelayBand(0, 1, 1000, 300),
        response_estimators.DelayBand(1, 2, 1000, 100),
        response_estimators.DelayBand(2, 3, 1000, 300),
    ]
    trend, bend = response_estimators.dose_response(bands)
    assert trend == pytest.approx(0.0, abs=1e-9) and bend > 100
    falling = [response_estimators.DelayBand(i, i + 1, 1000, went) for i, went in enumerate((400, 300, 200))]
    trend, bend = response_estimators.dose_response(falling)
    assert trend > 80 and bend < 1


@pytest.mark.parametrize("asked_for", ["regression: yes", "within: 30 days"])
def test_a_plain_regression_is_refused_with_the_reason(asked_for: str, tmp_path: Path) -> None:
    file = tmp_path / "crm.history.yaml"
    file.write_text(
        "as_of: 2026-03-31\ntables: {leads: {file: leads.csv, id: id}}\n"
        "stages: {lead: leads.created, customer: leads.won}\n"
        f"response: {{stage: lead, touched: leads.called, {asked_for}}}\n",
        encoding="utf-8",
    )
    problems = read_history(file).problems
    assert [problem.text for problem in problems] == [response_estimators.WHY_NOT]
    assert problems[0].line == 4 and "assumed: PRESET" in problems[0].hint
