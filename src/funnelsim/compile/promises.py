"""Promises: the terms of each team in each stage, and what happens when they are broken (rules 52 to 62)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnelsim.compile.frame import Frame, length
from funnelsim.compile.pool import Row, Run, run_of
from funnelsim.plan import (
    ASSIGNED,
    ATTEMPTS_WITHIN,
    CREATED,
    ESCALATE,
    FIRST_TOUCH,
    QUALIFIED,
    REASSIGN,
    RETURN,
    WARN,
)
from funnelsim.scenario.values import BreachAction, Within

if TYPE_CHECKING:
    from funnelsim.scenario.schema import Terms

_ACTIONS = {"warn": WARN, "escalate": ESCALATE, "reassign": REASSIGN, "return": RETURN}
_STARTS = {"created": CREATED, "qualified": QUALIFIED, "assigned": ASSIGNED}
_EVERYBODY = -1                 # all bits


class Promises:
    """Rows of PROMISE, TERM and ACTION_ROW, in the pool."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self._kept: dict[str, Run] = {}

    def of(self, stage: str, team: str) -> Run:
        """What a team has promised in a stage; an empty run when nothing."""
        promises = self.frame.scenario.promises
        terms = promises.of(team) if promises else None
        if terms is None or not (terms.first_touch or terms.attempts) or stage not in self._promised_stages(terms):
            return 0, 0
        kept = self._kept_run(team, terms)
        rows = [self._term(stage, team, terms, within) for within in (terms.first_touch, terms.attempts) if within]
        term = run_of(self.frame.pool.terms, rows)
        return run_of(self.frame.pool.promises, [{
            "segments": _EVERYBODY, "sources": _EVERYBODY, "score": -1, "least": 0.0, "value": 0.0,
            "kept_first": kept[0], "kept_count": kept[1], "attempts": terms.attempts.count if terms.attempts else 0,
            "term_first": term[0], "term_count": term[1],
        }])

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
            self._kept[team] = self.frame.shares(f"promises.teams.{team}.kept" if own else "promises.kept", terms.kept)
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
