"""Where a smooth cost of few parameters is lowest, within bounds, and how sure that is.

BFGS begun from a true Hessian. scipy's L-BFGS-B finds the same, but spends more time on itself than on a likelihood
this cheap. The covariance is the inverse of the Hessian, taken by differences of the exact gradient.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from funnelsim.typing import FloatArray

WIDEST_VARIANCE = 4.0  # a direction the data say nothing about is drawn this wide, not infinitely wide
MOST_STEPS, MOST_RENEWALS = 200, 4

Cost = Callable[[FloatArray], tuple[float, FloatArray]]  # value and gradient


def minimise(
    cost: Cost, start: FloatArray, low: FloatArray, high: FloatArray, tolerance: float = 1e-8
) -> tuple[FloatArray, float]:
    """Where the cost is lowest, to about `tolerance` of its value, and its value there."""
    x = np.clip(start, low, high)
    value, gradient = cost(x)
    inverse = _positive_inverse(_rough_hessian(cost, x, gradient))
    renewed = 0
    for _ in range(MOST_STEPS):
        free = ~(((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0)))
        step = np.zeros(len(x))
        step[free] = -inverse[np.ix_(free, free)] @ gradient[free]
        gain = -float(step @ gradient)
        better = _along(cost, x, value, step, gain, low, high) if gain > tolerance else None
        if better is None:
            if gain <= tolerance or renewed >= MOST_RENEWALS:
                break
            inverse, renewed = _positive_inverse(_rough_hessian(cost, x, gradient)), renewed + 1
            continue
        moved, value, after = better
        inverse = _updated(inverse, moved - x, after - gradient)
        x, gradient = moved, after
    return x, value


def covariance(cost: Cost, x: FloatArray) -> FloatArray:
    """The inverse of the Hessian; directions without information are wide, not infinite."""
    values, vectors = np.linalg.eigh(_hessian(cost, x))
    return np.asarray((vectors / np.maximum(values, 1.0 / WIDEST_VARIANCE)) @ vectors.T)


def _along(
    cost: Cost, x: FloatArray, value: float, step: FloatArray, gain: float, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, float, FloatArray] | None:
    """The first of ever shorter steps that gains enough."""
    length = min(1.0, 3.0 / max(float(np.abs(step).max()), 1e-12))
    for _ in range(25):
        moved = np.clip(x + length * step, low, high)
        reached, gradient = cost(moved)
        if reached < value - 1e-4 * length * gain:
            return moved, reached, gradient
        length *= 0.4
    return None


def _rough_hessian(cost: Cost, x: FloatArray, gradient: FloatArray) -> FloatArray:
    """One-sided differences: half the work, good enough to begin a search with."""
    rows = []
    for i, size in enumerate(1e-5 * np.maximum(1.0, np.abs(x))):
        rows.append((cost(x + size * (np.arange(len(x)) == i))[1] - gradient) / size)
    hessian = np.array(rows)
    return np.asarray(0.5 * (hessian + hessian.T))


def _hessian(cost: Cost, x: FloatArray) -> FloatArray:
    rows = []
    for i, size in enumerate(1e-5 * np.maximum(1.0, np.abs(x))):
        step = size * (np.arange(len(x)) == i)
        rows.append((cost(x + step)[1] - cost(x - step)[1]) / (2.0 * size))
    hessian = np.array(rows)
    return np.asarray(0.5 * (hessian + hessian.T))


def _positive_inverse(hessian: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh(hessian)
    return np.asarray((vectors / np.maximum(np.abs(values), 1e-2)) @ vectors.T)


def _updated(inverse: FloatArray, moved: FloatArray, turned: FloatArray) -> FloatArray:
    """The BFGS update of an inverse Hessian."""
    product = float(moved @ turned)
    if product <= 1e-12:
        return inverse
    left = np.eye(len(moved)) - np.outer(moved, turned) / product
    return np.asarray(left @ inverse @ left.T + np.outer(moved, moved) / product)
