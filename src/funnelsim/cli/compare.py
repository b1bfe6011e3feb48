"""funnelsim compare: which way is better, and why?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from funnelsim.cli.options import options
from funnelsim.cli.output import command_line, print_result
from funnelsim.progress import TerminalProgress


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="BASE OTHER...", type=click.Path(path_type=Path))
@options("overrides", "seed")
@click.option("--draws", type=click.IntRange(min=2), help="Draws of what is not known.  [default: 40]")
@click.option("--pairs", type=click.IntRange(min=1), help="Replications per draw.  [default: 4]")
@options("precision", "engine", "threads", "out")
@click.option(
    "--robustness/--no-robustness",
    default=True,
    help="Rerun with all beliefs neutral and with other response curves, "
    "and divide the difference among the changes.  [default: robustness]",
)
@options("figures", "json", "quiet", "verbose")
def compare(files: tuple[Path, ...], as_json: bool, quiet: bool, verbose: int, **options: Any) -> None:
    """Say which way is better, by how much, how sure that is, and what it rests on.

    \b
    funnelsim compare old-way.yaml shared-funnel.yaml
    funnelsim compare old-way.yaml old-way-with-promise.yaml shared-funnel.yaml --precision 1%
    funnelsim compare results/compare-shared-funnel-1f2e3d4c5b/manifest.json

    The first file is the base. The last repeats a comparison bit for bit.
    """
    from funnelsim import api

    progress = TerminalProgress(quiet=quiet)
    done = api.compare(*files, progress=progress, command=command_line(), **options)
    print_result(done, progress, as_json, verbose)
