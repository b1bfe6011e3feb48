"""Sources: rates over time, hour-of-week profiles, weekly levels, batches, mixes of segments and entry stages.

Rates are step functions in leads a week; a trend grows them day by day, compounding over the year. A profile says how
the leads of each week of 168 elapsed hours fall on its hours, by the local hour of the week, so that a change of clock
moves the peaks and the week in which it happens gains or loses an hour's worth of leads.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from funnelsim.compile.draws import PLAIN
from funnelsim.compile.frame import Frame, shares_of
from funnelsim.compile.pool import Row, Run, run_of
from funnelsim.engine.streams import path_hash
from funnelsim.plan import DAY, MARKETING
from funnelsim.scenario import presets
from funnelsim.scenario.values import Batch, Distribution, Share

if TYPE_CHECKING:
    from funnelsim.scenario.schema import Segment, Source

_YEAR = 365.25 * DAY
_QUARTERS = 4                   # of an hour: no zone's offset is finer


class Demand:
    """The sources of a scenario as rows of SOURCE and MIX."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.rows: list[Row] = []
        self.mixes: list[Row] = []
        self.names: list[str] = []
        self._local_hours: NDArray[np.int64] | None = None
        for name, source in frame.scenario.sources.items():
            self._source(name, source)

    def _source(self, name: str, source: Source) -> None:
        entry = self._entry(source)
        first = self._row(f"sources/{name}", source, entry, source.batch[0] if source.batch else None)
        self._append(name, source, first | self._rate(name, source))
        for i, batch in enumerate(source.batch[1:], start=2):
            self._append(name, source, self._row(f"sources/{name}/batch/{i}", source, entry, batch))

    def _append(self, name: str, source: Source, row: Row) -> None:
        self.rows.append(row)
        self.names.append(name)
        self._mix(name, source)

    def _row(self, path: str, source: Source, entry: Run, batch: Batch | None) -> Row:
        """A source without a rate."""
        frame = self.frame
        return {
            "luck": path_hash(path), "rate_first": 0, "rate_count": 0, "profile": -1, "level": -1,
            "batch": batch.count if batch else 0, "batch_at": frame.instant(batch.on, batch.at) if batch else -1.0,
            "first": frame.instant(source.first), "last": frame.day_after(source.last) if source.last else math.inf,
            "entry_first": entry[0], "entry_count": entry[1], "cost": source.cost, "side": int(MARKETING),
            "again": 0.0, "again_after": -1, "again_stage": -1, "merged": 0.0,
        }

    # ---- rates ---------------------------------------------------------------------------------------------------
    def _rate(self, name: str, source: Source) -> Row:
        if source.rate is None:
            return {}
        steps = [(x, rate.per_week) for x, rate in self.frame.steps(source.rate)]
        if source.trend:
            steps = _grown(steps, source.trend, self.frame.horizon)
        first, count = self.frame.pool.points(steps)
        level = None
        if source.weekly_level:
            level = Distribution("gamma", (source.weekly_level**-2, source.weekly_level**2))
        return {"rate_first": first, "rate_count": count, "profile": self._profile(source.profile),
                "level": self.frame.pool.table(level)}

    def _profile(self, profile: str | tuple[float, ...]) -> int:
        weights = hour_weights(profile)
        if weights is None:
            return -1
        return self.frame.pool.points(week_profile(weights, self._hours_of_week()))[0]

    def _hours_of_week(self) -> NDArray[np.int64]:
        if self._local_hours is None:
            self._local_hours = local_hours(self.frame)
        return self._local_hours

    # ---- who comes -----------------------------------------------------------------------------------------------
    def _entry(self, source: Source) -> Run:
        shares = shares_of(source.enters or {next(iter(self.frame.stages)): Share(1.0)})
        return run_of(self.frame.pool.exits, [
            {"to": self.frame.stages[stage], "share": share, "pace": -1, "cool": -1, "backward": 0}
            for stage, share in shares.items()
        ])

    def _mix(self, name: str, source: Source) -> None:
        scenario = self.frame.scenario
        segments: dict[str, Segment | None] = dict(scenario.segments) if scenario.segments else {"all": None}
        shares = _segment_shares(source, segments)
        total = 0.0
        for segment, share in shares.items():
            total += share
            last = segment == list(shares)[-1]
            self.mixes.append({"share": 1.0 if last else total, **self._traits(name, source, segments[segment])})

    def _traits(self, name: str, source: Source, segment: Segment | None) -> Row:
        scenario, pool, beliefs = self.frame.scenario, self.frame.pool, self.frame.beliefs
        noise = Distribution("normal", (0.0, scenario.fit_spread)) if scenario.fit_spread else None
        fit = source.fit
        if isinstance(fit, Distribution):
            noise, fit = fit, 0.0
        path, added = f"sources.{name}.fit", segment.fit if segment else 0.0
        shift = beliefs.centre(path, fit, PLAIN) + added
        beliefs.follow(path, "mixes", "fit_shift", len(self.mixes), plus=added)
        own = segment.reachable if segment else None
        value = (segment.deal_value if segment else None) or source.deal_value or scenario.deal_value
        return {"fit": pool.table(noise), "fit_shift": shift, "value": pool.table(value),
                "reachable": _first_given(own, source.reachable, scenario.reachable), "intent": -1, "intent_shift": 0.0,
                "trust": -1, "trust_shift": 0.0, "ready": -1, "warmth": 1.0, "points": 0.0}


