"""Constraints of a search: sums of measures or of inputs that must not go beyond a bound.

    calendar.cost <= 900k                                   a measure, in its unit
    cohort.response_p90.interest <= 4 hours
    goal >= 80%                                             the chance of the goal
    calendar.cost - 0.5 * calendar.revenue <= 0             a sum of measures in the same unit
    teams.sales.people + teams.marketing.people <= 9        inputs: such a point is not even run

Of measures the mean is meant, which a run knows with an error only. So a constraint counts as met where the mean lies
within the bound with a stated confidence: the one-sided limit of the excess (t; of a chance Wilson's) is not above 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from funnelsim.errors import UsageError, collect_errors
from funnelsim.measures import Measure
from funnelsim.measures import wilson as wilson_interval
from funnelsim.scenario.parsers import ParseError
from funnelsim.scenario.parsers.numbers import NUMBER
from funnelsim.study.axes import Axis
from funnelsim.study.goals import CHANCE, GOAL, reader
from funnelsim.study.point import linear_values
from funnelsim.study.sweep import full_key
from funnelsim.typing import FloatArray

_SIDES = re.compile(r"(?P<sum>.+?)\s*(?P<way><=|>=|\bat most\b|\bat least\b)\s*(?P<bound>\S.*)")
_TERM = re.compile(rf"(?:(?P<factor>{NUMBER})\s*\*\s*)?(?P<name>[^\s*]+)")
_UNITED = re.compile(rf"(?P<number>{NUMBER})\s*(?P<unit>.*)")


@dataclass(frozen=True)
class Constraint:
    """A sum that stays within a bound."""

    text: str  # as it was written
    terms: tuple[tuple[float, str], ...]  # factor and key of a measure, or path of an axis
    bound: float  # in the unit of the measures
    at_most: bool
    of_inputs: bool
    unit: str = ""

    @property
    def sign(self) -> float:
        """Turns what lies above the bound into an excess."""
        return 1.0 if self.at_most else -1.0

    @property
    def scale(self) -> float:
        """What an excess is measured against, so that constraints can be added up."""
        return abs(self.bound) or 1.0

    def excess_of(self, inputs: Mapping[str, float]) -> float:
        """By how much inputs break it, relative to the bound; 0 or less: met."""
        total = sum(factor * inputs[path] for factor, path in self.terms)
        return (total - self.bound) * self.sign / self.scale

    def values(self, measures: Mapping[str, Measure]) -> FloatArray:
        """The sum in each replication; its mean is the estimate."""
        return np.asarray(sum(factor * linear_values(measures[key]) for factor, key in self.terms), np.float64)

    def excess(self, measures: Mapping[str, Measure], confidence: float) -> float:
        """The upper limit of the excess of the mean, relative to the bound; inf where there is no such figure."""
        values = self.values(measures)
        if not np.isfinite(values).all():
            return math.inf
        if self.unit == CHANCE and len(self.terms) == 1:
            return self._excess_of_a_chance(values / self.terms[0][0], confidence)
        beyond = (values - self.bound) * self.sign
        error = float(beyond.std(ddof=1)) / math.sqrt(len(beyond)) if len(beyond) > 1 else math.inf
        reach = _t(confidence, len(beyond) - 1) * error if error else 0.0
        return (float(beyond.mean()) + reach) / self.scale

    def _excess_of_a_chance(self, met: FloatArray, confidence: float) -> float:
        factor = self.terms[0][0]
        low, high = wilson_interval(float(met.sum()), len(met), _z(confidence))
        return max((factor * end - self.bound) * self.sign for end in (low, high)) / self.scale


def read_constraints(
    texts: Sequence[str], axes: Sequence[Axis], known: Mapping[str, Measure], currency: str
) -> tuple[Constraint, ...]:
    """Constraints from text; `known` are the measures there may be. UsageError says what is wrong with each."""
    by_path = {axis.path: axis for axis in axes}
    return collect_errors(partial(_read, text, by_path, known, currency) for text in texts)


def inputs_of(axes: Sequence[Axis], point: Sequence[str]) -> dict[str, float]:
    """The numbers of a point by path; nan where values are words."""
    return {axis.path: axis.coordinate(text) for axis, text in zip(axes, point, strict=True)}


def _read(text: str, axes: Mapping[str, Axis], known: Mapping[str, Measure], currency: str) -> Constraint:
    match = _SIDES.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"'{text}' is no constraint: write \"calendar.cost <= 900k\" or "
            f'"teams.sales.people + teams.marketing.people <= 9"'
        )
    terms = _terms(text, match["sum"])
    of_inputs = [name in axes for _, name in terms]
    if any(of_inputs) and not all(of_inputs):
        raise UsageError(f"constraint '{text}': measures and inputs do not add up; one constraint for each")
    at_most = match["way"] in ("<=", "at most")
    if all(of_inputs):
        bound, unit = _bound_of_inputs(text, [axes[name] for _, name in terms], match["bound"])
        return Constraint(text, terms, bound, at_most, True, unit)
    keys = collect_errors(partial(full_key, name, known, axes) for _, name in terms)
    terms = tuple((factor, key) for (factor, _), key in zip(terms, keys, strict=True))
    units = {CHANCE if key == GOAL else known[key].unit for _, key in terms}
    if len(units) > 1:
        raise UsageError(f"constraint '{text}': {' and '.join(sorted(units))} do not add up")
    unit = units.pop()
    try:
        bound = reader(unit, currency)(match["bound"])
    except ParseError as problem:
        raise UsageError(f"constraint '{text}': {problem.text}. {problem.hint}".rstrip(". ") + ".") from None
    return Constraint(text, terms, bound, at_most, False, unit)


def _terms(text: str, side: str) -> tuple[tuple[float, str], ...]:
    pieces = re.split(r"\s+([+-])\s+", side.strip())
    terms = []
    for sign, piece in zip(["+", *pieces[1::2]], pieces[::2], strict=True):
        match = _TERM.fullmatch(piece.strip())
        if match is None:
            raise UsageError(
                f"constraint '{text}': '{piece}' is no measure and no path: write \"2 * calendar.cost - "
                f'calendar.revenue <= 0"'
            )
        terms.append((float(match["factor"] or 1.0) * (-1.0 if sign == "-" else 1.0), match["name"]))
    return tuple(terms)


def _bound_of_inputs(text: str, axes: Sequence[Axis], bound: str) -> tuple[float, str]:
    """The number, in the unit in which the axes are varied."""
    units = {axis.unit for axis in axes}
    if any(math.isnan(axis.coordinate(value)) for axis in axes for value in axis.values):
        raise UsageError(f"constraint '{text}': {axes[0].path} takes words, which have no bound")
    match = _UNITED.fullmatch(bound.strip())
    if match is None or len(units) > 1 or match["unit"].strip() not in ("", *units):
        written = ", ".join(sorted(axis.unit or "plain numbers" for axis in axes))
        raise UsageError(
            f"constraint '{text}': a bound of inputs is a number in the unit in which they are varied, here {written}"
        )
    return float(match["number"].replace("_", "")), units.pop()


def _t(confidence: float, freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, confidence)) if freedom > 0 else math.inf


def _z(confidence: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(confidence))
