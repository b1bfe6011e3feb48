"""Every stage of a history: its exits, its fit, its sources.

An exit whose times hold a time-out or two ways of leaving becomes several exits to one target (`exit_modes`); in the
result their shares are added up again and their times mixed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from funnelsim.calibration.events.stage_events import LOST_AT
from funnelsim.calibration.events.visit_history import OPEN, VisitHistory
from funnelsim.calibration.history.model import LOST, HistoryFile
from funnelsim.calibration.io.times import local_parts
from funnelsim.calibration.survival.competing_risks import Spells
from funnelsim.calibration.survival.conditional_share import share_given_times
from funnelsim.calibration.survival.exit_modes import Timeout, split_modes, split_timeouts
from funnelsim.calibration.survival.goodness_of_fit import Misfit, misfit
from funnelsim.calibration.survival.model_averaging import ModelAverage, ShareEstimate, average_models, refit
from funnelsim.calibration.survival.time_distributions import cdf, log_time
from funnelsim.typing import FloatArray

DAY = 86400.0
ENOUGH = 20  # forward exits a source (or cohort) needs for a share fitted together with the times
FEWEST_VISITS = 5  # a source with fewer is taken as the average
MOST_SOURCES = 100  # the largest; the others are taken as the average
TRIED_AGAIN = 2  # choices of families that are fitted again for finer groups


@dataclass(frozen=True)
class StageFit:
    """What is known of one stage."""

    name: str
    targets: tuple[str, ...]  # by exit: stage or lost; a target may come twice
    order: tuple[str, ...]  # distinct targets, forward ones first
    forward: tuple[int, ...]  # exits that lead on
    spells: Spells
    fit: ModelAverage
    sources: dict[str, ShareEstimate]  # share of forward exits by source, where enough were seen
    naive_sources: dict[str, tuple[int, int]]  # (forward exits, visits)
    timeouts: tuple[Timeout, ...]
    misfits: tuple[Misfit, ...]
    notes: tuple[str, ...] = ()  # what else is to be minded
    pace_grade: str = "measured"
    segments: dict[str, ShareEstimate] = field(default_factory=dict)  # as of the sources
    naive_segments: dict[str, tuple[int, int]] = field(default_factory=dict)
    lead: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))  # by visit

    @property
    def visits(self) -> int:
        return len(self.spells)

    @property
    def current(self) -> np.ndarray:
        """Visits of the last period, which the fitted file speaks of."""
        return np.asarray(self.spells.group == self.spells.groups - 1)

    @property
    def odd(self) -> frozenset[int]:
        """Exits whose times follow no family."""
        return frozenset(misfit.number for misfit in self.misfits)

    def of(self, target: str) -> list[int]:
        """Numbers of the exits that lead to a target."""
        return [j for j, name in enumerate(self.targets) if name == target]

    def share(self, target: str) -> ShareEstimate:
        return self.fit.forward(self.of(target))

    def seen(self, target: str) -> int:
        """Exits to a target in the last period."""
        return int(np.isin(self.spells.outcome[self.current], [j + 1 for j in self.of(target)]).sum())

    def times(self, target: str) -> list[tuple[float, str, float, float]]:
        """(weight, family, mu, s) of the time to a target."""
        exits = self.of(target)
        shares = np.array([self.fit.point([j]) for j in exits])
        return [
            (float(share) * weight, family, mu, s)
            for j, share in zip(exits, shares / shares.sum(), strict=True)
            for weight, family, mu, s in self.fit.times(j)
        ]


def fit_stages(history: HistoryFile, records: VisitHistory) -> list[StageFit]:
    """Fit every stage that leads left; the others are ends."""
    fits = []
    for number in range(len(records.stages)):
        fitted = _fit_stage(history, records, number)
        if fitted:
            fits.append(fitted)
    return fits


def cohort_shares(
    history: HistoryFile, records: VisitHistory, stage: StageFit
) -> list[tuple[str, int, int, ShareEstimate]]:
    """(month of entry, visits, forward exits seen, fitted share) of a stage, with time laws in common.

    Months with too few exits are joined to their neighbours.
    """
    day, _ = local_parts(records.as_of - stage.spells.age, history.timezone)
    month = (np.datetime64("1970-01-01") + day).astype("datetime64[M]")
    keys, index = np.unique(np.stack([stage.spells.group, month.astype(int)]), axis=1, return_inverse=True)
    forward = np.isin(stage.spells.outcome, [j + 1 for j in stage.forward])
    group = _joined(keys[0], np.bincount(index, forward, keys.shape[1]).astype(float))
    names = keys[1].astype("datetime64[M]").astype(str)
    label = []
    for g in range(group.max() + 1):
        first, last = names[group == g][[0, -1]]
        label.append(first if first == last else f"{first} to {last}")
    spells = replace(stage.spells, group=group[index], groups=len(label))
    fit = refit(spells, stage.fit, TRIED_AGAIN)
    return [
        (
            label[g],
            int((spells.group == g).sum()),
            int(forward[spells.group == g].sum()),
            fit.forward(list(stage.forward), g),
        )
        for g in range(len(label))
    ]


def _joined(period: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Neighbouring cells joined until each group has seen ENOUGH; never across a change of the funnel."""
    group, room = np.zeros(len(seen), np.int64), 0.0
    for i in range(len(seen)):
        begins = i > 0 and (
            period[i] != period[i - 1] or (room >= ENOUGH and seen[i:][period[i:] == period[i]].sum() >= ENOUGH)
        )
        room = seen[i] if begins else room + seen[i]
        group[i:] = group[i - 1] + 1 if begins else group[i]
    return group


