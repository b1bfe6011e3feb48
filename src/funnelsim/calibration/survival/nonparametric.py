"""The fit of a stage beside the data alone: cumulative incidence of each exit, as observed and as written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from funnelsim.calibration.survival.aalen_johansen import Incidence, incidence
from funnelsim.calibration.survival.goodness_of_fit import empirical_points
from funnelsim.calibration.survival.stage_fit import StageFit
from funnelsim.calibration.survival.time_distributions import cdf, log_time
from funnelsim.typing import FloatArray

BAND = 0.9
ENOUGH = 10  # still there: beyond, the observed curve says little
DRAWS = 400


@dataclass(frozen=True)
class FitGap:
    """Where the written curve is furthest from the observed one."""

    seconds: float
    observed: float
    fitted: float
    outside: float  # share of the observed range in which the written curve leaves the 90 % band

    @property
    def size(self) -> float:
        return self.fitted - self.observed


def observed_cif(stage: StageFit) -> dict[str, Incidence]:
    """By target: the data's own curve, of the visits of the last period whose exits were recorded from the start.

    Visits that were there before the list of leads began come into sight at the age they then had.
    """
    spells, number = stage.spells, {target: i + 1 for i, target in enumerate(stage.order)}
    usable = stage.current & (spells.age <= min(spells.recorded_for, default=np.inf))
    to = np.array([0, *(number[target] for target in stage.targets)])
    entry = np.maximum(spells.age - spells.observed_for, 0.0)
    curves = incidence(spells.time[usable], to[spells.outcome[usable]], len(stage.order), entry[usable], BAND)
    return dict(zip(stage.order, curves, strict=True))


def follow_up_limit(stage: StageFit) -> float:
    """Seconds up to which ENOUGH visits are still in sight: as far as the observed curve can be trusted."""
    time = np.sort(stage.spells.time[stage.current])
    return float(time[-min(ENOUGH, len(time))])


def fitted_cif(stage: StageFit, target: str, seconds: FloatArray) -> FloatArray:
    """The curve that the fitted file says: shares times the laws, or the data's own times where no family follows."""
    curve = np.zeros(len(seconds))
    for j in stage.of(target):
        gone = _own_times(stage, j, seconds) if j in stage.odd else stage.fit.gone_by(j, seconds)
        curve += stage.fit.point([j]) * gone
    return curve


def fitted_cif_band(stage: StageFit, target: str, seconds: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Central 90 % of that curve, given what is not known of its parameters; the data's own times are not drawn."""
    drawn = []
    for law, vectors in stage.fit.vectors(DRAWS):
        shares = law.shares(vectors)[:, -1]
        curve = np.zeros((len(vectors), len(seconds)))
        for j in stage.of(target):
            family, mu, s = law.drawn_times(j, vectors)
            gone = (
                _own_times(stage, j, seconds)[None, :]
                if j in stage.odd
                else cdf(family, mu[:, None], s[:, None], log_time(seconds)[None, :])[0]
            )
            curve += shares[:, [j]] * gone
        drawn.append(curve)
    low, high = np.quantile(np.concatenate(drawn), [0.5 - BAND / 2, 0.5 + BAND / 2], axis=0)
    return low, high


def fit_gap(stage: StageFit, target: str, curve: Incidence) -> FitGap:
    """Between the two curves, at the times at which somebody left, as far as enough were in sight."""
    used = (curve.time <= follow_up_limit(stage)) & (curve.time > 0.0)
    if not used.any():
        return FitGap(0.0, 0.0, 0.0, 0.0)
    time, share, low, high = (one[used] for one in (curve.time, curve.share, curve.low, curve.high))
    fitted = fitted_cif(stage, target, time)
    worst = int(np.abs(fitted - share).argmax())
    outside = float(((fitted < low) | (fitted > high)).mean())
    return FitGap(float(time[worst]), float(share[worst]), float(fitted[worst]), outside)


def _own_times(stage: StageFit, exit_: int, seconds: FloatArray) -> FloatArray:
    shares, times = np.array(empirical_points(stage.spells, stage.fit, exit_)).T
    return np.asarray(np.interp(seconds, times, shares, left=0.0))
