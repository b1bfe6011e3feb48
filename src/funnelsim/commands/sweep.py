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
from numpy.typing import NDArray

from funnelsim import manifest as manifests
from funnelsim.commands.persistence import executor_on, papers, points_in, ready, saved
from funnelsim.commands.rerun import axis_data, axis_of, goal_data, goal_of_data, refuse_changes, same_digits
from funnelsim.commands.study_inputs import asked_in, goal_from
from funnelsim.commands.study_result import StudyResult
from funnelsim.errors import UsageError
from funnelsim.manifest import Manifest, manifest_at
from funnelsim.measures import Estimate, mean
from funnelsim.progress import Progress
from funnelsim.reporting.common.figure_formats import Figures, formats_of
from funnelsim.scenario.template import Template
from funnelsim.study.anchor import from_json, to_json
from funnelsim.study.axes import Axis, SamplingDesign, read_design
from funnelsim.study.point import RunSize, standard_error
from funnelsim.study.study_file import StudyFile
from funnelsim.study.sweep import DEFAULT_MEASURES, Sweep, SweepCell, SweepSpec
from funnelsim.study.sweep import sweep as study_sweep

if TYPE_CHECKING:
    import polars as pl

POINTS = "points"
Floats = NDArray[np.float64]
SPREADS = {
    "low, high": "simulation error of the mean, 90 %: more replications narrow it",
    "least, most": "one period, central 90 %: luck, and a draw of what is not known in each replication",
    "ignorance": "the expected figure by what is not known alone: not told apart here; see compare, or seek",
}
"""Which of the three spreads a column is."""


class SweepResult(StudyResult[Sweep]):
    """A finished sweep, and where it is saved."""

    what = "sweep"

    def __repr__(self) -> str:
        study, points = self.found.spec, len(self.found.points)
        paths = ", ".join(axis.path for axis in study.axes)
        return f"<Sweep of {self.manifest.name!r}: {points} points of {paths}, seed {study.seed}>"

    def report(self, verbose: int = 0, width: int = 0) -> str:
        """The text of a sweep."""
        from funnelsim.reporting.sweep.report import sweep_report

        return sweep_report(self.found, verbose, width)

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """A row a point, scenario and measure; failed points have a row that says why."""
        return list(rows(self.found))

    def frame(self) -> pl.DataFrame:
        """The rows as a table."""
        import polars as pl

        return pl.DataFrame(self.rows, infer_schema_length=None)

    def tables(self) -> dict[str, pl.DataFrame]:
        """The rows, twice."""
        return {"sweep.csv": self.frame(), "sweep.parquet": self.frame()}

    def values(self, measure: str, scenario: str | None = None) -> Floats:
        """A measure on the luck that all points share: [replication, point], for one scenario, by default the first.

        Points that have no such figure are left out; `found.curves` names those that have.
        """
        return self.found.curves(scenario or self.found.spec.names[0], measure)[1]

    def as_data(self) -> dict[str, Any]:
        """Plain data, as `--json` prints it."""
        study = self.found.spec
        return {
            "name": self.manifest.name,
            "scenarios": study.names,
            "vary": [axis.path for axis in study.axes],
            "measures": list(study.measures),
            "design": str(study.design),
            "points": len(self.found.points),
            "failed": len(self.found.failed),
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
    sets: Sequence[str] = (),
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
    watch: Progress | None = None,
) -> SweepResult:
    """Run scenarios, or a study file, at many points; or, given a manifest, repeat that sweep to the last digit.

    What is given here goes before what a study file says. Finished points are kept in `out`/points and never run
    twice; `out` None keeps and saves nothing. `cluster` is the address of a Dask scheduler.
    """
    watch, formats = watch or Progress(), formats_of(figures)
    if replications is not None and precision is not None:
        raise UsageError("give --replications or --precision, not both")
    repeated = manifest_at(Path(file), "sweep")
    if repeated is not None:
        refuse_changes(others, vary, measures, sets, design, replications, precision, goal, seed, engine)
        study, name = _study_of(repeated), repeated.name
    else:
        asked = asked_in(file, others, vary, sets)
        size = _size(replications, precision, asked)
        study = _study(asked, measures, design, size, goal, seed, engine)
        name = asked.name or study.names[-1]
    ready(out, [template.loaded for template in study.templates], study.engine, watch)
    began = datetime.now(UTC)
    with executor_on(cluster) as executor:
        found = study_sweep(study, points_in(out), executor, threads, watch)
    manifest = _manifest(found, name, began, list(command) or ["funnelsim", "sweep", str(file), *map(str, others)])
    return saved(SweepResult(found, same_digits(manifest, repeated, watch)), out, formats)


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
    templates = [Template(path, asked.sets) for path in asked.scenarios]
    seed = asked.seed if seed is None else seed
    return SweepSpec(
        templates,
        asked.axes,
        tuple(measures or asked.measures or DEFAULT_MEASURES),
        read_design(design) if design else asked.design or SamplingDesign(),
        size,
        templates[0].loaded.scenario.seed if seed is None else seed,
        goal_from(goal or asked.goal, templates[0]),
        engine or "fast",
    )


