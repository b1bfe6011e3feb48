"""Tasks: meetings and objections, once the buyer has been reached [100]."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from funnelsim.engine import rng
from funnelsim.engine.covariates import EffectTarget
from funnelsim.engine.log_odds import shifted_chance
from funnelsim.engine.reference.draws import stream_key
from funnelsim.engine.reference.effects import effects_on
from funnelsim.plan_codes import TaskKind

if TYPE_CHECKING:
    from funnelsim.engine.reference.work import Work

APPOINTED = 2  # level of a meeting in the queue


class Tasks:
    """The tasks of one visit, one after another, for the team that reached the buyer."""

    def __init__(self, work: Work) -> None:
        self.work, self.visit, self.simulation = work, work.visit, work.visit.simulation
        self.at, self.tries = -1, 0

    def next(self) -> None:
        """The next task there is, if any."""
        self.at, self.tries = self.at + 1, 0
        if self.at == self.visit.row.task_count:
            self.visit.dealt_with()
        elif self._draw(rng.P_TASK, 0) < self.row.chance:
            self._try()
        else:
            self.next()

    @property
    def row(self) -> SimpleNamespace:
        """The task at hand."""
        row: SimpleNamespace = self.simulation.tasks[self.visit.row.task_first + self.at]
        return row

    def label(self, started: bool) -> tuple[int, int]:
        return self.visit.row.task_first + self.at, self.tries

    def start(self) -> tuple[bool, float]:
        """The buyer shows or not, the objection is resolved or not; a rep whose buyer does not show loses time."""
        chance, meeting = self.row.success, self.row.kind == TaskKind.MEETING
        if meeting:
            chance = shifted_chance(chance, effects_on(self.visit, EffectTarget.SHOW))
        draw, target = self._draw(rng.P_SHOW, self.tries), EffectTarget.SHOW if meeting else -1
        succeeds = draw < chance
        facts = {"task": self.visit.row.task_first + self.at, "attempt": self.tries}
        self.visit.tell_decision("task", 100, draw, chance, target, **facts)
        table = self.row.handling if succeeds or not meeting else self.row.idle
        return succeeds, self._duration(table, rng.P_HANDLING)

    def over(self, succeeded: bool) -> None:
        """Done, or once more, or in vain."""
        if succeeded:
            self.next()
        elif self.tries < self.row.tries:
            self._try()
        elif self.row.kind == TaskKind.MEETING:
            self.visit.give_up()
        else:
            self.visit.unresolved += 1
            self.next()

    def _try(self) -> None:
        self.tries += 1
        self.work.level = APPOINTED if self.row.kind == TaskKind.MEETING else 0
        delay = self._duration(self.row.delay, rng.P_DELAY)
        if delay > 0.0:
            self.work.wait_until(self.simulation.now + delay, self.work.join)
        else:
            self.work.join()

    def _draw(self, what: np.uint64, second: int) -> float:
        return self.simulation.draw(
            self.visit.lead.stream, stream_key(self.row.stream, what), self.visit.number, second
        )

    def _duration(self, table: int, what: np.uint64) -> float:
        stream = self.visit.lead.stream
        return self.simulation.duration(table, stream, stream_key(self.row.stream, what), self.visit.number, self.tries)
