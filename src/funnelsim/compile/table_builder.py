"""The growing tables of a plan under construction: runs of points, instants, exits and rows of quantiles.

Everything is appended in the order of the file, so an identical scenario gives an identical plan.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from funnelsim.compile.distributions import table, without_never
from funnelsim.engine.rng import CELLS
from funnelsim.plan import POINT, record_from_dicts, zeros_record
from funnelsim.scenario.values import Distribution
from funnelsim.typing import FloatArray

Row = dict[str, Any]
Slice = tuple[int, int]  # first, count


class TableBuilder:
    """What several parts of a plan share; `Slice`s point into it."""

    def __init__(self) -> None:
        self.exits: list[Row] = []
        self.effects: list[Row] = []
        self.steps: list[Row] = []
        self.tasks: list[Row] = []
        self.signals: list[Row] = []
        self.nurtures: list[Row] = []
        self.promises: list[Row] = []
        self.terms: list[Row] = []
        self.actions: list[Row] = []
        self._points: list[FloatArray] = []  # runs of (x, y)
        self._point_count = 0
        self._instants: list[float] = []
        self._tables: list[FloatArray] = []
        self._table_rows: dict[Distribution, int] = {}

    def points(self, run: Iterable[tuple[float, float]] | FloatArray) -> Slice:
        """Append a run of (x, y)."""
        rows = run if isinstance(run, np.ndarray) else np.array(list(run), dtype=np.float64).reshape(-1, 2)
        first = self._point_count
        self._points.append(rows)
        self._point_count += len(rows)
        return first, len(rows)

    def instants(self, run: Iterable[float]) -> Slice:
        """Append a run of instants."""
        first = len(self._instants)
        self._instants.extend(float(x) for x in run)
        return first, len(self._instants) - first

    def table(self, distribution: Distribution | None) -> int:
        """Row of quantiles of a distribution, shared by all that are equal; -1 for none."""
        if distribution is None:
            return -1
        key = without_never(distribution)
        if key not in self._table_rows:
            self._table_rows[key] = self.own_table(distribution)
        return self._table_rows[key]

    def time(self, distribution: Distribution | None) -> int:
        """The same for a length of time; -1 also when it is always zero."""
        if distribution is not None and distribution.family == "fixed" and distribution.parameters[0] == 0.0:
            return -1
        return self.table(distribution)

    def own_table(self, distribution: Distribution) -> int:
        """Row of quantiles that nothing else shares, because parameter draws will overwrite it."""
        self._tables.append(table(distribution))
        return len(self._tables) - 1

    def finish(self) -> tuple[Any, FloatArray, FloatArray]:
        """Points, instants and tables as the arrays of a plan."""
        points = zeros_record(POINT, self._point_count)
        if self._points:
            points["x"], points["y"] = np.concatenate(self._points).T
        tables = np.array(self._tables) if self._tables else np.zeros((0, CELLS))
        return points, np.array(self._instants, dtype=np.float64), tables


def append_rows(rows: list[Row], new: list[Row]) -> Slice:
    """Append rows to a table and say where they are."""
    first = len(rows)
    rows.extend(new)
    return first, len(new)


def array(dtype: np.dtype[Any], rows: list[Row]) -> Any:
    """Record array of rows, with every field given."""
    return record_from_dicts(dtype, rows)
