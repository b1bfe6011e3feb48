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
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelsim import manifest as manifests
from funnelsim.commands.persistence import executor_on, finite, papers, points_in, ready, saved
from funnelsim.commands.rerun import axis_data, axis_of, goal_data, goal_of_data, refuse_changes, same_digits
from funnelsim.commands.study_inputs import asked_in, booked_amount, wanted_goal
from funnelsim.commands.study_result import StudyResult
from funnelsim.errors import UsageError
from funnelsim.manifest import Manifest, manifest_at
from funnelsim.progress import Progress
from funnelsim.reporting.common.figure_formats import Figures, formats_of
from funnelsim.scenario.template import Template
from funnelsim.study.anchor import from_json, to_json
from funnelsim.study.point import RunSize
from funnelsim.study.seek.seek import SeekAnswer, SeekPoint, SeekSpec
from funnelsim.study.seek.seek import seek as study_seek

if TYPE_CHECKING:
    import polars as pl

REPLICATIONS = 100
CHANCE = 0.8


class SeekResult(StudyResult[SeekAnswer]):
    """A finished search, and where it is saved."""

    what = "seek"

    def __repr__(self) -> str:
        path, goal = self.found.spec.axis.path, self.found.spec.goal.text
        return (
            f"<Search of {self.manifest.name!r}: {path} for {goal}, {len(self.found.points)} points, "
            f"seed {self.manifest.seed}>"
        )

    def report(self, verbose: int = 0, width: int = 0) -> str:
        """The text of a search."""
        from funnelsim.reporting.seek.report import seek_report

        return seek_report(self.found, verbose, width)

    def frame(self) -> pl.DataFrame:
        """A row a point that was run, as seek.csv: chance with its 90 % limits, mean, one period, utilisation."""
        import polars as pl

        return pl.DataFrame([_row(node) for node in self.found.points], infer_schema_length=None)

    def tables(self) -> dict[str, pl.DataFrame]:
        """The points."""
        return {"seek.csv": self.frame()}

    def as_data(self) -> dict[str, Any]:
        """Plain data, as `--json` prints it; null where there is no answer within the range."""
        found = self.found
        binding = found.binding
        answers = {"answer": found.answer, "mean_answer": found.mean, "answer_were_all_known": found.known}
        return {
            "name": self.manifest.name,
            "vary": found.spec.axis.path,
            "goal": found.spec.goal.text,
            "chance": found.spec.chance,
            "met": found.met,
            "smallest": found.more_helps,
            **{
                name: {key: finite(value) for key, value in asdict(one).items()} if one else None
                for name, one in answers.items()
            },
            "cost_of_ignorance": dict(zip(("x", "low", "high"), map(finite, found.cost), strict=True)),
            "chance_at_mean_answer": finite(found.chance_at_mean),
            "replications": found.replications,
            "leads_in_flight": found.in_flight,
            "busiest": {
                "team": binding[0],
                "utilisation": binding[1],
                "full_at": binding[2].text if binding[2] else None,
            }
            if binding
            else None,
            "points": [_row(node) for node in found.points],
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
    sets: Sequence[str] = (),
    replications: int | None = None,
    precision: float | None = None,
    seed: int | None = None,
    engine: str | None = None,
    threads: int | None = None,
    cluster: str | None = None,
    out: str | Path | None = "results",
    figures: Figures = True,
    command: Sequence[str] = (),
    watch: Progress | None = None,
) -> SeekResult:
    """Seek the smallest value of one path that meets a goal with a chance; or repeat a search from its manifest.

    `booked` is what counts towards the goal already, outside the run. `precision` is half the interval of the answer,
    relative to it. Points are kept in `out`/points and never run twice.
    """
    watch, formats = watch or Progress(), formats_of(figures)
    repeated = manifest_at(Path(file), "seek")
    if repeated is not None:
        if "axis" not in repeated.design:
            raise UsageError("this is the manifest of a chance with nothing varied: give it to `chance`")
        refuse_changes(vary, sets, goal, chance, booked, replications, precision, seed, engine)
        question, name = _question_of(repeated), repeated.name
    else:
        question, name = _question(file, vary, goal, chance, booked, sets, _size(replications, precision), seed, engine)
    ready(out, [question.template.loaded], question.engine, watch)
    began = datetime.now(UTC)
    with executor_on(cluster) as executor:
        found = study_seek(question, points_in(out), executor, threads, watch)
    watch.clear()
    manifest = _manifest(found, name, began, list(command) or ["funnelsim", "seek", str(file)])
    return saved(SeekResult(found, same_digits(manifest, repeated, watch)), out, formats)


def _size(replications: int | None, precision: float | None) -> RunSize | None:
    if replications is None and precision is None:
        return None
    if precision is not None and not 0.0 < precision < 1.0:
        raise UsageError("--precision must lie between 0 % and 100 %")
    return RunSize(replications or REPLICATIONS, precision)


def _question(
    file: str | Path,
    vary: Sequence[str],
    goal: str | None,
    chance: float | None,
    booked: str | float | None,
    sets: Sequence[str],
    size: RunSize | None,
    seed: int | None,
    engine: str | None,
) -> tuple[SeekSpec, str]:
    asked = asked_in(file, (), vary, sets)
    if len(asked.axes) != 1 or len(asked.scenarios) != 1:
        raise UsageError("seek varies one path of one scenario: for more there is sweep")
    template = Template(asked.scenarios[0], asked.sets)
    wanted = wanted_goal(goal or asked.goal, template)
    chance = next(one for one in (chance, asked.chance, CHANCE) if one is not None)
    if not 0.0 < chance < 1.0:
        raise UsageError("--chance must lie between 0 % and 100 %: nothing is certain")
    seed = next(one for one in (seed, asked.seed, template.loaded.scenario.seed) if one is not None)
    size = size or RunSize(asked.replications or REPLICATIONS, asked.precision)
    return SeekSpec(
        template, asked.axes[0], replace(wanted, booked=booked_amount(booked)), chance, size, seed, engine or "fast"
    ), asked.name or template.loaded.scenario.name or Path(file).stem


def _question_of(manifest: Manifest) -> SeekSpec:
    """The question that a manifest holds."""
    design = manifest.design
    goal = goal_of_data(design["goal"])
    assert goal is not None
    return SeekSpec(
        Template.of_resolved(manifest.resolved[0]),
        axis_of(design["axis"]),
        goal,
        design["chance"],
        RunSize(**design["size"]),
        manifest.seed,
        manifest.engine,
        tuple(from_json(one) for one in manifest.anchor),
    )


def _manifest(found: SeekAnswer, name: str, began: datetime, command: list[str]) -> Manifest:
    question = found.spec
    rows = json.dumps([_row(node) for node in found.points])
    return Manifest(
        kind="seek",
        name=name,
        command=command,
        plan=manifests.hash_of(found.keys),
        seed=question.seed,
        replications=found.replications,
        engine=question.engine,
        digest=hashlib.sha256(rows.encode()).hexdigest(),
        book={"currency": found.currency},
        anchor=[to_json(anchor) for anchor in question.anchors],
        design={
            "axis": axis_data(question.axis),
            "goal": goal_data(question.goal),
            "chance": question.chance,
            "size": asdict(question.size),
        },
        **papers([question.template.loaded], began),
    )


def _row(node: SeekPoint) -> dict[str, Any]:
    """A point that was run; utilisation a column a team."""
    named = {
        key: finite(value) if isinstance(value, float) else value
        for key, value in asdict(node).items()
        if key != "busy"
    }
    return named | {f"utilisation {team}": share for team, share in node.busy.items()}
