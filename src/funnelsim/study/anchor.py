"""Anchoring: the intercepts that make the root scenario reproduce its base rates (rules 68 to 71).

A base rate p in a file is an average over the leads dealt with in the root scenario, with all its effects on. The
intercept c of a stage solves  mean of 1 / (1 + exp(-(c + shift_i))) = p * r  over the simulated visits i, where shift_i
is the sum of the effects on visit i and r is 1, or entered / dealt with where the file says `of: entered` (rule 70).
Who comes to a stage depends on the intercepts before it, so simulate and solve are repeated, on the same luck, until
nothing moves. Ranges: the same at some twenty points of the ranges; between them a quadratic in each belief.

What is kept is not c but c - logit(p * r), the part that the effects add: a variant or a draw with another base rate
then inherits the rest. Found once, kept in the user's cache under a hash of all that it depends on.
"""

from __future__ import annotations

import hashlib
import json
import math
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from funnelsim.compile import Blueprint
from funnelsim.compile.draws import uniform
from funnelsim.engine.jit import cache_root, engine_hash
from funnelsim.engine.replicate import visits_of
from funnelsim.errors import ScenarioError
from funnelsim.plan import CONTACT_CHANCE, Plan, fingerprint

Floats = NDArray[np.float64]

LEADS = 120_000  # simulated for the centre; the error left in a base rate is far below that of a study
POINTS = 20  # points of the ranges
_FIRST_REPLICATION = 1_000_000  # luck that no study uses
_FIRST_DRAW = 1_000_000
_STEPS, _SETTLED = 12, 2e-3  # rounds at most; change of the log-odds at which to stop
VERSION = 1


@dataclass(frozen=True)
class Anchor:
    """What the effects of a root scenario add to the log-odds of its base rates."""

    stages: tuple[str, ...]
    seed: int
    beliefs: tuple[str, ...]  # paths, in the order of the coefficients
    base: tuple[float, ...]
    added: tuple[float, ...]  # c - logit(p r), by stage, beliefs at their centre
    ratio: tuple[float, ...]  # r
    contact: tuple[float, ...]  # added to the log-odds of contact chances
    slopes: tuple[tuple[float, ...], ...] = ()  # [stage][2 * belief]: of u - 1/2 and its square
    contact_slopes: tuple[tuple[float, ...], ...] = ()
    leads: int = 0
    key: str = ""
    rounds: int = field(default=0, compare=False)

    def intercepts(self, names: tuple[str, ...], base: Floats, draw: int | None) -> dict[str, tuple[float, float]]:
        """(intercept, contact intercept) of each stage of this name, for base rates of a variant or a draw."""
        features = self._features(draw)
        found = {}
        for i, stage in enumerate(self.stages):
            if stage not in names:
                continue
            p = float(base[names.index(stage)]) * self.ratio[i]
            if p > 1.0 + 1e-9:
                raise _too_high(stage, float(base[names.index(stage)]), 1.0 / self.ratio[i])
            added = self.added[i] + _dot(self.slopes, i, features)
            found[stage] = (_logit(p) + added, self.contact[i] + _dot(self.contact_slopes, i, features))
        return found

    def plan(self, blueprint: Blueprint, draw: int | None = None) -> Plan:
        """The plan of a draw of the root or of a variant, with inherited intercepts."""
        plan = blueprint.plan(draw)
        names = blueprint.book.stages
        stages = plan.stages.copy()
        for stage, (intercept, contact) in self.intercepts(names, stages["base"], draw).items():
            stages["intercept"][names.index(stage)] = intercept
            stages["contact_intercept"][names.index(stage)] = contact
        return plan._replace(stages=stages)

    def _features(self, draw: int | None) -> Floats:
        if draw is None:
            return np.zeros(2 * len(self.beliefs))
        away = np.array([uniform(self.seed, draw, path) - 0.5 for path in self.beliefs])
        return np.concatenate((away, away**2))


def anchor(
    root: Blueprint,
    threads: int | None = None,
    on_step: Callable[[str], None] | None = None,
    cache: bool = True,
    like: Anchor | None = None,
) -> Anchor:
    """Find, or recall, the anchor of a root scenario. Raises ScenarioError when a base rate cannot be reached.

    `like` lends its slopes: for a world in which only the response curve differs, beliefs move the intercepts alike.
    """
    lend = like if like is not None and like.beliefs == tuple(belief.path for belief in root.beliefs) else None
    key = _key(root, lend)
    kept = _file(key)
    if cache and kept.exists():
        return _load(kept)
    found = _solve(root, key, lend, threads, on_step or (lambda text: None))
    if cache:
        _save(found, kept)
    return found


