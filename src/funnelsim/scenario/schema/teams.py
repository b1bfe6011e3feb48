"""The teams, their opening hours, and what they promised each other."""

from __future__ import annotations

from typing import Annotated

from funnelsim.scenario.schema.base import (
    Actions,
    Belief,
    ClockStart,
    Day,
    Habit,
    Length,
    Model,
    OneOrMany,
    OpeningHours,
    Order,
    People,
    Positive,
    Promised,
    Proportion,
    Route,
    Side,
    Term,
    Text,
    Unfinished,
    Wage,
    Weekdays,
    Zone,
    belief,
    fact,
    policy,
)
from funnelsim.scenario.schema.base import Cost as Amount
from funnelsim.scenario.values import Distribution, Range

AT_ONCE = Distribution("fixed", (0.0,), text="at once")


class Calendar(Model):
    """Opening hours. `always` is built in."""

    hours: OpeningHours = policy(())
    """Local opening hours: `09:00-17:00`, or several with a comma between."""

    days: Weekdays = policy((0, 1, 2, 3, 4))
    """Days of the week it is open: `Mon-Fri`, `Mon, Wed`."""

    holidays: Annotated[tuple[Day, ...], OneOrMany()] = policy(())
    """Dates it is closed; one or a list."""

    timezone: Zone | None = policy()
    """Where its clock hangs. Default: the scenario's."""

    day: Length | None = policy(unit="time")
    """What a business day is worth, such as `8 hours`. Default: the length of a day's opening hours."""


class Shift(Model):
    """So many people on one calendar."""

    calendar: Text = policy("always")
    """When they work."""

    people: People = policy(1)
    """How many they are; may change over time."""


class Team(Model):
    """The people who work leads."""

    people: People | None = policy(unit="people", whole=True)
    """How many they are: a whole number, or by date {start: 4, 2026-06-01: 6}."""

    calendar: Text = policy("always")
    """When they work."""

    shifts: tuple[Shift, ...] = policy(())
    """Several groups with hours of their own, instead of people and calendar."""

    side: Side | None = policy()
    """marketing or sales. Default: marketing for the team of that name, else sales."""

    cost: Wage = fact(0.0, unit="money an hour")
    """What a paid hour costs, busy or not."""

    other_work: Proportion = fact(0.0)
    """Share of the hours that goes to other things; it stretches every handling time."""

    order: Order = policy("first come")
    """Who is served first: first come, score or due time."""

    habit: Habit = fact(AT_ONCE, whole=True)
    """How soon people turn to a new lead when nothing is promised: a preset, `at once`, or a distribution."""

    handling: Positive = belief(1.0)
    """Its handling times against those of the stages: 1.2 takes a fifth longer."""

    unfinished: Unfinished = policy("finish")
    """What happens to an attempt at closing time: it is finished in overtime, or resumed at the next opening."""


class Handover(Model):
    """How a lead reaches another team."""

    delay: Route | None = policy(unit="time", whole=True)
    """`at once`, `daily at 08:00`, or a delay. Default: at once."""

    context_kept: Belief | None = policy(whole=True)
    """How much of what the buyer has told survives a handoff; 100% is all. Default: all."""


class Handoff(Handover):
    """What happens when the owner changes between two stages."""

    to: dict[str, Handover] = policy({})
    """The same keys for handoffs to one team: {sales: {delay: daily at 08:00}}."""


class Terms(Model):
    """What a team promises about the leads it owns."""

    first_touch: Term | None = policy()
    """`within 4 business hours`."""

    attempts: Term | None = policy()
    """`5 within 14 days`: at least so many attempts."""

    kept: Belief = belief(Range(1.0, 1.0, "100%"), whole=True)
    """How often the promise is really kept; a share, a range or by date. Everything else still stands in the way."""

    clock_start: ClockStart = policy("assigned")
    """When the clock starts: created, qualified (entry of the visit) or assigned."""

    on_breach: Actions = policy((), whole=True)
    """What happens at fractions of the first-touch deadline: {80%: warn, 100%: escalate, 150%: reassign}."""

    on_attempts_breach: Actions = policy((), whole=True)
    """The same for the attempts."""

    stages: tuple[Text, ...] | None = policy(whole=True)
    """Where the promise holds. Default: stages that name a `response`; if none does, every stage with work."""


class Promises(Terms):
    """What the two teams signed."""

    marketing_delivers: Annotated[tuple[Promised, ...], OneOrMany()] = policy(())
    """`360 MQL a month`; one or a list. It is counted, and changes nothing in the run."""

    teams: dict[str, Terms] = policy({})
    """The same keys for one team, over those above."""

    def of(self, team: str) -> Terms:
        """The terms of one team: its own over the common ones."""
        own = self.teams.get(team)
        common = {name: getattr(self, name) for name in Terms.model_fields}
        stated = {name: getattr(own, name) for name in own.model_fields_set} if own else {}
        return Terms.model_construct(**{**common, **stated})


class Cost(Model):
    """A flight or a tool: an amount spread evenly over its dates."""

    name: Text = fact("")
    """What it is."""

    team: Text | None = fact()
    """Who pays. Default: nobody in particular."""

    amount: Amount = fact(0.0, unit="money")
    """The whole amount."""

    first: Day | None = fact(alias="from")
    """First day. Default: the start."""

    last: Day | None = fact(alias="to")
    """Last day. Default: the end of the run."""
