"""trace: a scenario file or the manifest of a run to the story of one lead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelsim.commands.run import prepare_run
from funnelsim.errors import UsageError
from funnelsim.progress import Progress
from funnelsim.study.lead_story import LeadStory, story_of_lead

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class LeadTrace:
    """The story of one lead."""

    story: LeadStory

    def report(self, verbose: int = 0) -> str:
        """The story as text; the first line is the end. `verbose` adds the rules."""
        from funnelsim.reporting.trace.report import trace_report

        return trace_report(self.story, verbose)

    def as_data(self) -> dict[str, Any]:
        """The story as plain data, as `--json` prints it."""
        from funnelsim.reporting.trace.report import trace_data

        return trace_data(self.story)

    def figure(self) -> Figure:
        """Its path through the funnel."""
        from funnelsim.reporting.trace.figures import path_figure

        return path_figure(self.story)

    def __str__(self) -> str:
        return self.report()


def trace(
    file: str | Path,
    overrides: Sequence[str] = (),
    *,
    lead: int | None = None,
    which: str = "",
    replication: int = 0,
    seed: int | None = None,
    figure: str | Path | None = None,
    progress: Progress | None = None,
) -> LeadTrace:
    """Tell the story of one lead of a scenario, or of a saved run from its manifest or folder.

    `lead` is its number in the tables, `which` one of "won", "late", "lost": the first one that is so. `figure` is a
    file to draw its path into. Raises ScenarioError; UsageError when there is no such lead.
    """
    if lead is not None and which:
        raise UsageError("give a lead or what it should be, not both")
    job = prepare_run(file, overrides, seed, progress or Progress())
    if replication < 0:
        raise UsageError("--replication must be 0 or more")
    result = LeadTrace(story_of_lead(job.plan(replication), job.blueprint.book, job.seed, replication, lead, which))
    if figure is not None:
        from funnelsim.reporting.common.drawing import save
        from funnelsim.reporting.common.figure_formats import formats_of

        path = Path(figure)
        (form,) = formats_of(path.suffix.removeprefix(".") or "png")
        save(result.figure(), path.parent, path.stem, (form,))
    return result
