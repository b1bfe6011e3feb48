"""A team: people, opening hours and one queue.

A list and one dispatch function, not simpy.Resource, whose grant order is not ours [12 to 14].
"""

from __future__ import annotations

import bisect
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from funnelsim.engine import order, worktime
from funnelsim.plan import BY_DUE_TIME, BY_SCORE

if TYPE_CHECKING:
    from funnelsim.engine.reference.model import Model
    from funnelsim.engine.reference.visit import Visit

FOREVER = float("inf")


class Team:
    """The people who work one queue."""

    def __init__(self, model: Model, index: int, row: SimpleNamespace) -> None:
        self.model, self.index, self.row = model, index, row
        self.run = (model.plan.intervals, row.interval_first, row.interval_count)
        self.queue: list[tuple[tuple[Any, ...], Visit]] = []
        self.busy: set[int] = set()
        self.dispatch_due = False
        self._openings(row.interval_first)

    def join(self, visit: Visit) -> None:
        """Wait for a rep."""
        bisect.insort(self.queue, (self.place(visit), visit))
        self.ask_dispatch()

    def leave(self, visit: Visit) -> None:
        """Stop waiting."""
        del self.queue[bisect.bisect_left(self.queue, (self.place(visit),))]

    def place(self, visit: Visit) -> tuple[Any, ...]:
        """Order of the queue [13]: (level, key of the order, joined, lead, attempt)."""
        key = visit.joined
        if self.row.order == BY_SCORE:
            key = -visit.lead.fit
        elif self.row.order == BY_DUE_TIME:
            key = visit.assignment.first_touch_due if visit.assignment else FOREVER
        return (-visit.level, key, visit.joined, visit.lead.number, visit.attempts)

    def release(self, rep: int) -> None:
        """A rep has finished."""
        self.busy.discard(rep)
        self.ask_dispatch()

    def ask_dispatch(self) -> None:
        """One dispatch a team and instant, after all that happens then [12]."""
        if not self.dispatch_due:
            self.dispatch_due = True
            self.model.at(self.model.now, order.DISPATCH, order.NO_LEAD, self.index, 0, self._dispatch)

    def add_open(self, start: float, length: float) -> float:
        """When `length` of business time has passed [3]."""
        return worktime.add_open(*self.run, start, length)

    def _dispatch(self) -> None:
        self.dispatch_due = False
        capacity = worktime.capacity_at(*self.run, self.model.now)
        # [7] more people busy than on shift: nobody stops, nobody starts
        while self.queue and len(self.busy) < capacity:
            _, visit = self.queue.pop(0)
            rep = min(set(range(capacity)) - self.busy)     # [14]
            self.busy.add(rep)
            visit.start_attempt(rep)

    def _openings(self, interval: int) -> None:
        """Walk along the calendar: at each opening or change of people, serve."""
        if interval < self.row.interval_first + self.row.interval_count:
            opens = float(self.run[0][interval].opens)
            self.model.at(opens, order.CAPACITY, order.NO_LEAD, self.index, interval, lambda: self._opened(interval))

    def _opened(self, interval: int) -> None:
        self.ask_dispatch()
        self._openings(interval + 1)
