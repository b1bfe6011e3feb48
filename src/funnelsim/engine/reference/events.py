"""Events: SimPy's, in our order of ties [10]."""

from __future__ import annotations

import heapq
from collections.abc import Callable

import simpy
from simpy.events import Event


class ScheduledCall(Event):
    """Something that will happen at an instant, placed among ties by (priority, lead, subject, sequence) [10]."""

    def __init__(self, env: simpy.Environment, time: float, key: int, do: Callable[[], None]) -> None:
        super().__init__(env)
        self._ok, self._value = True, None
        self.time = time
        self.do: Callable[[], None] | None = do
        self.callbacks.append(self._happen)
        heapq.heappush(env._queue, (time, key, next(env._eid), self))  # type: ignore[misc]  # our key stands for SimPy's own

    def cancel(self) -> None:
        self.do = None

    def is_due(self, now: float) -> bool:
        """Whether it will happen at this very instant."""
        return self.do is not None and self.time == now

    def _happen(self, _: Event) -> None:
        do, self.do = self.do, None
        if do is not None:
            do()