def _solve(
    root: Blueprint, key: str, lend: Anchor | None, threads: int | None, on_step: Callable[[str], None]
) -> Anchor:
    plan = root.centre
    names = root.book.stages
    if not _needs_anchor(plan).any():
        zeros = tuple(0.0 for _ in names)
        return Anchor(
            names, root.scenario.seed, (), _tuple(plan.stages["base"]), zeros, tuple(1.0 for _ in names), zeros, key=key
        )
    many = _replications(plan, root.scenario.seed, threads)
    on_step("anchoring the base rates (once)")
    start = _logits(plan.stages["base"]), np.zeros(len(names))
    centre = _settle(plan, root.scenario.seed, many, start, threads, names)
    slopes: _Slopes = ()
    contact_slopes: _Slopes = ()
    if lend is not None:
        slopes, contact_slopes = lend.slopes, lend.contact_slopes
    elif root.beliefs:
        slopes, contact_slopes = _slopes(root, centre, max(2, many // 4), threads, on_step)
    return Anchor(
        names,
        root.scenario.seed,
        tuple(belief.path for belief in root.beliefs),
        _tuple(plan.stages["base"]),
        _tuple(_added(centre, plan)),
        _tuple(centre.ratio),
        _tuple(centre.contact),
        slopes,
        contact_slopes,
        centre.leads,
        key,
        centre.rounds,
    )


_Slopes = tuple[tuple[float, ...], ...]


@dataclass
class _Solution:
    intercept: Floats
    contact: Floats
    ratio: Floats
    leads: int
    rounds: int


def _settle(
    plan: Plan, seed: int, many: int, start: tuple[Floats, Floats], threads: int | None, names: tuple[str, ...]
) -> _Solution:
    """Simulate and solve until the intercepts stand still."""
    intercept, contact = start
    numbers = range(_FIRST_REPLICATION, _FIRST_REPLICATION + many)
    wanted = _needs_anchor(plan)
    ratio = np.ones(len(names))
    leads = rounds = 0
    while rounds < _STEPS:
        rounds += 1
        stages = plan.stages.copy()
        stages["intercept"], stages["contact_intercept"] = intercept, contact
        visits = visits_of(plan._replace(stages=stages), seed, numbers, threads)
        visits = visits[
            (visits.entered >= 0.0) & (visits.entered < plan.settings[0].measure_to) & (visits.arrived >= 0.0)
        ]
        leads = len(np.unique(visits.lead)) * many
        before = intercept.copy(), contact.copy()
        for stage in np.flatnonzero(wanted).tolist():
            mine = visits[visits.stage == stage]
            intercept[stage], ratio[stage] = _intercept(plan, stage, mine, names[stage], intercept[stage])
            contact[stage] = _contact(plan, stage, mine, contact[stage])
        moved = max(np.abs(_away(intercept, before[0])).max(), np.abs(contact - before[1]).max())
        if moved < _SETTLED:
            break
    return _Solution(intercept, contact, ratio, leads, rounds)


def _intercept(plan: Plan, stage: int, visits: Any, name: str, before: float) -> tuple[float, float]:
    """Solve the stage's base rate over its visits; and entered / dealt with."""
    row = plan.stages[stage]
    base = float(plan.stages["base"][stage])
    dealt = visits.chance >= 0.0
    ratio = 1.0
    if row.base_of_entered and row.step_count > 0 and dealt.any():
        over = dealt | (visits.ended >= 0.0)  # still waiting for the first contact tells nothing yet
        ratio = float(over.sum() / dealt.sum())
    if not 0.0 < base < 1.0 or not dealt.any():
        return before, ratio
    if base * ratio >= 1.0:
        raise _too_high(name, base, 1.0 / ratio)
    return solve_intercept(visits.shift[dealt], base * ratio), ratio


def solve_intercept(shifts: Floats, rate: float) -> float:
    """c with mean of 1 / (1 + exp(-(c + shift))) = rate, by Newton's method from the uniform solution."""
    c = _logit(rate) - float(shifts.mean())
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-(c + shifts)))
        step = (float(p.mean()) - rate) / max(float((p * (1.0 - p)).mean()), 1e-12)
        c -= max(-2.0, min(2.0, step))
        if abs(step) < 1e-12:
            break
    return c


def _contact(plan: Plan, stage: int, visits: Any, before: float) -> float:
    """The shift of all contact chances that makes their mean that of the table, over the attempts made."""
    row = plan.stages[stage]
    effects = plan.effects[row.effect_first : row.effect_first + row.effect_count]
    effects = effects[effects.target == CONTACT_CHANCE]
    touched = visits[(visits.touched >= 0.0) & (visits.attempts > 0)]
    if not len(effects) or not len(touched):
        return before
    shift = np.zeros(len(touched))
    for effect in effects:
        curve = plan.points[effect.curve_first : effect.curve_first + effect.curve_count]
        delay = np.maximum(touched.touched - touched.entered, 1e-9)
        shift += plan.points[effect.size_first].y * np.interp(np.log(delay), curve.x, curve.y)
    step = plan.steps[row.step_first]
    table = plan.points[step.contact_first : step.contact_first + step.contact_count].y
    chances, shifts = [], []
    for k in range(int(touched.attempts.max())):
        made = touched.attempts > k
        chance = table[min(k, len(table) - 1)]
        if 0.0 < chance < 1.0:
            chances.append(np.full(made.sum(), _logit(float(chance))))
            shifts.append(shift[made])
    if not chances:
        return before
    logits = np.concatenate(chances)
    rate = float((1.0 / (1.0 + np.exp(-logits))).mean())
    return solve_intercept(logits + np.concatenate(shifts), rate)


