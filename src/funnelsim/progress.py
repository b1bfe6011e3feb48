"""Who watches a long job: notes and progress, on stderr, the progress on a terminal only."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from funnelsim.errors import printable

PATIENCE = 2.0  # seconds before a progress line shows
SECOND = 0.2  # between two updates


class Progress:
    """Nobody watches: the default of the Python functions."""

    def note(self, text: str) -> None:
        """A line worth reading."""

    def update(self, what: str, done: int, total: int) -> None:
        """So much of it is done."""

    def clear(self) -> None:
        """Remove the progress line: something else is printed now, or the job is over."""


class TerminalProgress(Progress):
    """Notes on stderr; a progress line on a terminal for anything over two seconds."""

    def __init__(self, stream: TextIO | None = None, quiet: bool = False) -> None:
        self.stream = stream or sys.stderr
        self.quiet = quiet
        self.live = not quiet and self.stream.isatty()
        self.began: dict[str, float] = {}
        self.shown = 0.0
        self.width = 0

    def note(self, text: str) -> None:
        if not self.quiet:
            self.clear()
            print(printable(text), file=self.stream, flush=True)

    def update(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        began = self.began.setdefault(what, now)
        if not self.live or now - began < PATIENCE or now - self.shown < SECOND:
            return
        self.shown = now
        left = (now - began) / done * (total - done) if done else 0.0
        bar = "#" * (20 * done // max(total, 1))
        line = f"{what} [{bar:<20}] {done}/{total}, {left:.0f} s left"
        self.stream.write("\r" + line.ljust(self.width))
        self.stream.flush()
        self.width = len(line)

    def clear(self) -> None:
        if self.width:
            self.stream.write("\r" + " " * self.width + "\r")
            self.stream.flush()
            self.width = 0


class ProgressOnly(Progress):
    """Shows progress but drops notes about cached points."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    def update(self, what: str, done: int, total: int) -> None:
        self.progress.update(what, done, total)

    def clear(self) -> None:
        self.progress.clear()