def _fit_stage(history: HistoryFile, records: VisitHistory, number: int) -> StageFit | None:
    name = records.stages[number]
    spells, lead = _spells(history, records, number)
    if not (spells.outcome > 0).any():
        return None
    spells, fit, timers, misfits = _fit(spells)
    targets = spells.exits
    place = {stage: i for i, stage in enumerate(records.stages)}
    forward = tuple(j for j, target in enumerate(targets) if place.get(target, -1) > number)
    order = tuple(
        sorted(dict.fromkeys(targets), key=lambda t: (place.get(t, -1) <= number, t == LOST, place.get(t, 0)))
    )
    sources, naive = _by_group(records.sources, spells, records.source[lead], fit, forward)
    segments: dict[str, ShareEstimate] = {}
    naive_segments: dict[str, tuple[int, int]] = {}
    if records.segments:
        segments, naive_segments = _by_group(records.segments, spells, records.segment[lead], fit, forward)
    return StageFit(
        name,
        targets,
        order,
        forward,
        spells,
        fit,
        sources,
        naive,
        timers,
        misfits,
        segments=segments,
        naive_segments=naive_segments,
        lead=lead,
    )


def _fit(spells: Spells) -> tuple[Spells, ModelAverage, tuple[Timeout, ...], tuple[Misfit, ...]]:
    """Weigh the families; where none follows, look for two ways of leaving mixed in one and weigh again."""
    usual = len(spells.exits)
    spells, timers = split_timeouts(spells)
    fixed = frozenset(range(usual, len(spells.exits)))
    while True:
        fit = average_models(spells, fixed)
        wrong = [m for j in range(len(spells.exits)) if j not in fixed and (m := misfit(spells, fit, j)) is not None]
        split = split_modes(spells, [m.number for m in wrong])
        if split is None:
            return spells, fit, timers, tuple(wrong)
        spells = split


def visits_of(history: HistoryFile, records: VisitHistory, number: int) -> np.ndarray:
    """Which visits a stage is fitted to: those that ended before the list of leads began tell of themselves only."""
    began = history.observed_from.timestamp() if history.observed_from else -np.inf
    return np.asarray((records.visits.stage == number) & ~(records.visits.left < began))


