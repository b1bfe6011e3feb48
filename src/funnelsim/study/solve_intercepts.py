"""Simulate and solve: intercepts and offsets under which a plan's own simulation gives its base rates (rules 68, 83).

Who comes to a stage depends on the chances before it, so all stages are solved together, round after round on the same
luck, until nothing moves:

- a chance of going on: the intercept c solves mean of 1 / (1 + exp(-(c + shift_i))) = p r over the visits dealt with,
  where shift_i is the sum of the effects on visit i and r is 1, or entered / dealt with under `of: entered` (rule 70);
- chances of contact under effects: the same equation over the attempts made, p being the mean of the table;
- a gate: the share of visits dealt with whose score + offset reaches the threshold rises with the offset, and is p r at
  the one we look for. The first step is the quantile of score - threshold, the next ones are the secant's on the
  log-odds of that share. A definition that opens several gates has one offset, for all of them together. The visits
  are those of the cohort to the end of the run: leads that come back bring their points along and pass more readily,
  so a share of first visits would not be the one on record.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from funnelsim.engine.covariates import EffectTarget
from funnelsim.engine.replicate import replicate_columns
from funnelsim.errors import ScenarioError
from funnelsim.plan import Plan
from funnelsim.run_tables import in_flight
from funnelsim.typing import BoolArray, FloatArray

FIRST_REPLICATION = 1_000_000  # luck that no study uses
# What is kept of a visit and of an attempt: many replications are looked at together.
_VISIT = np.dtype(
    [
        ("lead", "i8"),
        ("stage", "i8"),
        ("arrived", "f8"),
        ("entered", "f8"),
        ("ended", "f8"),
        ("chance", "f8"),
        ("shift", "f8"),
    ]
)
_ATTEMPT = np.dtype([("stage", "i8"), ("ordinal", "i8"), ("shift", "f8")])
_STEPS, _SETTLED = 12, 2e-3  # rounds at most; change of the log-odds at which to stop
_GATED_STEPS = 16  # a gate is not solved in one step
_RECENT = 8
_BY_CHANCE = 0.1  # of the standard deviation of the leads let through: nearer is not worth a round
_NEAR = 0.05  # a gate's share may miss its base rate by so much of it: a score may have few values


@dataclass
class InterceptSolution:
    """What solves a plan: by stage, and offsets by definition."""

    intercept: FloatArray
    contact: FloatArray
    offset: FloatArray
    ratio: FloatArray  # entered / dealt with
    leads: int = 0
    rounds: int = 0

    @classmethod
    def start(cls, plan: Plan) -> InterceptSolution:
        """Nothing added."""
        zeros = np.zeros(len(plan.stages))
        return cls(logits(plan.stages["base"]), zeros, plan.definitions["offset"].copy(), np.ones(len(plan.stages)))

    def copy(self) -> InterceptSolution:
        """To start from elsewhere."""
        return InterceptSolution(self.intercept.copy(), self.contact.copy(), self.offset.copy(), self.ratio.copy())

    def written(self, plan: Plan) -> Plan:
        """The plan with these numbers in it."""
        stages, definitions = plan.stages.copy(), plan.definitions.copy()
        stages["intercept"], stages["contact_intercept"] = self.intercept, self.contact
        definitions["offset"] = self.offset
        return plan._replace(stages=stages, definitions=definitions)


def solve_intercepts(
    plan: Plan, seed: int, many: int, start: InterceptSolution, threads: int | None, names: tuple[str, ...]
) -> InterceptSolution:
    """Simulate and solve until the numbers stand still. Raises ScenarioError when a base rate cannot be reached."""
    solution = start.copy()
    numbers = range(FIRST_REPLICATION, FIRST_REPLICATION + many)
    wanted = np.flatnonzero(needs_anchor(plan)).tolist()
    contacts = [stage for stage in wanted if _effects_on(plan, stage, EffectTarget.CONTACT)]
    gates = _gates(plan)
    for solution.rounds in range(1, (_GATED_STEPS if gates else _STEPS) + 1):
        followed, attempts = _simulated(solution.written(plan), seed, numbers, threads)
        visits = followed[followed.entered < plan.settings[0].measure_to]
        solution.leads = len(np.unique(visits.lead)) * many
        before = solution.copy()
        for stage in wanted:
            mine = visits[visits.stage == stage]
            solution.intercept[stage], solution.ratio[stage] = _intercept(plan, stage, mine, names[stage], solution)
        for stage in contacts:
            solution.contact[stage] = _contact(plan, stage, attempts[attempts.stage == stage], solution.contact[stage])
        moved = max(
            np.abs(finite_difference(solution.intercept, before.intercept)).max(),
            np.abs(solution.contact - before.contact).max(),
        )
        for gate in gates:
            moved = max(moved, gate.step(_cohort_of(plan, followed), solution))
        if moved < _SETTLED:
            break
    for gate in gates:
        solution.offset[gate.definition] = gate.best(names)
    return solution


def needs_anchor(plan: Plan) -> BoolArray:
    """Stages whose base rate does not come out by itself."""
    stages = plan.stages
    between = (stages["base"] > 0.0) & (stages["base"] < 1.0)
    worked = between & (stages["base_of_entered"] > 0) & (stages["step_count"] > 0)
    moved = [
        _effects_on(plan, stage, EffectTarget.ADVANCE) or _effects_on(plan, stage, EffectTarget.CONTACT)
        for stage in range(len(stages))
    ]
    needs: BoolArray = np.array(moved) | worked | (between & (stages["gate"] >= 0))
    return needs


def solve_intercept(shifts: FloatArray, rate: float) -> float:
    """c with mean of 1 / (1 + exp(-(c + shift))) = rate, by Newton's method from the uniform solution."""
    c = logit(rate) - float(shifts.mean())
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-(c + shifts)))
        step = (float(p.mean()) - rate) / max(float((p * (1.0 - p)).mean()), 1e-12)
        c -= max(-2.0, min(2.0, step))
        if abs(step) < 1e-12:
            break
    return c


