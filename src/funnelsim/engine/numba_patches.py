# mypy: disable-error-code="no-untyped-call,override,unused-ignore,untyped-decorator"
# mypy: disable-error-code="method-assign,assignment,attr-defined"
# numba types its inside only in part.
"""numba, leaner: what it does for functions that anybody may call, and ours need not.

The engine is a few functions that Python calls and some three hundred that only these use (`keep_inside`). Each change
below is guarded: with another numba the engine is slower, or takes longer to compile, and just as right. Whether a
function is an inner one is looked up by its name, never concluded from what is being compiled at the moment: a
function that both engines share may be loaded from the cache in the middle of compiling an inner one
(docs/decisions/007-engine-after-the-seam.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numba
from numba import _dynfunc
from numba.core import codegen, cpu, types
from numba.core.targetconfig import ConfigStack
from numba.np import arrayobj

from funnelsim.engine.tuple_pointer import TuplePointer

_inner: set[tuple[str, str]] = set()
_refusal: list[tuple[Any, int]] = []  # keeps the compiled function alive, and its address


def keep_inside(function: Callable[..., Any]) -> None:
    """Note a function that only compiled code calls: it needs no machine code of its own, and Python is refused."""
    _inner.add((function.__module__, function.__qualname__))


def shorten_symbols() -> None:
    """Name types in symbols by a hash: by every field of every record they were 15 kB long and stood at every call."""

    def short(self: Any) -> tuple[str, tuple[()]]:
        return f"{type(self).__name__}_{hashlib.blake2b(self.name.encode(), digest_size=8).hexdigest()}", ()

    for kind in (types.Record, types.NamedTuple, TuplePointer):
        kind.mangling_args = property(short)


def count_from_the_front() -> None:
    """In the engine an index is never negative: leave out the test for one at each access.

    Code compiled with reference counting, which is everybody else's, keeps it. Measured: 12 % of a run and 20 % of
    compiling.
    """
    usual = getattr(arrayobj, "fix_integer_index", None)
    if usual is None:
        return  # another numba: slower, and just as right

    def fix(context: Any, builder: Any, kind: Any, index: Any, size: Any) -> Any:
        flags = ConfigStack.top_or_none()
        if flags is not None and not flags.nrt:
            return context.cast(builder, index, kind, types.intp)
        return usual(context, builder, kind, index, size)

    arrayobj.fix_integer_index = fix


def compile_once() -> None:
    """What only the entry calls becomes machine code there, and nowhere else.

    numba makes a finished program of every function, though all but the entries are dissolved in their callers. The
    library of an inner function ends as soon as its parts are linked. Should Python want a function whose library
    ended so, the rest is done then.
    """
    finish, executable = codegen.JITCodeLibrary.finalize, cpu.CPUContext.get_executable

    def finalize(self: Any) -> None:
        if not _is_compiling_inner():
            finish(self)
            return
        self._raise_if_finalized()
        for library in dict.fromkeys(self._linking_libraries):
            self._reload_init.update(library._reload_init)
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._finalized = True
        self._is_only_linked = True

    def get_executable(self: Any, library: Any, fndesc: Any, env: Any) -> Any:
        if (fndesc.modname, fndesc.qualname) in _inner:
            name = fndesc.qualname.split(".")[-1]
            return _dynfunc.make_function(fndesc.lookup_module(), name, "", _address_of_refusal(), env, (library,))
        if getattr(library, "_is_only_linked", False):
            library._is_only_linked = False
            library._optimize_final_module()
            library._final_module.verify()
            library._finalize_final_module()
        return executable(self, library, fndesc, env)

    codegen.JITCodeLibrary.finalize = finalize
    cpu.CPUContext.get_executable = get_executable


def _is_compiling_inner() -> bool:
    """Whether what is being compiled has no way in from Python."""
    flags = ConfigStack.top_or_none()
    return flags is not None and not flags.nrt and flags.no_cpython_wrapper and flags.no_cfunc_wrapper


def only_compiled_code_may_call_this() -> None:
    """What Python reaches when it calls an inner function (by a TypeError when it passes anything)."""
    raise RuntimeError("set FUNNELSIM_WRAPPERS=1 to call it alone")


def _address_of_refusal() -> int:
    if not _refusal:
        found = numba.njit(only_compiled_code_may_call_this)
        found.compile(())
        compiled = found.overloads[()]
        _refusal.append((found, compiled.library.get_pointer_to_function(compiled.fndesc.llvm_cpython_wrapper_name)))
    return _refusal[0][1]
