"""Figures of a sweep: curves over one axis, heat maps and contours over two, points against each axis of more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, MultipleLocator, NullLocator

from funnelsim.measures import Estimate
from funnelsim.reporting.common.drawing import (
    heading,
    legend_columns,
    line_style,
    log_axis,
    new_figure,
    styled,
    wrapped,
)
from funnelsim.reporting.common.format import DAY, HOUR, MINUTE, shown
from funnelsim.reporting.sweep.report import Turn, short, turns, unit_of
from funnelsim.study.axes import Axis
from funnelsim.study.sweep import Sweep, SweepCell
from funnelsim.typing import FloatArray

COLOURS = "cividis"  # rises in brightness alone: for the colour-blind and for print
MOST_NUMBERS = 150  # cells of a heat map that are written on
MOST_PANELS = 6
MOST_MARKS = 1000  # as shapes of an SVG: more become a picture in it
LEAST_CONTOURED = 4  # values of each axis
TIMES = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 28 * DAY, 91 * DAY)


def sweep_figures(sweep: Sweep) -> Iterator[tuple[str, Figure]]:
    """Every figure that the axes of a sweep allow, by the name of its file; none where every point failed."""
    axes, measures = sweep.spec.axes, sweep.spec.measures
    if len(sweep.failed) == len(sweep.cells):
        return
    if len(axes) == 1:
        yield "curves", curve_figure(sweep)
    elif len(axes) == 2 and sweep.spec.design.way == "grid":
        for measure in measures:
            yield f"map-{_file_name(measure)}", heat_figure(sweep, measure)
            if has_contours(sweep):
                yield f"contour-{_file_name(measure)}", contour_figure(sweep, measure)
    else:
        for measure in measures[:MOST_PANELS]:
            yield f"points-{_file_name(measure)}", scatter_figure(sweep, measure)


def has_contours(sweep: Sweep) -> bool:
    """Whether both axes are numbers with enough values for lines of equal height to be drawn between them."""
    return (
        len(sweep.spec.axes) == 2
        and sweep.spec.design.way == "grid"
        and all(
            len(axis.values) >= LEAST_CONTOURED and np.isfinite([axis.coordinate(text) for text in axis.values]).all()
            for axis in sweep.spec.axes
        )
    )


def curve_figure(sweep: Sweep) -> Figure:
    """A panel a measure, a line a scenario: the mean, its simulation error, and the spread of one period."""
    axis, measures = sweep.spec.axes[0], sweep.spec.measures[:MOST_PANELS]
    with styled():
        figure, every = new_figure(0.9 + 2.5 * len(measures), rows=len(measures), sharex=True)
        along = {(one.scenario, one.measure): one for one in turns(sweep)}
        for axes, measure in zip(every, measures, strict=True):
            for i, name in enumerate(sweep.spec.names):
                _curve(axes, sweep, name, measure, line_style(i))
                if (name, measure) in along:
                    _mark(axes, axis, along[name, measure], 0.035 + 0.045 * i, line_style(i)["color"])
            axes.set_title(measure)
            value_axis(axes.yaxis, unit_of(sweep, measure), sweep.currency)
        place_axis(every[-1], axis)
        every[-1].set_xlabel(axis_label(axis))
        if len(sweep.spec.names) > 1:
            handles, labels = every[0].get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside upper right", ncols=legend_columns(labels))
        figure.supxlabel(
            "Lines: mean. Dark bands: its simulation error, 90 %. Pale bands: central 90 % of periods.\n"
            "Bars below: points that cannot be told from the highest (diamond).",
            fontsize=9.5,
            color="#444444",
        )
        return figure


def heat_figure(sweep: Sweep, measure: str) -> Figure:
    """A panel a scenario: the mean at each point of a grid of two axes, the highest marked."""
    across, up = sweep.spec.axes
    grids = [_grid(sweep, name, measure) for name in sweep.spec.names]
    low = min((float(np.nanmin(grid)) for grid in grids if np.isfinite(grid).any()), default=0.0)
    high = max((float(np.nanmax(grid)) for grid in grids if np.isfinite(grid).any()), default=1.0)
    with styled():
        rows = len(up.values)
        figure, every = new_figure(len(grids) * (1.5 + 0.38 * min(rows, 12)), rows=len(grids))
        picture: Any = None
        for axes, name, grid in zip(every, sweep.spec.names, grids, strict=True):
            picture = axes.imshow(grid, origin="lower", aspect="auto", cmap=COLOURS, vmin=low, vmax=high)
            axes.set_title(heading(name if len(grids) > 1 else f"{name}: {measure}"))
            axes.grid(visible=False)
            _ticks(axes, across, up)
            _numbers(axes, sweep, measure, grid, low, high)
        bar = figure.colorbar(picture, ax=every, pad=0.02)
        bar.ax.yaxis.set_major_formatter(
            FuncFormatter(lambda value, _: shown(value, unit_of(sweep, measure), sweep.currency))
        )
        if len(grids) > 1:
            bar.set_label(measure)
        figure.supxlabel("Means. The frame marks the highest; a blank point failed.", fontsize=9.5, color="#444444")
        return figure


def contour_figure(sweep: Sweep, measure: str) -> Figure:
    """A panel a scenario: lines of equal mean over two axes at their true distances, such as two terms of a promise."""
    across, up = sweep.spec.axes
    grids = [_grid(sweep, name, measure) for name in sweep.spec.names]
    levels = _levels(grids)
    x, y = ([axis.coordinate(text) for text in axis.values] for axis in (across, up))
    with styled():
        figure, every = new_figure(0.7 + 3.6 * len(grids), rows=len(grids), sharex=True)
        for axes, name, grid in zip(every, sweep.spec.names, grids, strict=True):
            axes.set_title(heading(name if len(grids) > 1 else f"{name}: {measure}"))
            if len(levels) > 1:
                axes.contourf(x, y, grid, levels, cmap=COLOURS, extend="both")
                lines = axes.contour(x, y, grid, levels, colors="white", linewidths=0.9)
                _outlined(
                    axes,
                    axes.clabel(
                        lines,
                        fontsize=9,
                        colors="black",
                        fmt=lambda value: shown(value, unit_of(sweep, measure), sweep.currency),
                    ),
                )
            axes.plot(*map(np.ravel, np.meshgrid(x, y)), ".", color="white", markersize=2.5, alpha=0.6)
            axes.set_ylabel(short(up.path) + (f" ({up.unit})" if up.unit else ""))
            for axis, log in ((axes.set_xscale, across.log), (axes.set_yscale, up.log)):
                axis("log" if log else "linear")
            _log_ticks(axes, across, up)
        every[-1].set_xlabel(axis_label(across))
        figure.supxlabel(
            f"Lines: equal {measure}, between the points that were run (dots).", fontsize=9.5, color="#444444"
        )
        return figure


def scatter_figure(sweep: Sweep, measure: str) -> Figure:
    """A panel an axis: every point of a random design, with the spread that the other axes make."""
    drawn = sweep.spec.axes[:MOST_PANELS]
    with styled():
        figure, every = new_figure(0.7 + 2.5 * len(drawn), rows=len(drawn))
        for axes, axis in zip(every, drawn, strict=True):
            where = sweep.spec.axes.index(axis)
            for i, name in enumerate(sweep.spec.names):
                cells = [cell for cell in sweep.of(name) if sweep.estimate(cell, measure)]
                x = [place_of(axis, cell.point[where]) for cell in cells]
                y = [one.mean for cell in cells if (one := sweep.estimate(cell, measure))]
                axes.plot(
                    x,
                    y,
                    "os^Dv"[i % 5],
                    color=line_style(i)["color"],
                    markersize=4,
                    alpha=0.7,
                    label=name,
                    rasterized=len(x) > MOST_MARKS,
                )
            axes.set_xlabel(axis_label(axis))
            axes.set_ylabel(measure)
            place_axis(axes, axis)
            value_axis(axes.yaxis, unit_of(sweep, measure), sweep.currency)
        if len(sweep.spec.names) > 1:
            handles, labels = every[0].get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside upper right", ncols=legend_columns(labels))
        return figure


def _file_name(measure: str) -> str:
    return measure.replace(".", "-").replace(" ", "-")


# ---- curves --------------------------------------------------------------------------------------------------------


def _curve(axes: Axes, sweep: Sweep, name: str, measure: str, style: dict[str, Any]) -> None:
    axis = sweep.spec.axes[0]
    there = [(cell, one) for cell in sweep.of(name) if (one := sweep.estimate(cell, measure))]
    if not there:
        return
    x = np.array([place_of(axis, cell.point[0]) for cell, _ in there])
    order = np.argsort(x, kind="stable")
    ones = [there[i][1] for i in order]
    marker = "o" if len(there) <= 40 else None
    axes.fill_between(
        x[order], _of(ones, "period_low"), _of(ones, "period_high"), color=style["color"], alpha=0.10, linewidth=0
    )
    axes.fill_between(x[order], _of(ones, "low"), _of(ones, "high"), color=style["color"], alpha=0.30, linewidth=0)
    axes.plot(x[order], _of(ones, "mean"), label=name, marker=marker, markersize=3.5, **style)


def _mark(axes: Axes, axis: Axis, turn: Turn, height: float, color: str) -> None:
    """The highest point and those that cannot be told from it, near the floor of the panel."""
    across = axes.get_xaxis_transform()
    among = [place_of(axis, turn.at(i)) for i in (turn.top.first, turn.top.last)]
    axes.plot(among, [height, height], color=color, linewidth=4, alpha=0.6, solid_capstyle="butt", transform=across)
    axes.plot(place_of(axis, turn.at(turn.top.at)), height, "D", color=color, markersize=5, transform=across)


def _of(ones: Sequence[Estimate], field: str) -> FloatArray:
    return np.array([getattr(one, field) for one in ones])


def place_of(axis: Axis, text: str) -> float:
    """Where a value stands: at its number, or in the order of the list."""
    number = axis.coordinate(text)
    return number if np.isfinite(number) else float(axis.values.index(text))


def place_axis(axes: Axes, axis: Axis) -> None:
    """The values of a study's axis along the horizontal one: on a logarithm, or as words."""
    if axis.log:
        axes.set_xscale("log")
        ticks = [axis.coordinate(text) for text in axis.values]
        if ticks:
            ticks = ticks[:: -(-len(ticks) // 12)]
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.xaxis.set_minor_locator(NullLocator())
        else:
            log_axis(axes.xaxis)
    elif axis.values and not np.isfinite(axis.coordinate(axis.values[0])):
        axes.set_xticks(range(len(axis.values)), wrapped(axis.values))


def value_axis(which: Any, unit: str, currency: str) -> None:
    """Values in their unit along an axis of the picture."""
    if unit == "seconds":
        low, high = which.get_view_interval()
        which.set_major_locator(MultipleLocator(next((one for one in TIMES if (high - low) / one <= 7.0), TIMES[-1])))
    which.set_major_formatter(FuncFormatter(lambda value, _: shown(value, unit, currency)))


def axis_label(axis: Axis) -> str:
    """sources.search.rate (/week)"""
    return f"{axis.path} ({axis.unit})" if axis.unit else axis.path


# ---- heat maps -----------------------------------------------------------------------------------------------------


def _grid(sweep: Sweep, name: str, measure: str) -> FloatArray:
    """Means [up, across], nan where a point failed."""
    across, up = sweep.spec.axes
    grid = np.full((len(up.values), len(across.values)), np.nan)
    cells: list[SweepCell] = sweep.of(name)
    for cell in cells:
        one = sweep.estimate(cell, measure)
        if one is not None:
            grid[up.values.index(cell.point[1]), across.values.index(cell.point[0])] = one.mean
    return grid


def _levels(grids: Sequence[FloatArray]) -> FloatArray:
    """Round heights between the lowest and the highest of all panels; fewer than two where all is flat."""
    values = np.concatenate([grid[np.isfinite(grid)] for grid in grids])
    if not values.size or np.ptp(values) <= 1e-9 * max(1.0, float(np.abs(values).max())):
        return np.empty(0)
    steps = np.array(MaxNLocator(nbins=9).tick_values(float(values.min()), float(values.max())))
    within: FloatArray = steps[(steps > values.min()) & (steps < values.max())]
    return within


def _outlined(axes: Axes, words: Iterable[Text]) -> None:
    """Heights to be read on dark and light alike; those that the frame would cut are left out."""
    for word in words:
        word.set_path_effects([withStroke(linewidth=2.5, foreground="white")])
        x, y = axes.transAxes.inverted().transform(axes.transData.transform(word.get_position()))
        word.set_visible(0.05 < x < 0.95 and 0.04 < y < 0.96)


def _log_ticks(axes: Axes, across: Axis, up: Axis) -> None:
    """A logarithmic axis says the values that were run, as far as there is room."""
    for axis, which in ((across, axes.xaxis), (up, axes.yaxis)):
        if axis.log:
            ticks = [axis.coordinate(text) for text in axis.values][:: -(-len(axis.values) // 9)]
            which.set_major_locator(FixedLocator(ticks))
            which.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            which.set_minor_locator(NullLocator())


def _ticks(axes: Axes, across: Axis, up: Axis) -> None:
    for axis, set_ticks, most in ((across, axes.set_xticks, 12), (up, axes.set_yticks, 16)):
        step = -(-len(axis.values) // most)
        chosen = range(0, len(axis.values), step)
        texts = [axis.values[i] for i in chosen]
        labels = [f"{axis.coordinate(text):g}" for text in texts] if np.isfinite(axis.coordinate(texts[0])) else texts
        set_ticks(list(chosen), wrapped(labels, 16))
    axes.set_xlabel(axis_label(across))
    axes.set_ylabel(short(up.path) + (f" ({up.unit})" if up.unit else ""))


def _numbers(axes: Axes, sweep: Sweep, measure: str, grid: FloatArray, low: float, high: float) -> None:
    """Figures on the cells, dark on light and light on dark, and a frame round the highest."""
    if not np.isfinite(grid).any():
        return
    best = np.unravel_index(int(np.nanargmax(grid)), grid.shape)
    axes.add_patch(_frame(float(best[1]), float(best[0])))
    if grid.size > MOST_NUMBERS or grid.shape[1] > 13:
        return
    unit = unit_of(sweep, measure)
    for (row, column), value in np.ndenumerate(grid):
        if np.isfinite(value):
            bright = high > low and (value - low) / (high - low) > 0.55
            axes.text(
                column,
                row,
                shown(float(value), unit, sweep.currency),
                ha="center",
                va="center",
                fontsize=8,
                color="black" if bright else "white",
            )


def _frame(column: float, row: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.46, row - 0.44), 0.92, 0.88, fill=False, edgecolor="#D55E00", linewidth=2.2)
