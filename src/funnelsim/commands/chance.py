"""chance: what is the chance of the goal now? What `funnelsim seek` answers when nothing is varied.

results/chance-<name>-<hash>/
    chance.csv, chance.json     the chance with its three spreads
    manifest.json, answer.txt
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelsim import manifest as manifests
from funnelsim.commands.persistence import cluster_executor, nan_to_none, point_store, preflight, provenance, save
from funnelsim.commands.rerun import check_reproduced, goal_from_json, goal_to_json, reject_overrides
from funnelsim.commands.study_inputs import parse_booked, required_goal
from funnelsim.commands.study_result import StudyResult
from funnelsim.errors import UsageError
from funnelsim.manifest import Manifest, manifest_at
from funnelsim.progress import Progress
from funnelsim.scenario.template import ScenarioTemplate
from funnelsim.study.anchor import from_json, to_json
from funnelsim.study.seek.chance import GoalChance, GoalChanceSpec
from funnelsim.study.seek.chance import goal_chance as study_goal_chance
from funnelsim.study.study_file import is_study

if TYPE_CHECKING:
    import polars as pl

REPLICATIONS = 200


class ChanceResult(StudyResult[GoalChance]):
    """A chance, and where it is saved."""

    command = "chance"

    def __repr__(self) -> str:
        return (
            f"<Chance of {self.manifest.name!r}: {self.result.spec.goal.text}, {self.result.replications} periods, "
            f"seed {self.manifest.seed}>"
        )

    def report(self, verbose: int = 0, width: int = 0) -> str:
        """The text of a chance, which is short whatever is asked."""
        from funnelsim.reporting.chance.report import chance_report

        return chance_report(self.result)

    def frame(self) -> pl.DataFrame:
        """The chance and what the goal is about: a row a spread, by what it is of."""
        import polars as pl

        return pl.DataFrame(list(_rows(self.result)), infer_schema_length=None)

    def tables(self) -> dict[str, pl.DataFrame]:
        """The chance with its spreads."""
        return {"chance.csv": self.frame()}

    def as_data(self) -> dict[str, Any]:
        """Plain data, as `--json` prints it; each interval by what it is of."""
        result, value = self.result, self.result.value
        return {
            "name": self.manifest.name,
            "goal": result.spec.goal.text,
            "chance": result.chance,
            "simulation_error": _interval(result.low, result.high),
            "chance_by_ignorance": _interval(result.worse, result.better),
            "chance_were_all_known": result.known[0] if result.known else None,
            "value": {
                "measure": result.spec.goal.measure,
                "unit": result.unit,
                "mean": nan_to_none(value.mean),
                "simulation_error": _interval(value.mean - value.error, value.mean + value.error),
                "one_period": _interval(value.period_low, value.period_high),
                "ignorance": _interval(value.low, value.high) if result.known else None,
            },
            "replications": result.replications,
            "draws": result.draws,
            "leads_in_flight": result.in_flight,
            "utilisation": result.busy,
            "digest": self.manifest.digest,
            "folder": str(self.folder) if self.folder else None,
        }


def goal_chance(
    file: str | Path,
    *,
    goal: str | None = None,
    booked: str | float | None = None,
    overrides: Sequence[str] = (),
    replications: int | None = None,
    seed: int | None = None,
    engine: str | None = None,
    threads: int | None = None,
    cluster: str | None = None,
    out: str | Path | None = "results",
    command: Sequence[str] = (),
    progress: Progress | None = None,
) -> ChanceResult:
    """The chance of a goal as things are; or repeat that from its manifest."""
    progress = progress or Progress()
    repeated = manifest_at(Path(file), "seek")
    if repeated is not None:
        if "axis" in repeated.design:
            raise UsageError("this is the manifest of a search through a range: give it to `seek`")
        reject_overrides(goal, booked, overrides, replications, seed, engine)
        asked, name = _spec_from_manifest(repeated), repeated.name
    else:
        template = ScenarioTemplate(str(file), overrides)
        scenario = template.loaded.scenario
        wanted = replace(required_goal(goal or "", template), booked=parse_booked(booked))
        asked = GoalChanceSpec(
            template, wanted, replications or REPLICATIONS, scenario.seed if seed is None else seed, engine or "fast"
        )
        name = scenario.name or Path(file).stem
    preflight(out, [asked.template.loaded], asked.engine, progress)
    began = datetime.now(UTC)
    with cluster_executor(cluster) as executor:
        result = study_goal_chance(asked, point_store(out), executor, threads, progress)
    progress.clear()
    manifest = _manifest(result, name, began, list(command) or ["funnelsim", "seek", str(file)])
    return save(ChanceResult(result, check_reproduced(manifest, repeated, progress)), out, ())


def varies_nothing(file: str | Path, vary: Sequence[str]) -> bool:
    """Whether the chance itself is asked: no range here, in a study file, or in the manifest that is repeated."""
    if vary or is_study(str(file)):
        return False
    repeated = manifest_at(Path(file), "seek")
    return repeated is None or "axis" not in repeated.design


def _spec_from_manifest(manifest: Manifest) -> GoalChanceSpec:
    goal = goal_from_json(manifest.design["goal"])
    assert goal is not None
    return GoalChanceSpec(
        ScenarioTemplate.of_resolved(manifest.resolved[0]),
        goal,
        manifest.replications,
        manifest.seed,
        manifest.engine,
        from_json(manifest.anchor[0]),
    )


def _manifest(result: GoalChance, name: str, began: datetime, command: list[str]) -> Manifest:
    asked = result.spec
    assert asked.anchor is not None
    figures = json.dumps([result.chance, result.low, result.high, asdict(result.value), result.known, result.busy])
    return Manifest(
        kind="seek",
        name=name,
        command=command,
        plan=manifests.hash_of(result.keys),
        seed=asked.seed,
        replications=result.replications,
        engine=asked.engine,
        digest=hashlib.sha256(figures.encode()).hexdigest(),
        book={"currency": result.currency},
        anchor=[to_json(asked.anchor)],
        design={"goal": goal_to_json(asked.goal)},
        **provenance([asked.template.loaded], began),
    )


def _rows(result: GoalChance) -> Iterator[dict[str, Any]]:
    """Each figure with one of the three spreads; null where nothing is left open in the scenario."""
    goal, value = result.spec.goal, result.value
    known = result.known
    certain, least, most = known or (None, None, None)
    figures = [
        (f"chance of {goal.text}", "share", result.chance, result.low, result.high, "simulation error"),
        (
            f"chance of {goal.text}",
            "share",
            None,
            result.worse if known else None,
            result.better if known else None,
            "what is not known",
        ),
        (f"chance of {goal.text}, were all known", "share", certain, least, most, "simulation error"),
        (goal.measure, result.unit, value.mean, value.mean - value.error, value.mean + value.error, "simulation error"),
        (
            goal.measure,
            result.unit,
            None,
            value.low if known else None,
            value.high if known else None,
            "what is not known",
        ),
        (goal.measure, result.unit, None, value.period_low, value.period_high, "one period"),
    ]
    for what, unit, middle, low, high, spread in figures:
        yield {
            "what": what,
            "unit": unit,
            "value": nan_to_none(middle),
            "low": nan_to_none(low),
            "high": nan_to_none(high),
            "spread": spread,
        }


def _interval(low: float, high: float) -> list[float | None]:
    return [nan_to_none(low), nan_to_none(high)]
