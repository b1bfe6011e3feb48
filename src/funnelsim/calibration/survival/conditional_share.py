"""The share of a small group, given what the whole stage says of times and of the other exits.

    x ln p + o ln(1 - p) + sum over open leads of ln(1 - p A_i - (1 - p) C_i)

x went on, o left otherwise, and of those still open A_i and C_i would have been seen to do so by now: the likelihood
of `competing_risks` with all but the share p to go on held fixed, the other exits in proportion (rule 67). Half a lead
is added to both sides (Jeffreys' prior).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from funnelsim.calibration.survival.competing_risks import PRIOR, Spells
from funnelsim.calibration.survival.model_averaging import ModelAverage, ShareEstimate
from funnelsim.calibration.survival.optimiser import covariance, minimise
from funnelsim.typing import FloatArray

FURTHEST = 9.0  # log-odds
Z95 = 1.959964


def share_given_times(spells: Spells, mine: np.ndarray, fit: ModelAverage, forward: tuple[int, ...]) -> ShareEstimate:
    """Share that goes on, of some visits of the last period."""
    outcome = spells.outcome[mine]
    went = np.isin(outcome, [j + 1 for j in forward])
    share = fit.point(list(forward))
    on, off, on_late, off_late = open_masses(spells, mine, fit, forward)
    still, late = outcome == 0, on_late + off_late > 0
    cost = partial(
        _cost,
        went=float(went.sum()),
        other=float((outcome > 0).sum() - went.sum()),
        still=(on[still], off[still]),
        absent=(on_late[late], off_late[late]),
    )
    bound = np.array([FURTHEST])
    logit, _ = minimise(cost, np.log([share / (1.0 - share)]), -bound, bound)
    error = float(np.sqrt(covariance(cost, logit)[0, 0]))
    low, value, high = 1.0 / (1.0 + np.exp(-(logit[0] + Z95 * error * np.array([-1.0, 0.0, 1.0]))))
    return ShareEstimate(float(value), error, float(low), float(high))


def open_masses(
    spells: Spells, mine: np.ndarray, fit: ModelAverage, forward: tuple[int, ...]
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """By visit: the chance that it would have been seen to go on by now, were it to go on (A); to leave otherwise, were
    it to do that (C); and both by the time the list of leads began, before which it would not be on it."""
    age = spells.age[mine]
    late = np.maximum(age - spells.observed_for, 0.0)
    share = fit.point(list(forward))
    others = [j for j in range(len(spells.exits)) if j not in forward]
    masses = []
    for exits, total in ((list(forward), share), (others, 1.0 - share)):
        seen, gone = np.zeros(len(age)), np.zeros(len(age))
        for j in exits:
            since = spells.recorded_for[j] if spells.recorded_for else np.inf
            absent = fit.point([j]) / total * fit.gone_by(j, late)
            blind = np.maximum(np.maximum(age - since, late), 0.0)
            seen += fit.point([j]) / total * (fit.gone_by(j, age) - fit.gone_by(j, blind)) + absent
            gone += absent
        masses.append((seen, gone))
    (on, on_late), (off, off_late) = masses
    return on, off, on_late, off_late


def _cost(
    x: FloatArray,
    went: float,
    other: float,
    still: tuple[FloatArray, FloatArray],
    absent: tuple[FloatArray, FloatArray],
) -> tuple[float, FloatArray]:
    """Minus the formula of the module's head, with its slope by the log-odds."""
    share = 1.0 / (1.0 + np.exp(-x[0]))
    value = (went + PRIOR) * np.log(share) + (other + PRIOR) * np.log1p(-share)
    slope = (went + PRIOR) / share - (other + PRIOR) / (1.0 - share)
    for sign, (on, off) in ((1.0, still), (-1.0, absent)):
        left = np.maximum(1.0 - share * on - (1.0 - share) * off, 1e-300)
        value += sign * float(np.log(left).sum())
        slope += sign * float(((off - on) / left).sum())
    return -float(value), np.array([-slope * share * (1.0 - share)])
