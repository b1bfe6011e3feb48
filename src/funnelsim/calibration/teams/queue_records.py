"""Where a log of work is all there is: those who asked, as the leads of a funnel of one step for each kind of work."""

from __future__ import annotations

import numpy as np

from funnelsim.calibration.events.visit_history import OPEN, VisitHistory, Visits
from funnelsim.calibration.teams.fit import TeamFit
from funnelsim.calibration.teams.team_text import FIRST, SERVED


def queue_records(team: TeamFit, rows: dict[str, int]) -> VisitHistory:
    """One lead for each asking; its source is its kind, apart from those who are served first."""
    pieces = team.pieces.where(np.isfinite(team.pieces.asked))
    first = np.zeros(len(pieces), bool)
    if team.ranked and team.order is not None:
        rank = np.where(np.isfinite(pieces.rank), pieces.rank, np.nan)
        top = np.nanmax(rank) if team.order.best == "high rank" else np.nanmin(rank)
        first = rank == top
    number, source = np.unique(2 * pieces.kind + first, return_inverse=True)
    names = tuple(f"{pieces.kinds[one // 2]}{FIRST if one % 2 else ''}" for one in number.tolist())
    lead = np.arange(len(pieces))
    nothing = np.full(len(pieces), np.nan)
    visits = Visits(
        lead,
        pieces.kind,
        np.ones(len(pieces), np.int64),
        pieces.asked,
        nothing,
        np.full(len(pieces), OPEN),
        np.ones(len(pieces)),
        np.ones(len(pieces), bool),
    )
    stages = (*(kind for kind in pieces.kinds), SERVED)
    return VisitHistory(stages, names, lead.astype(str), source, nothing, visits, pieces.as_of, False, rows)
