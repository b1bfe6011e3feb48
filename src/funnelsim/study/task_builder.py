"""From a template and texts to a task: load, compile, anchor; roots that many points share are anchored once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from funnelsim.compile import Blueprint, prepare
from funnelsim.progress import Progress
from funnelsim.scenario import Scenario
from funnelsim.scenario.schema import nature
from funnelsim.scenario.template import Template
from funnelsim.study.anchor import Anchor, anchor
from funnelsim.study.goals import MeasureGoal
from funnelsim.study.point import PointTask, RunSize, with_key


@dataclass
class TaskBuilder:
    """Makes the tasks of a study. Beliefs are drawn by one seed, so that a draw is the same in every scenario."""

    seed: int  # of the luck
    draw_seed: int  # of what is not known: the seed in the first scenario, as `run` has it
    size: RunSize
    measures: tuple[str, ...] = ()
    engine: str = "fast"
    threads: int | None = None
    watch: Progress = field(default_factory=Progress)
    _anchors: dict[tuple[int, tuple[str, ...]], Anchor] = field(default_factory=dict)

    def task(
        self, template: Template, sets: Sequence[str], goal: MeasureGoal | None = None, at_centre: bool = False
    ) -> PointTask:
        """The scenario of a template with some values changed. Raises ScenarioError when it cannot be so."""
        blueprint, anchored = self.compiled(template, sets)
        return with_key(
            PointTask(blueprint, anchored, self.seed, self.size, self.measures, goal, at_centre, self.engine)
        )

    def compiled(
        self, template: Template, sets: Sequence[str], known: Anchor | None = None
    ) -> tuple[Blueprint, Anchor]:
        """The blueprint of a variant, and the anchor of its root: one that is `known`, or solved once."""
        loaded = template.vary(sets)
        blueprint = prepare(self._seeded(loaded.scenario))
        for_root = tuple(one for one in sets if nature(one.partition("=")[0].split(".")) not in ("fact", "policy"))
        which = (id(template), for_root)
        if known is not None:
            self._anchors[which] = known
        elif which not in self._anchors:
            root = self._seeded(loaded.root or loaded.scenario)
            self._anchors[which] = anchor(prepare(root), self.threads, self.watch.note)
        return blueprint, self._anchors[which]

    def _seeded(self, scenario: Scenario) -> Scenario:
        return scenario if scenario.seed == self.draw_seed else scenario.model_copy(update={"seed": self.draw_seed})
