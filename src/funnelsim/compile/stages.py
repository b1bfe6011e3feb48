"""Stages: their exits, the work, what buyers and nurture do there, and what shifts their chances, as rows of STAGE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnelsim.compile import lead_interest
from funnelsim.compile.context import CompileContext
from funnelsim.compile.effects import EffectRows
from funnelsim.compile.exits import Exits, forward_share
from funnelsim.compile.parameter_draws import logit
from funnelsim.compile.table_builder import Row
from funnelsim.compile.work import StageWork
from funnelsim.engine.rng import path_hash
from funnelsim.scenario.values import Share

if TYPE_CHECKING:
    from funnelsim.scenario.schema import Stage


class Stages:
    """The stages of a scenario as rows of STAGE; what they refer to is in the pool."""

    def __init__(self, context: CompileContext) -> None:
        self.context = context
        self.exits, self.work_rows, self.effects = Exits(context), StageWork(context), EffectRows(context)
        self.rows = [self._stage(name, stage) for name, stage in context.scenario.stages.items()]

    def _stage(self, name: str, stage: Stage) -> Row:
        context, targets = self.context, stage.next or {}
        forward = [target for target in targets if self.exits.is_forward(name, target)]
        base = forward_share(targets, forward)
        next_run = self.exits.next(name, stage, forward)
        unreached = self.exits.exit_group(name, stage.unreached or {"lost": Share(1.0)})
        cold = self.exits.exit_group(name, stage.cold) if stage.cold else unreached
        rejected = self.exits.exit_group(name, stage.rejected) if stage.rejected else unreached
        steps, tasks = self.work_rows.steps(name, stage.work), self.work_rows.tasks(name, stage)
        signals = lead_interest.signals(context, name, stage)
        effects = self.effects.of(name, stage, forward, base)
        return {
            "stream": path_hash(f"stages/{name}"),
            "step_first": steps[0],
            "step_count": steps[1],
            "patience": context.builder.table(stage.patience),
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
            "gate": context.definitions[stage.gate] if stage.gate else -1,
            "signal_first": signals[0],
            "signal_count": signals[1],
            "nurture": lead_interest.nurture(context, name, stage),
            "task_first": tasks[0],
            "task_count": tasks[1],
            "deal": int(stage.is_deal),
        }
