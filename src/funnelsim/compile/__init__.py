"""Scenario to Plan: names, dates, calendars, distributions and beliefs become the numbers that the engines run.

blueprint = compile_scenario(load("scenarios/old-way.yaml"))
plan = blueprint.plan(draw=3)
"""

from funnelsim.compile.blueprint import Blueprint, Intercepts, compile_scenario
from funnelsim.compile.parameter_draws import UncertainParameter
from funnelsim.compile.replication_size import ReplicationSize, is_large, replication_size

__all__ = [
    "Blueprint",
    "Intercepts",
    "ReplicationSize",
    "UncertainParameter",
    "compile_scenario",
    "is_large",
    "replication_size",
]
