"""Comparing honestly: the three spreads, the ladder, break-evens, and what the report says of them."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest

from funnelsim.compile.parameter_draws import uniform
from funnelsim.reporting.compare.report import answer, comparison_report
from funnelsim.study.compare import CompareSpec, Comparison, _information, compare
from funnelsim.study.history_check import HistoryCheck, StageHistoryCheck
from funnelsim.study.paired_difference import two_level_estimate
from funnelsim.study.scenario_diff import key_differences
from support.two_ways import NEW, OLD, SLOW, loaded

GUESSES = {"effects": {"context_lost": "0.3 to 0.9", "marketing_sells": "0.7 to 1.0"}}


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    base = copy.deepcopy(OLD) | SLOW | GUESSES | {"name": "Old way"}
    other = copy.deepcopy(base) | copy.deepcopy(NEW) | {"name": "Shared"}
    return compare(loaded(base), loaded(other, base), spec=CompareSpec(draws=12, pairs=3, check_draws=4, check_pairs=1))


class TestWhatToMeasureFirst:
    """Twelve draws that were run anyway tell which unknown makes most of the answer's spread."""

    def test_every_unknown_of_either_scenario_is_asked_about(self, comparison: Comparison) -> None:
        uncertain_inputs = {one.path for case in comparison.cases for one in case.blueprint.uncertain_inputs}

        assert {one.path for one in comparison.information} == uncertain_inputs
        assert all(0.0 <= one.share.low <= one.share.value <= one.share.high <= 1.0 for one in comparison.information)
        assert all(one.value is not None and one.value.value >= 0.0 for one in comparison.information)

    def test_it_is_said_with_what_the_data_cannot_tell(self, comparison: Comparison) -> None:
        text = comparison_report(comparison)

        assert "Measure first: " in text.split("10 What this data cannot tell")[1]
        assert "If it were known" not in text and "If it were known" in comparison_report(comparison, verbose=1)

    def test_a_belief_that_makes_all_the_difference_is_named(self, comparison: Comparison) -> None:
        """Ten customers more for each tenth of the way of context_lost, the same luck in both: nothing else matters."""
        seed = comparison.cases[0].blueprint.scenario.seed
        ways = np.array([[uniform(seed, draw, "effects.context_lost")] for draw in range(40)])
        base = np.random.default_rng(1).normal(50.0, 5.0, (40, 4))

        first = _information(comparison.cases, [base, base + 20.0, base + 100.0 * ways - 30.0])[0]

        assert first.path == "effects.context_lost" and first.share.low > 0.99
        # the options are 20 and 100 u - 30: without knowing u the one that is better on average
        gains = 100.0 * ways - 30.0
        worth = np.maximum(gains, 20.0).mean() - max(gains.mean(), 20.0)
        assert first.value is not None and first.value.value == pytest.approx(worth)
        assert first.changes == min((gains > 20.0).mean(), (gains < 20.0).mean())


class TestSpreads:
    def test_two_draws_of_two_pairs_by_hand(self) -> None:
        # draw means 1 and 5, variance between 8; within 2 each, so b2 = 8 - 2 / 2 = 7 and se2 = 8 / 2 = 4
        one = two_level_estimate(np.array([[0.0, 2.0], [4.0, 6.0]]))

        t = 6.313751514675043  # 95 % quantile of Student's t with 1 degree of freedom
        assert one.mean == 3.0
        assert one.between == pytest.approx(math.sqrt(7.0))
        assert one.error == pytest.approx(t * 2.0)
        assert one.high - one.mean == pytest.approx(t * math.sqrt(7.0 + 4.0))
        assert one.better_in_one_period == 0.875  # three above 0, one at 0

    def test_without_ignorance_the_interval_is_simulation_error_alone(self) -> None:
        values = np.random.default_rng(1).normal(1.0, 2.0, (10, 4))

        one = two_level_estimate(values, uncertain=False)

        assert one.between == 0.0
        assert one.high - one.mean == pytest.approx(one.error)

    def test_more_pairs_shrink_the_error_but_not_the_ignorance(self) -> None:
        rng = np.random.default_rng(2)
        draws = rng.normal(10.0, 3.0, (400, 1))
        few, many = (two_level_estimate(draws + rng.normal(0.0, 4.0, (400, pairs))) for pairs in (2, 200))

        assert many.error < few.error
        assert many.between == pytest.approx(3.0, rel=0.1)
        assert few.between == pytest.approx(3.0, rel=0.25)

    def test_nothing_varies(self) -> None:
        one = two_level_estimate(np.zeros((5, 2)))

        assert (one.mean, one.low, one.high, one.better) == (0.0, 0.0, 0.0, 0.5)


