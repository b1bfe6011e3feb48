"""Event kinds and their rank: the tie rule of both engines (rules 10 and 11).

Events are ordered by (time, rank, lead, thing, ordinal). The rank says who goes first at one instant: first
what happens, then who serves whom, then clocks that run out.
"""

from funnelsim.int64 import whole

WORK_ENDS = whole(0)  # lead, team, attempt
CAPACITY = whole(1)  # -1, team, interval
OUTCOME = whole(2)  # lead, stage, visit number: outcome shows, cool-off ends, routing ends
DELIVERY = whole(3)  # lead, team, assignment: a batch arrives
ARRIVAL = whole(4)  # lead
SIGNAL = whole(5)  # lead, stage, visit number: what the buyer does, a score that reaches a threshold
DUE = whole(6)  # lead, team, assignment: habit or decision ends, an attempt or task falls due
DISPATCH = whole(7)  # -1, team
ACTION = whole(8)  # lead, term, action: a promise acts
PATIENCE = whole(9)  # lead, stage, visit number
REVIEW = whole(10)  # -1, level
SAMPLE = whole(11)  # -1, day

NO_LEAD = whole(-1)  # events without a lead come first within their rank
