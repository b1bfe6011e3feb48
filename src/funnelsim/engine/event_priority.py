"""Priorities of events: the tie rule of both engines (rules 10 and 11).

Events are ordered by (time, priority, lead, subject, sequence). The priority says who goes first at one instant: first
what happens, then who serves whom, then clocks that run out.
"""

from enum import IntEnum

from funnelsim.int64 import int64


class EventPriority(IntEnum):
    """What an event is, and its place among those of one instant; after it, what makes it unique."""

    WORK_ENDS = 0  # lead, team, attempt
    CAPACITY = 1  # -1, team, interval
    OUTCOME = 2  # lead, stage, visit number: outcome shows, cool-off ends, routing ends
    DELIVERY = 3  # lead, team, assignment: a batch arrives
    ARRIVAL = 4  # lead
    SIGNAL = 5  # lead, stage, visit number: what the buyer does, a score that reaches a threshold
    DUE = 6  # lead, team, assignment: habit or decision ends, an attempt or task falls due
    DISPATCH = 7  # -1, team
    ACTION = 8  # lead, term, action: a promise acts
    PATIENCE = 9  # lead, stage, visit number
    REVIEW = 10  # -1, level
    SAMPLE = 11  # -1, day


NO_LEAD = int64(-1)  # events without a lead come first within their priority
