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
from collections.abc import Iterator, Sequence
from dataclasses import asdict
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
from funnelsim.commands.study_inputs import optional_goal, study_from_args
from funnelsim.commands.study_result import StudyResult
from funnelsim.errors import RunError, UsageError
from funnelsim.manifest import Manifest, manifest_at
from funnelsim.progress import Progress
from funnelsim.reporting.common.figure_formats import Figures, formats_of
from funnelsim.scenario.schema import nature
from funnelsim.scenario.template import ScenarioTemplate
from funnelsim.study.anchor import from_json, to_json
from funnelsim.study.optimise.finalists import Objective
from funnelsim.study.optimise.gain import PolicyGain
from funnelsim.study.optimise.optimise import OptimiseSpec, Optimum
from funnelsim.study.optimise.optimise import optimise as study_optimise
from funnelsim.study.optimise.trial_search import Trial
from funnelsim.study.point import RunSize
from funnelsim.study.study_file import StudyFile

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure

REPLICATIONS, TRIALS, FINALISTS, SURE = 20, 200, 8, 0.95
MOST_TRIALS = 10_000
SEARCH = "optuna"  # suggests the points: another version may suggest others


class OptimisationResult(StudyResult[Optimum]):
    """A finished search, and where it is saved."""

    command = "optimise"

    def __repr__(self) -> str:
        question = self.result.spec
        goals, paths = " and ".join(map(str, question.objectives)), ", ".join(axis.path for axis in question.axes)
        return (
            f"<Optimum of {self.manifest.name!r}: {goals} over {paths}, {len(self.result.trials)} trials, "
            f"seed {self.manifest.seed}>"
        )

    def report(self, verbose: int = 0, width: int = 0) -> str:
        """The text of a search."""
        from funnelsim.reporting.optimise.report import optimise_report

        return optimise_report(self.result, verbose, width)

    def frame(self) -> pl.DataFrame:
        """A row a trial: its point, objectives, excess over each constraint, status."""
        import polars as pl

        return pl.DataFrame(list(_trial_rows(self.result)), infer_schema_length=None)

    def finalists(self) -> pl.DataFrame:
        """A row a finalist and measure, on fresh luck."""
        import polars as pl

        return pl.DataFrame(list(_finalist_rows(self.result)), infer_schema_length=None)

    def tables(self) -> dict[str, pl.DataFrame]:
        """Trials and finalists."""
        trials = self.frame()
        return {"trials.csv": trials, "trials.parquet": trials, "finalists.csv": self.finalists()}

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """The figures of the folder."""
        from funnelsim.reporting.optimise.figures import optimise_figures

        return optimise_figures(self.result)

    def as_data(self) -> dict[str, Any]:
        """Plain data, as `--json` prints it; `best` is null with several objectives or when nothing can be chosen."""
        result, question = self.result, self.result.spec
        paths = [axis.path for axis in question.axes]
        chosen, selection = result.chosen, result.selection
        return {
            "name": self.manifest.name,
            "objectives": [asdict(one) for one in question.objectives],
            "subject_to": list(question.subject_to),
            "best": dict(zip(paths, chosen.point, strict=True)) if chosen else None,
            "chance_of_right_choice": selection.chance if selection else None,
            "gap": selection.gap if selection else None,
            "estimated_chance": not selection.finished if selection else None,
            "measures": {key: _gain(one) for key, one in result.gains.items()},
            "gain_with_beliefs_at_one": _gain(result.beliefs_neutral) if result.beliefs_neutral else None,
            "at_end_of_range": [axis.path for axis, _ in result.at_end(chosen.point)] if chosen else [],
            "front": [
                {
                    "point": dict(zip(paths, one.point, strict=True)),
                    "chance": one.front,
                    **{key: estimate.mean for key, estimate in one.estimates.items()},
                }
                for one in result.front
            ]
            if selection is None
            else None,
            "trials": len(result.trials),
            "all_combinations": result.exhaustive,
            "replications_run": result.runs,
            "digest": self.manifest.digest,
            "folder": str(self.folder) if self.folder else None,
        }


