"""Rules across fields (to be deepened)."""

from __future__ import annotations

from collections.abc import Sequence

from funnelsim.errors import Problem
from funnelsim.scenario.schema import Scenario
from funnelsim.scenario.text import Node


def check(scenario: Scenario, tree: Node, left_out: Sequence[tuple[str | int, ...]]) -> list[Problem]:
    return []
