# mypy: disable-error-code="attr-defined,no-untyped-call,override,unused-ignore,untyped-decorator,method-assign"
# mypy: disable-error-code="assignment"
# numba types its inside only in part.
"""numba, leaner: what it does for functions that anybody may call, and ours need not.

The engine is one function that Python calls and some three hundred that only it uses. Each change below is guarded:
with another numba the engine is slower, or takes longer to compile, and just as right (tests/test_jit.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from numba import _dynfunc
from numba.core import base, callconv, codegen, cpu, types
from numba.core.targetconfig import ConfigStack
from numba.np import arrayobj

from funnelsim.engine.handle import Handle, apart

_rare: set[tuple[str, str]] = set()


def keep_apart(function: Callable[..., Any]) -> None:
    """Note a function that few events need, so that the compiler puts it, and the ways to it, out of the way."""
    _rare.add((function.__module__, function.__qualname__))


def shorten_symbols() -> None:
    """Name types in symbols by a hash: by every field of every record they were 15 kB long and stood at every call."""
    def short(self: Any) -> tuple[str, tuple[()]]:
        return f"{type(self).__name__}_{hashlib.blake2b(self.name.encode(), digest_size=8).hexdigest()}", ()

    for kind in (types.Record, types.NamedTuple, Handle):
        kind.mangling_args = property(short)


def count_from_the_front() -> None:
    """In the engine an index is never negative: leave out the test for one at each access.

    Code compiled with reference counting, which is everybody else's, keeps it. Measured: 12 % of a run and 20 % of
    compiling.
    """
    usual = getattr(arrayobj, "fix_integer_index", None)
    if usual is None:
        return

    def fix(context: Any, builder: Any, kind: Any, index: Any, size: Any) -> Any:
        flags = ConfigStack.top_or_none()
        if flags is not None and not flags.nrt:
            return context.cast(builder, index, kind, types.intp)
        return usual(context, builder, kind, index, size)

    arrayobj.fix_integer_index = fix


def compile_once() -> None:
    """What only the entry calls becomes machine code there, and nowhere else.

    numba makes a finished program of every function, though all but the entries are dissolved in their callers.
    """
    finish, executable = codegen.JITCodeLibrary.finalize, cpu.CPUContext.get_executable

    def finalize(self: Any) -> None:
        if not _is_inner():
            finish(self)
            return
        self._raise_if_finalized()
        for library in dict.fromkeys(self._linking_libraries):
            self._reload_init.update(library._reload_init)
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._finalized = True

    def get_executable(self: Any, library: Any, fndesc: Any, env: Any) -> Any:
        if not _is_inner():
            return executable(self, library, fndesc, env)
        library._ensure_finalized()
        name = fndesc.qualname.split(".")[-1]
        return _dynfunc.make_function(fndesc.lookup_module(), name, "", 0, env, (library,))

    codegen.JITCodeLibrary.finalize = finalize
    cpu.CPUContext.get_executable = get_executable


def put_aside_what_is_rare() -> None:
    """Functions noted by `keep_apart` are not inlined, and see the Plan and the State through handles of their own.

    So the common ways lie together, and what the compiler knows of the other handles it may keep in registers.
    """
    declare, call = base.BaseContext.declare_function, callconv.CPUCallConv.call_function

    def declare_function(self: Any, module: Any, fndesc: Any) -> Any:
        function = declare(self, module, fndesc)
        if (fndesc.modname, fndesc.qualname) in _rare:
            function.attributes.add("cold")
            function.attributes.add("noinline")
        return function

    def call_function(self: Any, builder: Any, callee: Any, resty: Any, argtys: Any, args: Any, attrs: Any = None
                      ) -> Any:
        if "cold" in callee.attributes:
            args = [apart(builder, arg) if isinstance(kind, Handle) else arg
                    for kind, arg in zip(argtys, args, strict=True)]
        return call(self, builder, callee, resty, argtys, args, attrs)

    base.BaseContext.declare_function = declare_function
    callconv.CPUCallConv.call_function = call_function


def _is_inner() -> bool:
    """Whether what is being compiled is for compiled callers only."""
    flags = ConfigStack.top_or_none()
    return flags is not None and not flags.nrt and flags.no_cpython_wrapper and flags.no_cfunc_wrapper
