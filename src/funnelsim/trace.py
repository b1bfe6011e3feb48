"""What happened: visits, assignments, attempts, passings; the same columns and the same order from both engines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from funnelsim.plan import ASSIGNMENT, ATTEMPT, PASSING, SNAPSHOT, SOURCE_AT, VISIT

_BELOW_SOURCE = (1 << SOURCE_AT) - 1


class Trace(NamedTuple):
    """The tables of one replication, each in order of lead and time; and the levels at each midnight."""

    visits: Any  # VISIT
    assignments: Any  # ASSIGNMENT
    attempts: Any  # ATTEMPT
    passings: Any  # PASSING
    levels: NDArray[np.float64]  # [day, level] at the midnight that ends the day; 0 past the horizon

    @classmethod
    def of(
        cls,
        visits: Sequence[Any],
        assignments: Sequence[Any],
        attempts: Sequence[Any],
        passings: Sequence[Any],
        levels: NDArray[np.float64],
    ) -> Trace:
        """From rows in any order: lists of tuples or record arrays."""
        return cls(
            _ordered(visits, VISIT, ("lead", "entered", "stage", "number")),
            _ordered(assignments, ASSIGNMENT, ("lead", "stage", "number", "ordinal")),
            _ordered(attempts, ATTEMPT, ("lead", "stage", "number", "assignment", "task", "ordinal", "joined")),
            _ordered(passings, PASSING, ("lead", "at", "definition")),
            levels,
        )


def in_flight(leads: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which lead numbers are of leads that were in the funnel at the start; the upper bits name the source."""
    flying: NDArray[np.bool_] = leads >> SOURCE_AT == SNAPSHOT
    return flying


def snapshot_id(leads: NDArray[np.int64]) -> NDArray[np.int64]:
    """Identity in the snapshot of leads that were in flight."""
    return leads & _BELOW_SOURCE


def _ordered(rows: Sequence[Any], dtype: np.dtype[Any], keys: tuple[str, ...]) -> Any:
    table = np.array(rows, dtype).view(np.recarray)
    return table[np.lexsort([table[key] for key in reversed(keys)])]
