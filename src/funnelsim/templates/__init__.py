"""Starter files for `funnelsim init`: a commented funnel, and policies beside it that change a few lines."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

from funnelsim.errors import UsageError, did_you_mean

TEMPLATES = {                           # template: (file, what it is)
    "starter": (("baseline.yaml", "the funnel as it is"),
                ("promise.yaml", "the same, and sales promises to call"),
                ("shared.yaml", "the same, and both teams share the leads")),
}
SCHEMA = "scenario.schema.json"         # beside the files, so that editors complete and check them


def create(folder: str | Path = ".", template: str = "starter") -> list[Path]:
    """Write a template's files and their schema into a folder; refuses to overwrite any of them."""
    if template not in TEMPLATES:
        raise UsageError(f"there is no template '{template}'. {did_you_mean(template, TEMPLATES)} "
                         f"known: {', '.join(TEMPLATES)}")
    folder = Path(folder)
    texts = {name: text(name) for name, _ in TEMPLATES[template]} | {SCHEMA: _schema()}
    taken = [name for name in texts if (folder / name).exists()]
    if taken:
        raise UsageError(f"{folder / taken[0]} is there already; init overwrites nothing")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in texts.items():
        (folder / name).write_text(content, encoding="utf-8")
    return [folder / name for name in texts]


def text(name: str) -> str:
    """The text of a template's file."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _schema() -> str:
    from funnelsim.scenario.reference import json_schema

    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"
