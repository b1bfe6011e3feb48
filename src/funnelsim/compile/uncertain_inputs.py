"""All that nobody knows of a scenario, as inputs of a study: each range, each source's rate and fit, each segment's
fit, each fitted stage, the deal value.

The shares and times of a stage were fitted together and their errors are correlated, so a stage is one unknown with
several coordinates. Its ends are the two most likely points at which what it says (the share that goes on; its typical
time, where shares are not redrawn) stands at its 90 % limits: from the estimate along root' grad, with everything else
moving along as far as it is correlated (first-order reliability: Hasofer and Lind, J. Eng. Mech. 100, 1974).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from funnelsim.compile.deal_value_draw import PATH, ValueDraw
from funnelsim.compile.fitted_draws import Fit, Fitted, SourceDraw, StageDraw
from funnelsim.compile.parameter_draws import (
    SHARE,
    Draw,
    Places,
    UncertainParameter,
    UncertainParameters,
    logit,
    uniform,
)
from funnelsim.typing import FloatArray

Z = 1.6448536269514722  # normal quantile of 0.95; a range from end to end is 1.73 deviations, much alike
_STEP = 1e-4  # of the numerical gradient, in log-odds or log-seconds


@dataclass(frozen=True)
class UncertainInput:
    """Something a draw moves: one number, or several that are known together."""

    path: str  # "effects.context_lost", "fitted.stages.interest"
    coordinates: tuple[str, ...]  # the paths whose place a draw asks for
    low: Places  # where they stand at its low end ...
    high: Places
    low_text: str  # ... and what it is there, for people
    high_text: str
    features: Callable[[int, Draw], tuple[float, ...]]  # (seed, draw): a few numbers, to regress answers on


def uncertain_inputs(beliefs: UncertainParameters, fitted: Fitted) -> list[UncertainInput]:
    """Ranges in the order of the file, then what was fitted."""
    stages = [one for one in fitted.stages if one.forward or one.tables]  # the scenario still says them
    return [
        *map(_of_belief, beliefs.all),
        *map(_of_stage, stages),
        *(_of_source(one, _percent_text) for one in fitted.rates),
        *(_of_source(one, _shift_text) for one in fitted.fits),
        *([_of_value(fitted.value)] if fitted.value else []),
    ]


def _of_belief(belief: UncertainParameter) -> UncertainInput:
    """A range from end to end."""
    path = belief.path
    text = _share_text if belief.scale == SHARE else _plain_text
    return UncertainInput(
        path,
        (path,),
        {path: 0.0},
        {path: 1.0},
        text(belief.low),
        text(belief.high),
        lambda seed, draw: (uniform(seed, draw, path) - 0.5,),
    )


def _of_source(source: SourceDraw, text: Callable[[float], str]) -> UncertainInput:
    """A rate or a fit at its 90 % limits."""
    path, far = source.path, Z * source.spread
    return UncertainInput(
        path,
        (path,),
        {path: float(special.ndtr(-Z))},
        {path: float(special.ndtr(Z))},
        text(-far),
        text(far),
        lambda seed, draw: (source.noise(seed, draw),),
    )


def _of_value(value: ValueDraw) -> UncertainInput:
    """The law of deal values at the 90 % limits of its mean, from the most likely pair of parameters that says so."""
    steps = np.array(value.slopes)
    along = steps / np.linalg.norm(steps)
    places = [dict(zip(value.coordinates, special.ndtr(side * along).tolist(), strict=True)) for side in (-Z, Z)]
    texts = [f"{value.says} {math.exp(value.log_mean(0, place)):,.5g}" for place in places]
    return UncertainInput(
        PATH,
        value.coordinates,
        places[0],
        places[1],
        texts[0],
        texts[1],
        lambda seed, draw: (value.log_mean(seed, draw),),
    )


def _of_stage(stage: StageDraw) -> UncertainInput:
    fit = max(stage.fits, key=lambda one: one.weight)
    gradient = np.array([_slope(stage, fit, i) for i in range(len(fit.mean))])
    direction = fit.root.T @ gradient
    length = float(np.linalg.norm(direction))
    along = direction / length if length else direction
    places, texts = [], []
    for side in (-Z, Z):
        noise = special.ndtr(side * along).tolist()
        places.append(dict(zip(stage.coordinates, (_middle_of(stage, fit), *noise), strict=False)))
        vector = fit.vector(side * along)
        texts.append(_fit_text(stage, fit, vector))

    def features(seed: int, draw: Draw) -> tuple[float, ...]:
        chosen, vector = stage.parameters(seed, draw)
        said = (logit(stage.base(chosen, vector)), math.log(stage.typical_time(chosen, vector)))
        return tuple(one for one in said if math.isfinite(one))

    return UncertainInput(stage.path, stage.coordinates, places[0], places[1], texts[0], texts[1], features)


def _slope(stage: StageDraw, fit: Fit, i: int) -> float:
    """How what the stage says follows its i-th parameter."""
    there = []
    for step in (-_STEP, _STEP):
        vector = fit.mean.copy()
        vector[i] += step
        there.append(_headline(stage, fit, vector))
    return (there[1] - there[0]) / (2.0 * _STEP)


def _headline(stage: StageDraw, fit: Fit, vector: FloatArray) -> float:
    if stage.forward:
        return logit(stage.base(fit, vector))
    return math.log(stage.typical_time(fit, vector)) if stage.tables else 0.0


def _fit_text(stage: StageDraw, fit: Fit, vector: FloatArray) -> str:
    if stage.forward:
        return f"{_share_text(stage.base(fit, vector))} go on"
    return f"{stage.typical_time(fit, vector) / 86400.0:.3g} days" if stage.tables else ""


def _middle_of(stage: StageDraw, fit: Fit) -> float:
    """The place at which a draw chooses this fit."""
    before = sum(one.weight for one in stage.fits[: stage.fits.index(fit)])
    return (before + fit.weight / 2.0) / sum(one.weight for one in stage.fits)


def _plain_text(value: float) -> str:
    return f"{value:g}"


def _share_text(value: float) -> str:
    return f"{100.0 * value:.3g} %"


def _percent_text(log: float) -> str:
    return f"{100.0 * math.expm1(log):+.2g} %"


def _shift_text(value: float) -> str:
    return f"{value:+.2g}"
