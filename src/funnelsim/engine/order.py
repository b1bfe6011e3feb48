"""Event kinds and their rank: the tie rule of both engines (rules 10 and 11).

Events are ordered by (time, rank, lead, thing, ordinal). The rank says who goes first at one instant: first
what happens, then who serves whom, then clocks that run out.
"""

from funnelsim.whole import whole

WORK_ENDS = whole(0)      # lead, team, attempt
CAPACITY = whole(1)       # -1, team, interval
OUTCOME = whole(2)        # lead, stage, visit number: outcome shows, cool-off ends, routing ends
DELIVERY = whole(3)       # lead, team, assignment: a batch arrives
ARRIVAL = whole(4)        # lead
DUE = whole(5)            # lead, team, assignment: habit ends, an attempt falls due
DISPATCH = whole(6)       # -1, team
ACTION = whole(7)         # lead, term, action: a promise acts
PATIENCE = whole(8)       # lead, stage, visit number
REVIEW = whole(9)         # levels and reviews
SAMPLE = whole(10)        # -1, day

NO_LEAD = whole(-1)       # events without a lead come first within their rank
