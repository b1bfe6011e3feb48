"""The search of `optimise`: points are suggested in groups, scored by whoever asks, and told in order.

Optuna's tree-structured Parzen estimator (Bergstra et al., NIPS 2011; several objectives: Ozaki et al., JAIR 73, 2022)
suggests them, after a Latin hypercube as a first look. Scores are on the same luck at every point, so a score is a
function of its point without noise; so the last quarter of the trials of one objective goes into a pattern search from
the best (Hooke and Jeeves, JACM 8, 1961), which reaches the ends of ranges. Groups have a fixed size, so what is
suggested is the same on any number of threads, and a search that is begun again repeats itself. Where all points can be
run within the number of trials, they are.

Optuna is no part of funnelsim: pip install "funnelsim[optimise]".
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from funnelsim.errors import UsageError
from funnelsim.study.axes import Axis, SamplingDesign, points

GROUP = 8  # points suggested before any of them is told
STEP, SMALLEST = 0.1, 0.002  # of an axis: the first step of the pattern search, and the last
SPARE = 10  # suggestions a trial, at most: the others were refused
ALL = 1_000_000  # combinations of a range that are not even counted
Point = tuple[str, ...]


@dataclass(frozen=True)
class TrialScore:
    """What a point gave."""

    values: tuple[float, ...] = ()  # of the objectives; none: it failed, or was refused
    excess: tuple[float, ...] = ()  # of the constraints: above 0 it is not met
    error: str = ""

    @property
    def refused(self) -> bool:
        """Whether it was not run, as its inputs break a constraint: it is no trial."""
        return not self.values and not self.error

    @property
    def meets(self) -> bool:
        """Whether it can be chosen."""
        return bool(self.values) and all(one <= 0.0 for one in self.excess)


@dataclass(frozen=True)
class Trial:
    """A point that was suggested, and what it gave."""

    point: Point
    score: TrialScore


Evaluate = Callable[[list[Point]], list[TrialScore]]


def search(axes: Sequence[Axis], most: Sequence[bool], evaluate: Evaluate, trials: int, seed: int) -> list[Trial]:
    """Points of the axes with their scores, in the order in which they were suggested, each once.

    `most` says of each objective whether more of it is better. UsageError when Optuna is not there.
    """
    axes = [as_list(axis) for axis in axes]
    if combinations(axes) <= trials:
        grid = list(itertools.product(*(axis.values for axis in axes)))
        return [Trial(point, score) for point, score in zip(grid, evaluate(grid), strict=True)]
    near = trials // 4 if len(most) == 1 else 0
    known = _suggested(axes, most, evaluate, trials - near, seed)
    if near:
        _pattern(axes, most[0], evaluate, near, known)
    return [Trial(point, score) for point, score in known.items()]


def combinations(axes: Sequence[Axis]) -> int:
    """How many points there are; very many where an axis takes any value of its range."""
    return math.prod(len(axis.values) if axis.values else ALL for axis in axes)


def as_list(axis: Axis) -> Axis:
    """A range that says how many values it has, as the list of them: nothing between them is meant."""
    return replace(axis, low=math.nan, high=math.nan) if axis.is_range and axis.values else axis


def is_ordered(axis: Axis) -> bool:
    """Whether the values of a list are numbers, in order."""
    numbers = [axis.coordinate(text) for text in axis.values]
    return all(one < other for one, other in itertools.pairwise(numbers)) and all(map(math.isfinite, numbers))


def share_of(axis: Axis, text: str) -> float:
    """Where a value lies on its axis, from 0 to 1; nan when its values have no order."""
    axis = as_list(axis)
    if not axis.is_range:
        if not is_ordered(axis) or len(axis.values) == 1:
            return math.nan
        return axis.values.index(text) / (len(axis.values) - 1)
    x = axis.coordinate(text)
    if axis.log:
        return math.log(x / axis.low) / math.log(axis.high / axis.low)
    return (x - axis.low) / (axis.high - axis.low)


# ---- Optuna --------------------------------------------------------------------------------------------------------


def _suggested(
    axes: Sequence[Axis], most: Sequence[bool], evaluate: Evaluate, trials: int, seed: int
) -> dict[Point, TrialScore]:
    """The scores of the points that Optuna suggests, in its order."""
    known: dict[Point, TrialScore] = {}
    optuna, study = _optuna_study(most, trials, len(axes), seed)
    ways = {axis.path: _distribution(axis, optuna.distributions) for axis in axes}
    for point in points(axes, SamplingDesign("latin", _startup_trials(trials, len(axes))), seed):
        study.enqueue_trial({axis.path: _parameter(axis, text) for axis, text in zip(axes, point, strict=True)})
    left, asks = trials, 0
    while left > 0 and asks < SPARE * trials:
        group = [study.ask(ways) for _ in range(min(GROUP, left))]
        there = [tuple(_text_of(axis, one.params[axis.path]) for axis in axes) for one in group]
        new = [point for point in dict.fromkeys(there) if point not in known]
        known |= dict(zip(new, evaluate(new), strict=True))
        for one, point in zip(group, there, strict=True):
            _report_to_optuna(study, optuna, one, known[point], len(most))
        asks += len(group)
        left -= sum(not known[point].refused for point in there)
    return known


def _optuna_study(most: Sequence[bool], trials: int, axes: int, seed: int) -> tuple[Any, Any]:
    try:
        import optuna
    except ImportError:
        raise UsageError('optimise needs Optuna: pip install "funnelsim[optimise]"') from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    # seeds of NumPy have 32 bits, ours 63
    sampler = optuna.samplers.TPESampler(
        seed=random.Random(seed).getrandbits(32), n_startup_trials=_startup_trials(trials, axes)
    )
    ways = ["maximize" if more else "minimize" for more in most]
    return optuna, optuna.create_study(sampler=sampler, directions=ways)


def _startup_trials(trials: int, axes: int) -> int:
    """Points of the first look: a quarter, at least ten where there are so many."""
    return min(trials, max(10, min(trials // 4, 10 * axes)))


def _distribution(axis: Axis, ways: Any) -> Any:
    if not axis.is_range:
        if is_ordered(axis):
            return ways.IntDistribution(0, len(axis.values) - 1)
        return ways.CategoricalDistribution(axis.values)
    if axis.integer:
        return ways.IntDistribution(round(axis.low), round(axis.high), log=axis.log)
    return ways.FloatDistribution(axis.low, axis.high, log=axis.log)


def _text_of(axis: Axis, parameter: Any) -> str:
    """The text of what Optuna suggests."""
    if not axis.is_range:
        return axis.values[parameter] if is_ordered(axis) else str(parameter)
    return axis.text(axis.rounded(float(parameter)))


def _parameter(axis: Axis, text: str) -> Any:
    """What Optuna would suggest for a text."""
    if not axis.is_range:
        return axis.values.index(text) if is_ordered(axis) else text
    x = min(max(axis.coordinate(text), axis.low), axis.high)
    return round(x) if axis.integer else x


def _report_to_optuna(study: Any, optuna: Any, trial: Any, score: TrialScore, objectives: int) -> None:
    if score.error:
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return
    for i, one in enumerate(score.excess):
        trial.set_constraint(str(i), one)
    # what breaks a constraint is ranked by its excess, whatever its values
    study.tell(trial, list(score.values) or [0.0] * objectives)


# ---- the pattern search --------------------------------------------------------------------------------------------


def _pattern(axes: Sequence[Axis], more: bool, evaluate: Evaluate, trials: int, known: dict[Point, TrialScore]) -> None:
    """Steps along each axis from the best point, which moves when one is better; else the steps are halved."""
    step, best = STEP, _best(known, more)
    while best is not None and trials > 0 and step > SMALLEST:
        new = [point for point in _neighbours(axes, best, step) if point not in known][:trials]
        scores = evaluate(new)
        known |= dict(zip(new, scores, strict=True))
        trials -= sum(not score.refused for score in scores)
        if (better := _best(known, more)) == best:
            step /= 2.0
        best = better


def _best(known: Mapping[Point, TrialScore], more: bool) -> Point | None:
    there = [point for point, score in known.items() if score.meets]
    return max(there, key=lambda point: known[point].values[0] * (1.0 if more else -1.0), default=None)


def _neighbours(axes: Sequence[Axis], best: Point, step: float) -> list[Point]:
    around = []
    for i, axis in enumerate(axes):
        for text in _neighbour_values(axis, best[i], step):
            around.append((*best[:i], text, *best[i + 1 :]))
    return list(dict.fromkeys(around))


def _neighbour_values(axis: Axis, text: str, step: float) -> list[str]:
    """The values a step to each side, at least the next one; of words all others."""
    here = share_of(axis, text)
    if math.isnan(here):
        return [one for one in axis.values if one != text]
    if not axis.is_range:
        at, far = axis.values.index(text), max(1, round(step * (len(axis.values) - 1)))
        return [axis.values[min(max(at + way * far, 0), len(axis.values) - 1)] for way in (-1, 1)]
    if axis.integer:
        step = max(step, 1.0 / (axis.high - axis.low))
    return [axis.text(axis.rounded(axis.number(min(max(here + way * step, 0.0), 1.0)))) for way in (-1, 1)]
