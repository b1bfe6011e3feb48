"""funnelsim trace: why did that lead go so?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from funnelsim.cli.options import options
from funnelsim.cli.output import echo, print_text
from funnelsim.progress import TerminalProgress


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--lead", type=int, metavar="ID", help="Its number in the tables of a run.")
@click.option("--won", "which", flag_value="won", help="The first lead that was won.")
@click.option("--late", "which", flag_value="late", help="The first lead whose promised first touch was missed.")
@click.option("--lost", "which", flag_value="lost", help="The first lead that was lost.")
@click.option("--replication", type=click.IntRange(min=0), default=0, show_default=True, help="Of which period.")
@click.option("--figure", type=click.Path(path_type=Path), help="Draw its path into this file: .png, .svg or .pdf.")
@options("overrides", "seed", "json", "quiet", "verbose")
def trace(file: Path, overrides: tuple[str, ...], as_json: bool, quiet: bool, verbose: int, **options: Any) -> None:
    """Tell the story of one lead: what happened when, each decision with its draw and chance, why a promise was missed.

    \b
    funnelsim trace old-way.yaml --won
    funnelsim trace old-way-with-promise.yaml --late --figure path.png
    funnelsim trace results/old-way-1f2e3d4c5b/manifest.json --lead 17592186044417

    With -v each line names its rule, as in docs/background/rules.md.
    """
    from funnelsim import api

    progress = TerminalProgress(quiet=quiet)
    result = api.trace(file, overrides, progress=progress, **{**options, "which": options["which"] or ""})
    progress.clear()
    if as_json:
        echo(json.dumps(result.as_data(), indent=1, ensure_ascii=False))
    else:
        print_text(result.report(verbose))
