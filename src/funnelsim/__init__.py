"""Simulates sales-and-marketing funnels and the agreements between the two teams.

import funnelsim

result = funnelsim.run("scenarios/old-way.yaml")
print(result["cohort.won"].mean)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from funnelsim import figures
    from funnelsim.api import (
        anchor,
        backtest,
        calibrate,
        check,
        compare,
        explain,
        goal_chance,
        init,
        optimise,
        report,
        run,
        schema,
        seek,
        select_best,
        sensitivity,
        sweep,
        trace,
        validate,
    )
    from funnelsim.commands.backtest import BacktestResult
    from funnelsim.commands.chance import ChanceResult
    from funnelsim.commands.compare import ComparisonResult
    from funnelsim.commands.explain import ExplanationResult
    from funnelsim.commands.optimise import OptimisationResult
    from funnelsim.commands.report import Report
    from funnelsim.commands.seek import SeekResult
    from funnelsim.commands.sensitivity import SensitivityResult
    from funnelsim.commands.sweep import SweepResult
    from funnelsim.commands.trace import LeadTrace
    from funnelsim.result import Result
    from funnelsim.scenario import load

__all__ = [
    "BacktestResult",
    "ChanceResult",
    "ComparisonResult",
    "ExplanationResult",
    "LeadTrace",
    "OptimisationResult",
    "Report",
    "Result",
    "SeekResult",
    "SensitivityResult",
    "SweepResult",
    "anchor",
    "backtest",
    "calibrate",
    "check",
    "compare",
    "explain",
    "figures",
    "goal_chance",
    "init",
    "load",
    "optimise",
    "report",
    "run",
    "schema",
    "seek",
    "select_best",
    "sensitivity",
    "sweep",
    "trace",
    "validate",
]

_HOME = {
    "BacktestResult": "funnelsim.commands.backtest",
    "ComparisonResult": "funnelsim.commands.compare",
    "ExplanationResult": "funnelsim.commands.explain",
    "OptimisationResult": "funnelsim.commands.optimise",
    "Report": "funnelsim.commands.report",
    "Result": "funnelsim.result",
    "SensitivityResult": "funnelsim.commands.sensitivity",
    "SeekResult": "funnelsim.commands.seek",
    "SweepResult": "funnelsim.commands.sweep",
    "LeadTrace": "funnelsim.commands.trace",
    "ChanceResult": "funnelsim.commands.chance",
    "load": "funnelsim.scenario",
}


def __getattr__(name: str) -> Any:
    """Public names are imported when first used: the command line must start in an instant."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    if name == "figures":  # a module of its own
        return import_module("funnelsim.figures")
    return getattr(import_module(_HOME.get(name, "funnelsim.api")), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
