"""What effects on a visit look at, and what they shift (rules 64 to 67, 92 to 95, 101).

A new trait is a member of EffectInput, a field of Covariates by the same name, and a line in each engine that fills it.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from funnelsim.engine.jit import shared_kernel
from funnelsim.int64 import Int


class EffectInput(IntEnum):
    """What an effect looks at; the effects of a scenario are added up in this order."""

    ALWAYS = 0
    FIT = 1
    CONTEXT_LOST = 2
    BOTH_TEAMS = 3
    MARKETING_SELLS = 4
    COLLISION = BOTH_TEAMS  # another effect of the same
    INTENT = 5
    TRUST = 6
    WARMTH = 7
    OWN_LEAD = 8
    TOO_EARLY = 9
    UNRESOLVED = 10
    DUPLICATE = 11
    RESPONSE_DELAY = 12
    TOO_LATE = 13
    TRUST_DELAY = 14
    HOUR_OF_WEEK = 15
    LEVEL = 16
    SCORE = 17


class EffectTarget(IntEnum):
    """What an effect shifts."""

    ADVANCE = 0
    CONTACT = 1
    PURSUIT = 2
    ADHERENCE = 3
    HABIT = 4
    SHOW = 5
    SIGNALS = 6


class Covariates(NamedTuple):
    """A visit as its effects see it; all floats, so that it compiles once."""

    fit: float
    intent: float
    trust: float
    points: float  # in scores
    warmth: float
    context: float
    both_teams: float  # 1 when people of both teams have reached the buyer
    marketing_sells: float  # 1 when a marketer works the visit
    response_delay: float  # seconds from entry, or the raised hand, to the first touch; negative while untouched
    touch_after_ready: float  # seconds from ready to the first touch
    unresolved: float  # objections that were not resolved
    duplicate: float  # 1 when the person has another record
    own_lead: float  # 1 when the lead is the working team's own


@shared_kernel
def covariate(which: Int, of: Covariates) -> float:
    """An input that is one number of the covariates."""
    if which == EffectInput.FIT:
        return of.fit
    if which == EffectInput.CONTEXT_LOST:
        return 1.0 - of.context
    if which == EffectInput.BOTH_TEAMS:
        return of.both_teams
    if which == EffectInput.MARKETING_SELLS:
        return of.marketing_sells
    if which == EffectInput.INTENT:
        return of.intent
    if which == EffectInput.TRUST:
        return of.trust
    if which == EffectInput.WARMTH:
        return of.warmth * of.context
    if which == EffectInput.TOO_EARLY:
        return 1.0 if of.response_delay >= 0.0 and of.touch_after_ready < 0.0 else 0.0
    if which == EffectInput.UNRESOLVED:
        return of.unresolved
    if which == EffectInput.DUPLICATE:
        return of.duplicate
    if which == EffectInput.OWN_LEAD:
        return of.own_lead
    return 1.0  # ALWAYS
