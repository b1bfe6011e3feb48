"""From a scenario to plans: everything is compiled once, and each draw of ignorance changes only what it must."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from funnelsim.calendars import local_midnights
from funnelsim.compile import initial_leads, lead_interest
from funnelsim.compile.context import CompileContext, length
from funnelsim.compile.demand import Demand
from funnelsim.compile.fitted_draws import Fitted
from funnelsim.compile.labels import make_labels
from funnelsim.compile.levels import levels
from funnelsim.compile.parameter_draws import Draw, UncertainParameter, UncertainParameters
from funnelsim.compile.replication_size import replication_size, too_large
from funnelsim.compile.stage_teams import StageTeams
from funnelsim.compile.stages import Stages
from funnelsim.compile.table_builder import array
from funnelsim.compile.teams import Teams
from funnelsim.compile.uncertain_inputs import UncertainInput, uncertain_inputs
from funnelsim.errors import Problem, ScenarioError
from funnelsim.plan import (
    BREACH_ACTION,
    DEFINITION,
    EFFECT,
    EXIT,
    INTERVAL,
    LEVEL,
    NURTURE,
    PROMISE,
    SCORE,
    SETTINGS,
    SIGNAL,
    SOURCE,
    SOURCE_SEGMENT,
    STAGE,
    STAGE_TEAM,
    STEP,
    TASK,
    TEAM,
    TERM,
    Labels,
    Plan,
)
from funnelsim.scenario.schema import Scenario

Intercepts = Mapping[str, tuple[float, float]]  # stage: (intercept, contact intercept), from anchoring


@dataclass(frozen=True)
class Blueprint:
    """A compiled scenario, ready to give a plan for each draw of its beliefs and fitted parameters."""

    scenario: Scenario
    centre: Plan  # with every belief at its centre
    book: Labels
    _beliefs: UncertainParameters
    _fitted: Fitted

    @property
    def beliefs(self) -> list[UncertainParameter]:
        """The ranges that a draw moves, in the order of the file."""
        return list(self._beliefs.all)

    @cached_property
    def uncertain_inputs(self) -> list[UncertainInput]:
        """All that a draw moves: each range, each source's rate and fit, each fitted stage as one."""
        return uncertain_inputs(self._beliefs, self._fitted)

    @property
    def uncertain(self) -> bool:
        """Whether draws differ at all."""
        return bool(self._beliefs.all) or self._fitted.drawn

    @cached_property
    def base_rates(self) -> dict[str, float]:
        """Base rate of each stage that has exits, with all parameters at their centre."""
        stages = self.centre.stages
        return {
            name: float(base)
            for name, base, exits in zip(self.book.stages, stages["base"], stages["next_count"], strict=True)
            if exits
        }

    def plan(self, draw: Draw | None = None, intercepts: Intercepts | None = None) -> Plan:
        """The plan of one draw; none = every belief at its centre, every fitted parameter at its estimate."""
        plan = self.centre
        if draw is not None:
            plan = self._fitted.draw(self._believed(plan, draw), self.scenario.seed, draw)
        return plan._replace(stages=_anchored(plan.stages, self.book.stages, intercepts)) if intercepts else plan

    def values(self, draw: Draw | None = None) -> dict[str, float]:
        """What each belief is in a draw: for reports."""
        return {belief.path: belief.drawn(self.scenario.seed, draw) for belief in self._beliefs.all}

    def believed(self, draw: Draw) -> Plan:
        """The plan with the beliefs of a draw, every fitted parameter at its estimate: for anchoring."""
        return self._believed(self.centre, draw)

    def _believed(self, plan: Plan, draw: Draw) -> Plan:
        values = [belief.drawn(self.scenario.seed, draw) for belief in self._beliefs.all]
        changed: dict[str, Any] = {}
        for follower in self._beliefs.bindings:
            table = changed.setdefault(follower.table, getattr(plan, follower.table).copy())
            column = table[follower.field] if follower.field else table
            column[follower.row] = follower.by(values[follower.belief])
        return plan._replace(**changed)


def compile_scenario(loaded: Any) -> Blueprint:
    """Compile a loaded scenario (`scenario.load`) or a Scenario; ScenarioError when no computer could run it."""
    scenario: Scenario = getattr(loaded, "scenario", loaded)
    context = CompileContext(scenario)
    demand, stages, people = Demand(context), Stages(context), Teams(context)
    stage_teams = StageTeams(context, demand.names)
    scores, definitions, slow = lead_interest.scores(context), lead_interest.definitions(context), levels(context)
    fitted = Fitted(context, demand, stages)
    snapshot = initial_leads.initial_lead_rows(context, demand.names)
    days = context.builder.instants(local_midnights(scenario.timezone, context.start, context.horizon))
    settings = {
        "horizon": context.horizon,
        "measure_from": context.measure_from,
        "measure_to": context.measure_to,
        "weeks": context.weeks,
        "segments": len(context.segments),
        "cycles": -1 if scenario.cycles is None else scenario.cycles,
        "days_first": days[0],
        "days_count": days[1],
        "weekday": context.first_weekday,
        "good": scenario.good_fit,
        "late": math.inf if scenario.poor_follow_up is None else length(scenario.poor_follow_up),
    }
    points, instants, tables = context.builder.finish()
    plan = Plan(
        settings=array(SETTINGS, [settings]),
        sources=array(SOURCE, demand.rows),
        source_segments=array(SOURCE_SEGMENT, demand.source_segments),
        stages=array(STAGE, stages.rows),
        exits=array(EXIT, context.builder.exits),
        steps=array(STEP, context.builder.steps),
        tasks=array(TASK, context.builder.tasks),
        signals=array(SIGNAL, context.builder.signals),
        nurtures=array(NURTURE, context.builder.nurtures),
        scores=array(SCORE, scores),
        levels=array(LEVEL, slow),
        effects=array(EFFECT, context.builder.effects),
        points=points,
        teams=array(TEAM, people.rows),
        intervals=array(INTERVAL, people.intervals),
        stage_teams=array(STAGE_TEAM, stage_teams.rows).reshape(len(context.stages), len(context.teams)),
        promises=array(PROMISE, context.builder.promises),
        terms=array(TERM, context.builder.terms),
        actions=array(BREACH_ACTION, context.builder.actions),
        definitions=array(DEFINITION, definitions),
        initial_leads=snapshot,
        instants=instants,
        tables=tables,
    )
    if refused := too_large(replication_size(plan)):
        files = getattr(loaded, "files", None) or [""]
        raise ScenarioError([Problem(files[-1], text=refused[0], hint=refused[1])])
    return Blueprint(
        scenario, plan, make_labels(context, demand.names, stages.work_rows.names), context.beliefs, fitted
    )


def _anchored(stages: Any, names: tuple[str, ...], intercepts: Intercepts) -> Any:
    anchored = stages.copy()
    for i, name in enumerate(names):
        if name in intercepts:
            anchored["intercept"][i], anchored["contact_intercept"][i] = intercepts[name]
    return anchored
