"""optimise: a scenario, a study file or a manifest to the best settings, saved whole with the table of all trials.

    results/points/ab/<hash>.json       each finished point, at once: a search that is begun again finds them
    results/optimise-<name>-<hash>/
        manifest.json
        trials.csv, trials.parquet      the points that were suggested, and what they gave on the luck of the search
        finalists.csv                   those that came out best, on fresh luck
        optimise.json                   the answer
        *.png, *.svg
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
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
from funnelsim.errors import RunError, UsageError
from funnelsim.folder import check_writable, written_whole
from funnelsim.manifest import Manifest, manifest_at
from funnelsim.result import put, put_parquet, slug
from funnelsim.scenario.schema import nature
from funnelsim.scenario.varying import Template
from funnelsim.study.anchor import from_json, to_json
from funnelsim.study.optimise.finalists import Objective
from funnelsim.study.optimise.gain import Gain
from funnelsim.study.optimise.optimise import Optimum, Question
from funnelsim.study.optimise.optimise import optimise as study_optimise
from funnelsim.study.optimise.search import Trial
from funnelsim.study.points import Size
from funnelsim.study.store import Store
from funnelsim.study.study_file import StudyFile
from funnelsim.watch import Watch

if TYPE_CHECKING:
    import polars as pl

REPLICATIONS, TRIALS, FINALISTS, SURE = 20, 200, 8, 0.95
MOST_TRIALS = 10_000


@dataclass(frozen=True)
class Optimised:
    """A finished search, and where it is saved."""

    found: Optimum
    manifest: Manifest
    folder: Path | None = None

    def frame(self) -> pl.DataFrame:
        """A row a trial: its point, objectives, excess over each constraint, status."""
        import polars as pl

        return pl.DataFrame(list(_trial_rows(self.found)), infer_schema_length=None)

    def finalists(self) -> pl.DataFrame:
        """A row a finalist and measure, on fresh luck."""
        import polars as pl

        return pl.DataFrame(list(_finalist_rows(self.found)), infer_schema_length=None)

    def as_data(self) -> dict[str, Any]:
        """Plain data, as `--json` prints it; `best` is null with several objectives or when nothing can be chosen."""
        found, question = self.found, self.found.question
        paths = [axis.path for axis in question.axes]
        chosen, selection = found.chosen, found.selection
        return {
            "name": self.manifest.name, "objectives": [asdict(one) for one in question.objectives],
            "subject_to": list(question.subject_to),
            "best": dict(zip(paths, chosen.point, strict=True)) if chosen else None,
            "chance_of_right_choice": selection.chance if selection else None,
            "gap": selection.gap if selection else None, "estimated_chance": not selection.finished if selection
            else None,
            "measures": {key: _gain(one) for key, one in found.gains.items()},
            "gain_with_beliefs_at_one": _gain(found.at_one) if found.at_one else None,
            "at_end_of_range": [axis.path for axis, _ in found.at_end(chosen.point)] if chosen else [],
            "front": [{"point": dict(zip(paths, one.point, strict=True)), "chance": one.front,
                       **{key: estimate.mean for key, estimate in one.estimates.items()}} for one in found.front]
            if selection is None else None,
            "trials": len(found.trials), "all_combinations": found.every, "replications_run": found.runs,
            "digest": self.manifest.digest, "folder": str(self.folder) if self.folder else None,
        }


def optimise(file: str | Path, *, vary: Sequence[str] = (), maximise: Sequence[str] = (),
             minimise: Sequence[str] = (), subject_to: Sequence[str] = (), trials: int | None = None,
             replications: int | None = None, finalists: int | None = None, gap: str | None = None,
             chance: float | None = None, confidence: float | None = None, goal: str | None = None,
             sets: Sequence[str] = (), seed: int | None = None, engine: str | None = None,
             threads: int | None = None, cluster: str | None = None, out: str | Path | None = "results",
             figures: bool = True, command: Sequence[str] = (), watch: Watch | None = None) -> Optimised:
    """Search the ranges for the best settings, one objective or several; or repeat a search from its manifest.

    `gap` is a difference of the objective that does not matter, as an amount or a share of the best; `chance` is wanted
    of the right choice among the finalists, `confidence` that the constraints are met. UsageError for options that
    cannot be meant, or when Optuna is not there.
    """
    watch = watch or Watch()
    repeated = manifest_at(Path(file), "optimise")
    if repeated is not None:
        given = (trials, replications, finalists, gap, chance, confidence, goal, seed, engine)
        if any((*vary, *maximise, *minimise, *subject_to, *sets)) or any(one is not None for one in given):
            raise UsageError("a manifest is repeated as it is: leave out options that change numbers")
        question, name = _question_of(repeated), repeated.name
    else:
        asked = asked_in(file, (), vary, sets)
        question = _question(asked, maximise, minimise, subject_to, trials, replications, finalists, gap, chance,
                             confidence, goal, seed, engine)
        name = asked.name or question.template.loaded.scenario.name or Path(file).stem
    if out is not None:
        check_writable(Path(out))
    for text in _worth_a_note(question):
        watch.note(text)
    if question.engine == "fast" and not is_compiled():
        watch.note("compiling the engine (once)")
    began = datetime.now(UTC)
    with executor_on(cluster) as executor:
        found = study_optimise(question, Store(Path(out) / POINTS if out is not None else None), executor, threads,
                               watch)
    watch.clear()
    manifest = _manifest(found, name, began, list(command) or ["funnelsim", "optimise", str(file)])
    if repeated is not None:
        manifest = _repeated(manifest, repeated)
        watch.note("the same digits as before")
    done = Optimised(found, manifest)
    return _saved(done, Path(out), figures) if out is not None else done


# ---- what is asked -------------------------------------------------------------------------------------------------


def _question(asked: StudyFile, maximise: Sequence[str], minimise: Sequence[str], subject_to: Sequence[str],
              trials: int | None, replications: int | None, finalists: int | None, gap: str | None,
              chance: float | None, confidence: float | None, goal: str | None, seed: int | None,
              engine: str | None) -> Question:
    if len(asked.scenarios) != 1:
        raise UsageError("optimise searches the settings of one scenario; `compare` sets several against each other")
    if asked.precision is not None:
        raise UsageError("a search has `replications` at each point, no precision: leave `precision` out")
    if not maximise and not minimise:
        maximise, minimise = asked.maximise, asked.minimise
    objectives = (*(Objective(one) for one in maximise), *(Objective(one, False) for one in minimise))
    if not objectives:
        raise UsageError("best in what? Say --maximise profit or --minimise calendar.cost")
    if twice := {one.measure for one in objectives if sum(one.measure == two.measure for two in objectives) > 1}:
        raise UsageError(f"{', '.join(sorted(twice))} is an objective twice")
    template = Template(asked.scenarios[0], asked.sets)
    return Question(
        template, asked.axes, objectives, (*asked.subject_to, *subject_to),
        _within("--trials", trials or asked.trials or TRIALS, 1, MOST_TRIALS),
        Size(_within("--replications", replications or asked.replications or REPLICATIONS, 2, 10_000)),
        _within("--finalists", finalists or FINALISTS, 1, 100), gap or "",
        _share("--chance", chance), _share("--confidence", confidence),
        next(one for one in (seed, asked.seed, template.loaded.scenario.seed) if one is not None),
        goal_from(goal or asked.goal, template), engine or "fast")


def _within(option: str, value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise UsageError(f"{option} {value}: {least} to {most:,}")
    return value


def _share(option: str, value: float | None) -> float:
    share = SURE if value is None else value
    if not 0.5 <= share < 1.0:
        raise UsageError(f"{option} must be 50 % or more and below 100 %: nothing is certain")
    return share


def _worth_a_note(question: Question) -> Iterator[str]:
    yield from dict.fromkeys(str(one) for one in question.template.loaded.warnings if one.severity == "warning")
    for axis in question.axes:
        if nature(axis.path.split(".")) == "belief":
            yield f"{axis.path} is a belief: nobody can set it, so its best value is a wish and no decision"


def _question_of(manifest: Manifest) -> Question:
    """The question that a manifest holds."""
    design = manifest.design
    return Question(
        Template.of_resolved(manifest.resolved[0]), [axis_of(one) for one in design["axes"]],
        tuple(Objective(**one) for one in design["objectives"]), tuple(design["subject_to"]), design["trials"],
        Size(**design["size"]), design["finalists"], design["gap"], design["chance"], design["confidence"],
        manifest.seed, goal_of_data(design["goal"]), manifest.engine,
        tuple(from_json(one) for one in manifest.anchor))


# ---- what is left --------------------------------------------------------------------------------------------------


def _trial_rows(found: Optimum) -> Iterator[dict[str, Any]]:
    objectives = [one.measure for one in found.question.objectives]
    ordered = sorted(found.constraints, key=lambda one: not one.of_inputs)
    for number, trial in enumerate(found.trials):
        score = trial.score
        values = score.values or [None] * len(objectives)
        excess = score.excess or [None] * len(ordered)
        yield {"trial": number, **_point(found, trial.point), **dict(zip(objectives, values, strict=True)),
               **{f"excess: {one.text}": _plain(each) for one, each in zip(ordered, excess, strict=True)},
               "status": _status(trial)}


def _status(trial: Trial) -> str:
    score = trial.score
    if score.error:
        return f"failed: {score.error}"
    if score.refused:
        return "not run: its inputs break a constraint"
    return "ok" if score.meets else "breaks a constraint"


def _finalist_rows(found: Optimum) -> Iterator[dict[str, Any]]:
    for number, one in enumerate(found.finalists, 1):
        for key, estimate in one.estimates.items():
            yield {"finalist": number, **_point(found, one.point), "measure": key, "unit": found.units.get(key, ""),
                   **{name: _plain(getattr(estimate, name)) for name in ("mean", "low", "high", "least", "most")},
                   "replications": estimate.replications, "meets constraints": one.meets,
                   "chosen": one is found.chosen, "chance to be on the front": one.front}


def _point(found: Optimum, point: tuple[str, ...]) -> dict[str, Any]:
    return {axis.path: text for axis, text in zip(found.question.axes, point, strict=True)}


def _gain(one: Gain) -> dict[str, Any]:
    return {name: {key: _plain(value) for key, value in asdict(spread).items()}
            for name, spread in (("value", one.value), ("as_it_is", one.base), ("more", one.more))}


def _plain(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _manifest(found: Optimum, name: str, began: datetime, command: list[str]) -> Manifest:
    question, ended = found.question, datetime.now(UTC)
    loaded = question.template.loaded
    figures = [list(_trial_rows(found)), list(_finalist_rows(found)),
               {key: _gain(one) for key, one in found.gains.items()}, _gain(found.at_one) if found.at_one else None]
    return Manifest(
        kind="optimise", name=name, command=command, resolved=[loaded.resolved], plan=manifests.hash_of(found.keys),
        seed=question.seed, replications=question.size.replications, engine=question.engine,
        digest=hashlib.sha256(json.dumps(figures).encode()).hexdigest(), book={"currency": found.currency},
        anchor=[to_json(anchor) for anchor in question.anchors],
        design={"axes": [axis_data(axis) for axis in question.axes],
                "objectives": [asdict(one) for one in question.objectives], "subject_to": list(question.subject_to),
                "trials": question.trials, "size": asdict(question.size), "finalists": question.finalists,
                "gap": question.gap, "chance": question.chance, "confidence": question.confidence,
                "goal": goal_data(question.goal)},
        data=manifests.hashes(map(Path, loaded.files)), presets=manifests.preset_hashes(),
        versions=manifests.versions() | _optuna(), warnings=[str(problem) for problem in loaded.warnings],
        times={"began": began.isoformat(), "ended": ended.isoformat(), "seconds": (ended - began).total_seconds(),
               "replications run": found.runs})


def _optuna() -> dict[str, str]:
    """It suggests the points: another version may suggest others."""
    try:
        return {"optuna": metadata.version("optuna")}
    except metadata.PackageNotFoundError:
        return {}


def _repeated(now: Manifest, before: Manifest) -> Manifest:
    was, here = before.versions.get("optuna"), now.versions.get("optuna")
    if now.plan != before.plan and was != here:
        raise RunError(f"the points of the manifest were suggested by Optuna {was}, here is {here or 'none'}: repeat "
                       f"it with that version")
    return same_digits(now, before)


def _saved(done: Optimised, out: Path, figures: bool) -> Optimised:
    name = f"optimise-{slug(done.manifest.name)}-{done.manifest.identity}"
    done = replace(done, folder=out / name)
    with written_whole(out, name) as draft:
        put(draft.path / "manifest.json", done.manifest.text().encode())
        table = done.frame()
        put(draft.path / "trials.csv", table.write_csv().encode())
        put_parquet(draft.path / "trials.parquet", table)
        put(draft.path / "finalists.csv", done.finalists().write_csv().encode())
        put(draft.path / "optimise.json", json.dumps(done.as_data(), indent=1, ensure_ascii=False).encode())
        if figures:
            from funnelsim.reporting.optimise_figures import draw_optimum

            draw_optimum(done.found, draft.path)
    return done
