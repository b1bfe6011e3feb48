"""Simulates sales-and-marketing funnels and the agreements between the two teams.

    import funnelsim

    result = funnelsim.run("scenarios/old-way.yaml")
    print(result["cohort.won"].mean)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from funnelsim import figures
    from funnelsim.api import anchor, calibrate, check, compare, init, report, run, schema, seek, sweep, validate
    from funnelsim.commands.compare import Compared
    from funnelsim.commands.report import Reported
    from funnelsim.commands.seek import Sought
    from funnelsim.commands.sweep import Swept
    from funnelsim.result import Result
    from funnelsim.scenario import load

__all__ = [
    "Compared", "Reported", "Result", "Sought", "Swept", "anchor", "calibrate", "check", "compare", "figures", "init",
    "load", "report", "run", "schema", "seek", "sweep", "validate",
]

_HOME = {"Compared": "funnelsim.commands.compare", "Reported": "funnelsim.commands.report",
         "Result": "funnelsim.result", "Sought": "funnelsim.commands.seek", "Swept": "funnelsim.commands.sweep",
         "load": "funnelsim.scenario"}


def __getattr__(name: str) -> Any:
    """Public names are imported when first used: the command line must start in an instant."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    if name in ("figures", "report"):   # a module, and a package that can be called
        return import_module(f"funnelsim.{name}")
    return getattr(import_module(_HOME.get(name, "funnelsim.api")), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
