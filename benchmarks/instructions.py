"""How many instructions a replication takes: a figure that a busy machine cannot change.

What a mechanism costs that is switched off shows in per cents, which CPU time on a shared machine hides. valgrind
counts instructions exactly, so two versions of the engine can be compared: run this once in a checkout of each, on a
scenario that both can read, and compare. Needs valgrind; compiled for a processor that valgrind knows, so the figures
are a little above those of one with wider registers.

Run: python benchmarks/instructions.py [scenario.yaml] [--replications 2].
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SCENARIO = Path(__file__).parents[1] / "scenarios" / "funnel-a.yaml"
PROCESSOR = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": ""}
COUNTED = """
import os, subprocess, sys
from funnelsim.compile import compile_scenario
from funnelsim.engine.fast import Runner
from funnelsim.engine.fast.state import Counter
from funnelsim.scenario import load
runner = Runner(compile_scenario(load(sys.argv[1])).plan(0))
runner.run(1, 0)
def valgrind(what):
    if os.environ.get("COUNTED"):
        subprocess.run(["callgrind_control", "-i", what, str(os.getpid())], check=True, stdout=subprocess.DEVNULL)
valgrind("on")
events = 0
for number in range(int(sys.argv[2])):
    runner.run(1, number)
    events += int(runner.state.counters[Counter.EVENTS])
valgrind("off")
print(events)
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("scenario", nargs="?", default=str(SCENARIO))
    arguments.add_argument("--replications", type=int, default=2)
    asked = arguments.parse_args()
    python = [sys.executable, "-c", COUNTED, asked.scenario, str(asked.replications)]
    environment = os.environ | PROCESSOR
    subprocess.run(python, check=True, env=environment, stdout=subprocess.DEVNULL)  # compiles
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder}/out", *python]
        done = subprocess.run(command, check=True, env=environment | {"COUNTED": "1"}, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if found is None:
        raise SystemExit(done.stderr)
    counted, events = int(found.group(1)), int(done.stdout)
    print(
        f"{counted / asked.replications / 1e6:.1f} million instructions a replication, "
        f"{counted / events:.0f} an event of {events // asked.replications:,}"
    )


if __name__ == "__main__":
    main()
