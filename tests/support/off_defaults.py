"""Fields of a plan in which every mechanism is off."""

from __future__ import annotations

import math

from funnelsim.plan_codes import DefinitionKind, QueueLayout, Side
from support.plan_generator_mechanisms import Row

ANYBODY = -1  # bits of a tier that holds for all segments, or for all sources

OFF_SOURCE: Row = {"side": Side.MARKETING, "again": 0.0, "again_after": -1, "again_stage": 0, "merged": 0.0}
OFF_SOURCE_SEGMENT: Row = {
    "intent": -1,
    "intent_shift": 0.0,
    "trust": -1,
    "trust_shift": 0.0,
    "ready": -1,
    "warmth": 1.0,
    "points": 0.0,
}
OFF_STAGE: Row = {"gate": -1, "rejected_first": 0, "rejected_count": 0, "nurture": -1, "deal": 0}
OFF_TEAM: Row = {
    "score": -1,
    "head_start": 0.0,
    "lanes": QueueLayout.POOLED,
    "budget_first": 0,
    "budget_count": 0,
    "absence": 0.0,
}
OFF_STAGE_TEAM: Row = {
    "accept_score": -1,
    "accept_first": 0,
    "accept_count": 0,
    "decide": -1,
    "window": math.inf,
    "window_business": 0,
    "default_accept": 1,
    "points_retained": 1.0,
    "pursue": math.inf,
}
OFF_PROMISE: Row = {"segments": ANYBODY, "sources": ANYBODY, "score": -1, "least": 0.0, "value": 0.0}
OFF_DEFINITION: Row = {
    "kind": DefinitionKind.MILESTONE,
    "stage": -1,
    "score": -1,
    "least_first": 0,
    "least_count": 0,
    "offset": 0.0,
    "person": 0,
}
