"""Keyed random numbers: published vectors, dependence on every part of the key, no structure between neighbours.

Statistical tests run on fixed keys, so they pass or fail for ever; a new generator would fail each with the chance
stated (four in a million for the whole file).
"""

import math

import numpy as np
import pytest
from numba import njit
from scipy import stats

from funnelsim.engine import rng
from funnelsim.engine.rng import bits, lead_stream, on_grid, path_hash, plus, poisson8, replication_key, uniform

U = np.uint64
SOURCE, STAGE = U(path_hash("sources/web")), U(path_hash("stages/interest"))
KEY = U(replication_key(U(1), 0))
LUCK = U(lead_stream(KEY, SOURCE, 3, 5))
COUNT = 1 << 16
FALSE_ALARM = 1e-7  # of each single test below; there are forty


def test_published_outputs_of_splitmix64():
    # seed 1234567: the test of the Rosetta Code task; seed 0: the first output of Vigna's splitmix64.c
    published = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    assert [int(rng.nth_output(U(1234567), U(n))) for n in range(1, 6)] == published
    assert int(rng.nth_output(U(0), U(1))) == 0xE220A8397B1DCDAF


def test_a_draw_is_an_output_of_a_published_stream():
    start = (int(LUCK) + int(STAGE)) % 2**64
    assert int(bits(LUCK, STAGE, 2, 7)) == int(rng.nth_output(U(start), U((2 << 32) + 7)))


def test_numbers_never_change():
    """Pinned: another number here changes every result ever published."""
    assert path_hash("stages/interest") == 0xB4D988C664FD3AF8
    assert int(KEY) == 0xDCE423FC82C0D5B8
    assert int(LUCK) == 0x443987EE9905E494
    assert int(bits(LUCK, STAGE, 1, 1)) == 0x67CD325CD49E6D75


def test_luck_of_negative_numbers_is_defined():
    assert len({int(lead_stream(KEY, SOURCE, cell, n)) for cell in (-2, -1, 0, 1) for n in (-1, 0, 1)}) == 12


def test_plus_wraps_around():
    assert int(plus(U(2**64 - 1), U(3))) == 2


def test_purposes_differ():
    values = [int(v) for name, v in vars(rng).items() if name.startswith("P_")]
    assert len(values) == len(set(values)) >= 21


def test_unit_is_in_half_open_interval():
    assert uniform(U(0)) == 0.0
    assert uniform(U(2**64 - 1)) == 1.0 - 2.0**-53


@pytest.mark.parametrize(
    ("x", "rounded"),
    [
        (0.0, 0),
        (-3.0, 0),
        (1e-12, 1),
        (1.49 / 1024, 1),
        (1.5 / 1024, 2),
        (2.5 / 1024, 3),
        (1.0, 1024),
        (86400.3, 88473907),
    ],
)
def test_grid_rounds_half_up_and_keeps_positive_lengths(x, rounded):
    assert on_grid(x) == rounded / 1024


def test_grid_keeps_infinity():
    assert on_grid(np.inf) == np.inf


def test_poisson_has_the_right_law():
    draws = np.array([poisson8(U(n)) for n in _draws(_leads)[:20000]])
    assert poisson8(U(0)) == 0
    assert 20 < poisson8(U(2**64 - 1)) <= 60
    expected = stats.poisson(8).pmf(np.arange(25)) * draws.size
    observed = np.bincount(draws, minlength=25)[:25]
    kept = expected > 5
    expected *= observed[kept].sum() / expected[kept].sum()
    assert stats.chisquare(observed[kept], expected[kept]).pvalue > FALSE_ALARM


# ---- the orders in which the engine and studies take draws -----------------------------------------------------------


@njit
def _attempts(out):
    for i in range(out.size):
        out[i] = bits(LUCK, STAGE, 1, i)


@njit
def _visits(out):
    for i in range(out.size):
        out[i] = bits(LUCK, STAGE, i, 1)


@njit
def _leads(out):
    for i in range(out.size):
        out[i] = bits(lead_stream(KEY, SOURCE, i >> 3, i & 7), STAGE, 1, 1)


@njit
def _purposes(out):
    for i in range(out.size):
        out[i] = bits(lead_stream(KEY, SOURCE, i >> 7, (i >> 4) & 7), STAGE + U(i & 15), 1, 1)


