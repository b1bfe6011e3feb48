"""Where finished points are kept: a file each, named by the point, so that any number of studies can share a folder.

What is there already is not run again, and a changed scenario has another name. A file is whole or not there at all:
a process killed at any moment loses what it was at and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from funnelsim.measures import Measure
from funnelsim.study.point import FORMAT, PointResult

STALE = 3600.0  # seconds after which a half-written file is nobody's


class PointStore:
    """Finished points: a file each, whole or not there at all."""

    def __init__(self, folder: Path | None) -> None:
        """None keeps nothing."""
        self.folder = folder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for torn in folder.glob("*/*.part"):
                with suppress(OSError):  # another process may be at work in here
                    if time.time() - torn.stat().st_mtime > STALE:
                        torn.unlink()

    def find(self, key: str) -> PointResult | None:
        """A point that was finished before; a torn file counts as none."""
        if self.folder is None:
            return None
        try:
            data = json.loads(self._file(key).read_text(encoding="utf-8"))
            if data["format"] != FORMAT or data["key"] != key or data["check"] != _check(data["measures"]):
                return None
            return _outcome(data)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, outcome: PointResult) -> None:
        """Write a point. A process killed meanwhile leaves a .part file, which nobody reads."""
        if self.folder is None:
            return
        file = self._file(outcome.key)
        file.parent.mkdir(exist_ok=True)
        part = file.with_name(f"{file.stem}-{os.getpid()}-{threading.get_ident()}.part")
        try:
            part.write_text(json.dumps(_data(outcome)), encoding="utf-8")
            part.replace(file)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def _file(self, key: str) -> Path:
        assert self.folder is not None
        return self.folder / key[:2] / f"{key}.json"


def _data(outcome: PointResult) -> dict[str, Any]:
    measures = {
        name: {
            "window": one.window,
            "name": one.name,
            "of": one.of,
            "unit": one.unit,
            "top": _listed(one.top),
            "bottom": None if one.bottom is None else _listed(one.bottom),
        }
        for name, one in outcome.measures.items()
    }
    return {
        "format": FORMAT,
        "key": outcome.key,
        "replications": outcome.replications,
        "engine": outcome.engine,
        "seconds": outcome.seconds,
        "measures": measures,
        "check": _check(measures),
    }


def _outcome(data: Mapping[str, Any]) -> PointResult:
    measures = {
        name: Measure(
            one["window"],
            one["name"],
            one["of"],
            one["unit"],
            np.array(one["top"], np.float64),
            None if one["bottom"] is None else np.array(one["bottom"], np.float64),
        )
        for name, one in data["measures"].items()
    }
    return PointResult(data["key"], measures, data["replications"], data["engine"], data["seconds"])


def _listed(values: Any) -> list[float]:
    return [float(value) for value in values]


def _check(measures: Any) -> str:
    """Tells a torn file; a rename may reach the disk before the bytes do."""
    return hashlib.sha256(json.dumps(measures, sort_keys=True).encode()).hexdigest()[:16]
