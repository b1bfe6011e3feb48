"""Sources: rates over time, hour-of-week profiles, weekly levels, batches, mixes of segments and entry stages.

Rates are step functions in leads a week; a trend grows them day by day, compounding over the year. A profile says how
the leads of each week of 168 elapsed hours fall on its hours, by the local hour of the week, so that a change of clock
moves the peaks and the week in which it happens gains or loses an hour's worth of leads.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from funnelsim.compile.context import CompileContext, in_force, shares_of
from funnelsim.compile.hours import hour_weights, local_hours, week_profile
from funnelsim.compile.marketing_plan import Flight, Steps, planned
from funnelsim.compile.table_builder import Row, Slice, append_rows
from funnelsim.engine.rng import path_hash
from funnelsim.plan import DAY, SOURCE_SEGMENT
from funnelsim.plan_codes import Side
from funnelsim.scenario.values import Batch, Distribution, Range, Share

if TYPE_CHECKING:
    from funnelsim.scenario.schema import Segment, Source

_YEAR = 365.25 * DAY


class Demand:
    """The sources of a scenario as rows of SOURCE and MIX."""

    def __init__(self, context: CompileContext) -> None:
        self.context = context
        self.rows: list[Row] = []
        self.source_segments: list[Row] = []
        self.names: list[str] = []
        self._rates = self._planned_rates()
        for name, source in context.scenario.sources.items():
            self._source(name, source)

    def _source(self, name: str, source: Source) -> None:
        entry = self._entry(source)
        first = self._row(f"sources/{name}", source, entry, source.batch[0] if source.batch else None)
        self._append(name, source, first | self._rate(name, source))
        for i, batch in enumerate(source.batch[1:], start=2):
            self._append(name, source, self._row(f"sources/{name}/batch/{i}", source, entry, batch))

    def _append(self, name: str, source: Source, row: Row) -> None:
        self.rows.append(row)
        self.names.append(name)
        self._mix(name, source)

    def _row(self, path: str, source: Source, entry: Slice, batch: Batch | None) -> Row:
        """A source without a rate."""
        context = self.context
        first, last = self._flight(source)
        return {
            "stream": path_hash(path),
            "rate_first": 0,
            "rate_count": 0,
            "profile": -1,
            "level": -1,
            "batch": _half_up(batch.count * source.captured) if batch else 0,
            "batch_at": context.instant(batch.on, batch.at) if batch else -1.0,
            "first": first,
            "last": last,
            "entry_first": entry[0],
            "entry_count": entry[1],
            # those who came and were not captured have cost as much
            "cost": source.cost / source.captured if source.captured else 0.0,
            "side": int(Side.MARKETING if source.side == "marketing" else Side.SALES),
            **self._again(source),
        }

    def _flight(self, source: Source) -> tuple[float, float]:
        last = self.context.day_after(source.last) if source.last else math.inf
        return self.context.instant(source.first), last

    def _again(self, source: Source) -> Row:
        """The same person as a second record (rule 88); teams that share systems merge at least so much (rule 105)."""
        again, stages = source.found_again, self.context.stages
        if again is None or again.chance <= 0.0:
            return {"again": 0.0, "again_after": -1, "again_stage": -1, "merged": 0.0}
        return {
            "again": again.chance,
            "again_after": self.context.builder.time(again.after),
            "again_stage": stages[again.enters] if again.enters else 0,
            "merged": max(again.merged, self.context.scenario.handoff.integration or 0.0),
        }

    # ---- rates ---------------------------------------------------------------------------------------------------
    def _planned_rates(self) -> dict[str, Steps]:
        """People a week who come by each source, known or not, after growth and the marketing plan."""
        scenario = self.context.scenario
        flights = {
            name: Flight(self._grown(source), *self._flight(source))
            for name, source in scenario.sources.items()
            if source.rate is not None
        }
        rates = {name: flight.steps for name, flight in flights.items()}
        plan = scenario.marketing_plan
        if plan is not None and plan.budget is not None:
            rates |= planned(plan.budget.per_week, plan.maximise, scenario.sources, flights)
        return rates

    def _grown(self, source: Source) -> Steps:
        steps = [(x, rate.per_week) for x, rate in self.context.steps(source.rate)]
        return _grown(steps, source.trend, self.context.horizon) if source.trend else steps

    def _rate(self, name: str, source: Source) -> Row:
        if name not in self._rates:
            return {}
        first, count = self.context.builder.points((x, rate * source.captured) for x, rate in self._rates[name])
        level = None
        if source.weekly_level:
            level = Distribution("gamma", (source.weekly_level**-2, source.weekly_level**2))
        return {
            "rate_first": first,
            "rate_count": count,
            "profile": self._profile(source.profile),
            "level": self.context.builder.table(level),
        }

    def _profile(self, profile: str | tuple[float, ...]) -> int:
        weights = hour_weights(profile)
        return (
            -1 if weights is None else self.context.builder.points(week_profile(weights, local_hours(self.context)))[0]
        )

    # ---- who comes -----------------------------------------------------------------------------------------------
    def _entry(self, source: Source) -> Slice:
        shares = shares_of(source.enters or {next(iter(self.context.stages)): Share(1.0)})
        return append_rows(
            self.context.builder.exits,
            [
                {"to": self.context.stages[stage], "share": share, "pace": -1, "cool": -1, "backward": 0}
                for stage, share in shares.items()
            ],
        )

    def _mix(self, name: str, source: Source) -> None:
        scenario = self.context.scenario
        segments: dict[str, Segment | None] = dict(scenario.segments) if scenario.segments else {"all": None}
        shares = _segment_shares(source, segments)
        total = 0.0
        for segment, share in shares.items():
            total += share
            last = segment == list(shares)[-1]
            self.source_segments.append(
                {"share": 1.0 if last else total, **self._traits(name, source, segments[segment])}
            )

    def _traits(self, name: str, source: Source, segment: Segment | None) -> Row:
        scenario, builder = self.context.scenario, self.context.builder
        spread = Distribution("normal", (0.0, scenario.fit_spread)) if scenario.fit_spread else None
        own = segment.reachable if segment else None
        value = (segment.deal_value if segment else None) or source.deal_value or scenario.deal_value
        row = {
            **self._trait(name, "fit", source.fit, segment.fit if segment else 0.0, spread),
            **self._trait(name, "intent", source.intent, segment.intent if segment else 0.0),
            **self._trait(name, "trust", source.trust, segment.trust if segment else 0.0),
            "value": builder.table(value),
            "reachable": _first_given(own, source.reachable, scenario.reachable),
            "ready": builder.time(source.ready_after),
        }
        plain = set(SOURCE_SEGMENT.names or ()) - row.keys() - {"share"}  # a number of the source, by the same name
        return row | {trait: getattr(source, trait) for trait in plain}

    def _trait(
        self,
        source: str,
        key: str,
        said: float | Range | Distribution,
        added: float,
        spread: Distribution | None = None,
    ) -> Row:
        """Fit, intent or trust at birth: a law or a number, and what the segment adds."""
        law, number = (said, 0.0) if isinstance(said, Distribution) else (spread, said)
        shift = self.context.number(
            f"sources.{source}.{key}",
            number,
            "source_segments",
            f"{key}_shift",
            len(self.source_segments),
            by=lambda value: value + added,
        )
        return {key: self.context.builder.table(law), f"{key}_shift": shift}


def _segment_shares(source: Source, segments: dict[str, Segment | None]) -> dict[str, float]:
    if source.segments:
        own = shares_of(source.segments)
        return {name: own.get(name, 0.0) for name in segments}
    return shares_of({name: segment.share if segment else Share(1.0) for name, segment in segments.items()})


def _grown(steps: list[tuple[float, float]], trend: float, horizon: float) -> list[tuple[float, float]]:
    """Steps multiplied by (1 + trend)^years, taken at the middle of each day."""
    days = [day * DAY for day in range(max(1, math.ceil(horizon / DAY)))]
    instants = sorted({*days, *(x for x, _ in steps if 0.0 < x < horizon)})
    return [(x, in_force(steps, x) * (1.0 + trend) ** ((x + DAY / 2) / _YEAR)) for x in instants]


def _first_given(*values: float | None) -> float:
    return next((value for value in values if value is not None), 1.0)


def _half_up(count: float) -> int:
    return math.floor(count + 0.5)
