"""The manifest of a run: all that is needed to repeat it bit for bit, and to know what it rests on.

Format 1 is a JSON object with the keys of `Manifest`; a reader refuses formats it does not know. `digest` is the hash
of every number that was counted, so a rerun can prove itself.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from funnelsim.bounded_files import MANIFEST, FileRefused, check_depth, decode, read_bytes
from funnelsim.errors import DataError, Problem, UsageError
from funnelsim.summary import Summary

FORMAT = 1
FILE = "manifest.json"
MOST = 2**63 - 1
NOUNS = {str: "text", int: "whole number", list: "list", dict: "mapping"}
SHAPES: dict[str, tuple[type, type | None]] = {  # fields of Manifest that are no text, and what is in them
    "command": (list, str),
    "resolved": (list, dict),
    "seed": (int, None),
    "replications": (int, None),
    "book": (dict, None),
    "anchor": (list, dict),
    "design": (dict, None),
    "beliefs": (dict, list),
    "data": (dict, str),
    "presets": (dict, str),
    "versions": (dict, str),
    "times": (dict, None),
    "warnings": (list, str),
    "format": (int, None),
}
PACKAGES = ("funnelsim", "numpy", "numba", "simpy", "scipy", "polars")


@dataclass(frozen=True)
class Manifest:
    """What was run, with what, and what came out."""

    kind: str  # the command, such as "run" or "compare"
    name: str
    command: list[str]
    resolved: list[dict[str, Any]]  # each scenario with all it extends, and its root
    plan: str  # fingerprint of the compiled numbers
    seed: int
    replications: int  # of a run: numbers 0 to this - 1; of a comparison: draws x pairs
    engine: str
    digest: str  # of the counts of all replications
    book: dict[str, Any]  # names, currency and start of the numbers in the tables
    anchor: list[dict[str, Any]] = field(default_factory=list)  # the intercepts of each root scenario
    design: dict[str, Any] = field(default_factory=dict)  # of a comparison
    beliefs: dict[str, list[float]] = field(default_factory=dict)  # ranges drawn, one draw a replication
    data: dict[str, str] = field(default_factory=dict)  # sha256 by file
    presets: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    times: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    format: int = FORMAT

    @property
    def scenario_hash(self) -> str:
        """Hash of the resolved scenario."""
        return hash_of(self.resolved)

    @property
    def short_hash(self) -> str:
        """Names the results folder: equal plan, seed, replications and engine give equal results."""
        return hash_of([self.kind, self.plan, self.seed, self.replications, self.engine, self.design])[:10]

    def text(self) -> str:
        """As JSON, for people to read."""
        return json.dumps(asdict(self) | {"scenario": self.scenario_hash}, indent=1, ensure_ascii=False, default=str)


def manifest_at(path: Path, kind: str) -> Manifest | None:
    """The manifest when a path leads to one, and not to a scenario; UsageError when it is of the other command."""
    if path.suffix != ".json" and not (path / FILE).is_file():
        return None
    found = read(path)
    if found.kind != kind:
        raise UsageError(f"{path} is the manifest of `{found.kind}`: repeat it with `funnelsim {found.kind} {path}`")
    return found


def read(path: Path) -> Manifest:
    """The manifest in a file, or of a results folder; DataError when it is none."""
    file = path / FILE if path.is_dir() else path
    try:
        text = decode(read_bytes(file, MANIFEST))
        check_depth(text)
        data = json.loads(text, parse_constant=_no_number)
    except OSError as error:
        raise DataError([Problem(str(file), text=error.strerror or str(error))]) from None
    except FileRefused as refused:
        raise DataError([Problem(str(file), refused.line, refused.column, (), refused.text, refused.hint)]) from None
    except ValueError:
        raise DataError([Problem(str(file), text="this is not JSON: the file is damaged or no manifest")]) from None
    known = {one.name for one in fields(Manifest)}
    needed = {one.name for one in fields(Manifest) if one.default is MISSING and one.default_factory is MISSING}
    if not isinstance(data, dict) or "format" not in data:
        raise DataError([Problem(str(file), text="this is no funnelsim manifest: it has no format")])
    if data["format"] != FORMAT:
        text = f"format {data['format']} of the manifest is not known to this version, which reads format {FORMAT}"
        raise DataError([Problem(str(file), text=text)])
    if missing := sorted(needed - data.keys()):
        raise DataError([Problem(str(file), text=f"the manifest lacks {', '.join(missing)}")])
    if damaged := _damages(data):
        raise DataError([Problem(str(file), text=one) for one in damaged], str(file))
    return Manifest(**{key: value for key, value in data.items() if key in known})


def _damages(data: dict[str, Any]) -> list[str]:
    """What has another type than the fields of Manifest, with its path."""
    found = []
    for one in fields(Manifest):
        if one.name in data:
            value, (kind, inner) = data[one.name], SHAPES.get(one.name, (str, None))
            if not _is(value, kind):
                found.append(f"{one.name} is no {NOUNS[kind]}")
            elif inner is not None:
                pairs = value.items() if isinstance(value, dict) else enumerate(value)
                found += [f"{one.name}.{key} is no {NOUNS[inner]}" for key, part in pairs if not _is(part, inner)]
    for key, least in (("seed", 0), ("replications", 1)):
        if _is(data.get(key), int) and not least <= data[key] <= MOST:
            found.append(f"{key} is {data[key]}, not a number from {least} to {MOST}")
    # a back-test is of a history, not of a scenario
    if _is(data.get("resolved"), list) and not data["resolved"] and data.get("kind") != "backtest":
        found.append("resolved is empty: it holds no scenario")
    return found


def _is(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))


def _no_number(word: str) -> Any:
    raise ValueError(word)


def digest_of(summaries: Sequence[Summary]) -> str:
    """Hash of every count of every replication."""
    digest = hashlib.sha256()
    for summary in summaries:
        for table in summary:
            digest.update(np.ascontiguousarray(table).tobytes())
    return digest.hexdigest()


def hash_of(data: Any) -> str:
    """Hash of plain data, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()


def hashes(files: Iterable[Path]) -> dict[str, str]:
    """sha256 of files that are there, by the name they were given."""
    return {file.as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()}


def preset_hashes() -> dict[str, str]:
    """Of the tables of knowledge that ship with funnelsim."""
    folder = Path(__file__).parent / "scenario" / "presets"
    return {file.stem: next(iter(hashes([file]).values())) for file in sorted(folder.glob("*.yaml"))}


def versions(*optional: str) -> dict[str, str]:
    """Of Python and of all packages that have a part in the numbers; `optional` ones that had a part in these."""
    found = {"python": platform.python_version()}
    for package in (*PACKAGES, *optional):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found
