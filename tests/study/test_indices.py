"""Screening and Sobol indices on functions whose effects and indices are known on paper, by the code that studies use.

Ishigami and Homma (1990): f = sin x1 + 7 sin^2 x2 + 0.1 x3^4 sin x1, x in (-pi, pi). With b = 0.1, a = 7:
    V1 = (1 + b pi^4 / 5)^2 / 2, V2 = a^2 / 8, V13 = 8 b^2 pi^8 / 225; V3 = 0, V = V1 + V2 + V13
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import special, stats

from funnelsim.study.sensitivity.indices import elementary_effects, morris_points, saltelli_points, sobol_indices
from funnelsim.typing import FloatArray

V1, V2, V13 = (1.0 + 0.1 * math.pi**4 / 5.0) ** 2 / 2.0, 49.0 / 8.0, 8.0 * 0.01 * math.pi**8 / 225.0
V = V1 + V2 + V13
FIRST, TOTAL = (V1 / V, V2 / V, 0.0), ((V1 + V13) / V, V2 / V, V13 / V)
ALONE = [[0], [1], [2]]


def ishigami(u: FloatArray) -> FloatArray:
    x = math.pi * (2.0 * u - 1.0)
    value: FloatArray = np.sin(x[..., 0]) + 7.0 * np.sin(x[..., 1]) ** 2 + 0.1 * x[..., 2] ** 4 * np.sin(x[..., 0])
    return value


def test_ishigami_is_found() -> None:
    indices = sobol_indices(ishigami(saltelli_points(ALONE, 4096, seed=1)), seed=1)
    assert [one.first.value for one in indices] == pytest.approx(FIRST, abs=0.02)
    assert [one.total.value for one in indices] == pytest.approx(TOTAL, abs=0.02)
    for one, first, total in zip(indices, FIRST, TOTAL, strict=True):
        assert one.first.low <= first <= one.first.high and one.total.low <= total <= one.total.high
        assert one.first.high - one.first.low < 0.12


def test_scipy_says_the_same_of_the_same_points() -> None:
    values = ishigami(saltelli_points(ALONE, 256, seed=3))
    theirs = stats.sobol_indices(func={"f_A": values[:1], "f_B": values[1:2], "f_AB": values[2:, None, :]}, n=256)
    mine = sobol_indices(values, seed=3)
    assert [one.first.value for one in mine] == pytest.approx(np.ravel(theirs.first_order))
    assert [one.total.value for one in mine] == pytest.approx(np.ravel(theirs.total_order))


def test_intervals_cover_as_often_as_they_say() -> None:
    """90 % intervals in 200 repetitions: 180 on average, below 167 once in 1000 tests; those of even points cover more.

    The index of an input that does nothing is left out: its total is 0 exactly, whatever the points.
    """
    covered = np.zeros(5, int)
    for seed in range(200):
        indices = sobol_indices(ishigami(saltelli_points(ALONE, 128, seed)), seed)
        wanted = [(one.first, first) for one, first in zip(indices, FIRST, strict=True)]
        wanted += [(one.total, total) for one, total in zip(indices[:2], TOTAL, strict=False)]
        covered += [one.low <= truth <= one.high for one, truth in wanted]
    print("covered", covered)
    assert (covered >= 167).all()


def test_a_group_has_the_share_of_all_it_holds() -> None:
    """f = x1 + 2 x2 + 3 x3: the variances are as 1 : 4 : 9, and x1 with x3 has 10 of 14."""
    values = saltelli_points([[0, 2], [1]], 1024, seed=2) @ np.array([1.0, 2.0, 3.0])
    both, other = sobol_indices(values, seed=2)
    assert both.first.value == pytest.approx(10.0 / 14.0, abs=0.02)
    assert both.total.value == pytest.approx(10.0 / 14.0, abs=0.02)
    assert other.first.value == pytest.approx(4.0 / 14.0, abs=0.02)


def test_where_nothing_varies_nothing_has_a_share() -> None:
    indices = sobol_indices(np.full((4, 8), 5.0), seed=1)
    assert [(one.first.value, one.total.high) for one in indices] == [(0.0, 0.0)] * 2


# ---- screening -----------------------------------------------------------------------------------------------------


def screened(
    f: Callable[[FloatArray], FloatArray], groups: list[list[int]], count: int = 20
) -> list[tuple[float, float]]:
    points, order = morris_points(groups, count, seed=4)
    effects = elementary_effects(points, order, f(points), groups, seed=4)
    return [(one.mu_star.value, one.sigma.value if one.sigma else math.nan) for one in effects]


def test_a_straight_function_has_its_slopes_and_no_bend() -> None:
    effects = screened(lambda u: u @ np.array([2.0, -5.0, 0.0]), ALONE)
    assert [size for size, _ in effects] == pytest.approx([2.0, 5.0, 0.0])
    assert [bend for _, bend in effects] == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)


def test_inputs_that_act_together_bend() -> None:
    """f = x1 x2 + x3: the effect of x1 is x2, one of 1/8 ... 7/8: mean 1/2, deviation sqrt(5)/8; that of x3 is 1."""
    (one, bend), (two, _), (three, none) = screened(lambda u: u[..., 0] * u[..., 1] + u[..., 2], ALONE, 2000)
    assert (one, two, three) == pytest.approx((0.5, 0.5, 1.0), abs=0.02)
    assert bend == pytest.approx(math.sqrt(5.0) / 8.0, abs=0.02) and none == pytest.approx(0.0, abs=1e-9)


def test_a_bent_effect_is_not_lost_where_its_mean_is_nothing() -> None:
    """(x - 1/2)^2 is the same on both sides of the middle: steps from 1/8 to 5/8 and back change it by +- 1/8."""
    ((size, bend),) = screened(lambda u: (u[..., 0] - 0.5) ** 2, [[0]], 2000)
    assert size == pytest.approx(0.25) and bend == pytest.approx(0.25, abs=0.01)


def test_each_step_moves_one_input_and_stays_inside() -> None:
    groups = [[0, 1], [2]]
    points, order = morris_points(groups, 50, seed=1)
    assert set(np.ravel(points)) == {0.125, 0.375, 0.625, 0.875}
    for path, row in zip(points, order, strict=True):
        for j, group in enumerate(row):
            assert list(np.flatnonzero(path[j + 1] != path[j])) == groups[group]
            assert np.abs(path[j + 1] - path[j])[groups[group]] == pytest.approx(0.5)


def test_of_a_straight_function_screening_tells_the_variance() -> None:
    """x uniform has variance 1/12, so 2 x has 1/3; of a normal number it tells the order of size only."""
    points, order = morris_points([[0], [1]], 200, seed=1)
    values = 2.0 * points[..., 0] + special.ndtri(points[..., 1])
    plain, normal = elementary_effects(points, order, values, [[0], [1]], seed=1)
    assert plain.variance == pytest.approx(1.0 / 3.0)
    assert normal.variance == pytest.approx(1.0, rel=0.4)
