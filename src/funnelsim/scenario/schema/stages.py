"""Stages: the buyer's time, what is done there, the exits, and how a late first touch hurts."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag, model_validator

from funnelsim.scenario.parsers import ParseError
from funnelsim.scenario.schema.base import Model, OneOrMany, belief, fact, policy
from funnelsim.scenario.schema.interest import Nurture, Signal
from funnelsim.scenario.schema.types import (
    BaseOf,
    EffectTarget,
    Elapsed,
    Flag,
    Pace,
    Positive,
    Proportion,
    ShareOf,
    Table,
    Text,
    Time,
)
from funnelsim.scenario.schema.work import Task, Work


class Lomax(Model):
    """(1 + t / scale) ** -shape"""

    scale: Elapsed | None = belief(unit="time")
    """The delay from which it falls."""

    shape: Positive | None = belief()
    """How steeply."""


class Power(Model):
    """max(t, floor) ** -shape"""

    shape: Positive | None = belief()
    """How steeply it falls."""

    floor: Elapsed | None = belief(unit="time")
    """Delays below this are as good as this one."""


class Loglogistic(Model):
    """floor + (1 - floor) / (1 + (t / scale) ** shape)"""

    scale: Elapsed | None = belief(unit="time")
    """The delay at which half of what can be lost is lost."""

    shape: Positive | None = belief()
    """How steeply it falls."""

    floor: Proportion = belief(0.0)
    """What is left after a very long delay."""


class Curve(Model):
    """How a late first touch hurts, in relative chances by delay: one of table, lomax, power and loglogistic."""

    table: Table | None = belief(whole=True)
    """Relative chances by delay, straight between them on logarithmic scales: {5 min: 1, 1 hour: 0.4}."""

    lomax: Lomax | None = belief()
    """(1 + t / scale) ** -shape, such as {scale: 40 s, shape: 0.514}."""

    power: Power | None = belief()
    """max(t, floor) ** -shape, such as {shape: 0.52, floor: 1 min}."""

    loglogistic: Loglogistic | None = belief()
    """floor + (1 - floor) / (1 + (t / scale) ** shape), such as {scale: 23 min, shape: 0.729}."""

    target: EffectTarget = belief("advance")
    """What it moves: the chance of each contact in the visit, or the chance to go on."""


def _kind_of_response(value: Any) -> str:
    return "<preset>" if isinstance(value, str) else "<curve>"


class Stage(Model):
    """One stage of the funnel. A stage without `next` is an end."""

    work: Annotated[tuple[Work, ...], OneOrMany()] = policy(())
    """What is done for a lead here; one cadence, or a list of steps by team. Default: nobody works here."""

    response: (
        Annotated[Annotated[Text, Tag("<preset>")] | Annotated[Curve, Tag("<curve>")], Discriminator(_kind_of_response)]
        | None
    ) = belief(whole=True)
    """How a late first touch hurts: a preset, or a curve of one's own."""

    patience: Time | None = fact(unit="time", whole=True)
    """How long a buyer waits to be reached before the lead goes cold."""

    pace: Pace | None = fact(unit="time", whole=True)
    """The buyer's time from entry to the outcome, for all exits or {exit: time}. Default: at once."""

    next: dict[str, ShareOf] | None = fact(whole=True)
    """Where leads go once dealt with: {interest: 40%, discovery: 10% after 30 days, lost: rest}. Beside stages there
    are lost, and silent: never heard of again."""

    unreached: dict[str, ShareOf] | None = fact(whole=True)
    """Where leads go whom nobody reached. Default: lost."""

    cold: dict[str, ShareOf] | None = fact(whole=True)
    """Where leads go whose patience ended. Default: as `unreached`."""

    gate: Text | None = policy()
    """A definition that opens the way forward: leads go on when their score reaches its threshold, and conversion is
    its outcome. The forward shares of `next` are then those seen under the root scenario's definition."""

    rejected: dict[str, ShareOf] | None = policy(whole=True)
    """Where leads go that the receiving team turns down. Default: as `unreached`."""

    signals: dict[str, Signal] = fact({})
    """What buyers may do here, by name, each at most once a visit."""

    nurture: Nurture | None = policy()
    """Automatic touches of the leads in this stage. Default: none."""

    tasks: dict[str, Task] = policy({})
    """What follows once the buyer is reached, by name, in this order: meetings and objections."""

    is_deal: Flag = policy(False)
    """Whether work here counts as a deal in a team's `time_budget`."""

    base_of: BaseOf = fact("dealt")
    """Whether the shares of `next` are of leads dealt with, or of all that entered (as fitted files say)."""

    @model_validator(mode="before")
    @classmethod
    def _base_from_shares(cls, data: Any) -> Any:
        """`of: entered` beside a share says it for the stage."""
        if not isinstance(data, dict) or not isinstance(data.get("next"), dict):
            return data
        said = {entry["of"] for entry in data["next"].values() if isinstance(entry, dict) and "of" in entry}
        if len(said) > 1 or (said and data.get("base_of", next(iter(said))) not in said):
            raise ParseError(
                "the shares of one stage are all of leads entered or all of leads dealt with",
                "write the same `of` everywhere",
                ("next",),
            )
        return {**data, "base_of": said.pop()} if said else data
