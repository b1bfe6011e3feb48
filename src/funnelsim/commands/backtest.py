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
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from funnelsim import manifest as manifests
from funnelsim.calibration.pipeline import open_history
from funnelsim.commands.sweep import POINTS, same_digits
from funnelsim.engine.jit import is_compiled
from funnelsim.errors import UsageError
from funnelsim.folder import check_writable, written_whole
from funnelsim.manifest import Manifest, manifest_at
from funnelsim.result import put, slug
from funnelsim.study.backtest.rolling import Backtest, Size
from funnelsim.study.backtest.rolling import backtest as study_backtest
from funnelsim.study.backtest.scores import Score, Scored
from funnelsim.study.store import Store
from funnelsim.watch import Watch


@dataclass(frozen=True)
class Backtested:
    """A finished back-test, and where it is saved."""

    found: Backtest
    manifest: Manifest
    folder: Path | None = None

    def as_data(self) -> dict[str, Any]:
        """Plain data, as `--json` prints it."""
        found, drift = self.found, self.found.drift
        return {
            "name": self.manifest.name, "as_of": f"{found.placed.end:%Y-%m-%d}",
            "origins": [f"{one.origin:%Y-%m-%d}" for one in found.forecasts], "horizons": found.horizons,
            "draws": found.size.draws, "scores": [dict(row) for row in score_rows(found)],
            "drift": {
                "since": f"{drift.since:%Y-%m-%d}", "band": drift.level, "found": bool(drift.found),
                "counts": drift_rows(found)},
            "distances": [distance | {"as_of": f"{found.distance_origin:%Y-%m-%d}"}
                          for distance in distance_rows(found)],
            "skipped": [{"origin": f"{one.origin:%Y-%m-%d}", "why": one.why} for one in found.skipped],
            "notes": list(found.notes), "digest": self.manifest.digest,
            "folder": str(self.folder) if self.folder else None,
        }


def backtest(file: str | Path, *, data: str | Path | None = None, origins: int | None = None,
             horizon: int | None = None, draws: int | None = None, seed: int | None = None, engine: str | None = None,
             threads: int | None = None, distances: bool = True, work: bool = True, out: str | Path | None = "results",
             figures: bool = True, command: Sequence[str] = (), watch: Watch | None = None) -> Backtested:
    """Back-test a history; or repeat a back-test from its manifest.

    `horizon` in weeks; `draws` futures of each forecast; `work` False leaves a log of work out of the fits. Forecasts
    are kept in `out`/points and never made twice.
    """
    watch = watch or Watch()
    repeated = manifest_at(Path(file), "backtest")
    if repeated is not None:
        if any(one is not None for one in (origins, horizon, draws, seed, engine)):
            raise UsageError("a manifest is repeated as it is: leave out options that change numbers")
        path, size = Path(repeated.design["history"]), Size(**repeated.design["size"])
        data = data or repeated.design["data"]
    else:
        usual = Size()
        path = Path(file)
        size = Size(origins or usual.origins, horizon, draws or usual.draws, usual.seed if seed is None else seed,
                    engine or usual.engine, distances, work)
    if out is not None:
        check_writable(Path(out))
    history, library = open_history(path, data)
    if size.engine == "fast" and not is_compiled():
        watch.note("compiling the engine (once)")
    began = datetime.now(UTC)
    found = study_backtest(history, library, size, Store(Path(out) / POINTS if out is not None else None), threads,
                           watch)
    manifest = _manifest(found, path, data, began, list(command) or ["funnelsim", "backtest", str(file)],
                         {sheet.file: sheet.sha256 for sheet in library.sheets.values()})
    if repeated is not None:
        manifest = same_digits(manifest, repeated)
        watch.note("the same digits as before")
    done = Backtested(found, manifest)
    return _saved(done, Path(out), figures) if out is not None else done


