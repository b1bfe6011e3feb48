"""explain: two scenarios or a manifest to a divided difference, saved whole with its waterfall.

results/explain-<name>-<hash>/
    manifest.json
    shares.csv          a group of changes a row: its share with both errors, alone and last
    shares.parquet      the shares in each draw and pair
    explain.json        all that was found
    waterfall.png, .svg
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelsim import manifest as manifests
from funnelsim.commands.persistence import executor_on, papers, points_in, ready, saved
from funnelsim.commands.rerun import refuse_changes, same_digits
from funnelsim.commands.study_result import StudyResult
from funnelsim.errors import UsageError
from funnelsim.manifest import Manifest, manifest_at
from funnelsim.progress import Progress
from funnelsim.reporting.common.figure_formats import Figures, formats_of
from funnelsim.scenario import load, loads_resolved
from funnelsim.study.anchor import from_json, to_json
from funnelsim.study.compare import goal_of
from funnelsim.study.explain.coalitions import ExplainSpec, name_of
from funnelsim.study.explain.explain import Explanation, ShapleyShare
from funnelsim.study.explain.explain import explain as study
from funnelsim.study.point import NestedDesign

if TYPE_CHECKING:
    import polars as pl

DRAWS, PAIRS = 40, 4


class ExplanationResult(StudyResult[Explanation]):
    """A finished explanation, and where it is saved."""

    what = "explain"

    def __repr__(self) -> str:
        question, groups = self.found.spec, len(self.found.parts)
        return (
            f"<Explanation of {name_of(question.other)!r} against {name_of(question.base)!r}: {question.measure}, "
            f"{groups} parts, seed {self.manifest.seed}>"
        )

    def report(self, verbose: int = 0, width: int = 0) -> str:
        """The text of an explanation."""
        from funnelsim.reporting.explain.report import explain_report

        return explain_report(self.found, verbose, width)

    def frame(self) -> pl.DataFrame:
        """A row a group of changes, as shares.csv: its share with both errors, alone and last."""
        import polars as pl

        return pl.DataFrame(list(_rows(self.found)))

    def tables(self) -> dict[str, pl.DataFrame]:
        """The shares, and what they are in each draw and pair."""
        import polars as pl

        return {"shares.csv": self.frame(), "shares.parquet": pl.concat(_by_draw(one) for one in _all(self.found))}

    def as_data(self) -> dict[str, Any]:
        """Plain data, as `--json` prints it."""
        found, people = self.found, self.found.equal_hours
        return {
            "base": found.spec.base.scenario.name,
            "other": found.spec.other.scenario.name,
            "measure": found.spec.measure,
            "unit": found.unit,
            "difference": asdict(found.difference),
            "base_value": asdict(found.base),
            "other_value": asdict(found.other),
            "shares": [_share(one) | _changes(found, one) for one in found.shares],
            "united": [asdict(one) for one in found.merged_groups],
            "equal_people": None
            if people is None
            else {
                "alone": asdict(people.alone),
                "instead_of_sharing": asdict(people.with_lending) if people.with_lending else None,
                "hours_lent": dict(people.lent.hours) if people.lent else {},
                "paid_hours": list(people.paid),
                "steps": [_share(one) for one in people.steps],
            },
            "draws": found.spec.draws,
            "pairs": found.spec.size.pairs,
            "coalitions": found.coalitions,
            "orders": found.orders or "all",
            "notes": found.notes,
            "digest": self.manifest.digest,
            "folder": str(self.folder) if self.folder else None,
        }


def explain(
    base: str | Path,
    other: str | Path | None = None,
    *,
    measure: str | None = None,
    sets: Sequence[str] = (),
    seed: int | None = None,
    draws: int | None = None,
    pairs: int | None = None,
    orders: int | None = None,
    equal_people: bool | None = None,
    engine: str | None = None,
    threads: int | None = None,
    cluster: str | None = None,
    out: str | Path | None = "results",
    figures: Figures = True,
    command: Sequence[str] = (),
    watch: Progress | None = None,
) -> ExplanationResult:
    """Divide the difference of two scenarios among their changes; or repeat an explanation from its manifest alone.

    `sets` change both scenarios. Mixtures of the two that are finished are kept in `out`/points and never run twice.
    """
    watch, formats = watch or Progress(), formats_of(figures)
    repeated = manifest_at(Path(base), "explain")
    if repeated is not None:
        refuse_changes(other, measure, sets, seed, draws, pairs, orders, equal_people, engine)
        question = _question_of(repeated)
    else:
        size = _size(draws, pairs)
        question = _question(base, other, measure, sets, seed, size, orders, equal_people, engine)
    ready(out, (question.base, question.other), question.engine, watch)
    began = datetime.now(UTC)
    with executor_on(cluster) as executor:
        found = study(question, points_in(out), executor, threads, watch)
    watch.clear()
    manifest = _manifest(found, began, list(command) or ["funnelsim", "explain", str(base), str(other or "")])
    return saved(ExplanationResult(found, same_digits(manifest, repeated, watch)), out, formats)


def _size(draws: int | None, pairs: int | None) -> NestedDesign:
    draws, pairs = draws or DRAWS, pairs or PAIRS
    return NestedDesign(draws * pairs, None, pairs)


def _question(
    base: str | Path,
    other: str | Path | None,
    measure: str | None,
    sets: Sequence[str],
    seed: int | None,
    size: NestedDesign,
    orders: int | None,
    equal_people: bool | None,
    engine: str | None,
) -> ExplainSpec:
    if other is None:
        raise UsageError("explain needs two scenarios: a base and another")
    first, second = load(str(base), sets), load(str(other), sets)
    return ExplainSpec(
        first,
        second,
        measure or goal_of(first),
        size,
        first.scenario.seed if seed is None else seed,
        math.ceil(orders / 2) if orders else None,
        engine or "fast",
        equal_people is not False,
    )


def _question_of(manifest: Manifest) -> ExplainSpec:
    """The question that a manifest holds."""
    design = manifest.design
    first, second = (loads_resolved(one) for one in manifest.resolved)
    return ExplainSpec(
        first,
        second,
        design["measure"],
        NestedDesign(**design["size"]),
        manifest.seed,
        design["order_pairs"],
        manifest.engine,
        design["equal_people"],
        from_json(manifest.anchor[0]),
    )


def _manifest(found: Explanation, began: datetime, command: list[str]) -> Manifest:
    question = found.spec
    return Manifest(
        kind="explain",
        name=question.other.scenario.name or "scenario",
        command=command,
        plan=manifests.hash_of(found.keys),
        seed=question.seed,
        replications=question.size.replications,
        engine=question.engine,
        digest=_digest(found),
        book={"currency": found.currency},
        anchor=[to_json(found.anchor)],
        design={
            "measure": question.measure,
            "size": asdict(question.size),
            "order_pairs": question.order_pairs,
            "equal_people": question.equal_hours,
        },
        **papers((question.base, question.other), began),
    )


def _digest(found: Explanation) -> str:
    """Hash of every share in every draw and pair."""
    digest = hashlib.sha256()
    for one in _all(found):
        digest.update(one.name.encode() + np.ascontiguousarray(one.by_draw, np.float64).tobytes())
    return digest.hexdigest()


# ---- what is left --------------------------------------------------------------------------------------------------


def _all(found: Explanation) -> list[ShapleyShare]:
    """The shares, and behind them the steps of the one that shares the work."""
    return [*found.shares, *(found.equal_hours.steps if found.equal_hours else ())]


def _rows(found: Explanation) -> Iterator[dict[str, Any]]:
    for one in _all(found):
        yield {
            "share": one.name,
            "step of another share": one not in found.shares,
            "mean": one.value.mean,
            "low": one.value.low,
            "high": one.value.high,
            "error": one.value.error,
            "error of orders": one.order_error,
            "alone": one.alone.mean,
            "alone low": one.alone.low,
            "alone high": one.alone.high,
            "last": one.last.mean,
            "last low": one.last.low,
            "last high": one.last.high,
        }


def _by_draw(one: ShapleyShare) -> pl.DataFrame:
    import polars as pl

    draws, pairs = one.by_draw.shape
    return pl.DataFrame(
        {
            "share": [one.name] * (draws * pairs),
            "draw": np.repeat(np.arange(draws), pairs),
            "pair": np.tile(np.arange(pairs), draws),
            "value": one.by_draw.ravel(),
        }
    )


def _share(one: ShapleyShare) -> dict[str, Any]:
    return {
        "name": one.name,
        **asdict(one.value),
        "error_of_orders": one.order_error,
        "alone": asdict(one.alone),
        "last": asdict(one.last),
    }


def _changes(found: Explanation, one: ShapleyShare) -> dict[str, Any]:
    return {"changes": [asdict(change.difference) for change in found.group(one).changes]}
