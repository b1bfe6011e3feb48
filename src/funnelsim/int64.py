"""Whole numbers in compiled code."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

# What a compiled function takes or gives as a whole number: to numba they are all of 64 bits.
Int: TypeAlias = int | np.integer[Any]


def int64(number: int) -> int:
    """A constant of 64 bits: numba would compile a copy of a function for each bare int passed to it."""
    return np.int64(number)  # type: ignore[return-value]  # it is used as an int everywhere
