"""compare: scenario files or a manifest to a Comparison, saved whole with its tables and figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelsim import manifest as manifests
from funnelsim.commands.persistence import preflight, provenance, save
from funnelsim.commands.rerun import check_reproduced, reject_overrides
from funnelsim.commands.study_result import StudyResult
from funnelsim.errors import UsageError
from funnelsim.manifest import Manifest, manifest_at
from funnelsim.plan import fingerprint
from funnelsim.progress import Progress
from funnelsim.reporting.common.figure_formats import Figures, formats_of
from funnelsim.scenario import Loaded, load, loads_resolved
from funnelsim.study.anchor import to_json
from funnelsim.study.compare import CompareSpec, Comparison, ScenarioRuns
from funnelsim.study.compare import compare as study
from funnelsim.typing import FloatArray

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure


class ComparisonResult(StudyResult[Comparison]):
    """A finished comparison, and where it is saved."""

    command = "compare"

    def __repr__(self) -> str:
        names = ", ".join(repr(column.name) for column in self.result.runs)
        return (
            f"<Comparison of {names}: {self.result.draws} draws x {self.result.pairs} pairs, seed {self.result.seed}>"
        )

    def report(self, verbose: int = 0, width: int = 110) -> str:
        """The text of a comparison."""
        from funnelsim.reporting.compare.report import comparison_report

        return comparison_report(self.result, verbose, width)

    def frame(self) -> pl.DataFrame:
        """A row a scenario and measure, as differences.csv: the difference from the base, with its spreads.

        low, high: given what is not known (90 %); period_low, period_high: one period; error: of the simulation;
        better: a chance.
        """
        import polars as pl

        units = self.result.runs[0].units
        return pl.DataFrame(
            [
                {
                    "scenario": rung.name,
                    "measure": key,
                    "unit": units.get(key, ""),
                    **{name: value for name, value in asdict(one).items() if isinstance(value, int | float)},
                }
                for rung in self.result.compared
                for key, one in rung.differences.items()
            ],
            infer_schema_length=None,
        )

    def replications(self) -> pl.DataFrame:
        """A row a scenario, measure, draw and pair."""
        import polars as pl

        return pl.concat(_long_table(column) for column in self.result.runs)

    def tables(self) -> dict[str, pl.DataFrame]:
        """The differences, and every measure in each draw and pair."""
        return {"differences.csv": self.frame(), "replications.parquet": self.replications()}

    def values(self, measure: str, scenario: str | None = None) -> FloatArray:
        """A measure in each draw and pair: [draw, pair], of one scenario, by default the last. KeyError without it."""
        columns = {column.name: column for column in self.result.runs}
        return columns[scenario or self.result.runs[-1].name].values[measure]

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """The figures of the folder."""
        from funnelsim.reporting.compare.figures import comparison_figures

        return comparison_figures(self.result)

    def as_data(self) -> dict[str, Any]:
        """Plain data, as `--json` prints it."""
        result = self.result
        return {
            "goal": result.goal,
            "base": result.runs[0].name,
            "draws": result.draws,
            "pairs": result.pairs,
            "reproduces_history": None if result.history is None else result.history.reproduced,
            "scenarios": {
                column.name: {
                    key: float(np.nanmean(values)) for key, values in column.values.items() if np.isfinite(values).any()
                }
                for column in result.runs
            },
            "rungs": [
                {
                    "name": rung.name,
                    "added": rung.added,
                    "differences": {key: asdict(one) for key, one in rung.differences.items()},
                    "beliefs_at_one": asdict(rung.beliefs_neutral) if rung.beliefs_neutral else None,
                    "by_curve": {name: asdict(one) for name, one in rung.by_curve.items()},
                    "break_evens": [asdict(one) for one in rung.break_evens],
                    "changes": [asdict(one) for one in rung.changes],
                }
                for rung in result.compared
            ],
            "why": None
            if result.explanation is None
            else {
                "difference": asdict(result.explanation.difference),
                "shares": {one.name: asdict(one.value) for one in result.explanation.parts},
            },
            "known": [asdict(one) for one in result.information],
            "notes": result.notes,
            "folder": str(self.folder) if self.folder else None,
            "digest": self.manifest.digest,
        }


def compare(
    base: str | Path,
    *others: str | Path,
    overrides: Sequence[str] = (),
    seed: int | None = None,
    draws: int | None = None,
    pairs: int | None = None,
    precision: float | None = None,
    engine: str | None = None,
    threads: int | None = None,
    robustness: bool = True,
    out: str | Path | None = "results",
    figures: Figures = True,
    command: Sequence[str] = (),
    progress: Progress | None = None,
) -> ComparisonResult:
    """Set each other scenario against the base; or, given a manifest alone, repeat that comparison bit for bit.

    `overrides` change every scenario compared. `out` is the folder of results, None to save nothing.
    """
    progress, formats = progress or Progress(), formats_of(figures)
    repeated = manifest_at(Path(base), "compare")
    if repeated is None:
        if not others:
            raise UsageError("compare needs at least two scenarios: a base and another")
        scenarios = [load(str(file), overrides) for file in (base, *others)]
        design = _design(draws, pairs, precision)
        engine = engine or "fast"
    else:
        reject_overrides(others, overrides, seed, draws, pairs, precision, engine)
        scenarios = [loads_resolved(resolved) for resolved in repeated.resolved]
        design, engine = CompareSpec(**repeated.design["design"]), repeated.engine
        robustness, seed = repeated.design["aside"], repeated.seed
    preflight(out, scenarios, engine, progress)
    began = datetime.now(UTC)
    result = study(
        scenarios[0],
        *scenarios[1:],
        spec=design,
        engine=engine,
        threads=threads,
        robustness=robustness,
        seed=seed,
        progress=progress,
    )
    progress.clear()
    argv = list(command) or ["funnelsim", "compare", str(base), *map(str, others)]
    manifest = _manifest(result, scenarios, design, engine, robustness, began, argv)
    return save(ComparisonResult(result, check_reproduced(manifest, repeated, progress)), out, formats)


def _design(draws: int | None, pairs: int | None, precision: float | None) -> CompareSpec:
    """The default design with what the user gave in place."""
    defaults = CompareSpec()
    return CompareSpec(
        draws or defaults.draws, pairs or defaults.pairs, defaults.precision if precision is None else precision
    )


def _manifest(
    result: Comparison,
    scenarios: Sequence[Loaded],
    design: CompareSpec,
    engine: str,
    robustness: bool,
    began: datetime,
    command: list[str],
) -> Manifest:
    plans = [fingerprint(case.anchor.plan(case.blueprint)) for case in result.cases]
    summaries = [summary for column in result.runs for summary in column.summaries]
    beliefs = {belief.path: [belief.low, belief.high] for case in result.cases for belief in case.blueprint.beliefs}
    return Manifest(
        kind="compare",
        name=result.runs[-1].name,
        command=command,
        plan=manifests.hash_of(plans),
        seed=result.seed,
        replications=result.draws * result.pairs,
        engine=engine,
        digest=manifests.digest_of(summaries),
        book=result.cases[0].blueprint.book._asdict(),
        anchor=[to_json(case.anchor) for case in result.cases],
        design={"design": asdict(design), "aside": robustness},
        beliefs=beliefs,
        **provenance(scenarios, began),
    )


# ---- tables --------------------------------------------------------------------------------------------------------


def _long_table(column: ScenarioRuns) -> pl.DataFrame:
    """Every measure in each draw and pair of one scenario."""
    import polars as pl

    draws, pairs = next(iter(column.values.values())).shape
    cells = draws * pairs
    keys = list(column.values)
    return pl.DataFrame(
        {
            "scenario": [column.name] * (cells * len(keys)),
            "measure": np.repeat(np.array(keys, object), cells),
            "unit": np.repeat(np.array([column.units[key] for key in keys], object), cells),
            "draw": np.tile(np.repeat(np.arange(draws), pairs), len(keys)),
            "pair": np.tile(np.arange(pairs), draws * len(keys)),
            "value": np.concatenate([np.ravel(column.values[key]) for key in keys]),
        },
        schema_overrides={"measure": pl.String, "unit": pl.String},
    )
