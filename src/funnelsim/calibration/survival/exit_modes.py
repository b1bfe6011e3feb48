"""Exits whose times are not of one piece: time-outs, and two ways of leaving mixed in one.

A time-out (many exits of one kind on the same day after entry) and the modes of a distribution (a machine answers in
a minute, people in a week) are kept as exits of their own with the same target. One wide law over both would not
only smooth them away: its tail would promise exits that never come.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from funnelsim.calibration.survival.competing_risks import Spells
from funnelsim.calibration.survival.time_distributions import log_time
from funnelsim.typing import FloatArray

DAY = 86400.0
MOST_PARTS = 4  # exits to one target
FEWEST = 30  # exits on either side of a valley
SHALLOW = 0.5  # a valley must be this much lower than the lower of the peaks beside it


@dataclass(frozen=True)
class Timeout:
    """So many exits of one kind fall on one day after entry."""

    exit: str
    days: float
    count: int
    of: int


def split_timeouts(spells: Spells) -> tuple[Spells, tuple[Timeout, ...]]:
    """Time-outs as exits of their own, after the others."""
    timers = []
    for j, name in enumerate(spells.exits):
        mine = spells.outcome == j + 1
        day = _spike_day(spells.time[mine], spells.rounding[mine])
        if day is not None:
            inside = mine & (np.abs(spells.time - day * DAY) <= 0.5 * DAY)
            spells = _as_own_exit(spells, j, inside)
            timers.append(
                Timeout(name, float(np.median(spells.time[inside]) / DAY), int(inside.sum()), int(mine.sum()))
            )
    return spells, tuple(timers)


def split_modes(spells: Spells, exits: list[int]) -> Spells | None:
    """The later of two modes of these exits as an exit of its own; None when no exit has two."""
    split = None
    for j in exits:
        mine = spells.outcome == j + 1
        valley = _valley(log_time(np.maximum(spells.time[mine], 1.0)))
        if valley is not None and spells.exits.count(spells.exits[j]) < MOST_PARTS:
            split = _as_own_exit(split or spells, j, mine & (log_time(spells.time) > valley))
    return split


def _as_own_exit(spells: Spells, exit_: int, which: np.ndarray) -> Spells:
    outcome = spells.outcome.copy()
    outcome[which] = len(spells.exits) + 1
    since = spells.recorded_for
    return replace(
        spells,
        exits=(*spells.exits, spells.exits[exit_]),
        outcome=outcome,
        recorded_for=(*since, since[exit_]) if since else (),
    )


def _spike_day(time: FloatArray, rounding: FloatArray) -> float | None:
    """The day after entry on which at least four times as many leave as on the days around it, if there is one.

    At least 5 % and 20 of the exits must be in excess, and none of this is looked for in the first two days.
    """
    if len(time) < 50 or np.median(rounding) > 3600:
        return None
    days = np.round(time / DAY).astype(int)
    count = np.bincount(days, minlength=days.max() + 5).astype(float)
    padded = np.pad(count, 3)
    around = sum(padded[3 + k : 3 + k + len(count)] for k in (-3, -2, -1, 1, 2, 3)) / 6.0
    excess = count - around
    excess[(np.arange(len(count)) < 3) | (count < 4 * around) | (excess < max(20.0, 0.05 * len(time)))] = 0.0
    return float(excess.argmax()) if excess.any() else None


def _valley(log_t: FloatArray) -> float | None:
    """The lowest point between two peaks of the log times, when it is clearly lower than both."""
    bins = int(np.clip(len(log_t) / 15, 6, 30))
    count, edges = np.histogram(log_t, bins)
    smooth = np.convolve(np.pad(count, 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
    best, deepest = None, SHALLOW
    for i in range(1, bins - 1):
        lower = min(smooth[:i].max(), smooth[i + 1 :].max())
        beside = min(count[:i].sum(), count[i + 1 :].sum())
        if beside >= FEWEST and lower - smooth[i] > 4 * np.sqrt(lower) and smooth[i] < deepest * lower:
            best, deepest = float((edges[i] + edges[i + 1]) / 2), smooth[i] / lower
    return best
