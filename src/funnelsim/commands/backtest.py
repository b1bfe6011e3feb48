"""backtest: a history or a manifest to its scores, saved whole.

results/backtest-<name>-<hash>/
    manifest.json
    forecasts.csv       every forecast at every horizon: interval, what happened, PIT, CRPS, a spreadsheet's
    scores.csv          the same together: by quantity, by horizon, all
    drift.csv           recent cohorts beside what was fitted before them
    distances.csv       of event logs
    backtest.json       the answer
    fans, coverage, pit .png, .svg
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelsim import manifest as manifests
from funnelsim.calibration.pipeline import open_history
from funnelsim.commands.persistence import nan_to_none, point_store, preflight, provenance, save
from funnelsim.commands.rerun import check_reproduced, reject_overrides
from funnelsim.commands.study_result import StudyResult
from funnelsim.manifest import Manifest, manifest_at
from funnelsim.progress import Progress
from funnelsim.reporting.common.figure_formats import Figures, formats_of
from funnelsim.study.backtest.forecast_scores import ForecastScore, ScoredForecast
from funnelsim.study.backtest.rolling import Backtest, BacktestSpec
from funnelsim.study.backtest.rolling import backtest as study_backtest

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure

DISTANCES = "log-distance-measures"  # the package that measures them


class BacktestResult(StudyResult[Backtest]):
    """A finished back-test, and where it is saved."""

    command = "backtest"

    def __repr__(self) -> str:
        return (
            f"<Back-test of {self.manifest.name!r}: {len(self.result.scored)} forecasts from "
            f"{len(self.result.forecasts)} instants, seed {self.manifest.seed}>"
        )

    def report(self, verbose: int = 0, width: int = 0) -> str:
        """The text of a back-test."""
        from funnelsim.reporting.backtest.report import backtest_report

        return backtest_report(self.result, verbose, width)

    def frame(self) -> pl.DataFrame:
        """A row a forecast and horizon, as forecasts.csv: interval, what happened, PIT, CRPS, a spreadsheet's."""
        return _table([forecast_row(one) for one in self.result.scored])

    def tables(self) -> dict[str, pl.DataFrame]:
        """Forecasts, scores, drift and distances; those without a row are left out."""
        result = self.result
        tables = {
            "forecasts.csv": self.frame(),
            "scores.csv": _table(list(score_rows(result))),
            "drift.csv": _table(drift_rows(result)),
            "distances.csv": _table(distance_rows(result)),
        }
        return {file: table for file, table in tables.items() if len(table)}

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """The figures of the folder."""
        from funnelsim.reporting.backtest.figures import backtest_figures

        return backtest_figures(self.result)

    def as_data(self) -> dict[str, Any]:
        """Plain data, as `--json` prints it."""
        result, drift = self.result, self.result.drift
        return {
            "name": self.manifest.name,
            "as_of": f"{result.origins.end:%Y-%m-%d}",
            "origins": [f"{one.origin:%Y-%m-%d}" for one in result.forecasts],
            "horizons": result.horizons,
            "draws": result.spec.draws,
            "scores": [dict(row) for row in score_rows(result)],
            "drift": {
                "since": f"{drift.since:%Y-%m-%d}",
                "band": drift.level,
                "found": bool(drift.departures),
                "counts": drift_rows(result),
            },
            "distances": [
                distance | {"as_of": f"{result.distance_origin:%Y-%m-%d}"} for distance in distance_rows(result)
            ],
            "skipped": [{"origin": f"{one.origin:%Y-%m-%d}", "why": one.why} for one in result.skipped],
            "notes": list(result.notes),
            "digest": self.manifest.digest,
            "folder": str(self.folder) if self.folder else None,
        }


