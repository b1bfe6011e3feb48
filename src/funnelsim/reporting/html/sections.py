"""What the folders of each command hold, for the report: one entry a command.

A kind without an entry is reported too: all its CSV tables and figures, by the names of their files. An entry gives
them an order and sentences. `*` at the end of a name stands for the rest, which the sentence may say as {}.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from funnelsim.manifest import Manifest


@dataclass(frozen=True)
class Kind:
    """How results of one command are read."""

    noun: str  # "Comparison"
    figures: Mapping[str, str] = field(default_factory=dict)  # file without ending -> what it shows
    tables: Mapping[str, str] = field(default_factory=dict)  # file -> what its rows are
    units: Mapping[str, str] = field(default_factory=dict)  # column -> unit, where the table has no column "unit"
    optional: tuple[str, ...] = ()  # tables that a folder need not have


BY_WEEK = {
    "backlog": "Leads that wait for each team, by week.",
    "utilisation": "Share of paid hours that each team works, by week.",
    "burn-up": "Volume delivered against the volume promised, added up by week.",
}
RESPONSE = {
    "response": "Share of leads touched by the time since they entered, with the promise and the share that is "
    "never touched."
}
CURVES = {
    "response-curves": "What a later first touch does to the odds, by the response curve in use and the other presets."
}

KINDS: dict[str, Kind] = {
    "run": Kind(
        "Run",
        {
            "funnel": "Visits to each stage and where they went: on, back, lost, never reached, still open.",
            **RESPONSE,
            **BY_WEEK,
            **CURVES,
            "breaches": "First touches missed, by the local hour in which they fell due.",
        },
        {
            "measures.csv": "Every measure: mean, simulation error of the mean (low to high, 90 %), and the "
            "central 90 % of single periods (period_low to period_high)."
        },
    ),
    "compare": Kind(
        "Comparison",
        {
            "outcomes": "Wins and revenue of each scenario, with the spread of one period.",
            "funnel": "The funnels of the scenarios beside each other.",
            **RESPONSE,
            **BY_WEEK,
            **CURVES,
        },
        {
            "differences.csv": "Differences from the base on the same luck: mean, what is not known (low to high), one "
            "period (period_low to period_high), and the chance to be better."
        },
        {"better": "share", "better_in_one_period": "share"},
    ),
    "sweep": Kind(
        "Sweep",
        {
            "curves": "Each measure along the axis, with its simulation error and the spread of one period.",
            "map-*": "Mean of {} at each point of the grid; the frame marks the highest.",
            "contour-*": "Lines of equal {} over the two axes.",
            "points-*": "{} at each point, against each axis.",
        },
        {
            "sweep.csv": "Every point, scenario and measure: mean, simulation error (low to high, 90 %), one period "
            "(period_low to period_high); then differences from the first scenario on the same luck."
        },
    ),
    "seek": Kind(
        "Search",
        {"chance": "Chance of the goal with its limits, and what the goal is about, over what was sought."},
        {"seek.csv": "The points that were run: chance of the goal with its 90 % limits, mean, and one period."},
        {"chance": "share", "low": "share", "high": "share", "utilisation *": "share"},
    ),
    "chance": Kind(
        "Chance",
        tables={
            "chance.csv": "The chance of the goal and what the goal is about, each with what makes it uncertain "
            "(low to high, 90 %)."
        },
    ),
    "explain": Kind(
        "Explanation",
        {"waterfall": "From the base to the other scenario, a bar a group of changes: its share of the difference."},
        {
            "shares.csv": "Each group of changes: its share of the difference whatever the order, alone, and when it "
            "comes last."
        },
    ),
    "sensitivity": Kind(
        "Sensitivity",
        {
            "tornado": "The answer at both ends of each input, widest first.",
            "indices": "Share of what is not known about the answer that each input brings, alone and with others.",
        },
        {
            "sensitivity.csv": "Each input: its ends, the answer there, effects, indices, and what knowing it would "
            "bring."
        },
    ),
    "optimise": Kind(
        "Optimum",
        {
            "trials": "What each trial gave, in the order in which they were suggested.",
            "front": "Points of which none is better in everything.",
            "settings": "The settings of the points of the front.",
        },
        {
            "finalists.csv": "The best points, run again on fresh luck.",
            "trials.csv": "All points that were suggested, and what they gave on the luck of the search.",
        },
    ),
    "backtest": Kind(
        "Back-test",
        {
            "fans": "Forecasts with their intervals, and what happened.",
            "coverage": "How often an interval held what happened, against how often it should.",
            "pit": "Where what happened fell within the forecasts; even bars are right.",
        },
        {
            "scores.csv": "Scores by quantity, by horizon, and of all forecasts.",
            "forecasts.csv": "Every forecast: its interval, what happened, and its score.",
            "drift.csv": "Recent cohorts beside what was fitted before them.",
            "distances.csv": "Distances between simulated and recorded event logs.",
        },
        optional=("scores.csv", "drift.csv", "distances.csv"),
    ),
}


def kind_of(manifest: Manifest) -> Kind:
    """The entry of a command; for one without, an entry that says nothing.

    A `seek` that varies nothing tells a chance, which is saved in its own way.
    """
    name = "chance" if manifest.kind == "seek" and "axis" not in manifest.design else manifest.kind
    return KINDS.get(name) or Kind(name.capitalize())


def said_of(name: str, told: Mapping[str, str]) -> str | None:
    """What a mapping says of a name, its own words for `*` filled in; None when it says nothing."""
    for pattern, said in told.items():
        if pattern.endswith("*") and name.startswith(pattern[:-1]):
            return said.format(name[len(pattern) - 1 :].replace("-", "."))
        if name == pattern:
            return said
    return None


def place_of(name: str, told: Mapping[str, str]) -> int:
    """Where a name stands in the order of a mapping; after all others when it is not in it."""
    for place, pattern in enumerate(told):
        if name == pattern or (pattern.endswith("*") and name.startswith(pattern[:-1])):
            return place
    return len(told)
