"""From history to numbers a scenario can extend: conversion, time in stage, arrivals, leads in flight.

from funnelsim.calibration import calibrate
found = calibrate("calibration/sample.history.yaml", out="fitted.yaml")
print(found.report())
"""

from funnelsim.calibration.pipeline import Calibration, calibrate

__all__ = ["Calibration", "calibrate"]