def backtest(
    file: str | Path,
    *,
    data: str | Path | None = None,
    origins: int | None = None,
    horizon: int | None = None,
    draws: int | None = None,
    seed: int | None = None,
    engine: str | None = None,
    threads: int | None = None,
    distances: bool = True,
    work: bool = True,
    out: str | Path | None = "results",
    figures: Figures = True,
    command: Sequence[str] = (),
    progress: Progress | None = None,
) -> BacktestResult:
    """Back-test a history; or repeat a back-test from its manifest.

    `horizon` in weeks; `draws` futures of each forecast; `work` False leaves a log of work out of the fits. Forecasts
    are kept in `out`/points and never made twice.
    """
    progress, formats = progress or Progress(), formats_of(figures)
    repeated = manifest_at(Path(file), "backtest")
    if repeated is not None:
        reject_overrides(origins, horizon, draws, seed, engine)
        path, size = Path(repeated.design["history"]), BacktestSpec(**repeated.design["size"])
        data = data or repeated.design["data"]
    else:
        defaults = BacktestSpec()
        path = Path(file)
        size = BacktestSpec(
            origins or defaults.origins,
            horizon,
            draws or defaults.draws,
            defaults.seed if seed is None else seed,
            engine or defaults.engine,
            distances,
            work,
        )
    history, library = open_history(path, data)
    preflight(out, (), size.engine, progress)
    began = datetime.now(UTC)
    result = study_backtest(history, library, size, point_store(out), threads, progress)
    manifest = _manifest(
        result,
        path,
        data,
        began,
        list(command) or ["funnelsim", "backtest", str(file)],
        {sheet.file: sheet.sha256 for sheet in library.sheets.values()},
    )
    return save(BacktestResult(result, check_reproduced(manifest, repeated, progress)), out, formats)


def _manifest(
    result: Backtest, path: Path, data: str | Path | None, began: datetime, command: list[str], tables: dict[str, str]
) -> Manifest:
    rows = json.dumps([forecast_row(one) for one in result.scored])
    return Manifest(
        kind="backtest",
        name=result.name,
        command=command,
        plan=manifests.hash_of([one.key for one in result.forecasts]),
        seed=result.spec.seed,
        replications=result.spec.draws,
        engine=result.spec.engine,
        digest=hashlib.sha256(rows.encode()).hexdigest(),
        book={"currency": result.currency},
        design={"history": str(path), "data": str(data) if data else None, "size": asdict(result.spec)},
        **provenance((), began, *([DISTANCES] if result.distances else ()))
        | {"data": manifests.hashes([path]) | tables, "warnings": list(result.notes)},
    )


# ---- rows of the tables --------------------------------------------------------------------------------------------


def forecast_row(one: ScoredForecast) -> dict[str, Any]:
    """A forecast at a horizon."""
    numbers = {
        name: _plain(value) for name, value in asdict(one).items() if name not in ("origin", "quantity", "weeks")
    }
    return {
        "origin": f"{one.origin:%Y-%m-%d}",
        "quantity": one.quantity.text,
        "unit": one.quantity.unit,
        "weeks": one.weeks,
        **numbers,
        "held50": one.held50,
        "held90": one.held90,
        "widening": _plain(one.widening),
    }


def score_rows(result: Backtest) -> Iterator[dict[str, Any]]:
    """All forecasts, those of each quantity, those of each horizon, and those of each quantity at each horizon."""
    units = [one.text for one in result.forecast_spec.quantities]
    kinds = [
        ("", 0),
        *((text, 0) for text in units),
        *(("", weeks) for weeks in result.horizons),
        *((text, weeks) for text in units for weeks in result.horizons),
    ]
    for text, weeks in kinds:
        if together := result.score_of(_which(text, weeks)):
            yield {"quantity": text or "all", "weeks": weeks or None, **_score_row(together)}


def _which(text: str, weeks: int) -> Callable[[ScoredForecast], bool]:
    return lambda one: text in ("", one.quantity.text) and weeks in (0, one.weeks)


def drift_rows(result: Backtest) -> list[dict[str, Any]]:
    """Recent cohorts."""
    return [asdict(one) | {"outside": one.outside} for one in result.drift.counts]


def distance_rows(result: Backtest) -> list[dict[str, Any]]:
    """Distances of event logs."""
    return [asdict(one) | {"ratio": _plain(one.ratio)} for one in result.distances]


def _score_row(one: ForecastScore) -> dict[str, Any]:
    spreads = {
        f"{name}{end}": _plain(getattr(getattr(one, name), part))
        for name in ("held50", "held90", "widening")
        for end, part in (("", "value"), (" low", "low"), (" high", "high"))
    }
    return {
        "forecasts": one.forecasts,
        "origins": one.origins,
        **spreads,
        "bias": _plain(one.bias),
        "crps ratio": _plain(one.ratio),
    }


def _plain(value: Any) -> Any:
    return nan_to_none(value) if isinstance(value, float) else value


def _table(rows: list[dict[str, Any]]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(rows, infer_schema_length=None)
