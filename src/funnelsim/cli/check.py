"""funnelsim check: are scenario files right?"""

from __future__ import annotations

from pathlib import Path

import click

from funnelsim.cli.options import options
from funnelsim.cli.output import echo, print_error, print_warnings


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@options("overrides", "quiet")
def check(files: tuple[Path, ...], overrides: tuple[str, ...], quiet: bool) -> int:
    """Say whether scenario files are right; every mistake at once, with its place.

    \b
    funnelsim check scenarios/*.yaml
    funnelsim check base.yaml --set teams.sales.people=6
    """
    from funnelsim import api
    from funnelsim.errors import InvalidInput

    code = 0
    for file in files:
        try:
            print_warnings(api.check(file, overrides).warnings, quiet)
            if not quiet:
                echo(f"{file}: ok")
        except InvalidInput as error:
            print_error(error)
            code = error.exit_code
    return code
