"""funnelsim seek: how much does a goal take?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from funnelsim.cli.options import Share, options
from funnelsim.cli.output import command_line, print_result
from funnelsim.progress import Progress, TerminalProgress


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--vary",
    multiple=True,
    metavar="KEY=RANGE",
    help="What is sought, as in --vary sources.search.rate=80..480/week or teams.sales.people=2..12.",
)
@click.option("--goal", metavar="TEXT", help='As in --goal "revenue 1.2M by 2026-12-31"; default: the scenario\'s.')
@click.option("--chance", type=Share(), metavar="SHARE", help="How sure it must be.  [default: 80%]")
@click.option("--booked", metavar="AMOUNT", help="What counts towards the goal already, as in --booked 400k.")
@options("overrides", "seed")
@click.option("--replications", "--reps", "-n", type=click.IntRange(min=1), help="At each point.  [default: 100]")
@click.option(
    "--precision",
    type=Share(),
    metavar="SHARE",
    help="Or: more until half the interval of the answer is below this share of it, as in --precision 5%.",
)
@options("engine", "threads", "cluster", "out", "figures")
@click.option("--fail-on-miss", is_flag=True, help="Exit code 4 when the goal cannot be met.")
@options("json", "quiet", "verbose")
def seek(file: Path, fail_on_miss: bool, as_json: bool, quiet: bool, verbose: int, **options: Any) -> None:
    """Find the smallest volume or team, or the slowest promise, that meets a goal with a chance.

    \b
    funnelsim seek shared.yaml --vary sources.search.rate=80..480/week --goal "wins 250" --chance 80%
    funnelsim seek shared.yaml --vary teams.sales.people=2..12 --goal "revenue 1.2M by 2026-12-31"
    funnelsim seek shared.yaml --vary "promises.first_touch=within 1..40 business hours" --goal "cohort.profit 800k"

    Any path will do of which more only helps, or only harms. With nothing varied, the chance of the goal as things are:

    \b
    funnelsim seek today.yaml --goal "revenue 1.2M by 2026-12-31" --booked 640k
    """
    from funnelsim import api
    from funnelsim.commands.chance import varies_nothing
    from funnelsim.errors import GoalNotMet

    progress = TerminalProgress(quiet=quiet)
    if varies_nothing(file, options["vary"]):
        _tell_chance(file, progress, as_json, options)
        return
    done = api.seek(file, progress=progress, command=command_line(), **options)
    print_result(done, progress, as_json, verbose)
    if fail_on_miss and not done.result.met:
        raise GoalNotMet("the goal cannot be met within the range")


def _tell_chance(file: Path, progress: Progress, as_json: bool, options: dict[str, Any]) -> None:
    """The chance of the goal as things are."""
    from funnelsim import api
    from funnelsim.errors import UsageError

    if options["precision"] is not None or options["chance"] is not None:
        raise UsageError("nothing is varied, so the chance itself is asked: --precision and --chance go with --vary")
    asked = {key: value for key, value in options.items() if key not in ("vary", "chance", "precision", "figures")}
    done = api.goal_chance(file, progress=progress, command=command_line(), **asked)
    print_result(done, progress, as_json)
