"""Repeat purchases: how often customers come back, and when they stop, from a list of transactions.

A customer's first purchase is at 0; x repeat purchases are seen by T, the last of them at t (0 when there is none).
Two models with four parameters each, both fitted. While active a customer buys at a steady rate lambda, which differs
between customers by a gamma law (shape r, rate alpha):

    BG/NBD      after each repeat purchase the customer drops out with chance p, which is Beta(a, b)
                L = B(a, b+x)/B(a, b) G(r+x)/G(r) alpha^r [ (alpha+T)^-(r+x) + {x > 0} a/(b+x-1) (alpha+t)^-(r+x) ]
                Fader, Hardie, Lee 2005, "Counting your customers" the easy way, Marketing Science 24(2), eq. 6
    Pareto/NBD  the customer drops out at any time, at a rate mu that is gamma (shape s, rate beta)
                L = G(r+x)/G(r) alpha^r beta^s [ (alpha+T)^-(r+x) (beta+T)^-s + s/(r+s+x) A0 ]
                with A0 from two Gaussian hypergeometric functions
                Schmittlein, Morrison, Colombo 1987, Management Science 33(1); as written by Fader and Hardie 2005,
                A note on deriving the Pareto/NBD model

B and G are the beta and gamma functions. Purchases of one day count as one: the data of shops are dated by day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

from funnelsim.typing import FloatArray

WEEK = 7 * 86400.0
DRAWS = 2000
LOWEST, HIGHEST = -9.0, 9.0  # of the logarithms of the parameters: beyond, the data say nothing
STEP = 1e-3  # for the differences that make a Hessian
_STARTS = ((0.5, 8.0, 0.8, 2.5), (1.0, 4.0, 0.5, 8.0))


class Customers(NamedTuple):
    """What is known of each customer; times in weeks since the first purchase. Equal ones are one row."""

    repeats: FloatArray  # x: days with a purchase, after the first
    last: FloatArray  # t: the last of them; 0 when there is none
    followed: FloatArray  # T
    alike: FloatArray  # how many customers this row stands for


@dataclass(frozen=True)
class RepeatPurchaseFit:
    """One model, fitted by maximum likelihood."""

    model: str  # "bg/nbd" or "pareto/nbd"
    names: tuple[str, ...]
    values: FloatArray
    covariance: FloatArray  # of the logarithms of the values
    log_likelihood: float
    customers: int

    @property
    def se(self) -> FloatArray:
        """Standard errors of the values, by the delta method."""
        return np.asarray(self.values * np.sqrt(np.diag(self.covariance)))

    @cached_property
    def draws(self) -> FloatArray:
        """Values drawn from what is known about them: (draw, parameter)."""
        noise = np.random.default_rng(0).multivariate_normal(np.zeros(len(self.values)), self.covariance, DRAWS)
        return np.asarray(self.values * np.exp(np.clip(noise, LOWEST, HIGHEST)))

    def expected(self, weeks: float | FloatArray) -> FloatArray:
        """Repeat purchases of a new customer within so many weeks, on average."""
        return EXPECTED[self.model](self.values, np.asarray(weeks, float))

    def expected_span(self, weeks: float, level: float = 0.95) -> tuple[float, float]:
        """Central interval of the same."""
        drawn = [float(EXPECTED[self.model](values, np.asarray(weeks))) for values in self.draws]
        low, high = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2])
        return float(low), float(high)

    def active(self, customers: Customers) -> FloatArray:
        """Chance that each customer has not dropped out yet."""
        return ACTIVE[self.model](self.values, customers)


def customers_of(customer: np.ndarray, day: np.ndarray, as_of: float) -> Customers:
    """One row a customer from one row a transaction: who, and on which day (a number); `as_of` is the day of the cut.

    Purchases of a customer on one day are one. Customers whose first purchase is on the last day count with T = 0.
    """
    who = np.unique(customer, return_inverse=True)[1]
    pairs = np.unique(np.stack([who, np.asarray(day, np.int64)], axis=1), axis=0)
    starts = np.flatnonzero(np.append(True, pairs[1:, 0] != pairs[:-1, 0]))
    first, last = pairs[starts, 1], pairs[np.append(starts[1:], len(pairs)) - 1, 1]
    repeats = np.diff(np.append(starts, len(pairs))) - 1
    rows = np.stack([repeats, (last - first) / 7.0, np.maximum(as_of - first, 0) / 7.0], axis=1)
    unique, count = np.unique(rows, axis=0, return_counts=True)
    x, t, seen = unique.T.astype(float)
    return Customers(x, t, seen, count.astype(float))


def fit_repeat_purchases(customers: Customers) -> list[RepeatPurchaseFit]:
    """Both models, the likelier first. Empty when nobody ever came back, or nobody was followed."""
    if not (customers.repeats * customers.alike).sum() or not customers.followed.max() > 0:
        return []
    fits = [fit_model(model, customers) for model in LIKELIHOODS]
    return sorted(fits, key=lambda fit: -fit.log_likelihood)


def log_likelihood(model: str, values: FloatArray, customers: Customers) -> float:
    """The formulas of the module's head, summed over customers."""
    return float(customers.alike @ LIKELIHOODS[model](np.asarray(values, float), customers))


