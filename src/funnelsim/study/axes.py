"""Axes of a study: which scenario path takes which values, and the points of a design over them.

    sources.webinar.rate=20..80/week:13         evenly spaced, ends included
    teams.sales.people=3..7                     whole numbers, each of them
    promises.first_touch=within 1..64 business hours:7 log          evenly spaced on the logarithm
    ownership.interest=marketing, sales, {marketing: 50%, sales: 50%}       a list

Designs: `grid`, every combination; `latin:N`, a Latin hypercube (McKay, Beckman, Conover 1979): each axis cut in N
equal slices, one point in each; `sobol:N`, a scrambled Sobol sequence (Owen 1998), N a power of two. The last two take
values anywhere between the ends of a range, and each entry of a list equally often.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np

from funnelsim.errors import Problem, ScenarioError, UsageError
from funnelsim.scenario.parsers.numbers import NUMBER
from funnelsim.scenario.schema import resolve_path
from funnelsim.scenario.values import Place
from funnelsim.scenario.yaml_nodes import Node, plain, problem_at
from funnelsim.typing import FloatArray

NOWHERE = Place("--vary", 1, 1)
MOST_POINTS = 1_000_000
FINEST = 1 / 500  # of a range, or of x on a logarithmic one: what is sought is no finer
DESIGNS = ("grid", "latin", "sobol")
_RANGE = re.compile(
    rf"(?P<before>\D*?)(?P<low>{NUMBER})(?P<low_unit>[^.:]*?)\s*\.\.\s*(?P<high>{NUMBER})"
    rf"(?P<after>[^:]*?)(?::\s*(?P<count>\d+))?(?P<log>\s+log)?"
)
_COORDINATE = re.compile(rf"(?P<before>\D*?)(?P<number>{NUMBER})(?P<after>.*)")


@dataclass(frozen=True)
class Axis:
    """A scenario path and the values it takes, as texts that `--set` would read."""

    path: str
    values: tuple[str, ...] = ()  # of a list, or of a range with a count
    low: float = math.nan  # of a range
    high: float = math.nan
    before: str = ""  # what stands around the number
    after: str = ""
    log: bool = False
    integer: bool = False  # only whole numbers make sense
    key: Place = NOWHERE  # where the path was written
    value: Place = NOWHERE

    @property
    def is_range(self) -> bool:
        return math.isfinite(self.low)

    @property
    def unit(self) -> str:
        """What stands behind the number: `/week`."""
        return self.after.strip() if self.is_range else _unit(self.values)

    def at(self, u: float) -> str:
        """The value a share u in [0, 1) of the way, as text."""
        if not self.is_range:
            return self.values[min(int(u * len(self.values)), len(self.values) - 1)]
        if self.integer and not self.log:  # each whole number equally often
            return self.text(math.floor(self.low + u * (self.high - self.low + 1.0)))
        return self.text(self.number(u))

    def number(self, u: float) -> float:
        """The number a share u of the way from low to high."""
        if self.log:
            return self.low * math.exp(u * math.log(self.high / self.low))
        return self.low + (self.high - self.low) * u

    def rounded(self, x: float) -> float:
        """The nearest x of a range that has few digits: finer than 1/500 of the range is not asked for."""
        if self.integer:
            return min(max(float(round(x)), self.low), self.high)
        step = 10.0 ** math.floor(math.log10((x if self.log else self.high - self.low) * FINEST))
        for end in (self.low, self.high):
            if abs(x - end) < step / 2.0:
                return end
        return round(round(x / step) * step, 12)

    def text(self, number: float) -> str:
        """A number as the scenario has it."""
        return f"{self.before}{_digits(round(number) if self.integer else number)}{self.after}"

    def written(self, x: float) -> str:
        """The value at a coordinate."""
        return self.text(x) if self.is_range else next(one for one in self.values if self.coordinate(one) == x)

    def coordinate(self, text: str) -> float:
        """The number in a value, to draw it at; nan when its values are words."""
        if self.is_range:
            return float(text.removeprefix(self.before).removesuffix(self.after))
        return _coordinates(self.values).get(text, math.nan)

    def blame(self, problem: Problem) -> Problem:
        """A problem of the text that `--set` would have read, at the place where the axis was written."""
        place = self.key if problem.column <= len(self.path) else self.value
        if place is self.key and place.file == "--vary":
            place = replace(place, column=problem.column, length=problem.length)
        return problem_at(place, problem.text, problem.hint, problem.path, problem.severity)


@dataclass(frozen=True)
class SamplingDesign:
    """Which points of the axes are run."""

    way: str = "grid"
    count: int = 0  # of latin and sobol

    def __str__(self) -> str:
        return self.way if self.way == "grid" else f"{self.way}:{self.count}"


def read_axes(texts: Sequence[str]) -> list[Axis]:
    """Axes of the command line; ScenarioError with every mistake at once."""
    axes: list[Axis] = []
    problems: list[Problem] = []
    for count, text in enumerate(texts, 1):
        path, equals, value = text.partition("=")
        here = Place("--vary", count, 1, max(1, len(text)), text)
        if not equals or not path.strip() or not value.strip():
            problems.append(
                problem_at(here, f"'{text}' varies nothing", "write --vary sources.search.rate=80..480/week:11")
            )
            continue
        at = replace(here, column=len(path) + 2, length=max(1, len(value)))
        key = replace(here, length=max(1, len(path)))
        _add(axes, problems, path.strip(), value.strip(), key, at)
    if problems:
        raise ScenarioError(problems, "--vary")
    return axes


def axes_of_file(vary: Node, problems: list[Problem]) -> list[Axis]:
    """Axes of a study file: `path: range` or `path: [list]`; what is wrong goes to `problems`."""
    axes: list[Axis] = []
    for path, node in vary.value.items():
        if isinstance(node.value, list):
            values = tuple(_as_text(plain(child)) for child in node.value)
            if not values:
                problems.append(problem_at(node.place, f"the list of {path} is empty", "such as [3, 4, 5]"))
            else:
                axes.append(Axis(path, values, integer=_is_integer(path), key=node.at, value=node.place))
        elif isinstance(node.value, dict) or node.value is None:
            problems.append(problem_at(node.at, f"{path} takes a range or a list", "such as 80..480/week:11"))
        else:
            _add(axes, problems, path, str(node.value), node.at, node.place)
    return axes


def read_design(text: str) -> SamplingDesign:
    """`grid`, `latin:200` or `sobol:256`; UsageError for anything else."""
    match = re.fullmatch(r"(\w+)(?:[:\s]\s*(\d+))?", text.strip())
    way = match[1] if match else ""
    if match is None or way not in DESIGNS or (way == "grid") != (match[2] is None):
        raise UsageError(f"'{text}' is no design: write grid, latin:200 or sobol:256")
    count = int(match[2] or 0)
    if way != "grid" and not 1 <= count <= MOST_POINTS:
        raise UsageError(f"the design {text} asks for {count} points: 1 to {MOST_POINTS:,}")
    if way == "sobol" and count & (count - 1):
        near = 1 << round(math.log2(count))
        raise UsageError(f"a Sobol design has a power of two of points, such as sobol:{near}: others are uneven")
    return SamplingDesign(way, count)


def points(axes: Sequence[Axis], design: SamplingDesign, seed: int) -> list[tuple[str, ...]]:
    """The points of a design: for each, a value of each axis, as text. UsageError when an axis does not suit it."""
    if design.way == "grid":
        for axis in axes:
            if not axis.values:
                raise UsageError(
                    f"{axis.path}: how many values? On a grid write {_range_text(axis)}:11, or take --design latin:100"
                )
        if (count := math.prod(len(axis.values) for axis in axes)) > MOST_POINTS:
            raise UsageError(f"this grid has {count:,} points; at most {MOST_POINTS:,}")
        return list(itertools.product(*(axis.values for axis in axes)))
    for axis in axes:
        if axis.is_range and axis.values and not _each_whole(axis):
            raise UsageError(
                f"{axis.path}: with {design} the design says how many points: leave out the number of values"
            )
    return [
        tuple(axis.at(float(u)) for axis, u in zip(axes, row, strict=True)) for row in _shares(design, len(axes), seed)
    ]


def _shares(design: SamplingDesign, dimensions: int, seed: int) -> FloatArray:
    from scipy.stats import qmc

    if design.way == "latin":
        rows = qmc.LatinHypercube(dimensions, rng=np.random.default_rng(seed)).random(design.count)
    else:
        power = design.count.bit_length() - 1
        rows = qmc.Sobol(dimensions, rng=np.random.default_rng(seed)).random_base2(power)
    return np.asarray(rows, np.float64)


# ---- one axis ------------------------------------------------------------------------------------------------------


def _add(axes: list[Axis], problems: list[Problem], path: str, value: str, key: Place, at: Place) -> None:
    if any(axis.path == path for axis in axes):
        problems.append(problem_at(key, f"'{path}' is varied twice", "each path once"))
        return
    try:
        axes.append(replace(_axis(path, value, at), key=key, value=at))
    except ScenarioError as error:
        problems += error.problems


def _axis(path: str, value: str, at: Place) -> Axis:
    def refuse(text: str, hint: str) -> ScenarioError:
        return ScenarioError([problem_at(at, text, hint)])

    integer = _is_integer(path)
    if ".." not in value:
        values = tuple(_split(value))
        if any(not one for one in values):
            raise refuse(f"an entry of '{value}' is empty", "such as 3, 4, 5")
        return Axis(path, values, integer=integer)
    match = _RANGE.fullmatch(value)
    if match is None:
        raise refuse(f"'{value}' is not a range", "write 80..480/week:11, 3..7, or list the values: 3, 5, 8")
    low, high = float(match["low"].replace("_", "")), float(match["high"].replace("_", ""))
    unit, after = match["low_unit"].strip(), match["after"].rstrip()
    if unit and unit != after.strip():
        raise refuse(f"the ends of '{value}' are in different units", "one unit for both, as in 10..50%, or list them")
    if low >= high:
        raise refuse(f"the range '{value}' runs backwards or stands still", f"write {match['high']}..{match['low']}")
    log = match["log"] is not None
    if log and low <= 0.0:
        raise refuse("a logarithmic range begins above zero", f"such as {match['before']}1..{match['high']}{after}")
    integer = integer or (match["count"] is None and not after.strip() and low.is_integer() and high.is_integer())
    axis = Axis(path, low=low, high=high, before=match["before"], after=after, log=log, integer=integer)
    if match["count"] is None:
        each = integer and not log and high - low < 1000
        return replace(axis, values=tuple(axis.text(low + i) for i in range(round(high - low) + 1))) if each else axis
    count = int(match["count"])
    if not 2 <= count <= MOST_POINTS:
        raise refuse(f"{count} values from {match['low']} to {match['high']}", "two or more")
    texts = [axis.text(axis.number(i / (count - 1))) for i in range(count)]
    return replace(axis, values=tuple(dict.fromkeys(texts)))


def _split(value: str) -> list[str]:
    """At commas outside of brackets; `[a, b]` is the list a, b."""
    value = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    parts, depth, begin = [], 0, 0
    for i, c in enumerate(value):
        depth += (c in "([{") - (c in ")]}")
        if c == "," and depth == 0:
            parts.append(value[begin:i])
            begin = i + 1
    return [part.strip() for part in (*parts, value[begin:])]


def _digits(number: float) -> str:
    """Whole numbers in full, others with six digits that count, never with an exponent."""
    if abs(number - round(number)) < 1e-9 * max(1.0, abs(number)):
        return str(round(number))
    return np.format_float_positional(float(f"{number:.6g}"), trim="-")


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _range_text(axis: Axis) -> str:
    return f"{axis.before}{_digits(axis.low)}..{_digits(axis.high)}{axis.after}"


def _each_whole(axis: Axis) -> bool:
    return axis.integer and len(axis.values) == round(axis.high - axis.low) + 1


def _is_integer(path: str) -> bool:
    """Whether the schema wants a whole number there."""
    field = resolve_path(path.split(".")).field
    shapes = [getattr(mark, "json_schema", None) for mark in _marks(field)] if field is not None else []
    return any(isinstance(shape, dict) and str(shape.get("kind", "")).startswith("whole number") for shape in shapes)


def _marks(field: Any) -> list[Any]:
    """What the schema notes about a type, an optional one too."""
    return [*field.metadata, *(mark for one in get_args(field.annotation) for mark in getattr(one, "__metadata__", ()))]


def _coordinates(values: Sequence[str]) -> dict[str, float]:
    """The numbers in values that differ in nothing else."""
    matches = {text: _COORDINATE.fullmatch(text) for text in values}
    frames = {(match["before"], match["after"]) if match else None for match in matches.values()}
    if len(frames) != 1 or None in frames:
        return {}
    return {text: float(match["number"].replace("_", "")) for text, match in matches.items() if match}


def _unit(values: Sequence[str]) -> str:
    match = _COORDINATE.fullmatch(values[0]) if values and _coordinates(values) else None
    return match["after"].strip() if match else ""
