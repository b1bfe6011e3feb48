"""Named knowledge: response curves, contact tables, habits, hours and the rest, each with its source and grade.

The data are in the YAML files beside this one, a file a kind; nothing here computes. `compile` turns them into numbers.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

KINDS = ("response", "contact", "habit", "funnel", "profile", "hour", "pursuit", "policy")


def names(kind: str) -> tuple[str, ...]:
    """Names of the presets of a kind, in the order of its file."""
    return tuple(_library(kind))


def load(kind: str, name: str) -> dict[str, Any]:
    """What the file says of a preset; KeyError when there is none of that name."""
    return dict(_library(kind)[name])


def describe(kind: str, name: str) -> str:
    """Name, grade and source in one line, for reports."""
    preset = _library(kind)[name]
    return f"{name} (grade {preset['grade']}): {preset['source']}"


@cache
def _library(kind: str) -> dict[str, dict[str, Any]]:
    if kind not in KINDS:
        raise KeyError(f"no presets of kind {kind!r}; kinds are {', '.join(KINDS)}")
    text = files(__package__).joinpath(f"{kind}.yaml").read_text(encoding="utf-8")
    library: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return library
