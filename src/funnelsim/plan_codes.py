"""What the whole numbers of a Plan and of the tables stand for.

Compiled code reads a member as a constant of 64 bits (engine/enum_members.py). Labels of tables and reports are the
names of the members in plain words.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TypeVar

_Code = TypeVar("_Code", bound=IntEnum)


def names_of(codes: type[IntEnum]) -> tuple[str, ...]:
    """The members from 0 on, in plain words, by their number."""
    return tuple(name_of(code) for code in codes if code >= 0)


def name_of(code: IntEnum) -> str:
    """A member in plain words."""
    return code.name.lower().replace("_", " ")


def by_name(codes: type[_Code]) -> dict[str, _Code]:
    """The members by what they are called in plain words."""
    return {name_of(code): code for code in codes}


# ---- what happens to a lead -----------------------------------------------------------------------------------------


class ExitTarget(IntEnum):
    """Where an exit leads when it is not a stage."""

    LOST = -1
    SILENT = -2  # never heard of again, stays open for ever


class Outcome(IntEnum):
    """How a visit ended."""

    FORWARD = 0
    BACK = 1
    END = 2
    LOST = 3
    UNREACHED = 4
    COLD = 5
    RETURNED = 6
    CYCLE_LIMIT = 7
    SILENT = 8
    OPEN = 9
    REJECTED = 10


class Blame(IntEnum):
    """Why a lead was lost in sales' hands (rule 109)."""

    NONE = 0
    POOR_LEAD = 1
    POOR_FOLLOW_UP = 2


class AssignmentEnd(IntEnum):
    """How an assignment ended."""

    REACHED = 0
    GAVE_UP = 1
    WENT_COLD = 2
    REASSIGNED = 3
    RETURNED = 4
    PASSED_ON = 5
    OPEN = 6
    REJECTED = 7


class AttemptEnd(IntEnum):
    """How an attempt ended."""

    CONTACT = 0
    NO_ANSWER = 1
    WITHDRAWN = 2
    WAITING = 3
    IN_PROGRESS = 4


class ClockState(IntEnum):
    """State of the clock of a promise (rule 61)."""

    NONE = -1
    RUNNING = 0
    MET = 1
    MISSED = 2
    CENSORED = 3
    INHERITED = 4


# ---- promises -------------------------------------------------------------------------------------------------------


class TermKind(IntEnum):
    """What is promised."""

    FIRST_TOUCH = 0
    ATTEMPTS = 1
    ACCEPTANCE = 2


class ClockStart(IntEnum):
    """From when the time of a promise runs."""

    CREATED = 0
    QUALIFIED = 1
    ASSIGNED = 2


class ActionKind(IntEnum):
    """What follows from a breach."""

    WARN = 0
    ESCALATE = 1
    REASSIGN = 2
    RETURN = 3


# ---- teams and their work -------------------------------------------------------------------------------------------


class Side(IntEnum):
    """Of the funnel."""

    MARKETING = 0
    SALES = 1


class QueueOrder(IntEnum):
    """Who is served first (rule 13)."""

    FIRST_COME = 0
    SCORE = 1
    DUE_TIME = 2
    NEWEST = 3
    VALUE = 4


class QueueLayout(IntEnum):
    """How a team's waiting leads are kept apart: one queue, one a rep, one a kind of work (rules 103, 104)."""

    POOLED = 0
    PERSONAL = 1
    BUDGETED = 2


class WorkKind(IntEnum):
    """The queues of a time budget."""

    OWN_LEADS = 0
    OTHER_LEADS = 1
    FOLLOW_UPS = 2
    DEALS = 3


class RoutingKind(IntEnum):
    """When a lead that is handed over arrives (rules 48, 50)."""

    AT_ONCE = 0
    DELAYED = 1
    BATCHED = 2


class SpacingKind(IntEnum):
    """Unit of the time between two attempts (rule 38)."""

    ELAPSED = 0
    BUSINESS = 1
    ON_DAYS = 2


class TaskKind(IntEnum):
    """What is done once the buyer has been reached (rule 100)."""

    MEETING = 0
    OBJECTION = 1


# ---- buyers and what is thought of them ------------------------------------------------------------------------------


class SignalFlag(IntEnum):
    """Bits: what a buyer's signal does besides its points (rules 85, 86)."""

    RAISES_HAND = 1
    PAUSES = 2


class DefinitionKind(IntEnum):
    """What passes a definition: to enter a stage, or a score at least so high (rules 35, 82)."""

    MILESTONE = 0
    THRESHOLD = 1


class LevelKind(IntEnum):
    """What a level listens to (rule 108)."""

    OUTCOMES = 0
    ACCEPTANCE = 1
    LOAD = 2
    QUOTA = 3
