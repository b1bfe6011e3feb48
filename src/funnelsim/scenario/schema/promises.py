"""What the two teams promised each other: volumes, terms by tier, and what happens on a breach."""

from __future__ import annotations

from typing import Annotated, Any

from funnelsim.scenario.schema.base import Model, OneOrMany, assumed, policy
from funnelsim.scenario.schema.types import (
    Actions,
    ClockStart,
    Cost,
    Promised,
    ScoreLeast,
    Term,
    Text,
    UncertainParameter,
)
from funnelsim.scenario.values import Range


class Clocks(Model):
    """Terms of a promise."""

    first_touch: Term | None = policy()
    """`within 4 business hours`."""

    attempts: Term | None = policy()
    """`5 within 14 days`: at least so many attempts."""

    accept: Term | None = policy()
    """`within 2 business days`: so soon a lead handed over is accepted or turned down."""

    adherence: UncertainParameter = assumed(Range(1.0, 1.0, "100%"), whole=True)
    """How often the promise is really kept; a share, a range or by date. Everything else still stands in the way."""

    clock_start: ClockStart = policy("assigned")
    """When the clock starts: created, qualified (entry of the visit) or assigned."""

    on_breach: Actions = policy((), whole=True)
    """What happens at fractions of the first-touch deadline: {80%: warn, 100%: escalate, 150%: reassign}."""

    on_attempts_breach: Actions = policy((), whole=True)
    """The same for the attempts."""

    on_accept_breach: Actions = policy((), whole=True)
    """The same for the decision to accept."""

    @property
    def promises_something(self) -> bool:
        return bool(self.first_touch or self.attempts or self.accept)


class Tier(Clocks):
    """Terms for some leads only; what it leaves out is as in the plain terms."""

    segments: Annotated[tuple[Text, ...], OneOrMany()] | None = policy(whole=True)
    """Leads of these segments. Default: of all."""

    sources: Annotated[tuple[Text, ...], OneOrMany()] | None = policy(whole=True)
    """Leads of these sources. Default: of all."""

    score: ScoreLeast | None = policy(whole=True)
    """Leads with at least so much on a score: {sales: 50}."""

    value: Cost = policy(0.0, unit="money")
    """Leads whose deal is worth at least so much."""


class Terms(Clocks):
    """What a team promises about the leads it owns."""

    stages: tuple[Text, ...] | None = policy(whole=True)
    """Where the promise holds. Default: stages that name a `response`; if none does, every stage with work."""

    tiers: tuple[Tier, ...] = policy((), whole=True)
    """Other terms for some leads, tried in this order; the first that fits counts, the plain terms are the last."""

    def all_tiers(self) -> tuple[Tier, ...]:
        """The tiers in the order in which they are tried, each complete, and behind them the plain terms."""
        plain = {name: getattr(self, name) for name in Clocks.model_fields}
        found = [Tier.model_construct(**_over(plain, tier)) for tier in self.tiers]
        if self.promises_something:
            found.append(Tier.model_construct(**plain))
        return tuple(found)


class Promises(Terms):
    """What the two teams signed."""

    marketing_delivers: Annotated[tuple[Promised, ...], OneOrMany()] = policy(())
    """`360 MQL a month`, `80 enterprise MQL a month` of a segment, or in money `120k of MQL a month`; one or a list. It
    is counted, and changes nothing in the run."""

    teams: dict[str, Terms] = policy({})
    """The same keys for one team, over those above."""

    def of(self, team: str) -> Terms:
        """The terms of one team: its own over the common ones."""
        own = self.teams.get(team)
        common = {name: getattr(self, name) for name in Terms.model_fields}
        return Terms.model_construct(**(_over(common, own) if own else common))


def _over(common: dict[str, Any], own: Clocks) -> dict[str, Any]:
    """The keys that `own` states, over the common ones; the rest of its keys as they are."""
    others = {name: getattr(own, name) for name in type(own).model_fields if name not in common}
    return {**common, **others, **{name: getattr(own, name) for name in own.model_fields_set}}
