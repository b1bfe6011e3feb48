"""Compare: is B better than A, by how much, how sure, and resting on what?

Pairs on the same luck in a two-level design: `draws` of what nobody knows x `pairs` of periods. The first scenario is
the base; each other one is set against it. See docs/background/model.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from funnelsim.compile.parameter_draws import UncertainParameter, uniform
from funnelsim.engine.replicate import ReplicationBatch, run_batches
from funnelsim.measures import Measure, named
from funnelsim.measures.estimate import t_quantile
from funnelsim.progress import Progress
from funnelsim.scenario import Loaded
from funnelsim.scenario.assumptions import equally_good
from funnelsim.study.alternative_models import (
    Alternative,
    Case,
    beliefs_at_one,
    curves_to_try,
    with_curve,
    with_promises_of,
)
from funnelsim.study.explain.coalitions import ExplainSpec, PriorRuns
from funnelsim.study.explain.explain import Explanation, explain
from funnelsim.study.explain.groups import groups_of
from funnelsim.study.history_check import HistoryCheck, check_history
from funnelsim.study.paired_difference import TwoLevelEstimate, two_level_estimate
from funnelsim.study.point import PAIR_STRIDE, NestedDesign
from funnelsim.study.scenario_diff import KeyDifference, key_differences
from funnelsim.study.sensitivity.inputs import features_of
from funnelsim.study.sensitivity.value_of_information import InformationValue, information_values
from funnelsim.summary import Summary
from funnelsim.typing import FloatArray

MOST_PAIRS = 16  # a draw, when more precision is wanted
FEW_GROUPS = 4  # groups of changes whose mixtures are run beside a comparison; `explain` divides more of them


@dataclass(frozen=True)
class CompareSpec:
    """How many draws and pairs; `precision` is of the difference, relative to the base."""

    draws: int = 40
    pairs: int = 4
    precision: float | None = None
    check_draws: int = 10  # for questions beside the main one: beliefs at 1, other curves
    check_pairs: int = 1  # enough: differences on the same luck vary little


@dataclass(frozen=True)
class ComparedScenario:
    """One scenario set against the base."""

    name: str
    differences: dict[str, TwoLevelEstimate]  # by measure: cohort.won, cohort.revenue, cohort.profit, calendar.won, ...
    beliefs_neutral: TwoLevelEstimate | None  # of the goal, with all beliefs at 1
    by_curve: dict[str, TwoLevelEstimate]  # of the goal, under other response curves
    break_evens: list[BreakEven]
    changes: list[KeyDifference]
    vs_previous: TwoLevelEstimate | None = None  # of the goal, against the scenario before it
    added: bool = False  # put between by the tool


@dataclass(frozen=True)
class BreakEven:
    """Where on its range a belief would turn the answer."""

    path: str
    low: float
    high: float
    at: float | None  # None: nowhere in the range
    at_low: float  # the difference at the ends of the range
    at_high: float


@dataclass(frozen=True)
class ScenarioRuns:
    """One scenario's own figures."""

    name: str
    values: dict[str, FloatArray]  # [draw, pair] by measure
    units: dict[str, str]
    summaries: list[Summary] = field(repr=False, default_factory=list)

    def estimate(self, key: str, uncertain: bool = True) -> TwoLevelEstimate:
        return two_level_estimate(self.values[key], uncertain)


@dataclass(frozen=True)
class Comparison:
    """What `compare` gives; `reporting.compare.report` prints it."""

    goal: str  # measure that decides
    runs: list[ScenarioRuns]
    compared: list[ComparedScenario]
    history: HistoryCheck | None
    cases: list[Case] = field(repr=False)
    spec: CompareSpec
    draws: int
    pairs: int
    seed: int  # of the luck
    uncertain: bool
    notes: list[str]
    equally_good: bool = False  # both sides work the same stage, and nothing says that one does it better (rule 46)
    explanation: Explanation | None = None  # of the last difference, on the draws of the checks
    information: list[InformationValue] = field(default_factory=list)  # of the last: what knowing would bring


