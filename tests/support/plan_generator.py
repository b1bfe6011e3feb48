"""Generated plans: small funnels full of ties, closed calendars and broken promises, straight from random numbers.

The engines must agree on all of them, so a plan here may be odd, but never outside what `compile` could produce.
A funnel here has stages, teams and promises; what else a plan may hold are mechanisms, which are put in one by one
(`mechanisms`), each from random numbers of its own. So a plan with one of them alone has the same one as the plan with
all, and engines that disagree can be bisected: `generated_plan(seed, only={"nurture"})`.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import numpy as np

from funnelsim import plan as p
from funnelsim.engine.rng import make_table, on_grid, path_hash
from funnelsim.plan_codes import ExitTarget, QueueLayout, TermKind
from support.off_defaults import (
    OFF_DEFINITION,
    OFF_PROMISE,
    OFF_SOURCE,
    OFF_SOURCE_SEGMENT,
    OFF_STAGE,
    OFF_STAGE_TEAM,
    OFF_TEAM,
)
from support.plan_generator_mechanisms import MECHANISMS, PLAIN_INPUTS, Row

HOUR, DAY = p.HOUR, p.DAY


class Builder:
    """Collects rows; each method appends some and returns where they are.

    Rows that belong to a stage, a duty or a promise stay with it (`signal_rows`, `promise_rows`, ...) until `laid_out`.
    """

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.ties = self.rng.random() < 0.5  # every time a multiple of an hour: ties all over
        self.points: list[tuple[float, float]] = []
        self.exits: list[Row] = []
        self.steps: list[Row] = []
        self.intervals: list[Row] = []
        self.instants: list[float] = []
        self.tables: list[np.ndarray] = []
        self.same_tables: dict[tuple[Any, ...], int] = {}
        self.nurtures: list[Row] = []
        self.scores: list[Row] = []
        self.levels: list[Row] = []
        self.stages = int(self.rng.integers(1, 6))
        self.teams = int(self.rng.integers(1, 4))
        self.weeks = int(self.rng.integers(1, 4))
        self.horizon = self.weeks * p.WEEK - float(self.rng.choice([0.0, 8 * HOUR]))
        self.team_rows = self._team_rows(self.horizon)
        self.stage_rows = self._stage_rows(self.horizon)
        self.stage_team_rows = self._stage_team_rows(self.horizon)
        self.source_rows = self._source_rows(self.weeks)
        self.segments = int(self.rng.integers(1, 3))
        self.source_segment_rows = self._source_segment_rows(len(self.source_rows), self.segments)
        self.initial_lead_rows = self._initial_lead_rows(len(self.source_rows))
        self.definitions: list[Row] = [OFF_DEFINITION | {"stage": stage} for stage in range(self.stages)]
        self.midnights = [day * DAY for day in range(int(self.horizon / DAY) + 2)]
        self.settings: Row = {
            "horizon": self.horizon,
            "measure_from": 0.0 if self.chance(0.5) else DAY,
            "measure_to": 5 * DAY,
            "weeks": self.weeks,
            "segments": self.segments,
            "cycles": int(self.rng.choice([-1, 0, 1, 3])),
            "weekday": 0,
            "good": -math.inf,
            "late": math.inf,
        }

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
            steps.append((on_grid(self.rng.uniform(0, until)), self.rng.uniform(low, high)))
        return self.run(*steps)

    def length(self, mean_hours: float) -> float:
        if self.ties:
            return float(self.rng.integers(0, max(2, int(2 * mean_hours)))) * HOUR
        return on_grid(self.rng.exponential(mean_hours) * HOUR)

    def table(self, mean_hours: float, never: float = 0.0) -> int:
        """A law of times: a constant number of hours, a few round hours, or exponential."""
        kind = int(self.rng.integers(3))
        law = ("exponential" if not self.ties else "constant" if kind < 2 else "round hours", mean_hours, never)
        if law not in self.same_tables:
            self.tables.append(law_of_times(*law))
            self.same_tables[law] = len(self.tables) - 1
        return self.same_tables[law]

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
                "pace": self.maybe(0.7, 30, 0.1 if self.chance(0.1) else 0.0)
                if paced and to != ExitTarget.SILENT
                else -1,
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

    def _team_rows(self, horizon: float) -> list[Row]:
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
                OFF_TEAM
                | {
                    "side": int(team > 0),
                    "people": most,
                    "order": int(self.rng.integers(3)),
                    "interval_first": first,
                    "interval_count": len(self.intervals) - first,
                    "stretch": [(0.0, 1.0 if self.ties else float(self.rng.uniform(1, 1.5)))],
                    "resume": int(self.chance(0.3)),
                    "habit": self.maybe(0.5, 10, float(self.rng.choice([0, 0.3]))),
                    "stream": path_hash(f"teams/{team}"),
                }
            )
        return rows

    def _stage_rows(self, horizon: float) -> list[Row]:
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
            effects = self._effect_rows(horizon) if not end and self.chance(0.7) else []
            rows.append(
                OFF_STAGE
                | {
                    "stream": path_hash(f"stages/{stage}"),
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
                    "base": 0.5,
                    "base_of_entered": 0,
                    "effects": effects,
                    "signals": [],
                    "tasks": [],
                }
            )
        return rows

    def step(self) -> Row:
        chances = self.rng.choice([0.0, 0.2, 0.5, 0.8, 1.0], size=self.rng.integers(1, 4))
        contact = self.run(*((float(k), float(chance)) for k, chance in enumerate(chances)))
        on = sorted(self.rng.choice(8, size=3, replace=False))
        days = self.run(*((float(k), float(day) * DAY) for k, day in enumerate(on)))
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
            "preparation": -1,
        }

    def _effect_rows(self, horizon: float) -> list[Row]:
        rows = []
        for kind in PLAIN_INPUTS:
            if self.chance(0.5):
                rows.append(self.effect(kind, -1, self.number(-1.0, 1.0, horizon)))
                rows[-1]["target"] = int(self.rng.integers(2))
        return rows

    def effect(self, kind: int, target: int, size: tuple[int, int]) -> Row:
        curve = self.run((math.log(60.0), 0.0), (math.log(3600.0), -0.7), (math.log(DAY), -2.0))
        return {
            "input": kind,
            "target": target,
            "size_first": size[0],
            "size_count": size[1],
            "curve_first": curve[0],
            "curve_count": curve[1],
            "team": -1,
            "of": -1,
        }

    def _stage_team_rows(self, horizon: float) -> list[list[Row]]:
        stage_teams = []
        for stage in range(self.stages):
            worked = self.is_worked(stage)
            owned = worked or self.chance(0.7)
            cut = (
                np.cumsum(self.shares(self.teams))
                if self.chance(0.5)
                else np.cumsum(np.eye(self.teams)[self.rng.integers(self.teams)])
            )
            cut[-1] = 1.0
            shares = [float(share) if owned else 0.0 for share in cut]
            stage_teams.append([self._duty(worked, share, horizon) for share in shares])
        return stage_teams

    def is_worked(self, stage: int) -> bool:
        return bool(self.stage_rows[stage]["step_count"] > 0)

    def _duty(self, worked: bool, share: float, horizon: float) -> Row:
        routing, delay = int(self.rng.integers(3)), self.table(5)
        batch, context = self.batches(horizon), self.number(0.3, 1.0, horizon)
        return OFF_STAGE_TEAM | {
            "share": share,
            "routing": routing,
            "delay": delay,
            "batch_first": batch[0],
            "batch_count": batch[1],
            "context_first": context[0],
            "context_count": context[1],
            "promises": [self.promise(horizon)] if worked and self.chance(0.8) else [],
        }

    def batches(self, horizon: float) -> tuple[int, int]:
        first = len(self.instants)
        self.instants += [day * DAY + 8 * HOUR for day in range(int(horizon / DAY)) if day % 7 < 5]
        return first, len(self.instants) - first

    def promise(self, horizon: float, mean_hours: float = 12) -> Row:
        adherence = self.number(0.2, 1.0, horizon)
        row = OFF_PROMISE | {
            "adherence_first": adherence[0],
            "adherence_count": adherence[1],
            "attempts": int(self.rng.integers(0, 6)),
        }
        row["terms"] = [
            self.term(kind, mean_hours) for kind in (TermKind.FIRST_TOUCH, TermKind.ATTEMPTS) if self.chance(0.8)
        ]
        return row

    def term(self, kind: int, mean_hours: float) -> Row:
        actions = [self.action() for _ in range(int(self.rng.integers(0, 5)))]
        return {
            "kind": int(kind),
            "length": self.length(mean_hours),
            "business": int(self.chance(0.5)),
            "start": int(self.rng.integers(3)),
            "count": int(self.rng.integers(1, 5)),
            "actions": actions,
        }

    def action(self) -> Row:
        self.exit(int(self.rng.choice([-2, -1, *range(self.stages)])), 1.0, self.stages, paced=False)
        return {
            "kind": int(self.rng.integers(4)),
            "fraction": float(self.rng.choice([0, 0.5, 0.8, 1, 1, 1.5, 2])),
            "heeded": float(self.rng.choice([0, 0.5])),
            "to": int(self.rng.integers(self.teams)),
            "limit": int(self.rng.integers(1, 3)),
            "exit": len(self.exits) - 1,
        }

    def _source_rows(self, weeks: int) -> list[Row]:
        rows = []
        for source in range(int(self.rng.integers(1, 4))):
            first = len(self.exits)
            targets = self.rng.choice(self.stages, size=self.rng.integers(1, self.stages + 1), replace=False)
            for to, share in zip(targets, self.shares(len(targets)), strict=True):
                self.exit(int(to), float(share), -1, paced=False)
            batch = int(self.rng.integers(1, 15)) if self.ties or self.chance(0.3) else 0
            rate = self.number(1, 40, weeks * p.WEEK) if self.chance(0.8) else (0, 0)
            rows.append(
                OFF_SOURCE
                | {
                    "stream": path_hash(f"sources/{source}"),
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
        row = make_table(lambda u: 0.5 + u, lambda u: 1.5 - u)
        self.tables.append(row)
        return len(self.tables) - 1

    def _source_segment_rows(self, sources: int, segments: int) -> list[Row]:
        rows = []
        for _ in range(sources):
            cut = np.cumsum(self.shares(segments))
            for segment in range(segments):
                rows.append(
                    OFF_SOURCE_SEGMENT
                    | {
                        "share": float(cut[segment]),
                        "fit": self.level() if self.chance(0.5) else -1,
                        "fit_shift": float(self.rng.choice([-1.0, 0.0, 1.0])),
                        "reachable": float(self.rng.choice([0.5, 1.0])),
                        "value": self.table(1) if self.chance(0.7) else -1,
                    }
                )
        return rows

    def _initial_lead_rows(self, sources: int) -> list[Row]:
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
                "worked": int(self.rng.integers(-1, self.stages)),
                "context": float(self.rng.choice([1.0, 0.4])),
                "value": float(self.rng.choice([-1.0, 12345.0])),
            }
            for i in range(int(self.rng.integers(0, 12)))
        ]

    # ---- the plan ---------------------------------------------------------------------------------------------------

    def laid_out(self) -> p.Plan:
        """Every row that stayed with its stage, duty or promise goes into its table."""
        effects = _pull(self.stage_rows, "effects", "effect")
        signals = _pull(self.stage_rows, "signals", "signal")
        tasks = _pull(self.stage_rows, "tasks", "task")
        for team in self.team_rows:
            team["stretch_first"], team["stretch_count"] = self.run(*team.pop("stretch"))
        lanes = [
            {QueueLayout.POOLED: 1, QueueLayout.PERSONAL: team["people"], QueueLayout.BUDGETED: 4}[team["lanes"]]
            for team in self.team_rows
        ]
        for team, first, count in zip(self.team_rows, np.cumsum([0, *lanes]), lanes, strict=False):
            team["lane_first"], team["lane_count"] = int(first), count
        stage_teams = [stage_team for of_stage in self.stage_team_rows for stage_team in of_stage]
        promises = _pull(stage_teams, "promises", "promise")
        terms = _pull(promises, "terms", "term")
        actions = _pull(terms, "actions", "action")
        self.settings["days_first"], self.settings["days_count"] = len(self.instants), len(self.midnights)
        self.instants += self.midnights
        return p.Plan(
            settings=p.record_from_dicts(p.SETTINGS, [self.settings]),
            sources=p.record_from_dicts(p.SOURCE, self.source_rows),
            source_segments=p.record_from_dicts(p.SOURCE_SEGMENT, self.source_segment_rows),
            stages=p.record_from_dicts(p.STAGE, self.stage_rows),
            exits=p.record_from_dicts(p.EXIT, self.exits),
            steps=p.record_from_dicts(p.STEP, self.steps),
            tasks=p.record_from_dicts(p.TASK, tasks),
            signals=p.record_from_dicts(p.SIGNAL, signals),
            nurtures=p.record_from_dicts(p.NURTURE, self.nurtures),
            scores=p.record_from_dicts(p.SCORE, self.scores),
            levels=p.record_from_dicts(p.LEVEL, self.levels),
            effects=p.record_from_dicts(p.EFFECT, effects),
            points=p.record_from_dicts(p.POINT, [{"x": x, "y": y} for x, y in self.points]),
            teams=p.record_from_dicts(p.TEAM, self.team_rows),
            intervals=p.record_from_dicts(p.INTERVAL, self.intervals),
            stage_teams=p.record_from_dicts(p.STAGE_TEAM, stage_teams).reshape(self.stages, self.teams),
            promises=p.record_from_dicts(p.PROMISE, promises),
            terms=p.record_from_dicts(p.TERM, terms),
            actions=p.record_from_dicts(p.BREACH_ACTION, actions),
            definitions=p.record_from_dicts(p.DEFINITION, self.definitions),
            initial_leads=p.record_from_dicts(p.INITIAL_LEAD, self.initial_lead_rows),
            instants=np.array(self.instants),
            tables=np.stack(self.tables),
        )


def generated_plan(seed: int, only: Collection[str] | None = None) -> p.Plan:
    """A random plan of one to three weeks; with `only` these mechanisms and no others, else a random few or many.

    Raises KeyError for a mechanism that does not exist.
    """
    builder = Builder(seed)
    for name in mechanisms(seed) if only is None else sorted(only, key=list(MECHANISMS).index):
        builder.rng = np.random.default_rng([seed, path_hash(name)])
        MECHANISMS[name](builder)
    return builder.laid_out()


def mechanisms(seed: int) -> list[str]:
    """Those that the plan of a seed has."""
    rng = np.random.default_rng([seed, path_hash("mechanisms")])
    share = rng.choice([0.2, 0.5, 0.85])
    return [name for name in MECHANISMS if rng.random() < share]


def law_of_times(kind: str, mean_hours: float, never: float) -> np.ndarray:
    if kind == "constant":
        value = max(1.0, round(mean_hours)) * HOUR
        return make_table(lambda u: np.full_like(u, value), lambda u: np.full_like(u, value), never)
    if kind == "round hours":
        return make_table(
            lambda u: np.round(1 + 2 * mean_hours * u) * HOUR,
            lambda u: np.round(1 + 2 * mean_hours * (1 - u)) * HOUR,
            never,
        )
    mean = mean_hours * HOUR
    return make_table(lambda u: -mean * np.log1p(-u), lambda u: -mean * np.log(u), never)


def _pull(owners: list[Row], kind: str, prefix: str) -> list[Row]:
    """Rows out of their owners into one table; the owners get the run."""
    table: list[Row] = []
    for owner in owners:
        rows = owner.pop(kind)
        owner[f"{prefix}_first"], owner[f"{prefix}_count"] = len(table), len(rows)
        table += rows
    return table
