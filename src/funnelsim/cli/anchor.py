"""funnelsim anchor: the intercepts of a root scenario."""

from __future__ import annotations

import json
from pathlib import Path

import click

from funnelsim.cli.options import options
from funnelsim.cli.output import echo
from funnelsim.progress import TerminalProgress


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@options("overrides", "threads", "json", "quiet")
@click.option("--again", is_flag=True, help="Solve even if this has been done before.")
def anchor(
    file: Path, overrides: tuple[str, ...], threads: int | None, as_json: bool, quiet: bool, again: bool
) -> None:
    """Show the intercepts that make the root scenario reproduce its base rates.

    \b
    funnelsim anchor old-way.yaml

    A base rate is an average over the leads of the root scenario, with all its effects on. Runs and comparisons do
    this by themselves and keep what they find.
    """
    from funnelsim import api

    progress = TerminalProgress(quiet=quiet)
    found = api.anchor(file, overrides, threads, not again, progress)
    progress.clear()
    if as_json:
        from funnelsim.study.anchor import to_json

        echo(json.dumps(to_json(found), indent=1))
    else:
        from funnelsim.reporting.run.report import anchor_report

        echo(anchor_report(found))
