"""The file format: what editors accept, what the reference says, what each key is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from funnelsim.scenario import format_reference, load
from funnelsim.scenario.schema import Scenario, Source, Stage, nature, resolve_path
from funnelsim.scenario.yaml_nodes import parse_yaml, plain

ROOT = Path(__file__).parents[2]
SCHEMA = format_reference.json_schema()
TYPES = {"string": str, "object": dict, "array": list, "boolean": bool, "integer": int, "number": (int, float)}


def accepts(schema: dict[str, Any], value: Any) -> bool:
    """As much of JSON Schema draft-07 as ours uses."""
    known = {
        "$schema",
        "title",
        "description",
        "definitions",
        "examples",
        "default",
        "nature",
        "unit",
        "$ref",
        "anyOf",
        "const",
        "enum",
        "type",
        "properties",
        "additionalProperties",
        "patternProperties",
        "items",
    }
    assert schema.keys() <= known, schema.keys() - known
    if "$ref" in schema:
        return accepts(SCHEMA["definitions"][schema["$ref"].rsplit("/", 1)[-1]], value)
    if "anyOf" in schema and not any(accepts(one, value) for one in schema["anyOf"]):
        return False
    if ("const" in schema and value != schema["const"]) or ("enum" in schema and value not in schema["enum"]):
        return False
    kinds = schema.get("type", [])
    if kinds and not any(
        isinstance(value, TYPES[kind]) and isinstance(value, bool) == (kind == "boolean")
        for kind in ([kinds] if isinstance(kinds, str) else kinds)
    ):
        return False
    if isinstance(value, list):
        return all(accepts(schema.get("items", {}), one) for one in value)
    return not isinstance(value, dict) or all(accepts_key(schema, key, one) for key, one in value.items())


def accepts_key(schema: dict[str, Any], key: str, value: Any) -> bool:
    if key in schema.get("properties", {}):
        return accepts(schema["properties"][key], value)
    for pattern, of in schema.get("patternProperties", {}).items():
        if re.search(pattern, key):
            return accepts(of, value)
    others = schema.get("additionalProperties", True)
    return others if isinstance(others, bool) else accepts(others, value)


TEMPLATES = sorted((ROOT / "src/funnelsim/templates").glob("*.yaml"))
SOUND = [*sorted((ROOT / "scenarios").rglob("*.yaml")), *TEMPLATES, ROOT / "tests/scenario/broken/base.yaml"]


@pytest.mark.parametrize("file", SOUND, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_editors_accept_what_we_accept(file: Path) -> None:
    """Whole scenarios and ten-line policies alike: every key is optional (rule 78)."""
    assert accepts(SCHEMA, plain(parse_yaml(file.read_text(), str(file))))


@pytest.mark.parametrize(
    "wrong",
    [
        "{promisses: none}",
        "{stages: {demo: {wrok: {}}}}",
        "{stages: [demo]}",
        "{teams: {sales: {order: youngest}}}",
        "{stages: {demo: {work: [{atempts: 3}]}}}",
        "{effects: {brand: 1.2}}",
        "{effects: {fit: {odd: 1.2}}}",
        "{seed: many}",
        "{handoff: {to: {sales: {dealy: at once}}}}",
        "{effects: {too_late: {odds: 2}}}",
        "{influences: {trust: {target: habits}}}",
        "{stages: {demo: {tasks: {call: {is: chat}}}}}",
        "{promises: {tiers: [{segment: large}]}}",
        "{levels: {trust: {of: hope}}}",
        "{scores: {sales: {noise: [2]}}}",
    ],
)
def test_editors_mark_what_we_refuse(wrong: str) -> None:
    """Unknown keys, wrong kinds, unknown words."""
    assert not accepts(SCHEMA, plain(parse_yaml(wrong, "f")))


@pytest.mark.parametrize(
    "partial",
    [
        "{}",
        "{promises: none}",
        "{effects: {fit: 0.6 to 1.0, context_lost: {odds: 1.2, stages: [demo]}}}",
        "{effects: {fit: {2026-01-05: 1.2}}}",
        "{stages: {demo: none, offer: {response: {power: {shape: 0.5}}}}}",
        "{ownership: {demo: sales, offer: {sales: rest}, end: none}}",
        "{leads_in_flight: {file: leads.csv}}",
        "{stages: {demo: {work: {attempts: 3}}}}",
        "{stages: {demo: {work: [{attempts: 3}]}}}",
        "{cool_down: 0}",
        "{effects: {too_late: 0 to 1, nurtured_follow_up: {strength: 0.3, target: contact}, hour: {hours: [1]}}}",
        "{definitions: {MQL: marketing score at least 40, SQL: {score: sales, at_least: {start: 20, 2026-06-01: 30}}}}",
        "{policy: union, handoff: {at: MQL, integration: 40%, accept: {score: sales, at_least: 30}}}",
        "{teams: {sales: {ramp: {2026-02-01: 50%}, pursuit: {quality: level trust}, quota: 200k per quarter}}}",
        "{promises: {accept: within 1 day, tiers: [{score: {sales: 50}, first_touch: within 1 hour}]}}",
    ],
)
def test_editors_accept_parts(partial: str) -> None:
    """Alternatives, none everywhere, values by date."""
    assert accepts(SCHEMA, plain(parse_yaml(partial, "f")))


def test_the_committed_reference_is_up_to_date() -> None:
    """Written by `funnelsim schema`; run it when this fails."""
    assert (ROOT / format_reference.SCHEMA_FILE).read_text() == json.dumps(SCHEMA, indent=1, ensure_ascii=False) + "\n"
    assert (ROOT / format_reference.REFERENCE_FILE).read_text() == format_reference.markdown()


def test_every_key_has_a_meaning_and_a_nature() -> None:
    """Rule 80."""
    for name, model in {"Scenario": SCHEMA, **SCHEMA["definitions"]}.items():
        assert model["description"], name
        for key, of in model["properties"].items():
            assert of.get("description"), f"{name}.{key}"
            assert of.get("nature") in ("fact", "policy", "belief", "setting"), f"{name}.{key}"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("stages", "demo", "next"), "fact"),
        (("stages", "demo", "next", "offer"), "fact"),
        (("stages", "demo", "work", "attempts"), "policy"),
        (("stages", "demo", "work", 0, "attempts"), "policy"),
        (("stages", "demo", "response"), "belief"),
        (("promises", "adherence"), "belief"),
        (("promises", "teams", "sales", "adherence"), "belief"),
        (("effects", "fit"), "belief"),
        (("sources", "search", "from"), "fact"),
        (("ownership", "demo", "sales"), "policy"),
        (("name",), "setting"),
        (("definitions", "MQL", "at_least"), "policy"),
        (("policy",), "policy"),
        (("scores", "sales", "noise"), "belief"),
        (("stages", "demo", "signals", "ebook", "points"), "policy"),
        (("teams", "sales", "pursuit", "base"), "belief"),
        (("teams", "sales", "pursuit", "tracking"), "policy"),
        (("influences", "trust", "odds"), "belief"),
        (("promises", "tiers", 0, "first_touch"), "policy"),
        (("promises", "tiers", 0, "adherence"), "belief"),
        (("poor_follow_up",), "setting"),
    ],
)
def test_nature_of_a_path(path: tuple[str | int, ...], expected: str) -> None:
    """The innermost key that has one."""
    assert nature(path) == expected


def test_spots() -> None:
    """What an override merges, and what it replaces."""
    assert resolve_path(("sources", "search")).model is Source
    assert resolve_path(("stages", "demo")).model is Stage
    assert resolve_path(("stages",)).merges
    assert resolve_path(("ownership",)).merges
    assert not resolve_path(("ownership", "demo")).merges
    assert not resolve_path(("stages", "demo", "next")).merges
    assert not resolve_path(("no", "such", "path")).merges


def test_a_scenario_cannot_be_changed() -> None:
    """Frozen: what was read stays as it is."""
    scenario = Scenario()
    with pytest.raises(ValueError, match="frozen"):
        scenario.seed = 2  # type: ignore[misc]


def test_terms_of_one_team(tmp_path: Path) -> None:
    """A team's own keys stand over the common ones."""
    file = tmp_path / "v.yaml"
    file.write_text(
        f"extends: {ROOT / 'tests/scenario/broken/base.yaml'}\npromises:\n  first_touch: within 4 hours\n"
        "  adherence: 80%\n  teams: {sales: {adherence: 50%}}\n"
    )
    promises = load(str(file)).scenario.promises

    assert promises is not None
    assert promises.of("sales").adherence.low == 0.5  # type: ignore[union-attr]
    assert promises.of("sales").first_touch is not None
    assert promises.of("marketing").adherence.low == 0.8  # type: ignore[union-attr]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: file.stem)
def test_templates_are_sound(template: Path) -> None:
    """Each loads without error or warning, and names its schema in the first line."""
    assert template.read_text().startswith("# yaml-language-server: $schema=scenario.schema.json\n")
    assert load(str(template)).warnings == []


def test_errors_and_values_are_light() -> None:
    """`funnelsim --help` must not wait for pydantic or numpy."""
    code = (
        "import sys, funnelsim.errors, funnelsim.scenario, funnelsim.scenario.parsers;"
        "print([m for m in ('pydantic', 'numpy', 'numba', 'scipy', 'polars', 'yaml') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
