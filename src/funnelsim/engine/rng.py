"""Keyed random draws and samplers: every draw is a pure function of (seed, replication, lead, purpose, visit, attempt).

No state, so a draw does not depend on what happened before it: two scenarios give the same lead the same luck, and
both engines see the same numbers (rule 20). The generator is SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), entered
at a counted position: output n of the stream that starts at s is mix(s + n * GOLDEN). The steps are
seed and replication -> key, key and source and cell and ordinal -> luck of the lead, luck and purpose and
(first, second) -> 64 bits. docs/decisions/001-random-numbers.md has the candidates, the battery and the speed.

Sampling is by a table of the inverse distribution function. A row of the table holds the quantiles at fixed ranks u:
each power of two of the distance to the nearer end of [0, 1], from 1/2 down to 2**-32, is cut into 128 equal cells,
and values between are interpolated linearly, in two pieces where the distribution jumps. So both tails have the same
relative resolution as the middle, a draw costs the same for every distribution, and the same luck means the same rank
in every table. A rank above the share that ever happens is "never".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import config

from funnelsim.engine.jit import shared_kernel
from funnelsim.engine.quantile_discontinuities import Discontinuities, find_jumps, jump_at_end
from funnelsim.int64 import Int
from funnelsim.typing import FloatArray

_U = np.uint64
GOLDEN = _U(0x9E3779B97F4A7C15)
_FIRST_FACTOR, _SECOND_FACTOR = _U(0xBF58476D1CE4E5B9), _U(0x94D049BB133111EB)
_11, _27, _30, _31, _32 = _U(11), _U(27), _U(30), _U(31), _U(32)
_ONE = _U(1)
_TO_UNIT = 2.0**-53
_TICKS, _TICK = 1024.0, 1.0 / 1024.0
_POISSON_MEAN, _POISSON_NONE = 8.0, float(np.exp(-8.0))

if config.DISABLE_JIT:  # type: ignore[attr-defined]  # NumPy warns when a scalar wraps around, compiled code does not

    def _times(a: Int, b: Int) -> np.uint64:
        return _U(int(a) * int(b) & 0xFFFFFFFFFFFFFFFF)

    def plus(a: Int, b: Int) -> np.uint64:
        """Sum modulo 2**64, as for the purpose of a draw: plus(stage.luck, P_PACE)."""
        return _U(int(a) + int(b) & 0xFFFFFFFFFFFFFFFF)
else:

    @shared_kernel
    def _times(a: Int, b: Int) -> np.uint64:
        return a * b  # type: ignore[return-value]  # both are of 64 bits without sign

    @shared_kernel
    def plus(a: Int, b: Int) -> np.uint64:
        """Sum modulo 2**64, as for the purpose of a draw: plus(stage.luck, P_PACE)."""
        return _U(a) + _U(b)


@shared_kernel
def splitmix64(z: Int) -> np.uint64:
    """Finaliser of SplitMix64: a permutation of 64 bits that scatters neighbours."""
    z = _U(z)
    z = _times(z ^ (z >> _30), _FIRST_FACTOR)
    z = _times(z ^ (z >> _27), _SECOND_FACTOR)
    return z ^ (z >> _31)


@shared_kernel
def nth_output(start: Int, position: Int) -> np.uint64:
    """Output `position` of the SplitMix64 stream that starts at `start`; the published stream begins with 1."""
    return splitmix64(plus(start, _times(_U(position), GOLDEN)))


@shared_kernel
def replication_key(seed: Int, replication: Int) -> np.uint64:
    """Key of one replication of one seed."""
    return nth_output(nth_output(_U(seed), _ONE), _U(np.int64(replication)))


@shared_kernel
def lead_stream(key: Int, source_stream: Int, cell: Int, ordinal: Int) -> np.uint64:
    """Luck of a lead, from its identity (rule 18)."""
    return nth_output(nth_output(splitmix64(_U(key) ^ _U(source_stream)), _U(np.int64(cell))), _U(np.int64(ordinal)))


@shared_kernel
def bits(stream: Int, purpose: Int, first: Int, second: Int) -> np.uint64:
    """The draw: 64 bits for a lead, a purpose, a visit number and an attempt or assignment number (rule 20)."""
    return nth_output(plus(_U(stream), _U(purpose)), plus(_U(first) << _32, _U(second)))


@shared_kernel
def uniform(r: Int) -> float:
    """Uniform number in [0, 1), of 53 bits."""
    return float((_U(r) >> _11) * _TO_UNIT)


@shared_kernel
def on_grid(x: float) -> float:
    """A duration rounded to the grid of 1/1024 s: half up, at least one tick when positive (rule 1)."""
    if x <= 0.0:
        return 0.0
    return max(float(np.floor(x * _TICKS + 0.5)) * _TICK, _TICK)


@shared_kernel
def poisson8(r: Int) -> Int:
    """Poisson number of mean 8 by inversion: the points in one cell of the arrival cloud (rule 18)."""
    u = uniform(r)
    count, share = 0, _POISSON_NONE
    below = share
    while u >= below and count < 60:
        count += 1
        share *= _POISSON_MEAN / count
        below += share
    return count


def path_hash(text: str) -> int:
    """64-bit number of a path such as "stages/interest"; never to be changed, or every published run changes."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _purpose(name: str) -> np.uint64:
    return _U(path_hash(f"purpose/{name}"))


