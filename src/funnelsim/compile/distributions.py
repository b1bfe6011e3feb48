"""Laws as functions: quantiles, and their counterparts from the upper end, for the tables that the engines draw from.

Quantile functions are closed forms or SciPy's inverses; those of a mixture solve F(x) = sum of w_i F_i(x) = u by
bisection between the least and the greatest quantile of its parts. `isf(p)` is the quantile at 1 - p, computed from p
itself, so that the far tail keeps its digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from funnelsim.engine.streams import make_table
from funnelsim.scenario.values import Distribution

Values = NDArray[np.float64]
Function = Callable[[Values], Any]         # SciPy's types for its special functions are wider than float64

_BISECTIONS = 80                # halvings of the bracket: to the last digit of a float64


@dataclass(frozen=True)
class Law:
    """A distribution given that it happens at all; `never` is the share that does not."""

    ppf: Function
    isf: Function
    cdf: Function
    sf: Function
    never: float = 0.0


def bare(distribution: Distribution) -> Distribution:
    """The same distribution without the text it was written as: equal laws compare equal."""
    return Distribution(distribution.family, tuple(distribution.parameters), tuple(map(bare, distribution.parts)),
                        tuple(distribution.weights), distribution.never)


def table(distribution: Distribution) -> Values:
    """Row of the Plan's tables for a distribution."""
    return _table(bare(distribution))


@lru_cache(maxsize=512)
def _table(distribution: Distribution) -> Values:
    law = law_of(distribution)
    row = make_table(law.ppf, law.isf, law.never)
    row.setflags(write=False)
    return row


def law_of(distribution: Distribution) -> Law:
    """The functions of a distribution; its parameters are those `values.Distribution` lists."""
    if distribution.family == "mixture":
        return _mixture(distribution)
    if distribution.family == "shifted":
        return _shifted(distribution)
    try:
        maker = _FAMILIES[distribution.family]
    except KeyError:
        raise ValueError(f"no distribution family {distribution.family!r}") from None
    ppf, isf, cdf, sf = maker(*distribution.parameters)
    return Law(ppf, isf, cdf, sf, distribution.never)


def mean(distribution: Distribution) -> float:
    """Mean of what happens, by the midpoints of 200,000 equal slices: for reports and warnings, not for the engines."""
    slices = (np.arange(200_000) + 0.5) / 200_000
    return float(law_of(distribution).ppf(slices).mean())


# ---- families, each as (ppf, isf, cdf, sf) ---------------------------------------------------------------------------

Four = tuple[Function, Function, Function, Function]


def _fixed(value: float) -> Four:
    def at(u: Values) -> Values:
        return np.full_like(u, value)

    return at, at, lambda x: (x >= value).astype(float), lambda x: (x < value).astype(float)


def _exponential(mean: float) -> Four:
    return (lambda u: -mean * np.log1p(-u), lambda p: -mean * np.log(p),
            lambda x: -np.expm1(-_positive(x) / mean), lambda x: np.exp(-_positive(x) / mean))


def _lognormal(mu: float, sigma: float) -> Four:
    return (lambda u: np.exp(mu + sigma * special.ndtri(u)), lambda p: np.exp(mu - sigma * special.ndtri(p)),
            lambda x: special.ndtr((_log(x) - mu) / sigma), lambda x: special.ndtr((mu - _log(x)) / sigma))


def _weibull(shape: float, scale: float) -> Four:
    return (lambda u: scale * (-np.log1p(-u)) ** (1.0 / shape), lambda p: scale * (-np.log(p)) ** (1.0 / shape),
            lambda x: -np.expm1(-((_positive(x) / scale) ** shape)),
            lambda x: np.exp(-((_positive(x) / scale) ** shape)))


def _gamma(shape: float, scale: float) -> Four:
    return (lambda u: scale * special.gammaincinv(shape, u), lambda p: scale * special.gammainccinv(shape, p),
            lambda x: special.gammainc(shape, _positive(x) / scale),
            lambda x: special.gammaincc(shape, _positive(x) / scale))


