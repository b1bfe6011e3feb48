"""Shapley values: a fair division of a difference among the groups of changes that make it.

A coalition is a set of groups, written as a number whose bit g says that group g is in it; v(S) is what the scenario
gives with these groups changed. Among n groups the share of group g is its contribution averaged over all orders in
which the changes could have been made (Shapley 1953, A value for n-person games):

    share_g = sum over S without g of  |S|! (n - |S| - 1)! / n!  x  (v(S + g) - v(S))

So the shares add up to v(all) - v(none) whatever the changes do to each other, what changes nothing gets nothing, and
two groups that always do the same get the same. Of many groups only some orders are walked, each with its reverse
(antithetic: Lomeli et al. 2019, Low variance Shapley value estimation); in every single order the contributions
telescope, so the sum is the whole difference still, and how the pairs of orders disagree tells the error.

A step on the way of one group (people moved, before anything is shared) divides that group's share: in each order its
contribution from v(S) to v(S + step) is the step's, the rest is what the whole change adds to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from funnelsim.typing import FloatArray

Coalition = int
Values = Mapping[Coalition, FloatArray]  # v of each coalition: an array [draw, pair]
Order = tuple[int, ...]  # groups, the first change first


def every_coalition(groups: int) -> list[Coalition]:
    """All of them, the small ones first."""
    return sorted(range(1 << groups), key=lambda one: (one.bit_count(), one))


def coalitions_of(orders: Iterable[Order], groups: int) -> list[Coalition]:
    """What these orders pass through, and every group alone and left out last, for reports."""
    full = (1 << groups) - 1
    visited = {0, full, *(1 << g for g in range(groups)), *(full ^ 1 << g for g in range(groups))}
    for order in orders:
        visited |= {before | 1 << g for g, before in zip(order, _before(order), strict=True)}
    return sorted(visited, key=lambda one: (one.bit_count(), one))


def random_orders(groups: int, pairs: int, seed: int) -> list[Order]:
    """Random orders, each followed by its reverse."""
    rng = np.random.default_rng(seed)
    orders = []
    for _ in range(pairs):
        order = tuple(int(g) for g in rng.permutation(groups))
        orders += [order, order[::-1]]
    return orders


def exact_shares(groups: int, values: Values) -> FloatArray:
    """Shares [group, draw, pair] from the values of all coalitions. Whole values of fewer than 2^53 / n! lose nothing
    before the last division."""
    shares = np.zeros((groups, *values[0].shape))
    for g in range(groups):
        for before, weight in _weights(groups, g):
            shares[g] += weight * (values[before | 1 << g] - values[before])
    return shares / math.factorial(groups)


def exact_step(groups: int, group: int, values: Values, with_step: Values) -> FloatArray:
    """The step's part of a group's share; `with_step` is v(S + step) for every S without the group."""
    part = np.zeros(values[0].shape)
    for before, weight in _weights(groups, group):
        part += weight * (with_step[before] - values[before])
    return part / math.factorial(groups)


def shares_by_order(orders: Sequence[Order], values: Values) -> FloatArray:
    """Contributions [order, group, draw, pair]; those of an order add up to the whole difference."""
    contributions = np.zeros((len(orders), len(orders[0]), *values[0].shape))
    for i, order in enumerate(orders):
        for g, before in zip(order, _before(order), strict=True):
            contributions[i, g] = values[before | 1 << g] - values[before]
    return contributions


def step_by_order(orders: Sequence[Order], group: int, values: Values, with_step: Values) -> FloatArray:
    """The step's part [order, draw, pair] of a group's contribution in each order."""
    entered = [before_in(order, group) for order in orders]
    return np.array([with_step[before] - values[before] for before in entered])


def before_in(order: Order, group: int) -> Coalition:
    """What is changed already when a group's turn comes."""
    return sum(1 << g for g in order[: order.index(group)])


def without(groups: int, group: int) -> list[Coalition]:
    """All coalitions that a group is not in."""
    return [one for one in every_coalition(groups) if not one >> group & 1]


def order_error(by_order: FloatArray) -> tuple[float, int]:
    """Standard error of the mean over orders, each counted with its reverse, and its degrees of freedom."""
    of_orders = by_order.reshape(len(by_order), -1).mean(axis=1)
    of_pairs = of_orders.reshape(-1, 2).mean(axis=1)
    if len(of_pairs) < 2:
        return math.inf, 0
    return float(of_pairs.std(ddof=1)) / math.sqrt(len(of_pairs)), len(of_pairs) - 1


def _weights(groups: int, group: int) -> Iterable[tuple[Coalition, int]]:
    """Coalitions without a group, and how many of the n! orders have just them before it."""
    for before in without(groups, group):
        size = before.bit_count()
        yield before, math.factorial(size) * math.factorial(groups - size - 1)


def _before(order: Order) -> list[Coalition]:
    before = [0]
    for g, _ in pairwise(order):
        before.append(before[-1] | 1 << g)
    return before
