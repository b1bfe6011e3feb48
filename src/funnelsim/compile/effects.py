"""Effects: what shifts the chances of a stage, and what moves the people who work it (rules 64 to 67, 92 to 95, 101).

Each row adds size x what it looks at to the log-odds of its target (to the logarithm, where the target is a time).
Written in a scenario: the named `effects`, the `response` of a stage, `influences` of one's own, shares of `next` that
change by date, and the levels that pursuit listens to. Sizes are shared by all stages in which they act.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnelsim.compile.context import CompileContext
from funnelsim.compile.curves import curve_points, response_curve
from funnelsim.compile.exits import Shares, forward_share
from funnelsim.compile.hours import hour_shifts
from funnelsim.compile.parameter_draws import ODDS, PLAIN, logit
from funnelsim.compile.pursuit import by_level
from funnelsim.compile.table_builder import Row, Run, run_of
from funnelsim.plan import (
    ADVANCE,
    ALWAYS,
    BOTH_TEAMS,
    CONTACT_CHANCE,
    CONTEXT_LOST,
    DUPLICATED,
    FIT,
    HABIT,
    HOUR_OF_WEEK,
    INTENT,
    KEEP,
    LEVEL_OF,
    MARKETING_SELLS,
    OWN_LEAD,
    PURSUE,
    RESPONSE_DELAY,
    SCORE_OF,
    SHOW,
    SIGNAL_CHANCE,
    TOO_EARLY,
    TOO_LATE,
    TRUST,
    TRUST_DELAY,
    UNRESOLVED,
    WARMTH,
)
from funnelsim.scenario.values import EffectInput, Range, Schedule, Share

if TYPE_CHECKING:
    from funnelsim.scenario.schema import CurveEffect, Effect, Influence, Stage

_BY_ODDS = {
    "fit": FIT,
    "context_lost": CONTEXT_LOST,
    "both_teams": BOTH_TEAMS,
    "marketing_sells": MARKETING_SELLS,
    "collision": BOTH_TEAMS,
    "intent": INTENT,
    "trust": TRUST,
    "warmth": WARMTH,
    "own_lead": OWN_LEAD,
    "too_early": TOO_EARLY,
    "unresolved": UNRESOLVED,
    "duplicate": DUPLICATED,
}
_OF_WORK = ("marketing_sells", "own_lead", "too_early", "unresolved")  # nothing to see where nobody works
_BY_CURVE = {"too_late": TOO_LATE, "nurtured_follow_up": TRUST_DELAY}
_LOOKED = {
    "always": ALWAYS,
    "fit": FIT,
    "intent": INTENT,
    "trust": TRUST,
    "warmth": WARMTH,
    "own lead": OWN_LEAD,
    "context lost": CONTEXT_LOST,
    "level": LEVEL_OF,
    "score": SCORE_OF,
}
_TARGETS = {
    "advance": ADVANCE,
    "contact": CONTACT_CHANCE,
    "pursuit": PURSUE,
    "adherence": KEEP,
    "habit": HABIT,
    "show": SHOW,
    "signals": SIGNAL_CHANCE,
}
_NO_CURVE: Run = (0, 0)
_NOTHING: Run = (0, 0)


class Effects:
    """Rows of EFFECT, stage after stage, in the pool."""

    def __init__(self, frame: CompileContext) -> None:
        self.frame = frame
        self._sizes: dict[str, Run] = {}  # points of each effect, shared by all stages
        self._hours: Run | None = None

    def of(self, name: str, stage: Stage, forward: list[str], base: float) -> Run:
        """All that acts in a stage."""
        targets = self._targets(stage, base)
        curve = self._curve(stage)
        rows = self._named(name, stage, targets)
        rows += self._schedule(stage, forward, base) if ADVANCE in targets else []
        rows += self._response(curve, targets)
        rows += self._by_curve(name, curve, targets)
        rows += self._hour(targets)
        rows += self._pursuit(targets)
        rows += self._influences(name, targets)
        return run_of(self.frame.pool.effects, rows)

    def _targets(self, stage: Stage, base: float) -> set[int]:
        """What there is to be moved in a stage: a gate or certainty leaves no chance of going on."""
        there: set[int] = {ADVANCE} if 0.0 < base < 1.0 and stage.gate is None else set()
        if stage.work:
            there |= {CONTACT_CHANCE, PURSUE, KEEP, HABIT}
        if any(task.kind == "meeting" for task in stage.tasks.values()):
            there.add(SHOW)
        return there | {SIGNAL_CHANCE} if stage.signals else there

    # ---- effects by name -----------------------------------------------------------------------------------------
    def _named(self, name: str, stage: Stage, targets: set[int]) -> list[Row]:
        rows = []
        for key, kind in _BY_ODDS.items():
            effect: Effect = getattr(self.frame.scenario.effects, key)
            target = _TARGETS[effect.target]
            if target in targets and _acts_in(effect.stages, name) and (stage.work or key not in _OF_WORK):
                rows += self._row(kind, target, self._odds(f"effects.{key}", effect.odds, self._part(key)))
        return rows

    def _part(self, key: str) -> float:
        """How much of an effect acts: two teams that share their data gain from it, others collide (rule 105)."""
        integration = self.frame.scenario.handoff.integration
        if key == "collision":
            return 0.0 if integration is None else 1.0 - integration
        return 1.0 if integration is None or key != "both_teams" else integration

    def _odds(self, path: str, odds: float | Range | Schedule, part: float = 1.0) -> Run:
        """Points (from instant, ln odds) of an effect; nothing when its odds are exactly 1."""
        if path not in self._sizes:
            nothing = part == 0.0 or all(_is(1.0, value) for _, value in self.frame.steps(odds))
            self._sizes[path] = (
                _NOTHING if nothing else self.frame.run(path, odds, ODDS, lambda value: part * math.log(value))
            )
        return self._sizes[path]

    # ---- the response curve --------------------------------------------------------------------------------------
    def _curve(self, stage: Stage) -> tuple[str, Run] | None:
        """What the stage's curve acts on, and its points; none when it has none."""
        curve = response_curve(stage.response)
        points = curve_points(curve) if curve else []
        return (str(curve["target"]), self.frame.pool.points(points)) if curve and points else None

    def _response(self, curve: tuple[str, Run] | None, targets: set[int]) -> list[Row]:
        if curve is None or _TARGETS[curve[0]] not in targets:
            return []
        return self._row(RESPONSE_DELAY, _TARGETS[curve[0]], self._one(), curve[1])

    def _by_curve(self, name: str, curve: tuple[str, Run] | None, targets: set[int]) -> list[Row]:
        """What follows the stage's curve over another delay, or follows it more steeply."""
        rows: list[Row] = []
        for key, kind in _BY_CURVE.items():
            effect: CurveEffect = getattr(self.frame.scenario.effects, key)
            if curve and _TARGETS[effect.target] in targets and _acts_in(effect.stages, name):
                rows += self._row(kind, _TARGETS[effect.target], self._strength(f"effects.{key}", effect), curve[1])
        return rows

    def _strength(self, path: str, effect: CurveEffect) -> Run:
        if path not in self._sizes:
            nothing = all(_is(0.0, value) for _, value in self.frame.steps(effect.strength))
            self._sizes[path] = _NOTHING if nothing else self.frame.run(path, effect.strength, PLAIN)
        return self._sizes[path]

    # ---- time ----------------------------------------------------------------------------------------------------
    def _hour(self, targets: set[int]) -> list[Row]:
        """The local hour of the week in which an attempt starts (rule 101)."""
        said = self.frame.scenario.effects.hour
        if said is None or CONTACT_CHANCE not in targets:
            return []
        if self._hours is None:
            shifts = hour_shifts(said, self.frame)
            self._hours = _NO_CURVE if shifts is None else self.frame.pool.points(enumerate(shifts.tolist()))
        return self._row(HOUR_OF_WEEK, CONTACT_CHANCE, self._one(), self._hours) if self._hours[1] else []

    def _schedule(self, stage: Stage, forward: list[str], base: float) -> list[Row]:
        """A share that changes over time: the change of its log-odds, always in force."""
        shares = stage.next or {}
        instants = sorted(
            {
                self.frame.instant(moment)
                for share in shares.values()
                if share.schedule
                for moment, _ in share.schedule.steps
            }
        )
        sizes = [logit(forward_share(self._shares_at(shares, x), forward)) - logit(base) for x in instants]
        if not any(sizes):
            return []
        return self._row(ALWAYS, ADVANCE, self.frame.pool.points(zip(instants, sizes, strict=True)))

    def _shares_at(self, shares: Shares, now: float) -> Shares:
        def at(share: Share) -> Share:
            if share.schedule is None:
                return share
            steps = self.frame.steps(share.schedule)
            return Share(float(next((y for x, y in reversed(steps) if x <= now), steps[0][1])))

        return {target: at(share) for target, share in shares.items()}

    # ---- people --------------------------------------------------------------------------------------------------
    def _pursuit(self, targets: set[int]) -> list[Row]:
        """The levels that a team's pursuit listens to."""
        rows: list[Row] = []
        for name, team in self.frame.scenario.teams.items():
            if team.pursuit is not None and PURSUE in targets:
                for level, slope in by_level(team.pursuit):
                    path = f"teams.{name}.pursuit.{level}"
                    self._sizes.setdefault(path, self.frame.pool.points([(0.0, slope)]))
                    rows += self._row(LEVEL_OF, PURSUE, self._sizes[path], team=name, of=self.frame.levels[level])
        return rows

    def _influences(self, stage: str, targets: set[int]) -> list[Row]:
        rows: list[Row] = []
        for name, said in self.frame.scenario.influences.items():
            if (
                said.input is not None
                and said.target is not None
                and _TARGETS[said.target] in targets
                and _acts_in(said.stages, stage)
            ):
                size = self._odds(f"influences.{name}", _size_of(said))
                rows += self._row(
                    _LOOKED[said.input.kind],
                    _TARGETS[said.target],
                    size,
                    team=said.team,
                    of=self._looked_at(said.input),
                )
        return rows

    def _looked_at(self, looked: EffectInput) -> int:
        if looked.kind == "level":
            return self.frame.levels[looked.name]
        return self.frame.scores[looked.name] if looked.kind == "score" else -1

    # ---- rows ----------------------------------------------------------------------------------------------------
    def _one(self) -> Run:
        """A size of 1, always."""
        if "" not in self._sizes:
            self._sizes[""] = self.frame.pool.points([(0.0, 1.0)])
        return self._sizes[""]

    def _row(
        self, kind: Any, target: Any, size: Run, curve: Run = _NO_CURVE, team: str | None = None, of: int = -1
    ) -> list[Row]:
        """A row, or none when it has no size."""
        if not size[1]:
            return []
        return [
            {
                "input": int(kind),
                "target": int(target),
                "size_first": size[0],
                "size_count": size[1],
                "curve_first": curve[0],
                "curve_count": curve[1],
                "team": self.frame.teams[team] if team else -1,
                "of": of,
            }
        ]


def _acts_in(stages: tuple[str, ...] | None, stage: str) -> bool:
    return stages is None or stage in stages


def _size_of(influence: Influence) -> Range | Schedule:
    return influence.odds or influence.time_factor or Range(1.0, 1.0)


def _is(number: float, value: Any) -> bool:
    return value.low == value.high == number if isinstance(value, Range) else value == number
