"""Pieces of work: who asked for what when, who began it when, when it ended; or that the asker gave up.

Two kinds of logs lead here. One row a piece, with its start and its end (a call centre, a process-mining log). Or one
row an event, with a lifecycle word: asked (SCHEDULE), started, ended; `paired` puts these together:

    an end ends the start right before it in the same case and kind of work; a start that is followed by another start
    has no end, an end without a start is left out; an asking belongs to the first start after it

Pairing the n-th start with the n-th end instead goes wrong from the first missing event on: it gives negative times and
times of days (BPI Challenge 2012).
"""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass, replace

import numpy as np

from funnelsim.typing import FloatArray

ASKED, STARTED, ENDED = 0, 1, 2  # lifecycle words
NOBODY = -1


@dataclass(frozen=True)
class WorkItems:
    """One entry a piece; instants in seconds since 1970, nan where it did not happen or is not known."""

    cases: tuple[str, ...]  # names; empty where each row is a case of its own
    kinds: tuple[str, ...]
    workers: tuple[str, ...]
    case: np.ndarray  # number of the case
    kind: np.ndarray  # index in kinds
    worker: np.ndarray  # index in workers, NOBODY when not known
    asked: FloatArray
    started: FloatArray
    ended: FloatArray
    gave_up: FloatArray  # when the asker did
    rank: FloatArray  # priority as written; nan when there is none
    as_of: float  # the log ends here

    def __len__(self) -> int:
        return len(self.case)

    @property
    def served(self) -> np.ndarray:
        return np.isfinite(self.started)

    @property
    def waited_until(self) -> FloatArray:
        """When waiting ended: begun, given up, or the end of the log."""
        return np.fmin(np.fmin(self.started, self.gave_up), self.as_of)

    @property
    def wait(self) -> FloatArray:
        """Seconds from asking; nan where nobody asked."""
        return np.asarray(np.maximum(self.waited_until - self.asked, 0.0))

    def where(self, chosen: np.ndarray) -> WorkItems:
        """Some of them."""
        names = ("case", "kind", "worker", "asked", "started", "ended", "gave_up", "rank")
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})


@dataclass(frozen=True)
class PairedRows:
    """Rows of a lifecycle log put together: indices of the rows, -1 where there is none."""

    start: np.ndarray
    end: np.ndarray
    asked: np.ndarray
    without_end: np.ndarray  # rows: starts followed by another start
    without_start: np.ndarray  # rows: ends with no start before them


def pair_events(case: np.ndarray, kind: np.ndarray, word: np.ndarray, time: FloatArray) -> PairedRows:
    """Put the events of each case and kind together; rows of one instant stay in the order of the file."""
    order = np.lexsort((np.arange(len(case)), time, kind, case))
    item = np.cumsum(np.append(True, (case[order][1:] != case[order][:-1]) | (kind[order][1:] != kind[order][:-1])))
    asks = word[order] == ASKED
    work = order[~asks]
    at = item[~asks]
    begins = word[work] == STARTED
    same = np.append(at[1:] == at[:-1], False)
    follows = np.append(begins[1:], True)  # is the next row of work a start?
    complete = begins & same & ~follows
    ends = np.where(complete, np.roll(work, -1), -1)
    taken = np.append(False, complete[:-1])
    return PairedRows(
        work[begins],
        ends[begins],
        _first_asked(order, item, asks, work[begins], len(case)),
        work[begins & same & follows],
        work[~begins & ~taken],
    )


def _first_asked(order: np.ndarray, item: np.ndarray, asks: np.ndarray, starts: np.ndarray, rows: int) -> np.ndarray:
    """By start: the first asking after the start before it, in the same case and kind; -1 when there is none."""
    place = np.empty(rows, np.int64)
    place[order] = np.arange(rows)
    start_at = place[starts]  # ascending
    ask_at = np.flatnonzero(asks)
    first_asked = np.full(len(starts), -1)
    serves = np.searchsorted(start_at, ask_at)  # the first start after each asking
    good = serves < len(starts)
    good[good] = item[start_at[serves[good]]] == item[ask_at[good]]
    chosen, first = np.unique(serves[good], return_index=True)
    first_asked[chosen] = order[ask_at[good][first]]
    return first_asked


def asked_by_previous_item(pieces: WorkItems) -> WorkItems:
    """Where a log does not say when work was asked for: at the end of the latest work in the case before it began.

    The first piece of a case is asked for by the case itself, and when that was is not known.
    """
    asked = pieces.asked.copy()
    case, done = -1, [0.0]
    for i in np.lexsort((pieces.started, pieces.case)).tolist():
        if pieces.case[i] != case:
            case, done = int(pieces.case[i]), []
        before = bisect_right(done, float(pieces.started[i]))
        if np.isnan(asked[i]) and before:
            asked[i] = done[before - 1]
        if np.isfinite(pieces.ended[i]):
            insort(done, float(pieces.ended[i]))
    return replace(pieces, asked=asked)