def _loglogistic(shape: float, scale: float) -> Four:
    return (lambda u: scale * (u / (1.0 - u)) ** (1.0 / shape), lambda p: scale * ((1.0 - p) / p) ** (1.0 / shape),
            lambda x: special.expit(shape * (_log(x) - math.log(scale))),
            lambda x: special.expit(-shape * (_log(x) - math.log(scale))))


def _normal(mean: float, sd: float) -> Four:
    return (lambda u: mean + sd * special.ndtri(u), lambda p: mean - sd * special.ndtri(p),
            lambda x: special.ndtr((x - mean) / sd), lambda x: special.ndtr((mean - x) / sd))


def _uniform(low: float, high: float) -> Four:
    width = high - low
    return (lambda u: low + width * u, lambda p: high - width * p,
            lambda x: np.clip((x - low) / width, 0.0, 1.0), lambda x: np.clip((high - x) / width, 0.0, 1.0))


def _loguniform(low: float, high: float) -> Four:
    width = math.log(high / low)
    return (lambda u: low * np.exp(width * u), lambda p: high * np.exp(-width * p),
            lambda x: np.clip((_log(x) - math.log(low)) / width, 0.0, 1.0),
            lambda x: np.clip((math.log(high) - _log(x)) / width, 0.0, 1.0))


def _empirical(*flat: float) -> Four:
    shares, values = np.array(flat[0::2]), np.array(flat[1::2])
    return (lambda u: np.interp(u, shares, values), lambda p: np.interp(1.0 - p, shares, values),
            lambda x: np.interp(x, values, shares, left=0.0, right=1.0),
            lambda x: 1.0 - np.interp(x, values, shares, left=0.0, right=1.0))


_FAMILIES: dict[str, Callable[..., Four]] = {
    "fixed": _fixed, "exponential": _exponential, "lognormal": _lognormal, "weibull": _weibull, "gamma": _gamma,
    "loglogistic": _loglogistic, "normal": _normal, "uniform": _uniform, "loguniform": _loguniform,
    "empirical": _empirical,
}


# ---- laws made of laws -----------------------------------------------------------------------------------------------

def _shifted(distribution: Distribution) -> Law:
    by, part = distribution.parameters[0], law_of(distribution.parts[0])
    never = 1.0 - (1.0 - distribution.never) * (1.0 - part.never)
    return Law(lambda u: by + part.ppf(u), lambda p: by + part.isf(p),
               lambda x: part.cdf(x - by), lambda x: part.sf(x - by), never)


def _mixture(distribution: Distribution) -> Law:
    parts = [law_of(part) for part in distribution.parts]
    happens = np.array(distribution.weights) * [1.0 - part.never for part in parts]
    never = 1.0 - (1.0 - distribution.never) * float(happens.sum())
    weights = happens / happens.sum()

    def cdf(x: Values) -> Values:
        return _sum([w * part.cdf(x) for w, part in zip(weights, parts, strict=True)])

    def sf(x: Values) -> Values:
        return _sum([w * part.sf(x) for w, part in zip(weights, parts, strict=True)])

    def ppf(u: Values) -> Values:
        ends = [part.ppf(u) for part in parts]
        return np.where(u == 0.0, np.min(ends, axis=0), _solve(ends, lambda x: cdf(x) >= u))

    def isf(p: Values) -> Values:
        ends = [part.isf(p) for part in parts]
        return np.where(p == 0.0, np.max(ends, axis=0), _solve(ends, lambda x: sf(x) <= p))

    return Law(ppf, isf, cdf, sf, never)


def _solve(ends: list[Values], reached: Callable[[Values], NDArray[np.bool_]]) -> Values:
    """Least x, between the parts' own quantiles, at which the mixture has reached its rank."""
    low, high = np.min(ends, axis=0), np.max(ends, axis=0)
    low, high = np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, 0.0)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        there = reached(middle)
        low, high = np.where(there, low, middle), np.where(there, middle, high)
    return high


def _sum(terms: list[Values]) -> Values:
    return np.asarray(np.sum(terms, axis=0), dtype=np.float64)


def _positive(x: Values) -> Values:
    return np.maximum(x, 0.0)


def _log(x: Values) -> Values:
    with np.errstate(divide="ignore"):
        return np.log(_positive(x))
