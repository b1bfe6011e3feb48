"""Do recent cohorts stay within what was fitted before they came?

For the leads that entered a stage after an instant, the fit made at that instant says how many should have left by each
exit until now: the sum over leads of pi_j F_j(age). Its band holds what is not known of pi and F and the luck of the
leads. Of arrivals the band is that of the forecast. Bands are so wide that all of them together would be left by chance
alone in FALSE_ALARMS of histories in which nothing changes (Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from scipy.special import ndtri

from funnelsim.calibration.events.stage_events import LOST_AT
from funnelsim.calibration.events.visit_history import VisitHistory
from funnelsim.calibration.history.model import LOST
from funnelsim.calibration.result import Calibration
from funnelsim.calibration.survival.stage_fit import StageFit
from funnelsim.calibration.survival.time_distributions import cdf, log_time
from funnelsim.study.backtest.forecast_origins import WEEK
from funnelsim.typing import FloatArray

FALSE_ALARMS = 0.02
FEWEST = 5.0  # exits to be expected, or a band says nothing
DRAWS, AGES = 400, 60


@dataclass(frozen=True)
class Departure:
    """A count since an instant, beside what was to be expected."""

    stage: str  # "" = leads that came
    to: str  # stage or lost
    entered: int  # leads that came or entered the stage
    seen: float
    expected: float
    low: float  # of the band
    high: float

    @property
    def outside(self) -> bool:
        return not self.low <= self.seen <= self.high

    @property
    def ratio(self) -> float:
        return self.seen / self.expected if self.expected else math.inf


@dataclass(frozen=True)
class Drift:
    """All counts since an instant."""

    since: datetime
    until: datetime
    level: float  # of each band
    counts: tuple[Departure, ...]

    @property
    def departures(self) -> tuple[Departure, ...]:
        return tuple(count for count in self.counts if count.outside)


def find_drift(
    fitted: Calibration, later: VisitHistory, arrivals: FloatArray, since: datetime, until: datetime, weeks: int
) -> Drift:
    """`fitted` as known at `since`, `later` the whole history to `until`; `arrivals` of so many weeks, by draw."""
    exits = [(stage, leaving) for stage in fitted.stages for leaving in _exits(stage, later, since.timestamp())]
    level = 1.0 - FALSE_ALARMS / (len(exits) + 1)
    begins, ends = since.timestamp(), since.timestamp() + weeks * WEEK
    came = int((later.visits.first & (later.visits.entered >= begins) & (later.visits.entered < ends)).sum())
    counts = [_departure("", "", came, float(came), arrivals, level)]
    counts += [_departure(stage.name, *leaving, level) for stage, leaving in exits]
    return Drift(since, until, level, tuple(counts))


def _departure(stage: str, to: str, entered: int, seen: float, drawn: FloatArray, level: float) -> Departure:
    """The band is that of a normal law on the square root scale, which fits counts: far tails need more draws."""
    roots = np.sqrt(np.maximum(drawn, 0.0))
    middle, reach = float(roots.mean()), float(roots.std(ddof=1)) * float(ndtri(0.5 + level / 2.0))
    low, high = max(middle - reach, 0.0) ** 2, (middle + reach) ** 2
    return Departure(stage, to, entered, seen, float(drawn.mean()), low, high)


def _exits(stage: StageFit, later: VisitHistory, since: float) -> Iterator[tuple[str, int, float, FloatArray]]:
    """(target, leads that entered, of them seen to leave so, how many should, by draw)."""
    visits = later.visits
    mine = (visits.stage == later.stages.index(stage.name)) & (visits.entered >= since)
    entered = int(mine.sum())
    if not entered:
        return
    age, weight = _binned(later.as_of - visits.entered[mine])
    for target in stage.order:
        place = LOST_AT if target == LOST else later.stages.index(target)
        drawn = _expected(stage, target, age, weight)
        if drawn.mean() >= FEWEST:
            yield target, entered, float((visits.to[mine] == place).sum()), drawn


def _binned(age: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Ages in bins of equal count, by their means."""
    parts = [part for part in np.array_split(np.sort(age), AGES) if len(part)]
    return np.array([part.mean() for part in parts]), np.array([float(len(part)) for part in parts])


def _expected(stage: StageFit, target: str, age: FloatArray, weight: FloatArray) -> FloatArray:
    """Leads that should have left by now, with parameters and luck of each draw."""
    exits, log_age, rng = stage.of(target), log_time(age), np.random.default_rng(0)
    drawn = []
    for law, vectors in stage.fit.vectors(DRAWS):
        shares, gone = law.shares(vectors)[:, -1], np.zeros((len(vectors), len(age)))
        for exit_ in exits:
            family, mu, s = law.drawn_times(exit_, vectors)
            gone += shares[:, [exit_]] * cdf(family, mu[:, None], s[:, None], log_age[None, :])[0]
        mean, variance = gone @ weight, (gone * (1.0 - gone)) @ weight
        drawn.append(mean + np.sqrt(variance) * rng.standard_normal(len(mean)))
    return np.concatenate(drawn)
