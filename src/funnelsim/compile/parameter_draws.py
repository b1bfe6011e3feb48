"""Beliefs and fitted parameters: what a draw of ignorance changes in a plan.

A belief is a range. Draw d puts it at the share u = hash(seed, d, path) of its way from low to high, on the scale on
which it acts: log-odds for effects, logit for shares, log for positive numbers (rule 71). No draw = the middle of that
way. The same path has the same u in every scenario, so a belief never speaks for one of the compared ones.

A draw is a number, or says itself where the paths stand (`Places`): those it leaves out are at their middle.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from funnelsim.engine.rng import path_hash
from funnelsim.scenario.schema import draw_path
from funnelsim.scenario.values import Range

ODDS, SHARE, PLAIN = "odds", "share", "plain"
Place = int | tuple[int, int]  # a row of a table, or of one with two dimensions
Places = Mapping[str, float]  # path: u
Draw = int | Places


@dataclass(frozen=True)
class UncertainParameter:
    """A range that nobody has measured."""

    path: str  # "effects.context_lost"
    low: float
    high: float
    scale: str  # odds: acts on its logarithm; share: on its logit; plain

    def at(self, u: float) -> float:
        """The value a share u of the way from low to high."""
        if self.scale == ODDS:
            return math.exp(_between(math.log(self.low), math.log(self.high), u))
        if self.scale == SHARE and self.low > 0.0 and self.high < 1.0:
            return logistic(_between(logit(self.low), logit(self.high), u))
        return _between(self.low, self.high, u)

    def drawn(self, seed: int, draw: Draw | None) -> float:
        """The value in a draw; its centre when there is none."""
        return self.at(0.5 if draw is None else uniform(seed, draw, self.path))


@dataclass(frozen=True)
class Binding:
    """A number of the plan that follows a belief: table[field][row] = by(belief)."""

    belief: int
    table: str  # name of the plan's table
    field: str  # "" = the row of `tables` itself, which `by` then gives whole
    row: Place
    by: Callable[[float], Any]


class UncertainParameters:
    """The ranges of a scenario, and the numbers of the plan that follow them."""

    def __init__(self) -> None:
        self.all: list[UncertainParameter] = []
        self.bindings: list[Binding] = []
        self._index: dict[str, int] = {}

    def centre(self, path: str, value: float | Range, scale: str) -> float:
        """The value to compile; a true range is registered under its path."""
        if not isinstance(value, Range):
            return float(value)
        if value.low == value.high:
            return float(value.low)
        if path not in self._index:
            self._index[path] = len(self.all)
            self.all.append(UncertainParameter(path, float(value.low), float(value.high), scale))
        return self.all[self._index[path]].drawn(0, None)

    def bind(self, path: str, table: str, field: str, row: Place, by: Callable[[float], Any] = float) -> None:
        """Let a number follow the belief registered under this path, if there is one."""
        if path in self._index:
            self.bindings.append(Binding(self._index[path], table, field, row, by))


def uniform(seed: int, draw: Draw, path: str) -> float:
    """Uniform number in [0, 1) of a (seed, draw, path); where a draw of places has it, else the middle."""
    if isinstance(draw, Mapping):
        return draw.get(path, 0.5)
    return (path_hash(f"draw/{seed}/{draw}/{draw_path(path)}") >> 11) * 2.0**-53


def logit(p: float) -> float:
    """ln(p / (1 - p)), with the infinities at 0 and 1."""
    if p <= 0.0:
        return -math.inf
    if p >= 1.0:
        return math.inf
    return math.log(p / (1.0 - p))


def logistic(x: float) -> float:
    """The inverse of logit."""
    return 1.0 / (1.0 + math.exp(-x)) if x > -700.0 else 0.0


def _between(low: float, high: float, u: float) -> float:
    return low + (high - low) * u
