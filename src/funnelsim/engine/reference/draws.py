"""Draws of one replication: keyed by lead, purpose, visit and attempt, whoever asks and whenever [20]."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.engine import rng
from funnelsim.int64 import int64
from funnelsim.plan import Plan


class Draws:
    """The luck of one replication of a plan."""

    def __init__(self, plan: Plan, seed: int, replication: int) -> None:
        self.plan = plan
        self.key: Any = np.uint64(rng.replication_key(np.uint64(seed), int64(replication)))

    def draw(self, stream: int, stream_key: np.uint64, first: int, second: int) -> float:
        """Uniform in [0, 1)."""
        return rng.uniform(self._bits(stream, stream_key, first, second))

    def sample(self, table: int, stream: int, stream_key: np.uint64, first: int, second: int) -> float:
        """A draw from a table, as it is."""
        return rng.quantile(self.plan.tables, table, self._bits(stream, stream_key, first, second))

    def duration(self, table: int, stream: int, stream_key: np.uint64, first: int, second: int) -> float:
        """A drawn length of time on the grid [1]; 0 where there is no table, infinite for "never"."""
        if table < 0:
            return 0.0
        return rng.on_grid(self.sample(table, stream, stream_key, first, second))

    def _bits(self, stream: int, what: np.uint64, first: int, second: int) -> np.uint64:
        return np.uint64(rng.bits(np.uint64(stream), np.uint64(what), int64(first), int64(second)))


def stream_key(base: int, what: np.uint64) -> np.uint64:
    """The purpose of a draw: what is drawn, at which stage, source, signal and so on."""
    return np.uint64((int(base) + int(what)) & 0xFFFFFFFFFFFFFFFF)
