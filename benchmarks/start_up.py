"""How long a user waits before anything is simulated: help, the first run ever, every later run.

Run: python benchmarks/start_up.py. Each line is a fresh process; the first run compiles into an empty cache in a
temporary folder. Wall time as the user feels it, CPU time beside it because machines are shared.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCENARIO = Path(__file__).parents[1] / "scenarios" / "funnel-a.yaml"
ONE_REPLICATION = f"""
from funnelsim.compile import compile_scenario
from funnelsim.engine.fast import Runner
from funnelsim.scenario import load
Runner(compile_scenario(load({str(SCENARIO)!r})).plan(0)).run(1, 0)
"""


def timed(name: str, command: list[str], cache: str) -> None:
    """Run a command; print its wall and CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"FUNNELSIM_CACHE": cache})
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    print(f"{name:42} {wall:6.2f} s wall {cpu:6.2f} s CPU", flush=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as cache:
        timed("funnelsim --help", [sys.executable, "-m", "funnelsim", "--help"], cache)
        timed("import of the engine", [sys.executable, "-c", "import funnelsim.engine.fast"], cache)
        timed("first run: compiles, one replication", [sys.executable, "-c", ONE_REPLICATION], cache)
        for _ in range(3):
            timed("later run: one replication", [sys.executable, "-c", ONE_REPLICATION], cache)


if __name__ == "__main__":
    main()
