"""What happened: visits, assignments, attempts, passages; the same columns and the same order from both engines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from funnelsim.plan import SNAPSHOT, SOURCE_AT
from funnelsim.typing import BoolArray, FloatArray, IntArray

_BELOW_SOURCE = (1 << SOURCE_AT) - 1
_i, _f = "i8", "f8"

VISIT = np.dtype(
    [
        ("lead", _i),
        ("stage", _i),
        ("number", _i),  # number counts visits of this lead to this stage, from 1
        ("source", _i),
        ("segment", _i),
        ("arrived", _f),  # arrived < 0: was in flight
        ("cycle", _i),  # backward exits taken before
        ("owner", _i),  # the last team responsible; -1 nobody
        ("entered", _f),
        ("deadline", _f),  # of the first first-touch clock of the visit, -1 none
        ("touched", _f),  # start of the first attempt, -1 never
        ("reached", _f),  # end of the attempt that reached the buyer, -1 never
        ("attempts", _i),
        ("ended", _f),  # when the lead left the stage (or went silent); -1 open
        ("outcome", _i),
        ("to", _i),
        ("back", _f),  # entry of the next visit when there is a cool-off; -1 none
        ("shift", _f),
        ("chance", _f),  # sum of the effects and chance of a forward exit when drawn; nan-free: 0, -1
        ("context", _f),
        ("fit", _f),
        ("value", _f),  # value in cents, a whole number: sums are exact
        ("intent", _f),
        ("trust", _f),
        ("points", _f),  # when the visit closed
        ("asked", _f),  # when the buyer last raised a hand before the first touch, -1 never
        ("touches", _i),  # nurture touches in this visit
        ("effort", _f),  # seconds of people's work that ended in this visit
        ("blame", _i),  # NO_BLAME, POOR_LEAD or POOR_FOLLOW_UP
        ("duplicate", _i),  # 1 = second record of a person
        ("merged", _i),  # second records merged into this one meanwhile
    ]
)
ASSIGNMENT = np.dtype(
    [
        ("lead", _i),
        ("stage", _i),
        ("number", _i),
        ("ordinal", _i),  # ordinal counts assignments of the visit, from 1
        ("team", _i),
        ("assigned", _f),
        ("joined", _f),  # first joined the queue, -1 never
        ("touched", _f),  # first attempt of this assignment, -1 never
        ("attempts", _i),  # made in this assignment
        ("adhered", _i),  # the draw: 1 the team does as promised, 0 as it likes, -1 nothing promised
        ("deadline", _f),
        ("first_touch", _i),  # deadline of the first-touch clock, -1; its CLOCK_STATE, -1 no clock
        ("attempts_deadline", _f),
        ("attempts_within", _i),
        ("accept_deadline", _f),
        ("accept_within", _i),
        ("promise", _i),  # row of `promises`, -1 none
        ("decided", _f),
        ("accepted", _i),  # when the lead was accepted (1) or turned down (0), -1 not asked
        ("pursued", _i),  # 1 worked, 0 left alone, -1 not asked
        ("late", _i),  # 1 = the deadline had passed when the team got the lead (cause "system")
        ("warned", _i),
        ("escalated", _i),
        ("ended", _f),
        ("how", _i),
    ]
)
PASSAGE = np.dtype(
    [  # a definition of the kind SCORE_AT_LEAST, passed; milestones show in the visits
        ("lead", _i),
        ("definition", _i),
        ("at", _f),
        ("source", _i),
        ("segment", _i),
        ("arrived", _f),
        ("value", _f),
        ("duplicate", _i),
    ]
)
ATTEMPT = np.dtype(
    [
        ("lead", _i),
        ("stage", _i),
        ("number", _i),
        ("ordinal", _i),  # ordinal counts attempts of the visit, from 1
        ("task", _i),  # row of `tasks`; -1 = an attempt to reach the buyer. Then ordinal counts its tries
        ("assignment", _i),
        ("team", _i),
        ("rep", _i),  # rep -1 = not started
        ("joined", _f),
        ("started", _f),
        ("ended", _f),
        ("end", _i),  # -1 = not yet; ended also when withdrawn
        ("shift", _f),  # sum of the effects on the chance of contact when it started; 0 for tasks
    ]
)


class Trace(NamedTuple):
    """The tables of one replication, each in order of lead and time; and the levels at each midnight."""

    visits: Any  # VISIT
    assignments: Any  # ASSIGNMENT
    attempts: Any  # ATTEMPT
    passages: Any  # PASSING
    levels: FloatArray  # [day, level] at the midnight that ends the day; 0 past the horizon

    @classmethod
    def of(
        cls,
        visits: Sequence[Any],
        assignments: Sequence[Any],
        attempts: Sequence[Any],
        passages: Sequence[Any],
        levels: FloatArray,
    ) -> Trace:
        """From rows in any order: lists of tuples or record arrays."""
        return cls(
            _ordered(visits, VISIT, ("lead", "entered", "stage", "number")),
            _ordered(assignments, ASSIGNMENT, ("lead", "stage", "number", "ordinal")),
            _ordered(attempts, ATTEMPT, ("lead", "stage", "number", "assignment", "task", "ordinal", "joined")),
            _ordered(passages, PASSAGE, ("lead", "at", "definition")),
            levels,
        )


def in_flight(leads: IntArray) -> BoolArray:
    """Which lead numbers are of leads that were in the funnel at the start; the upper bits name the source."""
    flying: BoolArray = leads >> SOURCE_AT == SNAPSHOT
    return flying


def snapshot_id(leads: IntArray) -> IntArray:
    """Identity in the snapshot of leads that were in flight."""
    return leads & _BELOW_SOURCE


def _ordered(rows: Sequence[Any], dtype: np.dtype[Any], keys: tuple[str, ...]) -> Any:
    table = np.array(rows, dtype).view(np.recarray)
    return table[np.lexsort([table[key] for key in reversed(keys)])]
