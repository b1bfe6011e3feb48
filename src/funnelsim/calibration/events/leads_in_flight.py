"""Leads in flight as of the date: who is where, since when; the simulated future begins with them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from funnelsim.calibration.events.visit_history import OPEN, VisitHistory
from funnelsim.calibration.survival.stage_fit import StageFit, still_to_move
from funnelsim.calibration.teams.work_per_visit import WorkPerVisit

COLUMNS = ("id", "source", "stage", "age", "number", "value")
OF_SEGMENTS = ("segment",)  # where the history has segments
OF_WORK = ("attempts", "reached")  # beside them where there is a log of work
HOPELESS = 0.002  # leads less likely than this ever to move again are taken as gone


@dataclass(frozen=True)
class LeadsInFlight:
    """The open leads, in order of id."""

    rows: tuple[tuple[str, ...], ...]
    open: dict[str, int]  # by stage, before the hopeless are taken out
    listed: dict[str, int]
    expected: dict[str, float]  # of those kept: how many will move in the end
    worked: bool = False  # do rows end with what a log of work says?
    segments: bool = False  # is there a segment before that?

    @property
    def columns(self) -> tuple[str, ...]:
        """Of the rows."""
        return (*COLUMNS, *(OF_SEGMENTS if self.segments else ()), *(OF_WORK if self.worked else ()))

    def csv(self) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(self.rows)
        return text.getvalue()


def leads_in_flight(records: VisitHistory, stages: list[StageFit], work: WorkPerVisit | None = None) -> LeadsInFlight:
    """Open visits of stages that lead on, with their age; with a log of work, who has been dealt with.

    `reached` there means that nobody is waited for any longer: somebody has worked on the lead, or it has been left
    alone for longer than all but a few are. The rest of such a visit follows from its age alone (rule 23). The others
    wait in the team's queue.
    """
    visits = records.visits
    fitted = {stage.name: stage for stage in stages}
    rows: list[tuple[str, ...]] = []
    counts: dict[str, int] = {}
    kept: dict[str, int] = {}
    expected: dict[str, float] = {}
    sources, segments = np.array(records.sources, dtype=object), np.array(records.segments, dtype=object)
    for number, name in enumerate(records.stages):
        if name not in fitted:
            continue
        mine = np.flatnonzero((visits.stage == number) & (visits.to == OPEN))
        age = np.maximum(records.as_of - visits.entered[mine], 0.0)
        chance = still_to_move(fitted[name], age)
        alive = chance >= HOPELESS
        counts[name], kept[name] = len(mine), int(alive.sum())
        expected[name] = float(chance[alive].sum())
        lead = visits.lead[mine[alive]]
        value = records.value[lead]
        amounts = [f"{amount:.2f}" for amount in value] if np.isfinite(value).any() else [""] * len(lead)
        rows += zip(
            map(str, records.ids[lead]),
            sources[records.source[lead]],
            repeat(name),
            [f"{seconds:.0f} s" for seconds in age[alive].tolist()],
            map(str, visits.number[mine[alive]].tolist()),
            ["" if amount == "nan" else amount for amount in amounts],
            *([segments[records.segment[lead]]] if records.segments else ()),
            *(_work_columns(work, mine[alive]) if work else ()),
        )
    return LeadsInFlight(tuple(sorted(rows)), counts, kept, expected, work is not None, bool(records.segments))


def _work_columns(work: WorkPerVisit, visits: np.ndarray) -> tuple[list[str], list[str]]:
    """Calls made, and whether the team has dealt with them; nothing where the team does not work."""
    worked = work.worked[visits].tolist()
    calls = [str(calls) if mine else "" for calls, mine in zip(work.calls[visits].tolist(), worked, strict=True)]
    waits = zip(work.waits[visits].tolist(), worked, strict=True)
    return calls, [("false" if waiting else "true") if mine else "" for waiting, mine in waits]
