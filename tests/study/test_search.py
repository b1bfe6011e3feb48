"""The search of `optimise` on functions whose best is known, and the pieces around it, by hand."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from funnelsim.errors import UsageError
from funnelsim.measures import Measure
from funnelsim.study.axes import read_axes
from funnelsim.study.goals import CHANCE
from funnelsim.study.optimise.constraints import read_constraints
from funnelsim.study.optimise.finalists import Objective, are_distinct, finalists_of, gap_of
from funnelsim.study.optimise.front import chances_of_front, on_front, spread_over_front
from funnelsim.study.optimise.trial_search import GROUP, Evaluate, Point, Trial, TrialScore, search, share_of

AXES = read_axes(
    [
        "sources.web.rate=0..10/week",
        "patience=1..100 days log",
        "teams.sales.people=1..9",
        "ownership.a=sales, marketing",
    ]
)


def scoring(
    value: Callable[..., Sequence[float]], excess: Callable[..., Sequence[float]] = lambda *x: ()
) -> tuple[Evaluate, list[list[Point]]]:
    """Scores by a function of (rate, days, people, owner); and the groups that were asked for."""
    groups: list[list[Point]] = []

    def evaluate(points: list[Point]) -> list[TrialScore]:
        groups.append(points)
        there = [
            (*(axis.coordinate(text) for axis, text in zip(AXES[:3], point, strict=False)), *point[3:])
            for point in points
        ]
        return [TrialScore(tuple(value(*x)), tuple(excess(*x))) for x in there]

    return evaluate, groups


def bowl(rate: float, days: float, people: float, owner: str) -> tuple[float]:
    """Highest, 0, at 3.3 a week, 20 days, 4 people, marketing."""
    return (-((rate - 3.3) ** 2) - 2.0 * math.log(days / 20.0) ** 2 - (people - 4.0) ** 2 - 5.0 * (owner == "sales"),)


# ---- the search ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(2))
def test_it_finds_a_top_of_closed_form(seed: int) -> None:
    evaluate, _ = scoring(bowl)
    trials = search(AXES, [True], evaluate, 200, seed)
    best = max(trials, key=lambda trial: trial.score.values)
    assert len(trials) <= 200 and len({trial.point for trial in trials}) == len(trials)
    assert best.score.values[0] > -0.05 and best.point[2:] == ("4", "marketing")  # a random point: about -25


@pytest.mark.parametrize("seed", range(2))
def test_under_a_constraint_the_best_lies_on_it(seed: int) -> None:
    """At most 2 a week: the best is 2 exactly, and worth -1.69."""
    evaluate, _ = scoring(bowl, lambda rate, *_: ((rate - 2.0) / 2.0,))
    trials = search(AXES, [True], evaluate, 200, seed)
    best = max((trial for trial in trials if trial.score.meets), key=lambda trial: trial.score.values)
    assert -1.85 < best.score.values[0] <= -1.69 + 1e-9 and best.point[2:] == ("4", "marketing")


def test_an_end_of_a_range_is_reached() -> None:
    evaluate, _ = scoring(lambda rate, days, people, owner: (rate + people,))
    best = max(search(AXES, [True], evaluate, 200, 1), key=lambda trial: trial.score.values)
    assert best.point[0] == "10/week" and best.point[2] == "9"
    lowest = min(search(AXES, [False], evaluate, 200, 1), key=lambda trial: trial.score.values)
    assert lowest.point[0] == "0/week" and lowest.point[2] == "1"


def test_where_all_points_can_be_run_they_are() -> None:
    axes = read_axes(["teams.sales.people=1..4", "ownership.a=sales, marketing", "sources.web.rate=20..80/week:4"])
    asked: list[Point] = []

    def evaluate(points: list[Point]) -> list[TrialScore]:
        asked.extend(points)
        return [TrialScore((float(point[0]),)) for point in points]

    trials = search(axes, [True], evaluate, 32, 1)
    assert len(asked) == len(trials) == 32 and {point[2] for point in asked} == {
        "20/week",
        "40/week",
        "60/week",
        "80/week",
    }


def test_groups_are_of_a_fixed_size_and_a_search_repeats_itself() -> None:
    evaluate, groups = scoring(bowl)
    first = search(AXES, [True], evaluate, 80, 5)
    assert max(map(len, groups[:-1])) <= GROUP and search(AXES, [True], scoring(bowl)[0], 80, 5) == first
    assert search(AXES, [True], scoring(bowl)[0], 80, 6) != first


def test_what_its_inputs_forbid_is_no_trial_and_a_failure_is_one() -> None:
    def evaluate(points: list[Point]) -> list[TrialScore]:
        return [
            TrialScore((), (0.5,))
            if int(point[2]) > 6
            else TrialScore(error="no such team")
            if point[2] == "1"
            else TrialScore((1.0,), (-0.5,))
            for point in points
        ]

    trials = search(AXES, [True], evaluate, 60, 2)
    refused = [trial for trial in trials if trial.score.refused]
    ran = [trial for trial in trials if not trial.score.refused]
    assert refused and all(int(trial.point[2]) > 6 for trial in refused)
    assert any(trial.score.error for trial in ran) and len(ran) <= 60


def test_of_several_objectives_the_front_is_found() -> None:
    """Rate is good for one and bad for the other; people and days do good to none: the front is people 1, days 1."""
    evaluate, _ = scoring(lambda rate, days, people, owner: (rate - people - math.log(days), rate + people))
    trials = search(AXES, [True, False], evaluate, 200, 3)
    points = finalists_of(AXES, trials, [Objective("a"), Objective("b", False)], 6)
    assert len(points) == 6 and {point[2] for point in points} == {"1"}
    rates = [AXES[0].coordinate(point[0]) for point in points]
    assert min(rates) < 1.0 and max(rates) > 9.0


def test_without_optuna_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UsageError, match=r'optimise needs Optuna: pip install "funnelsim\[optimise\]"'):
        search(AXES, [True], scoring(bowl)[0], 20, 1)


# ---- finalists and the front ---------------------------------------------------------------------------------------


def test_a_front_by_hand() -> None:
    values = np.array([[1.0, 5.0], [2.0, 4.0], [2.0, 3.0], [3.0, 1.0], [1.0, 5.0], [0.0, 0.0]])
    assert on_front(values).tolist() == [True, True, False, True, True, False]
    assert spread_over_front(np.array([[0.0, 9.0], [1.0, 8.0], [5.0, 5.0], [8.0, 1.0], [9.0, 0.0]]), 3) == [0, 2, 4]


def test_the_chance_of_the_front_is_that_of_the_resamples() -> None:
    """One point is always beaten; two that differ by luck alone are each ahead about half of the time."""
    rng = np.random.default_rng(1)
    luck = rng.standard_normal((200, 2))
    luck -= luck.mean(axis=0)
    profit = np.column_stack((luck[:, 0], luck[:, 1], np.full(200, -9.0)))
    cost = np.tile([-1.0, -1.0, -2.0], (200, 1))
    chances = chances_of_front([profit, cost], 3)
    assert chances[2] == 0.0 and chances[:2].sum() == pytest.approx(1.0) and 0.4 < chances[0] < 0.6


def test_neighbours_on_a_range_are_one_policy_and_whole_numbers_are_not() -> None:
    base = ("5/week", "20 days", "4", "sales")
    assert not are_distinct(AXES, base, ("5.3/week", "21 days", "4", "sales"))
    for other in (
        ("5.6/week", *base[1:]),
        (base[0], "30 days", *base[2:]),
        (*base[:2], "5", "sales"),
        (*base[:3], "marketing"),
    ):
        assert are_distinct(AXES, base, other)
    trials = [
        Trial(("5/week", *base[1:]), TrialScore((3.0,))),
        Trial(("5.1/week", *base[1:]), TrialScore((2.9,))),
        Trial(("7/week", *base[1:]), TrialScore((2.0,))),
        Trial(("9/week", *base[1:]), TrialScore((9.0,), (0.1,))),
    ]
    assert finalists_of(AXES, trials, [Objective("a")], 4) == [trials[0].point, trials[2].point]
    assert share_of(AXES[1], "10 days") == pytest.approx(0.5) and math.isnan(share_of(AXES[3], "sales"))


@pytest.mark.parametrize(
    ("text", "unit", "gap"),
    [
        ("", "EUR", 5000.0),
        ("5k", "EUR", 5000.0),
        ("2%", "leads", 10_000.0),
        ("", CHANCE, 0.02),
        ("1%", "share", 0.01),
        ("30 min", "seconds", 1800.0),
    ],
)
def test_a_gap_is_an_amount_or_a_share_of_the_best(text: str, unit: str, gap: float) -> None:
    assert gap_of(text, unit, "EUR", -500_000.0) == pytest.approx(gap)


@pytest.mark.parametrize(("text", "said"), [("0", "--gap must be above 0"), ("much", "--gap: 'much' is not")])
def test_a_gap_that_means_nothing_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        gap_of(text, "EUR", "EUR", 1.0)


# ---- constraints ---------------------------------------------------------------------------------------------------


def known(**values: list[float]) -> dict[str, Measure]:
    units = {"cost": "EUR", "revenue": "EUR", "rate": "share", "goal": CHANCE}
    return {
        f"calendar.{name}" if name != "goal" else name: Measure("calendar", name, "", units[name], np.array(each))
        for name, each in values.items()
    }


MEASURES = known(
    cost=[90.0, 100.0, 110.0], revenue=[300.0, 300.0, 300.0], rate=[1.0, 1.0, 1.0], goal=[1.0, 1.0, 0.0, 1.0]
)


def test_a_constraint_is_met_with_confidence() -> None:
    """Mean 100, deviation 10, three runs: the one-sided 95 % limit is 100 + 2.92 * 10 / sqrt(3) = 116.86."""
    loose, tight = read_constraints(["cost <= 116.9", "calendar.cost at most 116.8"], AXES, MEASURES, "EUR")
    assert loose.excess(MEASURES, 0.95) < 0.0 < tight.excess(MEASURES, 0.95)
    assert tight.excess(MEASURES, 0.95) == pytest.approx((116.858 - 116.8) / 116.8, abs=1e-5)
    (least,) = read_constraints(["cost >= 83.2"], AXES, MEASURES, "EUR")
    assert least.excess(MEASURES, 0.95) == pytest.approx((83.2 - 83.142) / 83.2, abs=1e-4)


def test_a_sum_of_measures_is_taken_run_by_run() -> None:
    (one,) = read_constraints(["2 * cost - 0.5 * calendar.revenue <= 50"], AXES, MEASURES, "EUR")
    assert one.values(MEASURES) == pytest.approx([30.0, 50.0, 70.0])


def test_a_chance_is_judged_by_wilson() -> None:
    """Three of four at 95 % one-sided: between 34.9 % and 94.4 % (score limits, z = 1.645)."""
    high, low = read_constraints(["goal >= 34%", "goal >= 36%"], AXES, MEASURES, "EUR")
    assert high.excess(MEASURES, 0.95) < 0.0 < low.excess(MEASURES, 0.95)


def test_constraints_on_inputs_are_in_the_units_of_the_axes() -> None:
    one, two = read_constraints(["teams.sales.people <= 5", "2 * sources.web.rate >= 8/week"], AXES, MEASURES, "EUR")
    inputs = {"teams.sales.people": 6.0, "sources.web.rate": 3.0}
    assert one.of_inputs and one.excess_of(inputs) == pytest.approx(0.2)
    assert two.excess_of(inputs) == pytest.approx(0.25) and two.excess_of(inputs | {"sources.web.rate": 4.0}) == 0.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "cost < 900",
            '\'cost < 900\' is no constraint: write "calendar.cost <= 900k" or "teams.sales.people + '
            'teams.marketing.people <= 9"',
        ),
        ("calendar.csot <= 900", "there is no measure 'calendar.csot'. did you mean 'calendar.cost'?"),
        ("cost <= much", "constraint 'cost <= much': 'much' is not an amount"),
        ("cost + rate <= 9", "constraint 'cost + rate <= 9': EUR and share do not add up"),
        ("cost + teams.sales.people <= 9", "measures and inputs do not add up; one constraint for each"),
        ("cost * 2 <= 9", "'cost * 2' is no measure and no path"),
        ("ownership.a <= 9", "ownership.a takes words, which have no bound"),
        ("sources.web.rate <= 9/month", "in the unit in which they are varied, here /week"),
        ("sources.web.rate + patience <= 9", "in the unit in which they are varied, here /week, days"),
    ],
)
def test_mistakes_in_constraints_are_told(text: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        read_constraints([text], AXES, MEASURES, "EUR")
    assert said in str(error.value)
