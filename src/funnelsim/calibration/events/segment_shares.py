"""How the arriving leads divide among the segments: in all, and by source.

A source's own division is drawn towards that of all sources, as much as the Dirichlet-multinomial likelihood asks for
(as hour-of-week profiles are, see `arrival_rate`). Leads since the last change of the funnel count, open ones too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from funnelsim.calibration.arrivals.arrival_rate import shrink_to_prior
from funnelsim.calibration.events.visit_history import VisitHistory
from funnelsim.calibration.history.model import HistoryFile
from funnelsim.typing import FloatArray

FEW_LEADS = 30  # fewer leads of a segment than this and its figures are graded thin


@dataclass(frozen=True)
class SegmentShares:
    """Arriving leads by segment, and how those of each source divide."""

    names: tuple[str, ...]  # the largest first; one that no lead is of lately may still be in flight
    leads: np.ndarray  # by segment
    by_source: dict[str, FloatArray]  # shares by segment; of one source alone nothing is said

    @property
    def share(self) -> FloatArray:
        """By segment."""
        return np.asarray(self.leads / self.leads.sum())

    @property
    def grade(self) -> str:
        return "measured" if self.leads.min() >= FEW_LEADS else "measured, thin"

    def of(self, name: str) -> tuple[int, float]:
        """(leads, share) of a segment."""
        i = self.names.index(name)
        return int(self.leads[i]), float(self.share[i])


def segment_shares(history: HistoryFile, records: VisitHistory) -> SegmentShares:
    """Of a history with segments."""
    first = records.visits.first
    lead, at = records.visits.lead[first], records.visits.entered[first]
    since = at >= history.changes[-1].timestamp() if history.changes else np.ones(len(at), bool)
    lead = lead[since] if since.any() else lead
    count = np.zeros((len(records.sources), len(records.segments)), np.int64)
    np.add.at(count, (records.source[lead], records.segment[lead]), 1)
    total = count.sum(0)
    there, own = total > 0, {}
    for name, row in zip(records.sources, count, strict=True):
        if row.any():
            own[name] = np.zeros(len(total))
            own[name][there] = shrink_to_prior(row[there].astype(float), total[there] / total.sum())
    return SegmentShares(records.segments, total, own if len(own) > 1 else {})
