"""The file format: pydantic models with the nature, unit and meaning of every key. They compute nothing."""

from funnelsim.scenario.schema.demand import InFlight, Segment, Snapshot, Source
from funnelsim.scenario.schema.stages import Curve, Stage, Work
from funnelsim.scenario.schema.teams import (
    Calendar,
    Cost,
    Handoff,
    Handover,
    Promises,
    Shift,
    Team,
    Terms,
)
from funnelsim.scenario.schema.walk import Spot, allowed, nature, spot
from funnelsim.scenario.schema.whole import Effect, Effects, Goal, History, Observed, Scenario

__all__ = [
    "Calendar", "Cost", "Curve", "Effect", "Effects", "Goal", "Handoff", "Handover", "History", "InFlight", "Observed",
    "Promises", "Scenario", "Segment", "Shift", "Snapshot", "Source", "Spot", "Stage", "Team", "Terms", "Work",
    "allowed", "nature", "spot",
]
