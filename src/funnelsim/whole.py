"""Whole-number constants for compiled code."""

from __future__ import annotations

import numpy as np


def whole(number: int) -> int:
    """A constant of 64 bits: numba would compile a copy of a function for each bare int passed to it."""
    return np.int64(number)  # type: ignore[return-value]  # it is used as an int everywhere
