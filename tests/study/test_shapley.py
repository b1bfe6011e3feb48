"""Shapley values against games whose shares are known: by hand, by symmetry, and by every order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funnelsim.study.explain.shapley import (
    every_coalition,
    exact_shares,
    exact_step,
    order_error,
    random_orders,
    shares_by_order,
)
from support.tolerances import ROUNDING_OF_SHARES


def game(groups: int, value: Any) -> dict[int, Any]:
    return {
        one: np.array([[float(value({g for g in range(groups) if one >> g & 1}))]]) for one in every_coalition(groups)
    }


class TestDivision:
    def test_two_changes_by_hand(self) -> None:
        # nothing 0, the first alone 10, the second alone 4, both 20: (10 + 16) / 2 and (4 + 10) / 2
        values = game(2, lambda inside: {(): 0, (0,): 10, (1,): 4, (0, 1): 20}[tuple(sorted(inside))])

        assert exact_shares(2, values).ravel().tolist() == [13.0, 7.0]

    def test_the_game_of_gloves(self) -> None:
        # one left glove and two right ones, a pair is worth 1: 2/3 to the left one (Shapley's own example)
        values = game(3, lambda inside: 0 in inside and len(inside) > 1)

        assert exact_shares(3, values).ravel() == pytest.approx([2 / 3, 1 / 6, 1 / 6])

    def test_what_changes_nothing_gets_nothing_and_twins_get_the_same(self) -> None:
        values = game(4, lambda inside: len(inside & {0, 1}) ** 3 + 5 * (2 in inside))

        assert exact_shares(4, values).ravel().tolist() == [4.0, 4.0, 5.0, 0.0]

    def test_whole_values_add_up_to_the_last_bit_times_n_factorial(self) -> None:
        rng = np.random.default_rng(1)
        values = {one: rng.integers(0, 10**6, (5, 3)).astype(float) for one in every_coalition(6)}

        total = exact_shares(6, values).sum(axis=0)

        assert np.abs(total - (values[63] - values[0])).max() <= ROUNDING_OF_SHARES * 10**6

    def test_a_step_on_the_way_by_hand(self) -> None:
        # the second change goes over a step: worth 1 from nothing, 9 once the first is made; of its share 7 that is 5
        values = game(2, lambda inside: {(): 0, (0,): 10, (1,): 4, (0, 1): 20}[tuple(sorted(inside))])
        with_step = {0: np.array([[1.0]]), 1: np.array([[19.0]])}

        assert exact_step(2, 1, values, with_step).ravel().tolist() == [5.0]

    def test_every_order_gives_the_whole_difference(self) -> None:
        rng = np.random.default_rng(2)
        values = {one: rng.integers(0, 1000, (4, 2)).astype(float) for one in every_coalition(8)}

        by_order = shares_by_order(random_orders(8, 5, seed=3), values)

        assert (by_order.sum(axis=1) == values[255] - values[0]).all()

    def test_orders_walked_at_random_miss_the_exact_share_as_seldom_as_their_interval_says(self) -> None:
        """7 groups x 60 repetitions of 90 % intervals. Shares of one repetition hang together, so the count is judged
        by repetitions: their mean coverage has a standard error below 0.4 / sqrt(60) = 0.05; 0.75 is three of them."""
        rng = np.random.default_rng(4)
        weights = rng.normal(0.0, 1.0, (7, 7))
        values = game(7, lambda inside: sum(weights[a, b] for a in inside for b in inside) + 3.0 * (len(inside) > 3))
        truth = exact_shares(7, values).ravel()
        covered = []
        for repetition in range(60):
            by_order = shares_by_order(random_orders(7, 12, seed=repetition), values)
            errors = np.array([order_error(by_order[:, g])[0] for g in range(7)])
            covered.append((np.abs(by_order.mean(axis=0).ravel() - truth) <= 1.796 * errors + 1e-12).mean())

        assert 0.75 <= np.mean(covered) <= 1.0
