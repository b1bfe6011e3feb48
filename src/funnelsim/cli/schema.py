"""funnelsim schema: the JSON Schema of scenario files."""

from __future__ import annotations

import json
from pathlib import Path

import click

from funnelsim.cli.output import echo


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="Write it to a file.")
def schema(out: Path | None) -> None:
    """Print the JSON Schema of scenario files, for editors.

    \b
    funnelsim schema --out scenario.schema.json

    Then let a scenario begin with `# yaml-language-server: $schema=scenario.schema.json`.
    """
    from funnelsim import api

    text = json.dumps(api.schema(), indent=1, ensure_ascii=False)
    if out is None:
        echo(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")
