"""Stages: their exits, the work, what buyers and nurture do there, and what shifts their chances, as rows of STAGE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnelsim.compile import lead_interest
from funnelsim.compile.context import CompileContext
from funnelsim.compile.effects import Effects
from funnelsim.compile.exits import Exits, forward_share
from funnelsim.compile.parameter_draws import logit
from funnelsim.compile.table_builder import Row
from funnelsim.compile.work import Labour
from funnelsim.engine.rng import path_hash
from funnelsim.scenario.values import Share

if TYPE_CHECKING:
    from funnelsim.scenario.schema import Stage


class Stages:
    """The stages of a scenario as rows of STAGE; what they refer to is in the pool."""

    def __init__(self, frame: CompileContext) -> None:
        self.frame = frame
        self.exits, self.labour, self.effects = Exits(frame), Labour(frame), Effects(frame)
        self.rows = [self._stage(name, stage) for name, stage in frame.scenario.stages.items()]

    def _stage(self, name: str, stage: Stage) -> Row:
        frame, targets = self.frame, stage.next or {}
        forward = [target for target in targets if self.exits.is_forward(name, target)]
        base = forward_share(targets, forward)
        next_run = self.exits.next(name, stage, forward)
        unreached = self.exits.group(name, stage.unreached or {"lost": Share(1.0)})
        cold = self.exits.group(name, stage.cold) if stage.cold else unreached
        rejected = self.exits.group(name, stage.rejected) if stage.rejected else unreached
        steps, tasks = self.labour.steps(name, stage.work), self.labour.tasks(name, stage)
        signals = lead_interest.signals(frame, name, stage)
        effects = self.effects.of(name, stage, forward, base)
        return {
            "luck": path_hash(f"stages/{name}"),
            "step_first": steps[0],
            "step_count": steps[1],
            "patience": frame.pool.table(stage.patience),
            "next_first": next_run[0],
            "next_count": next_run[1],
            "next_forward": len(forward),
            "unreached_first": unreached[0],
            "unreached_count": unreached[1],
            "cold_first": cold[0],
            "cold_count": cold[1],
            "rejected_first": rejected[0],
            "rejected_count": rejected[1],
            "intercept": logit(base),
            "contact_intercept": 0.0,
            "effect_first": effects[0],
            "effect_count": effects[1],
            "base": base,
            "base_of_entered": int(stage.base_of == "entered"),
            "gate": frame.definitions[stage.gate] if stage.gate else -1,
            "signal_first": signals[0],
            "signal_count": signals[1],
            "nurture": lead_interest.nurture(frame, name, stage),
            "task_first": tasks[0],
            "task_count": tasks[1],
            "deal": int(stage.is_deal),
        }
