"""Teams: their hours as open intervals with the number of people on shift, their speed, queues and habit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnelsim.calendars import open_intervals
from funnelsim.compile.context import CompileContext, length
from funnelsim.compile.table_builder import Row, Run
from funnelsim.engine.rng import path_hash
from funnelsim.plan import (
    BUDGETED,
    BY_DUE_TIME,
    BY_SCORE,
    BY_VALUE,
    DEALS,
    FIRST_COME,
    FOLLOW_UPS,
    HOUR,
    MARKETING,
    NEWEST,
    OTHER_LEADS,
    OWN_LEADS,
    PERSONAL,
    POOLED,
    SALES,
)
from funnelsim.scenario import presets
from funnelsim.scenario.values import Distribution

if TYPE_CHECKING:
    from funnelsim.scenario.schema import Team

_ORDERS = {"first come": FIRST_COME, "newest": NEWEST, "score": BY_SCORE, "value": BY_VALUE, "due time": BY_DUE_TIME}
_KINDS_OF_WORK = {int(OWN_LEADS): "own", int(OTHER_LEADS): "other", int(FOLLOW_UPS): "follow_ups", int(DEALS): "deals"}


class People:
    """The teams of a scenario as rows of TEAM and INTERVAL."""

    def __init__(self, frame: CompileContext) -> None:
        self.frame = frame
        self.intervals: list[Row] = []
        self._next_lane = 0
        self.rows = [self._team(name) for name in frame.teams]

    def _team(self, name: str) -> Row:
        team = self.frame.scenario.teams[name]
        first, most = len(self.intervals), 0
        before = 0.0
        for opens, closes, capacity in open_intervals(self.frame.shifts(name), self.frame.start, self.frame.horizon):
            self.intervals.append({"opens": opens, "closes": closes, "capacity": capacity, "before": before})
            before += closes - opens
            most = max(most, capacity)
        stretch = self._stretch(team)
        return {
            "side": int(MARKETING if self.frame.scenario.side_of(name) == "marketing" else SALES),
            "people": most,
            "order": int(_ORDERS[team.order]),
            "interval_first": first,
            "interval_count": len(self.intervals) - first,
            "stretch_first": stretch[0],
            "stretch_count": stretch[1],
            "resume": int(team.unfinished == "resume"),
            "habit": self.frame.pool.time(habit(team.habit)),
            "luck": path_hash(f"teams/{name}"),
            "score": self.frame.scores[team.score] if team.score else -1,
            "head_start": length(team.own_lead_head_start),
            "absence": team.absence,
            **self._lanes(team, most),
        }

    def _stretch(self, team: Team) -> Run:
        """What handling times are multiplied by: people who learn are slower (rule 98)."""
        own = team.handling / (1.0 - team.other_work)
        return self.frame.pool.points((x, own / float(speed)) for x, speed in self.frame.steps(team.ramp))

    def _lanes(self, team: Team, people: int) -> Row:
        """How its queue is divided (rules 103, 104); lanes are numbered among those of all teams."""
        budget: Run = (0, 0)
        kind, count = (PERSONAL, people) if team.queues == "personal" else (POOLED, 1)
        if team.time_budget is not None:
            kind, count = BUDGETED, len(_KINDS_OF_WORK)
            budget = self.frame.pool.points((i, getattr(team.time_budget, work)) for i, work in _KINDS_OF_WORK.items())
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
