"""Mechanisms of generated plans, one by one: interest, scores, acceptance, behaviour, tasks, tiers, levels [81 to 109].

Each puts something into a plan that is there without it. Lengths are whole hours where the plan has ties, so that
signals, touches, decisions, meetings and reviews fall on the instants of arrivals, openings, actions and patience.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from funnelsim import plan as p
from funnelsim.engine import rng
from funnelsim.engine.covariates import EffectInput, EffectTarget
from funnelsim.plan_codes import DefinitionKind, LevelKind, QueueLayout, QueueOrder, SignalFlag, TaskKind, TermKind

if TYPE_CHECKING:
    from support.plan_generator import Builder

Row = dict[str, Any]
HOUR, DAY = p.HOUR, p.DAY
MOST_SCORES = 2
# What effects look at in plans without any mechanism.
PLAIN_INPUTS = (
    EffectInput.ALWAYS,
    EffectInput.FIT,
    EffectInput.CONTEXT_LOST,
    EffectInput.BOTH_TEAMS,
    EffectInput.MARKETING_SELLS,
    EffectInput.RESPONSE_DELAY,
)
# What may move behaviour; the chance to go on and contact have inputs of their own besides.
INPUTS_OF_INFLUENCES = (
    EffectInput.ALWAYS,
    EffectInput.FIT,
    EffectInput.INTENT,
    EffectInput.TRUST,
    EffectInput.WARMTH,
    EffectInput.OWN_LEAD,
    EffectInput.CONTEXT_LOST,
    EffectInput.LEVEL,
    EffectInput.SCORE,
)
INPUTS_OF_EFFECTS = tuple(code for code in EffectInput if code not in (*PLAIN_INPUTS, EffectInput.HOUR_OF_WEEK))
TARGETS_OF_INFLUENCES = tuple(code for code in EffectTarget if code not in (EffectTarget.ADVANCE, EffectTarget.CONTACT))


# ---- buyers ----------------------------------------------------------------------------------------------------------


def traits(b: Builder) -> None:
    """Intent, trust, readiness, warmth and points at birth [91]."""
    for source_segment in b.source_segment_rows:
        source_segment["intent"] = b.level() if b.chance(0.5) else -1
        source_segment["intent_shift"] = float(b.rng.choice([-0.5, 0.0, 1.0]))
        source_segment["trust"] = b.level() if b.chance(0.5) else -1
        source_segment["trust_shift"] = float(b.rng.choice([-0.5, 0.0, 1.0]))
        source_segment["ready"] = b.maybe(0.7, 20, float(b.rng.choice([0.0, 0.1])))
        source_segment["warmth"] = float(b.rng.choice([0.0, 0.4, 1.0]))
        source_segment["points"] = float(b.rng.choice([0.0, 1.0, 2.0]))


def impatience(b: Builder) -> None:
    """Buyers who go cold about when teams decide, turn to them or pause."""
    for stage in b.stage_rows:
        stage["patience"] = b.maybe(0.8, float(b.rng.choice([4, 8, 24])))


def sides(b: Builder) -> None:
    """Some sources bring sales' own leads."""
    for source in b.source_rows:
        source["side"] = int(b.rng.integers(2))


def nurture(b: Builder) -> None:
    for stage in b.stage_rows:
        if not b.chance(0.7):
            continue
        stage["nurture"] = len(b.nurtures)
        b.nurtures.append(
            {
                "stream": rng.path_hash(f"nurture/{stage['stream']}"),
                "every": float(b.rng.choice([2, 6, 24])) * HOUR,
                "touches": int(b.rng.integers(1, 12)),
                "intent": float(b.rng.choice([0.0, 0.25, 1.0])),
                "intent_limit": float(b.rng.choice([1.0, 3.0, math.inf])),
                "trust": float(b.rng.choice([0.0, 0.25])),
                "trust_limit": float(b.rng.choice([1.0, math.inf])),
                "fatigue": float(b.rng.choice([0.0, 0.1, 0.5, 1.0], p=[0.4, 0.3, 0.25, 0.05])),
                "continues_after_handoff": int(b.chance(0.4)),
            }
        )