@njit
def _replications(out):
    for i in range(out.size):
        out[i] = bits(lead_stream(replication_key(U(1), i), SOURCE, 0, 0), STAGE, 1, 1)


@njit
def _seeds(out):
    for i in range(out.size):
        out[i] = bits(lead_stream(replication_key(U(i), 0), SOURCE, 0, 0), STAGE, 1, 1)


ORDERS = [_attempts, _visits, _leads, _purposes, _replications, _seeds]


def _draws(order):
    out = np.empty(COUNT, np.uint64)
    order(out)
    return out


@pytest.mark.parametrize("order", ORDERS, ids=lambda f: f.py_func.__name__ if hasattr(f, "py_func") else f.__name__)
def test_draws_look_independent(order):
    """One-dimensional law, pairs of neighbours, every bit, serial correlation at lags to 64, no repeats."""
    draws = _draws(order)
    u = (draws >> U(11)) * 2.0**-53
    assert stats.kstest(u, "uniform").pvalue > FALSE_ALARM
    cells = (u[:-1] * 16).astype(int) * 16 + (u[1:] * 16).astype(int)
    for pairs in (cells[::2], cells[1::2]):  # disjoint pairs
        assert stats.chisquare(np.bincount(pairs, minlength=256)).pvalue > FALSE_ALARM
    ones = ((draws[:, None] >> np.arange(64, dtype=np.uint64)) & U(1)).mean(axis=0)
    assert np.abs(ones - 0.5).max() < _bound(tests=64) * 0.5 / math.sqrt(COUNT)
    centred = (u - 0.5) * math.sqrt(12.0)
    lags = [float(np.mean(centred[:-lag] * centred[lag:])) for lag in range(1, 65)]
    assert np.abs(lags).max() < _bound(tests=64) / math.sqrt(COUNT - 64)
    assert np.unique(draws).size == COUNT


@njit
def _leads_other_purpose(out):
    for i in range(out.size):
        out[i] = bits(lead_stream(KEY, SOURCE, i >> 3, i & 7), STAGE + rng.P_PACE, 1, 1)


def test_bits_of_two_draws_of_one_lead_are_uncorrelated():
    """Luck in one purpose says nothing of luck in another, bit by bit."""
    signs = [
        np.where((_draws(order)[:, None] >> np.arange(64, dtype=np.uint64)) & U(1), 1.0, -1.0)
        for order in (_leads, _leads_other_purpose)
    ]
    correlation = signs[0].T @ signs[1] / COUNT
    assert np.abs(correlation).max() < _bound(tests=64 * 64) / math.sqrt(COUNT)


@njit
def _flipped(part, bit, counts, size):
    """How often each bit of the draw changes with one bit of one part of the key."""
    for i in range(size):
        key, stream = [U(1), U(i), SOURCE, U(i >> 3), U(i & 7), STAGE, U(1), U(1 + (i & 3))], U(0)
        before = after = U(0)
        for turn in range(2):
            stream = lead_stream(replication_key(key[0], np.int64(key[1])), key[2], np.int64(key[3]), np.int64(key[4]))
            before, after = after, bits(stream, key[5], np.int64(key[6]), np.int64(key[7]))
            if turn == 0:
                key[part] ^= U(1) << U(bit)
        changed = before ^ after
        for b in range(64):
            counts[b] += (changed >> U(b)) & U(1)


@pytest.mark.parametrize(
    ("part", "width"),
    list(enumerate([64, 32, 64, 48, 16, 64, 16, 16])),
    ids=["seed", "replication", "source", "cell", "ordinal", "purpose", "first", "second"],
)
def test_every_bit_of_the_key_flips_every_bit_of_the_draw_half_the_time(part, width):
    size = 1 << 14
    worst = 0.0
    for bit in range(width):
        counts = np.zeros(64, np.int64)
        _flipped(part, bit, counts, size)
        worst = max(worst, float(np.abs(counts / size - 0.5).max()))
    assert worst < _bound(tests=64 * width) * 0.5 / math.sqrt(size)


def _bound(tests):
    """Standard deviations that the largest of so many normal numbers exceeds with chance FALSE_ALARM."""
    return float(stats.norm.isf(FALSE_ALARM / tests / 2))
