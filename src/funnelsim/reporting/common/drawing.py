"""How figures look: one style, colours that colour-blind people tell apart, no global state.

Colours are the palette of Okabe and Ito (2008), without its yellow, which is too light for lines on white; lines also
differ in dash.
"""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, LogLocator, NullLocator

from funnelsim.reporting.common.figure_formats import USUAL
from funnelsim.reporting.common.format import DAY, HOUR, MINUTE, money, number

BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, GREY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#777777",
)
PALETTE = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, "#000000")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)), (0, (3, 1)), "-", (0, (1, 1)))
WIDTH, DPI = 8.0, 200  # inches and dots: 1600 pixels wide
STYLE: dict[Any, Any] = {
    "font.size": 10.5,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "axes.edgecolor": "#555555",
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "funnelsim",
    "pdf.fonttype": 42,
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "text.parse_math": False,  # a name may hold two dollar signs
}
_METADATA: dict[str, dict[str, Any]] = {  # without the hour, so that the same figure gives the same bytes
    "png": {"Software": "funnelsim"},
    "svg": {"Date": None, "Creator": "funnelsim"},
    "pdf": {"CreationDate": None, "Creator": "funnelsim", "Producer": None},
}
_TICKS = (
    (MINUTE, "1 min"),
    (5 * MINUTE, "5 min"),
    (15 * MINUTE, "15 min"),
    (HOUR, "1 h"),
    (4 * HOUR, "4 h"),
    (DAY, "1 day"),
    (3 * DAY, "3 days"),
    (10 * DAY, "10 days"),
    (30 * DAY, "30 days"),
    (100 * DAY, "100 days"),
    (365 * DAY, "1 year"),
)


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


def save(figure: Figure, folder: Path, name: str, formats: Sequence[str] = USUAL) -> list[Path]:
    """One figure in each format; the same figure gives the same bytes."""
    files = [folder / f"{name}.{one}" for one in formats]
    with styled(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # of a name; a browser has more fonts
        for file, one in zip(files, formats, strict=True):
            figure.savefig(file, metadata=_METADATA[one])
    return files


def save_all(figures: Iterable[tuple[str, Figure]], folder: Path, formats: Sequence[str] = USUAL) -> list[Path]:
    """Figures with the names of their files, drawn one after the other."""
    return [file for name, figure in figures for file in save(figure, folder, name, formats)]


def delay_axis(axes: Axes, low: float, high: float) -> None:
    """A logarithmic axis of time with ticks that people use."""
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    ticks = [(at, text) for at, text in _TICKS if low <= at <= high]
    axes.xaxis.set_major_locator(FixedLocator([at for at, _ in ticks]))
    axes.xaxis.set_major_formatter(FixedFormatter([text for _, text in ticks]))
    axes.xaxis.set_minor_locator(NullLocator())


def log_axis(axis: Axis) -> None:
    """Ticks of a logarithmic axis as plain numbers: 1, 2, 5, 10."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


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


def heading(text: str, width: int = 74) -> str:
    """A title, broken into lines that fit: 74 letters over the whole width, 36 over half of it."""
    return textwrap.fill(text, width) or text


def over_all(figure: Figure, title: str) -> None:
    """A title over all panels, flush left."""
    figure.suptitle(heading(title), fontweight="bold", x=0.01, ha="left", fontsize=11.5)


def legend_columns(names: Sequence[str]) -> int:
    """How many names of this length stand beside each other above a figure."""
    return max(1, min(3, len(names), 96 // (max(map(len, names)) + 8)))


def wrapped(names: Sequence[str], width: int = 22) -> list[str]:
    """Names for an axis, broken into lines."""
    return ["\n".join(textwrap.wrap(name, width)) or name for name in names]
