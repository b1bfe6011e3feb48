"""What moves people, and what moves chances: pursuit, levels, effects and influences (rules 92 to 95, 101 and 108).

Effects are the usual ones by name. An influence is one of one's own: what is looked at, what it moves, how strongly.
"""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from funnelsim.scenario.parsers import is_schedule
from funnelsim.scenario.schema.base import Model, assumed, belief, fact, policy
from funnelsim.scenario.schema.types import (
    Chance,
    EffectTarget,
    Factor,
    Flag,
    HourOdds,
    InfluenceInput,
    InfluenceTarget,
    InitialLevel,
    LevelKind,
    LevelOr,
    Odds,
    Positive,
    Proportion,
    ReviewPeriod,
    Strength,
    Text,
)
from funnelsim.scenario.values import Range


class Pursuit(Model):
    """How likely a team is to work a lead of the other side that no kept promise covers.

    The log-odds are those of `base`, moved by five inputs from 0 to 1. Sabnis et al. (2013) published the signs of how
    these work together, and nobody their sizes.
    """

    base: Chance | None = assumed()
    """Share of such leads that are worked when the five below are in the middle."""

    quality: LevelOr = assumed(0.5)
    """How well marketing prequalifies: a share, or `level NAME`, such as what experience has taught."""

    tracking: Proportion = policy(0.5)
    """How closely managers track what becomes of the leads."""

    volume: LevelOr = assumed(0.5)
    """How many leads there are against what the team can work: a share, or `level NAME`."""

    experience: Proportion = fact(0.5)
    """How experienced the reps are."""

    performance: Proportion = fact(0.5)
    """How well they perform."""

    strength: Factor = assumed(1.0)
    """What the preset's sizes are multiplied by; only their signs are published."""


class Level(Model):
    """A slow number that experience moves: level += weight x (seen - level)."""

    input: LevelKind | None = belief()
    """What it sees: outcomes of the other side's leads, decisions to accept, load (leads a review), or what is sold of
    a quota."""

    team: Text | None = belief()
    """Whose experience it is."""

    initial: InitialLevel | None = assumed()
    """Where it starts. Default: 50%, and 0 for load and quota."""

    weight: Chance = assumed(0.05)
    """How much one thing seen (or one review) moves it; its memory is 1 / weight of them."""

    review: ReviewPeriod | None = policy(unit="time")
    """How often what was seen is looked at: `month`, `2 weeks`. Default: at once."""

    fair: Flag = policy(False)
    """Of outcomes: whether leads lost by the team's own poor follow-up are not held against them."""

    per: Positive | None = policy()
    """Of load: leads a review that count as 1. Of quota: the money a period that counts as 1."""

    definition: Text | None = policy()
    """Of quota: what earns. Default: won."""


class Effect(Model):
    """Times the odds; 1 is no effect."""

    odds: Odds = assumed(Range(1.0, 1.0, "1"), unit="times the odds", whole=True)
    """A number, a range, or either by date."""

    stages: tuple[Text, ...] | None = belief(whole=True)
    """Where it acts. Default: in every stage."""

    target: EffectTarget = belief("advance")
    """What it moves: the chance to go on, or the chance of each contact."""

    @model_validator(mode="before")
    @classmethod
    def _from_odds(cls, data: Any) -> Any:
        return data if isinstance(data, dict) and not is_schedule(data) else {"odds": data}


class CurveEffect(Model):
    """How much of the response curve of the stage acts on another delay; 0 is no effect, 1 the curve as it is."""

    strength: Strength = assumed(Range(0.0, 0.0, "0"), whole=True)
    """A number, a range, or either by date; the logarithm of the curve is multiplied by it."""

    stages: tuple[Text, ...] | None = belief(whole=True)
    """Where it acts. Default: in every stage that names a `response`."""

    target: EffectTarget = belief("advance")
    """What it moves: the chance to go on, or the chance of each contact."""

    @model_validator(mode="before")
    @classmethod
    def _from_strength(cls, data: Any) -> Any:
        return data if isinstance(data, dict) and not is_schedule(data) else {"strength": data}


class Effects(Model):
    """What shifts the chance to go on, or of contact: times the odds; 1 is no effect, a range is an honest guess."""

    fit: Effect = belief(Effect(), unit="times the odds a step", whole=True)
    """For each step of fit."""

    intent: Effect = belief(Effect(), unit="times the odds a step", whole=True)
    """For each step of intent."""

    trust: Effect = belief(Effect(), unit="times the odds a step", whole=True)
    """For each step of trust."""

    warmth: Effect = belief(Effect(), unit="times the odds", whole=True)
    """For a warm lead against a cold one, as far as what marketing knows reaches sales."""

    context_lost: Effect = belief(Effect(), unit="times the odds", whole=True)
    """When the buyer has to tell everything again."""

    both_teams: Effect = belief(Effect(), unit="times the odds", whole=True)
    """When people of both teams have spoken to the buyer."""

    collision: Effect = belief(Effect(), unit="times the odds", whole=True)
    """When they have, and do not share their data: it acts as far as `handoff.integration` falls short of 100%."""

    marketing_sells: Effect = belief(Effect(), unit="times the odds", whole=True)
    """A marketer working a lead, against a salesperson."""

    own_lead: Effect = belief(Effect(), unit="times the odds", whole=True)
    """When the lead is the working team's own, not the other side's."""

    too_early: Effect = belief(Effect(), unit="times the odds", whole=True)
    """When the first touch came before the buyer was ready to talk."""

    too_late: CurveEffect = belief(CurveEffect(), unit="share of the curve", whole=True)
    """How much of the stage's response curve acts on the time from ready to the first touch."""

    nurtured_follow_up: CurveEffect = belief(CurveEffect(), unit="share of the curve a step of trust", whole=True)
    """How much steeper the response curve is for each step of trust: fast follow-up pays more after good nurture."""

    unresolved: Effect = belief(Effect(), unit="times the odds an objection", whole=True)
    """For each objection that was not resolved."""

    duplicate: Effect = belief(Effect(), unit="times the odds", whole=True)
    """When the same person is in the funnel twice."""

    hour: HourOdds | None = belief(unit="times the odds", whole=True)
    """Of contact, by the local hour of the attempt: a preset, {hours: [24], days: [7]}, or 168 odds from Monday on."""


class Influence(Model):
    """Something that moves what people or buyers do, in one's own words."""

    input: InfluenceInput | None = belief()
    """What is looked at: always, fit, intent, trust, warmth, own lead, context lost, `level NAME` or `score NAME`."""

    target: InfluenceTarget | None = belief()
    """What it moves: advance, contact, pursuit, adherence, habit, show or signals."""

    odds: Odds | None = assumed(unit="times the odds a unit", whole=True)
    """By how much, for each unit of what is looked at; a number, a range, or either by date."""

    time_factor: Odds | None = assumed(unit="times the time a unit", whole=True)
    """The same for `habit`, which is a time: 0.5 halves it."""

    team: Text | None = belief()
    """Whose leads. Default: any team's."""

    stages: tuple[Text, ...] | None = belief(whole=True)
    """Where it acts. Default: in every stage."""
