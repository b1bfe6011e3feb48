"""Which files a figure is saved as: `--figures svg,pdf` on the command line, `figures=("svg", "pdf")` from Python."""

from __future__ import annotations

from collections.abc import Sequence

from funnelsim.errors import UsageError, did_you_mean

FORMATS = ("png", "svg", "pdf")
USUAL = ("png", "svg")  # to be looked at, and for slides

Figures = bool | str | Sequence[str]  # True: the usual ones; False or none: no figures


def formats_of(figures: Figures) -> tuple[str, ...]:
    """Formats in the order they were asked for, each once; UsageError for one that is not known."""
    if isinstance(figures, bool):
        return USUAL if figures else ()
    asked = figures.split(",") if isinstance(figures, str) else figures
    found = tuple(dict.fromkeys(one.strip().lower() for one in asked if one.strip()))
    for one in found:
        if one not in FORMATS:
            hint = did_you_mean(one, FORMATS) or f"there are {', '.join(FORMATS)}"
            raise UsageError(f"--figures: no format '{one}'; {hint}")
    return found
