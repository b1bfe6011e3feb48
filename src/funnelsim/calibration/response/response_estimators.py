"""What a late first touch does to a lead's chance to go on: found only where the data can tell it.

People call the promising leads first. So early calls look better than they are, and a regression of success on delay
measures the callers' judgement, not the delay: true -0.30, plain regression -0.76, with a proxy of quality -0.56. It is
refused. What can be told:

    randomised   leads were put into arms by lot, and the arms were called at different speed
    instrument   something that moves the delay and nothing else: by default the queue at arrival, that is, how many
                 leads were waiting when this one came, with the hour of the week held fixed
    assumed      a published curve, or a guess; nothing is read from the data

The first two are one estimate, with the arms or the queue as z. Two stages with the residual kept (control function;
Terza, Basu, Rathouz 2008, J. Health Economics 27:531), delay on a logarithmic scale, floored at a minute:

    ln max(delay, floor) = z b + controls c + v          by least squares
    logit P(goes on)     = controls d - shape ln max(delay, floor) + e v

so the chance's odds fall as delay ** -shape: the curve `power` of a scenario. Errors are those of both stages together
(sandwich of the stacked equations). The shape is that of leads alike in v; where much of what the callers saw is not
in v, it comes out a little too flat (measured: -0.29 for -0.30).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc, expit, fdtrc, ndtri

from funnelsim.typing import FloatArray

METHODS = ("randomised", "instrument", "assumed")
FLOOR = 60.0
FEWEST = 50  # leads that went on, and that did not
WEAK = 10.0  # an F below this says nothing (Staiger and Stock 1997)
UNEVEN = 0.001  # arms by lot differ so much in what was known before once in a thousand times
BANDS = (0.0, 300.0, 1800.0, 3600.0, 4 * 3600.0, 86400.0, 3 * 86400.0, 7 * 86400.0, np.inf)

WHY_NOT = (
    "the effect of a late call cannot be read off a plain regression: people call the leads first that look best,"
    " so early calls are followed by more wins whatever the delay does"
)
WHAT_THEN = (
    "say `randomised: COLUMN` (arms drawn by lot), `instrument: queue` (how many were waiting at arrival) or"
    " `instrument: COLUMN`, or `assumed: PRESET`"
)


class TouchedLeads(NamedTuple):
    """One entry a lead that was touched; times in seconds."""

    asked: FloatArray  # instant
    delay: FloatArray  # from asked to the first touch
    went_on: np.ndarray  # truth


class DelayBand(NamedTuple):
    """Leads touched after about the same delay: a pattern, not an effect."""

    low: float
    high: float
    leads: int
    went_on: int


@dataclass(frozen=True)
class ResponseFit:
    """How the odds fall with the delay: delay ** -shape."""

    method: str
    by: str  # what moved the delay: the arm, the queue at arrival, a column
    shape: float
    se: float
    strength: float  # F of the instrument in the first stage
    leads: int
    longest: float  # seconds; the curve is not known beyond
    floor: float = FLOOR
    notes: tuple[str, ...] = ()

    @property
    def low(self) -> float:
        return self.shape + float(ndtri(0.025)) * self.se

    @property
    def high(self) -> float:
        return self.shape + float(ndtri(0.975)) * self.se

    @property
    def curve(self) -> str | None:
        """As a scenario says it; None when the delay does not hurt as far as can be seen."""
        if self.shape <= 0:
            return None
        return f"{{power: {{shape: {self.shape:.4g}, floor: {self.floor:.4g} s}}, target: advance}}"


@dataclass(frozen=True)
class Refusal:
    """Nothing is read from the data, and why."""

    method: str
    reason: str
    hint: str = WHAT_THEN
    pattern: tuple[DelayBand, ...] = field(default=(), repr=False)


def by_lot(
    leads: TouchedLeads, arm: np.ndarray, known: FloatArray | None = None, floor: float = FLOOR
) -> ResponseFit | Refusal:
    """The effect where `arm` was drawn by lot; `known` holds columns known before the lot, to see whether it was."""
    names, number = np.unique(arm, return_inverse=True)
    if len(names) < 2:
        return Refusal("randomised", f"all leads are in one arm, '{names[0]}'" if len(names) else "no leads")
    if known is not None and (chance := _evenness(number, known)) < UNEVEN:
        return Refusal(
            "randomised",
            f"the arms differ in what was known beforehand (chance {chance:.1g}): they were not drawn by lot",
        )
    z = (number[:, None] == np.arange(1, len(names))).astype(float)
    return _two_stages("randomised", "arm", leads, z, np.ones((len(number), 1)), floor)


def by_instrument(
    leads: TouchedLeads,
    by: str = "queue",
    values: FloatArray | None = None,
    controls: FloatArray | None = None,
    floor: float = FLOOR,
) -> ResponseFit | Refusal:
    """The effect by something that moves the delay and nothing else; the queue at arrival when no `values` are given.

    `controls` (one row a lead) are held fixed, such as the hours of the week: queues are longer at some hours, and so
    may be the chances.
    """
    z = np.log1p(queue_at_arrival(leads.asked, leads.delay)) if values is None else np.asarray(values, float)
    held = np.ones((len(z), 1)) if controls is None else _independent(np.column_stack([np.ones(len(z)), controls]))
    return _two_stages("instrument", by, leads, z[:, None], held, floor)


def refuse_regression(leads: TouchedLeads) -> Refusal:
    """What a plain regression is answered, with the pattern that it would have been fitted to."""
    return Refusal("regression", WHY_NOT, WHAT_THEN, tuple(went_on_by_delay(leads)))


def went_on_by_delay(leads: TouchedLeads) -> list[DelayBand]:
    """Who went on, by delay. Not an effect: who is called early is chosen."""
    band = np.searchsorted(BANDS, leads.delay, side="right") - 1
    return [
        DelayBand(BANDS[i], BANDS[i + 1], int((band == i).sum()), int(leads.went_on[band == i].sum()))
        for i in range(len(BANDS) - 1)
        if (band == i).any()
    ]


def dose_response(bands: list[DelayBand] | tuple[DelayBand, ...]) -> tuple[float, float]:
    """(trend, the rest): chi-square of a straight fall or rise over the bands, and of what bends.

    Cochran 1954, Armitage 1955. An effect of the delay falls all the way; a pattern that goes up and down is not one.
    """
    size = np.array([band.leads for band in bands], float)
    went = np.array([band.went_on for band in bands], float)
    score = np.arange(len(bands), dtype=float)
    p = went.sum() / size.sum()
    unit = p * (1.0 - p)
    if unit == 0.0 or len(bands) < 3:
        return 0.0, 0.0
    all_of_it = float((((went - size * p) ** 2) / (size * unit)).sum())
    centred = score - (size @ score) / size.sum()
    trend = float((went @ centred) ** 2 / (unit * (size @ centred**2)))
    return trend, all_of_it - trend


def queue_at_arrival(asked: FloatArray, delay: FloatArray) -> FloatArray:
    """How many of these leads were waiting for their first touch when each one came."""
    came, touched = np.sort(asked), np.sort(asked + delay)
    waiting = np.searchsorted(came, asked) - np.searchsorted(touched, asked)
    return np.asarray(np.maximum(waiting, 0), float)


def hours_of_week(day: np.ndarray, hour: np.ndarray) -> FloatArray:
    """Controls: a column for each day of the week and for each hour of the day, but the first of each.

    `day` counts from 1970-01-01, a Thursday; `hour` is 0 to 23, both local.
    """
    weekday = (day + 3) % 7
    return np.column_stack([weekday[:, None] == np.arange(1, 7), hour[:, None] == np.arange(1, 24)]).astype(float)


# ---- the estimate ----------------------------------------------------------------------------------------------------


def _two_stages(
    method: str, by: str, leads: TouchedLeads, z: FloatArray, held: FloatArray, floor: float
) -> ResponseFit | Refusal:
    went = np.asarray(leads.went_on, float)
    if min(went.sum(), (1 - went).sum()) < FEWEST:
        return Refusal(method, f"{int(went.sum())} of {len(went):,} leads went on: {FEWEST} of each are needed")
    late = np.log(np.maximum(leads.delay, floor))
    first = np.column_stack([held, z])
    moved, *_ = np.linalg.lstsq(first, late, rcond=None)
    residual = late - first @ moved
    strength = _strength(late, held, residual, first.shape[1])
    if strength < WEAK:
        return Refusal(method, f"{by} hardly moves the delay (F {strength:.1f}, {WEAK:g} are needed)")
    second = np.column_stack([held, late, residual])
    weights = logit_fit(second, went)
    covariance = _stacked(first, residual, second, went, weights)
    at = held.shape[1]
    shape, se = -float(weights[at]), float(np.sqrt(covariance[at, at]))
    return ResponseFit(method, by, shape, se, strength, len(went), float(leads.delay.max()), floor)


def logit_fit(x: FloatArray, y: FloatArray) -> FloatArray:
    """Weights of a logistic regression, by Newton's method."""
    weights = np.zeros(x.shape[1])
    for _ in range(50):
        p = expit(x @ weights)
        curvature = (x * (p * (1.0 - p))[:, None]).T @ x + 1e-9 * np.eye(x.shape[1])
        step = np.linalg.solve(curvature, x.T @ (y - p))
        weights += step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-10:
            break
    return weights


