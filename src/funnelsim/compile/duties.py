"""Duties: what each team owns in each stage, how leads are handed to it, and what it has promised there."""

from __future__ import annotations

import math

from funnelsim.calendars import instants_daily
from funnelsim.compile.frame import Frame
from funnelsim.compile.pool import Row
from funnelsim.compile.promises import Promises
from funnelsim.plan import AT_ONCE, BATCHED, DELAYED
from funnelsim.scenario.values import Range, Routing

_AT_ONCE = Routing("at once")
_ALL = Range(1.0, 1.0)
# No acceptance, and everybody is worked.
_NOT_ASKED: Row = {"accept_score": -1, "accept_first": 0, "accept_count": 0, "decide": -1, "window": math.inf,
                   "window_business": 0, "default_accept": 1, "points_kept": 1.0, "pursue": math.inf}


class Duties:
    """Rows of DUTY, stage after stage and within it team after team; terms and actions are in the pool."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self._handovers = {team: self._handover(team) for team in frame.teams}
        self._promises = Promises(frame)
        self.rows = [row for stage in frame.stages for row in self._stage(stage)]

    def _stage(self, stage: str) -> list[Row]:
        rows: list[Row] = []
        owned, owners = 0.0, self.frame.owners(stage)
        for team in self.frame.teams:
            owned += owners.get(team, 0.0)
            last = bool(owners) and team == list(owners)[-1]
            share = 1.0 if last else owned      # an exact end, whatever the shares add up to
            owned = share
            promise = self._promises.of(stage, team)
            rows.append({"share": share, "promise_first": promise[0], "promise_count": promise[1], **_NOT_ASKED,
                         **self._handovers[team]})
        return rows

    # ---- handoff -------------------------------------------------------------------------------------------------
    def _handover(self, team: str) -> Row:
        handoff, pool = self.frame.scenario.handoff, self.frame.pool
        own = handoff.to.get(team)
        routing = (own.delay if own else None) or handoff.delay or _AT_ONCE
        kept = own.context_kept if own else None
        path = f"handoff.to.{team}.context_kept" if kept else "handoff.context_kept"
        context = self.frame.shares(path, kept or handoff.context_kept or _ALL)
        kind = {"at once": AT_ONCE, "delay": DELAYED, "daily": BATCHED}[routing.kind]
        batch = pool.instants(self._deliveries(team, routing.at) if routing.kind == "daily" else [])
        return {"routing": int(kind), "delay": pool.table(routing.delay), "batch_first": batch[0],
                "batch_count": batch[1], "context_first": context[0], "context_count": context[1]}

    def _deliveries(self, team: str, at: str) -> list[float]:
        """Instants of a daily batch on the days on which any of the team's shifts opens."""
        frame = self.frame
        return sorted({instant for calendar, _ in frame.shifts(team)
                       for instant in instants_daily(calendar, at, frame.start, frame.horizon)})