def optimise(
    file: str | Path,
    *,
    vary: Sequence[str] = (),
    maximise: Sequence[str] = (),
    minimise: Sequence[str] = (),
    subject_to: Sequence[str] = (),
    trials: int | None = None,
    replications: int | None = None,
    finalists: int | None = None,
    gap: str | None = None,
    chance: float | None = None,
    confidence: float | None = None,
    goal: str | None = None,
    overrides: Sequence[str] = (),
    seed: int | None = None,
    engine: str | None = None,
    threads: int | None = None,
    cluster: str | None = None,
    out: str | Path | None = "results",
    figures: Figures = True,
    command: Sequence[str] = (),
    progress: Progress | None = None,
) -> OptimisationResult:
    """Search the ranges for the best settings, one objective or several; or repeat a search from its manifest.

    `gap` is a difference of the objective that does not matter, as an amount or a share of the best; `chance` is wanted
    of the right choice among the finalists, `confidence` that the constraints are met. UsageError for options that
    cannot be meant, or when Optuna is not there.
    """
    progress, formats = progress or Progress(), formats_of(figures)
    repeated = manifest_at(Path(file), "optimise")
    if repeated is not None:
        reject_overrides(
            vary,
            maximise,
            minimise,
            subject_to,
            overrides,
            trials,
            replications,
            finalists,
            gap,
            chance,
            confidence,
            goal,
            seed,
            engine,
        )
        question, name = _spec_from_manifest(repeated), repeated.name
    else:
        asked = study_from_args(file, (), vary, overrides)
        question = _spec(
            asked,
            maximise,
            minimise,
            subject_to,
            trials,
            replications,
            finalists,
            gap,
            chance,
            confidence,
            goal,
            seed,
            engine,
        )
        name = asked.name or question.template.loaded.scenario.name or Path(file).stem
    preflight(out, [question.template.loaded], question.engine, progress)
    for text in _belief_notes(question):
        progress.note(text)
    began = datetime.now(UTC)
    with cluster_executor(cluster) as executor:
        result = study_optimise(question, point_store(out), executor, threads, progress)
    progress.clear()
    manifest = _manifest(result, name, began, list(command) or ["funnelsim", "optimise", str(file)])
    _same_search(manifest, repeated)
    return save(OptimisationResult(result, check_reproduced(manifest, repeated, progress)), out, formats)


# ---- what is asked -------------------------------------------------------------------------------------------------


def _spec(
    asked: StudyFile,
    maximise: Sequence[str],
    minimise: Sequence[str],
    subject_to: Sequence[str],
    trials: int | None,
    replications: int | None,
    finalists: int | None,
    gap: str | None,
    chance: float | None,
    confidence: float | None,
    goal: str | None,
    seed: int | None,
    engine: str | None,
) -> OptimiseSpec:
    if len(asked.scenarios) != 1:
        raise UsageError("optimise searches the settings of one scenario; `compare` sets several against each other")
    if asked.precision is not None:
        raise UsageError("a search has `replications` at each point, no precision: leave `precision` out")
    if not maximise and not minimise:
        maximise, minimise = asked.maximise, asked.minimise
    objectives = (*(Objective(one) for one in maximise), *(Objective(one, False) for one in minimise))
    if not objectives:
        raise UsageError("no objective: use --maximise or --minimise, such as --maximise profit")
    if twice := {one.measure for one in objectives if sum(one.measure == two.measure for two in objectives) > 1}:
        raise UsageError(f"{', '.join(sorted(twice))} is an objective twice")
    template = ScenarioTemplate(asked.scenarios[0], asked.overrides)
    return OptimiseSpec(
        template,
        asked.axes,
        objectives,
        (*asked.subject_to, *subject_to),
        check_range("--trials", trials or asked.trials or TRIALS, 1, MOST_TRIALS),
        RunSize(check_range("--replications", replications or asked.replications or REPLICATIONS, 2, 10_000)),
        check_range("--finalists", finalists or FINALISTS, 1, 100),
        gap or "",
        _share("--chance", chance),
        _share("--confidence", confidence),
        next(one for one in (seed, asked.seed, template.loaded.scenario.seed) if one is not None),
        optional_goal(goal or asked.goal, template),
        engine or "fast",
    )


