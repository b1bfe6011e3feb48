"""Published cases and closed forms that the simulator reproduces: scenario files, and `cases.yaml` with what to expect.

Data only; `study.validate` runs them.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml


def cases() -> list[dict[str, Any]]:
    """The cases, in the order of the file."""
    rows: list[dict[str, Any]] = yaml.safe_load(scenario("cases.yaml").read_text(encoding="utf-8"))
    return rows


def scenario(name: str) -> Path:
    """Path of a scenario of this folder."""
    return Path(str(files(__package__).joinpath(name)))
