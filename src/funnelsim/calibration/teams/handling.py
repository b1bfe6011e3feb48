"""How long pieces of work take: from start to end, by kind of work.

    handling = ended - started, + wrap-up

Wrap-up is what a worker needs between two pieces when the next one waits already: the median of the gaps after which a
piece begins that had been asked for before the last one ended. Longer gaps are time away, and belong to staffing.
Work that was left open overnight is no handling time: where a team closes, pieces that end on another day than they
began are set aside and counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from funnelsim.calibration.io.times import local_parts
from funnelsim.calibration.survival.duration_fit import DurationFit, fit_duration
from funnelsim.calibration.teams.work_items import NOBODY, WorkItems
from funnelsim.typing import FloatArray

LONGEST_WRAP_UP = 1800.0  # a gap beyond this is a break


@dataclass(frozen=True)
class HandlingFit:
    """Of one kind of work."""

    pieces: int
    mean: float  # seconds, wrap-up left out
    law: DurationFit | None  # None: too few
    left_open: int  # pieces set aside: they end on another day than they began


def left_open(pieces: WorkItems, zone: str) -> np.ndarray:
    """Pieces that end on another day than they began."""
    known = pieces.served & np.isfinite(pieces.ended)
    overnight = np.zeros(len(pieces), bool)
    if known.any():
        first, _ = local_parts(pieces.started[known], zone)
        last, _ = local_parts(pieces.ended[known], zone)
        overnight[known] = first != last
    return overnight


def fit_handling(pieces: WorkItems, overnight: np.ndarray, rounding: float = 0.0) -> dict[str, HandlingFit]:
    """By kind of work; `overnight` pieces are set aside; `rounding`: to how many seconds times are known."""
    length = pieces.ended - pieces.started
    known = pieces.served & np.isfinite(pieces.ended) & (length >= 0)
    by_kind = {}
    for number, name in enumerate(pieces.kinds):
        mine = known & (pieces.kind == number)
        used = length[mine & ~overnight]
        if len(used):
            law = fit_duration(used, rounding=rounding)
            by_kind[name] = HandlingFit(len(used), float(used.mean()), law, int((mine & overnight).sum()))
    return by_kind


def wrap_up(pieces: WorkItems) -> float:
    """Seconds a worker needs between two pieces while the next one waits; 0 when that is never seen."""
    gaps = _gaps_with_work_waiting(pieces)
    return float(np.median(gaps)) if len(gaps) else 0.0


def _gaps_with_work_waiting(pieces: WorkItems) -> FloatArray:
    mine = (pieces.worker != NOBODY) & pieces.served & np.isfinite(pieces.ended)
    order = np.lexsort((pieces.started[mine], pieces.worker[mine]))
    worker, asked = pieces.worker[mine][order], pieces.asked[mine][order]
    started, ended = pieces.started[mine][order], pieces.ended[mine][order]
    gap = started[1:] - ended[:-1]
    waiting = (worker[1:] == worker[:-1]) & (asked[1:] <= ended[:-1]) & (gap >= 0) & (gap <= LONGEST_WRAP_UP)
    return np.asarray(gap[waiting])
