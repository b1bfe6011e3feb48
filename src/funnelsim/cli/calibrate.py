"""funnelsim calibrate: a history to numbers."""

from __future__ import annotations

import json
from pathlib import Path

import click

from funnelsim.cli.options import options
from funnelsim.cli.output import echo, print_text


@click.command()
@click.argument("file")
@click.option("--out", type=click.Path(path_type=Path), help="The fitted file; default: beside the history.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the data, when it is not the one in the file.")
@click.option("--strict", is_flag=True, help="Rows that cannot be used are errors.")
@click.option("--timezone", default="", help="Of an export: the zone of times without an offset.")
@click.option("--as-of", default="", help="Of an export: its last day; default: the last day with anything in it.")
@click.option("--dates", type=click.Choice(["day first", "month first"]), help="Of an export: how to read 03/04/2026.")
@click.option("--query", default="", help="Of a database: SELECT ..., one row a lead or an event.")
@click.option(
    "--figures",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Draw each stage's fit beside the data's own curves into this folder.",
)
@options("json", "quiet", "verbose")
def calibrate(
    file: str,
    out: Path | None,
    data: Path | None,
    strict: bool,
    timezone: str,
    as_of: str,
    dates: str | None,
    query: str,
    figures: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: int,
) -> None:
    """Turn a history into numbers that a scenario extends.

    \b
    funnelsim calibrate deals.csv --timezone Europe/Berlin
    funnelsim calibrate crm.history.yaml
    funnelsim calibrate olist.history.yaml --data ~/olist --out olist.fitted.yaml
    funnelsim calibrate crm.sqlite --query 'SELECT id, created, won FROM deals'

    FILE is an export (CSV, CSV.gz, Parquet, XES), a database, or a history file, which says which column is what.
    An export is recognised by its columns, and a history file is written for it, to be edited.
    """
    from funnelsim import api
    from funnelsim.calibration.exports.detect import history_of, is_history

    history = Path(file) if is_history(file) else history_of(file, out)
    if not is_history(file):
        said = {"timezone": timezone, "as_of": as_of, "dates": dates or "", "query": query}
        kind = api.recognise(file, history, **said).summary()
        if not quiet:
            echo(f"{kind}\nhistory: {history}, to be edited", err=True)
    target = out or history.with_name(history.name.removesuffix(".yaml").removesuffix(".history") + ".fitted.yaml")
    found = api.calibrate(history, target, data, strict, figures)
    if as_json:
        conversion = found.conversion()._asdict() if found.stages else None
        told = {
            "as_of": found.as_of,
            "leads": found.leads,
            "conversion": conversion,
            "naive": found.naive() if found.stages else None,
            "grades": found.grades(),
            "files": found.files,
        }
        echo(json.dumps(told, indent=1, default=str))
    elif not quiet:
        print_text(found.report(bool(verbose)))
        drawn = [file for file in found.files if figures is not None and file.parent == figures]
        echo("\nfitted: " + ", ".join(str(file) for file in found.files if file not in drawn))
        if figures is not None:
            echo(f"figures: {figures}" if drawn else "figures: none, as counts by cohort hold no times")
