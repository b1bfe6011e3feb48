"""Repeat purchases: closed forms, recovery from simulated customers, and the published estimates for CDNOW."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from funnelsim.calibration import calibrate
from funnelsim.calibration.repeat.repeat_purchase_models import (
    Customers,
    RepeatPurchaseFit,
    customers_of,
    fit_model,
    fit_repeat_purchases,
    log_likelihood,
)

ROOT = Path(__file__).parents[2]
CDNOW = ROOT.parent / "shared" / "data" / "cdnow_asof_1997-09-30"
# Fader, Hardie, Lee 2005, table 2: a sample of 2,357 CDNOW customers, the same 39 weeks.
PUBLISHED_BG = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
PUBLISHED_PARETO = {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}
PER_CUSTOMER = {"bg/nbd": -9582.4 / 2357, "pareto/nbd": -9595.0 / 2357}


def test_customers_from_transactions_by_hand() -> None:
    """Two purchases of one day are one; times are weeks since the first."""
    who = np.array(["ann", "ann", "ann", "bob", "cy", "ann"])
    day = np.array([0, 14, 14, 7, 69, 35])
    customers = customers_of(who, day, 70.0)
    assert customers.repeats.tolist() == [0.0, 0.0, 2.0]
    assert customers.last.tolist() == [0.0, 0.0, 5.0]
    assert customers.followed == pytest.approx([1 / 7, 9.0, 10.0])
    assert customers.alike.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("model", ["bg/nbd", "pareto/nbd"])
def test_no_repeat_purchase_has_a_closed_form(model: str) -> None:
    """BG/NBD: nobody drops out before a repeat purchase, so P(none by T) = (alpha / (alpha + T))^r.

    Pareto/NBD: integrated numerically over the gamma laws of lambda and mu.
    """
    values, weeks = np.array([0.6, 8.0, 0.7, 10.0]), 26.0
    none = Customers(np.zeros(1), np.zeros(1), np.full(1, weeks), np.ones(1))
    if model == "bg/nbd":
        expected = (8.0 / (8.0 + weeks)) ** 0.6
    else:
        rng = np.random.default_rng(0)
        rate, drop = rng.gamma(0.6, 1 / 8.0, 2_000_000), rng.gamma(0.7, 1 / 10.0, 2_000_000)
        still = np.exp(-(rate + drop) * weeks)
        expected = float((still + drop / (rate + drop) * (1 - still)).mean())
    assert np.exp(log_likelihood(model, values, none)) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("model", "shops", "enough"), [("bg/nbd", 20, 17), ("pareto/nbd", 6, 4)])
def test_recovery(model: str, shops: int, enough: int) -> None:
    """Shops of 1,000 customers: 95 % intervals of the first year's purchases hold the truth as often as they say."""
    truth = np.array([0.6, 6.0, 0.9, 3.0]) if model == "bg/nbd" else np.array([0.6, 6.0, 0.7, 12.0])
    held = 0
    for seed in range(shops):
        fit = fit_model(model, simulated(model, truth, 1000, 52.0, seed))
        low, high = fit.expected_span(52.0)
        held += low < float(replace(fit, values=truth).expected(52.0)) < high
    assert held >= enough


def test_the_model_that_made_the_data_is_the_likelier() -> None:
    fits = fit_repeat_purchases(simulated("bg/nbd", np.array([0.6, 6.0, 0.9, 1.5]), 4000, 78.0, 1))
    assert fits[0].model == "bg/nbd" and fits[0].log_likelihood > fits[1].log_likelihood + 2


@pytest.mark.parametrize("model", ["bg/nbd", "pareto/nbd"])
def test_expected_purchases_are_those_of_simulated_customers(model: str) -> None:
    truth = np.array([0.8, 5.0, 1.4, 4.0])
    customers = simulated(model, truth, 100_000, 40.0, 3)
    law = RepeatPurchaseFit(model, (), truth, np.eye(4), 0.0, 0)
    seen = float(customers.repeats.mean())
    assert float(law.expected(customers.followed).mean()) == pytest.approx(seen, rel=0.02)


def test_who_is_still_a_customer() -> None:
    """Of simulated customers the share of the active ones is the mean of their chances."""
    truth = np.array([0.8, 5.0, 1.4, 4.0])
    for model in ("bg/nbd", "pareto/nbd"):
        customers, active = simulated_with_truth(model, truth, 50_000, 40.0, 4)
        law = RepeatPurchaseFit(model, (), truth, np.eye(4), 0.0, 0)
        assert float(law.active(customers).mean()) == pytest.approx(active, abs=0.01)


def test_nobody_came_back() -> None:
    assert fit_repeat_purchases(customers_of(np.array(["a", "b"]), np.array([0, 3]), 70.0)) == []


