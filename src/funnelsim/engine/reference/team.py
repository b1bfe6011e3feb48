"""A team: people, opening hours, the order of its queue, how fast it is [12 to 14, 96 to 98, 102].

Lists and one dispatch function, not simpy.Resource, whose grant order is not ours. How waiting leads are kept apart
is in `lanes`.
"""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from funnelsim.engine import business_time, rng
from funnelsim.engine.event_priority import NO_LEAD, EventPriority
from funnelsim.engine.reference.queues import lanes_of
from funnelsim.engine.reference.scores import score_now
from funnelsim.int64 import int64
from funnelsim.plan import DAY
from funnelsim.plan_codes import QueueOrder

if TYPE_CHECKING:
    from funnelsim.engine.reference.simulation import Simulation
    from funnelsim.engine.reference.work import Work


class Team:
    """The people who answer for leads together."""

    def __init__(self, simulation: Simulation, index: int, row: SimpleNamespace) -> None:
        self.simulation, self.index, self.row = simulation, index, row
        self.run = (simulation.plan.intervals, row.interval_first, row.interval_count)
        self.lanes = lanes_of(self)
        self.busy: set[int] = set()
        self.dispatch_due = False
        self._openings(row.interval_first)

    @property
    def present(self) -> int:
        """How many people are on shift now and not away; 0 when the team is closed."""
        return len(self._present())

    def join(self, work: Work) -> None:
        """Wait for a rep."""
        self.lanes.join(work)
        self.ask_dispatch()

    def key(self, work: Work) -> float:
        """Key of the team's order, fixed when a lead joins [13, 96, 97]."""
        visit, lead, way = work.visit, work.visit.lead, self.row.order
        if way == QueueOrder.SCORE:
            if self.row.score < 0:
                return -float(lead.fit)
            visit.nurture.apply_touches(self.simulation.now)
            return -score_now(lead, self.row.score)
        if way == QueueOrder.DUE_TIME:
            return visit.assignment.first_touch_due if visit.assignment else math.inf
        if way == QueueOrder.NEWEST:
            return -visit.entered
        if way == QueueOrder.VALUE:
            return -lead.value
        return work.joined - self.row.head_start if self.simulation.is_own(lead.source, self.index) else work.joined

    def release(self, rep: int) -> None:
        """A rep has finished."""
        self.busy.discard(rep)
        self.ask_dispatch()

    def ask_dispatch(self) -> None:
        """One dispatch a team and instant, after all that happens then [12]."""
        if not self.dispatch_due:
            self.dispatch_due = True
            self.simulation.schedule(
                self.simulation.now, EventPriority.DISPATCH, NO_LEAD, self.index, 0, self._dispatch
            )

    def add_open(self, start: float, length: float) -> float:
        """When `length` of business time has passed [3]."""
        return business_time.add_open(*self.run, start, length)

    def work_length(self, length: float) -> float:
        """Seconds of work for what takes a rep without other duties so long: other work, own speed, ramp [42, 98]."""
        return rng.on_grid(length * self.simulation.piecewise_constant(self.row.stretch_first, self.row.stretch_count))

    def work_ends(self, length: float) -> float:
        """When work begun now is over: it is finished after closing, or goes on at the next opening [6]."""
        return self.add_open(self.simulation.now, length) if self.row.resume else self.simulation.now + length

    def _dispatch(self) -> None:
        self.dispatch_due = False
        self.lanes.serve(self._present())

    def _present(self) -> list[int]:
        """Numbers of those who are on shift now and not away [102]."""
        capacity = business_time.capacity_at(*self.run, self.simulation.now)
        if self.row.absence <= 0.0 or capacity == 0:
            return list(range(capacity))
        interval = self.run[0][business_time.interval_index(*self.run, self.simulation.now)]
        day = math.floor(interval.opens / DAY)
        return [rep for rep in range(capacity) if not self._is_away(rep, day)]

    def _is_away(self, rep: int, day: int) -> bool:
        stream = rng.lead_stream(self.simulation.key, np.uint64(self.row.stream), int64(day), int64(rep))
        return bool(self.simulation.draw(int(stream), rng.P_ABSENT, 0, 0) < self.row.absence)

    def _openings(self, interval: int) -> None:
        """Walk along the calendar: at each opening or change of people, serve."""
        if interval < self.row.interval_first + self.row.interval_count:
            opens = float(self.run[0][interval].opens)
            self.simulation.schedule(
                opens, EventPriority.CAPACITY, NO_LEAD, self.index, interval, lambda: self._opened(interval)
            )

    def _opened(self, interval: int) -> None:
        before = self.run[0][interval - 1].closes if interval > self.row.interval_first else -math.inf
        if before < self.run[0][interval].opens:
            self.lanes.opening()
        self.ask_dispatch()
        self._openings(interval + 1)