def check_range(option: str, value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise UsageError(f"{option} {value}: {least} to {most:,}")
    return value


def _share(option: str, value: float | None) -> float:
    share = SURE if value is None else value
    if not 0.5 <= share < 1.0:
        raise UsageError(f"{option} must be 50 % or more and below 100 %: nothing is certain")
    return share


def _belief_notes(question: OptimiseSpec) -> Iterator[str]:
    for axis in question.axes:
        if nature(axis.path.split(".")) == "belief":
            yield f"{axis.path} is a belief: nobody can set it, so its best value is a wish and no decision"


def _spec_from_manifest(manifest: Manifest) -> OptimiseSpec:
    """The question that a manifest holds."""
    design = manifest.design
    return OptimiseSpec(
        ScenarioTemplate.of_resolved(manifest.resolved[0]),
        [axis_from_json(one) for one in design["axes"]],
        tuple(Objective(**one) for one in design["objectives"]),
        tuple(design["subject_to"]),
        design["trials"],
        RunSize(**design["size"]),
        design["finalists"],
        design["gap"],
        design["chance"],
        design["confidence"],
        manifest.seed,
        goal_from_json(design["goal"]),
        manifest.engine,
        tuple(from_json(one) for one in manifest.anchor),
    )


# ---- what is left --------------------------------------------------------------------------------------------------


def _trial_rows(result: Optimum) -> Iterator[dict[str, Any]]:
    objectives = [one.measure for one in result.spec.objectives]
    ordered = sorted(result.constraints, key=lambda one: not one.of_inputs)
    for number, trial in enumerate(result.trials):
        score = trial.score
        values = score.values or [None] * len(objectives)
        excess = score.excess or [None] * len(ordered)
        yield {
            "trial": number,
            **_point(result, trial.point),
            **dict(zip(objectives, values, strict=True)),
            **{f"excess: {one.text}": nan_to_none(each) for one, each in zip(ordered, excess, strict=True)},
            "status": _status(trial),
        }


def _status(trial: Trial) -> str:
    score = trial.score
    if score.error:
        return f"failed: {score.error}"
    if score.refused:
        return "not run: its inputs break a constraint"
    return "ok" if score.meets else "breaks a constraint"


def _finalist_rows(result: Optimum) -> Iterator[dict[str, Any]]:
    for number, one in enumerate(result.finalists, 1):
        for key, estimate in one.estimates.items():
            yield {
                "finalist": number,
                **_point(result, one.point),
                "measure": key,
                "unit": result.units.get(key, ""),
                **{name: nan_to_none(getattr(estimate, name)) for name in ("mean", "low", "high", "least", "most")},
                "replications": estimate.replications,
                "meets constraints": one.meets,
                "chosen": one is result.chosen,
                "chance to be on the front": one.front,
            }


def _point(result: Optimum, point: tuple[str, ...]) -> dict[str, Any]:
    return {axis.path: text for axis, text in zip(result.spec.axes, point, strict=True)}


def _gain(one: PolicyGain) -> dict[str, Any]:
    return {
        name: {key: nan_to_none(value) for key, value in asdict(spread).items()}
        for name, spread in (("value", one.value), ("as_it_is", one.base), ("more", one.difference))
    }


def _manifest(result: Optimum, name: str, began: datetime, command: list[str]) -> Manifest:
    question = result.spec
    figures = [
        list(_trial_rows(result)),
        list(_finalist_rows(result)),
        {key: _gain(one) for key, one in result.gains.items()},
        _gain(result.beliefs_neutral) if result.beliefs_neutral else None,
    ]
    return Manifest(
        kind="optimise",
        name=name,
        command=command,
        plan=manifests.hash_of(result.keys),
        seed=question.seed,
        replications=question.size.replications,
        engine=question.engine,
        digest=hashlib.sha256(json.dumps(figures).encode()).hexdigest(),
        book={"currency": result.currency},
        anchor=[to_json(anchor) for anchor in question.anchors],
        design={
            "axes": [axis_to_json(axis) for axis in question.axes],
            "objectives": [asdict(one) for one in question.objectives],
            "subject_to": list(question.subject_to),
            "trials": question.trials,
            "size": asdict(question.size),
            "finalists": question.finalists,
            "gap": question.gap,
            "chance": question.chance,
            "confidence": question.confidence,
            "goal": goal_to_json(question.goal),
        },
        **provenance([question.template.loaded], began, SEARCH, **{"replications run": result.runs}),
    )


def _same_search(now: Manifest, before: Manifest | None) -> None:
    """RunError when another version of Optuna suggested other points."""
    if before is not None and now.plan != before.plan and now.versions[SEARCH] != before.versions.get(SEARCH):
        raise RunError(
            f"the points of the manifest were suggested by Optuna {before.versions.get(SEARCH)}, here is "
            f"{now.versions[SEARCH]}: repeat it with that version"
        )