class TestLadder:
    def test_a_rung_with_the_promises_alone_is_put_between(self, comparison: Comparison) -> None:
        assert [(rung.name, rung.added) for rung in comparison.compared] == [
            ("Old way + promises", True),
            ("Shared", False),
        ]
        assert [one.path for one in comparison.compared[0].changes] == ["promises"]

    def test_it_is_not_put_there_when_the_promises_are_all_that_differs(self) -> None:
        promised = copy.deepcopy(OLD) | {"name": "Promise", "promises": NEW["promises"]}

        comparison = compare(loaded(OLD), loaded(promised, OLD), spec=CompareSpec(draws=3, pairs=1), robustness=False)

        assert [rung.name for rung in comparison.compared] == ["Promise"]

    def test_the_same_scenario_twice_differs_by_nothing_at_all(self) -> None:
        again = copy.deepcopy(OLD) | {"name": "Again"}

        comparison = compare(loaded(OLD), loaded(again, OLD), spec=CompareSpec(draws=4, pairs=2), robustness=False)

        one = comparison.compared[0].differences["cohort.won"]
        assert (one.mean, one.low, one.high) == (0.0, 0.0, 0.0)
        assert comparison.compared[0].changes == []

    def test_the_same_digits_for_any_number_of_threads(self, comparison: Comparison) -> None:
        loads = [case.loaded for case in comparison.cases]
        design = CompareSpec(draws=3, pairs=2)

        one, two = (compare(loads[0], loads[2], spec=design, robustness=False, threads=threads) for threads in (1, 2))

        assert one.compared[-1].differences == two.compared[-1].differences


class TestBeliefs:
    def test_every_range_is_asked_for_its_break_even(self, comparison: Comparison) -> None:
        paths = [one.path for one in comparison.compared[-1].break_evens]

        assert paths == ["effects.context_lost", "effects.marketing_sells"]

    def test_a_promise_is_kept_as_written_and_is_no_range_here(self, comparison: Comparison) -> None:
        assert "promises.adherence" not in [belief.path for belief in comparison.cases[-1].blueprint.beliefs]

    def test_with_all_beliefs_at_one_only_the_policy_is_left(self, comparison: Comparison) -> None:
        last = comparison.compared[-1]

        assert last.beliefs_neutral is not None
        assert (
            last.beliefs_neutral.mean < last.differences[comparison.goal].mean
        )  # the record that is kept pays only by belief

    def test_the_baseline_does_not_move_with_a_belief(self, comparison: Comparison) -> None:
        base = comparison.runs[0].values["cohort.conversion.interest"].mean(axis=1)
        other = comparison.runs[-1].values["cohort.conversion.interest"].mean(axis=1)

        assert base.std() < 0.03
        assert other.std() > 1.5 * base.std()


class TestPrecision:
    def test_more_pairs_are_run_until_the_difference_is_as_sharp_as_asked(self) -> None:
        base = copy.deepcopy(OLD) | copy.deepcopy(SLOW)
        other = copy.deepcopy(base) | copy.deepcopy(NEW)
        design = CompareSpec(draws=5, pairs=1, precision=0.03)

        comparison = compare(loaded(base), loaded(other, base), spec=design, robustness=False)

        assert comparison.pairs > 1
        one = comparison.compared[-1].differences[comparison.goal]
        assert one.error <= 0.03 * comparison.runs[0].values[comparison.goal].mean() or comparison.pairs >= 16

    def test_a_precision_finer_than_a_tenth_of_what_is_not_known_is_refused(self) -> None:
        base = copy.deepcopy(OLD) | {"effects": {"context_lost": "0.05 to 1.0"}}
        other = copy.deepcopy(base) | copy.deepcopy(NEW)
        design = CompareSpec(draws=300, pairs=1, precision=1e-6)

        comparison = compare(loaded(base), loaded(other, base), spec=design, robustness=False)

        assert comparison.pairs == 1
        assert comparison.notes == [
            "a finer precision buys nothing: the simulation error "
            f"({comparison.compared[-1].differences[comparison.goal].error:.2g}) "
            "is already below a tenth of what your data leaves open"
        ]


