"""A forecast from what was known at an instant: fitted, compiled, simulated from the leads in flight, draw by draw.

Each draw has parameters of its own, drawn from what the fit knows of them, and luck of its own: ignorance and chance
together, as in one future period. A forecast is kept as a point (`study.point`), named by the tables as they stood
then, the history file, the sources of the programs that fit and simulate, the seed and the number of draws: a
back-test that was stopped goes on where it was, and nothing that is written after the instant can change its name or
its digits.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from funnelsim.calibration.history.model import HistoryFile
from funnelsim.calibration.history.point_in_time import as_of
from funnelsim.calibration.io.data_tables import Library
from funnelsim.calibration.pipeline import fit_history
from funnelsim.calibration.report.fitted_file import write_fitted
from funnelsim.calibration.result import Calibration
from funnelsim.compile import Blueprint, compile_scenario
from funnelsim.engine.jit import engine_hash
from funnelsim.engine.replicate import replicate
from funnelsim.measures import Measure
from funnelsim.plan import Plan
from funnelsim.run_tables import Trace
from funnelsim.scenario import load
from funnelsim.scenario.values import Place
from funnelsim.study.anchor import anchor
from funnelsim.study.backtest.actuals import REVENUE, Quantity, recorded, simulated
from funnelsim.study.backtest.forecast_origins import WEEK
from funnelsim.study.point import PointResult
from funnelsim.study.point_store import PointStore
from funnelsim.typing import FloatArray

BEFORE = 8  # weeks before an instant that a spreadsheet carries on
_FORMAT = 1


@dataclass(frozen=True)
class ForecastSpec:
    """What every forecast of a back-test is made with."""

    quantities: tuple[Quantity, ...]
    weeks: int
    draws: int
    seed: int
    engine: str = "fast"
    threads: int | None = None


@dataclass(frozen=True)
class Forecast:
    """Weeks to come as they were drawn, and the weeks before as they were known."""

    origin: datetime
    key: str
    drawn: FloatArray  # [quantity, draw, week]; nan where nothing can be said
    before: FloatArray  # [quantity, week], the latest week last
    kept: bool = False  # it was there already


class HistoryAsOf(NamedTuple):
    """A history as it was known at an instant."""

    origin: datetime
    history: HistoryFile
    library: Library

    @classmethod
    def at(cls, history: HistoryFile, library: Library, origin: datetime) -> HistoryAsOf:
        return cls(origin, *as_of(history, library, origin))

    def fitted(self) -> Calibration:
        """Raises DataError when nothing can be fitted to it."""
        return fit_history(self.history, self.library)


def forecast(
    known: HistoryAsOf, spec: ForecastSpec, store: PointStore, on_draw: Callable[[int], None] | None = None
) -> Forecast:
    """The forecast of an instant, from the store when it is there. Raises DataError when nothing can be fitted."""
    key = _key(known, spec)
    kept = store.find(key)
    there = kept is not None
    if kept is None:
        began = time.perf_counter()
        calibration = known.fitted()
        drawn = _drawn(calibration, spec, on_draw)
        start = known.origin.timestamp()
        before = recorded(calibration.records, spec.quantities, start, -_weeks_before(calibration, start))
        kept = PointResult(
            key, _measures(spec.quantities, drawn, before), spec.draws, engine_hash(), time.perf_counter() - began
        )
        store.keep(kept)
    return Forecast(known.origin, key, *_arrays(kept, spec), there)


def traces(calibration: Calibration, spec: ForecastSpec, numbers: range) -> list[Trace]:
    """Whole tables of some draws, the same that the forecast counted."""
    plan_of, seed = _plans(calibration, spec)
    return [_trace(plan_of(number), seed, number, spec.engine) for number in numbers]


# ---- simulation ----------------------------------------------------------------------------------------------------


def _drawn(calibration: Calibration, spec: ForecastSpec, on_draw: Callable[[int], None] | None) -> FloatArray:
    plan_of, seed = _plans(calibration, spec)
    stages = calibration.records.stages
    done: list[int] = []

    def work(number: int) -> FloatArray:
        visits = _trace(plan_of(number), seed, number, spec.engine).visits
        counts = simulated(visits, stages, spec.quantities, spec.weeks)
        done.append(number)
        if on_draw is not None:
            on_draw(len(done))
        return counts

    with ThreadPoolExecutor(spec.threads or os.cpu_count() or 1) as pool:
        drawn = np.stack(list(pool.map(work, range(spec.draws))), axis=1)
    if calibration.value is None:  # too few wins were known to say what one is worth
        drawn[[one.name == REVENUE for one in spec.quantities]] = np.nan
    return drawn


def _plans(calibration: Calibration, spec: ForecastSpec) -> tuple[Callable[[int], Plan], int]:
    blueprint, root = _compiled(calibration, spec)
    solved = anchor(root, spec.threads, cache=False)
    return (lambda draw: solved.plan(blueprint, draw)), spec.seed


def _compiled(calibration: Calibration, spec: ForecastSpec) -> tuple[Blueprint, Blueprint]:
    """The fitted file as a scenario of its own, and its root: what a user has who extends it and runs it."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_fitted(calibration, folder / "then.fitted.yaml")
        scenario = folder / "then.yaml"
        scenario.write_text(
            f"extends: then.fitted.yaml\nseed: {spec.seed}\nobserve: {spec.weeks} weeks\n", encoding="utf-8"
        )
        loaded = load(str(scenario))
        return compile_scenario(loaded), compile_scenario(loaded.root or loaded)


