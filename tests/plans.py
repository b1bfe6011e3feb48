"""Generated plans: small funnels full of ties, closed calendars and broken promises, straight from random numbers.

The engines must agree on all of them, so a plan here may be odd, but never outside what `compile` could produce.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from funnelsim import plan as p
from funnelsim.engine import streams

HOUR, DAY = p.HOUR, p.DAY


class Builder:
    """Collects rows; each method appends some and returns where they are."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.ties = self.rng.random() < 0.5  # every time a multiple of an hour: ties all over
        self.points: list[tuple[float, float]] = []
        self.exits: list[dict[str, Any]] = []
        self.steps: list[dict[str, Any]] = []
        self.effects: list[dict[str, Any]] = []
        self.terms: list[dict[str, Any]] = []
        self.actions: list[dict[str, Any]] = []
        self.intervals: list[dict[str, Any]] = []
        self.instants: list[float] = []
        self.tables: list[np.ndarray] = []
        self.stages = int(self.rng.integers(1, 6))
        self.teams = int(self.rng.integers(1, 4))

    # ---- pieces -----------------------------------------------------------------------------------------------------

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def run(self, *points: tuple[float, float]) -> tuple[int, int]:
        self.points += points
        return len(self.points) - len(points), len(points)

    def number(self, low: float, high: float, until: float) -> tuple[int, int]:
        """A number, sometimes one that changes over time."""
        steps = [(0.0, self.rng.uniform(low, high))]
        if self.chance(0.3):
            steps.append((streams.on_grid(self.rng.uniform(0, until)), self.rng.uniform(low, high)))
        return self.run(*steps)

    def length(self, mean_hours: float) -> float:
        if self.ties:
            return float(self.rng.integers(0, max(2, int(2 * mean_hours)))) * HOUR
        return streams.on_grid(self.rng.exponential(mean_hours) * HOUR)

    def table(self, mean_hours: float, never: float = 0.0) -> int:
        """A law of times: a constant number of hours, a few round hours, or exponential."""
        kind = self.rng.integers(3)
        if self.ties and kind < 2:
            value = max(1.0, round(mean_hours)) * HOUR
            row = streams.make_table(lambda u: np.full_like(u, value), lambda u: np.full_like(u, value), never)
        elif self.ties:
            row = streams.make_table(
                lambda u: np.round(1 + 2 * mean_hours * u) * HOUR,
                lambda u: np.round(1 + 2 * mean_hours * (1 - u)) * HOUR,
                never,
            )
        else:
            mean = mean_hours * HOUR
            row = streams.make_table(lambda u: -mean * np.log1p(-u), lambda u: -mean * np.log(u), never)
        self.tables.append(row)
        return len(self.tables) - 1

    def maybe(self, probability: float, mean_hours: float, never: float = 0.0) -> int:
        return self.table(mean_hours, never) if self.chance(probability) else -1

    def shares(self, n: int) -> np.ndarray:
        raw = self.rng.random(n) + 0.05
        return raw / raw.sum()

    def exit(self, to: int, share: float, stage: int, paced: bool) -> None:
        self.exits.append(
            {
                "to": to,
                "share": share,
                "pace": self.maybe(0.7, 30, 0.1 if self.chance(0.1) else 0.0) if paced and to != p.SILENT else -1,
                # a way back takes time, or a lead could go round for ever at one instant
                "cool": self.maybe(1.0 if to <= stage else 0.3, 40) if to >= 0 else -1,
                "backward": int(0 <= to <= stage),
            }
        )

    def leaving(self, stage: int) -> tuple[int, int]:
        """Exits of the unreached or the cold."""
        first = len(self.exits)
        targets = self.rng.choice([-2, -1, *range(self.stages)], size=self.rng.integers(1, 4), replace=True)
        for to, share in zip(targets, self.shares(len(targets)), strict=True):
            self.exit(int(to), float(share), stage, paced=False)
        return first, len(targets)

    # ---- tables of the plan -----------------------------------------------------------------------------------------

    def team_rows(self, horizon: float) -> list[dict[str, Any]]:
        rows = []
        for team in range(self.teams):
            first, before = len(self.intervals), 0.0
            people = int(self.rng.integers(1, 4))
            most = people
            if self.chance(0.25):
                self.intervals.append({"opens": 0.0, "closes": math.inf, "capacity": people, "before": 0.0})
            else:
                for day in range(int(horizon / DAY) + 3):
                    if day % 7 >= 5 or self.chance(0.1):
                        continue
                    for opens, closes in ((8, 12), (12 if self.chance(0.5) else 13, 17)):
                        capacity = int(self.rng.integers(0, 3)) if self.chance(0.1) else people
                        most = max(most, capacity)
                        self.intervals.append(
                            {
                                "opens": day * DAY + opens * HOUR,
                                "closes": day * DAY + closes * HOUR,
                                "capacity": capacity,
                                "before": before,
                            }
                        )
                        before += (closes - opens) * HOUR
            rows.append(
                {
                    "side": int(team > 0),
                    "people": most,
                    "order": int(self.rng.integers(3)),
                    "interval_first": first,
                    "interval_count": len(self.intervals) - first,
                    "stretch": 1.0 if self.ties else float(self.rng.uniform(1, 1.5)),
                    "resume": int(self.chance(0.3)),
                    "habit": self.maybe(0.5, 10, float(self.rng.choice([0, 0.3]))),
                }
            )
        return rows

    def stage_rows(self, horizon: float) -> list[dict[str, Any]]:
        rows = []
        for stage in range(self.stages):
            worked = self.chance(0.75)
            end = stage == self.stages - 1 and self.chance(0.6)
            step_first = len(self.steps)
            if worked:
                for _ in range(int(self.rng.integers(1, 3))):
                    self.steps.append(self.step())
            next_first, forward = len(self.exits), 0
            if not end:
                ahead = [to for to in range(stage + 1, self.stages) if self.chance(0.6)]
                others = [int(to) for to in self.rng.choice([-2, -1, *range(stage + 1)], size=self.rng.integers(1, 4))]
                forward = len(ahead)
                for group in (ahead, others):
                    for to, share in zip(group, self.shares(len(group)), strict=True):
                        self.exit(to, float(share), stage, paced=True)
            next_count = len(self.exits) - next_first
            unreached, cold = self.leaving(stage), self.leaving(stage)
            effect_first = len(self.effects)
            if not end and self.chance(0.7):
                self.effect_rows(horizon)
            rows.append(
                {
                    "luck": streams.path_hash(f"stages/{stage}"),
                    "step_first": step_first,
                    "step_count": len(self.steps) - step_first,
                    "patience": self.maybe(0.5, 60, 0.0),
                    "next_first": next_first,
                    "next_count": next_count,
                    "next_forward": forward,
                    "unreached_first": unreached[0],
                    "unreached_count": unreached[1],
                    "cold_first": cold[0],
                    "cold_count": cold[1],
                    "intercept": float(self.rng.choice([-math.inf, math.inf, *self.rng.normal(0.5, 1, 6)]))
                    if forward
                    else -math.inf,
                    "contact_intercept": float(self.rng.normal(0, 0.3)),
                    "effect_first": effect_first,
                    "effect_count": len(self.effects) - effect_first,
                    "base": 0.5,
                    "base_of_entered": 0,
                }
            )
        return rows

    def step(self) -> dict[str, Any]:
        contact = self.run(
            *[
                (float(k), float(c))
                for k, c in enumerate(self.rng.choice([0.0, 0.2, 0.5, 0.8, 1.0], size=self.rng.integers(1, 4)))
            ]
        )
        days = self.run(
            *[(float(k), float(d) * DAY) for k, d in enumerate(sorted(self.rng.choice(8, size=3, replace=False)))]
        )
        return {
            "team": int(self.rng.integers(self.teams)) if self.chance(0.3) else -1,
            "attempts": int(self.rng.integers(1, 4)),
            "handling": self.maybe(0.9, 2),
            "conversation": self.maybe(0.5, 2),
            "spacing_kind": int(self.rng.integers(3)),
            "spacing": self.length(8),
            "days_first": days[0],
            "days_count": days[1],
            "contact_first": contact[0],
            "contact_count": contact[1],
            "contactable": int(self.chance(0.5)),
        }

    def effect_rows(self, horizon: float) -> None:
        for kind in range(6):
            if self.chance(0.5):
                size = self.number(-1.0, 1.0, horizon)
                curve = self.run((math.log(60.0), 0.0), (math.log(3600.0), -0.7), (math.log(DAY), -2.0))
                self.effects.append(
                    {
                        "input": kind,
                        "target": int(self.rng.integers(2)),
                        "size_first": size[0],
                        "size_count": size[1],
                        "curve_first": curve[0],
                        "curve_count": curve[1],
                    }
                )

    def duty_rows(self, stages: list[dict[str, Any]], teams: list[dict[str, Any]], horizon: float) -> Any:
        duties = p.records(p.DUTY, self.stages, self.teams)
        for stage in range(self.stages):
            owned = stages[stage]["step_count"] > 0 or self.chance(0.7)
            cut = (
                np.cumsum(self.shares(self.teams))
                if self.chance(0.5)
                else np.cumsum(np.eye(self.teams)[self.rng.integers(self.teams)])
            )
            cut[-1] = 1.0
            for team in range(self.teams):
                duty = duties[stage, team]
                duty.share = cut[team] if owned else 0.0
                duty.routing = self.rng.integers(3)
                duty.delay = self.table(5)
                duty.batch_first, duty.batch_count = self.batches(horizon)
                duty.context_first, duty.context_count = self.number(0.3, 1.0, horizon)
                if stages[stage]["step_count"] > 0 and self.chance(0.8):
                    self.promise(duty, team, stages[stage], horizon)
        return duties

    def batches(self, horizon: float) -> tuple[int, int]:
        first = len(self.instants)
        self.instants += [day * DAY + 8 * HOUR for day in range(int(horizon / DAY)) if day % 7 < 5]
        return first, len(self.instants) - first

    def promise(self, duty: Any, team: int, stage: dict[str, Any], horizon: float) -> None:
        duty.kept_first, duty.kept_count = self.number(0.2, 1.0, horizon)
        duty.attempts = self.rng.integers(0, 6)
        duty.term_first = len(self.terms)
        for kind in (0, 1):
            if self.chance(0.8):
                actions = len(self.actions)
                for _ in range(int(self.rng.integers(0, 5))):
                    self.exit(int(self.rng.choice([-2, -1, *range(self.stages)])), 1.0, self.stages, paced=False)
                    self.actions.append(
                        {
                            "kind": int(self.rng.integers(4)),
                            "fraction": float(self.rng.choice([0, 0.5, 0.8, 1, 1, 1.5, 2])),
                            "heeded": float(self.rng.choice([0, 0.5])),
                            "to": int(self.rng.integers(self.teams)),
                            "limit": int(self.rng.integers(1, 3)),
                            "exit": len(self.exits) - 1,
                        }
                    )
                self.terms.append(
                    {
                        "kind": kind,
                        "length": self.length(12),
                        "business": int(self.chance(0.5)),
                        "start": int(self.rng.integers(3)),
                        "count": int(self.rng.integers(1, 5)),
                        "action_first": actions,
                        "action_count": len(self.actions) - actions,
                    }
                )
        duty.term_count = len(self.terms) - duty.term_first

    def source_rows(self, weeks: int) -> list[dict[str, Any]]:
        rows = []
        for source in range(int(self.rng.integers(1, 4))):
            first = len(self.exits)
            targets = self.rng.choice(self.stages, size=self.rng.integers(1, self.stages + 1), replace=False)
            for to, share in zip(targets, self.shares(len(targets)), strict=True):
                self.exit(int(to), float(share), -1, paced=False)
            batch = int(self.rng.integers(1, 15)) if self.ties or self.chance(0.3) else 0
            rate = self.number(1, 40, weeks * p.WEEK) if self.chance(0.8) else (0, 0)
            rows.append(
                {
                    "luck": streams.path_hash(f"sources/{source}"),
                    "rate_first": rate[0],
                    "rate_count": rate[1],
                    "profile": self.profile(weeks) if self.chance(0.5) else -1,
                    "level": self.level() if self.chance(0.4) else -1,
                    "batch": batch,
                    "batch_at": float(self.rng.integers(0, 72)) * HOUR,
                    "first": 0.0,
                    "last": math.inf if self.chance(0.7) else 5 * DAY,
                    "entry_first": first,
                    "entry_count": len(targets),
                    "cost": 10.0,
                }
            )
        return rows

    def profile(self, weeks: int) -> int:
        first = len(self.points)
        for _ in range(weeks):
            cumulative = np.concatenate(([0.0], np.cumsum(self.shares(168) * (self.rng.random(168) < 0.5))))
            mass = float(self.rng.uniform(0.9, 1.1))
            self.points += [(mass, float(c / cumulative[-1])) for c in cumulative]
        return first

    def level(self) -> int:
        row = streams.make_table(lambda u: 0.5 + u, lambda u: 1.5 - u)
        self.tables.append(row)
        return len(self.tables) - 1

    def mix_rows(self, sources: int, segments: int) -> list[dict[str, Any]]:
        rows = []
        for _ in range(sources):
            cut = np.cumsum(self.shares(segments))
            for segment in range(segments):
                rows.append(
                    {
                        "share": float(cut[segment]),
                        "fit": self.level() if self.chance(0.5) else -1,
                        "fit_shift": float(self.rng.choice([-1.0, 0.0, 1.0])),
                        "reachable": float(self.rng.choice([0.5, 1.0])),
                        "value": self.table(1) if self.chance(0.7) else -1,
                    }
                )
        return rows

    def inflight_rows(self, sources: int, stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {
                "id": i,
                "source": int(self.rng.integers(sources)),
                "segment": int(self.rng.integers(-1, 1)),
                "stage": int(self.rng.integers(self.stages)),
                "age": self.length(40),
                "number": int(self.rng.integers(1, 3)),
                "team": int(self.rng.integers(self.teams)),
                "attempts": int(self.rng.integers(0, 3)),
                "reached": int(self.chance(0.3)),
                "worked": int(self.rng.integers(-1, self.stages)), "context": float(self.rng.choice([1.0, 0.4])),
                "value": float(self.rng.choice([-1.0, 12345.0])),
            }
            for i in range(int(self.rng.integers(0, 12)))
        ]


