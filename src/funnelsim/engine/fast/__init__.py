"""The fast engine, compiled by numba: the same visits, assignments and attempts as the reference, bit for bit.

The same modules hold the same steps as in the reference. Besides: `loop` is the event loop, `event_heap` its future
events, `arrivals` the leads of a week; `counting` the Summary, `rows` the tables, `state` all that changes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine import rng
from funnelsim.engine.fast import loop
from funnelsim.engine.fast.counting import add_up, new_counts
from funnelsim.engine.fast.state import Counter, RunStatus, State, check_grid, grow, new_state, reset
from funnelsim.plan import Plan
from funnelsim.run_tables import Trace
from funnelsim.summary import Summary, day_columns, new_summary


class Runner:
    """Runs replications of one plan one after another, re-using its room. One a thread."""

    def __init__(self, plan: Plan, tracing: bool = False) -> None:
        check_grid(plan)
        self.plan = plan
        self.state = new_state(plan, tracing)
        self.levels = np.zeros((int(plan.settings[0].days_count), len(plan.levels)))

    def run(self, seed: int, replication: int) -> Summary:
        """One replication; its summary. `trace` has the tables afterwards, when tracing."""
        reset(self.plan, self.state)
        out = new_summary(self.plan)
        counts = new_counts(self.plan, out)
        key = np.uint64(rng.replication_key(np.uint64(seed), np.int64(replication)))
        full = loop.run(self.plan, self.state, counts, key)
        while full != RunStatus.DONE:
            self.state = grow(self.state, full)
            full = loop.run(self.plan, self.state, counts, key)
        self.state = _room_for_open(self.state)
        loop.finish(self.plan, self.state, counts)
        add_up(counts, out)
        self.levels = out.days[:, day_columns(self.plan).level :]
        return out

    def visits(self) -> Any:
        """The visits of the last replication, as they came; the next one writes over them."""
        return self.state.visits[: self.state.counters[Counter.VISITS]]

    def attempts(self) -> Any:
        """The attempts of the last replication, likewise."""
        return self.state.attempts[: self.state.counters[Counter.ATTEMPTS]]

    def trace(self) -> Trace:
        """The tables of the last replication."""
        s = self.state
        return Trace.of(
            s.visits[: s.counters[Counter.VISITS]],
            s.assignments[: s.counters[Counter.ASSIGNMENTS]],
            s.attempts[: s.counters[Counter.ATTEMPTS]],
            s.passages[: s.counters[Counter.PASSAGES]],
            self.levels.copy(),
        )


def run(plan: Plan, seed: int, replication: int) -> tuple[Trace, Summary]:
    """One replication with its tables."""
    runner = Runner(plan, tracing=True)
    summary = runner.run(seed, replication)
    return runner.trace(), summary


def _room_for_open(state: State) -> State:
    """Room for one more row a lead in flight in each table."""
    if not len(state.visits):
        return state
    in_flight = len(state.free) - state.counters[Counter.FREE_SLOTS]
    needs: list[tuple[Any, str, Any]] = [
        (RunStatus.VISITS_FULL, "visits", Counter.VISITS),
        (RunStatus.ASSIGNMENTS_FULL, "assignments", Counter.ASSIGNMENTS),
        (RunStatus.ATTEMPTS_FULL, "attempts", Counter.ATTEMPTS),
    ]
    for full, name, counter in needs:
        while state.counters[counter] + in_flight > len(getattr(state, name)):
            state = grow(state, full)
    return state
