"""One place for the compiler's options and its cache.

numba's own cache looks at one file's time stamp only: an edit in another file, other options or another numba leave
stale machine code behind. So the cache lives in a directory named by a hash of all of these.

`shared_kernel` functions can be called from Python too; `inline_kernel` and `outlined_kernel` ones only from compiled
code (Python gets an error, unless FUNNELSIM_WRAPPERS=1); `entry_point` is the way in. Measured: force-inlining and no
reference counting together take a replication from 187 ms to 11 ms.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

import funnelsim.engine.enum_members  # noqa: F401  # tells numba of them
from funnelsim.engine.numba_patches import compile_once, count_from_the_front, keep_inside, shorten_symbols

# what compiled code takes the shapes of tables and the meaning of numbers from, outside this package
_LAYOUT = ("int64", "plan", "plan_codes", "summary", "trace")
_Function = TypeVar("_Function", bound=Callable[..., Any])

WRAPPERS = os.environ.get("FUNNELSIM_WRAPPERS", "") == "1"
_COMMON: dict[str, Any] = {"error_model": "numpy", "nogil": True, "cache": True}
_SHARED = _COMMON | {"forceinline": True, "_nrt": False}
# all of a hot function is in the entries that use it, and they are kept: nobody would ever load it
_HOT = _SHARED if WRAPPERS else _SHARED | {"cache": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_ENTRY = _COMMON | {"_nrt": False}


def inline_kernel(function: _Function) -> _Function:
    """A step of the event loop, inlined into it."""
    _note(function)
    return numba.njit(**_HOT)(function)  # type: ignore[no-any-return]  # numba ships no types


def outlined_kernel(function: _Function) -> _Function:
    """A step that few events take: not inlined, so that the others do not carry it along."""
    _note(function)
    return numba.njit(**(_HOT | {"forceinline": False}))(function)  # type: ignore[no-any-return]  # numba ships no types


def shared_kernel(function: _Function) -> _Function:
    """A piece that both engines use."""
    return numba.njit(**_SHARED)(function)  # type: ignore[no-any-return]  # numba ships no types


def entry_point(function: _Function) -> _Function:
    """A compiled function that Python calls."""
    return numba.njit(**_ENTRY)(function)  # type: ignore[no-any-return]  # numba ships no types


def _note(function: Callable[..., Any]) -> None:
    if not WRAPPERS:
        keep_inside(function)


def cache_root() -> Path:
    """Where compiled engines are kept: FUNNELSIM_CACHE, else the user's cache directory."""
    own = os.environ.get("FUNNELSIM_CACHE")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "funnelsim"


def engine_hash() -> str:
    """Hash of all that decides the machine code: sources, options, numba, Python, processor mode."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for source in [*sorted(here.rglob("*.py")), *(here.parent / f"{name}.py" for name in _LAYOUT)]:
        digest.update(source.relative_to(here.parent).as_posix().encode() + source.read_bytes())
    options = (_HOT, _SHARED, _ENTRY, numba.__version__, sys.version_info[:3], numba.config.DISABLE_JIT)  # type: ignore[attr-defined]  # set when numba starts
    digest.update(repr(options).encode())
    return digest.hexdigest()[:16]


def cache_directory() -> Path:
    """The directory of this engine's machine code."""
    return cache_root() / "compiled" / engine_hash()


def is_compiled() -> bool:
    """Whether an earlier run left machine code for this very engine."""
    return any(cache_directory().rglob("*run*.nbc"))


numba.config.CACHE_DIR = str(cache_directory())  # type: ignore[attr-defined]  # set when numba starts
shorten_symbols()
count_from_the_front()
compile_once()
