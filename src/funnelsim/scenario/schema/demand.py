"""Where leads come from and what they are: sources, segments, leads in flight."""

from __future__ import annotations

from typing import Annotated

from funnelsim.scenario.schema.base import Model, OneOrMany, fact, policy, setting
from funnelsim.scenario.schema.types import (
    Batched,
    BudgetObjective,
    Cost,
    Count,
    Day,
    Flag,
    Int,
    Length,
    Number,
    Profile,
    Proportion,
    RateOf,
    ShareOf,
    Shares,
    Side,
    Spending,
    Text,
    Time,
    Trait,
    Trend,
    Value,
)
from funnelsim.scenario.values import Share


class FoundAgain(Model):
    """The same person turning up as a second record: at the fair, and again on the web (rule 88)."""

    chance: Proportion = fact(0.0)
    """Share of the leads who turn up again."""

    after: Time | None = fact(unit="time", whole=True)
    """Time from arrival until then. Default: at once."""

    enters: Text | None = fact()
    """The stage the second record enters. Default: the first stage."""

    merged: Proportion = policy(0.0)
    """Share of the second records recognised and merged while the first is still in the funnel; a merged one counts as
    a raised hand."""


class Source(Model):
    """What brings leads: a rate, a batch on a date, or both."""

    rate: RateOf | None = fact(unit="leads a period", whole=True)
    """How many leads arrive, steadily or by date: `160/week`, {2026-01: 500/month, 2026-02: 600/month}."""

    trend: Trend = fact(0.0, unit="growth a year")
    """Growth of the rate: `20% a year`, or `+2%/month`, which compounds."""

    profile: Profile = fact("flat", whole=True)
    """When in the week leads arrive: a preset, 168 hourly weights from Monday 00:00, or {hours: [24], days: [7]}."""

    weekly_level: Proportion = fact(0.0, unit="coefficient of variation")
    """How much weeks differ beyond chance: each week's rate is multiplied by a gamma draw of mean 1 and this spread."""

    batch: Annotated[tuple[Batched, ...], OneOrMany()] = fact(())
    """So many leads at one instant: `300 on 2026-03-10 at 14:00`; one or a list."""

    first: Day | None = fact(alias="from")
    """First day of the flight; leads of the rate arrive from then on."""

    last: Day | None = fact(alias="to")
    """Last day of the flight, itself included."""

    enters: Shares | None = fact(whole=True)
    """Where these leads start: a stage, or shares by stage. Default: the first stage."""

    cost: Cost = fact(0.0, unit="money a lead")
    """What a lead costs to acquire, due when it arrives."""

    fit: Trait = fact(0.0, unit="steps of fit")
    """How good these leads are: 0 is the average lead, +1 clearly better; a number, or a distribution over leads."""

    reachable: Proportion | None = fact()
    """Share of these leads who can be reached at all. Default: the scenario's."""

    deal_value: Value | None = fact(unit="money", whole=True)
    """What a win of these leads is worth. Default: the scenario's."""

    segments: Shares | None = fact(whole=True)
    """Shares of the segments among these leads. Default: the segments' own shares."""

    side: Side = fact("marketing")
    """Whose leads they are: marketing's, or sales' own."""

    warmth: Proportion = fact(1.0)
    """How much they know of us when they arrive: 100% came by themselves, 0% have never heard of us."""

    intent: Trait = fact(0.0, unit="steps of intent")
    """How much they want to buy at arrival; a number, or a distribution over leads. Signals and nurture move it."""

    trust: Trait = fact(0.0, unit="steps of trust")
    """How much they trust us at arrival, likewise."""

    points: Number = policy(0.0, unit="points")
    """What their arrival counts in scores."""

    ready_after: Time | None = fact(unit="time", whole=True)
    """Time from arrival until the buyer is ready to talk. Default: at once."""

    captured: Proportion = fact(1.0)
    """Share of those who come that become known records; only these are leads."""

    found_again: FoundAgain | None = fact()
    """Whether the same person turns up as a second record. Default: never."""

    qualified_share: Proportion | None = fact()
    """Share of these leads that pass the definition marketing is measured by; for `marketing_plan`."""

    qualified_value: Cost | None = fact(unit="money")
    """Value of a lead that passes it, close rate times deal; for a `marketing_plan` that maximises value."""


class Segment(Model):
    """A kind of buyer."""

    share: ShareOf = fact(Share(None, text="rest"))
    """Its share of the leads; one segment may be `rest`."""

    fit: Number = fact(0.0, unit="steps of fit")
    """Added to the fit of its leads."""

    reachable: Proportion | None = fact()
    """Share of them who can be reached at all. Default: the source's, then the scenario's."""

    deal_value: Value | None = fact(unit="money", whole=True)
    """What a win is worth. Default: the source's, then the scenario's."""

    intent: Number = fact(0.0, unit="steps of intent")
    """Added to the intent of its leads at arrival."""

    trust: Number = fact(0.0, unit="steps of trust")
    """Added to the trust of its leads at arrival."""


class MarketingPlan(Model):
    """Where marketing's money goes: sources with a cost and a `qualified_share` are filled, the best first, until it is
    spent. Their `rate` is then the most they can bring.
    """

    budget: Spending | None = policy(unit="money a period")
    """What may be spent on leads: `40k/month`."""

    maximise: BudgetObjective = policy("count")
    """What is best: the most qualified leads for the money, or the most value."""


class InFlight(Model):
    """A lead that is in the funnel when the run starts (rule 23)."""

    id: Text = fact("")
    """Its name in the CRM; leads keep their luck by it."""

    source: Text = fact("")
    """The source that brought it."""

    segment: Text | None = fact()
    """Its segment. Default: drawn."""

    stage: Text = fact("")
    """Where it is."""

    age: Length | None = fact(unit="time")
    """How long it has been there."""

    number: Count = fact(1)
    """How many times it has been in this stage, this one included."""

    team: Text | None = fact()
    """Who works it. Default: by ownership."""

    attempts: Int = fact(0)
    """Attempts made in this stage."""

    reached: Flag = fact(False)
    """Whether the buyer has been reached in this stage."""

    context: Proportion = fact(1.0)
    """How much of what the buyer has told is still known."""

    value: Cost | None = fact(unit="money")
    """What a win would be worth. Default: drawn."""


class Snapshot(Model):
    """A CSV file of leads in flight, one a line, with the keys above as columns."""

    file: Text = setting("")
    """Its path, from the folder of the scenario file."""
