"""Working time on the open intervals of a team (rules 2, 3 and 5), exact on the grid.

A team's calendar is a run (first, count) of rows of `plan.intervals`: half-open [opens, closes), in order, disjoint;
touching ones differ in capacity. `before` is the open time before `opens`, so any sum of open time is a difference of
two such numbers and is found by bisection. The last interval may end at inf.

Nothing is known about hours before instant 0: negative instants (clocks of leads in flight) count as 0.
A team is open whenever its calendar is, also with nobody on shift: capacity 0 is not the same as closed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.jit import shared_kernel
from funnelsim.int64 import Int


@shared_kernel
def interval_index(intervals: Any, first: Int, count: Int, t: float) -> Int:
    """Row of the interval containing t, or of the next one to open; first + count when there is none."""
    t = max(t, 0.0)
    low, high = first, first + count
    while low < high:  # the first interval that closes after t
        middle = (low + high) >> 1
        if intervals[middle].closes > t:
            high = middle
        else:
            low = middle + 1
    return low


@shared_kernel
def is_open(intervals: Any, first: Int, count: Int, t: float) -> bool:
    """Whether the team is open at t."""
    i = interval_index(intervals, first, count, t)
    return bool(i < first + count and intervals[i].opens <= max(t, 0.0))


@shared_kernel
def capacity_at(intervals: Any, first: Int, count: Int, t: float) -> Int:
    """People on shift at t."""
    i = interval_index(intervals, first, count, t)
    if i < first + count and intervals[i].opens <= max(t, 0.0):
        return int(intervals[i].capacity)
    return 0


@shared_kernel
def next_opening(intervals: Any, first: Int, count: Int, t: float) -> float:
    """t itself when the team is open, else when it opens next; inf when never again."""
    i = interval_index(intervals, first, count, t)
    if i == first + count:
        return np.inf
    return max(t, float(intervals[i].opens))


@shared_kernel
def add_open(intervals: Any, first: Int, count: Int, t: float, length: float) -> float:
    """Earliest instant at which `length` of open time has passed since t (rule 3); inf when never."""
    if length <= 0.0:
        return t
    since = _open_before(intervals, first, count, t)
    if since + length == np.inf:
        return np.inf
    low, high = interval_index(intervals, first, count, t), first + count
    end = high
    while low < high:  # the first interval at whose end that much has passed
        middle = (low + high) >> 1
        if _open_by_end(intervals, middle) >= since + length:
            high = middle
        else:
            low = middle + 1
    if low == end:
        return np.inf
    return float(intervals[low].opens + (since + length - intervals[low].before))


@shared_kernel
def open_between(intervals: Any, first: Int, count: Int, a: float, b: float) -> float:
    """Open seconds in [a, b)."""
    if b <= a:
        return 0.0
    return _open_before(intervals, first, count, b) - _open_before(intervals, first, count, a)


@shared_kernel
def person_seconds(intervals: Any, first: Int, count: Int, a: float, b: float) -> float:
    """Seconds on shift in [a, b), summed over people."""
    total = 0.0
    i = interval_index(intervals, first, count, a)
    while i < first + count and intervals[i].opens < b:
        total += intervals[i].capacity * (min(b, intervals[i].closes) - max(a, intervals[i].opens))
        i += 1
    return total


@shared_kernel
def _open_before(intervals: Any, first: Int, count: Int, t: float) -> float:
    """Open seconds in [0, t)."""
    i = interval_index(intervals, first, count, t)
    if i == first + count:
        return _open_by_end(intervals, i - 1) if count > 0 else 0.0
    return float(intervals[i].before + max(0.0, t - intervals[i].opens))


@shared_kernel
def _open_by_end(intervals: Any, i: Int) -> float:
    """Open seconds up to the end of interval i."""
    return float(intervals[i].before + (intervals[i].closes - intervals[i].opens))
