"""funnelsim sweep: many points of the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from funnelsim.cli.options import Share, options
from funnelsim.cli.output import command_line, print_result
from funnelsim.progress import TerminalProgress


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option(
    "--vary",
    multiple=True,
    metavar="KEY=RANGE",
    help="What is varied, as in --vary "
    "sources.search.rate=80..480/week:11, teams.sales.people=3..7 or a list. May be repeated.",
)
@click.option(
    "--measure",
    "measures",
    multiple=True,
    metavar="KEY",
    help="What is shown, as in measures.csv; goal is "
    "the chance of the goal. May be repeated.  [default: cohort.won, cohort.revenue, cohort.profit]",
)
@click.option("--design", metavar="DESIGN", help="grid, latin:N or sobol:N.  [default: grid]")
@options("overrides", "seed")
@click.option("--replications", "--reps", "-n", type=click.IntRange(min=1), help="At each point.  [default: 50]")
@click.option(
    "--precision",
    type=Share(),
    metavar="SHARE",
    help="Or: at each point until the simulation error of the "
    "first measure is below this share of it, as in --precision 3%.",
)
@click.option("--goal", metavar="TEXT", help='As in --goal "wins 200 by 2026-12-31"; default: the scenario\'s.')
@options("engine", "threads", "cluster", "out", "figures", "json", "quiet", "verbose")
def sweep(files: tuple[Path, ...], as_json: bool, quiet: bool, verbose: int, **options: Any) -> None:
    """Run scenarios at many points of their settings, on the same luck: where does it turn?

    \b
    funnelsim sweep old-way.yaml --vary sources.search.rate=80..480/week:11
    funnelsim sweep old-way.yaml shared.yaml --vary teams.sales.people=3..7 --measure won --measure profit
    funnelsim sweep growth.study.yaml --design latin:200
    funnelsim sweep results/sweep-growth-1f2e3d4c5b/manifest.json

    Stop it at any moment and start it again: finished points are kept in results/points and never run twice. Exit
    code 5 when some points failed.
    """
    from funnelsim import api
    from funnelsim.errors import SweepIncomplete

    progress = TerminalProgress(quiet=quiet)
    done = api.sweep(*files, progress=progress, command=command_line(), **options)
    print_result(done, progress, as_json, verbose)
    if failed := done.result.failed:
        raise SweepIncomplete(f"{len(failed)} of {len(done.result.cells)} points failed; the others are there")
