"""Planned call-backs, kept apart from waits.

Work on a lead comes in spells: asked for, begun, put away, begun again days later because the buyer said Thursday. The
time to the first spell is a wait: somebody wanted it done and nobody had time. The time between two spells is a plan:
counted as a wait it would make the team look days behind (BPI Challenge 2012: a median of hours becomes one of days).

    asked -> first start                                    wait, when the log says that it was asked for
    end -> next start, same case and kind, within 10 min    the same piece goes on: one handling time
    end -> next start, later, not asked for anew            a call-back

A call-back that was planned for a day comes at about the hour of the call before: the share within an hour of a whole
number of days is told beside what chance gives, 2 hours in 24.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from funnelsim.calibration.survival.duration_fit import DurationFit, fit_duration
from funnelsim.calibration.teams.work_items import WorkItems
from funnelsim.typing import FloatArray

DAY = 86400.0
GOES_ON = 600.0
NEAR = 3600.0
BY_CHANCE = 2 * NEAR / DAY


@dataclass(frozen=True)
class CallBacks:
    """Of one kind of work."""

    items: int  # cases in which this was done
    calls: float  # pieces a case, call-backs included
    count: int  # call-backs
    gap: DurationFit | None  # from the end of a piece to the call-back
    same_hour: float  # share that comes within an hour of a whole number of days later


def separate_call_backs(pieces: WorkItems) -> tuple[WorkItems, np.ndarray, FloatArray]:
    """Spells joined to pieces; which of them are call-backs, and how long after the piece before each came.

    Call-backs have no asking. Pieces that were never begun stay as they are.
    """
    order = np.lexsort((pieces.started, pieces.kind, pieces.case))
    here = pieces.where(order)
    ended_by = _latest_end(here)
    same = (here.case[1:] == here.case[:-1]) & (here.kind[1:] == here.kind[:-1]) & here.served[1:] & here.served[:-1]
    gap = np.append(np.nan, np.where(same, here.started[1:] - ended_by[:-1], np.nan))
    asked_anew = np.append(False, here.asked[1:] > here.started[:-1])
    goes_on = (gap <= GOES_ON) & ~asked_anew
    again = np.isfinite(gap) & ~goes_on & ~asked_anew
    joined = _merged_spells(here, goes_on)
    kept = ~goes_on
    joined = replace(joined, asked=np.where(again[kept], np.nan, joined.asked))
    return joined, again[kept], gap[kept]


def call_backs(pieces: WorkItems, again: np.ndarray, gap: FloatArray) -> dict[str, CallBacks]:
    """By kind of work; `pieces`, `again` and `gap` as `apart` gives them."""
    by_kind = {}
    for number, name in enumerate(pieces.kinds):
        mine = (pieces.kind == number) & pieces.served
        items = len(np.unique(pieces.case[mine]))
        gaps = gap[mine & again]
        if not items:
            continue
        off = np.abs((gaps + DAY / 2) % DAY - DAY / 2)
        late = gaps > DAY / 2
        by_kind[name] = CallBacks(
            items,
            float(mine.sum() / items),
            len(gaps),
            fit_duration(gaps),
            float((off[late] <= NEAR).mean()) if late.any() else 0.0,
        )
    return by_kind


def _latest_end(here: WorkItems) -> FloatArray:
    """The latest end so far within each case and kind; pieces without an end count as ended when they began."""
    ended = np.where(np.isfinite(here.ended), here.ended, here.started)
    frame = pl.DataFrame({"case": here.case, "kind": here.kind, "ended": ended})
    return np.asarray(frame.select(pl.col("ended").cum_max().over("case", "kind")).to_series().to_numpy())


def _merged_spells(here: WorkItems, goes_on: np.ndarray) -> WorkItems:
    """Spells that go on are added to the piece they go on with: it ends later, by as much as they took."""
    group = np.cumsum(~goes_on) - 1
    spell = np.where(np.isfinite(here.ended), here.ended - here.started, np.nan)
    length = np.bincount(group, np.where(np.isfinite(spell), spell, 0.0), group[-1] + 1 if len(group) else 0)
    open_ended = np.bincount(group, ~np.isfinite(here.ended), len(length)) > 0
    head = here.where(~goes_on)
    return replace(head, ended=np.where(open_ended | ~head.served, np.nan, head.started + length))
