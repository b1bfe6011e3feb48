"""Teams: their hours as open intervals with the number of people on shift, their order of work and their habit."""

from __future__ import annotations

from funnelsim.calendars import open_intervals
from funnelsim.compile.frame import Frame
from funnelsim.compile.pool import Row
from funnelsim.engine.streams import path_hash
from funnelsim.plan import BY_DUE_TIME, BY_SCORE, FIRST_COME, HOUR, MARKETING, POOLED, SALES
from funnelsim.scenario import presets
from funnelsim.scenario.values import Distribution

_ORDERS = {"first come": FIRST_COME, "score": BY_SCORE, "due time": BY_DUE_TIME}


class People:
    """The teams of a scenario as rows of TEAM and INTERVAL."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.intervals: list[Row] = []
        self._queues = 0
        self.rows = [self._team(name) for name in frame.teams]

    def _team(self, name: str) -> Row:
        team = self.frame.scenario.teams[name]
        first, most = len(self.intervals), 0
        before = 0.0
        for opens, closes, capacity in open_intervals(self.frame.shifts(name), self.frame.start, self.frame.horizon):
            self.intervals.append({"opens": opens, "closes": closes, "capacity": capacity, "before": before})
            before += closes - opens
            most = max(most, capacity)
        stretch = self.frame.pool.points([(0.0, team.handling / (1.0 - team.other_work))])
        return {
            "side": int(MARKETING if self.frame.scenario.side_of(name) == "marketing" else SALES), "people": most,
            "order": int(_ORDERS[team.order]),
            "interval_first": first, "interval_count": len(self.intervals) - first,
            "stretch_first": stretch[0], "stretch_count": stretch[1], "resume": int(team.unfinished == "resume"),
            "habit": self.frame.pool.time(habit(team.habit)), "luck": path_hash(f"teams/{name}"),
            "score": -1, "head_start": 0.0, "absence": 0.0, **self._lanes(),
        }

    def _lanes(self) -> Row:
        """One queue of its own, numbered among those of all teams."""
        self._queues += 1
        return {"lanes": int(POOLED), "lane_first": self._queues - 1, "lane_count": 1,
                "budget_first": 0, "budget_count": 0}


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
