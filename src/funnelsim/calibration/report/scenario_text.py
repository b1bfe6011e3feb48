"""Values as a scenario says them: words, times, and laws such as `lognormal(median 3.9214 days p90 20.365 days)`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import numpy as np

from funnelsim.calibration.survival.time_distributions import quantile

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_ ./\-]*[A-Za-z0-9_]|[A-Za-z]")
_WORDS = {"null", "true", "false", "none", "rest", "~"}
_UNITS = (("days", 86400.0), ("hours", 3600.0), ("min", 60.0))


def law_text(family: str, mu: float, s: float) -> str:
    """A law of `time_distributions` by its parameters, in log seconds."""
    if family == "lognormal":
        median, p90 = quantile(family, mu, s, np.array([0.5, 0.9]))
        return f"lognormal(median {time_text(median)} p90 {time_text(p90)})"
    shape = np.exp(-s) if family == "weibull" else np.exp(s)
    return f"{family}(shape {shape:.5g} scale {time_text(float(np.exp(mu)))})"


def empirical_text(points: Sequence[tuple[float, float]]) -> str:
    """(share, seconds), straight between."""
    return f"empirical({', '.join(f'{100 * share:.4g}% {time_text(seconds)}' for share, seconds in points)})"


def mixture_text(parts: Sequence[tuple[float, str]]) -> str:
    """(weight, law), the weights in tenths of a percent that add up to all."""
    if len(parts) == 1:
        return parts[0][1]
    total = sum(weight for weight, _ in parts)
    tenths = [round(1000 * weight / total) for weight, _ in parts]
    tenths[int(np.argmax(tenths))] += 1000 - sum(tenths)
    written = [f"{share / 10:g}% {text}" for share, (_, text) in zip(tenths, parts, strict=True) if share > 0]
    return f"mixture({' '.join(written)})"


def time_text(seconds: float) -> str:
    """In the largest unit of which it holds at least one."""
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{seconds / length:.5g} {unit}"
    return f"{seconds:.5g} s"


def word_text(text: str) -> str:
    """A scalar that reads back as this text, in a mapping of any style."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else json.dumps(text, ensure_ascii=False)


def quoted_text(text: str) -> str:
    """A law, quoted where a comma would cut it."""
    return text if "," not in text else json.dumps(text)
