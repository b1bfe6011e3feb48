"""funnelsim backtest: did past forecasts hold?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from funnelsim.cli.options import options
from funnelsim.cli.output import command_line, print_result
from funnelsim.progress import TerminalProgress


@click.command()
@click.argument("file", metavar="HISTORY", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the data, when it is not the one in the file.")
@click.option("--origins", type=click.IntRange(min=1), help="Instants to forecast from, at most.  [default: 10]")
@click.option(
    "--horizon",
    type=click.IntRange(min=1),
    metavar="WEEKS",
    help="The longest; shorter ones of 1, 2, 4, 8, "
    "13, 26 and 52 weeks are judged too.  [default: a quarter of the history]",
)
@click.option("--draws", "-n", type=click.IntRange(min=19), help="Futures of each forecast.  [default: 199]")
@options("seed", "engine", "threads", "out")
@click.option("--distances/--no-distances", default=True, help="Distances of event logs.  [default: distances]")
@click.option(
    "--work/--no-work",
    default=True,
    help="Whether the log of work, where the history has one, is part of the fits.  [default: work]",
)
@options("figures", "json", "quiet", "verbose")
def backtest(file: Path, as_json: bool, quiet: bool, verbose: int, **options: Any) -> None:
    """Forecast a history from what was known earlier, again and again, and see what then happened.

    \b
    funnelsim backtest crm.history.yaml
    funnelsim backtest olist.history.yaml --data ~/olist --origins 12 --horizon 4
    funnelsim backtest results/backtest-crm-1f2e3d4c5b/manifest.json

    Says how often intervals held what happened, by how much they must be widened, how that compares with carrying the
    last weeks on, and whether the funnel has changed. Stop it at any moment and start it again: finished forecasts are
    kept in results/points.
    """
    from funnelsim import api

    progress = TerminalProgress(quiet=quiet)
    done = api.backtest(file, progress=progress, command=command_line(), **options)
    print_result(done, progress, as_json, verbose)
