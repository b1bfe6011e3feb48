"""What we lean on inside numba, none of it promised: a new numba that lacks it must say so here, not in a slow run."""

from __future__ import annotations

import inspect

import numba
import numpy as np
from numba.core import options, types
from numba.np import arrayobj

from funnelsim.engine import jit


def test_numba_still_has_the_insides_that_the_engine_leans_on() -> None:
    assert "_nrt" in inspect.getsource(options)
    assert hasattr(types.Record, "mangling_args")
    assert callable(arrayobj.fix_integer_index)


def test_code_of_others_keeps_its_negative_indices() -> None:
    @numba.njit
    def last(values: np.ndarray) -> float:
        return float(values[-1])

    assert last(np.array([1.0, 2.0, 3.0])) == 3.0


def test_the_cache_has_a_name_of_its_own_for_these_sources() -> None:
    assert jit.engine_hash() == jit.engine_hash()
    assert jit.cache_directory().name == jit.engine_hash()
    assert str(jit.cache_directory()) == numba.config.CACHE_DIR
