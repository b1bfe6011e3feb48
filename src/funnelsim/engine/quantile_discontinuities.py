"""Where a quantile function must not be interpolated: jumps, and the ends of atoms, inside a cell of a table.

A value that a distribution takes with positive chance (a timeout after 30 days, one of three prices) makes its
quantile function flat, with a jump or a kink at the end. A straight line across the cell with the jump would invent
values that never occur. So each such cell gets a break: two lines instead of one. Cells are searched whose midpoint
lies off the straight line; a jump is bracketed by zooming in on the largest change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from funnelsim.typing import FloatArray, IntArray

Curve = Callable[[FloatArray], Any]

_OFF_LINE = 0.05  # of the change over the cell: smooth quantile functions stay far below
_A_JUMP = 0.01  # of the change over the cell, when the bracket has closed: less is steep, not broken
_FLAT = 1e-9  # of the change over the cell: as good as equal
_SLICES, _ROUNDS = 64, 5  # the bracket closes to 64**-5 of a cell


class Discontinuities(NamedTuple):
    """One break a row: the cell, the part of the cell before it, the values just before and just after."""

    cells: IntArray
    parts: FloatArray
    before: FloatArray
    after: FloatArray


def find_jumps(curve: Curve, ranks: FloatArray, values: FloatArray) -> Discontinuities:
    """Breaks of a curve whose values at ascending ranks are given; the first cell is left alone."""
    change = np.diff(values)
    middle = _at(curve, 0.5 * (ranks[:-1] + ranks[1:]))
    off_line = np.abs(middle - values[:-1] - 0.5 * change) > _OFF_LINE * np.abs(change)
    off_line[0] = False
    cells = np.flatnonzero(off_line)
    if cells.size == 0:
        return Discontinuities(cells, np.empty(0), np.empty(0), np.empty(0))
    cell = _Cells(curve, ranks[cells], np.diff(ranks)[cells], values[cells], values[cells + 1])
    parts, before, after = cell.jump()
    steep = np.abs(after - before) <= _A_JUMP * np.abs(cell.last - cell.first)
    if steep.any():
        edge, level = cell.flat_end()
        parts, before, after = (np.where(steep, b, a) for a, b in ((parts, edge), (before, level), (after, level)))
    found = ~steep | ((parts > 0.0) & (parts < 1.0))
    return Discontinuities(cells[found], parts[found], before[found], after[found])


def jump_at_end(values: FloatArray, other: FloatArray) -> Discontinuities:
    """Break at the very end of the last cell, where two curves meet that do not agree: a jump at rank 1/2."""
    jumps = abs(other[-1] - values[-1]) > _A_JUMP * abs(other[-1] - values[-2])
    cells = np.array([values.size - 2] if jumps else [], dtype=np.int64)
    return Discontinuities(
        cells, np.ones(cells.size), np.repeat(values[-1], cells.size), np.repeat(other[-1], cells.size)
    )


class _Cells(NamedTuple):
    """Cells to be searched: where each begins, how wide it is, its first and last value."""

    curve: Curve
    ranks: FloatArray
    widths: FloatArray
    first: FloatArray
    last: FloatArray

    def jump(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The place of the largest change, and the values on both sides."""

        def largest_change(values: FloatArray) -> Any:
            return np.argmax(np.abs(np.diff(values, axis=1)), axis=1)

        return self._zoom(largest_change)

    def flat_end(self) -> tuple[FloatArray, FloatArray]:
        """Where a flat beginning stops, or a flat end sets in, and its value; 0 or 1 when there is neither."""
        tolerance = (_FLAT * np.abs(self.last - self.first))[:, None]

        def leaves_first(values: FloatArray) -> Any:
            return np.argmax(np.abs(values[:, 1:] - self.first[:, None]) > tolerance, axis=1)

        def meets_last(values: FloatArray) -> Any:
            return np.argmax(np.abs(values[:, 1:] - self.last[:, None]) <= tolerance, axis=1)

        leaves, meets = self._zoom(leaves_first)[0], self._zoom(meets_last)[0]
        begins_flat = leaves > 1.0 / _SLICES**2
        meets = np.where(meets < 1.0 - 1.0 / _SLICES**2, meets, 1.0)
        return np.where(begins_flat, leaves, meets), np.where(begins_flat, self.first, self.last)

    def _zoom(self, choose: Callable[[FloatArray], Any]) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Cut each bracket into slices, go on with the chosen one; its end, and the values on both sides."""
        low, width = np.zeros_like(self.first), np.ones_like(self.first)
        rows = np.arange(low.size)
        for _ in range(_ROUNDS):
            parts = low[:, None] + width[:, None] * (np.arange(_SLICES + 1) / _SLICES)
            values = _at(self.curve, self.ranks[:, None] + parts * self.widths[:, None])
            slice_ = choose(values)
            low, width = parts[rows, slice_], width / _SLICES
        return parts[rows, slice_ + 1], values[rows, slice_], values[rows, slice_ + 1]


def _at(curve: Curve, ranks: FloatArray) -> FloatArray:
    return np.asarray(curve(ranks.ravel()), dtype=np.float64).reshape(ranks.shape)
