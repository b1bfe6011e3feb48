"""Promises: the terms of each team in each stage, tier by tier, and what happens on a breach (rules 52 to 62, 106).

Tiers say for whom they hold by bits of segment and source rows; the first tier that fits a lead counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from funnelsim.compile.context import CompileContext, length
from funnelsim.compile.table_builder import Row, Slice, append_rows
from funnelsim.errors import ScenarioError
from funnelsim.plan_codes import ActionKind, ClockStart, TermKind, by_name
from funnelsim.scenario.values import BreachAction, Deadline

if TYPE_CHECKING:
    from funnelsim.scenario.schema import Terms, Tier

_ACTIONS = by_name(ActionKind)
_STARTS = by_name(ClockStart)
_EVERYBODY = -1  # all bits
_BITS = 63
_CENTS = 100.0


class Promises:
    """Rows of PROMISE, TERM and ACTION_ROW, in the pool."""

    def __init__(self, context: CompileContext, sources: list[str]) -> None:
        self.context = context
        self._sources = sources  # names of the plan's source rows
        self._adherence: dict[str, Slice] = {}

    def of(self, stage: str, team: str) -> Slice:
        """What a team has promised in a stage, tier by tier; an empty run when nothing."""
        promises = self.context.scenario.promises
        terms = promises.of(team) if promises else None
        if terms is None or stage not in self._promised_stages(terms):
            return 0, 0
        rows = [self._tier(stage, team, i, tier) for i, tier in enumerate(terms.all_tiers())]
        return append_rows(self.context.builder.promises, rows)

    def _promised_stages(self, terms: Terms) -> list[str]:
        """Where a promise holds: as written, else the stages that name a `response`, else those with work."""
        if terms.stages is not None:
            return list(terms.stages)
        stages = self.context.scenario.stages
        return [name for name, stage in stages.items() if stage.response] or [
            name for name, stage in stages.items() if stage.work
        ]

    def _tier(self, stage: str, team: str, i: int, tier: Tier) -> Row:
        adherence = self._adherence_run(team, i, tier)
        rows = [
            self._term(stage, team, tier, kind, within, actions) for kind, within, actions in _terms_of(tier) if within
        ]
        term = append_rows(self.context.builder.terms, rows)
        score, least = next(iter((tier.score or {}).items()), ("", 0.0))
        return {
            "segments": self._segment_bits(tier),
            "sources": self._source_bits(tier),
            "score": self.context.scores[score] if score else -1,
            "least": least,
            "value": tier.value * _CENTS,
            "adherence_first": adherence[0],
            "adherence_count": adherence[1],
            "attempts": tier.attempts.count if tier.attempts else 0,
            "term_first": term[0],
            "term_count": term[1],
        }

    def _segment_bits(self, tier: Tier) -> int:
        return (
            _EVERYBODY if tier.segments is None else _bits(self.context.segments[name] for name in set(tier.segments))
        )

    def _source_bits(self, tier: Tier) -> int:
        """Of all rows of the sources named: batches have rows of their own."""
        if tier.sources is None:
            return _EVERYBODY
        return _bits(i for i, name in enumerate(self._sources) if name in tier.sources)

    def _adherence_run(self, team: str, i: int, tier: Tier) -> Slice:
        path = self._adherence_path(team, i)
        if path not in self._adherence:
            self._adherence[path] = self.context.step_points(path, tier.adherence)
        return self._adherence[path]

    def _adherence_path(self, team: str, i: int) -> str:
        """Where the share of tier i is written: in the tier, else among the team's own terms, else the common ones."""
        promises = self.context.scenario.promises
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
        run = append_rows(self.context.builder.actions, [self._action(stage, team, action) for action in actions])
        business = within.length.business or within.length.business_days > 0
        return {
            "kind": kind,
            "business": int(business),
            "length": length(within.length, self.context.business_day(team)),
            "start": int(_STARTS[tier.clock_start]),
            "count": within.count if kind == TermKind.ATTEMPTS else 0,
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
            return self.context.teams[named]
        side_of = self.context.scenario.side_of
        others = [other for other in self.context.teams if side_of(other) != side_of(team)]
        owners = self.context.owners(stage)
        return next((self.context.teams[other] for other in [*filter(owners.__contains__, others), *others]), -1)

    def _exit(self, stage: str, action: BreachAction) -> int:
        to = self.context.target(action.to or "lost")
        return append_rows(
            self.context.builder.exits,
            [
                {
                    "to": to,
                    "share": 1.0,
                    "pace": -1,
                    "cool": self.context.builder.time(action.after),
                    "backward": int(0 <= to <= self.context.stages[stage]),
                }
            ],
        )[0]


def _terms_of(tier: Tier) -> list[tuple[int, Deadline | None, tuple[BreachAction, ...]]]:
    return [
        (int(TermKind.FIRST_TOUCH), tier.first_touch, tier.on_breach),
        (int(TermKind.ATTEMPTS), tier.attempts, tier.on_attempts_breach),
        (int(TermKind.ACCEPTANCE), tier.accept, tier.on_accept_breach),
    ]


def _bits(numbers: Iterable[int]) -> int:
    """A whole number with these bits; the last one is the sign."""
    found = sorted(numbers)
    if found and found[-1] >= _BITS:
        raise ScenarioError(f"promises.tiers: only the first {_BITS} sources and segments of a scenario can have tiers")
    return sum(1 << number for number in found)
