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
from funnelsim.commands.persistence import executor_on, finite, papers, points_in, ready, saved
from funnelsim.commands.rerun import axis_data, axis_of, goal_data, goal_of_data, refuse_changes, same_digits
from funnelsim.commands.study_inputs import asked_in, goal_from
from funnelsim.commands.study_result import StudyResult
from funnelsim.errors import RunError, UsageError
from funnelsim.manifest import Manifest, manifest_at
from funnelsim.progress import Progress
from funnelsim.reporting.common.figure_formats import Figures, formats_of
from funnelsim.scenario.schema import nature
from funnelsim.scenario.template import Template
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

REPLICATIONS, TRIALS, FINALISTS, SURE = 20, 200, 8, 0.95
MOST_TRIALS = 10_000
SEARCH = "optuna"  # suggests the points: another version may suggest others


class OptimisationResult(StudyResult[Optimum]):
    """A finished search, and where it is saved."""

    what = "optimise"

    def __repr__(self) -> str:
        question = self.found.spec
        goals, paths = " and ".join(map(str, question.objectives)), ", ".join(axis.path for axis in question.axes)
        return (
            f"<Optimum of {self.manifest.name!r}: {goals} over {paths}, {len(self.found.trials)} trials, "
            f"seed {self.manifest.seed}>"
        )

    def report(self, verbose: int = 0, width: int = 0) -> str:
        """The text of a search."""
        from funnelsim.reporting.optimise.report import optimise_report

        return optimise_report(self.found, verbose, width)

    def frame(self) -> pl.DataFrame:
        """A row a trial: its point, objectives, excess over each constraint, status."""
        import polars as pl

        return pl.DataFrame(list(_trial_rows(self.found)), infer_schema_length=None)

    def finalists(self) -> pl.DataFrame:
        """A row a finalist and measure, on fresh luck."""
        import polars as pl

        return pl.DataFrame(list(_finalist_rows(self.found)), infer_schema_length=None)

    def tables(self) -> dict[str, pl.DataFrame]:
        """Trials and finalists."""
        trials = self.frame()
        return {"trials.csv": trials, "trials.parquet": trials, "finalists.csv": self.finalists()}

    def as_data(self) -> dict[str, Any]:
        """Plain data, as `--json` prints it; `best` is null with several objectives or when nothing can be chosen."""
        found, question = self.found, self.found.spec
        paths = [axis.path for axis in question.axes]
        chosen, selection = found.chosen, found.selection
        return {
            "name": self.manifest.name,
            "objectives": [asdict(one) for one in question.objectives],
            "subject_to": list(question.subject_to),
            "best": dict(zip(paths, chosen.point, strict=True)) if chosen else None,
            "chance_of_right_choice": selection.chance if selection else None,
            "gap": selection.gap if selection else None,
            "estimated_chance": not selection.finished if selection else None,
            "measures": {key: _gain(one) for key, one in found.gains.items()},
            "gain_with_beliefs_at_one": _gain(found.beliefs_neutral) if found.beliefs_neutral else None,
            "at_end_of_range": [axis.path for axis, _ in found.at_end(chosen.point)] if chosen else [],
            "front": [
                {
                    "point": dict(zip(paths, one.point, strict=True)),
                    "chance": one.front,
                    **{key: estimate.mean for key, estimate in one.estimates.items()},
                }
                for one in found.front
            ]
            if selection is None
            else None,
            "trials": len(found.trials),
            "all_combinations": found.exhaustive,
            "replications_run": found.runs,
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
    sets: Sequence[str] = (),
    seed: int | None = None,
    engine: str | None = None,
    threads: int | None = None,
    cluster: str | None = None,
    out: str | Path | None = "results",
    figures: Figures = True,
    command: Sequence[str] = (),
    watch: Progress | None = None,
) -> OptimisationResult:
    """Search the ranges for the best settings, one objective or several; or repeat a search from its manifest.

    `gap` is a difference of the objective that does not matter, as an amount or a share of the best; `chance` is wanted
    of the right choice among the finalists, `confidence` that the constraints are met. UsageError for options that
    cannot be meant, or when Optuna is not there.
    """
    watch, formats = watch or Progress(), formats_of(figures)
    repeated = manifest_at(Path(file), "optimise")
    if repeated is not None:
        refuse_changes(
            vary,
            maximise,
            minimise,
            subject_to,
            sets,
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
        question, name = _question_of(repeated), repeated.name
    else:
        asked = asked_in(file, (), vary, sets)
        question = _question(
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
    ready(out, [question.template.loaded], question.engine, watch)
    for text in _wishes(question):
        watch.note(text)
    began = datetime.now(UTC)
    with executor_on(cluster) as executor:
        found = study_optimise(question, points_in(out), executor, threads, watch)
    watch.clear()
    manifest = _manifest(found, name, began, list(command) or ["funnelsim", "optimise", str(file)])
    _same_search(manifest, repeated)
    return saved(OptimisationResult(found, same_digits(manifest, repeated, watch)), out, formats)


# ---- what is asked -------------------------------------------------------------------------------------------------


def _question(
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
        raise UsageError("best in what? Say --maximise profit or --minimise calendar.cost")
    if twice := {one.measure for one in objectives if sum(one.measure == two.measure for two in objectives) > 1}:
        raise UsageError(f"{', '.join(sorted(twice))} is an objective twice")
    template = Template(asked.scenarios[0], asked.sets)
    return OptimiseSpec(
        template,
        asked.axes,
        objectives,
        (*asked.subject_to, *subject_to),
        _within("--trials", trials or asked.trials or TRIALS, 1, MOST_TRIALS),
        RunSize(_within("--replications", replications or asked.replications or REPLICATIONS, 2, 10_000)),
        _within("--finalists", finalists or FINALISTS, 1, 100),
        gap or "",
        _share("--chance", chance),
        _share("--confidence", confidence),
        next(one for one in (seed, asked.seed, template.loaded.scenario.seed) if one is not None),
        goal_from(goal or asked.goal, template),
        engine or "fast",
    )


def _within(option: str, value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise UsageError(f"{option} {value}: {least} to {most:,}")
    return value


def _share(option: str, value: float | None) -> float:
    share = SURE if value is None else value
    if not 0.5 <= share < 1.0:
        raise UsageError(f"{option} must be 50 % or more and below 100 %: nothing is certain")
    return share


def _wishes(question: OptimiseSpec) -> Iterator[str]:
    for axis in question.axes:
        if nature(axis.path.split(".")) == "belief":
            yield f"{axis.path} is a belief: nobody can set it, so its best value is a wish and no decision"


def _question_of(manifest: Manifest) -> OptimiseSpec:
    """The question that a manifest holds."""
    design = manifest.design
    return OptimiseSpec(
        Template.of_resolved(manifest.resolved[0]),
        [axis_of(one) for one in design["axes"]],
        tuple(Objective(**one) for one in design["objectives"]),
        tuple(design["subject_to"]),
        design["trials"],
        RunSize(**design["size"]),
        design["finalists"],
        design["gap"],
        design["chance"],
        design["confidence"],
        manifest.seed,
        goal_of_data(design["goal"]),
        manifest.engine,
        tuple(from_json(one) for one in manifest.anchor),
    )


# ---- what is left --------------------------------------------------------------------------------------------------


def _trial_rows(found: Optimum) -> Iterator[dict[str, Any]]:
    objectives = [one.measure for one in found.spec.objectives]
    ordered = sorted(found.constraints, key=lambda one: not one.of_inputs)
    for number, trial in enumerate(found.trials):
        score = trial.score
        values = score.values or [None] * len(objectives)
        excess = score.excess or [None] * len(ordered)
        yield {
            "trial": number,
            **_point(found, trial.point),
            **dict(zip(objectives, values, strict=True)),
            **{f"excess: {one.text}": finite(each) for one, each in zip(ordered, excess, strict=True)},
            "status": _status(trial),
        }


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
            yield {
                "finalist": number,
                **_point(found, one.point),
                "measure": key,
                "unit": found.units.get(key, ""),
                **{name: finite(getattr(estimate, name)) for name in ("mean", "low", "high", "least", "most")},
                "replications": estimate.replications,
                "meets constraints": one.meets,
                "chosen": one is found.chosen,
                "chance to be on the front": one.front,
            }


def _point(found: Optimum, point: tuple[str, ...]) -> dict[str, Any]:
    return {axis.path: text for axis, text in zip(found.spec.axes, point, strict=True)}


def _gain(one: PolicyGain) -> dict[str, Any]:
    return {
        name: {key: finite(value) for key, value in asdict(spread).items()}
        for name, spread in (("value", one.value), ("as_it_is", one.base), ("more", one.difference))
    }


def _manifest(found: Optimum, name: str, began: datetime, command: list[str]) -> Manifest:
    question = found.spec
    figures = [
        list(_trial_rows(found)),
        list(_finalist_rows(found)),
        {key: _gain(one) for key, one in found.gains.items()},
        _gain(found.beliefs_neutral) if found.beliefs_neutral else None,
    ]
    return Manifest(
        kind="optimise",
        name=name,
        command=command,
        plan=manifests.hash_of(found.keys),
        seed=question.seed,
        replications=question.size.replications,
        engine=question.engine,
        digest=hashlib.sha256(json.dumps(figures).encode()).hexdigest(),
        book={"currency": found.currency},
        anchor=[to_json(anchor) for anchor in question.anchors],
        design={
            "axes": [axis_data(axis) for axis in question.axes],
            "objectives": [asdict(one) for one in question.objectives],
            "subject_to": list(question.subject_to),
            "trials": question.trials,
            "size": asdict(question.size),
            "finalists": question.finalists,
            "gap": question.gap,
            "chance": question.chance,
            "confidence": question.confidence,
            "goal": goal_data(question.goal),
        },
        **papers([question.template.loaded], began, SEARCH, **{"replications run": found.runs}),
    )


def _same_search(now: Manifest, before: Manifest | None) -> None:
    """RunError when another version of Optuna suggested other points."""
    if before is not None and now.plan != before.plan and now.versions[SEARCH] != before.versions.get(SEARCH):
        raise RunError(
            f"the points of the manifest were suggested by Optuna {before.versions.get(SEARCH)}, here is "
            f"{now.versions[SEARCH]}: repeat it with that version"
        )
