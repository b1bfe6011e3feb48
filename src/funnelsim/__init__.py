"""Simulates sales-and-marketing funnels and the agreements between the two teams.

    import funnelsim

    result = funnelsim.run("scenarios/old-way.yaml")
    print(result["cohort.won"].mean)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
        run,
        schema,
        seek,
        sensitivity,
        sweep,
        validate,
    )
    from funnelsim.result import Result
    from funnelsim.scenario import load

__all__ = [
    "Result", "anchor", "backtest", "best_of", "calibrate", "chance", "check", "compare", "explain", "init", "load",
    "optimise", "run", "schema", "seek", "sensitivity", "sweep", "validate",
]

_HOME = {"Result": "funnelsim.result", "load": "funnelsim.scenario"}


def __getattr__(name: str) -> Any:
    """Public names are imported when first used: the command line must start in an instant."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME.get(name, "funnelsim.api")), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
