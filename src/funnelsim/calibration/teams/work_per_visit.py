"""Work by visit: how often and how long somebody worked on a lead while it was in a stage, and since when.

A piece belongs to the latest visit to its stage that had begun when it started; one from before the first visit, to the
first. A team's `whole` is the work of a visit taken together, from those that are over.

Why together: a stage's times are counted from its entry and hold the waits between calls already (rule 27). Calls that
follow each other in the simulation would hold the outcome back once more, by a chance that has nothing to do with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from funnelsim.calibration.events.visit_history import OPEN, VisitHistory
from funnelsim.calibration.survival.duration_fit import fit_duration
from funnelsim.calibration.teams.fit import TeamFit, VisitWorkFit
from funnelsim.calibration.teams.handling import left_open
from funnelsim.typing import FloatArray

LATE = 0.95  # share of the first touches by which a lead is touched, or is taken as left alone


@dataclass(frozen=True)
class WorkPerVisit:
    """By visit of the records."""

    calls: np.ndarray  # pieces of work begun
    seconds: FloatArray  # of work, wrap-up included
    worked: np.ndarray  # is the visit to a stage in which the team works?
    waits: np.ndarray  # will the team yet turn to it for the first time?


def work_per_visit(team: TeamFit, records: VisitHistory, zone: str) -> WorkPerVisit:
    """The log of work beside the visits; cases are told by the ids of the leads."""
    visits, count = records.visits, len(records.visits.lead)
    calls, seconds, began = np.zeros(count, np.int64), np.zeros(count), np.full(count, np.inf)
    length = _lengths(team, zone)
    pieces, lead = team.pieces, _leads(team, records)
    worked, waits = np.zeros(count, bool), np.zeros(count, bool)
    for stage, name in enumerate(records.stages):
        if name not in team.handling:
            continue
        there = np.flatnonzero(visits.stage == stage)
        of_kind = pieces.served & (pieces.kind == pieces.kinds.index(name))
        mine = np.flatnonzero(of_kind & np.isin(lead, visits.lead[there]))
        visit = there[_latest_visit(visits.lead[there], visits.entered[there], lead[mine], pieces.started[mine])]
        np.add.at(calls, visit, 1)
        np.add.at(seconds, visit, length[mine])
        np.minimum.at(began, visit, pieces.started[mine])
        worked[there] = True
        touched = there[calls[there] > 0]
        if len(touched):
            late = np.quantile(np.maximum(began[touched] - visits.entered[touched], 0.0), LATE)
            waits[there] = (calls[there] == 0) & (records.as_of - visits.entered[there] <= late)
    return WorkPerVisit(calls, seconds, worked, waits & (visits.to == OPEN))


def with_work_per_visit(team: TeamFit, records: VisitHistory, work: WorkPerVisit) -> TeamFit:
    """The team with the work of a visit, stage by stage; visits nobody worked on count with none."""
    per_visit = {}
    for stage, name in enumerate(records.stages):
        over = (records.visits.stage == stage) & (records.visits.to != OPEN) & work.worked
        if (work.calls[over] > 0).any():
            seconds = work.seconds[over]
            per_visit[name] = VisitWorkFit(
                int(over.sum()), float(work.calls[over].mean()), float(seconds.mean()), fit_duration(seconds)
            )
    return replace(team, per_visit=per_visit)


def _leads(team: TeamFit, records: VisitHistory) -> np.ndarray:
    """The lead of each piece; -1 where the records do not know the case."""
    numbers = {str(name): lead for lead, name in enumerate(records.ids)}
    pieces = team.pieces
    if not pieces.cases:
        return np.full(len(pieces), -1)
    return np.asarray(np.array([numbers.get(name, -1) for name in pieces.cases])[pieces.case])


def _lengths(team: TeamFit, zone: str) -> FloatArray:
    """Seconds of each piece with its wrap-up; where its end is not known, the mean of its kind."""
    pieces = team.pieces
    closes = team.opening is not None and team.opening.closes
    aside = left_open(pieces, zone) if closes else np.zeros(len(pieces), bool)
    length = pieces.ended - pieces.started
    mean = np.array([team.handling[kind].mean if kind in team.handling else 0.0 for kind in pieces.kinds])
    known = np.isfinite(length) & (length >= 0) & ~aside
    return np.where(known, length, mean[pieces.kind]) + team.wrap_up


def _latest_visit(lead: np.ndarray, entered: FloatArray, of: np.ndarray, at: FloatArray) -> np.ndarray:
    """For each event (lead `of`, instant `at`) the visit that was the latest then, by place in `lead` and `entered`."""
    order = np.lexsort((np.r_[np.zeros(len(lead)), np.ones(len(of))], np.r_[entered, at], np.r_[lead, of]))
    place = np.arange(len(order))
    is_visit = order < len(lead)
    before = np.maximum.accumulate(np.where(is_visit, place, 0))
    after = np.minimum.accumulate(np.where(is_visit, place, len(order) - 1)[::-1])[::-1]
    leads = np.r_[lead, of][order]
    chosen = np.where(is_visit[before] & (leads[before] == leads), before, after)
    latest = np.empty(len(order), np.int64)
    latest[order] = order[chosen]
    return latest[len(lead) :]
