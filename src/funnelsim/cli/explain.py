"""funnelsim explain: which changes make the difference?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from funnelsim.cli.options import options
from funnelsim.cli.output import command_line, print_result
from funnelsim.progress import TerminalProgress


@click.command()
@click.argument("base", type=click.Path(path_type=Path))
@click.argument("other", required=False, type=click.Path(path_type=Path))
@click.option(
    "--measure",
    "-m",
    metavar="NAME",
    help="What is divided, as in cohort.profit.  [default: the scenario's goal, else cohort.won]",
)
@options("overrides", "seed")
@click.option("--draws", type=click.IntRange(min=2), help="Draws of what is not known.  [default: 40]")
@click.option(
    "--pairs",
    type=click.IntRange(min=1),
    help="Periods in each draw, of every mixture of the two scenarios.  [default: 4]",
)
@click.option(
    "--orders",
    type=click.IntRange(min=8),
    help="Walk so many random orders of the changes.  [default: all orders up to 6 groups of changes, else 24]",
)
@click.option(
    "--equal-people/--no-equal-people",
    default=None,
    help="Also ask what moving the hours and sharing nothing would bring.  [default: equal-people]",
)
@options("engine", "threads", "cluster", "out", "figures", "json", "quiet", "verbose")
def explain(base: Path, other: Path | None, as_json: bool, quiet: bool, verbose: int, **options: Any) -> None:
    """Divide the difference between two scenarios among the changes that make it.

    \b
    funnelsim explain old-way.yaml shared-funnel.yaml
    funnelsim explain old-way.yaml shared-funnel.yaml --measure cohort.profit
    funnelsim explain results/explain-shared-funnel-1f2e3d4c5b/manifest.json

    The shares add up to the difference. The last line repeats an explanation bit for bit.
    """
    from funnelsim import api

    progress = TerminalProgress(quiet=quiet)
    done = api.explain(base, other, progress=progress, command=command_line(), **options)
    print_result(done, progress, as_json, verbose)
