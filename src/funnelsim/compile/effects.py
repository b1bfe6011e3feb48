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
from funnelsim.compile.table_builder import Row, Slice, append_rows
from funnelsim.engine.covariates import EffectInput, EffectTarget
from funnelsim.plan_codes import by_name
from funnelsim.scenario.schema.behaviour import Effect, Effects
from funnelsim.scenario.values import ObservedInput, Range, Schedule, Share

if TYPE_CHECKING:
    from funnelsim.scenario.schema import CurveEffect, Influence, Stage

_BY_ODDS = {
    name.lower(): code
    for name, code in EffectInput.__members__.items()
    if name.lower() in Effects.model_fields and Effects.model_fields[name.lower()].annotation is Effect
}
_OF_WORK = ("marketing_sells", "own_lead", "too_early", "unresolved")  # nothing to see where nobody works
_BY_CURVE = {"too_late": EffectInput.TOO_LATE, "nurtured_follow_up": EffectInput.TRUST_DELAY}
_INPUTS = by_name(EffectInput)
_TARGETS = by_name(EffectTarget) | {"adherence": EffectTarget.ADHERENCE}
_NO_CURVE: Slice = (0, 0)
_NOTHING: Slice = (0, 0)


class EffectRows:
    """Rows of EFFECT, stage after stage, in the pool."""

    def __init__(self, context: CompileContext) -> None:
        self.context = context
        self._sizes: dict[str, Slice] = {}  # points of each effect, shared by all stages
        self._hours: Slice | None = None

    def of(self, name: str, stage: Stage, forward: list[str], base: float) -> Slice:
        """All that acts in a stage."""
        targets = self._targets(stage, base)
        curve = self._curve(stage)
        rows = self._named(name, stage, targets)
        rows += self._schedule(stage, forward, base) if EffectTarget.ADVANCE in targets else []
        rows += self._response(curve, targets)
        rows += self._by_curve(name, curve, targets)
        rows += self._hour(targets)
        rows += self._pursuit(targets)
        rows += self._influences(name, targets)
        return append_rows(self.context.builder.effects, rows)

    def _targets(self, stage: Stage, base: float) -> set[int]:
        """What there is to be moved in a stage: a gate or certainty leaves no chance of going on."""
        there: set[int] = {EffectTarget.ADVANCE} if 0.0 < base < 1.0 and stage.gate is None else set()
        if stage.work:
            there |= {EffectTarget.CONTACT, EffectTarget.PURSUIT, EffectTarget.ADHERENCE, EffectTarget.HABIT}
        if any(task.kind == "meeting" for task in stage.tasks.values()):
            there.add(EffectTarget.SHOW)
        return there | {EffectTarget.SIGNALS} if stage.signals else there

    # ---- effects by name -----------------------------------------------------------------------------------------
    def _named(self, name: str, stage: Stage, targets: set[int]) -> list[Row]:
        rows = []
        for key, kind in _BY_ODDS.items():
            effect: Effect = getattr(self.context.scenario.effects, key)
            target = _TARGETS[effect.target]
            if target in targets and _acts_in(effect.stages, name) and (stage.work or key not in _OF_WORK):
                rows += self._row(kind, target, self._odds(f"effects.{key}", effect.odds, self._active_share(key)))
        return rows

    def _active_share(self, key: str) -> float:
        """How much of an effect acts: two teams that share their data gain from it, others collide (rule 105)."""
        integration = self.context.scenario.handoff.integration
        if key == "collision":
            return 0.0 if integration is None else 1.0 - integration
        return 1.0 if integration is None or key != "both_teams" else integration

    def _odds(self, path: str, odds: float | Range | Schedule, part: float = 1.0) -> Slice:
        """Points (from instant, ln odds) of an effect; nothing when its odds are exactly 1."""
        if path not in self._sizes:
            nothing = part == 0.0 or all(_equals(1.0, value) for _, value in self.context.steps(odds))
            self._sizes[path] = (
                _NOTHING
                if nothing
                else self.context.step_points(path, odds, ODDS, lambda value: part * math.log(value))
            )
        return self._sizes[path]

    # ---- the response curve --------------------------------------------------------------------------------------
    def _curve(self, stage: Stage) -> tuple[str, Slice] | None:
        """What the stage's curve acts on, and its points; none when it has none."""
        curve = response_curve(stage.response)
        points = curve_points(curve) if curve else []
        return (str(curve["target"]), self.context.builder.points(points)) if curve and points else None

    def _response(self, curve: tuple[str, Slice] | None, targets: set[int]) -> list[Row]:
        if curve is None or _TARGETS[curve[0]] not in targets:
            return []
        return self._row(EffectInput.RESPONSE_DELAY, _TARGETS[curve[0]], self._unit_size(), curve[1])

    def _by_curve(self, name: str, curve: tuple[str, Slice] | None, targets: set[int]) -> list[Row]:
        """What follows the stage's curve over another delay, or follows it more steeply."""
        rows: list[Row] = []
        for key, kind in _BY_CURVE.items():
            effect: CurveEffect = getattr(self.context.scenario.effects, key)
            if curve and _TARGETS[effect.target] in targets and _acts_in(effect.stages, name):
                rows += self._row(kind, _TARGETS[effect.target], self._strength(f"effects.{key}", effect), curve[1])
        return rows

    def _strength(self, path: str, effect: CurveEffect) -> Slice:
        if path not in self._sizes:
            nothing = all(_equals(0.0, value) for _, value in self.context.steps(effect.strength))
            self._sizes[path] = _NOTHING if nothing else self.context.step_points(path, effect.strength, PLAIN)
        return self._sizes[path]

    # ---- time ----------------------------------------------------------------------------------------------------
    def _hour(self, targets: set[int]) -> list[Row]:
        """The local hour of the week in which an attempt starts (rule 101)."""
        said = self.context.scenario.effects.hour
        if said is None or EffectTarget.CONTACT not in targets:
            return []
        if self._hours is None:
            shifts = hour_shifts(said, self.context)
            self._hours = _NO_CURVE if shifts is None else self.context.builder.points(enumerate(shifts.tolist()))
        return (
            self._row(EffectInput.HOUR_OF_WEEK, EffectTarget.CONTACT, self._unit_size(), self._hours)
            if self._hours[1]
            else []
        )

    def _schedule(self, stage: Stage, forward: list[str], base: float) -> list[Row]:
        """A share that changes over time: the change of its log-odds, always in force."""
        shares = stage.next or {}
        instants = sorted(
            {
                self.context.instant(moment)
                for share in shares.values()
                if share.schedule
                for moment, _ in share.schedule.steps
            }
        )
        sizes = [logit(forward_share(self._shares_at(shares, x), forward)) - logit(base) for x in instants]
        if not any(sizes):
            return []
        return self._row(
            EffectInput.ALWAYS, EffectTarget.ADVANCE, self.context.builder.points(zip(instants, sizes, strict=True))
        )

    def _shares_at(self, shares: Shares, now: float) -> Shares:
        def at(share: Share) -> Share:
            if share.schedule is None:
                return share
            steps = self.context.steps(share.schedule)
            return Share(float(next((y for x, y in reversed(steps) if x <= now), steps[0][1])))

        return {target: at(share) for target, share in shares.items()}

    # ---- people --------------------------------------------------------------------------------------------------
    def _pursuit(self, targets: set[int]) -> list[Row]:
        """The levels that a team's pursuit listens to."""
        rows: list[Row] = []
        for name, team in self.context.scenario.teams.items():
            if team.pursuit is not None and EffectTarget.PURSUIT in targets:
                for level, slope in by_level(team.pursuit):
                    path = f"teams.{name}.pursuit.{level}"
                    self._sizes.setdefault(path, self.context.builder.points([(0.0, slope)]))
                    rows += self._row(
                        EffectInput.LEVEL,
                        EffectTarget.PURSUIT,
                        self._sizes[path],
                        team=name,
                        of=self.context.levels[level],
                    )
        return rows

    def _influences(self, stage: str, targets: set[int]) -> list[Row]:
        rows: list[Row] = []
        for name, said in self.context.scenario.influences.items():
            if (
                said.input is not None
                and said.target is not None
                and _TARGETS[said.target] in targets
                and _acts_in(said.stages, stage)
            ):
                size = self._odds(f"influences.{name}", _size_of(said))
                rows += self._row(
                    _INPUTS[said.input.kind],
                    _TARGETS[said.target],
                    size,
                    team=said.team,
                    of=self._input_row(said.input),
                )
        return rows

    def _input_row(self, looked: ObservedInput) -> int:
        if looked.kind == "level":
            return self.context.levels[looked.name]
        return self.context.scores[looked.name] if looked.kind == "score" else -1

    # ---- rows ----------------------------------------------------------------------------------------------------
    def _unit_size(self) -> Slice:
        """A size of 1, always."""
        if "" not in self._sizes:
            self._sizes[""] = self.context.builder.points([(0.0, 1.0)])
        return self._sizes[""]

    def _row(
        self, kind: Any, target: Any, size: Slice, curve: Slice = _NO_CURVE, team: str | None = None, of: int = -1
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
                "team": self.context.teams[team] if team else -1,
                "of": of,
            }
        ]


def _acts_in(stages: tuple[str, ...] | None, stage: str) -> bool:
    return stages is None or stage in stages


def _size_of(influence: Influence) -> Range | Schedule:
    return influence.odds or influence.time_factor or Range(1.0, 1.0)


def _equals(number: float, value: Any) -> bool:
    return value.low == value.high == number if isinstance(value, Range) else value == number