def signals(b: Builder) -> None:
    _signals(b, "signal", 0)


def raised_hands(b: Builder) -> None:
    _signals(b, "hand", SignalFlag.RAISES_HAND)


def pauses(b: Builder) -> None:
    _signals(b, "pause", SignalFlag.PAUSES)
    for step in b.steps:  # more calls, so that some are put off
        step["attempts"] += 2


def _signals(b: Builder, name: str, flags: int) -> None:
    for i, stage in enumerate(b.stage_rows):
        for k in range(int(b.rng.integers(2 if flags else 1, 5 if flags else 4))):
            both = flags and b.chance(0.1)
            stage["signals"].append(
                {
                    "stream": rng.path_hash(f"stages/{i}/{name}/{k}"),
                    "chance": float(b.rng.choice([0.3, 0.7, 1.0])),
                    "after": b.maybe(0.9, float(b.rng.choice([3, 8, 12, 30]))),
                    "points": float(b.rng.choice([0.0, 1.0, 3.0, -1.0])),
                    "intent": float(b.rng.choice([0.0, 0.5, -1.0])),
                    "trust": float(b.rng.choice([0.0, 0.25])),
                    "flags": SignalFlag.RAISES_HAND | SignalFlag.PAUSES if both else flags,
                    "pause": b.maybe(0.95, float(b.rng.choice([4, 20, 60])))
                    if both or flags == SignalFlag.PAUSES
                    else -1,
                }
            )


def second_records(b: Builder) -> None:
    for source in b.source_rows:
        source["again"] = float(b.rng.choice([0.3, 1.0]))
        source["again_after"] = b.maybe(0.9, float(b.rng.choice([5, 30])), float(b.rng.choice([0.0, 0.1])))
        source["again_stage"] = int(b.rng.integers(b.stages))
        source["merged"] = float(b.rng.choice([0.0, 0.5, 1.0]))
    for definition in b.definitions:
        definition["person"] = int(b.chance(0.5))


# ---- scores, definitions and gates -----------------------------------------------------------------------------------


def thresholds(b: Builder) -> None:
    """Definitions of the kind "score at least"."""
    for _ in range(int(b.rng.integers(1, 4))):
        _threshold(b)


def gates(b: Builder) -> None:
    for stage in b.stage_rows:
        if stage["next_forward"] > 0 and b.chance(0.7):
            stage["gate"] = _threshold(b)


def _threshold(b: Builder) -> int:
    least = b.number(0.5, 4.0, b.horizon)
    b.definitions.append(
        {
            "kind": DefinitionKind.THRESHOLD,
            "stage": -1,
            "score": _score(b),
            "least_first": least[0],
            "least_count": least[1],
            "offset": float(b.rng.choice([0.0, 0.5, -0.5])),
            "person": int(b.chance(0.3)),
        }
    )
    return len(b.definitions) - 1


def _score(b: Builder) -> int:
    """Some observer; the first ones asked for are new."""
    if len(b.scores) == MOST_SCORES:
        return int(b.rng.integers(MOST_SCORES))
    b.scores.append(
        {
            "stream": rng.path_hash(f"scores/{len(b.scores)}"),
            "fit": float(b.rng.choice([0.0, 1.0])),
            "intent": float(b.rng.choice([0.0, 1.0])),
            "points": 1.0,
            "noise": b.level() if b.chance(0.5) else -1,
        }
    )
    return len(b.scores) - 1


# ---- handing over ----------------------------------------------------------------------------------------------------


