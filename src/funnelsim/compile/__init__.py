"""Scenario to Plan: names, dates, calendars, distributions and beliefs become the numbers that the engines run.

blueprint = compile_scenario(load("scenarios/old-way.yaml"))
plan = blueprint.plan(draw=3)
"""

from funnelsim.compile.blueprint import Blueprint, Intercepts, compile_scenario
from funnelsim.compile.parameter_draws import UncertainParameter

__all__ = ["Blueprint", "Intercepts", "UncertainParameter", "compile_scenario"]
