"""The path of a lead: a bar a visit, stage by stage, with attempts, deadlines and what was met or missed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.figure import Figure

from funnelsim.reporting.common.drawing import (
    BLUE,
    GREEN,
    GREY,
    SKY,
    VERMILION,
    date_axis,
    new_figure,
    over_all,
    styled,
)
from funnelsim.reporting.trace.report import trace_data
from funnelsim.study.lead_story import LeadStory

BAR = 0.5
MARKS = {  # kind of event: marker, colour, name
    "attempt": ("|", "#000000", "attempt"),
    "reached": ("o", GREEN, "reached"),
    "signal": ("*", BLUE, "signal"),
    "clock met": ("v", GREEN, "promise met"),
    "clock missed": ("X", VERMILION, "promise missed"),
}


def trace_figures(story: LeadStory) -> Iterator[tuple[str, Figure]]:
    """Every figure of a story by the name of its file."""
    yield "path", path_figure(story)


def path_figure(story: LeadStory) -> Figure:
    """Stages downwards, time to the right; light while it waits or thinks, dark while people work on it."""
    stages = list(dict.fromkeys(int(visit.stage) for visit in story.visits))
    end = max(event.time for event in story.events)
    with styled():
        figure, (axes,) = new_figure(1.9 + 0.55 * len(stages))
        for visit in story.visits:
            until = visit.ended if visit.ended >= 0.0 else end
            _bar(axes, story, stages.index(int(visit.stage)), visit.entered, until, GREY if visit.ended < 0.0 else SKY)
        for attempt in story.attempts:
            if attempt.started >= 0.0:
                until = attempt.ended if attempt.ended >= 0.0 else end
                _bar(axes, story, stages.index(int(attempt.stage)), attempt.started, until, BLUE)
        for kind, (marker, colour, name) in MARKS.items():
            points = [(_at(story, one.time), stages.index(one.stage)) for one in story.events if one.kind == kind]
            if points:
                times, rows = zip(*points, strict=True)
                axes.scatter(times, rows, marker=marker, color=colour, s=70, label=name, zorder=3)
        axes.set_yticks(range(len(stages)), [story.labels.stages[stage] for stage in stages])
        axes.set_ylim(len(stages) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.xaxis_date()
        date_axis(axes)
        if axes.get_legend_handles_labels()[1]:
            axes.legend(loc="upper left", bbox_to_anchor=(0.0, -0.14), ncols=5)
        over_all(figure, trace_data(story)["answer"])
        return figure


def _bar(axes: Axes, story: LeadStory, row: int, begin: float, until: float, colour: str) -> None:
    start = _at(story, begin)
    axes.barh(row, max(_at(story, until) - start, 1e-3), left=start, height=BAR, color=colour, edgecolor="none")


def _at(story: LeadStory, seconds: float) -> float:
    """Local time as Matplotlib counts it."""
    start = datetime.fromisoformat(story.labels.start).replace(tzinfo=None)
    return float(date2num(start + timedelta(seconds=seconds)))  # type: ignore[no-untyped-call]  # Matplotlib types it not