def acceptance(b: Builder) -> None:
    """Teams that decide on what is handed to them; more stages that one team owns, so that more is."""
    for stage, stage_teams in enumerate(b.stage_team_rows):
        if b.chance(0.6):
            owner = int(b.rng.integers(b.teams))
            for team, stage_team in enumerate(stage_teams):
                stage_team["share"] = float(team >= owner)
        if not b.is_worked(stage):
            continue
        row = b.stage_rows[stage]
        row["rejected_first"], row["rejected_count"] = b.leaving(stage)
        for stage_team in stage_teams:
            least = b.number(0.0, 3.0, b.horizon)
            stage_team |= {
                "accept_score": _score(b),
                "accept_first": least[0],
                "accept_count": least[1],
                "decide": b.maybe(0.9, float(b.rng.choice([4, 8, 24])), float(b.rng.choice([0.0, 0.3]))),
                "window": b.length(6) if b.chance(0.8) else math.inf,
                "window_business": int(b.chance(0.5)),
                "default_accept": int(b.chance(0.4)),
                "points_retained": float(b.rng.choice([0.0, 0.5, 1.0])),
            }
            for promise in stage_team["promises"]:
                if b.chance(0.7):  # to decide in time
                    promise["terms"].insert(
                        int(b.rng.integers(len(promise["terms"]) + 1)), b.term(TermKind.ACCEPTANCE, 12)
                    )


def tiers(b: Builder) -> None:
    for stage_teams in b.stage_team_rows:
        for stage_team in stage_teams:
            if stage_team["promises"]:
                stage_team["promises"] = [_tier(b) for _ in range(int(b.rng.integers(1, 3)))] + stage_team["promises"]
                if b.chance(0.3):
                    stage_team["promises"][-1] |= _conditions(b)


def _tier(b: Builder) -> Row:
    return b.promise(b.horizon, mean_hours=4) | _conditions(b)


def _conditions(b: Builder) -> Row:
    scored = b.chance(0.4)
    return {
        "segments": int(b.rng.integers(1, 4)) if b.chance(0.5) else -1,
        "sources": int(b.rng.integers(1, 8)) if b.chance(0.5) else -1,
        "score": _score(b) if scored else -1,
        "least": float(b.rng.uniform(0.0, 3.0)) if scored else 0.0,
        "value": float(b.rng.choice([0.0, 100.0 * HOUR])),
    }


# ---- round and round -------------------------------------------------------------------------------------------------


def instant_cycles(b: Builder) -> None:
    """Stages that leads leave and enter again at one instant, any number of times; some are lost at each round."""
    for i, stage in enumerate(b.stage_rows):
        first, forward, count = stage["next_first"], stage["next_forward"], stage["next_count"]
        if not count or stage["step_count"] or b.chance(0.3):
            continue
        ahead = [row | {"pace": -1, "cool": -1} for row in b.exits[first : first + forward]]
        back = [int(to) for to in b.rng.integers(i + 1, size=int(b.rng.integers(1, 3)))]
        lost = float(b.rng.choice([0.02, 0.1, 0.5]))
        stage["next_first"], stage["next_count"] = len(b.exits), forward + len(back) + 1
        b.exits += ahead
        for to in back:
            b.exits.append({"to": to, "share": (1.0 - lost) / len(back), "pace": -1, "cool": -1, "backward": 1})
        b.exits.append({"to": -1, "share": lost, "pace": -1, "cool": -1, "backward": 0})


# ---- people ----------------------------------------------------------------------------------------------------------


def pursuit(b: Builder) -> None:
    """Leads of the other side are worked with a chance only."""
    for source in b.source_rows:
        source["side"] = int(b.chance(0.3))
    for stage_teams in b.stage_team_rows:
        for stage_team in stage_teams:
            stage_team["pursue"] = float(b.rng.choice([-math.inf, -1.0, 0.5, 2.0, math.inf]))


def orders(b: Builder) -> None:
    """Newest first, by value, by a team's own score."""
    for team in b.team_rows:
        team["order"] = int(b.rng.choice([QueueOrder.NEWEST, QueueOrder.VALUE, QueueOrder.SCORE]))
        if team["order"] == QueueOrder.SCORE and b.chance(0.8):
            team["score"] = _score(b)