def fit_model(model: str, customers: Customers) -> RepeatPurchaseFit:
    """One of the two, "bg/nbd" or "pareto/nbd", by maximum likelihood."""
    size = customers.alike.sum()

    def cost(logs: FloatArray) -> float:
        value = -log_likelihood(model, np.exp(logs), customers) / size
        return value if np.isfinite(value) else 1e9

    bounds = [(LOWEST, HIGHEST)] * 4
    tries = [minimize(cost, np.log(start), method="L-BFGS-B", bounds=bounds) for start in _STARTS]
    best = min(tries, key=lambda optimum: float(optimum.fun))
    polished = minimize(cost, best.x, method="Nelder-Mead", bounds=bounds, options={"xatol": 1e-4, "fatol": 1e-10})
    logs = polished.x if polished.fun <= best.fun else best.x
    covariance = _covariance(lambda x: cost(x) * size, logs)
    return RepeatPurchaseFit(model, NAMES[model], np.exp(logs), covariance, -cost(logs) * size, int(size))


def _covariance(cost: Callable[[FloatArray], float], at: FloatArray) -> FloatArray:
    """Inverse Hessian by central differences; a direction that the data say nothing about keeps a variance of 4."""
    steps = np.eye(len(at)) * STEP
    hessian = np.array(
        [
            [(cost(at + i + j) - cost(at + i - j) - cost(at - i + j) + cost(at - i - j)) / (4 * STEP**2) for j in steps]
            for i in steps
        ]
    )
    values, axes = np.linalg.eigh(0.5 * (hessian + hessian.T))
    return np.asarray((axes / np.maximum(values, 0.25)) @ axes.T)


# ---- BG/NBD ----------------------------------------------------------------------------------------------------------


def _bg_likelihood(values: FloatArray, known: Customers) -> FloatArray:
    r, alpha, a, b = values
    x, t, followed = known.repeats, known.last, known.followed
    common = betaln(a, b + x) - betaln(a, b) + gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    active = -(r + x) * np.log(alpha + followed)
    with np.errstate(divide="ignore", invalid="ignore"):
        gone = np.where(x > 0, np.log(a) - np.log(b + x - 1.0) - (r + x) * np.log(alpha + t), -np.inf)
    return np.asarray(common + np.logaddexp(active, gone))


def _bg_active(values: FloatArray, known: Customers) -> FloatArray:
    r, alpha, a, b = values
    x, t, followed = known.repeats, known.last, known.followed
    odds = a / np.maximum(b + x - 1.0, 1e-12) * ((alpha + followed) / (alpha + t)) ** (r + x)
    return np.asarray(np.where(x > 0, 1.0 / (1.0 + odds), 1.0))


def _bg_expected(values: FloatArray, weeks: FloatArray) -> FloatArray:
    """Eq. 9 of the article. Where a is near 1 the formula is 0/0, and the mean of its two sides is taken."""
    r, alpha, a, b = values
    if abs(a - 1.0) < 1e-5:
        sides = [np.array([r, alpha, a + e, b]) for e in (-1e-4, 1e-4)]
        return np.asarray(np.mean([_bg_expected(side, weeks) for side in sides], axis=0))
    z = weeks / (alpha + weeks)
    series = hyp2f1(r, b, a + b - 1.0, z)
    return np.asarray((a + b - 1.0) / (a - 1.0) * (1.0 - (alpha / (alpha + weeks)) ** r * series))


# ---- Pareto/NBD ------------------------------------------------------------------------------------------------------


def _pareto_likelihood(values: FloatArray, known: Customers) -> FloatArray:
    r, alpha, s, beta = values
    x = known.repeats
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    active = -(r + x) * np.log(alpha + known.followed) - s * np.log(beta + known.followed)
    gone = np.log(s) - np.log(r + s + x) + _log_a0(values, known)
    return np.asarray(common + np.logaddexp(active, gone))


def _pareto_active(values: FloatArray, known: Customers) -> FloatArray:
    r, alpha, s, beta = values
    x, followed = known.repeats, known.followed
    log_odds = (
        np.log(s)
        - np.log(r + s + x)
        + _log_a0(values, known)
        + (r + x) * np.log(alpha + followed)
        + s * np.log(beta + followed)
    )
    return np.asarray(1.0 / (1.0 + np.exp(np.minimum(log_odds, 700.0))))


def _pareto_expected(values: FloatArray, weeks: FloatArray) -> FloatArray:
    r, alpha, s, beta = values
    if abs(s - 1.0) < 1e-8:
        return np.asarray(r * beta / alpha * np.log1p(weeks / beta))
    return np.asarray(r * beta / (alpha * (s - 1.0)) * -np.expm1((1.0 - s) * np.log1p(weeks / beta)))


def _log_a0(values: FloatArray, known: Customers) -> FloatArray:
    """ln A0, the part of customers who have dropped out; of the two equal forms the one whose series converges."""
    r, alpha, s, beta = values
    x = known.repeats
    upper, second = (alpha, s + 1.0) if alpha >= beta else (beta, r + x)
    gap = abs(alpha - beta)
    order = r + s + x

    def term(at: FloatArray) -> FloatArray:
        return np.asarray(np.log(hyp2f1(order, second, order + 1.0, gap / (upper + at))) - order * np.log(upper + at))

    first, last = term(known.last), term(known.followed)
    return np.asarray(first + np.log(np.maximum(-np.expm1(np.minimum(last - first, 0.0)), 1e-300)))


NAMES = {"bg/nbd": ("r", "alpha", "a", "b"), "pareto/nbd": ("r", "alpha", "s", "beta")}
LIKELIHOODS: dict[str, Callable[[FloatArray, Customers], FloatArray]] = {
    "bg/nbd": _bg_likelihood,
    "pareto/nbd": _pareto_likelihood,
}
EXPECTED: dict[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "bg/nbd": _bg_expected,
    "pareto/nbd": _pareto_expected,
}
ACTIVE: dict[str, Callable[[FloatArray, Customers], FloatArray]] = {"bg/nbd": _bg_active, "pareto/nbd": _pareto_active}
