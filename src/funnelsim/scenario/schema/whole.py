"""The scenario as a whole."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag, model_validator

from funnelsim.scenario.schema.base import (
    Day,
    Defined,
    Elapsed,
    Model,
    Moment,
    Number,
    Odds,
    Positive,
    Proportion,
    Shares,
    Text,
    Value,
    Whole,
    Zone,
    belief,
    fact,
    policy,
    setting,
)
from funnelsim.scenario.schema.demand import InFlight, Segment, Snapshot, Source
from funnelsim.scenario.schema.stages import Stage
from funnelsim.scenario.schema.teams import Calendar, Cost, Handoff, Promises, Team
from funnelsim.scenario.values import Duration, Range

ZERO = Duration(0.0, text="0")


class Goal(Model):
    """What the scenario is meant to reach, named beforehand."""

    revenue: Positive | None = setting(unit="money")
    """Revenue by the date."""

    wins: Positive | None = setting(unit="wins")
    """Or won customers by the date."""

    by: Day | None = setting()
    """The date."""


class Effect(Model):
    """Times the odds; 1 is no effect."""

    odds: Odds = belief(Range(1.0, 1.0, "1"), unit="times the odds", whole=True)
    """A number, a range, or either by date."""

    stages: tuple[Text, ...] | None = belief(whole=True)
    """Where it acts. Default: in every stage."""

    @model_validator(mode="before")
    @classmethod
    def _from_odds(cls, data: Any) -> Any:
        return data if isinstance(data, dict) and not data.keys() - {"odds", "stages"} else {"odds": data}


class Effects(Model):
    """What shifts the chance to go on, as times the odds; 1 is no effect, a range is an honest guess."""

    fit: Effect = belief(Effect(), unit="times the odds a step", whole=True)
    """For each step of fit."""

    context_lost: Effect = belief(Effect(), unit="times the odds", whole=True)
    """When the buyer has to tell everything again."""

    both_teams: Effect = belief(Effect(), unit="times the odds", whole=True)
    """When people of both teams have spoken to the buyer."""

    marketing_sells: Effect = belief(Effect(), unit="times the odds", whole=True)
    """A marketer working a lead, against a salesperson."""


class Observed(Model):
    """A share that history shows."""

    share: Proportion | None = fact()
    """The share of the leads that entered."""

    low: Proportion | None = fact()
    """Lower end of its 90 % interval."""

    high: Proportion | None = fact()
    """Upper end."""

    n: Whole | None = fact()
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

    measure: Elapsed | None = setting(unit="time")
    """Leads that arrive in this time, after the warm-up, are counted."""

    follow: Elapsed = setting(ZERO, unit="time")
    """They are followed so much longer, so that slow deals show."""

    warm_up: Elapsed = setting(ZERO, unit="time")
    """Before the leads that count; leads arriving in it fill the funnel and are not counted."""

    timezone: Zone = setting("UTC")
    """Where the clocks hang: a name such as Europe/Berlin."""

    currency: Text = setting("EUR")
    """What the amounts are in."""

    seed: Whole = setting(1)
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

    cycles: Whole | None = policy()
    """How many steps back a lead may take before it is lost. Default: any number."""

    stages: dict[str, Stage] = fact({})
    """The stages of the funnel, in order."""

    definitions: dict[str, Defined] = policy({})
    """What counts as what: {MQL: enters interest, won: enters loyalty}; `won` is revenue."""

    teams: dict[str, Team] = policy({})
    """Who works leads, by name."""

    ownership: dict[str, Shares] = policy({})
    """Who owns the leads of a stage: {interest: sales} or {interest: {marketing: 50%, sales: 50%}}."""

    handoff: Handoff = policy(Handoff())
    """How a lead changes hands between two stages of different owners."""

    promises: Promises | None = policy()
    """What the two teams promised each other. Default: nothing."""

    effects: Effects = belief(Effects())
    """What shifts the chance to go on."""

    costs: tuple[Cost, ...] = fact((), whole=True)
    """Flights and tools."""

    leads_in_flight: Annotated[Annotated[tuple[InFlight, ...], Tag("<leads>")] | Annotated[Snapshot, Tag("<file>")],
                               Discriminator(_kind_of_snapshot)] = fact((), whole=True)
    """Leads in the funnel at the start: a list, or {file: leads.csv}."""

    history: History | None = fact()
    """What the baseline should reproduce; calibration writes it."""

    fitted: dict[str, Any] | None = fact(whole=True)
    """What calibration knows beyond the values: families, covariances, grades. Written by `funnelsim calibrate`."""

    def side_of(self, team: str) -> str:
        """marketing or sales."""
        return self.teams[team].side or ("marketing" if team == "marketing" else "sales")
