"""How far a simulated event log is from the real one, by the package log-distance-measures (extra `backtest`).

Leads that came after an instant, with what happened to them until another: both logs are cut there. Beside each
distance stands that of a replay: the leads that came in as long a time before the instant, with what had happened to
them by then, moved on by whole weeks. A simulation that is no nearer than a replay has learnt nothing but the past.
Where the records know days only, and stand at noon, simulated events are put there too.

    n-gram      of three events: the order of things (Camargo et al. 2021)      0 to 1
    absolute    events along the calendar, hours                                earth mover's distance
    circadian   events by weekday and hour                                      earth mover's distance
    relative    events since the lead came, hours                               earth mover's distance
    cycle time  from the first event to the last, hours                         earth mover's distance

Sources: Chapela-Campa, Benchekroun, Baron, Dumas, Krass, Senderovich 2023 (BPM) and the package's documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from funnelsim.calibration.events.stage_events import LOST_AT
from funnelsim.calibration.events.visit_history import VisitHistory
from funnelsim.calibration.history.model import LOST
from funnelsim.plan_codes import ExitTarget
from funnelsim.run_tables import Trace, in_flight
from funnelsim.study.backtest.forecast_origins import WEEK
from funnelsim.typing import FloatArray

DAY = 86400.0
PACKAGE = "log_distance_measures"
ABSENT = (
    "distances of event logs are left out: they need the package log-distance-measures; install funnelsim[backtest]"
)
NAMES = ("n-gram", "absolute events", "circadian events", "relative events", "cycle time")
UNITS = ("share", *["hours"] * 4)


@dataclass(frozen=True)
class Distance:
    """One distance to what really happened."""

    name: str
    unit: str  # "share", or "hours"
    simulated: float  # mean over draws
    low: float  # least and most of the draws
    high: float
    replay: float

    @property
    def ratio(self) -> float:
        """Below 1: nearer than a replay."""
        return self.simulated / self.replay if self.replay else float("nan")


class EventLog(NamedTuple):
    """Events by case."""

    case: Any
    activity: Any  # stage number, LOST_AT
    at: FloatArray  # seconds since 1970


def available() -> bool:
    """Whether the package is installed."""
    return find_spec(PACKAGE) is not None


def distances(
    real: VisitHistory,
    simulated: Sequence[Trace],
    stages: tuple[str, ...],
    origin: datetime,
    weeks: int,
    on_done: Callable[[int], None] | None = None,
) -> list[Distance]:
    """Of the simulated logs to the real one, over so many weeks after an instant; empty when one has no event."""
    start = origin.timestamp()
    truth, replay = recorded_log(real, start, weeks), recorded_log(real, start - weeks * WEEK, weeks)
    replay = replay._replace(at=replay.at + weeks * WEEK)
    logs = [simulated_log(trace, start, weeks) for trace in simulated]
    if real.day_only:
        logs = [log._replace(at=start + (np.floor((log.at - start) / DAY) + 0.5) * DAY) for log in logs]
    if not all(len(log.at) for log in (truth, replay, *logs)):
        return []
    zone = origin.tzinfo
    frames = [_frame(log, stages, zone) for log in (truth, replay, *logs)]
    measured = []
    for number, frame in enumerate(frames[1:]):
        measured.append(_measured(frames[0], frame))
        if on_done is not None:
            on_done(number + 1)
    replayed, drawn = measured[0], np.array(measured[1:])
    return [
        Distance(name, unit, float(drawn[:, i].mean()), float(drawn[:, i].min()), float(drawn[:, i].max()), replayed[i])
        for i, (name, unit) in enumerate(zip(NAMES, UNITS, strict=True))
    ]


def recorded_log(records: VisitHistory, start: float, weeks: int) -> EventLog:
    """Leads that came in so many weeks, with their events until the end of those."""
    visits, end = records.visits, start + weeks * WEEK
    mine = visits.first & (visits.entered >= start) & (visits.entered < end)
    came = np.isin(visits.lead, visits.lead[mine])
    entry, lost = came & (visits.entered < end), came & (visits.to == LOST_AT) & (visits.left < end)
    return EventLog(
        np.r_[visits.lead[entry], visits.lead[lost]],
        np.r_[visits.stage[entry], np.full(int(lost.sum()), LOST_AT)],
        np.r_[visits.entered[entry], visits.left[lost]],
    )


def simulated_log(trace: Trace, start: float, weeks: int) -> EventLog:
    """The same of a simulation from the instant on."""
    visits = trace.visits[~in_flight(trace.visits.lead)]
    entry = visits.entered < weeks * WEEK
    lost = (visits.to == ExitTarget.LOST) & (visits.ended >= 0.0) & (visits.ended < weeks * WEEK)
    return EventLog(
        np.r_[visits.lead[entry], visits.lead[lost]],
        np.r_[visits.stage[entry], np.full(int(lost.sum()), LOST_AT)],
        start + np.r_[visits.entered[entry], visits.ended[lost]],
    )


def _measured(truth: Any, other: Any) -> list[float]:
    from log_distance_measures.absolute_event_distribution import absolute_event_distribution_distance
    from log_distance_measures.circadian_event_distribution import circadian_event_distribution_distance
    from log_distance_measures.config import AbsoluteTimestampType, EventLogIDs, discretize_to_hour
    from log_distance_measures.cycle_time_distribution import cycle_time_distribution_distance
    from log_distance_measures.n_gram_distribution import n_gram_distribution_distance
    from log_distance_measures.relative_event_distribution import relative_event_distribution_distance

    ids = EventLogIDs(case="case", activity="activity", start_time="start", end_time="end")
    pair = (truth, ids, other, ids)
    # events are instants: their starts alone, or each would count twice
    starts = AbsoluteTimestampType.START
    return [
        float(n_gram_distribution_distance(*pair, n=3)),
        float(absolute_event_distribution_distance(*pair, discretize_type=starts, discretize_event=discretize_to_hour)),
        float(circadian_event_distribution_distance(*pair, discretize_type=starts)),
        float(relative_event_distribution_distance(*pair, discretize_type=starts, discretize_event=discretize_to_hour)),
        float(cycle_time_distribution_distance(*pair, bin_size=_an_hour())),
    ]


def _an_hour() -> Any:
    import pandas as pd

    return pd.Timedelta(hours=1)


def _frame(log: EventLog, stages: tuple[str, ...], zone: Any) -> Any:
    """As the package reads it, in local time."""
    import pandas as pd

    order = np.lexsort((log.activity, log.at, log.case))
    names = np.array([*stages, LOST])  # LOST_AT = -1 is the last
    local = pd.to_datetime(log.at[order], unit="s", utc=True).tz_convert(zone)
    return pd.DataFrame(
        {"case": log.case[order].astype(str), "activity": names[log.activity[order]], "start": local, "end": local}
    )
