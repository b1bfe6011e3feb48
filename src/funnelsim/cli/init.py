"""funnelsim init: start a folder with scenarios to edit."""

from __future__ import annotations

from pathlib import Path

import click

from funnelsim.cli.options import options
from funnelsim.cli.output import echo


@click.command()
@click.argument("template", required=False)
@click.option("--folder", type=click.Path(path_type=Path), default=Path(), help="Where; default: here.")
@options("quiet")
def init(template: str | None, folder: Path, quiet: bool) -> None:
    """Start a folder with scenarios to edit.

    \b
    funnelsim init                  all starter files
    funnelsim init shared           one, with what it extends
    """
    from funnelsim import api

    written = api.init(template, folder)
    if not quiet:
        for path in written:
            echo(path)
        first = written[0]
        echo(f"Next: funnelsim check {first}, then funnelsim run {first}", err=True)