def _slopes(
    root: Blueprint, centre: _Solution, many: int, threads: int | None, on_step: Callable[[str], None]
) -> tuple[_Slopes, _Slopes]:
    """How the intercepts follow each belief: least squares over points of the ranges, on the luck of the centre."""
    seed, names = root.scenario.seed, root.book.stages
    start = centre.intercept, centre.contact
    at_centre = _settle(root.centre, seed, many, (start[0].copy(), start[1].copy()), threads, names)
    rows, moved, contacts = [], [], []
    on_step(f"anchoring {POINTS} points of the ranges (once)")
    for i in range(POINTS):
        draw = _FIRST_DRAW + i
        away = np.array([uniform(seed, draw, belief.path) - 0.5 for belief in root.beliefs])
        rows.append(np.concatenate((away, away**2)))
        here = _settle(
            root.believed(draw), seed, many, (at_centre.intercept.copy(), at_centre.contact.copy()), threads, names
        )
        moved.append(_added(here, root.centre) - _added(at_centre, root.centre))
        contacts.append(here.contact - at_centre.contact)
    design = np.array(rows)
    found = np.linalg.lstsq(design, np.array(moved), rcond=1e-6)[0]
    found_contact = np.linalg.lstsq(design, np.array(contacts), rcond=1e-6)[0]
    return tuple(_tuple(column) for column in found.T), tuple(_tuple(column) for column in found_contact.T)


def _added(solution: _Solution, plan: Plan) -> Floats:
    """What the effects add: nothing where the base rate is 0 or 1 and the log-odds are infinite."""
    return _away(solution.intercept, _logits(plan.stages["base"] * solution.ratio))


def _needs_anchor(plan: Plan) -> NDArray[np.bool_]:
    stages = plan.stages
    between = (stages["base"] > 0.0) & (stages["base"] < 1.0)
    worked = between & (stages["base_of_entered"] > 0) & (stages["step_count"] > 0)
    needs: NDArray[np.bool_] = (stages["effect_count"] > 0) | worked
    return needs


def _replications(plan: Plan, seed: int, threads: int | None) -> int:
    """As many as bring LEADS leads."""
    leads = len(np.unique(visits_of(plan, seed, [_FIRST_REPLICATION], threads).lead))
    return int(min(64, max(2, math.ceil(LEADS / max(leads, 1)))))


# ---- kept for the next time -----------------------------------------------------------------------------------------


def _key(root: Blueprint, lend: Anchor | None = None) -> str:
    ranges = [(belief.path, belief.low, belief.high, belief.scale) for belief in root.beliefs]
    text = json.dumps(
        [
            VERSION,
            engine_hash(),
            fingerprint(root.centre),
            ranges,
            root.scenario.seed,
            LEADS,
            POINTS,
            lend.key if lend else "",
        ]
    )
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _file(key: str) -> Path:
    return cache_root() / "anchors" / f"{key}.json"


def _load(path: Path) -> Anchor:
    return from_json(json.loads(path.read_text()))


def from_json(kept: dict[str, Any]) -> Anchor:
    """An anchor from a manifest or the cache."""

    def frozen(value: Any) -> Any:
        return tuple(frozen(item) for item in value) if isinstance(value, list) else value

    return Anchor(**{name: frozen(value) for name, value in kept.items()})


def to_json(found: Anchor) -> dict[str, Any]:
    """For a manifest or the cache."""
    return asdict(found)


def _save(found: Anchor, path: Path) -> None:
    """Whole or not at all; a cache that cannot be written is no error."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
            json.dump(to_json(found), file)
        Path(file.name).replace(path)
    except OSError:
        return


# ---- helpers --------------------------------------------------------------------------------------------------------


def _too_high(stage: str, base: float, reached: float) -> ScenarioError:
    return ScenarioError(
        f"stages.{stage}.next: {base:.1%} of all leads that enter go on, but only {reached:.1%} are reached in the "
        f"root scenario, so {base / reached:.1%} of the reached would have to go on; "
        "check the contact table, the attempts or the habit"
    )


def _away(one: Floats, other: Floats) -> Floats:
    """one - other where both are finite, else 0."""
    finite = np.isfinite(one) & np.isfinite(other)
    return np.where(finite, np.where(finite, one, 0.0) - np.where(finite, other, 0.0), 0.0)


def _logits(p: Floats) -> Floats:
    return np.array([_logit(float(one)) for one in p])


def _logit(p: float) -> float:
    return math.inf if p >= 1.0 else -math.inf if p <= 0.0 else math.log(p / (1.0 - p))


def _dot(slopes: tuple[tuple[float, ...], ...], stage: int, features: Floats) -> float:
    return float(np.dot(slopes[stage], features)) if slopes else 0.0


def _tuple(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
