"""The reference of the file format, written from the models: a JSON Schema for editors and Markdown for people.

Both come from `schema`, so they cannot drift from what is accepted; a test compares the committed files.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from funnelsim.scenario import presets
from funnelsim.scenario.schema import Scenario

SCHEMA_FILE = "schema/scenario.json"
REFERENCE_FILE = "docs/reference/scenario.md"
BY_DATE = r"^(start|\d{4}-\d\d)"
ASSUMPTION = "An assumption: nobody has published its size."

VALUES = (  # what is written, how, and examples that a test reads
    (
        "length of time",
        "elapsed or business time; a business day is what its calendar says; months and years are average ones",
        ("6 min", "4 business hours", "1 business day", "30 days", "1 h 30 min", "at once"),
    ),
    ("share", "a percentage or a number between 0 and 1", ("45%", "0.45")),
    (
        "share of a whole",
        "`rest` is what the others leave; `after` is a cool-off before the next stage",
        ("45%", "20% after 30 days", "rest", "rest after exponential(mean 60 days)"),
    ),
    (
        "rate",
        "leads a period: hour, day, week, month (365.25/12 days), quarter or year",
        ("160/week", "25 a week", "500 per month"),
    ),
    ("trend", "growth a year; by the month or week it compounds", ("20% a year", "+2%/month")),
    ("money", "an amount in the scenario's currency", ("8000", "8k", "1.2M")),
    ("money an hour", "what people cost", ("55/hour",)),
    (
        "range",
        "a belief between two values, drawn with the same luck in every scenario compared",
        ("0.6 to 1.0", "60% to 90%"),
    ),
    (
        "distribution",
        "a plain value is fixed; `never` is the share that does not happen at all; the law can be shifted "
        "by a constant",
        (
            "6 min",
            "exponential(mean 30 days)",
            "lognormal(median 6 days p90 20 days)",
            "lognormal(mean 3 days cv 50%)",
            "weibull(shape 1.2 scale 5 days)",
            "gamma(mean 3 days cv 50%)",
            "loglogistic(median 2 days shape 1.5)",
            "uniform(1 day to 3 days)",
            "loguniform(1 min to 1 hour)",
            "24 hours + exponential(mean 106 hours)",
            "mixture(60% lognormal(median 2 days p90 9 days) 40% exponential(mean 30 days))",
            "empirical(0% 1 h, 50% 3 h, 100% 9 h)",
            "exponential(mean 4 hours) never 23%",
        ),
    ),
    ("term", "a deadline, or so many attempts within a time", ("within 4 business hours", "5 within 14 days")),
    (
        "actions",
        "at fractions of the deadline: warn, warn with compliance 50%, escalate, reassign, reassign to TEAM, "
        "return to STAGE after TIME",
        ("80%: warn", "100%: escalate", "150%: reassign", "200%: return to discovery after 30 days"),
    ),
    ("routing", "how a lead reaches the next team", ("at once", "daily at 08:00", "4 hours")),
    ("batch", "so many leads at one instant", ("300 on 2026-03-10", "300 on 2026-03-10 at 14:00")),
    (
        "definition",
        "a stage that counts when entered, or a score that reaches a threshold (also {score: marketing, "
        "at_least: 40}, the threshold by date if need be)",
        ("enters interest", "marketing score at least 40"),
    ),
    (
        "volume",
        "so many passings of a definition a week, month or quarter; of one segment, or in money",
        ("360 MQL a month", "80 enterprise MQL a month", "120k of MQL a month"),
    ),
    ("quota", "money a week, month or quarter", ("200k per quarter",)),
    ("budget", "money a period", ("40k/month", "10000 per week")),
    ("period of reviews", "days, weeks, months or quarters of the calendar", ("week", "2 weeks", "month", "quarter")),
    ("share or level", "a share, or a level by its name", ("50%", "0.5", "level trust")),
    (
        "what is looked at",
        "by an influence: a trait or state of the lead, a level or a score",
        ("always", "fit", "intent", "trust", "warmth", "own lead", "context lost", "level trust", "score sales"),
    ),
    (
        "opening hours",
        "local time; 24:00 closes the day; a close before the open runs past midnight",
        ("09:00-17:00", "09:00-12:00, 13:00-17:00", "22:00-06:00"),
    ),
    ("days of the week", "", ("Mon-Fri", "Mon, Wed")),
    (
        "by date",
        "a mapping: the first entry holds before its date too",
        ("{start: 4, 2026-06-01: 6}", "{2026-01: 500/month, 2026-02: 600/month}"),
    ),
)

HEAD = """# The scenario file

Written by `funnelsim schema` from the models in `src/funnelsim/scenario/schema`; do not edit.

A scenario is YAML (1.2: `no` is a word, 9:30 a word, dates are text) or TOML. A file may `extends:` another and
change it. Precedence: `--set` over this file over what it extends over defaults. Named things merge key by key; shares,
distributions and values by date are replaced whole; `none` removes what was inherited. Unknown keys are errors.

