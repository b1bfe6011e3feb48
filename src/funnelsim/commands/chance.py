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
from funnelsim.commands.persistence import executor_on, finite, papers, points_in, ready, saved
from funnelsim.commands.rerun import goal_data, goal_of_data, refuse_changes, same_digits
from funnelsim.commands.study_inputs import booked_amount, wanted_goal
from funnelsim.commands.study_result import StudyResult
from funnelsim.errors import UsageError
from funnelsim.manifest import Manifest, manifest_at
from funnelsim.progress import Progress
from funnelsim.scenario.template import Template
from funnelsim.study.anchor import from_json, to_json
from funnelsim.study.seek.chance import GoalChance, GoalChanceSpec
from funnelsim.study.seek.chance import goal_chance as study_chance
from funnelsim.study.study_file import is_study

if TYPE_CHECKING:
    import polars as pl

REPLICATIONS = 200


class ChanceResult(StudyResult[GoalChance]):
    """A chance, and where it is saved."""

    what = "chance"

    def __repr__(self) -> str:
        return (
            f"<Chance of {self.manifest.name!r}: {self.found.spec.goal.text}, {self.found.replications} periods, "
            f"seed {self.manifest.seed}>"
        )

    def report(self, verbose: int = 0, width: int = 0) -> str:
        """The text of a chance, which is short whatever is asked."""
        from funnelsim.reporting.chance.report import chance_report

        return chance_report(self.found)

    def frame(self) -> pl.DataFrame:
        """The chance and what the goal is about: a row a spread, by what it is of."""
        import polars as pl

        return pl.DataFrame(list(_rows(self.found)), infer_schema_length=None)

    def tables(self) -> dict[str, pl.DataFrame]:
        """The chance with its spreads."""
        return {"chance.csv": self.frame()}

    def as_data(self) -> dict[str, Any]:
        """Plain data, as `--json` prints it; each interval by what it is of."""
        found, value = self.found, self.found.value
        return {
            "name": self.manifest.name,
            "goal": found.spec.goal.text,
            "chance": found.chance,
            "simulation_error": _interval(found.low, found.high),
            "chance_by_ignorance": _interval(found.worse, found.better),
            "chance_were_all_known": found.known[0] if found.known else None,
            "value": {
                "measure": found.spec.goal.measure,
                "unit": found.unit,
                "mean": finite(value.mean),
                "simulation_error": _interval(value.mean - value.error, value.mean + value.error),
                "one_period": _interval(value.least, value.most),
                "ignorance": _interval(value.low, value.high) if found.known else None,
            },
            "replications": found.replications,
            "draws": found.draws,
            "leads_in_flight": found.in_flight,
            "utilisation": found.busy,
            "digest": self.manifest.digest,
            "folder": str(self.folder) if self.folder else None,
        }


def chance(
    file: str | Path,
    *,
    goal: str | None = None,
    booked: str | float | None = None,
    sets: Sequence[str] = (),
    replications: int | None = None,
    seed: int | None = None,
    engine: str | None = None,
    threads: int | None = None,
    cluster: str | None = None,
    out: str | Path | None = "results",
    command: Sequence[str] = (),
    watch: Progress | None = None,
) -> ChanceResult:
    """The chance of a goal as things are; or repeat that from its manifest."""
    watch = watch or Progress()
    repeated = manifest_at(Path(file), "seek")
    if repeated is not None:
        if "axis" in repeated.design:
            raise UsageError("this is the manifest of a search through a range: give it to `seek`")
        refuse_changes(goal, booked, sets, replications, seed, engine)
        asked, name = _asked_of(repeated), repeated.name
    else:
        template = Template(str(file), sets)
        scenario = template.loaded.scenario
        wanted = replace(wanted_goal(goal or "", template), booked=booked_amount(booked))
        asked = GoalChanceSpec(
            template, wanted, replications or REPLICATIONS, scenario.seed if seed is None else seed, engine or "fast"
        )
        name = scenario.name or Path(file).stem
    ready(out, [asked.template.loaded], asked.engine, watch)
    began = datetime.now(UTC)
    with executor_on(cluster) as executor:
        found = study_chance(asked, points_in(out), executor, threads, watch)
    watch.clear()
    manifest = _manifest(found, name, began, list(command) or ["funnelsim", "seek", str(file)])
    return saved(ChanceResult(found, same_digits(manifest, repeated, watch)), out, ())


def varies_nothing(file: str | Path, vary: Sequence[str]) -> bool:
    """Whether the chance itself is asked: no range here, in a study file, or in the manifest that is repeated."""
    if vary or is_study(str(file)):
        return False
    repeated = manifest_at(Path(file), "seek")
    return repeated is None or "axis" not in repeated.design


def _asked_of(manifest: Manifest) -> GoalChanceSpec:
    goal = goal_of_data(manifest.design["goal"])
    assert goal is not None
    return GoalChanceSpec(
        Template.of_resolved(manifest.resolved[0]),
        goal,
        manifest.replications,
        manifest.seed,
        manifest.engine,
        from_json(manifest.anchor[0]),
    )


def _manifest(found: GoalChance, name: str, began: datetime, command: list[str]) -> Manifest:
    asked = found.spec
    assert asked.anchor is not None
    figures = json.dumps([found.chance, found.low, found.high, asdict(found.value), found.known, found.busy])
    return Manifest(
        kind="seek",
        name=name,
        command=command,
        plan=manifests.hash_of(found.keys),
        seed=asked.seed,
        replications=found.replications,
        engine=asked.engine,
        digest=hashlib.sha256(figures.encode()).hexdigest(),
        book={"currency": found.currency},
        anchor=[to_json(asked.anchor)],
        design={"goal": goal_data(asked.goal)},
        **papers([asked.template.loaded], began),
    )


def _rows(found: GoalChance) -> Iterator[dict[str, Any]]:
    """Each figure with one of the three spreads; null where nothing is left open in the scenario."""
    goal, value = found.spec.goal, found.value
    known = found.known
    certain, least, most = known or (None, None, None)
    figures = [
        (f"chance of {goal.text}", "share", found.chance, found.low, found.high, "simulation error"),
        (
            f"chance of {goal.text}",
            "share",
            None,
            found.worse if known else None,
            found.better if known else None,
            "what is not known",
        ),
        (f"chance of {goal.text}, were all known", "share", certain, least, most, "simulation error"),
        (goal.measure, found.unit, value.mean, value.mean - value.error, value.mean + value.error, "simulation error"),
        (
            goal.measure,
            found.unit,
            None,
            value.low if known else None,
            value.high if known else None,
            "what is not known",
        ),
        (goal.measure, found.unit, None, value.least, value.most, "one period"),
    ]
    for what, unit, middle, low, high, spread in figures:
        yield {
            "what": what,
            "unit": unit,
            "value": finite(middle),
            "low": finite(low),
            "high": finite(high),
            "spread": spread,
        }


def _interval(low: float, high: float) -> list[float | None]:
    return [finite(low), finite(high)]