def _spells(history: HistoryFile, records: VisitHistory, number: int) -> tuple[Spells, np.ndarray]:
    """The visits of a stage, and whose they are."""
    visits, mine = records.visits, visits_of(history, records, number)
    began = history.observed_from.timestamp() if history.observed_from else -np.inf
    to = visits.to[mine]
    places = [LOST_AT if name == LOST else i for i, name in enumerate([*records.stages, LOST])]
    exits = [(name, place) for name, place in zip([*records.stages, LOST], places, strict=True) if (to == place).any()]
    outcome = np.zeros(len(to), np.int64)
    for j, (_, place) in enumerate(exits):
        outcome[to == place] = j + 1
    entered, left = visits.entered[mine], visits.left[mine]
    age = np.maximum(records.as_of - entered, 1.0)
    time = np.where(to == OPEN, age, left - entered)
    period = np.searchsorted([moment.timestamp() for moment in history.changes], entered, side="right")
    used = np.unique(period)
    marks = {**history.stages, LOST: history.lost}
    since = []
    for exit_, _ in exits:
        mark = marks[exit_]
        recorded = mark.recorded_from if mark else None
        since.append(records.as_of - recorded.timestamp() if recorded else np.inf)
    spells = Spells(
        tuple(exit_ for exit_, _ in exits),
        age,
        np.minimum(np.maximum(time, 0.0), age),
        outcome,
        visits.rounding[mine],
        np.searchsorted(used, period),
        len(used),
        tuple(since),
        records.as_of - began,
    )
    return spells, visits.lead[mine]


def _by_group(
    names: tuple[str, ...], spells: Spells, group_of: np.ndarray, fit: ModelAverage, forward: tuple[int, ...]
) -> tuple[dict[str, ShareEstimate], dict[str, tuple[int, int]]]:
    """Forward shares by source, or by segment, in the last period: fitted together with the times where enough exits
    were seen, given the times of the stage where fewer were. None of them is pooled yet."""
    last = spells.group == spells.groups - 1
    went = np.isin(spells.outcome, [j + 1 for j in forward])
    seen = np.bincount(group_of[last], went[last], len(names)).astype(int)
    size = np.bincount(group_of[last], minlength=len(names))
    naive = {name: (int(seen[i]), int(size[i])) for i, name in enumerate(names) if size[i]}
    known = [i for i in np.argsort(-size, kind="stable")[:MOST_SOURCES].tolist() if size[i] >= FEWEST_VISITS]
    if len(known) < 2 or not forward:
        return {}, naive
    own = [i for i in sorted(known) if seen[i] >= ENOUGH]
    own = own if len(own) > 1 else []
    shares = {}
    if own:
        rest = last & ~np.isin(group_of, own)
        group = spells.group.copy()
        first = spells.groups - 1
        if rest.any():
            group[rest], first = first, first + 1
        for i, number in enumerate(own):
            group[last & (group_of == number)] = first + i
        finer = refit(replace(spells, group=group, groups=first + len(own)), fit, TRIED_AGAIN)
        shares = {number: finer.forward(list(forward), first + i) for i, number in enumerate(own)}
    for number in known:
        if number not in shares:
            shares[number] = share_given_times(spells, last & (group_of == number), fit, forward)
    return {names[number]: shares[number] for number in sorted(shares)}, naive


def still_to_move(stage: StageFit, age: FloatArray) -> FloatArray:
    """Chance that a lead that has been in a stage so long will ever leave it (rule 23)."""
    moves, still = np.zeros(len(age)), np.ones(len(age))
    for target in stage.order:
        share = stage.fit.point(stage.of(target))
        gone = sum(w * cdf(family, mu, s, log_time(age))[0] for w, family, mu, s in stage.times(target))
        moves += share * (1.0 - gone)
        still -= share * gone
    return np.asarray(moves / np.maximum(still, 1e-12))