# ---- chances --------------------------------------------------------------------------------------------------------


def _intercept(plan: Plan, stage: int, visits: Any, name: str, before: InterceptSolution) -> tuple[float, float]:
    """Solve the stage's base rate over its visits; and entered / dealt with."""
    row = plan.stages[stage]
    base = float(plan.stages["base"][stage])
    dealt = visits.chance >= 0.0
    ratio = 1.0
    if row.base_of_entered and row.step_count > 0 and dealt.any():
        over = dealt | (visits.ended >= 0.0)  # still waiting for the first contact tells nothing yet
        ratio = float(over.sum() / dealt.sum())
    if not 0.0 < base < 1.0 or not dealt.any():
        return float(before.intercept[stage]), ratio
    if base * ratio >= 1.0:
        raise base_rate_too_high(name, base, 1.0 / ratio)
    if row.gate >= 0:
        return float(before.intercept[stage]), ratio
    return solve_intercept(visits.shift[dealt], base * ratio), ratio


def _contact(plan: Plan, stage: int, attempts: Any, before: float) -> float:
    """The shift of all contact chances that makes their mean that of the table, over the attempts made."""
    chances = _table(plan, stage, int(attempts.ordinal.max(initial=0)))[attempts.ordinal - 1]
    open_ = (chances > 0.0) & (chances < 1.0)
    if not open_.any():
        return before
    tables = np.log(chances[open_] / (1.0 - chances[open_]))
    return solve_intercept(tables + attempts.shift[open_], float(chances[open_].mean()))


def _table(plan: Plan, stage: int, most: int) -> FloatArray:
    """Chance of contact at each attempt of a visit as written, over all steps of the work."""
    row = plan.stages[stage]
    by_attempt: list[float] = []
    for i in range(row.step_first, row.step_first + row.step_count):
        step = plan.steps[i]
        until = most if i == row.step_first + row.step_count - 1 else min(most, len(by_attempt) + int(step.attempts))
        chances = plan.points[step.contact_first : step.contact_first + step.contact_count].y
        by_attempt += [float(chances[min(k, len(chances) - 1)]) for k in range(len(by_attempt), until)]
    return np.array(by_attempt)


def _effects_on(plan: Plan, stage: int, target: Any) -> bool:
    row = plan.stages[stage]
    return bool((plan.effects["target"][row.effect_first : row.effect_first + row.effect_count] == target).any())


# ---- gates ----------------------------------------------------------------------------------------------------------


@dataclass
class _GateSolver:
    """A definition that opens the way forward in some stages, and the offsets tried so far."""

    definition: int
    stages: list[int]
    base: FloatArray  # of these stages
    tried: list[tuple[float, float, float]] = field(default_factory=list)  # offset, error of the log-odds, of a share

    def step(self, visits: Any, solution: InterceptSolution) -> float:
        """Put the next offset into the solution; how far off the log-odds of the share are."""
        shifts, opened, wanted = self._seen(visits, solution)
        if not len(shifts):
            return 0.0
        error = _bounded_logit(opened / len(shifts), len(shifts)) - logit(wanted / len(shifts))
        self.tried.append((float(solution.offset[self.definition]), error, opened / wanted - 1.0))
        by_chance = math.sqrt(wanted * (1.0 - wanted / len(shifts)))
        if abs(error) < _SETTLED or abs(opened - wanted) <= max(0.5, _BY_CHANCE * by_chance):
            return 0.0
        solution.offset[self.definition] = self._next(shifts, round(wanted))
        return abs(error)

    def best(self, names: tuple[str, ...]) -> float:
        """The offset that came nearest."""
        if not self.tried:
            return 0.0
        offset, _, missed = min(self._recent, key=lambda one: abs(one[1]))
        if abs(missed) > _NEAR:
            raise _not_met(names[self.stages[0]], float(self.base[0]), [part for _, _, part in self._recent])
        return offset

    @property
    def _recent(self) -> list[tuple[float, float, float]]:
        """Older ones were tried on other leads: what comes here depends on the stages before."""
        return self.tried[-_RECENT:]

    def _seen(self, visits: Any, solution: InterceptSolution) -> tuple[FloatArray, int, float]:
        """score - threshold of the visits dealt with, how many were let through, how many there should be."""
        shifts, opened, wanted = [np.zeros(0)], 0, 0.0
        for stage, base in zip(self.stages, self.base, strict=True):
            mine = visits[(visits.stage == stage) & (visits.chance >= 0.0)]
            shifts.append(mine.shift)
            opened += int((mine.chance > 0.0).sum())
            wanted += base * solution.ratio[stage] * len(mine)
        return np.concatenate(shifts), opened, wanted

    def _next(self, shifts: FloatArray, wanted: int) -> float:
        """By quantile at first, then along the secant; of a normal score the log-odds rise by 1.7 a deviation or so."""
        offset, error, _ = self.tried[-1]
        spread = max(float(shifts.std()), 1e-6)
        if len(self.tried) == 1:
            ordered = np.sort(shifts)[::-1]
            at = min(max(wanted, 1), len(ordered) - 1)
            step = -float(ordered[at - 1] + ordered[at]) / 2.0 - offset
        else:
            last, last_error, _ = self.tried[-2]
            slope = (error - last_error) / (offset - last) if offset != last else 0.0
            usual = 1.7 / spread
            step = -error / (slope if usual / 20.0 < slope < usual * 20.0 else usual)
        return offset + max(-4.0 * spread, min(4.0 * spread, step))


