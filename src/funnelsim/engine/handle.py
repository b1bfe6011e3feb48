# mypy: disable-error-code="no-untyped-call,override,unused-ignore,untyped-decorator,method-assign,assignment"
# numba types its inside only in part.
"""Handles: how compiled functions pass the Plan and the State to each other.

A named tuple of arrays is passed by value, array by array and word by word: some 250 words at each call, all of which
the compiler reads, types and then throws away again. A handle is one pointer to the tuple; once everything is inlined
into the entry nothing of it is left. Measured: 124,000 instructions for the compiler became 70,000.
"""

from __future__ import annotations

import hashlib
from typing import Any

from numba.core import cgutils, config, types
from numba.core.imputils import impl_ret_borrowed
from numba.core.targetconfig import ConfigStack
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, intrinsic, lower_getattr_generic, models, register_model
from numba.np import arrayobj


class Handle(types.Type):  # type: ignore[misc]  # numba ships no types
    """Pointer to a named tuple."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Handle({dtype.name})")


register_model(Handle)(models.PointerModel)


@infer_getattr
class _Fields(AttributeTemplate):  # type: ignore[misc]  # numba ships no types
    key = Handle

    def generic_resolve(self, handle: Any, name: str) -> Any:
        fields = handle.dtype.fields
        return handle.dtype.types[fields.index(name)] if name in fields else None


@lower_getattr_generic(Handle)  # type: ignore[untyped-decorator]  # numba ships no types
def _field(context: Any, builder: Any, handle: Any, value: Any, name: str) -> Any:
    at = handle.dtype.fields.index(name)
    kind = handle.dtype.types[at]
    place = cgutils.gep_inbounds(builder, value, 0, at)
    loaded = context.data_model_manager[kind].load_from_data_pointer(builder, place)
    return impl_ret_borrowed(context, builder, kind, loaded)


@intrinsic  # type: ignore[untyped-decorator]  # numba ships no types
def _handle_of(typing: Any, value: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        model = context.data_model_manager[value]
        place = cgutils.alloca_once(builder, model.get_data_type())
        builder.store(model.as_data(builder, args[0]), place)
        return place

    return Handle(value)(value), code


def _itself(value: Any) -> Any:
    return value


# The handle of a named tuple, for use within the function that asks for it; without the compiler the tuple itself.
handle_of: Any = _itself if config.DISABLE_JIT else _handle_of  # type: ignore[attr-defined]  # set when numba starts


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
        return                              # another numba: slower, and just as right

    def fix(context: Any, builder: Any, kind: Any, index: Any, size: Any) -> Any:
        flags = ConfigStack.top_or_none()
        if flags is not None and not flags.nrt:
            return context.cast(builder, index, kind, types.intp)
        return usual(context, builder, kind, index, size)

    arrayobj.fix_integer_index = fix
