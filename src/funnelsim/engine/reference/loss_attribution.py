"""Whose fault a lead of marketing was that was lost in sales' hands [109]."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnelsim.engine.reference.levels import LOSSES
from funnelsim.plan_codes import Blame, Side

if TYPE_CHECKING:
    from funnelsim.engine.reference.visit import Visit


def blame_for(visit: Visit, outcome: int) -> int:
    """Poor follow-up, else a poor lead, else nobody's."""
    lead, simulation = visit.lead, visit.simulation
    if outcome not in LOSSES or visit.row.step_count == 0 or lead.owner < 0:
        return int(Blame.NONE)
    if simulation.sources[lead.source].side != Side.MARKETING or simulation.teams[lead.owner].row.side != Side.SALES:
        return int(Blame.NONE)
    untouched = visit.touched < 0.0 and not visit.touched_before
    if untouched or visit.response_delay > simulation.settings.late:
        return int(Blame.POOR_FOLLOW_UP)
    return int(Blame.POOR_LEAD if lead.fit < simulation.settings.good else Blame.NONE)
