"""backtest: what would funnelsim have said, again and again, and what then happened?

At each of several instants the history is cut as it was known then, fitted, and simulated forward; every forecast is
scored at every horizon that the history reaches. Figures: coverage, PIT, CRPS beside a last-weeks average, bias, the
factor by which intervals must be widened, drift, and distances of event logs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from funnelsim.calibration.events.visit_history import VisitHistory
from funnelsim.calibration.history.model import HistoryFile
from funnelsim.calibration.io.data_tables import Library
from funnelsim.calibration.pipeline import fit_history
from funnelsim.calibration.result import Calibration
from funnelsim.errors import DataError, Problem
from funnelsim.progress import Progress
from funnelsim.study.backtest.actuals import LEADS, WINS, quantities, recorded
from funnelsim.study.backtest.distances import ABSENT, Distance, available, distances
from funnelsim.study.backtest.drift import Drift, find_drift
from funnelsim.study.backtest.forecast import Forecast, ForecastSpec, HistoryAsOf, forecast, traces
from funnelsim.study.backtest.forecast_origins import WEEK, Origins, place_origins
from funnelsim.study.backtest.forecast_scores import ForecastScore, ScoredForecast, score, score_one
from funnelsim.study.point_store import PointStore
from funnelsim.typing import FloatArray

RECENT = 0.25  # share of the history whose cohorts are looked at for drift
FEWEST_WEEKS = 4  # but no fewer weeks, where there are as many
LOGS = 5  # draws whose event logs are compared


@dataclass(frozen=True)
class BacktestSpec:
    """How much is done."""

    origins: int = 10
    longest: int | None = None  # weeks; none = a quarter of the history
    draws: int = 199  # 2k / (draws + 1) is exact at 50 and 90 %
    seed: int = 1
    engine: str = "fast"
    distances: bool = True
    work: bool = True  # whether a log of work is part of the fit


@dataclass(frozen=True)
class SkippedOrigin:
    """An instant from which nothing could be said."""

    origin: datetime
    why: str


@dataclass(frozen=True)
class Backtest:
    """A finished back-test."""

    name: str
    currency: str
    spec: BacktestSpec
    origins: Origins
    forecast_spec: ForecastSpec
    forecasts: tuple[Forecast, ...]
    actuals: FloatArray  # [quantity, week] as it happened, from the weeks before the first forecast on
    actuals_from: datetime
    scored: tuple[ScoredForecast, ...]
    skipped: tuple[SkippedOrigin, ...]
    drift: Drift
    distances: tuple[Distance, ...]
    distance_origin: datetime
    notes: tuple[str, ...]

    def score_of(self, of: Callable[[ScoredForecast], bool] = lambda one: True) -> ForecastScore | None:
        """Of some of the forecasts; None when there are none."""
        mine = [one for one in self.scored if of(one)]
        return score(mine, self.spec.seed) if mine else None

    @property
    def horizons(self) -> tuple[int, ...]:
        """Weeks, those that were scored."""
        return tuple(sorted({one.weeks for one in self.scored}))


def backtest(
    history: HistoryFile,
    library: Library,
    spec: BacktestSpec,
    store: PointStore,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Backtest:
    """Forecast and score. Raises DataError when the history is no funnel, too short, or never fits."""
    progress = progress or Progress()
    if not spec.work:
        history = replace(history, work=None)
    calibration = _funnel(history, library)
    origins = place_origins(history, calibration.records, spec.origins, spec.longest)
    forecast_spec = ForecastSpec(
        quantities(calibration.records, history.currency),
        max(origins.horizons),
        spec.draws,
        spec.seed,
        spec.engine,
        threads,
    )
    forecasts, skipped = _forecasts(history, library, origins, forecast_spec, store, progress)
    if not forecasts:
        raise DataError(
            [
                Problem(
                    history.file, text=f"nothing could be fitted at any of {len(skipped)} instants", hint=skipped[0].why
                )
            ]
        )
    actuals = tuple(
        recorded(
            calibration.records,
            forecast_spec.quantities,
            one.origin.timestamp(),
            min(origins.weeks_after(one.origin), forecast_spec.weeks),
        )
        for one in forecasts
    )
    scored = tuple(_scored(forecasts, actuals, origins, forecast_spec))
    recent = _recent(forecasts, origins, calibration.records)
    weeks = min(origins.weeks_after(recent.origin), forecast_spec.weeks)
    fitted = HistoryAsOf.at(history, library, recent.origin).fitted()
    drift = _drift(fitted, calibration.records, recent, weeks, origins, forecast_spec)
    logs = (
        _logs(fitted, calibration.records, recent.origin, weeks, forecast_spec, progress)
        if spec.distances and available()
        else []
    )
    begins = forecasts[0].origin - timedelta(days=7 * forecasts[0].before.shape[1])
    course = recorded(calibration.records, forecast_spec.quantities, begins.timestamp(), origins.weeks_after(begins))
    return Backtest(
        history.name,
        history.currency,
        spec,
        origins,
        forecast_spec,
        tuple(forecasts),
        course,
        begins,
        scored,
        tuple(skipped),
        drift,
        tuple(logs),
        recent.origin,
        tuple(_notes(history, calibration, spec)),
    )


def _funnel(history: HistoryFile, library: Library) -> Calibration:
    """The whole history, fitted: what happened is read from its records."""
    if not history.stages or not (history.tables or history.events):
        raise DataError(
            [
                Problem(
                    history.file,
                    text="no funnel to be forecast: the history has no leads in stages",
                    hint="a back-test needs when each lead entered each stage",
                )
            ]
        )
    return fit_history(history, library)


def _forecasts(
    history: HistoryFile, library: Library, origins: Origins, spec: ForecastSpec, store: PointStore, progress: Progress
) -> tuple[list[Forecast], list[SkippedOrigin]]:
    forecasts, skipped, many = [], [], len(origins.at)
    for number, origin in enumerate(origins.at):
        before = number * spec.draws
        progress.update("forecasts", before, many * spec.draws)
        try:
            forecasts.append(
                forecast(
                    HistoryAsOf.at(history, library, origin),
                    spec,
                    store,
                    lambda done, before=before: progress.update(  # type: ignore[misc]
                        "forecasts", before + done, many * spec.draws
                    ),
                )
            )
        except DataError as error:
            problem = error.problems[0]
            skipped.append(SkippedOrigin(origin, f"{problem.text}{f' ({problem.hint})' if problem.hint else ''}"))
            progress.note(f"nothing can be said as of {origin:%Y-%m-%d}: {skipped[-1].why}")
    progress.clear()
    if there := sum(one.kept for one in forecasts):
        progress.note(f"{there} of {many} forecasts were there already")
    return forecasts, skipped


def _scored(
    forecasts: list[Forecast], actuals: tuple[FloatArray, ...], origins: Origins, spec: ForecastSpec
) -> Iterable[ScoredForecast]:
    """Sums from each instant to each horizon that the history reaches.

    Where every draw is zero and nothing happened there was nothing to forecast, and nothing is scored; nor is revenue
    where no win had been worth anything yet.
    """
    for one, seen in zip(forecasts, actuals, strict=True):
        for row, quantity in enumerate(spec.quantities):
            for weeks in (weeks for weeks in origins.horizons if weeks <= seen.shape[1]):
                drawn, came = one.drawn[row, :, :weeks].sum(axis=1), float(seen[row, :weeks].sum())
                if np.isfinite(drawn).all() and (drawn.any() or came):
                    seed = (spec.seed, int(one.origin.timestamp()), row, weeks)
                    yield score_one(one.origin, quantity, weeks, drawn, came, one.before[row], seed)


def _recent(forecasts: list[Forecast], origins: Origins, records: VisitHistory) -> Forecast:
    """The forecast after which the recent cohorts came: about a quarter of the history lies behind its instant."""
    span = (records.as_of - float(records.visits.entered.min())) / WEEK
    weeks = max(FEWEST_WEEKS, round(RECENT * span))
    return min(forecasts, key=lambda one: abs(origins.weeks_after(one.origin) - weeks))


def _drift(
    fitted: Calibration, later: VisitHistory, chosen: Forecast, weeks: int, origins: Origins, spec: ForecastSpec
) -> Drift:
    row = next(i for i, one in enumerate(spec.quantities) if one.name == LEADS)
    return find_drift(fitted, later, chosen.drawn[row, :, :weeks].sum(axis=1), chosen.origin, origins.end, weeks)


def _logs(
    fitted: Calibration, real: VisitHistory, origin: datetime, weeks: int, spec: ForecastSpec, progress: Progress
) -> list[Distance]:
    progress.note("comparing event logs")
    simulated = traces(fitted, spec, range(min(LOGS, spec.draws)))
    measured = distances(
        real,
        simulated,
        real.stages,
        origin,
        weeks,
        lambda done: progress.update("event logs", done, len(simulated) + 1),
    )
    progress.clear()
    return measured


def _notes(history: HistoryFile, calibration: Calibration, spec: BacktestSpec) -> Iterable[str]:
    """What the reader has to know of how the past was restored."""
    if spec.distances and not available():
        yield ABSENT
    if history.work:
        yield "the log of work is part of the fits; --no-work forecasts the flow alone, which may be nearer"
    if history.response:
        yield "what is known of response is no part of the forecasts"
    if history.outcome and history.outcome.time is None and history.outcome.by is None:
        yield "outcomes have no time, so no past fit knows of any: they look open"
    if history.changes:
        yield "`changes` count as known once they have come, though they were written down with hindsight"
    if history.segment:
        yield "sources, segments, and rows picked by `where`, are taken as they stand today"
    elif history.source:
        yield "sources, and rows picked by `where`, are taken as they stand today"
    if any(one.name == WINS for one in quantities(calibration.records, history.currency)) and history.value:
        yield "the worth of a lead counts as known from its win on"
    if calibration.records.day_only and spec.distances and available():
        yield "times are known to the day only: for the distances, simulated events are put to noon as well"
