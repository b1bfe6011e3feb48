"""A sweep of the small funnel, and what it says while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import funnelsim as fs
from funnelsim.progress import Progress

VARY = "sources.web.rate=5..35/week:4"


class Heard(Progress):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.steps: list[tuple[int, int]] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def progress(self, what: str, done: int, total: int) -> None:
        self.steps.append((done, total))


def swept(*files: str, heard: Heard | None = None, **options: Any) -> Any:
    options = {"vary": [VARY], "replications": 6, "figures": False} | options
    return fs.sweep(*(files or ("small.yaml",)), watch=heard or Heard(), **options)


def finished(store: Path) -> list[Path]:
    return list(store.glob("*/*.json"))