def _segment_shares(source: Source, segments: dict[str, Segment | None]) -> dict[str, float]:
    if source.segments:
        own = shares_of(source.segments)
        return {name: own.get(name, 0.0) for name in segments}
    return shares_of({name: segment.share if segment else Share(1.0) for name, segment in segments.items()})


def _grown(steps: list[tuple[float, float]], trend: float, horizon: float) -> list[tuple[float, float]]:
    """Steps multiplied by (1 + trend)^years, taken at the middle of each day."""
    days = [day * DAY for day in range(max(1, math.ceil(horizon / DAY)))]
    instants = sorted({*days, *(x for x, _ in steps if 0.0 < x < horizon)})
    return [(x, _in_force(steps, x) * (1.0 + trend) ** ((x + DAY / 2) / _YEAR)) for x in instants]


def _in_force(steps: list[tuple[float, float]], now: float) -> float:
    return next((y for x, y in reversed(steps) if x <= now), steps[0][1])


# ---- hour-of-week profiles -------------------------------------------------------------------------------------------

def hour_weights(profile: str | tuple[float, ...]) -> NDArray[np.float64] | None:
    """168 weights from Monday 00:00 local time; None when all hours are alike."""
    if isinstance(profile, str):
        preset = presets.load("profile", profile)
        weights = np.outer(preset["days"], preset["hours"]).ravel().astype(np.float64)
    else:
        weights = np.array(profile, dtype=np.float64)
    return None if np.ptp(weights) == 0.0 else weights


def local_hours(frame: Frame) -> NDArray[np.int64]:
    """Local hour of the week of every quarter of an hour since start, shaped (weeks, 168, quarters)."""
    return _local_hours(frame.start.astimezone(UTC), frame.zone, frame.weeks)


@lru_cache(maxsize=16)                  # the scenarios of a study share start, zone and length
def _local_hours(start: datetime, zone: ZoneInfo, weeks: int) -> NDArray[np.int64]:
    step = timedelta(hours=1) / _QUARTERS
    count = weeks * 168 * _QUARTERS
    moments = ((start + step * i + step / 2).astimezone(zone) for i in range(count))
    hours = np.fromiter((moment.weekday() * 24 + moment.hour for moment in moments), np.int64, count)
    return hours.reshape(weeks, 168, _QUARTERS)


def week_profile(weights: NDArray[np.float64], hours: NDArray[np.int64]) -> NDArray[np.float64]:
    """169 points a week: y = cumulative share at each hour boundary, x of the first = mass of the week, else 0."""
    masses = weights[hours].mean(axis=2)
    points = np.zeros((len(masses), 169, 2))
    points[:, 0, 0] = masses.sum(axis=1) / weights.sum()
    points[:, 1:, 1] = np.cumsum(masses, axis=1)
    totals = points[:, -1:, 1]
    points[:, :, 1] /= np.where(totals > 0.0, totals, 1.0)
    return points.reshape(-1, 2)


def _first_given(*values: float | None) -> float:
    return next((value for value in values if value is not None), 1.0)
