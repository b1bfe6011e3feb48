# mypy: disable-error-code="no-untyped-call,override,unused-ignore,untyped-decorator"
# numba types its inside only in part.
"""Handles: how compiled functions pass the Plan and the State to each other.

A named tuple of arrays is passed by value, array by array and word by word: some 250 words at each call, all of which
the compiler reads, types and then throws away again. A handle is two pointers to the tuple. Once everything is inlined
into the entry nothing is left of the first: what it points to is in registers. The second points to a copy for
functions that are not inlined, which have to find it in memory. Measured: 124,000 instructions for the compiler became
70,000.
"""

from __future__ import annotations

from typing import Any

from numba.core import cgutils, config, types
from numba.core.imputils import impl_ret_borrowed
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, intrinsic, lower_getattr_generic, models, register_model

NEAR, FAR = 0, 1


class Handle(types.Type):  # type: ignore[misc]  # numba ships no types
    """Pointers to a named tuple and to its copy."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Handle({dtype.name})")


@register_model(Handle)
class _Pointers(models.StructModel):  # type: ignore[misc]  # numba ships no types
    def __init__(self, manager: Any, kind: Any) -> None:
        pointer = types.CPointer(kind.dtype)
        super().__init__(manager, kind, [("near", pointer), ("far", pointer)])


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
    place = cgutils.gep_inbounds(builder, builder.extract_value(value, NEAR), 0, at)
    loaded = context.data_model_manager[kind].load_from_data_pointer(builder, place)
    return impl_ret_borrowed(context, builder, kind, loaded)


@intrinsic  # type: ignore[untyped-decorator]  # numba ships no types
def _handle_of(typing: Any, value: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        model = context.data_model_manager[value]
        handle = cgutils.get_null_value(context.get_value_type(signature.return_type))
        for which in (NEAR, FAR):
            place = cgutils.alloca_once(builder, model.get_data_type())
            builder.store(model.as_data(builder, args[0]), place)
            handle = builder.insert_value(handle, place, which)
        return handle

    return Handle(value)(value), code


def apart(builder: Any, handle: Any) -> Any:
    """The same handle for a function that is not inlined: it must not know of the first copy."""
    return builder.insert_value(handle, builder.extract_value(handle, FAR), NEAR)


def _itself(value: Any) -> Any:
    return value


# The handle of a named tuple, for use within the function that asks for it; without the compiler the tuple itself.
handle_of: Any = _itself if config.DISABLE_JIT else _handle_of  # type: ignore[attr-defined]  # set when numba starts
