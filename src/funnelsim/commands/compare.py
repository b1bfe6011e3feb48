"""compare: scenario files or a manifest to a Comparison, saved whole with its tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from funnelsim import manifest as manifests
from funnelsim.commands.persistence import papers, ready, saved
from funnelsim.commands.rerun import refuse_changes, same_digits
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

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]


class ComparisonResult(StudyResult[Comparison]):
    """A finished comparison, and where it is saved."""

    what = "compare"

    def __repr__(self) -> str:
        names = ", ".join(repr(column.name) for column in self.found.runs)
        return f"<Comparison of {names}: {self.found.draws} draws x {self.found.pairs} pairs, seed {self.found.seed}>"

    def report(self, verbose: int = 0, width: int = 110) -> str:
        """The text of a comparison."""
        from funnelsim.reporting.compare.report import comparison_report

        return comparison_report(self.found, verbose, width)

    def frame(self) -> pl.DataFrame:
        """A row a scenario and measure, as differences.csv: the difference from the base, with its spreads.

        low, high: given what is not known (90 %); least, most: one period; error: of the simulation; better: a chance.
        """
        import polars as pl

        units = self.found.runs[0].units
        return pl.DataFrame(
            [
                {
                    "scenario": rung.name,
                    "measure": key,
                    "unit": units.get(key, ""),
                    **{name: value for name, value in asdict(one).items() if isinstance(value, int | float)},
                }
                for rung in self.found.compared
                for key, one in rung.differences.items()
            ],
            infer_schema_length=None,
        )

    def replications(self) -> pl.DataFrame:
        """A row a scenario, measure, draw and pair."""
        import polars as pl

        return pl.concat(_long_table(column) for column in self.found.runs)

    def tables(self) -> dict[str, pl.DataFrame]:
        """The differences, and every measure in each draw and pair."""
        return {"differences.csv": self.frame(), "replications.parquet": self.replications()}

    def values(self, measure: str, scenario: str | None = None) -> Floats:
        """A measure in each draw and pair: [draw, pair], of one scenario, by default the last. KeyError without it."""
        columns = {column.name: column for column in self.found.runs}
        return columns[scenario or self.found.runs[-1].name].values[measure]

    def as_data(self) -> dict[str, Any]:
        """Plain data, as `--json` prints it."""
        found = self.found
        return {
            "goal": found.goal,
            "base": found.runs[0].name,
            "draws": found.draws,
            "pairs": found.pairs,
            "reproduces_history": None if found.history is None else found.history.reproduced,
            "scenarios": {
                column.name: {
                    key: float(np.nanmean(values)) for key, values in column.values.items() if np.isfinite(values).any()
                }
                for column in found.runs
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
                for rung in found.compared
            ],
            "why": None
            if found.explanation is None
            else {
                "difference": asdict(found.explanation.difference),
                "shares": {one.name: asdict(one.value) for one in found.explanation.parts},
            },
            "known": [asdict(one) for one in found.information],
            "notes": found.notes,
            "folder": str(self.folder) if self.folder else None,
            "digest": self.manifest.digest,
        }


def compare(
    base: str | Path,
    *others: str | Path,
    sets: Sequence[str] = (),
    seed: int | None = None,
    draws: int | None = None,
    pairs: int | None = None,
    precision: float | None = None,
    engine: str | None = None,
    threads: int | None = None,
    aside: bool = True,
    out: str | Path | None = "results",
    figures: Figures = True,
    command: Sequence[str] = (),
    watch: Progress | None = None,
) -> ComparisonResult:
    """Set each other scenario against the base; or, given a manifest alone, repeat that comparison to the last digit.

    `sets` change every scenario compared. `out` is the folder of results, None to save nothing.
    """
    watch, formats = watch or Progress(), formats_of(figures)
    repeated = manifest_at(Path(base), "compare")
    if repeated is None:
        if not others:
            raise UsageError("compare needs at least two scenarios: a base and another")
        every = [load(str(file), sets) for file in (base, *others)]
        design = _design(draws, pairs, precision)
        engine = engine or "fast"
    else:
        refuse_changes(others, sets, seed, draws, pairs, precision, engine)
        every = [loads_resolved(resolved) for resolved in repeated.resolved]
        design, engine = CompareSpec(**repeated.design["design"]), repeated.engine
        aside, seed = repeated.design["aside"], repeated.seed
    ready(out, every, engine, watch)
    began = datetime.now(UTC)
    found = study(
        every[0], *every[1:], spec=design, engine=engine, threads=threads, robustness=aside, seed=seed, watch=watch
    )
    watch.clear()
    given = list(command) or ["funnelsim", "compare", str(base), *map(str, others)]
    manifest = _manifest(found, every, design, engine, aside, began, given)
    return saved(ComparisonResult(found, same_digits(manifest, repeated, watch)), out, formats)


def _design(draws: int | None, pairs: int | None, precision: float | None) -> CompareSpec:
    """The default design with what the user gave in place."""
    usual = CompareSpec()
    return CompareSpec(draws or usual.draws, pairs or usual.pairs, usual.precision if precision is None else precision)


def _manifest(
    found: Comparison,
    every: Sequence[Loaded],
    design: CompareSpec,
    engine: str,
    aside: bool,
    began: datetime,
    command: list[str],
) -> Manifest:
    plans = [fingerprint(case.anchor.plan(case.blueprint)) for case in found.cases]
    summaries = [summary for column in found.runs for summary in column.summaries]
    beliefs = {belief.path: [belief.low, belief.high] for case in found.cases for belief in case.blueprint.beliefs}
    return Manifest(
        kind="compare",
        name=found.runs[-1].name,
        command=command,
        plan=manifests.hash_of(plans),
        seed=found.seed,
        replications=found.draws * found.pairs,
        engine=engine,
        digest=manifests.digest_of(summaries),
        book=found.cases[0].blueprint.book._asdict(),
        anchor=[to_json(case.anchor) for case in found.cases],
        design={"design": asdict(design), "aside": aside},
        beliefs=beliefs,
        **papers(every, began),
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
