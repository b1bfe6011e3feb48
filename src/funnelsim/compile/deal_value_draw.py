"""What a win is worth, redrawn from what so few wins tell of it.

    lognormal:   sigma' = sigma sqrt((n - 1) / chi2),  mu' = mu + sigma' z / sqrt(n)
    empirical:   the law times exp(e z), e the standard error of the mean over the mean

chi2 has n - 1 degrees of freedom. That is the posterior of (mu, sigma) under the prior 1 / sigma (Gelman et al. 2013,
Bayesian Data Analysis, section 3.2): the logarithm of a value to come is then t with n - 1 degrees of freedom, times
sigma sqrt(1 + 1/n); so intervals of one value, and of mu and sigma, hold as often as they say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from funnelsim.compile.context import CompileContext
from funnelsim.compile.demand import Demand
from funnelsim.compile.distributions import law_of, median, scaled, table, without_never
from funnelsim.compile.parameter_draws import Draw, uniform
from funnelsim.plan import Plan
from funnelsim.scenario.values import Distribution

PATH = "fitted.deal_value"
_TOLERANCE = 1e-3  # of the median and the 90 % point: the file rounds


@dataclass(frozen=True)
class ValueDraw:
    """The law of deal values of a scenario that still says what was fitted."""

    row: int  # of plan.tables
    law: Distribution  # at the estimate
    count: int  # values it was fitted to
    location: float  # of the logarithm, of a lognormal law
    spread: float  # 0: an empirical law
    error: float  # of the mean of an empirical law, as a share of it

    @property
    def coordinates(self) -> tuple[str, ...]:
        """The paths that a draw asks for."""
        return (f"{PATH}.mean", f"{PATH}.spread") if self.spread else (f"{PATH}.mean",)

    @property
    def slopes(self) -> tuple[float, ...]:
        """How far the logarithm of the mean moves with one standard deviation of each, about."""
        if not self.spread:
            return (self.error,)
        return self.spread / math.sqrt(self.count), self.spread**2 / math.sqrt(2.0 * (self.count - 1.0))

    @property
    def says(self) -> str:
        """What `log_mean` is the logarithm of."""
        return "mean" if self.spread else "median"

    def draw(self, plan: Plan, seed: int, draw: Draw) -> None:
        """Change the row of `tables` in place; they are a copy."""
        if isinstance(draw, Mapping) and not any(path in draw for path in self.coordinates):
            return  # left out: at its estimate
        plan.tables[self.row] = table(self.drawn(seed, draw))

    def drawn(self, seed: int, draw: Draw) -> Distribution:
        """The law of a draw."""
        z = float(special.ndtri(uniform(seed, draw, self.coordinates[0])))
        if not self.spread:
            return scaled(self.law, math.exp(self.error * z))
        freedom = self.count - 1.0
        # a high place is a wide spread, so a low chi2
        chi2 = float(special.chdtri(freedom, uniform(seed, draw, self.coordinates[1])))
        spread = self.spread * math.sqrt(freedom / chi2)
        return Distribution("lognormal", (self.location + spread * z / math.sqrt(self.count), spread))

    def log_mean(self, seed: int, draw: Draw) -> float:
        """Logarithm of the mean value (of the median, of an empirical law) in a draw."""
        law = self.drawn(seed, draw)
        if law.family != "lognormal":
            return math.log(median(law))
        return float(law.parameters[0]) + float(law.parameters[1]) ** 2 / 2.0


def value_draw(context: CompileContext, demand: Demand, said: Mapping[str, Any] | None) -> ValueDraw | None:
    """What is redrawn, on a table of its own; None where the scenario says other values, or nobody uses them."""
    law = context.scenario.deal_value
    if not said or law is None:
        return None
    location, spread = float(said.get("location", 0.0)), float(said.get("spread", 0.0))
    middle = math.exp(location) if spread else float(said["median"])
    if not _near(median(law), middle) or (spread and not _near(_p90(law), math.exp(location + 1.2815516 * spread))):
        return None
    shared = context.builder.table(law)
    mine = [source_segment for source_segment in demand.source_segments if source_segment["value"] == shared]
    if not mine:
        return None
    row = context.builder.own_table(law)
    for source_segment in mine:
        source_segment["value"] = row
    return ValueDraw(row, without_never(law), int(said["count"]), location, spread, float(said.get("error", 0.0)))


def _p90(law: Distribution) -> float:
    return float(law_of(law).ppf(np.array([0.9]))[0])


def _near(one: float, other: float) -> bool:
    return abs(one / other - 1.0) < _TOLERANCE
