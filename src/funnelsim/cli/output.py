"""What commands print: the answer to stdout; notes and errors to stderr."""

from __future__ import annotations

import codecs
import io
import json
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

from funnelsim.errors import printable

if TYPE_CHECKING:
    from funnelsim.commands.study_result import StudyResult
    from funnelsim.errors import FunnelsimError, Problem
    from funnelsim.progress import Progress

SPELT = "funnelsim.spelt"  # the name of the error handler below
SPELLING = {"€": "EUR", "£": "GBP", "±": "+-", "–": "-", "—": "-", "…": "...", "×": "x", "≤": "<=", "≥": ">="}  # noqa: RUF001


def echo(text: object = "", err: bool = False, color: bool | None = None, nl: bool = True) -> None:
    """A line on stdout or stderr; what could steer a terminal is written out, unless colour is asked for."""
    click.echo(printable(str(text)) if not color else text, err=err, color=color, nl=nl)


def any_character() -> None:
    """Both streams show what their encoding has no sign for in another way: EUR for the euro, an escape otherwise."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=SPELT)


def _spelt(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    piece = error.object[error.start : error.end]
    return "".join(SPELLING.get(one) or one.encode("ascii", "backslashreplace").decode() for one in piece), error.end


codecs.register_error(SPELT, _spelt)


def print_result(done: StudyResult[Any], progress: Progress, as_json: bool, verbose: int = 0) -> None:
    """A finished study, as text with the place of its files, or as JSON."""
    progress.clear()
    if as_json:
        echo(json.dumps(done.as_data(), indent=1, ensure_ascii=False, default=str))
    else:
        print_text(done.report(verbose, terminal_width()))
        echo(f"\nresults: {done.folder}")


def print_text(text: str) -> None:
    """The first line is the answer: bold on a terminal, unless NO_COLOR."""
    first, _, rest = text.partition("\n")
    first = printable(first)
    plain = bool(os.environ.get("NO_COLOR")) or not sys.stdout.isatty()
    echo(first if plain else click.style(first, bold=True), color=not plain)
    echo(rest)


def print_warnings(problems: list[Problem], quiet: bool) -> None:
    """Warnings of a scenario, on stderr."""
    if not quiet:
        for problem in problems:
            echo(str(problem), err=True)


def command_line() -> list[str]:
    """What the user typed, for the manifest."""
    return ["funnelsim", *click.get_current_context().find_root().obj]


def terminal_width() -> int:
    """Of the terminal; 110 where there is none."""
    return shutil.get_terminal_size((110, 40)).columns


def print_error(error: FunnelsimError) -> None:
    """An error as a user sees it, on stderr."""
    from funnelsim.errors import InvalidInput

    text = str(error)
    echo(text if isinstance(error, InvalidInput) else "error: " + text.replace("\n", "\nerror: "), err=True)
