"""The value of information: which unknown, if it were measured, would most sharpen an answer or change a choice.

No simulation of its own: it looks at draws of what is not known that a study has run already, by regression of each
draw's answer on what the draw says of an unknown (Strong, Oakley, Brennan, Med. Decis. Making 34, 2014). The regression
is a polynomial of degree 1 to 3 in each feature of the unknown, the degree chosen by AICc.

Of the answer: the share of its ignorance variance b2 that would vanish on average, Var(E[answer | unknown]) / b2.
Estimated by the adjusted R2, which is right on average where the plain one grows with every term; over b2 and not over
the variance of draws' means, which holds simulation error too (see `paired_difference`). Its limits invert the law of
R2 for normal features: a noncentral F whose centre varies with chi2 (Fisher 1928; Lee, J. R. Stat. Soc. B 33, 1971).

Of a choice: the expected value of partial perfect information on the gains g_k over the first option,
    EVPPI = E[max_k g_k(unknown)] - max_k E[g_k],  g_0 = 0
A maximum of noisy fits is too high on average. So the fit is redrawn from the normal law of its coefficients: what the
redrawn ones have more than the fit, the fit has more than the truth, and that is taken off; where AICc prefers no term
at all, nothing is left. The interval is that of the redrawn fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import chndtr
from scipy.stats import chi2, f

from funnelsim.measures.estimate import LEVEL
from funnelsim.study.sensitivity.indices import IntervalEstimate
from funnelsim.typing import FloatArray, IntArray

FEWEST = 12  # draws; below that there is nothing to regress on
HIGHEST = 3  # degree
REDRAWN = 1000
_NODES = 25  # of each mixture over chi2


@dataclass(frozen=True)
class InformationValue:
    """What it would bring to know one unknown."""

    path: str
    share: IntervalEstimate  # of the ignorance variance of the answer that would vanish on average
    value: IntervalEstimate | None  # EVPPI, in the unit of the answer; none without a choice
    changes: float  # share of draws in which knowing it would change the choice


def information_values(
    features: Mapping[str, FloatArray], answer: FloatArray, noise: float, gains: FloatArray | None = None, seed: int = 1
) -> list[InformationValue]:
    """Unknowns by the share of the answer's spread that they make, the largest first; none of too few draws.

    `features` by path are [draw, feature], `answer` the mean of each draw, `noise` the variance of such a mean that is
    simulation error, `gains` [draw, option] what each further option brings more than the first.
    """
    draws = len(answer)
    variance = float(answer.var(ddof=1)) if draws > 1 else 0.0
    open_ = max(0.0, variance - noise)
    if draws < FEWEST or open_ <= 0.0:
        return []
    values = []
    for path, columns in features.items():
        if not columns.size or not columns.std(axis=0).any():
            continue
        fit = _fit(columns, answer[:, None])
        value, changes = _evppi(columns, gains, seed) if gains is not None else (None, 0.0)
        values.append(InformationValue(path, _share(fit, answer, variance / open_), value, changes))
    return sorted(values, key=lambda one: -one.share.value)


def most_informative(known: Iterable[InformationValue]) -> InformationValue | None:
    """The unknown that would sharpen the answer most; none when each of them may make nothing of its spread."""
    sure = [one for one in known if one.share.low > 0.0]
    return max(sure, key=lambda one: one.share.value, default=None)


# ---- the answer ----------------------------------------------------------------------------------------------------


def _share(fit: _Fit, answer: FloatArray, scale: float) -> IntervalEstimate:
    n, terms = len(answer), fit.design.shape[1] - 1
    left = float((fit.residuals**2).sum())
    plain = 1.0 - left / float(((answer - answer.mean()) ** 2).sum())
    adjusted = 1.0 - (1.0 - plain) * (n - 1) / (n - terms - 1)
    low, high = share_limits(plain, terms, n)
    return IntervalEstimate(*(min(1.0, max(0.0, one * scale)) for one in (adjusted, low, high)))


def share_limits(plain: float, terms: int, n: int) -> tuple[float, float]:
    """90 % limits of the true R2 behind one of a regression on so many normal features."""
    freedom = n - terms - 1
    ratio = plain / terms / max(1.0 - plain, 1e-12) * freedom
    usual = float(f.ppf(0.5, terms, freedom))  # by chance alone; less than that says no more than that
    shares = (np.arange(_NODES) + 0.5) / _NODES
    below, centre = chi2.ppf(shares, freedom)[:, None], chi2.ppf(shares, n - 1)

    def beyond(truth: float, tail: float) -> float:
        at = (ratio if tail > 0.5 else max(ratio, usual)) * terms * below / freedom
        return float(chndtr(at, terms, truth / (1.0 - truth) * centre).mean()) - tail

    def limit(tail: float) -> float:
        if beyond(1e-9, tail) <= 0.0:  # even without any effect so little is common
            return 0.0
        if beyond(1.0 - 1e-6, tail) >= 0.0:
            return 1.0
        return float(brentq(beyond, 1e-9, 1.0 - 1e-6, args=(tail,), xtol=1e-4))

    return limit((1.0 + LEVEL) / 2.0), limit((1.0 - LEVEL) / 2.0)


# ---- the choice ----------------------------------------------------------------------------------------------------


def _evppi(columns: FloatArray, gains: FloatArray, seed: int) -> tuple[IntervalEstimate, float]:
    """EVPPI of what the columns say, and the share of draws in which it changes the choice."""
    fit = _fit(columns, gains)
    plain = _value_of_choosing(fit.values[None])[0]
    rng = np.random.default_rng(seed)
    freedom = len(gains) - fit.design.shape[1]
    across = _matrix_root(fit.residuals.T @ fit.residuals / freedom)
    noise = rng.standard_normal((REDRAWN, fit.design.shape[1], gains.shape[1]))
    redrawn = _value_of_choosing(fit.values + fit.design @ (noise @ across.T))
    low, high = np.quantile(redrawn, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    value = max(0.0, 2.0 * plain - float(redrawn.mean())) if fit.better_than_none else 0.0
    usual = _chosen_option(fit.values.mean(axis=0, keepdims=True))[0]
    changes = float((_chosen_option(fit.values) != usual).mean()) if value > 0.0 else 0.0
    return IntervalEstimate(value, min(float(low), value), max(float(high), value)), changes


def _value_of_choosing(gains: FloatArray) -> FloatArray:
    """Choosing by the gain in each draw instead of by the mean, of [sample, draw, option]."""
    wise: FloatArray = np.maximum(gains.max(axis=2), 0.0).mean(axis=1)
    usual: FloatArray = np.maximum(gains.mean(axis=1).max(axis=1), 0.0)
    return np.maximum(wise - usual, 0.0)  # below 0 by rounding alone


def _chosen_option(gains: FloatArray) -> IntArray:
    """The option chosen: 0 = the first, which gains nothing."""
    chosen: IntArray = np.concatenate((np.zeros((len(gains), 1)), gains), axis=1).argmax(axis=1)
    return chosen


def _matrix_root(covariance: FloatArray) -> FloatArray:
    values, axes = np.linalg.eigh(covariance)
    root: FloatArray = axes * np.sqrt(np.maximum(values, 0.0))
    return root


# ---- the regression ------------------------------------------------------------------------------------------------


class _Fit(NamedTuple):
    design: FloatArray  # [draw, term], with orthonormal columns
    values: FloatArray  # [draw, outcome]
    residuals: FloatArray
    better_than_none: bool  # by AICc


def _fit(columns: FloatArray, outcomes: FloatArray) -> _Fit:
    """The polynomial that AICc prefers, of degree 1 at least; one degree for all outcomes."""
    constant = _fitted(columns, 0, outcomes)
    most = min(HIGHEST, max(1, (len(outcomes) - 2) // (5 * columns.shape[1])))  # five draws a term
    several = [_fitted(columns, degree, outcomes) for degree in range(1, most + 1)]
    best = min(several, key=_aicc)
    return best._replace(better_than_none=_aicc(best) < _aicc(constant))


def _fitted(columns: FloatArray, degree: int, outcomes: FloatArray) -> _Fit:
    scaled = (columns - columns.mean(axis=0)) / np.maximum(columns.std(axis=0), 1e-12)
    terms = np.concatenate([np.ones((len(columns), 1)), *(scaled**power for power in range(1, degree + 1))], axis=1)
    basis, sizes, _ = np.linalg.svd(terms, full_matrices=False)
    design = basis[:, sizes > 1e-9 * sizes[0]]
    values = design @ (design.T @ outcomes)
    return _Fit(design, values, outcomes - values, False)


def _aicc(fit: _Fit) -> float:
    """Hurvich and Tsai (Biometrika 76, 1989), summed over outcomes."""
    n, terms = fit.design.shape
    left = np.maximum((fit.residuals**2).sum(axis=0) / n, 1e-300)
    return float((n * np.log(left) + n * (n + terms) / (n - terms - 2)).sum())
