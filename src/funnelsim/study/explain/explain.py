"""Explain: which of the changed inputs make the difference between two scenarios, by Shapley values on the same luck.

Every coalition of groups of changes is run in the two-level design of compare, `draws` of what nobody knows x `pairs`
of periods, so each share has the spreads of a difference; shapley.py divides, groups.py says what belongs together,
equal_hours_control.py makes the control, a step on the way of the group that shares the work; coalitions.py runs.
"""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

from scipy import stats

from funnelsim.errors import UsageError
from funnelsim.progress import Progress
from funnelsim.study.anchor import Anchor
from funnelsim.study.explain.coalitions import CoalitionRuns, ExplainSpec, name_of
from funnelsim.study.explain.equal_hours_control import LentHours, lent_hours
from funnelsim.study.explain.groups import (
    OWNERSHIP,
    PEOPLE,
    TEAMS,
    Group,
    MergedGroups,
    feasible_groups,
    groups_of,
    members,
)
from funnelsim.study.explain.shapley import (
    Coalition,
    Order,
    before_in,
    coalitions_of,
    every_coalition,
    exact_shares,
    exact_step,
    order_error,
    random_orders,
    shares_by_order,
    step_by_order,
    without,
)
from funnelsim.study.paired_difference import LEVEL, TwoLevelEstimate, two_level_estimate
from funnelsim.study.point_store import PointStore
from funnelsim.typing import FloatArray

DEFAULT_ORDER_PAIRS = 12
HOURS_MOVED, SHARING = "moving the hours", "sharing the work"
EXACT_UP_TO = 6  # groups: 64 coalitions; ten of them would be 1024


@dataclass(frozen=True)
class ShapleyShare:
    """What a group, or a step on its way, has of the difference."""

    name: str
    value: TwoLevelEstimate  # its interval covers the orders not walked too
    order_error: float  # half width of what the choice of orders leaves open; 0 = all were walked
    alone: TwoLevelEstimate  # the base with this change and no other
    last: TwoLevelEstimate  # what it adds when all other changes are made
    by_draw: FloatArray = field(repr=False)  # [draw, pair]


@dataclass(frozen=True)
class EqualHoursControl:
    """The control: the base with the other's people, and with the hours that sharing moves; nothing shared."""

    alone: TwoLevelEstimate  # that and nothing else, against the base
    with_lending: TwoLevelEstimate | None  # every change, with hours lent in place of shared work, against the base
    lent: LentHours | None  # None: sharing moves no hours
    steps: tuple[ShapleyShare, ...]  # of the group that shares the work: hours moved, and what sharing adds
    paid: tuple[float, float]  # paid hours of the window: base, other


@dataclass(frozen=True)
class Explanation:
    """All that `explain` found."""

    spec: ExplainSpec
    groups: list[Group]
    merged_groups: list[MergedGroups]
    difference: TwoLevelEstimate
    base: TwoLevelEstimate  # the measure itself
    other: TwoLevelEstimate
    shares: list[ShapleyShare]  # the largest first; together the difference, up to rounding (1e-9 of it)
    equal_hours: EqualHoursControl | None
    unit: str
    currency: str
    uncertain: bool
    coalitions: int  # that were run
    orders: int  # that were walked; 0 = all
    anchor: Anchor
    keys: tuple[str, ...]
    notes: list[str]

    def group(self, share: ShapleyShare) -> Group:
        """The changes behind a share."""
        return next(group for group in self.groups if group.name == share.name)

    @property
    def divided(self) -> ShapleyShare | None:
        """The share that the control with equal people divides in two."""
        if self.equal_hours is None or not self.equal_hours.steps:
            return None
        return next(one for one in self.shares if OWNERSHIP in self.group(one).kinds)

    @property
    def parts(self) -> list[ShapleyShare]:
        """The shares, the divided one as its two steps; the largest first."""
        steps = self.equal_hours.steps if self.equal_hours else ()
        parts = [*(one for one in self.shares if one is not self.divided), *steps]
        return sorted(parts, key=lambda one: -abs(one.value.mean))


