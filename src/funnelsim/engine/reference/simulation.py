"""The clockwork of the reference engine: SimPy's environment with our order of events, and the tables.

This engine is written to be read: it is docs/background/rules.md in code. Numbers in brackets are rules.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import simpy

from funnelsim.engine.arrival_process import ARRIVAL_ROW, week_arrivals
from funnelsim.engine.log_odds import piecewise_constant
from funnelsim.engine.reference.draws import Draws
from funnelsim.engine.reference.events import ScheduledCall
from funnelsim.engine.reference.levels import Levels
from funnelsim.engine.reference.team import Team
from funnelsim.engine.reference.trail import Trail
from funnelsim.plan import WEEK, Plan, zeros_record

if TYPE_CHECKING:
    from funnelsim.engine.reference.visit import Visit


class Simulation(Draws):
    """One replication of a plan."""

    def __init__(self, plan: Plan, seed: int, replication: int, trail: Trail | None = None) -> None:
        super().__init__(plan, seed, replication)
        self.trail = trail  # kept of one lead when asked for
        self.env = simpy.Environment()
        self.settings = rows(plan.settings)[0]
        self.stages, self.exits, self.steps = rows(plan.stages), rows(plan.exits), rows(plan.steps)
        self.sources, self.source_segments = rows(plan.sources), rows(plan.source_segments)
        self.promises, self.terms, self.actions = rows(plan.promises), rows(plan.terms), rows(plan.actions)
        self.tasks, self.signals, self.nurtures = rows(plan.tasks), rows(plan.signals), rows(plan.nurtures)
        self.definitions = rows(plan.definitions)
        self.stage_teams = [rows(of_stage) for of_stage in plan.stage_teams]
        self.teams = [Team(self, index, row) for index, row in enumerate(rows(plan.teams))]
        self.instants = plan.instants.tolist()
        self.point_values = plan.points.y.tolist()
        self.levels = Levels(self)
        self.open_visits: dict[int, Visit] = {}
        self.visits: list[tuple[Any, ...]] = []
        self.assignments: list[tuple[Any, ...]] = []
        self.attempts: list[tuple[Any, ...]] = []
        self.passages: list[tuple[Any, ...]] = []

    @property
    def now(self) -> float:
        return float(self.env.now)

    def schedule(
        self, time: float, priority: int, lead: int, subject: int, sequence: int, do: Callable[[], None]
    ) -> ScheduledCall:
        """Schedule; the next event is always the smallest now present, also at this very instant [10]."""
        key = ((int(priority) << 60 | int(lead) + 1) << 32 | int(subject)) << 32 | int(sequence)
        # SimPy's own priorities are 0 and 1
        return ScheduledCall(self.env, time, key + 2, do)

    def run(self) -> None:
        """Process all events before the horizon [16]."""
        queue = self.env._queue
        while queue and queue[0][0] < self.settings.horizon:
            self.env.step()

    def arrivals(self) -> list[tuple[float, int, int, int]]:
        """(time, lead, luck, source) of every lead that arrives before the horizon, in order."""
        found = []
        room = zeros_record(ARRIVAL_ROW, 4096)
        for week in range(self.settings.weeks):
            for source in range(len(self.sources)):
                n = self._week(source, week, room)
                while n < 0:
                    room = zeros_record(ARRIVAL_ROW, 2 * len(room))
                    n = self._week(source, week, room)
                found += room[:n].tolist()
        return sorted(row for row in found if row[0] < min(self.settings.horizon, self.settings.weeks * WEEK))

    def piecewise_constant(self, first: int, count: int) -> float:
        """The value in force now of a step function: a run of points."""
        return piecewise_constant(self.plan.points, first, count, self.now)

    def is_own(self, source: int, team: int) -> bool:
        """Whether leads of a source are the team's side's own."""
        return bool(self.sources[source].side == self.teams[team].row.side)

    def _week(self, source: int, week: int, room: Any) -> int:
        plan = self.plan
        return int(week_arrivals(plan.sources, plan.points, plan.tables, self.key, source, week, room, 0))


def rows(table: Any) -> list[SimpleNamespace]:
    """Records as plain objects: quick and readable in Python."""
    names = table.dtype.names
    return [SimpleNamespace(**dict(zip(names, row, strict=True))) for row in table.tolist()]
