"""What people write to what it means: text to the values of `funnelsim.scenario.values`.

Every reader takes a word, number, list or mapping and returns a value, or raises Misreading, which says what is wrong
and what to write instead.
"""

from funnelsim.scenario.parsers.dates import (
    batch,
    clock,
    day,
    hours,
    is_schedule,
    moment,
    schedule,
    steady_or_schedule,
    weekdays,
    zone,
)
from funnelsim.scenario.parsers.definitions import budget, definition, looked, period, quota, share_or_level, volume
from funnelsim.scenario.parsers.distributions import money_law, number_law, time_law
from funnelsim.scenario.parsers.durations import duration, elapsed
from funnelsim.scenario.parsers.numbers import (
    ParseError,
    cost,
    growth,
    is_number,
    money,
    number,
    odds,
    positive,
    proportion,
    rate,
    share_range,
    shown,
    span,
    wage,
    whole,
)
from funnelsim.scenario.parsers.sla_terms import breach, routing, share, within

__all__ = [
    "ParseError",
    "batch",
    "breach",
    "budget",
    "clock",
    "cost",
    "day",
    "definition",
    "duration",
    "elapsed",
    "growth",
    "hours",
    "is_number",
    "is_schedule",
    "looked",
    "moment",
    "money",
    "money_law",
    "number",
    "number_law",
    "odds",
    "period",
    "positive",
    "proportion",
    "quota",
    "rate",
    "routing",
    "schedule",
    "share",
    "share_or_level",
    "share_range",
    "shown",
    "span",
    "steady_or_schedule",
    "time_law",
    "volume",
    "wage",
    "weekdays",
    "whole",
    "within",
    "zone",
]
