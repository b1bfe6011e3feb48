"""Tables of quantiles against SciPy's distributions: law, moments, tails, atoms, order, inverse, compiled or not."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from scipy import stats

from funnelsim.engine import rng
from funnelsim.engine.rng import CELLS, cdf, make_table, quantile, quantile_at, uniform

# ranks on an even grid of the logit: dense in both tails; u and p = 1 - u, each to full precision
_LOGIT = np.linspace(-30.0, 36.0, 200_001)
RANK, REST = 1.0 / (1.0 + np.exp(-_LOGIT)), 1.0 / (1.0 + np.exp(_LOGIT))
WEIGHT = RANK * REST * (_LOGIT[1] - _LOGIT[0])
LOWER = RANK < 0.5

LAWS = {
    "exponential": stats.expon(scale=3600.0),
    "lognormal 0.5": stats.lognorm(0.5),
    "lognormal 1": stats.lognorm(1.0),
    "lognormal 2": stats.lognorm(2.0, scale=500.0),
    "weibull 0.5": stats.weibull_min(0.5),
    "gamma 0.3": stats.gamma(0.3),
    "gamma 5": stats.gamma(5.0),
    "normal": stats.norm(10.0, 2.0),
    "uniform": stats.uniform(2.0, 3.0),
    "loglogistic 3": stats.fisk(3.0),
}


@njit
def _each(tables, row, ranks, out):
    for i in range(ranks.size):
        out[i] = quantile_at(tables, row, ranks[i])


def _values(table, ranks=RANK):
    out = np.empty_like(ranks)
    _each(table[None], 0, ranks, out)
    return out


@pytest.fixture(scope="module", params=LAWS)
def law(request):
    return LAWS[request.param]


@pytest.fixture(scope="module")
def values(law):
    return _values(make_table(law.ppf, law.isf))


def test_distance_of_the_laws(law, values):
    """Kolmogorov's distance below 1e-5 everywhere, and 3e-5 of the tail's own share down to 1e-9."""
    error = np.where(LOWER, law.cdf(values) - RANK, REST - law.sf(values))
    assert np.abs(error).max() < 1e-5
    tail = np.minimum(RANK, REST)
    far = tail > 1e-9
    assert (np.abs(error) / tail)[far].max() < 3e-5


def test_moments(law, values):
    mean = float((values * WEIGHT).sum())
    sd = float(np.sqrt(((values - mean) ** 2 * WEIGHT).sum()))
    assert mean == pytest.approx(law.mean(), rel=1e-5)
    assert sd == pytest.approx(law.std(), rel=1e-3)  # lognormal 2: its last 1e-10 holds 0.1 % of the sd; else 1e-5


def test_quantiles(law):
    table = make_table(law.ppf, law.isf)
    for u in (0.001, 0.01, 0.1, 0.25, 0.5, 0.9, 0.99, 0.9999):
        assert quantile_at(table[None], 0, u) == pytest.approx(law.ppf(u), rel=1e-4)


def test_values_rise_with_the_rank(law, values):
    assert (np.diff(values) >= 0.0).all()


def test_cdf_is_the_inverse(law):
    table = make_table(law.ppf, law.isf, never=0.25)[None]
    for u in (1e-8, 0.003, 0.2, 0.37499, 0.375, 0.6, 0.7499):
        assert cdf(table, 0, quantile_at(table, 0, u)) == pytest.approx(u, rel=1e-9)
    assert cdf(table, 0, np.inf) == 0.75
    assert cdf(table, 0, -1e9) == 0.0


def test_a_power_tail_is_cut_past_one_in_ten_thousand_million():
    """Stated case: nothing lies beyond rank 1 - 2**-35, so a tail too heavy for its mean loses part of it."""
    law = stats.lomax(1.2)
    values = _values(make_table(law.ppf, law.isf))
    assert np.abs(np.where(LOWER, law.cdf(values) - RANK, REST - law.sf(values))).max() < 1e-5
    assert values[-1] <= law.isf(2.0**-35)
    assert (values * WEIGHT).sum() == pytest.approx(law.mean(), rel=0.02)


def test_fixed_value_is_exact():
    table = make_table(lambda u: np.full_like(u, 1800.1), lambda p: np.full_like(p, 1800.1))
    assert set(_values(table)) == {1800.1}
    assert cdf(table[None], 0, 1800.0) == 0.0
    assert cdf(table[None], 0, 1800.1) == 1.0


def _steps(shares, values):
    """Inverse distribution functions of a law on a few values, from the left end and from the right."""
    ends = np.cumsum(shares)
    ends[-1] = 1.0
    values = np.asarray(values, dtype=float)
    return (
        lambda u: values[np.minimum(np.searchsorted(ends, u), values.size - 1)],
        lambda p: values[np.minimum(np.searchsorted(ends, 1.0 - p, side="right"), values.size - 1)],
    )


@given(st.lists(st.floats(0.005, 1.0), min_size=2, max_size=30))
@settings(max_examples=60, deadline=None)
def test_a_law_on_a_few_values_takes_only_these(weights):
    """Shares to one in a million million, and never a value in between."""
    shares = np.array(weights) / sum(weights)
    table = make_table(*_steps(shares, 10.0 + np.arange(shares.size)))
    if (np.diff(np.cumsum(shares)) < 2.0**-8).any():
        return  # stated case: two jumps in one cell
    assert set(_values(table)) <= set(10.0 + np.arange(shares.size))
    for value, share in enumerate(np.cumsum(shares)[:-1]):
        assert cdf(table[None], 0, 10.0 + value) == pytest.approx(share, abs=1e-11)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.8])
def test_atom_below_a_continuous_part(share):
    """Some at once, the rest lognormal: the atom is exact; beside its end the quantile is too steep for a line."""
    rest = stats.lognorm(1.0)
    table = make_table(
        lambda u: np.where(u <= share, 0.0, rest.ppf((u - share) / (1.0 - share))),
        lambda p: np.where(p >= 1.0 - share, 0.0, rest.isf(p / (1.0 - share))),
    )
    values = _values(table)
    assert (values[(share > RANK) & (RANK > 1e-9)] == 0.0).all()
    assert (values[share + 1e-9 < RANK] > 0.0).all()
    exact = np.where(values > 0.0, share + (1.0 - share) * rest.cdf(values), np.clip(RANK, 0.0, share))
    assert np.abs(exact - RANK).max() < 1e-3
    assert (values * WEIGHT).sum() == pytest.approx((1.0 - share) * rest.mean(), rel=1e-4)


def test_spike_inside_a_continuous_part():
    """A timeout after 30 days that takes 20 %: exactly 30 days, in exactly 20 %."""
    law, low, high = stats.expon(scale=20.0), stats.expon(scale=20.0).cdf(30.0) * 0.8, 0.0
    high = low + 0.2

    def at(u):
        return law.ppf(np.where(u <= low, u, np.maximum(u - 0.2, low)) / 0.8)

    def spiked(u):
        return np.where((u > low) & (u <= high), 30.0, at(u))

    table = make_table(spiked, lambda p: np.where(p < 1.0 - high, law.isf(p / 0.8), spiked(1.0 - p)))
    values = _values(table)
    inside = (low + 1e-9 < RANK) & (high - 1e-9 > RANK)
    assert (values[inside] == 30.0).all()
    assert (values[low - 1e-9 > RANK] < 30.0).all()
    assert (values[high + 1e-9 < RANK] > 30.0).all()
    assert cdf(table[None], 0, 29.999999) == pytest.approx(low, abs=1e-6)


@pytest.mark.parametrize("never", [0.0, 0.3, 1.0])
def test_never(never):
    law = stats.expon()
    values = _values(make_table(law.ppf, law.isf, never))
    assert np.array_equal(np.isinf(values), 1.0 - never <= RANK)
    seen = np.isfinite(values) & (never + 1e-9 < REST)
    exact = law.ppf(RANK[seen] / (1.0 - never or 1.0))
    np.testing.assert_allclose(values[seen], exact, rtol=2e-4, atol=1e-9)


def test_same_luck_same_rank():
    """The rank in every table is the luck itself: a law stretched by two stretches each draw by two."""
    law = stats.gamma(2.0)
    tables = np.stack([make_table(law.ppf, law.isf), make_table(lambda u: 2 * law.ppf(u), lambda p: 2 * law.isf(p))])
    for n in range(200):
        r = np.uint64(rng.bits(np.uint64(n), np.uint64(0), 1, 1))
        assert quantile(tables, 1, r) == 2.0 * quantile(tables, 0, r)
        assert quantile(tables, 0, r) == quantile_at(tables, 0, uniform(r))


def test_infinite_quantiles_inside_are_an_error():
    with pytest.raises(ValueError, match="never"):
        make_table(lambda u: np.where(u < 0.2, u, np.inf), lambda p: np.full_like(p, np.inf))


def test_row_is_as_long_as_stated():
    assert make_table(stats.expon.ppf, stats.expon.isf).shape == (CELLS,)


SAMPLE = """
import numpy as np
from scipy import stats
from funnelsim.engine.rng import *
tables = np.stack([make_table(stats.lognorm(1).ppf, stats.lognorm(1).isf, 0.1),
                   make_table(lambda u: np.where(u <= 0.3, 1.0, 2.0), lambda p: np.where(p >= 0.7, 1.0, 2.0))])
for n in range(300):
    luck = np.uint64(lead_stream(np.uint64(replication_key(np.uint64(2**64 - 1), n)), np.uint64(P_FIT), -n, n))
    r = np.uint64(bits(luck, np.uint64(plus(luck, P_PACE)), n, n))
    x = float(quantile(tables, n & 1, r))
    print(int(r), x.hex(), float(cdf(tables, n & 1, x)).hex(), float(on_grid(x)).hex(), int(poisson8(r)))
"""


def test_same_numbers_with_and_without_the_compiler():
    told = [
        subprocess.run(
            [sys.executable, "-W", "error", "-c", SAMPLE],
            check=True,
            capture_output=True,
            text=True,
            env=os.environ | {"NUMBA_DISABLE_JIT": off},
        ).stdout
        for off in ("0", "1")
    ]
    assert told[0] == told[1]
    assert len(told[0].splitlines()) == 300