def _study_of(manifest: Manifest) -> SweepSpec:
    """The study that a manifest holds."""
    design = manifest.design
    return SweepSpec(
        [Template.of_resolved(one) for one in manifest.resolved],
        [axis_of(one) for one in design["axes"]],
        tuple(design["measures"]),
        read_design(design["design"]),
        RunSize(**design["size"]),
        manifest.seed,
        goal_of_data(design["goal"]),
        manifest.engine,
        tuple(from_json(one) for one in manifest.anchor),
    )


# ---- what is left --------------------------------------------------------------------------------------------------


def rows(found: Sweep) -> Iterator[dict[str, Any]]:
    """The table: figures of each scenario, then differences of the others from the first on the same luck."""
    study = found.spec
    base_name = study.names[0]
    count = len(study.names)
    for number, point in enumerate(found.points):
        cells = found.cells[number * count : (number + 1) * count]
        here = {"point": number, **_coordinates(study.axes, point)}
        for cell in cells:
            if cell.outcome is None:
                yield here | _row(cell.scenario, "", "", None, None, cell) | {"status": f"failed: {cell.error}"}
            for name in study.measures if cell.outcome is not None else ():
                measure, estimate = found.measure(cell, name), found.estimate(cell, name)
                unit = measure.unit if measure is not None else ""
                error = standard_error(measure) if measure is not None else None
                yield here | _row(cell.scenario, name, unit, estimate, error, cell)
        for cell in cells[1:]:
            for name in study.measures:
                values = found.difference(cells[0], cell, name)
                if values is not None:
                    one = mean(values)
                    error = float(values.std(ddof=1)) / len(values) ** 0.5 if len(values) > 1 else float("nan")
                    measure = found.measure(cell, name)
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
    found: dict[str, Any] = {}
    for axis, text in zip(axes, point, strict=True):
        found[axis.path] = text
        if np.isfinite(number := axis.coordinate(text)):
            found[f"{axis.path} (number)"] = number
    return found


def _row(
    scenario: str, measure: str, unit: str, one: Estimate | None, error: float | None, cell: SweepCell
) -> dict[str, Any]:
    numbers = {name: getattr(one, name) if one else None for name in ("mean", "low", "high", "least", "most")}
    found = {"mean": numbers.pop("mean"), "standard error": error} | numbers
    return {
        "scenario": scenario,
        "measure": measure,
        "unit": unit,
        **{name: value if value is not None and np.isfinite(value) else None for name, value in found.items()},
        "interval": one.method if one else "",
        "replications": one.replications if one else 0,
        "status": "ok",
        "key": cell.outcome.key if cell.outcome else "",
        "engine": cell.outcome.engine if cell.outcome else "",
    }


def _manifest(found: Sweep, name: str, began: datetime, command: list[str]) -> Manifest:
    study = found.spec
    keys = [cell.outcome.key if cell.outcome else cell.error for cell in found.cells]
    return Manifest(
        kind="sweep",
        name=name,
        command=command,
        plan=manifests.hash_of(keys),
        seed=study.seed,
        replications=max((cell.outcome.replications for cell in found.cells if cell.outcome), default=0),
        engine=study.engine,
        digest=_digest(found),
        book={"currency": found.currency},
        anchor=[to_json(anchor) for anchor in study.anchors],
        design={
            "axes": [axis_data(axis) for axis in study.axes],
            "measures": list(study.measures),
            "design": str(study.design),
            "size": asdict(study.size),
            "goal": goal_data(study.goal),
        },
        **papers(
            [template.loaded for template in study.templates],
            began,
            **{"points run now": sum(cell.fresh for cell in found.cells)},
        ),
    )


def _digest(found: Sweep) -> str:
    """Hash of every figure of every replication."""
    digest = hashlib.sha256()
    for cell in found.cells:
        for name, one in cell.outcome.measures.items() if cell.outcome else ():
            digest.update(name.encode() + np.ascontiguousarray(one.top, np.float64).tobytes())
            digest.update(b"" if one.bottom is None else np.ascontiguousarray(one.bottom, np.float64).tobytes())
    return digest.hexdigest()
