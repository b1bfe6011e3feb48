"""sweep: scenario files, a study file or a manifest to a Sweep, saved whole with its tables and figures.

results/sweep-<name>-<hash>/
    sweep.csv, sweep.parquet, sweep.json    a row a point, scenario and measure, with its uncertainty
    manifest.json, answer.txt, *.png, *.svg
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelsim import manifest as manifests
from funnelsim.commands.persistence import cluster_executor, point_store, preflight, provenance, save
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
from funnelsim.errors import UsageError
from funnelsim.manifest import Manifest, manifest_at
from funnelsim.measures import NUMBERS, Estimate, mean
from funnelsim.progress import Progress
from funnelsim.reporting.common.figure_formats import Figures, formats_of
from funnelsim.scenario.template import ScenarioTemplate
from funnelsim.study.anchor import from_json, to_json
from funnelsim.study.axes import Axis, SamplingDesign, read_design
from funnelsim.study.point import RunSize, standard_error
from funnelsim.study.study_file import StudyFile
from funnelsim.study.sweep import DEFAULT_MEASURES, Sweep, SweepCell, SweepSpec
from funnelsim.study.sweep import sweep as study_sweep
from funnelsim.typing import FloatArray

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure

POINTS = "points"
SPREADS = {
    "low, high": "simulation error of the mean, 90 %: more replications narrow it",
    "period_low, period_high": "one period, central 90 %: luck, and a draw of what is not known in each replication",
    "ignorance": "the expected figure by what is not known alone: not told apart here; see compare, or seek",
}
"""Which of the three spreads a column is."""


class SweepResult(StudyResult[Sweep]):
    """A finished sweep, and where it is saved."""

    command = "sweep"

    def __repr__(self) -> str:
        study, points = self.result.spec, len(self.result.points)
        paths = ", ".join(axis.path for axis in study.axes)
        return f"<Sweep of {self.manifest.name!r}: {points} points of {paths}, seed {study.seed}>"

    def report(self, verbose: int = 0, width: int = 0) -> str:
        """The text of a sweep."""
        from funnelsim.reporting.sweep.report import sweep_report

        return sweep_report(self.result, verbose, width)

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """A row a point, scenario and measure; failed points have a row that says why."""
        return list(rows(self.result))

    def frame(self) -> pl.DataFrame:
        """The rows as a table."""
        import polars as pl

        return pl.DataFrame(self.rows, infer_schema_length=None)

    def tables(self) -> dict[str, pl.DataFrame]:
        """The rows, twice."""
        return {"sweep.csv": self.frame(), "sweep.parquet": self.frame()}

    def values(self, measure: str, scenario: str | None = None) -> FloatArray:
        """A measure on the luck that all points share: [replication, point], for one scenario, by default the first.

        Points that have no such figure are left out; `result.curves` names those that have.
        """
        return self.result.curves(scenario or self.result.spec.names[0], measure)[1]

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """The figures of the folder."""
        from funnelsim.reporting.sweep.figures import sweep_figures

        return sweep_figures(self.result)

    def as_data(self) -> dict[str, Any]:
        """Plain data, as `--json` prints it."""
        study = self.result.spec
        return {
            "name": self.manifest.name,
            "scenarios": study.names,
            "vary": [axis.path for axis in study.axes],
            "measures": list(study.measures),
            "design": str(study.design),
            "points": len(self.result.points),
            "failed": len(self.result.failed),
            "spreads": SPREADS,
            "rows": self.rows,
            "digest": self.manifest.digest,
            "folder": str(self.folder) if self.folder else None,
        }


def sweep(
    file: str | Path,
    *others: str | Path,
    vary: Sequence[str] = (),
    measures: Sequence[str] = (),
    design: str | None = None,
    overrides: Sequence[str] = (),
    replications: int | None = None,
    precision: float | None = None,
    goal: str | None = None,
    seed: int | None = None,
    engine: str | None = None,
    threads: int | None = None,
    cluster: str | None = None,
    out: str | Path | None = "results",
    figures: Figures = True,
    command: Sequence[str] = (),
    progress: Progress | None = None,
) -> SweepResult:
    """Run scenarios, or a study file, at many points; or, given a manifest, repeat that sweep bit for bit.

    What is given here goes before what a study file says. Finished points are kept in `out`/points and never run
    twice; `out` None keeps and saves nothing. `cluster` is the address of a Dask scheduler.
    """
    progress, formats = progress or Progress(), formats_of(figures)
    if replications is not None and precision is not None:
        raise UsageError("give --replications or --precision, not both")
    repeated = manifest_at(Path(file), "sweep")
    if repeated is not None:
        reject_overrides(others, vary, measures, overrides, design, replications, precision, goal, seed, engine)
        study, name = _spec_from_manifest(repeated), repeated.name
    else:
        asked = study_from_args(file, others, vary, overrides)
        size = _size(replications, precision, asked)
        study = _study(asked, measures, design, size, goal, seed, engine)
        name = asked.name or study.names[-1]
    preflight(out, [template.loaded for template in study.templates], study.engine, progress)
    began = datetime.now(UTC)
    with cluster_executor(cluster) as executor:
        result = study_sweep(study, point_store(out), executor, threads, progress)
    manifest = _manifest(result, name, began, list(command) or ["funnelsim", "sweep", str(file), *map(str, others)])
    return save(SweepResult(result, check_reproduced(manifest, repeated, progress)), out, formats)


# ---- what is asked -------------------------------------------------------------------------------------------------


def _size(replications: int | None, precision: float | None, asked: StudyFile) -> RunSize:
    if replications is None and precision is None:
        replications, precision = asked.replications, asked.precision
    if precision is not None and not 0.0 < precision < 1.0:
        raise UsageError("--precision must lie between 0 % and 100 %")
    return RunSize(replications or RunSize().replications, precision)


def _study(
    asked: StudyFile,
    measures: Sequence[str],
    design: str | None,
    size: RunSize,
    goal: str | None,
    seed: int | None,
    engine: str | None,
) -> SweepSpec:
    templates = [ScenarioTemplate(path, asked.overrides) for path in asked.scenarios]
    seed = asked.seed if seed is None else seed
    return SweepSpec(
        templates,
        asked.axes,
        tuple(measures or asked.measures or DEFAULT_MEASURES),
        read_design(design) if design else asked.design or SamplingDesign(),
        size,
        templates[0].loaded.scenario.seed if seed is None else seed,
        optional_goal(goal or asked.goal, templates[0]),
        engine or "fast",
    )


def _spec_from_manifest(manifest: Manifest) -> SweepSpec:
    """The study that a manifest holds."""
    design = manifest.design
    return SweepSpec(
        [ScenarioTemplate.of_resolved(one) for one in manifest.resolved],
        [axis_from_json(one) for one in design["axes"]],
        tuple(design["measures"]),
        read_design(design["design"]),
        RunSize(**design["size"]),
        manifest.seed,
        goal_from_json(design["goal"]),
        manifest.engine,
        tuple(from_json(one) for one in manifest.anchor),
    )


# ---- what is left --------------------------------------------------------------------------------------------------


def rows(result: Sweep) -> Iterator[dict[str, Any]]:
    """The table: figures of each scenario, then differences of the others from the first on the same luck."""
    study = result.spec
    base_name = study.names[0]
    count = len(study.names)
    for number, point in enumerate(result.points):
        cells = result.cells[number * count : (number + 1) * count]
        here = {"point": number, **_coordinates(study.axes, point)}
        for cell in cells:
            if cell.outcome is None:
                yield here | _row(cell.scenario, "", "", None, None, cell) | {"status": f"failed: {cell.error}"}
            for name in study.measures if cell.outcome is not None else ():
                measure, estimate = result.measure(cell, name), result.estimate(cell, name)
                unit = measure.unit if measure is not None else ""
                error = standard_error(measure) if measure is not None else None
                yield here | _row(cell.scenario, name, unit, estimate, error, cell)
        for cell in cells[1:]:
            for name in study.measures:
                values = result.difference(cells[0], cell, name)
                if values is not None:
                    one = mean(values)
                    error = float(values.std(ddof=1)) / len(values) ** 0.5 if len(values) > 1 else float("nan")
                    measure = result.measure(cell, name)
                    row = _row(
                        f"{cell.scenario} - {base_name}",
                        name,
                        measure.unit if measure else "",
                        replace(one, method="paired t"),
                        error,
                        cell,
                    )
                    yield here | row


def _coordinates(axes: Sequence[Axis], point: tuple[str, ...]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for axis, text in zip(axes, point, strict=True):
        columns[axis.path] = text
        if np.isfinite(number := axis.coordinate(text)):
            columns[f"{axis.path} (number)"] = number
    return columns


def _row(
    scenario: str, measure: str, unit: str, one: Estimate | None, error: float | None, cell: SweepCell
) -> dict[str, Any]:
    numbers = {name: getattr(one, name) if one else None for name in NUMBERS}
    figures = {"mean": numbers.pop("mean"), "standard error": error} | numbers
    return {
        "scenario": scenario,
        "measure": measure,
        "unit": unit,
        **{name: value if value is not None and np.isfinite(value) else None for name, value in figures.items()},
        "interval": one.method if one else "",
        "replications": one.replications if one else 0,
        "status": "ok",
        "key": cell.outcome.key if cell.outcome else "",
        "engine": cell.outcome.engine if cell.outcome else "",
    }


def _manifest(result: Sweep, name: str, began: datetime, command: list[str]) -> Manifest:
    study = result.spec
    keys = [cell.outcome.key if cell.outcome else cell.error for cell in result.cells]
    return Manifest(
        kind="sweep",
        name=name,
        command=command,
        plan=manifests.hash_of(keys),
        seed=study.seed,
        replications=max((cell.outcome.replications for cell in result.cells if cell.outcome), default=0),
        engine=study.engine,
        digest=_digest(result),
        book={"currency": result.currency},
        anchor=[to_json(anchor) for anchor in study.anchors],
        design={
            "axes": [axis_to_json(axis) for axis in study.axes],
            "measures": list(study.measures),
            "design": str(study.design),
            "size": asdict(study.size),
            "goal": goal_to_json(study.goal),
        },
        **provenance(
            [template.loaded for template in study.templates],
            began,
            **{"points run now": sum(cell.fresh for cell in result.cells)},
        ),
    )


def _digest(result: Sweep) -> str:
    """Hash of every figure of every replication."""
    digest = hashlib.sha256()
    for cell in result.cells:
        for name, one in cell.outcome.measures.items() if cell.outcome else ():
            digest.update(name.encode() + np.ascontiguousarray(one.numerator, np.float64).tobytes())
            digest.update(
                b"" if one.denominator is None else np.ascontiguousarray(one.denominator, np.float64).tobytes()
            )
    return digest.hexdigest()
