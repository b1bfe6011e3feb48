"""funnelsim report: one file to send."""

from __future__ import annotations

import json
from pathlib import Path

import click

from funnelsim.cli.options import options
from funnelsim.cli.output import echo, print_text


@click.command()
@click.argument("results", nargs=-1, required=True, metavar="RESULT...", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file; default: named after the first folder, beside it.",
)
@click.option("--title", default="", help="Of the page; default: the names of the results.")
@options("json", "quiet")
def report(results: tuple[Path, ...], out: Path | None, title: str, as_json: bool, quiet: bool) -> None:
    """Make one HTML file of saved results: it needs no network, opens from an e-mail and prints.

    \b
    funnelsim report results/shared-funnel-1f2e3d4c5b
    funnelsim report results/compare-shared-funnel-1f2e3d4c5b results/seek-shared-funnel-5b4c3d2e1f --out meeting.html

    Nothing is simulated again: the folders of run, compare, sweep and seek hold all that is shown.
    """
    from funnelsim import api

    done = api.report(*results, out=out, title=title)
    if as_json:
        echo(
            json.dumps(
                {"file": str(done.file), "bytes": done.size, "answers": done.answers}, indent=1, ensure_ascii=False
            )
        )
    elif not quiet:
        print_text("\n".join([*done.answers, f"\nreport: {done.file} ({done.size / 1000:,.0f} kB)"]))
