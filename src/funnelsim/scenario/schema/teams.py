"""The teams: who they are, when they work, and how they go about their leads."""

from __future__ import annotations

from typing import Annotated

from funnelsim.scenario.schema.base import Model, OneOrMany, assumed, belief, fact, policy
from funnelsim.scenario.schema.behaviour import Pursuit
from funnelsim.scenario.schema.types import Cost as Amount
from funnelsim.scenario.schema.types import (
    Day,
    Elapsed,
    Habit,
    Length,
    OpeningHours,
    Order,
    People,
    Positive,
    Proportion,
    Queues,
    QuotaAmount,
    Ramp,
    Side,
    Text,
    Unfinished,
    Wage,
    Weekdays,
    Zone,
)
from funnelsim.scenario.values import Distribution

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
    """IANA time zone of its hours. Default: the scenario's."""

    day: Length | None = policy(unit="time")
    """What a business day is worth, such as `8 hours`. Default: the length of a day's opening hours."""


class Shift(Model):
    """So many people on one calendar."""

    calendar: Text = policy("always")
    """When they work."""

    people: People = policy(1)
    """How many they are; may change over time."""


class TimeBudget(Model):
    """How a team divides its working time: who is served next is of the kind furthest behind its share (rule 104)."""

    own: Proportion = policy(0.0)
    """First attempts on the team's own leads."""

    other: Proportion = policy(0.0)
    """First attempts on the other side's leads."""

    follow_ups: Proportion = policy(0.0)
    """Later attempts, meetings and objections."""

    deals: Proportion = policy(0.0)
    """All work in stages marked `is_deal`."""


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
    """Who is served first: first come, newest, score, value or due time."""

    score: Text | None = policy()
    """The score that `order: score` serves by, the highest first. Default: fit itself."""

    own_lead_head_start: Elapsed | None = policy(unit="time")
    """Own leads are served as if they had joined so much earlier: cherry-picking, in `first come` only."""

    queues: Queues = policy("pooled")
    """One queue for all, or personal: a lead belongs to one rep for life, and waits for that one."""

    time_budget: TimeBudget | None = policy(whole=True)
    """Shares of the working time by kind of work: {own: 30%, other: 30%, follow_ups: 20%, deals: 20%}."""

    absence: Proportion = fact(0.0)
    """Chance that a person is away on a day; paid, and not replaced."""

    ramp: Ramp = fact(1.0, whole=True)
    """How fast the team works against the stages' times: a share, or by date while new people learn."""

    pursuit: Pursuit | None = belief()
    """Which of the other side's leads are worked at all. Default: all."""

    quota: QuotaAmount | None = policy(unit="money a period")
    """What the team is to sell; makes a level "TEAM quota": what is sold of it, less the share of the period passed."""

    habit: Habit = fact(AT_ONCE, whole=True)
    """How soon people turn to a new lead when nothing is promised: a preset, `at once`, or a distribution."""

    handling: Positive = assumed(1.0)
    """Its handling times against those of the stages: 1.2 takes a fifth longer."""

    unfinished: Unfinished = policy("finish")
    """What happens to an attempt at closing time: it is finished in overtime, or resumed at the next opening."""


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
