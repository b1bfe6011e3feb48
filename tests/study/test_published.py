"""`funnelsim validate`: every row of the table of published cases, and proof that a wrong model would fail."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import pytest

from funnelsim.study import published
from funnelsim.study.validate import CaseCheck, missing, run_case, table, validate

CASES = {
    "Cylinder",
    "Erlang C",
    "Implisit's channels",
    "MarketingSherpa",
    "Roberge's lecture",
    "Roberge's book",
    "HBR's audit",
    "HBR's ratios",
    "Leads360's attempts",
    "Fixed reps, rising leads",
}


@cache
def checks() -> tuple[CaseCheck, ...]:
    return tuple(validate(notes.append))


notes: list[str] = []


def test_every_published_figure_is_reproduced() -> None:
    assert [check for check in checks() if not check.passed] == []
    assert {check.name for check in checks()} == CASES == set(notes)
    assert all(check.source and check.grade in ("A", "B", "C", "theory") for check in checks())


def test_what_the_model_cannot_do_yet_is_said() -> None:
    assert [one.name for one in missing()] == ["Referral"]
    assert "Referral: not yet in the model" in table(checks())


def test_figures_are_known_well() -> None:
    """A figure a tenth higher or lower would not pass."""
    loose = [
        check
        for check in checks()
        if check.low > 0.0 and not 0.9 * check.expected < check.low <= check.high < 1.1 * check.expected
    ]
    assert loose == []


@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        ("Cylinder", ["stages.interest.next={evaluation: 99.9%, lost: rest}"]),
        ("Erlang C", ["teams.sales.people=6"]),
        ("Implisit's channels", ["stages.referral lead.next={referral opportunity: 26%, lost: rest}"]),
        ("MarketingSherpa", ["stages.qualified.next={sale: 32%, lost: rest}"]),
        ("Roberge's lecture", ["stages.discovery call.next={demo: 55%, lost: rest}"]),
        ("Roberge's book", ["stages.lead.work.contact=[11%]"]),
        ("HBR's audit", ["teams.sales.habit=exponential(mean 42 hours) never 23%"]),
        ("HBR's ratios", ["stages.inquiry.response=leads360-2012"]),
        ("Leads360's attempts", ["stages.lead.work.contact=velocify"]),
        ("Fixed reps, rising leads", ["stages.lead.response=none", "stages.lead.patience=none"]),
    ],
)
def test_a_wrong_model_fails(name: str, overrides: list[str]) -> None:
    case = copy.deepcopy(next(case for case in published.cases() if case["name"] == name))
    runs: dict[str, Any] = case.get("runs", {"": []})
    case["runs"] = {run: [*given, *overrides] for run, given in runs.items()}

    assert not all(check.passed for check in run_case(case))


def test_the_table_shows_what_fails() -> None:
    wrong = CaseCheck("Case", "somewhere", "A", "customers", 5.0, 6.0, 4.9, 5.1, False)
    below = CaseCheck("Case", "somewhere", "A", "sales", 1.0, 0.5, 0.0, 0.9, True)
    lines = table([wrong, below]).splitlines()

    assert lines[1].split() == ["Case", "customers", "[A]", "5", "6", "4.9", "to", "5.1", "FAILED"]
    assert lines[2].split() == ["Case", "sales", "[A]", "below", "1", "0.5", "0", "to", "0.9", "ok"]
