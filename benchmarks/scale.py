"""Linear in leads, memory by leads in flight: funnel A run for longer, each size in a process of its own.

Run: python benchmarks/scale.py [--sizes 2000 20000 200000 2000000]. The load stays what it is, the horizon grows with
the number of leads; so a longer run has no more leads in flight, and its memory may grow only with its calendar.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

SCENARIO = Path(__file__).parents[1] / "scenarios" / "funnel-a.yaml"
LEADS_A_DAY = 20_000 / 180.0


def measure(leads: int) -> None:
    """One replication of so many leads; prints CPU time a lead and the largest memory of this process."""
    from funnelsim.compile import compile_scenario
    from funnelsim.engine.fast import Runner
    from funnelsim.scenario import load

    days = round(leads / LEADS_A_DAY)
    plan = compile_scenario(load(SCENARIO, overrides=[f"observe={days} days"])).plan(0)
    Runner(compile_scenario(load(SCENARIO, overrides=["observe=2 days"])).plan(0)).run(
        1, 0
    )  # loads the compiled engine
    ready = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    runner, best = Runner(plan), float("inf")
    for _ in range(max(1, min(20, 200_000 // leads))):
        start = time.process_time()
        summary = runner.run(1, 0)
        best = min(best, time.process_time() - start)
    came = int(summary.days[:, 0].sum())
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{came:>9,} leads {best * 1e3:10.2f} ms {best * 1e9 / came:7.0f} ns a lead "
        f"{len(runner.state.leads):>7,} slots {most:6.0f} MB at most ({ready:.0f} MB before)"
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--sizes", type=int, nargs="+", default=[2_000, 20_000, 200_000, 2_000_000])
    arguments.add_argument("--one", type=int, help="measure this size in this process")
    asked = arguments.parse_args()
    if asked.one:
        measure(asked.one)
        return
    for size in asked.sizes:
        subprocess.run([sys.executable, __file__, "--one", str(size)], check=True)


if __name__ == "__main__":
    main()
