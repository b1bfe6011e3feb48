# mypy: disable-error-code="no-untyped-call,override,unused-ignore,untyped-decorator"
# mypy: disable-error-code="method-assign,assignment,attr-defined"
# numba types its inside only in part.
"""Changes to numba's inside, made while a kernel of this engine is compiled and taken back right after.

What numba does for functions that anybody may call, and this engine need not: each patch says what it saves. A patch
is skipped, with a line in the log, where numba is not one it was checked with or lacks what it changes; the engine then
compiles or runs more slowly, to the same digits. FUNNELSIM_NUMBA_PATCHES names those to use ("none", or names with
commas between); without it all are.

Whether a function is internal is looked up by its name, never concluded from what is being compiled at the moment: a
function that both engines share may be loaded from the cache in the middle of compiling an internal one
(docs/decisions/007-engine-after-the-seam.md, 018-numba-at-arms-length.md).
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any, NamedTuple

import numba
from numba import _dynfunc
from numba.core import codegen, cpu, options, types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.targetconfig import ConfigStack
from numba.np import arrayobj

CHECKED = ((0, 63), (0, 68))  # the lowest and the highest numba that the patches were checked with

# FUNNELSIM_BOUNDSCHECK=1: every index is looked at, a negative one too; exceptions need reference counting
BOUNDSCHECK = os.environ.get("FUNNELSIM_BOUNDSCHECK", "") == "1"

_log = logging.getLogger("funnelsim.engine")
_internal: set[tuple[str, str]] = set()
_stub: list[tuple[Any, int]] = []  # keeps the compiled stub alive, and its address
_depth = threading.local()


class Patch(NamedTuple):
    """One change: what it saves, what of numba it needs, and how it is made (None: by an option, see `jit`)."""

    saves: str
    needs: tuple[tuple[Any, str], ...]
    apply: Callable[[ExitStack], None] | None


@cache
def used() -> tuple[str, ...]:
    """The patches that are made, in their order."""
    return tuple(name for name in _asked_for() if _is_possible(name))


def is_used(name: str) -> bool:
    """Whether a patch of `PATCHES` is made: asked for, checked with this numba, and with all it needs there."""
    return name in used()


def mark_internal(function: Callable[..., Any]) -> None:
    """Note a function that only compiled code calls: it needs no machine code of its own, and Python is refused."""
    _internal.add((function.__module__, function.__qualname__))


@contextmanager
def patched() -> Iterator[None]:
    """numba as this engine wants it. Nobody else compiles meanwhile, since numba's own lock is held."""
    if getattr(_depth, "value", 0):  # a kernel that is compiled since another one calls it
        yield
        return
    with global_compiler_lock, ExitStack() as undo:
        for name in used():
            if (apply := PATCHES[name].apply) is not None:
                apply(undo)
        _depth.value = 1
        undo.callback(setattr, _depth, "value", 0)
        yield


def _hash_mangled_names(undo: ExitStack) -> None:
    def short(self: Any) -> tuple[str, tuple[()]]:
        return hashed_name(self), ()

    for kind in (types.Record, types.NamedTuple):
        _replace(undo, kind, "mangling_args", property(short))


def hashed_name(kind: Any) -> str:
    """A type's name in symbols: by every field of every record it would be 15 kB long, at every call."""
    return f"{type(kind).__name__}_{hashlib.blake2b(kind.name.encode(), digest_size=8).hexdigest()}"


def _drop_index_wraparound(undo: ExitStack) -> None:
    """In the engine an index is never negative; code compiled with reference counting, all that is not ours, may be."""
    usual = arrayobj.fix_integer_index

    def fix(context: Any, builder: Any, kind: Any, index: Any, size: Any) -> Any:
        flags = ConfigStack.top_or_none()
        if flags is not None and (not flags.nrt or (BOUNDSCHECK and flags.boundscheck)):
            return context.cast(builder, index, kind, types.intp)
        return usual(context, builder, kind, index, size)

    _replace(undo, arrayobj, "fix_integer_index", fix)


