"""What the commands of studies share around their method: what is noted before, where points are kept, what is left.

results/points/ab/<hash>.json       each finished point, at once; shared by all studies that are saved here
results/<command>-<name>-<hash>/    when all are done, whole or not at all
    manifest.json
    answer.txt                      what the command prints
    <command>.json                  what it prints with --json
    *.csv, *.parquet, *.png, *.svg  its tables and figures
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from funnelsim import manifest as manifests
from funnelsim.atomic_io import atomic_folder, check_writable
from funnelsim.commands.study_result import StudyResult
from funnelsim.engine.jit import is_compiled
from funnelsim.progress import Progress
from funnelsim.result import ANSWER, slug, write_bytes, write_parquet
from funnelsim.scenario import Loaded
from funnelsim.study.cluster import cluster
from funnelsim.study.point_store import PointStore

POINTS = "points"
Done = TypeVar("Done", bound=StudyResult[Any])


def preflight(out: str | Path | None, scenarios: Iterable[Loaded], engine: str, progress: Progress) -> None:
    """Before anything runs: results can be written, warnings are told, and so is the wait for the compiler."""
    if out is not None:
        check_writable(Path(out))
    for text in dict.fromkeys(str(one) for each in scenarios for one in each.warnings if one.severity == "warning"):
        progress.note(text)
    if engine == "fast" and not is_compiled():
        progress.note("compiling the engine (once)")


def point_store(out: str | Path | None) -> PointStore:
    """Where finished points are kept, never to be run again; in memory alone when nothing is saved."""
    return PointStore(Path(out) / POINTS if out is not None else None)


def cluster_executor(address: str | None) -> Any:
    """A cluster while it is used; none = threads here."""
    return cluster(address) if address else nullcontext()


def provenance(scenarios: Sequence[Loaded], began: datetime, *packages: str, **times: Any) -> dict[str, Any]:
    """The part of a manifest that says what a study rests on: scenarios, files, presets, versions, times.

    `packages` are optional ones that had a part in the numbers, `times` more of what is counted, by its name.
    """
    ended = datetime.now(UTC)
    return {
        "resolved": [one.resolved for one in scenarios],
        "data": manifests.hashes(Path(file) for one in scenarios for file in one.files),
        "presets": manifests.preset_hashes() if scenarios else {},
        "versions": manifests.versions(*packages),
        "warnings": list(dict.fromkeys(str(problem) for one in scenarios for problem in one.warnings)),
        "times": {
            "began": began.isoformat(),
            "ended": ended.isoformat(),
            "seconds": (ended - began).total_seconds(),
            **times,
        },
    }


def save(done: Done, out: str | Path | None, formats: Sequence[str]) -> Done:
    """The study with its folder, written whole; `out` None saves nothing. RunError when the disk is full."""
    if out is None:
        return done
    name = f"{done.command}-{slug(done.manifest.name)}-{done.manifest.short_hash}"
    done = replace(done, folder=Path(out) / name)
    with atomic_folder(Path(out), name) as draft:
        write_bytes(draft.path / manifests.FILE, done.manifest.text().encode())
        write_bytes(draft.path / ANSWER, done.report().encode())
        write_bytes(
            draft.path / f"{done.command}.json",
            json.dumps(done.as_data(), indent=1, ensure_ascii=False, default=str).encode(),
        )
        for file, table in done.tables().items():
            if file.endswith(".parquet"):
                write_parquet(draft.path / file, table)
            else:
                write_bytes(draft.path / file, table.write_csv().encode())
        if formats:
            from funnelsim.reporting.common.drawing import save_all

            save_all(done.figures(), draft.path, formats)
    return done


def nan_to_none(value: float | None) -> float | None:
    """A number as JSON and tables can hold it: null for what does not exist."""
    return value if value is not None and math.isfinite(value) else None
