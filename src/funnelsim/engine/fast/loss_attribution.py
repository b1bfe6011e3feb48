"""Why a lead of marketing was lost in sales' hands [109]."""

from __future__ import annotations

from typing import Any

from funnelsim.engine.fast.effects import response_delay
from funnelsim.engine.jit import inline_kernel
from funnelsim.int64 import Int
from funnelsim.plan_codes import Blame, Side


@inline_kernel
def blame_for(plan: Any, lead: Any) -> Int:
    """Whose fault it was that a lead of marketing was lost in sales' hands: poor follow-up, else a poor lead [109]."""
    if plan.stages[lead.stage].step_count == 0 or lead.owner < 0 or plan.sources[lead.source].side != Side.MARKETING:
        return Blame.NONE
    if plan.teams[lead.owner].side != Side.SALES:
        return Blame.NONE
    untouched = lead.touched < 0.0 and lead.touched_before == 0
    if untouched or response_delay(lead) > plan.settings[0].late:
        return Blame.POOR_FOLLOW_UP
    return Blame.POOR_LEAD if lead.fit < plan.settings[0].good else Blame.NONE
