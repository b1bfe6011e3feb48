"""Laws as functions: quantiles, and their counterparts from the upper end, for the tables that the engines draw from.

Quantile functions are closed forms where there are any. `isf(p)` is the quantile at 1 - p, computed from p itself, so
that the far tail keeps its digits. Two are interpolated, finer than the tables they end in (2e-4): the gamma law by a
cubic spline of ln x over ln u through 16 of SciPy's values an octave (relative error 1e-5), a mixture by straight lines
of F(x) = sum of w_i F_i(x) = u between the quantiles of its parts, 128 an octave.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import special

from funnelsim.engine.rng import make_table
from funnelsim.scenario.values import Distribution
from funnelsim.typing import FloatArray

Function = Callable[[FloatArray], Any]  # SciPy's types for its special functions are wider than float64

_SMALLEST = 2.0**-36  # rank below which no table looks
_GAMMA_STEPS, _MIXTURE_STEPS = 16, 128  # ranks an octave


@dataclass(frozen=True)
class Law:
    """A distribution given that it happens at all; `never` is the share that does not."""

    ppf: Function
    isf: Function
    cdf: Function
    sf: Function
    never: float = 0.0


def without_never(distribution: Distribution) -> Distribution:
    """The same distribution without the text it was written as: equal laws compare equal."""
    return Distribution(
        distribution.family,
        tuple(distribution.parameters),
        tuple(map(without_never, distribution.parts)),
        tuple(distribution.weights),
        distribution.never,
    )


def table(distribution: Distribution) -> FloatArray:
    """Row of the Plan's tables for a distribution."""
    return _table(without_never(distribution))


@lru_cache(maxsize=1024)  # the scenarios of a comparison draw the same laws
def _table(distribution: Distribution) -> FloatArray:
    law = law_of(distribution)
    row = make_table(law.ppf, law.isf, law.never)
    row.setflags(write=False)
    return row


def scaled(distribution: Distribution, factor: float) -> Distribution:
    """The law of so many times what it was; `never` stays never."""
    return Distribution("scaled", (factor,), (distribution,))


@lru_cache(maxsize=1024)
def median(distribution: Distribution) -> float:
    """The value that half of all draws stay below."""
    return float(law_of(distribution).ppf(np.array([0.5]))[0])


def law_of(distribution: Distribution) -> Law:
    """The functions of a distribution; its parameters are those `values.Distribution` lists."""
    if distribution.family == "mixture":
        return _mixture(distribution)
    if distribution.family == "shifted":
        return _shifted(distribution)
    if distribution.family == "scaled":
        return _scaled(distribution)
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
    def at(u: FloatArray) -> FloatArray:
        return np.full_like(u, value)

    return at, at, lambda x: (x >= value).astype(float), lambda x: (x < value).astype(float)


def _exponential(mean: float) -> Four:
    return (
        lambda u: -mean * np.log1p(-u),
        lambda p: -mean * np.log(p),
        lambda x: -np.expm1(-_positive(x) / mean),
        lambda x: np.exp(-_positive(x) / mean),
    )


def _lognormal(mu: float, sigma: float) -> Four:
    return (
        lambda u: np.exp(mu + sigma * special.ndtri(u)),
        lambda p: np.exp(mu - sigma * special.ndtri(p)),
        lambda x: special.ndtr((_log(x) - mu) / sigma),
        lambda x: special.ndtr((mu - _log(x)) / sigma),
    )


def _weibull(shape: float, scale: float) -> Four:
    return (
        lambda u: scale * (-np.log1p(-u)) ** (1.0 / shape),
        lambda p: scale * (-np.log(p)) ** (1.0 / shape),
        lambda x: -np.expm1(-((_positive(x) / scale) ** shape)),
        lambda x: np.exp(-((_positive(x) / scale) ** shape)),
    )


def _gamma(shape: float, scale: float) -> Four:
    return (
        _splined(lambda u: scale * special.gammaincinv(shape, u)),
        _splined(lambda p: scale * special.gammainccinv(shape, p)),
        lambda x: special.gammainc(shape, _positive(x) / scale),
        lambda x: special.gammaincc(shape, _positive(x) / scale),
    )


def _loglogistic(shape: float, scale: float) -> Four:
    return (
        lambda u: scale * (u / (1.0 - u)) ** (1.0 / shape),
        lambda p: scale * ((1.0 - p) / p) ** (1.0 / shape),
        lambda x: special.expit(shape * (_log(x) - math.log(scale))),
        lambda x: special.expit(-shape * (_log(x) - math.log(scale))),
    )


def _normal(mean: float, sd: float) -> Four:
    return (
        lambda u: mean + sd * special.ndtri(u),
        lambda p: mean - sd * special.ndtri(p),
        lambda x: special.ndtr((x - mean) / sd),
        lambda x: special.ndtr((mean - x) / sd),
    )


def _uniform(low: float, high: float) -> Four:
    width = high - low
    return (
        lambda u: low + width * u,
        lambda p: high - width * p,
        lambda x: np.clip((x - low) / width, 0.0, 1.0),
        lambda x: np.clip((high - x) / width, 0.0, 1.0),
    )


