"""The changed inputs of two scenarios in groups as people think of them: the promise, who works where, the people ...

A group is a set of paths. A coalition of groups is the base with the other's values at these paths; its root stays the
base's, so base rates are what they were in the base's history. Some coalitions are no scenarios at all (a promise for
a team that is not there): the groups that cannot do without each other are then made one, and that is said.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from funnelsim.study.explain.shapley import Coalition
from funnelsim.study.scenario_diff import KeyChange, Path, key_changes

# Groups with the paths that fall into them; `*` is any name, and whatever lies below a path is meant too. First come.
PROMISE, OWNERSHIP, PEOPLE, TEAMS = "the promise", "who works where", "people and hours", "teams"
PATTERNS: dict[str, tuple[str, ...]] = {
    PROMISE: ("promises",),
    OWNERSHIP: ("ownership", "policy", "handoff.at", "stages.*.work.by", "stages.*.work.*.by"),
    PEOPLE: (
        "teams.*.people",
        "teams.*.calendar",
        "teams.*.shifts",
        "teams.*.other_work",
        "teams.*.absence",
        "teams.*.ramp",
        "teams.*.handling",
        "teams.*.cost",
        "calendars",
    ),
    "handoff and context": ("handoff",),
    "definitions and scores": ("definitions", "scores", "stages.*.gate", "good_fit"),
    "nurture and signals": ("stages.*.nurture", "stages.*.signals"),
    "the work on a lead": ("stages.*.work", "stages.*.tasks", "stages.*.deal", "cycles"),
    "demand and budget": ("sources", "segments", "marketing_plan", "reachable", "fit_spread"),
    "beliefs": ("effects", "influences", "levels", "stages.*.response", "teams.*.pursuit"),
    "how teams choose": (
        "teams.*.order",
        "teams.*.score",
        "teams.*.own_lead_head_start",
        "teams.*.queues",
        "teams.*.time_budget",
        "teams.*.habit",
        "teams.*.quota",
        "teams.*.unfinished",
        "teams.*.side",
    ),
    TEAMS: ("teams",),
    "the market": ("stages", "deal_value", "costs", "leads_in_flight", "history", "fitted"),
}
SETTINGS, WITH = "settings", " with "
_SAME_FOR_BOTH = ("seed", "goal")  # beliefs are drawn by the base's seed; a goal moves nothing


@dataclass(frozen=True)
class Group:
    """Changes that are made together."""

    name: str
    changes: tuple[KeyChange, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of the table: several where groups were united."""
        return tuple(self.name.split(WITH))

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(".".join(one.path) for one in self.changes)


@dataclass(frozen=True)
class MergedGroups:
    """Groups made one, and what a scenario with only one of them would complain of."""

    names: tuple[str, ...]
    why: str


def groups_of(base: dict[str, Any], other: dict[str, Any]) -> list[Group]:
    """The groups of what differs between two resolved scenarios, in the order of the table."""
    by_name: dict[str, list[KeyChange]] = {}
    for one in key_changes(base, other):
        if one.path[0] not in _SAME_FOR_BOTH:
            by_name.setdefault(_name_of(one.path), []).append(one)
    return [Group(name, tuple(by_name[name])) for name in (*PATTERNS, SETTINGS) if name in by_name]


def with_changes(base: dict[str, Any], put: Iterable[KeyChange]) -> dict[str, Any]:
    """The base's data with the other's values in place of its own; what the other does not have is taken out."""
    data = dict(base)
    for one in put:
        _set_path(data, one.path, one.other)
    return data


def members(coalition: Coalition, groups: Sequence[Group]) -> list[Group]:
    """The groups of a coalition."""
    return [group for i, group in enumerate(groups) if coalition >> i & 1]


def feasible_groups(
    groups: list[Group], wanted: Callable[[int], list[Coalition]], complaint: Callable[[Sequence[Group]], str]
) -> tuple[list[Group], list[MergedGroups]]:
    """The groups, united until every wanted coalition of so many groups is a scenario.

    `complaint` is what a coalition is refused for, "" for nothing. None and all of the groups must be scenarios.
    """
    united: list[MergedGroups] = []
    while True:
        torn = next(((one, why) for one in wanted(len(groups)) if (why := complaint(members(one, groups)))), None)
        if torn is None:
            return groups, united
        inside = members(torn[0], groups)
        together = [*_fewest_to_drop(inside, complaint), *_fewest_to_add(inside, groups, complaint)]
        united.append(MergedGroups(tuple(group.name for group in groups if group in together), torn[1]))
        groups = _merge(groups, together)


def _fewest_to_drop(inside: list[Group], complaint: Callable[[Sequence[Group]], str]) -> list[Group]:
    """The fewest groups without which the rest is a scenario."""
    return next(
        list(some)
        for count in range(1, len(inside) + 1)
        for some in combinations(inside, count)
        if not complaint([group for group in inside if group not in some])
    )


def _fewest_to_add(
    inside: list[Group], groups: list[Group], complaint: Callable[[Sequence[Group]], str]
) -> list[Group]:
    """The fewest groups with which it would be a scenario."""
    outside = [group for group in groups if group not in inside]
    return next(
        list(some)
        for count in range(1, len(outside) + 1)
        for some in combinations(outside, count)
        if not complaint([group for group in groups if group in inside or group in some])
    )


def _merge(groups: list[Group], together: list[Group]) -> list[Group]:
    """One group in place of several, where the first of them stood."""
    parts = [group for group in groups if group in together]
    merged = Group(WITH.join(group.name for group in parts), tuple(one for group in parts for one in group.changes))
    return [merged if group is parts[0] else group for group in groups if group is parts[0] or group not in parts]


def _name_of(path: Path) -> str:
    return next((name for name, patterns in PATTERNS.items() if any(_fits(path, one) for one in patterns)), SETTINGS)


def _fits(path: Path, pattern: str) -> bool:
    keys = pattern.split(".")
    return len(path) >= len(keys) and all(key in ("*", step) for key, step in zip(keys, path, strict=False))


def _set_path(data: dict[str, Any], path: Path, value: Any) -> None:
    """Write into mappings that are copied on the way: the base's own stay as they are."""
    for key in path[:-1]:
        data[key] = dict(data.get(key) or {})
        data = data[key]
    if value is None:
        data.pop(path[-1], None)
    else:
        data[path[-1]] = copy.deepcopy(value)
