"""Intercept calibration ("anchoring"): the root scenario reproduces its base rates, and variants and draws inherit what
makes it do so (rules 68 to 71).

A base rate p in a file is an average over the leads dealt with in the root scenario, with all its effects on.
`solve_intercepts` finds the intercepts, the shifts of contact chances and the offsets of definitions under which the
root's own simulation gives it. Ranges: the same at some twenty points of the ranges; between them a quadratic in each
belief.

What is kept of an intercept is not c but c - logit(p r), the part that the effects add: a variant or a draw with
another base rate then inherits the rest. Of a definition it is the offset (rule 83): a variant with another threshold
on the same score inherits it, so that its conversion becomes an outcome. Found once, kept in the user's cache under a
hash of all that it depends on.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from funnelsim.compile import Blueprint
from funnelsim.compile.parameter_draws import Draw, uniform
from funnelsim.engine.jit import cache_root, engine_hash
from funnelsim.plan import Plan, fingerprint
from funnelsim.study.solve_intercepts import (
    InterceptSolution,
    base_rate_too_high,
    finite_difference,
    leads_of,
    logit,
    logits,
    needs_anchor,
    solve_intercepts,
)
from funnelsim.typing import FloatArray

Slopes = tuple[tuple[float, ...], ...]  # [stage or definition][2 * belief]: of u - 1/2 and its square

LEADS = 120_000  # simulated for the centre; the error left in a base rate is far below that of a study
POINTS = 20  # points of the ranges
_FIRST_DRAW = 1_000_000
VERSION = 3


@dataclass(frozen=True)
class Anchor:
    """What the effects of a root scenario add to the log-odds of its base rates, and to its scores."""

    stages: tuple[str, ...]
    seed: int
    beliefs: tuple[str, ...]  # paths, in the order of the coefficients
    base: tuple[float, ...]
    added: tuple[float, ...]  # c - logit(p r), by stage, beliefs at their centre
    ratio: tuple[float, ...]  # r
    contact: tuple[float, ...]  # added to the log-odds of contact chances
    slopes: Slopes = ()
    contact_slopes: Slopes = ()
    leads: int = 0
    key: str = ""
    definitions: tuple[str, ...] = ()  # that open a gate
    scores: tuple[str, ...] = ()  # whose they are
    offsets: tuple[float, ...] = ()  # added to these scores
    offset_slopes: Slopes = ()
    rounds: int = field(default=0, compare=False)

    def intercepts(self, names: tuple[str, ...], base: FloatArray, draw: Draw | None) -> dict[str, tuple[float, float]]:
        """(intercept, contact intercept) of each stage of this name, for base rates of a variant or a draw."""
        features = self._features(draw)
        pairs = {}
        for i, stage in enumerate(self.stages):
            if stage not in names:
                continue
            p = float(base[names.index(stage)]) * self.ratio[i]
            if p > 1.0 + 1e-9:
                raise base_rate_too_high(stage, float(base[names.index(stage)]), 1.0 / self.ratio[i])
            added = self.added[i] + _dot(self.slopes, i, features)
            pairs[stage] = (logit(p) + added, self.contact[i] + _dot(self.contact_slopes, i, features))
        return pairs

    def offset(self, definition: str, score: str, draw: Draw | None) -> float:
        """What a definition adds to its score; nothing when the root's is of another score, or opens no gate."""
        if definition not in self.definitions or self.scores[self.definitions.index(definition)] != score:
            return 0.0
        i = self.definitions.index(definition)
        return self.offsets[i] + _dot(self.offset_slopes, i, self._features(draw))

    def plan(self, blueprint: Blueprint, draw: Draw | None = None) -> Plan:
        """The plan of a draw of the root or of a variant, with inherited intercepts and offsets."""
        plan = blueprint.plan(draw)
        names = blueprint.book.stages
        stages, definitions = plan.stages.copy(), plan.definitions.copy()
        for stage, (intercept, contact) in self.intercepts(names, stages["base"], draw).items():
            stages["intercept"][names.index(stage)] = intercept
            stages["contact_intercept"][names.index(stage)] = contact
        for i, (name, definition) in enumerate(blueprint.scenario.definitions.items()):
            definitions["offset"][i] = self.offset(name, definition.score, draw)
        return plan._replace(stages=stages, definitions=definitions)

    def _features(self, draw: Draw | None) -> FloatArray:
        if draw is None:
            return np.zeros(2 * len(self.beliefs))
        away_ = np.array([uniform(self.seed, draw, path) - 0.5 for path in self.beliefs])
        return np.concatenate((away_, away_**2))


def anchor(
    root: Blueprint,
    threads: int | None = None,
    on_step: Callable[[str], None] | None = None,
    cache: bool = True,
    like: Anchor | None = None,
) -> Anchor:
    """Find, or recall, the anchor of a root scenario. Raises ScenarioError when a base rate cannot be reached.

    `like` lends its slopes: where only the response curve differs, beliefs move the intercepts alike.
    """
    lend = like if like is not None and like.beliefs == tuple(belief.path for belief in root.beliefs) else None
    key = _key(root, lend)
    kept = _file(key)
    if cache and kept.exists():
        found = _load(kept, key, len(root.book.stages))
        if found is not None:
            return found
        (on_step or (lambda text: None))(f"{kept.name} of the cache is damaged: made again")
    solved = _solve(root, key, lend, threads, on_step or (lambda text: None))
    if cache:
        _save(solved, kept)
    return solved


