"""Laws of a time in stage: Weibull, lognormal, gamma, on two unbounded parameters each.

Every law has a location `mu` (of log seconds) and a log spread `s`, so that one optimiser fits all of them:

    weibull    T = exp(mu + e^s log E),  E unit exponential    scale e^mu, shape e^-s
    lognormal  T = exp(mu + e^s Z),      Z standard normal
    gamma      T = e^mu G,               G gamma of shape e^s  scale e^mu, shape e^s

Densities and distribution functions come with their derivatives by (mu, s), which is what makes the fit fast
and its Hessian accurate. The derivative of the incomplete gamma function by its shape has no closed form and is
taken by a central difference.
"""

from __future__ import annotations

import numpy as np
from scipy.special import digamma, gammainc, gammaincinv, gammaln, ndtr, ndtri

from funnelsim.typing import FloatArray

FAMILIES = ("weibull", "lognormal", "gamma")
LOG_NEVER = -60.0  # stands for log 0: nothing happens in 1e-26 seconds
_LOG_ROOT_2PI = 0.5 * np.log(2 * np.pi)
_SHAPE_STEP = 3e-6

Number = float | FloatArray


def log_time(seconds: FloatArray) -> FloatArray:
    """Logarithm of non-negative times, finite at 0."""
    return np.log(np.maximum(seconds, np.exp(LOG_NEVER)))


def log_density(family: str, mu: float, s: float, log_t: FloatArray) -> tuple[FloatArray, FloatArray]:
    """log f(t) and its derivatives by mu and s (two rows)."""
    if family == "gamma":
        shape, x = np.exp(s), np.exp(log_t - mu)
        value = shape * (log_t - mu) - x - gammaln(shape) - log_t
        return value, np.stack([x - shape, shape * (log_t - mu - digamma(shape))])
    sigma = np.exp(s)
    z = (log_t - mu) / sigma
    if family == "weibull":
        e = np.exp(np.minimum(z, 300.0))
        return z - e - s - log_t, np.stack([(e - 1.0) / sigma, z * e - z - 1.0])
    return -0.5 * z * z - _LOG_ROOT_2PI - s - log_t, np.stack([z / sigma, z * z - 1.0])


def cdf(family: str, mu: Number, s: Number, log_t: FloatArray) -> tuple[FloatArray, FloatArray]:
    """F(t) and its derivatives by mu and s (two rows)."""
    if family == "gamma":
        shape, x = np.exp(s), np.exp(log_t - mu)
        by_mu = -np.exp(shape * (log_t - mu) - x - gammaln(shape))
        # Their mean is F itself to 1e-10: a third evaluation would cost half as much again.
        above, below = gammainc(np.exp(s + _SHAPE_STEP), x), gammainc(np.exp(s - _SHAPE_STEP), x)
        return 0.5 * (above + below), np.stack([by_mu, (above - below) / (2 * _SHAPE_STEP)])
    sigma = np.exp(s)
    z = (log_t - mu) / sigma
    if family == "weibull":
        e = np.exp(np.minimum(z, 300.0))
        slope = np.exp(np.minimum(z, 300.0) - e)
        return -np.expm1(-e), np.stack([-slope / sigma, -z * slope])
    slope = np.exp(-0.5 * z * z - _LOG_ROOT_2PI)
    return ndtr(z), np.stack([-slope / sigma, -z * slope])


def quantile(family: str, mu: float, s: float, share: FloatArray | float) -> FloatArray:
    """Seconds by which a share of all events has happened."""
    u = np.asarray(share, float)
    if family == "gamma":
        return np.asarray(np.exp(mu) * gammaincinv(np.exp(s), u))
    noise = np.log(-np.log1p(-u)) if family == "weibull" else ndtri(u)
    return np.asarray(np.exp(mu + np.exp(s) * noise))


def first_guess(family: str, log_t: FloatArray, weight: FloatArray) -> tuple[float, float]:
    """(mu, s) by moments of the log times; a start for the optimiser, nothing more."""
    if weight.sum() == 0:
        return float(np.log(86400.0)), 0.0
    mean = float(np.average(log_t, weights=weight))
    spread = max(float(np.sqrt(np.average((log_t - mean) ** 2, weights=weight))), 0.005)
    if family == "weibull":
        return mean + 0.45 * spread, float(np.log(spread / 1.28))
    if family == "lognormal":
        return mean, float(np.log(spread))
    shape = float(np.clip(1.0 / spread**2, 0.2, 400.0))
    return mean - float(np.log(shape)) + 0.5 / shape, float(np.log(shape))
