"""Axes and designs: what `--vary` texts mean, which points a design has, and what is told about mistakes."""

from __future__ import annotations

import math

import pytest

from funnelsim.errors import ScenarioError, UsageError
from funnelsim.study.axes import Axis, points, read_axes, read_design


def axis(text: str) -> Axis:
    return read_axes([text])[0]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("sources.web.rate=20..80/week:4", ["20/week", "40/week", "60/week", "80/week"]),
        ("sources.web.rate=20/week..80/week:3", ["20/week", "50/week", "80/week"]),
        ("sources.web.rate=1..2/week:4", ["1/week", "1.33333/week", "1.66667/week", "2/week"]),
        ("teams.sales.people=3..6", ["3", "4", "5", "6"]),
        ("teams.sales.people=3..6:3", ["3", "4", "6"]),  # people come whole
        ("teams.sales.people=2, 5, 9", ["2", "5", "9"]),
        ("promises.adherence=10%..50%:3", ["10%", "30%", "50%"]),
        ("costs.0.amount=5k..20k:4", ["5k", "10k", "15k", "20k"]),
        ("costs.0.amount=1000000..3000000:3", ["1000000", "2000000", "3000000"]),
        ("effects.context_lost=0.5..1:3", ["0.5", "0.75", "1"]),
        (
            "promises.first_touch=within 1..16 business hours:3 log",
            ["within 1 business hours", "within 4 business hours", "within 16 business hours"],
        ),
        (
            "stages.deal.pace=lognormal(median 5..9 days p90 20 days):3",
            [f"lognormal(median {n} days p90 20 days)" for n in (5, 7, 9)],
        ),
        ("ownership.interest=sales, {marketing: 50%, sales: 50%}", ["sales", "{marketing: 50%, sales: 50%}"]),
    ],
)
def test_what_an_axis_means(text: str, values: list[str]) -> None:
    assert list(axis(text).values) == values


def test_values_have_a_place_on_the_axis_when_they_differ_in_a_number_only() -> None:
    assert axis("s.rate=20..80/week:3").coordinate("50/week") == 50.0
    assert axis("s.rate=80/month, 95/month").coordinate("95/month") == 95.0
    assert axis("s.rate=80/month, 95/month").unit == "/month"
    assert math.isnan(axis("s.rate=80/month, 20/week").coordinate("20/week"))
    assert math.isnan(axis("ownership.interest=sales, marketing").coordinate("sales"))


def test_every_mistake_is_told_at_once_with_its_place() -> None:
    with pytest.raises(ScenarioError) as caught:
        read_axes(
            [
                "rate",
                "a=1..2:2",
                "a=3..4:2",
                "b=9..1:3",
                "c=1/day..2/week:3",
                "d=a..b",
                "e=0..5:3 log",
                "f=1,,2",
                "g=1..2:1",
            ]
        )
    text = str(caught.value)
    for line in (
        "--vary:1:1: error: 'rate' varies nothing",
        "--vary:3:1: error: 'a' is varied twice",
        "--vary:4:3: error: the range '9..1:3' runs backwards",
        "--vary:5:3: error: the ends of",
        "--vary:6:3: error: 'a..b' is not a range",
        "--vary:7:3: error: a logarithmic range begins above zero",
        "--vary:8:3: error: an entry of '1,,2' is empty",
        "--vary:9:3: error: 1 values from 1 to 2",
        "write 1..9",
        "8 errors in --vary",
    ):
        assert line in text


def test_a_grid_is_every_combination_the_last_axis_fastest() -> None:
    axes = read_axes(["a=1..2", "b=x, y, z"])
    assert points(axes, read_design("grid"), 1) == [
        ("1", "x"),
        ("1", "y"),
        ("1", "z"),
        ("2", "x"),
        ("2", "y"),
        ("2", "z"),
    ]


def test_a_latin_hypercube_has_one_point_in_each_slice_of_each_axis() -> None:
    axes = read_axes(["a=0..100%", "b=1..1000 days log", "teams.sales.people=3..7", "o=x, y"])
    places = points(axes, read_design("latin:40"), 5)
    shares = [float(a.removesuffix("%")) / 100.0 for a, _, _, _ in places]
    logs = [math.log(float(b.removesuffix(" days"))) / math.log(1000.0) for _, b, _, _ in places]
    for numbers in (shares, logs):
        assert sorted(int(40 * (number + 1e-6)) for number in numbers) == list(range(40))
    assert {n: [people for _, _, people, _ in places].count(n) for n in "34567"} == dict.fromkeys("34567", 8)
    assert [o for *_, o in places].count("x") == 20
    assert points(axes, read_design("latin:40"), 5) == places != points(axes, read_design("latin:40"), 6)


def test_a_sobol_design_fills_every_quarter_alike() -> None:
    axes = read_axes(["a=0..1/week", "b=0..1/week"])
    places = points(axes, read_design("sobol:64"), 3)
    quarters = [(float(a.removesuffix("/week")) > 0.5, float(b.removesuffix("/week")) > 0.5) for a, b in places]
    assert all(quarters.count(one) == 16 for one in set(quarters)) and len(set(quarters)) == 4


@pytest.mark.parametrize(
    ("design", "vary", "said"),
    [
        ("sobol:100", "a=1..2", "a power of two of points, such as sobol:128"),
        ("lattin:9", "a=1..2", "'lattin:9' is no design: write grid, latin:200 or sobol:256"),
        ("latin", "a=1..2", "is no design"),
        ("grid", "a=1..2/week", "a: how many values? On a grid write 1..2/week:11"),
        ("latin:9", "a=1..2/week:5", "the design says how many points"),
        ("grid", "a=1..9000000/week:900000000", ""),
    ],
)
def test_designs_that_make_no_sense(design: str, vary: str, said: str) -> None:
    with pytest.raises((UsageError, ScenarioError)) as caught:
        points(read_axes([vary]), read_design(design), 1)
    assert said in str(caught.value)
