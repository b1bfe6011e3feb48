"""Exits: where leads go from a stage, with what shares, how soon, and after what cool-off (rules 27, 30 to 34, 90).

The shares of `next` are kept as a base rate (the sum of the forward exits) and two sets of proportions, among the
forward exits and among the others, because effects move only the sum (rules 34 and 67).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnelsim.compile.context import CompileContext, shares_of
from funnelsim.compile.table_builder import Row, Slice, append_rows
from funnelsim.scenario.values import Share

if TYPE_CHECKING:
    from funnelsim.scenario.schema import Stage

Shares = dict[str, Share]


class Exits:
    """Rows of EXIT, in the pool."""

    def __init__(self, context: CompileContext) -> None:
        self.context = context
        self.rows: dict[str, dict[str, int]] = {}  # of `next`: stage -> target -> row of exits

    def is_forward(self, stage: str, target: str) -> bool:
        """Whether an exit leads to a later stage of the file."""
        return self.context.target(target) > self.context.stages[stage]

    def next(self, name: str, stage: Stage, forward: list[str]) -> Slice:
        """The exits of leads dealt with, forward ones first."""
        shares = stage.next or {}
        others = [target for target in shares if target not in forward]
        normalised = shares_of(shares)
        rows: list[Row] = []
        for group in (forward, others):
            total = sum(normalised[target] for target in group)
            for target in group:
                part = normalised[target] / total if total > 0.0 else 1.0 / len(group)
                rows.append(self._exit(name, target, shares[target], part, self._pace(stage, target)))
        first, count = append_rows(self.context.builder.exits, rows)
        self.rows[name] = {target: first + i for i, target in enumerate([*forward, *others])}
        return first, count

    def exit_group(self, name: str, shares: Shares) -> Slice:
        """The exits of leads that were not dealt with: unreached, cold, rejected."""
        normalised = shares_of(shares)
        return append_rows(
            self.context.builder.exits,
            [self._exit(name, target, share, normalised[target], -1) for target, share in shares.items()],
        )

    def _pace(self, stage: Stage, target: str) -> int:
        pace = stage.pace.get(target) if isinstance(stage.pace, dict) else stage.pace
        return -1 if target == "silent" else self.context.builder.time(pace)

    def _exit(self, name: str, target: str, share: Share, part: float, pace: int) -> Row:
        to = self.context.target(target)
        return {
            "to": to,
            "share": part,
            "pace": pace,
            "cool": self.context.builder.time(share.after),
            "backward": int(0 <= to <= self.context.stages[name]),
        }


def forward_share(shares: Shares, forward: list[str]) -> float:
    """The base rate: what share of the leads go on."""
    normalised = shares_of(shares)
    total = sum(normalised[target] for target in forward)
    return 1.0 if total > 1.0 - 1e-12 else total  # thirds may sum to a hair less than 1
