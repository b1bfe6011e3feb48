"""Where leads came from and what they are: each lead's source and segment, and segments that are known too late.

A segment that is written down when a lead goes on tells of its outcome, not of the lead: "all dentists bought", as only
buyers were asked what they are. For every stage but the last, leads that entered it and went further are compared with
those that did not (yet). With shares a and b of them whose segment is given,

    |a - b| > 3 sqrt(p (1 - p) (1/n_a + 1/n_b))     p: share of all; else chance may have done it

    refused  when a and b differ by 10 points or more, or the rarer is given at most half as often
    told     when they differ by 3 points or more

A cell is given when something stands in it that does not go by the name of the empty ones. What is given for everybody
but was corrected later cannot be seen this way; nor can it be told from hindsight when an empty cell truly means a
segment (a tick for the large ones): write it into the cells then.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from funnelsim.calibration.events.leads import Leads
from funnelsim.calibration.history.model import UNKNOWN, Grouping, HistoryFile
from funnelsim.errors import DataError
from funnelsim.scenario.yaml_nodes import problem_at

MOST_SEGMENTS = 50
TAKEN = ("rest", "none")  # a scenario means something else by them
CHANCE = 3.0  # standard errors
REFUSED, TOLD = 0.10, 0.03  # difference of the shares that are given
RARER = 0.5  # or the one this part of the other


class LeakageTest(NamedTuple):
    """How often the segment is given, of the leads that entered a stage."""

    stage: str
    went: float  # share of those that went further
    others: float
    error: float  # of the difference, were there none

    @property
    def differs(self) -> bool:
        """By more than chance."""
        return abs(self.went - self.others) > CHANCE * self.error

    @property
    def suspicious(self) -> bool:
        """Worth a remark."""
        return self.differs and abs(self.went - self.others) >= TOLD

    @property
    def refused(self) -> bool:
        """Known too late."""
        low, high = sorted((self.went, self.others))
        return self.differs and (high - low >= REFUSED or low <= RARER * high)


def groups(grouping: Grouping | None, leads: Leads) -> tuple[tuple[str, ...], np.ndarray]:
    """Names, the largest group first, and each lead's; without a column all are one group."""
    if grouping is None:
        return ("all",), np.zeros(len(leads), np.int64)
    names = grouping.named(leads.first(grouping.column))
    size = names.to_frame("name").group_by("name").len().sort("len", "name", descending=[True, False])
    place = {name: i for i, name in enumerate(size["name"].to_list())}
    return tuple(place), names.replace_strict(place, return_dtype=pl.Int64).to_numpy()


def segment_groups(history: HistoryFile, leads: Leads) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """The same of segments, and whether a lead's is given; no names when the history has none.

    Raises DataError when they cannot be segments.
    """
    if history.segment is None:
        return (), np.zeros(len(leads), np.int64), np.ones(len(leads), bool)
    names, segment = groups(history.segment, leads)
    column, problems = history.segment.column, []
    for name in sorted(set(names) & set(TAKEN)):
        text = f"a segment cannot be called '{name}'"
        hint = f"the word has a meaning of its own; say `same: {{{name}: another name}}`"
        problems.append(problem_at(column.place, text, hint))
    if len(names) > MOST_SEGMENTS:
        text = f"{column.name} has {len(names):,} values: too many for segments, at most {MOST_SEGMENTS}"
        problems.append(problem_at(column.place, text, "put values together with `same`, or give a coarser column"))
    if problems:
        raise DataError(problems, history.file)
    cells, empty = leads.first(column), history.segment.empty
    nothing = ["", UNKNOWN, *(word for word, name in history.segment.aliases.items() if name == empty)]
    return names, segment, (~cells.is_in(nothing)).to_numpy()


def reject_leaky_segment(
    history: HistoryFile, given: np.ndarray, lead: np.ndarray, stage: np.ndarray
) -> tuple[LeakageTest, ...]:
    """Compare who has a segment, stage by stage; those worth a remark. `given`: by lead; lead, stage: by visit.

    Raises DataError when the segment is known too late.
    """
    if history.segment is None:
        return ()
    tests = label_leakage(tuple(history.stages), given, lead, stage)
    late = [one for one in tests if one.refused]
    if late:
        worst = max(late, key=lambda one: abs(one.went - one.others))
        text = (
            f"{history.segment.column.name} is given for {_percent(worst.went)} of the leads that went on from"
            f" {worst.stage} and {_percent(worst.others)} of the others: it would tell of the outcome, not of the lead"
        )
        hint = "a segment must be known of leads as they arrive; leave `segment` out, or give such a column"
        raise DataError([problem_at(history.segment.column.place, text, hint)], history.file)
    return tuple(one for one in tests if one.suspicious)


def label_leakage(stages: tuple[str, ...], given: np.ndarray, lead: np.ndarray, stage: np.ndarray) -> list[LeakageTest]:
    """By stage that some leads went further from and some did not."""
    furthest = np.zeros(len(given), np.int64)
    np.maximum.at(furthest, lead, stage)
    tests = []
    for number, name in enumerate(stages[:-1]):
        mine = np.unique(lead[stage == number])
        on = given[mine[furthest[mine] > number]]
        off = given[mine[furthest[mine] <= number]]
        if len(on) and len(off):
            share = float(given[mine].mean())
            error = float(np.sqrt(share * (1.0 - share) * (1.0 / len(on) + 1.0 / len(off))))
            tests.append(LeakageTest(name, float(on.mean()), float(off.mean()), error))
    return tests


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
