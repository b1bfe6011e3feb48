"""The buyer's interest and how it is read: signals, nurture, and the scores each team keeps (rules 81 to 87)."""

from __future__ import annotations

from funnelsim.scenario.schema.base import Model, assumed, fact, policy
from funnelsim.scenario.schema.types import Chance, Count, Elapsed, Flag, Gain, Guess, Number, Positive, Time


class Score(Model):
    """An observer: how somebody sees a lead. Its value is a sum of what is seen, and noise that stays for life."""

    fit: Guess = assumed(0.0, unit="score a step of fit")
    """Weight of the lead's fit."""

    intent: Guess = assumed(0.0, unit="score a step of intent")
    """Weight of the buyer's intent."""

    points: Number = policy(0.0, unit="score a point")
    """Weight of the points that the source and signals have given."""

    noise: Gain = assumed(0.0, unit="score")
    """Standard deviation of what the observer gets wrong about a lead, drawn once a lead."""


class Signal(Model):
    """Something a buyer may do while in a stage, at most once a visit: read an e-book, ask for a demo."""

    chance: Chance = fact(1.0)
    """Share of the visits in which it happens."""

    after: Time | None = fact(unit="time", whole=True)
    """Time from entry until it happens. Default: at entry."""

    points: Number = policy(0.0, unit="points")
    """What it counts in scores."""

    intent: Guess = assumed(0.0, unit="steps of intent")
    """What it adds to the buyer's intent; below zero it takes away, down to 0."""

    trust: Guess = assumed(0.0, unit="steps of trust")
    """What it adds to the buyer's trust."""

    raises_hand: Flag = fact(False)
    """Whether the buyer asks to be called: the team turns to the lead now, and the response delay begins anew."""

    pause: Time | None = fact(unit="time", whole=True)
    """How long the buyer asks to be left alone; the promises' clocks stand still so long."""


class Nurture(Model):
    """Automatic touches of a stage: newsletters, classes, mails. They take nobody's time."""

    every: Elapsed | None = policy(unit="time")
    """Time between two touches, the first falling so long after entry."""

    touches: Count | None = policy(unit="touches")
    """At most so many a visit. Default: as long as the visit lasts."""

    intent: Gain = assumed(0.0, unit="steps of intent")
    """What a touch adds to intent, less the nearer intent is to its limit."""

    intent_limit: Positive | None = assumed(unit="steps of intent")
    """Beyond it nurture adds no intent. Default: no limit."""

    trust: Gain = assumed(0.0, unit="steps of trust")
    """What a touch adds to trust, likewise."""

    trust_limit: Positive | None = assumed(unit="steps of trust")
    """Beyond it nurture adds no trust. Default: no limit."""

    fatigue: Chance = assumed(0.0)
    """Chance that a touch makes the buyer unsubscribe, for life."""

    continues_after_handoff: Flag = policy(False)
    """Whether it goes on once a team of the sales side has the lead."""
