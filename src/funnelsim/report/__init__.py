"""Words, tables, figures and the one-file report of what the studies find.

The command of the same name is a function, `funnelsim.report(...)`, and a package takes the place of anything else of
its name in its parent once it is imported. So the package itself can be called.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from funnelsim.commands.report import Reported


class _Report(ModuleType):
    def __call__(self, *results: str | Path, out: str | Path | None = None, title: str = "") -> Reported:
        """Write one HTML file of saved results; see `funnelsim.commands.report.report`."""
        from funnelsim import api

        return api.report(*results, out=out, title=title)


sys.modules[__name__].__class__ = _Report
