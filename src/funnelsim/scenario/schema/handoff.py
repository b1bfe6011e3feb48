"""Handing a lead over: when, how it travels, and whether the receiver takes it (rules 48 to 50, 89, 90 and 105)."""

from __future__ import annotations

from funnelsim.scenario.schema.base import Model, fact, policy
from funnelsim.scenario.schema.types import (
    Decision,
    Length,
    Proportion,
    Route,
    Text,
    Threshold,
    Time,
    UncertainParameter,
)


class Accept(Model):
    """The receiving team decides whether it takes a lead that is handed over."""

    score: Text | None = policy()
    """The score it decides by."""

    at_least: Threshold | None = policy(unit="score", whole=True)
    """It accepts from this value on; a number, or by date."""

    decision_time: Time | None = fact(unit="time", whole=True)
    """Time until somebody looks when no promise is kept. Default: at once."""

    within: Length | None = policy(unit="time")
    """The time it has to decide: `2 business days`. Default: any time."""

    default: Decision = policy("accepted")
    """What a lead counts as when that time is over."""

    points_kept: Proportion = policy(1.0)
    """Part of its points that a rejected lead keeps; 0% starts its score anew."""


class Handover(Model):
    """How a lead reaches another team."""

    delay: Route | None = policy(unit="time", whole=True)
    """`at once`, `daily at 08:00`, or a delay. Default: at once."""

    context_kept: UncertainParameter | None = policy(whole=True)
    """How much of what the buyer has told survives a handoff; 100% is all. Default: all."""

    accept: Accept | None = policy()
    """Whether the receiving team may turn a lead down. Default: it takes them all."""


class Handoff(Handover):
    """What happens when the owner changes between two stages."""

    at: Text | None = policy()
    """The handoff point in a word, a definition or a stage: marketing owns the stages before, sales from there on."""

    integration: Proportion | None = policy()
    """How far the two teams work on one system (rule 105): it shortens delays, keeps context, merges duplicates.
    Default: everything as it is written."""

    to: dict[str, Handover] = policy({})
    """The same keys for handoffs to one team: {sales: {delay: daily at 08:00}}."""
