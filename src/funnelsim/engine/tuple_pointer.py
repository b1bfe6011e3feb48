# mypy: disable-error-code="no-untyped-call,override,unused-ignore,untyped-decorator"
# numba types its inside only in part.
"""Pointers to named tuples: how compiled functions pass the Plan and the State to each other.

A named tuple of arrays is passed by value, array by array and word by word: some 250 words at each call, all of which
the compiler reads, types and then throws away again. Here one pointer to the tuple is passed; once everything is
inlined into the entry nothing of it is left. Measured: 124,000 instructions for the compiler became 70,000.
"""

from __future__ import annotations

from typing import Any

from numba.core import cgutils, config, types
from numba.core.imputils import impl_ret_borrowed
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, intrinsic, lower_getattr_generic, models, register_jitable, register_model

from funnelsim.engine.numba_patches import hashed_name, is_used


class TuplePointer(types.Type):  # type: ignore[misc]  # numba ships no types
    """Pointer to a named tuple."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"TuplePointer({dtype.name})")

    @property
    def mangling_args(self) -> tuple[str, tuple[()]]:
        """What stands for the type in symbols."""
        return hashed_name(self), ()


register_model(TuplePointer)(models.PointerModel)


@infer_getattr
class _Fields(AttributeTemplate):  # type: ignore[misc]  # numba ships no types
    key = TuplePointer

    def generic_resolve(self, pointer: Any, name: str) -> Any:
        fields = pointer.dtype.fields
        return pointer.dtype.types[fields.index(name)] if name in fields else None


@lower_getattr_generic(TuplePointer)  # type: ignore[untyped-decorator]  # numba ships no types
def _field(context: Any, builder: Any, pointer: Any, value: Any, name: str) -> Any:
    at = pointer.dtype.fields.index(name)
    kind = pointer.dtype.types[at]
    place = cgutils.gep_inbounds(builder, value, 0, at)
    loaded = context.data_model_manager[kind].load_from_data_pointer(builder, place)
    return impl_ret_borrowed(context, builder, kind, loaded)


@intrinsic  # type: ignore[untyped-decorator]  # numba ships no types
def _pointer_to(typing: Any, value: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        model = context.data_model_manager[value]
        place = cgutils.alloca_once(builder, model.get_data_type())
        builder.store(model.as_data(builder, args[0]), place)
        return place

    return TuplePointer(value)(value), code


@register_jitable  # type: ignore[untyped-decorator]  # numba ships no types
def _itself(value: Any) -> Any:
    return value


_IS_USED = is_used("pointers") and not config.DISABLE_JIT  # type: ignore[attr-defined]  # set when numba starts
# The pointer to a named tuple, for use within the function that asks for it; else the tuple itself.
pointer_to: Any = _pointer_to if _IS_USED else _itself
