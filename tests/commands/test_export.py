"""Tables and event log of funnels with scores, tasks, acceptance and levels: every row, by name."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl

from funnelsim import plan as p
from funnelsim.engine.fast import run
from funnelsim.export import event_log, named_tables
from funnelsim.plan_codes import AttemptEnd, names_of
from funnelsim.run_tables import Trace
from support.plan_generator import generated_plan

SEEDS = range(12)
MECHANISMS = {
    "thresholds",
    "nurture",
    "signals",
    "meetings",
    "objections",
    "acceptance",
    "pursuit",
    "second records",
    "levels",
    "blame",
}


def test_tables_hold_every_row_with_names_and_nulls() -> None:
    for trace, book in map(generated, SEEDS):
        tables = named_tables(trace, book, 3)
        for name in ("visits", "assignments", "attempts", "passages"):
            assert len(tables[name]) == len(getattr(trace, name))
            assert tables[name]["replication"].to_list() == [3] * len(tables[name])
        passages, attempts, assignments = tables["passages"], tables["attempts"], tables["assignments"]
        assert passages["definition"].to_list() == [book.definitions[i] for i in trace.passages.definition]
        assert passages["value"].to_list() == (trace.passages.value / 100.0).tolist()
        assert attempts["task"].null_count() == int((trace.attempts.task < 0).sum())
        assert assignments["accepted"].null_count() == int((trace.assignments.accepted < 0).sum())
        assert assignments["decided"].null_count() == assignments["accepted"].null_count()
        assert tables["visits"]["blame"].drop_nulls().is_in(["poor lead", "poor follow-up"]).all()


def test_tables_of_different_replications_fit_together() -> None:
    """Also when one of them has no passages, and so no names in that column."""
    kinds = {
        (kind, str(frame.drop_nulls("lead").schema))
        for trace, book in map(generated, SEEDS)
        for kind, frame in named_tables(trace, book, 0).items()
        if kind != "levels"
    }
    assert len(kinds) == 4


def test_levels_at_each_midnight_before_the_horizon() -> None:
    for seed in SEEDS:
        trace, book = generated(seed)
        tables = named_tables(trace, book, 0)
        if not book.levels:
            assert "levels" not in tables
            continue
        levels = tables["levels"].filter(pl.col("level") == book.levels[0])
        days = int((midnights(seed)[1:] < generated_plan(seed, MECHANISMS).settings[0].horizon).sum())
        assert levels["value"].to_list()[:days] == trace.levels[:days, 0].tolist()
        assert str(levels["date"][0]) == "2026-01-05" and len(levels) >= days


def test_event_log_has_thresholds_and_tasks_in_order_of_time() -> None:
    seen = {"passages": 0, "tasks": 0}
    for trace, book in map(generated, SEEDS):
        log = event_log(trace, book, 0)
        assert len(log.filter(pl.col("concept:name").is_in(book.definitions))) == len(trace.passages)
        started = trace.attempts[trace.attempts.started >= 0.0]
        names = log.filter(pl.col("result").is_in(names_of(AttemptEnd)))["concept:name"].to_list()
        assert len(names) == len(started)
        tasks = [name for name in names if not name.endswith(": attempt")]
        assert len(tasks) == int((started.task >= 0).sum())
        for _, events in log.group_by("case:concept:name"):
            assert events["start_timestamp"].is_sorted()
        seen["passages"] += len(trace.passages)
        seen["tasks"] += len(tasks)
    assert min(seen.values()) > 100


@cache
def generated(seed: int) -> tuple[Trace, p.Labels]:
    plan = generated_plan(seed, MECHANISMS)
    names = {
        "sources": len(plan.sources),
        "segments": int(plan.settings[0].segments),
        "stages": len(plan.stages),
        "teams": len(plan.teams),
        "definitions": len(plan.definitions),
        "levels": len(plan.levels),
    }
    book = p.Labels(
        start="2026-01-05T00:00:00+00:00",
        timezone="UTC",
        currency="EUR",
        won=-1,
        team_costs=(),
        costs=(),
        volume_promises=(),
        tasks=tuple(f"stages {i // 3}.task {i}" for i in range(len(plan.tasks))),
        **{kind: tuple(f"{kind} {i}" for i in range(number)) for kind, number in names.items()},
    )
    return run(plan, 1, seed)[0], book


def midnights(seed: int) -> np.ndarray:
    plan = generated_plan(seed, MECHANISMS)
    settings = plan.settings[0]
    return plan.instants[settings.days_first : settings.days_first + settings.days_count]
