"""One place for the compiler's options and its cache.

numba's own cache looks at one file's time stamp only: an edit in another file, other options or another numba leave
stale machine code behind. So the cache lives in a directory named by a hash of all of these. Nothing of numba is
changed for others in the process: its settings and inside are set while a kernel of ours is made, and set back.

`shared_kernel` functions can be called from Python too; `inline_kernel` and `outlined_kernel` ones only from compiled
code (Python gets an error, unless FUNNELSIM_WRAPPERS=1); `entry_point` is the way in. Measured: force-inlining and no
reference counting together take a replication from 187 ms to 11 ms.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core.compiler_lock import global_compiler_lock

import funnelsim.engine.enum_members  # noqa: F401  # tells numba of them
from funnelsim.engine import numba_patches

# what compiled code takes the shapes of tables and the meaning of numbers from, outside this package
_LAYOUT = ("int64", "plan", "plan_codes", "summary", "run_tables")
_Function = TypeVar("_Function", bound=Callable[..., Any])

# internal functions get a way in from Python as well: to call one alone, or when Python could not be refused it
WRAPPERS = os.environ.get("FUNNELSIM_WRAPPERS", "") == "1" or not numba_patches.is_used("linking")
_COMMON: dict[str, Any] = {"error_model": "numpy", "nogil": True, "cache": True}
if numba_patches.BOUNDSCHECK:  # slow, and for tests alone
    _COMMON["boundscheck"] = True
_ENTRY = _COMMON | ({"_nrt": False} if numba_patches.is_used("counting") else {})
_SHARED = _ENTRY | {"forceinline": True}
# all of an internal function is in the entries that use it, and they are kept: nobody would ever load it
_INTERNAL = _SHARED if WRAPPERS else _SHARED | {"cache": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def inline_kernel(function: _Function) -> _Function:
    """A step of the event loop, inlined into it."""
    return _compiled(function, _INTERNAL)


def outlined_kernel(function: _Function) -> _Function:
    """A step that few events take: not inlined, so that the others do not carry it along."""
    return _compiled(function, _INTERNAL | {"forceinline": False})


def shared_kernel(function: _Function) -> _Function:
    """A piece that both engines use."""
    return _compiled(function, _SHARED)


def entry_point(function: _Function) -> _Function:
    """A compiled function that Python calls."""
    return _compiled(function, _ENTRY)


def _compiled(function: _Function, options: dict[str, Any]) -> _Function:
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]  # set when numba starts
        return function
    if not options["cache"]:
        numba_patches.mark_internal(function)
    dispatcher = _with_our_cache(function, options)
    compile_it = dispatcher.compile

    def compile_patched(signature: Any) -> Any:
        with numba_patches.patched():
            return compile_it(signature)

    dispatcher.compile = compile_patched
    return dispatcher  # type: ignore[no-any-return]  # numba ships no types


def _with_our_cache(function: Callable[..., Any], options: dict[str, Any]) -> Any:
    """A function decorated while numba's cache is ours: a dispatcher settles where its code is kept when it is made."""
    with global_compiler_lock:
        before = numba.config.CACHE_DIR  # type: ignore[attr-defined]  # set when numba starts
        numba.config.CACHE_DIR = str(cache_directory())  # type: ignore[attr-defined]
        try:
            return numba.njit(**options)(function)
        finally:
            numba.config.CACHE_DIR = before  # type: ignore[attr-defined]


def cache_root() -> Path:
    """Where compiled engines are kept: FUNNELSIM_CACHE, else the user's cache directory."""
    own = os.environ.get("FUNNELSIM_CACHE")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "funnelsim"


@cache
def engine_hash() -> str:
    """Hash of all that decides the machine code: sources, options, numba, Python, processor mode."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for source in [*sorted(here.rglob("*.py")), *(here.parent / f"{name}.py" for name in _LAYOUT)]:
        digest.update(source.relative_to(here.parent).as_posix().encode() + source.read_bytes())
    jit_is_off = numba.config.DISABLE_JIT  # type: ignore[attr-defined]  # set when numba starts
    options = (_INTERNAL, _SHARED, numba_patches.used(), numba.__version__, sys.version_info[:3], jit_is_off)
    digest.update(repr(options).encode())
    return digest.hexdigest()[:16]


def cache_directory() -> Path:
    """The directory of this engine's machine code."""
    return cache_root() / "compiled" / engine_hash()


def is_compiled() -> bool:
    """Whether an earlier run left machine code for this very engine."""
    return any(cache_directory().rglob("*run*.nbc"))
