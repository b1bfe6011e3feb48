"""Fitted parameters: shares, time laws, rates and values redrawn from what calibration knows of them.

`fitted` holds, for each stage, the weighed fits of calibration: a vector log(pi_j / pi_never) by exit, then (mu, s) by
time law, with its covariance. A draw picks one fit by its Akaike weight and a vector from the normal law around it; so
families, shares and times are uncertain together. Laws: weibull T = exp(mu + e^s log E), lognormal T = exp(mu + e^s Z),
gamma T = e^mu G with G of shape e^s; times in seconds.

What a scenario has overridden is not redrawn: shares and times only while the scenario still says what was fitted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from funnelsim.compile.context import CompileContext, shares_of
from funnelsim.compile.deal_value_draw import value_draw
from funnelsim.compile.demand import Demand
from funnelsim.compile.distributions import median, table, without_never
from funnelsim.compile.parameter_draws import Draw, logit, uniform
from funnelsim.compile.stages import Stages
from funnelsim.plan import Plan
from funnelsim.scenario.values import Distribution, Share
from funnelsim.typing import FloatArray

_SHARE_TOLERANCE = 1e-3  # the file rounds
_TIME_TOLERANCE = 0.02  # of the median of an exit's time


@dataclass(frozen=True)
class Fit:
    """One choice of families for a stage."""

    weight: float
    families: tuple[str, ...]
    law_of: tuple[int, ...]  # by exit: which time law
    mean: FloatArray
    root: FloatArray  # root @ root.T = covariance

    def vector(self, noise: FloatArray) -> FloatArray:
        """The parameters at standard normal noise."""
        return self.mean + self.root @ noise[: len(self.mean)]

    def shares(self, vector: FloatArray) -> FloatArray:
        """Shares of never, then of the exits."""
        logits = np.concatenate(([0.0], vector[: len(self.law_of)]))
        powers = np.exp(logits - logits.max())
        return np.asarray(powers / powers.sum())

    def time(self, vector: FloatArray, exit_: int) -> Distribution:
        """Time law of an exit."""
        law = self.law_of[exit_]
        mu, s = vector[len(self.law_of) + 2 * law :][:2].tolist()
        return location_scale(self.families[law], mu, s)


@dataclass(frozen=True)
class StageDraw:
    """What is redrawn of one stage."""

    name: str
    row: int  # of plan.stages
    exits: tuple[str, ...]  # targets, by exit of the fits; a timer repeats its target
    fits: tuple[Fit, ...]
    forward: dict[str, int]  # rows of plan.exits of the forward targets, when shares are redrawn
    others: dict[str, int]
    tables: dict[str, int]  # rows of plan.tables of the targets whose times are redrawn

    @property
    def path(self) -> str:
        """What its coordinates begin with."""
        return f"fitted.stages.{self.name}"

    @property
    def coordinates(self) -> tuple[str, ...]:
        """The paths that a draw asks for: the fit, then the noise of each parameter."""
        return (f"{self.path}.fit", *(f"{self.path}.{i}" for i in range(max(len(fit.mean) for fit in self.fits))))

    def draw(self, plan: Plan, seed: int, draw: Draw) -> None:
        """Change stages, exits and tables in place; they are copies."""
        if isinstance(draw, Mapping) and not any(path in draw for path in self.coordinates):
            return  # left out: at its estimate, all fits together
        fit, vector = self.parameters(seed, draw)
        weights = fit.shares(vector)
        if self.forward or self.others:
            self._draw_shares(plan, weights)
        for target, row in self.tables.items():
            plan.tables[row] = table(self._time(fit, vector, weights, target))

    def parameters(self, seed: int, draw: Draw) -> tuple[Fit, FloatArray]:
        """The fit that a draw chooses, and its parameters."""
        choice, *places = self.coordinates
        fit = self._choice(uniform(seed, draw, choice))
        noise = special.ndtri([uniform(seed, draw, path) for path in places[: len(fit.mean)]])
        return fit, fit.vector(np.asarray(noise))

    def base(self, fit: Fit, vector: FloatArray) -> float:
        """Share that goes on, of the exits that the scenario knows; nan when shares are not redrawn."""
        groups = self._groups(fit.shares(vector))[1]
        return groups[0] / sum(groups) if self.forward else math.nan

    def typical_time(self, fit: Fit, vector: FloatArray) -> float:
        """Median time (s) to the first exit whose time is redrawn; nan when none is."""
        target = next(iter(self.tables), None)
        return median(self._time(fit, vector, fit.shares(vector), target)) if target else math.nan

    def _choice(self, u: float) -> Fit:
        edges = np.cumsum([fit.weight for fit in self.fits])
        return self.fits[min(int(np.searchsorted(edges, u * edges[-1], side="right")), len(self.fits) - 1)]

    def _groups(self, weights: FloatArray) -> tuple[dict[str, float], list[float]]:
        """Share by target; of all that go on, and of all others."""
        shares = {"silent": float(weights[0])}
        for target, weight in zip(self.exits, weights[1:], strict=True):
            shares[target] = shares.get(target, 0.0) + float(weight)
        return shares, [sum(shares.get(target, 0.0) for target in group) for group in (self.forward, self.others)]

    def _draw_shares(self, plan: Plan, weights: FloatArray) -> None:
        shares, groups = self._groups(weights)
        base = groups[0] / sum(groups)
        plan.stages["base"][self.row], plan.stages["intercept"][self.row] = base, logit(base)
        for group, total in zip((self.forward, self.others), groups, strict=True):
            for target, row in group.items():
                plan.exits["share"][row] = shares.get(target, 0.0) / total

    def _time(self, fit: Fit, vector: FloatArray, weights: FloatArray, target: str) -> Distribution:
        rows = [i for i, name in enumerate(self.exits) if name == target]
        parts = tuple(fit.time(vector, i) for i in rows)
        if len(set(parts)) == 1:
            return parts[0]
        own = weights[1:][rows]
        return Distribution("mixture", (), parts, tuple((own / own.sum()).tolist()))


@dataclass(frozen=True)
class SourceDraw:
    """The rate (its logarithm) or the fit of a source, or the fit of a segment, with a standard error."""

    path: str  # "fitted.sources.web.rate"
    spread: float
    first: int  # rows of plan.points (rate) or plan.mixes (fit)
    count: int
    step: int = 1  # from row to row

    @property
    def rows(self) -> slice:
        """Which rows it moves."""
        return slice(self.first, self.first + self.count * self.step, self.step)

    def noise(self, seed: int, draw: Draw) -> float:
        """How far from the estimate."""
        return self.spread * float(special.ndtri(uniform(seed, draw, self.path)))


class Fitted:
    """The `fitted` section of a scenario, ready to be drawn."""

    def __init__(self, context: CompileContext, demand: Demand, stages: Stages) -> None:
        known = context.scenario.fitted or {}
        self.stages = [
            _stage_draw(context, stages, name, said)
            for name, said in known.get("stages", {}).items()
            if name in context.stages
        ]
        self.rates, self.fits = _source_draws(context, demand, known.get("sources", {}))
        self.fits += _segment_draws(context, demand, known.get("segments", {}))
        self.value = value_draw(context, demand, known.get("deal_value"))

    @property
    def drawn(self) -> bool:
        """Whether there is anything to draw."""
        return bool(self.stages or self.rates or self.fits or self.value)

    def draw(self, plan: Plan, seed: int, draw: Draw) -> Plan:
        """The plan with the fitted parameters of one draw."""
        if self.stages:
            plan = plan._replace(stages=plan.stages.copy(), exits=plan.exits.copy(), tables=plan.tables.copy())
            for stage in self.stages:
                stage.draw(plan, seed, draw)
        if self.value:
            plan = plan if self.stages else plan._replace(tables=plan.tables.copy())
            self.value.draw(plan, seed, draw)
        if self.rates or self.fits:
            plan = plan._replace(points=plan.points.copy(), source_segments=plan.source_segments.copy())
        for rate in self.rates:
            plan.points["y"][rate.rows] *= math.exp(rate.noise(seed, draw))
        for fit in self.fits:
            plan.source_segments["fit_shift"][fit.rows] += fit.noise(seed, draw)
        return plan


def location_scale(family: str, mu: float, s: float) -> Distribution:
    """A law of calibration as a distribution."""
    if family == "lognormal":
        return Distribution(family, (mu, math.exp(s)))
    shape = math.exp(-s) if family == "weibull" else math.exp(s)
    return Distribution(family, (shape, math.exp(mu)))


def _stage_draw(context: CompileContext, stages: Stages, name: str, said: Mapping[str, Any]) -> StageDraw:
    exits, fits = tuple(said["exits"]), tuple(_fit(one) for one in said["fits"])
    stage, rows = context.scenario.stages[name], stages.exits.rows[name]
    forward = {target: row for target, row in rows.items() if context.target(target) > context.stages[name]}
    others = {target: row for target, row in rows.items() if target not in forward}
    if not _says_shares(stage.next or {}, exits, fits):
        forward, others = {}, {}
    tables: dict[str, int] = {}
    for target, pace in stage.pace.items() if isinstance(stage.pace, dict) else ():
        if (
            target in exits
            and target in rows
            and target not in said.get("empirical", ())
            and _says_time(pace, exits, fits, target)
        ):
            tables[target] = context.builder.exits[rows[target]]["pace"] = context.builder.own_table(pace)
    return StageDraw(name, context.stages[name], exits, fits, forward, others, tables)


def _fit(said: Mapping[str, Any]) -> Fit:
    values, axes = np.linalg.eigh(np.array(said["cov"], dtype=np.float64))
    root = axes * np.sqrt(np.maximum(values, 0.0))
    return Fit(
        float(said["weight"]),
        tuple(said["families"]),
        tuple(int(law) for law in said["law_of"]),
        np.array(said["mean"], dtype=np.float64),
        root,
    )


def _source_draws(
    context: CompileContext, demand: Demand, known: Mapping[str, Any]
) -> tuple[list[SourceDraw], list[SourceDraw]]:
    rates, fits, segments = [], [], len(context.segments)
    for i, (name, row) in enumerate(zip(demand.names, demand.rows, strict=True)):
        said = known.get(name, {})
        if "rate_se" in said and row["rate_count"]:
            rates.append(
                SourceDraw(f"fitted.sources.{name}.rate", float(said["rate_se"]), row["rate_first"], row["rate_count"])
            )
        if "fit_se" in said:
            fits.append(SourceDraw(f"fitted.sources.{name}.fit", float(said["fit_se"]), i * segments, segments))
    return rates, fits


def _segment_draws(context: CompileContext, demand: Demand, known: Mapping[str, Any]) -> list[SourceDraw]:
    """A segment's row among the mixes of each source."""
    segments = len(context.segments)
    return [
        SourceDraw(f"fitted.segments.{name}.fit", float(known[name]["fit_se"]), i, len(demand.rows), segments)
        for name, i in context.segments.items()
        if name in known
    ]


