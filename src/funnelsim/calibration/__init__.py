"""From history to numbers a scenario can extend: conversion, time in stage, arrivals, leads in flight.

from funnelsim.calibration import calibrate
calibration = calibrate("calibration/sample.history.yaml", out="fitted.yaml")
print(calibration.report())
"""

from funnelsim.calibration.pipeline import calibrate
from funnelsim.calibration.result import Calibration

__all__ = ["Calibration", "calibrate"]
