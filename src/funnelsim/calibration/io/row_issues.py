"""Rows that could not be used as they stand: counted by reason, with the first line numbers; fatal with `strict`."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from funnelsim.errors import DataError, Problem

FIRST = 5


@dataclass
class RowIssue:
    """One reason in one file."""

    file: str
    reason: str
    dropped: bool  # False: the row was used, but not as it stands
    rows: int = 0
    lines: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        lines = ", ".join(map(str, self.lines)) + (", ..." if self.rows > len(self.lines) else "")
        where = f" ({self.file}, line{'s' if self.rows > 1 else ''} {lines})" if self.lines else f" ({self.file})"
        return f"{self.rows:>7,}  {self.reason}{where}"


class RowIssues:
    """Counts by reason, in the order in which the reasons were met."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], RowIssue] = {}

    def add(self, file: str, reason: str, lines: np.ndarray, dropped: bool = True) -> None:
        """Count rows; nothing happens when there are none."""
        if not len(lines):
            return
        count = self.counts.setdefault((file, reason), RowIssue(file, reason, dropped))
        count.rows += len(lines)
        count.lines = sorted({*count.lines, *np.sort(lines)[:FIRST].tolist()})[:FIRST]

    @property
    def dropped(self) -> list[RowIssue]:
        return [count for count in self.counts.values() if count.dropped]

    @property
    def changed(self) -> list[RowIssue]:
        return [count for count in self.counts.values() if not count.dropped]

    def raise_if_any(self, history: str) -> None:
        """Strict reading: every reason becomes an error at its first line."""
        if self.counts:
            raise DataError([_problem(count) for count in self.counts.values()], history)


def _problem(count: RowIssue) -> Problem:
    line = count.lines[0] if count.lines else 0
    rows = f"{count.rows} row{'s' if count.rows > 1 else ''}"
    more = f"lines {', '.join(map(str, count.lines))}" if count.rows > 1 else ""
    return Problem(count.file, line, 1, text=f"{count.reason}: {rows}", hint=more)
