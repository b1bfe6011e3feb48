"""Draws of a visit, keyed by stage, visit number and attempt or assignment [20]."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine.jit import inline_kernel
from funnelsim.engine.rng import bits, on_grid, plus, quantile, uniform
from funnelsim.int64 import Int

ZERO, ONE = np.int64(0), np.int64(1)


@inline_kernel
def stage_draw(plan: Any, lead: Any, what: Int, second: Int) -> float:
    """Uniform keyed by stage, visit number and attempt or assignment [20]."""
    return uniform(bits(lead.stream, plus(plan.stages[lead.stage].stream, what), lead.number, second))


@inline_kernel
def stage_duration(plan: Any, lead: Any, table: Int, what: Int, second: Int) -> float:
    """A drawn length of time on the grid; 0 where there is no table."""
    if table < 0:
        return 0.0
    drawn = bits(lead.stream, plus(plan.stages[lead.stage].stream, what), lead.number, second)
    return on_grid(quantile(plan.tables, table, drawn))
