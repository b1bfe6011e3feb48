"""funnelsim run: simulate a scenario."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from funnelsim.cli.options import options
from funnelsim.cli.output import command_line, echo, print_text, terminal_width
from funnelsim.progress import TerminalProgress


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@options("overrides", "seed", "replications", "precision", "engine", "threads", "out")
@click.option("--tables", is_flag=True, help="Save visits, assignments and attempts as Parquet.")
@click.option("--event-log", "log", type=click.Choice(["csv", "parquet"]), help="Save an event log for process mining.")
@options("figures", "json", "quiet", "verbose")
def run(file: Path, overrides: tuple[str, ...], as_json: bool, quiet: bool, verbose: int, **options: Any) -> None:
    """Simulate a scenario; say what comes out and how sure that is.

    \b
    funnelsim run old-way.yaml
    funnelsim run old-way.yaml --set teams.sales.people=6 --precision 2%
    funnelsim run old-way.yaml -n 20 --event-log csv
    funnelsim run results/old-way-1f2e3d4c5b/manifest.json

    The last repeats a run bit for bit.
    """
    from funnelsim import api

    progress = TerminalProgress(quiet=quiet)
    result = api.run(file, overrides, progress=progress, command=command_line(), **options)
    progress.clear()
    if as_json:
        echo(json.dumps(result.as_data(), indent=1, ensure_ascii=False))
    else:
        from funnelsim.reporting.run.report import run_report

        print_text(run_report(result, verbose, terminal_width()))
        echo(_assumed(result, file, verbose), nl=False)
        echo(f"\nresults: {result.folder}")


def _assumed(result: Any, file: Path, verbose: int) -> str:
    """What the scenario of a run rests on that nobody has published."""
    from funnelsim.reporting.handoff.report import assumptions_report
    from funnelsim.scenario import loads_resolved
    from funnelsim.scenario.assumptions import assumptions, equally_good

    scenario = loads_resolved(result.manifest.resolved[0]).scenario
    found = [(one.path, one.written, one.command(str(file))) for one in assumptions(scenario)]
    text = assumptions_report(found, len(found) if verbose else 6, equally_good(scenario))
    return f"\n{text}\n" if text else ""
