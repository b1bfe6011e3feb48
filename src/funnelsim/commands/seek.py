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
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelsim import manifest as manifests
from funnelsim.commands.sweep import (
    POINTS,
    asked_in,
    axis_data,
    axis_of,
    executor_on,
    goal_data,
    goal_from,
    goal_of_data,
    same_digits,
)
from funnelsim.engine.jit import is_compiled
from funnelsim.errors import UsageError
from funnelsim.folder import check_writable, written_whole
from funnelsim.manifest import Manifest, manifest_at
from funnelsim.reporting.formats import Figures, formats_of
from funnelsim.reporting.seek_words import seek_report
from funnelsim.result import ANSWER, put, slug
from funnelsim.scenario.units import Misreading
from funnelsim.scenario.units.numbers import money
from funnelsim.scenario.varying import Template
from funnelsim.study.anchor import from_json, to_json
from funnelsim.study.goals import Goal
from funnelsim.study.points import Size
from funnelsim.study.seek.seek import Node, Question, Seek
from funnelsim.study.seek.seek import seek as study_seek
from funnelsim.study.store import Store
from funnelsim.watch import Watch

if TYPE_CHECKING:
    import polars as pl

REPLICATIONS = 100
CHANCE = 0.8


@dataclass(frozen=True)
class Sought:
    """A finished search, and where it is saved."""

    found: Seek
    manifest: Manifest
    folder: Path | None = None

    def __repr__(self) -> str:
        path, goal = self.found.question.axis.path, self.found.question.goal.text
        return (f"<Search of {self.manifest.name!r}: {path} for {goal}, {len(self.found.nodes)} points, "
                f"seed {self.manifest.seed}>")

    def _repr_html_(self) -> str:
        from funnelsim.reporting.notebook import card
        from funnelsim.reporting.seek_words import answer

        return card(answer(self.found), self.frame())

    def frame(self) -> pl.DataFrame:
        """A row a point that was run, as seek.csv: chance with its 90 % limits, mean, one period, utilisation."""
        import polars as pl

        return pl.DataFrame([_row(node) for node in self.found.nodes], infer_schema_length=None)

    def as_data(self) -> dict[str, Any]:
        """Plain data, as `--json` prints it; null where there is no answer within the range."""
        found = self.found
        binding = found.binding
        answers = {"answer": found.answer, "mean_answer": found.mean, "answer_were_all_known": found.known}
        return {
            "name": self.manifest.name, "vary": found.question.axis.path, "goal": found.question.goal.text,
            "chance": found.question.chance, "met": found.met, "smallest": found.more_helps,
            **{name: {key: _plain(value) for key, value in asdict(one).items()} if one else None
               for name, one in answers.items()},
            "cost_of_ignorance": dict(zip(("x", "low", "high"), map(_plain, found.cost), strict=True)),
            "chance_at_mean_answer": _plain(found.chance_at_mean), "replications": found.replications,
            "leads_in_flight": found.in_flight,
            "busiest": {"team": binding[0], "utilisation": binding[1],
                        "full_at": binding[2].text if binding[2] else None} if binding else None,
            "points": [_row(node) for node in found.nodes], "digest": self.manifest.digest,
            "folder": str(self.folder) if self.folder else None,
        }


def seek(file: str | Path, *, vary: Sequence[str] = (), goal: str | None = None, chance: float | None = None,
         booked: str | float | None = None, sets: Sequence[str] = (), replications: int | None = None,
         precision: float | None = None, seed: int | None = None, engine: str | None = None,
         threads: int | None = None, cluster: str | None = None, out: str | Path | None = "results",
         figures: Figures = True, command: Sequence[str] = (), watch: Watch | None = None) -> Sought:
    """Seek the smallest value of one path that meets a goal with a chance; or repeat a search from its manifest.

    `booked` is what counts towards the goal already, outside the run. `precision` is half the interval of the answer,
    relative to it. Points are kept in `out`/points and never run twice.
    """
    watch, formats = watch or Watch(), formats_of(figures)
    repeated = manifest_at(Path(file), "seek")
    if repeated is not None:
        if "axis" not in repeated.design:
            raise UsageError("this is the manifest of a chance with nothing varied: give it to `chance`")
        given = (goal, chance, booked, replications, precision, seed, engine)
        if vary or sets or any(one is not None for one in given):
            raise UsageError("a manifest is repeated as it is: leave out options that change numbers")
        question, name = _question_of(repeated), repeated.name
    else:
        question, name = _question(file, vary, goal, chance, booked, sets, _size(replications, precision), seed, engine)
    if out is not None:
        check_writable(Path(out))
    for text in dict.fromkeys(str(one) for one in question.template.loaded.warnings if one.severity == "warning"):
        watch.note(text)
    if question.engine == "fast" and not is_compiled():
        watch.note("compiling the engine (once)")
    began = datetime.now(UTC)
    with executor_on(cluster) as executor:
        found = study_seek(question, Store(Path(out) / POINTS if out is not None else None), executor, threads, watch)
    watch.clear()
    manifest = _manifest(found, name, began, list(command) or ["funnelsim", "seek", str(file)])
    if repeated is not None:
        manifest = same_digits(manifest, repeated)
        watch.note("the same digits as before")
    done = Sought(found, manifest)
    return _saved(done, Path(out), formats) if out is not None else done


