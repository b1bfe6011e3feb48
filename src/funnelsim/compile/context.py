"""What every part of the compiler needs to know: names and their numbers, the clock, the pool and the beliefs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from funnelsim.calendars import ALWAYS, CalendarSpec, business_day, seconds_since_start, start_instant
from funnelsim.compile.parameter_draws import PLAIN, SHARE, Place, UncertainParameters
from funnelsim.compile.table_builder import Slice, TableBuilder
from funnelsim.plan import DAY, TICK, WEEK
from funnelsim.plan_codes import ExitTarget
from funnelsim.scenario.values import Duration, Range, Schedule, Share

if TYPE_CHECKING:
    from funnelsim.scenario.schema import Scenario


@dataclass
class CompileContext:
    """One scenario on its way to a plan."""

    scenario: Scenario
    builder: TableBuilder = field(default_factory=TableBuilder)
    beliefs: UncertainParameters = field(default_factory=UncertainParameters)

    # ---- names ---------------------------------------------------------------------------------------------------
    @cached_property
    def stages(self) -> dict[str, int]:
        """Number of each stage, in the order of the file."""
        return {name: i for i, name in enumerate(self.scenario.stages)}

    @cached_property
    def teams(self) -> dict[str, int]:
        """Number of each team: marketing-side teams first, else the order of the file."""
        ordered = sorted(self.scenario.teams, key=lambda name: self.scenario.side_of(name) != "marketing")
        return {name: i for i, name in enumerate(ordered)}

    @cached_property
    def segments(self) -> dict[str, int]:
        """Number of each segment; a scenario without segments has one, of everybody."""
        return {name: i for i, name in enumerate(self.scenario.segments or {"all": None})}

    @cached_property
    def definitions(self) -> dict[str, int]:
        """Number of each definition, in the order of the file."""
        return {name: i for i, name in enumerate(self.scenario.definitions)}

    @cached_property
    def scores(self) -> dict[str, int]:
        """Number of each observer, in the order of the file."""
        return {name: i for i, name in enumerate(self.scenario.scores)}

    @cached_property
    def levels(self) -> dict[str, int]:
        """Number of each level; quotas of teams come last."""
        return {name: i for i, name in enumerate(self.scenario.all_levels)}

    def owners(self, stage: str) -> dict[str, float]:
        """Shares of the teams in a stage's leads, in the order of the plan; empty when nobody owns it."""
        shares = shares_of(self.scenario.ownership.get(stage, {}))
        return {team: shares[team] for team in self.teams if shares.get(team, 0.0) > 0.0}

    def target(self, name: str) -> int:
        """Where an exit leads: a stage, LOST or SILENT."""
        if name == "lost":
            return int(ExitTarget.LOST)
        return int(ExitTarget.SILENT) if name == "silent" else self.stages[name]

    # ---- time ----------------------------------------------------------------------------------------------------
    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.scenario.timezone)

    @cached_property
    def start(self) -> datetime:
        """Instant 0, in UTC."""
        if self.scenario.start is None:
            raise ValueError("a scenario needs a start")
        return start_instant(self.scenario.start, self.scenario.timezone)

    @property
    def first_weekday(self) -> int:
        """Of the local day on which the run starts; Monday = 0."""
        return self.start.astimezone(self.zone).weekday()

    @property
    def measure_from(self) -> float:
        return on_grid(self.scenario.warm_up.seconds)

    @property
    def measure_to(self) -> float:
        return self.measure_from + on_grid(self.scenario.observe.seconds if self.scenario.observe else 0.0)

    @property
    def horizon(self) -> float:
        return self.measure_to + on_grid(self.scenario.cool_down.seconds)

    @property
    def weeks(self) -> int:
        return max(1, int(-(-self.horizon // WEEK)))

    def instant(self, moment: date | datetime | None, at: str = "00:00") -> float:
        """Seconds since start of a local date or date and time; of the start when there is none."""
        if moment is None:
            return 0.0
        if not isinstance(moment, datetime):
            hour, minute = at.split(":")
            moment = datetime.combine(moment, time()) + timedelta(hours=int(hour), minutes=int(minute))
        return seconds_since_start(moment, self.scenario.timezone, self.start)

    def calendar(self, name: str) -> CalendarSpec:
        """Opening hours by name; `always` is built in."""
        if name == "always" and name not in self.scenario.calendars:
            return ALWAYS
        calendar = self.scenario.calendars[name]
        return CalendarSpec(
            hours=tuple((span.opens, span.closes) for span in calendar.hours),
            days=calendar.days,
            holidays=frozenset(calendar.holidays),
            timezone=calendar.timezone or self.scenario.timezone,
            day=calendar.day.seconds if calendar.day else None,
        )

    def shifts(self, team: str) -> list[tuple[CalendarSpec, list[tuple[float, int]]]]:
        """Who of a team works when: (calendar, people over time); people and calendar are one shift."""
        own = self.scenario.teams[team]
        alone = (own.calendar, 1 if own.people is None else own.people)
        groups = [(shift.calendar, shift.people) for shift in own.shifts] or [alone]
        return [(self.calendar(calendar), self.steps(people)) for calendar, people in groups]

    def business_day(self, team: str) -> float:
        """Seconds of a team's business day: that of its first calendar (rule 4)."""
        return business_day(self.shifts(team)[0][0])

    def day_after(self, day: date) -> float:
        """The end of a local day."""
        return self.instant(day + timedelta(days=1))

    def steps(self, value: Any) -> list[tuple[float, Any]]:
        """(from instant, value) of a number that may be a schedule."""
        if not isinstance(value, Schedule):
            return [(0.0, value)]
        return [(self.instant(moment), step) for moment, step in value.steps]

    # ---- numbers that may be beliefs -----------------------------------------------------------------------------
    def number(
        self,
        path: str,
        value: float | Range,
        table: str,
        field: str,
        row: Place,
        scale: str = PLAIN,
        by: Callable[[float], float] = float,
    ) -> float:
        """by(value) for one field of a plan's table, which follows the value when it is a range."""
        centre = self.beliefs.centre(path, value, scale)
        self.beliefs.bind(path, table, field, row, by)
        return by(centre)

    def step_points(
        self, path: str, value: float | Range | Schedule, scale: str = SHARE, by: Callable[[float], float] = float
    ) -> Slice:
        """Points (from instant, by(value)) of a number that may be a range and may change over time."""
        steps = self.steps(value)
        paths = [path if i == 0 else f"{path}.{i}" for i in range(len(steps))]
        centres = [self.beliefs.centre(p, one, scale) for p, (_, one) in zip(paths, steps, strict=True)]
        piece = self.builder.points((x, by(centre)) for (x, _), centre in zip(steps, centres, strict=True))
        for i, p in enumerate(paths):
            self.beliefs.bind(p, "points", "y", piece[0] + i, by)
        return piece


def length(duration: Duration | None, business_day: float = DAY) -> float:
    """Seconds of a duration on the grid; business days are resolved with the calendar's own day (rule 4)."""
    if duration is None:
        return 0.0
    return on_grid(duration.seconds + duration.business_days * business_day)


def on_grid(seconds: float) -> float:
    """A length of time in whole ticks: half up, at least one when positive (rule 1); as engine.streams, uncompiled."""
    return 0.0 if seconds <= 0.0 else max(TICK, math.floor(seconds / TICK + 0.5) * TICK)


def in_force(steps: list[tuple[float, float]], now: float) -> float:
    """The value of a step function; its first value holds before its first instant too."""
    return next((y for x, y in reversed(steps) if x <= now), steps[0][1])


def shares_of(shares: dict[str, Share]) -> dict[str, float]:
    """Shares as numbers that sum to 1; `rest` is what the others leave."""
    given = {name: share.value for name, share in shares.items()}
    left = max(0.0, 1.0 - sum(value for value in given.values() if value is not None))
    normalised = {name: left if value is None else value for name, value in given.items()}
    total = sum(normalised.values())
    return {name: value / total for name, value in normalised.items()} if total > 0 else normalised
