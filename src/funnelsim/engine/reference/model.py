"""The clockwork of the reference engine: SimPy's environment with our order of events, and the three tables.

This engine is written to be read: it is docs/background/rules.md in code. Numbers in brackets are rules.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import simpy
from simpy.events import Event

from funnelsim.engine import streams
from funnelsim.engine.arrivals import ARRIVAL_ROW, week_arrivals
from funnelsim.engine.reference.team import Team
from funnelsim.plan import WEEK, Plan, records
from funnelsim.whole import whole

if TYPE_CHECKING:
    from funnelsim.engine.reference.visit import Visit


class At(Event):
    """Something that will happen at an instant, placed among ties by (rank, lead, thing, ordinal) [10]."""

    def __init__(self, env: simpy.Environment, time: float, key: int, do: Callable[[], None]) -> None:
        super().__init__(env)
        self._ok, self._value = True, None
        self.time = time
        self.do: Callable[[], None] | None = do
        self.callbacks.append(self._happen)
        heapq.heappush(env._queue, (time, key, next(env._eid), self))  # type: ignore[misc]  # our key stands for SimPy's own

    def cancel(self) -> None:
        self.do = None

    def _happen(self, _: Event) -> None:
        if self.do is not None:
            self.do()


class Model:
    """One replication of a plan."""

    def __init__(self, plan: Plan, seed: int, replication: int) -> None:
        self.plan = plan
        self.env = simpy.Environment()
        self.key: Any = np.uint64(streams.replication_key(np.uint64(seed), whole(replication)))
        self.settings = rows(plan.settings)[0]
        self.stages, self.exits, self.steps = rows(plan.stages), rows(plan.exits), rows(plan.steps)
        self.sources, self.mixes = rows(plan.sources), rows(plan.mixes)
        self.terms, self.actions = rows(plan.terms), rows(plan.actions)
        self.duties = [rows(of_stage) for of_stage in plan.duties]
        self.teams = [Team(self, index, row) for index, row in enumerate(rows(plan.teams))]
        self.instants = plan.instants.tolist()
        self.point_values = plan.points.y.tolist()
        self.open_visits: dict[int, Visit] = {}
        self.visits: list[tuple[Any, ...]] = []
        self.assignments: list[tuple[Any, ...]] = []
        self.attempts: list[tuple[Any, ...]] = []

    @property
    def now(self) -> float:
        return float(self.env.now)

    def at(self, time: float, rank: int, lead: int, thing: int, ordinal: int, do: Callable[[], None]) -> At:
        """Schedule; the next event is always the smallest now present, also at this very instant [10]."""
        key = ((int(rank) << 60 | int(lead) + 1) << 32 | int(thing)) << 32 | int(ordinal)
        # SimPy's own priorities are 0 and 1
        return At(self.env, time, key + 2, do)

    def run(self) -> None:
        """Process all events before the horizon [16]."""
        queue = self.env._queue
        while queue and queue[0][0] < self.settings.horizon:
            self.env.step()

    def arrivals(self) -> list[tuple[float, int, int, int]]:
        """(time, lead, luck, source) of every lead that arrives before the horizon, in order."""
        found = []
        room = records(ARRIVAL_ROW, 4096)
        for week in range(self.settings.weeks):
            for source in range(len(self.sources)):
                n = self._week(source, week, room)
                while n < 0:
                    room = records(ARRIVAL_ROW, 2 * len(room))
                    n = self._week(source, week, room)
                found += room[:n].tolist()
        return sorted(row for row in found if row[0] < min(self.settings.horizon, self.settings.weeks * WEEK))

    def _week(self, source: int, week: int, room: Any) -> int:
        plan = self.plan
        return int(week_arrivals(plan.sources, plan.points, plan.tables, self.key, source, week, room, 0))

    def draw(self, luck: int, purpose: np.uint64, first: int, second: int) -> float:
        """Uniform in [0, 1)."""
        return streams.unit(self._bits(luck, purpose, first, second))

    def sample(self, table: int, luck: int, purpose: np.uint64, first: int, second: int) -> float:
        """A draw from a table, as it is."""
        return streams.quantile(self.plan.tables, table, self._bits(luck, purpose, first, second))

    def duration(self, table: int, luck: int, purpose: np.uint64, first: int, second: int) -> float:
        """A drawn length of time on the grid [1]; 0 where there is no table, infinite for "never"."""
        if table < 0:
            return 0.0
        return streams.on_grid(self.sample(table, luck, purpose, first, second))

    def _bits(self, luck: int, what: np.uint64, first: int, second: int) -> np.uint64:
        return np.uint64(streams.bits(np.uint64(luck), np.uint64(what), whole(first), whole(second)))


def rows(table: Any) -> list[SimpleNamespace]:
    """Records as plain objects: quick and readable in Python."""
    names = table.dtype.names
    return [SimpleNamespace(**dict(zip(names, row, strict=True))) for row in table.tolist()]


def purpose(base: int, what: np.uint64) -> np.uint64:
    """The purpose of a draw: what is drawn, at which stage or source [20]."""
    return np.uint64((int(base) + int(what)) & 0xFFFFFFFFFFFFFFFF)

