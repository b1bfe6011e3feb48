"""Stages: exits with their shares, the work that is done, and what shifts the chance of going on.

The shares of `next` are kept as a base rate (the sum of the forward exits) and two sets of proportions, among the
forward exits and among the others, because effects move only the sum (rules 34 and 67).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnelsim.compile.curves import curve_points, response_curve
from funnelsim.compile.draws import ODDS, logit
from funnelsim.compile.frame import Frame, length, on_grid, shares_of
from funnelsim.compile.pool import Row, Run, run_of
from funnelsim.engine.streams import path_hash
from funnelsim.plan import (
    ADVANCE,
    ALWAYS,
    BOTH_TEAMS,
    BUSINESS,
    CONTACT_CHANCE,
    CONTEXT_LOST,
    DAY,
    ELAPSED,
    FIT,
    MARKETING_SELLS,
    ON_DAYS,
    RESPONSE_DELAY,
)
from funnelsim.scenario import presets
from funnelsim.scenario.values import Range, Share

if TYPE_CHECKING:
    from funnelsim.scenario.schema import Effect, Stage, Work

Shares = dict[str, Share]

_EFFECTS = {"fit": FIT, "context_lost": CONTEXT_LOST, "both_teams": BOTH_TEAMS, "marketing_sells": MARKETING_SELLS}


class Stages:
    """The stages of a scenario as rows of STAGE, with their exits, steps and effects in the pool."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.next_rows: dict[str, dict[str, int]] = {}      # stage -> target -> row of exits
        self._sizes: dict[str, Run] = {}                    # points of each effect, shared by all stages
        self.rows = [self._stage(name, stage) for name, stage in frame.scenario.stages.items()]

    def _stage(self, name: str, stage: Stage) -> Row:
        frame, targets = self.frame, stage.next or {}
        forward = [target for target in targets if self._is_forward(name, target)]
        base = forward_share(targets, forward)
        next_run = self._next(name, stage, forward)
        unreached = self._group(name, stage.unreached or {"lost": Share(1.0)})
        cold = self._group(name, stage.cold) if stage.cold else unreached
        steps = run_of(frame.pool.steps, [self._step(name, work) for work in stage.work])
        effects = run_of(frame.pool.effects, self._effects(name, stage, forward, base))
        return {
            "luck": path_hash(f"stages/{name}"), "step_first": steps[0], "step_count": steps[1],
            "patience": frame.pool.table(stage.patience),
            "next_first": next_run[0], "next_count": next_run[1], "next_forward": len(forward),
            "unreached_first": unreached[0], "unreached_count": unreached[1],
            "cold_first": cold[0], "cold_count": cold[1],
            "intercept": logit(base), "contact_intercept": 0.0,
            "effect_first": effects[0], "effect_count": effects[1],
            "base": base, "base_of_entered": int(stage.base_of == "entered"),
            "gate": -1, "rejected_first": unreached[0], "rejected_count": unreached[1], "signal_first": 0,
            "signal_count": 0, "nurture": -1, "task_first": 0, "task_count": 0, "deal": 0,
        }

    # ---- exits ---------------------------------------------------------------------------------------------------
    def _is_forward(self, stage: str, target: str) -> bool:
        return self.frame.target(target) > self.frame.stages[stage]

    def _next(self, name: str, stage: Stage, forward: list[str]) -> Run:
        shares = stage.next or {}
        others = [target for target in shares if target not in forward]
        filled = shares_of(shares)
        rows: list[Row] = []
        for group in (forward, others):
            total = sum(filled[target] for target in group)
            for target in group:
                part = filled[target] / total if total > 0.0 else 1.0 / len(group)
                rows.append(self._exit(name, target, shares[target], part, self._pace(stage, target)))
        first, count = run_of(self.frame.pool.exits, rows)
        self.next_rows[name] = {target: first + i for i, target in enumerate([*forward, *others])}
        return first, count

    def _pace(self, stage: Stage, target: str) -> int:
        pace = stage.pace.get(target) if isinstance(stage.pace, dict) else stage.pace
        return -1 if target == "silent" else self.frame.pool.time(pace)

    def _group(self, name: str, shares: Shares) -> Run:
        filled = shares_of(shares)
        return run_of(self.frame.pool.exits, [
            self._exit(name, target, share, filled[target], -1) for target, share in shares.items()
        ])

    def _exit(self, name: str, target: str, share: Share, part: float, pace: int) -> Row:
        to = self.frame.target(target)
        return {"to": to, "share": part, "pace": pace, "cool": self.frame.pool.time(share.after),
                "backward": int(0 <= to <= self.frame.stages[name])}

    # ---- work ----------------------------------------------------------------------------------------------------
    def _step(self, stage: str, work: Work) -> Row:
        pool = self.frame.pool
        hazards, contactable = contact_table(work)
        contact = pool.points((i, chance) for i, chance in enumerate(hazards, start=1))
        kind, spacing, days = ELAPSED, 0.0, (0, 0)
        if work.on_days is not None:
            kind, days = ON_DAYS, pool.points((i, on_grid(day * DAY)) for i, day in enumerate(work.on_days, start=1))
        elif work.spacing is not None:
            business = work.spacing.business or work.spacing.business_days > 0
            kind, spacing = (BUSINESS if business else ELAPSED), length(work.spacing, self._business_day(stage, work))
        return {
            "team": self.frame.teams[work.by] if work.by else -1, "attempts": work.attempts,
            "handling": pool.time(work.handling), "conversation": pool.time(work.conversation),
            "spacing_kind": int(kind), "spacing": spacing, "days_first": days[0], "days_count": days[1],
            "contact_first": contact[0], "contact_count": contact[1], "contactable": int(contactable),
            "preparation": -1,
        }

    def _business_day(self, stage: str, work: Work) -> float:
        """Of the team that makes the attempts: the one named, else the one that owns most of the stage."""
        owners = self.frame.owners(stage)
        team = work.by or max(owners, key=lambda name: owners[name], default=None)
        return self.frame.business_day(team) if team else DAY

    # ---- effects -------------------------------------------------------------------------------------------------
    def _effects(self, name: str, stage: Stage, forward: list[str], base: float) -> list[Row]:
        rows: list[Row] = []
        if 0.0 < base < 1.0:
            rows += [self._row(kind, ADVANCE, self._size(key)) for key, kind in _EFFECTS.items()
                     if self._applies(key, name, stage)]
            rows += self._schedule(stage, forward, base)
        return rows + self._response(stage, base)

    def _applies(self, key: str, name: str, stage: Stage) -> bool:
        effect: Effect = getattr(self.frame.scenario.effects, key)
        if effect.stages is not None and name not in effect.stages:
            return False
        if key == "marketing_sells" and not stage.work:
            return False
        return self._size(key)[1] > 0

    def _size(self, key: str) -> Run:
        """Points (from instant, ln odds) of an effect; an empty run when its odds are exactly 1."""
        if key not in self._sizes:
            self._sizes[key] = self._size_points(key)
        return self._sizes[key]

    def _size_points(self, key: str) -> Run:
        effect: Effect = getattr(self.frame.scenario.effects, key)
        steps = self.frame.steps(effect.odds)
        if all(_is_one(value) for _, value in steps):
            return 0, 0
        paths = [f"effects.{key}" if i == 0 else f"effects.{key}.{i}" for i in range(len(steps))]
        centres = [self.frame.beliefs.centre(path, value, ODDS) for path, (_, value) in zip(paths, steps, strict=True)]
        run = self.frame.pool.points((x, math.log(odds)) for (x, _), odds in zip(steps, centres, strict=True))
        for i, path in enumerate(paths):
            self.frame.beliefs.follow(path, "points", "y", run[0] + i, log=True)
        return run

    def _schedule(self, stage: Stage, forward: list[str], base: float) -> list[Row]:
        """A share that changes over time: the change of its log-odds, always in force."""
        shares = stage.next or {}
        instants = sorted({self.frame.instant(moment) for share in shares.values() if share.schedule
                           for moment, _ in share.schedule.steps})
        sizes = [logit(forward_share(self._shares_at(shares, x), forward)) - logit(base) for x in instants]
        if not any(sizes):
            return []
        return [self._row(ALWAYS, ADVANCE, self.frame.pool.points(zip(instants, sizes, strict=True)))]

    def _shares_at(self, shares: Shares, now: float) -> Shares:
        def at(share: Share) -> Share:
            if share.schedule is None:
                return share
            steps = self.frame.steps(share.schedule)
            return Share(float(next((y for x, y in reversed(steps) if x <= now), steps[0][1])))

        return {target: at(share) for target, share in shares.items()}

    def _response(self, stage: Stage, base: float) -> list[Row]:
        curve = response_curve(stage.response)
        points = curve_points(curve) if curve else []
        target = CONTACT_CHANCE if curve and curve["acts_on"] == "contact" else ADVANCE
        if not points or (target == ADVANCE and not 0.0 < base < 1.0):
            return []
        if "response" not in self._sizes:
            self._sizes["response"] = self.frame.pool.points([(0.0, 1.0)])
        first, count = self.frame.pool.points(points)
        row = self._row(RESPONSE_DELAY, target, self._sizes["response"])
        return [row | {"curve_first": first, "curve_count": count}]

    @staticmethod
    def _row(kind: Any, target: Any, size: Run) -> Row:
        return {"input": int(kind), "target": int(target), "size_first": size[0], "size_count": size[1],
                "curve_first": 0, "curve_count": 0, "team": -1, "of": -1}


def forward_share(shares: Shares, forward: list[str]) -> float:
    """The base rate: what share of the leads go on."""
    filled = shares_of(shares)
    total = sum(filled[target] for target in forward)
    return 1.0 if total > 1.0 - 1e-12 else total        # thirds may sum to a hair less than 1


def contact_table(work: Work) -> tuple[list[float], bool]:
    """Chance to reach the buyer at each attempt, and whether it speaks of contactable leads only (rule 41)."""
    if isinstance(work.contact, str):
        preset = presets.load("contact", work.contact)
        hazards, contactable = list(preset["hazards"]), preset["of"] == "contactable"
    else:
        hazards, contactable = [float(chance) for chance in work.contact], False
    return hazards, contactable if work.contactable is None else work.contactable


def _is_one(value: Any) -> bool:
    return value.low == value.high == 1.0 if isinstance(value, Range) else value == 1.0
