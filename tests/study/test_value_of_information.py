"""The value of information, against linear models with known variances and a choice with a closed form.

Two options, the gain of the second N(m, s^2 + r^2), of which an unknown that can be measured makes the part s:
    EVPPI = s phi(m / s) - |m| Phi(-|m| / s)            (the unit normal loss: Raiffa and Schlaifer 1961)
Where 90 % intervals cover in many repetitions, fewer are asked for than a right tool covers 999 times in 1000.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from funnelsim.study.sensitivity.value_of_information import InformationValue, information_values, share_limits
from funnelsim.typing import FloatArray

# answer = sum of these times standard normal numbers: variances 4, 1, 0.25, 0 of 5.25
PARTS = {"large": 2.0, "middle": 1.0, "small": 0.5, "nothing": 0.0}
OFTEN = [50, pytest.param(200, marks=pytest.mark.long)]
OPEN = sum(part**2 for part in PARTS.values())


def fewest(repetitions: int) -> int:
    return int(stats.binom.ppf(0.001, repetitions, 0.9))


def linear(draws: int, seed: int, noise: float = 0.0) -> tuple[dict[str, FloatArray], FloatArray]:
    rng = np.random.default_rng(seed)
    features = {path: rng.standard_normal((draws, 1)) for path in PARTS}
    answer = sum((part * features[path][:, 0] for path, part in PARTS.items()), np.zeros(draws))
    return features, answer + noise * rng.standard_normal(draws)


def shares(values: list[InformationValue]) -> dict[str, float]:
    return {one.path: one.share.value for one in values}


def test_shares_are_those_of_the_variances() -> None:
    values = information_values(*linear(4000, seed=1), noise=0.0)
    assert [one.path for one in values][:3] == ["large", "middle", "small"]
    assert shares(values) == pytest.approx({path: part**2 / OPEN for path, part in PARTS.items()}, abs=0.03)


def test_simulation_error_is_no_ignorance() -> None:
    """Draws' means vary by 5.25 of ignorance and as much again of luck; the shares are of the ignorance alone."""
    values = information_values(*linear(8000, seed=2, noise=math.sqrt(OPEN)), noise=OPEN)
    assert shares(values)["large"] == pytest.approx(4.0 / OPEN, abs=0.05)


@pytest.mark.parametrize("repetitions", OFTEN)
def test_few_draws_do_not_flatter(repetitions: int) -> None:
    """Of 40 draws: the shares are right on average, and intervals cover as stated."""
    sums, covered = dict.fromkeys(PARTS, 0.0), dict.fromkeys(PARTS, 0)
    for seed in range(repetitions):
        for one in information_values(*linear(40, seed), noise=0.0):
            truth = PARTS[one.path] ** 2 / OPEN
            sums[one.path] += one.share.value / repetitions
            covered[one.path] += one.share.low <= truth <= one.share.high
    print("means", sums, "covered", covered)
    assert sums["large"] == pytest.approx(4.0 / OPEN, abs=0.03 + 0.2 / math.sqrt(repetitions))
    assert sums["nothing"] < 0.03  # never below 0, so a little above on average
    assert all(count >= fewest(repetitions) for count in covered.values())


def test_a_bent_answer_is_followed() -> None:
    """x^2 of a normal number: no straight line sees it."""
    rng = np.random.default_rng(3)
    x, other = rng.standard_normal((400, 1)), rng.standard_normal((400, 1))
    values = information_values({"x": x, "other": other}, x[:, 0] ** 2 + other[:, 0], noise=0.0)
    assert shares(values)["x"] == pytest.approx(2.0 / 3.0, abs=0.08)


def test_limits_of_one_feature_are_those_of_a_correlation() -> None:
    """R2 of one normal feature is a squared correlation: Fisher's z, good to a hundredth for 100 draws."""
    low, high = share_limits(0.5, 1, 100)
    z, half = math.atanh(math.sqrt(0.5)), stats.norm.ppf(0.95) / math.sqrt(97)
    assert (low, high) == pytest.approx((math.tanh(z - half) ** 2, math.tanh(z + half) ** 2), abs=0.01)
    assert share_limits(0.0, 1, 40)[0] == 0.0 and share_limits(1.0, 1, 40)[1] == pytest.approx(1.0)


# ---- a choice ------------------------------------------------------------------------------------------------------


def evppi(mean: float, deviation: float) -> float:
    return float(deviation * stats.norm.pdf(mean / deviation) - abs(mean) * stats.norm.cdf(-abs(mean) / deviation))


def chosen(draws: int, seed: int, mean: float, told: float, rest: float) -> InformationValue:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((draws, 1))
    gain = mean + told * x[:, 0] + rest * rng.standard_normal(draws)
    (values,) = information_values({"x": x}, gain, noise=0.0, gains=gain[:, None], seed=seed)
    return values


@pytest.mark.parametrize("mean", [0.0, 1.0, -1.0, 3.0])
def test_a_choice_of_two_has_its_closed_form(mean: float) -> None:
    value = chosen(5000, seed=1, mean=mean, told=2.0, rest=1.0)
    assert value.value is not None
    assert value.value.value == pytest.approx(evppi(mean, 2.0), abs=0.05)
    wrong = stats.norm.cdf(-abs(mean) / 2.0)  # it turns out on the other side of 0
    assert value.changes == pytest.approx(wrong, abs=0.02)


@pytest.mark.parametrize("repetitions", OFTEN)
def test_few_draws_do_not_make_information_dear(repetitions: int) -> None:
    """40 draws, many times: plain fits are too high where knowing is worth little; what is told is near the truth."""
    values, covered = [], 0
    truth = evppi(1.0, 1.0)
    for seed in range(repetitions):
        worth = chosen(40, seed, mean=1.0, told=1.0, rest=3.0).value
        assert worth is not None
        values.append(worth.value)
        covered += worth.low <= truth <= worth.high
    print(f"truth {truth:.3f}, mean told {np.mean(values):.3f}, covered {covered}")
    assert np.mean(values) == pytest.approx(truth, abs=0.05 + 3.0 * np.std(values) / math.sqrt(repetitions))
    assert covered >= fewest(repetitions)


def test_what_does_not_matter_is_worth_nothing() -> None:
    """Nothing told: on average below a tenth of what knowing all would be worth."""
    worth = [chosen(40, seed, mean=0.3, told=0.0, rest=1.0).value for seed in range(100)]
    assert np.mean([one.value for one in worth if one]) < 0.1 * evppi(0.3, 1.0)


def test_three_options_by_hand() -> None:
    """Gains x and -x over doing nothing: E max(0, x, -x) = E|x| = 0.798, and without knowing nothing is gained."""
    x = np.random.default_rng(5).standard_normal((5000, 1))
    (values,) = information_values({"x": x}, x[:, 0], noise=0.0, gains=np.concatenate((x, -x), axis=1))
    assert values.value is not None and values.value.value == pytest.approx(math.sqrt(2.0 / math.pi), abs=0.03)


def test_too_few_draws_or_nothing_open_say_nothing() -> None:
    assert information_values(*linear(11, seed=1), noise=0.0) == []
    assert information_values(*linear(40, seed=1), noise=1e6) == []