# Purposes: the purpose of a draw is the luck of the stage (or source, or 0) plus one of these.
P_HANDLING, P_CONVERSATION, P_CONTACT = _purpose("handling"), _purpose("conversation"), _purpose("contact")
P_PATIENCE, P_PACE, P_EXIT, P_COOL = _purpose("patience"), _purpose("pace"), _purpose("exit"), _purpose("cool")
P_HABIT, P_ADHERENCE, P_HEEDED, P_ROUTING = _purpose("habit"), _purpose("kept"), _purpose("heeded"), _purpose("routing")
P_FIT, P_REACHABLE, P_VALUE, P_OWNER = _purpose("fit"), _purpose("reachable"), _purpose("value"), _purpose("owner")
P_SEGMENT, P_ENTRY, P_COUNT, P_HEIGHT = _purpose("segment"), _purpose("entry"), _purpose("count"), _purpose("height")
P_TIME, P_LEVEL = _purpose("time"), _purpose("level")
P_INTENT, P_TRUST, P_READY, P_NOISE = _purpose("intent"), _purpose("trust"), _purpose("ready"), _purpose("noise")
P_SIGNAL, P_AFTER, P_PAUSE, P_FATIGUE = _purpose("signal"), _purpose("after"), _purpose("pause"), _purpose("fatigue")
P_AGAIN, P_AGAIN_AFTER, P_MERGED, P_SECOND = (_purpose(name) for name in ("again", "again after", "merged", "second"))
P_DECIDE, P_PURSUE, P_REP, P_ABSENT = _purpose("decide"), _purpose("pursue"), _purpose("rep"), _purpose("absent")
P_PREPARE, P_TASK, P_DELAY, P_SHOW = _purpose("prepare"), _purpose("task"), _purpose("delay"), _purpose("show")


# ---- tables of quantiles ---------------------------------------------------------------------------------------------

_DEPTH = 32  # the outermost cell is [0, 2**-32)
_FINE = 7  # 2**7 cells in each power of two
_HALF = np.int64((_DEPTH - 1) * 2**_FINE + 1)  # cells in one half
_SHIFT = np.int64(52 - _FINE)
_OFFSET = np.int64(((1023 - _DEPTH) << _FINE) - 1)
_PART_MASK, _PART = np.int64(2**45 - 1), 2.0**-45
_OUTER, _INTO_OUTER = 2.0**-_DEPTH, 2.0**_DEPTH
_BEYOND = 2.0 ** -(_DEPTH + 3)  # rank at which the outermost cell ends, where the distribution does not
_BELOW_ONE = 1.0 - 2.0**-53
_MOST_BREAKS = np.int64(64)
# Columns of a row: the share that ever happens, its inverse, how many breaks; quantiles; (node, part, before, after) of
# each break.
_PROPER, _STRETCH, _BREAKS, _NODES = np.int64(0), np.int64(1), np.int64(2), np.int64(3)
_BREAK = _NODES + 2 * _HALF + 1
CELLS = int(_BREAK + 4 * _MOST_BREAKS)  # length of a row

Curve = Callable[[FloatArray], Any]


def make_table(ppf: Curve, isf: Curve, never: float = 0.0) -> FloatArray:
    """Row of quantiles: `ppf` gives the value at rank u, `isf` at rank 1 - u; with chance `never` the draw is inf."""
    ranks = _ranks()
    row = np.zeros(CELLS)
    row[_PROPER] = 1.0 - never
    row[_STRETCH] = 1.0 / (1.0 - never) if never < 1.0 else 1.0
    with np.errstate(all="ignore"):
        lower, upper = _finite_end(ppf, ranks), _finite_end(isf, ranks)
        quantiles = np.concatenate((lower[:-1], upper[::-1]))
        if not np.isfinite(quantiles).all():
            raise ValueError("quantiles inside (0, 1) must be finite; use `never` for the share that never happens")
        row[_NODES:_BREAK] = np.maximum.accumulate(quantiles)  # rounding in ppf or isf may have broken the order
        _add_breaks(row, find_jumps(ppf, ranks, lower), jump_at_end(lower, upper), find_jumps(isf, ranks, upper))
    return row


def _ranks() -> FloatArray:
    """Ranks of the quantiles of the lower half, from 0 to 1/2."""
    octaves = 2.0 ** np.arange(-_DEPTH, -1)[:, None]
    inner = octaves * (1.0 + np.arange(2**_FINE) / 2**_FINE)
    return np.concatenate(([0.0], inner.ravel(), [0.5]))


