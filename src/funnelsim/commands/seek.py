"""seek: a scenario, a study file or a manifest to an answer, saved whole with its curve.

results/seek-<name>-<hash>/
    manifest.json
    seek.csv            the points that were run: chance with its interval, mean, one period, utilisation
    seek.json           the answers
    chance.png, .svg
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
from funnelsim.commands.rerun import (
    axis_from_json,
    axis_to_json,
    check_reproduced,
    goal_from_json,
    goal_to_json,
    reject_overrides,
)
from funnelsim.commands.study_inputs import parse_booked, required_goal, study_from_args
from funnelsim.commands.study_result import StudyResult
from funnelsim.errors import UsageError
from funnelsim.manifest import Manifest, manifest_at
from funnelsim.progress import Progress
from funnelsim.reporting.common.figure_formats import Figures, formats_of
from funnelsim.scenario.template import ScenarioTemplate
from funnelsim.study.anchor import from_json, to_json
from funnelsim.study.point import RunSize
from funnelsim.study.seek.seek import SeekAnswer, SeekPoint, SeekSpec
from funnelsim.study.seek.seek import seek as study_seek

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure

REPLICATIONS = 100
CHANCE = 0.8


class SeekResult(StudyResult[SeekAnswer]):
    """A finished search, and where it is saved."""

    command = "seek"

    def __repr__(self) -> str:
        path, goal = self.result.spec.axis.path, self.result.spec.goal.text
        return (
            f"<Search of {self.manifest.name!r}: {path} for {goal}, {len(self.result.points)} points, "
            f"seed {self.manifest.seed}>"
        )

    def report(self, verbose: int = 0, width: int = 0) -> str:
        """The text of a search."""
        from funnelsim.reporting.seek.report import seek_report

        return seek_report(self.result, verbose, width)

    def frame(self) -> pl.DataFrame:
        """A row a point that was run, as seek.csv: chance with its 90 % limits, mean, one period, utilisation."""
        import polars as pl

        return pl.DataFrame([_row(node) for node in self.result.points], infer_schema_length=None)

    def tables(self) -> dict[str, pl.DataFrame]:
        """The points."""
        return {"seek.csv": self.frame()}

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """The figures of the folder."""
        from funnelsim.reporting.seek.figures import seek_figures

        return seek_figures(self.result)

    def as_data(self) -> dict[str, Any]:
        """Plain data, as `--json` prints it; null where there is no answer within the range."""
        result = self.result
        binding = result.binding
        answers = {"answer": result.answer, "mean_answer": result.mean, "answer_were_all_known": result.known}
        return {
            "name": self.manifest.name,
            "vary": result.spec.axis.path,
            "goal": result.spec.goal.text,
            "chance": result.spec.chance,
            "met": result.met,
            "smallest": result.more_helps,
            **{
                name: {key: nan_to_none(value) for key, value in asdict(one).items()} if one else None
                for name, one in answers.items()
            },
            "cost_of_ignorance": dict(zip(("x", "low", "high"), map(nan_to_none, result.cost), strict=True)),
            "chance_at_mean_answer": nan_to_none(result.chance_at_mean),
            "replications": result.replications,
            "leads_in_flight": result.in_flight,
            "busiest": {
                "team": binding[0],
                "utilisation": binding[1],
                "full_at": binding[2].text if binding[2] else None,
            }
            if binding
            else None,
            "points": [_row(node) for node in result.points],
            "digest": self.manifest.digest,
            "folder": str(self.folder) if self.folder else None,
        }


def seek(
    file: str | Path,
    *,
    vary: Sequence[str] = (),
    goal: str | None = None,
    chance: float | None = None,
    booked: str | float | None = None,
    overrides: Sequence[str] = (),
    replications: int | None = None,
    precision: float | None = None,
    seed: int | None = None,
    engine: str | None = None,
    threads: int | None = None,
    cluster: str | None = None,
    out: str | Path | None = "results",
    figures: Figures = True,
    command: Sequence[str] = (),
    progress: Progress | None = None,
) -> SeekResult:
    """Seek the smallest value of one path that meets a goal with a chance; or repeat a search from its manifest.

    `booked` is what counts towards the goal already, outside the run. `precision` is half the interval of the answer,
    relative to it. Points are kept in `out`/points and never run twice.
    """
    progress, formats = progress or Progress(), formats_of(figures)
    repeated = manifest_at(Path(file), "seek")
    if repeated is not None:
        if "axis" not in repeated.design:
            raise UsageError("this is the manifest of a chance with nothing varied: give it to `chance`")
        reject_overrides(vary, overrides, goal, chance, booked, replications, precision, seed, engine)
        question, name = _spec_from_manifest(repeated), repeated.name
    else:
        question, name = _spec(
            file, vary, goal, chance, booked, overrides, _size(replications, precision), seed, engine
        )
    preflight(out, [question.template.loaded], question.engine, progress)
    began = datetime.now(UTC)
    with cluster_executor(cluster) as executor:
        result = study_seek(question, point_store(out), executor, threads, progress)
    progress.clear()
    manifest = _manifest(result, name, began, list(command) or ["funnelsim", "seek", str(file)])
    return save(SeekResult(result, check_reproduced(manifest, repeated, progress)), out, formats)


def _size(replications: int | None, precision: float | None) -> RunSize | None:
    if replications is None and precision is None:
        return None
    if precision is not None and not 0.0 < precision < 1.0:
        raise UsageError("--precision must lie between 0 % and 100 %")
    return RunSize(replications or REPLICATIONS, precision)


def _spec(
    file: str | Path,
    vary: Sequence[str],
    goal: str | None,
    chance: float | None,
    booked: str | float | None,
    overrides: Sequence[str],
    size: RunSize | None,
    seed: int | None,
    engine: str | None,
) -> tuple[SeekSpec, str]:
    asked = study_from_args(file, (), vary, overrides)
    if len(asked.axes) != 1 or len(asked.scenarios) != 1:
        raise UsageError("seek varies one path of one scenario: for more there is sweep")
    template = ScenarioTemplate(asked.scenarios[0], asked.overrides)
    wanted = required_goal(goal or asked.goal, template)
    chance = next(one for one in (chance, asked.chance, CHANCE) if one is not None)
    if not 0.0 < chance < 1.0:
        raise UsageError("--chance must lie between 0 % and 100 %: nothing is certain")
    seed = next(one for one in (seed, asked.seed, template.loaded.scenario.seed) if one is not None)
    size = size or RunSize(asked.replications or REPLICATIONS, asked.precision)
    return SeekSpec(
        template, asked.axes[0], replace(wanted, booked=parse_booked(booked)), chance, size, seed, engine or "fast"
    ), asked.name or template.loaded.scenario.name or Path(file).stem


def _spec_from_manifest(manifest: Manifest) -> SeekSpec:
    """The question that a manifest holds."""
    design = manifest.design
    goal = goal_from_json(design["goal"])
    assert goal is not None
    return SeekSpec(
        ScenarioTemplate.of_resolved(manifest.resolved[0]),
        axis_from_json(design["axis"]),
        goal,
        design["chance"],
        RunSize(**design["size"]),
        manifest.seed,
        manifest.engine,
        tuple(from_json(one) for one in manifest.anchor),
    )


def _manifest(result: SeekAnswer, name: str, began: datetime, command: list[str]) -> Manifest:
    question = result.spec
    rows = json.dumps([_row(node) for node in result.points])
    return Manifest(
        kind="seek",
        name=name,
        command=command,
        plan=manifests.hash_of(result.keys),
        seed=question.seed,
        replications=result.replications,
        engine=question.engine,
        digest=hashlib.sha256(rows.encode()).hexdigest(),
        book={"currency": result.currency},
        anchor=[to_json(anchor) for anchor in question.anchors],
        design={
            "axis": axis_to_json(question.axis),
            "goal": goal_to_json(question.goal),
            "chance": question.chance,
            "size": asdict(question.size),
        },
        **provenance([question.template.loaded], began),
    )


def _row(node: SeekPoint) -> dict[str, Any]:
    """A point that was run; utilisation a column a team."""
    named = {
        key: nan_to_none(value) if isinstance(value, float) else value
        for key, value in asdict(node).items()
        if key != "busy"
    }
    return named | {f"utilisation {team}": share for team, share in node.busy.items()}
