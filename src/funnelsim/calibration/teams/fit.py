"""Everything a log of work says about its team, fitted in one go."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from funnelsim.calibration.survival.duration_fit import DurationFit, fit_duration
from funnelsim.calibration.teams.callbacks import CallBacks, call_backs, separate_call_backs
from funnelsim.calibration.teams.handling import HandlingFit, fit_handling, left_open, wrap_up
from funnelsim.calibration.teams.opening_hours import Opening, fit_opening
from funnelsim.calibration.teams.patience import Patience, fit_patience
from funnelsim.calibration.teams.queue_order import QueueOrderFit, fit_queue_order
from funnelsim.calibration.teams.staffing import Staffing, fit_staffing
from funnelsim.calibration.teams.work_items import WorkItems

MOST_CALLS = 8  # a cadence longer than this is cut there
FEWEST = 20  # cases that came to a call, for the chance that it was the last


@dataclass(frozen=True)
class VisitWorkFit:
    """The work of a visit to a stage, taken together."""

    visits: int  # that are over
    calls: float  # pieces a visit
    mean: float  # seconds a visit, wrap-ups included
    law: DurationFit | None  # None: too few


@dataclass(frozen=True)
class TeamFit:
    """One team."""

    name: str
    pieces: WorkItems = field(repr=False)  # spells joined, call-backs without an asking
    opening: Opening | None
    staffing: Staffing | None
    wrap_up: float  # seconds
    handling: dict[str, HandlingFit]  # by kind of work, or stage; likewise below
    waits: dict[str, DurationFit]
    call_backs: dict[str, CallBacks]
    patience: Patience | None
    order: QueueOrderFit | None
    per_visit: dict[str, VisitWorkFit] = field(default_factory=dict)  # by stage, where the log stands beside a funnel

    @property
    def ranked(self) -> bool:
        """Are pieces of one rank served before the others?"""
        return self.order is not None and self.order.best in ("high rank", "low rank")


def fit_team(pieces: WorkItems, name: str, zone: str, rounding: float = 0.0) -> TeamFit:
    """Fit all that the log tells; what it does not tell is None or missing."""
    joined, again, gap = separate_call_backs(pieces)
    opening = fit_opening(joined.started[joined.served], zone)
    between = wrap_up(joined)
    closes = opening is not None and opening.closes
    overnight = left_open(joined, zone) if closes else np.zeros(len(joined), bool)
    worked = replace(joined, ended=np.where(overnight, np.nan, joined.ended))
    return TeamFit(
        name,
        joined,
        opening,
        fit_staffing(worked, between, zone, _every_day(opening)),
        between,
        fit_handling(joined, overnight, rounding),
        _waits(joined, rounding),
        call_backs(joined, again, gap),
        fit_patience(joined, rounding),
        fit_queue_order(joined),
    )


def _every_day(opening: Opening | None) -> list[tuple[int, ...]]:
    """Weekdays that are told together; closed ones by themselves."""
    alike = list(opening.alike) if opening else [(0, 1, 2, 3, 4), (5, 6)]
    return [*alike, *((day,) for day in range(7) if not any(day in group for group in alike))]


def _waits(pieces: WorkItems, rounding: float) -> dict[str, DurationFit]:
    """From asking to beginning; giving up and the end of the log cut it off."""
    laws = {}
    for number, kind in enumerate(pieces.kinds):
        mine = np.isfinite(pieces.asked) & (pieces.kind == number)
        law = fit_duration(pieces.wait[mine], pieces.served[mine], rounding)
        if law is not None:
            laws[kind] = law
    return laws