Every key has a nature: a **fact** that history can tell, a **policy** that people decide, a **belief** that nobody has
measured, or a **setting** of the run. `compare` lists differences under these headings. A belief that is called an
assumption has no published number anywhere: what counts is how much the answer moves when it does (`funnelsim sweep`).
"""


def json_schema() -> dict[str, Any]:
    """JSON Schema draft-07 of a scenario file: every key optional, since a policy changes a few of them (rule 78)."""
    raw = Scenario.model_json_schema(ref_template="#/definitions/{model}")
    definitions = {name: _closed(model) for name, model in raw.pop("$defs").items()}
    for name, key in (("Effect", "odds"), ("CurveEffect", "strength")):
        definitions[name] = _alone_or_mapping(definitions[name], key)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "funnelsim scenario",
        **_closed(raw),
        "definitions": definitions,
    }


def markdown() -> str:
    """All keys with meaning, form, nature, unit and default, then how values are written, then the presets."""
    schema = json_schema()
    parts = [HEAD, _section("Scenario", schema)]
    parts += [_section(name, schema["definitions"][name]) for name in _named_in(schema)]
    parts += [_values(), _presets()]
    return "\n".join(parts)


def write(folder: str | Path = ".") -> list[Path]:
    """Write both under a project folder; the paths written."""
    texts = {SCHEMA_FILE: json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n", REFERENCE_FILE: markdown()}
    paths = []
    for name, text in texts.items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


def _named_in(schema: dict[str, Any]) -> list[str]:
    """The models in the order in which a reader meets them."""
    found: list[str] = []
    waiting = [schema]
    while waiting:
        text = json.dumps(waiting.pop(0)["properties"])
        new = [name for name in re.findall(r'"#/definitions/(\w+)"', text) if name not in found]
        found += dict.fromkeys(new)
        waiting += [schema["definitions"][name] for name in dict.fromkeys(new)]
    return found


def _closed(model: dict[str, Any]) -> dict[str, Any]:
    """A model as an editor needs it: each key may be `none`, and what is not text for people is gone."""
    found = {key: value for key, value in model.items() if key not in ("title", "required", "description")}
    found["description"] = " ".join(model.get("description", "").split())
    found["properties"] = {name: _key(of) for name, of in model.get("properties", {}).items()}
    return found


def _key(of: dict[str, Any]) -> dict[str, Any]:
    about: dict[str, Any] = {key: of[key] for key in ("description", "nature", "unit") if key in of}
    if of.get("assumption"):
        about["description"] = f"{about['description']} {ASSUMPTION}"
    default = of.get("default")
    if isinstance(default, str | int | float) and default != "":
        about["default"] = int(default) if isinstance(default, float) and default == int(default) else default
    return {**about, "anyOf": [*_forms(of), {"const": "none"}]}


def _forms(of: dict[str, Any]) -> list[dict[str, Any]]:
    """The alternatives of a value, flat; null is not one of them."""
    for several in ("anyOf", "oneOf"):
        if several in of:
            return [form for one in of[several] for form in _forms(one)]
    if of.get("type") == "null":
        return []
    kept = {
        "title" if key == "kind" else key: value
        for key, value in of.items()
        if key not in ("title", "description", "nature", "unit", "whole", "assumption", "default", "discriminator")
    }
    if isinstance(kept.get("additionalProperties"), dict):
        kept["additionalProperties"] = {"anyOf": [*_forms(kept["additionalProperties"]), {"const": "none"}]}
    if isinstance(kept.get("items"), dict):
        kept["items"] = _forms(kept["items"])[0]
    return [kept]


def _alone_or_mapping(model: dict[str, Any], key: str) -> dict[str, Any]:
    """An effect is written as its size alone, by date, or as a mapping."""
    size = {"type": ["number", "string"]}
    return {
        "description": model["description"],
        "properties": model["properties"],
        "anyOf": [
            size,
            {
                "type": "object",
                "additionalProperties": False,
                "patternProperties": {BY_DATE: size},
                "properties": model["properties"],
            },
        ],
    }


def _section(name: str, model: dict[str, Any]) -> str:
    rows = [_row(key, of) for key, of in model["properties"].items()]
    return "\n".join(
        [
            f"## {name}\n",
            model["description"],
            "",
            "| key | what it is | form | nature | unit | default |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _row(key: str, of: dict[str, Any]) -> str:
    forms = list(dict.fromkeys(form for one in of["anyOf"] if (form := _form(one))))
    what = of.get("description", "").replace("|", "\\|")
    default = f"`{of['default']}`" if "default" in of else ""
    return f"| `{key}` | {what} | {' or '.join(forms)} | {of.get('nature', '')} | {of.get('unit', '')} | {default} |"


def _form(of: dict[str, Any]) -> str:
    if "$ref" in of:
        name = of["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "enum" in of:
        return ", ".join(f"`{word}`" for word in of["enum"])
    if of.get("type") == "array" and "items" in of:
        return f"list of {' or '.join(dict.fromkeys(map(_form, _forms(of['items']))))}"
    if of.get("type") == "object" and isinstance(of.get("additionalProperties"), dict):
        inner = list(dict.fromkeys(filter(None, map(_form, of["additionalProperties"]["anyOf"]))))
        return f"{' or '.join(inner)} by name"
    return "" if "const" in of else str(of.get("title", of.get("type", "mapping")))


def _values() -> str:
    rows = [
        f"| {name} | {about} | {', '.join(f'`{example}`' for example in examples)} |"
        for name, about, examples in VALUES
    ]
    return "\n".join(["## How values are written\n", "| value | meaning | written |", "|---|---|---|", *rows, ""])


def _presets() -> str:
    lines = [
        "## Presets\n",
        "Published knowledge by name; each file names its source and grade (A primary source, "
        "B reputable report of a named study, C vendor figure without method).\n",
    ]
    for kind in presets.KINDS:
        lines.append(f"**{kind}**\n")
        lines += [f"- {presets.describe(kind, name)}" for name in presets.names(kind)]
        lines.append("")
    return "\n".join(lines)