def own_first(b: Builder) -> None:
    sides(b)
    for team in b.team_rows:
        team["order"], team["head_start"] = int(QueueOrder.FIRST_COME), float(b.rng.choice([2, 24])) * HOUR


def ramp(b: Builder) -> None:
    for team in b.team_rows:
        settled = team["stretch"][0][1]
        second, third = sorted(float(b.rng.integers(1, 24 * 7)) * HOUR for _ in range(2))
        team["stretch"] = [(0.0, settled * 2.0), (second, settled * 1.5), (third, settled)]


def preparation(b: Builder) -> None:
    for step in b.steps:
        step["preparation"] = b.maybe(0.8, 1)


def absence(b: Builder) -> None:
    for team in b.team_rows:
        team["absence"] = float(b.rng.choice([0.1, 0.5]))


def personal_queues(b: Builder) -> None:
    for team in b.team_rows:
        if b.chance(0.7):
            team["lanes"] = int(QueueLayout.PERSONAL)


def budgets(b: Builder) -> None:
    """Time shared out between kinds of work; stages that are deals."""
    sides(b)
    for stage in b.stage_rows:
        stage["deal"] = int(b.chance(0.3))
    for team in b.team_rows:
        if b.chance(0.7):
            team["lanes"] = int(QueueLayout.BUDGETED)
            shares = b.shares(4) * (b.rng.random(4) < 0.8)
            team["budget_first"], team["budget_count"] = b.run(*((float(i), float(y)) for i, y in enumerate(shares)))


def meetings(b: Builder) -> None:
    _tasks(b, "meeting", TaskKind.MEETING, 2)


def objections(b: Builder) -> None:
    _tasks(b, "objection", TaskKind.OBJECTION, 3)


def _tasks(b: Builder, name: str, kind: int, most: int) -> None:
    for i, stage in enumerate(b.stage_rows):
        if not stage["step_count"]:
            continue
        for k in range(int(b.rng.integers(0, most))):
            at = int(b.rng.integers(len(stage["tasks"]) + 1))
            stage["tasks"].insert(
                at,
                {
                    "stream": rng.path_hash(f"stages/{i}/{name}/{k}"),
                    "kind": int(kind),
                    "chance": float(b.rng.choice([0.4, 1.0])),
                    "delay": b.maybe(0.8, float(b.rng.choice([2, 15]))),
                    "handling": b.maybe(0.9, 1),
                    "idle": b.maybe(0.7, 1),
                    "success": float(b.rng.choice([0.0, 0.3, 0.7, 1.0])),
                    "tries": int(b.rng.integers(1, 4)),
                },
            )


# ---- effects and levels ----------------------------------------------------------------------------------------------


def effects(b: Builder) -> None:
    """New inputs to the chance to go on and to contact."""
    for stage in b.stage_rows:
        for kind in INPUTS_OF_EFFECTS:
            if b.chance(0.4):
                stage["effects"].append(_effect(b, kind, int(b.rng.integers(2))))


def influences(b: Builder) -> None:
    """What moves behaviour: pursuit, keeping promises, habit, showing up, signals."""
    for stage in b.stage_rows:
        for target in TARGETS_OF_INFLUENCES:
            if b.chance(0.6):
                stage["effects"].append(_effect(b, int(b.rng.choice(INPUTS_OF_INFLUENCES)), target))


def hours(b: Builder) -> None:
    """Contact by hour of day and day of week."""
    for stage in b.stage_rows:
        effect = _effect(b, EffectInput.HOUR_OF_WEEK, EffectTarget.CONTACT)
        week = b.rng.normal(0.0, 1.0, 168)
        odds = ((float(hour), float(week[hour % 168])) for hour in range(int(b.horizon / HOUR) + 1))
        effect["curve_first"], effect["curve_count"] = b.run(*odds)
        stage["effects"].insert(int(b.rng.integers(len(stage["effects"]) + 1)), effect)


