"""The instants a back-test forecasts from, and how far ahead it looks.

Instants lie whole weeks before the as-of instant, at the same hour of the local day, so that what a forecast is judged
by always ends within the history. The first leaves enough before it to be fitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from funnelsim.calibration.events.visit_history import VisitHistory
from funnelsim.calibration.history.model import HistoryFile
from funnelsim.errors import DataError, Problem, UsageError

WEEK = 604800.0
HORIZONS = (1, 2, 4, 8, 13, 26, 52)  # weeks
LEAST_BEFORE, LEAST_SHARE = 4, 0.4  # weeks, and share of the history, that the first instant can look back on
SHARE_AHEAD = 0.25  # of the history: the longest horizon unless one is asked for


@dataclass(frozen=True)
class Origins:
    """Where forecasts begin, and the horizons they are judged at."""

    at: tuple[datetime, ...]  # in order, local time
    horizons: tuple[int, ...]  # weeks
    end: datetime  # the as-of instant of the whole history

    def weeks_after(self, origin: datetime) -> int:
        """Whole weeks of the history that follow an instant."""
        return round((self.end.date() - origin.date()).days / 7)


def place_origins(history: HistoryFile, records: VisitHistory, count: int, longest: int | None) -> Origins:
    """At most so many instants, evenly over the later part of a history.

    Raises DataError when the history is too short, UsageError when the longest horizon does not fit in.
    """
    assert history.as_of is not None
    end, begins = history.as_of, _begins(history, records)
    span = int((end.timestamp() - begins) // WEEK)
    before = max(LEAST_BEFORE, round(LEAST_SHARE * span))
    if span - before < 1:
        text = f"the history is too short to be tested: {span} weeks, and {before + 1} are needed at least"
        raise DataError([Problem(history.file, text=text)])
    if longest is not None and not 1 <= longest <= span - before:
        raise UsageError(
            f"--horizon must lie between 1 and {span - before} weeks: the history has {span}, and the "
            f"first {before} are there to be fitted"
        )
    furthest = longest or max(1, round(SHARE_AHEAD * span))
    horizons = tuple(sorted({weeks for weeks in HORIZONS if weeks <= furthest} | ({longest} if longest else set())))
    back = np.unique(np.round(np.linspace(span - before, 1, min(count, span - before))).astype(int))[::-1]
    return Origins(tuple(end - timedelta(days=7 * int(weeks)) for weeks in back), horizons, end)


def _begins(history: HistoryFile, records: VisitHistory) -> float:
    """The instant from which all is recorded: entries, and whatever is recorded since some day only."""
    known = [mark.recorded_from for mark in history.marks if mark.recorded_from]
    instants = [moment.timestamp() for moment in (*known, history.observed_from) if moment]
    return max([float(records.visits.entered.min()), *instants])