def _manifest(found: Backtest, path: Path, data: str | Path | None, began: datetime, command: list[str],
              tables: dict[str, str]) -> Manifest:
    ended = datetime.now(UTC)
    rows = json.dumps([forecast_row(one) for one in found.scored])
    return Manifest(
        kind="backtest", name=found.name, command=command, resolved=[],
        plan=manifests.hash_of([one.key for one in found.forecasts]), seed=found.size.seed,
        replications=found.size.draws, engine=found.size.engine, digest=hashlib.sha256(rows.encode()).hexdigest(),
        book={"currency": found.currency},
        design={"history": str(path), "data": str(data) if data else None, "size": asdict(found.size)},
        data=manifests.hashes([path]) | tables, versions=manifests.versions(), warnings=list(found.notes),
        times={"began": began.isoformat(), "ended": ended.isoformat(), "seconds": (ended - began).total_seconds()})


def _saved(done: Backtested, out: Path, figures: bool) -> Backtested:
    import polars as pl

    found = done.found
    name = f"backtest-{slug(done.manifest.name)}-{done.manifest.identity}"
    done = replace(done, folder=out / name)
    tables = {"forecasts": [forecast_row(one) for one in found.scored], "scores": list(score_rows(found)),
              "drift": drift_rows(found), "distances": distance_rows(found)}
    with written_whole(out, name) as draft:
        put(draft.path / "manifest.json", done.manifest.text().encode())
        put(draft.path / "backtest.json", json.dumps(done.as_data(), indent=1, ensure_ascii=False).encode())
        for table, rows in tables.items():
            if rows:
                frame = pl.DataFrame(rows, infer_schema_length=None)
                put(draft.path / f"{table}.csv", frame.write_csv().encode())
        if figures:
            from funnelsim.reporting.backtest_figures import draw_backtest

            draw_backtest(found, draft.path)
    return done


# ---- rows of the tables --------------------------------------------------------------------------------------------


def forecast_row(one: Scored) -> dict[str, Any]:
    """A forecast at a horizon."""
    numbers = {name: _plain(value) for name, value in asdict(one).items()
               if name not in ("origin", "quantity", "weeks")}
    return {"origin": f"{one.origin:%Y-%m-%d}", "quantity": one.quantity.text, "unit": one.quantity.unit,
            "weeks": one.weeks, **numbers, "held50": one.held50, "held90": one.held90, "widening": _plain(one.widening)}


def score_rows(found: Backtest) -> Iterator[dict[str, Any]]:
    """All forecasts, those of each quantity, those of each horizon, and those of each quantity at each horizon."""
    units = [one.text for one in found.asked.quantities]
    kinds = [("", 0), *((text, 0) for text in units), *(("", weeks) for weeks in found.horizons),
             *((text, weeks) for text in units for weeks in found.horizons)]
    for text, weeks in kinds:
        together = found.score(lambda one, text=text, weeks=weeks: (  # type: ignore[misc]
            text in ("", one.quantity.text) and weeks in (0, one.weeks)))
        if together:
            yield {"quantity": text or "all", "weeks": weeks or None, **_score_row(together)}


def drift_rows(found: Backtest) -> list[dict[str, Any]]:
    """Recent cohorts."""
    return [asdict(one) | {"outside": one.outside} for one in found.drift.counts]


def distance_rows(found: Backtest) -> list[dict[str, Any]]:
    """Distances of event logs."""
    return [asdict(one) | {"ratio": _plain(one.ratio)} for one in found.distances]


def _score_row(one: Score) -> dict[str, Any]:
    spreads = {f"{name}{end}": _plain(getattr(getattr(one, name), part)) for name in ("held50", "held90", "widening")
               for end, part in (("", "value"), (" low", "low"), (" high", "high"))}
    return {"forecasts": one.forecasts, "origins": one.origins, **spreads, "bias": _plain(one.bias),
            "crps ratio": _plain(one.ratio)}


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
