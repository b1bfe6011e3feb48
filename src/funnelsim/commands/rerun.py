"""A study repeated from its manifest: what may not be given, how it is kept there, and that its digits are the same."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date
from typing import Any

from funnelsim.errors import RunError, UsageError
from funnelsim.manifest import Manifest
from funnelsim.progress import Progress
from funnelsim.study.axes import Axis
from funnelsim.study.goals import MeasureGoal


def reject_overrides(*argv: Any) -> None:
    """UsageError when anything is given beside a manifest that would change its numbers."""
    if any(one is not None and one != () and one != [] for one in argv):
        raise UsageError("a manifest is repeated as it is: leave out other files and options that change numbers")


def check_reproduced(now: Manifest, before: Manifest | None, progress: Progress) -> Manifest:
    """The manifest of a repetition, with the papers of the first time; RunError when it did not repeat.

    `before` None: nothing was repeated.
    """
    if before is None:
        return now
    if now.plan != before.plan:
        raise RunError(
            f"the scenarios of the manifest give other plans: they were run with funnelsim "
            f"{before.versions.get('funnelsim', '?')}, this is {now.versions['funnelsim']}"
        )
    if now.digest != before.digest:
        raise RunError("results differ from the manifest for the same inputs: this is a bug, please report it")
    progress.note("the same digits as before")
    return replace(now, data=before.data, warnings=before.warnings)


def axis_to_json(axis: Axis) -> dict[str, Any]:
    """An axis for a manifest."""
    kept = {key: value for key, value in asdict(axis).items() if key not in ("key", "value")}
    return kept | ({} if axis.is_range else {"low": None, "high": None})


def axis_from_json(data: dict[str, Any]) -> Axis:
    """An axis from a manifest."""
    ends = {end: float("nan") if data[end] is None else data[end] for end in ("low", "high")}
    return Axis(**(data | ends | {"values": tuple(data["values"])}))


def goal_to_json(goal: MeasureGoal | None) -> dict[str, Any] | None:
    """A goal for a manifest."""
    return asdict(goal) | {"by": goal.by.isoformat() if goal.by else None} if goal else None


def goal_from_json(data: dict[str, Any] | None) -> MeasureGoal | None:
    """A goal from a manifest."""
    return MeasureGoal(**(data | {"by": date.fromisoformat(data["by"]) if data["by"] else None})) if data else None