def _link_only_once(undo: ExitStack) -> None:
    """What only the entry calls becomes machine code there, and nowhere else.

    numba makes a finished program of every function, though all but the entries are dissolved in their callers. The
    library of an internal function ends as soon as its parts are linked. Should Python want a function whose library
    ended so, the rest is done then.
    """
    finish, executable = codegen.JITCodeLibrary.finalize, cpu.CPUContext.get_executable

    def finalize(self: Any) -> None:
        if not _is_compiling_internal():
            finish(self)
            return
        self._raise_if_finalized()
        for library in dict.fromkeys(self._linking_libraries):
            self._reload_init.update(library._reload_init)
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._finalized = True
        self._is_only_linked = True

    def get_executable(self: Any, library: Any, fndesc: Any, env: Any) -> Any:
        if (fndesc.modname, fndesc.qualname) in _internal:
            name = fndesc.qualname.split(".")[-1]
            return _dynfunc.make_function(fndesc.lookup_module(), name, "", _address_of_stub(), env, (library,))
        if getattr(library, "_is_only_linked", False):
            library._is_only_linked = False
            library._optimize_final_module()
            library._final_module.verify()
            library._finalize_final_module()
        return executable(self, library, fndesc, env)

    _replace(undo, codegen.JITCodeLibrary, "finalize", finalize)
    _replace(undo, cpu.CPUContext, "get_executable", get_executable)


def _is_compiling_internal() -> bool:
    """Whether what is being compiled has no way in from Python."""
    flags = ConfigStack.top_or_none()
    return flags is not None and not flags.nrt and flags.no_cpython_wrapper and flags.no_cfunc_wrapper


def only_compiled_code_may_call_this() -> None:
    """What Python reaches when it calls an internal function (by a TypeError when it passes anything)."""
    raise RuntimeError("set FUNNELSIM_WRAPPERS=1 to call it alone")


def _address_of_stub() -> int:
    if not _stub:
        stub = numba.njit(only_compiled_code_may_call_this)
        stub.compile(())
        compiled = stub.overloads[()]
        _stub.append((stub, compiled.library.get_pointer_to_function(compiled.fndesc.llvm_cpython_wrapper_name)))
    return _stub[0][1]


_LIBRARY = ("finalize", "_raise_if_finalized", "_get_module_for_linking", "_optimize_final_module")
PATCHES = {
    "names": Patch(
        "a tenth of the time to compile",
        ((types.Record, "mangling_args"), (types.NamedTuple, "mangling_args")),
        _hash_mangled_names,
    ),
    "indices": Patch(
        "up to 12 % of a run and a tenth of the time to compile",
        ((arrayobj, "fix_integer_index"),),
        _drop_index_wraparound,
    ),
    "linking": Patch(
        "half of the time to compile",
        (
            *((codegen.JITCodeLibrary, name) for name in (*_LIBRARY, "_finalize_final_module")),
            (cpu.CPUContext, "get_executable"),
            (_dynfunc, "make_function"),
        ),
        _link_only_once,
    ),
    "counting": Patch("a third of a run, half of the time to compile", ((options.DefaultOptions, "_nrt"),), None),
    "pointers": Patch("half of the time to compile", (), None),
}


def _asked_for() -> tuple[str, ...]:
    text = os.environ.get("FUNNELSIM_NUMBA_PATCHES", "")
    asked = tuple(PATCHES) if not text else tuple(name for name in PATCHES if name in text.replace(" ", "").split(","))
    return tuple(name for name in asked if not (BOUNDSCHECK and name == "counting"))


def _is_possible(name: str) -> bool:
    patch, version = PATCHES[name], tuple(numba.version_info.short)  # type: ignore[attr-defined]  # set when it starts
    missing = [part for owner, part in patch.needs if not hasattr(owner, part)]
    if missing or not CHECKED[0] <= version <= CHECKED[1]:
        reason = f"has no {', '.join(missing)}" if missing else "was not checked with it"
        _log.warning("numba %s: patch '%s' skipped (%s); it saves %s", numba.__version__, name, reason, patch.saves)
        return False
    return True


def _replace(undo: ExitStack, owner: Any, name: str, value: Any) -> None:
    """Set an attribute until the stack closes; one that was inherited is inherited again."""
    own = vars(owner).get(name, _replace)
    setattr(owner, name, value)
    if own is _replace:
        undo.callback(delattr, owner, name)
    else:
        undo.callback(setattr, owner, name, own)