def _size(replications: int | None, precision: float | None) -> Size | None:
    if replications is None and precision is None:
        return None
    if precision is not None and not 0.0 < precision < 1.0:
        raise UsageError("--precision must lie between 0 % and 100 %")
    return Size(replications or REPLICATIONS, precision)


def _question(file: str | Path, vary: Sequence[str], goal: str | None, chance: float | None,
              booked: str | float | None, sets: Sequence[str], size: Size | None, seed: int | None,
              engine: str | None) -> tuple[Question, str]:
    asked = asked_in(file, (), vary, sets)
    if len(asked.axes) != 1 or len(asked.scenarios) != 1:
        raise UsageError("seek varies one path of one scenario: for more there is sweep")
    template = Template(asked.scenarios[0], asked.sets)
    wanted = wanted_goal(goal or asked.goal, template)
    chance = next(one for one in (chance, asked.chance, CHANCE) if one is not None)
    if not 0.0 < chance < 1.0:
        raise UsageError("--chance must lie between 0 % and 100 %: nothing is certain")
    seed = next(one for one in (seed, asked.seed, template.loaded.scenario.seed) if one is not None)
    size = size or Size(asked.replications or REPLICATIONS, asked.precision)
    return Question(template, asked.axes[0], replace(wanted, booked=booked_amount(booked)), chance, size, seed,
                    engine or "fast"), asked.name or template.loaded.scenario.name or Path(file).stem


def wanted_goal(text: str, template: Template) -> Goal:
    """The goal in a text, else the scenario's own; UsageError when there is none."""
    wanted = goal_from(text, template)
    if wanted is None:
        raise UsageError('which goal? Write `goal: {wins: 200, by: 2026-12-31}` in the scenario, or --goal "wins 200 '
                         'by 2026-12-31"')
    return wanted


def booked_amount(value: str | float | None) -> float:
    """What counts towards the goal already."""
    try:
        return money(value) if value is not None else 0.0
    except Misreading as problem:
        raise UsageError(f"--booked: {problem.text}. {problem.hint}") from None


def _question_of(manifest: Manifest) -> Question:
    """The question that a manifest holds."""
    design = manifest.design
    goal = goal_of_data(design["goal"])
    assert goal is not None
    return Question(Template.of_resolved(manifest.resolved[0]), axis_of(design["axis"]), goal, design["chance"],
                    Size(**design["size"]), manifest.seed, manifest.engine,
                    tuple(from_json(one) for one in manifest.anchor))


def _manifest(found: Seek, name: str, began: datetime, command: list[str]) -> Manifest:
    question, ended = found.question, datetime.now(UTC)
    loaded = question.template.loaded
    rows = json.dumps([_row(node) for node in found.nodes])
    return Manifest(
        kind="seek", name=name, command=command, resolved=[loaded.resolved], plan=manifests.hash_of(found.keys),
        seed=question.seed, replications=found.replications, engine=question.engine,
        digest=hashlib.sha256(rows.encode()).hexdigest(), book={"currency": found.currency},
        anchor=[to_json(anchor) for anchor in question.anchors],
        design={"axis": axis_data(question.axis), "goal": goal_data(question.goal), "chance": question.chance,
                "size": asdict(question.size)},
        data=manifests.hashes(map(Path, loaded.files)), presets=manifests.preset_hashes(),
        versions=manifests.versions(), warnings=[str(problem) for problem in loaded.warnings],
        times={"began": began.isoformat(), "ended": ended.isoformat(), "seconds": (ended - began).total_seconds()})


def _saved(done: Sought, out: Path, formats: Sequence[str]) -> Sought:
    name = f"seek-{slug(done.manifest.name)}-{done.manifest.identity}"
    done = replace(done, folder=out / name)
    with written_whole(out, name) as draft:
        put(draft.path / "manifest.json", done.manifest.text().encode())
        put(draft.path / ANSWER, seek_report(done.found, width=0).encode())
        put(draft.path / "seek.csv", done.frame().write_csv().encode())
        put(draft.path / "seek.json", json.dumps(done.as_data(), indent=1, ensure_ascii=False).encode())
        if formats:
            from funnelsim.reporting.seek_figures import draw_seek

            draw_seek(done.found, draft.path, formats)
    return done


def _row(node: Node) -> dict[str, Any]:
    """A point that was run; utilisation a column a team."""
    named = {key: _plain(value) if isinstance(value, float) else value
             for key, value in asdict(node).items() if key != "busy"}
    return named | {f"utilisation {team}": share for team, share in node.busy.items()}


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
