"""Distributions: `lognormal(median 6 days p90 20 days)`, and how their spellings become parameters.

Each law is written with the numbers people know (a median, a mean, a percentile) and kept with the two that
define it. z_q is the standard normal quantile, l_q = ln(q / (1 - q)), w_q = ln(-ln(1 - q)):

    lognormal    ln x = mu + sigma z_q;  mean = exp(mu + sigma^2 / 2);  cv^2 = exp(sigma^2) - 1
    loglogistic  ln x = ln scale + l_q / shape
    weibull      ln x = ln scale + w_q / shape;  mean = scale * Gamma(1 + 1 / shape)
    gamma        mean = shape * scale;  cv = 1 / sqrt(shape)
    normal       x = mean + sd z_q
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from statistics import NormalDist
from typing import Any

from funnelsim.errors import did_you_mean
from funnelsim.scenario.parsers.durations import elapsed
from funnelsim.scenario.parsers.limits import MOST_NUMBER, MOST_YEARS
from funnelsim.scenario.parsers.numbers import ParseError, money, number, proportion
from funnelsim.scenario.values import Distribution

Quantity = Callable[[Any], float]
_WORD = re.compile(r"(?<![\w.])(median|mean|cv|sd|p[0-9]+(?:\.[0-9]+)?|shape|scale|mu|sigma)\b")
_CALL = re.compile(r"([a-z]+)\s*\((.*)\)", re.DOTALL)
_z = NormalDist().inv_cdf
UNITLESS = ("shape", "mu", "sigma")
MOST_SECONDS = MOST_YEARS * 365.25 * 86400.0
MOST_SIGMA, LEAST_SHAPE = 10.0, 0.01
EXAMPLE = "such as lognormal(median 6 days p90 20 days)"


def seconds(value: Any) -> float:
    return elapsed(value).seconds


def time_law(value: Any) -> Distribution:
    """A distribution of times; a plain length of time is a fixed one."""
    return law(value, seconds)


def money_law(value: Any) -> Distribution:
    return law(value, money)


def number_law(value: Any) -> Distribution:
    return law(value, number)


def law(value: Any, quantity: Quantity) -> Distribution:
    """A distribution of what `quantity` reads."""
    text = value.strip() if isinstance(value, str) else ""
    found = _parts(text, quantity) if text else None
    if found is None:
        if text and not re.match(r"[-+.0-9]|at once", text):
            raise _unknown(text)
        return Distribution("fixed", (quantity(value),), text=str(value).strip())
    return replace(found, text=text)


def _parts(text: str, quantity: Quantity) -> Distribution | None:
    """A law, with a constant before it or a never-share behind it; None when the text is a plain quantity."""
    if late := re.fullmatch(r"(.*\S)\s+never\s+(\S+)", text, re.DOTALL):
        inner = law(late[1], quantity)
        return replace(inner, never=inner.never + (1.0 - inner.never) * proportion(late[2]))
    if moved := re.fullmatch(r"([^()]+?)\s*\+\s*([a-z]+\s*\(.*\))", text, re.DOTALL):
        return _shifted(quantity(moved[1]), law(moved[2], quantity))
    if not (call := _CALL.fullmatch(text)):
        return None
    family, inside = call[1], call[2].strip()
    if family == "mixture":
        return _mixture(inside, quantity)
    if family not in FAMILIES:
        raise _unknown(family)
    if quantity is seconds and family == "normal":
        raise ParseError(
            "a time cannot be normal: normal allows negative values", "use lognormal, gamma or weibull", piece="normal"
        )
    try:
        found = FAMILIES[family](inside, quantity)
    except (OverflowError, ZeroDivisionError):
        found = Distribution(family, (math.inf,))
    if not _is_moderate(found, MOST_SECONDS if quantity is seconds else MOST_NUMBER):
        raise ParseError(
            f"'{text}' is too extreme a law", "give numbers that are less far apart; check the units of each"
        )
    return found


def _is_moderate(found: Distribution, most: float) -> bool:
    """Whether a law has numbers that a computer can tell apart, around a middle within the limit."""
    parameters = found.parameters
    if not all(math.isfinite(parameter) for parameter in parameters):
        return False
    if found.family == "exponential":
        return parameters[0] <= most
    if found.family == "lognormal":
        return abs(parameters[0]) <= math.log(most) and parameters[1] <= MOST_SIGMA
    if found.family in ("weibull", "gamma", "loglogistic"):
        shape, scale = parameters
        return (
            LEAST_SHAPE <= shape <= 1.0 / LEAST_SHAPE**2 and scale * (shape if found.family == "gamma" else 1.0) <= most
        )
    return True


def _unknown(text: str) -> ParseError:
    word = text.split("(")[0].strip()
    known = [*FAMILIES, "mixture"]
    guess = did_you_mean(word, known)
    return ParseError(f"'{word}' is not a distribution", f"{guess}  known: {', '.join(known)}".strip(), piece=word)


def _shifted(by: float, part: Distribution) -> Distribution:
    return Distribution("shifted", (by,), (replace(part, never=0.0),), (1.0,), part.never)


def _mixture(inside: str, quantity: Quantity) -> Distribution:
    pieces = _weighted(inside)
    if not pieces:
        raise ParseError(
            "this mixture has no parts", "such as mixture(60% exponential(mean 1 day) 40% exponential(mean 9 days))"
        )
    total = sum(weight for weight, _ in pieces)
    if abs(total - 1.0) > 1e-6:
        raise ParseError(f"the weights of this mixture sum to {100 * total:.6g} %, not 100 %", "let them sum to 100%")
    happening = [(weight, law(text, quantity)) for weight, text in pieces if text != "never"]
    if not happening:
        raise ParseError("every component is `never`", "add another component")
    never = 1.0 - sum(weight * (1.0 - part.never) for weight, part in happening)
    live = [(weight * (1.0 - part.never), replace(part, never=0.0)) for weight, part in happening]
    sure = sum(weight for weight, _ in live)
    if sure <= 0.0:
        raise ParseError("every component is `never`", "add another component")
    return Distribution(
        "mixture",
        (),
        tuple(part for _, part in live),
        tuple(weight / sure for weight, _ in live),
        never if never > 1e-15 else 0.0,
    )


def _weighted(inside: str) -> list[tuple[float, str]]:
    """`60% a(...), 40% b(...)` cut at the percentages outside brackets."""
    starts = []
    for match in re.finditer(r"[0-9.]+\s*%", inside):
        before = inside[: match.start()]
        if before.count("(") == before.count(")") and not before.rstrip().endswith("never"):
            starts.append(match)
    if not starts:
        return []
    if inside[: starts[0].start()].strip():
        raise ParseError("a mixture begins with a weight", "such as mixture(60% ... 40% ...)")
    ends = [match.start() for match in starts[1:]] + [len(inside)]
    return [
        (proportion(match[0]), inside[match.end() : end].strip(" ,")) for match, end in zip(starts, ends, strict=True)
    ]


def _given(inside: str, quantity: Quantity) -> dict[str, float]:
    """`median 6 days p90 20 days` as {median: ..., p90: ...}."""
    words = list(_WORD.finditer(inside))
    if not words or inside[: words[0].start()].strip(" ,"):
        raise ParseError(f"'{inside}' does not say what its numbers are", EXAMPLE)
    found: dict[str, float] = {}
    ends = [word.start() for word in words[1:]] + [len(inside)]
    for word, end in zip(words, ends, strict=True):
        name, text = word[1], inside[word.end() : end].strip(" ,")
        if name in found:
            raise ParseError(f"'{name}' is given twice", EXAMPLE, piece=name)
        read = _cv if name == "cv" else number if name in UNITLESS else quantity
        found[name] = read(text)
    return found


def _cv(text: str) -> float:
    return number(text[:-1]) / 100.0 if text.endswith("%") else number(text)


def _quantiles(given: dict[str, float]) -> list[tuple[float, float]]:
    """(share, value) of each percentile given, the median among them, in order."""
    found = [
        (0.5 if name == "median" else float(name[1:]) / 100.0, value)
        for name, value in given.items()
        if name == "median" or re.fullmatch(r"p[0-9.]+", name)
    ]
    for share, _ in found:
        if not 0.0 < share < 1.0:
            raise ParseError("a percentile lies between p0 and p100", "such as p90")
    found.sort()
    if len(found) == 2 and not found[0][1] < found[1][1]:
        raise ParseError("a higher percentile must have a higher value", EXAMPLE)
    return found


def _cannot(family: str, given: dict[str, float], ways: str) -> ParseError:
    return ParseError(
        f"{' and '.join(given) or 'nothing'} {'does' if len(given) < 2 else 'do'} not determine a {family} law",
        f"give {ways}",
    )


def _above_zero(given: dict[str, float]) -> None:
    for name, value in given.items():
        if value <= 0 and name != "mu":
            raise ParseError(f"{name} must be above zero", EXAMPLE, piece=name)


def _line(given: dict[str, float], of: Callable[[float], float]) -> tuple[float, float] | None:
    """Intercept and slope of ln x = a + b of(q) through two percentiles."""
    points = _quantiles(given)
    if len(points) != 2 or len(given) != 2:
        return None
    (q1, x1), (q2, x2) = points
    slope = (math.log(x2) - math.log(x1)) / (of(q2) - of(q1))
    return math.log(x1) - slope * of(q1), slope


def _fixed(inside: str, quantity: Quantity) -> Distribution:
    return Distribution("fixed", (quantity(inside),))


def _exponential(inside: str, quantity: Quantity) -> Distribution:
    given = _given(inside, quantity)
    _above_zero(given)
    if set(given) == {"mean"}:
        return Distribution("exponential", (given["mean"],))
    points = _quantiles(given)
    if len(given) == 1 and points:
        return Distribution("exponential", (-points[0][1] / math.log1p(-points[0][0]),))
    raise _cannot("exponential", given, "one of mean, median or a percentile")


def _lognormal(inside: str, quantity: Quantity) -> Distribution:
    given = _given(inside, quantity)
    if set(given) == {"mu", "sigma"}:
        if given["sigma"] <= 0:
            raise ParseError("sigma must be above zero", EXAMPLE, piece="sigma")
        return Distribution("lognormal", (given["mu"], given["sigma"]))
    _above_zero(given)
    if line := _line(given, _z):
        return Distribution("lognormal", line)
    if "sd" in given and "mean" in given:
        given = {**{k: v for k, v in given.items() if k != "sd"}, "cv": given["sd"] / given["mean"]}
    if set(given) == {"mean", "cv"} or set(given) == {"median", "cv"}:
        variance = math.log1p(given["cv"] ** 2)
        mu = math.log(given["mean"]) - variance / 2 if "mean" in given else math.log(given["median"])
        return Distribution("lognormal", (mu, math.sqrt(variance)))
    if set(given) == {"median", "sigma"}:
        return Distribution("lognormal", (math.log(given["median"]), given["sigma"]))
    if set(given) == {"mean", "median"} and given["mean"] > given["median"]:
        return Distribution(
            "lognormal", (math.log(given["median"]), math.sqrt(2 * math.log(given["mean"] / given["median"])))
        )
    raise _cannot("lognormal", given, "median and p90, mean and cv, mean and sd, or two percentiles")


def _loglogistic(inside: str, quantity: Quantity) -> Distribution:
    given = _given(inside, quantity)
    _above_zero(given)
    scale = given.get("median", given.get("scale"))
    if "shape" in given and scale is not None and len(given) == 2:
        return Distribution("loglogistic", (given["shape"], scale))
    if line := _line(given, lambda q: math.log(q / (1 - q))):
        return Distribution("loglogistic", (1 / line[1], math.exp(line[0])))
    raise _cannot("loglogistic", given, "median and shape, or two percentiles")


def _weibull(inside: str, quantity: Quantity) -> Distribution:
    given = _given(inside, quantity)
    _above_zero(given)
    if len(given) == 2 and "shape" in given:
        shape = given["shape"]
        if "scale" in given:
            return Distribution("weibull", (shape, given["scale"]))
        if "mean" in given:
            return Distribution("weibull", (shape, given["mean"] / math.gamma(1 + 1 / shape)))
        if points := _quantiles(given):
            q, x = points[0]
            return Distribution("weibull", (shape, x / (-math.log1p(-q)) ** (1 / shape)))
    if line := _line(given, lambda q: math.log(-math.log1p(-q))):
        return Distribution("weibull", (1 / line[1], math.exp(line[0])))
    raise _cannot("weibull", given, "shape and scale, shape and mean, or two percentiles")


def _gamma(inside: str, quantity: Quantity) -> Distribution:
    given = _given(inside, quantity)
    _above_zero(given)
    if set(given) == {"mean", "sd"}:
        given = {"mean": given["mean"], "cv": given["sd"] / given["mean"]}
    if set(given) == {"mean", "cv"}:
        shape = given["cv"] ** -2
        return Distribution("gamma", (shape, given["mean"] / shape))
    if set(given) == {"shape", "scale"}:
        return Distribution("gamma", (given["shape"], given["scale"]))
    if set(given) == {"shape", "mean"}:
        return Distribution("gamma", (given["shape"], given["mean"] / given["shape"]))
    raise _cannot("gamma", given, "mean and cv, mean and sd, or shape and scale")


def _normal(inside: str, quantity: Quantity) -> Distribution:
    given = _given(inside, quantity)
    if set(given) == {"mean", "sd"}:
        if given["sd"] <= 0:
            raise ParseError("sd must be above zero", "such as normal(mean 0 sd 1)", piece="sd")
        return Distribution("normal", (given["mean"], given["sd"]))
    points = _quantiles(given)
    if len(given) == 2 and len(points) == 2:
        (q1, x1), (q2, x2) = points
        sd = (x2 - x1) / (_z(q2) - _z(q1))
        return Distribution("normal", (x1 - sd * _z(q1), sd))
    raise _cannot("normal", given, "mean and sd, or two percentiles")


def _ends(inside: str, quantity: Quantity, family: str) -> tuple[float, float]:
    ends = re.split(r"\s+to\s+|\s*,\s*", inside)
    if len(ends) != 2:
        raise ParseError(f"'{inside}' is not a stretch from one value to another", f"such as {family}(1 day to 3 days)")
    low, high = (quantity(end) for end in ends)
    if not low < high:
        raise ParseError(f"the stretch '{inside}' runs backwards", f"such as {family}(1 day to 3 days)")
    return low, high


def _uniform(inside: str, quantity: Quantity) -> Distribution:
    return Distribution("uniform", _ends(inside, quantity, "uniform"))


def _loguniform(inside: str, quantity: Quantity) -> Distribution:
    low, high = _ends(inside, quantity, "loguniform")
    if low <= 0:
        raise ParseError("a loguniform law begins above zero", "such as loguniform(1 hour to 24 hours)")
    return Distribution("loguniform", (low, high))


def _empirical(inside: str, quantity: Quantity) -> Distribution:
    """`empirical(0% 1 h, 50% 3 h, 100% 9 h)`: cumulative shares, straight lines between; or values equally likely."""
    pieces = [piece.strip() for piece in inside.split(",") if piece.strip()]
    marked = [re.fullmatch(r"([0-9.]+\s*%)\s+(.+)", piece) for piece in pieces]
    if all(marked) and pieces:
        points = [(proportion(m[1]), quantity(m[2])) for m in marked if m]
    elif pieces and not any(marked):
        values = sorted(quantity(piece) for piece in pieces)
        points = [(step / len(values), value) for i, value in enumerate(values) for step in (i, i + 1)]
    else:
        raise ParseError(
            f"'{inside}' is neither values nor shares with values",
            "such as empirical(0% 1 h, 50% 3 h, 100% 9 h) or empirical(3 min, 5 min, 9 min)",
        )
    ordered = all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(points))
    if not ordered or points[0][0] != 0.0 or points[-1][0] != 1.0:
        raise ParseError(
            "the shares of an empirical law run from 0% to 100%, its values upwards",
            "such as empirical(0% 1 h, 50% 3 h, 100% 9 h)",
        )
    return Distribution("empirical", tuple(x for point in points for x in point))


FAMILIES: dict[str, Callable[[str, Quantity], Distribution]] = {
    "fixed": _fixed,
    "exponential": _exponential,
    "lognormal": _lognormal,
    "weibull": _weibull,
    "gamma": _gamma,
    "loglogistic": _loglogistic,
    "normal": _normal,
    "uniform": _uniform,
    "loguniform": _loguniform,
    "empirical": _empirical,
}
