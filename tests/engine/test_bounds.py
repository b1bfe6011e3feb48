"""No index of the engine is out of bounds: FUNNELSIM_BOUNDSCHECK=1 compiles it so that every one is looked at.

Compiled as usual the engine looks at none, and a negative one is not taken from the end either.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# Small tables grow all the time, so that room which is not asked for would be missed.
PLANS = """
import sys
from funnelsim.engine import fast
from funnelsim.engine.fast.state import new_state
from support.plan_generator import generated_plan
fast.new_state = lambda plan, tracing: new_state(plan, tracing, slots=2, rows=32)
for number in range(int(sys.argv[1])):
    plan = generated_plan(number)
    fast.run(plan, 1, number)
    fast.Runner(plan).run(1, number)
print("plans", sys.argv[1])
"""
# A table is made too short behind the engine's back.
TOO_SHORT = """
from funnelsim.engine import fast
from support.plan_generator import generated_plan
runner = fast.Runner(generated_plan(12), tracing=True)
runner.state = runner.state._replace(leads=runner.state.leads[:2])
try:
    runner.run(1, 0)
except IndexError as error:
    print(error)
"""


@pytest.mark.long
def test_no_index_is_out_of_bounds_on_generated_plans() -> None:
    assert with_bounds_checked(PLANS, "400") == "plans 400"


@pytest.mark.long
def test_an_index_out_of_bounds_is_told() -> None:
    assert with_bounds_checked(TOO_SHORT) == "index is out of bounds"


def with_bounds_checked(program: str, *arguments: str) -> str:
    """What a program prints in a process whose engine looks at every index."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | {"FUNNELSIM_BOUNDSCHECK": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
