"""What a result rests on, what differs between its scenarios, and what was run: tables of words from its manifest."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from funnelsim.manifest import Manifest
from funnelsim.reporting.html.saved_result import Saved
from funnelsim.reporting.html.tables import Page, table_of_words
from funnelsim.scenario import loads_resolved
from funnelsim.scenario.evidence import evidence_of
from funnelsim.study.scenario_diff import KeyDifference, key_differences

LONGEST = 300  # characters of a value that are shown
WHY = {
    "A": "primary source",
    "B": "reputable report of a named study",
    "C": "vendor figure without method",
    "assumption": "a size nobody has published",
    "belief": "a range somebody wrote",
    "fitted": "from a history",
    "written": "as in the file",
}


def rests_on(saved: Saved) -> Page | None:
    """Presets, assumptions, beliefs and history of the scenarios, each once, with its grade."""
    if not saved.manifest.resolved:
        return None
    rows: dict[tuple[str, ...], None] = {}
    for resolved in saved.manifest.resolved:
        for one in evidence_of(loads_resolved(resolved).scenario, saved.manifest.beliefs):
            rows[one.path, one.value, f"{one.grade}: {WHY.get(one.grade, '')}".rstrip(": "), one.source] = None
    return table_of_words(
        "Presets, ranges and sizes behind the figures, with the grade of each",
        ("what", "value", "grade", "source, or how to see what it matters"),
        list(rows),
    )


def differs(saved: Saved) -> list[Page]:
    """Each other scenario against the first; of a single one, against the root that it extends."""
    if not saved.manifest.resolved:
        return []
    first, *others = saved.manifest.resolved
    root = first.get("root")
    if not others:
        if not root:
            return []
        return [page] if (page := _differing(_name(root), root, _name(first["scenario"]), first["scenario"])) else []
    pages = (
        _differing(_name(first["scenario"]), first["scenario"], _name(other["scenario"]), other["scenario"])
        for other in others
    )
    return [page for page in pages if page]


def differs_between(every: Sequence[Saved]) -> list[Page]:
    """The first scenario of each result against that of the first result that has one."""
    scenarios = [saved.manifest.resolved[0]["scenario"] for saved in every if saved.manifest.resolved]
    pages = [_differing(_name(scenarios[0]), scenarios[0], _name(other), other) for other in scenarios[1:]]
    return [page for page in pages if page]


def varied(saved: Saved) -> Page | None:
    """The paths that a study varies, with their values."""
    design = saved.manifest.design
    axes = design.get("axes") or ([design["axis"]] if "axis" in design else [])
    rows = [(str(axis.get("path", "")), _values(axis)) for axis in axes if isinstance(axis, dict)]
    return table_of_words("What is varied", ("what", "values"), rows) if rows else None


def provenance_page(manifest: Manifest) -> Page:
    """What was run, with what: enough to know it again."""
    return table_of_words("What was run", ("what", "value"), list(_manifest_rows(manifest)))


def repeated_by(saved: Saved) -> str:
    """The command that gives the same digits again."""
    return f"funnelsim {saved.manifest.kind} {shlex.quote(f'{saved.folder.name}/manifest.json')}"


def _manifest_rows(manifest: Manifest) -> Iterator[tuple[str, str]]:
    yield "command", shlex.join(manifest.command)
    yield "name", manifest.name
    yield "replications", f"{manifest.replications:,}"
    yield "seed", str(manifest.seed)
    yield "engine", manifest.engine
    yield "scenario", manifest.scenario_hash
    yield "plan", manifest.plan
    yield "digits", manifest.digest
    for key, value in manifest.design.items():
        yield f"design: {key}", _short(value)
    for key, value in manifest.times.items():
        yield f"time: {key}", _short(value)
    for package, version in manifest.versions.items():
        yield f"version of {package}", version
    for file, digest in manifest.data.items():
        yield f"sha256 of {file}", digest
    for kind, digest in manifest.presets.items():
        yield f"sha256 of the presets of {kind}", digest


def _differing(base_name: str, base: dict[str, Any], other_name: str, other: dict[str, Any]) -> Page | None:
    found: list[KeyDifference] = key_differences(base, other)
    rows = [(one.path, one.nature, _cut(one.base), _cut(one.other)) for one in found]
    if not rows:
        return None
    return table_of_words(f"{other_name} against {base_name}", ("what", "nature", base_name, other_name), rows)


def _name(scenario: dict[str, Any]) -> str:
    return str(scenario.get("name") or "the scenario")


def _values(axis: dict[str, Any]) -> str:
    if axis.get("values"):
        return _cut(", ".join(map(str, axis["values"])))
    return f"{axis.get('low')} to {axis.get('high')}"


def _short(value: Any) -> str:
    return _cut(value if isinstance(value, str) else str(value))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."
