"""What can go wrong, how it is told, and the exit code it leaves.

    FunnelsimError              1  anything below
     +-- RunError               1  a run failed
     +-- UsageError             2  the command cannot mean anything
     +-- InvalidInput           3  what people wrote cannot be used; carries every problem at once
     |    +-- ScenarioError
     |    +-- DataError
     +-- GoalNotMet             4  with --fail-on: a goal or an agreement was missed
     +-- SweepIncomplete        5  a sweep finished with failed points
     +-- Interrupted          130  stopped by the user; what is finished is kept

Nothing heavy is imported here: `funnelsim --help` needs this module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

_Read = TypeVar("_Read")
_HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
TOLD = 50  # problems that are printed; the others are counted
WIDEST = 110  # a source line longer than this is shown in part


@dataclass(frozen=True)
class Problem:
    """One mistake, with its place: prints as file:line:column, the source line and a caret with the hint."""

    file: str
    line: int = 0  # from 1; 0 = the file as a whole
    column: int = 0  # from 1
    path: tuple[str | int, ...] = ()  # keys from the top of the scenario
    text: str = ""
    hint: str = ""
    snippet: str = ""  # the source line
    severity: str = "error"  # or "warning", or "note": said by `check` alone
    length: int = 1  # of what the caret underlines

    def __str__(self) -> str:
        return printable(self._text())

    def _text(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        head = f"{where}: {self.severity}: {self.text}"
        if not self.line or not self.snippet.strip():
            return f"{head}\n      | {self.hint}" if self.hint else head
        shown, start = _excerpt(self.snippet.replace("\t", " ").rstrip(), self.column - 1)
        carets = "^" * max(1, min(self.length, len(shown) - start))
        return f"{head}\n{self.line:>5} | {shown}\n      | {' ' * start}{carets} {self.hint}".rstrip()


class FunnelsimError(Exception):
    """Base of everything funnelsim raises on purpose."""

    exit_code = 1


class RunError(FunnelsimError):
    """A run failed."""


class UsageError(FunnelsimError):
    """The command cannot mean anything."""

    exit_code = 2


class InvalidInput(FunnelsimError):
    """What people wrote cannot be used: every problem of it, found in one go."""

    exit_code = 3

    def __init__(self, problems: Sequence[Problem] | str, file: str = "") -> None:
        self.problems = [Problem(file, text=problems)] if isinstance(problems, str) else list(problems)
        self.file = file or (self.problems[0].file if self.problems else "")
        super().__init__(self.problems)

    def __str__(self) -> str:
        if not self.file:
            return "\n".join(problem.text for problem in self.problems[:TOLD])
        more = len(self.problems) - TOLD
        left = [f"... and {more:,} more"] if more > 0 else []
        return "\n".join([*map(str, self.problems[:TOLD]), *left, summary_line(self.problems, self.file)])


class ScenarioError(InvalidInput):
    """A scenario that cannot be used."""


class DataError(InvalidInput):
    """A history or another data file that cannot be used."""


class GoalNotMet(FunnelsimError):
    """A goal or an agreement was missed, and the user asked to be told by the exit code."""

    exit_code = 4


class SweepIncomplete(FunnelsimError):
    """A sweep finished with failed points."""

    exit_code = 5


class Interrupted(FunnelsimError):
    """Stopped by the user; what is finished is kept."""

    exit_code = 130


def printable(text: str) -> str:
    """Text whose control, bidirectional and lone surrogate characters are written out, as JSON writes them.

    A name could otherwise move the cursor of a terminal, colour it or turn what follows around.
    """
    return _HIDDEN.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def summary_line(problems: Sequence[Problem], file: str) -> str:
    """`2 errors in base.yaml`, `1 error and 1 warning in base.yaml`."""
    errors = sum(problem.severity == "error" for problem in problems)
    kinds = ((errors, "error"), (len(problems) - errors, "warning"))
    told = [f"{count} {noun}{'s' if count > 1 else ''}" for count, noun in kinds if count]
    return printable(f"{' and '.join(told)} in {file}")


def collect_errors(readers: Iterable[Callable[[], _Read]]) -> tuple[_Read, ...]:
    """What the readers read; one UsageError with the mistakes of all of them, a line each."""
    found, wrong = [], []
    for read in readers:
        try:
            found.append(read())
        except UsageError as error:
            wrong.append(str(error))
    if wrong:
        raise UsageError("\n".join(dict.fromkeys(wrong)))
    return tuple(found)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean 'servers'?`, or nothing when no known word is near."""
    names = [str(name) for name in known]
    lower = {name.lower(): name for name in reversed(names)}
    near = get_close_matches(word.lower(), list(lower), n=1, cutoff=0.6)
    return f"did you mean '{lower[near[0]]}'?" if near else ""


def _excerpt(line: str, start: int) -> tuple[str, int]:
    if len(line) <= WIDEST:
        return line, min(start, len(line))
    left = max(0, min(start - WIDEST // 2, len(line) - WIDEST))
    right = left + WIDEST
    shown = ("..." if left else "") + line[left:right] + ("..." if right < len(line) else "")
    return shown, start - left + (3 if left else 0)
