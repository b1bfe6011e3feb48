"""What a scenario's values are once their text is understood: durations, rates, distributions, terms.

Plain frozen dataclasses; `units` makes them from text, `schema` holds them, `compile` turns them into arrays.
All lengths of time are seconds. `str()` of each gives the text a person would write.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True)
class Duration:
    """A length of time: elapsed seconds, or seconds of business time; `days` business days are resolved by calendar."""

    seconds: float
    business: bool = False
    business_days: float = 0.0  # > 0: so many business days (rule 4); seconds is 0 then
    text: str = ""


@dataclass(frozen=True)
class Rate:
    """So many a period, kept as leads a week (month = 365.25/12 days)."""

    per_week: float
    text: str = ""


@dataclass(frozen=True)
class Range:
    """A belief between two values; a single value has low == high."""

    low: float
    high: float
    text: str = ""


@dataclass(frozen=True)
class Schedule:
    """A number that changes over time: (from this date on, value); the first entry holds before its date too."""

    steps: tuple[tuple[date | datetime | None, object], ...]  # value: float, Range, Rate, ...


@dataclass(frozen=True)
class Distribution:
    """A named law and its parameters; times in seconds, other numbers plain.

    families and their parameters (all others are converted by `units`):
    fixed(value) · exponential(mean) · lognormal(mu, sigma) of the log · weibull(shape, scale) · gamma(shape, scale) ·
    loglogistic(shape, scale) · normal(mean, sd) · uniform(low, high) · loguniform(low, high) ·
    empirical(points of (share, value)) · mixture(weights and parts) · shifted(by, part)
    """

    family: str
    parameters: tuple[float, ...] = ()
    parts: tuple[Distribution, ...] = ()
    weights: tuple[float, ...] = ()  # of `parts`, sum to 1
    never: float = 0.0  # share that never happens
    text: str = ""


@dataclass(frozen=True)
class Share:
    """A share of an exit group or of ownership; `rest` is what the others leave."""

    value: float | None  # None = rest
    se: float | None = None  # standard error on the logit scale, from calibration
    after: Distribution | None = None  # cool-off before the next stage
    schedule: Schedule | None = None  # the share over time; value is then the first step
    text: str = ""

    @property
    def rest(self) -> bool:
        return self.value is None


@dataclass(frozen=True)
class Batch:
    """So many leads at one instant."""

    count: int
    on: date
    at: str = "00:00"  # local time
    text: str = ""


@dataclass(frozen=True)
class Deadline:
    """`within 4 business hours` (count 0) or `5 within 14 days`."""

    length: Duration
    count: int = 0
    text: str = ""


@dataclass(frozen=True)
class BreachAction:
    """What happens at a fraction of a deadline."""

    fraction: float  # 0.8 = at 80 %
    kind: str  # warn, escalate, reassign, return
    to: str | None = None  # reassign: team; return: stage or "lost"
    after: Distribution | None = None  # return: cool-off
    compliance: float = 0.0  # warn
    limit: int = 1  # reassign, a visit
    text: str = ""


@dataclass(frozen=True)
class Routing:
    """How a lead reaches the receiving team: at once, after a delay, or in a daily batch at a local time."""

    kind: str  # "at once", "delay", "daily"
    delay: Distribution | None = None
    at: str = ""  # "08:00"
    text: str = ""


@dataclass(frozen=True)
class DayHours:
    """Local opening hours of a day; 24:00 is allowed as closing time; a close before the open runs past midnight."""

    opens: str
    closes: str


@dataclass(frozen=True)
class Volume:
    """`360 MQL a month`, `80 enterprise MQL a month`, or in money: `120k of MQL a month`."""

    count: float
    definition: str  # as written: a segment may stand before its name, see `Scenario.volumes`
    period: str  # week, month, quarter
    text: str = ""
    of: str = "count"  # or "value": the amount is money
    segment: str | None = None


@dataclass(frozen=True)
class Quota:
    """`200k per quarter`."""

    amount: float
    period: str  # week, month, quarter
    text: str = ""


@dataclass(frozen=True)
class Period:
    """How often something is looked at: `month`, `2 weeks`; it begins where the calendar's does."""

    count: int
    unit: str  # day, week, month, quarter
    text: str = ""


@dataclass(frozen=True)
class Definition:
    """What a lead must have done or reached: `enters STAGE`, or `SCORE score at least X` (rules 35 and 82)."""

    stage: str = ""
    score: str = ""  # the observer whose score counts; then `stage` is empty
    at_least: float | Schedule = 0.0
    text: str = ""

    @property
    def is_threshold(self) -> bool:
        return bool(self.score)


@dataclass(frozen=True)
class LevelRef:
    """`level NAME`: a number that experience moves, in place of a fixed one."""

    name: str
    text: str = ""


@dataclass(frozen=True)
class ObservedInput:
    """What an influence looks at: a trait or state of the lead, a level or a score by name, or nothing (always)."""

    kind: str  # always, fit, intent, trust, warmth, own lead, context lost, level, score
    name: str = ""  # of the level or the score
    text: str = ""


@dataclass(frozen=True)
class Place:
    """Where a value was written."""

    file: str
    line: int  # from 1
    column: int  # from 1
    length: int = 1
    source_line: str = field(default="", repr=False)
