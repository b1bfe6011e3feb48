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
from funnelsim.commands.persistence import finite, papers, points_in, ready, saved
from funnelsim.commands.rerun import refuse_changes, same_digits
from funnelsim.commands.study_result import StudyResult
from funnelsim.manifest import Manifest, manifest_at
from funnelsim.progress import Progress
from funnelsim.reporting.common.figure_formats import Figures, formats_of
from funnelsim.study.backtest.forecast_scores import ForecastScore, ScoredForecast
from funnelsim.study.backtest.rolling import Backtest, BacktestSpec
from funnelsim.study.backtest.rolling import backtest as study_backtest

if TYPE_CHECKING:
    import polars as pl

DISTANCES = "log-distance-measures"  # the package that measures them


class BacktestResult(StudyResult[Backtest]):
    """A finished back-test, and where it is saved."""

    what = "backtest"

    def __repr__(self) -> str:
        return (
            f"<Back-test of {self.manifest.name!r}: {len(self.found.scored)} forecasts from "
            f"{len(self.found.forecasts)} instants, seed {self.manifest.seed}>"
        )

    def report(self, verbose: int = 0, width: int = 0) -> str:
        """The text of a back-test."""
        from funnelsim.reporting.backtest.report import backtest_report

        return backtest_report(self.found, verbose, width)

    def frame(self) -> pl.DataFrame:
        """A row a forecast and horizon, as forecasts.csv: interval, what happened, PIT, CRPS, a spreadsheet's."""
        return _table([forecast_row(one) for one in self.found.scored])

    def tables(self) -> dict[str, pl.DataFrame]:
        """Forecasts, scores, drift and distances; those without a row are left out."""
        found = self.found
        every = {
            "forecasts.csv": self.frame(),
            "scores.csv": _table(list(score_rows(found))),
            "drift.csv": _table(drift_rows(found)),
            "distances.csv": _table(distance_rows(found)),
        }
        return {file: table for file, table in every.items() if len(table)}

    def as_data(self) -> dict[str, Any]:
        """Plain data, as `--json` prints it."""
        found, drift = self.found, self.found.drift
        return {
            "name": self.manifest.name,
            "as_of": f"{found.origins.end:%Y-%m-%d}",
            "origins": [f"{one.origin:%Y-%m-%d}" for one in found.forecasts],
            "horizons": found.horizons,
            "draws": found.spec.draws,
            "scores": [dict(row) for row in score_rows(found)],
            "drift": {
                "since": f"{drift.since:%Y-%m-%d}",
                "band": drift.level,
                "found": bool(drift.departures),
                "counts": drift_rows(found),
            },
            "distances": [
                distance | {"as_of": f"{found.distance_origin:%Y-%m-%d}"} for distance in distance_rows(found)
            ],
            "skipped": [{"origin": f"{one.origin:%Y-%m-%d}", "why": one.why} for one in found.skipped],
            "notes": list(found.notes),
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
    watch: Progress | None = None,
) -> BacktestResult:
    """Back-test a history; or repeat a back-test from its manifest.

    `horizon` in weeks; `draws` futures of each forecast; `work` False leaves a log of work out of the fits. Forecasts
    are kept in `out`/points and never made twice.
    """
    watch, formats = watch or Progress(), formats_of(figures)
    repeated = manifest_at(Path(file), "backtest")
    if repeated is not None:
        refuse_changes(origins, horizon, draws, seed, engine)
        path, size = Path(repeated.design["history"]), BacktestSpec(**repeated.design["size"])
        data = data or repeated.design["data"]
    else:
        usual = BacktestSpec()
        path = Path(file)
        size = BacktestSpec(
            origins or usual.origins,
            horizon,
            draws or usual.draws,
            usual.seed if seed is None else seed,
            engine or usual.engine,
            distances,
            work,
        )
    history, library = open_history(path, data)
    ready(out, (), size.engine, watch)
    began = datetime.now(UTC)
    found = study_backtest(history, library, size, points_in(out), threads, watch)
    manifest = _manifest(
        found,
        path,
        data,
        began,
        list(command) or ["funnelsim", "backtest", str(file)],
        {sheet.file: sheet.sha256 for sheet in library.sheets.values()},
    )
    return saved(BacktestResult(found, same_digits(manifest, repeated, watch)), out, formats)


def _manifest(
    found: Backtest, path: Path, data: str | Path | None, began: datetime, command: list[str], tables: dict[str, str]
) -> Manifest:
    rows = json.dumps([forecast_row(one) for one in found.scored])
    return Manifest(
        kind="backtest",
        name=found.name,
        command=command,
        plan=manifests.hash_of([one.key for one in found.forecasts]),
        seed=found.spec.seed,
        replications=found.spec.draws,
        engine=found.spec.engine,
        digest=hashlib.sha256(rows.encode()).hexdigest(),
        book={"currency": found.currency},
        design={"history": str(path), "data": str(data) if data else None, "size": asdict(found.spec)},
        **papers((), began, *([DISTANCES] if found.distances else ()))
        | {"data": manifests.hashes([path]) | tables, "warnings": list(found.notes)},
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


def score_rows(found: Backtest) -> Iterator[dict[str, Any]]:
    """All forecasts, those of each quantity, those of each horizon, and those of each quantity at each horizon."""
    units = [one.text for one in found.forecast_spec.quantities]
    kinds = [
        ("", 0),
        *((text, 0) for text in units),
        *(("", weeks) for weeks in found.horizons),
        *((text, weeks) for text in units for weeks in found.horizons),
    ]
    for text, weeks in kinds:
        if together := found.score_of(_which(text, weeks)):
            yield {"quantity": text or "all", "weeks": weeks or None, **_score_row(together)}


def _which(text: str, weeks: int) -> Callable[[ScoredForecast], bool]:
    return lambda one: text in ("", one.quantity.text) and weeks in (0, one.weeks)


def drift_rows(found: Backtest) -> list[dict[str, Any]]:
    """Recent cohorts."""
    return [asdict(one) | {"outside": one.outside} for one in found.drift.counts]


def distance_rows(found: Backtest) -> list[dict[str, Any]]:
    """Distances of event logs."""
    return [asdict(one) | {"ratio": _plain(one.ratio)} for one in found.distances]


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
    return finite(value) if isinstance(value, float) else value


def _table(rows: list[dict[str, Any]]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(rows, infer_schema_length=None)