class TestWords:
    def test_the_answer_is_one_sentence_that_says_what_it_rests_on(self, comparison: Comparison) -> None:
        text = answer(comparison)

        assert text.startswith("Shared: +")
        assert "customers in the cohort (90 % interval +" in text
        assert "given what your data leaves open" in text
        assert "with “Old way + promises”" in text
        assert "rests on beliefs nobody has measured" in text
        assert text.count("\n") == 0

    def test_no_headline_when_the_baseline_is_not_what_happened(self, comparison: Comparison) -> None:
        wrong = HistoryCheck([StageHistoryCheck("interest", 0.2, 0.18, 0.22, 0.31, 0.01)], "crm")

        text = answer(_with(comparison, history=wrong))

        assert text == (
            "No answer: Old way, simulated, does not convert as history says at "
            "interest (31.0 % against 18.0 % to 22.0 %)."
        )

    def test_the_report_has_the_ten_points(self, comparison: Comparison) -> None:
        text = comparison_report(comparison)

        for point in (
            "1  Baseline",
            "3  Ladder",
            "4  Beliefs",
            "6  Hours",
            "7  What differs",
            "8  Outcomes",
            "9  Promises",
        ):
            assert point in text
        assert "10 What this data cannot tell" in text
        assert len(text.splitlines()) < 60

    def test_it_is_said_when_both_teams_are_assumed_equally_good(self, comparison: Comparison) -> None:
        shared = copy.deepcopy(OLD) | copy.deepcopy(NEW) | {"name": "Shared"}
        plain = compare(loaded(OLD), loaded(shared, OLD), spec=CompareSpec(draws=3, pairs=1), robustness=False)

        assert "both teams are assumed equally good" in comparison_report(plain)
        assert "equally good" not in comparison_report(comparison)  # marketing_sells is a range there

    def test_a_difference_in_a_fact_is_shouted(self) -> None:
        richer = copy.deepcopy(OLD) | {"name": "Richer", "sources": {"web": {"rate": "80/week", "cost": 50}}}

        comparison = compare(loaded(OLD), loaded(richer, OLD), spec=CompareSpec(draws=3, pairs=1), robustness=False)

        assert "WARNING: Richer differs in a fact: sources.web.rate (40/week -> 80/week)" in comparison_report(
            comparison
        )


def test_differences_are_listed_by_nature_and_shares_count_as_one_value() -> None:
    base = {
        "name": "a",
        "ownership": {"interest": "sales"},
        "effects": {"fit": 1.5},
        "sources": {"web": {"rate": "4/week"}},
    }
    other: dict[str, Any] = copy.deepcopy(base) | {
        "name": "b",
        "ownership": {"interest": {"sales": "60%", "marketing": "40%"}},
        "effects": {"fit": 2},
    }
    other["sources"]["web"]["rate"] = "5/week"

    rows = [(one.path, one.nature, one.base, one.other) for one in key_differences(base, other)]

    assert rows == [
        ("ownership.interest", "policy", "sales", "{sales: 60%, marketing: 40%}"),
        ("effects.fit", "belief", "1.5", "2"),
        ("sources.web.rate", "fact", "4/week", "5/week"),
    ]


def _with(comparison: Comparison, **changes: Any) -> Comparison:
    from dataclasses import replace

    return replace(comparison, **changes)


def test_a_seed_written_in_a_variant_does_not_give_it_other_beliefs_or_luck() -> None:
    base = copy.deepcopy(OLD) | GUESSES
    again = copy.deepcopy(base) | {"name": "Again", "seed": 77}

    comparison = compare(loaded(base), loaded(again, base), spec=CompareSpec(draws=4, pairs=1), robustness=False)

    assert comparison.compared[0].differences["cohort.won"].mean == 0.0
    assert comparison.compared[0].differences["cohort.won"].period_high == 0.0