def test_cdnow_as_published() -> None:
    """All 23,570 customers against the published estimates of a tenth: within three of a tenth's standard errors."""
    repeat = calibrate(history(), data_dir=CDNOW).repeat
    assert repeat is not None and repeat.customers == 23_570
    assert [fit.model for fit in repeat.fits] == ["bg/nbd", "pareto/nbd"]
    for fit, published in zip(repeat.fits, (PUBLISHED_BG, PUBLISHED_PARETO), strict=True):
        a_tenth = np.sqrt(23_570 / 2357) * fit.se
        assert fit.names == tuple(published)
        assert (np.abs(fit.values - np.array(list(published.values()))) < 3 * a_tenth).all()
        assert fit.log_likelihood / 23_570 == pytest.approx(PER_CUSTOMER[fit.model], rel=0.02)


def test_cdnow_forecast(tmp_path: Path) -> None:
    """Fitted on 26 weeks, the next 13 are forecast: 7,195 repeat purchases were made."""
    early = tmp_path / "early.history.yaml"
    early.write_text(history().read_text(encoding="utf-8").replace("1997-09-30", "1997-07-01"), encoding="utf-8")
    whole, part = calibrate(history(), data_dir=CDNOW).repeat, calibrate(early, data_dir=CDNOW)
    assert whole is not None and part.repeat is not None
    made = whole.repeats - part.repeat.repeats
    fit = part.repeat.best
    # Everyone's first purchase lies 13 to 26 weeks back; the mean is enough for the sum.
    back = np.linspace(13.0, 26.0, 200)
    told = part.repeat.customers * float((fit.expected(back + 13.0) - fit.expected(back)).mean())
    assert made == pytest.approx(7195, abs=60)
    assert told == pytest.approx(made, rel=0.10)


def test_a_fitted_file_holds_the_models(tmp_path: Path) -> None:
    import yaml

    log = tmp_path / "bought.csv"
    rng = np.random.default_rng(5)
    gaps = [rng.geometric(0.03, rng.integers(0, 6)) for _ in range(400)]
    days = [(f"c{i}", np.cumsum(np.r_[rng.integers(0, 60), its])) for i, its in enumerate(gaps)]
    start = np.datetime64("2026-01-01")
    rows = [f"{name},{start + int(day)},{rng.lognormal(4, 0.5):.2f}" for name, its in days for day in its if day < 180]
    log.write_text("customer,on,amount\n" + "\n".join(rows) + "\n", encoding="utf-8")
    file = tmp_path / "shop.history.yaml"
    keys = "{file: bought.csv, customer: customer, time: on, value: amount}"
    file.write_text(f"as_of: 2026-06-29\npurchases: {keys}\n", encoding="utf-8")
    calibration = calibrate(file, tmp_path / "shop.fitted.yaml")
    block = yaml.safe_load(calibration.files[0].read_text(encoding="utf-8"))["fitted"]["repeat"]
    assert block["customers"] == 400 and block["value"].startswith("lognormal(")
    assert [model["model"] for model in block["models"]] == [fit.model for fit in calibration.repeat.fits]
    assert all(row["low"] < row["mean"] < row["high"] for row in block["expected"])


def history() -> Path:
    if not CDNOW.is_dir():
        pytest.skip("the CDNOW data are not here")
    return ROOT / "calibration" / "cdnow.history.yaml"


def simulated(model: str, values: np.ndarray, size: int, weeks: float, seed: int) -> Customers:
    return simulated_with_truth(model, values, size, weeks, seed)[0]


def simulated_with_truth(model: str, values: np.ndarray, size: int, weeks: float, seed: int) -> tuple[Customers, float]:
    """Customers by the words of the model, and the share of them that is still active at the end."""
    rng = np.random.default_rng(seed)
    r, alpha, a, b = values
    rate = rng.gamma(r, 1 / alpha, size)
    followed = rng.uniform(0.6, 1.0, size) * weeks
    stops = rng.beta(a, b, size) if model == "bg/nbd" else np.zeros(size)
    end = np.full(size, np.inf) if model == "bg/nbd" else rng.exponential(1 / rng.gamma(a, 1 / b, size))
    repeats, last, now, active = np.zeros(size), np.zeros(size), np.zeros(size), np.ones(size, bool)
    while active.any():
        now = np.where(active, now + rng.exponential(1 / np.maximum(rate, 1e-12)), now)
        active &= (now < followed) & (now < end)
        repeats, last = repeats + active, np.where(active, now, last)
        gone = active & (rng.random(size) < stops)
        end = np.where(gone, now, end)
        active &= ~gone
    return Customers(repeats, last, followed, np.ones(size)), float((end > followed).mean())
