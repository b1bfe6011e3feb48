"""Work: attempts to reach the buyer, and what follows once the buyer is reached (rules 37 to 42, 99 and 100)."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from funnelsim.scenario.schema.base import Model, fact, policy
from funnelsim.scenario.schema.types import Chance, Contact, Count, Flag, Length, Number, TaskKind, Text, Time


class Work(Model):
    """What a team does for a lead in a stage: attempts to reach the buyer, and the conversation."""

    by: Text | None = policy()
    """The team that makes these attempts. Default: the owner of the lead."""

    attempts: Count = policy(1)
    """How often the buyer is tried before the team gives up."""

    spacing: Length | None = policy(unit="time")
    """From the end of one attempt to the next: `1 day`, `1 business day`. Default: at once."""

    on_days: tuple[Number, ...] | None = policy(unit="days", whole=True)
    """The other spelling: days since the first attempt, such as [0, 1, 3, 7]."""

    preparation: Time | None = fact(unit="time", whole=True)
    """What a rep takes to prepare, added to the first attempt of each assignment."""

    handling: Time | None = fact(unit="time", whole=True)
    """What an attempt takes of a rep's time."""

    contact: Contact = fact("always", whole=True)
    """Chance that an attempt reaches the buyer: `always`, a preset, or a list of chances by attempt."""

    conversation: Time | None = fact(unit="time", whole=True)
    """What talking to the buyer takes on top, once reached."""

    contactable: Flag | None = fact()
    """Whether the chances speak of contactable leads only (rule 41). Default: as the preset says, else false."""

    @model_validator(mode="before")
    @classmethod
    def _attempts_by_day(cls, data: Any) -> Any:
        """Days alone say how many attempts there are."""
        if isinstance(data, dict) and isinstance(data.get("on_days"), list) and "attempts" not in data:
            return {**data, "attempts": max(1, len(data["on_days"]))}
        return data


class Task(Model):
    """What follows once the buyer is reached: a meeting that is booked, or an objection to be resolved."""

    kind: TaskKind | None = policy(alias="is")
    """A meeting, at an appointed instant, or an objection."""

    chance: Chance = fact(1.0)
    """Share of the visits that have one."""

    delay: Time | None = fact(unit="time", whole=True)
    """From now until it takes place, again for each try. Default: at once."""

    handling: Time | None = fact(unit="time", whole=True)
    """What it takes of a rep's time: the meeting when the buyer shows, or each try to resolve the objection."""

    idle: Time | None = fact(unit="time", whole=True)
    """A rep's time lost when the buyer does not show. Default: none."""

    shows: Chance = fact(1.0)
    """Chance that the buyer shows at a meeting."""

    resolved: Chance = fact(1.0)
    """Chance that a try resolves the objection."""

    tries: Count = policy(1)
    """How often it is booked or tried. A meeting that fails for good counts as not reached; an objection goes on."""