def generated_plan(seed: int) -> p.Plan:
    """A random plan of one to three weeks."""
    b = Builder(seed)
    weeks = int(b.rng.integers(1, 4))
    horizon = weeks * p.WEEK - float(b.rng.choice([0.0, 8 * HOUR]))
    teams = b.team_rows(horizon)
    stages = b.stage_rows(horizon)
    duties = b.duty_rows(stages, teams, horizon)
    sources = b.source_rows(weeks)
    segments = int(b.rng.integers(1, 3))
    mixes = b.mix_rows(len(sources), segments)
    inflight = b.inflight_rows(len(sources), stages)
    days = len(b.instants)
    b.instants += [day * DAY for day in range(int(horizon / DAY) + 2)]
    settings = {
        "horizon": horizon,
        "measure_from": 0.0 if b.chance(0.5) else DAY,
        "measure_to": 5 * DAY,
        "weeks": weeks,
        "segments": segments,
        "cycles": int(b.rng.choice([-1, 0, 1, 3])),
        "days_first": days,
        "days_count": len(b.instants) - days,
    }
    for rows in (b.points, b.exits, b.tables):
        assert rows
    return p.Plan(
        p.from_rows(p.SETTINGS, [settings]),
        p.from_rows(p.SOURCE, sources),
        p.from_rows(p.MIX, mixes),
        p.from_rows(p.STAGE, stages),
        p.from_rows(p.EXIT, b.exits),
        p.from_rows(p.STEP, b.steps),
        p.from_rows(p.EFFECT, b.effects),
        p.from_rows(p.POINT, [{"x": x, "y": y} for x, y in b.points]),
        p.from_rows(p.TEAM, teams),
        p.from_rows(p.INTERVAL, b.intervals),
        duties,
        p.from_rows(p.TERM, b.terms),
        p.from_rows(p.ACTION_ROW, b.actions),
        p.from_rows(p.DEFINITION, [{"stage": s} for s in range(b.stages)]),
        p.from_rows(p.INFLIGHT, inflight),
        np.array(b.instants),
        np.stack(b.tables),
    )
