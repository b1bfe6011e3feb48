"""What we lean on inside numba, none of it promised: a new numba that lacks it must say so here, not in a slow run.

And that no function of the engine crashes the process, whoever calls it: numba cannot tell a function that Python may
call from one that only compiled code may, so `engine/lean.py` does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from funnelsim.engine import jit, numba_patches

# Two of our kinds of function call each other; what is asked for on the command line is then called from Python.
FUNCTIONS = """
import sys
from funnelsim.engine.jit import entry_point, inline_kernel, outlined_kernel, shared_kernel
@shared_kernel
def double(x): return x + x
@inline_kernel
def step(x): return double(x) + 1.0
@outlined_kernel
def seldom(x): return double(x) - 1.0
@entry_point
def run(x): return step(x) + seldom(x)
if __name__ == "__main__":
    import functions
    for name in sys.argv[1:]:
        try:
            print(name, getattr(functions, name)(2.0))
        except (TypeError, RuntimeError) as problem:
            print(name, "refused:", "only_compiled_code_may_call_this" in str(problem))
"""


def called_from_python(folder: Path, *names: str) -> list[str]:
    """What calls in a fresh process print; the cache of the folder is what earlier processes left."""
    (folder / "functions.py").write_text(FUNCTIONS)
    done = subprocess.run(
        [sys.executable, "functions.py", *names],
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | {"FUNNELSIM_CACHE": str(folder / "cache")},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_numba_still_has_the_insides_that_the_engine_leans_on() -> None:
    """With the numba of the lock file every patch is made."""
    assert numba_patches.used() == tuple(numba_patches.PATCHES)


def test_a_shared_function_loaded_while_an_inner_one_is_compiled_can_still_be_called(tmp_path: Path) -> None:
    """The first process leaves it in the cache; the second finds it there in the middle of compiling `step`."""
    assert called_from_python(tmp_path, "double") == ["double 4.0"]
    assert called_from_python(tmp_path, "run", "double") == ["run 8.0", "double 4.0"]
    assert called_from_python(tmp_path, "double", "run", "double") == ["double 4.0", "run 8.0", "double 4.0"]


@pytest.mark.parametrize("before", [(), ("run",), ("double",)])
def test_python_is_refused_an_inner_function(before: tuple[str, ...], tmp_path: Path) -> None:
    """From an empty cache and from what earlier processes left."""
    if before:
        called_from_python(tmp_path, *before)
    said = called_from_python(tmp_path, "step", "seldom", "run", "step")

    assert said == ["step refused: True", "seldom refused: True", "run 8.0", "step refused: True"]


def test_code_of_others_keeps_its_negative_indices() -> None:
    @numba.njit
    def last(values: np.ndarray) -> float:
        return float(values[-1])

    assert last(np.array([1.0, 2.0, 3.0])) == 3.0


def test_the_cache_has_a_name_of_its_own_for_these_sources() -> None:
    assert jit.engine_hash() == jit.engine_hash()
    assert jit.cache_directory().name == jit.engine_hash()
    assert str(jit.cache_directory()) != numba.config.CACHE_DIR