def _gates(plan: Plan) -> list[_GateSolver]:
    stages = plan.stages
    gates = []
    for definition in range(len(plan.definitions)):
        mine = np.flatnonzero((stages["gate"] == definition) & (stages["base"] > 0.0) & (stages["base"] < 1.0))
        if len(mine):
            gates.append(_GateSolver(definition, mine.tolist(), stages["base"][mine].copy()))
    return gates


# ---- helpers --------------------------------------------------------------------------------------------------------


def leads_of(plan: Plan, seed: int, threads: int | None) -> int:
    """How many leads one replication brings."""
    (count,) = replicate_columns(
        plan, seed, [FIRST_REPLICATION], lambda visits, _: len(np.unique(visits.lead)), threads
    )
    return count


def _simulated(plan: Plan, seed: int, numbers: range, threads: int | None) -> tuple[Any, Any]:
    """Visits, and attempts started before the end of the measured time; in flight left out."""
    end = plan.settings[0].measure_to

    def take(visits: Any, attempts: Any) -> tuple[Any, Any]:
        known = (visits.entered >= 0.0) & (visits.arrived >= 0.0)
        made = (attempts.task < 0) & (attempts.started >= 0.0) & (attempts.started < end) & ~in_flight(attempts.lead)
        return _selected_rows(visits, known, _VISIT), _selected_rows(attempts, made, _ATTEMPT)

    visits, attempts = zip(*replicate_columns(plan, seed, numbers, take, threads), strict=True)
    return np.concatenate(visits).view(np.recarray), np.concatenate(attempts).view(np.recarray)


def _cohort_of(plan: Plan, visits: Any) -> Any:
    """The visits of leads that arrived within the measured time."""
    settings = plan.settings[0]
    return visits[(visits.arrived >= settings.measure_from) & (visits.arrived < settings.measure_to)]


def _selected_rows(table: Any, rows: BoolArray, columns: np.dtype[Any]) -> Any:
    selected = np.empty(int(rows.sum()), columns)
    for name in columns.names or ():
        selected[name] = table[name][rows]
    return selected


def base_rate_too_high(stage: str, base: float, reached: float) -> ScenarioError:
    """More should go on than are reached."""
    return ScenarioError(
        f"stages.{stage}.next: {base:.1%} of all leads that enter go on, but only {reached:.1%} are reached in the "
        f"root scenario, so {base / reached:.1%} of the reached would have to go on; "
        "check the contact table, the attempts or the habit"
    )


def _not_met(stage: str, base: float, missed: list[float]) -> ScenarioError:
    below = [part for part in missed if part < 0.0]
    above = [part for part in missed if part > 0.0]
    shares = " or ".join(
        f"{base * (1.0 + part):.1%}"
        for part in (max(below, default=None), min(above, default=None))
        if part is not None
    )
    return ScenarioError(
        f"stages.{stage}.next: the gate should let {base:.1%} through in the root scenario, but whatever is added to "
        f"the score, it lets through {shares}; the score takes too few values: give it `noise`, or leads different fits"
    )


def finite_difference(one: FloatArray, other: FloatArray) -> FloatArray:
    """one - other where both are finite, else 0."""
    finite = np.isfinite(one) & np.isfinite(other)
    return np.where(finite, np.where(finite, one, 0.0) - np.where(finite, other, 0.0), 0.0)


def logits(p: FloatArray) -> FloatArray:
    """Log-odds, with the infinities at 0 and 1."""
    return np.array([logit(float(one)) for one in p])


def logit(p: float) -> float:
    """ln(p / (1 - p)), with the infinities at 0 and 1."""
    return math.inf if p >= 1.0 else -math.inf if p <= 0.0 else math.log(p / (1.0 - p))


def _bounded_logit(share: float, n: int) -> float:
    """Finite log-odds of a share of n."""
    return logit(min(max(share, 0.5 / n), 1.0 - 0.5 / n))