def explain(
    spec: ExplainSpec,
    store: PointStore | None = None,
    executor: Executor | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Explanation:
    """Divide the difference. UsageError when nothing differs or the measure is none that every period has."""
    progress = progress or Progress()
    groups = groups_of(spec.base.resolved["scenario"], spec.other.resolved["scenario"])
    if not groups:
        raise UsageError(f"{name_of(spec.base)} and {name_of(spec.other)} do not differ: there is nothing to explain")
    runs = CoalitionRuns(spec, groups, store or PointStore(None), executor, threads, progress)
    groups, united = feasible_groups(groups, lambda count: _plan(spec, count)[0], runs.complaint)
    coalitions, orders = _plan(spec, len(groups))
    if spec.prior is not None:
        runs.remember((), spec.prior.base)
        runs.remember(groups, spec.prior.other)
    runs.run("explaining", [(runs.task(members(one, groups)), one) for one in coalitions])
    return _explanation(spec, groups, united, coalitions, orders, runs)


def _plan(spec: ExplainSpec, groups: int) -> tuple[list[Coalition], list[Order]]:
    """The coalitions to run, and the orders to walk; no orders = all."""
    if spec.order_pairs is None and groups <= EXACT_UP_TO:
        return every_coalition(groups), []
    pairs = spec.order_pairs or DEFAULT_ORDER_PAIRS
    orders = random_orders(groups, pairs, spec.seed)
    wanted = coalitions_of(orders, groups)
    return (every_coalition(groups), []) if len(wanted) == 1 << groups else (wanted, orders)


# ---- dividing -------------------------------------------------------------------------------------------------------


class _Division:
    """The values of all coalitions that were run, and shares of their differences."""

    def __init__(
        self,
        groups: int,
        orders: list[Order],
        values: dict[Coalition, FloatArray],
        uncertain: bool,
        towards: float | None,
    ) -> None:
        self.groups, self.orders, self.values, self.uncertain = groups, orders, values, uncertain
        self.full = (1 << groups) - 1
        self.difference, self.towards = values[self.full] - values[0], towards
        self.by_order = shares_by_order(orders, values) if orders else None
        self.exact = None if orders else exact_shares(groups, values)

    def estimate(self, values: FloatArray) -> TwoLevelEstimate:
        """Of a part of the difference. Where a larger study knows the whole better, the part follows it by its
        regression on the whole (double sampling: Cochran 1977, Sampling techniques, 12.6); the slopes of parts that
        make up the whole add up to 1, so the parts then add up to what the larger study found."""
        if self.towards is not None and (slope := _slope(self.difference, values)) is not None:
            values = values + slope * (self.towards - float(self.difference.mean()))
        return two_level_estimate(values, self.uncertain)

    def between(self, first: Coalition, last: Coalition) -> TwoLevelEstimate:
        """What lies between two coalitions."""
        return self.estimate(self.values[last] - self.values[first])

    def share(self, name: str, g: int) -> ShapleyShare:
        """The share of a group."""
        alone, last = self.between(0, 1 << g), self.between(self.full ^ 1 << g, self.full)
        if self.by_order is None:
            assert self.exact is not None
            return self._share(name, self.exact[g], None, alone, last)
        return self._share(name, self.by_order[:, g].mean(axis=0), self.by_order[:, g], alone, last)

    def steps(self, g: int, with_step: dict[Coalition, FloatArray]) -> tuple[ShapleyShare, ShapleyShare]:
        """A group's share in two: the step on its way, and what the whole change adds to it."""
        rest = self.full ^ 1 << g
        ends = [
            (self.values[0], with_step[0], self.values[1 << g]),
            (self.values[rest], with_step[rest], self.values[self.full]),
        ]
        (alone, last), (alone_after, last_after) = (
            [self.estimate(end[i + 1] - end[i]) for end in ends] for i in (0, 1)
        )
        if self.by_order is None:
            assert self.exact is not None
            step = exact_step(self.groups, g, self.values, with_step)
            return (
                self._share(HOURS_MOVED, step, None, alone, last),
                self._share(SHARING, self.exact[g] - step, None, alone_after, last_after),
            )
        steps = step_by_order(self.orders, g, self.values, with_step)
        after = self.by_order[:, g] - steps
        return (
            self._share(HOURS_MOVED, steps.mean(axis=0), steps, alone, last),
            self._share(SHARING, after.mean(axis=0), after, alone_after, last_after),
        )

    def befores(self, g: int) -> list[Coalition]:
        """The coalitions from which a group's change is made, and the ends that reports show."""
        if not self.orders:
            return without(self.groups, g)
        return sorted({0, self.full ^ 1 << g, *(before_in(order, g) for order in self.orders)})

    def _share(
        self,
        name: str,
        values: FloatArray,
        by_order: FloatArray | None,
        alone: TwoLevelEstimate,
        last: TwoLevelEstimate,
    ) -> ShapleyShare:
        estimate, error = self.estimate(values), 0.0
        if by_order is not None:
            standard, freedom = order_error(by_order)
            error = float(stats.t.ppf(0.5 + LEVEL / 2.0, freedom)) * standard if freedom else math.inf
            half = math.hypot(estimate.high - estimate.mean, error)
            estimate = replace(
                estimate, low=estimate.mean - half, high=estimate.mean + half, error=math.hypot(estimate.error, error)
            )
        return ShapleyShare(name, estimate, error, alone, last, values)


def _slope(difference: FloatArray, part: FloatArray) -> float | None:
    """Of a part on the whole, over draws; None where the whole does not vary."""
    away = difference.mean(axis=1) - difference.mean()
    squares = float(away @ away)
    return float(away @ part.mean(axis=1)) / squares if squares > 0.0 else None


def _explanation(
    spec: ExplainSpec,
    groups: list[Group],
    united: list[MergedGroups],
    coalitions: list[Coalition],
    orders: list[Order],
    runs: CoalitionRuns,
) -> Explanation:
    values = {one: runs.values(runs.task(members(one, groups))) for one in coalitions}
    towards = spec.prior.difference if spec.prior else None
    division = _Division(len(groups), orders, values, runs.uncertain, towards)
    people = _equal_people(groups, division, runs) if spec.equal_hours else None
    shares = [division.share(group.name, g) for g, group in enumerate(groups)]
    shares.sort(key=lambda one: -abs(one.value.mean))
    base, other = (two_level_estimate(values[one], runs.uncertain) for one in (0, division.full))
    return Explanation(
        spec,
        groups,
        united,
        division.between(0, division.full),
        base,
        other,
        shares,
        people,
        runs.unit,
        runs.currency,
        runs.uncertain,
        len(coalitions),
        len(orders),
        runs.anchor,
        tuple(sorted(runs.outcomes)),
        _notes(spec, people),
    )


def _equal_people(groups: list[Group], division: _Division, runs: CoalitionRuns) -> EqualHoursControl | None:
    """None when neither people nor hours move."""
    sharing = next((g for g, group in enumerate(groups) if OWNERSHIP in group.kinds), None)
    theirs = sum(1 << g for g, group in enumerate(groups) if g != sharing and {PEOPLE, TEAMS} & set(group.kinds))
    paid = [runs.hours(members(one, groups), "paid_hours") for one in (0, division.full)]
    totals = sum(paid[0].values()), sum(paid[1].values())
    lent = None
    if sharing is not None:
        shared, unshared = (
            runs.net_hours(members(one, groups)) for one in (division.full, division.full ^ 1 << sharing)
        )
        lent = lent_hours(shared, unshared, paid[0], runs.spec.base.scenario)
    if lent is None or sharing is None:
        return (
            EqualHoursControl(_people_alone(theirs, groups, division, runs), None, None, (), totals) if theirs else None
        )
    tasks = {one: runs.lending_task(members(one, groups), lent) for one in {*division.befores(sharing), theirs}}
    runs.run("explaining, equal people", [(task, f"hours lent, {one}") for one, task in tasks.items()])
    with_step = {one: runs.values(task) for one, task in tasks.items()}
    base = division.values[0]
    return EqualHoursControl(
        division.estimate(with_step[theirs] - base),
        division.estimate(with_step[division.full ^ 1 << sharing] - base),
        lent,
        division.steps(sharing, with_step),
        totals,
    )


def _people_alone(theirs: Coalition, groups: list[Group], division: _Division, runs: CoalitionRuns) -> TwoLevelEstimate:
    """The other's people in the base's way."""
    task = runs.task(members(theirs, groups))
    runs.run("explaining, equal people", [(task, "people")])
    return division.estimate(runs.values(task) - division.values[0])


def _notes(spec: ExplainSpec, people: EqualHoursControl | None) -> list[str]:
    base, other = spec.base, spec.other
    notes = []
    if (other.root or other.scenario) != (base.root or base.scenario):
        notes.append(
            f"{name_of(other)} stands on a history of its own; here base rates are those of {name_of(base)} "
            f"throughout, so the difference may be another than compare's"
        )
    if people is not None and people.lent is not None and people.lent.total < 0.99 * people.lent.wanted:
        notes.append(
            f"only {people.lent.total:.4g} of the {people.lent.wanted:.4g} hours that sharing moves could be "
            f"lent: a team would have nothing left for its own leads"
        )
    return notes
