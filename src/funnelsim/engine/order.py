"""Event kinds and their rank: the tie rule of both engines (rules 10 and 11).

Events are ordered by (time, rank, lead, thing, ordinal). The rank says who goes first at one instant: first
what happens, then who serves whom, then clocks that run out.
"""

import numpy as np

WORK_ENDS = np.int64(0)      # lead, team, attempt
CAPACITY = np.int64(1)       # -1, team, interval
OUTCOME = np.int64(2)        # lead, stage, visit number: outcome shows, cool-off ends, routing ends
DELIVERY = np.int64(3)       # lead, team, assignment: a batch arrives
ARRIVAL = np.int64(4)        # lead
DUE = np.int64(5)            # lead, team, assignment: habit ends, an attempt falls due
DISPATCH = np.int64(6)       # -1, team
ACTION = np.int64(7)         # lead, term, action: a promise acts
PATIENCE = np.int64(8)       # lead, stage, visit number
REVIEW = np.int64(9)         # levels and reviews
SAMPLE = np.int64(10)        # -1, day

NO_LEAD = np.int64(-1)       # events without a lead come first within their rank
