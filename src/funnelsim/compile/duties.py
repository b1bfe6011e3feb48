"""Duties: what each team owns in each stage, how leads are handed to it, and what it has promised there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnelsim.calendars import instants_daily
from funnelsim.compile.draws import SHARE
from funnelsim.compile.frame import Frame, length
from funnelsim.compile.pool import Row, Run, run_of
from funnelsim.plan import (
    ASSIGNED,
    AT_ONCE,
    ATTEMPTS_WITHIN,
    BATCHED,
    CREATED,
    DELAYED,
    ESCALATE,
    FIRST_TOUCH,
    QUALIFIED,
    REASSIGN,
    RETURN,
    WARN,
)
from funnelsim.scenario.values import BreachAction, Range, Routing, Schedule, Within

if TYPE_CHECKING:
    from funnelsim.scenario.schema import Terms

_ACTIONS = {"warn": WARN, "escalate": ESCALATE, "reassign": REASSIGN, "return": RETURN}
_STARTS = {"created": CREATED, "qualified": QUALIFIED, "assigned": ASSIGNED}
_AT_ONCE = Routing("at once")
_ALL = Range(1.0, 1.0)


class Duties:
    """Rows of DUTY, stage after stage and within it team after team; terms and actions are in the pool."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self._handovers = {team: self._handover(team) for team in frame.teams}
        self._kept: dict[str, Run] = {}
        self.rows = [row for stage in frame.stages for row in self._stage(stage)]

    def _stage(self, stage: str) -> list[Row]:
        rows: list[Row] = []
        owned, owners = 0.0, self.frame.owners(stage)
        for team in self.frame.teams:
            owned += owners.get(team, 0.0)
            last = bool(owners) and team == list(owners)[-1]
            share = 1.0 if last else owned      # an exact end, whatever the shares add up to
            owned = share
            rows.append({"share": share, **self._handovers[team], **self._promise(stage, team)})
        return rows

    # ---- handoff -------------------------------------------------------------------------------------------------
    def _handover(self, team: str) -> Row:
        handoff, pool = self.frame.scenario.handoff, self.frame.pool
        own = handoff.to.get(team)
        routing = (own.delay if own else None) or handoff.delay or _AT_ONCE
        kept = own.context_kept if own else None
        path = f"handoff.to.{team}.context_kept" if kept else "handoff.context_kept"
        context = self._shares(path, kept or handoff.context_kept or _ALL)
        kind = {"at once": AT_ONCE, "delay": DELAYED, "daily": BATCHED}[routing.kind]
        batch = pool.instants(self._deliveries(team, routing.at) if routing.kind == "daily" else [])
        return {"routing": int(kind), "delay": pool.table(routing.delay), "batch_first": batch[0],
                "batch_count": batch[1], "context_first": context[0], "context_count": context[1]}

    def _deliveries(self, team: str, at: str) -> list[float]:
        """Instants of a daily batch on the days on which any of the team's shifts opens."""
        frame = self.frame
        return sorted({instant for calendar, _ in frame.shifts(team)
                       for instant in instants_daily(calendar, at, frame.start, frame.horizon)})

    # ---- promises ------------------------------------------------------------------------------------------------
    def _promise(self, stage: str, team: str) -> Row:
        promises = self.frame.scenario.promises
        terms = promises.of(team) if promises else None
        if terms is None or not (terms.first_touch or terms.attempts) or stage not in self._promised_stages(terms):
            return {"kept_first": 0, "kept_count": 0, "attempts": 0, "term_first": 0, "term_count": 0}
        kept = self._kept_run(team, terms)
        rows = [self._term(stage, team, terms, within) for within in (terms.first_touch, terms.attempts) if within]
        term = run_of(self.frame.pool.terms, rows)
        return {"kept_first": kept[0], "kept_count": kept[1], "attempts": terms.attempts.count if terms.attempts else 0,
                "term_first": term[0], "term_count": term[1]}

    def _promised_stages(self, terms: Terms) -> list[str]:
        """Where a promise holds: as written, else the stages that name a `response`, else those with work."""
        if terms.stages is not None:
            return list(terms.stages)
        stages = self.frame.scenario.stages
        return [name for name, stage in stages.items() if stage.response] or \
               [name for name, stage in stages.items() if stage.work]

    def _kept_run(self, team: str, terms: Terms) -> Run:
        if team not in self._kept:
            promises = self.frame.scenario.promises
            own = promises is not None and team in promises.teams and "kept" in promises.teams[team].model_fields_set
            self._kept[team] = self._shares(f"promises.teams.{team}.kept" if own else "promises.kept", terms.kept)
        return self._kept[team]

    def _term(self, stage: str, team: str, terms: Terms, within: Within) -> Row:
        first_touch = within is terms.first_touch
        actions = terms.on_breach if first_touch else terms.on_attempts_breach
        run = run_of(self.frame.pool.actions, [self._action(stage, team, action) for action in actions])
        business = within.length.business or within.length.business_days > 0
        return {
            "kind": int(FIRST_TOUCH if first_touch else ATTEMPTS_WITHIN), "business": int(business),
            "length": length(within.length, self.frame.business_day(team)),
            "start": int(_STARTS[terms.clock_start]), "count": 0 if first_touch else within.count,
            "action_first": run[0], "action_count": run[1],
        }

    def _action(self, stage: str, team: str, action: BreachAction) -> Row:
        to = self._receiver(stage, team, action.to) if action.kind == "reassign" else -1
        exit_row = self._exit(stage, action) if action.kind == "return" else -1
        return {"kind": int(_ACTIONS[action.kind]), "fraction": action.fraction, "heeded": action.heeded,
                "to": to, "limit": action.limit, "exit": exit_row}

    def _receiver(self, stage: str, team: str, named: str | None) -> int:
        """The team named, else one of the other side, preferably an owner of the stage; -1 when there is none."""
        if named is not None:
            return self.frame.teams[named]
        side_of = self.frame.scenario.side_of
        others = [other for other in self.frame.teams if side_of(other) != side_of(team)]
        owners = self.frame.owners(stage)
        return next((self.frame.teams[other] for other in [*filter(owners.__contains__, others), *others]), -1)

    def _exit(self, stage: str, action: BreachAction) -> int:
        to = self.frame.target(action.to or "lost")
        return run_of(self.frame.pool.exits, [{
            "to": to, "share": 1.0, "pace": -1, "cool": self.frame.pool.time(action.after),
            "backward": int(0 <= to <= self.frame.stages[stage]),
        }])[0]

    def _shares(self, path: str, value: Range | Schedule) -> Run:
        """Points (from instant, share) of a share that may be a belief and may change over time."""
        steps = self.frame.steps(value)
        paths = [path if i == 0 else f"{path}.{i}" for i in range(len(steps))]
        centres = [self.frame.beliefs.centre(p, share, SHARE) for p, (_, share) in zip(paths, steps, strict=True)]
        run = self.frame.pool.points((x, share) for (x, _), share in zip(steps, centres, strict=True))
        for i, p in enumerate(paths):
            self.frame.beliefs.follow(p, "points", "y", run[0] + i)
        return run
