"""Promises: the terms of each team in each stage, tier by tier, and what happens on a breach (rules 52 to 62, 106).

Tiers say for whom they hold by bits of segment and source rows; the first tier that fits a lead counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from funnelsim.compile.context import CompileContext, length
from funnelsim.compile.table_builder import Row, Run, run_of
from funnelsim.errors import ScenarioError
from funnelsim.plan import (
    ACCEPT_WITHIN,
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
from funnelsim.scenario.values import BreachAction, Deadline

if TYPE_CHECKING:
    from funnelsim.scenario.schema import Terms, Tier

_ACTIONS = {"warn": WARN, "escalate": ESCALATE, "reassign": REASSIGN, "return": RETURN}
_STARTS = {"created": CREATED, "qualified": QUALIFIED, "assigned": ASSIGNED}
_EVERYBODY = -1  # all bits
_BITS = 63
_CENTS = 100.0


class Promises:
    """Rows of PROMISE, TERM and ACTION_ROW, in the pool."""

    def __init__(self, frame: CompileContext, sources: list[str]) -> None:
        self.frame = frame
        self._sources = sources  # names of the plan's source rows
        self._kept: dict[str, Run] = {}

    def of(self, stage: str, team: str) -> Run:
        """What a team has promised in a stage, tier by tier; an empty run when nothing."""
        promises = self.frame.scenario.promises
        terms = promises.of(team) if promises else None
        if terms is None or stage not in self._promised_stages(terms):
            return 0, 0
        rows = [self._tier(stage, team, i, tier) for i, tier in enumerate(terms.all_tiers())]
        return run_of(self.frame.pool.promises, rows)

    def _promised_stages(self, terms: Terms) -> list[str]:
        """Where a promise holds: as written, else the stages that name a `response`, else those with work."""
        if terms.stages is not None:
            return list(terms.stages)
        stages = self.frame.scenario.stages
        return [name for name, stage in stages.items() if stage.response] or [
            name for name, stage in stages.items() if stage.work
        ]

    def _tier(self, stage: str, team: str, i: int, tier: Tier) -> Row:
        kept = self._kept_run(team, i, tier)
        rows = [
            self._term(stage, team, tier, kind, within, actions) for kind, within, actions in _terms_of(tier) if within
        ]
        term = run_of(self.frame.pool.terms, rows)
        score, least = next(iter((tier.score or {}).items()), ("", 0.0))
        return {
            "segments": self._segment_bits(tier),
            "sources": self._source_bits(tier),
            "score": self.frame.scores[score] if score else -1,
            "least": least,
            "value": 0.0 if tier.value is None else tier.value * _CENTS,
            "kept_first": kept[0],
            "kept_count": kept[1],
            "attempts": tier.attempts.count if tier.attempts else 0,
            "term_first": term[0],
            "term_count": term[1],
        }

    def _segment_bits(self, tier: Tier) -> int:
        return _EVERYBODY if tier.segments is None else _bits(self.frame.segments[name] for name in set(tier.segments))

    def _source_bits(self, tier: Tier) -> int:
        """Of all rows of the sources named: batches have rows of their own."""
        if tier.sources is None:
            return _EVERYBODY
        return _bits(i for i, name in enumerate(self._sources) if name in tier.sources)

    def _kept_run(self, team: str, i: int, tier: Tier) -> Run:
        path = self._kept_path(team, i)
        if path not in self._kept:
            self._kept[path] = self.frame.run(path, tier.adherence)
        return self._kept[path]

    def _kept_path(self, team: str, i: int) -> str:
        """Where the share of tier i is written: in the tier, else among the team's own terms, else the common ones."""
        promises = self.frame.scenario.promises
        assert promises is not None
        own = promises.teams.get(team)
        stated = own.model_fields_set if own else set()
        tiers, prefix = (
            (own.tiers, f"promises.teams.{team}.") if own and "tiers" in stated else (promises.tiers, "promises.")
        )
        if i < len(tiers) and "adherence" in tiers[i].model_fields_set:
            return f"{prefix}tiers.{i}.adherence"
        return f"promises.teams.{team}.adherence" if "adherence" in stated else "promises.adherence"

    def _term(
        self, stage: str, team: str, tier: Tier, kind: int, within: Deadline, actions: tuple[BreachAction, ...]
    ) -> Row:
        run = run_of(self.frame.pool.actions, [self._action(stage, team, action) for action in actions])
        business = within.length.business or within.length.business_days > 0
        return {
            "kind": kind,
            "business": int(business),
            "length": length(within.length, self.frame.business_day(team)),
            "start": int(_STARTS[tier.clock_start]),
            "count": within.count if kind == ATTEMPTS_WITHIN else 0,
            "action_first": run[0],
            "action_count": run[1],
        }

    def _action(self, stage: str, team: str, action: BreachAction) -> Row:
        to = self._receiver(stage, team, action.to) if action.kind == "reassign" else -1
        exit_row = self._exit(stage, action) if action.kind == "return" else -1
        return {
            "kind": int(_ACTIONS[action.kind]),
            "fraction": action.fraction,
            "heeded": action.compliance,
            "to": to,
            "limit": action.limit,
            "exit": exit_row,
        }

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
        return run_of(
            self.frame.pool.exits,
            [
                {
                    "to": to,
                    "share": 1.0,
                    "pace": -1,
                    "cool": self.frame.pool.time(action.after),
                    "backward": int(0 <= to <= self.frame.stages[stage]),
                }
            ],
        )[0]


def _terms_of(tier: Tier) -> list[tuple[int, Deadline | None, tuple[BreachAction, ...]]]:
    return [
        (int(FIRST_TOUCH), tier.first_touch, tier.on_breach),
        (int(ATTEMPTS_WITHIN), tier.attempts, tier.on_attempts_breach),
        (int(ACCEPT_WITHIN), tier.accept, tier.on_accept_breach),
    ]


def _bits(numbers: Iterable[int]) -> int:
    """A whole number with these bits; the last one is the sign."""
    found = sorted(numbers)
    if found and found[-1] >= _BITS:
        raise ScenarioError(f"promises.tiers: only the first {_BITS} sources and segments of a scenario can have tiers")
    return sum(1 << number for number in found)
