"""What people write: files and `--set` texts to a checked Scenario.

text -> layers -> schema -> check -> Loaded
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from funnelsim.scenario.loading import Loaded, load, loads_resolved
    from funnelsim.scenario.schema import Scenario

__all__ = ["Loaded", "Scenario", "load", "loads_resolved"]


def __getattr__(name: str) -> Any:
    """Lazily: pydantic is slow to import, and values and units do without it."""
    if name in ("Loaded", "load", "loads_resolved"):
        from funnelsim.scenario import loading

        return getattr(loading, name)
    if name == "Scenario":
        from funnelsim.scenario.schema import Scenario

        return Scenario
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