def _trace(plan: Plan, seed: int, number: int, engine: str) -> Trace:
    tables = replicate(plan, seed, [number], engine, 1, tables=True).traces
    assert tables is not None
    return tables[0]


def _weeks_before(calibration: Calibration, origin: float) -> int:
    """As many as there are, up to BEFORE."""
    began = float(calibration.records.visits.entered.min())
    return max(1, min(BEFORE, int((origin - began) // WEEK)))


# ---- as a kept point -----------------------------------------------------------------------------------------------


def _measures(counted: tuple[Quantity, ...], drawn: FloatArray, before: FloatArray) -> dict[str, Measure]:
    """A week a measure; its values are the draws. The weeks before are one measure more, and its values the weeks."""
    measures = [
        Measure(f"week {week + 1}", one.name, one.of, one.unit, drawn[row, :, week])
        for row, one in enumerate(counted)
        for week in range(drawn.shape[2])
    ]
    measures += [Measure("before", one.name, one.of, one.unit, before[row]) for row, one in enumerate(counted)]
    return {measure.key: measure for measure in measures}


def _arrays(kept: PointResult, spec: ForecastSpec) -> tuple[FloatArray, FloatArray]:
    def values(window: str, one: Quantity) -> FloatArray:
        return kept.measures[Measure(window, one.name, one.of, one.unit, np.empty(0)).key].numerator

    weeks = [f"week {week + 1}" for week in range(spec.weeks)]
    drawn = np.stack([np.stack([values(week, one) for week in weeks], axis=1) for one in spec.quantities])
    return drawn, np.stack([values("before", one) for one in spec.quantities])


def _key(known: HistoryAsOf, spec: ForecastSpec) -> str:
    sheets = sorted((name, sheet.sha256) for name, sheet in known.library.sheets.items())
    file = {name: _plain(value) for name, value in vars(known.history).items() if name not in ("file", "about", "data")}
    parts = [_FORMAT, "backtest", _sources(), sheets, file, spec.quantities, spec.weeks, spec.draws, spec.seed]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _plain(value: Any) -> Any:
    """What a history file says, without where it says it."""
    if isinstance(value, Place):
        return None
    if is_dataclass(value):
        return [_plain(getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, dict):
        return [(key, _plain(one)) for key, one in value.items()]
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


@cache
def _sources() -> str:
    """Hash of the programs that a forecast depends on."""
    here = Path(__file__).parents[2]
    digest = hashlib.sha256(engine_hash().encode())
    for folder in ("calibration", "compile", "study/backtest"):
        for source in sorted((here / folder).rglob("*.py")):
            digest.update(source.relative_to(here).as_posix().encode() + source.read_bytes())
    return digest.hexdigest()[:16]
