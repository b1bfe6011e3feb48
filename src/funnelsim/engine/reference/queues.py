"""Lanes: how a team's waiting leads are kept apart - one queue, one a rep, or one a kind of work [13, 103, 104]."""

from __future__ import annotations

import bisect
import math
from typing import TYPE_CHECKING, Any

from funnelsim.engine import rng
from funnelsim.engine.reference.draws import stream_key
from funnelsim.plan_codes import QueueLayout, WorkKind

if TYPE_CHECKING:
    from funnelsim.engine.reference.team import Team
    from funnelsim.engine.reference.work import Work


def lanes_of(team: Team) -> Pooled:
    """As the team has it."""
    kinds: dict[int, type[Pooled]] = {QueueLayout.PERSONAL: Personal, QueueLayout.BUDGETED: Budgeted}
    return kinds.get(team.row.lanes, Pooled)(team)


class Pooled:
    """One queue for all."""

    def __init__(self, team: Team) -> None:
        self.team = team
        self.queues: list[list[tuple[tuple[Any, ...], Work]]] = [[] for _ in range(self._count())]

    def join(self, work: Work) -> None:
        """Take a place."""
        work.lane = self._lane_of(work)
        self.put(work)

    def put(self, work: Work) -> None:
        """Back into the same lane, perhaps on another level."""
        bisect.insort(self.queues[work.lane], (self._place(work), work))

    def waiting(self, work: Work) -> int:
        """How many wait in the lane that a lead will join."""
        return len(self.queues[self._lane_of(work)])

    def leave(self, work: Work) -> None:
        """Stop waiting."""
        queue = self.queues[work.lane]
        del queue[bisect.bisect_left(queue, (self._place(work),))]

    def serve(self, present: list[int]) -> None:
        """The free rep with the lowest number takes the next; more people busy than there: nobody starts [7, 14]."""
        busy = self.team.busy
        while len(busy) < len(present):
            queue = self._next_queue()
            if queue is None:
                return
            self._start(queue, min(set(present) - busy))

    def opening(self) -> None:
        """The team opens."""

    def _start(self, queue: list[tuple[tuple[Any, ...], Work]], rep: int) -> Work:
        _, work = queue.pop(0)
        self.team.busy.add(rep)
        work.start(rep)
        return work

    def _count(self) -> int:
        return 1

    def _lane_of(self, work: Work) -> int:
        return 0

    def _next_queue(self) -> list[tuple[tuple[Any, ...], Work]] | None:
        return self.queues[0] or None

    def _place(self, work: Work) -> tuple[Any, ...]:
        """Order of the queue [13]: (level, key of the order, joined, lead, attempt)."""
        return (-work.level, work.key, work.joined, work.visit.lead.number, work.visit.attempts)


class Personal(Pooled):
    """A lead belongs to one rep of the team for life, who alone serves it [103]."""

    def serve(self, present: list[int]) -> None:
        for rep in present:
            if rep not in self.team.busy and self.queues[rep]:
                self._start(self.queues[rep], rep)

    def _count(self) -> int:
        return int(self.team.row.people)

    def _lane_of(self, work: Work) -> int:
        team = self.team
        u = team.simulation.draw(work.visit.lead.stream, stream_key(team.row.stream, rng.P_REP), 0, 0)
        return int(u * team.row.people)


class Budgeted(Pooled):
    """Four kinds of work, each with a share of the time: next is the one that has had the least of its share [104]."""

    def __init__(self, team: Team) -> None:
        super().__init__(team)
        self.shares = team.simulation.plan.points.y[
            team.row.budget_first : team.row.budget_first + team.row.budget_count
        ]
        self.opening()

    def opening(self) -> None:
        self.spent = [0.0] * self._count()

    def _start(self, queue: list[tuple[tuple[Any, ...], Work]], rep: int) -> Work:
        work = super()._start(queue, rep)
        self.spent[work.lane] += work.length
        return work

    def _count(self) -> int:
        return int(self.team.row.budget_count)

    def _lane_of(self, work: Work) -> int:
        visit = work.visit
        if visit.row.deal:
            return int(WorkKind.DEALS)
        if visit.attempts > 0:  # a task has one behind it too
            return int(WorkKind.FOLLOW_UPS)
        return int(
            WorkKind.OWN_LEADS
            if self.team.simulation.is_own(visit.lead.source, self.team.index)
            else WorkKind.OTHER_LEADS
        )

    def _next_queue(self) -> list[tuple[tuple[Any, ...], Work]] | None:
        waiting = [kind for kind, queue in enumerate(self.queues) if queue]
        return self.queues[min(waiting, key=lambda kind: (self._used(kind), kind))] if waiting else None

    def _used(self, kind: int) -> float:
        """Time spent over share since the last opening; a kind without a share comes last."""
        return float(self.spent[kind] / self.shares[kind]) if self.shares[kind] > 0.0 else math.inf
