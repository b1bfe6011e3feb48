"""The response curves that could stand in a scenario: the one each stage names, and the presets that act on the same.

A curve is r(t); its logarithm against that at the reference is what the engines add to the log-odds of going on or of
contact (rules 64 to 66). Outside the delays that its study covers it is held flat.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from funnelsim.compile.curves import curve_points, response_curve
from funnelsim.scenario import Scenario, loads_resolved, presets
from funnelsim.typing import FloatArray

HOUR = 3600.0


@dataclass(frozen=True)
class CurveOption:
    """A response curve: log-odds by the logarithm of the delay, between points; flat outside them."""

    name: str
    log_delays: FloatArray  # ln seconds, rising
    log_ratios: FloatArray  # ln r
    grade: str  # A, B, C, assumption; empty = written in the scenario
    used: bool  # the one that the scenario names

    def against(self, delays: FloatArray, reference: float = HOUR) -> FloatArray:
        """r(t) / r(reference) at delays in seconds."""
        logs = np.interp(np.log(delays), self.log_delays, self.log_ratios)
        ratios: FloatArray = np.exp(logs - np.interp(math.log(reference), self.log_delays, self.log_ratios))
        return ratios


@dataclass(frozen=True)
class StageCurves:
    """A stage with a response curve, and the presets that could stand there."""

    name: str
    target: str  # "advance" or "contact"
    laws: Sequence[CurveOption]


def stages_with_curves(scenario: Scenario) -> Iterator[StageCurves]:
    """Every stage that names a response curve; the other presets that act on the same are set beside it."""
    for name, stage in scenario.stages.items():
        data = response_curve(stage.response)
        if data is None or data.get("form") == "none":
            continue
        own = stage.response if isinstance(stage.response, str) else "a curve of the scenario"
        others = [one for one in presets.names("response") if one != own]
        laws = [
            _law(own, data, used=True),
            *(
                _law(one, presets.load("response", one))
                for one in others
                if _fits(presets.load("response", one), data["target"])
            ),
        ]
        yield StageCurves(name, data["target"], laws)


def curves_of_resolved(resolved: dict[str, Any]) -> list[StageCurves]:
    """The same of a scenario as a manifest holds it."""
    return list(stages_with_curves(loads_resolved(resolved).scenario))


def _law(name: str, data: dict[str, Any], used: bool = False) -> CurveOption:
    points = np.array(curve_points(data))
    return CurveOption(name, points[:, 0], points[:, 1], str(data.get("grade", "")), used)


def _fits(data: dict[str, Any], target: str) -> bool:
    return bool(data["target"] == target and data["form"] != "none")
