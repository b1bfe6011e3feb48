"""Members of an IntEnum in compiled code: constants of 64 bits, not a type of their own for each enum.

With numba's own types a function would be compiled once more for each enum, and for numbers, that it is called with.
Only the enums of this package are read so: those of others in the process stay what numba makes of them.
"""

from __future__ import annotations

from typing import Any

from numba.core import types
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr


@infer_getattr
class _MemberOfIntEnum(AttributeTemplate):
    key = types.IntEnumClass

    def generic_resolve(self, enum: Any, name: str) -> Any:  # type: ignore[override]  # numba types its inside in part
        is_ours = enum.instance_class.__module__.startswith("funnelsim.")
        return enum.dtype if is_ours and name in enum.instance_class.__members__ else None
