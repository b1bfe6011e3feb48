"""funnelsim validate: the published cases."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from funnelsim.cli.options import options
from funnelsim.cli.output import echo
from funnelsim.errors import RunError
from funnelsim.progress import TerminalProgress


@click.command()
@options("json", "quiet")
def validate(as_json: bool, quiet: bool) -> None:
    """Run the published cases of the field and say whether funnelsim reproduces them.

    \b
    funnelsim validate

    Exit code 1 when one of them is not reproduced.
    """
    from funnelsim import api

    progress = TerminalProgress(quiet=quiet)
    checks = api.validate(progress)
    progress.clear()
    if as_json:
        echo(json.dumps([asdict(check) for check in checks], indent=1, default=str))
    else:
        from funnelsim.study.validate import table

        echo(table(checks))
    if not all(check.passed for check in checks):
        raise RunError("published cases are not reproduced")
