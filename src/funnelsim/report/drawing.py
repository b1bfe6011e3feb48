"""How figures look: one style, colours that colour-blind people tell apart, no global state.

Colours are the palette of Okabe and Ito (2008), without its yellow, which is too light for lines on white; lines also
differ in dash.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, NullLocator

from funnelsim.report.wording import DAY, HOUR, MINUTE, money, number

BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, GREY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#777777")
PALETTE = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, "#000000")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)), (0, (3, 1)), "-", (0, (1, 1)))
WIDTH, DPI = 8.0, 200           # inches and dots: 1600 pixels wide
STYLE: dict[Any, Any] = {
    "font.size": 10.5, "axes.titlesize": 11.5, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#e3e3e3",
    "grid.linewidth": 0.7, "axes.axisbelow": True, "axes.edgecolor": "#555555", "legend.frameon": False,
    "svg.fonttype": "none", "svg.hashsalt": "funnelsim", "figure.dpi": DPI, "savefig.dpi": DPI,
}
_TICKS = ((MINUTE, "1 min"), (5 * MINUTE, "5 min"), (15 * MINUTE, "15 min"), (HOUR, "1 h"), (4 * HOUR, "4 h"),
          (DAY, "1 day"), (3 * DAY, "3 days"), (10 * DAY, "10 days"), (30 * DAY, "30 days"), (100 * DAY, "100 days"),
          (365 * DAY, "1 year"))


@contextmanager
def styled() -> Iterator[None]:
    """The style, for as long as a figure is made or written."""
    with matplotlib.rc_context(STYLE):
        yield


def new_figure(height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, list[Axes]]:
    """A figure of the common width and its axes, row by row."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, list(axes.flat)


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """As PNG for reading and SVG for slides; the same figure gives the same bytes."""
    png, svg = folder / f"{name}.png", folder / f"{name}.svg"
    with styled():
        figure.savefig(png, metadata={"Software": "funnelsim"})
        figure.savefig(svg, metadata={"Date": None, "Creator": "funnelsim"})
    return [png, svg]


def delay_axis(axes: Axes, low: float, high: float) -> None:
    """A logarithmic axis of time with ticks that people use."""
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    ticks = [(at, text) for at, text in _TICKS if low <= at <= high]
    axes.xaxis.set_major_locator(FixedLocator([at for at, _ in ticks]))
    axes.xaxis.set_major_formatter(FixedFormatter([text for _, text in ticks]))
    axes.xaxis.set_minor_locator(NullLocator())


def percent_axis(axes: Axes) -> None:
    """0 % to 100 % upwards."""
    axes.set_ylim(0.0, 1.0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))


def money_axis(axes: Axes, currency: str) -> None:
    """Amounts along the horizontal axis."""
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: money(value, currency)))


def date_axis(axes: Axes) -> None:
    """Dates as short as they can be said."""
    locator = AutoDateLocator(minticks=4, maxticks=9)  # type: ignore[no-untyped-call]  # Matplotlib types it not
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]  # nor this


def count_axis(axes: Axes) -> None:
    """Counts along the horizontal axis: 12,000."""
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))


def line_style(number: int) -> dict[str, Any]:
    """Colour and dash of the n-th line."""
    return {"color": PALETTE[number % len(PALETTE)], "linestyle": DASHES[number % len(DASHES)], "linewidth": 2.0}


def wrapped(names: Sequence[str], width: int = 22) -> list[str]:
    """Names for an axis, broken into lines."""
    import textwrap

    return ["\n".join(textwrap.wrap(name, width)) or name for name in names]
