"""Replications of a plan: either engine, any number of threads, the same digits.

Threads, not processes: the compiled loop releases the interpreter's lock, and a replication depends on its own number
only, so neither the number of threads nor their order can show in the results.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

from funnelsim import measures
from funnelsim.engine import fast, reference
from funnelsim.engine.reference.trail import Event, Trail
from funnelsim.plan import Plan
from funnelsim.run_tables import Trace
from funnelsim.summary import Summary

_Taken = TypeVar("_Taken")
_Item = TypeVar("_Item")


class Replications(NamedTuple):
    """What replications gave, in the order asked for."""

    summaries: list[Summary]
    traces: list[Trace] | None


def replicate(
    plan: Plan,
    seed: int,
    replications: Iterable[int],
    engine: str = "fast",
    threads: int | None = None,
    tables: bool = False,
    on_done: Callable[[int], None] | None = None,
) -> Replications:
    """Run the replications; their summaries, and their tables when asked.

    `on_done` is called with the number finished so far. Raises ValueError for an unknown engine.
    """
    replication_ids = list(replications)
    if engine == "reference":
        parts = [_reference(plan, seed, replication_ids, tables, on_done)]
    elif engine == "fast":
        parts = _fast(plan, seed, replication_ids, threads or os.cpu_count() or 1, tables, on_done)
    else:
        raise ValueError(f"engine must be fast or reference, not {engine!r}")
    found = {number: row for part in parts for number, row in part}
    return Replications(
        [found[number][0] for number in replication_ids],
        [_trace(found[number][1]) for number in replication_ids] if tables else None,
    )


class ReplicationBatch(NamedTuple):
    """One plan and the replications wanted of it."""

    plan: Plan
    seed: int
    replication_ids: tuple[int, ...]


def run_batches(
    batches: list[ReplicationBatch],
    engine: str = "fast",
    threads: int | None = None,
    on_done: Callable[[int], None] | None = None,
) -> list[list[Summary]]:
    """Many plans, a few replications each, spread over threads: summaries by job, in the order of its numbers.

    `on_done` is called with the number of jobs finished so far.
    """
    done: list[int] = []

    def work(batch: ReplicationBatch, is_stopped: Callable[[], bool]) -> list[Summary]:
        found = replicate(batch.plan, batch.seed, batch.replication_ids, engine, threads=1).summaries
        done.append(1)
        if on_done is not None:
            on_done(len(done))
        return found

    return in_threads(work, batches, threads or os.cpu_count() or 1)


def replicate_columns(
    plan: Plan, seed: int, replications: Iterable[int], take: Callable[[Any, Any], _Taken], threads: int | None = None
) -> list[_Taken]:
    """What `take` makes of the visits and the attempts of each replication, in the order of the replications.

    The two tables have their rows as they came, in the room of the run: `take` must copy what it keeps. Sorted tables
    are `replicate(tables=True)`; a study that only adds up needs no order, and sorting costs more than simulating.
    """
    replication_ids = list(replications)

    def work(mine: list[int], is_stopped: Callable[[], bool]) -> list[tuple[int, _Taken]]:
        runner, found = fast.Runner(plan, tracing=True), []
        for number in mine:
            if is_stopped():
                break
            runner.run(seed, number)
            found.append((number, take(runner.visits(), runner.attempts())))
        return found

    threads = max(1, min(threads or os.cpu_count() or 1, len(replication_ids)))
    parts = in_threads(work, [replication_ids[i::threads] for i in range(threads)], threads)
    taken = {number: one for part in parts for number, one in part}
    return [taken[number] for number in replication_ids]


def in_threads(
    work: Callable[[_Item, Callable[[], bool]], _Taken], items: Iterable[_Item], threads: int
) -> list[_Taken]:
    """What `work` makes of the items, in their order. Interrupted, it begins nothing more.

    `work` gets the item and a question to ask between replications: is all of it stopped?
    """
    stop = threading.Event()
    pool = ThreadPoolExecutor(threads)
    try:
        return list(pool.map(lambda item: work(item, stop.is_set), items))
    except BaseException:
        stop.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def tell(plan: Plan, seed: int, replication: int, lead: int) -> tuple[Trace, list[Event]]:
    """The tables of a replication by the reference engine, and all that happened to one lead."""
    trail = Trail(lead)
    return reference.run(plan, seed, replication, trail), trail.events


_Part = list[tuple[int, tuple[Summary, Trace | None]]]


def _fast(
    plan: Plan, seed: int, replication_ids: list[int], threads: int, tables: bool, on_done: Callable[[int], None] | None
) -> list[_Part]:
    done: list[int] = []

    def work(mine: list[int], is_stopped: Callable[[], bool] = lambda: False) -> _Part:
        runner, part = fast.Runner(plan, tracing=tables), []
        for number in mine:
            if is_stopped():
                break
            summary = runner.run(seed, number)
            part.append((number, (summary, runner.trace() if tables else None)))
            done.append(number)
            if on_done is not None:
                on_done(len(done))
        return part

    threads = max(1, min(threads, len(replication_ids)))
    if threads == 1:
        return [work(replication_ids)]
    return in_threads(work, [replication_ids[i::threads] for i in range(threads)], threads)


def _reference(
    plan: Plan, seed: int, replication_ids: list[int], tables: bool, on_done: Callable[[int], None] | None
) -> _Part:
    part: _Part = []
    for number in replication_ids:
        trace = reference.run(plan, seed, number)
        part.append((number, (measures.summarise(trace, plan), trace if tables else None)))
        if on_done is not None:
            on_done(len(part))
    return part


def _trace(trace: Trace | None) -> Trace:
    assert trace is not None
    return trace
