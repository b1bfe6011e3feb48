"""Duties: what each team owns in each stage, how leads are handed to it, which it takes, and what it promised there.

Two teams whose systems are integrated (rule 105) hand over faster and keep more context: integration i, from 0 to 1,
takes 1 - i of a delay, delivers at once instead of in a batch when it is 1, and keeps i of the context that would be
lost. Nothing said about it leaves everything as it is written.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from funnelsim.calendars import instants_daily
from funnelsim.compile.context import CompileContext, length
from funnelsim.compile.distributions import scaled
from funnelsim.compile.parameter_draws import PLAIN
from funnelsim.compile.promises import Promises
from funnelsim.compile.pursuit import pursue
from funnelsim.compile.table_builder import Row
from funnelsim.plan_codes import RoutingKind
from funnelsim.scenario.values import Range, Routing

if TYPE_CHECKING:
    from funnelsim.scenario.schema import Accept

_AT_ONCE = Routing("at once")
_ALL = Range(1.0, 1.0)
_KINDS = {"at once": RoutingKind.AT_ONCE, "delay": RoutingKind.DELAYED, "daily": RoutingKind.BATCHED}
_ALL_ACCEPTED: Row = {
    "accept_score": -1,
    "accept_first": 0,
    "accept_count": 0,
    "decide": -1,
    "window": math.inf,
    "window_business": 0,
    "default_accept": 1,
    "points_retained": 1.0,
}


class StageTeams:
    """Rows of DUTY, stage after stage and within it team after team; promises are in the pool."""

    def __init__(self, context: CompileContext, sources: list[str]) -> None:
        self.context = context
        self._promises = Promises(context, sources)
        self._handovers = {team: self._handover(team) | self._acceptance(team) for team in context.teams}
        self.rows = [row for stage in context.stages for row in self._stage(stage)]

    def _stage(self, stage: str) -> list[Row]:
        rows: list[Row] = []
        owned, owners = 0.0, self.context.owners(stage)
        for team in self.context.teams:
            owned += owners.get(team, 0.0)
            last = bool(owners) and team == list(owners)[-1]
            share = 1.0 if last else owned  # an exact end, whatever the shares add up to
            owned = share
            promise = self._promises.of(stage, team)
            place = self.context.stages[stage], self.context.teams[team]
            rows.append(
                {
                    "share": share,
                    "promise_first": promise[0],
                    "promise_count": promise[1],
                    "pursue": pursue(self.context, place, team),
                    **self._handovers[team],
                }
            )
        return rows

    # ---- handoff -------------------------------------------------------------------------------------------------
    def _handover(self, team: str) -> Row:
        handoff, builder = self.context.scenario.handoff, self.context.builder
        own = handoff.to.get(team)
        routing = self._integrated((own.delay if own else None) or handoff.delay or _AT_ONCE)
        retained = own.context_kept if own else None
        path = f"handoff.to.{team}.context_kept" if retained else "handoff.context_kept"
        shared = handoff.integration or 0.0
        said = retained or handoff.context_kept or _ALL
        retained_context = self.context.step_points(path, said, by=lambda share: share + shared * (1.0 - share))
        batch = builder.instants(self._deliveries(team, routing.at) if routing.kind == "daily" else [])
        return {
            "routing": int(_KINDS[routing.kind]),
            "delay": builder.table(routing.delay),
            "batch_first": batch[0],
            "batch_count": batch[1],
            "context_first": retained_context[0],
            "context_count": retained_context[1],
        }

    def _integrated(self, routing: Routing) -> Routing:
        shared = self.context.scenario.handoff.integration or 0.0
        if shared >= 1.0:
            return _AT_ONCE
        if shared > 0.0 and routing.delay is not None:
            return Routing(routing.kind, scaled(routing.delay, 1.0 - shared))
        return routing

    def _deliveries(self, team: str, at: str) -> list[float]:
        """Instants of a daily batch on the days on which any of the team's shifts opens."""
        context = self.context
        return sorted(
            {
                instant
                for calendar, _ in context.shifts(team)
                for instant in instants_daily(calendar, at, context.start, context.horizon)
            }
        )

    # ---- acceptance ----------------------------------------------------------------------------------------------
    def _acceptance(self, team: str) -> Row:
        """By which score and threshold a team takes what is handed to it, and how long it may look (rule 89)."""
        handoff = self.context.scenario.handoff
        own = handoff.to[team].accept if team in handoff.to else None
        accept = own or handoff.accept
        if accept is None or accept.score is None:
            return _ALL_ACCEPTED
        path = f"handoff.to.{team}.accept.at_least" if own else "handoff.accept.at_least"
        least = self.context.step_points(path, 0.0 if accept.at_least is None else accept.at_least, PLAIN)
        return {
            "accept_score": self.context.scores[accept.score],
            "accept_first": least[0],
            "accept_count": least[1],
            "decide": self.context.builder.time(accept.decision_time),
            **self._window(team, accept),
            "default_accept": int(accept.default == "accepted"),
            "points_retained": accept.points_kept,
        }

    def _window(self, team: str, accept: Accept) -> Row:
        within = accept.within
        if within is None:
            return {"window": math.inf, "window_business": 0}
        return {
            "window": length(within, self.context.business_day(team)),
            "window_business": int(within.business or within.business_days > 0),
        }
