"""What a scenario assumes: the keys in use whose size nobody has published, each with the sweep that varies it.

A key is an assumption when the schema says so (`assumed`), and in use when it is not at its default; those of a level
or of pursuit always are, since these do something at their defaults too. The sweep goes from no effect to twice as much
as is written, through all shares, or from half to twice. What calibration has measured of fit is no assumption.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from funnelsim.scenario.schema import Level, Pursuit, Scenario
from funnelsim.scenario.values import Range, Schedule

Path = tuple[str, ...]
SHARES = ("base", "fatigue", "weight", "initial", "quality", "volume", "adherence")  # keys that run from 0 to 1
NONE_AT_ONE = ("odds", "time_factor", "handling")  # keys that do nothing at 1
ABOVE_NONE = ("intent_limit", "trust_limit")  # keys that are never 0
POINTS = 7


@dataclass(frozen=True)
class Assumption:
    """A number in use that rests on nothing published."""

    path: str  # "influences.belief_in_leads.odds", as --set takes it
    written: str  # "5", "0.6 to 1.0"
    vary: str  # "influences.belief_in_leads.odds=1..10:7"

    def command(self, file: str) -> str:
        """The command line that shows how far the answer depends on it."""
        return f"funnelsim sweep {shlex.quote(file)} --vary {shlex.quote(self.vary)}"


def assumptions(scenario: Scenario) -> tuple[Assumption, ...]:
    """Every assumption in use, in the order of the file format; a value by date is varied by its first."""
    found = []
    for path, value in _assumed(scenario, ()):
        middle = _number(value)
        measured = scenario.fitted is not None and path[:2] == ("effects", "fit")
        if middle is not None and not measured:
            name = ".".join(path)
            found.append(Assumption(name, _written(value), f"{name}={_ends(path[-1], middle)}:{POINTS}"))
    return tuple(found)


def equally_good(scenario: Scenario) -> bool:
    """Whether both sides work the leads of some stage, and nothing says that one of them is better at it (rule 46)."""
    odds = scenario.effects.marketing_sells.odds
    told = not isinstance(odds, Range) or (odds.low, odds.high) != (1.0, 1.0)
    if told or len({team.handling for team in scenario.teams.values()}) > 1:
        return False
    return any(len({scenario.side_of(team) for team in _working(scenario, name)}) > 1 for name in scenario.stages)


def _working(scenario: Scenario, stage: str) -> Iterator[str]:
    """Teams that work a stage, by ownership or by name."""
    for work in scenario.stages[stage].work:
        yield from (
            team for team in ([work.by] if work.by else scenario.ownership.get(stage, ())) if team in scenario.teams
        )


def _assumed(thing: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """(path, value) of each key that is marked and in use."""
    if isinstance(thing, BaseModel):
        for name, field in type(thing).model_fields.items():
            value = getattr(thing, name)
            here = (*path, field.alias or name)
            extra = field.json_schema_extra
            if isinstance(extra, dict) and extra.get("assumption"):
                if isinstance(thing, Level | Pursuit) or value != field.get_default(call_default_factory=True):
                    yield here, value
            else:
                yield from _assumed(value, here)
    elif isinstance(thing, dict):
        for name, one in thing.items():
            yield from _assumed(one, (*path, str(name)))
    elif isinstance(thing, tuple):
        for i, one in enumerate(thing):
            yield from _assumed(one, (*path, str(i)))


def _number(value: Any) -> float | None:
    """The middle of what is written; None when it is no number, such as a level by name."""
    if isinstance(value, Schedule):
        return _number(value.steps[0][1])
    if isinstance(value, Range):
        return math.sqrt(value.low * value.high) if value.low > 0.0 else (value.low + value.high) / 2.0
    return float(value) if isinstance(value, int | float) else None


def _written(value: Any) -> str:
    if isinstance(value, Schedule):
        return f"{_written(value.steps[0][1])}, by date"
    return (value.text or f"{value.low:g} to {value.high:g}") if isinstance(value, Range) else f"{value:g}"


def _ends(key: str, value: float) -> str:
    if key in SHARES and 0.0 <= value <= 1.0:
        return "0..1"
    if key in ABOVE_NONE:
        return f"{value / 2.0:.3g}..{2.0 * value:.3g}"
    if key in NONE_AT_ONE:
        return f"1..{2.0 * value:.3g}" if value >= 1.0 else f"{value / 2.0:.3g}..1"
    return f"0..{2.0 * value:.3g}" if value > 0.0 else f"{2.0 * value:.3g}..0"
