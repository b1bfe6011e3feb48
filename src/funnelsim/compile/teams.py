"""Teams: their hours as open intervals with the number of people on shift, their speed, queues and habit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnelsim.calendars import open_intervals
from funnelsim.compile.context import CompileContext, length
from funnelsim.compile.table_builder import Row, Slice
from funnelsim.engine.rng import path_hash
from funnelsim.plan import HOUR
from funnelsim.plan_codes import QueueLayout, QueueOrder, Side, WorkKind, by_name
from funnelsim.scenario import presets
from funnelsim.scenario.values import Distribution

if TYPE_CHECKING:
    from funnelsim.scenario.schema import Team

_ORDERS = by_name(QueueOrder)
_BUDGET_KEYS = {
    WorkKind.OWN_LEADS: "own",
    WorkKind.OTHER_LEADS: "other",
    WorkKind.FOLLOW_UPS: "follow_ups",
    WorkKind.DEALS: "deals",
}


class Teams:
    """The teams of a scenario as rows of TEAM and INTERVAL."""

    def __init__(self, context: CompileContext) -> None:
        self.context = context
        self.intervals: list[Row] = []
        self._next_lane = 0
        self.rows = [self._team(name) for name in context.teams]

    def _team(self, name: str) -> Row:
        team = self.context.scenario.teams[name]
        first, most = len(self.intervals), 0
        before = 0.0
        for opens, closes, capacity in open_intervals(
            self.context.shifts(name), self.context.start, self.context.horizon
        ):
            self.intervals.append({"opens": opens, "closes": closes, "capacity": capacity, "before": before})
            before += closes - opens
            most = max(most, capacity)
        stretch = self._stretch(team)
        return {
            "side": int(Side.MARKETING if self.context.scenario.side_of(name) == "marketing" else Side.SALES),
            "people": most,
            "order": int(_ORDERS[team.order]),
            "interval_first": first,
            "interval_count": len(self.intervals) - first,
            "stretch_first": stretch[0],
            "stretch_count": stretch[1],
            "resume": int(team.unfinished == "resume"),
            "habit": self.context.builder.time(habit(team.habit)),
            "stream": path_hash(f"teams/{name}"),
            "score": self.context.scores[team.score] if team.score else -1,
            "head_start": length(team.own_lead_head_start),
            "absence": team.absence,
            **self._lanes(team, most),
        }

    def _stretch(self, team: Team) -> Slice:
        """What handling times are multiplied by: people who learn are slower (rule 98)."""
        own = team.handling / (1.0 - team.other_work)
        return self.context.builder.points((x, own / float(speed)) for x, speed in self.context.steps(team.ramp))

    def _lanes(self, team: Team, people: int) -> Row:
        """How its queue is divided (rules 103, 104); lanes are numbered among those of all teams."""
        budget: Slice = (0, 0)
        kind, count = (QueueLayout.PERSONAL, people) if team.queues == "personal" else (QueueLayout.POOLED, 1)
        if team.time_budget is not None:
            kind, count = QueueLayout.BUDGETED, len(_BUDGET_KEYS)
            budget = self.context.builder.points(
                (i, getattr(team.time_budget, work)) for i, work in _BUDGET_KEYS.items()
            )
        first, self._next_lane = self._next_lane, self._next_lane + count
        return {
            "lanes": int(kind),
            "lane_first": first,
            "lane_count": count,
            "budget_first": budget[0],
            "budget_count": budget[1],
        }


def habit(said: str | Distribution) -> Distribution | None:
    """The law of a habit, in seconds; None = at once."""
    if isinstance(said, Distribution):
        return said
    if said == "at once":
        return None
    preset = presets.load("habit", said)
    if preset["form"] == "at once":
        return None
    shares = [part["share"] for part in preset["parts"]]
    parts = tuple(_part(part) for part in preset["parts"])
    answered = sum(shares)
    return Distribution("mixture", (), parts, tuple(share / answered for share in shares), preset["never"], said)


def _part(part: dict[str, float | str]) -> Distribution:
    """One part of a preset, written in hours."""
    names = {"loguniform": ("low", "high"), "uniform": ("low", "high"), "exponential": ("mean",)}[str(part["family"])]
    law = Distribution(str(part["family"]), tuple(float(part[name]) * HOUR for name in names))
    return Distribution("shifted", (float(part["after"]) * HOUR,), (law,)) if "after" in part else law
