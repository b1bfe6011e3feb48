"""The file format: pydantic models with the nature, unit and meaning of every key. They compute nothing."""

from funnelsim.scenario.schema.behaviour import CurveEffect, Effect, Effects, Influence, Level, Pursuit
from funnelsim.scenario.schema.demand import FoundAgain, InFlight, MarketingPlan, Segment, Snapshot, Source
from funnelsim.scenario.schema.handoff import Accept, Handoff, Handover
from funnelsim.scenario.schema.interest import Nurture, Score, Signal
from funnelsim.scenario.schema.paths import SchemaNode, allowed, draw_path, nature, renamed, resolve_path
from funnelsim.scenario.schema.promises import Clocks, Promises, Terms, Tier
from funnelsim.scenario.schema.scenario import Goal, History, Observed, Scenario
from funnelsim.scenario.schema.stages import Curve, Stage
from funnelsim.scenario.schema.teams import Calendar, Cost, Shift, Team, TimeBudget
from funnelsim.scenario.schema.work import Task, Work

__all__ = [
    "Accept",
    "Calendar",
    "Clocks",
    "Cost",
    "Curve",
    "CurveEffect",
    "Effect",
    "Effects",
    "FoundAgain",
    "Goal",
    "Handoff",
    "Handover",
    "History",
    "InFlight",
    "Influence",
    "Level",
    "MarketingPlan",
    "Nurture",
    "Observed",
    "Promises",
    "Pursuit",
    "Scenario",
    "SchemaNode",
    "Score",
    "Segment",
    "Shift",
    "Signal",
    "Snapshot",
    "Source",
    "Stage",
    "Task",
    "Team",
    "Terms",
    "Tier",
    "TimeBudget",
    "Work",
    "allowed",
    "draw_path",
    "nature",
    "renamed",
    "resolve_path",
]
