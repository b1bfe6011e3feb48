"""funnelsim sensitivity: what moves the answer, and what should be measured first?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from funnelsim.cli.options import options
from funnelsim.cli.output import command_line, print_result
from funnelsim.progress import TerminalProgress


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("other", required=False, type=click.Path(path_type=Path))
@click.option(
    "--vary",
    multiple=True,
    metavar="KEY=RANGE",
    help="One more input, of what is chosen or of the market, as in --vary teams.sales.people=3..7. May be repeated.",
)
@click.option(
    "--measure",
    metavar="KEY",
    help="The answer, a key of measures.csv.  [default: cohort.won, or "
    "cohort.revenue when that is the scenario's goal]",
)
@options("overrides", "seed")
@click.option(
    "--rows",
    type=click.IntRange(min=1),
    help="Of points for the indices, a power of two from 16 on; each "
    "costs 2 points more than there are inputs.  [default: 64]",
)
@click.option(
    "--trajectories",
    type=click.IntRange(min=2),
    help="Of the screening, which comes first where there are many inputs.  [default: 10]",
)
@click.option("--keep", type=click.IntRange(min=1), help="How many inputs have indices.  [default: 8]")
@click.option(
    "--replications",
    "--reps",
    "-n",
    type=click.IntRange(min=1),
    help="Periods at each point, the same luck at all.  [default: 4]",
)
@options("engine", "threads", "cluster", "out", "figures", "json", "quiet", "verbose")
def sensitivity(file: Path, other: Path | None, as_json: bool, quiet: bool, verbose: int, **options: Any) -> None:
    """Say which inputs move an answer most, and which unknown to measure first.

    \b
    funnelsim sensitivity shared-funnel.yaml
    funnelsim sensitivity old-way.yaml shared-funnel.yaml
    funnelsim sensitivity old-way.yaml --vary teams.sales.people=3..7 --vary sources.search.rate=100..200/week
    funnelsim sensitivity results/sensitivity-shared-funnel-1f2e3d4c5b/manifest.json

    Inputs are all ranges and all fitted parameters with a standard error, and what --vary adds. With two files the
    answer is what the second brings more than the first. Stop it at any moment and start it again: finished points are
    kept in results/points and never run twice. The last repeats a study bit for bit.
    """
    from funnelsim import api

    progress = TerminalProgress(quiet=quiet)
    done = api.sensitivity(file, other, progress=progress, command=command_line(), **options)
    print_result(done, progress, as_json, verbose)
