"""The scenario as a whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import Discriminator, Tag

from funnelsim.scenario.schema.base import Model, belief, fact, policy, setting
from funnelsim.scenario.schema.behaviour import Effects, Influence, Level
from funnelsim.scenario.schema.demand import InFlight, MarketingPlan, Segment, Snapshot, Source
from funnelsim.scenario.schema.handoff import Handoff
from funnelsim.scenario.schema.interest import Score
from funnelsim.scenario.schema.promises import Promises
from funnelsim.scenario.schema.stages import Stage
from funnelsim.scenario.schema.teams import Calendar, Cost, Team
from funnelsim.scenario.schema.types import (
    Day,
    Defined,
    Elapsed,
    Int,
    Moment,
    Number,
    Positive,
    Proportion,
    Shares,
    Text,
    Value,
    Zone,
)
from funnelsim.scenario.values import Duration, Period, Volume

ZERO = Duration(0.0, text="0")


class Goal(Model):
    """What the scenario is meant to reach, named beforehand."""

    revenue: Positive | None = setting(unit="money")
    """Revenue by the date."""

    wins: Positive | None = setting(unit="wins")
    """Or won customers by the date."""

    by: Day | None = setting()
    """The date."""


class Observed(Model):
    """A share that history shows."""

    share: Proportion | None = fact()
    """The share of the leads that entered."""

    low: Proportion | None = fact()
    """Lower end of its 90 % interval."""

    high: Proportion | None = fact()
    """Upper end."""

    n: Int | None = fact()
    """How many leads it rests on."""


class History(Model):
    """Facts that the baseline is compared with."""

    stages: dict[str, dict[str, Observed]] = fact({}, whole=True)
    """Observed exits by stage: {interest: {evaluation: {share: 18%, low: 16%, high: 20%, n: 2100}}}."""

    as_of: Day | None = fact()
    """The day the history was drawn."""

    source: Text = fact("")
    """Where it is from."""


def _kind_of_snapshot(value: Any) -> str:
    return "<file>" if isinstance(value, dict) else "<leads>"


class Scenario(Model):
    """A funnel, the teams that work it, what they promised, and what is simulated."""

    extends: Text | None = setting()
    """A scenario file this one changes; its path, from the folder of this file."""

    name: Text = setting("")
    """What the results call it."""

    about: Text = setting("")
    """A sentence for the reader."""

    start: Moment | None = setting()
    """The instant the run starts: a date, or a date with a local time."""

    observe: Elapsed | None = setting(unit="time")
    """Leads that arrive in this time, after the warm-up, are counted."""

    cool_down: Elapsed = setting(ZERO, unit="time")
    """They are followed so much longer, so that slow deals show."""

    warm_up: Elapsed = setting(ZERO, unit="time")
    """Before the leads that count; leads arriving in it fill the funnel and are not counted."""

    timezone: Zone = setting("UTC")
    """IANA time zone of dates without an offset, such as Europe/Berlin."""

    currency: Text = setting("EUR")
    """What the amounts are in."""

    seed: Int = setting(1)
    """The seed of all luck."""

    goal: Goal | None = setting()
    """What is to be reached, and by when."""

    calendars: dict[str, Calendar] = policy({})
    """Opening hours by name."""

    sources: dict[str, Source] = fact({})
    """What brings leads, by name."""

    segments: dict[str, Segment] = fact({})
    """Kinds of buyers, by name."""

    reachable: Proportion = fact(1.0)
    """Share of leads who can be reached at all."""

    deal_value: Value | None = fact(unit="money", whole=True)
    """What a win is worth."""

    fit_spread: Number = fact(0.0, unit="steps of fit")
    """Standard deviation of fit among the leads of one source and segment; 0: all alike."""

    cycles: Int | None = policy()
    """How many steps back a lead may take before it is lost. Default: any number."""

    stages: dict[str, Stage] = fact({})
    """The stages of the funnel, in order."""

    scores: dict[str, Score] = belief({})
    """How somebody sees a lead, by name: {marketing: {fit: 10, points: 1, noise: 12}}; both teams may share one."""

    definitions: dict[str, Defined] = policy({})
    """What counts as what: {MQL: marketing score at least 40, SQL: enters evaluation, won: enters loyalty}; `won` is
    revenue."""

    named_policy: Text | None = policy(alias="policy")
    """A preset of ownership, handoff and promises: old-way, shared-funnel or union; the file's own keys go before."""

    teams: dict[str, Team] = policy({})
    """Who works leads, by name."""

    ownership: dict[str, Shares] = policy({})
    """Who owns the leads of a stage: {interest: sales} or {interest: {marketing: 50%, sales: 50%}}."""

    handoff: Handoff = policy(Handoff())
    """How a lead changes hands between two stages of different owners."""

    promises: Promises | None = policy()
    """What the two teams promised each other. Default: nothing."""

    marketing_plan: MarketingPlan | None = policy()
    """Where marketing's money goes. Default: every source brings its rate."""

    levels: dict[str, Level] = belief({})
    """Slow numbers that experience moves, by name, such as a team's trust in the other's leads."""

    effects: Effects = belief(Effects())
    """What shifts the chance to go on and the chance of contact."""

    influences: dict[str, Influence] = belief({})
    """What else moves what people and buyers do, by name."""

    good_fit: Number = setting(0.0, unit="steps of fit")
    """From this fit on a lead counts as a good one: for reports, and for whose fault a lost lead was."""

    poor_follow_up: Elapsed | None = setting(unit="time")
    """A first touch later than this is poor follow-up; an untouched lead always is. Default: never late."""

    costs: tuple[Cost, ...] = fact((), whole=True)
    """Flights and tools."""

    leads_in_flight: Annotated[
        Annotated[tuple[InFlight, ...], Tag("<leads>")] | Annotated[Snapshot, Tag("<file>")],
        Discriminator(_kind_of_snapshot),
    ] = fact((), whole=True)
    """Leads in the funnel at the start: a list, or {file: leads.csv}."""

    history: History | None = fact()
    """What the baseline should reproduce; calibration writes it."""

    fitted: dict[str, Any] | None = fact(whole=True)
    """What calibration knows beyond the values: families, covariances, grades. Written by `funnelsim calibrate`."""

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """What marketing promises, a segment told from its definition: in `80 enterprise MQL a month`."""
        return tuple(map(self._volume, self.promises.marketing_delivers)) if self.promises else ()

    @property
    def all_levels(self) -> dict[str, Level]:
        """The levels as written, and behind them one for each team with a quota."""
        quotas = {f"{name} quota": _quota_level(name, team) for name, team in self.teams.items() if team.quota}
        return {**self.levels, **quotas}

    def _volume(self, volume: Volume) -> Volume:
        if volume.definition in self.definitions:
            return volume
        for segment in self.segments:
            rest = volume.definition.removeprefix(f"{segment} ")
            if rest != volume.definition and rest.strip() in self.definitions:
                return replace(volume, definition=rest.strip(), segment=segment)
        return volume

    def side_of(self, team: str) -> str:
        """marketing or sales."""
        return self.teams[team].side or ("marketing" if team == "marketing" else "sales")


def _quota_level(name: str, team: Team) -> Level:
    assert team.quota is not None
    review = Period(1, team.quota.period, team.quota.period)
    return Level(input="quota", team=name, initial=0.0, weight=1.0, per=team.quota.amount, definition="won").model_copy(
        update={"review": review}
    )
