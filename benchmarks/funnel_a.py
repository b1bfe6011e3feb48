"""The speed yardstick: one model in idiomatic SimPy and in the fast engine, side by side in one run.

The SimPy peer is what a competent modeller writes in an afternoon: a process a lead, simpy.Resource,
`request | timeout` for patience, random.Random. It draws without keys, keeps no tables and counts with plain
variables, all of which favours it.

Run: python benchmarks/funnel_a.py [--rounds 7] [--replications 20]. CPU time of one thread, least of the rounds, the
two interleaved so that a busy machine hurts both.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
import simpy

from funnelsim.compile import compile_scenario
from funnelsim.engine.fast import Runner
from funnelsim.engine.fast.state import Counter
from funnelsim.scenario import load
from funnelsim.summary import CALENDAR, Summary

SCENARIO = Path(__file__).parents[1] / "scenarios" / "funnel-a.yaml"
DAYS, LEADS_A_DAY, DAY = 180.0, 20_000 / 180.0, 86_400.0
PEOPLE = (6, 8, 10, 4)
WORK_MEANS = (0.0367, 0.0717, 0.199, 0.149)  # days, lognormal, coefficient of variation 1
FORWARD = (0.55, 0.45, 0.50, 0.40)
RECYCLED, BACK_TO, NURTURE = (0.15, 0.15, 0.10, 0.0), (0, 1, 1, 0), (5.0, 7.0, 10.0, 1.0)
PATIENCE, RESPONSE_WITHIN, RESPONSE = 0.25, 0.02, 1  # days; the stage that is answered
SPREAD = math.sqrt(math.log(2.0))
WORK_LOGS = tuple(math.log(mean) - SPREAD * SPREAD / 2.0 for mean in WORK_MEANS)
# Means of one replication over 4,000 replications of other programs (C++ and SimPy).
KNOWN = {"won": 1364.8, "lost": 17884.0, "gone cold": 500.6, "answered in time": 0.8276}


def peer(seed: int) -> dict[str, float]:
    """One replication in SimPy."""
    rng, env = random.Random(seed), simpy.Environment()
    teams = [simpy.Resource(env, capacity=people) for people in PEOPLE]
    n = dict.fromkeys(("won", "lost", "gone cold", "answered", "within"), 0)

    def lead() -> Generator[Any, Any, None]:
        stage = 0
        while True:
            entered = env.now
            with teams[stage].request() as request:
                if stage == RESPONSE:
                    yield request | env.timeout(rng.expovariate(1.0 / PATIENCE))
                    n["answered"] += 1
                    if not request.triggered:
                        n["gone cold"] += 1
                        return
                    n["within"] += env.now - entered <= RESPONSE_WITHIN
                else:
                    yield request
                yield env.timeout(rng.lognormvariate(WORK_LOGS[stage], SPREAD))
            stream = rng.random()
            if stream < FORWARD[stage]:
                stage += 1
                if stage == len(PEOPLE):
                    n["won"] += 1
                    return
            elif stream < FORWARD[stage] + RECYCLED[stage]:
                yield env.timeout(rng.expovariate(1.0 / NURTURE[stage]))
                stage = BACK_TO[stage]
            else:
                n["lost"] += 1
                return

    def source() -> Generator[Any, Any, None]:
        while True:
            yield env.timeout(rng.expovariate(LEADS_A_DAY))
            env.process(lead())

    env.process(source())
    env.run(until=DAYS)
    return {
        "won": n["won"],
        "lost": n["lost"],
        "gone cold": n["gone cold"],
        "answered in time": n["within"] / n["answered"],
    }


def counts(summary: Summary) -> dict[str, float]:
    """The same quantities from a Summary: what happened within the calendar window, whoever it happened to."""
    visits = summary.visits[CALENDAR, 0, 0]
    stage = visits[RESPONSE]
    # of all who were answered or left; the measure "first response kept" leaves out those who leave before the deadline
    return {
        "won": float(summary.passages[CALENDAR, 0].count.sum()),
        "lost": float(visits.lost.sum()),
        "gone cold": float(stage.cold),
        "answered in time": float(stage.within / (stage.touched + stage.cold)),
    }


def least(rounds: int, *jobs: Callable[[], None]) -> list[float]:
    """CPU seconds of each job, least of the rounds, interleaved."""
    best = [math.inf] * len(jobs)
    for _ in range(rounds):
        for i, job in enumerate(jobs):
            start = time.process_time()
            job()
            best[i] = min(best[i], time.process_time() - start)
    return best


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--replications", type=int, default=20, help="of the fast engine in a round; SimPy does one")
    asked = arguments.parse_args()
    plan = compile_scenario(load(SCENARIO)).plan(0)
    runner = Runner(plan)
    runner.run(1, 0)  # compiles, or loads the compiled engine

    def in_simpy() -> None:
        peer(0)

    def fast() -> None:
        for i in range(asked.replications):
            runner.run(1, i)

    slow, quick = least(asked.rounds, in_simpy, fast)
    quick /= asked.replications
    summaries = [counts(runner.run(2, i)) for i in range(200)]
    events = int(runner.state.n[Counter.EVENTS])
    print(f"SimPy       {slow * 1e3:8.1f} ms a replication")
    print(f"fast engine {quick * 1e3:8.2f} ms a replication, {quick * 1e9 / events:.0f} ns an event of {events:,}")
    print(f"ratio       {slow / quick:8.1f}")
    peers = [peer(1000 + i) for i in range(3)]
    worst = 0.0
    for name, known in KNOWN.items():
        found = np.array([row[name] for row in summaries])
        error = found.std(ddof=1) / math.sqrt(len(found))
        worst = max(worst, abs(found.mean() - known) / error)
        print(
            f"{name:17} fast {found.mean():9.4f} +- {1.96 * error:.4f}   known {known:9.4f}   "
            f"SimPy {statistics.mean(row[name] for row in peers):9.4f} (3 replications)"
        )
    if worst > 4.0:
        raise SystemExit(f"the two do not simulate the same model: {worst:.1f} standard errors apart")


if __name__ == "__main__":
    main()
