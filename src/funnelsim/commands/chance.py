"""chance: what is the chance of the goal now? What `funnelsim seek` answers when nothing is varied.

    results/chance-<name>-<hash>/
        manifest.json
        chance.json         the chance with its three spreads
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from funnelsim import manifest as manifests
from funnelsim.commands.seek import booked_amount, wanted_goal
from funnelsim.commands.sweep import POINTS, executor_on, goal_data, goal_of_data, same_digits
from funnelsim.engine.jit import is_compiled
from funnelsim.errors import UsageError
from funnelsim.folder import check_writable, written_whole
from funnelsim.manifest import Manifest, manifest_at
from funnelsim.result import put, slug
from funnelsim.scenario.varying import Template
from funnelsim.study.anchor import from_json, to_json
from funnelsim.study.seek.chance import Asked, Chance
from funnelsim.study.seek.chance import chance as study_chance
from funnelsim.study.store import Store
from funnelsim.study.study_file import is_study
from funnelsim.watch import Watch

REPLICATIONS = 200


@dataclass(frozen=True)
class Told:
    """A chance, and where it is saved."""

    found: Chance
    manifest: Manifest
    folder: Path | None = None

    def as_data(self) -> dict[str, Any]:
        """Plain data, as `--json` prints it; each interval by what it is of."""
        found, value = self.found, self.found.value
        return {
            "name": self.manifest.name, "goal": found.asked.goal.text, "chance": found.chance,
            "simulation_error": _interval(found.low, found.high),
            "chance_by_ignorance": _interval(found.worse, found.better),
            "chance_were_all_known": found.known[0] if found.known else None,
            "value": {"measure": found.asked.goal.measure, "unit": found.unit, "mean": _plain(value.mean),
                      "simulation_error": _interval(value.mean - value.error, value.mean + value.error),
                      "one_period": _interval(value.least, value.most),
                      "ignorance": _interval(value.low, value.high) if found.known else None},
            "replications": found.replications, "draws": found.draws, "leads_in_flight": found.in_flight,
            "utilisation": found.busy, "digest": self.manifest.digest,
            "folder": str(self.folder) if self.folder else None,
        }


def chance(file: str | Path, *, goal: str | None = None, booked: str | float | None = None, sets: Sequence[str] = (),
           replications: int | None = None, seed: int | None = None, engine: str | None = None,
           threads: int | None = None, cluster: str | None = None, out: str | Path | None = "results",
           command: Sequence[str] = (), watch: Watch | None = None) -> Told:
    """The chance of a goal as things are; or repeat that from its manifest."""
    watch = watch or Watch()
    repeated = manifest_at(Path(file), "seek")
    if repeated is not None:
        if "axis" in repeated.design:
            raise UsageError("this is the manifest of a search through a range: give it to `seek`")
        if sets or any(one is not None for one in (goal, booked, replications, seed, engine)):
            raise UsageError("a manifest is repeated as it is: leave out options that change numbers")
        asked, name = _asked_of(repeated), repeated.name
    else:
        template = Template(str(file), sets)
        scenario = template.loaded.scenario
        wanted = replace(wanted_goal(goal or "", template), booked=booked_amount(booked))
        asked = Asked(template, wanted, replications or REPLICATIONS, scenario.seed if seed is None else seed,
                      engine or "fast")
        name = scenario.name or Path(file).stem
    if out is not None:
        check_writable(Path(out))
    for text in dict.fromkeys(str(one) for one in asked.template.loaded.warnings if one.severity == "warning"):
        watch.note(text)
    if asked.engine == "fast" and not is_compiled():
        watch.note("compiling the engine (once)")
    began = datetime.now(UTC)
    with executor_on(cluster) as executor:
        found = study_chance(asked, Store(Path(out) / POINTS if out is not None else None), executor, threads, watch)
    watch.clear()
    done = Told(found, _manifest(found, name, began, list(command) or ["funnelsim", "seek", str(file)]))
    if repeated is not None:
        done = replace(done, manifest=same_digits(done.manifest, repeated))
        watch.note("the same digits as before")
    return _saved(done, Path(out)) if out is not None else done


def varies_nothing(file: str | Path, vary: Sequence[str]) -> bool:
    """Whether the chance itself is asked: no range here, in a study file, or in the manifest that is repeated."""
    if vary or is_study(str(file)):
        return False
    repeated = manifest_at(Path(file), "seek")
    return repeated is None or "axis" not in repeated.design


def _asked_of(manifest: Manifest) -> Asked:
    goal = goal_of_data(manifest.design["goal"])
    assert goal is not None
    return Asked(Template.of_resolved(manifest.resolved[0]), goal, manifest.replications, manifest.seed,
                 manifest.engine, from_json(manifest.anchor[0]))


def _manifest(found: Chance, name: str, began: datetime, command: list[str]) -> Manifest:
    asked, ended = found.asked, datetime.now(UTC)
    loaded = asked.template.loaded
    assert asked.anchor is not None
    figures = json.dumps([found.chance, found.low, found.high, asdict(found.value), found.known, found.busy])
    return Manifest(
        kind="seek", name=name, command=command, resolved=[loaded.resolved], plan=manifests.hash_of(found.keys),
        seed=asked.seed, replications=found.replications, engine=asked.engine,
        digest=hashlib.sha256(figures.encode()).hexdigest(), book={"currency": found.currency},
        anchor=[to_json(asked.anchor)], design={"goal": goal_data(asked.goal)},
        data=manifests.hashes(map(Path, loaded.files)), presets=manifests.preset_hashes(),
        versions=manifests.versions(), warnings=[str(problem) for problem in loaded.warnings],
        times={"began": began.isoformat(), "ended": ended.isoformat(), "seconds": (ended - began).total_seconds()})


def _saved(done: Told, out: Path) -> Told:
    name = f"chance-{slug(done.manifest.name)}-{done.manifest.identity}"
    done = replace(done, folder=out / name)
    with written_whole(out, name) as draft:
        put(draft.path / "manifest.json", done.manifest.text().encode())
        put(draft.path / "chance.json", json.dumps(done.as_data(), indent=1, ensure_ascii=False).encode())
    return done


def _interval(low: float, high: float) -> list[float | None]:
    return [_plain(low), _plain(high)]


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
