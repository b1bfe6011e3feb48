"""The alias tables beside this module: knowledge about exports that is data, with its source and grade."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from funnelsim.scenario.yaml_nodes import plain as data_of
from funnelsim.scenario.yaml_nodes import read

_SIGNS = re.compile(r"[\W_]+")


def normalised(name: str) -> str:
    """A name without case, spaces and signs: `Deal - Won time` and `deal_won_time` are the same."""
    return _SIGNS.sub("", name.casefold())


@cache
def alias_table(name: str) -> Any:
    """The data of NAME.yaml; a name may hold a folder."""
    return data_of(read(str(Path(__file__).parent / f"{name}.yaml")))
