"""Response curves as points (ln seconds, ln r(t)/r(reference)), between which the engines interpolate linearly.

In these coordinates a power law and a table are exact; the other forms are sampled every 1/64 of ln t, which leaves an
error of ln r below 1e-4 (h^2/8 times the largest second derivative: shape/4 for a Lomax, shape^2/4 for a log-logistic
law). Outside the range a curve was measured in, it is flat.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelsim.scenario import presets
from funnelsim.scenario.values import Duration

if TYPE_CHECKING:
    from funnelsim.scenario.schema import Curve

Point = tuple[float, float]

_MINUTE = 60.0
_STEPS_PER_E = 64
_EVERYWHERE = (1.0 / 60.0, 90 * 1440.0)  # one second to 90 days: where a curve of one's own is sampled


def response_curve(response: str | Curve | None) -> dict[str, Any] | None:
    """What a stage's `response` says, as a preset says it: form, parameters, `target`, times in minutes."""
    if response is None:
        return None
    return presets.load("response", response) if isinstance(response, str) else _own(response)


def curve_points(curve: Mapping[str, Any]) -> list[Point]:
    """The points of a curve; none for the form "none". Without a reference r is 1 where the form begins."""
    form = curve["form"]
    if form == "none":
        return []
    logs = _FORMS[form](curve)
    at_reference = 0.0
    if curve.get("reference"):
        at_reference = float(np.interp(math.log(curve["reference"]), [x for x, _ in logs], [y for _, y in logs]))
    return [(x + math.log(_MINUTE), y - at_reference) for x, y in logs]


def _own(curve: Curve) -> dict[str, Any]:
    """A curve written in the scenario; r is 1 where it begins, and as written in a table."""
    found: dict[str, Any] = {"target": curve.target, "valid": _EVERYWHERE}
    if curve.table is not None:
        return found | {"form": "table", "table": {seconds / _MINUTE: value for seconds, value in curve.table}}
    if curve.power is not None:
        floor = _minutes(curve.power.floor) or _EVERYWHERE[0]
        return found | {"form": "power", "shape": curve.power.shape, "floor": floor, "reference": floor}
    if curve.lomax is not None:
        return found | {"form": "lomax", "shape": curve.lomax.shape, "scale": _minutes(curve.lomax.scale)}
    if curve.loglogistic is None:
        raise ValueError("a response curve needs one of table, lomax, power and loglogistic")
    law = curve.loglogistic
    return found | {"form": "loglogistic", "shape": law.shape, "scale": _minutes(law.scale), "rest": law.floor}


def _minutes(delay: Duration | None) -> float:
    return delay.seconds / _MINUTE if delay else 0.0


def _table(curve: Mapping[str, Any]) -> list[Point]:
    rows = sorted((float(minutes), float(value)) for minutes, value in curve["table"].items())
    return [(math.log(minutes), math.log(value)) for minutes, value in rows]


def _power(curve: Mapping[str, Any]) -> list[Point]:
    low, high = curve["valid"]
    ends = (max(low, curve["floor"]), high)
    return [(math.log(t), -curve["shape"] * math.log(t)) for t in ends]


def _lomax(curve: Mapping[str, Any]) -> list[Point]:
    return _sampled(curve, lambda t: -curve["shape"] * math.log1p(t / curve["scale"]))


def _loglogistic(curve: Mapping[str, Any]) -> list[Point]:
    rest = curve.get("rest", 0.0)
    return _sampled(curve, lambda t: math.log(rest + (1.0 - rest) / (1.0 + (t / curve["scale"]) ** curve["shape"])))


def _sampled(curve: Mapping[str, Any], log_r: Callable[[float], float]) -> list[Point]:
    low, high = (math.log(t) for t in curve["valid"])
    count = max(2, math.ceil((high - low) * _STEPS_PER_E) + 1)
    return [(x, log_r(math.exp(x))) for x in np.linspace(low, high, count).tolist()]


_FORMS: dict[str, Callable[[Mapping[str, Any]], list[Point]]] = {
    "table": _table,
    "power": _power,
    "lomax": _lomax,
    "loglogistic": _loglogistic,
}