# ---- does the scenario still say what was fitted? --------------------------------------------------------------------


def _says_shares(said: Mapping[str, Share], exits: tuple[str, ...], fits: tuple[Fit, ...]) -> bool:
    if set(said) - {"silent"} != set(exits):
        return False
    written, fitted = shares_of(dict(said)), _mean_shares(exits, fits)
    return all(abs(written[target] - fitted[target]) < _SHARE_TOLERANCE for target in exits)


def _mean_shares(exits: tuple[str, ...], fits: tuple[Fit, ...]) -> dict[str, float]:
    found = dict.fromkeys(exits, 0.0)
    total = sum(fit.weight for fit in fits)
    for fit in fits:
        for target, share in zip(exits, fit.shares(fit.mean)[1:], strict=True):
            found[target] += fit.weight / total * float(share)
    return found


def _says_time(pace: Distribution, exits: tuple[str, ...], fits: tuple[Fit, ...], target: str) -> bool:
    parts, weights = [], []
    for fit in fits:
        for i, share in enumerate(fit.shares(fit.mean)[1:]):
            if exits[i] == target:
                parts.append(fit.time(fit.mean, i))
                weights.append(fit.weight * float(share))
    fitted = Distribution("mixture", (), tuple(parts), tuple(weight / sum(weights) for weight in weights))
    return abs(math.log(median(without_never(pace)) / median(without_never(fitted)))) < _TIME_TOLERANCE
