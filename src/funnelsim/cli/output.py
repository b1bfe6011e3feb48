"""What commands print: the answer to stdout; notes and errors to stderr."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from funnelsim.commands.study_result import StudyResult
    from funnelsim.errors import FunnelsimError, Problem
    from funnelsim.progress import Progress


def print_result(done: StudyResult[Any], progress: Progress, as_json: bool, verbose: int = 0) -> None:
    """A finished study, as text with the place of its files, or as JSON."""
    progress.clear()
    if as_json:
        click.echo(json.dumps(done.as_data(), indent=1, ensure_ascii=False, default=str))
    else:
        print_text(done.report(verbose, terminal_width()))
        click.echo(f"\nresults: {done.folder}")


def print_text(text: str) -> None:
    """The first line is the answer: bold on a terminal, unless NO_COLOR."""
    first, _, rest = text.partition("\n")
    plain = bool(os.environ.get("NO_COLOR")) or not sys.stdout.isatty()
    click.echo(first if plain else click.style(first, bold=True), color=not plain)
    click.echo(rest)


def print_warnings(problems: list[Problem], quiet: bool) -> None:
    """Warnings of a scenario, on stderr."""
    if not quiet:
        for problem in problems:
            click.echo(str(problem), err=True)


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
    click.echo(text if isinstance(error, InvalidInput) else "error: " + text.replace("\n", "\nerror: "), err=True)
