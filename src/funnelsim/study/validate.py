"""`funnelsim validate`: published cases and closed forms, each a scenario file, against what comes out of the engine.

The cases are data (`published/cases.yaml`, with source and grade). A figure passes when it lies where a true model puts
it: expected, give or take what the case allows (such as the rounding of the published figure) and t standard errors of
the simulation, t chosen for one false alarm in 10,000 lines. The luck is fixed: the table is the same every time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtrit

from funnelsim.compile import prepare
from funnelsim.engine.replicate import replicate
from funnelsim.measures import named
from funnelsim.plan import DAY, Labels, Plan
from funnelsim.scenario import load
from funnelsim.scenario.parsers.durations import elapsed
from funnelsim.study import published
from funnelsim.study.anchor import anchor
from funnelsim.summary import COHORT, RESPONSE_EDGES, Summary
from funnelsim.typing import BoolArray, FloatArray

FALSE_ALARM = 1e-4  # chance that a true model fails a line
SEED = 20110301
_AT_A_TIME = 2  # replications whose tables are in memory together
Pair = tuple[float, float]  # top and bottom of a ratio, in one replication


@dataclass(frozen=True)
class CaseCheck:
    """One line of the table: `got` must lie in [low, high]."""

    name: str  # the case
    source: str
    grade: str
    what: str
    expected: float  # or the limit of "below 1": low is 0 then, and high below it
    got: float
    low: float
    high: float
    passed: bool


@dataclass(frozen=True)
class MissingCase:
    """A published case that cannot be run yet, and why."""

    name: str
    source: str
    why: str


def validate(on_note: Callable[[str], None] | None = None) -> list[CaseCheck]:
    """Run every case; `on_note` is told the name of each before it runs."""
    checks: list[CaseCheck] = []
    for case in published.cases():
        if "missing" in case:
            continue
        if on_note is not None:
            on_note(case["name"])
        checks += run_case(case)
    return checks


def missing() -> list[MissingCase]:
    """Cases of the table that are not yet in the model."""
    return [
        MissingCase(case["name"], case["source"], case["missing"]) for case in published.cases() if "missing" in case
    ]


def table(checks: Sequence[CaseCheck]) -> str:
    """The lines as text: case, what, expected, got, where it may lie, and whether it does."""
    rows = [("case", "figure", "expected", "got", "accepted", "")]
    for check in checks:
        span = f"{_number(check.low)} to {_number(check.high)}" if check.low < check.high else "exactly"
        rows.append(
            (
                check.name,
                f"{check.what} [{check.grade}]",
                _expected_text(check),
                _number(check.got),
                span,
                "ok" if check.passed else "FAILED",
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines += [f"{one.name}: not yet in the model ({one.why})" for one in missing()]
    return "\n".join(lines)


def run_case(case: dict[str, Any]) -> list[CaseCheck]:
    """The lines of one case."""
    runs = {name: _CaseRun(case, overrides) for name, overrides in case.get("runs", {"": []}).items()}
    return [_check(case, entry, runs) for entry in case["checks"]]


# ---- one line ------------------------------------------------------------------------------------------------------


def _check(case: dict[str, Any], entry: dict[str, Any], runs: dict[str, _CaseRun]) -> CaseCheck:
    top, bottom = runs[entry.get("run", "")].figure(entry["measure"])
    if "by" in entry:
        other_top, other_bottom = runs[entry["by"]].figure(entry["measure"])
        top, bottom = top / bottom, other_top / other_bottom
    got, error = (entry.get("scale", 1.0) * part for part in ratio_with_error(top, bottom))
    expected, low, high = _accepted(entry, error)
    passed = low <= got <= high
    return CaseCheck(case["name"], case["source"], case["grade"], entry["what"], expected, got, low, high, passed)


def ratio_with_error(top: FloatArray, bottom: FloatArray) -> tuple[float, float]:
    """Pooled ratio, and its largest error at the rate of false alarms."""
    n, share = len(top), float(top.sum() / bottom.sum())
    spread = float((top - share * bottom).std(ddof=1)) / math.sqrt(n) / float(bottom.mean())
    return share, float(stdtrit(n - 1, 1.0 - FALSE_ALARM / 2.0)) * spread


def _accepted(entry: dict[str, Any], error: float) -> tuple[float, float, float]:
    """(expected, low, high) of a line."""
    wanted = entry["expected"]
    if isinstance(wanted, str):
        limit = float(wanted.removeprefix("below "))
        return limit, 0.0, limit - error
    expected = _closed_form(wanted) if isinstance(wanted, dict) else float(wanted)
    allowed = str(entry.get("allowed", "+-0"))
    if allowed == "exactly":
        return expected, expected, expected
    slack = float(allowed[:-1]) / 100.0 * expected if allowed.endswith("%") else float(allowed.removeprefix("+-"))
    return expected, expected - slack - error, expected + slack + error


def _closed_form(entry: dict[str, Any]) -> float:
    """Erlang C: the mean wait in minutes, or the share that waits longer than so many minutes."""
    arrivals, service, reps = float(entry["leads an hour"]), float(entry["served an hour"]), int(entry["reps"])
    waits = erlang_c(arrivals / service, reps)
    spare = reps * service - arrivals
    if entry["erlang c"] == "mean wait":
        return 60.0 * waits / spare
    return waits * math.exp(-spare * float(entry["minutes"]) / 60.0)


def erlang_c(load: float, reps: int) -> float:
    """Chance to wait in M/M/c, by the recursion of Erlang B."""
    blocked = 1.0
    for k in range(1, reps + 1):
        blocked = load * blocked / (k + load * blocked)
    return reps * blocked / (reps - load * (1.0 - blocked))


# ---- one run: figures as (top, bottom) by replication --------------------------------------------------------------


class _CaseRun:
    """A scenario of a case, anchored as it stands in its file and then changed, simulated once."""

    def __init__(self, case: dict[str, Any], overrides: list[str]) -> None:
        file = str(published.scenario(case["file"]))
        loaded, blueprint = load(file), prepare(load(file, overrides))
        self.book: Labels = blueprint.book
        self.plan: Plan = anchor(prepare(loaded.root or loaded)).plan(blueprint)
        wanted = [entry["measure"] for entry in case["checks"] if _of_visits(entry["measure"])]
        self.summaries: list[Summary] = []
        self.pairs: dict[str, list[Pair]] = {str(measure): [] for measure in wanted}
        self._simulate(case["replications"], wanted)

    def _simulate(self, replications: int, wanted: list[dict[str, Any]]) -> None:
        size = _AT_A_TIME if wanted else replications
        for first in range(0, replications, size):
            numbers = range(first, min(first + size, replications))
            done = replicate(self.plan, SEED, numbers, tables=bool(wanted))
            self.summaries += done.summaries
            for trace in done.traces or ():
                for measure in wanted:
                    self.pairs[str(measure)].append(self._of_cohort(trace.visits, measure))

    def figure(self, measure: Any) -> tuple[FloatArray, FloatArray]:
        """Top and bottom of a figure in each replication."""
        if str(measure) in self.pairs:
            top, bottom = np.array(self.pairs[str(measure)]).T
            return top, bottom
        if isinstance(measure, dict):
            return self._later(measure) if "later than" in measure else self._days_to(measure)
        measures = named(self.summaries, self.plan, self.book)
        if measure == "not won":
            leads, won = measures["cohort.leads"].top, measures["cohort.won"].top
            return leads - won, leads
        figure = measures[measure]
        return figure.top, np.ones_like(figure.top) if figure.bottom is None else figure.bottom

    def _later(self, measure: dict[str, Any]) -> tuple[FloatArray, FloatArray]:
        """Share touched later than an edge of the histogram, of those touched."""
        edge = int(np.flatnonzero(np.isclose(RESPONSE_EDGES, elapsed(measure["later than"]).seconds))[0])
        stage = self.book.stages.index(measure["stage"])
        counts = np.array([summary.responses[COHORT, stage] for summary in self.summaries])
        return counts[:, edge + 1 :].sum(axis=1), counts.sum(axis=1)

    def _days_to(self, measure: dict[str, Any]) -> tuple[FloatArray, FloatArray]:
        """Mean days from arrival to a definition, of the leads of a source that come so far."""
        definition, source = self.book.definitions.index(measure["days to"]), self.book.sources.index(measure["source"])
        passes = [summary.passes[COHORT, definition, source] for summary in self.summaries]
        return np.array([one["time"].sum() / DAY for one in passes]), np.array([one["count"].sum() for one in passes])

    def _of_cohort(self, visits: Any, measure: dict[str, Any]) -> Pair:
        settings = self.plan.settings[0]
        cohort = visits[(visits.arrived >= settings.measure_from) & (visits.arrived < settings.measure_to)]
        if "stage" in measure:
            cohort = cohort[cohort.stage == self.book.stages.index(measure["stage"])]
        word = next(iter(measure))
        return _VISIT_FIGURES[word](cohort, measure, self.book)


def _of_visits(measure: Any) -> bool:
    return isinstance(measure, dict) and next(iter(measure)) in _VISIT_FIGURES


def _answered(visits: Any, entry: dict[str, Any], book: Labels) -> Pair:
    """Share of the leads first touched after a time in [from, to)."""
    return float(_touched(visits, entry["answered from"], entry.get("to")).sum()), float(len(visits))


def _never(visits: Any, entry: dict[str, Any], book: Labels) -> Pair:
    return float((visits.touched < 0.0).sum()), float(len(visits))


def _chance(visits: Any, entry: dict[str, Any], book: Labels) -> Pair:
    """Mean chance to go on of leads touched in one span, and of those in another."""
    fast = visits.chance[_touched(visits, entry["chance from"], entry["to"])]
    slow = visits.chance[_touched(visits, entry["against from"], entry["against to"])]
    return float(fast.mean()), float(slow.mean())


def _reached(visits: Any, entry: dict[str, Any], book: Labels) -> Pair:
    """Share of the leads reached by a call of this number."""
    return float(((visits.reached >= 0.0) & (visits.attempts <= entry["reached by call"])).sum()), float(len(visits))


def _touched(visits: Any, low: str, high: str | None) -> BoolArray:
    delay = visits.touched - visits.entered
    last = elapsed(high).seconds if high else math.inf
    within: BoolArray = (visits.touched >= 0.0) & (delay >= elapsed(low).seconds) & (delay < last)
    return within


_VISIT_FIGURES: dict[str, Callable[[Any, dict[str, Any], Labels], Pair]] = {
    "answered from": _answered,
    "never": _never,
    "chance from": _chance,
    "reached by call": _reached,
}


def _number(value: float) -> str:
    return f"{value:.4g}"


def _expected_text(check: CaseCheck) -> str:
    return ("below " if check.high < check.expected else "") + _number(check.expected)
