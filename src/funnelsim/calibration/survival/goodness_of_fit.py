"""Do the fitted times follow the data? Exits seen against exits expected, in bands of time.

Where they do not (a machine that answers in 38 seconds, two ways of working mixed), the data's own times are kept:
the fitted law is corrected band by band. The shares are hardly touched by this when the follow-up is long. Exits known
to more than two days only are no evidence against a law: they count in the bands where the law itself puts them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from funnelsim.calibration.survival.competing_risks import Spells, binned_values
from funnelsim.calibration.survival.model_averaging import ModelAverage
from funnelsim.typing import FloatArray

BANDS, FINE_BANDS = 6, 24
UNLIKELY = 27.9  # a chi-square of five degrees of freedom passes this once in 25,000 times
VAGUE = 2 * 86400.0  # seconds: times known no better than this
TOO_FAR = 0.2  # with very many leads a fit may be off significantly and still be good enough


@dataclass(frozen=True)
class Misfit:
    """Exits seen and expected in a band of time, where the two differ most."""

    number: int  # of the exit
    exit: str  # its target
    low: float  # seconds
    high: float
    seen: int
    expected: float
    chi_square: float


def misfit(spells: Spells, fit: ModelAverage, exit_: int) -> Misfit | None:
    """Exits seen against expected in bands of time; None when the fitted law agrees."""
    mine = (spells.outcome == exit_ + 1) & (spells.rounding <= VAGUE)
    if mine.sum() < 10 * BANDS:
        return None
    edges = np.quantile(spells.time[mine], np.linspace(0, 1, BANDS + 1))
    edges[0], edges[-1] = 0.0, np.inf
    edges = np.unique(edges)
    expected, seen = _by_band(spells, fit, exit_, edges)
    terms = (seen - expected) ** 2 / np.maximum(expected, 1.0)
    worst = int(np.argmax(terms))
    off = abs(seen[worst] / max(expected[worst], 1.0) - 1.0)
    if terms.sum() < UNLIKELY or off < TOO_FAR:
        return None
    return Misfit(
        exit_,
        spells.exits[exit_],
        float(edges[worst]),
        float(min(edges[worst + 1], spells.time[mine].max())),
        int(seen[worst]),
        float(expected[worst]),
        float(terms.sum()),
    )


def empirical_points(spells: Spells, fit: ModelAverage, exit_: int) -> list[tuple[float, float]]:
    """(share, seconds) of an exit's time where no family follows it: the fitted law, corrected band by band.

    Each band's mass is multiplied by exits seen over exits expected there. Beyond the last exit seen, the law's tail
    is kept as far as nobody was followed there: half an exit is granted to what was seen and to what was expected.
    """
    seen_times = np.sort(spells.time[(spells.outcome == exit_ + 1) & (spells.rounding <= VAGUE)])
    edges = np.unique(np.quantile(seen_times, np.linspace(0, 1, FINE_BANDS + 1)))
    edges[0] = max(edges[0] - 0.5, 0.0)
    expected, seen = _by_band(spells, fit, exit_, np.append(edges, np.inf))
    law = np.append(fit.gone_by(exit_, edges), 1.0)
    ratio = np.clip(seen / np.maximum(expected, 1e-9), 0.0, 1e3)
    ratio[-1] = min((seen[-1] + 0.5) / (expected[-1] + 0.5), 1.0)
    mass = np.diff(law) * ratio
    shares = np.concatenate([[0.0], np.cumsum(mass[:-1]) / mass.sum()])
    points = [(float(share), float(edge)) for share, edge in zip(shares, edges, strict=True)]
    if shares[-1] > 1 - 1e-4:
        return [*points[:-1], (1.0, points[-1][1])]
    tail = [(q, _quantile_of(fit, exit_, float(1 - (1 - law[-2]) * (1 - q)))) for q in (0.3, 0.6, 0.9, 0.99)]
    last = points[-1][1]
    points += [(float(shares[-1] + (1 - shares[-1]) * q), max(t, last)) for q, t in tail]
    return [*points, (1.0, points[-1][1] * 1.5)]


def _by_band(spells: Spells, fit: ModelAverage, exit_: int, edges: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Exits expected and seen in bands of time, hidden time and open leads allowed for."""
    # F at thousands of ages is dear; a table of it is not.
    grid = np.append(0.0, np.exp(np.linspace(np.log(0.1), np.log(max(spells.age.max(), 1.0)), 2000)))
    law = fit.gone_by(exit_, grid)
    expected = np.zeros(len(edges) - 1)
    for group in range(spells.groups):
        age, weight = binned_values(spells.age[spells.group == group])
        start = np.maximum(np.maximum(age - spells.recorded_for[exit_], age - spells.observed_for), 0.0)
        at = np.interp(np.clip(edges[:, None], start, age), grid, law)
        expected += fit.point([exit_], group) * (np.diff(at, axis=0) @ weight)
    mine = spells.outcome == exit_ + 1
    vague = mine & (spells.rounding > VAGUE)
    seen = np.histogram(spells.time[mine & ~vague], edges)[0].astype(float)
    if vague.any():
        half = spells.rounding[vague] / 2
        low, high = np.maximum(spells.time[vague] - half, 0.0), spells.time[vague] + half
        mass = np.maximum(np.interp(high, grid, law) - np.interp(low, grid, law), 1e-12)
        for band, (start_, end) in enumerate(pairwise(edges)):
            a, b = np.clip(start_, low, high), np.clip(end, low, high)
            seen[band] += float(((np.interp(b, grid, law) - np.interp(a, grid, law)) / mass).sum())
    return expected, seen


def _quantile_of(fit: ModelAverage, exit_: int, share: float) -> float:
    """Seconds by which a share of an exit's times has passed."""
    grid = np.exp(np.linspace(np.log(0.1), np.log(1e10), 4000))
    return float(np.interp(share, fit.gone_by(exit_, grid), grid))
