"""numba is the guest's house: importing funnelsim changes nothing for others, and the engine runs without our patches.

Each story plays in processes of their own, since what is asked is what an import does.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from funnelsim.engine import numba_patches

# Somebody else's program: a compiled function with a cache, negative indices and a record in its signature.
STRANGER = """
import numba, numpy as np
from numba.core import codegen, cpu, types
from numba.np import arrayobj

@numba.njit(cache=True)
def last(rows):
    return rows[-1].x

INSIDE = (arrayobj.fix_integer_index, codegen.JITCodeLibrary.finalize, cpu.CPUContext.get_executable,
          vars(types.Record).get("mangling_args"), vars(types.NamedTuple).get("mangling_args"))
"""
PROGRAM = r"""
import re, sys, numba, numpy as np
from numba.core import codegen, cpu, types
from numba.np import arrayobj
import stranger
settings = numba.config.CACHE_DIR
order = sys.argv[1]
if order == "after":
    import ours
    assert ours.run(2.0) == 7.0
rows = np.zeros(3, np.dtype([("x", "f8")]))
rows["x"] = 1.0, 2.0, 3.0
assert stranger.last(rows) == 3.0
if order == "before":
    import ours
    assert ours.run(2.0) == 7.0
assert numba.config.CACHE_DIR == settings
now = (arrayobj.fix_integer_index, codegen.JITCodeLibrary.finalize, cpu.CPUContext.get_executable,
       vars(types.Record).get("mangling_args"), vars(types.NamedTuple).get("mangling_args"))
assert all(one is other for one, other in zip(now, stranger.INSIDE))
(signature,) = stranger.last.overloads
# numba numbers functions and types as they come
print(re.sub(r"\d+", "#", stranger.last.overloads[signature].fndesc.mangled_name))
print("hits", sum(stranger.last.stats.cache_hits.values()))
"""
OURS = """
from funnelsim.engine.jit import entry_point, inline_kernel, outlined_kernel, shared_kernel
from funnelsim.engine.tuple_pointer import pointer_to
from collections import namedtuple
import numpy as np
Pair = namedtuple("Pair", "a b")
@shared_kernel
def double(x): return x + x
@inline_kernel
def first(pair): return pair.a[0] + pair.b[0]
@outlined_kernel
def seldom(x): return double(x) - 1.0
@entry_point
def add(pair_, x):
    pair = pointer_to(pair_)
    return first(pair) + double(x) + seldom(x)
def run(x): return add(Pair(np.full(1, x - 2.0), np.zeros(1)), x)
"""


def run(folder: Path, program: str, *words: str, **environment: str) -> list[str]:
    """What a program prints in a process of its own; it must end well."""
    for name, text in (("stranger", STRANGER), ("ours", OURS), ("program", program)):
        (folder / f"{name}.py").write_text(text)
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "FUNNELSIM_"))}
    own = {"FUNNELSIM_CACHE": str(folder / "ours")}
    done = subprocess.run(
        [sys.executable, "program.py", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        env=keep | own | environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("order", ["before", "after"])
def test_a_strangers_function_is_compiled_as_if_we_were_not_there(order: str, tmp_path: Path) -> None:
    """Same symbol, same negative index, its cache beside its file; and found there again, whoever comes first."""
    alone, with_us = tmp_path / "alone", tmp_path / "with us"
    alone.mkdir()
    with_us.mkdir()
    usual, _ = run(alone, PROGRAM, "alone")

    assert run(with_us, PROGRAM, order) == [usual, "hits 0"]
    assert list((with_us / "__pycache__").glob("stranger.last*.nbi"))
    assert not list((with_us / "ours").rglob("*last*"))
    assert run(with_us, PROGRAM, order) == [usual, "hits 1"]


@pytest.mark.parametrize("left_out", [*numba_patches.PATCHES, "all of them"])
def test_kernels_work_without_each_patch(left_out: str, tmp_path: Path) -> None:
    names = [name for name in numba_patches.PATCHES if name != left_out and left_out != "all of them"]
    program = "import ours; print(ours.run(2.0), ours.run(3.0))"
    assert run(tmp_path, program, FUNNELSIM_NUMBA_PATCHES=",".join(names) or "none") == ["7.0 12.0"]


@pytest.mark.parametrize("name", numba_patches.PATCHES)
def test_a_numba_without_an_inside_skips_that_patch_and_says_so(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    patch = numba_patches.PATCHES[name]._replace(needs=((numba, "an_inside_that_is_gone"),))
    monkeypatch.setitem(numba_patches.PATCHES, name, patch)
    monkeypatch.delenv("FUNNELSIM_NUMBA_PATCHES", raising=False)
    with caplog.at_level(logging.WARNING, "funnelsim.engine"):
        used = numba_patches.used.__wrapped__()

    assert used == tuple(one for one in numba_patches.PATCHES if one != name)
    assert caplog.messages == [
        f"numba {numba.__version__}: patch '{name}' skipped (has no an_inside_that_is_gone); it saves {patch.saves}"
    ]


def test_another_numba_than_those_that_were_checked_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(numba_patches, "CHECKED", ((0, 1), (0, 2)))
    monkeypatch.delenv("FUNNELSIM_NUMBA_PATCHES", raising=False)
    assert numba_patches.used.__wrapped__() == ()
    assert len(caplog.messages) == len(numba_patches.PATCHES)


ENGINES = """
from funnelsim.engine import fast, reference
from funnelsim.engine.numba_patches import used
from support.plan_generator import generated_plan
for seed in range(8):
    plan = generated_plan(seed)
    slow, (quick, _) = reference.run(plan, 1, seed), fast.run(plan, 1, seed)
    for name in slow._fields:
        assert getattr(slow, name).tobytes() == getattr(quick, name).tobytes(), (seed, name)
print(*used())
"""


@pytest.mark.long
@pytest.mark.parametrize("names", ["none", *numba_patches.PATCHES])
def test_the_engines_agree_without_any_patch_and_with_each_alone(names: str, tmp_path: Path) -> None:
    """Compiling takes minutes so: the patches are what makes it quick."""
    tests = str(Path(__file__).parents[1])
    said = run(tmp_path, ENGINES, FUNNELSIM_NUMBA_PATCHES=names, PYTHONPATH=tests)
    assert said == ["" if names == "none" else names]