def _solve(
    root: Blueprint, key: str, lend: Anchor | None, threads: int | None, on_step: Callable[[str], None]
) -> Anchor:
    plan = root.centre
    names = root.book.stages
    if not needs_anchor(plan).any():
        zeros = tuple(0.0 for _ in names)
        return Anchor(
            names, root.scenario.seed, (), _tuple(plan.stages["base"]), zeros, tuple(1.0 for _ in names), zeros, key=key
        )
    many = _replications(plan, root.scenario.seed, threads)
    on_step("anchoring the base rates (once)")
    centre = solve_intercepts(plan, root.scenario.seed, many, InterceptSolution.start(plan), threads, names)
    gates = _gates(plan)
    slopes = _Slopes()
    if lend is not None:
        slopes = _Slopes(lend.slopes, lend.contact_slopes, lend.offset_slopes)
    elif root.beliefs:
        slopes = _belief_slopes(root, centre, max(2, many // 4), threads, on_step)
    return Anchor(
        names,
        root.scenario.seed,
        tuple(belief.path for belief in root.beliefs),
        _tuple(plan.stages["base"]),
        _tuple(_effect_shift(centre, plan)),
        _tuple(centre.ratio),
        _tuple(centre.contact),
        slopes.added,
        slopes.contact,
        centre.leads,
        key,
        tuple(root.book.definitions[i] for i in gates),
        tuple(root.scenario.definitions[root.book.definitions[i]].score for i in gates),
        _tuple(centre.offset[gates]),
        slopes.offset,
        centre.rounds,
    )


@dataclass(frozen=True)
class _Slopes:
    """How the solution follows the beliefs."""

    added: Slopes = ()
    contact: Slopes = ()
    offset: Slopes = ()


def _belief_slopes(
    root: Blueprint, centre: InterceptSolution, many: int, threads: int | None, on_step: Callable[[str], None]
) -> _Slopes:
    """How the solution follows each belief: least squares over points of the ranges, on the luck of the centre."""
    seed, names, gates = root.scenario.seed, root.book.stages, _gates(root.centre)
    at_centre = solve_intercepts(root.centre, seed, many, centre, threads, names)
    rows, added, contacts, offsets = [], [], [], []
    on_step(f"anchoring {POINTS} points of the ranges (once)")
    for i in range(POINTS):
        draw = _FIRST_DRAW + i
        from_middle = np.array([uniform(seed, draw, belief.path) - 0.5 for belief in root.beliefs])
        rows.append(np.concatenate((from_middle, from_middle**2)))
        here = solve_intercepts(root.believed(draw), seed, many, at_centre, threads, names)
        added.append(_effect_shift(here, root.centre) - _effect_shift(at_centre, root.centre))
        contacts.append(here.contact - at_centre.contact)
        offsets.append((here.offset - at_centre.offset)[gates])
    return _Slopes(*(_fitted(np.array(rows), np.array(moved)) for moved in (added, contacts, offsets)))


def _fitted(design: FloatArray, moved: FloatArray) -> Slopes:
    return tuple(_tuple(column) for column in np.linalg.lstsq(design, moved, rcond=1e-6)[0].T)


def _effect_shift(solution: InterceptSolution, plan: Plan) -> FloatArray:
    """What the effects add: nothing where the base rate is 0 or 1 and the log-odds are infinite."""
    return finite_difference(solution.intercept, logits(plan.stages["base"] * solution.ratio))


def _gates(plan: Plan) -> list[int]:
    """Definitions that open a gate."""
    return sorted({int(gate) for gate in plan.stages["gate"] if gate >= 0})


def _replications(plan: Plan, seed: int, threads: int | None) -> int:
    """As many as bring LEADS leads."""
    return int(min(64, max(2, math.ceil(LEADS / max(leads_of(plan, seed, threads), 1)))))


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


def _load(path: Path, key: str, stages: int) -> Anchor | None:
    """The anchor that was kept; None when the file is torn or another one."""
    try:
        found = from_json(json.loads(path.read_text(encoding="utf-8")))
        whole = found.key == key and len(found.stages) == len(found.added) == len(found.ratio) == stages
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    return found if whole else None


def from_json(kept: dict[str, Any]) -> Anchor:
    """An anchor from a manifest or the cache."""

    def frozen(value: Any) -> Any:
        return tuple(frozen(item) for item in value) if isinstance(value, list) else value

    return Anchor(**{name: frozen(value) for name, value in kept.items()})


def to_json(solved: Anchor) -> dict[str, Any]:
    """For a manifest or the cache."""
    return asdict(solved)


def _save(solved: Anchor, path: Path) -> None:
    """Whole or not at all; a cache that cannot be written is no error."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}-{os.getpid()}.part")  # open() keeps to the umask, mkstemp does not
        try:
            with part.open("w", encoding="utf-8") as stream:
                json.dump(to_json(solved), stream)
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError:
        return


# ---- helpers --------------------------------------------------------------------------------------------------------


def _dot(slopes: tuple[tuple[float, ...], ...], stage: int, features: FloatArray) -> float:
    return float(np.dot(slopes[stage], features)) if slopes else 0.0


def _tuple(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
