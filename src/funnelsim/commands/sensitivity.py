"""sensitivity: one scenario, two, or a manifest to what moves the answer, saved whole with its tables and figures.

results/points/...      each finished point, at once; shared with sweep and seek
results/sensitivity-<name>-<hash>/
    manifest.json
    sensitivity.csv     a row an input: whose, its ends, the answer there, effects, indices, what knowing brings
    sensitivity.json    the same with the answer and its spreads
    tornado.png, .svg, indices.png, .svg
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelsim import manifest as manifests
from funnelsim.commands.persistence import cluster_executor, nan_to_none, point_store, preflight, provenance, save
from funnelsim.commands.rerun import axis_from_json, axis_to_json, check_reproduced, reject_overrides
from funnelsim.commands.study_result import StudyResult
from funnelsim.errors import UsageError
from funnelsim.manifest import Manifest, manifest_at
from funnelsim.progress import Progress
from funnelsim.reporting.common.figure_formats import Figures, formats_of
from funnelsim.scenario.template import ScenarioTemplate
from funnelsim.study.anchor import from_json, to_json
from funnelsim.study.axes import read_axes
from funnelsim.study.compare import goal_of
from funnelsim.study.point import RunSize
from funnelsim.study.sensitivity.indices import IntervalEstimate
from funnelsim.study.sensitivity.sensitivity import InputEffect, Sensitivity, SensitivitySpec
from funnelsim.study.sensitivity.sensitivity import sensitivity as study_sensitivity
from funnelsim.study.sensitivity.value_of_information import most_informative
from funnelsim.study.sweep import SweepSpec

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure

REPLICATIONS = 4
FEWEST_ROWS = 16  # fewer say nothing, not even about themselves


class SensitivityResult(StudyResult[Sensitivity]):
    """A finished study, and where it is saved."""

    command = "sensitivity"

    def __repr__(self) -> str:
        names = " against ".join(map(repr, reversed(self.result.spec.names)))
        return (
            f"<Sensitivity of {names}: {self.result.measure} by {len(self.result.effects)} inputs, "
            f"seed {self.manifest.seed}>"
        )

    def report(self, verbose: int = 0, width: int = 0) -> str:
        """The text of a study."""
        from funnelsim.reporting.sensitivity.report import sensitivity_report

        return sensitivity_report(self.result, verbose, width)

    def frame(self) -> pl.DataFrame:
        """A row an input, as sensitivity.csv: whose, its ends, the answer there, effects, indices, and the worth
        of knowing it.
        """
        import polars as pl

        return pl.DataFrame([row(one) for one in self.result.effects], infer_schema_length=None)

    def tables(self) -> dict[str, pl.DataFrame]:
        """The inputs."""
        return {"sensitivity.csv": self.frame()}

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """The figures of the folder."""
        from funnelsim.reporting.sensitivity.figures import sensitivity_figures

        return sensitivity_figures(self.result)

    def as_data(self) -> dict[str, Any]:
        """Plain data, as `--json` prints it; null where a figure does not exist."""
        result = self.result
        learn = most_informative(result.information)
        how = {one.input.path: one.input.learn for one in result.effects}
        return {
            "name": self.manifest.name,
            "scenarios": result.spec.names,
            "measure": result.measure,
            "unit": result.unit,
            "answer": {key: nan_to_none(value) for key, value in asdict(result.answer).items()},
            "as_written": result.centre,
            "inputs": [row(one) for one in result.effects],
            "left_out": result.left_out,
            "measure_first": learn.path if learn else None,
            "how": how[learn.path] if learn else None,
            "rows": result.spec.rows,
            "trajectories": result.spec.trajectories,
            "keep": result.spec.keep,
            "replications": result.spec.sweep.size.replications,
            "periods_simulated": result.runs,
            "digest": self.manifest.digest,
            "folder": str(self.folder) if self.folder else None,
        }


def sensitivity(
    file: str | Path,
    other: str | Path | None = None,
    *,
    vary: Sequence[str] = (),
    measure: str | None = None,
    overrides: Sequence[str] = (),
    rows: int | None = None,
    trajectories: int | None = None,
    keep: int | None = None,
    replications: int | None = None,
    seed: int | None = None,
    engine: str | None = None,
    threads: int | None = None,
    cluster: str | None = None,
    out: str | Path | None = "results",
    figures: Figures = True,
    command: Sequence[str] = (),
    progress: Progress | None = None,
) -> SensitivityResult:
    """Say what moves the answer of a scenario, or of another against it; or repeat a study from its manifest.

    `vary` adds inputs to what nobody knows. Points are kept in `out`/points and never run twice; `out` None keeps and
    saves nothing. `cluster` is the address of a Dask scheduler.
    """
    progress, formats = progress or Progress(), formats_of(figures)
    repeated = manifest_at(Path(file), "sensitivity")
    if repeated is not None:
        reject_overrides(other, vary, measure, overrides, rows, trajectories, keep, replications, seed, engine)
        question, name = _spec_from_manifest(repeated), repeated.name
    else:
        files = [file] if other is None else [file, other]
        study = _study(files, vary, measure, overrides, replications, seed, engine)
        question = _with_size(SensitivitySpec(study), rows, trajectories, keep)
        name = study.names[-1]
    preflight(out, [template.loaded for template in question.sweep.templates], question.sweep.engine, progress)
    began = datetime.now(UTC)
    with cluster_executor(cluster) as executor:
        result = study_sensitivity(question, point_store(out), executor, threads, progress)
    progress.clear()
    argv = list(command) or ["funnelsim", "sensitivity", str(file), *([str(other)] if other else [])]
    manifest = _manifest(result, name, began, argv)
    return save(SensitivityResult(result, check_reproduced(manifest, repeated, progress)), out, formats)


def _study(
    files: Sequence[str | Path],
    vary: Sequence[str],
    measure: str | None,
    overrides: Sequence[str],
    replications: int | None,
    seed: int | None,
    engine: str | None,
) -> SweepSpec:
    axes = read_axes(vary)
    templates = [ScenarioTemplate(str(one), overrides) for one in files]
    first = templates[0].loaded
    return SweepSpec(
        templates,
        axes,
        (measure or goal_of(first),),
        size=RunSize(replications or REPLICATIONS),
        seed=first.scenario.seed if seed is None else seed,
        engine=engine or "fast",
    )


def _with_size(
    defaults: SensitivitySpec, rows: int | None, trajectories: int | None, keep: int | None
) -> SensitivitySpec:
    """The defaults design with what the user gave in place."""
    spec = replace(
        defaults,
        rows=rows or defaults.rows,
        trajectories=trajectories or defaults.trajectories,
        keep=keep or defaults.keep,
    )
    if spec.rows < FEWEST_ROWS or spec.rows & (spec.rows - 1):
        near = max(FEWEST_ROWS, 1 << round(math.log2(spec.rows)))
        raise UsageError(
            f"--rows {spec.rows}: take a power of two from {FEWEST_ROWS} on, such as {near}; others are uneven"
        )
    return spec


def _spec_from_manifest(manifest: Manifest) -> SensitivitySpec:
    """The question that a manifest holds."""
    design = manifest.design
    study = SweepSpec(
        [ScenarioTemplate.of_resolved(one) for one in manifest.resolved],
        [axis_from_json(one) for one in design["axes"]],
        (design["measure"],),
        size=RunSize(design["replications"]),
        seed=manifest.seed,
        engine=manifest.engine,
        anchors=tuple(from_json(one) for one in manifest.anchor),
    )
    return SensitivitySpec(study, design["rows"], design["trajectories"], design["keep"])


def _manifest(result: Sensitivity, name: str, began: datetime, command: list[str]) -> Manifest:
    question, study = result.spec, result.spec.sweep
    return Manifest(
        kind="sensitivity",
        name=name,
        command=command,
        plan=manifests.hash_of(result.keys),
        seed=study.seed,
        replications=study.size.replications,
        engine=study.engine,
        digest=hashlib.sha256(np.array(result.values).tobytes()).hexdigest(),
        book={"currency": result.currency},
        anchor=[to_json(anchor) for anchor in study.anchors],
        design={
            "axes": [axis_to_json(axis) for axis in study.axes],
            "measure": result.measure,
            "rows": question.rows,
            "trajectories": question.trajectories,
            "keep": question.keep,
            "replications": study.size.replications,
        },
        **provenance([template.loaded for template in study.templates], began),
    )


def row(one: InputEffect) -> dict[str, Any]:
    """An input with all that is known of it; null where it does not apply."""
    effect, index, learned = one.elementary, one.sobol, one.information
    return {
        "input": one.input.path,
        "whose": one.input.owner,
        "unknown": one.input.unknown,
        "from": one.input.low_text,
        "to": one.input.high_text,
        "answer_from": one.at_low,
        "answer_to": one.at_high,
        "swing": one.swing,
        "swing_error": nan_to_none(one.error),
        **_cells("effect_size", effect.mu_star if effect else None),
        **_cells("effect_bend", effect.sigma if effect else None),
        **_cells("first_order", index.first if index else None),
        **_cells("total", index.total if index else None),
        **_cells("variance_gone_if_known", learned.share if learned else None),
        **_cells("worth_of_knowing", learned.value if learned else None),
        "changes_the_choice": learned.changes if learned and learned.value else None,
        "how_to_learn": one.input.learn,
    }


def _cells(name: str, one: IntervalEstimate | None) -> dict[str, float | None]:
    values = (one.value, one.low, one.high) if one else (None, None, None)
    return dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))
