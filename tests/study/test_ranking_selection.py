"""Best of k: Kim and Nelson's procedure on normal cases whose best is known, and beside the field's library.

Slippage: seven systems at 0 and one ahead by exactly the gap, the hardest case. With the stated 95 % a right procedure
is right 380 of 400 times +- 4.4; it fails fewer than 366 once in 1000 tests.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from sim_tools.ovs.indifference_zone import KN

from funnelsim.study.optimise.ranking_selection import Observe, estimated_chance, select
from funnelsim.typing import FloatArray

MOST = 4000


def observing(values: FloatArray) -> Observe:
    """The systems of a table [observation, system]."""

    def observe(systems: Sequence[int], n: int) -> FloatArray:
        return values[:n, list(systems)]

    return observe


def normal(means: Sequence[float], seed: int, common: float, own: float, n: int = MOST) -> FloatArray:
    """Observations with luck that all systems share, and luck of their own."""
    rng = np.random.default_rng(seed)
    return np.asarray(means) + common * rng.standard_normal((n, 1)) + own * rng.standard_normal((n, len(means)))


def test_the_constants_by_hand() -> None:
    """k = 8, n0 = 10, 95 %: eta = ((0.1 / 7) ** (-2 / 9) - 1) / 2 = 0.7853, h2 = 18 eta = 14.14."""
    eta = 0.5 * ((0.1 / 7.0) ** (-2.0 / 9.0) - 1.0)
    assert eta == pytest.approx(0.7853, abs=1e-3)
    # two systems of which the first is ahead by 3 in ten pairs whose differences have variance 8/9:
    # n0 = 10, k = 2: h2 = 9 * (0.1 ** (-2/9) - 1) = 6.01; W = 1 / 20 * (h2 * S2 - 10) = -0.23, so 0: dropped at once
    apart = np.array([2.0, 4.0, 2.0, 4.0, 2.0, 4.0, 2.0, 4.0, 3.0, 3.0])
    selection = select(observing(np.column_stack((apart, np.zeros(10)))), 2, 1.0)
    assert (
        selection.best == 0
        and selection.counts == (10, 10)
        and selection.remaining == (0,)
        and selection.means == (3.0, 0.0)
    )
    # with a gap of 0.1: W = 0.1 / 20 * (6.01 * 0.889 / 0.01 - 10) = 2.62 < 3: still dropped; of 2.5 ahead not
    assert select(observing(np.column_stack((apart, np.zeros(10)))), 2, 0.1, most=10).remaining == (0,)
    assert select(observing(np.column_stack((apart - 0.5, np.zeros(10)))), 2, 0.1, most=10).remaining == (0, 1)


@pytest.mark.parametrize(("common", "own"), [(0.0, 1.0), (3.0, 1.0)])
@pytest.mark.parametrize("renewed", [False, True])
def test_it_chooses_right_as_often_as_stated(common: float, own: float, renewed: bool) -> None:
    means = [0.0] * 7 + [1.0]
    right = sum(
        select(observing(normal(means, seed, common, own, 200)), 8, 1.0, renewed=renewed, grow=0.1).best == 7
        for seed in range(400)
    )
    assert right >= 366


def test_common_luck_makes_it_short() -> None:
    """Best of 8, gap 1: with deviations of 3, of which 9 parts in 10 of the variance shared, a tenth of the runs."""
    means = [0.0] * 7 + [1.0]
    runs = {
        common: np.median(
            [
                select(observing(normal(means, seed, common, math.sqrt(9.0 - common**2))), 8, 1.0).runs
                for seed in range(40)
            ]
        )
        for common in (0.0, math.sqrt(8.1))
    }
    assert runs[0.0] > 5.0 * runs[math.sqrt(8.1)]


def test_of_two_within_the_gap_either_will_do_and_equals_end() -> None:
    same = np.tile(np.arange(20.0)[:, None], (1, 3))
    selection = select(observing(same), 3, 0.5)
    assert (
        selection.finished
        and selection.best == 0
        and selection.counts == (10, 10, 10)
        and selection.remaining == (0, 1, 2)
    )
    near = normal([0.0, 0.01, -2.0], 3, 1.0, 0.5)
    assert select(observing(near), 3, 0.5).best in (0, 1)
    assert select(observing(near[:, :1]), 1, 0.5).best == 0


def test_when_observations_run_out_the_chance_is_an_estimate() -> None:
    values = normal([0.0, 0.05], 1, 0.0, 1.0)
    selection = select(observing(values), 2, 0.05, most=50)
    assert not selection.finished and selection.counts == (50, 50)
    ahead = values[:50].mean(axis=0)
    best = int(ahead.argmax())
    apart = values[:50, best] - values[:50, 1 - best]
    from scipy import stats

    wrong = stats.t.sf((apart.mean() + 0.05) / (apart.std(ddof=1) / math.sqrt(50)), 49)
    assert selection.chance == pytest.approx(1.0 - wrong) == estimated_chance(values[:50], best, 0.05)


def test_equal_pairs_of_0_and_1_are_no_proof() -> None:
    """Twenty periods met by both: without the two added pairs their variance would be 0 and the first would win."""
    rng = np.random.default_rng(5)
    luck = rng.random((3000, 1))
    met = (luck < np.array([[0.90, 0.96]])).astype(float)
    met[:20] = 1.0
    assert select(observing(met), 2, 0.03, first=20).counts == (20, 20)  # wrong: 90 % taken for the best
    selection = select(observing(met), 2, 0.03, first=20, shares=True)
    assert selection.best == 1 and selection.finished and selection.counts[0] > 60


@pytest.mark.parametrize("options", [{"gap": 0.0}, {"gap": math.nan}, {"gap": 1.0, "chance": 1.0}])
def test_a_gap_or_a_chance_that_means_nothing_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="gap"):
        select(observing(np.zeros((20, 2))), 2, **options)


# ---- beside sim-tools ----------------------------------------------------------------------------------------------


class Table:
    """A model of sim-tools that gives the observations of a table in order."""

    def __init__(self, values: FloatArray) -> None:
        self.values, self.at = values, np.zeros(values.shape[1], int)

    def register_observer(self, observer: Any) -> None:
        self.observer = observer

    def simulate(self, design: int) -> None:
        value = self.values[self.at[design], design]
        self.at[design] += 1
        self.observer.feedback(self, design, value)


class Mended(KN):
    """sim-tools 1.3.0 looks the variance of (i, l) up in row i, column l - 1 of a table without its diagonal, which is
    another pair's when l < i; and it observes once more after only one system is left."""

    def _limit_to_distance_from_sample_means(self, design_i: int, design_l: int) -> float:
        index = design_i * (self._k - 1) + design_l - (design_l > design_i)
        span = (
            self._delta / (2 * self._r) * (self._h_squared * self._variance_of_diffs[index] / self._delta**2 - self._r)
        )
        return max(0.0, float(span))


@pytest.mark.parametrize("order", [1, -1])
def test_sim_tools_keeps_the_same_survivor_after_the_same_observations(order: int) -> None:
    """With the look-up mended survivor and counts are ours; as it is, the counts may differ."""
    same = other = 0
    for seed in range(40):
        values = normal([0.2 * i for i in range(8)][::order], seed, 2.0, 0.5)
        ours = select(observing(values), 8, 0.2)
        mended, plain = (which(Table(values), 8, 0.2, alpha=0.05, n_0=10) for which in (Mended, KN))
        assert [*mended.solve()] == [ours.best]
        once_more = (np.arange(8) == ours.best).astype(int)
        assert (mended._allocations == np.array(ours.counts) + once_more).all()
        same += list(plain.solve()) == [ours.best]
        other += plain._allocations.sum() != mended._allocations.sum()
    assert same >= 38 and other > 0