def _loguniform(low: float, high: float) -> Four:
    width = math.log(high / low)
    return (
        lambda u: low * np.exp(width * u),
        lambda p: high * np.exp(-width * p),
        lambda x: np.clip((_log(x) - math.log(low)) / width, 0.0, 1.0),
        lambda x: np.clip((math.log(high) - _log(x)) / width, 0.0, 1.0),
    )


def _empirical(*flat: float) -> Four:
    shares, values = np.array(flat[0::2]), np.array(flat[1::2])
    return (
        lambda u: np.interp(u, shares, values),
        lambda p: np.interp(1.0 - p, shares, values),
        lambda x: np.interp(x, values, shares, left=0.0, right=1.0),
        lambda x: 1.0 - np.interp(x, values, shares, left=0.0, right=1.0),
    )


_FAMILIES: dict[str, Callable[..., Four]] = {
    "fixed": _fixed,
    "exponential": _exponential,
    "lognormal": _lognormal,
    "weibull": _weibull,
    "gamma": _gamma,
    "loglogistic": _loglogistic,
    "normal": _normal,
    "uniform": _uniform,
    "loguniform": _loguniform,
    "empirical": _empirical,
}


# ---- laws made of laws -----------------------------------------------------------------------------------------------


def _shifted(distribution: Distribution) -> Law:
    by, part = distribution.parameters[0], law_of(distribution.parts[0])
    never = 1.0 - (1.0 - distribution.never) * (1.0 - part.never)
    return Law(
        lambda u: by + part.ppf(u),
        lambda p: by + part.isf(p),
        lambda x: part.cdf(x - by),
        lambda x: part.sf(x - by),
        never,
    )


def _scaled(distribution: Distribution) -> Law:
    by, part = distribution.parameters[0], law_of(distribution.parts[0])
    return Law(
        lambda u: by * part.ppf(u),
        lambda p: by * part.isf(p),
        lambda x: part.cdf(x / by),
        lambda x: part.sf(x / by),
        part.never,
    )


def _mixture(distribution: Distribution) -> Law:
    parts = [law_of(part) for part in distribution.parts]
    happens = np.array(distribution.weights) * [1.0 - part.never for part in parts]
    never = 1.0 - (1.0 - distribution.never) * float(happens.sum())
    weights = happens / happens.sum()

    def cdf(x: FloatArray) -> FloatArray:
        return _sum([w * part.cdf(x) for w, part in zip(weights, parts, strict=True)])

    def sf(x: FloatArray) -> FloatArray:
        return _sum([w * part.sf(x) for w, part in zip(weights, parts, strict=True)])

    with np.errstate(divide="ignore"):  # an end of the support may be infinite
        lows, highs = (
            [float(end(np.zeros(1))[0]) for end in ends]
            for ends in ([part.ppf for part in parts], [part.isf for part in parts])
        )
    lowest, highest = min(lows), max(highs)
    values, places = _support(parts, [*lows, *highs])
    below, above = cdf(places), sf(places)[::-1]

    def ppf(u: FloatArray) -> FloatArray:
        return np.where(u == 0.0, lowest, np.interp(u, below, values))

    def isf(p: FloatArray) -> FloatArray:
        return np.where(p == 0.0, highest, np.interp(p, above, values[::-1]))

    return Law(ppf, isf, cdf, sf, never)


def _support(parts: list[Law], ends: list[float]) -> tuple[FloatArray, FloatArray]:
    """Quantiles of all parts in order, and where to ask for F there: an atom twice, the first time just below it."""
    ranks = _ranks(_MIXTURE_STEPS)
    quantiles = [end(ranks) for part in parts for end in (part.ppf, part.isf)]
    values, counts = np.unique(np.concatenate([*quantiles, ends]), return_counts=True)
    values, counts = values[np.isfinite(values)], counts[np.isfinite(values)]
    copies = np.where(counts > 2 * len(parts), 2, 1)
    values, places = np.repeat(values, copies), np.repeat(values, copies)
    first = np.flatnonzero(values[:-1] == values[1:])
    places[first] = np.nextafter(places[first], -np.inf)
    return values, places


def _ranks(steps: int) -> FloatArray:
    """Ranks from the smallest to 1/2, so many an octave."""
    octaves = round(-math.log2(_SMALLEST)) - 1
    return np.asarray(0.5 * 2.0 ** np.linspace(-octaves, 0.0, octaves * steps + 1))


def _sum(terms: list[FloatArray]) -> FloatArray:
    return np.asarray(np.sum(terms, axis=0), dtype=np.float64)


def _splined(exact: Function) -> Function:
    """A positive quantile function by a spline on logarithmic scales, exact outside the ranks a table asks for."""
    from scipy.interpolate import CubicSpline  # a fifth of a second to import, for the gamma law alone

    ranks = _ranks(_GAMMA_STEPS)
    spline = CubicSpline(np.log(ranks), np.log(np.maximum(exact(ranks), 1e-300)))

    def at(u: FloatArray) -> FloatArray:
        inside = (u >= _SMALLEST) & (u <= 0.5)
        found = np.empty_like(u)
        found[inside] = np.exp(spline(np.log(u[inside])))
        found[~inside] = exact(u[~inside])
        return found

    return at


def _positive(x: FloatArray) -> FloatArray:
    return np.maximum(x, 0.0)


def _log(x: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.log(_positive(x))
