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
        best_of,
        calibrate,
        chance,
        check,
        compare,
        explain,
        init,
        optimise,
        report,
        run,
        schema,
        seek,
        sensitivity,
        sweep,
        validate,
    )
    from funnelsim.commands.backtest import Backtested
    from funnelsim.commands.chance import Told
    from funnelsim.commands.compare import Compared
    from funnelsim.commands.explain import Explained
    from funnelsim.commands.optimise import Optimised
    from funnelsim.commands.report import Reported
    from funnelsim.commands.seek import Sought
    from funnelsim.commands.sensitivity import Sensed
    from funnelsim.commands.sweep import Swept
    from funnelsim.result import Result
    from funnelsim.scenario import load

__all__ = [
    "Backtested", "Compared", "Explained", "Optimised", "Reported", "Result", "Sensed", "Sought", "Swept", "Told",
    "anchor", "backtest", "best_of", "calibrate", "chance", "check", "compare", "explain", "figures", "init", "load",
    "optimise", "report", "run", "schema", "seek", "sensitivity", "sweep", "validate",
]

_HOME = {
    "Backtested": "funnelsim.commands.backtest", "Compared": "funnelsim.commands.compare",
    "Explained": "funnelsim.commands.explain", "Optimised": "funnelsim.commands.optimise",
    "Reported": "funnelsim.commands.report", "Result": "funnelsim.result", "Sensed": "funnelsim.commands.sensitivity",
    "Sought": "funnelsim.commands.seek", "Swept": "funnelsim.commands.sweep", "Told": "funnelsim.commands.chance",
    "load": "funnelsim.scenario",
}


def __getattr__(name: str) -> Any:
    """Public names are imported when first used: the command line must start in an instant."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    if name == "figures":               # a module of its own
        return import_module("funnelsim.figures")
    return getattr(import_module(_HOME.get(name, "funnelsim.api")), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