def _effect(b: Builder, kind: int, target: int) -> Row:
    row = b.effect(int(kind), int(target), b.number(-1.0, 1.0, b.horizon))
    row["team"] = int(b.rng.integers(b.teams)) if b.chance(0.3) else -1
    if kind == EffectInput.LEVEL:
        row["of"] = int(b.rng.integers(len(b.levels))) if b.levels else _level(b, int(b.rng.integers(4)))
    elif kind == EffectInput.SCORE:
        row["of"] = _score(b)
    return row


def levels(b: Builder) -> None:
    for kind in range(4):
        for _ in range(int(b.rng.integers(0, 3))):
            _level(b, kind)


def _level(b: Builder, kind: int) -> int:
    """A level; load and quota move at reviews only."""
    every = float(b.rng.choice([4, 12, 24])) * HOUR
    reviewed = kind in (LevelKind.LOAD, LevelKind.QUOTA) or b.chance(0.5)
    reviews = [k * every for k in range(1, int(b.horizon / every) + 2)] if reviewed else []
    b.levels.append(
        {
            "kind": kind,
            "team": int(b.rng.integers(b.teams)),
            "initial": 0.0 if kind == LevelKind.QUOTA else float(b.rng.choice([0.0, 0.5])),
            "weight": float(b.rng.choice([0.05, 0.5, 1.0])),
            "review_first": len(b.instants),
            "review_count": len(reviews),
            "fair": int(b.chance(0.5)),
            "per": float(b.rng.choice([1.0, 7.0])) * (1.0 if kind == LevelKind.LOAD else 100.0 * DAY),
            "definition": int(b.rng.integers(len(b.definitions))),
        }
    )
    b.instants += reviews
    return len(b.levels) - 1


def quotas_of_signals(b: Builder) -> None:
    """Signals that see what is sold of a quota, which the entry itself has moved [26]."""
    _signals(b, "after a milestone", 0)
    for i, stage in enumerate(b.stage_rows):
        if b.chance(0.5):
            effect = _effect(b, EffectInput.ALWAYS, EffectTarget.SIGNALS)
            stage["effects"].append(effect | {"input": int(EffectInput.LEVEL), "of": _level(b, LevelKind.QUOTA)})
            b.levels[-1]["definition"] = i  # the first definitions are the milestones of the stages


# ---- what is looked at afterwards ------------------------------------------------------------------------------------


def blame(b: Builder) -> None:
    b.settings["good"] = float(b.rng.choice([0.0, 1.0]))
    b.settings["late"] = float(b.rng.choice([1, 8, math.inf])) * HOUR


def clock_change(b: Builder) -> None:
    """Weeks begin on some day, and one day has 23 hours."""
    b.settings["weekday"] = int(b.rng.integers(7))
    day = int(b.rng.integers(1, 6))
    b.midnights = [at - HOUR if i > day else at for i, at in enumerate(b.midnights)]
    b.midnights.append(b.midnights[-1] + DAY)


# In the order in which they are put in: what later ones refer to comes first.
MECHANISMS: dict[str, Callable[[Builder], None]] = {
    "traits": traits,
    "impatience": impatience,
    "sides": sides,
    "nurture": nurture,
    "signals": signals,
    "raised hands": raised_hands,
    "pauses": pauses,
    "second records": second_records,
    "thresholds": thresholds,
    "gates": gates,
    "tiers": tiers,
    "acceptance": acceptance,
    "pursuit": pursuit,
    "orders": orders,
    "own first": own_first,
    "ramp": ramp,
    "preparation": preparation,
    "absence": absence,
    "personal queues": personal_queues,
    "budgets": budgets,
    "meetings": meetings,
    "objections": objections,
    "levels": levels,
    "effects": effects,
    "influences": influences,
    "hours": hours,
    "blame": blame,
    "clock change": clock_change,
    "instant cycles": instant_cycles,
    "quotas of signals": quotas_of_signals,
}