def _stacked(
    first: FloatArray, residual: FloatArray, second: FloatArray, y: FloatArray, weights: FloatArray
) -> FloatArray:
    """Covariance of the second stage's weights, the error of the first stage included: A^-1 B A^-T.

    The equations are first' v = 0 and second' (y - p) = 0; v is the last column of `second`.
    """
    p = expit(second @ weights)
    off, slope, k = y - p, p * (1.0 - p), first.shape[1]
    size = k + second.shape[1]
    a = np.zeros((size, size))
    a[:k, :k] = -first.T @ first
    a[k:, k:] = -(second * slope[:, None]).T @ second
    a[k:, :k] = weights[-1] * (second * slope[:, None]).T @ first
    a[-1, :k] -= first.T @ off
    scores = np.column_stack([first * residual[:, None], second * off[:, None]])
    inverse = np.linalg.inv(a)
    return np.asarray((inverse @ (scores.T @ scores) @ inverse.T)[k:, k:])


def _strength(late: FloatArray, held: FloatArray, residual: FloatArray, columns: int) -> float:
    """F of the instrument beyond what is held fixed."""
    weights, *_ = np.linalg.lstsq(held, late, rcond=None)
    without, rest = float(((late - held @ weights) ** 2).sum()), float((residual**2).sum())
    added, free = columns - held.shape[1], len(late) - columns
    return float((without - rest) / max(added, 1) / max(rest / max(free, 1), 1e-300))


def _independent(columns: FloatArray) -> FloatArray:
    """The columns without those that the ones before them make up (hours at which nobody came)."""
    _, triangle = np.linalg.qr(columns)
    return columns[:, np.abs(np.diag(triangle)) > 1e-8 * len(columns) ** 0.5]


def _evenness(arm: np.ndarray, known: FloatArray) -> float:
    """Chance of arms by lot differing so much in the columns: Fisher's sum over one-way analyses of variance."""
    size = np.bincount(arm).astype(float)
    logs = []
    for column in np.asarray(known, float).reshape(len(arm), -1).T:
        use = np.isfinite(column)
        if use.all() and np.ptp(column) > 0:
            means = np.bincount(arm, column) / size
            between = float(size @ (means - column.mean()) ** 2) / (len(size) - 1)
            within = float(((column - means[arm]) ** 2).sum()) / max(len(arm) - len(size), 1)
            chance = fdtrc(len(size) - 1, max(len(arm) - len(size), 1), between / max(within, 1e-300))
            logs.append(np.log(max(float(chance), 1e-300)))
    return float(chdtrc(2 * len(logs), -2.0 * sum(logs))) if logs else 1.0