def compare(
    base: Loaded,
    *others: Loaded,
    spec: CompareSpec | None = None,
    engine: str = "fast",
    threads: int | None = None,
    robustness: bool = True,
    seed: int | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Set each other scenario against the base.

    `robustness` False leaves out what needs other models (beliefs at 1, other curves) and mixtures of the two scenarios
    (why); `seed` is of the luck, by default the base's own. Raises ScenarioError as loading does.
    """
    spec, progress = spec or CompareSpec(), progress or Progress()
    scenarios, added = _with_promises_between(base, list(others))
    as_written = Alternative(threads=threads, note=progress.note)
    cases = _promised_by_all([as_written.case(loaded) for loaded in scenarios])
    goal = goal_of(base)
    uncertain = any(one.blueprint.uncertain for one in cases)
    runner = PairedRunner(cases[0].blueprint.scenario.seed if seed is None else seed, engine, threads, progress)
    pairs = spec.pairs
    runs = runner.run(cases, range(spec.draws), range(pairs), "comparing")
    notes: list[str] = []
    while pairs < MOST_PAIRS and _wants_more(runs, goal, uncertain, spec, notes):
        more = runner.run(cases, range(spec.draws), range(pairs, 2 * pairs), "comparing, more pairs")
        runs = [_joined(case, one, other, spec.draws) for case, one, other in zip(cases, runs, more, strict=True)]
        pairs *= 2
    at_one, by_curve = _robustness(cases, goal, spec, runner) if robustness else ({}, {})
    why = _explained(cases, runs, goal, spec, runner) if robustness else None
    compared = [
        ComparedScenario(
            cases[i].name,
            _differences(runs[0], runs[i], uncertain),
            at_one.get(i),
            by_curve.get(i, {}),
            break_evens(cases, i, runs[i].values[goal] - runs[0].values[goal]),
            key_differences(base.resolved["scenario"], cases[i].loaded.resolved["scenario"]),
            two_level_estimate(runs[i].values[goal] - runs[i - 1].values[goal], uncertain) if i > 1 else None,
            cases[i].name in added,
        )
        for i in range(1, len(cases))
    ]
    history = check_history(cases[0], runs[0].summaries)
    known = _information(cases, [column.values[goal] for column in runs]) if uncertain else []
    return Comparison(
        goal,
        runs,
        compared,
        history,
        cases,
        spec,
        spec.draws,
        pairs,
        runner.seed,
        uncertain,
        notes,
        any(equally_good(case.blueprint.scenario) for case in cases),
        why,
        known,
    )


def goal_of(base: Loaded) -> str:
    """The measure that decides: the goal named beforehand in the scenario, else customers won."""
    goal = base.scenario.goal
    return "cohort.revenue" if goal is not None and goal.revenue is not None and goal.wins is None else "cohort.won"


def break_evens(cases: Sequence[Case], i: int, values: FloatArray) -> list[BreakEven]:
    """Where each range would turn the sign, by least squares of the draws' means on all ranges at once."""
    ranges: dict[str, UncertainParameter] = {
        belief.path: belief for one in (cases[0], cases[i]) for belief in one.blueprint.beliefs
    }
    if not ranges or len(values) < len(ranges) + 2:
        return []
    seed = cases[0].blueprint.scenario.seed
    places = np.array([[uniform(seed, draw, path) for path in ranges] for draw in range(len(values))])
    design = np.column_stack((np.ones(len(values)), places - 0.5))
    means = values.mean(axis=1)
    coefficients = np.linalg.lstsq(design, means, rcond=None)[0]
    freedom = len(means) - design.shape[1]
    variance = float(((means - design @ coefficients) ** 2).sum()) / freedom
    errors = t_quantile(freedom) * np.sqrt(variance * np.diag(np.linalg.pinv(design.T @ design)))
    return [
        _break_even(belief, float(coefficients[0]), float(slope), float(error))
        for belief, slope, error in zip(ranges.values(), coefficients[1:], errors[1:], strict=True)
    ]


def _break_even(belief: UncertainParameter, centre: float, slope: float, error: float) -> BreakEven:
    """No break-even where the sign does not turn, or the slope itself could be chance (90 %)."""
    at_low, at_high = centre - 0.5 * slope, centre + 0.5 * slope
    at = belief.at(0.5 - centre / slope) if at_low * at_high < 0.0 and abs(slope) > error else None
    return BreakEven(belief.path, belief.low, belief.high, at, at_low, at_high)


def _information(cases: Sequence[Case], values: Sequence[FloatArray]) -> list[InformationValue]:
    """What it would bring to know each unknown, from the draws that were run anyway; values [draw, pair] by case."""
    draws, pairs = values[0].shape
    gains = [one - values[0] for one in values[1:]]
    noise = float(gains[-1].var(axis=1, ddof=1).mean()) / pairs if pairs > 1 else 0.0
    features = features_of([one.blueprint for one in cases], range(draws), cases[0].blueprint.scenario.seed)
    means = np.column_stack([gain.mean(axis=1) for gain in gains])
    return information_values(features, means[:, -1], noise, means)


PROMISE, BELIEFS, REST, NOTHING = (
    "the promise alone",
    "beliefs nobody has measured",
    "the rest of the policy",
    "nothing",
)


def main_cause(comparison: Comparison) -> str:
    """What makes most of the last scenario's difference; nothing when its interval holds 0.

    Parts: what the promises alone already bring, what vanishes with all beliefs at 1, and the remainder.
    Shares of the changes, which do not depend on the order of the scenarios, are in `explanation`.
    """
    last = comparison.compared[-1].differences[comparison.goal]
    if last.low <= 0.0 <= last.high:
        return NOTHING
    alone = comparison.compared[0].differences[comparison.goal].mean if len(comparison.compared) > 1 else 0.0
    at_one = comparison.compared[-1].beliefs_neutral
    resting = last.mean - at_one.mean if at_one else 0.0
    parts = {PROMISE: alone, BELIEFS: resting, REST: last.mean - alone - resting}
    return max(parts, key=lambda name: parts[name] * np.sign(last.mean))


# ---- running --------------------------------------------------------------------------------------------------------


def _with_promises_between(base: Loaded, others: list[Loaded]) -> tuple[list[Loaded], set[str]]:
    """The base, the others in order; with one other, the base with the other's promises alone is put between."""
    others = [_seeded(other, base.scenario.seed) for other in others]
    if len(others) != 1:
        return [base, *others], set()
    between = with_promises_of(base, others[0])
    if between is None or not key_differences(between.resolved["scenario"], others[0].resolved["scenario"]):
        return [base, *others], set()
    return [base, between, *others], {between.scenario.name}


def _seeded(other: Loaded, seed: int) -> Loaded:
    """Beliefs are drawn by the scenario's seed: the same for all that are compared."""
    if other.scenario.seed == seed:
        return other
    return replace(other, scenario=other.scenario.model_copy(update={"seed": seed}))


def _promised_by_all(cases: list[Case]) -> list[Case]:
    """Every scenario is measured against the volume promises of all: "had it been promised"."""
    every = {promise: None for one in cases for promise in one.blueprint.book.volume_promises}
    return [
        replace(one, blueprint=replace(one.blueprint, book=one.blueprint.book._replace(volume_promises=tuple(every))))
        for one in cases
    ]


@dataclass(frozen=True)
class PairedRunner:
    """How replications are run."""

    seed: int
    engine: str
    threads: int | None
    progress: Progress

    def run(self, cases: Sequence[Case], draws: range, pairs: range, what: str) -> list[ScenarioRuns]:
        """Each case in each draw and pair, on the same luck."""
        jobs = [
            ReplicationBatch(
                one.anchor.plan(one.blueprint, draw), self.seed, tuple(draw * PAIR_STRIDE + pair for pair in pairs)
            )
            for one in cases
            for draw in draws
        ]
        results = run_batches(jobs, self.engine, self.threads, lambda done: self.progress.update(what, done, len(jobs)))
        return [_scenario_runs(one, results[i * len(draws) : (i + 1) * len(draws)]) for i, one in enumerate(cases)]


def _scenario_runs(one: Case, results: Sequence[Sequence[Summary]]) -> ScenarioRuns:
    summaries = [summary for run in results for summary in run]
    measures = named(summaries, one.blueprint.centre, one.blueprint.book)
    return ScenarioRuns(
        one.name,
        {key: _by_draw(measure, len(results)) for key, measure in measures.items()},
        {key: measure.unit for key, measure in measures.items()},
        summaries,
    )


def _by_draw(measure: Measure, draws: int) -> FloatArray:
    return np.broadcast_to(measure.values, measure.numerator.shape).reshape(draws, -1)


def _joined(case: Case, one: ScenarioRuns, other: ScenarioRuns, draws: int) -> ScenarioRuns:
    """Measured anew: what never happened in either alone has no measure there."""
    first, second = len(one.summaries) // draws, len(other.summaries) // draws
    return _scenario_runs(
        case,
        [
            [*one.summaries[d * first : (d + 1) * first], *other.summaries[d * second : (d + 1) * second]]
            for d in range(draws)
        ],
    )


def _differences(base: ScenarioRuns, other: ScenarioRuns, uncertain: bool) -> dict[str, TwoLevelEstimate]:
    estimates = {}
    for key in base.values:
        if key in other.values:
            values = other.values[key] - base.values[key]
            if np.isfinite(values).all():
                estimates[key] = two_level_estimate(values, uncertain)
    return estimates


def _wants_more(runs: list[ScenarioRuns], goal: str, uncertain: bool, spec: CompareSpec, notes: list[str]) -> bool:
    """Stop by simulation error; a precision finer than a tenth of what nobody knows is refused."""
    if spec.precision is None:
        return False
    base = float(runs[0].values[goal].mean())
    for run in runs[1:]:
        difference = two_level_estimate(run.values[goal] - runs[0].values[goal], uncertain)
        if difference.error > spec.precision * abs(base):
            if uncertain and difference.finer_buys_nothing:
                notes.append(
                    f"a finer precision buys nothing: the simulation error ({difference.error:.2g}) is already below a "
                    f"tenth of what your data leaves open"
                )
                return False
            return True
    return False


def _robustness(
    cases: list[Case], goal: str, spec: CompareSpec, runner: PairedRunner
) -> tuple[dict[int, TwoLevelEstimate], dict[int, dict[str, TwoLevelEstimate]]]:
    """The goal's differences under alternative models: all beliefs at 1, other response curves."""
    likes = tuple(one.anchor for one in cases)
    alternative = Alternative("beliefs at 1", beliefs_at_one, likes, runner.threads, runner.progress.note)
    at_one = _differences_under(cases, alternative, goal, spec.draws // 2, spec, runner)
    by_curve: dict[int, dict[str, TwoLevelEstimate]] = {}
    for curve in curves_to_try(cases[0].blueprint.scenario):
        alternative = Alternative(f"curve {curve}", with_curve(curve), likes, runner.threads, runner.progress.note)
        for i, one in _differences_under(cases, alternative, goal, spec.check_draws, spec, runner).items():
            by_curve.setdefault(i, {})[curve] = one
    return at_one, by_curve


def _explained(
    cases: list[Case], scenario_runs: list[ScenarioRuns], goal: str, spec: CompareSpec, runner: PairedRunner
) -> Explanation | None:
    """The last scenario's difference divided; None when that takes too many mixtures, or another root."""
    base, last = cases[0].loaded, cases[-1].loaded
    groups = groups_of(base.resolved["scenario"], last.resolved["scenario"])
    same_root = (base.root or base.scenario) == (last.root or last.scenario)
    if not same_root or not 0 < len(groups) <= FEW_GROUPS:
        return None
    first, other = scenario_runs[0].values, scenario_runs[-1].values
    known = PriorRuns(first, other, float((other[goal] - first[goal]).mean()))
    draws, pairs = min(spec.draws, spec.check_draws), min(spec.pairs, spec.check_pairs)
    size = NestedDesign(draws * pairs, None, pairs)
    explain_spec = ExplainSpec(
        base, last, goal, size, runner.seed, engine=runner.engine, anchor=cases[0].anchor, prior=known
    )
    return explain(explain_spec, threads=runner.threads, progress=runner.progress)


def _differences_under(
    cases: list[Case], alternative: Alternative, goal: str, draws: int, spec: CompareSpec, runner: PairedRunner
) -> dict[int, TwoLevelEstimate]:
    there = [alternative.case(one.loaded) for one in cases]
    columns = runner.run(there, range(draws), range(spec.check_pairs), alternative.name)
    uncertain = any(one.blueprint.uncertain for one in there)
    return {
        i: two_level_estimate(columns[i].values[goal] - columns[0].values[goal], uncertain)
        for i in range(1, len(columns))
    }
