"""The buyer's interest and how it is read: scores, definitions, signals and nurture (rules 81 to 87)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from funnelsim.compile.context import CompileContext, length
from funnelsim.compile.distributions import table
from funnelsim.compile.labels import WON
from funnelsim.compile.parameter_draws import PLAIN, SHARE
from funnelsim.compile.table_builder import Row, Slice
from funnelsim.engine.rng import path_hash
from funnelsim.plan import MANY
from funnelsim.plan_codes import DefinitionKind, SignalFlag
from funnelsim.scenario.values import Definition, Distribution, Range

if TYPE_CHECKING:
    from funnelsim.scenario.schema import Nurture, Score, Signal, Stage

_TRAITS = ("intent", "trust")


def scores(context: CompileContext) -> list[Row]:
    """Rows of SCORE: the observers."""
    return [_score(context, i, name, score) for i, (name, score) in enumerate(context.scenario.scores.items())]


def definitions(context: CompileContext) -> list[Row]:
    """Rows of DEFINITION; offsets are 0 until anchoring finds them."""
    return [_definition(context, name, one) for name, one in context.scenario.definitions.items()]


def signals(context: CompileContext, name: str, stage: Stage) -> Slice:
    """What buyers may do in a stage, as rows of SIGNAL in the pool."""
    first = len(context.builder.signals)
    for signal, said in stage.signals.items():
        context.builder.signals.append(_signal(context, name, signal, said))
    return first, len(stage.signals)


def nurture(context: CompileContext, name: str, stage: Stage) -> int:
    """Row of NURTURE in the pool; -1 when the stage has none."""
    said = stage.nurture
    if said is None or said.every is None:
        return -1
    context.builder.nurtures.append(_nurture(context, name, said))
    return len(context.builder.nurtures) - 1


def _score(context: CompileContext, row: int, name: str, score: Score) -> Row:
    path = f"scores.{name}"
    return {
        "stream": path_hash(f"scores/{name}"),
        "noise": _noise(context, f"{path}.noise", score.noise),
        **{
            key: context.number(f"{path}.{key}", getattr(score, key), "scores", key, row)
            for key in ("fit", "intent", "points")
        },
    }


def _noise(context: CompileContext, path: str, sd: float | Range) -> int:
    """Table of a normal law; one of its own when its width is a range, because draws will overwrite it."""
    centre = context.beliefs.centre(path, sd, PLAIN)
    if centre <= 0.0:
        return -1
    if not isinstance(sd, Range) or sd.low == sd.high:
        return context.builder.table(_normal(centre))
    row = context.builder.own_table(_normal(centre))
    context.beliefs.bind(path, "tables", "", row, lambda value: table(_normal(value)))
    return row


def _normal(sd: float) -> Distribution:
    return Distribution("normal", (0.0, sd))


def _definition(context: CompileContext, name: str, said: Definition) -> Row:
    row = {
        "kind": int(DefinitionKind.MILESTONE),
        "stage": -1,
        "score": -1,
        "least_first": 0,
        "least_count": 0,
        "offset": 0.0,
        "person": int(name == WON),
    }
    if not said.is_threshold:
        return row | {"stage": context.stages[said.stage]}
    first, count = context.step_points(f"definitions.{name}", said.at_least, PLAIN)
    return row | {
        "kind": int(DefinitionKind.THRESHOLD),
        "score": context.scores[said.score],
        "least_first": first,
        "least_count": count,
    }


def _signal(context: CompileContext, stage: str, name: str, signal: Signal) -> Row:
    row, path = len(context.builder.signals), f"stages.{stage}.signals.{name}"
    pause = context.builder.time(signal.pause)
    flags = (int(SignalFlag.RAISES_HAND) if signal.raises_hand else 0) | (int(SignalFlag.PAUSES) if pause >= 0 else 0)
    return {
        "stream": path_hash(f"stages/{stage}/signals/{name}"),
        "after": context.builder.time(signal.after),
        "chance": context.number(f"{path}.chance", signal.chance, "signals", "chance", row, SHARE),
        "points": signal.points,
        "flags": flags,
        "pause": pause,
        **{key: context.number(f"{path}.{key}", getattr(signal, key), "signals", key, row) for key in _TRAITS},
    }


def _nurture(context: CompileContext, stage: str, said: Nurture) -> Row:
    row, path = len(context.builder.nurtures), f"stages.{stage}.nurture"
    return {
        "stream": path_hash(f"stages/{stage}/nurture"),
        "every": length(said.every),
        "touches": int(MANY) if said.touches is None else said.touches,
        "intent_limit": math.inf if said.intent_limit is None else said.intent_limit,
        "trust_limit": math.inf if said.trust_limit is None else said.trust_limit,
        "fatigue": context.number(f"{path}.fatigue", said.fatigue, "nurtures", "fatigue", row, SHARE),
        "continues_after_handoff": int(said.continues_after_handoff),
        **{key: context.number(f"{path}.{key}", getattr(said, key), "nurtures", key, row) for key in _TRAITS},
    }