def _finite_end(curve: Curve, ranks: FloatArray) -> FloatArray:
    values = np.array(curve(ranks), dtype=np.float64)
    if not np.isfinite(values[0]):
        values[0] = np.asarray(curve(np.array([_BEYOND])), dtype=np.float64)[0]
    return values


def _add_breaks(row: FloatArray, lower: Discontinuities, middle: Discontinuities, upper: Discontinuities) -> None:
    """Write the breaks in order of rank; where not all fit, the smallest are left to the straight line."""
    mirrored = np.array([2 * _HALF - 1 - upper.cells, 1.0 - upper.parts, upper.after, upper.before]).T[::-1]
    breaks = np.concatenate([np.array(found, dtype=np.float64).T for found in (lower, middle)] + [mirrored])
    nodes = breaks[:, 0].astype(np.int64) + _NODES
    breaks[:, 2:] = np.clip(breaks[:, 2:], row[nodes, None], row[nodes + 1, None])
    largest = np.argsort(breaks[:, 2] - breaks[:, 3], kind="stable")[:_MOST_BREAKS]
    chosen = breaks[np.sort(largest)]
    row[_BREAKS] = len(chosen)
    row[_BREAK : _BREAK + chosen.size] = chosen.ravel()


@shared_kernel
def quantile(tables: Any, row: Int, r: Int) -> float:
    """The draw of table `row` for 64 random bits; inf = never."""
    return quantile_at(tables, row, uniform(r))


@shared_kernel
def quantile_at(tables: Any, row: Int, u: float) -> float:
    """Value at rank u of table `row`; inf = never."""
    if tables[row, _PROPER] < 1.0:
        if u >= tables[row, _PROPER]:
            return np.inf
        u = min(u * float(tables[row, _STRETCH]), _BELOW_ONE)
    p = min(u, 1.0 - u)  # distance to the nearer end; exact
    if p >= _OUTER:
        binary = np.float64(p).view(np.int64)
        node = (binary >> _SHIFT) - _OFFSET
        part = float(binary & _PART_MASK) * _PART
    else:
        node = np.int64(0)
        part = p * _INTO_OUTER
    if u >= 0.5:
        node, part = 2 * _HALF - 1 - node, 1.0 - part
    column = _U(_NODES + node)  # unsigned: the compiler need not look for negative ones
    a, b = float(tables[row, column]), float(tables[row, column + _ONE])
    if tables[row, _BREAKS] > 0.0:
        return _between(tables, row, int(node), a, b, part)
    return min(a + (b - a) * part, b)


@shared_kernel
def _between(tables: Any, row: Int, node: Int, a: float, b: float, part: float) -> float:
    """Value in a cell from a to b that may have a break."""
    at = _break_in(tables, row, node)
    if at >= 0:
        split, before, after = float(tables[row, at + 1]), float(tables[row, at + 2]), float(tables[row, at + 3])
        if part < split:
            b, part = before, part / split
        else:
            a, part = after, (part - split) / (1.0 - split) if split < 1.0 else 1.0
    return min(a + (b - a) * part, b)


@shared_kernel
def _break_in(tables: Any, row: Int, node: Int) -> Int:
    """Column of the break in the cell after a node; -1 = none."""
    for i in range(int(tables[row, _BREAKS])):
        at = int(_BREAK + 4 * i)
        if tables[row, at] == node:
            return at
    return -1


@shared_kernel
def cdf(tables: Any, row: Int, x: float) -> float:
    """Share of table `row` at or below x, `never` in the denominator: the inverse of quantile_at."""
    first, last = _NODES, _NODES + 2 * _HALF
    if x < tables[row, first]:
        return 0.0
    if x >= tables[row, last]:
        return float(tables[row, _PROPER])
    while last - first > 1:  # quantile[first] <= x < quantile[last]
        middle = (first + last) >> 1
        if tables[row, middle] <= x:
            first = middle
        else:
            last = middle
    node = int(first - _NODES)
    low, high = _rank(node), _rank(node + 1)
    part = _part_below(tables, row, node, float(tables[row, first]), float(tables[row, last]), x)
    return float((low + (high - low) * part) * tables[row, _PROPER])


@shared_kernel
def _part_below(tables: Any, row: Int, node: Int, a: float, b: float, x: float) -> float:
    """Part of the cell from a to b, a <= x < b, that is at or below x."""
    at = _break_in(tables, row, node)
    if at < 0:
        return (x - a) / (b - a)
    split, before, after = float(tables[row, at + 1]), float(tables[row, at + 2]), float(tables[row, at + 3])
    if x < before:
        return split * (x - a) / (before - a)
    if x < after:
        return split
    return split + (1.0 - split) * (x - after) / (b - after)


@shared_kernel
def _rank(node: Int) -> float:
    """Rank u of a node, from 0 to 2 * _HALF."""
    if node > _HALF:
        return 1.0 - _rank_below(int(2 * _HALF - node))
    return _rank_below(node)


@shared_kernel
def _rank_below(node: Int) -> float:
    if node == 0:
        return 0.0
    return float(np.int64((node + _OFFSET) << _SHIFT).view(np.float64))
