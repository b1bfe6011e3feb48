"""The two scenarios with everything on: our SimPy reference and the fast engine, side by side in one run.

The pair is scenarios/seam/old-way.yaml and scenarios/seam/shared-funnel.yaml, all beliefs at their centre. The
reference is written to be read, not to be quick: how far a SimPy model written for speed is from the fast engine is
what benchmarks/funnel_a.py says.

Run: python benchmarks/seam.py [--rounds 3] [--replications 10]. CPU time of one thread, least of the rounds, the two
interleaved so that a busy machine hurts both.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from funnel_a import least

from funnelsim.compile import compile_scenario
from funnelsim.engine import reference
from funnelsim.engine.fast import Runner
from funnelsim.engine.fast.state import Counter
from funnelsim.scenario import load

PAIR = Path(__file__).parents[1] / "scenarios" / "seam"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--replications", type=int, default=10, help="of the fast engine in a round; SimPy does one")
    asked = arguments.parse_args()
    for name in ("old-way", "shared-funnel"):
        plan = compile_scenario(load(PAIR / f"{name}.yaml")).centre
        runner = Runner(plan)
        runner.run(1, 0)  # compiles, or loads the compiled engine

        def in_simpy(plan=plan) -> None:
            reference.run(plan, 1, 0)

        def fast(runner=runner) -> None:
            for _ in range(asked.replications):
                runner.run(1, 0)

        slow, quick = least(asked.rounds, in_simpy, fast)
        quick /= asked.replications
        events, stale = int(runner.state.n[Counter.EVENTS]), int(runner.state.n[Counter.STALE_EVENTS])
        print(
            f"{name:14} reference {slow:6.2f} s, fast {quick * 1e3:6.2f} ms a replication, ratio {slow / quick:5.0f};"
            f" {quick * 1e9 / events:.0f} ns an event of {events:,}, {stale:,} of them stale",
            flush=True,
        )


if __name__ == "__main__":
    main()
