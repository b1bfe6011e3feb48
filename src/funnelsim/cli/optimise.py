"""funnelsim optimise: the best settings under constraints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from funnelsim.cli.options import Share, options
from funnelsim.cli.output import command_line, print_result
from funnelsim.progress import TerminalProgress


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--vary",
    multiple=True,
    metavar="KEY=RANGE",
    help="What may be set, as in --vary "
    "teams.sales.people=3..9, sources.search.rate=80..480/week or a list. May be repeated.",
)
@click.option(
    "--maximise",
    multiple=True,
    metavar="KEY",
    help="A measure, as in measures.csv, of which more is better; goal is the chance of the goal. May be repeated.",
)
@click.option("--minimise", multiple=True, metavar="KEY", help="One of which less is better. May be repeated.")
@click.option(
    "--subject-to",
    multiple=True,
    metavar="TEXT",
    help='A constraint, as in --subject-to "calendar.cost <= '
    '900k" or "teams.sales.people + teams.marketing.people <= 9". May be repeated.',
)
@click.option("--trials", type=click.IntRange(min=1), help="Points that are run at most.  [default: 200]")
@options("overrides", "seed")
@click.option("--replications", "--reps", "-n", type=click.IntRange(min=2), help="At each point.  [default: 20]")
@click.option(
    "--finalists", type=click.IntRange(min=1), help="Points that go to the final, on fresh luck.  [default: 8]"
)
@click.option(
    "--gap",
    metavar="AMOUNT",
    help="A difference that does not matter, as in --gap 5k or --gap 1%.  "
    "[default: 1 % of the best; of a share 2 points]",
)
@click.option(
    "--chance", type=Share(), metavar="SHARE", help="Wanted of the right choice among the finalists.  [default: 95%]"
)
@click.option(
    "--confidence",
    type=Share(),
    metavar="SHARE",
    help="Confidence that the constraints on measures are met.  [default: 95%]",
)
@click.option("--goal", metavar="TEXT", help='As in --goal "wins 200 by 2026-12-31"; default: the scenario\'s.')
@options("engine", "threads", "cluster", "out", "figures")
@click.option("--fail-on-miss", is_flag=True, help="Exit code 4 when nothing meets the constraints.")
@options("json", "quiet", "verbose")
def optimise(file: Path, fail_on_miss: bool, as_json: bool, quiet: bool, verbose: int, **options: Any) -> None:
    """Find the best settings, with one objective or several, under constraints.

    \b
    funnelsim optimise shared.yaml --vary teams.sales.people=3..9 --maximise profit
    funnelsim optimise shared.yaml --vary teams.sales.people=3..9 --vary sources.search.rate=80..480/week \\
        --maximise profit --subject-to "calendar.cost <= 900k"
    funnelsim optimise shared.yaml --vary "promises.first_touch=within 1..24 business hours" \\
        --vary teams.sales.people=3..9 --maximise goal --goal "wins 200" --minimise calendar.cost
    funnelsim optimise results/optimise-shared-1f2e3d4c5b/manifest.json

    Points are searched on the same luck; the finalists are compared, and the best measured, on luck of their own.
    Several objectives give a front. Needs Optuna: pip install "funnelsim[optimise]".
    """
    from funnelsim import api
    from funnelsim.errors import GoalNotMet

    progress = TerminalProgress(quiet=quiet)
    done = api.optimise(file, progress=progress, command=command_line(), **options)
    print_result(done, progress, as_json, verbose)
    if fail_on_miss and not any(one.meets for one in done.result.finalists):
        raise GoalNotMet("no settings within the ranges meet the constraints")
