"""The Pareto front: the points that no other one beats in one objective without losing in another.

`chances_of_front` says how sure that is: points are resampled together, replication by replication (the paired
bootstrap, Efron 1979), and the share of resamples in which a point is on the front is counted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from funnelsim.typing import BoolArray, FloatArray

RESAMPLES = 1000


def on_front(values: FloatArray) -> BoolArray:
    """Of values [point, objective], more being better: whether each point is on the front. Equal points both are."""
    atleast = (values[:, None, :] >= values[None, :, :]).all(axis=2)
    more = (values[:, None, :] > values[None, :, :]).any(axis=2)
    return np.asarray(~(atleast & more).any(axis=0), np.bool_)


def spread_over_front(values: FloatArray, most: int) -> list[int]:
    """At most so many points of a front [point, objective], the ends kept and gaps as even as they come.

    Farthest first (Gonzalez 1985), on objectives scaled to their ranges; in the order of the first objective.
    """
    order = np.lexsort(values.T[::-1])
    if len(order) <= most:
        return [int(i) for i in order]
    reach = np.ptp(values, axis=0)
    scaled = (values - values.min(axis=0)) / np.where(reach > 0.0, reach, 1.0)
    chosen = [int(scaled[:, k].argmax()) for k in range(values.shape[1])]
    chosen = list(dict.fromkeys(chosen))[:most]
    while len(chosen) < most:
        apart = np.linalg.norm(scaled[:, None, :] - scaled[None, chosen, :], axis=2).min(axis=1)
        chosen.append(int(apart.argmax()))
    return [int(i) for i in order if i in chosen]


def chances_of_front(values: Sequence[FloatArray], seed: int) -> FloatArray:
    """Of values [replication, point] for each objective, more being better: each point's chance to be on the front."""
    rng = np.random.default_rng(seed)
    n, points = values[0].shape
    met = np.zeros(points)
    for _ in range(RESAMPLES):
        weights = np.bincount(rng.integers(0, n, n), minlength=n) / n
        met += on_front(np.column_stack([weights @ one for one in values]))
    return np.asarray(met / RESAMPLES, np.float64)
